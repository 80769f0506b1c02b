#!/bin/bash
# A preset NAME-fast is NAME with another start of positions and another beta2, and nothing else: same contract, so the same
# corpora; every name is taken wherever presets are. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
cd "$tmp" || exit 1
export OMP_NUM_THREADS=1

for size in tiny small paper; do
    is "$size-fast differs from $size in these lines" \
        "$(diff <(grep -v '^#' "$root/jobs/presets/$size.yaml") <(grep -v '^#' "$root/jobs/presets/$size-fast.yaml") | grep '^[<>]')" \
        $'>   positions: sincos\n>   beta2: 0.95'
done
ok 'synthetic records' "$einthoven" synth --out ecg --set synth.records=40 --set synth.seed=6
ok 'ingested for tiny' "$einthoven" ingest ecg --out tiny.h5 --set model.preset=tiny
ok 'and for tiny-fast' "$einthoven" ingest ecg --out fast.h5 --set model.preset=tiny-fast
for corpus in tiny fast; do
    ok "a plan on the corpus of $corpus" "$einthoven" pretrain --set model.preset=tiny-fast --corpus $corpus.h5 --run no --dry-run
    like 'has the parameters of tiny' "$out" 'parameters +948,488 pretraining model'
done
small=(--corpus tiny.h5 --set train.epochs=1 --set model.depth=1 --set model.decoder_depth=1 --set train.threads=1)
for preset in tiny tiny-fast; do
    ok "a run of $preset" "$einthoven" pretrain --set model.preset=$preset "${small[@]}" --set train.recipe=study --set train.batch=32 \
        --set train.warmup_epochs=0 --run $preset
done
like 'tiny keeps the numbers of Moody et al.' "$(cat tiny/config.resolved.yaml)" '^  beta2: 0\.999$'
like 'and their start' "$(cat tiny/config.resolved.yaml)" '^  positions: learned$'
like 'tiny-fast has its own, whatever the recipe' "$(cat tiny-fast/config.resolved.yaml)" '^  beta2: 0\.95$'
like 'and its start' "$(cat tiny-fast/config.resolved.yaml)" '^  positions: sincos$'
sed 's/^preset: .*/preset: small-fast/' "$root/jobs/study/demo.yaml" >study.yaml
ok 'the plan of a study takes such a name' "$einthoven" study study.yaml
like 'which it says' "$out" 'preset small-fast'

done_testing
