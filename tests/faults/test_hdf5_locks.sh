#!/bin/bash
# timeout: 120
# HDF5 files where there are no file locks, or where another program holds one: read and written, or the reason is said.
. "$(dirname "$0")/../lib.sh"

make_shim || skip_all 'no compiler for a shim'
"$(dirname "$einthoven")/tests/mpi/test_ingest" make "$tmp/data" || exit 1
cd "$tmp" || exit 1
ok 'a corpus' "$einthoven" ingest --set model.preset=tiny data --out c.h5
ok 'a checkpoint' "$einthoven" convert --decoder-heads 4 "$root/tests/data/mae_small.safetensors" k.h5

for errno in 37 38 95 5; do # ENOLCK ENOSYS EOPNOTSUPP EIO
    ok "errno $errno: a corpus is read" shim EIN_FLOCK=$errno "$einthoven" inspect --verify c.h5
    ok 'and a checkpoint' shim EIN_FLOCK=$errno "$einthoven" inspect --verify k.h5
done
for errno in 37 38; do
    ok "errno $errno: a corpus is written" shim EIN_FLOCK=$errno "$einthoven" ingest --set model.preset=tiny data --out n$errno.h5
    ok 'with the same bytes but for its name' "$einthoven" inspect --verify n$errno.h5
    ok 'and a checkpoint' shim EIN_FLOCK=$errno "$einthoven" convert --decoder-heads 4 "$root/tests/data/mae_small.safetensors" k$errno.h5
    ok 'with the same bytes' cmp k.h5 k$errno.h5
done

# Another program that writes.
exec 8<c.h5
flock -n -x 8 || fail 'a lock of ours'
exits 'a corpus that is open for writing' 1 "$einthoven" inspect c.h5
like 'is not called damaged' "$err" 'c\.h5: another program has it open for writing'
unlike 'in no word' "$err" 'damaged|corrupt'
ok 'and read all the same when asked' env HDF5_USE_FILE_LOCKING=FALSE "$einthoven" inspect --verify c.h5
flock -u 8
flock -n -s 8 || fail 'a lock of ours'
ok 'one that another program reads is read' "$einthoven" inspect --verify c.h5
exec 8<&-
exits 'locks that are asked for and not there' 1 shim EIN_FLOCK=37 HDF5_USE_FILE_LOCKING=TRUE "$einthoven" inspect c.h5
like 'are named' "$err" 'c\.h5: cannot be locked \(No locks available\).*set it to FALSE'

# Other reasons of the system are said too.
exits 'no such file' 1 "$einthoven" inspect none.h5
head -c 3000 c.h5 >cut.h5
exits 'damage is damage still' 1 "$einthoven" inspect cut.h5
like 'and called so' "$err" 'cut\.h5: not a readable HDF5 file: damaged'
done_testing
