#include "core/stats/meta.h"

#include <stdlib.h>

#include "core/base/elementary.h"
#include "core/stats/regression.h"
#include "core/stats/special.h"

enum { MOST = EIN_META_MOST_COEFFICIENTS, GRID = 600, BISECTIONS = 300 };

static const char *const method_names[EIN_META_METHOD_COUNT] = {
    [EIN_META_FIXED] = "fixed", [EIN_META_DL] = "DL", [EIN_META_REML] = "REML",
    [EIN_META_ML] = "ML",       [EIN_META_PM] = "PM", [EIN_META_EB] = "EB",
    [EIN_META_SJ] = "SJ",       [EIN_META_HE] = "HE", [EIN_META_HS] = "HS",
};

static const char *const predict_names[EIN_META_PREDICT_COUNT] = {
    [EIN_META_PREDICT_Z] = "normal quantile, model standard error",
    [EIN_META_PREDICT_KNAPP_HARTUNG] = "t(k-1), Knapp-Hartung standard error",
    [EIN_META_PREDICT_RILEY] = "t(k-2), model standard error",
};

const char *ein_meta_method_name(ein_meta_method method) {
    return (unsigned)method < EIN_META_METHOD_COUNT ? method_names[method] : "unknown";
}

const char *ein_meta_predict_name(ein_meta_predict rule) {
    return (unsigned)rule < EIN_META_PREDICT_COUNT ? predict_names[rule] : "unknown";
}

/* --- small symmetric matrices --------------------------------------------------------------------------- */

typedef struct {
    double m[MOST][MOST];
} matrix;

/* Lower Cholesky factor in place; false if not positive definite to working accuracy. */
static bool cholesky(matrix *a, int p) {
    for (int j = 0; j < p; j++) {
        const double diagonal = a->m[j][j];
        double pivot = diagonal;
        for (int k = 0; k < j; k++) pivot -= a->m[j][k] * a->m[j][k];
        if (!(pivot > 1e-13 * diagonal)) return false;
        a->m[j][j] = sqrt(pivot);
        for (int i = j + 1; i < p; i++) {
            double sum = a->m[i][j];
            for (int k = 0; k < j; k++) sum -= a->m[i][k] * a->m[j][k];
            a->m[i][j] = sum / a->m[j][j];
        }
    }
    return true;
}

static void solve_factored(double *x, const matrix *l, int p) {
    for (int i = 0; i < p; i++) {
        for (int k = 0; k < i; k++) x[i] -= l->m[i][k] * x[k];
        x[i] /= l->m[i][i];
    }
    for (int i = p - 1; i >= 0; i--) {
        for (int k = i + 1; k < p; k++) x[i] -= l->m[k][i] * x[k];
        x[i] /= l->m[i][i];
    }
}

static bool invert(matrix *inverse, double *log_determinant, const matrix *a, int p) {
    matrix l = *a;
    if (!cholesky(&l, p)) return false;
    *log_determinant = 0;
    for (int j = 0; j < p; j++) {
        *log_determinant += 2 * ein_log(l.m[j][j]);
        double column[MOST] = {0};
        column[j] = 1;
        solve_factored(column, &l, p);
        for (int i = 0; i < p; i++) inverse->m[i][j] = column[i];
    }
    return true;
}

/* tr(a b) of symmetric matrices */
static double trace_of_product(const matrix *a, const matrix *b, int p) {
    double trace = 0;
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++) trace += a->m[i][j] * b->m[j][i];
    return trace;
}

/* --- weighted least squares ------------------------------------------------------------------------------ */

typedef struct {
    const double *y, *v, *moderator; /* (k), (k), (k, p-1) */
    int64_t k;
    int p;
    double *w, *r; /* (k) weights and residuals at the tau^2 last asked for */
} studies;

static double regressor(const studies *s, int64_t i, int j) {
    return j == 0 ? 1 : s->moderator[i * (s->p - 1) + j - 1];
}

/* X' diag(w^power) X */
static matrix cross(const studies *s, int power) {
    matrix out = {{{0}}};
    for (int a = 0; a < s->p; a++) {
        for (int b = 0; b <= a; b++) {
            ein_sum sum = {0, 0};
            for (int64_t i = 0; i < s->k; i++) {
                double w = 1;
                for (int e = 0; e < power; e++) w *= s->w[i];
                ein_sum_add(&sum, w * regressor(s, i, a) * regressor(s, i, b));
            }
            out.m[a][b] = out.m[b][a] = ein_sum_value(sum);
        }
    }
    return out;
}

typedef struct {
    double beta[MOST];
    matrix inverse; /* (X'WX)^-1 */
    double log_determinant;
    double rss; /* sum w r^2 = y'Py */
} fitted;

/* Fit with the weights in s->w. False if the regressors are collinear. */
static bool fit_weights(fitted *f, const studies *s) {
    const matrix xwx = cross(s, 1);
    if (!invert(&f->inverse, &f->log_determinant, &xwx, s->p)) return false;
    double right[MOST];
    for (int j = 0; j < s->p; j++) {
        ein_sum sum = {0, 0};
        for (int64_t i = 0; i < s->k; i++) ein_sum_add(&sum, s->w[i] * regressor(s, i, j) * s->y[i]);
        right[j] = ein_sum_value(sum);
    }
    for (int a = 0; a < s->p; a++) {
        f->beta[a] = 0;
        for (int b = 0; b < s->p; b++) f->beta[a] += f->inverse.m[a][b] * right[b];
    }
    ein_sum rss = {0, 0};
    for (int64_t i = 0; i < s->k; i++) {
        s->r[i] = s->y[i];
        for (int j = 0; j < s->p; j++) s->r[i] -= f->beta[j] * regressor(s, i, j);
        ein_sum_add(&rss, s->w[i] * s->r[i] * s->r[i]);
    }
    f->rss = ein_sum_value(rss);
    return true;
}

static bool fit_at(fitted *f, const studies *s, double tau2) {
    for (int64_t i = 0; i < s->k; i++) s->w[i] = 1 / (s->v[i] + tau2);
    return fit_weights(f, s);
}

static double sum_weights(const studies *s, int power) {
    ein_sum sum = {0, 0};
    for (int64_t i = 0; i < s->k; i++) ein_sum_add(&sum, power == 1 ? s->w[i] : s->w[i] * s->w[i]);
    return ein_sum_value(sum);
}

/* tr P = sum w - tr(M X'W^2 X) */
static double trace_p(const fitted *f, const studies *s) {
    const matrix xw2x = cross(s, 2);
    return sum_weights(s, 1) - trace_of_product(&f->inverse, &xw2x, s->p);
}

/* tr PP = sum w^2 - 2 tr(M X'W^3 X) + tr((M X'W^2 X)^2) */
static double trace_pp(const fitted *f, const studies *s) {
    const matrix xw2x = cross(s, 2), xw3x = cross(s, 3);
    double square = 0;
    matrix product = {{{0}}};
    for (int a = 0; a < s->p; a++)
        for (int b = 0; b < s->p; b++)
            for (int c = 0; c < s->p; c++) product.m[a][b] += f->inverse.m[a][c] * xw2x.m[c][b];
    for (int a = 0; a < s->p; a++)
        for (int b = 0; b < s->p; b++) square += product.m[a][b] * product.m[b][a];
    return sum_weights(s, 2) - 2 * trace_of_product(&f->inverse, &xw3x, s->p) + square;
}

/* y'PPy = sum (w r)^2 */
static double quadratic_pp(const studies *s) {
    ein_sum sum = {0, 0};
    for (int64_t i = 0; i < s->k; i++) ein_sum_add(&sum, s->w[i] * s->r[i] * s->w[i] * s->r[i]);
    return ein_sum_value(sum);
}

/* --- tau^2 ------------------------------------------------------------------------------------------------ */

/* A function of tau^2 whose root is sought; positive below the root. */
typedef double (*equation)(double tau2, const studies *s, double target);

static double bisect(equation f, const studies *s, double target, double low, double high) {
    for (int i = 0; i < BISECTIONS; i++) {
        const double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high) break;
        *(f(middle, s, target) > 0 ? &low : &high) = middle;
    }
    return 0.5 * (low + high);
}

/* y'Py falls with tau^2 (Viechtbauer 2007): one root of y'Py = target, or 0 if it starts below. */
static double generalised_q(double tau2, const studies *s, double target) {
    fitted f;
    return fit_at(&f, s, tau2) ? f.rss - target : NAN;
}

static double scale_of(const studies *s) {
    double least = s->y[0], greatest = s->y[0], widest = 0;
    for (int64_t i = 0; i < s->k; i++) {
        least = fmin(least, s->y[i]);
        greatest = fmax(greatest, s->y[i]);
        widest = fmax(widest, s->v[i]);
    }
    return (greatest - least) * (greatest - least) + widest;
}

static double solve_q(const studies *s, double target) {
    if (!(generalised_q(0, s, target) > 0)) return 0;
    double high = scale_of(s);
    for (int i = 0; i < 1000 && generalised_q(high, s, target) > 0; i++) high *= 2;
    return bisect(generalised_q, s, target, 0, high);
}

static double score_reml(double tau2, const studies *s, double target) {
    fitted f;
    (void)target;
    return fit_at(&f, s, tau2) ? quadratic_pp(s) - trace_p(&f, s) : NAN;
}

static double score_ml(double tau2, const studies *s, double target) {
    fitted f;
    (void)target;
    return fit_at(&f, s, tau2) ? quadratic_pp(s) - sum_weights(s, 1) : NAN;
}

/* Twice the (restricted) log-likelihood without constants. */
static double likelihood(const studies *s, double tau2, bool restricted) {
    fitted f;
    if (!fit_at(&f, s, tau2)) return NAN;
    ein_sum logs = {0, 0};
    for (int64_t i = 0; i < s->k; i++) ein_sum_add(&logs, ein_log(s->v[i] + tau2));
    return -ein_sum_value(logs) - f.rss - (restricted ? f.log_determinant : 0);
}

/* The likelihood may have several maxima: the best point of a logarithmic grid tells which one to refine. */
static double maximise(const studies *s, bool restricted) {
    const double scale = scale_of(s);
    double grid[GRID + 1] = {0};
    int best = 0;
    double highest = likelihood(s, 0, restricted);
    for (int i = 1; i <= GRID; i++) {
        grid[i] = scale * ein_pow(10, -12 + 14.0 * i / GRID);
        const double here = likelihood(s, grid[i], restricted);
        if (here > highest) {
            highest = here;
            best = i;
        }
    }
    const equation score = restricted ? score_reml : score_ml;
    const double low = best ? grid[best - 1] : 0, high = grid[best < GRID ? best + 1 : GRID];
    if (!(score(low, s, 0) > 0)) return low;
    return bisect(score, s, 0, low, high);
}

/* Unweighted residual sum of squares, and the trace of its expectation's fixed part, sum v_i (1 - h_i). */
static bool unweighted(double *rss, double *trace, const studies *s) {
    fitted f;
    for (int64_t i = 0; i < s->k; i++) s->w[i] = 1;
    if (!fit_weights(&f, s)) return false;
    ein_sum sum = {0, 0};
    for (int64_t i = 0; i < s->k; i++) {
        double leverage = 0;
        for (int a = 0; a < s->p; a++)
            for (int b = 0; b < s->p; b++)
                leverage += regressor(s, i, a) * f.inverse.m[a][b] * regressor(s, i, b);
        ein_sum_add(&sum, s->v[i] * (1 - leverage));
    }
    *rss = f.rss;
    *trace = ein_sum_value(sum);
    return true;
}

static double sidik_jonkman(const studies *s) {
    ein_sum mean = {0, 0}, squares = {0, 0};
    for (int64_t i = 0; i < s->k; i++) ein_sum_add(&mean, s->y[i] / (double)s->k);
    for (int64_t i = 0; i < s->k; i++)
        ein_sum_add(&squares, (s->y[i] - ein_sum_value(mean)) * (s->y[i] - ein_sum_value(mean)));
    const double start = ein_sum_value(squares) / (double)s->k;
    fitted f;
    return fit_at(&f, s, start) ? start * f.rss / (double)(s->k - s->p) : NAN;
}

static double estimate_tau2(const studies *s, ein_meta_method method) {
    const double df = (double)(s->k - s->p);
    fitted f;
    double rss, trace;
    switch (method) {
    case EIN_META_DL:
        return fit_at(&f, s, 0) ? fmax(0, (f.rss - df) / trace_p(&f, s)) : NAN;
    case EIN_META_HS:
        return fit_at(&f, s, 0) ? fmax(0, (f.rss - (double)s->k) / sum_weights(s, 1)) : NAN;
    case EIN_META_HE:
        return unweighted(&rss, &trace, s) ? fmax(0, (rss - trace) / df) : NAN;
    case EIN_META_SJ:
        return sidik_jonkman(s);
    case EIN_META_PM:
    case EIN_META_EB:
        return solve_q(s, df);
    case EIN_META_ML:
        return maximise(s, false);
    case EIN_META_REML:
        return maximise(s, true);
    case EIN_META_FIXED:
    case EIN_META_METHOD_COUNT:
        break;
    }
    return 0;
}

/* --- the analysis ----------------------------------------------------------------------------------------- */

/* Below this share of sum w y^2 the weighted residuals are rounding, and the studies agree exactly. */
static const double rounding_share = 1e-28;

static double residual_factor(const fitted *f, const studies *s) {
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

static void coefficient_intervals(ein_meta_fit *out, const fitted *f, const studies *s, double level) {
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

/* beta_1.. ' (their covariance)^-1 beta_1.. */
static void test_moderators(ein_meta_fit *out, const fitted *f) {
    const int m = out->p - 1;
    if (m < 1) return;
    matrix block = {{{0}}};
    double x[MOST] = {0};
    for (int a = 0; a < m; a++) {
        x[a] = f->beta[a + 1];
        for (int b = 0; b < m; b++) block.m[a][b] = f->inverse.m[a + 1][b + 1];
    }
    if (!cholesky(&block, m)) return;
    solve_factored(x, &block, m);
    double statistic = 0;
    for (int a = 0; a < m; a++) statistic += x[a] * f->beta[a + 1];
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
static void heterogeneity(ein_meta_fit *out, const fitted *fixed, const studies *s) {
    const double df = (double)(s->k - s->p);
    if (df < 1) return;
    out->q = (ein_stats_test){fixed->rss, df, ein_chi2_upper(fixed->rss, df), EIN_STATS_ESTIMABLE};
    if (out->method == EIN_META_FIXED) {
        out->i2 = ein_stats_known(fixed->rss > 0 ? fmax(0, 100 * (fixed->rss - df) / fixed->rss) : 0);
        out->h2 = ein_stats_known(fixed->rss / df);
        return;
    }
    const double typical = df / trace_p(fixed, s);
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

static ein_status analyse(ein_meta_fit *out, const studies *s, ein_meta_method method, double level) {
    fitted f;
    if (!fit_at(&f, s, 0))
        return ein_error(EIN_RANGE, "the moderators are collinear, or one is constant; leave one out");
    const double tau2 = estimate_tau2(s, method);
    if (!isfinite(tau2)) {
        clear_fit(out, EIN_STATS_NO_CONVERGENCE, s->k, s->p, method);
        return EIN_OK;
    }
    out->tau2 = ein_stats_known(tau2);
    fit_at(&f, s, 0);
    heterogeneity(out, &f, s);
    fit_at(&f, s, tau2);
    coefficient_intervals(out, &f, s, level);
    test_moderators(out, &f);
    predict(out, level);
    if (method == EIN_META_REML) out->tau2_se = ein_stats_known(sqrt(2 / trace_pp(&f, s)));
    if (method == EIN_META_ML) out->tau2_se = ein_stats_known(sqrt(2 / sum_weights(s, 2)));
    return EIN_OK;
}

static ein_status check_studies(const double *y, const double *v, int64_t k) {
    for (int64_t i = 0; i < k; i++) {
        if (!isfinite(y[i]) || !isfinite(v[i]))
            return ein_error(EIN_NUMERIC, "study %lld has estimate %g and variance %g", (long long)i, y[i],
                             v[i]);
        if (!(v[i] > 0))
            return ein_error(EIN_RANGE, "study %lld has variance %g; it must be positive", (long long)i,
                             v[i]);
    }
    return EIN_OK;
}

ein_status ein_meta_analyse(ein_meta_fit *out, const double *y, const double *v, int64_t k,
                            const double *moderator, int n_moderators, ein_meta_method method, double level) {
    EIN_TRY(ein_stats_check_level(level));
    EIN_TRY(check_studies(y, v, k));
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
    const studies s = {y, v, moderator, k, p, work, work + k};
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
    const studies s = {y, v, NULL, k, 1, work, work + k};
    const double df = (double)(k - 1), least = ein_chi2_quantile(0.5 * (1 - level), df);
    fitted f;
    fit_at(&f, &s, 0);
    const double typical = df / trace_p(&f, &s);
    const ein_stats_state state = f.rss < least ? EIN_STATS_EMPTY_INTERVAL : EIN_STATS_ESTIMABLE;
    const double lower = solve_q(&s, ein_chi2_quantile(0.5 * (1 + level), df)), upper = solve_q(&s, least);
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

static bool all_equal(const double *x, int64_t n) {
    for (int64_t i = 1; i < n; i++)
        if (x[i] != x[0]) return false;
    return true;
}

/* Weights 1/v with the dispersion estimated: y'P0y / (k-2) times the inverse information. */
static ein_stats_test classical_egger(const studies *s) {
    fitted f;
    const double df = (double)(s->k - 2);
    if (!fit_at(&f, s, 0)) return ein_stats_no_test(EIN_STATS_ZERO_VARIANCE);
    if (!(f.rss > 0)) return ein_stats_no_test(EIN_STATS_ZERO_VARIANCE);
    return ein_stats_z_test(f.beta[1] / sqrt(f.inverse.m[1][1] * f.rss / df), df);
}

ein_status ein_meta_egger_test(ein_meta_egger *out, const double *y, const double *v, int64_t k,
                               ein_meta_method method, double level) {
    EIN_TRY(ein_stats_check_level(level));
    EIN_TRY(check_studies(y, v, k));
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
        const studies s = {y, v, work, k, 2, work + k, work + 2 * k};
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
    EIN_TRY(check_studies(y, v, k));
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
