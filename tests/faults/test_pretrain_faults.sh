#!/bin/bash
# timeout: 600
# Pretraining when things go wrong: two jobs on one folder, damaged checkpoints, a full disk, numbers that explode.
. "$(dirname "$0")/../lib.sh"

small_run 120 60

# pretrain RANKS FOLDER [OPTION...]
pretrain() {
    local ranks=$1 folder=$2
    shift 2
    mpi "$ranks" "$einthoven" pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$folder" "$@"
}
state() { head -n 1 "$1/STATE"; }
# rows FOLDER N: wait until the metrics have so many rows.
rows() {
    for _ in $(seq 1 3000); do
        [ "$(wc -l 2>/dev/null <"$1/metrics.csv" || echo 0)" -ge "$2" ] && return
        sleep 0.01
    done
}

ok 'an undisturbed run' pretrain 1 "$tmp/whole"
final=$(basename "$(find "$tmp/whole/ckpt" -name 'step-*.h5' | sort | tail -n 1)")

# --- two jobs on one folder ---------------------------------------------------------------------------------
pretrain 1 "$tmp/twice" --set run.checkpoint_steps=1 --set train.epochs=2000 >"$tmp/first.out" 2>&1 &
launcher=$!
rows "$tmp/twice" 5
exits 'a second job on the folder is refused' 1 pretrain 2 "$tmp/twice" --set train.epochs=2000
like 'and names the first' "$err" "process $(sed -n 's/^pid: //p' "$tmp/twice/LOCK")"
touch "$tmp/twice/STOP"
wait "$launcher"
is 'the first goes on undisturbed' "$(state "$tmp/twice")" stopped

# --- damaged checkpoints ------------------------------------------------------------------------------------
ok 'two checkpoints' pretrain 2 "$tmp/damaged" --set run.max_steps=40 --set run.checkpoint_steps=30
newest=$(find "$tmp/damaged/ckpt" -name 'step-*.h5' | sort | tail -n 1)
is 'the newest is of update 40' "$(basename "$newest")" step-000000040.h5
size=$(stat -c %s "$newest")
printf 'X' | dd of="$newest" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
ok 'goes on from the older one' pretrain 1 "$tmp/damaged"
like 'and says why not from the newer' "$(cat "$tmp/damaged/log.txt")" 'checkpoint not used: .*step-000000040'
like 'and from where' "$(cat "$tmp/damaged/log.txt")" 'resumed from the checkpoint of update 30'
ok 'the end is the same' cmp "$tmp/whole/ckpt/$final" "$tmp/damaged/ckpt/$final"
ok 'so are the metrics' cmp "$tmp/whole/metrics.csv" "$tmp/damaged/metrics.csv"
ok 'leftovers of a killed write are no checkpoint' cp "$newest" "$tmp/damaged/ckpt/step-999999999.h5.partial"
ok 'and are passed over' pretrain 1 "$tmp/damaged"

# --- a full disk --------------------------------------------------------------------------------------------
disk=$tmp/disk
mkdir "$disk"
if mount -t tmpfs -o size=2m tmpfs "$disk" 2>/dev/null; then
    trap 'umount "$disk"; rm -rf "$tmp"' EXIT
    ok 'a run on a small disk, with a checkpoint' pretrain 2 "$disk/run" --set run.max_steps=20
    pretrain 2 "$disk/run" --set run.checkpoint_steps=5 >"$tmp/full.out" 2>&1 &
    launcher=$!
    rows "$disk/run" 40
    dd if=/dev/zero of="$disk/filler" bs=1k >"$tmp/dd.out" 2>&1 # until the disk is full
    for _ in $(seq 1 3000); do
        grep -q 'NOT WRITTEN' "$tmp/full.out" && break
        sleep 0.01
    done
    like 'a disk that fills up is told' "$(cat "$tmp/full.out")" 'NOT WRITTEN.*(space|full)'
    ok 'the run goes on' kill -0 "$launcher"
    rm "$disk/filler"
    wait "$launcher"
    is 'with room again it ends well' "$?" 0
    ok 'with the same parameters' cmp "$tmp/whole/ckpt/$final" "$disk/run/ckpt/$final"
    ok 'and no row of the metrics missing' cmp "$tmp/whole/metrics.csv" "$disk/run/metrics.csv"
else
    skip 'full disk' 'cannot mount a tmpfs here'
fi

# --- records that cannot be read --------------------------------------------------------------------------------
# Streamed, so that rank 1 meets the damage in the midst of the run, on its own.
contract='{leads: [I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6], fs_hz: 100, samples: 1000}'
sed "s/^contract: .*/contract: $contract/; s/epochs: 60/epochs: 3/" "$tmp/small.yaml" >"$tmp/wide.yaml"
printf 'contract: %s\n' "$contract" >"$tmp/ingest.yaml"
ok 'a corpus that does not fit the memory given' "$einthoven" ingest "$tmp/ingest.yaml" "$tmp/ecg" --out "$tmp/wide.h5"
wide() { # FOLDER
    mpi 2 "$einthoven" pretrain "$tmp/wide.yaml" --corpus "$tmp/wide.h5" --run "$1" --set data.memory_mib=1
}
ok 'is streamed' wide "$tmp/wide"
like 'by both ranks' "$(cat "$tmp/wide/log.txt")" 'are streamed from the corpus'
# The signal of 120 records is by far the most of the file; three quarters through it are those of rank 1.
size=$(stat -c %s "$tmp/wide.h5")
printf 'XXXXXXXX' | dd of="$tmp/wide.h5" bs=1 seek=$((size * 3 / 4)) conv=notrunc 2>/dev/null
exits 'damage that one rank meets ends the run on all' 1 wide "$tmp/unreadable"
like 'and the message says on which rank, in which file' "$err" 'rank 1 on .*wide\.h5'
is 'once' "$(grep -c 'wide\.h5' <<<"$err")" 1
is 'STATE' "$(state "$tmp/unreadable")" failed

# --- numbers that explode -----------------------------------------------------------------------------------
exits 'a learning rate that explodes ends the run' 1 \
    pretrain 2 "$tmp/explode" --set train.lr=10 --set train.warmup_epochs=0 --set train.eps=1e-30 --set train.weight_decay=10 \
    --set train.epochs=400
like 'after ten skipped updates in a row' "$err" '10 updates in a row'
is 'STATE' "$(state "$tmp/explode")" failed

done_testing
