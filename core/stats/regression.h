/* Agreement of a predicted with a measured quantity: errors, regression line, R2, Bland-Altman, correlations.
 *
 * `measured`, `predicted` (n) are finite and in the same unit; difference always means predicted - measured.
 * Conventions: core/stats/common.h.
 */
#ifndef EIN_CORE_STATS_REGRESSION_H
#define EIN_CORE_STATS_REGRESSION_H

#include "core/stats/common.h"

typedef struct {
    int64_t n, n_clusters;
    ein_stats_interval mae;  /* mean |difference|, variance over patients */
    ein_stats_interval rmse; /* root of the mean squared difference; interval: roots of the mean's, which has
                                its variance over patients; variance by the delta method */
    /* Least squares predicted = intercept + slope * measured, t with n - 2 degrees of freedom. When patients
     * repeat the values stay and the intervals are EIN_STATS_CLUSTERED: bootstrap patients. */
    ein_stats_interval slope, intercept;
    ein_stats_value
        r2; /* 1 - sum difference^2 / sum (measured - mean)^2: of the prediction itself; may be < 0 */
} ein_regression_fit;

ein_status ein_regression_evaluate(ein_regression_fit *out, const double *measured, const double *predicted,
                                   const uint64_t *cluster, int64_t n, double level);

typedef struct {
    ein_stats_interval bias;         /* mean difference, variance over patients */
    ein_stats_value sd;              /* of the differences, n - 1 */
    ein_stats_interval lower, upper; /* limits of agreement bias -+ z sd (z = 1.959964 for level 0.95), their
                                        standard error sd sqrt(1/n + z^2 / (2(n-1))) and t interval (Bland &
                                        Altman 1999); EIN_STATS_CLUSTERED intervals when patients repeat */
} ein_bland_altman;

/* `level` is that of the intervals; the limits of agreement are those of 95 % of the differences. */
ein_status ein_bland_altman_limits(ein_bland_altman *out, const double *measured, const double *predicted,
                                   const uint64_t *cluster, int64_t n, double level);

typedef struct {
    ein_stats_interval pearson;  /* Fisher's z, SE 1/sqrt(n-3) */
    ein_stats_interval spearman; /* midranks; Fisher's z, SE sqrt((1 + r^2/2)/(n-3)) (Bonett & Wright 2000) */
    ein_stats_interval kendall;  /* tau-b; Fisher's z, SE sqrt(0.437/(n-4)) (Fieller 1957) */
    ein_stats_test pearson_test, spearman_test; /* t with n - 2 degrees of freedom */
    ein_stats_test kendall_test;                /* normal, with the variance for ties */
} ein_correlations;

/* Records count as independent: with `repeated` the intervals and tests are EIN_STATS_CLUSTERED. Variances
 * in the intervals are of the z-transformed value, carried back by the delta method. */
ein_status ein_correlate(ein_correlations *out, const double *x, const double *y, int64_t n, bool repeated,
                         double level);

/* Kendall's S = concordant - discordant pairs, and the pairs that are not tied in x, in y (Knight 1966,
 * O(n log n)); exact below 2^31 records. */
ein_status ein_kendall_counts(int64_t *s, int64_t *untied_x, int64_t *untied_y, const double *x,
                              const double *y, int64_t n);

enum { EIN_KENDALL_EXACT_MOST = 170 };

/* Two-sided p of Kendall's S of n records without ties under independence, exact by counting inversions.
 * EIN_RANGE beyond EIN_KENDALL_EXACT_MOST records. */
ein_status ein_kendall_exact_p(ein_stats_value *p, int64_t s, int64_t n);

#endif
