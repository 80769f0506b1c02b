#!/bin/bash
# kernels.sh BUILD_DIR: the numerical tests under every set of kernels that OpenBLAS has and this processor can run, and
# once more without the processor's fused multiply-adds in the C library. A test that passes with one set alone has a
# bound that was read off one machine. The last line is "N passed, N failed, N sets of kernels".
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:?usage: tests/kernels.sh BUILD_DIR}
probe=$build/tests/unit/test_blas
export OMP_NUM_THREADS=1 EIN_RANKS=${EIN_RANKS:-2}
# Gradients against differences are in double, with products of their own: no kernel changes them, and make test has them.
export EIN_FLOAT_ONLY=1
words=(unit/test_blas unit/test_mae_parity unit/test_classify gradient/ mpi/test_engine)
libm_words=(unit/test_stats_ unit/test_numerics unit/test_penalised unit/test_metrics unit/test_arms unit/test_signal
    unit/test_prepare unit/test_classify_parity)
passed=0
failed=0
sets=0

# Names that OpenBLAS knows (its drivers/others/dynamic*.c); another version's list may lack some.
case $(uname -m) in
x86_64) names='Prescott Core2 Penryn Dunnington Nehalem Atom Athlon Opteron Opteron_SSE3 Barcelona Bobcat Nano Sandybridge
    Bulldozer Piledriver Steamroller Excavator Haswell Zen SkylakeX Cooperlake SapphireRapids' ;;
aarch64) names='ARMV8 CORTEXA53 CORTEXA57 CORTEXA72 CORTEXA73 CORTEXA55 FALKOR THUNDERX THUNDERX2T99 THUNDERX3T110
    TSV110 EMAG8180 NEOVERSEN1 NEOVERSEV1 NEOVERSEN2 ARMV8SVE' ;;
*) names='' ;;
esac

# round NAME WORD...: one run of the tests; prints its last line, and everything if something failed.
round() {
    local name=$1 text good bad
    shift
    text=$(tests/run "$build" "$@")
    good=$(tail -n 1 <<<"$text" | grep -oE '^[0-9]+')
    bad=$(tail -n 1 <<<"$text" | grep -oE '[0-9]+ failed' | grep -oE '[0-9]+')
    passed=$((passed + ${good:-0}))
    failed=$((failed + ${bad:-1}))
    sets=$((sets + 1))
    if [ "${bad:-1}" -gt 0 ]; then grep -E '^FAIL|not ok|^      !' <<<"$text"; fi
    printf '%-24s %s\n' "$name" "$(tail -n 1 <<<"$text")"
}

declare -A seen
# The probe's last line: what the BLAS calls itself, and a hash of what its kernels give.
probed=$(set -o pipefail; "$probe" kernels | tail -n 1) || exit 1
# What runs by itself comes first; other names of the same kernels are left out.
own=${probed##* }
round "as found: ${probed% *}" "${words[@]}"
seen[$own]=1
for name in $names; do
    probed=$(OPENBLAS_CORETYPE=$name "$probe" kernels 2>/dev/null) || continue # the processor cannot
    hash=${probed##* }
    [ -z "${seen[$hash]:-}" ] || continue
    seen[$hash]=1
    OPENBLAS_CORETYPE=$name round "$name" "${words[@]}"
done
case $(uname -m) in
x86_64) GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4,-AVX2_Usable,-FMA_Usable \
    round 'no FMA in libm' "${libm_words[@]}" ;;
esac
echo "$passed passed, $failed failed, $sets sets of kernels"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
