#include "core/nn/loops.h"

#if defined(__AVX512F__) && defined(__FMA__)
enum { PIECE = 16 };
#define TURN(x, by)                                                                                   \
    __builtin_shufflevector(x, x, (by), 1 + (by), 2 + (by), 3 + (by), 4 + (by), 5 + (by), 6 + (by),   \
                            7 + (by), 8 + (by), 9 + (by), 10 + (by), 11 + (by), 12 + (by), 13 + (by), \
                            14 + (by), 15 + (by))
#include "core/nn/loops_body.h"

const ein_loops *const ein_loops_avx512 = &loops_table;
#else
const ein_loops *const ein_loops_avx512 = NULL;
#endif
