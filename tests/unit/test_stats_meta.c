/* Meta-analysis: dat.bcg against metafor 3.8, the four sites of fixture S1, states. */
#include <string.h>

#include "core/stats/roc.h"
#include "core/stats/small_study.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

enum { K = 13 };
static const double counts[K][4] = {
    {4, 119, 11, 128},      {6, 300, 29, 274},      {3, 228, 11, 209},        {62, 13536, 248, 12619},
    {33, 5036, 47, 5761},   {180, 1361, 372, 1079}, {8, 2537, 10, 619},       {505, 87886, 499, 87892},
    {29, 7470, 45, 7232},   {17, 1699, 65, 1600},   {186, 50448, 141, 27197}, {5, 2493, 3, 2338},
    {27, 16886, 29, 17825},
};
static double y[K], v[K];

/* Log relative risks and their variances. */
static void make_bcg(void) {
    for (int i = 0; i < K; i++) {
        const double treated = counts[i][0] + counts[i][1], control = counts[i][2] + counts[i][3];
        y[i] = log(counts[i][0] / treated / (counts[i][2] / control));
        v[i] = 1 / counts[i][0] - 1 / treated + 1 / counts[i][2] - 1 / control;
    }
}

START_TEST(effect_sizes) {
    check_exact(y[0], -0.889311333920);
    check_close(v[0], 0.325584765004, 1e-11);
    check_close(y[7], 0.011952333524, 1e-10);
    check_close(v[7], 0.003961579298, 1e-9);
}
END_TEST

typedef struct {
    ein_meta_method method;
    double tau2, mu, se, lower, upper, se_kh, lower_kh, upper_kh, i2; /* 0: not given */
} row;

static const row rows[] = {
    {EIN_META_DL, 0.3087602629, -0.7141172221, .1787420895, -1.0644452801, -0.3637891641, .1806966283,
     -1.1078213542, -0.3204130900, 92.11734685},
    {EIN_META_REML, 0.3132432581, -0.7145323422, .1797815161, -1.0668976388, -0.3621670455, .1807917441,
     -1.1084437137, -0.3206209706, 92.22138452},
    {EIN_META_ML, 0.2800281373, -0.7111991355, .1718968088, -1.0481106897, -0.3742875812, .1800422221,
     -1.1034774390, -0.3189208320, 91.37828379},
    {EIN_META_EB, 0.3180684522, -0.7149681535, .1808921915, -1.0695103340, -0.3604259730, .1808921915,
     -1.1090983812, -0.3208379258, 92.33033795},
    {EIN_META_SJ, 0.3455157016, -0.7172485926, .1870594584, -1.0838783940, -0.3506187911, .1814284515,
     -1.1125472304, -0.3219499547, 92.89632410},
    {EIN_META_HE, 0.3285638580, -0.7158785888, .1832799860, 0, 0, .1811040692, 0, 0, 92.55709741},
    {EIN_META_HS, 0.2283628637, -0.7045353739, .1586520931, 0, 0, .1786233077, 0, 0, 89.62996666},
};

static void check_row(const row *r, double tolerance) {
    ein_meta_fit f;
    check_ok(ein_meta_analyse(&f, y, v, K, NULL, 0, r->method, 0.95));
    check_close(f.tau2.value, r->tau2, tolerance);
    check_close(f.z[0].value, r->mu, tolerance);
    check_close(f.z[0].se, r->se, tolerance);
    check_close(f.knapp_hartung[0].se, r->se_kh, tolerance);
    check_close(f.i2.value, r->i2, tolerance);
    if (r->lower != 0) {
        check_close(f.z[0].lower, r->lower, tolerance);
        check_close(f.z[0].upper, r->upper, tolerance);
        check_close(f.knapp_hartung[0].lower, r->lower_kh, tolerance);
        check_close(f.knapp_hartung[0].upper, r->upper_kh, tolerance);
    }
    check_close(f.q.statistic, 152.2330080824, 1e-11);
    ck_assert(f.q.df == 12);
    check_close(f.q.p, 1.99676e-26, 1e-5);
}

/* Closed forms to the digits given, iterative fits to 1e-6 (the reference stops early). */
START_TEST(bcg_all_methods) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const bool iterative =
            rows[i].method == EIN_META_REML || rows[i].method == EIN_META_ML || rows[i].method == EIN_META_EB;
        check_row(&rows[i], iterative ? 1e-6 : 2e-9);
    }
}
END_TEST

/* PM and EB have the same estimating equation; metafor's default PM stops at digit 5. */
START_TEST(bcg_paule_mandel) {
    const row pm = {EIN_META_PM,   0.3180937119, -0.7149704056, .1808979841,   -1.0695239394,
                    -0.3604168719, .1808927122,  -1.1091017678, -0.3208390434, 92.33090029};
    ein_meta_fit p, e;
    check_row(&pm, 1e-4);
    check_ok(ein_meta_analyse(&p, y, v, K, NULL, 0, EIN_META_PM, 0.95));
    check_ok(ein_meta_analyse(&e, y, v, K, NULL, 0, EIN_META_EB, 0.95));
    ck_assert(p.tau2.value == e.tau2.value);
    /* y'Py = k - 1 at the root, so Knapp-Hartung's factor is 1. */
    check_close(p.knapp_hartung[0].se, p.z[0].se, 1e-13);
}
END_TEST

START_TEST(bcg_reml) {
    ein_meta_fit f;
    check_ok(ein_meta_analyse(&f, y, v, K, NULL, 0, EIN_META_REML, 0.95));
    check_close(f.tau2_se.value, 0.16642575, 1e-6);
    check_close(f.h2.value, 12.8557608031, 1e-6);
    check_close(f.z[0].value / f.z[0].se, -3.9744, 1e-4);
    check_close(exp(f.z[0].value), 0.489421, 1e-5);
    const ein_stats_interval *pi = f.prediction;
    check_close(pi[EIN_META_PREDICT_Z].lower, -1.8666922179, 1e-6);
    check_close(pi[EIN_META_PREDICT_Z].upper, 0.4376275336, 1e-6);
    check_close(pi[EIN_META_PREDICT_KNAPP_HARTUNG].lower, -1.9960168342, 1e-6);
    check_close(pi[EIN_META_PREDICT_KNAPP_HARTUNG].upper, 0.5669521499, 1e-6);
    check_close(pi[EIN_META_PREDICT_RILEY].lower, -2.00837591, 1e-6);
    check_close(pi[EIN_META_PREDICT_RILEY].upper, 0.57931122, 1e-6);
    for (int i = 0; i < EIN_META_PREDICT_COUNT; i++)
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(ein_meta_predict_name((ein_meta_predict)i),
                             ein_meta_predict_name((ein_meta_predict)j));
    const double percent[K] = {5.059483,  6.364679, 4.436027, 9.698747, 8.868456, 10.095739, 6.027181,
                               10.189439, 8.743133, 8.367607, 9.925027, 3.821629, 8.402852};
    double weight[K];
    ein_meta_weights(weight, v, K, f.tau2.value);
    for (int i = 0; i < K; i++) check_close(weight[i], percent[i], 2e-7);
    ein_meta_fit ml;
    check_ok(ein_meta_analyse(&ml, y, v, K, NULL, 0, EIN_META_ML, 0.95));
    check_close(ml.tau2_se.value, 0.144251949382764, 1e-9);
}
END_TEST

/* metafor with its root finder's tolerance at 1e-14; its default stops at the fourth digit (0.1196953128,
 * 1.1114862622, 81.917723, 97.678090). */
START_TEST(bcg_q_profile) {
    ein_meta_heterogeneity h;
    check_ok(ein_meta_q_profile(&h, y, v, K, EIN_META_REML, 0.95));
    check_exact(h.tau2.lower, 0.11971836114126);
    check_exact(h.tau2.upper, 1.11147908406093);
    check_exact(h.i2.lower, 81.92057455859654);
    check_exact(h.i2.upper, 97.67807495788742);
    check_exact(h.h2.lower, 5.53114922396767);
    check_exact(h.h2.upper, 43.06771243098170);
    check_close(h.tau2.lower, 0.119695, 3e-4);
    check_close(h.tau2.upper, 1.111486, 3e-4);
    check_close(h.i2.lower, 81.917723, 1e-4);
    check_close(h.i2.upper, 97.678090, 1e-4);
}
END_TEST

START_TEST(bcg_leave_one_out) {
    ein_meta_fit fit[K];
    check_ok(ein_meta_leave_one_out(fit, y, v, K, EIN_META_REML, 0.95));
    check_close(fit[3].z[0].value, -0.628409369807674, 1e-8);
    check_close(fit[3].tau2.value, 0.262758148091002, 1e-8);
    check_close(fit[7].z[0].value, -0.794767604515521, 1e-8);
    check_close(fit[7].tau2.value, 0.273182929386648, 1e-8);
    ck_assert_int_eq(fit[0].k, K - 1);
}
END_TEST

START_TEST(bcg_small_study_effects) {
    ein_meta_egger e;
    ein_meta_begg b;
    check_ok(ein_meta_egger_test(&e, y, v, K, EIN_META_REML, 0.95));
    check_close(e.mixed.statistic, -0.803329112070107, 1e-6);
    check_close(e.mixed.p, 0.421784535672227, 1e-6);
    check_close(e.limit.value, -0.510431883789499, 1e-6);
    check_exact(e.classical.statistic, -1.40128200228933);
    check_exact(e.classical.p, 0.188706995081979);
    ck_assert(e.classical.df == 11);
    check_ok(ein_meta_begg_test(&b, y, v, K));
    check_exact(b.tau.value, 0.0256410256410256);
    check_exact(b.test.p, 0.952361907960866);
    ck_assert(isnan(b.test.df));
    /* Six studies whose rank order changes with the variance of y - mu (metafor's ranktest). */
    const double by[] = {-0.63, 0.18, -0.84, 1.6, 0.33, -0.82},
                 bv[] = {0.15, 1.522, 0.301, 0.925, 0.032, 1.944};
    check_ok(ein_meta_begg_test(&b, by, bv, 6));
    check_exact(b.tau.value, -1.0 / 15);
    ck_assert(b.test.p == 1);
}
END_TEST

START_TEST(bcg_moderator) {
    /* alloc: random is the reference in another parametrisation; the test of both dummies is the same. */
    const int alternate[K] = {0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0};
    double x[K][2];
    for (int i = 0; i < K; i++) {
        x[i][0] = alternate[i];
        x[i][1] = i >= 9;
    }
    ein_meta_fit f;
    check_ok(ein_meta_analyse(&f, y, v, K, &x[0][0], 2, EIN_META_REML, 0.95));
    check_close(f.moderators.statistic, 1.7675114019317, 1e-8);
    check_close(f.moderators.p, 0.413228032757368, 1e-8);
    ck_assert(f.moderators.df == 2);
    check_close(f.tau2.value, 0.361503664324021, 1e-8);
    check_exact(f.q.statistic, 132.367638262708);
    check_close(f.moderators_knapp_hartung.statistic, 0.966220844813429, 1e-8);
    check_close(f.moderators_knapp_hartung.p, 0.413383745721621, 1e-8);
    /* Alternate is metafor's intercept. */
    check_close(f.z[0].value + f.z[1].value, -0.517955777155295, 1e-8);
    check_close(f.z[1].value, 0.44781840139055, 1e-8);
    check_close(f.z[1].se, 0.515821633599066, 1e-8);
    check_close(f.knapp_hartung[1].se, 0.493318571737081, 1e-8);
    check_state(f.prediction[0].state, EIN_STATS_ZERO_DENOMINATOR);
    for (int i = 0; i < K; i++) x[i][1] = 1 - x[i][0];
    check_fails(ein_meta_analyse(&f, y, v, K, &x[0][0], 2, EIN_META_REML, 0.95), EIN_RANGE, "collinear");
}
END_TEST

START_TEST(bcg_fixed_effect) {
    ein_meta_fit f;
    check_ok(ein_meta_analyse(&f, y, v, K, NULL, 0, EIN_META_FIXED, 0.95));
    check_exact(f.z[0].value, -0.430285163654091);
    check_exact(f.z[0].se, 0.0404987517108638);
    check_exact(f.i2.value, 92.117346854562);
    check_exact(f.h2.value, 12.6860840068644);
    ck_assert(f.tau2.value == 0);
}
END_TEST

/* The four sites of S1, DeLong variances, on the logit scale. */
static void make_sites(double *logit, double *variance) {
    static s1_data s;
    s1_make(&s);
    for (int g = 0; g < 4; g++) {
        double score[S1_N];
        int8_t label[S1_N];
        int n = 0;
        for (int i = 0; i < S1_N; i++)
            if (s.site[i] == g) score[n] = s.a[i], label[n++] = s.label[i];
        ein_roc_result r;
        ein_stats_value t, tv;
        check_ok(ein_roc_auc(&r, score, label, NULL, n, EIN_ROC_DEFAULTS));
        ein_meta_logit_auc(&t, &tv, r.auc.value, r.auc.variance);
        logit[g] = t.value;
        variance[g] = tv.value;
    }
}

START_TEST(s1_sites) {
    double t[4], tv[4];
    make_sites(t, tv);
    ein_meta_fit dl, reml, pm;
    check_ok(ein_meta_analyse(&dl, t, tv, 4, NULL, 0, EIN_META_DL, 0.95));
    check_ok(ein_meta_analyse(&reml, t, tv, 4, NULL, 0, EIN_META_REML, 0.95));
    check_ok(ein_meta_analyse(&pm, t, tv, 4, NULL, 0, EIN_META_PM, 0.95));
    check_close(dl.tau2.value, 0.0457142667, 1e-8);
    check_close(dl.z[0].value, 0.6881575548, 1e-9);
    ein_stats_interval z = ein_meta_inverse_logit(dl.z[0]), kh = ein_meta_inverse_logit(dl.knapp_hartung[0]);
    check_close(z.value, 0.6655569404, 1e-9);
    check_close(z.lower, 0.5888671631, 1e-9);
    check_close(z.upper, 0.7343938412, 1e-9);
    check_close(kh.lower, 0.5389774035, 1e-9);
    check_close(kh.upper, 0.7720791271, 1e-9);
    check_close(reml.tau2.value, 0.0463391519, 1e-6);
    check_close(reml.i2.value, 40.95742837, 1e-6);
    check_close(reml.q.statistic, 5.0530160565, 1e-9);
    check_close(reml.q.p, 0.16795596, 1e-7);
    z = ein_meta_inverse_logit(reml.z[0]);
    kh = ein_meta_inverse_logit(reml.knapp_hartung[0]);
    check_close(z.value, 0.6655826601, 1e-7);
    check_close(z.lower, 0.5886728864, 1e-6);
    check_close(z.upper, 0.7345953858, 1e-6);
    check_close(kh.lower, 0.5390073754, 1e-6);
    check_close(kh.upper, 0.7720985675, 1e-6);
    const ein_stats_interval pi = ein_meta_inverse_logit(reml.prediction[EIN_META_PREDICT_KNAPP_HARTUNG]);
    check_close(pi.lower, 0.4553542630, 1e-6);
    check_close(pi.upper, 0.8257219456, 1e-6);
    check_exact(pm.tau2.value, 0.0448525198495);    /* metafor with tolerance 1e-14 */
    check_close(pm.tau2.value, 0.0448721626, 5e-4); /* its default */
}
END_TEST

/* Two well separated clusters of studies: the REML score has its root where the likelihood is greatest. */
START_TEST(reml_finds_the_maximum) {
    const double ty[] = {-1.2, -1.1, -1.15, 1.3, 1.25, 1.2, 0.05}, tv[] = {.01, .5, .02, .03, .9, .01, 2};
    ein_meta_fit f;
    check_ok(ein_meta_analyse(&f, ty, tv, 7, NULL, 0, EIN_META_REML, 0.95));
    double best = -INFINITY, at = 0;
    for (double tau2 = 0; tau2 < 6; tau2 += 1e-4) {
        double sw = 0, swy = 0, q = 0, l = 0;
        for (int i = 0; i < 7; i++) sw += 1 / (tv[i] + tau2), swy += ty[i] / (tv[i] + tau2);
        for (int i = 0; i < 7; i++) {
            q += (ty[i] - swy / sw) * (ty[i] - swy / sw) / (tv[i] + tau2);
            l -= log(tv[i] + tau2);
        }
        l -= q + log(sw);
        if (l > best) best = l, at = tau2;
    }
    ck_assert(fabs(f.tau2.value - at) <= 2e-4);
}
END_TEST

START_TEST(homogeneous_studies) {
    const double hy[] = {0.5, 0.51, 0.49, 0.5}, hv[] = {1, 1.1, 0.9, 1.2};
    for (int m = 0; m < EIN_META_METHOD_COUNT; m++) {
        ein_meta_fit f;
        check_ok(ein_meta_analyse(&f, hy, hv, 4, NULL, 0, (ein_meta_method)m, 0.95));
        if (m == EIN_META_SJ)
            ck_assert(f.tau2.value > 0 && f.tau2.value < 1e-4);
        else
            ck_assert(f.tau2.value == 0 && f.i2.value == 0);
    }
    ein_meta_heterogeneity h;
    check_ok(ein_meta_q_profile(&h, hy, hv, 4, EIN_META_REML, 0.95));
    check_no_interval(h.tau2, EIN_STATS_EMPTY_INTERVAL);
}
END_TEST

START_TEST(states_and_errors) {
    ein_meta_fit f;
    ein_meta_egger e;
    ein_meta_begg b;
    const double one_y[] = {0.3}, one_v[] = {0.1}, flat[] = {1, 1, 1}, ty[] = {0.2, 0.3, 0.1};
    check_ok(ein_meta_analyse(&f, one_y, one_v, 0, NULL, 0, EIN_META_REML, 0.95));
    check_none(f.z[0], EIN_STATS_NO_RECORDS);
    check_ok(ein_meta_analyse(&f, one_y, one_v, 1, NULL, 0, EIN_META_REML, 0.95));
    check_none(f.z[0], EIN_STATS_FEW_RECORDS);
    check_state(f.tau2.state, EIN_STATS_FEW_RECORDS);
    check_state(f.q.state, EIN_STATS_FEW_RECORDS);
    check_ok(ein_meta_analyse(&f, one_y, one_v, 1, NULL, 0, EIN_META_FIXED, 0.95));
    check_close(f.z[0].se, sqrt(0.1), 1e-14);
    check_no_interval(f.knapp_hartung[0], EIN_STATS_FEW_RECORDS);
    check_ok(ein_meta_analyse(&f, ty, flat, 2, NULL, 0, EIN_META_REML, 0.95));
    check_no_interval(f.prediction[EIN_META_PREDICT_RILEY], EIN_STATS_FEW_RECORDS);
    check_state(f.prediction[EIN_META_PREDICT_Z].interval_state, EIN_STATS_ESTIMABLE);
    check_ok(ein_meta_egger_test(&e, ty, flat, 3, EIN_META_REML, 0.95));
    check_state(e.mixed.state, EIN_STATS_ZERO_VARIANCE);
    check_ok(ein_meta_egger_test(&e, ty, flat, 2, EIN_META_REML, 0.95));
    check_state(e.classical.state, EIN_STATS_FEW_RECORDS);
    check_ok(ein_meta_begg_test(&b, ty, flat, 3));
    check_state(b.tau.state, EIN_STATS_ZERO_VARIANCE);
    check_ok(ein_meta_analyse(&f, flat, flat, 3, NULL, 0, EIN_META_DL, 0.95)); /* equal estimates */
    check_no_interval(f.knapp_hartung[0], EIN_STATS_ZERO_VARIANCE);
    check_state(f.z[0].interval_state, EIN_STATS_ESTIMABLE);
    const double zero_v[] = {0.1, 0, 0.2}, nan_y[] = {0.1, 0.2, NAN};
    check_fails(ein_meta_analyse(&f, ty, zero_v, 3, NULL, 0, EIN_META_DL, 0.95), EIN_RANGE, "study 1");
    check_fails(ein_meta_analyse(&f, nan_y, flat, 3, NULL, 0, EIN_META_DL, 0.95), EIN_NUMERIC, "study 2");
    check_fails(ein_meta_analyse(&f, ty, flat, 3, ty, 8, EIN_META_DL, 0.95), EIN_RANGE, "8 moderators");
    ein_stats_value t, tv;
    ein_meta_logit_auc(&t, &tv, 1, 0);
    check_state(t.state, EIN_STATS_BOUNDARY);
    ck_assert(isnan(t.value));
    ein_meta_logit_auc(&t, &tv, 0.5, 0);
    check_state(tv.state, EIN_STATS_ZERO_VARIANCE);
}
END_TEST

/* Three studies that nearly agree: q is far below 1, so Knapp and Hartung's interval is narrower than the normal one;
 * max(1, q) is the common cure. */
START_TEST(knapp_hartung_truncated) {
    const double near[] = {0.50, 0.51, 0.49}, spread[] = {0.04, 0.04, 0.04}, year[] = {1, 2, 4};
    ein_meta_fit plain, fit;
    check_ok(ein_meta_analyse(&plain, near, spread, 3, NULL, 0, EIN_META_REML, 0.95));
    check_close(plain.knapp_hartung_q.value, (1e-4 + 1e-4) / 0.04 / 2, 1e-12);
    ck_assert(ein_meta_is_narrow(&plain, 0));
    fit = plain;
    ein_meta_truncate(&fit, 0.95);
    ck_assert(!ein_meta_is_narrow(&fit, 0));
    check_close(fit.knapp_hartung[0].se, sqrt(0.04 / 3), 1e-12);
    check_close(fit.knapp_hartung[0].upper, 0.5 + 4.302652729911275 * sqrt(0.04 / 3), 1e-9);
    check_close(fit.prediction[EIN_META_PREDICT_KNAPP_HARTUNG].upper, fit.knapp_hartung[0].upper, 1e-12);
    ck_assert(fit.z[0].upper == plain.z[0].upper && fit.knapp_hartung_q.value == plain.knapp_hartung_q.value);

    check_ok(ein_meta_analyse(&plain, near, spread, 3, year, 1, EIN_META_REML, 0.95));
    fit = plain;
    ein_meta_truncate(&fit, 0.95);
    check_close(fit.moderators_knapp_hartung.statistic, plain.moderators.statistic, 1e-12);
    ck_assert(fit.moderators_knapp_hartung.p > plain.moderators_knapp_hartung.p);
    check_close(fit.knapp_hartung[1].se, plain.z[1].se, 1e-12);

    /* q above 1 stays. */
    const double apart[] = {0.1, 0.9, -0.9};
    check_ok(ein_meta_analyse(&plain, apart, spread, 3, NULL, 0, EIN_META_FIXED, 0.95));
    fit = plain;
    ein_meta_truncate(&fit, 0.95);
    ck_assert(plain.knapp_hartung_q.value > 1 && fit.knapp_hartung[0].upper == plain.knapp_hartung[0].upper);
}
END_TEST

/* Studies that agree to rounding have an interval of no width; there is none then, and truncated there is one. */
START_TEST(knapp_hartung_never_of_no_width) {
    const double same[] = {0.1 + 0.2, 0.3, 0.3, 0.3}, spread[] = {0.01, 0.02, 0.03, 0.07};
    for (int k = 2; k <= 4; k++) {
        ein_meta_fit fit;
        check_ok(ein_meta_analyse(&fit, same, spread, k, NULL, 0, EIN_META_DL, 0.95));
        check_no_interval(fit.knapp_hartung[0], EIN_STATS_ZERO_VARIANCE);
        check_close(fit.knapp_hartung[0].value, 0.3, 1e-12);
        ein_meta_truncate(&fit, 0.95);
        ck_assert_int_eq(fit.knapp_hartung[0].interval_state, EIN_STATS_ESTIMABLE);
        ck_assert(fit.knapp_hartung[0].upper - fit.knapp_hartung[0].lower > 0.1);
        ck_assert_int_eq(fit.prediction[EIN_META_PREDICT_KNAPP_HARTUNG].interval_state, EIN_STATS_ESTIMABLE);
    }
}
END_TEST

int main(void) {
    make_bcg();
    Suite *suite = suite_create("stats_meta");
    TCase *c = tcase_create("meta-analysis");
    tcase_add_test(c, effect_sizes);
    tcase_add_test(c, bcg_all_methods);
    tcase_add_test(c, bcg_paule_mandel);
    tcase_add_test(c, bcg_reml);
    tcase_add_test(c, bcg_q_profile);
    tcase_add_test(c, bcg_leave_one_out);
    tcase_add_test(c, bcg_small_study_effects);
    tcase_add_test(c, bcg_moderator);
    tcase_add_test(c, bcg_fixed_effect);
    tcase_add_test(c, s1_sites);
    tcase_add_test(c, reml_finds_the_maximum);
    tcase_add_test(c, homogeneous_studies);
    tcase_add_test(c, states_and_errors);
    tcase_add_test(c, knapp_hartung_truncated);
    tcase_add_test(c, knapp_hartung_never_of_no_width);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}
