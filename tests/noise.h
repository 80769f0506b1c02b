/* How far rounding in float may carry a result, whatever machine, compiler or BLAS computed it.
 *
 * Monte Carlo arithmetic (Parker 1997): the double build of the kernels runs again and again, and in its products of
 * matrices every operand, product and partial sum is multiplied by 1 + u e, where u = 2^-24 is the unit roundoff of
 * float and e is uniform in [-1, 1]. What kernels without products compute is an operand of the next one. The spread of
 * the results around those without noise is the condition of the computation, cancellation and length of sums
 * included, times u; NOISE_MARGIN times that is the bound. It depends on no processor: products are plain loops here.
 *
 * This header defines cblas_dgemm, which the double build then calls instead of the library's. Included by one file of
 * a program, before core/base/real.h or without EIN_REAL_DOUBLE.
 */
#ifndef EIN_TESTS_NOISE_H
#define EIN_TESTS_NOISE_H

#include "tests/seed.h"
#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define NOISE_UNIT   0x1p-24
/* A spread is estimated from NOISE_DRAWS runs, good to a fifth. A float computation is one more draw: eight times the
 * spread leaves room for roundings that are not independent and for those between products. */
#define NOISE_MARGIN 8.0
enum { NOISE_DRAWS = 12 };

static uint64_t noise_state; /* 0: no noise */
static int64_t
    noise_products; /* how many products were computed here: a test that none reached tests nothing */

/* Noise from now on, another for every draw; 0 ends it. */
static inline void noise_start(int draw) {
    noise_state = draw ? 0x9e3779b97f4a7c15u * (uint64_t)draw + (test_seed(0) << 8) : 0;
}

/* x as rounding may leave it (xorshift64*). */
static inline double noise_round(double x) {
    if (!noise_state) return x;
    noise_state ^= noise_state >> 12;
    noise_state ^= noise_state << 25;
    noise_state ^= noise_state >> 27;
    const double e = (double)(int64_t)(noise_state * 0x2545f4914f6cdd1du) * 0x1p-63;
    return x * (1 + NOISE_UNIT * e);
}

/* The operand as rows of `columns` values, rounded. */
static inline double *noise_operand(const double *x, int rows, int columns, int row_step, int column_step) {
    double *y = malloc(((size_t)rows * (size_t)columns + 1) * sizeof *y);
    if (!y) exit(1);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            y[(size_t)i * (size_t)columns + (size_t)j] =
                noise_round(x[(size_t)i * (size_t)row_step + (size_t)j * (size_t)column_step]);
    return y;
}

/* c (m,n) = beta c + alpha a b without noise; a(i,p) lies at a[i * ai + p * ap], b(p,j) at b[p * bp + j * bj]. */
static inline void noise_none(double *c, int ldc, const double *a, int ai, int ap, const double *b, int bp,
                              int bj, int m, int n, int k, double alpha, double beta) {
    for (int i = 0; i < m; i++) {
        double *row = c + (size_t)i * (size_t)ldc;
        for (int j = 0; j < n; j++) row[j] = beta != 0 ? beta * row[j] : 0;
        for (int p = 0; p < k; p++) {
            const double x = alpha * a[(size_t)i * (size_t)ai + (size_t)p * (size_t)ap];
            const double *y = b + (size_t)p * (size_t)bp;
            for (int j = 0; j < n; j++) row[j] += x * y[(size_t)j * (size_t)bj];
        }
    }
}

/* The same with noise. */
static inline void noise_product(double *c, int ldc, const double *a, int ai, int ap, const double *b, int bp,
                                 int bj, int m, int n, int k, double alpha, double beta) {
    double *rows = noise_operand(a, m, k, ai, ap), *columns = noise_operand(b, n, k, bj, bp);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            const double *x = rows + (size_t)i * (size_t)k, *y = columns + (size_t)j * (size_t)k;
            double *out = &c[(size_t)i * (size_t)ldc + (size_t)j], sum = 0;
            for (int p = 0; p < k; p++) sum = noise_round(sum + noise_round(x[p] * y[p]));
            *out = noise_round((beta != 0 ? beta * *out : 0) + noise_round(alpha * sum));
        }
    free(rows);
    free(columns);
}

void cblas_dgemm(const enum CBLAS_ORDER order, const enum CBLAS_TRANSPOSE ta, const enum CBLAS_TRANSPOSE tb,
                 const int m, const blasint n, const blasint k, const double alpha, const double *a,
                 const int lda, const double *b, const blasint ldb, const double beta, double *c,
                 const int ldc) {
    const bool at = ta != CblasNoTrans, bt = tb != CblasNoTrans;
    if (order != CblasRowMajor) abort();
    noise_products++;
    (noise_state ? noise_product : noise_none)(c, ldc, a, at ? 1 : lda, at ? lda : 1, b, bt ? 1 : ldb,
                                               bt ? ldb : 1, m, n, k, alpha, beta);
}

/* The spread of `draws` rows of `stride` values around `exact`, in the Euclidean norm of `n` values of each. */
static inline double noise_spread(const double *exact, const double *noisy, size_t n, size_t stride,
                                  int draws) {
    double sum = 0;
    for (int d = 0; d < draws; d++)
        for (size_t i = 0; i < n; i++) {
            const double off = noisy[(size_t)d * stride + i] - exact[i];
            sum += off * off;
        }
    return sqrt(sum / draws);
}

#endif
