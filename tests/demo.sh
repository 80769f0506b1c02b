#!/bin/bash
# The main job on SYNTHETIC ECGs: a whole study in miniature on 2 ranks (jobs/study/demo.yaml): eight cohorts in the file formats
# of such sites, a tiny model pretrained, twelve tasks fine-tuned from it and from scratch, five further cohorts evaluated.
#
#     tests/demo.sh PROGRAM [FOLDER]         FOLDER: results/demo
#
# EIN_DEMO_SHORT=1 makes it a rehearsal with few records, nothing to be learnt.
# Given again it goes on where it was; another version of the program, or of the study, starts afresh.
set -eu

if [ $# -lt 1 ] || [ ! -x "$1" ]; then
    echo 'usage: tests/demo.sh PROGRAM [FOLDER]     (make demo builds the program and calls this)' >&2
    exit 2
fi
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")/.."
out=${2:-results/demo}
study=jobs/study/demo.yaml
short=${EIN_DEMO_SHORT:-0}
if [ "$short" = 1 ]; then study=tests/data/study_short.yaml; fi
if [ "$program" = "$PWD/einthoven" ]; then program=./einthoven; fi
if ! command -v mpirun >/dev/null; then
    echo 'demo: no mpirun here; "make deps" installs it, or load the MPI module of your cluster' >&2
    exit 1
fi
launch=(mpirun -n 2 --oversubscribe --bind-to none --quiet)
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
export OMPI_MCA_btl_vader_single_copy_mechanism=none # containers often forbid it, with a warning per rank

say() { printf '\n=== %s\n' "$*"; }
# Show a command as it can be typed, then run it.
show() {
    printf '\n$'
    printf ' %s' "$@"
    printf '\n'
    "$@" || {
        echo "demo: this command failed; what it says is above, what was made so far is in $out" >&2
        exit 1
    }
}

# What an older version made would be refused, key by key, or mixed with newer results; it is only a demonstration, so it goes.
version=$({
    "$program" --version | sed -n 1p
    echo "$short"
    cat "$0" "$study"
} | cksum)
if [ -e "$out" ] && [ "$(cat "$out/made-by" 2>/dev/null)" != "$version" ]; then
    if [ ! -f "$out/made-by" ] && [ -n "$(ls -A "$out")" ]; then
        echo "demo: $out holds something else; name another folder: tests/demo.sh PROGRAM FOLDER" >&2
        exit 1
    fi
    echo "demo: $out was made by another version; starting afresh"
    for made in cells cohorts corpora pretrain finetune evaluate; do rm -rf "${out:?}/$made"; done
    rm -rf "${out:?}"/report "$out"/{report.html,study.yaml,table.csv,table.txt,encoder.safetensors}
fi
mkdir -p "$out"
echo "$version" >"$out/made-by"
started=$SECONDS

say '1 of 3: a whole study on SYNTHETIC ECGs and a page of it; nobody in them exists (Ctrl-C stops it in order; make demo goes on)'
show "${launch[@]}" "$program" study "$study" --out "$out" --run
if [ ! -s "$out/table.csv" ] || ! grep -q '^done' "$out/cells/table/table/STATE"; then
    echo "demo: the study was stopped; run make demo again to go on"
    exit 0
fi

say '2 of 3: the encoder alone, for fine-tuning here or in PyTorch (timm tensor names)'
show "$program" convert "$out/pretrain/model.safetensors" "$out/encoder.safetensors" --encoder --overwrite

say '3 of 3: look at what was made'
show "$program" inspect "$out/encoder.safetensors"
show "$program" inspect "$out/pretrain"


say 'Summary (SYNTHETIC data: it shows that the machinery works, nothing about patients)'
echo 'Masked loss on held-out patients; 1.0 is what predicting each hidden patch by its mean costs.'
awk -F, -v short="$short" '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    $column["validation_loss"] != "" { loss[++n] = $column["validation_loss"] }
    END {
        if (n == 0) { print "  no validation yet"; exit }
        printf "  first %.4f, last %.4f: %s the baseline of 1.0\n", loss[1], loss[n], loss[n] < 1 ? "below" : "NOT below"
        exit !(short || loss[n] < 1)
    }' "$out/pretrain/metrics.csv" || {
    echo 'demo: the model has not learnt anything, which is a fault of ours' >&2
    exit 1
}
cat <<TEXT
$((SECONDS - started)) s in all. The table is above and in $out/table.txt and table.csv; $out holds
cohorts/ (WFDB, GE MUSE XML, CardioSoft XML; labels.csv), corpora/, pretrain/ (log, metrics, checkpoints, model), finetune/,
evaluate/ (scores and every statistic), encoder.safetensors, report.html with report/ (tables, figures).

A larger one, on one machine or under Slurm:

  ./einthoven study synthetic --scale 0.2
  mpirun -n 2 ./einthoven study synthetic --scale 0.2 --run
  slurm/study synthetic --dry-run

With your own ECGs (folders of WFDB, GE MUSE XML or CardioSoft XML files), type next:

  ./einthoven ingest --set model.preset=small --out corpus.h5 FOLDER
  ./einthoven inspect --verify corpus.h5
  ./einthoven pretrain --set model.preset=small --corpus corpus.h5 --dry-run
  mpirun -n 2 ./einthoven pretrain --set model.preset=small --corpus corpus.h5 --run results/first
  ./einthoven --help

To look at, open in a browser:

  $(cd "$out" && pwd)/report.html
TEXT
