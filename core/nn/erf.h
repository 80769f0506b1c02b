/* exp and the normal distribution function for inner loops that the compiler must vectorise.
 *
 * In float: own approximations without branches; relative error 1e-7 for exp, 5e-7 for the distribution
 * function near 0, growing with |x|^2 / 2 times the float epsilon to 2e-6 at |x| = 9 (tests compare with libm).
 * In double, where only gradient checks run: libm.
 */
#ifndef EIN_CORE_NN_ERF_H
#define EIN_CORE_NN_ERF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/real.h"

#define EIN_SQRT1_2      0.70710678118654752440
#define EIN_INV_SQRT_2PI 0.39894228040143267794

/* x y + z, in float rounded once, on every processor. */
static inline real ein_fused(real x, real y, real z) {
#ifdef EIN_REAL_DOUBLE
    return x * y + z;
#else
    return __builtin_fmaf(x, y, z);
#endif
}

#ifdef EIN_REAL_DOUBLE

static inline double ein_exp_fast(double x) {
    return ein_exp(x);
}

/* Phi(x) and phi(x). */
static inline void ein_normal_fast(double x, double *cdf, double *pdf) {
    *cdf = 0.5 * ein_erfc(-x * EIN_SQRT1_2);
    *pdf = EIN_INV_SQRT_2PI * ein_exp(-0.5 * x * x);
}

#else

/* exp(x), flushed towards 0 below -87; x must not exceed 88. */
static inline float ein_exp_fast(float x) {
    x = x < -87.0f ? -87.0f : x;
    /* n = round(x / ln 2) by the rounding of one addition; r = x - n ln 2 in two parts. */
    const float shifted = ein_fused(x, 1.44269504f, 12582912.0f);
    const float n = shifted - 12582912.0f;
    const float r = ein_fused(n, 2.12194440e-4f, ein_fused(n, -0.693359375f, x));
    /* Minimax polynomial of degree 6 on |r| <= ln 2 / 2, relative error 3e-9. */
    float p = 1.381453999e-03f;
    p = ein_fused(p, r, 8.368745116e-03f);
    p = ein_fused(p, r, 4.166839079e-02f);
    p = ein_fused(p, r, 1.666652040e-01f);
    p = ein_fused(p, r, 4.999999343e-01f);
    p = ein_fused(p * r, r, r) + 1.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + UINT32_C(0x3f800000); /* the low bits of `shifted` hold n */
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

/* Phi(x) and phi(x): erfcx(z) = t P(t), t = 1 / (1 + 0.3 z), P of degree 8 fitted in the minimax sense on
 * 0 <= z <= 9.5 (relative error 2e-8), times exp(-x^2 / 2), which phi needs too. */
static inline void ein_normal_fast(float x, float *cdf, float *pdf) {
    const float z = fabsf(x) * (float)EIN_SQRT1_2;
    const float t = 1.0f / ein_fused(0.3f, z, 1.0f);
    float p = -1.294340821e-01f;
    p = ein_fused(p, t, 4.850964575e-01f);
    p = ein_fused(p, t, -5.112264529e-01f);
    p = ein_fused(p, t, 5.463950512e-01f);
    p = ein_fused(p, t, -9.363125170e-02f);
    p = ein_fused(p, t, 2.144362792e-01f);
    p = ein_fused(p, t, 1.484824296e-01f);
    p = ein_fused(p, t, 1.706919351e-01f);
    p = ein_fused(p, t, 1.691896148e-01f);
    const float e = ein_exp_fast(-0.5f * x * x);
    const float tail = 0.5f * t * p * e;
    *cdf = x < 0.0f ? tail : 1.0f - tail;
    *pdf = (float)EIN_INV_SQRT_2PI * e;
}

#endif

#endif
