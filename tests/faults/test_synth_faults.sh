#!/bin/bash
# timeout: 300
# synth when the disk is full or the process is killed: one clear line, nothing half-written looks whole, and the
# same command finishes the work with the same bytes.
. "$(dirname "$0")/../lib.sh"

digest() { (cd "$1" && find . -type f ! -name .lock -print0 | sort -z | xargs -0 sha256sum | sha256sum); }
whole=$tmp/whole
ok 'undisturbed' "$einthoven" synth --out "$whole" --set synth.records=400 --set synth.seed=3
one=$(digest "$whole")

# --- killed when so many recordings are there, again and again, on 1 and 2 ranks
descendants() { for child in $(pgrep -P "$1"); do
    descendants "$child"
    echo "$child"
done; }
count() { find "$1" -name '*.hea' 2>/dev/null | wc -l; }
for i in 1 2; do
    reached=0
    for target in 1 40 150; do
        mpi $i "$einthoven" synth --out "$tmp/killed$i" --set synth.records=400 --set synth.seed=3 >/dev/null 2>&1 &
        launcher=$!
        while kill -0 $launcher 2>/dev/null && [ "$(count "$tmp/killed$i")" -lt $target ]; do sleep 0.02; done
        # shellcheck disable=SC2046
        kill -KILL $(descendants $launcher) $launcher 2>/dev/null
        wait $launcher 2>/dev/null
        flock -w 30 "$tmp/killed$i/.lock" true # until the last rank is gone
        if [ "$(count "$tmp/killed$i")" -lt 400 ]; then reached=$((reached + 1)); fi
    done
    is "$i ranks: killed in the midst" "$((reached > 0))" 1
    bad=0
    for hea in "$tmp/killed$i"/records/*/*.hea; do
        [ -e "$hea" ] || continue
        [ "$(stat -c %s "${hea%.hea}.dat")" = 120000 ] || bad=$((bad + 1))
    done
    is "$i ranks: every header has its samples" "$bad" 0
    ok "$i ranks: goes on" "$einthoven" synth --out "$tmp/killed$i" --set synth.records=400 --set synth.seed=3
    is "$i ranks: no leftovers" "$(find "$tmp/killed$i" -name '*.partial' | wc -l)" 0
    is "$i ranks: the same bytes" "$(digest "$tmp/killed$i")" "$one"
done

# --- a limit on the size of files stands for the disk
for ranks in 1 2 3; do
    run mpirun --oversubscribe --bind-to none --quiet --mca btl self,tcp -n $ranks \
        bash -c "trap '' XFSZ; ulimit -f 64; exec \"\$@\"" - \
        "$einthoven" synth --out "$tmp/full$ranks" --set synth.records=50
    is "no room, $ranks ranks: exit code" "$status" 1
    is 'one line of error' "$(grep -c '^einthoven synth: ' <<<"$err")" 1
    like 'that names the file and the cause' "$err" 'full[0-9]/records/.*\.dat: cannot write: File too large'
    is 'no header without samples' "$(find "$tmp/full$ranks" -name '*.hea' | wc -l)" 0
    is 'no mark of completeness' "$(find "$tmp/full$ranks" -name MANIFEST.json | wc -l)" 0
done
ok 'with room again it goes on' "$einthoven" synth --out "$tmp/full2" --set synth.records=50

# --- only regular files are written and replaced: a link, pipe or folder under the name of a recording is refused, and kept
some() { timeout 20 "$einthoven" synth --out "$tmp/$1" --set synth.records=3 --set synth.format=$1 --set signal.fs_hz=100; }
echo mine >"$tmp/other"
for file in wfdb/syn0000001.dat wfdb/syn0000001.hea wfdb/syn0000001.hea.partial muse/syn0000001.xml cardiosoft/syn0000001.xml.partial; do
    format=${file%/*}
    ok "a cohort: $format" some $format
    one=$(digest "$tmp/$format")
    at=$tmp/$format/records/0000000/${file#*/}
    for kind in 'a symbolic link' 'a named pipe' 'a folder'; do
        rm -rf "$at" "$tmp/$format/MANIFEST.json" "$tmp/$format"/records/0000000/syn0000001.*
        case $kind in
        *link) ln -s "$tmp/other" "$at" ;;
        *pipe) mkfifo "$at" ;;
        *) mkdir "$at" ;;
        esac
        exits "$kind as $file" 1 some $format
        like 'is named' "$err" "${file#*/} is $kind; only regular files are written and replaced"
    done
    is 'what the link led to is as it was' "$(cat "$tmp/other")" mine
    rmdir "$at"
    ok 'without it the cohort is made' some $format
    is 'with the same bytes' "$(digest "$tmp/$format")" "$one"
done

if mkdir "$tmp/small" && mount -t tmpfs -o size=2m none "$tmp/small" 2>/dev/null; then
    run mpi 2 "$einthoven" synth --out "$tmp/small/cohort" --set synth.records=50
    is 'a full file system: exit code' "$status" 1
    like 'named' "$err" 'cannot (write|create).*No space left on device'
    is 'one line' "$(grep -c '^einthoven synth: ' <<<"$err")" 1
    umount "$tmp/small"
else
    skip 'a full file system' 'no right to mount a small file system here'
fi

mkdir "$tmp/unwritable"
touch "$tmp/unwritable/file"
exits 'a file in the way' 1 "$einthoven" synth --out "$tmp/unwritable/file"
like 'is named' "$err" 'unwritable/file'

done_testing
