#!/bin/bash
# timeout: 900
# The probe during pretraining: the run's bytes do not change with it, its table is the same on any number of ranks and
# threads and after stops and kills, it learns from the train part and judges by the valid part alone. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"

contract='contract: {leads: [I, II, V1, V2, V3, V4, V5, V6], fs_hz: 50, samples: 500}'
echo "$contract" >"$tmp/ingest.yaml"
cat >"$tmp/pretrain.yaml" <<YAML
$contract
model: {patch: 25, width: 24, depth: 2, heads: 3, mlp: 40, decoder_width: 12, decoder_depth: 1, decoder_heads: 2, decoder_mlp: 24}
train: {epochs: 5, batch: 16, slots: 8, warmup_epochs: 1, shuffle_run: 4, shuffle_window: 16}
data: {validation_fraction: 0.1}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
cat >"$tmp/tasks.yaml" <<'YAML'
tasks:
  - {name: fast, kind: binary, group: ecg, columns: [fast]}
  - {name: fast_test, kind: binary, group: ecg, columns: [fast_test]}
  - {name: fast_valid, kind: binary, group: ecg, columns: [fast_valid]}
  - {name: fast_train, kind: binary, group: ecg, columns: [fast_train]}
  - {name: signs, kind: multilabel, group: ecg, columns: [MI, LVH, never]}
  - {name: rate, kind: regression, group: ecg, columns: [heart_rate_bpm]}
YAML
ok 'records to pretrain on' "$einthoven" synth --out "$tmp/plain" --set synth.records=200 --set synth.seed=4
ok 'their corpus' "$einthoven" ingest "$tmp/ingest.yaml" "$tmp/plain" --out "$tmp/plain.h5"
ok 'records with labels' "$einthoven" synth --out "$tmp/ecg" --set synth.records=240 --set synth.seed=3
# fast: a label that the ECG tells; fast_PART: the same, turned round in one part; never: no record has it.
awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print $0, "fast", "fast_test", "fast_valid", "fast_train", "never"; next }
    { f = $at["strat_fold"]; is = $at["heart_rate_bpm"] > 75
      print $0, is, (f == 10) != is, (f == 8 || f == 9) != is, (f < 8) != is, 0 }' "$tmp/ecg/labels.csv" >"$tmp/labels.csv"
ok 'their corpus' "$einthoven" ingest "$tmp/ingest.yaml" "$tmp/ecg" --out "$tmp/probe.h5" --labels "$tmp/labels.csv" --label-key path

# pretrain RANKS THREADS FOLDER [OPTION...]
pretrain() {
    local ranks=$1 threads=$2 folder=$3
    shift 3
    mpi "$ranks" "$einthoven" pretrain "$tmp/pretrain.yaml" --corpus "$tmp/plain.h5" --run "$folder" --set train.threads="$threads" "$@"
}
probing=(--set probe.every_epochs=2 --set probe.corpus="$tmp/probe.h5" --set probe.tasks="$tmp/tasks.yaml"
    --set split.by=fold --set split.column=strat_fold --set "split.valid=8,9" --set split.test=10)
# The corpus that is pretrained on has no folds, so its own split is the default's: split.* is the probe's here.
split=(--set split.by=hash --set split.valid_fraction=0.2 --set split.test_fraction=0.2)
hashed=(--set probe.every_epochs=2 --set probe.corpus="$tmp/probe.h5" --set probe.tasks="$tmp/tasks.yaml" "${split[@]}")
last_checkpoint() { find "$1/ckpt" -name 'step-*.h5' | sort | tail -n 1; }

# --- it looks and does not touch ------------------------------------------------------------------------------
ok 'without a probe' pretrain 1 1 "$tmp/off" "${split[@]}"
ok 'with one' pretrain 1 1 "$tmp/on" "${hashed[@]}"
final=$(basename "$(last_checkpoint "$tmp/off")")
for file in "ckpt/$final" metrics.csv best.safetensors model.safetensors; do
    ok "the probe does not change $file" cmp "$tmp/off/$file" "$tmp/on/$file"
done
ok 'no table without a probe' test ! -e "$tmp/off/probe.csv"
like 'the log has the values' "$(cat "$tmp/on/log.txt")" 'probe of epoch 2: fast AUROC 0\.[0-9]+ \(1 of 1\)'
like 'and says how many of its records the model knows' "$(cat "$tmp/on/log.txt")" 'judged on [0-9]+ others, 0 of which this model is pretrained on'
unlike 'every fit settled' "$(cat "$tmp/on/log.txt")" 'did not settle'

# --- what it says ----------------------------------------------------------------------------------------------
is 'probes after epochs 2, 4 and the last' "$(tail -n +2 "$tmp/on/probe.csv" | cut -d, -f1 | uniq | xargs)" '2 4 5'
is 'its columns' "$(head -n 1 "$tmp/on/probe.csv")" 'epoch,step,task,measure,value,estimated,targets'
is 'a row for each task' "$(tail -n +2 "$tmp/on/probe.csv" | wc -l)" 18
is 'measures' "$(tail -n +2 "$tmp/on/probe.csv" | cut -d, -f3,4 | sort -u | xargs)" \
    'fast,AUROC fast_test,AUROC fast_train,AUROC fast_valid,AUROC rate,R2 signs,AUROC'
is 'a label that no record has is left out, and counted' "$(grep signs "$tmp/on/probe.csv" | cut -d, -f6,7 | sort -u)" 2,3

# By folds, which are in the corpus that is probed with: both corpora are the same then.
folds() {
    local ranks=$1 threads=$2 folder=$3
    shift 3
    mpi "$ranks" "$einthoven" pretrain "$tmp/pretrain.yaml" --corpus "$tmp/probe.h5" --run "$folder" --set train.threads="$threads" \
        "${probing[@]}" "$@"
}
ok 'by folds, on one rank' folds 1 1 "$tmp/folds"
value() { awk -F, -v task="$1" '$1 == 5 && $3 == task { print $5 }' "$tmp/folds/probe.csv"; }
is 'labels of the test part have no say' "$(value fast_test)" "$(value fast)"
ok 'the valid part is what it is judged by' awk -v a="$(value fast)" -v b="$(value fast_valid)" \
    'BEGIN { d = a + b - 1; exit !(a > 0 && d <= 1e-12 && -d <= 1e-12) }'
ok 'the train part is what it learns from' awk -v a="$(value fast)" -v b="$(value fast_train)" \
    'BEGIN { d = a + b - 1; exit !(a > 0 && d <= 0.01 && -d <= 0.01) }'
ok 'the encoder tells what the ECG tells' awk -v a="$(value fast)" 'BEGIN { exit !(a > 0.6) }'
like 'records of the valid part were not pretrained on' "$(cat "$tmp/folds/log.txt")" ' 0 of which this model is pretrained on'

# --- the same table --------------------------------------------------------------------------------------------
for each in '2 1' '3 1' '4 1' '1 2' '2 2'; do
    read -r ranks threads <<<"$each"
    ok "$ranks ranks, $threads threads" folds "$ranks" "$threads" "$tmp/r$ranks-t$threads"
    ok "$ranks ranks, $threads threads: probes" cmp "$tmp/folds/probe.csv" "$tmp/r$ranks-t$threads/probe.csv"
    ok "$ranks ranks, $threads threads: metrics" cmp "$tmp/folds/metrics.csv" "$tmp/r$ranks-t$threads/metrics.csv"
done
ok 'streamed' folds 1 2 "$tmp/streamed" --set data.memory_mib=1
ok 'streamed: probes' cmp "$tmp/folds/probe.csv" "$tmp/streamed/probe.csv"
like 'the log says that it streamed' "$(cat "$tmp/streamed/log.txt")" 'are streamed'

ok 'stopped after the second epoch' folds 2 1 "$tmp/cut" --set run.max_steps=22
rows=$(wc -l <"$tmp/cut/probe.csv")
is 'with its probe' "$(tail -n +2 "$tmp/cut/probe.csv" | cut -d, -f1 | uniq)" 2
cp "$tmp/folds/probe.csv" "$tmp/cut/probe.csv" # a life that was killed before the next checkpoint had come further
ok 'goes on' folds 1 1 "$tmp/cut" --set run.max_steps=23
is 'rows of updates that are not known any more are gone' "$(wc -l <"$tmp/cut/probe.csv")" "$rows"
folds 1 1 "$tmp/cut" --set run.checkpoint_steps=3 >"$tmp/kill.out" 2>&1 &
launcher=$!
for _ in $(seq 1 4000); do
    [ "$(wc -l <"$tmp/cut/probe.csv")" -gt "$rows" ] && break
    kill -0 "$launcher" 2>/dev/null || break
    sleep 0.01
done
pkill -KILL -x einthoven -P "$launcher,$(pgrep -d, -P "$launcher" || echo "$launcher")"
wait "$launcher" 2>/dev/null
ok 'killed and resumed on 4 ranks' folds 4 1 "$tmp/cut"
ok 'stopped, killed, resumed: probes' cmp "$tmp/folds/probe.csv" "$tmp/cut/probe.csv"
ok 'stopped, killed, resumed: the model' cmp "$tmp/folds/model.safetensors" "$tmp/cut/model.safetensors"

ok 'stopped with a probe' folds 1 1 "$tmp/edited" --set run.max_steps=22
troubled() { LD_PRELOAD=$tmp/shim.so EIN_OPEN=5 EIN_AT=/probe.csv "$@"; }
if make_shim; then
    exits 'a table that this machine cannot read now' 1 troubled folds 1 1 "$tmp/edited" --set run.max_steps=23
    like 'ends the run' "$err" 'probe\.csv: Input/output error'
    is 'and is no reason to begin another' "$(find "$tmp/edited" -name 'earlier-*')" ''
fi
sed -i '2s/0\.\([0-9]\)/0.1\1/' "$tmp/edited/probe.csv"
ok 'a value that was changed' folds 1 1 "$tmp/edited" --set run.max_steps=23
like 'is noticed' "$(cat "$tmp/edited/log.txt")" 'probe\.csv IS BEGUN ANEW.*something was changed'
ok 'and the table kept' test -s "$tmp/edited/earlier-1/probe.csv"
ok 'stopped once more' folds 1 1 "$tmp/bad" --set run.max_steps=22
echo 'epoch,step,task,measure,value,estimated,targets
2,-7,fast,AUROC,what,1,1' >"$tmp/bad/probe.csv"
ok 'a damaged table does not stop a run' folds 1 1 "$tmp/bad"
like 'and is warned about' "$(cat "$tmp/bad/log.txt")" 'IS BEGUN ANEW.*step .-7. is no count'
is 'later probes are there' "$(tail -n +2 "$tmp/bad/probe.csv" | cut -d, -f1 | uniq | xargs)" '4 5'
ok 'a probe may be taken up in a later life' pretrain 1 1 "$tmp/late" "${split[@]}" --set run.max_steps=20
ok 'that goes on with it' pretrain 2 1 "$tmp/late" "${hashed[@]}"
ok 'and ends as without' cmp "$tmp/off/model.safetensors" "$tmp/late/model.safetensors"

# --- plans and refusals -------------------------------------------------------------------------------------------
mpi 2 "$einthoven" pretrain "$tmp/pretrain.yaml" --corpus "$tmp/plain.h5" "${hashed[@]}" --dry-run >"$tmp/dry.out"
like 'a dry run tells of the probe' "$(cat "$tmp/dry.out")" 'probe +every 2 epochs: 8 targets of 6 tasks'
exits 'no task' 2 pretrain 1 1 "$tmp/no" "${split[@]}" --set probe.every_epochs=1 --set probe.corpus="$tmp/probe.h5"
like 'is named' "$err" 'set probe.tasks'
exits 'no such task' 2 pretrain 1 1 "$tmp/no" "${split[@]}" --set probe.every_epochs=1 --set probe.tasks=findinks
exits 'no such corpus' 1 pretrain 2 1 "$tmp/no" "${hashed[@]}" --set probe.corpus="$tmp/nothing.h5"
like 'is named' "$err" 'probe.corpus: .*nothing.h5'
sed 's/fs_hz: 50, samples: 500/fs_hz: 100, samples: 1000/' "$tmp/ingest.yaml" >"$tmp/other.yaml"
ok 'a corpus under another contract' "$einthoven" ingest "$tmp/other.yaml" "$tmp/ecg" --out "$tmp/other.h5" \
    --labels "$tmp/labels.csv" --label-key path
exits 'is refused' 1 pretrain 2 1 "$tmp/no" "${hashed[@]}" --set probe.corpus="$tmp/other.h5"
like 'and the difference named' "$err" 'fs_hz'
printf 'tasks: [{name: never, kind: binary, group: ecg, columns: [never]}]\n' >"$tmp/never.yaml"
exits 'a task that nothing can be said of' 2 pretrain 1 1 "$tmp/no" "${hashed[@]}" --set probe.tasks="$tmp/never.yaml"
like 'is named' "$err" 'no target of never'
ok 'and nothing was begun' test ! -e "$tmp/no/metrics.csv"

done_testing
