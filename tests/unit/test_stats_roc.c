/* AUROC, its variances and tests: fixture S1 against pROC 1.18, an O(n^2) reference, and the known traps. */
#include <string.h>

#include "core/base/philox.h"
#include "core/stats/roc.h"
#include "tests/seed.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

static s1_data s;

static ein_roc_options naive(void) {
    ein_roc_options o = EIN_ROC_DEFAULTS;
    o.variance = EIN_ROC_DELONG;
    return o;
}

static ein_roc_pr precision_recall(const double *score, const int8_t *label, int64_t n) {
    int64_t order[3 * S1_N];
    check_ok(ein_stats_order(order, score, n));
    return ein_roc_weighted_pr(order, score, label, NULL, n);
}

START_TEST(s1_delong) {
    ein_roc_result a, b;
    check_ok(ein_roc_auc(&a, s.a, s.label, NULL, S1_N, EIN_ROC_DEFAULTS));
    check_ok(ein_roc_auc(&b, s.b, s.label, NULL, S1_N, EIN_ROC_DEFAULTS));
    ck_assert_int_eq(a.n_positive, 166);
    ck_assert_int_eq(a.n_negative, 234);
    ck_assert(a.u.value == 25829);
    ck_assert(a.variance == EIN_ROC_DELONG);
    check_exact(a.auc.value, 0.664941818556276);
    check_exact(a.auc.variance, 7.653216516711348e-04);
    check_exact(a.auc.lower, 0.610720497939011);
    check_exact(a.auc.upper, 0.719163139173542);
    check_exact(b.auc.value, 0.633946040572547);
    check_exact(b.auc.variance, 8.041683761669434e-04);
    check_exact(b.auc.lower, 0.578365651027764);
    check_exact(b.auc.upper, 0.689526430117329);
    ck_assert(a.logit_lower > 0.60 && a.logit_lower < a.auc.value && a.logit_upper < a.auc.upper);
}
END_TEST

START_TEST(s1_paired) {
    ein_roc_comparison c;
    check_ok(ein_roc_compare_paired(&c, s.a, s.b, s.label, NULL, S1_N, EIN_ROC_DEFAULTS));
    check_exact(c.covariance.value, 6.570882610907530e-04);
    check_exact(c.test.statistic, 1.939838823883221);
    check_exact(c.test.p, 0.0523992807314459);
    check_exact(c.difference.value, 0.664941818556276 - 0.633946040572547);
    check_close(c.difference.lower, -0.000321570536648, 1e-9);
    check_exact(c.difference.upper, 0.062313126504107);
}
END_TEST

START_TEST(s1_unpaired) {
    ein_roc_result a, b;
    ein_roc_comparison c;
    check_ok(ein_roc_auc(&a, s.a, s.label, NULL, S1_N, EIN_ROC_DEFAULTS));
    check_ok(ein_roc_auc(&b, s.b, s.label, NULL, S1_N, EIN_ROC_DEFAULTS));
    check_ok(ein_roc_compare_unpaired(&c, &a, &b, 0.95));
    check_exact(c.test.statistic, 0.782389946323769);
    check_exact(c.test.df, 797.511427965315);
    check_exact(c.test.p, 0.43421767762105);
}
END_TEST

START_TEST(s1_clustered) {
    ein_roc_comparison c;
    ein_roc_options forced = EIN_ROC_DEFAULTS;
    forced.variance = EIN_ROC_CLUSTERED;
    check_ok(ein_roc_compare_paired(&c, s.a, s.b, s.label, s.patient, S1_N, forced));
    ck_assert_int_eq(c.first.n_clusters, 100);
    ck_assert_int_eq(c.first.n_clusters_positive, 49);
    ck_assert_int_eq(c.first.n_clusters_negative, 65);
    ck_assert_int_eq(c.first.largest_cluster, 4);
    check_exact(c.first.auc.value, 0.664941818556276);
    check_exact(c.first.auc.variance, 2.513067557150056e-03);
    check_exact(c.second.auc.variance, 2.132839811000169e-03);
    check_exact(c.covariance.value, 2.260293297150313e-03);
    check_exact(c.test.statistic, 2.768796309942);
}
END_TEST

/* The trap that no other figure guards: with repeated ECGs the naive interval is 45 % too narrow, so the
 * clustered one is what a caller gets unless he asks for the other. */
START_TEST(clustered_is_the_default_when_patients_repeat) {
    ein_roc_result automatic, delong;
    check_ok(ein_roc_auc(&automatic, s.a, s.label, s.patient, S1_N, EIN_ROC_DEFAULTS));
    ck_assert(automatic.variance == EIN_ROC_CLUSTERED);
    check_close(automatic.auc.se, 0.05013, 1e-3);
    check_ok(ein_roc_auc(&delong, s.a, s.label, s.patient, S1_N, naive()));
    ck_assert(delong.variance == EIN_ROC_DELONG);
    ck_assert_int_eq(delong.largest_cluster, 4);
    check_close(delong.auc.se, 0.02766, 1e-3);
    uint64_t own[S1_N];
    for (int i = 0; i < S1_N; i++) own[i] = (uint64_t)(7919 * i + 3);
    check_ok(ein_roc_auc(&automatic, s.a, s.label, own, S1_N, EIN_ROC_DEFAULTS));
    ck_assert(automatic.variance == EIN_ROC_DELONG);
}
END_TEST

/* One record per patient: Obuchowski's variance is DeLong's. */
START_TEST(clustered_equals_delong_for_single_records) {
    ein_roc_result clustered;
    ein_roc_options forced = EIN_ROC_DEFAULTS;
    forced.variance = EIN_ROC_CLUSTERED;
    check_ok(ein_roc_auc(&clustered, s.a, s.label, NULL, S1_N, forced));
    ck_assert(clustered.variance == EIN_ROC_CLUSTERED);
    check_close(clustered.auc.variance, 7.653216516711348e-04, 1e-13);
}
END_TEST

START_TEST(s1_sites_and_sexes) {
    const double site_auc[4] = {0.568144499178982, 0.657061688311688, 0.703208556149733, 0.740740740740741};
    const double site_var[4] = {3.493668132121084e-03, 2.934502657994514e-03, 3.409840361140084e-03,
                                2.837698297702575e-03};
    const int site_positive[4] = {42, 44, 34, 46};
    double score[S1_N];
    int8_t label[S1_N];
    ein_roc_result r, sex[2];
    for (int g = 0; g < 4; g++) {
        int n = 0;
        for (int i = 0; i < S1_N; i++)
            if (s.site[i] == g) score[n] = s.a[i], label[n++] = s.label[i];
        check_ok(ein_roc_auc(&r, score, label, NULL, n, EIN_ROC_DEFAULTS));
        ck_assert_int_eq(n, 100);
        ck_assert_int_eq(r.n_positive, site_positive[g]);
        check_exact(r.auc.value, site_auc[g]);
        check_exact(r.auc.variance, site_var[g]);
    }
    for (int g = 0; g < 2; g++) {
        int n = 0;
        for (int i = 0; i < S1_N; i++)
            if (s.sex[i] == g) score[n] = s.a[i], label[n++] = s.label[i];
        check_ok(ein_roc_auc(&sex[g], score, label, NULL, n, EIN_ROC_DEFAULTS));
    }
    check_exact(sex[0].auc.value, 0.672167968750000);
    check_exact(sex[0].auc.variance, 1.514860535504442e-03);
    check_exact(sex[1].auc.value, 0.656208863536639);
    check_exact(sex[1].auc.variance, 1.596857849577629e-03);
    ein_roc_comparison c;
    check_ok(ein_roc_compare_unpaired(&c, &sex[0], &sex[1], 0.95));
    check_exact(c.test.statistic, 0.286093766252563);
    check_exact(c.test.df, 396.242128399792);
    check_exact(c.test.p, 0.774955817570433);
}
END_TEST

START_TEST(s1_precision_recall) {
    const ein_roc_pr a = precision_recall(s.a, s.label, S1_N), b = precision_recall(s.b, s.label, S1_N);
    check_exact(a.average_precision.value, 0.580587038074011);
    check_exact(b.average_precision.value, 0.537860881403383);
    check_exact(a.trapezoid.value, 0.577168150871968);
    check_exact(b.trapezoid.value, 0.534388694721639);
    check_exact(a.prevalence, 0.415);
}
END_TEST

/* Every pair and every placement by their definitions. */
START_TEST(against_all_pairs) {
    for (uint32_t set = 0; set < 40; set++) {
        double score[60], v10[60] = {0}, v01[60] = {0};
        int8_t label[60];
        const int n = 8 + (int)(set % 52), levels = 2 + (int)(set % 9);
        double p = 0, q = 0, wins = 0, s10 = 0, s01 = 0;
        for (int i = 0; i < n; i++) {
            const ein_philox_block w = ein_philox(test_seed(11), EIN_DRAW_TEST, set, (uint32_t)i);
            label[i] = i < 2 ? 1 : i < 4 ? 0 : ein_uniform(w.v[0]) < 0.4;
            score[i] = floor(levels * ein_uniform(w.v[1])) + label[i];
            *(label[i] ? &p : &q) += 1;
        }
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                if (!label[i] || label[j]) continue;
                const double win = score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
                wins += win;
                v10[i] += win / q;
                v01[j] += win / p;
            }
        }
        const double auc = wins / (p * q);
        for (int i = 0; i < n; i++) {
            if (label[i])
                s10 += (v10[i] - auc) * (v10[i] - auc);
            else
                s01 += (v01[i] - auc) * (v01[i] - auc);
        }
        ein_roc_result r;
        check_ok(ein_roc_auc(&r, score, label, NULL, n, EIN_ROC_DEFAULTS));
        ck_assert(r.u.value == wins);
        check_close(r.auc.value, auc, 1e-15);
        if (r.auc.interval_state == EIN_STATS_ESTIMABLE)
            check_close(r.auc.variance, s10 / (p - 1) / p + s01 / (q - 1) / q, 1e-12);
    }
}
END_TEST

/* Trap: an AUROC below 0.5 is a finding about the model, not about the direction of the score. */
START_TEST(direction_is_never_flipped) {
    double negated[S1_N];
    for (int i = 0; i < S1_N; i++) negated[i] = -s.a[i];
    ein_roc_result r;
    check_ok(ein_roc_auc(&r, negated, s.label, NULL, S1_N, EIN_ROC_DEFAULTS));
    check_exact(r.auc.value, 1 - 0.664941818556276);
    check_exact(r.auc.variance, 7.653216516711348e-04);
    ein_roc_comparison c;
    check_ok(ein_roc_compare_paired(&c, negated, s.a, s.label, NULL, S1_N, EIN_ROC_DEFAULTS));
    ck_assert(c.test.statistic < -5 && c.difference.value < 0);
}
END_TEST

/* Z is (first - second) / se: positive when the first is better. */
START_TEST(sign_of_z) {
    ein_roc_comparison ab, ba;
    check_ok(ein_roc_compare_paired(&ab, s.a, s.b, s.label, s.patient, S1_N, EIN_ROC_DEFAULTS));
    check_ok(ein_roc_compare_paired(&ba, s.b, s.a, s.label, s.patient, S1_N, EIN_ROC_DEFAULTS));
    ck_assert(ab.first.auc.value > ab.second.auc.value && ab.test.statistic > 0);
    ck_assert(ba.test.statistic == -ab.test.statistic && ba.test.p == ab.test.p);
}
END_TEST

START_TEST(ties_count_one_half) {
    const double score[] = {1, 1, 1, 1, 1};
    const int8_t label[] = {1, 0, 1, 0, 0};
    ein_roc_result r;
    check_ok(ein_roc_auc(&r, score, label, NULL, 5, EIN_ROC_DEFAULTS));
    ck_assert(r.auc.value == 0.5 && r.u.value == 3);
    check_no_interval(r.auc, EIN_STATS_ZERO_VARIANCE);
}
END_TEST

/* A Wald interval ends at 0 and 1; the logit interval stays inside by itself. */
START_TEST(intervals_stay_in_range) {
    const double score[] = {1, 2, 3, 5, 4, 6, 7, 8};
    const int8_t label[] = {0, 0, 0, 0, 1, 1, 1, 1};
    double negated[8];
    ein_roc_result r;
    for (int i = 0; i < 8; i++) negated[i] = -score[i];
    check_ok(ein_roc_auc(&r, score, label, NULL, 8, EIN_ROC_DEFAULTS));
    ck_assert(r.auc.value == 15.0 / 16 && r.auc.upper == 1 && r.auc.value + 1.96 * r.auc.se > 1);
    ck_assert(r.logit_upper < 1 && r.logit_lower < r.auc.value);
    check_ok(ein_roc_auc(&r, negated, label, NULL, 8, EIN_ROC_DEFAULTS));
    ck_assert(r.auc.value == 1.0 / 16 && r.auc.lower == 0);
}
END_TEST

START_TEST(states_instead_of_numbers) {
    ein_roc_result r;
    const double score[] = {0.1, 0.2, 0.3, 0.4};
    const int8_t ones[] = {1, 1, 1, 1}, zeros[] = {0, 0, 0, 0}, apart[] = {0, 0, 1, 1},
                 inverted[] = {1, 1, 0, 0}, single[] = {0, 1, 0, 0};
    const uint64_t one_patient[] = {7, 7, 7, 7};
    check_ok(ein_roc_auc(&r, score, ones, NULL, 4, EIN_ROC_DEFAULTS));
    check_none(r.auc, EIN_STATS_ONE_CLASS);
    check_state(r.u.state, EIN_STATS_ONE_CLASS);
    check_ok(ein_roc_auc(&r, score, zeros, NULL, 4, EIN_ROC_DEFAULTS));
    check_none(r.auc, EIN_STATS_ONE_CLASS);
    check_ok(ein_roc_auc(&r, score, ones, NULL, 0, EIN_ROC_DEFAULTS));
    check_none(r.auc, EIN_STATS_NO_RECORDS);
    check_ok(ein_roc_auc(&r, score, apart, NULL, 4, EIN_ROC_DEFAULTS));
    ck_assert(r.auc.value == 1);
    check_no_interval(r.auc, EIN_STATS_BOUNDARY);
    ck_assert(isnan(r.logit_lower) && isnan(r.logit_upper));
    check_ok(ein_roc_auc(&r, score, inverted, NULL, 4, EIN_ROC_DEFAULTS));
    ck_assert(r.auc.value == 0);
    check_no_interval(r.auc, EIN_STATS_BOUNDARY);
    check_ok(ein_roc_auc(&r, score, single, NULL, 4, EIN_ROC_DEFAULTS));
    check_no_interval(r.auc, EIN_STATS_FEW_IN_CLASS);
    check_ok(ein_roc_auc(&r, score, apart, one_patient, 4, EIN_ROC_DEFAULTS));
    check_no_interval(r.auc, EIN_STATS_FEW_CLUSTERS);
    ck_assert_str_eq(ein_stats_state_text(EIN_STATS_ONE_CLASS), "not estimable: only one class is present");
    ein_roc_options strict = EIN_ROC_DEFAULTS;
    strict.min_clusters = 50;
    check_ok(ein_roc_auc(&r, s.a, s.label, s.patient, S1_N, strict));
    check_no_interval(r.auc, EIN_STATS_FEW_CLUSTERS); /* 49 patients have a positive */
}
END_TEST

/* Models that rank alike, also through any increasing function, have no difference to test: not p = 1. */
START_TEST(identical_models) {
    double squashed[S1_N];
    for (int i = 0; i < S1_N; i++) squashed[i] = 1 / (1 + exp(-s.a[i] / 300));
    const uint64_t *clusters[] = {NULL, s.patient};
    for (int k = 0; k < 2; k++) {
        ein_roc_comparison c;
        check_ok(ein_roc_compare_paired(&c, s.a, squashed, s.label, clusters[k], S1_N, EIN_ROC_DEFAULTS));
        ck_assert(c.difference.value == 0);
        check_no_interval(c.difference, EIN_STATS_IDENTICAL);
        check_state(c.test.state, EIN_STATS_IDENTICAL);
        ck_assert(isnan(c.test.p) && isnan(c.test.statistic));
    }
}
END_TEST

START_TEST(a_perfect_model_has_no_test) {
    double perfect[S1_N];
    for (int i = 0; i < S1_N; i++) perfect[i] = s.label[i];
    ein_roc_comparison c;
    check_ok(ein_roc_compare_paired(&c, perfect, s.a, s.label, NULL, S1_N, EIN_ROC_DEFAULTS));
    ck_assert(c.first.auc.value == 1);
    check_no_interval(c.difference, EIN_STATS_BOUNDARY);
    check_state(c.test.state, EIN_STATS_BOUNDARY);
    ein_roc_result a;
    check_ok(ein_roc_auc(&a, s.a, s.label, NULL, S1_N, EIN_ROC_DEFAULTS));
    check_ok(ein_roc_compare_unpaired(&c, &c.first, &a, 0.95));
    check_state(c.test.state, EIN_STATS_BOUNDARY);
}
END_TEST

START_TEST(nan_and_missing_are_errors_that_name_the_record) {
    double score[] = {0.1, 0.2, NAN, 0.4};
    int8_t label[] = {0, 1, 0, 1};
    ein_roc_result r;
    check_fails(ein_roc_auc(&r, score, label, NULL, 4, EIN_ROC_DEFAULTS), EIN_NUMERIC, "record 2");
    score[2] = 0.3;
    label[1] = EIN_LABEL_MISSING;
    check_fails(ein_roc_auc(&r, score, label, NULL, 4, EIN_ROC_DEFAULTS), EIN_NUMERIC, "record 1 is missing");
    const int8_t ones[] = {1, 1, 1, 1};
    score[3] = NAN;
    check_fails(ein_roc_auc(&r, score, ones, NULL, 4, EIN_ROC_DEFAULTS), EIN_NUMERIC, "record 3");
    ein_roc_options wild = EIN_ROC_DEFAULTS;
    wild.level = 95;
    check_fails(ein_roc_auc(&r, s.a, s.label, NULL, S1_N, wild), EIN_RANGE, "confidence level");
}
END_TEST

/* Trap (pROC #19): 4e10 pairs exceed 2^31 and 2^32; all placements are known for interleaved scores. */
START_TEST(forty_billion_pairs) {
    enum { CLASS = 200000, N = 2 * CLASS };
    double *score = malloc(N * sizeof *score);
    int8_t *label = malloc(N);
    ck_assert(score && label);
    for (int64_t i = 0; i < N; i++) {
        /* Positive number j has the score 2j + 1 and beats negatives 0..j: U = sum (j + 1). */
        score[(i * 7919) % N] = (double)i;
        label[(i * 7919) % N] = (int8_t)(i % 2);
    }
    ein_roc_result r;
    check_ok(ein_roc_auc(&r, score, label, NULL, N, EIN_ROC_DEFAULTS));
    const double m = CLASS;
    ck_assert(r.u.value == m * (m + 1) / 2);
    check_close(r.auc.value, 0.5 + 0.5 / m, 1e-15);
    /* V10 and V01 each run through 1/m, ..., m/m: their variance is (m + 1) / (12 m). */
    check_close(r.auc.variance, 2 * (m + 1) / (12 * m) / m, 1e-12);
    free(score);
    free(label);
}
END_TEST

START_TEST(order_of_records_does_not_matter_for_counts) {
    double score[S1_N];
    int8_t label[S1_N];
    for (int i = 0; i < S1_N; i++) {
        score[(i * 171) % S1_N] = s.a[i];
        label[(i * 171) % S1_N] = s.label[i];
    }
    ein_roc_result here, there;
    check_ok(ein_roc_auc(&here, s.a, s.label, NULL, S1_N, EIN_ROC_DEFAULTS));
    check_ok(ein_roc_auc(&there, score, label, NULL, S1_N, EIN_ROC_DEFAULTS));
    ck_assert(here.u.value == there.u.value && here.auc.value == there.auc.value);
    check_close(there.auc.variance, here.auc.variance, 1e-15);
}
END_TEST

START_TEST(weights_repeat_records) {
    int64_t order[S1_N];
    int32_t count[S1_N];
    double score[3 * S1_N];
    int8_t label[3 * S1_N];
    int64_t n = 0;
    check_ok(ein_stats_order(order, s.a, S1_N));
    for (int i = 0; i < S1_N; i++) {
        count[i] = i % 3;
        for (int k = 0; k < count[i]; k++) score[n] = s.a[i], label[n++] = s.label[i];
    }
    ein_roc_result r;
    check_ok(ein_roc_auc(&r, score, label, NULL, n, EIN_ROC_DEFAULTS));
    const ein_roc_pr pr = precision_recall(score, label, n);
    ck_assert(ein_roc_weighted_auc(order, s.a, s.label, count, S1_N).value == r.auc.value);
    const ein_roc_pr weighted = ein_roc_weighted_pr(order, s.a, s.label, count, S1_N);
    check_close(weighted.average_precision.value, pr.average_precision.value, 1e-14);
    check_close(weighted.trapezoid.value, pr.trapezoid.value, 1e-14);
    memset(count, 0, sizeof count);
    check_state(ein_roc_weighted_auc(order, s.a, s.label, count, S1_N).state, EIN_STATS_NO_RECORDS);
    count[0] = 5;
    check_state(ein_roc_weighted_auc(order, s.a, s.label, count, S1_N).state, EIN_STATS_ONE_CLASS);
}
END_TEST

START_TEST(precision_recall_states) {
    const double score[] = {0.1, 0.2};
    const int8_t zeros[] = {0, 0}, ones[] = {1, 1};
    ein_roc_pr pr = precision_recall(score, zeros, 2);
    check_state(pr.average_precision.state, EIN_STATS_ONE_CLASS);
    pr = precision_recall(score, ones, 2);
    check_state(pr.trapezoid.state, EIN_STATS_ONE_CLASS);
    ck_assert(isnan(pr.trapezoid.value));
    pr = precision_recall(score, ones, 0);
    check_state(pr.average_precision.state, EIN_STATS_NO_RECORDS);
}
END_TEST

int main(void) {
    s1_make(&s);
    Suite *suite = suite_create("stats_roc");
    TCase *c = tcase_create("AUROC");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, s1_delong);
    tcase_add_test(c, s1_paired);
    tcase_add_test(c, s1_unpaired);
    tcase_add_test(c, s1_clustered);
    tcase_add_test(c, clustered_is_the_default_when_patients_repeat);
    tcase_add_test(c, clustered_equals_delong_for_single_records);
    tcase_add_test(c, s1_sites_and_sexes);
    tcase_add_test(c, s1_precision_recall);
    tcase_add_test(c, against_all_pairs);
    tcase_add_test(c, direction_is_never_flipped);
    tcase_add_test(c, sign_of_z);
    tcase_add_test(c, ties_count_one_half);
    tcase_add_test(c, intervals_stay_in_range);
    tcase_add_test(c, states_instead_of_numbers);
    tcase_add_test(c, identical_models);
    tcase_add_test(c, a_perfect_model_has_no_test);
    tcase_add_test(c, nan_and_missing_are_errors_that_name_the_record);
    tcase_add_test(c, forty_billion_pairs);
    tcase_add_test(c, order_of_records_does_not_matter_for_counts);
    tcase_add_test(c, weights_repeat_records);
    tcase_add_test(c, precision_recall_states);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}
