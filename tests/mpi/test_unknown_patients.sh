#!/bin/bash
# Records whose patient is not known count as patients of their own: every job that splits them says so, and only then.
. "$(dirname "$0")/../lib.sh"

cd "$tmp" || exit 1
ok 'recordings' "$einthoven" synth --out ecg --set synth.records=24 --set synth.seed=3
mkdir bare
cp ecg/records/*/* bare/
sed -i '/^#/d' bare/*.hea # nobody says who they are
ok 'a corpus without patients' "$einthoven" ingest --set model.preset=tiny --out bare.h5 bare --labels ecg/labels.csv \
    --label-key record
like 'ingest says so' "$out" '^WARNING: the patient of 24 of 24 records is not known'
ok 'a corpus with patients' "$einthoven" ingest --set model.preset=tiny --out known.h5 ecg --labels ecg/labels.csv \
    --label-key record
unlike 'ingest has nothing to say' "$out" WARNING

warns='WARNING: the patient of 24 of 24 records is not known'
tiny=(--set model.preset=tiny --set model.depth=1 --set model.width=16 --set model.heads=2)
small=("${tiny[@]}" --set train.batch=4 --set train.slots=2 --set train.epochs=1 --set train.warmup_epochs=0)
ok 'inspect' "$einthoven" inspect bare.h5
like 'inspect warns' "$out" "$warns"
ok 'inspect' "$einthoven" inspect known.h5
unlike 'or not' "$out" WARNING
ok 'a dry run of pretrain' "$einthoven" pretrain "${small[@]}" --corpus bare.h5 --dry-run
like 'warns' "$out" "$warns"
ok 'with a split too' "$einthoven" pretrain "${small[@]}" --corpus bare.h5 --dry-run --set split.by=hash
like 'once' "$(grep -c "$warns" <<<"$out")" '^1$'
ok 'or on two ranks' mpi 2 "$einthoven" pretrain "${small[@]}" --corpus bare.h5 --dry-run
like 'once' "$(grep -c "$warns" <<<"$out")" '^1$'
ok 'pretrain' mpi 2 "$einthoven" pretrain "${small[@]}" --corpus bare.h5 --run run
like 'warns in the log of the run' "$(cat run/log.txt)" "$warns"
ok 'finetune' "$einthoven" finetune "${tiny[@]}" --corpus bare.h5 --tasks findings --from scratch --run fine --dry-run
like 'warns' "$out" "$warns"
run "$einthoven" finetune "${tiny[@]}" --corpus known.h5 --tasks findings --from scratch --run fine --dry-run
unlike 'or not' "$out" WARNING

# Whoever reads the tables of an evaluation has not seen the terminal.
printf 'tasks: [{name: sex, kind: binary, group: demographic, rule: sex == 1}]\n' >sex.yaml
ok 'a model' "$einthoven" finetune "${small[@]}" --corpus known.h5 --tasks sex.yaml --from scratch --run model \
    --set split.valid_fraction=0.4 --set split.test_fraction=0.1
judge() { "$einthoven" evaluate --model model/*/*/model.safetensors --corpus $1.h5 --out "of-$1" --set evaluate.allow_seen=true \
    --set evaluate.replicates=0; }
ok 'evaluated on records of nobody' judge bare
like 'metrics.txt begins with it' "$(head -1 of-bare/metrics.txt)" "$warns"
like 'metrics.json has the number' "$(cat of-bare/metrics.json)" '"records_of_unknown_patients": 24,'
like 'metrics.csv has a row' "$(sed -n 2p of-bare/metrics.csv)" ',records_of_unknown_patients,24,.*,estimable,'
ok 'evaluated on records of patients' judge known
unlike 'there is nothing to say' "$(cat of-known/metrics.txt of-known/metrics.csv)" 'WARNING|unknown_patients'
like 'the number is 0' "$(cat of-known/metrics.json)" '"records_of_unknown_patients": 0,'
done_testing
