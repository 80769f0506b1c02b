#include "core/nn/loops.h"

#if defined(__AVX2__) && defined(__FMA__)
enum { PIECE = 8 };
#define TURN(x, by) \
    __builtin_shufflevector(x, x, (by), 1 + (by), 2 + (by), 3 + (by), 4 + (by), 5 + (by), 6 + (by), 7 + (by))
#include "core/nn/loops_body.h"

const ein_loops *const ein_loops_avx2 = &loops_table;
#else
const ein_loops *const ein_loops_avx2 = NULL;
#endif
