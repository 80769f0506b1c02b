/* Penalised linear models on features: logistic and ridge regression, for probing what an encoder has learned.
 *
 *     minimise over w (d), b    1/n sum_i f(x_i w + b, y_i) + penalty/2 |w|^2        b is not penalised
 *     logistic    f(z, y) = max(z, 0) + log1p(exp(-|z|)) - y z,   y in {0, 1}
 *     squared     f(z, y) = (z - y)^2 / 2
 *
 * With a penalty above 0 the minimum in w is unique.  It is found by L-BFGS (Nocedal and Wright 2006, algorithm 7.4,
 * ten pairs) with backtracking, from w = 0, in double, with sums in one fixed order: equal input gives equal bits.
 * Nothing is kept after a call, so several threads may fit at once.
 */
#ifndef EIN_CORE_STATS_PENALISED_H
#define EIN_CORE_STATS_PENALISED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

typedef enum { EIN_PENALISED_LOGISTIC, EIN_PENALISED_SQUARED } ein_penalised_loss;

typedef struct {
    bool settled;    /* no component of the gradient is larger than EIN_PENALISED_TOLERANCE */
    int iterations;  /* at most EIN_PENALISED_MOST */
    double value;    /* what is minimised, at the end */
    double gradient; /* its largest component there, absolute */
} ein_penalised_fit;

#define EIN_PENALISED_TOLERANCE 1e-7
enum { EIN_PENALISED_MOST = 1000 };

/* weight (d + 1): w, then b. x: rows of d features, of which the rows `row` (n) are used with y (n). EIN_RANGE unless n
 * >= 1, d >= 1 and penalty > 0; EIN_NUMERIC if what is minimised is not finite (a feature or y that is not). `fit` may
 * be NULL. */
ein_status ein_penalised_fit_rows(double *weight, ein_penalised_fit *fit, const float *x, const int64_t *row,
                                  const double *y, int64_t n, int d, ein_penalised_loss loss, double penalty);

/* x w + b of one row of d features. */
double ein_penalised_score(const double *weight, const float *x, int d);

/* Mean and population SD of d features over the rows `row` (n), and x (x - mean) / sd over all rows; a feature that
 * does not vary becomes 0. In double, by row. */
void ein_standardise(float *x, int64_t rows, int d, const int64_t *row, int64_t n);

#endif
