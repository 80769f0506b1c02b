#!/bin/bash
# timeout: 900
# Fine-tuning and evaluation: every mode, the same bytes on any number of ranks and threads and after stops and kills,
# controls, thresholds from validation records, and refusals. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"

contract='contract: {leads: [I, II, V1, V2, V3, V4, V5, V6], fs_hz: 50, samples: 500}'
shape='model: {patch: 25, width: 24, depth: 2, heads: 3, mlp: 40, decoder_width: 12, decoder_depth: 1, decoder_heads: 2, decoder_mlp: 24}'
echo "$contract" >"$tmp/ingest.yaml"
cat >"$tmp/pretrain.yaml" <<YAML
$contract
$shape
train: {epochs: 4, batch: 16, slots: 8, warmup_epochs: 1}
split: {by: hash, valid_fraction: 0.15, test_fraction: 0.3}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
# One task of each kind: a rule with values not known, several columns, a number.
cat >"$tmp/tasks.yaml" <<'YAML'
tasks:
  - {name: fast, kind: binary, group: ecg, rule: heart_rate_bpm > 75}
  - {name: signs, kind: multilabel, group: ecg, columns: [MI, LVH, LAFB]}
  - {name: age, kind: regression, group: demographic, columns: [age], unit: years}
YAML
cat >"$tmp/tune.yaml" <<YAML
train: {epochs: 6, batch: 32, slots: 8, warmup_epochs: 1, lr: 2e-3}
split: {by: hash, valid_fraction: 0.15, test_fraction: 0.3}
finetune: {tasks: ["$tmp/tasks.yaml"], shared: true, mode: "top:1"}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
ok 'synthetic records' "$einthoven" synth --out "$tmp/ecg" --set synth.records=300 --set synth.seed=3
ok 'corpus' "$einthoven" ingest "$tmp/ingest.yaml" "$tmp/ecg" --out "$tmp/corpus.h5" \
    --labels "$tmp/ecg/labels.csv" --label-key path --age-column age --sex-column sex
ok 'pretraining keeps off the test part' "$einthoven" pretrain "$tmp/pretrain.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/pre"
source=$tmp/pre/model.safetensors

# tune RANKS THREADS FOLDER [OPTION...]
tune() {
    local ranks=$1 threads=$2 folder=$3
    shift 3
    mpi "$ranks" "$einthoven" finetune "$tmp/tune.yaml" --corpus "$tmp/corpus.h5" --from "$source" --run "$folder" \
        --set train.threads="$threads" "$@"
}
# measure RANKS THREADS FOLDER MODELS [OPTION...]
measure() {
    local ranks=$1 threads=$2 folder=$3 models=$4
    shift 4
    mpi "$ranks" "$einthoven" evaluate --model "$models" --corpus "$tmp/corpus.h5" --out "$folder" \
        --set evaluate.threads="$threads" --set evaluate.replicates=200 --set split.by=hash \
        --set split.valid_fraction=0.15 --set split.test_fraction=0.3 "$@"
}

# --- the same bytes ------------------------------------------------------------------------------------------
ok 'one rank' tune 1 1 "$tmp/one"
cell="fast+signs+age/top-1-s1"
is 'its STATE' "$(head -n 1 "$tmp/one/$cell/STATE")" 'done'
last_checkpoint() { find "$1/$cell/ckpt" -name 'step-*.h5' | sort | tail -n 1; }
final=$(basename "$(last_checkpoint "$tmp/one")")
same() {
    ok "$1: parameters and moments" cmp "$tmp/one/$cell/ckpt/$final" "$2/$cell/ckpt/$final"
    ok "$1: metrics" cmp "$tmp/one/$cell/metrics.csv" "$2/$cell/metrics.csv"
    ok "$1: model" cmp "$tmp/one/$cell/model.safetensors" "$2/$cell/model.safetensors"
    ok "$1: scores of validation records" cmp "$tmp/one/$cell/validation_scores.csv" "$2/$cell/validation_scores.csv"
}
for each in '2 1' '3 1' '4 1' '1 2' '2 2'; do
    read -r ranks threads <<<"$each"
    ok "$ranks ranks, $threads threads" tune "$ranks" "$threads" "$tmp/r$ranks-t$threads"
    same "$ranks ranks, $threads threads" "$tmp/r$ranks-t$threads"
done
ok 'nothing kept from epoch to epoch' tune 1 1 "$tmp/lean" --set finetune.keep=false
same 'nothing kept' "$tmp/lean"
like 'the log says so' "$(cat "$tmp/lean/$cell/log.txt")" 'computed each time'
like 'and otherwise that they are kept' "$(cat "$tmp/one/$cell/log.txt")" 'kept in memory'

ok 'stopped after 7 updates' tune 2 1 "$tmp/cut" --set run.max_steps=7
is 'its STATE' "$(head -n 1 "$tmp/cut/$cell/STATE")" stopped
like 'the summary says so' "$(cat "$tmp/cut/summary.csv")" '/top-1-s1,stopped'
mv "$tmp/cut/$cell/ckpt" "$tmp/purged"
exits 'a model whose checkpoints are purged is not begun anew' 1 tune 1 1 "$tmp/cut"
like 'and the message says so' "$err" 'STATE tells of a checkpoint of update 7.*--resume=none'
mv "$tmp/purged" "$tmp/cut/$cell/ckpt"
cp "$tmp/cut/$cell/metrics.csv" "$tmp/metrics.csv"
sed -i 2d "$tmp/cut/$cell/metrics.csv"
exits 'nor does one go on with metrics that were changed' 1 tune 1 1 "$tmp/cut"
like 'and the message names them' "$err" 'metrics\.csv is not what it was'
cp "$tmp/metrics.csv" "$tmp/cut/$cell/metrics.csv"
tune 1 2 "$tmp/cut" --set run.checkpoint_steps=1 >"$tmp/kill.out" 2>&1 &
launcher=$!
for _ in $(seq 1 2000); do
    [ "$(wc -l <"$tmp/cut/$cell/metrics.csv")" -ge 14 ] && break
    kill -0 "$launcher" 2>/dev/null || break
    sleep 0.01
done
pkill -KILL -x einthoven -P "$launcher,$(pgrep -d, -P "$launcher" || echo "$launcher")"
wait "$launcher" 2>/dev/null
ok 'and resumed on 4 ranks' tune 4 1 "$tmp/cut"
same 'stopped, killed, resumed' "$tmp/cut"
ok 'done is left alone' tune 1 1 "$tmp/cut"
like 'and says so' "$err" 'already done'

models=$tmp/one/$cell/model.safetensors
ok 'evaluate' measure 1 1 "$tmp/e1" "$models" --part test
for each in '2 1' '3 1' '4 1' '1 2'; do
    read -r ranks threads <<<"$each"
    ok "evaluate on $ranks ranks, $threads threads" measure "$ranks" "$threads" "$tmp/e$ranks$threads" "$models" --part test
    for file in scores.csv scores.h5 metrics.json metrics.csv; do
        ok "$ranks ranks, $threads threads: $file" cmp "$tmp/e1/$file" "$tmp/e$ranks$threads/$file"
    done
done

# --- scores ---------------------------------------------------------------------------------------------------
# A record's score does not depend on what it is scored with: those of the validation part, scored again.
ok 'evaluate the validation part' measure 2 1 "$tmp/valid" "$models" --part valid --set evaluate.allow_seen=true
is 'the same scores as when thresholds were chosen' \
    "$(cut -d, -f1,8- "$tmp/valid/scores.csv" | sed 's/,[^,]*$//' | tail -n +2 | md5sum)" \
    "$(awk -F, 'NR > 1 { print $1 "," $2 "," $4 "," $6 "," $8 "," $10 }' "$tmp/one/$cell/validation_scores.csv" | md5sum)"
like 'outputs say that records were seen' "$(cat "$tmp/valid/metrics.json")" '"records_seen_in_training": [1-9]'
like 'the test part was not' "$(cat "$tmp/e1/metrics.json")" '"records_seen_in_training": 0'
exits 'a model is not tested on what trained it' 1 measure 1 1 "$tmp/leak" "$models" --part train
like 'the message says so' "$err" 'was trained on .* test records'
ok 'limb leads only' measure 1 1 "$tmp/limb" "$models" --part test --leads I,II --subgroup sex,age
unlike 'give other scores' "$(cmp "$tmp/e1/scores.csv" "$tmp/limb/scores.csv" 2>&1 || echo differ)" '^$'
like 'subgroups are there' "$(cat "$tmp/limb/metrics.csv")" 'sex=female'
exits 'a lead that is not there' 2 measure 1 1 "$tmp/lead" "$models" --part test --leads V9
like 'thresholds are those of validation' "$(cat "$tmp/e1/metrics.csv")" 'sensitivity@validation_youden'

# --- modes, arms, cells -----------------------------------------------------------------------------------------
for mode in top:2 full linear attentive lora:2; do
    name=${mode/:/-}
    ok "$mode" tune 2 1 "$tmp/modes" --set finetune.mode="$mode"
    other=$tmp/modes/fast+signs+age/$name-s1
    ok "$mode: the model is whole" "$einthoven" inspect --verify "$other/model.safetensors"
    ok "$mode: it is evaluated" measure 1 1 "$tmp/ev-$name" "$other/model.safetensors" --part test
done
ok 'the same with one thread' tune 1 1 "$tmp/modes1" --set finetune.mode=lora:2
ok 'lora: model' cmp "$tmp/modes/fast+signs+age/lora-2-s1/model.safetensors" "$tmp/modes1/fast+signs+age/lora-2-s1/model.safetensors"

arms=(--set finetune.shared=false --set finetune.tasks="$tmp/one.yaml" --controls --seeds 2)
sed -n '1p;3p' "$tmp/tasks.yaml" >"$tmp/one.yaml"
ok 'controls and seeds' tune 1 2 "$tmp/arms" "${arms[@]}"
is 'six models' "$(grep -c ',done,' "$tmp/arms/summary.csv")" 6
ok 'one cell of them' tune 1 1 "$tmp/cell" "${arms[@]}" --cell 3
is 'is made alone' "$(find "$tmp/cell" -name model.safetensors | sed "s,$tmp/cell/,,")" signs/scratch-s2/model.safetensors
ok 'and is the same' cmp "$tmp/cell/signs/scratch-s2/model.safetensors" "$tmp/arms/signs/scratch-s2/model.safetensors"
exits 'a cell too many' 2 tune 1 1 "$tmp/cell" "${arms[@]}" --cell 6
list=
for arm in top-1 scratch random-frozen; do
    for seed in 1 2; do list=$list${list:+,}$arm=$tmp/arms/signs/$arm-s$seed/model.safetensors; done
done
ok 'arms beside each other' measure 1 2 "$tmp/compare" "$list" --part test --set evaluate.minimum=4
like 'each arm has its figure' "$out" '^scratch +2 +0\.[0-9]+ \(0\.[0-9]+ to 0\.[0-9]+\)'
like 'each pair its difference' "$out" 'top-1 - scratch: .* holm '
mpi 3 "$einthoven" finetune "$tmp/tune.yaml" --corpus "$tmp/corpus.h5" --from "$source" --run "$tmp/dry" --dry-run >"$tmp/dry.out"
like 'a dry run tells what is trained' "$(cat "$tmp/dry.out")" 'of which [0-9]+ are trained'
ok 'and makes nothing' test ! -e "$tmp/dry"

# --- stops, full disks, what does not belong together ------------------------------------------------------------
single=(--set finetune.shared=false --set train.epochs=2)
ok 'every model up to max_steps' tune 2 1 "$tmp/most" "${single[@]}" --set run.max_steps=3
is 'all three are begun' "$(grep -c ',stopped,' "$tmp/most/summary.csv")" 3
mkdir "$tmp/halt"
touch "$tmp/halt/STOP"
ok 'a STOP file above the models' tune 2 1 "$tmp/halt" "${single[@]}"
is 'stops the command' "$(tail -n +2 "$tmp/halt/summary.csv" | cut -d, -f1,2)" 'fast/top-1-s1,stopped'
like 'and says so' "$err" 'asked to stop after 1 model'
ok 'it goes on' tune 1 1 "$tmp/halt" "${single[@]}"
is 'to all three' "$(grep -c ',done,' "$tmp/halt/summary.csv")" 3
ok 'jobs of an array' tune 1 1 "$tmp/array" "${single[@]}" --cell 0
ok 'each with a summary' tune 1 1 "$tmp/array" "${single[@]}" --cell 2
is 'of its own' "$(cd "$tmp/array" && tail -qn +2 summary-0.csv summary-2.csv | cut -d, -f1,2 | tr '\n' ' ')" \
    'fast/top-1-s1,done age/top-1-s1,done '
ok 'and none of all' test ! -e "$tmp/array/summary.csv"

# A best model that cannot be written is none: as a full disk does it, a folder stands where the file should be.
mkdir -p "$tmp/full/age/top-1-s1/best.safetensors/in-the-way"
exits 'no best model could be written' 1 tune 2 1 "$tmp/full" "${single[@]}" --cell 2
like 'the log says so' "$(cat "$tmp/full/age/top-1-s1/log.txt")" 'BEST MODEL WAS NOT WRITTEN'
like 'and the end' "$err" 'there is no best model'
ok 'no model goes out' test ! -e "$tmp/full/age/top-1-s1/model.safetensors"
cp "$tmp/array/fast/top-1-s1/best.safetensors" "$tmp/halt/fast/top-1-s1/best.safetensors"
sed -i '1s/done/running/' "$tmp/halt/fast/top-1-s1/STATE"
ok 'the same best model of another folder is the same' tune 1 1 "$tmp/halt" "${single[@]}" --cell 0
ok 'one with another seed' tune 1 1 "$tmp/array" "${single[@]}" --cell 0 --set train.seed=2
cp "$tmp/array/fast/top-1-s2/best.safetensors" "$tmp/halt/fast/top-1-s1/best.safetensors"
sed -i '1s/done/running/' "$tmp/halt/fast/top-1-s1/STATE"
exits 'has another best model' 1 tune 2 1 "$tmp/halt" "${single[@]}" --cell 0
like 'which is refused' "$err" 'is not the model of update'

{
    echo 'tasks:'
    for i in 1 2 3 4; do echo "  - {name: a_task_whose_name_is_as_long_as_this_one_is_$i, kind: binary, group: ecg, rule: heart_rate_bpm > 7$i}"; done
} >"$tmp/long.yaml"
ok 'tasks with long names share a model' tune 1 1 "$tmp/long" --set finetune.tasks="$tmp/long.yaml" --set train.epochs=2 --seeds 2
is 'each seed in a folder of its own' "$(cut -d, -f1,2 "$tmp/long/summary.csv" | grep -c '+3-more-[0-9a-f]*/top-1-s[12],done$')" 2

fast=$tmp/array/fast/top-1-s1/model.safetensors
exits 'one model as two arms' 2 measure 1 1 "$tmp/no" "a=$fast,b=$fast"
like 'is named' "$err" 'are the same model'
exits 'an arm without a name' 2 measure 1 1 "$tmp/no" "=$fast"
exits 'an arm whose name would be cut' 2 measure 1 1 "$tmp/no" "$(printf 'x%.0s' {1..64})=$fast"
mkdir "$tmp/lr=1"
cp "$fast" "$tmp/lr=1/"
ok 'an equals sign in a path' measure 1 1 "$tmp/equals" "$tmp/lr=1/model.safetensors" --part test
exits 'options of a table do not fit a model' 2 measure 1 1 "$tmp/no" "$fast" --json "$tmp/no.json"
like 'and where results are is said' "$err" '--out FOLDER'
ok 'a corpus without labels' "$einthoven" ingest "$tmp/ingest.yaml" "$tmp/ecg" --out "$tmp/bare.h5"
ok 'is scored' mpi 2 "$einthoven" evaluate --model "$models" --corpus "$tmp/bare.h5" --out "$tmp/bare" \
    --set evaluate.allow_seen=true --set evaluate.threads=1 --set evaluate.replicates=50
like 'what is missing is said' "$out" 'has a label of 4 of 5 targets, .* fast signs/MI'
is 'with a score for every record' "$(awk -F, 'NR > 1 && $8 != ""' "$tmp/bare/scores.csv" | wc -l)" 300

# --- refusals -----------------------------------------------------------------------------------------------------
exits 'no task' 2 tune 1 1 "$tmp/no" --set finetune.tasks=
exits 'no such task' 2 tune 1 1 "$tmp/no" --set finetune.tasks=ptbxl/superklass
like 'the nearest is named' "$err" 'superclass'
exits 'records that do not fit' 1 tune 1 1 "$tmp/no" --set data.memory_mib=1
like 'what to do is said' "$err" 'use more ranks'
exits 'no such mode' 2 tune 1 1 "$tmp/no" --set finetune.mode=bottom:2
exits 'more blocks than there are' 2 tune 1 1 "$tmp/no" --set finetune.mode=top:9
exits 'no source' 2 mpi 1 "$einthoven" finetune "$tmp/tune.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/no"
exits 'a source that is no model' 1 mpi 1 "$einthoven" finetune "$tmp/tune.yaml" --corpus "$tmp/corpus.h5" \
    --from "$tmp/tune.yaml" --run "$tmp/no"
sed 's/fs_hz: 50, samples: 500/fs_hz: 100, samples: 1000/' "$tmp/ingest.yaml" >"$tmp/other.yaml"
ok 'a corpus of another contract' "$einthoven" ingest "$tmp/other.yaml" "$tmp/ecg" --out "$tmp/other.h5" \
    --labels "$tmp/ecg/labels.csv" --label-key path
exits 'is refused' 1 mpi 1 "$einthoven" finetune "$tmp/tune.yaml" --corpus "$tmp/other.h5" --from "$source" --run "$tmp/no"
like 'and the difference named' "$err" 'fs_hz'
exits 'by evaluate too' 1 mpi 1 "$einthoven" evaluate --model "$models" --corpus "$tmp/other.h5" --out "$tmp/no"
exits 'an encoder cannot be evaluated' 1 measure 1 1 "$tmp/no" "$source" --part test
like 'and what to do is said' "$err" 'finetune makes models'
exits 'another rate on the same folder' 1 tune 1 1 "$tmp/cut" --set train.lr=1e-4
like 'the key is named' "$err" 'lr'
ok 'a task without a positive' tune 1 1 "$tmp/none" --set finetune.shared=false --set finetune.tasks="$tmp/one.yaml"
printf 'tasks:\n  - {name: never, kind: binary, group: ecg, rule: heart_rate_bpm > 900}\n  - {name: fast, kind: binary, group: ecg, rule: heart_rate_bpm > 75}\n' >"$tmp/never.yaml"
exits 'fails by itself' 2 tune 1 1 "$tmp/never" --set finetune.shared=false --set finetune.tasks="$tmp/never.yaml"
like 'with its reason' "$err" 'never.*no target has a positive'
like 'the others are made' "$(cat "$tmp/never/summary.csv")" '^fast/top-1-s1,done'

done_testing
