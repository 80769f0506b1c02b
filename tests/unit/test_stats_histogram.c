/* AUROC from histograms: fixture S1 at several resolutions, bounds, small cells that are joined, two-round sums. */
#include <string.h>

#include "core/stats/components.h"
#include "core/stats/histogram.h"
#include "core/stats/released_bins.h"
#include "core/stats/special.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

static s1_data s;

/* The reference bins the integer level, A K / 910 rounded down. */
static void fill(int64_t *positive, int64_t *negative, int n_bins) {
    memset(positive, 0, (size_t)n_bins * sizeof *positive);
    memset(negative, 0, (size_t)n_bins * sizeof *negative);
    for (int i = 0; i < S1_N; i++) (s.label[i] ? positive : negative)[(int)s.a[i] * n_bins / S1_LEVELS]++;
}

START_TEST(s1_resolutions) {
    const int n_bins[] = {10, 20, 50, 100, 256, 455};
    const double auc[] = {.664362578519205, .664323962516734, .664632890536505,
                          .664259602512615, .665019050561219, .664916074554629};
    const double bound[] = {.045451, .022577, .009139, .004750, .001545, .000566};
    for (int k = 0; k < 6; k++) {
        int64_t p[S1_LEVELS], q[S1_LEVELS];
        ein_histogram_result r;
        fill(p, q, n_bins[k]);
        check_ok(ein_histogram_auc(&r, p, q, n_bins[k], 0.95));
        check_exact(r.auc.value, auc[k]);
        ck_assert(fabs(r.bound.value - bound[k]) <= 5.1e-7);
        ck_assert(fabs(r.auc.value - 0.664941818556276) <= r.bound.value);
    }
}
END_TEST

/* One bin per value: nothing is lost, the variance is DeLong's to 16 digits. */
START_TEST(s1_exact_when_quantised) {
    int64_t p[S1_LEVELS], q[S1_LEVELS];
    ein_histogram_result r;
    fill(p, q, S1_LEVELS);
    check_ok(ein_histogram_auc(&r, p, q, S1_LEVELS, 0.95));
    ck_assert(r.auc.value == 25829.0 / (166 * 234));
    check_close(r.auc.variance, 7.653216516711348e-04, 1e-14);
    ck_assert_int_eq(r.n_positive, 166);
}
END_TEST

/* Trap: a mean of the sites' AUROCs is another quantity than the pooled AUROC. */
START_TEST(pooling_is_adding_histograms) {
    int64_t p[4][S1_LEVELS] = {{0}}, q[4][S1_LEVELS] = {{0}}, all_p[S1_LEVELS] = {0}, all_q[S1_LEVELS] = {0};
    double by_n = 0, by_pairs = 0, pairs = 0;
    for (int i = 0; i < S1_N; i++) (s.label[i] ? p : q)[s.site[i]][(int)s.a[i]]++;
    for (int g = 0; g < 4; g++) {
        ein_histogram_result r;
        check_ok(ein_histogram_auc(&r, p[g], q[g], S1_LEVELS, 0.95));
        const double here = (double)r.n_positive * (double)r.n_negative;
        by_n += r.auc.value * (double)(r.n_positive + r.n_negative) / S1_N;
        by_pairs += r.auc.value * here;
        pairs += here;
        for (int b = 0; b < S1_LEVELS; b++) all_p[b] += p[g][b], all_q[b] += q[g][b];
    }
    ein_histogram_result pooled;
    check_ok(ein_histogram_auc(&pooled, all_p, all_q, S1_LEVELS, 0.95));
    check_exact(by_n, .667288871095286);
    check_exact(by_pairs / pairs, .666909015371832);
    check_exact(pooled.auc.value, .664941818556276);
}
END_TEST

/* Round 2: each site returns sums at the pooled histogram; together they give both variances. */
START_TEST(two_rounds) {
    int64_t p[S1_LEVELS], q[S1_LEVELS];
    fill(p, q, S1_LEVELS);
    ein_placement_sums all = {0};
    for (int g = 0; g < 4; g++) {
        int bin[S1_N];
        double placement[S1_N];
        int8_t label[S1_N];
        uint64_t patient[S1_N];
        int64_t n = 0;
        for (int i = 0; i < S1_N; i++) {
            if (s.site[i] != g) continue;
            bin[n] = (int)s.a[i];
            patient[n] = s.patient[i];
            label[n++] = s.label[i];
        }
        ein_placement_sums site;
        check_ok(ein_components_place(placement, p, q, S1_LEVELS, bin, label, n));
        check_ok(ein_components_sum(&site, placement, label, patient, n));
        ck_assert_int_eq(site.n_clusters, 25);
        ein_placement_sums_add(&all, &site);
    }
    const ein_components_result pooled = ein_components_result_of(&all);
    ck_assert_int_eq(all.n_clusters_positive, 49);
    check_exact(pooled.value, 0.664941818556276);
    check_exact(pooled.delong, 7.653216516711374e-04);
    check_exact(pooled.clustered, 2.513067557150056e-03);
}
END_TEST

/* Expected counts of a binormal score (d' = 1.5), n = 20,000, 2 % positive, 100 bins of the normal's quantiles:
 * cells set to 0 shift the AUROC far more than joining, whose error stays inside its bound. */
START_TEST(join_instead_of_zeroing) {
    enum { BINS = 100 };
    int64_t p[BINS], q[BINS], zero_p[BINS], zero_q[BINS], joined_p[BINS], joined_q[BINS];
    double weight[2][BINS];
    uint8_t keep[BINS];
    int n_joined;
    for (int b = 0; b < BINS; b++) {
        const double low = -4 + 9.5 * b / BINS, high = -4 + 9.5 * (b + 1) / BINS;
        q[b] = llround(19600 * (ein_normal_cdf(high) - ein_normal_cdf(low)));
        p[b] = llround(400 * (ein_normal_cdf(high - 1.5) - ein_normal_cdf(low - 1.5)));
        zero_p[b] = p[b] < 10 ? 0 : p[b];
        zero_q[b] = q[b] < 10 ? 0 : q[b];
        weight[0][b] = (double)q[b];
        weight[1][b] = (double)p[b];
    }
    ein_histogram_result truth, zeroed, joined;
    check_ok(ein_histogram_auc(&truth, p, q, BINS, 0.95));
    check_ok(ein_histogram_auc(&zeroed, zero_p, zero_q, BINS, 0.95));
    check_ok(ein_released_bins_join(keep, &n_joined, weight[0], 2, BINS, NULL,
                                    (ein_release_rules){.minimum = 10, .degrees = 10, .share = 0.9}));
    ck_assert_int_eq(ein_released_bins_apply(joined_p, NULL, keep, p, BINS), n_joined);
    ck_assert_int_eq(ein_released_bins_apply(joined_q, NULL, keep, q, BINS), n_joined);
    check_ok(ein_histogram_auc(&joined, joined_p, joined_q, n_joined, 0.95));
    ck_assert_int_eq(joined.n_positive, truth.n_positive);
    ck_assert_int_eq(joined.n_negative, truth.n_negative);
    for (int b = 0; b < n_joined; b++) ck_assert(joined_p[b] >= 10 && joined_q[b] >= 10);
    ck_assert(fabs(joined.auc.value - truth.auc.value) <= joined.bound.value + truth.bound.value);
    ck_assert(fabs(joined.auc.value - truth.auc.value) < 0.01);
    ck_assert(fabs(zeroed.auc.value - truth.auc.value) > 0.05);
}
END_TEST

START_TEST(states_and_errors) {
    int64_t p[] = {0, 0, 3}, q[] = {2, 2, 0}, none[] = {0, 0, 0}, one[] = {0, 1, 0}, bad[] = {1, -1, 1};
    const int64_t huge[] = {INT64_C(1) << 40, 0, 0};
    ein_histogram_result r;
    check_ok(ein_histogram_auc(&r, none, none, 3, 0.95));
    check_none(r.auc, EIN_STATS_NO_RECORDS);
    check_ok(ein_histogram_auc(&r, p, none, 3, 0.95));
    check_none(r.auc, EIN_STATS_ONE_CLASS);
    check_state(r.bound.state, EIN_STATS_ONE_CLASS);
    check_ok(ein_histogram_auc(&r, p, q, 3, 0.95));
    ck_assert(r.auc.value == 1 && r.bound.value == 0);
    check_no_interval(r.auc, EIN_STATS_BOUNDARY);
    check_ok(ein_histogram_auc(&r, one, q, 3, 0.95));
    check_no_interval(r.auc, EIN_STATS_FEW_IN_CLASS);
    const int64_t full[] = {0, 30, 0}, many[] = {0, 50, 0};
    for (int n = 1; n <= 3; n += 2) { /* one bin, and one of three in which anybody is */
        check_ok(ein_histogram_auc(&r, full + (n == 1), many + (n == 1), n, 0.95));
        check_none(r.auc, EIN_STATS_ONE_BIN);
        ck_assert(r.bound.state == EIN_STATS_ESTIMABLE && r.bound.value == 0.5);
    }
    ein_placement_sums same = {.n_positive = 3,
                               .n_negative = 4,
                               .n_clusters = 7,
                               .n_clusters_positive = 3,
                               .n_clusters_negative = 4};
    ein_stats_interval delong, clustered;
    check_ok(ein_placement_sums_difference(&delong, &clustered, &same, 0.95));
    ck_assert(delong.value == 0 && clustered.value == 0);
    check_no_interval(delong, EIN_STATS_IDENTICAL);
    check_no_interval(clustered, EIN_STATS_IDENTICAL);
    same.n_clusters_positive = 1;
    check_ok(ein_placement_sums_difference(&delong, &clustered, &same, 0.95));
    check_no_interval(clustered, EIN_STATS_FEW_CLUSTERS);
    check_fails(ein_histogram_auc(&r, bad, q, 3, 0.95), EIN_RANGE, "bin 1");
    check_fails(ein_histogram_auc(&r, huge, huge, 3, 0.95), EIN_RANGE, "2^61");
    const int bin = 0;
    const int8_t label = 1;
    double placement;
    check_fails(ein_components_place(&placement, none, q, 3, &bin, &label, 1), EIN_RANGE, "both classes");
}
END_TEST

int main(void) {
    s1_make(&s);
    Suite *suite = suite_create("stats_histogram");
    TCase *c = tcase_create("histogram");
    tcase_add_test(c, s1_resolutions);
    tcase_add_test(c, s1_exact_when_quantised);
    tcase_add_test(c, pooling_is_adding_histograms);
    tcase_add_test(c, two_rounds);
    tcase_add_test(c, join_instead_of_zeroing);
    tcase_add_test(c, states_and_errors);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}
