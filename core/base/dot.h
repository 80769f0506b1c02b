/* A dot product in double with a fixed order of additions: eight partial sums, so that compilers can use
 * vector registers, and no fused operations: the same bits whatever the instruction set.  `n` is a multiple of 8. */
#ifndef EIN_CORE_BASE_DOT_H
#define EIN_CORE_BASE_DOT_H

#include <stdint.h>
#include <string.h>

static inline double ein_dot8(const double *a, const double *b, int64_t n) {
#ifdef __clang__
#pragma clang fp contract(off) /* gcc does not fuse under -std=c11 */
#endif
    typedef double vector __attribute__((vector_size(4 * sizeof(double))));
    vector s0 = {0, 0, 0, 0}, s1 = {0, 0, 0, 0};
    for (int64_t i = 0; i < n; i += 8) {
        vector a0, a1, b0, b1;
        memcpy(&a0, a + i, sizeof a0);
        memcpy(&a1, a + i + 4, sizeof a1);
        memcpy(&b0, b + i, sizeof b0);
        memcpy(&b1, b + i + 4, sizeof b1);
        s0 += a0 * b0;
        s1 += a1 * b1;
    }
    s0 += s1;
    return (s0[0] + s0[2]) + (s0[1] + s0[3]);
}

#endif
