#!/bin/bash
# HDF5 files that crash the library, or state more than they hold, are refused by name; good ones are tried once and read.
. "$(dirname "$0")/../lib.sh"
corpora=$root/tests/fuzz/corpus/corpus
checkpoints=$root/tests/fuzz/corpus/checkpoint
good=$corpora/compressed.h5
# A sanitizer finds the fault of the library first: it has to end the trial as the fault would, by a signal.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}abort_on_error=1 UBSAN_OPTIONS=${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}abort_on_error=1

# Object headers with a changed byte and a repaired checksum: libhdf5 1.10.8 dies of each.
for file in "$corpora"/crash-*.h5 "$checkpoints"/crash-*.h5; do
    run "$einthoven" inspect --verify "$file"
    name=$(basename "$(dirname "$file")")/$(basename "$file")
    is "$name is refused, and nothing crashes" "$status" 1
    like "$name is refused with a reason" "$out" 'reason: .*crash-header.*(refused|damaged|corrupt)'
done
run mpi 2 "$einthoven" pretrain --set model.preset=tiny --corpus "$corpora/crash-header-3.h5" --run "$tmp/run" --dry-run
is 'two ranks refuse it together' "$status" 1
like 'and name it' "$err" 'crash-header-3\.h5: refused'

# The trial itself, which may not write to files: its verdict goes through a pipe.
try() { run bash -c '"$1" --probe-hdf5 "$2" | cat' - "$einthoven" "$1"; }
try "$good"
is 'a trial of a good file ends well' "$status:$out" '0:good'
try "$checkpoints/classify.h5"
is 'a trial of a checkpoint too' "$status:$out" '0:good'
try "$root/README.md"
is 'what is no HDF5 file is left to the reader' "$status:$out" '0:unopened'
run "$einthoven" inspect --verify "$good"
is 'a good file is read' "$status" 0

# Without processes.
cat >"$tmp/none.c" <<'END'
#include <errno.h>
int posix_spawn(void);
int posix_spawn(void) { return EAGAIN; }
END
if ldd "$einthoven" | grep -q libasan; then
    skip 'no process can be started' 'a sanitizer lets no library come before it'
elif ${CC:-cc} -shared -fPIC -o "$tmp/none.so" "$tmp/none.c" 2>"$tmp/cc.err"; then
    run env LD_PRELOAD="$tmp/none.so" "$einthoven" inspect "$good"
    is 'no process can be started: an error' "$status" 1
    like 'that says why and how to go on' "$out$err" 'no process can be started to try it .*EINTHOVEN_TRUST_HDF5=1'
    run env LD_PRELOAD="$tmp/none.so" EINTHOVEN_TRUST_HDF5=1 "$einthoven" inspect "$good"
    is 'files that are trusted are read without' "$status" 0
else
    skip 'no process can be started' 'no compiler'
fi
done_testing
