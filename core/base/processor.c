#include "core/base/processor.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[EIN_SETS] = {"plain", "avx2", "avx512", "neon"};

/* One more than the set in use; 0: not looked for yet. Threads that look at once find the same. */
static atomic_int in_use;

const char *ein_set_name(ein_instruction_set set) {
    return names[set];
}

/* Whether this processor and its operating system run the set. */
static bool is_available(ein_instruction_set set) {
#if defined(__x86_64__)
    if (set == EIN_SET_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("bmi2");
    if (set == EIN_SET_AVX512)
        return is_available(EIN_SET_AVX2) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
    if (set == EIN_SET_NEON) return true;
#endif
    return set == EIN_SET_PLAIN;
}

static ein_instruction_set find(void) {
    const char *wanted = getenv("EINTHOVEN_INSTRUCTIONS");
    int best = EIN_SET_PLAIN;
    for (int s = 0; s < EIN_SETS; s++) {
        if (!is_available((ein_instruction_set)s)) continue;
        best = s;
        if (wanted && !strcmp(wanted, names[s])) break;
    }
    return (ein_instruction_set)best;
}

ein_instruction_set ein_set_in_use(void) {
    int set = atomic_load_explicit(&in_use, memory_order_relaxed);
    if (set == 0) {
        set = (int)find() + 1;
        atomic_store_explicit(&in_use, set, memory_order_relaxed);
    }
    return (ein_instruction_set)(set - 1);
}

bool ein_set_use(ein_instruction_set set) {
    if (!is_available(set)) return false;
    atomic_store_explicit(&in_use, (int)set + 1, memory_order_relaxed);
    return true;
}
