#!/bin/bash
# The main job on SYNTHETIC ECGs: synthesise, ingest, pretrain a tiny model on 2 ranks, convert, inspect.
#
#     tests/demo.sh PROGRAM [FOLDER]         FOLDER: results/demo
#
# EIN_DEMO_SHORT=1 makes it a rehearsal of seconds: few records, three epochs, nothing to be learnt.
# Given again it goes on where it was; another version of the program, or of this script, starts afresh.
set -eu

if [ $# -lt 1 ] || [ ! -x "$1" ]; then
    echo 'usage: tests/demo.sh PROGRAM [FOLDER]     (make demo builds the program and calls this)' >&2
    exit 2
fi
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")/.."
out=${2:-results/demo}
study=jobs/study/demo.yaml
ranks=2
epochs=16
records=$(sed -n 's/^ *records: //p' $study)
short=${EIN_DEMO_SHORT:-0}
if [ "$short" = 1 ]; then
    epochs=3
    records=150
fi
if [ "$program" = "$PWD/einthoven" ]; then program=./einthoven; fi
if ! command -v mpirun >/dev/null; then
    echo 'demo: no mpirun here; "make deps" installs it, or load the MPI module of your cluster' >&2
    exit 1
fi
launch=(mpirun -n "$ranks" --oversubscribe --bind-to none --quiet)
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

# What an older version made would be refused below, key by key; it is only a demonstration, so it goes.
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
    rm -rf "${out:?}/ecg" "$out/corpus.h5" "$out/pretrain" "$out/encoder.safetensors"
fi
mkdir -p "$out"
echo "$version" >"$out/made-by"
started=$SECONDS

say "1 of 5: $records SYNTHETIC 12-lead ECGs as WFDB files, with labels; nobody in them exists"
show "${launch[@]}" "$program" synth "$study" --out "$out/ecg" --set synth.records="$records"

say '2 of 5: all files into one corpus: 8 leads, 100 Hz, quality flags, labels'
if "$program" inspect "$out/corpus.h5" >/dev/null 2>&1; then
    echo "$out/corpus.h5 is there and whole"
else
    show "${launch[@]}" "$program" ingest "$out/ecg" --set model.preset=tiny --out "$out/corpus.h5" --overwrite \
        --labels "$out/ecg/labels.csv" --label-key path
fi

say "3 of 5: pretrain a tiny masked autoencoder on $ranks ranks (Ctrl-C stops it in order; make demo goes on)"
show "${launch[@]}" "$program" pretrain --set model.preset=tiny --corpus "$out/corpus.h5" --run "$out/pretrain" \
    --set train.epochs=$epochs --set train.batch=64 --set train.warmup_epochs=2
if ! grep -q '^done' "$out/pretrain/STATE"; then
    echo "demo: pretraining was stopped; run make demo again to go on"
    exit 0
fi

say '4 of 5: the encoder alone, for fine-tuning here or in PyTorch (timm tensor names)'
show "$program" convert "$out/pretrain/model.safetensors" "$out/encoder.safetensors" --encoder --overwrite

say '5 of 5: look at what was made'
show "$program" inspect "$out/encoder.safetensors"
show "$program" inspect "$out/pretrain"

say 'Summary (SYNTHETIC data: it shows that the machinery works, nothing about patients)'
echo 'Validation loss by epoch; 1.0 is what predicting each hidden patch by its mean costs.'
awk -F, -v short="$short" '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    $column["validation_loss"] != "" {
        n++
        loss[n] = $column["validation_loss"]
        if (n == 1 || loss[n] > most) most = loss[n]
        if (n == 1 || loss[n] < least) least = loss[n]
    }
    END {
        if (n == 0) { print "  no validation yet"; exit }
        for (i = 1; i <= n; i++) {
            bar = ""
            width = most > least ? int(2 + 40 * (loss[i] - least) / (most - least)) : 2
            for (k = 0; k < width; k++) bar = bar "#"
            printf "  %3d  %.4f  %s\n", i, loss[i], bar
        }
        printf "First %.4f, last %.4f: %s the baseline of 1.0.\n", loss[1], loss[n], loss[n] < 1 ? "below" : "NOT below"
        exit !(short || loss[n] < 1)
    }' "$out/pretrain/metrics.csv" || {
    echo 'demo: the model has not learnt anything, which is a fault of ours' >&2
    exit 1
}
cat <<TEXT
$((SECONDS - started)) s in all. In $out: ecg/ (WFDB files, labels.csv), corpus.h5, pretrain/ (log, metrics.csv,
checkpoints, model.safetensors), encoder.safetensors.

With your own ECGs (folders of WFDB files, as PTB-XL or MIMIC-IV-ECG), type next:

  ./einthoven ingest --set model.preset=small --out corpus.h5 FOLDER
  ./einthoven inspect --verify corpus.h5
  ./einthoven pretrain --set model.preset=small --corpus corpus.h5 --dry-run
  mpirun -n 2 ./einthoven pretrain --set model.preset=small --corpus corpus.h5 --run results/first
  ./einthoven --help
TEXT
