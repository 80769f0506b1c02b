#include "core/stats/multiplicity.h"

#include <math.h>
#include <stdlib.h>

#include "core/stats/common.h"

static const char *const names[EIN_ADJUST_COUNT] = {
    [EIN_ADJUST_NONE] = "none",     [EIN_ADJUST_BONFERRONI] = "bonferroni",
    [EIN_ADJUST_HOLM] = "holm",     [EIN_ADJUST_HOCHBERG] = "hochberg",
    [EIN_ADJUST_HOMMEL] = "hommel", [EIN_ADJUST_BH] = "bh",
    [EIN_ADJUST_BY] = "by",
};

const char *ein_adjust_name(ein_adjust_method method) {
    return (unsigned)method < EIN_ADJUST_COUNT ? names[method] : "unknown";
}

/* In place on ascending p: running maximum upwards, or running minimum downwards, of factor(j) * p. */
static void step_down_holm(double *p, int64_t m) {
    double worst = 0;
    for (int64_t j = 0; j < m; j++) {
        worst = fmax(worst, (double)(m - j) * p[j]);
        p[j] = fmin(1, worst);
    }
}

static void step_up(double *p, int64_t m, ein_adjust_method method) {
    double harmonic = 1, best = 1;
    if (method == EIN_ADJUST_BY) {
        harmonic = 0;
        for (int64_t k = m; k >= 1; k--) harmonic += 1 / (double)k;
    }
    for (int64_t j = m - 1; j >= 0; j--) {
        const double factor =
            method == EIN_ADJUST_HOCHBERG ? (double)(m - j) : harmonic * (double)m / (double)(j + 1);
        best = fmin(best, factor * p[j]);
        p[j] = best;
    }
}

/* Wright's 1992 algorithm: for each subset size k = m-1 .. 2 the Simes value of the k smallest supports
 * raises what any p needs. `raised` and `level` (m) are scratch. */
static void hommel(double *p, int64_t m, double *raised, double *level) {
    double simes = INFINITY;
    for (int64_t j = 0; j < m; j++) simes = fmin(simes, (double)m * p[j] / (double)(j + 1));
    for (int64_t j = 0; j < m; j++) raised[j] = level[j] = simes;
    for (int64_t k = m - 1; k >= 2; k--) {
        double tail = INFINITY; /* over the k-1 largest p */
        for (int64_t j = m - k + 1; j < m; j++)
            tail = fmin(tail, (double)k * p[j] / (double)(j - (m - k) + 1));
        for (int64_t j = 0; j < m; j++) level[j] = j <= m - k ? fmin((double)k * p[j], tail) : level[m - k];
        for (int64_t j = 0; j < m; j++) raised[j] = fmax(raised[j], level[j]);
    }
    for (int64_t j = 0; j < m; j++) p[j] = fmin(1, fmax(raised[j], p[j]));
}

static void adjust_sorted(double *p, int64_t m, ein_adjust_method method, double *scratch) {
    switch (method) {
    case EIN_ADJUST_BONFERRONI:
        for (int64_t j = 0; j < m; j++) p[j] = fmin(1, (double)m * p[j]);
        break;
    case EIN_ADJUST_HOLM:
        step_down_holm(p, m);
        break;
    case EIN_ADJUST_HOCHBERG:
    case EIN_ADJUST_BH:
    case EIN_ADJUST_BY:
        step_up(p, m, method);
        break;
    case EIN_ADJUST_HOMMEL:
        if (m > 1) hommel(p, m, scratch, scratch + m);
        break;
    case EIN_ADJUST_NONE:
    case EIN_ADJUST_COUNT:
        break;
    }
}

ein_status ein_adjust(double *adjusted, const double *p, int64_t m, ein_adjust_method method) {
    for (int64_t i = 0; i < m; i++) {
        if (!(p[i] >= 0 && p[i] <= 1))
            return ein_error(EIN_NUMERIC, "p value %lld is %g; only p in 0..1 can be adjusted", (long long)i,
                             p[i]);
    }
    int64_t *order = NULL;
    double *work = NULL;
    ein_status status = EIN_NEW(order, m + 1);
    if (status == EIN_OK) status = EIN_NEW(work, 3 * m + 1);
    if (status == EIN_OK) status = ein_stats_order(order, p, m);
    if (status == EIN_OK) {
        for (int64_t j = 0; j < m; j++) work[j] = p[order[j]];
        adjust_sorted(work, m, method, work + m);
        for (int64_t j = 0; j < m; j++) adjusted[order[j]] = work[j];
    }
    free(order);
    free(work);
    return status;
}
