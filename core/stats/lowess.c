#include "core/stats/lowess.h"

#include <math.h>
#include <stdlib.h>

#include "core/stats/common.h"

typedef struct {
    const double *x, *y;
    const double *robustness; /* (n) or NULL */
    double *weight;           /* (n) scratch */
    int64_t n, span;          /* span: points in a neighbourhood */
} problem;

static double cube(double v) {
    return v * v * v;
}

/* Tricube weights around `at` for points from `left` on; ties with the farthest neighbour on the right are
 * taken in. Returns one past the last point with a weight; *sum is the total weight. */
static int64_t weigh(const problem *p, double at, int64_t left, double reach, double *sum) {
    const double zero_beyond = 0.999 * reach, one_within = 0.001 * reach;
    int64_t j = left;
    *sum = 0;
    for (; j < p->n; j++) {
        const double distance = fabs(p->x[j] - at);
        p->weight[j] = 0;
        if (distance <= zero_beyond) {
            p->weight[j] = distance <= one_within ? 1 : cube(1 - cube(distance / reach));
            if (p->robustness) p->weight[j] *= p->robustness[j];
            *sum += p->weight[j];
        } else if (p->x[j] > at) {
            break;
        }
    }
    return j;
}

/* The weighted line through the neighbourhood [left, right] at `at`; false if all weights are 0. */
static bool fit_at(const problem *p, double at, int64_t left, int64_t right, double *fitted) {
    const double range = p->x[p->n - 1] - p->x[0];
    const double reach = fmax(at - p->x[left], p->x[right] - at);
    double total;
    const int64_t end = weigh(p, at, left, reach, &total);
    if (!(total > 0)) return false;

    double centre = 0, spread = 0;
    for (int64_t j = left; j < end; j++) p->weight[j] /= total;
    if (reach > 0) {
        for (int64_t j = left; j < end; j++) centre += p->weight[j] * p->x[j];
        for (int64_t j = left; j < end; j++) spread += p->weight[j] * (p->x[j] - centre) * (p->x[j] - centre);
        /* A neighbourhood without width keeps the mean: its slope would be noise. */
        if (sqrt(spread) > 0.001 * range) {
            const double tilt = (at - centre) / spread;
            for (int64_t j = left; j < end; j++) p->weight[j] *= tilt * (p->x[j] - centre) + 1;
        }
    }
    double value = 0;
    for (int64_t j = left; j < end; j++) value += p->weight[j] * p->y[j];
    *fitted = value;
    return true;
}

static void interpolate(double *smooth, const double *x, int64_t from, int64_t to) {
    for (int64_t j = from + 1; j < to; j++) {
        const double along = (x[j] - x[from]) / (x[to] - x[from]);
        smooth[j] = along * smooth[to] + (1 - along) * smooth[from];
    }
}

static void one_pass(double *smooth, const problem *p, double delta) {
    int64_t left = 0, right = p->span - 1, last = -1, i = 0;
    for (;;) {
        while (right < p->n - 1 && p->x[i] - p->x[left] > p->x[right + 1] - p->x[i]) {
            left++;
            right++;
        }
        if (!fit_at(p, p->x[i], left, right, &smooth[i])) smooth[i] = p->y[i];
        if (last >= 0 && last < i - 1) interpolate(smooth, p->x, last, i);
        last = i;
        const double cut = p->x[last] + delta;
        /* Equal x have equal values; the next fit is the last point within delta, or the next one. */
        for (i = last + 1; i < p->n && p->x[i] <= cut; i++) {
            if (p->x[i] != p->x[last]) continue;
            smooth[i] = smooth[last];
            last = i;
        }
        if (last >= p->n - 1) break;
        i = last + 1 > i - 1 ? last + 1 : i - 1;
    }
}

static int compare_doubles(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Bisquare weights of the residuals at six times their median; false if the fit is already exact. */
static bool reweigh(double *robustness, double *scratch, const double *smooth, const problem *p) {
    double total = 0;
    for (int64_t i = 0; i < p->n; i++) {
        robustness[i] = fabs(p->y[i] - smooth[i]);
        scratch[i] = robustness[i];
        total += robustness[i];
    }
    qsort(scratch, (size_t)p->n, sizeof *scratch, compare_doubles);
    const int64_t middle = p->n / 2;
    const double six_medians = 3 * (scratch[middle] + scratch[p->n - 1 - middle]);
    if (!(six_medians >= 1e-7 * total / (double)p->n)) return false;
    for (int64_t i = 0; i < p->n; i++) {
        const double r = robustness[i];
        const double inside = 1 - (r / six_medians) * (r / six_medians);
        robustness[i] = r <= 0.001 * six_medians ? 1 : r > 0.999 * six_medians ? 0 : inside * inside;
    }
    return true;
}

ein_status ein_lowess(double *smooth, const double *x, const double *y, int64_t n, double fraction,
                      int robust_steps, double delta) {
    if (!(fraction > 0 && fraction <= 1) || !(delta >= 0))
        return ein_error(EIN_RANGE, "lowess: fraction %g must be in (0, 1], delta %g at least 0", fraction,
                         delta);
    EIN_TRY(ein_stats_check_finite(x, n, "x"));
    for (int64_t i = 1; i < n; i++)
        if (x[i] < x[i - 1]) return ein_error(EIN_RANGE, "lowess: x is not ascending at %lld", (long long)i);
    if (n < 2) {
        if (n == 1) smooth[0] = y[0];
        return EIN_OK;
    }
    double *scratch;
    EIN_TRY(EIN_NEW(scratch, 2 * n));
    const int64_t wanted = (int64_t)(fraction * (double)n + 1e-7);
    problem p = {x, y, NULL, scratch, n, wanted < 2 ? 2 : wanted > n ? n : wanted};
    one_pass(smooth, &p, delta);
    for (int step = 0; step < robust_steps; step++) {
        if (!reweigh(scratch + n, scratch, smooth, &p)) break;
        p.robustness = scratch + n;
        one_pass(smooth, &p, delta);
    }
    free(scratch);
    return EIN_OK;
}
