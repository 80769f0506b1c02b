#!/bin/bash
# Runs that an earlier version began, and stopped in the middle of an epoch, go on; what is asked for otherwise is said in a
# way that helps. tests/data/earlier_runs.tar.gz: the run folders, with the files of their commands, as a version before
# train.recipe, data.sex_codes and finetune.source_heads left them on the SYNTHETIC records that are made here.
. "$(dirname "$0")/../lib.sh"

cd "$tmp" || exit 1
export OMP_NUM_THREADS=1
tar -xzf "$root/tests/data/earlier_runs.tar.gz"
{ "$einthoven" synth --out ecg --set synth.records=60 --set synth.seed=4 && "$einthoven" ingest ingest.yaml ecg --out corpus.h5; } \
    >/dev/null 2>&1 || fail 'synthetic records'
tune() { "$einthoven" finetune finetune.yaml --corpus corpus.h5 --tasks sex.yaml --from scratch --mode full --run "$@"; }
cp -r finetune usual
cp -r finetune coded

exits 'own products are not those that the run began with' 1 "$einthoven" pretrain pretrain.yaml --corpus corpus.h5 --run pretrain
like 'and the message says how to have those' "$err" 'add --set train.products=blas'
ok 'pretraining goes on' "$einthoven" pretrain pretrain.yaml --corpus corpus.h5 --run pretrain --set train.products=blas
like 'from its checkpoint' "$err" 'resumed from the checkpoint of update 4'
like 'and its log says what cannot be known' "$(cat pretrain/log.txt)" \
    'step-000000004.h5 is of an earlier version: it does not say which signals'
exits 'fine-tuning asks for them too' 1 tune finetune
like 'in the same words' "$err" 'add --set train.products=blas'
ok 'fine-tuning goes on' tune finetune --set train.products=blas
like 'from its checkpoint' "$err" 'resumed from the checkpoint of update 4'
exits 'what was a default then is another now' 1 tune usual --set train.products=blas --set finetune.patience=84
like 'and the message says how to have that of then' "$err" \
    'made with "patience: 10", this run asks for "patience: 84"; use the same configuration \(.*train.recipe=study\)'
exits 'a key that came later, and not with its default, is another run' 1 tune coded --set train.products=blas --set data.sex_codes=male=0,female=1
like 'which is said' "$err" 'this run asks for "sex_codes: '

done_testing
