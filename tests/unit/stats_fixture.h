/* What the statistics tests share: fixture S1 and comparisons that a NaN fails.
 *
 * S1 is made of integers only, so every program that builds it has the same bits: 100 patients with 4 ECGs each,
 * 4 sites, 2 sexes, two models A and B with many ties, probability (A + 0.5) / 910.
 */
#ifndef EIN_TESTS_STATS_FIXTURE_H
#define EIN_TESTS_STATS_FIXTURE_H

#include <check.h>
#include <math.h>
#include <stdint.h>

#include "core/stats/common.h"

enum { S1_N = 400, S1_LEVELS = 910 };

typedef struct {
    double a[S1_N], b[S1_N], prob_a[S1_N], prob_b[S1_N];
    int8_t label[S1_N];
    uint64_t patient[S1_N];
    int32_t site[S1_N], sex[S1_N];
} s1_data;

static inline void s1_make(s1_data *s) {
    for (int i = 0; i < S1_N; i++) {
        const int p = i % 100, k = i / 100;
        const int x = (p * 7919 + k * 401 + 13) % 10007, t = (p * 104729 + k * 233 + 17) % 10007,
                  z = (i * 3571 + 5) % 10007;
        s->label[i] = t < 1500 + x / 2;
        s->a[i] = x / 11;
        s->b[i] = (6 * x + 4 * z) / 110;
        s->prob_a[i] = (s->a[i] + 0.5) / S1_LEVELS;
        s->prob_b[i] = (s->b[i] + 0.5) / S1_LEVELS;
        s->patient[i] = (uint64_t)p;
        s->site[i] = p % 4;
        s->sex[i] = (p / 4) % 2;
    }
}

/* |value - expected| <= tolerance * |expected|, or <= tolerance when 0 is expected. */
#define check_close(value, expected, tolerance)                                                    \
    do {                                                                                           \
        const double v_ = (value), e_ = (expected), t_ = (tolerance);                              \
        if (!(fabs(v_ - e_) <= t_ * (e_ == 0 ? 1 : fabs(e_))))                                     \
            ck_abort_msg("%s = %.17g, expected %.17g within %g (off by %.3g)", #value, v_, e_, t_, \
                         fabs(v_ - e_));                                                           \
    } while (0)

/* Closed forms are compared with figures of 12 and more digits. */
#define check_exact(value, expected) check_close(value, expected, 1e-10)

#define check_ok(call)                                                                                 \
    do {                                                                                               \
        const ein_status s_ = (call);                                                                  \
        if (s_ != EIN_OK) ck_abort_msg("%s: %s: %s", #call, ein_status_name(s_), ein_error_message()); \
    } while (0)

#define check_fails(call, expected_status, words)                                                  \
    do {                                                                                           \
        const ein_status s_ = (call);                                                              \
        ck_assert_msg(s_ == (expected_status), "%s: %s instead of %s", #call, ein_status_name(s_), \
                      ein_status_name(expected_status));                                           \
        ck_assert_msg(strstr(ein_error_message(), words) != NULL, "message \"%s\" lacks \"%s\"",   \
                      ein_error_message(), words);                                                 \
    } while (0)

#define check_state(actual, expected)                                                                \
    ck_assert_msg((actual) == (expected), "%s is %s, not %s", #actual, ein_stats_state_name(actual), \
                  ein_stats_state_name(expected))

/* Not estimable: the state says why, and no field holds a number that could be printed. */
#define check_none(interval, expected)                                                         \
    do {                                                                                       \
        check_state((interval).state, expected);                                               \
        check_state((interval).interval_state, expected);                                      \
        ck_assert(isnan((interval).value) && isnan((interval).se) && isnan((interval).lower)); \
    } while (0)

/* The value exists, its interval does not. */
#define check_no_interval(interval, expected_state)                                                \
    do {                                                                                           \
        check_state((interval).state, EIN_STATS_ESTIMABLE);                                        \
        check_state((interval).interval_state, expected_state);                                    \
        ck_assert(isfinite((interval).value) && isnan((interval).se) && isnan((interval).lower) && \
                  isnan((interval).upper));                                                        \
    } while (0)

#endif
