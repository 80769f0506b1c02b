#!/bin/bash
# timeout: 300
# A site runs a plan with the plan's own model on its corpus, also on two ranks; another model, contract or way is refused.
# SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
export OMP_NUM_THREADS=1

cat >ingest.yaml <<'YAML'
contract: {leads: [I, II, V1], fs_hz: 50, samples: 500}
YAML
cat >tasks.yaml <<'YAML'
tasks:
  - {name: fast, kind: binary, group: ecg, rule: heart_rate_bpm > 75}
  - {name: age, kind: regression, group: demographic, columns: [age], unit: years}
YAML
cat >tune.yaml <<'YAML'
model: {patch: 25, width: 12, depth: 1, heads: 2, mlp: 16}
train: {epochs: 2, batch: 32, slots: 2, warmup_epochs: 0, lr: 2e-3, threads: 1}
split: {by: hash, valid_fraction: 0.2, test_fraction: 0.4}
finetune: {tasks: [tasks.yaml], shared: true, mode: "full"}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
for i in 3 4; do
    "$einthoven" synth --out ecg$i --set synth.records=240 --set synth.seed=$i --set synth.prefix=s$i >/dev/null
    "$einthoven" ingest ingest.yaml ecg$i --out c$i.h5 --labels ecg$i/labels.csv --label-key path --age-column age \
        --sex-column sex >/dev/null
done
ok 'two models' "$einthoven" finetune tune.yaml --corpus c3.h5 --from scratch --run tuned --seeds 2
cp tuned/*/*s1/model.safetensors ours.safetensors
cp tuned/*/*s2/model.safetensors other.safetensors
"$einthoven" keys c.key >/dev/null
"$einthoven" keys n.key >/dev/null
cat >plan.yaml <<'YAML'
name: m
expires: 2099-01-01
largest_bound: 0.5
models: [{name: ours, file: ours.safetensors}]
cohort: {text: adults, require: [{column: age, at_least: 18}]}
tasks:
  - {name: fast, label: fast, scores: [fast], bins: 20, thresholds: [0.5]}
  - {name: age, kind: quantity, label: age, scores: [age]}
subgroups: [{column: sex, values: [female, male]}, {column: age, cuts: [50, 65]}]
sites: [{name: n, key: n.key.pub}]
YAML
ok 'a plan for this very model' "$einthoven" plan plan.yaml --key c.key --set plan.today=2026-01-01
site() {
    "${@:3}" "$einthoven" evaluate --plan plan.json --coordinator c.key.pub --site n --site-key n.key --model "ours=$1" \
        --corpus c4.h5 --out "$2" --set evaluate.replicates=20 --set evaluate.threads=1 --set evaluate.today=2026-05-01
}
ok 'the site runs it' site ours.safetensors one
like 'sex and age are the corpus'"'"'s' "$out" '    female: [0-9]+ positive, [0-9]+ negative'
ok 'all figures for the site itself' test -s one/site-private/evaluation/metrics.txt
ok 'on two ranks' site ours.safetensors two mpi 2
ok 'the same bytes would leave' cmp one/site-private/candidate.json two/site-private/candidate.json
like 'under the corpus'"'"'s contract' "$(cat one/site-private/candidate.json)" '"contract_hash": "[0-9a-f]{64}"'
exits 'another model' 1 site other.safetensors three
like 'is refused by name' "$err" "other\\.safetensors is not the plan's model ours"
ok 'before anything ran' test ! -e three/site-private/evaluation
exits 'a table in place of the model' 2 "$einthoven" evaluate --plan plan.json --coordinator c.key.pub --site n \
    --site-key n.key --scores one/site-private/evaluation/scores.csv --out four --set evaluate.today=2026-05-01
like 'is refused' "$err" 'give --model NAME=FILE'
done_testing
