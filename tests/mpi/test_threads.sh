#!/bin/bash
# timeout: 600
# Fewer threads than asked, because OMP_THREAD_LIMIT or OMP_DYNAMIC has it so: every job that works on several threads
# gives the same bytes. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"

contract='contract: {leads: [I, II, V1, V2, V3, V4, V5, V6], fs_hz: 50, samples: 500}'
echo "$contract" >"$tmp/ingest.yaml"
cat >"$tmp/pretrain.yaml" <<YAML
$contract
model: {patch: 25, width: 12, depth: 1, heads: 3, mlp: 20, decoder_width: 12, decoder_depth: 1, decoder_heads: 2, decoder_mlp: 12}
train: {epochs: 2, batch: 16, slots: 8, warmup_epochs: 1}
split: {by: hash, valid_fraction: 0.2, test_fraction: 0.3}
probe: {every_epochs: 2, tasks: ["$tmp/tasks.yaml"]}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML
cat >"$tmp/tasks.yaml" <<'YAML'
tasks:
  - {name: fast, kind: binary, group: ecg, rule: heart_rate_bpm > 75}
YAML
cat >"$tmp/tune.yaml" <<YAML
train: {epochs: 2, batch: 16, slots: 8, warmup_epochs: 1, lr: 2e-3}
split: {by: hash, valid_fraction: 0.2, test_fraction: 0.3}
finetune: {tasks: ["$tmp/tasks.yaml"], mode: "top:1"}
run: {log_seconds: 1000, checkpoint_minutes: 0}
YAML

# everything FOLDER: each job on 4 threads, into a folder.
everything() {
    local to=$1
    mkdir "$to"
    ok "$to: synth" "$einthoven" synth --out "$to/ecg" --set synth.records=80 --set synth.seed=3 --set synth.threads=4
    ok "$to: ingest" "$einthoven" ingest ingest.yaml "$to/ecg" --out "$to/corpus.h5" --labels "$to/ecg/labels.csv" \
        --label-key path --set ingest.threads=4
    ok "$to: pretrain" "$einthoven" pretrain pretrain.yaml --corpus "$to/corpus.h5" --run "$to/pre" --set probe.corpus="$to/corpus.h5" \
        --set train.threads=4
    ok "$to: finetune" "$einthoven" finetune tune.yaml --corpus "$to/corpus.h5" --from "$to/pre/model.safetensors" \
        --run "$to/tuned" --set train.threads=4
    ok "$to: evaluate" "$einthoven" evaluate --model "$to/tuned/fast/top-1-s1/model.safetensors" --corpus "$to/corpus.h5" \
        --out "$to/test" --part test --set evaluate.threads=4 --set evaluate.replicates=100 --set split.by=hash \
        --set split.valid_fraction=0.2 --set split.test_fraction=0.3
}
cd "$tmp" || exit 1
everything as-asked
OMP_THREAD_LIMIT=2 everything limit-2
OMP_THREAD_LIMIT=1 everything limit-1
OMP_DYNAMIC=true everything dynamic
for to in limit-2 limit-1 dynamic; do
    for file in pre/metrics.csv pre/probe.csv tuned/fast/top-1-s1/metrics.csv test/scores.csv; do
        ok "$to: $file" cmp "as-asked/$file" "$to/$file"
    done
    ok "$to: records" diff -r as-asked/ecg "$to/ecg"
done
like 'the log says how many threads there are' "$(cat limit-2/pre/log.txt)" '\b2 threads'

# The engine itself, whose cases ask for up to 5 threads.
for limit in 1 2; do
    ok "engine with OMP_THREAD_LIMIT=$limit" env OMP_THREAD_LIMIT=$limit "$(dirname "$einthoven")/tests/mpi/test_engine"
    ok "engine with OMP_THREAD_LIMIT=$limit on 2 ranks" mpi 2 env OMP_THREAD_LIMIT=$limit "$(dirname "$einthoven")/tests/mpi/test_engine"
done
done_testing
