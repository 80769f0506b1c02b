#!/bin/bash
# timeout: 900
# A checkpoint has the same bytes whatever number of ranks wrote it and whoever owned what; HDF5's own tools read it.
. "$(dirname "$0")/../lib.sh"

writer=$(dirname "$einthoven")/tests/mpi/test_checkpoint
for tiling in 0 1 2 3; do
    for ranks in 1 2 3 4; do
        ok "$ranks ranks write, tiling $tiling" mpi "$ranks" "$writer" write "$tmp/$tiling-$ranks.h5" "$tiling"
        ok 'equal to what one rank wrote' cmp "$tmp/0-1.h5" "$tmp/$tiling-$ranks.h5"
    done
done
ok 'also when fresh memory is not zero' env MALLOC_PERTURB_=165 "$writer" write "$tmp/perturbed.h5" 0
ok 'equal to what one rank wrote' cmp "$tmp/0-1.h5" "$tmp/perturbed.h5"

is 'head -c 512 tells what it is' "$(head -c 512 "$tmp/0-1.h5" | head -n 1)" 'EINTHOVEN CHECKPOINT'
if command -v h5dump >/dev/null; then
    ok 'h5dump reads a tensor' h5dump -d /m/blocks.0.norm1.weight -H "$tmp/0-1.h5"
    like 'with its true shape' "$out" '\( 96 \)'
    ok 'h5dump reads the configuration' h5dump -d /config "$tmp/0-1.h5"
    like 'as text' "$out" 'width: 96'
else
    skip 'h5dump reads a tensor' 'hdf5-tools is not installed'
fi

# A full disk: a file system that holds one checkpoint and a half.
mkdir "$tmp/small"
if mount -t tmpfs -o size=12m tmpfs "$tmp/small" 2>/dev/null; then
    trap 'umount "$tmp/small"; rm -rf "$tmp"' EXIT
    ok 'a first checkpoint fits' mpi 2 "$writer" write "$tmp/small/a.h5" 0
    for ranks in 1 2 4; do
        exits "the second does not, $ranks ranks" 1 mpi "$ranks" "$writer" write "$tmp/small/a.h5" 0
        is 'every rank says so' "$(grep -c 'No space left on device' <<<"$out")" "$ranks"
        ok 'the first is as it was' cmp "$tmp/0-1.h5" "$tmp/small/a.h5"
        is 'and alone' "$(ls "$tmp/small")" a.h5
    done
else
    skip 'a full disk' 'cannot mount a small file system here'
fi
done_testing
