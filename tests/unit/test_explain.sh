#!/bin/bash
# explain: tables and pictures of attributions, the same on two ranks; a planted wave is found.
. "$(dirname "$0")/../lib.sh"

ok 'synth' "$einthoven" synth --out "$tmp/cohort" --set synth.records=24 --set synth.seed=5 --set signal.fs_hz=100
ok 'ingest' "$einthoven" ingest --set model.preset=tiny --out "$tmp/c.h5" "$tmp/cohort" --labels "$tmp/cohort/labels.csv" \
    --label-key path --sex-column sex --patient-column subject
ok 'finetune' "$einthoven" finetune --corpus "$tmp/c.h5" --tasks study/sex --from scratch --run "$tmp/run" --set split.by=hash \
    --set split.valid_fraction=0.3 --set model.preset=tiny --set model.depth=1 --set train.epochs=1 --set train.batch=8
model=$(find "$tmp/run" -name model.safetensors)
explain=("$einthoven" explain --model "$model" --corpus "$tmp/c.h5")

ok 'two records' "${explain[@]}" --records 2 --out "$tmp/e.csv" --draw "$tmp/e.svg" --planted 16
like 'tells what is explained' "$out" "^sex by $model: 2 records of .*, 8 leads x 40 times\$"
like 'and how complete it is' "$out" '^integrated gradients add up to the difference of logits but for [0-9.]+ %'
like 'and of random weights' "$out" '^rank correlation with random weights( +-?[0-9.]+){4}$'
hits() { awk -v what="$1" 'index($0, what) == 1 { print $(NF - 1 - '"$2"') }' <<<"$out"; }
is 'planted waves are found by occlusion and integrated gradients, and not where labels were random' "$(
    awk -v o="$(hits 'lead and time ' 2)" -v i="$(hits 'lead and time ' 0)" -v r="$(hits 'with random labels' 0)" \
        'BEGIN { print (o >= 0.6 && i >= 0.6 && r <= 0.2) }')" 1
# Occlusion 320 cells, 8 leads, 40 times; gradient and integrated 320 each; rollout 40: 1048 rows of 2 records.
is 'rows' "$(wc -l <"$tmp/e.csv")" 2097
is 'cells of integrated gradients are all there' "$(grep -c ',integrated,V6,39,9.75,10,' "$tmp/e.csv")" 2
like 'the picture has its legend' "$(cat "$tmp/e.svg")" '>integrated gradients, in shares of the greatest cell, [0-9.e-]+</text>'
like 'and areas' "$(cat "$tmp/e.svg")" 'class="ein-(for|against)-d"'

ok 'on two ranks' mpi 2 "${explain[@]}" --records 2 --out "$tmp/two.csv"
is 'the same bytes' "$(cksum <"$tmp/two.csv")" "$(cksum <"$tmp/e.csv")"
ok 'one method of one record' "${explain[@]}" --record syn0000003 --methods rollout --set explain.checks=false --out "$tmp/r.csv"
is 'shares of times' "$(awk -F, 'NR > 1 { sum += $8; if ($8 < 0) bad = 1 } END { print (!bad && sum > 0 && sum <= 1) }' "$tmp/r.csv")" 1

exits 'an earlier table' 1 "${explain[@]}" --records 1 --methods rollout --out "$tmp/r.csv"
exits 'no such target' 2 "${explain[@]}" --target nothing
like 'names those there are' "$err" 'it has sex'
exits 'no such record' 1 "${explain[@]}" --record nobody
exits 'a picture of what is not computed' 2 "${explain[@]}" --methods rollout --draw "$tmp/x.svg"
exits 'a table of another kind' 2 "${explain[@]}" --out "$tmp/x.h5"
exits 'no model' 2 "$einthoven" explain --corpus "$tmp/c.h5"
is 'nothing is left behind' "$(find "$tmp" -name 'x.*' -o -name '*.partial' | wc -l)" 0
done_testing
