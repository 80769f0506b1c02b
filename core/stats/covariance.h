/* Covariance of features with shrinkage, and Mahalanobis distances by it.
 *
 * Features are standardised (mean, population SD), so that none counts for more because its numbers are larger; the
 * covariance S of what comes out is shrunk towards m I, m its mean diagonal (Ledoit & Wolf 2004):
 *
 *     rho = min(1, b2 / d2),  d2 = |S - m I|^2,  b2 = (sum_k |z_k|^4 / n - |S|^2) / n        Frobenius norms
 *     R = (1 - rho) S + rho m I,  rho at least EIN_SHRINKAGE_LEAST, so that R has an inverse
 *
 * With R = K K' and D the SDs, the distance of x is |W (x - mean)| with the lower triangle W = K^-1 D^-1.  A feature
 * that never varied (its SD is at most a millionth of its mean, which is rounding) does not count: its column of W
 * is 0.
 *
 * Everything is in double, each sum one chain in an order that depends on n alone: equal rows in equal order give equal
 * bits on any number of threads.
 */
#ifndef EIN_CORE_STATS_COVARIANCE_H
#define EIN_CORE_STATS_COVARIANCE_H

#include <stdint.h>

#include "core/base/status.h"

#define EIN_SHRINKAGE_LEAST 1e-3

/* Values of the lower triangle of a d x d matrix, row by row: row i begins at i (i + 1) / 2. */
static inline int64_t ein_triangle(int64_t d) {
    return d * (d + 1) / 2;
}

/* mean (d), whitener (ein_triangle(d)) and *shrinkage (rho) of n rows x (n,d). EIN_RANGE unless n >= 2 and d >= 1, and
 * if no feature varies; EIN_NUMERIC names the row with a value that is not finite; EIN_NOMEM. */
ein_status ein_whitener_fit(double *mean, double *whitener, double *shrinkage, const float *x, int64_t n,
                            int d, int threads);

/* |W (x - mean)| with mean and W as float, as files hold them. NaN if a feature is not finite. */
double ein_whitened_distance(const float *mean, const float *whitener, const float *x, int d);

#endif
