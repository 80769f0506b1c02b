#!/bin/bash
# `make quality`: what an encoder tells of labelled ECGs, as a curve over its pretraining, for a list of recipes.
# quality.sh BUILD_DIR CORPUS FOLDER [RECIPES]
#
#   make quality CORPUS=ptbxl.h5                                  tests/bench/recipes.txt, seeds 1 2 3
#   make quality CORPUS=ptbxl.h5 RECIPES=mine.txt SEEDS=1
#
# A line of RECIPES is a name and options of pretrain; the first recipe is the reference. Each run takes one thread, holds out a
# fifth of the patients and is probed (frozen encoder, linear models) on those every so many epochs. CORPUS has the columns of
# tasks `findings` and the statements of `ptbxl/superclass`. Runs lie in FOLDER/NAME-sSEED and are not done twice; one that was
# stopped goes on, but its time is then that of its last life. FOLDER/curves.csv has all probes, FOLDER/table.md the ends and what
# it took to where the reference ends, FOLDER/curves.svg the plot. Time is processor time of the whole run, probes included.
set -u
build=$(cd "$1" && pwd) || exit 1
corpus=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
recipes=${4:-$here/recipes.txt}
read -ra seeds <<<"${SEEDS:-1 2 3}"
export OMP_WAIT_POLICY=passive
if [ ! -f "$corpus" ]; then
    echo "quality: no corpus $corpus; make one with einthoven ingest and name it: make quality CORPUS=FILE" >&2
    exit 2
fi
mkdir -p "$out"

# one NAME SEED OPTION...: the run and, beside it, its processor time.
one() {
    local name=$1-s$2 seed=$2
    shift 2
    [ -s "$out/$name.time" ] && return
    echo "$name: pretrain $*"
    {
        TIMEFORMAT='%U %S'
        time "$build/einthoven" pretrain --corpus "$corpus" --run "$out/$name" --set split.by=hash --set split.valid_fraction=0.2 \
            --set split.test_fraction=0 --set probe.tasks=findings,ptbxl/superclass --set train.threads=1 \
            --set run.checkpoint_minutes=0 --set train.seed="$seed" "$@" 2>"$out/$name.err" </dev/null >/dev/null
    } 2>"$out/$name.seconds" || {
        tail -n 3 "$out/$name.err" >&2
        return 1
    }
    mv "$out/$name.seconds" "$out/$name.time"
}

names=()
while read -r name options; do
    case $name in '' | '#'*) continue ;; esac
    names+=("$name")
    for seed in "${seeds[@]}"; do
        # shellcheck disable=SC2086 # options are words
        one "$name" "$seed" $options || exit 1
    done
done <"$recipes"

# recipe,seed,epoch,update,records,core_s,task,auroc
{
    echo 'recipe,seed,epoch,update,records,core_s,task,auroc'
    for name in "${names[@]}"; do
        for seed in "${seeds[@]}"; do
            run=$out/$name-s$seed
            [ -s "$run.time" ] || continue
            batch=$(sed -n 's/^  batch: //p' "$run/config.resolved.yaml")
            steps=$(tail -n 1 "$run/probe.csv" | cut -d, -f 2)
            seconds=$(awk '{ print $1 + $2 }' "$run.time")
            awk -F, -v OFS=, -v name="$name" -v seed="$seed" -v batch="$batch" -v steps="$steps" -v seconds="$seconds" \
                'NR > 1 { printf "%s,%s,%s,%s,%d,%.1f,%s,%.4f\n", name, seed, $1, $2, $2 * batch, seconds * $2 / steps, $3, $5 }' \
                "$run/probe.csv"
        done
    done
} >"$out/curves.csv"
awk -f "$here/quality.awk" -v out="$out" "$out/curves.csv"
cat "$out/table.md"
