#include "core/stats/histogram.h"

#include <stdlib.h>

#include "core/stats/components.h"

static ein_status totals(int64_t *p, int64_t *q, const int64_t *positive, const int64_t *negative,
                         int n_bins) {
    *p = *q = 0;
    for (int b = 0; b < n_bins; b++) {
        if (positive[b] < 0 || negative[b] < 0)
            return ein_error(EIN_RANGE, "bin %d has a negative count (%lld, %lld)", b, (long long)positive[b],
                             (long long)negative[b]);
        if (__builtin_add_overflow(*p, positive[b], p) || __builtin_add_overflow(*q, negative[b], q))
            return ein_error(EIN_RANGE, "the counts overflow at bin %d", b);
    }
    int64_t pairs;
    if (__builtin_mul_overflow(*p, *q, &pairs) || pairs > INT64_C(1) << 61)
        return ein_error(EIN_RANGE, "%lld positives times %lld negatives exceed 2^61 pairs", (long long)*p,
                         (long long)*q);
    return EIN_OK;
}

/* Placements of each bin; *twice_u and *tied count pairs. */
static void place_bins(ein_bin_placement *place, int64_t *twice_u, int64_t *tied, const int64_t *positive,
                       const int64_t *negative, int n_bins, int64_t p, int64_t q) {
    int64_t below = 0;
    *twice_u = *tied = 0;
    ein_components_bins(place, positive, negative, n_bins, p, q);
    for (int b = 0; b < n_bins; b++) {
        *twice_u += positive[b] * (2 * below + negative[b]);
        *tied += positive[b] * negative[b];
        below += negative[b];
    }
}

static double variance_of(const ein_bin_placement *place, double auc, const int64_t *positive,
                          const int64_t *negative, int n_bins, double p, double q) {
    ein_sum s10 = {0, 0}, s01 = {0, 0};
    for (int b = 0; b < n_bins; b++) {
        const double x = place[b].v10 - auc, y = place[b].v01 - auc;
        ein_sum_add(&s10, (double)positive[b] * x * x);
        ein_sum_add(&s01, (double)negative[b] * y * y);
    }
    return ein_sum_value(s10) / ((p - 1) * p) + ein_sum_value(s01) / ((q - 1) * q);
}

static ein_stats_state class_state(int64_t p, int64_t q) {
    if (p + q == 0) return EIN_STATS_NO_RECORDS;
    return p == 0 || q == 0 ? EIN_STATS_ONE_CLASS : EIN_STATS_ESTIMABLE;
}

/* Bins in which somebody is. */
static int count_occupied(const int64_t *positive, const int64_t *negative, int n_bins) {
    int n = 0;
    for (int b = 0; b < n_bins; b++) n += positive[b] > 0 || negative[b] > 0;
    return n;
}

/* An AUROC and its variance as a result, with the reasons why there may be no interval. */
static ein_stats_interval interval_of(double auc, double variance, int64_t p, int64_t q, double level) {
    if (p < 2 || q < 2) return ein_stats_point(auc, EIN_STATS_FEW_IN_CLASS);
    if (auc == 0 || auc == 1) return ein_stats_point(auc, EIN_STATS_BOUNDARY);
    if (!(variance > 0)) return ein_stats_point(auc, EIN_STATS_ZERO_VARIANCE);
    return ein_stats_wald(auc, variance, INFINITY, level, 0, 1);
}

ein_status ein_histogram_auc(ein_histogram_result *out, const int64_t *positive, const int64_t *negative,
                             int n_bins, double level) {
    int64_t p, q, twice_u, tied;
    EIN_TRY(ein_stats_check_level(level));
    EIN_TRY(totals(&p, &q, positive, negative, n_bins));
    const ein_stats_state state = class_state(p, q);
    *out = (ein_histogram_result){p, q, ein_stats_no_interval(state), ein_stats_unknown(state)};
    if (state != EIN_STATS_ESTIMABLE) return EIN_OK;
    ein_bin_placement *place;
    EIN_TRY(EIN_NEW(place, n_bins));
    place_bins(place, &twice_u, &tied, positive, negative, n_bins, p, q);
    const double pairs = (double)p * (double)q, auc = (double)twice_u / (2 * pairs);
    const double variance = variance_of(place, auc, positive, negative, n_bins, (double)p, (double)q);
    free(place);
    out->auc = count_occupied(positive, negative, n_bins) > 1 ? interval_of(auc, variance, p, q, level)
                                                              : ein_stats_no_interval(EIN_STATS_ONE_BIN);
    out->bound = ein_stats_known((double)tied / (2 * pairs));
    return EIN_OK;
}

/* --- two rounds -------------------------------------------------------------------------------- */

ein_status ein_placement_sums_auc(ein_stats_interval *delong, ein_stats_interval *clustered,
                                  const ein_placement_sums *s, double level) {
    EIN_TRY(ein_stats_check_level(level));
    const ein_stats_state state = class_state(s->n_positive, s->n_negative);
    *delong = *clustered = ein_stats_no_interval(state);
    if (state != EIN_STATS_ESTIMABLE) return EIN_OK;
    const ein_components_result r = ein_components_result_of(s);
    *delong = interval_of(r.value, r.delong, s->n_positive, s->n_negative, level);
    if (s->n_clusters_positive < 2 || s->n_clusters_negative < 2)
        *clustered = ein_stats_point(r.value, EIN_STATS_FEW_CLUSTERS);
    else
        *clustered = interval_of(r.value, r.clustered, s->n_positive, s->n_negative, level);
    return EIN_OK;
}

static ein_stats_interval difference_of(double value, double variance, ein_stats_state few, double level) {
    if (!isfinite(variance)) return ein_stats_point(value, few);
    if (!(variance > 0)) return ein_stats_point(value, EIN_STATS_IDENTICAL);
    return ein_stats_wald(value, variance, INFINITY, level, -1, 1);
}

ein_status ein_placement_sums_difference(ein_stats_interval *delong, ein_stats_interval *clustered,
                                         const ein_placement_sums *s, double level) {
    EIN_TRY(ein_stats_check_level(level));
    const ein_stats_state state = class_state(s->n_positive, s->n_negative);
    *delong = *clustered = ein_stats_no_interval(state);
    if (state != EIN_STATS_ESTIMABLE) return EIN_OK;
    const ein_components_result r = ein_components_result_of(s);
    *delong = difference_of(r.value, r.delong, EIN_STATS_FEW_IN_CLASS, level);
    *clustered = difference_of(r.value, r.clustered, EIN_STATS_FEW_CLUSTERS, level);
    return EIN_OK;
}
