#include "core/nn/loops.h"

#include "core/base/processor.h"

/* The plain set: 16 bytes are what every processor's vectors hold. */
enum { PIECE = 16 / sizeof(real) };
#ifdef EIN_REAL_DOUBLE
#define TURN(x, by) __builtin_shufflevector(x, x, (by), 1 + (by))
#else
#define TURN(x, by) __builtin_shufflevector(x, x, (by), 1 + (by), 2 + (by), 3 + (by))
#endif
#include "core/nn/loops_body.h"

const ein_loops *ein_loops_in_use(void) {
#ifndef EIN_REAL_DOUBLE
    const ein_instruction_set set = ein_set_in_use();
    if (set == EIN_SET_AVX512 && ein_loops_avx512) return ein_loops_avx512;
    if ((set == EIN_SET_AVX2 || set == EIN_SET_AVX512) && ein_loops_avx2) return ein_loops_avx2;
#endif
    return &loops_table;
}
