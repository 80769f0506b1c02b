/* States, screening, sums, ranks, clusters. */
#include <string.h>

#include "core/stats/common.h"
#include "core/stats/special.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

START_TEST(every_state_has_words) {
    for (int i = 0; i < EIN_STATS_STATE_COUNT; i++) {
        const ein_stats_state state = (ein_stats_state)i;
        ck_assert(strlen(ein_stats_state_name(state)) > 0 && strlen(ein_stats_state_text(state)) > 0);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(ein_stats_state_name(state), ein_stats_state_name((ein_stats_state)j));
    }
    ck_assert_str_eq(ein_stats_state_name((ein_stats_state)999), "unknown");
    ck_assert(isnan(ein_stats_unknown(EIN_STATS_ONE_CLASS).value));
    check_state(ein_stats_ratio(1, 0).state, EIN_STATS_ZERO_DENOMINATOR);
}
END_TEST

/* Trap: what cannot be used is counted and listed, not dropped. */
START_TEST(screening_counts_and_lists) {
    const double a[] = {0.1, NAN, 0.3, 0.4, NAN, INFINITY}, b[] = {0.1, 0.2, NAN, 0.4, 0.5, 0.6};
    const double *const scores[] = {a, b};
    const int8_t label[] = {1, 0, 1, EIN_LABEL_MISSING, EIN_LABEL_MISSING, 0};
    uint8_t reason[6];
    int64_t kept[6];
    ein_stats_screening c;
    check_ok(ein_stats_screen(&c, reason, kept, scores, 2, label, 6));
    ck_assert(c.n_total == 6 && c.n_kept == 2 && c.n_nan_score == 3 && c.n_missing_label == 2);
    ck_assert(c.n_infinite_score == 1 && kept[0] == 0 && kept[1] == 5);
    ck_assert(reason[1] == EIN_SCREEN_NAN_SCORE && reason[3] == EIN_SCREEN_MISSING_LABEL);
    ck_assert(reason[4] == (EIN_SCREEN_NAN_SCORE | EIN_SCREEN_MISSING_LABEL));
    ck_assert(reason[5] == EIN_SCREEN_INFINITE_SCORE && reason[0] == 0);
    const int8_t odd[] = {2};
    check_fails(ein_stats_screen(&c, reason, kept, scores, 2, odd, 1), EIN_RANGE, "record 0 is 2");
    check_ok(ein_stats_screen(&c, reason, kept, scores, 1, NULL, 6));
    ck_assert_int_eq(c.n_kept, 4);
}
END_TEST

/* Trap: a float sigmoid may give 1.0000001; that is 1. A logit is not a probability. */
START_TEST(clamping) {
    double p[] = {0.5, 1.0000001, -1e-7, 1, 0};
    int64_t n;
    check_ok(ein_stats_clamp_probabilities(p, 5, 1e-6, &n));
    ck_assert(n == 2 && p[1] == 1 && p[2] == 0 && p[0] == 0.5);
    double far[] = {0.5, 1.01}, holed[] = {NAN};
    check_fails(ein_stats_clamp_probabilities(far, 2, 1e-6, &n), EIN_RANGE, "record 1 is 1.01");
    check_fails(ein_stats_clamp_probabilities(holed, 1, 1e-6, &n), EIN_RANGE, "record 0");
}
END_TEST

START_TEST(sums_are_compensated) {
    ein_sum sum = {0, 0};
    const double x[] = {1, 1e100, 1, -1e100};
    for (int k = 0; k < 1000; k++)
        for (int i = 0; i < 4; i++) ein_sum_add(&sum, x[i]);
    ck_assert(ein_sum_value(sum) == 2000);
}
END_TEST

START_TEST(ranks_and_order) {
    const double x[] = {3, 1, 3, -INFINITY, 3, INFINITY, 1};
    const double expected[] = {5, 2.5, 5, 1, 5, 7, 2.5};
    double rank[7];
    int64_t order[7];
    check_ok(ein_stats_midranks(rank, x, 7));
    for (int i = 0; i < 7; i++) ck_assert(rank[i] == expected[i]);
    check_ok(ein_stats_order(order, x, 7));
    const int64_t stable[] = {3, 1, 6, 0, 2, 4, 5};
    ck_assert(memcmp(order, stable, sizeof stable) == 0);
    const double holed[] = {1, NAN};
    check_fails(ein_stats_order(order, holed, 2), EIN_NUMERIC, "record 1");
}
END_TEST

START_TEST(quantiles) {
    const double x[] = {1, 2, 4, 8};
    ck_assert(ein_stats_quantile(x, 4, 0) == 1 && ein_stats_quantile(x, 4, 1) == 8);
    check_exact(ein_stats_quantile(x, 4, 0.5), 3);
    check_exact(ein_stats_quantile(x, 4, 0.9), 6.8);
    ck_assert(ein_stats_quantile(x, 1, 0.3) == 1);
}
END_TEST

START_TEST(clusters_of_any_keys) {
    const uint64_t key[] = {UINT64_MAX, 5, 0, 5, UINT64_MAX, 5};
    const int64_t expected[] = {2, 1, 0, 1, 2, 1};
    int64_t index[6], count, largest;
    check_ok(ein_stats_clusters(index, &count, &largest, key, 6));
    ck_assert(count == 3 && largest == 3 && memcmp(index, expected, sizeof expected) == 0);
    check_ok(ein_stats_clusters(index, &count, &largest, NULL, 6));
    ck_assert(count == 6 && largest == 1 && index[5] == 5);
    check_ok(ein_stats_clusters(index, &count, &largest, key, 0));
    ck_assert(count == 0 && largest == 0);
}
END_TEST

START_TEST(means) {
    const double x[] = {1, 3, 2, 6};
    const uint64_t pairs[] = {1, 1, 2, 2}, one[] = {4, 4, 4, 4};
    ein_stats_interval m;
    check_ok(ein_stats_mean(&m, x, NULL, 4, 0.95));
    check_exact(m.value, 3);
    check_exact(m.variance, 14.0 / 3 / 4);
    check_exact(m.upper, 3 + ein_t_quantile(0.975, 3) * sqrt(14.0 / 12));
    check_ok(ein_stats_mean(&m, x, pairs, 4, 0.95));
    check_exact(m.variance, 2.0 / 1 * (4 + 4) / 16);
    check_ok(ein_stats_mean(&m, x, one, 4, 0.95));
    check_no_interval(m, EIN_STATS_FEW_CLUSTERS);
    check_ok(ein_stats_mean(&m, x, NULL, 1, 0.95));
    check_no_interval(m, EIN_STATS_FEW_RECORDS);
    check_ok(ein_stats_mean(&m, x, NULL, 0, 0.95));
    check_none(m, EIN_STATS_NO_RECORDS);
    const double holed[] = {1, INFINITY};
    check_fails(ein_stats_mean(&m, holed, NULL, 2, 0.95), EIN_NUMERIC, "record 1");
    check_fails(ein_stats_mean(&m, x, NULL, 4, 1), EIN_RANGE, "level");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("stats_common");
    TCase *c = tcase_create("common");
    tcase_add_test(c, every_state_has_words);
    tcase_add_test(c, screening_counts_and_lists);
    tcase_add_test(c, clamping);
    tcase_add_test(c, sums_are_compensated);
    tcase_add_test(c, ranks_and_order);
    tcase_add_test(c, quantiles);
    tcase_add_test(c, clusters_of_any_keys);
    tcase_add_test(c, means);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}
