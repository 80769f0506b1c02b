#!/bin/bash
# timeout: 900
# Scoring under Slurm: elements of an array are workers on one folder; one is killed and one told to stop in between; the
# table has the bytes of one process. And the score stage of a study as a job.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/slurm/fixture.sh
. "$(dirname "$0")/fixture.sh"
. "$(dirname "$0")/../mpi/score_model.sh"
cd "$root" || exit 1
make_score_model 60
# Two hundred inputs, so that no element is done before the others begin.
mkdir "$tmp/archive"
for copy in 1 2 3; do cp -r "$tmp/ecg" "$tmp/archive/$copy"; done
(cd "$tmp/archive" && tar -czf 4.tar.gz 1)
inputs=240
opts=(--model "$model" --set score.block=4 --set score.threads=1 --set score.stale_s=5 --set score.heartbeat_s=0.5)
ok 'one process, without Slurm' "$einthoven" score "$tmp/archive" "${opts[@]}" --out "$tmp/one"
is 'every input' "$(($(wc -l <"$tmp/one/scores.csv") - 1))" $inputs
printf '%s\n' "EIN_PROGRAM=$einthoven" EIN_BIND=none EIN_MIN_FREE_MIB=10 EIN_SIGNAL_S=20 'EIN_LAUNCHER=(mpirun)' \
    EIN_TIME_{SYNTH,INGEST,PRETRAIN,FINETUNE,EVALUATE,SCORE,TABLE}=0:10:00 >"$tmp/site.env"

# array NAME ELEMENTS: submit; its number in $job.
array() {
    job=$(sbatch --parsable "--array=$2" -N 1 -n 1 --time=10 --output="$tmp/$1-%a.log" slurm/score.sbatch --site "$tmp/site.env" \
        "$tmp/archive" "${opts[@]}" --out "$tmp/$1")
}
blocks() { find "$tmp/$1/blocks" -type f 2>/dev/null | wc -l; }
beyond() { [ "$(blocks "$1")" -gt "$2" ]; }
said() { grep -qE -e "$2" "$1"; }
claims() { [ "$(find "$tmp/hurt/claims" -type f | wc -l)" -eq "$1" ]; }
# element N: the job number of an element of $job, as its processes have it in their environment.
element() { scontrol show job "${job}_$1" | sed -n 's/^JobId=\([0-9]*\).*/\1/p'; }
same() { ok "$1: the bytes of one process" cmp "$tmp/one/scores.csv" "$tmp/$1/scores.csv"; }

# --- independent workers ----------------------------------------------------------------------------------------
array plain 1-3
ok 'three elements end' wait_for 200 job_gone "$job"
same plain
for i in 1 2 3; do is "element $i says that it is done" "$(head -n 1 "$tmp/plain/jobs/$i/STATE")" 'done'; done

# --- killed, stopped ---------------------------------------------------------------------------------------------
# A folder of the plan is away, as a file system that is not mounted: workers that have a block of it wait for it, so the
# blow falls in the middle however fast the machine is.
ok 'the plan' "$einthoven" score "$tmp/archive" "${opts[@]}" --out "$tmp/hurt" --part 1/1000
mv "$tmp/archive/3" "$tmp/away"
array hurt 1-3
ok 'what comes before it is scored' wait_for 200 beyond hurt $((inputs / 2 / 4 - 1))
ok 'each element has two blocks that it waits for' wait_for 60 claims 6
ranks_of "$(element 1)" KILL
ranks_of "$(element 2)" USR1
ok 'element 1 is on its way back' wait_for 100 said "$tmp/hurt-1.log" 'back into the queue'
ok 'and element 2' wait_for 100 said "$tmp/hurt-2.log" 'back into the queue'
mv "$tmp/away" "$tmp/archive/3"
ok 'all elements end' wait_for 300 job_gone "$job"
same hurt
is 'nothing of the dead is left' "$(find "$tmp/hurt/claims" -type f | wc -l)" 0
ok 'verified from the files' "$einthoven" score "$tmp/archive" "${opts[@]}" --out "$tmp/hurt" --verify 40

# --- as a stage of a study --------------------------------------------------------------------------------------
cat >"$tmp/study.yaml" <<YAML
study: scoring
title: SYNTHETIC study of a test
preset: tiny
cohorts:
  clinical: {records: 120, synth: {synth.seed: 5}, split: {split.by: hash, split.test_fraction: 0.1, split.valid_fraction: 0.3}}
  archive: {files: ["$tmp/archive"]}
finetune:
  set: {train.batch: 32, train.slots: 4, train.epochs: 1, train.warmup_epochs: 0}
  arms: {de-novo: {from: scratch}}
  tasks: {clinical: [study/sex]}
score:
  set: {score.block: 16}
  cohorts: {archive: [study/sex]}
YAML
for stage in synth ingest finetune; do
    ok "$stage, here" "$einthoven" study "$tmp/study.yaml" --out "$tmp/study" --run --stage "$stage"
done
ok 'the rest is submitted' slurm/study "$tmp/study.yaml" --out "$tmp/study" --site "$tmp/site.env"
like 'which is the score stage' "$out" 'score'
ok 'it ends' wait_for 300 no_jobs
ok 'status' "$einthoven" study "$tmp/study.yaml" --out "$tmp/study" --status
like 'done' "$out" '^score +1 +1 +0 +0 +0 +0$'
is 'a row for each recording' "$(($(wc -l <"$tmp/study/score/archive/scores.csv") - 1))" $inputs
done_testing
