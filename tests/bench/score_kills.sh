#!/bin/bash
# score_kills.sh [ROUNDS] [FOLDER]: `score` of one mixed folder, started by 1, 2 and 4 ranks, by 3 processes, with --part and
# from a shuffled list; and ROUNDS times (40) stopped by SIGKILL while blocks are claimed, by ranks and by processes in
# turn, and started again. scores.csv has the same bytes each time, and adds up. FOLDER is ~/.cache/einthoven; the models
# are made of SYNTHETIC records. Run by `make score-kills`.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../mpi/score_model.sh"
rounds=${1:-40} archive=${2:-$HOME/.cache/einthoven}
[ -d "$archive" ] || skip_all "no folder $archive"
make_score_model 60
command=("$einthoven" score "$archive" --model "$model" --set score.block=16 --set score.threads=1 --set score.formats=csv
    --set run.log_seconds=1000)
same() { ok "$1: the same bytes" cmp "$tmp/one/scores.csv" "$tmp/$2/scores.csv"; }

ok 'one process' "${command[@]}" --out "$tmp/one"
echo "$out" | sed -n '/inputs  status/,$p' | sed 's/^/# /'
is 'a row per input' "$(($(wc -l <"$tmp/one/scores.csv") - 1))" "$(echo "$out" | awk '/ in all$/ {print $1}')"
for ranks in 2 4; do
    ok "$ranks ranks" mpi "$ranks" "${command[@]}" --out "$tmp/ranks-$ranks"
    same "$ranks ranks" "ranks-$ranks"
done
crew() { # crew FOLDER OPTION...: three processes side by side
    local folder=$1 pids=() good=0
    shift
    for i in 1 2 3; do
        "${command[@]}" --out "$folder" "$@" ${part:+--part $i/3} >>"$tmp/crew.out" 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || good=1; done
    return $good
}
part='' ok 'three processes' crew "$tmp/three"
same 'three processes' three
part=1 ok 'three with --part' crew "$tmp/parts"
same 'three with --part' parts
find "$archive" -name '*.hea' -o -name '*.xml' >"$tmp/recordings"
ok 'named by a list' "$einthoven" score --list "$tmp/recordings" "${command[@]:3}" --out "$tmp/listed"
shuf "$tmp/recordings" >"$tmp/shuffled"
ok 'shuffled' "$einthoven" score --list "$tmp/shuffled" "${command[@]:3}" --out "$tmp/shuffled-out"
ok 'shuffled: the same bytes' cmp "$tmp/listed/scores.csv" "$tmp/shuffled-out/scores.csv"

# --- kills -----------------------------------------------------------------------------------------------------------
# The work goes on in one folder until it is done, then in the next. A kill comes when somebody holds a claim.
folder=1 kills=0 claimed=0 whole=0
blocks() { find "$tmp/killed-$folder/blocks" -type f 2>/dev/null | wc -l; }
while [ $kills -lt "$rounds" ]; do
    before=$(blocks)
    if [ $((kills % 2)) = 0 ]; then
        mpi 2 "${command[@]}" --out "$tmp/killed-$folder" >"$tmp/killed.out" 2>&1 &
    else
        "${command[@]}" --out "$tmp/killed-$folder" >"$tmp/killed.out" 2>&1 &
    fi
    started=$!
    for _ in $(seq 1200); do
        kill -0 $started 2>/dev/null || break
        [ "$(blocks)" -gt $((before + RANDOM % 8)) ] && break
        sleep 0.05
    done
    mine=$(pgrep -f -- "--out $tmp/killed-$folder\$")
    held=0 # a claim is a link to the file of its worker, HOST-PID-BEGUN
    for pid in $mine; do
        for worker in "$tmp/killed-$folder/workers"/*-"$pid"-*; do
            [ -e "$worker" ] && [ "$(stat -c %h "$worker")" -gt 1 ] && held=1
        done
    done
    if kill -0 $started 2>/dev/null; then
        # shellcheck disable=SC2086
        kill -KILL $mine 2>/dev/null
        kills=$((kills + 1))
        claimed=$((claimed + held))
    fi
    wait $started 2>/dev/null
    if [ -s "$tmp/killed-$folder/scores.csv" ] || [ $kills = "$rounds" ]; then
        ok "folder $folder after $kills kills" "${command[@]}" --out "$tmp/killed-$folder"
        same "folder $folder" "killed-$folder"
        whole=$((whole + 1)) folder=$((folder + 1))
    fi
done
echo "# $kills kills, $claimed of them of holders of claims, over $whole folders"
ok 'kills of holders of claims' test $claimed -gt 0
done_testing
