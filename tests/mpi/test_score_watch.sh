#!/bin/bash
# timeout: 300
# Scoring as recordings arrive: half-written, moved in, replaced, hostile and vanishing files, restarts and kills; every
# one has its line, and none twice. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/score_model.sh"
python=$(command -v python3) || skip_all 'python3 reads the lines, and is not here'
make_score_model 40
mapfile -t headers < <(find "$tmp/ecg" -name '*.hea' | sort)

quick=(--set watch.settle_s=0.2 --set watch.patience_s=0.8 --set watch.poll_s=0.5 --set watch.heartbeat_s=0.2 --set score.threads=2)
in=$tmp/in results=$tmp/results
mkdir "$in"
command=("$einthoven" score --watch "$in" --model "$model" --out "$results" "${quick[@]}")
watch() { "${command[@]}" "$@"; }
# wait_for TEXT FILE: until a line of it holds the text.
wait_for() {
    for _ in $(seq 200); do
        grep -qs -e "$1" "$2" && return 0
        sleep 0.05
    done
    return 1
}
# arrive N [FOLDER [NAME]]: record N of the synthetic ones, header first, as cp does it.
arrive() {
    local header=${headers[$1]} folder=${2:-$in}
    mkdir -p "$folder"
    cp "$header" "$folder/"
    cp "${header%.hea}.dat" "$folder/"
}
lines() { cat "$results"/records.jsonl.[0-9]* "$results/records.jsonl" 2>/dev/null; }
# statuses: how often each occurs.
statuses() { lines | "$python" -c 'import collections, json, sys; print(*(f"{k}={n}" for k, n in sorted(collections.Counter(json.loads(l)["status"] for l in sys.stdin).items())))'; }
# own lines of a source
of() { lines | "$python" -c 'import json, sys; print(sum(json.loads(l)["source"].endswith(sys.argv[1]) for l in sys.stdin))' "$1"; }

# --- arrivals --------------------------------------------------------------------------------------------------------
for i in 0 1 2; do arrive $i; done
"${command[@]}" >"$tmp/watch.out" 2>"$tmp/watch.err" &
watcher=$!
wait_for syn0000002 "$results/records.jsonl"
is 'what lay there is scored' "$(statuses)" 'ok=3'
arrive 3 "$in/new/deep"
arrive 4
cp "${headers[5]}" "$in/" # its signal comes later, in two parts
signal=${headers[5]%.hea}.dat
head -c 1000 "$signal" >"$in/$(basename "$signal")"
sleep 0.4
tail -c +1001 "$signal" >>"$in/$(basename "$signal")"
cp "${headers[6]}" "$in/" # its signal never comes
echo 'nothing of a header' >"$in/hostile.hea"
head -c 100000 /dev/zero >"$in/zeros.xml"
: >"$in/empty.hea"
mkfifo "$in/pipe.hea"
cp "${headers[7]}" "$in/brief.hea" # vanishes before it settles
rm "$in/brief.hea"
mkdir "$tmp/aside"
arrive 8 "$tmp/aside/moved"
mv "$tmp/aside/moved" "$in/"
wait_for syn0000003 "$results/records.jsonl"
wait_for syn0000005.hea "$results/records.jsonl"
wait_for syn0000006.hea "$results/records.jsonl"
wait_for zeros "$results/records.jsonl"
wait_for pipe "$results/records.jsonl"
wait_for syn0000008 "$results/records.jsonl"
is 'every arrival has its line' "$(statuses)" "$(statuses | sed 's/ok=[0-9]*/ok=7/')"
like 'the hostile ones with a reason' "$(statuses)" 'incomplete=1 malformed=[12] ok=7 unreadable=1 unsupported=[12]'
is 'a signal in two parts: one line, of the whole' "$(of syn0000005.hea)" 1
is 'what vanished has none' "$(of brief.hea)" 0
ok 'the heartbeat' "$python" -c 'import json, sys; h = json.load(open(sys.argv[1])); assert h["state"] == "watching" and h["scored"] == 7 and h["waiting"] == 0, h' "$results/heartbeat"
exits 'a second watcher' 1 watch
like 'is refused, and told who is there' "$err" "in use by process $watcher"

# --- restarts --------------------------------------------------------------------------------------------------------
kill -KILL "$watcher"
wait "$watcher" 2>/dev/null
printf '{"time": "torn' >>"$results/records.jsonl"
cp "$results/watch.done" "$tmp/watch.done"
head -c 100 "$tmp/watch.done" >"$results/watch.done" # as if the kill had come before most notes
arrive 9
ok 'after a kill' watch --set watch.idle_s=0.8
is 'only what is new is scored' "$(lines | wc -l)" $(($(lines | sort -u | wc -l)))
is 'once' "$(of syn0000009.hea) $(of syn0000000.hea) $(of syn0000005.hea)" '1 1 1'
cp "${headers[10]%.hea}.dat" "$in/syn0000000.dat"
ok 'a file that was replaced' watch --set watch.idle_s=0.8
is 'is scored again' "$(of syn0000000.hea)" 2
before=$(lines | wc -l)
ok 'again' watch --set watch.idle_s=0.8
is 'nothing is left to do' "$(lines | wc -l)" "$before"

# --- the scores, rotation, a signal --------------------------------------------------------------------------------------
cp "${headers[0]%.hea}.dat" "$in/syn0000000.dat"
for i in $(seq 10 39); do arrive "$i"; done
"${command[@]}" --set watch.rotate_mib=0.01 --set watch.stdout=true >"$tmp/watch.out" 2>"$tmp/watch.err" &
watcher=$!
wait_for syn0000039 "$tmp/watch.out"
sleep 0.3
kill -TERM "$watcher"
wait "$watcher"
is 'a signal ends it in order' $? 0
ok 'lines are rotated' test -s "$results/records.jsonl.1"
is 'and none is lost' "$(lines | "$python" -c 'import json, sys; print(len({json.loads(l)["source"] for l in sys.stdin if json.loads(l)["status"] == "ok"}))')" 38
ok 'in bulk' "$einthoven" score "$tmp/ecg" --model "$model" --out "$tmp/bulk" --set score.formats=csv
cat >"$tmp/same.py" <<'PY'
import csv, json, sys
bulk = {r["record"]: r for r in csv.DictReader(open(sys.argv[1]))}
n = 0
for line in sys.stdin:
    r = json.loads(line)
    if r["status"] != "ok" or r["sha256"] != bulk[r["record"]]["sha256"]: continue
    for name, value in r["scores"].items():
        theirs = bulk[r["record"]][name]
        assert (theirs == "") if value is None else float(theirs) == value, (r["record"], name)
    n += 1
print(n >= 38)
PY
is 'the same scores as in bulk' "$(lines | "$python" "$tmp/same.py" "$tmp/bulk/scores.csv")" True
done_testing
