/* AUROC from histograms: fixture S1 at several resolutions, bounds, merging of small cells, two-round sums. */
#include <string.h>

#include "core/stats/histogram.h"
#include "core/stats/roc.h"
#include "core/stats/special.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

static s1_data s;

static void fill(int64_t *positive, int64_t *negative, int n_bins) {
    memset(positive, 0, (size_t)n_bins * sizeof *positive);
    memset(negative, 0, (size_t)n_bins * sizeof *negative);
    check_ok(ein_histogram_add(positive, negative, n_bins, s.prob_a, s.label, S1_N));
}

/* The reference bins the integer level, A K / 910 rounded down. */
static void fill_levels(int64_t *positive, int64_t *negative, int n_bins) {
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
        fill_levels(p, q, n_bins[k]);
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
    for (int i = 0; i < S1_N; i++)
        check_ok(ein_histogram_add(p[s.site[i]], q[s.site[i]], S1_LEVELS, &s.prob_a[i], &s.label[i], 1));
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
        double score[S1_N];
        int8_t label[S1_N];
        uint64_t patient[S1_N];
        int64_t n = 0;
        for (int i = 0; i < S1_N; i++) {
            if (s.site[i] != g) continue;
            score[n] = s.prob_a[i];
            patient[n] = s.patient[i];
            label[n++] = s.label[i];
        }
        ein_placement_sums site;
        check_ok(ein_placement_sums_of(&site, p, q, S1_LEVELS, score, label, patient, n));
        ck_assert_int_eq(site.n_clusters, 25);
        ein_placement_sums_add(&all, &site);
    }
    ein_stats_interval delong, clustered;
    check_ok(ein_placement_sums_auc(&delong, &clustered, &all, 0.95));
    ck_assert_int_eq(all.n_clusters_positive, 49);
    check_exact(delong.value, 0.664941818556276);
    check_exact(delong.variance, 7.653216516711374e-04);
    check_exact(clustered.variance, 2.513067557150056e-03);
}
END_TEST

/* Expected counts of a binormal score (d' = 1.5), n = 20,000, 2 % positive, 100 bins of the normal's quantiles:
 * cells set to 0 shift the AUROC far more than merging, whose error stays inside its bound. */
START_TEST(merge_instead_of_zeroing) {
    enum { BINS = 100 };
    int64_t p[BINS], q[BINS], zero_p[BINS], zero_q[BINS], merged_p[BINS], merged_q[BINS];
    int first[BINS], n_merged;
    for (int b = 0; b < BINS; b++) {
        const double low = -4 + 9.5 * b / BINS, high = -4 + 9.5 * (b + 1) / BINS;
        q[b] = llround(19600 * (ein_normal_cdf(high) - ein_normal_cdf(low)));
        p[b] = llround(400 * (ein_normal_cdf(high - 1.5) - ein_normal_cdf(low - 1.5)));
        zero_p[b] = p[b] < 10 ? 0 : p[b];
        zero_q[b] = q[b] < 10 ? 0 : q[b];
    }
    ein_histogram_result truth, zeroed, merged;
    check_ok(ein_histogram_auc(&truth, p, q, BINS, 0.95));
    check_ok(ein_histogram_auc(&zeroed, zero_p, zero_q, BINS, 0.95));
    check_ok(ein_histogram_merge(merged_p, merged_q, first, &n_merged, p, q, BINS, 10));
    check_ok(ein_histogram_auc(&merged, merged_p, merged_q, n_merged, 0.95));
    ck_assert_int_eq(merged.n_positive, truth.n_positive);
    ck_assert_int_eq(merged.n_negative, truth.n_negative);
    for (int b = 0; b < n_merged; b++) ck_assert(merged_p[b] >= 10 && merged_q[b] >= 10);
    ck_assert(fabs(merged.auc.value - truth.auc.value) <= merged.bound.value + truth.bound.value);
    ck_assert(fabs(merged.auc.value - truth.auc.value) < 0.01);
    ck_assert(fabs(zeroed.auc.value - truth.auc.value) > 0.05);
}
END_TEST

START_TEST(merged_cells) {
    const int64_t p[] = {0, 2, 1, 0, 3, 0}, q[] = {5, 0, 1, 4, 0, 1};
    int64_t out_p[6], out_q[6];
    int first[6], n;
    check_ok(ein_histogram_merge(out_p, out_q, first, &n, p, q, 6, 2));
    ck_assert_int_eq(n, 2);
    ck_assert(out_p[0] == 2 && out_q[0] == 5 && first[0] == 0);
    ck_assert(out_p[1] == 4 && out_q[1] == 6 && first[1] == 2); /* the last bin joined */
    check_ok(ein_histogram_merge(out_p, out_q, first, &n, p, q, 6, 7));
    ck_assert_int_eq(n, 0);
    memcpy(out_p, p, sizeof p);
    memcpy(out_q, q, sizeof q);
    check_ok(ein_histogram_merge(out_p, out_q, first, &n, out_p, out_q, 6, 2));
    ck_assert(n == 2 && out_p[1] == 4 && out_q[0] == 5);
}
END_TEST

START_TEST(bins_of_edges) {
    for (int n_bins = 1; n_bins <= 60; n_bins++) {
        for (int e = 0; e <= n_bins; e++) {
            int64_t p[60] = {0}, q[60] = {0};
            const double edge = (double)e / n_bins;
            const int8_t label = 1;
            check_ok(ein_histogram_add(p, q, n_bins, &edge, &label, 1));
            ck_assert_int_eq(p[e < n_bins ? e : n_bins - 1], 1);
            const double below = nextafter(edge, -1);
            if (e == 0) continue;
            memset(p, 0, sizeof p);
            check_ok(ein_histogram_add(p, q, n_bins, &below, &label, 1));
            ck_assert_int_eq(p[e - 1], 1);
        }
    }
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
    check_fails(ein_histogram_auc(&r, bad, q, 3, 0.95), EIN_RANGE, "bin 1");
    check_fails(ein_histogram_auc(&r, huge, huge, 3, 0.95), EIN_RANGE, "2^61");
    const double outside[] = {0.5, 1.0000001}, holed[] = {NAN};
    const int8_t label[] = {1, 0};
    check_fails(ein_histogram_add(p, q, 3, outside, label, 2), EIN_RANGE, "record 1");
    check_fails(ein_histogram_add(p, q, 3, holed, label, 1), EIN_NUMERIC, "record 0");
    ck_assert(p[1] == 0); /* nothing was added before the refusal */
    ein_placement_sums sums;
    check_fails(ein_placement_sums_of(&sums, none, q, 3, outside, label, NULL, 1), EIN_RANGE, "both classes");
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
    tcase_add_test(c, merge_instead_of_zeroing);
    tcase_add_test(c, merged_cells);
    tcase_add_test(c, bins_of_edges);
    tcase_add_test(c, states_and_errors);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}
