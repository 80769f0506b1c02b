#!/bin/bash
# timeout: 300
# A watched folder in trouble: what is refused stops no forgetting, what vanishes is no problem, a file system that fails,
# fills up or goes away loses nothing and has nothing told twice. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../mpi/score_model.sh"
python=$(command -v python3) || skip_all 'python3 reads the lines, and is not here'
make_shim || skip_all 'no shared object can be built here'
make_score_model 40
mapfile -t headers < <(find "$tmp/ecg" -name '*.hea' | sort)

in=$tmp/in results=$tmp/results
mkdir "$in"
command=("$einthoven" score --watch "$in" --model "$model" --out "$results" --set watch.settle_s=0.1
    --set watch.patience_s=0.4 --set watch.poll_s=0.3 --set watch.heartbeat_s=0.1 --set score.threads=1)
idle=(--set watch.idle_s=0.6)
watch() { timeout 60 "${command[@]}" "${idle[@]}" "$@"; }
shimmed() { shim "$@" timeout 60 "${command[@]}" "${idle[@]}"; }
arrive() {
    cp "${headers[$1]%.hea}.dat" "$2/"
    cp "${headers[$1]}" "$2/"
}
lines() { cat "$results"/records.jsonl*; }
# of TEXT: statuses of the lines whose source ends so, in order.
of() { lines | "$python" -c 'import json, sys; print(*(l["status"] for l in map(json.loads, sys.stdin) if l["source"].endswith(sys.argv[1])))' "$1"; }
beat() { "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$results/heartbeat" "$1"; }
known() { tr '\0' '\n' <"$results/watch.done" | grep -c -e "$1"; }
# until COMMAND...: wait until it succeeds.
until_ok() {
    for _ in $(seq 300); do
        "$@" && return 0
        sleep 0.05
    done
    return 1
}
is_told() { grep -qs -e "$1" "$results/records.jsonl"; }
# started [VARIABLE=VALUE...]: a watcher, with the options in `more`, until it is stopped.
more=()
started() {
    shim exec "$@" "${command[@]}" "${more[@]}" >"$tmp/watch.out" 2>"$tmp/watch.err" &
    watcher=$!
}
stopped() {
    kill -TERM "$watcher"
    wait "$watcher"
}

# --- what is refused, and what vanishes ------------------------------------------------------------------------------
arrive 0 "$in"
mkfifo "$in/pipe.hea"
: >"$in/seen.hea"
ok 'a pipe and an empty header' watch
is 'each has its line' "$(of pipe.hea) $(of seen.hea) $(of 0.hea)" 'unreadable malformed ok'
ok 'a file that vanishes while it is listed' shimmed EIN_VANISH=seen.hea
is 'has no second line' "$(of seen.hea)" malformed
ln -s /nowhere "$in/brief.hea"
ok 'what is refused and vanishes at once' shimmed EIN_VANISH=brief.hea
is 'has none' "$(of brief.hea)" ''
mkdir "$in/own"
more=(--set watch.settle_s=1.5)
started
until_ok test -s "$results/heartbeat"
arrive 1 "$in/own"
waits() { [ "$(beat waiting)" = "$1" ]; }
ok 'an arrival waits' until_ok waits 1
rm -r "$in/own"
ok 'and does not any more when its whole folder is gone' until_ok waits 0
stopped
is 'it is counted' "$(beat vanished) $(of 000001.hea)" '1 '
more=()

# --- signal files before their headers, and long after ---------------------------------------------------------------
cp "${headers[2]%.hea}.dat" "$in/"
started
until_ok test -s "$results/heartbeat"
sleep 0.3
cp "${headers[2]}" "$in/"
until_ok is_told 000002.hea
sleep 0.8
stopped
is 'a signal that came before its header is no recording' "$(of 2.hea)$(of 2.dat)" ok
cp "${headers[3]}" "$in/"
ok 'a header alone' watch
cp "${headers[3]%.hea}.dat" "$in/"
ok 'and its signal, after that was told' watch
is 'incomplete, then whole' "$(of 3.hea)" 'incomplete ok'

# --- names in any encoding, and kills --------------------------------------------------------------------------------
name=$(printf 'M\374ller')
cp "${headers[4]}" "$in/$name.hea"
cp "${headers[4]%.hea}.dat" "$in/"
ok 'a name in Latin-1' watch
is 'is shown' "$(of 'M?ller.hea')" ok
like 'with its bytes' "$(lines | grep 'ller')" '"source_bytes":"[0-9a-f]*4dfc6c6c65722e686561"'
: >"$results/watch.done" # as if a kill had come between its line and its note
ok 'again' watch
is 'is not told again' "$(of 'M?ller.hea')" ok
is 'and is noted' "$(known ller)" 1
printf '0000000000' >>"$results/watch.done" # a kill tore it
arrive 5 "$in"
ok 'after a note that is torn' watch
rm "$results"/records.jsonl*
ok 'again' watch
ok 'the next note is whole' test ! -s "$results/records.jsonl"

# --- forgetting ------------------------------------------------------------------------------------------------------
"$python" - "$in" <<'PY'
import os, sys
for folder in ("many", "locked"):
    os.makedirs("%s/%s" % (sys.argv[1], folder))
    for i in range(1100 if folder == "many" else 20):
        open("%s/%s/e%d.hea" % (sys.argv[1], folder, i), "w").close()
PY
ok 'more than a thousand files' watch
is 'are known' "$(known /many/) $(known /locked/)" '1100 20'
mv "$in" "$tmp/away" # before the walk: realpath at the start finds it
mkdir "$in"
ok 'a folder that is not mounted' watch
is 'all of it is still known' "$(known /many/)" 1100
rmdir "$in"
mv "$tmp/away" "$in"
rm -r "$in/many"
before=$(lines | wc -l)
ok 'what is there cannot be listed in part' shimmed EIN_WALK=13 EIN_AT=/locked
is 'what is surely gone is forgotten, though a pipe is refused' "$(known /many/)" 0
is 'and only that' "$(known /locked/) $(known pipe.hea) $(known ller)" '20 1 1'
ok 'again' watch
is 'a folder that was refused has its line, and its files none twice' "$(of /locked) $(($(lines | wc -l) - before))" 'unreadable 1'

# --- file systems that fail ------------------------------------------------------------------------------------------
for fault in READ:5:syn0000006.dat OPEN:5:syn0000007.dat READ:116:syn0000008.dat; do
    at=${fault##*:}
    number=${fault//[^0-9:]/}
    arrive "${at:9:1}" "$in"
    ok "trouble that passes ($fault)" shimmed EIN_"${fault%%:*}"="$(echo "$number" | cut -d: -f2)" EIN_AT="$at" EIN_TIMES=4
    is 'rejects nothing' "$(of "${at%.dat}.hea")" ok
done
for file in records.jsonl watch.done; do
    i=$([ $file = watch.done ] && echo 11 || echo 10)
    arrive $i "$in"
    ok "a disk that is full in the middle of $file" shimmed EIN_WRITE=28 EIN_AT=/$file EIN_TIMES=4
    like 'is told' "$(cat "$tmp/run.err")" "warning: .*$file: No space left.*trying again"
    is 'and waited out' "$(of 00000$i.hea)" ok
done
ok 'no line is torn' "$python" -c 'import json, sys; [json.loads(l) for l in open(sys.argv[1])]' "$results/records.jsonl"
is 'and no note' "$(known '^[0-9a-f]\{16\} /') $(known 000011.hea)" "$(known '') 1"
exits 'a list of what is done that cannot be read' 1 shimmed EIN_OPEN=13 EIN_AT=/watch.done
like 'is told' "$err" 'watch\.done: Permission denied'
touch "$tmp/trouble"
arrive 12 "$in"
started EIN_OPEN=5 EIN_AT="$in" EIN_WHILE="$tmp/trouble"
sleep 1
is 'a file system that answers EIO for a while: nothing is told' "$(of 000012.hea)" ''
rm "$tmp/trouble"
until_ok is_told 000012.hea
before=$(lines | wc -l)
mv "$in" "$tmp/away"
sleep 1
mv "$tmp/away" "$in"
arrive 13 "$in"
until_ok is_told 000013.hea
stopped
is 'after that, and one that went away for a while, all is told once' "$(of 000012.hea) $(($(lines | wc -l) - before))" 'ok 1'
ok 'and nothing is left to do' watch
is 'nothing' "$(lines | wc -l)" "$((before + 1))"
done_testing
