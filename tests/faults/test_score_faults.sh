#!/bin/bash
# timeout: 300
# Scoring on machines in trouble: errors of a file system reject nothing, dead workers of this and other hosts give
# way, live ones do not, damage is noticed. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../mpi/score_model.sh"
make_shim || skip_all 'no shared object can be built here'
make_score_model 40

opts=(--model "$model" --set score.block=4 --set score.threads=1 --set run.log_seconds=1000 --set score.formats=csv)
command=("$einthoven" score "$tmp/ecg" "${opts[@]}")
ok 'without trouble' "${command[@]}" --out "$tmp/good"
same() { ok "$1: the same bytes" cmp "$tmp/good/scores.csv" "$2/scores.csv"; }

# --- input --------------------------------------------------------------------------------------------------------
for kind in READ:5 OPEN:5 READ:116; do # EIO, EIO, ESTALE
    ok "trouble that passes ($kind)" shim EIN_"${kind%:*}"="${kind#*:}" EIN_AT=3.dat EIN_TIMES=8 "${command[@]}" --out "$tmp/passes-$kind"
    like 'it says so' "$out" 'trouble of the machine was waited out'
    same "trouble that passes ($kind)" "$tmp/passes-$kind"
done
exits 'trouble that lasts ends the job' 1 shim EIN_READ=5 EIN_AT=syn0000030 "${command[@]}" --out "$tmp/lasts" --set score.retry_s=0.2
like 'with the file, and what to do' "$err" 'syn0000030.*no fault of the input.*same command again'
ok 'and the next start goes on' "${command[@]}" --out "$tmp/lasts"
like 'with what was not done' "$out" 'this job: ([0-9]|[123][0-9]) inputs'
same 'and the next start goes on' "$tmp/lasts"

# --- the work folder ----------------------------------------------------------------------------------------------
ok 'a disk that is full for a while' shim EIN_OPEN=28 EIN_AT=.block- EIN_TIMES=2 "${command[@]}" --out "$tmp/full"
like 'is told' "$err" 'warning: .*No space left.*trying again'
same 'a disk that is full for a while' "$tmp/full"
exits 'a disk that stays full' 1 shim EIN_OPEN=28 EIN_AT=.block- "${command[@]}" --out "$tmp/full-2" --set score.retry_s=0.2
like 'is told too' "$err" 'No space left.*same command'
ok 'and the next start goes on' "${command[@]}" --out "$tmp/full-2"
same 'a disk that was full' "$tmp/full-2"

# held FOLDER [VARIABLE=VALUE...]: start the command, which stops at the first block that it has done.
held() {
    local folder=$1
    shift
    touch "$tmp/hold"
    shim exec EIN_HOLD="$tmp/hold" EIN_HOLD_AT=.block- "$@" "${command[@]}" --out "$folder" "${more[@]}" >"$tmp/held.out" 2>"$tmp/held.err" &
    held=$!
    for _ in $(seq 100); do
        [ "$(find "$folder/workers" -name '.block-*' 2>/dev/null | wc -l)" -gt 0 ] && return 0
        sleep 0.05
    done
    return 1
}
more=()

# --- a folder that vanishes ---------------------------------------------------------------------------------------
more=()
ok 'plan' "$einthoven" score "$tmp/ecg" "${opts[@]}" --out "$tmp/vanished" --part 1000/1000
held "$tmp/vanished" || fail 'a worker comes to its first block' "$(cat "$tmp/held.err")"
mv "$tmp/ecg" "$tmp/away"
rm "$tmp/hold"
sleep 0.4
mv "$tmp/away" "$tmp/ecg"
wait "$held"
is 'a folder that vanished for a while' $? 0
same 'a folder that vanished for a while' "$tmp/vanished"

# --- signals ------------------------------------------------------------------------------------------------------
ok 'plan' "$einthoven" score "$tmp/ecg" "${opts[@]}" --out "$tmp/stopped" --part 1000/1000
held "$tmp/stopped"
kill -TERM "$held"
rm "$tmp/hold"
wait "$held"
is 'a signal stops in order' $? 0
like 'it says how to go on' "$(cat "$tmp/held.out")" 'stopped by a signal: start the same command again'
is 'nothing is claimed any more' "$(find "$tmp/stopped/claims" -type f | wc -l)" 0
ok 'it goes on' "${command[@]}" --out "$tmp/stopped"
same 'after a signal' "$tmp/stopped"

# --- other hosts --------------------------------------------------------------------------------------------------
ok 'plan' "$einthoven" score "$tmp/ecg" "${opts[@]}" --out "$tmp/hosts" --part 1000/1000
more=(--set score.heartbeat_s=0.2)
held "$tmp/hosts" EIN_HOST=elsewhere
ok 'a worker of another host that lives keeps its blocks' "${command[@]}" --out "$tmp/hosts" --set score.stale_s=5
like 'they are left to it' "$out" '28 of 40 inputs are done.*other processes'
rm "$tmp/hold"
wait "$held"
is 'it ends well' $? 0
same 'two hosts' "$tmp/hosts"
ok 'plan' "$einthoven" score "$tmp/ecg" "${opts[@]}" --out "$tmp/dead" --part 1000/1000
held "$tmp/dead" EIN_HOST=elsewhere
kill -KILL "$held"
wait "$held" 2>/dev/null
ok 'one that is dead gives way' "${command[@]}" --out "$tmp/dead" --set score.stale_s=1
same 'one that is dead gives way' "$tmp/dead"
rm -f "$tmp/hold"
ok 'without links' shim EIN_NO_LINK=1 "${command[@]}" --out "$tmp/no-links"
same 'without links' "$tmp/no-links"

# --- damage -------------------------------------------------------------------------------------------------------
printf 'x' | dd of="$tmp/good/blocks/000003" bs=1 seek=300 conv=notrunc status=none
cp "$tmp/good/scores.csv" "$tmp/scores.csv"
ok 'a damaged block' "${command[@]}" --out "$tmp/good"
like 'is done again' "$out" '000003: is damaged.*done again'
ok 'with the same bytes' cmp "$tmp/scores.csv" "$tmp/good/scores.csv"
rm "$tmp/good/scores.csv"
ok 'a table that was lost' "${command[@]}" --out "$tmp/good"
ok 'is made again' cmp "$tmp/scores.csv" "$tmp/good/scores.csv"
echo 'an,edit' >>"$tmp/good/scores.csv"
ok 'a table that was edited' "${command[@]}" --out "$tmp/good"
ok 'is made again' cmp "$tmp/scores.csv" "$tmp/good/scores.csv"
done_testing
