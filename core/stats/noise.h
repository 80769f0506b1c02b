/* Noise on counts for differential privacy: the discrete Laplace (two-sided geometric) distribution, drawn exactly.
 *
 *     P(X = x) proportional to exp(-|x| numerator / denominator)
 *
 * A table of counts to which every person adds at most `denominator / numerator * epsilon` in all cells together is
 * released with epsilon-differential privacy under adding or removing a person (Ghosh, Roughgarden & Sundararajan
 * 2009). Drawn from integers alone, as Canonne, Kamath & Steinke 2020 (algorithms 1 and 2) do: samplers that take the
 * logarithm of a float leak through the values that it cannot take (Mironov 2012).
 *
 * Weighted sums of such noise are bounded with Chernoff's inequality, so what is said holds for few cells too.
 */
#ifndef EIN_CORE_STATS_NOISE_H
#define EIN_CORE_STATS_NOISE_H

#include "core/stats/common.h"

/* Where random words come from: 64 independent fair bits a call. For releases a cryptographic generator. */
typedef struct {
    uint64_t (*next)(void *state);
    void *state;
} ein_noise_source;

enum { EIN_NOISE_MOST = 1 << 28 }; /* of numerator and denominator */

/* One draw; numerator, denominator in 1 .. EIN_NOISE_MOST. */
int64_t ein_noise_draw(int64_t numerator, int64_t denominator, const ein_noise_source *source);

/* A uniform integer in 0 .. n - 1, n > 0. */
uint64_t ein_noise_below(uint64_t n, const ein_noise_source *source);

/* Variance of one draw, `rate` = numerator / denominator. */
double ein_noise_variance(double rate);

/* t with P(|sum of weight[k] X_k| > t) <= p, X_k of rate[k]; a rate of INFINITY is no noise. 0 < p < 1. */
double ein_noise_tail(const double *weight, const double *rate, int64_t n, double p);

/* t with P(sum of |X_k| > t) <= p. */
double ein_noise_total(const double *rate, int64_t n, double p);

#endif
