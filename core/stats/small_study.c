#include "core/stats/small_study.h"

#include <stdlib.h>

#include "core/stats/regression.h"

static bool all_equal(const double *x, int64_t n) {
    for (int64_t i = 1; i < n; i++)
        if (x[i] != x[0]) return false;
    return true;
}

/* Weights 1/v with the dispersion estimated: y'P0y / (k-2) times the inverse information. */
static ein_stats_test classical_egger(const ein_meta_studies *s) {
    ein_meta_model f;
    const double df = (double)(s->k - 2);
    if (!ein_meta_model_at(&f, s, 0)) return ein_stats_no_test(EIN_STATS_ZERO_VARIANCE);
    if (!(f.rss > 0)) return ein_stats_no_test(EIN_STATS_ZERO_VARIANCE);
    return ein_stats_z_test(f.beta[1] / sqrt(f.inverse.m[1][1] * f.rss / df), df);
}

ein_status ein_meta_egger_test(ein_meta_egger *out, const double *y, const double *v, int64_t k,
                               ein_meta_method method, double level) {
    EIN_TRY(ein_stats_check_level(level));
    EIN_TRY(ein_meta_check_studies(y, v, k));
    const ein_stats_state state = k < 3             ? EIN_STATS_FEW_RECORDS
                                  : all_equal(v, k) ? EIN_STATS_ZERO_VARIANCE
                                                    : EIN_STATS_ESTIMABLE;
    *out = (ein_meta_egger){ein_stats_no_interval(state), ein_stats_no_test(state), ein_stats_no_test(state)};
    if (state != EIN_STATS_ESTIMABLE) return EIN_OK;
    double *work;
    EIN_TRY(EIN_NEW(work, 3 * k));
    for (int64_t i = 0; i < k; i++) work[i] = sqrt(v[i]);
    ein_meta_fit fit;
    const ein_status status = ein_meta_analyse(&fit, y, v, k, work, 1, method, level);
    if (status == EIN_OK) {
        const ein_meta_studies s = {y, v, work, k, 2, work + k, work + 2 * k};
        out->limit = fit.z[0];
        out->mixed = fit.z[1].interval_state == EIN_STATS_ESTIMABLE
                         ? ein_stats_z_test(fit.z[1].value / fit.z[1].se, INFINITY)
                         : ein_stats_no_test(fit.z[1].interval_state);
        out->classical = classical_egger(&s);
    }
    free(work);
    return status;
}

static ein_status rank_test(ein_meta_begg *out, const double *standardised, const double *v, int64_t k) {
    ein_correlations c;
    EIN_TRY(ein_correlate(&c, standardised, v, k, false, 0.95));
    out->tau = c.kendall.state == EIN_STATS_ESTIMABLE ? ein_stats_known(c.kendall.value)
                                                      : ein_stats_unknown(c.kendall.state);
    out->test = c.kendall_test;
    int64_t s, untied_x, untied_y;
    EIN_TRY(ein_kendall_counts(&s, &untied_x, &untied_y, standardised, v, k));
    const int64_t pairs = k * (k - 1) / 2;
    if (out->tau.state != EIN_STATS_ESTIMABLE || untied_x < pairs || untied_y < pairs ||
        k > EIN_KENDALL_EXACT_MOST)
        return EIN_OK;
    ein_stats_value p;
    EIN_TRY(ein_kendall_exact_p(&p, s, k));
    out->test.df = NAN;
    out->test.p = p.value;
    return EIN_OK;
}

ein_status ein_meta_begg_test(ein_meta_begg *out, const double *y, const double *v, int64_t k) {
    EIN_TRY(ein_meta_check_studies(y, v, k));
    *out =
        (ein_meta_begg){ein_stats_unknown(EIN_STATS_FEW_RECORDS), ein_stats_no_test(EIN_STATS_FEW_RECORDS)};
    if (k < 2) return EIN_OK;
    double *standardised;
    EIN_TRY(EIN_NEW(standardised, k));
    ein_sum weight = {0, 0}, weighted = {0, 0};
    for (int64_t i = 0; i < k; i++) {
        ein_sum_add(&weight, 1 / v[i]);
        ein_sum_add(&weighted, y[i] / v[i]);
    }
    const double mu = ein_sum_value(weighted) / ein_sum_value(weight);
    for (int64_t i = 0; i < k; i++) standardised[i] = (y[i] - mu) / sqrt(v[i] - 1 / ein_sum_value(weight));
    const ein_status status = rank_test(out, standardised, v, k);
    free(standardised);
    return status;
}
