#include "core/nn/loops.h"

#if defined(__AVX512F__) && defined(__FMA__)
enum { PIECE = 16 };
#include "core/nn/loops_body.h"

const ein_loops *const ein_loops_avx512 = &loops_table;
#else
const ein_loops *const ein_loops_avx512 = NULL;
#endif
