#include "core/stats/penalised.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"

enum { PAIRS = 10, HALVINGS = 50 };

typedef struct {
    const float *x;
    const int64_t *row;
    const double *y;
    int64_t n;
    int d; /* the intercept stands at d */
    ein_penalised_loss loss;
    double penalty;
} problem;

/* --- sums ------------------------------------------------------------------------------------------------ */

/* Eight partial sums, so that a compiler can use vector registers without another order of additions. */
static double dot_row(const float *x, const double *w, int d) {
    double s[8] = {0};
    int j = 0;
    for (; j + 8 <= d; j += 8)
        for (int k = 0; k < 8; k++) s[k] += x[j + k] * w[j + k];
    for (int k = 0; j < d; j++, k++) s[k] += x[j] * w[j];
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

static double dot(const double *a, const double *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static double largest(const double *v, int n) {
    double most = 0;
    for (int i = 0; i < n; i++)
        if (!(fabs(v[i]) <= most)) most = fabs(v[i]);
    return most;
}

double ein_penalised_score(const double *weight, const float *x, int d) {
    return dot_row(x, weight, d) + weight[d];
}

/* --- what is minimised ----------------------------------------------------------------------------------- */

/* f and its derivative by z. */
static double loss_of(ein_penalised_loss kind, double z, double y, double *slope) {
    if (kind == EIN_PENALISED_SQUARED) {
        *slope = z - y;
        return 0.5 * (z - y) * (z - y);
    }
    *slope = ein_logistic(z) - y;
    return ein_softplus(z) - y * z;
}

/* Value at w, gradient into g (d + 1). */
static double evaluate(const problem *p, const double *w, double *g) {
    double sum = 0;
    memset(g, 0, (size_t)(p->d + 1) * sizeof *g);
    for (int64_t i = 0; i < p->n; i++) {
        const float *x = p->x + p->row[i] * p->d;
        double slope;
        sum += loss_of(p->loss, dot_row(x, w, p->d) + w[p->d], p->y[i], &slope);
        for (int j = 0; j < p->d; j++) g[j] += slope * x[j];
        g[p->d] += slope;
    }
    const double share = 1.0 / (double)p->n;
    for (int j = 0; j <= p->d; j++) g[j] *= share;
    for (int j = 0; j < p->d; j++) g[j] += p->penalty * w[j];
    return sum * share + 0.5 * p->penalty * dot(w, w, p->d);
}

/* --- L-BFGS ---------------------------------------------------------------------------------------------- */

typedef struct {
    double *s[PAIRS], *y[PAIRS], rho[PAIRS];
    int n, newest; /* pairs kept */
} history;

/* step = -H g by the two-loop recursion. */
static void direction(double *step, const double *g, const history *h, int n) {
    double alpha[PAIRS];
    for (int i = 0; i < n; i++) step[i] = -g[i];
    for (int k = 0; k < h->n; k++) {
        const int at = (h->newest - k + PAIRS) % PAIRS;
        alpha[at] = h->rho[at] * dot(h->s[at], step, n);
        for (int i = 0; i < n; i++) step[i] -= alpha[at] * h->y[at][i];
    }
    if (h->n == 0) return;
    const double scale = 1 / (h->rho[h->newest] * dot(h->y[h->newest], h->y[h->newest], n));
    for (int i = 0; i < n; i++) step[i] *= scale;
    for (int k = h->n - 1; k >= 0; k--) {
        const int at = (h->newest - k + PAIRS) % PAIRS;
        const double beta = h->rho[at] * dot(h->y[at], step, n);
        for (int i = 0; i < n; i++) step[i] += (alpha[at] - beta) * h->s[at][i];
    }
}

/* Keep a pair; one without curvature (rounding, near the end) would spoil the rest. */
static void remember(history *h, const double *w, const double *w_new, const double *g, const double *g_new,
                     int n) {
    const int at = (h->newest + 1) % PAIRS;
    double curvature = 0;
    for (int i = 0; i < n; i++) curvature += (w_new[i] - w[i]) * (g_new[i] - g[i]);
    /* Checked before it takes the place of the oldest, which otherwise would go on with another one's rho. */
    if (!(curvature > 0)) return;
    for (int i = 0; i < n; i++) {
        h->s[at][i] = w_new[i] - w[i];
        h->y[at][i] = g_new[i] - g[i];
    }
    h->rho[at] = 1 / curvature;
    h->newest = at;
    if (h->n < PAIRS) h->n++;
}

/* Halve the step until the value falls enough (Armijo). False: it does not, which is rounding at the minimum. */
static bool search(const problem *p, double *w_new, double *g_new, double *value, const double *w,
                   const double *g, const double *step, double length) {
    const int n = p->d + 1;
    const double slope = dot(g, step, n);
    for (int k = 0; k < HALVINGS; k++, length *= 0.5) {
        for (int i = 0; i < n; i++) w_new[i] = w[i] + length * step[i];
        const double reached = evaluate(p, w_new, g_new);
        if (reached <= *value + 1e-4 * length * slope) {
            *value = reached;
            return true;
        }
    }
    return false;
}

static void minimise(const problem *p, double *w, double *room, ein_penalised_fit *fit) {
    const int n = p->d + 1;
    history h = {.newest = PAIRS - 1};
    double *g = room, *w_new = g + n, *g_new = w_new + n, *step = g_new + n, *pairs = step + n;
    for (int k = 0; k < PAIRS; k++) {
        h.s[k] = pairs + (int64_t)2 * k * n;
        h.y[k] = h.s[k] + n;
    }
    fit->value = evaluate(p, w, g);
    fit->gradient = largest(g, n);
    while (fit->iterations < EIN_PENALISED_MOST && fit->gradient > EIN_PENALISED_TOLERANCE) {
        direction(step, g, &h, n);
        if (!search(p, w_new, g_new, &fit->value, w, g, step, h.n ? 1 : 1 / fmax(1, sqrt(dot(g, g, n)))))
            break;
        fit->iterations++;
        remember(&h, w, w_new, g, g_new, n);
        memcpy(w, w_new, (size_t)n * sizeof *w);
        memcpy(g, g_new, (size_t)n * sizeof *g);
        fit->gradient = largest(g, n);
    }
    fit->settled = fit->gradient <= EIN_PENALISED_TOLERANCE;
}

ein_status ein_penalised_fit_rows(double *weight, ein_penalised_fit *out, const float *x, const int64_t *row,
                                  const double *y, int64_t n, int d, ein_penalised_loss loss,
                                  double penalty) {
    const problem p = {.x = x, .row = row, .y = y, .n = n, .d = d, .loss = loss, .penalty = penalty};
    ein_penalised_fit fit = {0};
    double *room;
    if (n < 1 || d < 1 || !(penalty > 0))
        return ein_error(EIN_RANGE,
                         "a linear model of %lld records and %d features with penalty %g; at least one of "
                         "each and a penalty above 0 are needed",
                         (long long)n, d, penalty);
    EIN_TRY(EIN_NEW(room, ((int64_t)2 * PAIRS + 4) * (d + 1)));
    memset(weight, 0, (size_t)(d + 1) * sizeof *weight);
    minimise(&p, weight, room, &fit);
    free(room);
    if (out) *out = fit;
    if (!isfinite(fit.value) || !isfinite(fit.gradient))
        return ein_error(EIN_NUMERIC,
                         "a linear model of %lld records has a loss that is not finite: a "
                         "feature or a target is not",
                         (long long)n);
    return EIN_OK;
}

/* --- features -------------------------------------------------------------------------------------------- */

void ein_standardise(float *x, int64_t rows, int d, const int64_t *row, int64_t n) {
    for (int j = 0; j < d; j++) {
        double sum = 0, square = 0;
        for (int64_t i = 0; i < n; i++) sum += x[row[i] * d + j];
        const double mean = n > 0 ? sum / (double)n : 0;
        for (int64_t i = 0; i < n; i++) {
            const double off = x[row[i] * d + j] - mean;
            square += off * off;
        }
        /* What rounding makes of a constant is no spread. */
        const double sd = n > 0 ? sqrt(square / (double)n) : 0;
        const double scale = sd > 1e-6 * fabs(mean) ? 1 / sd : 0;
        for (int64_t i = 0; i < rows; i++) x[i * d + j] = (float)((x[i * d + j] - mean) * scale);
    }
}
