#include "core/nn/loops.h"

#if defined(__AVX2__) && defined(__FMA__)
enum { PIECE = 8 };
#include "core/nn/loops_body.h"

const ein_loops *const ein_loops_avx2 = &loops_table;
#else
const ein_loops *const ein_loops_avx2 = NULL;
#endif
