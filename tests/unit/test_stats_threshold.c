/* Thresholded metrics: fixture S1, closed forms, and states where a denominator is empty. */
#include <string.h>

#include "core/stats/special.h"
#include "core/stats/threshold.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

static s1_data s;

START_TEST(s1_confusions) {
    const double t[] = {0.2, 0.5, 0.8};
    const int64_t expected[3][4] = {{145, 175, 21, 59}, {106, 94, 60, 140}, {54, 29, 112, 205}};
    const double benefit[] = {0.253125, 0.03, -0.155}, all[] = {0.26875, -0.17, NAN};
    const double mcc[] = {0.154752568743, 0.233397316793, 0.244673627938};
    for (int i = 0; i < 3; i++) {
        ein_threshold_metrics m;
        check_ok(ein_threshold_evaluate(&m, s.prob_a, s.label, NULL, S1_N, t[i], 0.95));
        ck_assert_int_eq(m.confusion.true_positive, expected[i][0]);
        ck_assert_int_eq(m.confusion.false_positive, expected[i][1]);
        ck_assert_int_eq(m.confusion.false_negative, expected[i][2]);
        ck_assert_int_eq(m.confusion.true_negative, expected[i][3]);
        check_exact(m.net_benefit.value, benefit[i]);
        if (i < 2) check_exact(m.net_benefit_all.value, all[i]);
        check_close(m.mcc.value, mcc[i], 1e-11);
    }
}
END_TEST

START_TEST(s1_metrics_at_one_half) {
    ein_threshold_metrics m, from_counts;
    check_ok(ein_threshold_evaluate(&m, s.prob_a, s.label, NULL, S1_N, 0.5, 0.95));
    check_close(m.sensitivity.value, 0.638554216867, 1e-11);
    check_close(m.sensitivity.wilson_lower, 0.563101006830, 1e-11);
    check_close(m.sensitivity.wilson_upper, 0.707739813305, 1e-11);
    check_close(m.sensitivity.exact_lower, 0.560496152636, 1e-11);
    check_close(m.sensitivity.exact_upper, 0.711567693136, 1e-11);
    check_close(m.specificity.value, 0.598290598291, 1e-11);
    check_exact(m.ppv.value, 0.53);
    check_exact(m.npv.value, 0.70);
    check_close(m.f1.value, 0.579234972678, 1e-11);
    check_exact(m.prevalence.value, 0.415);
    check_exact(m.accuracy.value, 246.0 / 400);
    check_exact(m.youden.value, m.sensitivity.value + m.specificity.value - 1);
    check_exact(m.balanced_accuracy.value, (m.sensitivity.value + m.specificity.value) / 2);
    ck_assert(m.sensitivity.design_effect == 1 &&
              m.sensitivity.clustered_lower == m.sensitivity.wilson_lower);
    check_ok(ein_threshold_from_counts(&from_counts, m.confusion, 0.5, 0.95));
    ck_assert(from_counts.mcc.value == m.mcc.value && from_counts.ppv.exact_upper == m.ppv.exact_upper);
    check_state(from_counts.ppv.clustered_state, EIN_STATS_CLUSTERED);
    check_ok(ein_threshold_evaluate(&m, s.prob_a, s.label, NULL, S1_N, 0.2, 0.95));
    check_close(m.f1.value, 0.596707818930, 1e-11);
}
END_TEST

/* Repeated patients: the effective sample size shrinks, the interval widens around the same value. */
START_TEST(s1_proportions_over_patients) {
    ein_threshold_metrics m;
    check_ok(ein_threshold_evaluate(&m, s.prob_a, s.label, s.patient, S1_N, 0.5, 0.95));
    ck_assert(m.sensitivity.design_effect > 2);
    ck_assert(m.sensitivity.clustered_lower < m.sensitivity.wilson_lower);
    ck_assert(m.sensitivity.clustered_upper > m.sensitivity.wilson_upper);
    /* Patients that only repeat themselves: the effective size is that of the patients. */
    uint8_t hit[40], member[40];
    uint64_t patient[40];
    for (int i = 0; i < 40; i++) hit[i] = i / 4 < 6, member[i] = 1, patient[i] = (uint64_t)(i / 4);
    ein_proportion p;
    double lower, upper;
    check_ok(ein_proportion_clustered(&p, hit, member, patient, 40, 0.95));
    check_exact(p.design_effect, 4 * 10.0 / 9);
    ein_proportion_wilson(&lower, &upper, 6 * 0.9, 9, 0.95);
    check_exact(p.clustered_lower, lower);
    check_exact(p.clustered_upper, upper);
    memset(patient, 0, sizeof patient);
    check_ok(ein_proportion_clustered(&p, hit, member, patient, 40, 0.95));
    check_state(p.clustered_state, EIN_STATS_FEW_CLUSTERS);
    ck_assert(isnan(p.clustered_lower) && isnan(p.design_effect));
}
END_TEST

START_TEST(intervals_at_the_ends) {
    ein_proportion p;
    check_ok(ein_proportion_of(&p, 0, 10, 0.95));
    ck_assert(p.wilson_lower == 0 && p.exact_lower == 0);
    check_exact(p.exact_upper, 1 - pow(0.025, 0.1));
    const double z = ein_normal_quantile(0.975);
    check_exact(p.wilson_upper, z * z / (10 + z * z));
    check_ok(ein_proportion_of(&p, 10, 10, 0.95));
    ck_assert(p.wilson_upper == 1 && p.exact_upper == 1 && p.value == 1);
    check_exact(p.exact_lower, pow(0.025, 0.1));
    check_ok(ein_proportion_of(&p, 0, 0, 0.95));
    check_state(p.state, EIN_STATS_ZERO_DENOMINATOR);
    ck_assert(isnan(p.value) && isnan(p.wilson_lower) && isnan(p.exact_upper));
    check_fails(ein_proportion_of(&p, 3, 2, 0.95), EIN_RANGE, "3 of 2");
}
END_TEST

START_TEST(empty_margins) {
    ein_threshold_metrics m;
    const double score[] = {0.1, 0.2, 0.3};
    const int8_t zeros[] = {0, 0, 0}, mixed[] = {0, 1, 0};
    check_ok(ein_threshold_evaluate(&m, score, mixed, NULL, 3, 0.9, 0.95));
    check_state(m.ppv.state, EIN_STATS_ZERO_DENOMINATOR);
    check_state(m.mcc.state, EIN_STATS_ZERO_DENOMINATOR);
    ck_assert(isnan(m.ppv.value) && isnan(m.mcc.value));
    ck_assert(m.f1.state == EIN_STATS_ESTIMABLE && m.f1.value == 0);
    check_ok(ein_threshold_evaluate(&m, score, zeros, NULL, 3, 0.9, 0.95));
    check_state(m.sensitivity.state, EIN_STATS_ZERO_DENOMINATOR);
    check_state(m.youden.state, EIN_STATS_ONE_CLASS);
    check_state(m.f1.state, EIN_STATS_ZERO_DENOMINATOR);
    check_ok(ein_threshold_evaluate(&m, score, mixed, NULL, 3, 1, 0.95));
    check_state(m.net_benefit.state, EIN_STATS_SATURATED);
    check_ok(ein_threshold_evaluate(&m, score, zeros, NULL, 0, 0.5, 0.95));
    check_state(m.prevalence.state, EIN_STATS_NO_RECORDS);
    check_state(m.net_benefit.state, EIN_STATS_NO_RECORDS);
    ein_confusion c;
    check_fails(ein_confusion_at(&c, score, mixed, 3, NAN), EIN_NUMERIC, "threshold");
    const double holed[] = {0.1, NAN, 0.3};
    check_fails(ein_confusion_at(&c, holed, mixed, 3, 0.5), EIN_NUMERIC, "record 1");
}
END_TEST

/* The margins' product of a large cohort exceeds 2^63 and 2^53. */
START_TEST(mcc_of_large_counts) {
    ein_threshold_metrics m;
    const int64_t big = 4000000000;
    check_ok(ein_threshold_from_counts(&m, (ein_confusion){3 * big, big, big, 3 * big}, 0.5, 0.95));
    check_exact(m.mcc.value, 0.5);
    check_exact(m.f1.value, 0.75);
    ck_assert(m.sensitivity.exact_lower < 0.75 && m.sensitivity.exact_lower > 0.7499);
}
END_TEST

START_TEST(choice_against_all_thresholds) {
    const double *const scores[] = {s.a, s.b};
    for (int k = 0; k < 4; k++) {
        const double *score = scores[k / 2];
        const ein_threshold_rule rule = k % 2 ? EIN_THRESHOLD_CLOSEST : EIN_THRESHOLD_YOUDEN;
        ein_threshold_choice c;
        check_ok(ein_threshold_choose(&c, score, s.label, S1_N, rule));
        double best = -INFINITY;
        for (int i = 0; i < S1_N; i++) {
            ein_threshold_metrics m;
            check_ok(ein_threshold_evaluate(&m, score, s.label, NULL, S1_N, score[i], 0.95));
            const double fn = 1 - m.sensitivity.value, fp = 1 - m.specificity.value;
            best = fmax(best, rule == EIN_THRESHOLD_YOUDEN ? m.youden.value : -(fn * fn + fp * fp));
        }
        const double fn = 1 - c.sensitivity, fp = 1 - c.specificity;
        check_close(rule == EIN_THRESHOLD_YOUDEN ? 1 - fn - fp : -(fn * fn + fp * fp), best, 1e-14);
        ein_confusion at_threshold, at_midpoint;
        check_ok(ein_confusion_at(&at_threshold, score, s.label, S1_N, c.threshold));
        check_ok(ein_confusion_at(&at_midpoint, score, s.label, S1_N, c.midpoint));
        ck_assert(memcmp(&at_threshold, &c.confusion, sizeof at_threshold) == 0);
        ck_assert(memcmp(&at_midpoint, &c.confusion, sizeof at_midpoint) == 0);
        ck_assert(c.midpoint < c.threshold);
    }
}
END_TEST

/* Equal Youden index at 0.2 and at 0.4: the higher threshold is taken. */
START_TEST(choice_among_equals) {
    const double score[] = {0.1, 0.2, 0.3, 0.4};
    const int8_t label[] = {0, 1, 0, 1};
    ein_threshold_choice c;
    check_ok(ein_threshold_choose(&c, score, label, 4, EIN_THRESHOLD_YOUDEN));
    ck_assert(c.threshold == 0.4 && c.sensitivity == 0.5 && c.specificity == 1);
    check_close(c.midpoint, 0.35, 1e-15);
    const int8_t ones[] = {1, 1, 1, 1};
    check_ok(ein_threshold_choose(&c, score, ones, 4, EIN_THRESHOLD_CLOSEST));
    check_state(c.state, EIN_STATS_ONE_CLASS);
    ck_assert(isnan(c.threshold) && isnan(c.sensitivity));
    check_ok(ein_threshold_choose(&c, score, ones, 0, EIN_THRESHOLD_CLOSEST));
    check_state(c.state, EIN_STATS_NO_RECORDS);
}
END_TEST

/* The reference figures are those of the calls; rightness of the same calls is another comparison. */
START_TEST(s1_mcnemar) {
    uint8_t called[2][S1_N], right[2][S1_N];
    for (int i = 0; i < S1_N; i++) {
        called[0][i] = s.prob_a[i] >= 0.5;
        called[1][i] = s.prob_b[i] >= 0.5;
        for (int k = 0; k < 2; k++) right[k][i] = called[k][i] == s.label[i];
    }
    ein_mcnemar m;
    check_ok(ein_mcnemar_test(&m, called[0], called[1], NULL, S1_N));
    ck_assert_int_eq(m.b, 30);
    ck_assert_int_eq(m.c, 33);
    check_close(m.chi2.statistic, 0.06349206349206, 1e-12);
    check_close(m.chi2.p, 0.80105937087, 1e-11);
    check_exact(m.exact_p.value, 0.801306492504069);
    check_exact(m.uncorrected.statistic, 9.0 / 63);
    ck_assert(m.clustered.statistic < 0); /* the first model calls less often */
    /* Independent records: z^2 is (b-c)^2 / (b + c - (b-c)^2/n), times (n-1)/n. */
    check_exact(m.clustered.statistic * m.clustered.statistic, 9 / (63 - 9.0 / 400) * 399 / 400);
    ein_mcnemar over_patients;
    check_ok(ein_mcnemar_test(&over_patients, called[0], called[1], s.patient, S1_N));
    ck_assert(over_patients.clustered.statistic != m.clustered.statistic);
    check_ok(ein_mcnemar_test(&m, right[0], right[1], NULL, S1_N));
    ck_assert_int_eq(m.b, 34);
    ck_assert_int_eq(m.c, 29);
}
END_TEST

START_TEST(mcnemar_without_a_difference) {
    const uint8_t same[] = {1, 0, 1}, left[] = {1, 0, 1, 0}, right[] = {0, 1, 1, 0};
    ein_mcnemar m;
    check_ok(ein_mcnemar_test(&m, same, same, NULL, 3));
    check_state(m.chi2.state, EIN_STATS_IDENTICAL);
    check_state(m.exact_p.state, EIN_STATS_IDENTICAL);
    check_state(m.clustered.state, EIN_STATS_IDENTICAL);
    ck_assert(isnan(m.chi2.p) && isnan(m.exact_p.value));
    check_ok(ein_mcnemar_test(&m, left, right, NULL, 4));
    ck_assert(m.chi2.statistic == 0 && m.chi2.p == 1 && m.exact_p.value == 1);
}
END_TEST

int main(void) {
    s1_make(&s);
    Suite *suite = suite_create("stats_threshold");
    TCase *c = tcase_create("thresholds");
    tcase_add_test(c, s1_confusions);
    tcase_add_test(c, s1_metrics_at_one_half);
    tcase_add_test(c, s1_proportions_over_patients);
    tcase_add_test(c, intervals_at_the_ends);
    tcase_add_test(c, empty_margins);
    tcase_add_test(c, mcc_of_large_counts);
    tcase_add_test(c, choice_against_all_thresholds);
    tcase_add_test(c, choice_among_equals);
    tcase_add_test(c, s1_mcnemar);
    tcase_add_test(c, mcnemar_without_a_difference);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}
