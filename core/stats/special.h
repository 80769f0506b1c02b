/* Distribution functions, tails and quantiles of the normal, t, chi-squared, F, beta, gamma and binomial
 * distributions: relative error about 1e-14, up to 1e-12 for parameters of 1e5, also far in the tails.
 *
 * The incomplete beta and gamma functions are the continued fractions and the series of DLMF 8.17.22, 8.9.2
 * and 8.11.4, always on the side of the distribution that is the smaller one, under a prefactor in
 * saddle-point form (Loader 2000) that does not cancel for large parameters.  Quantiles solve the same
 * functions on a logarithmic scale, so a function and its quantile agree.  Invalid parameters (NaN, df <= 0,
 * p outside 0..1) give NaN.  Pure functions, thread-safe.
 */
#ifndef EIN_CORE_STATS_SPECIAL_H
#define EIN_CORE_STATS_SPECIAL_H

#include <stdint.h>

double ein_normal_cdf(double z);
double ein_normal_quantile(double p); /* -INFINITY at 0, INFINITY at 1 */

/* Student's t; df > 0, INFINITY is the normal distribution. */
double ein_t_cdf(double t, double df);
double ein_t_quantile(double p, double df);

double ein_chi2_upper(double x, double df);
double ein_chi2_quantile(double p, double df);

double ein_f_upper(double x, double df1, double df2);

/* Regularised incomplete gamma: P(a, x) and Q(a, x) = 1 - P. */
double ein_gamma_lower(double a, double x);

/* Regularised incomplete beta I_x(a, b); `y` is 1 - x, given apart so that neither end loses digits. */
double ein_beta_cdf(double x, double y, double a, double b);
double ein_beta_quantile(double p, double a, double b);

/* P(X <= k) for X binomial(n, p). */
double ein_binomial_cdf(int64_t k, int64_t n, double p);

#endif
