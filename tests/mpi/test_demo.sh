#!/bin/bash
# timeout: 300
# The demo's commands, rehearsed with few records: each runs, a second time it goes on, and it keeps off other folders.
. "$(dirname "$0")/../lib.sh"

demo=$root/tests/demo.sh
export EIN_DEMO_SHORT=1
ok 'the demo' "$demo" "$einthoven" "$tmp/demo"
like 'says that it is synthetic' "$out" '150 SYNTHETIC recordings'
like 'shows its commands' "$out" '^\$ mpirun -n 2 .* pretrain --set model.preset=tiny'
like 'prints losses' "$out" '^    1  [0-9]+\.[0-9]{4}  #'
like 'tells what to type next' "$out" '^  \./einthoven ingest .*FOLDER$'
for file in ecg/MANIFEST.json corpus.h5 pretrain/model.safetensors encoder.safetensors; do
    is "$file" "$([ -s "$tmp/demo/$file" ] && echo there)" there
done
ok 'again' "$demo" "$einthoven" "$tmp/demo"
like 'goes on: records' "$out" 'complete already, nothing to do'
like 'goes on: corpus' "$out" 'is there and whole'
like 'goes on: run' "$err" 'already done'
echo other >"$tmp/demo/made-by"
ok 'after another version' "$demo" "$einthoven" "$tmp/demo"
like 'it starts afresh' "$out" 'starting afresh'
mkdir "$tmp/mine" && touch "$tmp/mine/thesis"
exits 'a folder of somebody else' 1 "$demo" "$einthoven" "$tmp/mine"
is 'is left alone' "$(ls "$tmp/mine")" thesis
exits 'no program' 2 "$demo" "$tmp/none"
done_testing
