#!/bin/bash
# A recording is known by its signal: records that trained a model are found again whatever they are called and whatever format
# they are in; under a secret only with it; left out only as that.
. "$(dirname "$0")/../lib.sh"

cd "$tmp" || exit 1
export OMP_NUM_THREADS=1
synth() { "$einthoven" synth --out "$1" --set synth.records=40 --set synth.seed=8 "${@:2}"; }
# The table is joined by the number in the file's name, so that renaming loses nothing.
take() { "$einthoven" ingest "${@:3}" "$1" --out "$2.h5" --set model.preset=tiny; }
{ synth ecg && synth muse --set synth.format=muse && take ecg plain --labels ecg/labels.csv --label-key path; } >/dev/null 2>&1 ||
    fail 'cohorts are made'

cp -r ecg comments
for header in comments/records/*/*.hea; do echo '# exported again' >>"$header"; done
mkdir renamed
n=0
for header in ecg/records/*/*.hea; do
    n=$((n + 1))
    old=$(basename "$header" .hea)
    cp "${header%.hea}.dat" "renamed/x$n.dat"
    sed "s/$old/x$n/g" "$header" >"renamed/x$n.hea"
done
for form in comments renamed muse; do take "$form" "$form" >/dev/null 2>&1 || fail "$form is ingested"; done

small=(--set model.preset=tiny --set model.depth=1 --set train.epochs=1 --set train.batch=16 --set train.slots=2
    --set train.warmup_epochs=0.5 --set train.threads=1)
pretrain() { "$einthoven" pretrain "${small[@]}" --set model.decoder_depth=1 --corpus plain.h5 --run "$@"; }
# tune MODEL CORPUS: everything is refused or warned of before anything is trained
tune() {
    "$einthoven" finetune "${small[@]}" --corpus "$2.h5" --tasks sex.yaml --from "$1" --mode full --run no --dry-run \
        --set split.test_fraction=0.5 "${@:3}"
}
printf 'tasks: [{name: sex, kind: binary, group: demographic, rule: sex == 1}]\n' >sex.yaml
seed_random 1
random_bytes 32 >secret
random_bytes 32 >another

ok 'a model is pretrained' pretrain open
for form in plain comments renamed muse; do
    exits "test records that trained it are found: $form" 1 tune open/model.safetensors $form
    like 'and counted' "$err" 'was trained on ([0-9]+) of the [0-9]+ test records'
done
like 'a changed file is known by its signal' "$err" 'of them are known by their signal, their files are others now'

ok 'a model whose records are kept under a secret' pretrain keyed --records-key secret
exits 'with the secret they are found' 1 tune keyed/model.safetensors comments --records-key secret
like 'and named' "$err" 'test records of comments.h5 \('
ok 'without it they are not' tune keyed/model.safetensors comments
like 'which is said' "$err" 'kept under secret [0-9a-f]{16} \(run.records_key\), so it cannot be checked'
ok 'nor with another' tune keyed/model.safetensors comments --records-key another
ok 'a list that is left out' pretrain none --training-records=none
ok 'cannot be checked' tune none/model.safetensors plain
like 'which is said' "$err" 'or they are left out, so it cannot be checked'
is 'it is not in the file' "$(grep -a -c 'training_records":"2 none 0 0' none/model.safetensors)" 1
ok 'the three runs gave the same weights' cmp open/metrics.csv none/metrics.csv

ok 'a training with products of the BLAS' pretrain blas --set train.products=blas
like 'its checkpoint names the BLAS' "$("$einthoven" inspect --verify blas/ckpt/*.h5 2>&1)" 'BLAS'
like 'that of own products none' "$("$einthoven" inspect --verify open/ckpt/*.h5 2>&1)" 'own products, exact on any processor'

ok 'a list is left out of a finished model' "$einthoven" convert open/model.safetensors stripped.safetensors --training-records none
ok 'the file is whole' "$einthoven" inspect --verify stripped.safetensors
like 'it says so, and has no list' "$(grep -a -o 'training_records":"[^"]*"' stripped.safetensors)" '^training_records":"2 none 0 0 *(\\n)?"$'
ok 'its records cannot be checked any more' tune stripped.safetensors plain
like 'which is said' "$err" 'or they are left out, so it cannot be checked'
ok 'without being asked to, convert keeps the list' "$einthoven" convert open/model.safetensors kept.safetensors
exits 'by which test records are found' 1 tune kept.safetensors plain
weights() { tail -c "$(("$(wc -c <"$1")" - 8 - $(od -An -td8 -N8 "$1")))" "$1" | cksum; }
is 'the weights are the same' "$(weights stripped.safetensors)" "$(weights kept.safetensors)"

ok 'a model is adapted' "$einthoven" finetune "${small[@]}" --corpus plain.h5 --tasks sex.yaml --from scratch --run tuned
exits 'and not evaluated on what trained it, by another name' 1 "$einthoven" evaluate --model tuned/*/*/model.safetensors \
    --corpus renamed.h5 --out no
like 'which is said' "$err" 'was trained on [0-9]+ of the 40 test records of renamed.h5'
ok 'unless it is allowed' "$einthoven" evaluate --model tuned/*/*/model.safetensors --corpus renamed.h5 --out scored \
    --set evaluate.allow_seen=true

# edit MODEL EXPRESSION: the model with another header.
edit() {
    local n
    n=$(od -An -td8 -N8 "$1")
    tail -c +9 "$1" | head -c "$n" | sed -E "$2" >header
    n=$(wc -c <header)
    for i in 0 1 2 3 4 5 6 7; do printf "\\x$(printf %02x $((n >> (8 * i) & 255)))"; done
    cat header
    tail -c +$(($(od -An -td8 -N8 "$1") + 9)) "$1"
}

# Among very many training records some are alike by chance, which is no leak. So many cannot be made here, but claimed.
edit open/model.safetensors 's/3 open [0-9]+ /3 open 99999999999 /' >many.safetensors
ok 'records that are like training records by chance are no hindrance' tune many.safetensors muse
like 'but told' "$err" \
    'finetune: warning: many.safetensors: [0-9]+ of the test records are like one of the 99999999999 training records by'
exits 'those whose samples are the same are' 1 tune many.safetensors renamed
exits 'another form of what it was trained on is refused' 1 "$einthoven" evaluate --model tuned/*/*/model.safetensors \
    --corpus muse.h5 --out no

# A run goes on with what it began with: the same people with other signals, or another label, are refused by content.
fixed=(--labels ecg/labels.csv --label-key path --set contract.mean_mv=0 --set contract.sd_mv=0.2)
{ synth weaker --set effect.all=0.5 && take weaker weaker "${fixed[@]}" && take ecg fixed "${fixed[@]}"; } >/dev/null 2>&1 ||
    fail 'the same people are drawn with weaker effects'
begin() { pretrain life --set run.max_steps=1 --set train.epochs=2 --corpus "$1"; }
ok 'a run begins' begin fixed.h5
exits 'it does not go on with other signals' 1 begin weaker.h5
like 'and says what differs' "$err" 'not what the checkpoint was made with: then signals ([0-9a-f]{16}), split ([0-9a-f]{16})'
begin_blas() { pretrain life --set run.max_steps=1 --set train.epochs=2 --corpus fixed.h5 --set train.products=blas; }
exits 'nor with other matrix products' 1 begin_blas
like 'which are named' "$err" '"products: own", this run asks for "products: blas"'
ok 'it goes on with its own' begin fixed.h5

# A model of others: names and weights, no metadata.
edit open/model.safetensors 's/"__metadata__":\{("([^"\\]|\\.)*":"([^"\\]|\\.)*",?)*\},?//' >foreign.safetensors
foreign() {
    "$einthoven" finetune "${small[@]}" --corpus plain.h5 --tasks sex.yaml --from foreign.safetensors --mode full "$@"
}
ok 'a model of others is adapted' foreign --run guessed
like 'its heads are guessed aloud' "$err" 'foreign.safetensors: it does not say its number of heads.*taken as published \(8\)'
like 'its preprocessing too' "$err" 'foreign.safetensors: it does not say its preprocessing'
like 'and that leakage cannot be checked' "$err" \
    'foreign.safetensors: it does not say what it was trained on, so it cannot be checked'
like 'the number used is in the configuration' "$(cat guessed/sex/full-s1/config.resolved.yaml)" '^  heads: 8'
run "$einthoven" evaluate --model guessed/sex/full-s1/model.safetensors --corpus comments.h5 --part test --out no2 \
    --set evaluate.allow_seen=true
like 'what comes of it says so' "$err" 'not all records that it was trained on are known'
ok 'its heads can be given' foreign --run told --set finetune.source_heads=4
unlike 'then nothing is guessed' "$err" 'number of heads'
like 'and used' "$(cat told/sex/full-s1/config.resolved.yaml)" '^  heads: 4'

# The same recordings twice under one root, first without a patient, then with.
mkdir both
cp -r renamed both/a
cp -r ecg both/b
sed -i '/^#/d' both/a/*.hea
run "$einthoven" ingest both/a both/b --out both.h5 --set model.preset=tiny --set ingest.record_id=path --labels ecg/labels.csv \
    --label-key path --patient-column subject
like 'copies are told at ingest' "$out" '^40 records are the same recording as an earlier one.*\(first: b/records.* is a/x'
subject=$(head -1 ecg/labels.csv | tr ',' '\n' | grep -nx subject | cut -d: -f1)
people=$(tail -n +2 ecg/labels.csv | cut -d, -f"$subject" | sort -u | wc -l)
run "$einthoven" finetune "${small[@]}" --corpus both.h5 --tasks sex.yaml --from scratch --run no --dry-run \
    --set split.valid_fraction=0.3
is 'and are of one patient, so that no split divides them' \
    "$(sed -n 's/.* records of \([0-9]*\) patients$/\1/p' <<<"$out" | awk '{ n += $1 } END { print n }')" "$people"
run "$einthoven" evaluate --model tuned/*/*/model.safetensors --corpus both.h5 --out twice --set evaluate.allow_seen=true
like 'copies are told at evaluation' "$err" '^einthoven evaluate: warning: 40 of the records are the same recording as another'

done_testing
