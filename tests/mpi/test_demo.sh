#!/bin/bash
# timeout: 300; on a disk
# The demo's commands, rehearsed with few records: each runs, a second time it goes on, and it keeps off other folders.
. "$(dirname "$0")/../lib.sh"

demo=$root/tests/demo.sh
export EIN_DEMO_SHORT=1
ok 'the demo' "$demo" "$einthoven" "$tmp/demo"
like 'says that it is synthetic' "$out" 'a whole study on SYNTHETIC ECGs'
like 'shows its commands' "$out" '^\$ mpirun -n 2 .* study .* --run'
like 'prints the table' "$out" '^sex +other +80  AUROC'
like 'and the loss' "$out" '^  first [0-9]+\.[0-9]{4}, last [0-9]'
like 'tells what to type next' "$out" '^  \./einthoven ingest .*FOLDER$'
for file in cohorts/mimic/MANIFEST.json corpora/mimic.h5 pretrain/model.safetensors table.csv table.txt encoder.safetensors report.html report/results.csv; do
    is "$file" "$([ -s "$tmp/demo/$file" ] && echo there)" there
done
is 'ends with the path of the page' "$(tail -n 1 <<<"$out" | tr -d ' ')" "$(cd "$tmp/demo" && pwd)/report.html"
page=$(cat "$tmp/demo/report.html")
for figure in pretraining differences-macro-AUROC differences-macro-R2; do
    is "figure $figure" "$([ -s "$tmp/demo/report/$figure.svg" ] && echo there)" there
done
# Numbers of equal value are equal texts with 17 digits.
digits() { awk '{ printf "%.17g\n", $1 }' | sort -u; }
grep -oE 'data-v="[^"]+"' <<<"$page" | cut -d '"' -f 2 | digits >"$tmp/shown"
for metrics in "$tmp"/demo/evaluate/*/*/metrics.json; do
    tr -d ' \n' <"$metrics" | grep -oE '"(macro|difference)":\{"value":[-0-9.e]+' | sed 's/.*://'
done | digits >"$tmp/measured"
is 'figures of three evaluations' "$(wc -l <"$tmp/measured")" 9
is 'all are in the page, digit by digit' "$(comm -13 "$tmp/shown" "$tmp/measured")" ''
is 'reconstructions: eight leads predicted' "$(grep -c 'class="ein-predicted"' "$tmp/demo/report/reconstruction-1.svg")" 8
is 'of another record each' "$(cmp -s "$tmp"/demo/report/reconstruction-[12].svg && echo same)" ''
is 'who was studied' "$(grep -c '^Records,128,160,80$' "$tmp/demo/report/table-1.csv")" 1
ok 'again' "$demo" "$einthoven" "$tmp/demo"
unlike 'goes on: nothing is made twice' "$out" '(synth|ingest|pretrain|finetune|evaluate) +[a-z].* done in'
like 'goes on: the table is there' "$out" '^sex +other +80  AUROC'
echo other >"$tmp/demo/made-by"
ok 'after another version' "$demo" "$einthoven" "$tmp/demo"
like 'it starts afresh' "$out" 'starting afresh'
mkdir "$tmp/mine" && touch "$tmp/mine/thesis"
exits 'a folder of somebody else' 1 "$demo" "$einthoven" "$tmp/mine"
is 'is left alone' "$(ls "$tmp/mine")" thesis
exits 'no program' 2 "$demo" "$tmp/none"
done_testing
