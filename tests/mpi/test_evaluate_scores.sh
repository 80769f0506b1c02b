#!/bin/bash
# timeout: 300
# What evaluate --model writes is enough to compute its figures again: the headline is in every output, and scores.csv with
# its patients gives the same intervals to the last digit. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
export OMP_NUM_THREADS=1

cat >ingest.yaml <<'YAML'
contract: {leads: [I, II, V1], fs_hz: 50, samples: 500}
YAML
cat >tasks.yaml <<'YAML'
tasks:
  - {name: fast, kind: binary, group: ecg, rule: heart_rate_bpm > 75}
  - {name: signs, kind: multilabel, group: ecg, columns: [MI, LVH]}
  - {name: age, kind: regression, group: demographic, columns: [age], unit: years}
YAML
cat >tune.yaml <<'YAML'
model: {patch: 25, width: 12, depth: 1, heads: 2, mlp: 16}
train: {epochs: 2, batch: 32, slots: 2, warmup_epochs: 0, lr: 2e-3, threads: 1}
split: {by: hash, valid_fraction: 0.2, test_fraction: 0.6}
finetune: {tasks: [tasks.yaml], shared: true, mode: "full"}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
ok 'synthetic records, several of a patient' "$einthoven" synth --out ecg --set synth.records=200 --set synth.seed=3 \
    --set cohort.ecgs_per_patient=2.5
ok 'corpus' "$einthoven" ingest ingest.yaml ecg --out corpus.h5 --labels ecg/labels.csv --label-key path \
    --age-column age --sex-column sex
ok 'two seeds' "$einthoven" finetune tune.yaml --corpus corpus.h5 --from scratch --run tuned --seeds 2
one=$(echo tuned/*/*s1/model.safetensors) two=$(echo tuned/*/*s2/model.safetensors)
measure() {
    "$einthoven" evaluate --model "$1" --corpus corpus.h5 --out "$2" --part test --set evaluate.replicates=60 \
        --set evaluate.minimum=5 --set evaluate.threads=1 --set split.by=hash --set split.valid_fraction=0.2 \
        --set split.test_fraction=0.6 "${@:3}"
}
ok 'two arms' measure "a=$one,b=$two" out

# --- the headline is where people look ---
page=$(cat out/metrics.txt)
for text in "$page" "$out"; do
    like 'macro AUROC of each arm' "$text" $'\na +1  [01]\\.[0-9]{3} \\([01]\\.[0-9]{3} to [01]\\.[0-9]{3}\\)'
    like 'the difference and its p' "$text" 'a - b: -?[01]\.[0-9]{3} \(.* to .*\), p [0-9.e-]+, holm [0-9.e-]+'
    like 'how they were made' "$text" '95 % intervals: percentile of 60 resamples of whole patients'
done
is 'first of all' "$(head -n 1 out/metrics.txt | cut -d: -f1)" fast
cell() { awk -F, -v t="$1" -v m="$2" -v s="$3" -v c="$4" '$1 == t && $2 == "" && $4 == m && $6 == s { print $c }' out/metrics.csv; }
json() { grep -A8 "\"$1\": \"$2\"" out/metrics.json | grep -m1 "\"$3\"" | grep -oE -- '-?[0-9.e-]+'; }
for task in fast signs; do
    for each in 'a macro_auroc' 'b macro_auroc' 'a/-/b macro_auroc_difference'; do
        read -r model metric <<<"$each"
        like "$task: $metric of ${model//\// } is in the table" "$(cell $task "${model//\// }" $metric 7)" '^-?[01]\.?[0-9]*$'
    done
    like "$task: p" "$(cell $task 'a - b' macro_auroc_difference 11)" '^[0-9.e-]+$'
    like "$task: adjusted" "$(cell $task 'a - b' macro_auroc_difference 19)$(cell $task 'a - b' macro_auroc_difference 18)" '[0-9]'
done
like 'R2 of the regression' "$(cell age a macro_r2 7)" '^-?[0-9.e-]+$'

# All ranks make replicates of arms, of three tasks one after the other.
EINTHOVEN_INJECT_MPI_ERROR='1:3:gathering replicates' run timeout -k 5 60 mpirun --oversubscribe --bind-to none --quiet -n 2 "$einthoven" \
    evaluate --model "a=$one,b=$two" --corpus corpus.h5 --out waits --part test --set evaluate.replicates=201 \
    --set evaluate.minimum=5 --set split.by=hash --set split.valid_fraction=0.2 --set split.test_fraction=0.6
is 'a peer that is lost while arms are compared is noticed' "$status" 1
like 'at the third task' "$err" 'rank 1 on .*gathering replicates: '

# --- intervals from scores.csv ---
like 'patients are in the table' "$(sed -n 2p out/scores.csv)" ',p[0-9]{20}$'
is 'as many as the corpus has there' "$(tail -n +2 out/scores.csv | awk -F, '{ print $NF }' | sort -u | wc -l)" \
    "$(grep -oE 'records of [0-9]+ patients' out/metrics.txt | head -n 1 | grep -oE '[0-9]+')"
again() { # TABLE OUT LABEL OPTION...
    "$einthoven" evaluate --scores "$1" --score "score:a:$3,score:b:$3" --id record --cluster patient --set evaluate.cohort=ecg \
        --set evaluate.replicates=60 --csv "$2" --overwrite "${@:4}"
}
# Statistics that need no threshold and no map of a model: with value, limits, standard error, p and state.
figures() {
    awk -F, -v l="$2" '$2 == l && $6 !~ /@|^calibrated_/ && $5 == ""' "$1" | sed "s/^[^,]*,[^,]*,//; s/score:\\([ab]\\):[a-zA-Z/]*/\\1/g"
}
for column in fast signs/MI signs/LVH; do
    label=${column#*/}
    ok "$label from scores.csv" again out/scores.csv again.csv "$column" --label "label:$column"
    is "$label: clustered and bootstrap intervals, every digit" "$(figures again.csv "label:$column")" \
        "$(figures out/metrics.csv "$label")"
    like "$label: there are some" "$(figures again.csv "label:$column")" 'a - b,,auroc_difference,.*clustered by patient'
done
ok 'age from scores.csv' again out/scores.csv again.csv age --target label:age
is 'age: every digit' "$(figures again.csv label:age)" "$(figures out/metrics.csv age)"
{ head -n 1 out/scores.csv && tail -n +2 out/scores.csv | tac; } >back.csv
ok 'rows the other way round' again back.csv back_out.csv fast --label label:fast
ok 'and once more' again out/scores.csv again.csv fast --label label:fast
ok 'the same' cmp again.csv back_out.csv

# --- and without patients where they must not leave ---
ok 'patients left out' measure "a=$one,b=$two" bare --set evaluate.patient_keys=false
unlike 'then none are there' "$(head -n 2 bare/scores.csv)" 'patient|,p[0-9]{20}'
is 'and nothing else is missing' "$(sed 's/,[^,]*$//' out/scores.csv | md5sum)" "$(md5sum <bare/scores.csv)"
unlike 'nor in scores.h5' "$(tr -d '\000' <bare/scores.h5 | grep -a -o patient_key)" patient_key
like 'where they are otherwise' "$(tr -d '\000' <out/scores.h5 | grep -a -o -m1 patient_key)" patient_key

# --- files of one run, changed all together ---
run=$(sed -n 's/^# run //p' out/MADE-BY)
like 'a run has a name' "$run" '^[0-9a-f]{32}$'
like 'in metrics.json' "$(cat out/metrics.json)" "\"run\": \"$run\""
like 'in metrics.txt' "$(tail -n 1 out/metrics.txt)" "^run $run of einthoven"
is 'in scores.h5' "$(tr -d '\000' <out/scores.h5 | grep -a -o -m1 "$run" | head -n 1)" "$run"
unlike 'what leaves patients out has another' "$(cat bare/MADE-BY)" "$run"
ok 'and all files by their sums' bash -c 'cd out && b2sum -l 256 --check MADE-BY'
is 'all five' "$(grep -vc '^#' out/MADE-BY)" 5
exits 'earlier results are not replaced unasked' 1 measure "a=$two" out
like 'which is said' "$err" 'out/scores\.csv exists; --overwrite replaces it'
ok 'the same again' measure "a=$one,b=$two" out --overwrite
is 'has the same name' "$(sed -n 's/^# run //p' out/MADE-BY)" "$run"
exits 'what fails makes no folder' 1 measure "a=$two" none --part valid --set evaluate.minimum=5
ok 'so there is none' test ! -e none

# Killed before each change of a name in turn: what stands is of one run, and the next start makes it whole.
if make_shim; then
    rm -rf old new && cp -r out old
    cheap() { measure "a=$two" out --overwrite --set evaluate.replicates=0; }
    ok 'new results' cheap
    cp -r out new
    killed=0 mixed=0 broken=0
    for at in $(seq 1 60); do
        rm -rf out && cp -r old out
        (export EIN_KILL_IN=out/ EIN_KILL_AT=$at LD_PRELOAD=$tmp/shim.so && cheap) >/dev/null 2>&1 && break
        killed=$at o=0 n=0
        for f in old/*; do
            [ -e "out/${f#old/}" ] || continue
            if cmp -s "$f" "out/${f#old/}"; then o=1; elif cmp -s "new/${f#old/}" "out/${f#old/}"; then n=1; else o=1 n=1; fi
        done
        [ $o$n != 11 ] || mixed=$((mixed + 1))
        [ $((at % 4)) = 0 ] || continue # each would take long
        cheap >/dev/null 2>&1
        diff -r new out >/dev/null || broken=$((broken + 1))
    done
    ok 'kills were tried' test "$killed" -gt 20
    is 'no mixture of old and new' "$mixed" 0
    is 'and the next start leaves new results alone' "$broken" 0
fi
done_testing
