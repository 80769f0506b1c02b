# shellcheck shell=bash disable=SC2034,SC2154
# A study of seconds for tests on the private Slurm, sites for it, and what is asked about it. Sourced in a folder of one's own.
study=$root/slurm/study

cat >little.yaml <<'YAML'
study: little
title: SYNTHETIC study of a test
preset: tiny
cohorts:
  unlabelled: {records: 120, synth: {synth.seed: 3}}
  clinical: {records: 160, synth: {synth.seed: 5}, split: {split.by: hash, split.test_fraction: 0.3, split.valid_fraction: 0.2}}
  abroad: {records: 100, synth: {synth.seed: 7}}
pretrain: {cohort: unlabelled, set: {train.epochs: 2, train.batch: 64, train.slots: 4, train.warmup_epochs: 0}}
finetune:
  seeds: 1
  set: {train.batch: 64, train.slots: 4, train.epochs: 1, train.warmup_epochs: 0}
  arms:
    ssl: {from: pretrained, mode: "top:1"}
    de-novo: {from: scratch}
  tasks:
    clinical: [study/age, study/sex]
evaluate:
  set: {evaluate.replicates: 100}
  cohorts:
    clinical: [study/age, study/sex]
    abroad: [study/age, study/sex]
YAML
# site NAME LINE...: a site's file.
site() {
    printf '%s\n' 'export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1' "EIN_PROGRAM=$einthoven" EIN_BIND=none EIN_MIN_FREE_MIB=10 EIN_SIGNAL_S=20 EIN_NODES_PRETRAIN=4 EIN_ARRAY_LIMIT=2 \
        EIN_TIME_{SYNTH,INGEST,PRETRAIN,FINETUNE,EVALUATE,TABLE}=0:10:00 "${@:2}" >"$tmp/$1.env"
}
site mpirun 'EIN_LAUNCHER=(mpirun)'
site srun 'EIN_LAUNCHER=(srun --mpi=pmix)'
# one_line NAME REGEX: the last command said one line to stderr, which matches.
one_line() {
    is "$1: one line" "$(wc -l <<<"$err")" 1
    like "$1: what and what to do" "$err" "$2"
}
cells_done() { "$einthoven" study little.yaml --cells "$1" --out "$2" | awk -F'\t' '$3 == "done"' | wc -l; }
jobs_of() { squeue --noheader --array --format='%k' | grep -cxF "einthoven:$tmp/$1"; }
no_jobs_of() { [ "$(jobs_of "$1")" -eq 0 ]; }
