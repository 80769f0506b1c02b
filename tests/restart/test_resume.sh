#!/bin/bash
# timeout: 300
# What a restart finds: checkpoints that cannot be read or are gone, metrics that were changed, files that are no files, and
# the locks of others. Nothing is begun anew in silence, and nothing that was not read is removed.
. "$(dirname "$0")/../lib.sh"

small_run 80 3 'checkpoint_steps: 5'
ok 'what makes files fail' gcc -shared -fPIC -D_GNU_SOURCE -o "$tmp/fail_files.so" "$root/tests/faults/fail_files.c" -ldl

# pretrain FOLDER [OPTION...]
pretrain() {
    local folder=$1
    shift
    "$einthoven" pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$folder" "$@"
}
# failing VARIABLE=VALUE... -- COMMAND...: with files that fail.
failing() {
    local settings=()
    while [ "$1" != -- ]; do
        settings+=("$1")
        shift
    done
    shift
    env LD_PRELOAD="$tmp/fail_files.so" "${settings[@]}" "$einthoven" "$@"
}
state() { head -n 1 "$1/STATE"; }
# print FOLDER: everything in it that a restart must leave alone.
print() { (cd "$1" && find . -type f ! -name log.txt ! -name LOCK ! -name config.resolved.yaml -print0 | sort -z | xargs -0 sha256sum); }

ok 'an undisturbed run' pretrain "$tmp/whole"
final=$(basename "$(find "$tmp/whole/ckpt" -name 'step-*.h5' | sort | tail -n 1)")
ok 'one that is stopped after 9 updates' pretrain "$tmp/stopped" --set run.max_steps=9
is 'its newest checkpoint' "$(sed -n 's/^checkpoint: //p' "$tmp/stopped/STATE")" 9
before=$(print "$tmp/stopped")
fresh() { rm -rf "$tmp/run" && cp -a "$tmp/stopped" "$tmp/run"; }

# --- the checkpoint cannot be read ------------------------------------------------------------------------------
# unread NAME REGEX SETTING...: the start is refused, and nothing has changed.
unread() {
    local name=$1 regex=$2
    shift 2
    fresh
    exits "$name: the run does not start" 1 failing "$@" -- pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/run"
    like "$name: and says why" "$err" "step-000000009\.h5.*$regex.*--resume=none"
    is "$name: nothing is touched" "$(print "$tmp/run")" "$before"
}
unread EACCES 'Permission denied' FAIL_NAME=step-000000009.h5 FAIL_OPEN=13
unread ESTALE 'Stale file handle' FAIL_NAME=step-000000009.h5 FAIL_OPEN=116
unread EIO 'Input/output error' FAIL_NAME=step-000000009.h5 FAIL_READ=5
unread EMFILE 'Too many open files' FAIL_NAME=step-000000009.h5 FAIL_OPEN=24
fresh
flock -x "$tmp/run/ckpt/step-000000009.h5" -c "'$einthoven' pretrain '$tmp/small.yaml' --corpus '$tmp/corpus.h5' --run '$tmp/run'" \
    >"$tmp/viewer.out" 2>&1
is 'a viewer that has it open for writing: the run does not start' $? 1
like 'and the message says who' "$(cat "$tmp/viewer.out")" 'step-000000009\.h5: another program has it open for writing'
is 'nothing is touched' "$(print "$tmp/run")" "$before"
ok 'once it is closed the run goes on' pretrain "$tmp/run"
ok 'and ends as if nothing had been' cmp "$tmp/whole/ckpt/$final" "$tmp/run/ckpt/$final"
rm -rf "$tmp/run/ckpt/$final" && mkdir "$tmp/run/ckpt/$final"
exits 'a folder of that name is no checkpoint, and no reason to go back' 1 pretrain "$tmp/run"

# One that cannot be read and lies further back is not in the way, and not removed.
fresh
cp "$tmp/run/ckpt/step-000000005.h5" "$tmp/run/ckpt/step-000000004.h5"
ok 'an old one that cannot be read' failing FAIL_NAME=step-000000004.h5 FAIL_OPEN=13 -- \
    pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/run"
ok 'is kept' test -e "$tmp/run/ckpt/step-000000004.h5"
ok 'others are not' test ! -e "$tmp/run/ckpt/step-000000005.h5"

# --- damaged, or gone -------------------------------------------------------------------------------------------
fresh
printf X | dd of="$tmp/run/ckpt/step-000000009.h5" bs=1 seek=20000 conv=notrunc 2>/dev/null
ok 'a damaged one is passed over' pretrain "$tmp/run"
like 'with the reason' "$(cat "$tmp/run/log.txt")" 'checkpoint not used: .*step-000000009.*do not match'
ok 'for the one before' cmp "$tmp/whole/ckpt/$final" "$tmp/run/ckpt/$final"
ok 'the metrics are those of the undisturbed run' cmp "$tmp/whole/metrics.csv" "$tmp/run/metrics.csv"

fresh
for file in "$tmp"/run/ckpt/*; do printf X | dd of="$file" bs=1 seek=20000 conv=notrunc 2>/dev/null; done
exits 'all of them are damaged' 1 pretrain "$tmp/run"
like 'that is no reason to begin anew' "$err" 'STATE tells of a checkpoint of update 9.*--resume=none'
fresh
rm -r "$tmp/run/ckpt"
left=$(print "$tmp/run")
exits 'checkpoints are purged' 1 pretrain "$tmp/run"
like 'and the message names what helps' "$err" 'STATE tells of a checkpoint of update 9, but .*/ckpt holds none.*--resume=none'
is 'the metrics are left alone' "$(print "$tmp/run")" "$left"
sed -i '/^checkpoint:/d' "$tmp/run/STATE" # as older versions wrote it
exits 'the same with the STATE of an older version' 1 pretrain "$tmp/run"
exits '--resume=must says it too' 1 pretrain "$tmp/run" --resume must
exits 'STATE that cannot be read is not taken for none' 1 failing FAIL_NAME=/STATE FAIL_OPEN=5 -- \
    pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/run"

fresh
ok '--resume=none begins anew' pretrain "$tmp/run" --resume none
ok 'with the same result' cmp "$tmp/whole/metrics.csv" "$tmp/run/metrics.csv"
ok 'and keeps the metrics of the earlier attempt' cmp "$tmp/stopped/metrics.csv" "$tmp/run/earlier-1/metrics.csv"
ok 'and its checkpoints' cmp "$tmp/stopped/ckpt/step-000000009.h5" "$tmp/run/earlier-1/ckpt/step-000000009.h5"
like 'and says where' "$(cat "$tmp/run/log.txt")" 'kept in .*/earlier-1: metrics\.csv'
like 'the log is one' "$(cat "$tmp/run/log.txt")" 'run\.max_steps reached'
rm -r "$tmp/run/ckpt"
exits 'a finished run without checkpoints is not trained again' 1 pretrain "$tmp/run"
like 'and called finished' "$err" 'finished run without its checkpoints'

# --- metrics that are not what they were ----------------------------------------------------------------------------
# changed NAME REGEX COMMAND: the start is refused, or goes on with a new table when told to.
changed() {
    local name=$1 regex=$2
    fresh
    (cd "$tmp/run" && eval "$3")
    local damaged
    damaged=$(sha256sum <"$tmp/run/metrics.csv") 2>/dev/null
    exits "metrics.csv $name: refused" 1 pretrain "$tmp/run"
    like "metrics.csv $name: with the reason and what helps" "$err" "metrics\.csv is not what it was.*$regex.*run.metrics=aside"
    is "metrics.csv $name: not touched" "$(sha256sum <"$tmp/run/metrics.csv" 2>/dev/null)" "$damaged"
}
changed removed 'gone or empty' 'rm metrics.csv'
changed emptied 'gone or empty' ': >metrics.csv'
changed cut 'cut short' 'truncate -s 300 metrics.csv'
changed 'without a row' 'cut short|changed' "sed -i 4d metrics.csv"
changed 'with rows in another order' changed "sed -i '3{h;d};4{G}' metrics.csv"
changed 'with another digit' changed "sed -i '5s/[0-8]\(,1,\)/9\1/' metrics.csv"
changed 'with another last digit' changed "printf 9 | dd of=metrics.csv bs=1 seek=\$((\$(stat -c %s metrics.csv) - 4)) conv=notrunc 2>/dev/null"
ok 'told to, the run goes on' pretrain "$tmp/run" --set run.metrics=aside
ok 'with the same model' cmp "$tmp/whole/model.safetensors" "$tmp/run/model.safetensors"
is 'a table from there on' "$(sed -n '2p' "$tmp/run/metrics.csv" | cut -d, -f1)" 10
ok 'the changed one is kept' test -s "$tmp/run/earlier-1/metrics.csv"
like 'and the log is loud' "$(cat "$tmp/run/log.txt")" 'WARNING.*metrics\.csv is not what it was'
ok 'the next start finds all in order' pretrain "$tmp/run"
fresh
echo '10,1,0.001,9,9,1,' >>"$tmp/run/metrics.csv" # of a life that did not come to a checkpoint
ok 'rows behind the checkpoint are dropped' pretrain "$tmp/run"
ok 'as before' cmp "$tmp/whole/metrics.csv" "$tmp/run/metrics.csv"

# --- the last checkpoint cannot be written ----------------------------------------------------------------------------
fresh
exits 'the last checkpoint fails' 1 failing FAIL_NAME=$final.partial FAIL_OPEN=28 -- pretrain "$tmp/small.yaml" \
    --corpus "$tmp/corpus.h5" --run "$tmp/run"
is 'STATE says failed' "$(state "$tmp/run")" failed
unlike 'the log does not say done' "$(cat "$tmp/run/log.txt")" 'Z done:'
like 'it says what is missing' "$(cat "$tmp/run/log.txt")" 'NOT done: .*last checkpoint could not be written'
like 'and that the run failed' "$(tail -n 4 "$tmp/run/log.txt")" 'failed: .*No space left'
ok 'with room again the same command ends it' pretrain "$tmp/run"
like 'now it is done' "$(cat "$tmp/run/log.txt")" 'Z done:'
ok 'with the same bytes' cmp "$tmp/whole/ckpt/$final" "$tmp/run/ckpt/$final"
fresh
exits 'the same when it is asked to stop' 1 failing FAIL_NAME=step-000000012.h5.partial FAIL_OPEN=28 -- pretrain "$tmp/small.yaml" \
    --corpus "$tmp/corpus.h5" --run "$tmp/run" --set run.max_steps=12
unlike 'the log does not say that it goes on from here' "$(cat "$tmp/run/log.txt")" 'stopped after update 12'
is 'STATE keeps to the checkpoint that is there' "$(sed -n 's/^checkpoint: //p' "$tmp/run/STATE")" 10

# --- files that are no files ----------------------------------------------------------------------------------------
for name in log.txt STATE LOCK metrics.csv; do
    fresh
    rm "$tmp/run/$name" && mkfifo "$tmp/run/$name"
    exits "$name is a named pipe: refused, not waited for" 1 timeout 20 "$einthoven" pretrain "$tmp/small.yaml" \
        --corpus "$tmp/corpus.h5" --run "$tmp/run"
    like "$name: by name" "$err" "/$name"
    fresh
    mv "$tmp/run/$name" "$tmp/elsewhere" && ln -s "$tmp/elsewhere" "$tmp/run/$name"
    sum=$(sha256sum <"$tmp/elsewhere")
    exits "$name is a link: refused" 1 pretrain "$tmp/run"
    like "$name: as a link" "$err" "/$name.* link"
    is "$name: nothing is written behind it" "$(sha256sum <"$tmp/elsewhere")" "$sum"
done

# --- no locks -----------------------------------------------------------------------------------------------------------
export HDF5_USE_FILE_LOCKING=FALSE
on_host() { # NAME COMMAND...
    unshare -u sh -c 'hostname "$1" && shift && exec "$@"' - "$@"
}
if on_host node-a true 2>/dev/null; then
    for error in 37 38; do
        fresh
        on_host node-a env LD_PRELOAD="$tmp/fail_files.so" FAIL_FLOCK=$error "$einthoven" pretrain "$tmp/small.yaml" \
            --corpus "$tmp/corpus.h5" --run "$tmp/run" --set run.checkpoint_steps=1 >"$tmp/a.out" 2>&1 &
        first=$!
        for _ in $(seq 500); do [ -s "$tmp/run/LOCK.owner" ] && break; sleep 0.01; done
        process=$(sed -n 's/^pid: //p' "$tmp/run/LOCK.owner")
        kill -STOP "$process" # it lives, and stays
        exits "errno $error: a live run on another host is not joined" 1 on_host node-b env LD_PRELOAD="$tmp/fail_files.so" \
            FAIL_FLOCK=$error "$einthoven" pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/run"
        like "errno $error: the message names it, and how to release it" "$err" "no locks, and process $process on node-a.*rm -f"
        kill -KILL "$process"
        wait "$first" 2>/dev/null
        ok "errno $error: its own host takes over from the dead" on_host node-a env LD_PRELOAD="$tmp/fail_files.so" \
            FAIL_FLOCK=$error "$einthoven" pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/run"
        ok "errno $error: and leaves nothing behind" test ! -e "$tmp/run/LOCK.owner"
        ok "errno $error: the end is the same" cmp "$tmp/whole/metrics.csv" "$tmp/run/metrics.csv"
    done
else
    skip 'no locks' 'cannot have another host name here'
fi

done_testing
