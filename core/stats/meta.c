#include "core/stats/meta.h"

#include <stdlib.h>

#include "core/base/elementary.h"
#include "core/stats/special.h"

enum { MOST = EIN_META_MOST_COEFFICIENTS };

static const char *const predict_names[EIN_META_PREDICT_COUNT] = {
    [EIN_META_PREDICT_Z] = "normal quantile, model standard error",
    [EIN_META_PREDICT_KNAPP_HARTUNG] = "t(k-1), Knapp-Hartung standard error",
    [EIN_META_PREDICT_RILEY] = "t(k-2), model standard error",
};

const char *ein_meta_predict_name(ein_meta_predict rule) {
    return (unsigned)rule < EIN_META_PREDICT_COUNT ? predict_names[rule] : "unknown";
}

/* --- the analysis ----------------------------------------------------------------------------------------- */

/* Below this share of sum w y^2 the weighted residuals are rounding, and the studies agree exactly. */
static const double rounding_share = 1e-28;

static double residual_factor(const ein_meta_model *f, const ein_meta_studies *s) {
    ein_sum total = {0, 0};
    for (int64_t i = 0; i < s->k; i++) ein_sum_add(&total, s->w[i] * s->y[i] * s->y[i]);
    return f->rss > rounding_share * ein_sum_value(total) ? f->rss / (double)(s->k - s->p) : 0;
}

/* Intervals with the variance times q; 0 would make an interval of no width. */
static void scale_intervals(ein_meta_fit *out, double q, double level) {
    const double df = (double)(out->k - out->p);
    for (int j = 0; j < out->p; j++) {
        const double beta = out->z[j].value;
        out->knapp_hartung[j] =
            q > 0 ? ein_stats_wald(beta, out->z[j].variance * q, df, level, -INFINITY, INFINITY)
                  : ein_stats_point(beta, EIN_STATS_ZERO_VARIANCE);
    }
}

static void coefficient_intervals(ein_meta_fit *out, const ein_meta_model *f, const ein_meta_studies *s,
                                  double level) {
    for (int j = 0; j < out->p; j++)
        out->z[j] = ein_stats_wald(f->beta[j], f->inverse.m[j][j], INFINITY, level, -INFINITY, INFINITY);
    if (out->k - out->p < 1) {
        for (int j = 0; j < out->p; j++)
            out->knapp_hartung[j] = ein_stats_point(f->beta[j], EIN_STATS_FEW_RECORDS);
        return;
    }
    out->knapp_hartung_q = ein_stats_known(residual_factor(f, s));
    scale_intervals(out, out->knapp_hartung_q.value, level);
}

/* F = chi2 / m / q with m moderators. */
static void scale_moderators(ein_meta_fit *out, double q) {
    const double m = out->p - 1, df = (double)(out->k - out->p);
    if (out->moderators.state != EIN_STATS_ESTIMABLE || !(q > 0)) return;
    const double ratio = out->moderators.statistic / m / q;
    out->moderators_knapp_hartung =
        (ein_stats_test){ratio, df, ein_f_upper(ratio, m, df), EIN_STATS_ESTIMABLE};
}

static void test_moderators(ein_meta_fit *out, const ein_meta_model *f) {
    const int m = out->p - 1;
    double statistic;
    if (m < 1 || !ein_meta_model_wald(&statistic, f, m)) return;
    out->moderators = (ein_stats_test){statistic, m, ein_chi2_upper(statistic, m), EIN_STATS_ESTIMABLE};
    scale_moderators(out, out->knapp_hartung_q.value);
}

static void predict(ein_meta_fit *out, double level) {
    const double mu = out->z[0].value, tau2 = out->tau2.value, k = (double)out->k;
    const ein_stats_interval *kh = &out->knapp_hartung[0];
    ein_stats_interval *to = out->prediction;
    if (out->p != 1) return;
    to[EIN_META_PREDICT_Z] =
        ein_stats_wald(mu, tau2 + out->z[0].variance, INFINITY, level, -INFINITY, INFINITY);
    to[EIN_META_PREDICT_KNAPP_HARTUNG] =
        kh->interval_state == EIN_STATS_ESTIMABLE
            ? ein_stats_wald(mu, tau2 + kh->variance, k - 1, level, -INFINITY, INFINITY)
            : ein_stats_point(mu, kh->interval_state);
    to[EIN_META_PREDICT_RILEY] =
        out->k > 2 ? ein_stats_wald(mu, tau2 + out->z[0].variance, k - 2, level, -INFINITY, INFINITY)
                   : ein_stats_point(mu, EIN_STATS_FEW_RECORDS);
}

void ein_meta_truncate(ein_meta_fit *fit, double level) {
    if (fit->knapp_hartung_q.state != EIN_STATS_ESTIMABLE || !(fit->knapp_hartung_q.value < 1)) return;
    scale_intervals(fit, 1, level);
    scale_moderators(fit, 1);
    predict(fit, level);
}

bool ein_meta_is_narrow(const ein_meta_fit *fit, int coefficient) {
    const ein_stats_interval *z = &fit->z[coefficient], *kh = &fit->knapp_hartung[coefficient];
    return z->interval_state == EIN_STATS_ESTIMABLE && kh->interval_state == EIN_STATS_ESTIMABLE &&
           kh->upper - kh->lower < z->upper - z->lower;
}

/* Q, I2 and H2 from the fit at tau^2 = 0. */
static void heterogeneity(ein_meta_fit *out, const ein_meta_model *fixed, const ein_meta_studies *s) {
    const double df = (double)(s->k - s->p);
    if (df < 1) return;
    out->q = (ein_stats_test){fixed->rss, df, ein_chi2_upper(fixed->rss, df), EIN_STATS_ESTIMABLE};
    if (out->method == EIN_META_FIXED) {
        out->i2 = ein_stats_known(fixed->rss > 0 ? fmax(0, 100 * (fixed->rss - df) / fixed->rss) : 0);
        out->h2 = ein_stats_known(fixed->rss / df);
        return;
    }
    const double typical = df / ein_meta_trace_p(fixed, s);
    out->i2 = ein_stats_known(100 * out->tau2.value / (out->tau2.value + typical));
    out->h2 = ein_stats_known(1 + out->tau2.value / typical);
}

static void clear_fit(ein_meta_fit *out, ein_stats_state state, int64_t k, int p, ein_meta_method method) {
    *out = (ein_meta_fit){.k = k, .p = p, .method = method};
    const ein_stats_interval none = ein_stats_no_interval(state);
    const ein_stats_state single = p == 1 ? EIN_STATS_FEW_RECORDS : EIN_STATS_ZERO_DENOMINATOR;
    out->tau2 = ein_stats_unknown(state);
    out->knapp_hartung_q = ein_stats_unknown(state ? state : EIN_STATS_FEW_RECORDS);
    out->tau2_se = ein_stats_unknown(state == EIN_STATS_ESTIMABLE ? EIN_STATS_ZERO_DENOMINATOR : state);
    out->i2 = out->h2 = ein_stats_unknown(state ? state : EIN_STATS_FEW_RECORDS);
    out->q = ein_stats_no_test(state ? state : EIN_STATS_FEW_RECORDS);
    out->moderators = out->moderators_knapp_hartung = ein_stats_no_test(state    ? state
                                                                        : p == 1 ? EIN_STATS_ZERO_DENOMINATOR
                                                                                 : EIN_STATS_ZERO_VARIANCE);
    for (int j = 0; j < MOST; j++) out->z[j] = out->knapp_hartung[j] = none;
    for (int j = 0; j < EIN_META_PREDICT_COUNT; j++)
        out->prediction[j] = state ? none : ein_stats_no_interval(single);
}

static ein_status analyse(ein_meta_fit *out, const ein_meta_studies *s, ein_meta_method method,
                          double level) {
    ein_meta_model f;
    if (!ein_meta_model_at(&f, s, 0))
        return ein_error(EIN_RANGE, "the moderators are collinear, or one is constant; leave one out");
    const double tau2 = ein_meta_estimate_tau2(s, method);
    if (!isfinite(tau2)) {
        clear_fit(out, EIN_STATS_NO_CONVERGENCE, s->k, s->p, method);
        return EIN_OK;
    }
    out->tau2 = ein_stats_known(tau2);
    ein_meta_model_at(&f, s, 0);
    heterogeneity(out, &f, s);
    ein_meta_model_at(&f, s, tau2);
    coefficient_intervals(out, &f, s, level);
    test_moderators(out, &f);
    predict(out, level);
    if (method == EIN_META_REML) out->tau2_se = ein_stats_known(sqrt(2 / ein_meta_trace_pp(&f, s)));
    if (method == EIN_META_ML) out->tau2_se = ein_stats_known(sqrt(2 / ein_meta_sum_weights(s, 2)));
    return EIN_OK;
}

ein_status ein_meta_analyse(ein_meta_fit *out, const double *y, const double *v, int64_t k,
                            const double *moderator, int n_moderators, ein_meta_method method, double level) {
    EIN_TRY(ein_stats_check_level(level));
    EIN_TRY(ein_meta_check_studies(y, v, k));
    if (n_moderators < 0 || n_moderators >= MOST || (unsigned)method >= EIN_META_METHOD_COUNT)
        return ein_error(EIN_RANGE, "%d moderators, at most %d; method %d", n_moderators, MOST - 1,
                         (int)method);
    if (moderator) EIN_TRY(ein_stats_check_finite(moderator, k * n_moderators, "moderator"));
    const int p = n_moderators + 1;
    const int64_t needed = method == EIN_META_FIXED ? p : p + 1;
    const ein_stats_state state = k < 1        ? EIN_STATS_NO_RECORDS
                                  : k < needed ? EIN_STATS_FEW_RECORDS
                                               : EIN_STATS_ESTIMABLE;
    clear_fit(out, state, k, p, method);
    if (state != EIN_STATS_ESTIMABLE) return EIN_OK;
    double *work;
    EIN_TRY(EIN_NEW(work, 2 * k));
    const ein_meta_studies s = {y, v, moderator, k, p, work, work + k};
    const ein_status status = analyse(out, &s, method, level);
    free(work);
    return status;
}

/* --- around it -------------------------------------------------------------------------------------------- */

static ein_stats_interval profile_interval(double value, double lower, double upper, ein_stats_state state) {
    ein_stats_interval out = ein_stats_point(value, state);
    if (state != EIN_STATS_ESTIMABLE) return out;
    out.lower = lower;
    out.upper = upper;
    return out;
}

ein_status ein_meta_q_profile(ein_meta_heterogeneity *out, const double *y, const double *v, int64_t k,
                              ein_meta_method method, double level) {
    ein_meta_fit fit;
    EIN_TRY(ein_meta_analyse(&fit, y, v, k, NULL, 0, method, level));
    if (fit.q.state != EIN_STATS_ESTIMABLE) {
        out->tau2 = out->i2 = out->h2 = ein_stats_no_interval(fit.q.state);
        return EIN_OK;
    }
    double *work;
    EIN_TRY(EIN_NEW(work, 2 * k));
    const ein_meta_studies s = {y, v, NULL, k, 1, work, work + k};
    const double df = (double)(k - 1), least = ein_chi2_quantile(0.5 * (1 - level), df);
    ein_meta_model f;
    ein_meta_model_at(&f, &s, 0);
    const double typical = df / ein_meta_trace_p(&f, &s);
    const ein_stats_state state = f.rss < least ? EIN_STATS_EMPTY_INTERVAL : EIN_STATS_ESTIMABLE;
    const double lower = ein_meta_solve_q(&s, ein_chi2_quantile(0.5 * (1 + level), df)),
                 upper = ein_meta_solve_q(&s, least);
    out->tau2 = profile_interval(fit.tau2.value, lower, upper, state);
    out->i2 = profile_interval(fit.i2.value, 100 * lower / (lower + typical), 100 * upper / (upper + typical),
                               state);
    out->h2 = profile_interval(fit.h2.value, 1 + lower / typical, 1 + upper / typical, state);
    free(work);
    return EIN_OK;
}

void ein_meta_weights(double *percent, const double *v, int64_t k, double tau2) {
    ein_sum sum = {0, 0};
    for (int64_t i = 0; i < k; i++) ein_sum_add(&sum, 1 / (v[i] + tau2));
    for (int64_t i = 0; i < k; i++) percent[i] = 100 / (v[i] + tau2) / ein_sum_value(sum);
}

ein_status ein_meta_leave_one_out(ein_meta_fit *fit, const double *y, const double *v, int64_t k,
                                  ein_meta_method method, double level) {
    double *rest;
    EIN_TRY(EIN_NEW(rest, 2 * k + 1));
    ein_status status = EIN_OK;
    for (int64_t left = 0; left < k && status == EIN_OK; left++) {
        int64_t at = 0;
        for (int64_t i = 0; i < k; i++) {
            if (i == left) continue;
            rest[at] = y[i];
            rest[k + at++] = v[i];
        }
        status = ein_meta_analyse(&fit[left], rest, rest + k, k - 1, NULL, 0, method, level);
    }
    free(rest);
    return status;
}

void ein_meta_logit_auc(ein_stats_value *logit, ein_stats_value *logit_variance, double auc,
                        double variance) {
    *logit = *logit_variance = ein_stats_unknown(EIN_STATS_BOUNDARY);
    if (!(auc > 0 && auc < 1)) return;
    *logit = ein_stats_known(ein_logit(auc));
    const double slope = 1 / (auc * (1 - auc));
    *logit_variance =
        variance > 0 ? ein_stats_known(variance * slope * slope) : ein_stats_unknown(EIN_STATS_ZERO_VARIANCE);
}

ein_stats_interval ein_meta_inverse_logit(ein_stats_interval logit) {
    if (logit.state != EIN_STATS_ESTIMABLE) return logit;
    ein_stats_interval out = ein_stats_point(ein_logistic(logit.value), logit.interval_state);
    if (logit.interval_state != EIN_STATS_ESTIMABLE) return out;
    out.lower = ein_logistic(logit.lower);
    out.upper = ein_logistic(logit.upper);
    return out;
}
