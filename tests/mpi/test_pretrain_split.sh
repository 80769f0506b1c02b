#!/bin/bash
# pretrain keeps its hands off the test part of split.*, and the model says which records trained it. The expected parts and
# keys come from the label table, sha256sum and b2sum.
. "$(dirname "$0")/../lib.sh"

cd "$tmp" || exit 1
"$einthoven" synth --out ecg --set synth.records=150 --set synth.seed=5 >/dev/null 2>&1 &&
    "$einthoven" ingest ecg --set model.preset=tiny --out c.h5 --labels ecg/labels.csv --label-key path \
        --patient-column subject >/dev/null 2>&1 || fail 'a cohort is made'

# pretrain RUN SETTING...
pretrain() {
    local run=$1
    shift
    "$einthoven" pretrain --set model.preset=tiny --set model.depth=1 --set model.decoder_depth=1 --corpus c.h5 --run "$run" \
        --set train.epochs=1 --set train.batch=16 --set train.slots=2 --set train.warmup_epochs=0.5 --set train.threads=1 "$@"
}
# Number of training records that a model states, and their keys, one a line in hexadecimal.
stated() { grep -a -m1 -o '"einthoven.training_records":"3 open [0-9]* [0-9]* [A-Za-z0-9+/=]*' "$1/model.safetensors" | cut -d'"' -f4; }
count() { stated "$1" | cut -d' ' -f3; }
keys() { stated "$1" | cut -d' ' -f5 | base64 -d | od -An -v -tx1 -w8 | tr -d ' ' | sort; }
# column NAME: its number in the label table
column() { head -1 ecg/labels.csv | tr ',' '\n' | grep -nx "$1" | cut -d: -f1; }
# Keys of the records whose fold fulfils an awk condition on f.
expected() {
    awk -F, -v p="$(column path)" -v s="$(column strat_fold)" "NR > 1 { f = \$s; if ($1) print \$p }" ecg/labels.csv |
        while read -r path; do
            # io/ecg/source_hash.h, io/corpus/seen.h
            printf '%s' "$(cat "ecg/$path.hea" "ecg/$path.dat" | sha256sum | cut -c1-64)" | b2sum -l 256 | cut -c1-16
        done | sort
}
# Of all keys of a model those of files; the others are of signals.
known() { comm -12 <(keys "$1") <(expected 'f != 0'); }
log() { grep -h "$2" "$1/log.txt"; }

ok 'pretrain by folds of a column' pretrain fold --set split.by=fold
like 'counts of the log are those of the table' "$(log fold 'training records,')" \
    " $(expected 'f <= 8' | wc -l) training records, $(expected 'f == 9' | wc -l) held out"
like 'and of the test part' "$(log fold 'split by')" \
    "split by fold: $(expected 'f == 10' | wc -l) records of the test part and 0 of no part are not touched"
is 'the model states as many records' "$(count fold)" "$(expected 'f <= 8' | wc -l)"
is 'and they are those of folds 1 to 8' "$(known fold)" "$(expected 'f <= 8')"

ok 'without split.by a fraction of patients is held out' pretrain plain
ok 'as split.by=hash does without a test part' pretrain hash --set split.by=hash --set split.valid_fraction=0.025 \
    --set split.test_fraction=0
ok 'with the same losses to the last digit' cmp plain/metrics.csv hash/metrics.csv
is 'and the same training records' "$(keys plain)" "$(keys hash)"
ok 'a test part of the same seed' pretrain tested --set split.by=hash
is 'is no part of what trained' "$(comm -13 <(keys hash) <(keys tested) | wc -l)" 0
ok 'and there is one' test "$(count tested)" -lt "$(count hash)"

exits 'split.* without split.by has no effect, so it is refused' 2 pretrain no --set split.test_fraction=0.3
like 'and says so' "$err" 'split.by'
exits 'a column that is none is refused' 2 pretrain no --set split.by=fold --set split.column=strat_flod
like 'with the nearest' "$err" "nearest is 'strat_fold'"

ok 'a model that starts from another' pretrain second --set split.by=fold --set split.test=1,2,3,4,5,6,7 --set split.valid=8 \
    --set model.from=fold/model.safetensors
is 'states the records of both' "$(known second)" "$(expected 'f != 0')"

ok 'two ranks, the same split' mpi 2 "$einthoven" pretrain --set model.preset=tiny --set model.depth=1 \
    --set model.decoder_depth=1 --corpus c.h5 --run ranks --set train.epochs=1 --set train.batch=16 --set train.slots=2 \
    --set train.warmup_epochs=0.5 --set train.threads=1 --set split.by=fold
is 'and the same model' "$(keys ranks)" "$(keys fold)"
ok 'a dry run' pretrain no --dry-run --set split.by=kfold --set split.fold=2
like 'shows the split' "$out" 'fold 2 of 5 \(0 to 4\) over patients'
like 'with records and patients of each part' "$out" '^ +test +[0-9]+ records of [0-9]+ patients'

done_testing
