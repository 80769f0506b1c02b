#include "core/stats/noise.h"

#include <math.h>
#include <stddef.h>

#include "core/base/elementary.h"

uint64_t ein_noise_below(uint64_t n, const ein_noise_source *source) {
    const uint64_t rest = (UINT64_MAX - n + 1) % n; /* 2^64 mod n */
    for (;;) {
        const uint64_t word = source->next(source->state);
        if (word >= rest) return word % n;
    }
}

/* True with probability exp(-a / b), 0 <= a <= b. */
static bool bernoulli_exp(uint64_t a, uint64_t b, const ein_noise_source *source) {
    uint64_t k = 1;
    while (ein_noise_below(b * k, source) < a) k++;
    return k % 2 == 1;
}

int64_t ein_noise_draw(int64_t numerator, int64_t denominator, const ein_noise_source *source) {
    const uint64_t s = (uint64_t)numerator, t = (uint64_t)denominator;
    for (;;) {
        const uint64_t u = ein_noise_below(t, source);
        uint64_t v = 0;
        if (!bernoulli_exp(u, t, source)) continue;
        while (bernoulli_exp(1, 1, source)) v++;
        const int64_t y = (int64_t)((u + t * v) / s);
        const bool negative = ein_noise_below(2, source) == 1;
        if (negative && y == 0) continue;
        return negative ? -y : y;
    }
}

double ein_noise_variance(double rate) {
    const double a = ein_exp(-rate), free_of = -ein_expm1(-rate);
    return isinf(rate) ? 0 : 2 * a / (free_of * free_of);
}

/* log E exp(x X), |x| < rate. */
static double log_moment(double x, double rate) {
    return 2 * ein_log(-ein_expm1(-rate)) - ein_log(-ein_expm1(x - rate)) - ein_log(-ein_expm1(-x - rate));
}

/* log E exp(x |X|), 0 <= x < rate. */
static double log_moment_of_size(double x, double rate) {
    return ein_log(-ein_expm1(-rate)) - ein_softplus(-rate) + ein_softplus(x - rate) -
           ein_log(-ein_expm1(x - rate));
}

/* min over x of (log sides/p + sum of log moments) / x: every x gives a bound, so a grid is exact enough.
 * `weight` NULL: of sizes. */
static double chernoff(const double *weight, const double *rate, int64_t n, double p) {
    enum { STEPS = 64 };
    double most = INFINITY, best = INFINITY;
    for (int64_t k = 0; k < n; k++) most = fmin(most, rate[k] / (weight ? fabs(weight[k]) : 1));
    if (isinf(most)) return 0;
    for (int step = 1; step < STEPS; step++) {
        const double x = most * step / STEPS;
        ein_sum sum = {0, 0};
        for (int64_t k = 0; k < n; k++)
            if (!isinf(rate[k]))
                ein_sum_add(&sum,
                            weight ? log_moment(x * weight[k], rate[k]) : log_moment_of_size(x, rate[k]));
        best = fmin(best, (ein_log((weight ? 2 : 1) / p) + ein_sum_value(sum)) / x);
    }
    return best;
}

double ein_noise_tail(const double *weight, const double *rate, int64_t n, double p) {
    return chernoff(weight, rate, n, p);
}

double ein_noise_total(const double *rate, int64_t n, double p) {
    return chernoff(NULL, rate, n, p);
}
