#include "core/stats/meta_model.h"

#include <math.h>

#include "core/base/elementary.h"

enum { MOST = EIN_META_MOST_COEFFICIENTS, GRID = 600, BISECTIONS = 300 };

static const char *const method_names[EIN_META_METHOD_COUNT] = {
    [EIN_META_FIXED] = "fixed", [EIN_META_DL] = "DL", [EIN_META_REML] = "REML",
    [EIN_META_ML] = "ML",       [EIN_META_PM] = "PM", [EIN_META_EB] = "EB",
    [EIN_META_SJ] = "SJ",       [EIN_META_HE] = "HE", [EIN_META_HS] = "HS",
};

const char *ein_meta_method_name(ein_meta_method method) {
    return (unsigned)method < EIN_META_METHOD_COUNT ? method_names[method] : "unknown";
}

ein_status ein_meta_check_studies(const double *y, const double *v, int64_t k) {
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

/* --- small symmetric matrices --------------------------------------------------------------------------- */

/* Lower Cholesky factor in place; false if not positive definite to working accuracy. */
static bool cholesky(ein_meta_matrix *a, int p) {
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

static void solve_factored(double *x, const ein_meta_matrix *l, int p) {
    for (int i = 0; i < p; i++) {
        for (int k = 0; k < i; k++) x[i] -= l->m[i][k] * x[k];
        x[i] /= l->m[i][i];
    }
    for (int i = p - 1; i >= 0; i--) {
        for (int k = i + 1; k < p; k++) x[i] -= l->m[k][i] * x[k];
        x[i] /= l->m[i][i];
    }
}

static bool invert(ein_meta_matrix *inverse, double *log_determinant, const ein_meta_matrix *a, int p) {
    ein_meta_matrix l = *a;
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
static double trace_of_product(const ein_meta_matrix *a, const ein_meta_matrix *b, int p) {
    double trace = 0;
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++) trace += a->m[i][j] * b->m[j][i];
    return trace;
}

/* --- weighted least squares ------------------------------------------------------------------------------ */

static double regressor(const ein_meta_studies *s, int64_t i, int j) {
    return j == 0 ? 1 : s->moderator[i * (s->p - 1) + j - 1];
}

/* X' diag(w^power) X */
static ein_meta_matrix cross(const ein_meta_studies *s, int power) {
    ein_meta_matrix out = {{{0}}};
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

/* Fit with the weights in s->w. False if the regressors are collinear. */
static bool fit_weights(ein_meta_model *f, const ein_meta_studies *s) {
    const ein_meta_matrix xwx = cross(s, 1);
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

bool ein_meta_model_at(ein_meta_model *f, const ein_meta_studies *s, double tau2) {
    for (int64_t i = 0; i < s->k; i++) s->w[i] = 1 / (s->v[i] + tau2);
    return fit_weights(f, s);
}

double ein_meta_sum_weights(const ein_meta_studies *s, int power) {
    ein_sum sum = {0, 0};
    for (int64_t i = 0; i < s->k; i++) ein_sum_add(&sum, power == 1 ? s->w[i] : s->w[i] * s->w[i]);
    return ein_sum_value(sum);
}

/* tr P = sum w - tr(M X'W^2 X) */
double ein_meta_trace_p(const ein_meta_model *f, const ein_meta_studies *s) {
    const ein_meta_matrix xw2x = cross(s, 2);
    return ein_meta_sum_weights(s, 1) - trace_of_product(&f->inverse, &xw2x, s->p);
}

/* tr PP = sum w^2 - 2 tr(M X'W^3 X) + tr((M X'W^2 X)^2) */
double ein_meta_trace_pp(const ein_meta_model *f, const ein_meta_studies *s) {
    const ein_meta_matrix xw2x = cross(s, 2), xw3x = cross(s, 3);
    double square = 0;
    ein_meta_matrix product = {{{0}}};
    for (int a = 0; a < s->p; a++)
        for (int b = 0; b < s->p; b++)
            for (int c = 0; c < s->p; c++) product.m[a][b] += f->inverse.m[a][c] * xw2x.m[c][b];
    for (int a = 0; a < s->p; a++)
        for (int b = 0; b < s->p; b++) square += product.m[a][b] * product.m[b][a];
    return ein_meta_sum_weights(s, 2) - 2 * trace_of_product(&f->inverse, &xw3x, s->p) + square;
}

/* y'PPy = sum (w r)^2 */
static double quadratic_pp(const ein_meta_studies *s) {
    ein_sum sum = {0, 0};
    for (int64_t i = 0; i < s->k; i++) ein_sum_add(&sum, s->w[i] * s->r[i] * s->w[i] * s->r[i]);
    return ein_sum_value(sum);
}

bool ein_meta_model_wald(double *statistic, const ein_meta_model *f, int m) {
    ein_meta_matrix block = {{{0}}};
    double x[MOST] = {0};
    for (int a = 0; a < m; a++) {
        x[a] = f->beta[a + 1];
        for (int b = 0; b < m; b++) block.m[a][b] = f->inverse.m[a + 1][b + 1];
    }
    if (!cholesky(&block, m)) return false;
    solve_factored(x, &block, m);
    *statistic = 0;
    for (int a = 0; a < m; a++) *statistic += x[a] * f->beta[a + 1];
    return true;
}

/* --- tau^2 ------------------------------------------------------------------------------------------------ */

/* A function of tau^2 whose root is sought; positive below the root. */
typedef double (*equation)(double tau2, const ein_meta_studies *s, double target);

static double bisect(equation f, const ein_meta_studies *s, double target, double low, double high) {
    for (int i = 0; i < BISECTIONS; i++) {
        const double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high) break;
        *(f(middle, s, target) > 0 ? &low : &high) = middle;
    }
    return 0.5 * (low + high);
}

/* y'Py falls with tau^2 (Viechtbauer 2007): one root of y'Py = target, or 0 if it starts below. */
static double generalised_q(double tau2, const ein_meta_studies *s, double target) {
    ein_meta_model f;
    return ein_meta_model_at(&f, s, tau2) ? f.rss - target : NAN;
}

static double scale_of(const ein_meta_studies *s) {
    double least = s->y[0], greatest = s->y[0], widest = 0;
    for (int64_t i = 0; i < s->k; i++) {
        least = fmin(least, s->y[i]);
        greatest = fmax(greatest, s->y[i]);
        widest = fmax(widest, s->v[i]);
    }
    return (greatest - least) * (greatest - least) + widest;
}

double ein_meta_solve_q(const ein_meta_studies *s, double target) {
    if (!(generalised_q(0, s, target) > 0)) return 0;
    double high = scale_of(s);
    for (int i = 0; i < 1000 && generalised_q(high, s, target) > 0; i++) high *= 2;
    return bisect(generalised_q, s, target, 0, high);
}

static double score_reml(double tau2, const ein_meta_studies *s, double target) {
    ein_meta_model f;
    (void)target;
    return ein_meta_model_at(&f, s, tau2) ? quadratic_pp(s) - ein_meta_trace_p(&f, s) : NAN;
}

static double score_ml(double tau2, const ein_meta_studies *s, double target) {
    ein_meta_model f;
    (void)target;
    return ein_meta_model_at(&f, s, tau2) ? quadratic_pp(s) - ein_meta_sum_weights(s, 1) : NAN;
}

/* Twice the (restricted) log-likelihood without constants. */
static double likelihood(const ein_meta_studies *s, double tau2, bool restricted) {
    ein_meta_model f;
    if (!ein_meta_model_at(&f, s, tau2)) return NAN;
    ein_sum logs = {0, 0};
    for (int64_t i = 0; i < s->k; i++) ein_sum_add(&logs, ein_log(s->v[i] + tau2));
    return -ein_sum_value(logs) - f.rss - (restricted ? f.log_determinant : 0);
}

/* The likelihood may have several maxima: the best point of a logarithmic grid tells which one to refine. */
static double maximise(const ein_meta_studies *s, bool restricted) {
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
static bool unweighted(double *rss, double *trace, const ein_meta_studies *s) {
    ein_meta_model f;
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

static double sidik_jonkman(const ein_meta_studies *s) {
    ein_sum mean = {0, 0}, squares = {0, 0};
    for (int64_t i = 0; i < s->k; i++) ein_sum_add(&mean, s->y[i] / (double)s->k);
    for (int64_t i = 0; i < s->k; i++)
        ein_sum_add(&squares, (s->y[i] - ein_sum_value(mean)) * (s->y[i] - ein_sum_value(mean)));
    const double start = ein_sum_value(squares) / (double)s->k;
    ein_meta_model f;
    return ein_meta_model_at(&f, s, start) ? start * f.rss / (double)(s->k - s->p) : NAN;
}

double ein_meta_estimate_tau2(const ein_meta_studies *s, ein_meta_method method) {
    const double df = (double)(s->k - s->p);
    ein_meta_model f;
    double rss, trace;
    switch (method) {
    case EIN_META_DL:
        return ein_meta_model_at(&f, s, 0) ? fmax(0, (f.rss - df) / ein_meta_trace_p(&f, s)) : NAN;
    case EIN_META_HS:
        return ein_meta_model_at(&f, s, 0) ? fmax(0, (f.rss - (double)s->k) / ein_meta_sum_weights(s, 1))
                                           : NAN;
    case EIN_META_HE:
        return unweighted(&rss, &trace, s) ? fmax(0, (rss - trace) / df) : NAN;
    case EIN_META_SJ:
        return sidik_jonkman(s);
    case EIN_META_PM:
    case EIN_META_EB:
        return ein_meta_solve_q(s, df);
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
