# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by tests of scoring: make_score_model RECORDS makes $tmp/ecg (SYNTHETIC), $tmp/corpus.h5 and two small models,
# $model and $other_model, of the same tasks and another seed.
make_score_model() {
    cat >"$tmp/setup.yaml" <<YAML
contract: {leads: [I, II, V1, V2, V3, V4, V5, V6], fs_hz: 50, samples: 500}
YAML
    cat >"$tmp/tasks.yaml" <<'YAML'
tasks:
  - {name: fast, kind: binary, group: ecg, rule: heart_rate_bpm > 75}
  - {name: signs, kind: multilabel, group: ecg, columns: [MI, LVH, LAFB]}
  - {name: age, kind: regression, group: demographic, columns: [age], unit: years}
YAML
    cat >"$tmp/pretrain.yaml" <<YAML
contract: {leads: [I, II, V1, V2, V3, V4, V5, V6], fs_hz: 50, samples: 500}
model: {patch: 25, width: 24, depth: 2, heads: 3, mlp: 40, decoder_width: 12, decoder_depth: 1, decoder_heads: 2, decoder_mlp: 24}
train: {epochs: 1, batch: 16, slots: 8, warmup_epochs: 0}
split: {by: hash, valid_fraction: 0.4, test_fraction: 0.01}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
    cat >"$tmp/tune.yaml" <<YAML
train: {epochs: 1, batch: 16, slots: 8, warmup_epochs: 0, lr: 2e-3}
split: {by: hash, valid_fraction: 0.4, test_fraction: 0.01}
finetune: {tasks: ["$tmp/tasks.yaml"], shared: true, mode: linear}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
    ok 'synthetic records' "$einthoven" synth --out "$tmp/ecg" --set synth.records="$1" --set synth.seed=3
    ok 'corpus' "$einthoven" ingest "$tmp/setup.yaml" "$tmp/ecg" --out "$tmp/corpus.h5" \
        --labels "$tmp/ecg/labels.csv" --label-key path --age-column age --sex-column sex
    ok 'encoder' "$einthoven" pretrain "$tmp/pretrain.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/pre"
    for seed in 1 2; do
        ok "model $seed" "$einthoven" finetune "$tmp/tune.yaml" --corpus "$tmp/corpus.h5" \
            --from "$tmp/pre/model.safetensors" --run "$tmp/tuned-$seed" --set train.seed="$seed"
    done
    model=$(find "$tmp/tuned-1" -name model.safetensors)
    other_model=$(find "$tmp/tuned-2" -name model.safetensors)
}
