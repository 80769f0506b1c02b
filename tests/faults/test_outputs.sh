#!/bin/bash
# timeout: 120
# What users name as output: one owner, replaced only when told to, only where it is a regular file, permissions kept.
. "$(dirname "$0")/../lib.sh"

make_shim || skip_all 'no compiler for a shim'
helper=$(dirname "$einthoven")/tests/mpi/test_ingest
"$helper" make "$tmp/data" || exit 1
cd "$tmp" || exit 1

printf 'study,auroc,se\na,0.8,0.02\nb,0.7,0.03\nc,0.75,0.02\n' >sites.csv
printf 'y,p,q\n' >scores.csv
for i in $(seq 1 40); do echo "$((i % 2)),0.$((10 + i)),0.$((60 - i))" >>scores.csv; done
pool=("$einthoven" pool --studies sites.csv --json)
table=("$einthoven" evaluate --scores scores.csv --label y --score 'p,q' --set evaluate.replicates=20)
ingest=("$einthoven" ingest --set model.preset=tiny data --out)

# --- what stands there -------------------------------------------------------------------------------------------
ok 'a JSON file' "${pool[@]}" p.json
cp p.json before.json
exits 'is not replaced unasked' 1 "${pool[@]}" p.json
like 'and how is said' "$err" 'p\.json exists; --overwrite replaces it'
ok 'nor changed' cmp p.json before.json
ok 'when asked it is' "${pool[@]}" p.json --overwrite
is 'no lock is left' "$(find . -name '*.lock*' -o -name '*.partial' -o -name '*.being-replaced' | wc -l)" 0
for command in "${pool[*]} p.json" "${table[*]} --csv t.csv --json t.json"; do
    read -ra both <<<"$command"
    "${both[@]}" --overwrite >"$tmp/quiet" 2>&1
    for f in p.json t.csv; do echo mine >$f.previous; done
    exits 'files of others beside an output' 1 "${both[@]}"
    ok 'and when it is replaced' "${both[@]}" --overwrite
    is 'are left alone' "$(cat p.json.previous t.csv.previous | tr '\n' ' ')" 'mine mine '
done
rm -f ./*.previous t.csv t.json
for second in one.out ./one.out folder/../one.out; do
    mkdir -p folder
    exits "one file for two outputs ($second)" 2 "${table[@]}" --csv one.out --json "$second"
    like 'is told from one that somebody uses' "$err" 'one\.out is named for two outputs'
done
rmdir folder
ok 'two of one name in two folders' eval 'mkdir d && "${table[@]}" --csv d/one.out --json one.out && rm -r d one.out'
exits 'a folder that is not there' 1 "${pool[@]}" none/p.json
like 'is named' "$err" 'none/p\.json: cannot be written'

# A writer of each way to write: JSON by us, CSV by stdio, a corpus by HDF5 and MPI, a model by stdio, a checkpoint by HDF5.
ok 'a corpus' "${ingest[@]}" c.h5
cp "$root/tests/data/mae_small.safetensors" m.safetensors
try() { # KIND FILE: write over FILE of any kind
    case $1 in
    json) "${pool[@]}" "$2" --overwrite ;;
    csv) "${table[@]}" --csv "$2" --overwrite ;;
    corpus) "${ingest[@]}" "$2" --overwrite ;;
    safetensors | h5) "$einthoven" convert --decoder-heads 4 m.safetensors "$2" --overwrite ;;
    esac
}
mkdir folder.json
for kind in json csv corpus safetensors h5; do
    rm -f pipe."$kind" link."$kind" private."$kind"
    mkfifo pipe."$kind"
    exits "$kind over a pipe" 1 try $kind pipe."$kind"
    like 'is refused' "$err" 'is a named pipe; only regular files'
    echo precious >target
    ln -sf target link."$kind"
    exits "$kind over a link" 1 try $kind link."$kind"
    like 'is refused' "$err" 'is a symbolic link; only regular files'
    is 'what it leads to is untouched' "$(cat target) $(readlink link."$kind")" 'precious target'
    (umask 022 && : >private."$kind" && chmod 600 private."$kind")
    ok "$kind over a private file" eval "umask 022; try $kind private.$kind"
    is 'stays private' "$(stat -c %a private."$kind")" 600
    rm private."$kind"
    ok "a new $kind" eval "umask 027; try $kind private.$kind"
    is 'follows the umask' "$(stat -c %a private."$kind")" 640
done
exits 'a device' 1 "${pool[@]}" /dev/null --overwrite
like 'is refused' "$err" '/dev/null is a character device'
ok 'and is one still' test -c /dev/null
is 'without a lock beside it' "$(find /dev -maxdepth 1 -name 'null.*' | wc -l)" 0
exits 'a folder' 1 "${pool[@]}" folder.json --overwrite
like 'is refused' "$err" 'folder\.json is a folder'

# --- one owner ---------------------------------------------------------------------------------------------------
# held FILE [VARIABLE=VALUE...] COMMAND...: start the command, which stops in fsync, and wait until FILE has content.
held() {
    local file=$1 i
    shift
    : >hold
    (shim exec EIN_HOLD="$tmp/hold" "$@" >first.out 2>first.err) &
    first=$!
    for ((i = 0; i < 2000; i++)); do
        [ -s "$file" ] && return
        sleep 0.01
    done
    fail "$file never came" "$(cat first.err)"
}
go_on() {
    rm -f hold
    wait "$first"
    status=$?
}

for case in "p2.json:${pool[*]} p2.json" "t.csv:${table[*]} --csv t.csv" "two.h5:${ingest[*]} two.h5" \
    "m2.h5:$einthoven convert --decoder-heads 4 m.safetensors m2.h5" "m3.safetensors:$einthoven convert --decoder-heads 4 m.safetensors m3.safetensors"; do
    name=${case%%:*}
    read -ra command <<<"${case#*:}"
    held "$name.lock" "${command[@]}"
    exits "a second start for $name" 1 "${command[@]}"
    like 'names the first' "$err" "$name.*in use by process $first on $(hostname)"
    exits 'also when it may replace' 1 "${command[@]}" --overwrite
    go_on
    is 'the first is not disturbed' "$status" 0
    ok 'its output is there' test -s "$name"
    is 'and nothing else' "$(find . -name "$name.*" | wc -l)" 0
done
ok 'the corpus is whole' "$einthoven" inspect --verify two.h5

# Killed while it owns its output: the next takes over.
held k.h5.lock "${ingest[@]}" k.h5
kill -KILL "$first"
go_on
ok 'a lock that was left behind is no obstacle' "${ingest[@]}" k.h5
is 'and goes' "$(find . -name 'k.h5.*' | wc -l)" 0

# What appears meanwhile without a lock, by another program, is kept.
for fs in EIN_NONE=1 EIN_NO_RENAMEAT2=1 'EIN_NO_RENAMEAT2=1 EIN_NO_LINK=1'; do
    rm -f new.json
    # shellcheck disable=SC2086
    held new.json.partial EIN_HOLD_FROM=2 $fs "${pool[@]}" new.json
    ln new.json.partial backup # as programs do that back up by links
    echo precious >new.json
    go_on
    is "what appeared ($fs) ends the job" "$status" 1
    like 'by name' "$(cat first.err)" 'new\.json appeared while it was made'
    is 'and is kept' "$(cat new.json)" precious
    rm backup
    # shellcheck disable=SC2086
    ok 'a new file is written there' shim $fs "${pool[@]}" other.json
    ok 'like any other' grep -q tau2 other.json
    is 'without leftovers' "$(find . -name 'other.json.*' | wc -l)" 0
    rm other.json
done

# File systems without locks: an owner on another host is believed, one of this host is looked for.
for errno in 37 38 95; do # ENOLCK ENOSYS EOPNOTSUPP
    held l$errno.json.lock.owner EIN_FLOCK=$errno EIN_HOST=node-a "${pool[@]}" l$errno.json
    exits "errno $errno: another host" 1 shim EIN_FLOCK=$errno EIN_HOST=node-b "${pool[@]}" l$errno.json
    like 'names the first' "$err" "process $first on node-a"
    exits 'the same host' 1 shim EIN_FLOCK=$errno EIN_HOST=node-a "${pool[@]}" l$errno.json
    like 'names it too' "$err" "process $first on node-a"
    kill -KILL "$first"
    go_on
    exits 'killed, it cannot be told elsewhere' 1 shim EIN_FLOCK=$errno EIN_HOST=node-b "${pool[@]}" l$errno.json
    ok 'but at home' shim EIN_FLOCK=$errno EIN_HOST=node-a "${pool[@]}" l$errno.json
    is 'and nothing is left' "$(find . -name "l$errno.json.*" | wc -l)" 0
done

# --- several files change together -------------------------------------------------------------------------------
# Killed before each change of a name in turn: the files that stand are of one run, and the next run mends all.
rm -f set.*
three=(--json set.json --csv set.csv --excluded set.out)
printf 'y,p,q\n1,,0.5\n' >other.csv
tail -n +4 scores.csv >>other.csv
ok 'an old set' "${table[@]}" "${three[@]}"
mkdir old new && cp set.* old/
ok 'a new set' "$einthoven" evaluate --scores other.csv --label y --score p,q --set evaluate.replicates=20 "${three[@]}" --overwrite
cp set.* new/
for before in old none; do
    killed=0 mixed=0 unmended=0
    for at in $(seq 1 40); do
        rm -f set.*
        [ $before = none ] || cp old/set.* .
        shim EIN_KILL_IN=set EIN_KILL_AT=$at "$einthoven" evaluate --scores other.csv --label y --score p,q \
            --set evaluate.replicates=20 "${three[@]}" --overwrite >/dev/null 2>&1 && break
        killed=$at o=0 n=0
        for f in set.json set.csv set.out; do
            [ -e $f ] || continue
            if cmp -s $f old/$f; then o=1; elif cmp -s $f new/$f; then n=1; else o=1 n=1; fi
        done
        [ $o$n != 11 ] || { mixed=$((mixed + 1)) && echo "# old and new after a kill at $at"; }
        "${table[@]}" "${three[@]}" >again.out 2>&1 || grep -q exists again.out || unmended=$((unmended + 1))
        for f in set.json set.csv set.out; do
            if [ ! -e $f ] || { [ $before = none ] && ! cmp -s $f old/$f && ! cmp -s $f new/$f; }; then
                unmended=$((unmended + 1))
            fi
        done
        [ "$(find . -name 'set.*.*' | wc -l)" = 0 ] || unmended=$((unmended + 1))
    done
    ok "over $before files: kills were tried" test "$killed" -ge "$([ $before = old ] && echo 10 || echo 3)"
    is 'no mixture of old and new' "$mixed" 0
    is 'the next start leaves one whole set' "$unmended" 0
done
done_testing
