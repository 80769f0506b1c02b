/* The loops of the layers that are no products, one copy per set of vector instructions, chosen at run time
 * (core/base/processor.h). core/nn/kernels.h says what the functions compute; only layers call them from here.
 *
 * All copies come from one source, core/nn/loops_body.h, and give the same bits: sums over a row are kept in 16 lanes
 * however wide the processor's vectors are, and added along a fixed tree at the end; a multiplication and an addition
 * are fused where the source says so and nowhere else; exp and the normal distribution are our own.
 */
#ifndef EIN_CORE_NN_LOOPS_H
#define EIN_CORE_NN_LOOPS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/real.h"

/* An update of AdamW, ready for values: p = keep p - rate m / (sqrt(v) root + eps) after m = b1 m + c1 g and
 * v = b2 v + c2 g^2. */
#define ein_adamw_factors EIN_REAL_NAME(ein_adamw_factors)
typedef struct {
    real keep, b1, b2, c1, c2, rate, root, eps;
} ein_adamw_factors;

#define ein_loops EIN_REAL_NAME(ein_loops)
typedef struct {
    void (*vector_add)(real *into, const real *from, size_t n);
    void (*column_sums)(real *out, const real *in, int M, int N);
    void (*layernorm_forward)(real *out, real *mean, real *rstd, const real *in, const real *w, const real *b,
                              int M, int C, double eps);
    void (*layernorm_backward)(real *din, real *dw, real *db, const real *dout, const real *in, const real *w,
                               const real *mean, const real *rstd, int M, int C);
    void (*gelu_forward)(real *out, real *slope, const real *in, size_t n);
    void (*gelu_backward)(real *din, const real *dout, const real *slope, size_t n);
    /* x (rows, stride), stride a multiple of 16: softmax of scale times the first n values of each row; the others
     * become 0 */
    void (*softmax)(real *x, int rows, int n, int stride, real scale);
    /* d (rows, stride): from the gradient by the softmax p to scale times that by what it was taken of; the last values
     * of rows likewise */
    void (*softmax_backward)(real *d, const real *p, int rows, int n, int stride, real scale);
    void (*adamw)(real *p, real *m, real *v, const real *g, int64_t n, const ein_adamw_factors *factors);
    /* sum of a(i) b(i) */
    real (*dot)(const real *a, const real *b, int n);
    /* into += factor from */
    void (*add_scaled)(real *into, const real *from, real factor, int n);
} ein_loops;

#define ein_loops_in_use EIN_REAL_NAME(ein_loops_in_use)
const ein_loops *ein_loops_in_use(void);

#ifndef EIN_REAL_DOUBLE
/* NULL where the compiler was not told of the set. */
extern const ein_loops *const ein_loops_avx2, *const ein_loops_avx512;
#endif

#endif
