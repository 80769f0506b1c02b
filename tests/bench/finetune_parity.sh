#!/bin/bash
# The same fine-tuning in Einthoven and in PyTorch: finetune_parity.sh EINTHOVEN CORPUS MODEL FOLDER [speed]
#
# CORPUS holds PTB-XL records with text column scp_statements, label columns MI and split_fold, and ages; MODEL is a model
# pretrained under its contract. For each task and mode: a run at rate 0 for the initial weights, the recipe's first 230
# updates of 64 records, the same in PyTorch (torch_finetune.py), and the test part's scores of both. One JSON line for each
# in FOLDER/parity.jsonl; exit 1 if a bound is broken. With `speed`, processor time per record instead, in FOLDER/speed.jsonl: the difference of runs
# of 93 updates and of 1, validations included in both programs, one thread each, in turn.
#
# $CELLS chooses (default: all below), $SPLIT is the split, $PYTHON the interpreter.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
einthoven=$1 corpus=$2 model=$3 folder=$4 what=${5:-parity}
python=${PYTHON:-python3}
read -ra split <<<"${SPLIT:---set split.by=fold --set split.column=split_fold --set split.valid=7 --set split.test=8,9}"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1
# Freed memory is kept, which PyTorch gains by (torch_mae.py).
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864
mkdir -p "$folder"
failed=0
cat >"$folder/mi.yaml" <<YAML
tasks: [{name: mi, kind: binary, group: ecg, columns: [MI]}]
YAML
cat >"$folder/age.yaml" <<YAML
tasks: [{name: age, kind: regression, group: demographic, columns: [age], unit: years, valid: [18, 90]}]
YAML

# TASK MODE RATE, the study's rates
all_cells='superclass top:4 5e-5
superclass top:2 5e-5
superclass full 5e-5
superclass scratch 1e-3
mi top:4 5e-5
mi scratch 1e-3
age top:4 5e-5
age scratch 1e-3'
[ "$what" = speed ] && all_cells='superclass full 5e-5
superclass top:4 5e-5
superclass top:2 5e-5'

tune() {
    local from=$model
    [ "$mode" = scratch ] && from=scratch
    "$einthoven" finetune --corpus "$corpus" "${split[@]}" --from "$from" --tasks "$task" --run "$1" --set finetune.mode="${2/scratch/full}" \
        --set train.batch=64 --set train.slots=4 --set train.threads=1 --set finetune.patience=0 "${@:3}" >"$1.out" 2>&1 ||
        { tail -n 5 "$1.out"; exit 1; }
}

compare() {
    local start=$folder/start-$cell run=$folder/run-$cell quick=linear
    [ "$mode" = scratch ] && quick=scratch
    tune "$start" "$quick" --set train.lr=0 --set train.warmup_lr=0 --set train.warmup_epochs=0 --set train.epochs=1
    tune "$run" "$mode" --set train.lr="$rate" --set run.max_steps=230
    local source=(--source "$model")
    [ "$mode" = scratch ] && source=()
    "$python" "$here/torch_finetune.py" "$run/$name/$arm-s1" --initial "$start/$name/${quick/:/-}-s1/best.safetensors" \
        --tasks "$yaml" --corpus "$corpus" --updates 230 --json "${source[@]}" | tee -a "$folder/parity.jsonl" || failed=1
    "$einthoven" evaluate --model "$run/$name/$arm-s1/best.safetensors" --corpus "$corpus" "${split[@]}" --part test --out "$run/scores" \
        --set evaluate.replicates=100 >"$run/scores.out" 2>&1 || { tail -n 5 "$run/scores.out"; exit 1; }
    "$python" "$here/torch_finetune.py" --scores "$run/scores/scores.csv" --model "$run/$name/$arm-s1/best.safetensors" --corpus "$corpus" \
        --json | tee -a "$folder/parity.jsonl" || failed=1
}

# Processor time of a run of so many updates.
cpu_s() {
    rm -rf "$folder/speed"
    local TIMEFORMAT='%U %S'
    { time tune "$folder/speed" "$mode" --set train.lr="$rate" --set run.max_steps="$1"; } 2>&1 | awk '{ print $1 + $2 }'
}

speed() {
    local long short peer micro start=$folder/start-$cell
    tune "$start" linear --set train.lr=0 --set train.warmup_lr=0 --set train.warmup_epochs=0 --set train.epochs=1
    for round in 1 2 3; do
        short=$(cpu_s 1) long=$(cpu_s 93)
        for micro in 64 16; do
            peer=$("$python" "$here/torch_finetune.py" "$folder/speed/$name/$arm-s1" --initial "$start/$name/linear-s1/best.safetensors" \
                --tasks "$yaml" --corpus "$corpus" --updates 93 --micro "$micro" --json)
            awk -v short="$short" -v long="$long" -v cell="$cell" -v round="$round" -v micro="$micro" -v peer="$peer" 'BEGIN {
                match(peer, /"trained_on": [0-9]+/); records = substr(peer, RSTART + 14, RLENGTH - 14)
                match(peer, /"records_per_cpu_s": [0-9.]+/); torch = substr(peer, RSTART + 21, RLENGTH - 21)
                ours = records / (long - short)
                printf "{\"cell\": \"%s\", \"round\": %d, \"micro\": %d, \"records\": %d, \"ours_records_per_cpu_s\": %.1f, " \
                       "\"torch_records_per_cpu_s\": %.1f, \"ratio\": %.2f}\n", cell, round, micro, records, ours, torch, ours / torch }' |
                tee -a "$folder/speed.jsonl"
        done
    done
}

while read -r name mode rate; do
    task=$folder/$name.yaml yaml=$folder/$name.yaml arm=${mode/:/-} cell=$name-${mode/:/-}
    [ "$name" = superclass ] && task=ptbxl/superclass yaml=$here/../../jobs/tasks/ptbxl.yaml
    [ -z "${CELLS:-}" ] || [[ " $CELLS " == *" $cell "* ]] || continue
    if [ "$what" = speed ]; then speed; else compare; fi
done <<<"$all_cells"
exit $failed
