#!/bin/bash
# timeout: 300
# Defaults of training on few records: said with their reason, written down as numbers, the same after a stop; explicit
# settings win; a run that was still getting better at its end says so. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
export OMP_NUM_THREADS=1

cat >base.yaml <<'YAML'
contract: {leads: [I, II], fs_hz: 50, samples: 500}
YAML
cat >tasks.yaml <<'YAML'
tasks:
  - {name: fast, kind: binary, group: ecg, rule: heart_rate_bpm > 75}
YAML
shape='model: {patch: 25, width: 8, depth: 1, heads: 2, mlp: 8, decoder_width: 8, decoder_depth: 1, decoder_heads: 2, decoder_mlp: 8}'
rest='run: {log_seconds: 1000, checkpoint_minutes: 0}'
split='split: {by: hash, valid_fraction: 0.2, test_fraction: 0.1}'
{ cat base.yaml; printf '%s\n' "$shape" "$rest" "$split"; } >pretrain.yaml
printf '%s\n' "$shape" "$rest" "$split" 'finetune: {tasks: [tasks.yaml], mode: full}' >tune.yaml
ok 'synthetic records' "$einthoven" synth --out ecg --set synth.records=260 --set synth.seed=5
ok 'corpus' "$einthoven" ingest base.yaml ecg --out corpus.h5 --labels ecg/labels.csv --label-key path
tune() { "$einthoven" finetune tune.yaml --corpus corpus.h5 --from scratch --set train.threads=1 "$@"; }
pretrain() { "$einthoven" pretrain pretrain.yaml --corpus corpus.h5 --set train.threads=1 "$@"; }
value() { grep -E "^  $2:" "$1/config.resolved.yaml" | head -n 1 | sed 's/.*: //'; }

# --- the plan says what and why ---
ok 'plan of a fine-tuning' tune --run no --dry-run
n=$(grep -oE '[0-9]+ for training' <<<"$out" | grep -oE '[0-9]+')
like 'the recipe with its reason' "$out" "recipe +auto: $n training records make [0-9]+ updates of up to 16 an epoch"
like 'and the way to the other' "$out" 'train\.recipe=study takes that of Moody'
like 'updates are equal' "$out" 'updates +[0-9]+ an epoch of 1[0-6]( or 1[0-6])? records in 4 slots'
ok "the study's" tune --run no --dry-run --set train.recipe=study
like 'one update of all records' "$out" "updates +1 an epoch of $n records in .* at most 100 epochs"
like 'as asked for' "$out" 'recipe +study, as asked for'
ok 'what is given wins' tune --run no --dry-run --set train.batch=32 --set train.epochs=5 --set train.lr=7e-3
like 'batch, epochs, rate' "$out" 'of up to 32 an epoch.*|at most 5 epochs, rate 0\.007'
like 'epochs, rate' "$out" 'at most 5 epochs, rate 0\.007'
ok 'plan of a pretraining' pretrain --run no --dry-run
like 'its recipe' "$out" 'recipe +auto: [0-9]+ training records make [0-9]+ updates of 32 an epoch, [0-9]+ in all; beta2 0\.95'
ok 'many ranks as before' pretrain --run no --dry-run --set train.slots=64
like 'have a batch for their slots' "$out" 'batch +64 records in 64 slots of 1'

# --- numbers are written down, and go on after a stop ---
ok 'a run' tune --run whole --set train.epochs=3
ok 'stopped' tune --run cut --set train.epochs=3 --set run.max_steps=5
ok 'goes on' tune --run cut --set train.epochs=3
for file in model.safetensors metrics.csv; do
    ok "$file: as without the stop" cmp whole/fast/scratch-s1/$file cut/fast/scratch-s1/$file
done
cell=whole/fast/scratch-s1
is 'batch' "$(value $cell batch)" 16
is 'slots' "$(value $cell slots)" 4
like 'patience' "$(value $cell patience)" '^[1-9][0-9]$'
is 'the recipe that chose' "$(value $cell recipe)" auto
like 'the log says it, too' "$(cat $cell/log.txt)" 'recipe auto: '
ok 'the resolved file makes the same run' "$einthoven" finetune $cell/config.resolved.yaml --set run.folder=same
ok 'byte for byte' cmp $cell/metrics.csv same/fast/scratch-s1/metrics.csv
exits "the study's numbers in the same folder" 1 tune --run whole --set train.epochs=3 --set train.warmup_epochs=0.6 --set train.recipe=study
like 'are another run: the number that differs' "$err" 'the checkpoint was made with "(probe_lr|batch|slots|epochs|patience): '
ok 'pretrained' pretrain --run pre --set train.epochs=2 --set train.warmup_epochs=1
is 'beta2 is written down' "$(value pre beta2)" 0.95
is 'with the batch' "$(value pre batch)" 32

# --- the best at the end ---
at=$(grep -oE 'epoch [0-9]+ of 3: .*, the best so far' $cell/log.txt | tail -n 1 | grep -oE '^epoch [0-9]+')
if [ "$at" = 'epoch 3' ]; then
    like 'a best at the end is said' "$(cat $cell/log.txt)" 'still getting better near the end'
else
    unlike 'a best before the end needs no word' "$(cat $cell/log.txt)" 'still getting better'
fi
like 'pretraining says it, too' "$(cat pre/log.txt)" 'the best validation loss is of epoch 2 of at most 2: it was still getting better'
ok 'a run given up for lack of patience' tune --run patient --set train.epochs=40 --set finetune.patience=1 --set train.lr=0 \
    --set train.warmup_epochs=0
unlike 'says nothing of the sort' "$(cat patient/fast/scratch-s1/log.txt)" 'still getting better'

done_testing
