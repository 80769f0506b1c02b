#!/bin/bash
# timeout: 300
# Calibration after the fact: finetune fits a map on validation records and keeps it in the model, inspect shows it,
# evaluate tells calibration before and after; scores, thresholds and labels do not depend on it. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
export OMP_NUM_THREADS=1

echo 'contract: {leads: [I, II, V1], fs_hz: 50, samples: 500}' >ingest.yaml
cat >tasks.yaml <<'YAML'
tasks:
  - {name: low, kind: binary, group: ecg, rule: lvef < 61}
  - {name: signs, kind: multilabel, group: ecg, columns: [MI, LVH]}
  - {name: age, kind: regression, group: demographic, columns: [age], unit: years}
YAML
cat >tune.yaml <<'YAML'
model: {patch: 25, width: 16, depth: 1, heads: 2, mlp: 16}
train: {epochs: 6, batch: 16, slots: 4, warmup_epochs: 0, lr: 1e-2, threads: 1}
split: {by: hash, valid_fraction: 0.45, test_fraction: 0.2}
finetune: {tasks: [tasks.yaml], shared: true, mode: "full", from: scratch}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
split=(--set split.by=hash --set split.valid_fraction=0.45 --set split.test_fraction=0.2)
ok 'synthetic records' "$einthoven" synth --out ecg --set synth.records=320 --set synth.seed=3
ok 'corpus' "$einthoven" ingest ingest.yaml ecg --out corpus.h5 --labels ecg/labels.csv --label-key path \
    --age-column age --sex-column sex
tune() { mpi "$1" "$einthoven" finetune tune.yaml --corpus corpus.h5 --run "$2" "${@:3}"; }
model() { echo "$1"/*/scratch-s1/model.safetensors; }
measure() { # RANKS OUT MODELS OPTION...
    mpi "$1" "$einthoven" evaluate --model "$3" --corpus corpus.h5 --out "$2" --part test "${split[@]}" \
        --set evaluate.replicates=0 --set evaluate.threads=1 "${@:4}"
}

# --- in the model -----------------------------------------------------------------------------------------
ok 'one rank' tune 1 one
for ranks in 2 3 4; do
    ok "$ranks ranks" tune $ranks "r$ranks"
    ok "$ranks ranks: the same model, with its maps" cmp "$(model one)" "$(model r$ranks)"
done
ok 'inspect' "$einthoven" inspect "$(model one)"
domain=$(grep 'domain:' <<<"$out") out=$(grep '^ *target' <<<"$out")
like 'shows the map of a target' "$out" 'target low, .*calibration platt: logistic\(-?[0-9.e-]+ \+ [0-9.e-]+ logit\); fitted on [0-9]+ positives and [0-9]+ negatives for validation'
like 'and the domain' "$domain" 'domain: records [0-9]+, held_out [0-9]+, shrinkage 0\.[0-9]+, distance_5 '
like 'as the log does' "$(grep calibration one/*/scratch-s1/log.txt)" 'calibration of low: platt: logistic\('
unlike 'a number has none' "$out" 'target age.*calibration'
few=$(grep -oE 'calibration of signs/[A-Z]+: none: [0-9]+ positives and [0-9]+ negatives for validation; platt takes at least 20' one/*/scratch-s1/log.txt | head -n 1)
like 'where records are few there is none, and the log says why' "$few" 'at least 20'

ok 'no domain' tune 2 far --set finetune.domain_records=0
unlike 'then there is none' "$("$einthoven" inspect "$(model far)" | grep 'domain:')" domain
ok 'of a few records' tune 2 few --set finetune.domain_records=40
like 'as many are taken' "$("$einthoven" inspect "$(model few)" | grep 'domain:')" 'records 40, held_out 40,'
ok 'of too few' tune 1 too-few --set finetune.domain_records=10
like 'which the log tells' "$(cat too-few/*/scratch-s1/log.txt)" 'domain: none: 10 training and 10 validation records; 30 of each'
for kind in none temperature isotonic; do
    ok "$kind" tune 1 $kind --set finetune.calibration=$kind
done
thresholds() { "$einthoven" inspect --json "$1" | grep -E '"(threshold_|validation_|target)'; }
for kind in none temperature isotonic; do
    is "$kind: the same thresholds" "$(thresholds "$(model $kind)")" "$(thresholds "$(model one)")"
done
like 'a temperature has no intercept' "$("$einthoven" inspect "$(model temperature)" | grep 'target ')" 'temperature: logistic\(0 \+ '
like 'an isotonic map has knots' "$("$einthoven" inspect --json "$(model isotonic)" | grep calibration)" '"calibration": "isotonic: [0-9]+ knots'
exits 'another kind is another run' 1 tune 1 one --set finetune.calibration=none --resume=must
exits 'no such kind' 2 tune 1 wrong --set finetune.calibration=plat

# --- evaluation: before and after ---------------------------------------------------------------------------
models="none=$(model none),platt=$(model one),isotonic=$(model isotonic)"
ok 'evaluate' measure 1 out "$models"
page=$(grep -E '^(Calibration|After)' out/metrics.txt)
methods=$(tr '\n' ' ' <out/metrics.txt | tr -s ' ' | grep -oE 'After calibration: [^.]*' | sort -u)
like 'before' "$page" '^Calibration '
like 'and after' "$page" '^After calibration '
like 'and how' "$methods" 'the map that platt carries, fitted on its validation records'
unlike 'not of the model without' "$methods" 'the map that none carries'
for ranks in 2 4; do
    ok "$ranks ranks" measure $ranks "out$ranks" "$models"
    for file in scores.csv scores.h5 metrics.csv metrics.json; do
        ok "$ranks ranks: $file" cmp out/$file "out$ranks/$file"
    done
done
column() { head -n 1 out/scores.csv | tr ',' '\n' | grep -nx "$1" | cut -d: -f1; }
values() { cut -d, -f"$(column "$1")" out/scores.csv | tail -n +2; }
is 'scores are the same, whatever the map' "$(values score:none:low)" "$(values score:platt:low)"
is 'and so is every figure of them' "$(grep ',low,ecg,isotonic,' out/metrics.csv | grep -v calibrated_ | cut -d, -f6-)" \
    "$(grep ',low,ecg,none,' out/metrics.csv | cut -d, -f6-)"
unlike 'without a map there is no column' "$(head -n 1 out/scores.csv)" 'calibrated:none:'
is 'probabilities after calibration lie in (0, 1)' \
    "$(values calibrated:platt:low | awk '!($1 > 0 && $1 < 1)' | wc -l) $(values calibrated:isotonic:low | awk '!($1 > 0 && $1 < 1)' | wc -l)" '0 0'
is 'and rise with the score' "$(paste <(values score:platt:low) <(values calibrated:platt:low) | sort -g | cut -f2)" \
    "$(values calibrated:platt:low | sort -g)"
figure() { awk -F, -v m="$2" '$3 == "ecg" && $2 == "low" && $4 == "platt" && $6 == m' "$1" | cut -d, -f7-10; }
ok 'the column by itself' "$einthoven" evaluate --scores out/scores.csv --score calibrated:platt:low --label label:low \
    --id record --cluster patient --set evaluate.cohort=ecg --set evaluate.replicates=0 --csv alone.csv
for metric in brier calibration_slope calibration_intercept ece_mass_10 ici log_loss; do
    is "$metric: as evaluate --scores tells it" "$(figure out/metrics.csv "calibrated_$metric")" \
        "$(awk -F, -v m="$metric" '$6 == m' alone.csv | cut -d, -f7-10)"
done
ok 'on the records of the fit' measure 1 fitted "platt=$(model one)" --part valid --set evaluate.allow_seen=true
of() { figure fitted/metrics.csv "$1" | cut -d, -f1; }
ok 'calibration is better there' awk -v a="$(of log_loss)" -v b="$(of calibrated_log_loss)" 'BEGIN { exit !(b < a) }'
like 'its slope is 1, but for smoothed targets' "$(of calibrated_calibration_slope)" '^(0\.9[5-9]|1\.[01])'
done_testing
