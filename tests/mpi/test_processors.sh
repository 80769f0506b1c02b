#!/bin/bash
# The whole way from files to scores leaves the same bytes whatever vector instructions the processor has: checkpoints, models,
# metrics, scores. `make test-portable` says the same of another architecture. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../whole_way.sh"
export OMP_NUM_THREADS=1

ok 'the whole way with the widest instructions' whole_way widest "$einthoven"
ln -s widest "$tmp/from"
sets=plain
if grep -qw avx512vl /proc/cpuinfo 2>/dev/null; then sets='plain avx2'; fi
for set in $sets; do
    ok "and with $set" whole_way $set env EINTHOVEN_INSTRUCTIONS=$set "$einthoven"
    ok "$set: the same bytes in every file" same_way widest $set
done
checkpoint=$(echo "$tmp"/widest/pre/ckpt/*.h5)
like 'a checkpoint says that it goes on anywhere' "$("$einthoven" inspect --verify "$checkpoint" 2>&1)" 'exact on any processor'
like 'and that 51 updates made it' "$checkpoint" 'step-0*51\.h5'
done_testing
