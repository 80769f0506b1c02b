/* Regression metrics and correlations on fixture S1 (A measured, B predicted) against R 4.2. */
#include <string.h>

#include "core/stats/regression.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

static s1_data s;

START_TEST(errors_and_line) {
    ein_regression_fit f;
    check_ok(ein_regression_evaluate(&f, s.a, s.b, NULL, S1_N, 0.95));
    check_exact(f.mae.value, 121.4325);
    check_exact(f.mae.se, 4.31543259774024);
    check_exact(f.rmse.value, 148.917468753669);
    ck_assert(f.rmse.lower < f.rmse.value && f.rmse.upper > f.rmse.value);
    check_exact(f.r2.value, 0.678719082080403);
    check_exact(f.slope.value, 0.598733353911291);
    check_exact(f.slope.se, 0.0200667220223997);
    check_exact(f.slope.lower, 0.559283335783989);
    check_exact(f.slope.upper, 0.638183372038593);
    check_exact(f.intercept.value, 183.074572592375);
    check_exact(f.intercept.se, 10.5808801662871);
    check_exact(f.intercept.upper, 203.8759727362);
}
END_TEST

START_TEST(bland_altman) {
    ein_bland_altman b;
    check_ok(ein_bland_altman_limits(&b, s.a, s.b, NULL, S1_N, 0.95));
    check_exact(b.bias.value, -0.3725);
    check_exact(b.sd.value, 149.103498876428);
    check_exact(b.bias.lower, -15.0288319179239);
    check_exact(b.bias.upper, 14.2838319179239);
    check_exact(b.lower.value, -292.609987766707);
    check_exact(b.upper.value, 291.864987766707);
    check_exact(b.lower.se, 12.7514949118068);
    check_exact(b.lower.lower, -317.678499677625);
    check_exact(b.lower.upper, -267.54147585579);
    check_ok(ein_bland_altman_limits(&b, s.a, s.b, s.patient, S1_N, 0.95));
    check_no_interval(b.lower, EIN_STATS_CLUSTERED);
    check_state(b.bias.interval_state, EIN_STATS_ESTIMABLE);
}
END_TEST

START_TEST(correlations) {
    ein_correlations c;
    check_ok(ein_correlate(&c, s.a, s.b, S1_N, false, 0.95));
    check_exact(c.pearson.value, 0.831297037378159);
    check_exact(c.pearson.lower, 0.798316150135894);
    check_exact(c.pearson.upper, 0.859306587699444);
    check_exact(c.pearson_test.statistic, 29.837128019362);
    check_close(c.pearson_test.p, 1.47198837266078e-103, 1e-9);
    check_exact(c.spearman.value, 0.837480679640102);
    check_exact(c.spearman.lower, 0.79990729036078);
    check_exact(c.spearman.upper, 0.868513958887321);
    check_exact(c.kendall.value, 0.627468672525547);
    check_exact(c.kendall.lower, 0.586373320511339);
    check_exact(c.kendall.upper, 0.665342383346505);
    check_exact(c.kendall_test.statistic, 18.7261434398668);
    check_close(c.kendall_test.p, 3.03093028394584e-78, 1e-9);
    check_ok(ein_correlate(&c, s.a, s.b, S1_N, true, 0.95));
    check_exact(c.spearman.value, 0.837480679640102);
    check_no_interval(c.pearson, EIN_STATS_CLUSTERED);
    check_state(c.kendall_test.state, EIN_STATS_CLUSTERED);
}
END_TEST

/* Kendall's counts by comparing all pairs, on data with many ties. */
START_TEST(kendall_against_all_pairs) {
    int64_t expected = 0, untied_x = 0, untied_y = 0, s_found, x_found, y_found;
    double x[S1_N], y[S1_N];
    for (int i = 0; i < S1_N; i++) x[i] = floor(s.a[i] / 100), y[i] = floor(s.b[i] / 70);
    for (int i = 0; i < S1_N; i++) {
        for (int j = 0; j < i; j++) {
            const int dx = (x[i] > x[j]) - (x[i] < x[j]), dy = (y[i] > y[j]) - (y[i] < y[j]);
            expected += dx * dy;
            untied_x += dx != 0;
            untied_y += dy != 0;
        }
    }
    check_ok(ein_kendall_counts(&s_found, &x_found, &y_found, x, y, S1_N));
    ck_assert_int_eq(s_found, expected);
    ck_assert_int_eq(x_found, untied_x);
    ck_assert_int_eq(y_found, untied_y);
}
END_TEST

/* Exact p values of R's cor.test(method = "kendall", exact = TRUE). */
START_TEST(kendall_exact) {
    ein_stats_value p;
    check_ok(ein_kendall_exact_p(&p, 13, 7)); /* T = 17 of 21 concordant */
    check_exact(p.value, 0.069047619047619);
    check_ok(ein_kendall_exact_p(&p, 2 * 91 - 105, 15));
    check_exact(p.value, 3.70285639796908e-05);
    check_ok(ein_kendall_exact_p(&p, 2 * 435 - 1770, 60));
    check_close(p.value, 1.56420692592286e-09, 1e-6);
    check_ok(ein_kendall_exact_p(&p, 0, 4));
    ck_assert(p.value == 1);
    check_ok(ein_kendall_exact_p(&p, 6, 4));
    check_exact(p.value, 2.0 / 24);
    check_ok(ein_kendall_exact_p(&p, 0, 1));
    check_state(p.state, EIN_STATS_FEW_RECORDS);
    check_fails(ein_kendall_exact_p(&p, 0, 171), EIN_RANGE, "171");
}
END_TEST

START_TEST(states) {
    const double flat[] = {2, 2, 2, 2, 2}, line[] = {1, 2, 3, 4, 5}, holed[] = {1, 2, NAN, 4, 5};
    ein_regression_fit f;
    ein_correlations c;
    ein_bland_altman b;
    check_ok(ein_regression_evaluate(&f, flat, line, NULL, 5, 0.95));
    check_none(f.slope, EIN_STATS_ZERO_VARIANCE);
    check_state(f.r2.state, EIN_STATS_ZERO_VARIANCE);
    check_state(f.mae.interval_state, EIN_STATS_ESTIMABLE);
    check_ok(ein_regression_evaluate(&f, line, line, NULL, 5, 0.95));
    ck_assert(f.r2.value == 1 && f.rmse.value == 0);
    check_no_interval(f.rmse, EIN_STATS_ZERO_VARIANCE);
    check_ok(ein_regression_evaluate(&f, line, flat, NULL, 2, 0.95));
    check_no_interval(f.slope, EIN_STATS_FEW_RECORDS);
    check_ok(ein_regression_evaluate(&f, line, flat, NULL, 0, 0.95));
    check_none(f.mae, EIN_STATS_NO_RECORDS);
    check_none(f.slope, EIN_STATS_NO_RECORDS);
    const uint64_t pairs[] = {1, 1, 2, 2, 3};
    check_ok(ein_regression_evaluate(&f, line, flat, pairs, 5, 0.95));
    check_no_interval(f.slope, EIN_STATS_CLUSTERED);
    check_ok(ein_correlate(&c, flat, line, 5, false, 0.95));
    check_none(c.pearson, EIN_STATS_ZERO_VARIANCE);
    check_state(c.kendall_test.state, EIN_STATS_ZERO_VARIANCE);
    check_ok(ein_correlate(&c, line, line, 5, false, 0.95));
    ck_assert(c.pearson.value == 1 && c.kendall.value == 1 && c.spearman.value == 1);
    check_no_interval(c.spearman, EIN_STATS_ZERO_VARIANCE);
    check_state(c.pearson_test.state, EIN_STATS_ZERO_VARIANCE);
    check_ok(ein_correlate(&c, line, flat, 1, false, 0.95));
    check_none(c.kendall, EIN_STATS_FEW_RECORDS);
    check_ok(ein_bland_altman_limits(&b, line, flat, NULL, 1, 0.95));
    check_none(b.upper, EIN_STATS_FEW_RECORDS);
    check_fails(ein_regression_evaluate(&f, holed, line, NULL, 5, 0.95), EIN_NUMERIC,
                "measured value of record 2");
    check_fails(ein_correlate(&c, line, holed, 5, false, 0.95), EIN_NUMERIC, "predicted value of record 2");
}
END_TEST

/* A correlation keeps its sign. */
START_TEST(negative_correlation) {
    double negated[S1_N];
    for (int i = 0; i < S1_N; i++) negated[i] = -s.b[i];
    ein_correlations c;
    check_ok(ein_correlate(&c, s.a, negated, S1_N, false, 0.95));
    check_exact(c.spearman.value, -0.837480679640102);
    check_exact(c.kendall.value, -0.627468672525547);
    ck_assert(c.kendall.upper < 0);
}
END_TEST

int main(void) {
    s1_make(&s);
    Suite *suite = suite_create("stats_regression");
    TCase *c = tcase_create("regression");
    tcase_add_test(c, errors_and_line);
    tcase_add_test(c, bland_altman);
    tcase_add_test(c, correlations);
    tcase_add_test(c, kendall_against_all_pairs);
    tcase_add_test(c, kendall_exact);
    tcase_add_test(c, states);
    tcase_add_test(c, negative_correlation);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}
