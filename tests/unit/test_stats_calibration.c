/* Calibration: fixture S1 against scikit-learn and rms::val.prob, bins at their edges, states, sites' sums. */
#include <string.h>

#include "core/stats/calibration.h"
#include "core/stats/lowess.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

static s1_data s;

START_TEST(s1_scores) {
    ein_calibration_scores a, b;
    check_ok(ein_calibration_score(&a, s.prob_a, s.label, NULL, S1_N, 0.95));
    check_ok(ein_calibration_score(&b, s.prob_b, s.label, NULL, S1_N, 0.95));
    check_exact(a.brier.value, 0.253862057722497);
    check_exact(b.brier.value, 0.248413192851105);
    check_exact(a.log_loss.value, 0.760320140915202);
    check_exact(b.log_loss.value, 0.717483337179527);
    check_exact(a.mean_probability.value, 0.502934065934066);
    check_exact(a.prevalence.value, 0.415);
    check_exact(a.expected_observed.value, 0.502934065934066 / 0.415);
    check_exact(a.scaled_brier.value, 1 - 0.253862057722497 / (0.415 * 0.585));
    check_close(a.spiegelhalter.statistic, 9.56960936131, 1e-11);
    check_close(a.spiegelhalter.p, 1.0731e-21, 1e-4);
    ck_assert_int_eq(a.n_clipped, 0);
    ein_calibration_scores clustered;
    check_ok(ein_calibration_score(&clustered, s.prob_a, s.label, s.patient, S1_N, 0.95));
    ck_assert(clustered.brier.value == a.brier.value && clustered.brier.se > 1.5 * a.brier.se);
}
END_TEST

START_TEST(s1_bins) {
    const double expected[4] = {0.166491758241758, 0.167714285714286, 0.166912087912088, 0.169280219780220};
    for (int k = 0; k < 4; k++) {
        ein_calibration_bin bin[15];
        const int n_bins = k % 2 ? 15 : 10;
        check_ok(ein_calibration_fill(bin, n_bins, k < 2 ? EIN_BINS_WIDTH : EIN_BINS_MASS, s.prob_a, s.label,
                                      S1_N));
        const ein_calibration_binned b = ein_calibration_from_bins(bin, n_bins);
        check_exact(b.ece.value, expected[k]);
        check_exact(b.brier.value, 0.253862057722497);
        check_exact(b.mean_probability.value, 0.502934065934066);
        check_exact(b.prevalence.value, 0.415);
        if (k == 0) check_exact(b.mce.value, 0.301263736263736);
    }
}
END_TEST

/* Equal probabilities are in one bin whatever the order of records. B of S1 has 114 of them; its figures are those
 * of the definition in exact fractions. */
START_TEST(equal_mass_keeps_equal_scores_together) {
    const double expected[2] = {0.12175274725274725, 0.1285824175824176};
    double p[S1_N];
    int8_t label[S1_N];
    for (int step = 1; step < S1_N; step += 2)
        for (int k = 0; k < 2; k++) {
            ein_calibration_bin bin[15];
            for (int i = 0; i < S1_N; i++) {
                p[i] = s.prob_b[(long long)i * step % S1_N];
                label[i] = s.label[(long long)i * step % S1_N];
            }
            if (step % 5 == 0) continue; /* no permutation */
            check_ok(ein_calibration_fill(bin, k ? 15 : 10, EIN_BINS_MASS, p, label, S1_N));
            check_exact(ein_calibration_from_bins(bin, k ? 15 : 10).ece.value, expected[k]);
        }
    /* Four scores of 25 records each: bins 1, 3, 6, 8 hold one each, the others nobody. */
    for (int i = 0; i < 100; i++) {
        p[i] = 0.3 + 0.1 * (i % 4);
        label[i] = i < 50;
    }
    ein_calibration_bin bin[10];
    check_ok(ein_calibration_fill(bin, 10, EIN_BINS_MASS, p, label, 100));
    for (int b = 0; b < 10; b++) {
        const bool full = b == 1 || b == 3 || b == 6 || b == 8;
        ck_assert_int_eq((int)bin[b].n, full ? 25 : 0);
        ck_assert(full ? bin[b].lower == bin[b].upper : isnan(bin[b].lower) && isnan(bin[b].upper));
    }
    check_exact(ein_calibration_from_bins(bin, 10).ece.value, 0.12);
    /* One score alone: one bin, the middle one. */
    for (int i = 0; i < 100; i++) p[i] = 0.5;
    check_ok(ein_calibration_fill(bin, 10, EIN_BINS_MASS, p, label, 100));
    ck_assert_int_eq((int)bin[4].n, 100);
}
END_TEST

/* Trap: bins are closed on the right, a score of 0 is in the first and a score of 1 in the last. */
START_TEST(bin_edges) {
    const double p[] = {0, 0.1, 0.1 + 1e-12, 0.3, 0.6, 0.7, 1};
    const int expected[] = {0, 0, 1, 2, 5, 6, 9};
    for (int i = 0; i < 7; i++) {
        ein_calibration_bin bin[10];
        const int8_t label = 1;
        check_ok(ein_calibration_fill(bin, 10, EIN_BINS_WIDTH, &p[i], &label, 1));
        for (int b = 0; b < 10; b++) ck_assert_int_eq(bin[b].n, b == expected[i]);
    }
    /* Every edge belongs to the bin below it, the next larger number to the one above. */
    for (int n_bins = 1; n_bins <= 50; n_bins++) {
        for (int e = 1; e <= n_bins; e++) {
            ein_calibration_bin bin[50];
            const double edge = (double)e / n_bins, above = nextafter(edge, 2);
            const int8_t label = 0;
            check_ok(ein_calibration_fill(bin, n_bins, EIN_BINS_WIDTH, &edge, &label, 1));
            ck_assert_int_eq(bin[e - 1].n, 1);
            if (e == n_bins) continue;
            check_ok(ein_calibration_fill(bin, n_bins, EIN_BINS_WIDTH, &above, &label, 1));
            ck_assert_int_eq(bin[e].n, 1);
        }
    }
}
END_TEST

START_TEST(bins_of_sites_add_up) {
    ein_calibration_bin all[10], sum[10], part[10];
    double p[S1_N];
    int8_t y[S1_N];
    check_ok(ein_calibration_fill(all, 10, EIN_BINS_WIDTH, s.prob_a, s.label, S1_N));
    memset(sum, 0, sizeof sum);
    for (int g = 0; g < 4; g++) {
        int64_t n = 0;
        for (int i = 0; i < S1_N; i++)
            if (s.site[i] == g) p[n] = s.prob_a[i], y[n++] = s.label[i];
        check_ok(ein_calibration_fill(part, 10, EIN_BINS_WIDTH, p, y, n));
        for (int b = 0; b < 10; b++) {
            sum[b].n += part[b].n;
            sum[b].positives += part[b].positives;
            sum[b].sum_p += part[b].sum_p;
            sum[b].sum_p2 += part[b].sum_p2;
            sum[b].sum_py += part[b].sum_py;
        }
    }
    const ein_calibration_binned pooled = ein_calibration_from_bins(sum, 10),
                                 once = ein_calibration_from_bins(all, 10);
    check_exact(pooled.ece.value, once.ece.value);
    check_exact(pooled.brier.value, 0.253862057722497);
}
END_TEST

START_TEST(s1_logistic) {
    ein_calibration_fit f;
    check_ok(ein_calibration_logistic(&f, s.prob_a, NULL, s.label, NULL, S1_N, 0.95));
    check_close(f.intercept.value, -0.378586298663788, 1e-9);
    check_close(f.intercept.se, 0.1060137962195, 1e-6);
    check_close(f.slope.value, 0.335487747903346, 1e-9);
    check_close(f.slope.se, 0.0646688502428, 1e-6);
    check_close(f.in_the_large.value, -0.532193606658235, 1e-9);
    check_close(f.in_the_large.se, 0.1241188418823, 1e-6);
    check_close(f.r2.value, -0.239003549725, 1e-9);
    check_close(f.d.value, -0.165886756919, 1e-9);
    check_close(f.u.value, 0.234929368366, 1e-9);
    check_close(f.q.value, -0.400816125285, 1e-9);
}
END_TEST

START_TEST(s1_smooth) {
    ein_calibration_smooth c;
    double curve[S1_N];
    check_ok(ein_calibration_curve(&c, curve, s.prob_a, s.label, S1_N));
    check_close(c.emax.value, 0.273372426757, 1e-10);
    check_close(c.e90.value, 0.248827773471, 1e-10);
    check_close(c.ici.value, 0.158263215358, 1e-10);
    ck_assert(c.e50.value > 0 && c.e50.value < c.e90.value);
    double worst = 0;
    for (int i = 0; i < S1_N; i++) worst = fmax(worst, fabs(curve[i] - s.prob_a[i]));
    ck_assert(worst == c.emax.value);
}
END_TEST

/* The gradient is 0 at the solution, also when four sites add their sums (federated Newton steps). */
START_TEST(sites_fit_together) {
    double logit[4][S1_N], beta[2] = {0, 1};
    int8_t y[4][S1_N];
    int64_t n[4] = {0};
    for (int i = 0; i < S1_N; i++) {
        const int g = s.site[i];
        logit[g][n[g]] = log(s.prob_a[i] / (1 - s.prob_a[i]));
        y[g][n[g]++] = s.label[i];
    }
    for (int step = 0; step < 8; step++) {
        ein_logistic_sums sums = {0};
        for (int g = 0; g < 4; g++) ein_logistic_accumulate(&sums, logit[g], y[g], n[g], beta[0], beta[1]);
        ck_assert_int_eq(sums.n, S1_N);
        ck_assert(isfinite(ein_logistic_step(beta, &sums)));
    }
    check_close(beta[0], -0.378586298663788, 1e-9);
    check_close(beta[1], 0.335487747903346, 1e-9);
}
END_TEST

/* With every record its own patient the sandwich is White's; with real patients it is wider. Figures: R, from the
 * score residuals of glm. */
START_TEST(sandwich_over_patients) {
    ein_calibration_fit own, patients;
    check_ok(ein_calibration_logistic(&own, s.prob_a, NULL, s.label, NULL, S1_N, 0.95));
    check_ok(ein_calibration_logistic(&patients, s.prob_a, NULL, s.label, s.patient, S1_N, 0.95));
    ck_assert(own.slope_clustered.value == own.slope.value);
    check_close(own.intercept_clustered.se, 0.106284070772731, 1e-9);
    check_close(own.slope_clustered.se, 0.0694718567368562, 1e-9);
    check_close(patients.intercept_clustered.se, 0.203870840729519, 1e-9);
    check_close(patients.slope_clustered.se, 0.116279012690561, 1e-9);
    ck_assert(patients.slope.se == own.slope.se);
    uint64_t one[S1_N] = {0};
    check_ok(ein_calibration_logistic(&patients, s.prob_a, NULL, s.label, one, S1_N, 0.95));
    check_no_interval(patients.slope_clustered, EIN_STATS_FEW_CLUSTERS);
    check_state(patients.slope.interval_state, EIN_STATS_ESTIMABLE);
}
END_TEST

START_TEST(states_of_the_fit) {
    ein_calibration_fit f;
    const double p[] = {0.1, 0.2, 0.6, 0.7}, edge[] = {0.1, 0.9, 1, 0.3}, flat[] = {0.3, 0.3, 0.3, 0.3};
    const double tie[] = {0.1, 0.6, 0.6, 0.7}, logit[] = {-1, 2, 40, -0.5};
    const int8_t ones[] = {1, 1, 1, 1}, apart[] = {0, 0, 1, 1}, upside[] = {1, 1, 0, 0},
                 mixed[] = {0, 1, 0, 1};
    check_ok(ein_calibration_logistic(&f, p, NULL, ones, NULL, 4, 0.95));
    check_none(f.slope, EIN_STATS_ONE_CLASS);
    check_none(f.in_the_large, EIN_STATS_ONE_CLASS);
    check_state(f.r2.state, EIN_STATS_ONE_CLASS);
    check_ok(ein_calibration_logistic(&f, p, NULL, ones, NULL, 0, 0.95));
    check_none(f.slope, EIN_STATS_NO_RECORDS);
    check_ok(ein_calibration_logistic(&f, p, NULL, apart, NULL, 4, 0.95));
    check_none(f.slope, EIN_STATS_SEPARATED);
    check_none(f.intercept_clustered, EIN_STATS_SEPARATED);
    check_state(f.in_the_large.interval_state, EIN_STATS_ESTIMABLE);
    check_ok(ein_calibration_logistic(&f, p, NULL, upside, NULL, 4, 0.95));
    check_none(f.slope, EIN_STATS_SEPARATED);
    check_ok(ein_calibration_logistic(&f, tie, NULL, apart, NULL, 4, 0.95)); /* quasi-complete */
    check_none(f.slope, EIN_STATS_SEPARATED);
    check_ok(ein_calibration_logistic(&f, flat, NULL, mixed, NULL, 4, 0.95));
    check_none(f.slope, EIN_STATS_ZERO_VARIANCE);
    check_close(f.in_the_large.value, log(0.7 / 0.3), 1e-12);
    check_ok(ein_calibration_logistic(&f, edge, NULL, mixed, NULL, 4, 0.95));
    check_none(f.slope, EIN_STATS_SATURATED);
    check_ok(ein_calibration_logistic(&f, edge, logit, mixed, NULL, 4, 0.95)); /* logits know more */
    check_state(f.slope.state, EIN_STATS_ESTIMABLE);
    const double holed[] = {0.1, NAN, 0.3, 0.4}, far[] = {0.1, 1.5, 0.3, 0.4};
    check_fails(ein_calibration_logistic(&f, holed, NULL, mixed, NULL, 4, 0.95), EIN_NUMERIC, "record 1");
    check_fails(ein_calibration_logistic(&f, far, NULL, mixed, NULL, 4, 0.95), EIN_RANGE, "record 1 is 1.5");
}
END_TEST

START_TEST(states_of_the_scores) {
    ein_calibration_scores c;
    ein_calibration_smooth smooth;
    const double sure[] = {0, 1, 0.5}, wrong[] = {1, 0, 0.5};
    const int8_t label[] = {0, 1, 1}, ones[] = {1, 1, 1};
    check_ok(ein_calibration_score(&c, sure, label, NULL, 3, 0.95));
    check_state(c.spiegelhalter.state, EIN_STATS_ZERO_VARIANCE);
    ck_assert_int_eq(c.n_clipped, 0);
    check_close(c.log_loss.value, log(2) / 3, 1e-14);
    check_ok(ein_calibration_score(&c, wrong, label, NULL, 3, 0.95));
    ck_assert_int_eq(c.n_clipped, 2);
    check_close(c.log_loss.value, (2 * 52 * log(2) + log(2)) / 3, 1e-14);
    check_ok(ein_calibration_score(&c, sure, ones, NULL, 3, 0.95));
    check_state(c.scaled_brier.state, EIN_STATS_ONE_CLASS);
    check_ok(ein_calibration_score(&c, sure, ones, NULL, 0, 0.95));
    check_none(c.brier, EIN_STATS_NO_RECORDS);
    check_state(c.mean_probability.state, EIN_STATS_NO_RECORDS);
    check_ok(ein_calibration_curve(&smooth, NULL, sure, ones, 3));
    check_state(smooth.ici.state, EIN_STATS_ONE_CLASS);
    ein_calibration_bin bin[4];
    check_ok(ein_calibration_fill(bin, 4, EIN_BINS_MASS, sure, ones, 0));
    check_state(ein_calibration_from_bins(bin, 4).ece.state, EIN_STATS_NO_RECORDS);
    check_fails(ein_calibration_fill(bin, 0, EIN_BINS_MASS, sure, ones, 3), EIN_RANGE, "bins");
}
END_TEST

/* R 4.2: lowess(cars) and lowess(cars, f = 0.3, iter = 0, delta = 0), first, middle and last values. */
START_TEST(lowess_of_r) {
    const double x[] = {4,  4,  7,  7,  8,  9,  10, 10, 10, 11, 11, 12, 12, 12, 12, 13, 13,
                        13, 13, 14, 14, 14, 14, 15, 15, 15, 16, 16, 17, 17, 17, 18, 18, 18,
                        18, 19, 19, 19, 20, 20, 20, 20, 20, 22, 23, 24, 24, 24, 24, 25};
    const double y[] = {2,  10, 4,  22, 16, 10, 18, 26, 34, 17, 28, 14, 20, 24, 28,  26, 34,
                        34, 46, 26, 36, 60, 80, 20, 26, 54, 32, 40, 32, 40, 50, 42,  56, 76,
                        84, 36, 46, 68, 32, 48, 52, 56, 64, 66, 54, 70, 92, 93, 120, 85};
    double smooth[50];
    check_ok(ein_lowess(smooth, x, y, 50, 2.0 / 3, 3, 0.01 * 21));
    check_exact(smooth[0], 4.965459277186882);
    check_exact(smooth[25], 36.75772834164972);
    check_exact(smooth[49], 84.32869809683419);
    check_ok(ein_lowess(smooth, x, y, 50, 0.3, 0, 0));
    check_exact(smooth[0], 5.658684925237097);
    check_exact(smooth[25], 38.72385103011094);
    check_exact(smooth[49], 96.62458939308226);
    const double down[] = {2, 1};
    check_fails(ein_lowess(smooth, down, y, 2, 0.5, 0, 0), EIN_RANGE, "ascending");
    check_fails(ein_lowess(smooth, x, y, 50, 0, 0, 0), EIN_RANGE, "fraction");
}
END_TEST

int main(void) {
    s1_make(&s);
    Suite *suite = suite_create("stats_calibration");
    TCase *c = tcase_create("calibration");
    tcase_add_test(c, s1_scores);
    tcase_add_test(c, s1_bins);
    ein_tap_add(suite, "bins of equal mass keep equal scores together",
                equal_mass_keeps_equal_scores_together);
    tcase_add_test(c, bin_edges);
    tcase_add_test(c, bins_of_sites_add_up);
    tcase_add_test(c, s1_logistic);
    tcase_add_test(c, s1_smooth);
    tcase_add_test(c, sites_fit_together);
    tcase_add_test(c, sandwich_over_patients);
    tcase_add_test(c, states_of_the_fit);
    tcase_add_test(c, states_of_the_scores);
    tcase_add_test(c, lowess_of_r);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}
