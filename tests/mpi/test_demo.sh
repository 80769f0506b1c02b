#!/bin/bash
# timeout: 300
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
for file in cohorts/mimic/MANIFEST.json corpora/mimic.h5 pretrain/model.safetensors table.csv table.txt encoder.safetensors; do
    is "$file" "$([ -s "$tmp/demo/$file" ] && echo there)" there
done
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
