#include "core/stats/histogram.h"

#include <stdlib.h>

/* The bin of a score: floor(score * K) by comparing with the edges b/K, which the product may round across.
 */
static int bin_of(double score, int n_bins) {
    int b = (int)(score * n_bins);
    if (b >= n_bins) b = n_bins - 1;
    if (b > 0 && score < (double)b / n_bins) b--;
    if (b < n_bins - 1 && score >= (double)(b + 1) / n_bins) b++;
    return b;
}

static ein_status check_scores(const double *score, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        if (!(score[i] >= 0 && score[i] <= 1))
            return ein_error(isnan(score[i]) ? EIN_NUMERIC : EIN_RANGE,
                             "score of record %lld is %.9g; histogram scores lie in 0..1", (long long)i,
                             score[i]);
    }
    return EIN_OK;
}

ein_status ein_histogram_add(int64_t *positive, int64_t *negative, int n_bins, const double *score,
                             const int8_t *label, int64_t n) {
    int64_t p, q;
    if (n_bins < 1) return ein_error(EIN_RANGE, "%d bins; at least one is needed", n_bins);
    EIN_TRY(ein_stats_check_labels(&p, &q, label, n));
    EIN_TRY(check_scores(score, n));
    for (int64_t i = 0; i < n; i++) (label[i] ? positive : negative)[bin_of(score[i], n_bins)]++;
    return EIN_OK;
}

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

typedef struct {
    double v10, v01;
} bin_placement;

/* Placements of each bin; *twice_u and *tied count pairs. */
static void place_bins(bin_placement *place, int64_t *twice_u, int64_t *tied, const int64_t *positive,
                       const int64_t *negative, int n_bins, int64_t p, int64_t q) {
    int64_t below = 0, above = p;
    *twice_u = *tied = 0;
    for (int b = 0; b < n_bins; b++) {
        above -= positive[b];
        *twice_u += positive[b] * (2 * below + negative[b]);
        *tied += positive[b] * negative[b];
        place[b].v10 = ((double)below + 0.5 * (double)negative[b]) / (double)q;
        place[b].v01 = ((double)above + 0.5 * (double)positive[b]) / (double)p;
        below += negative[b];
    }
}

static double variance_of(const bin_placement *place, double auc, const int64_t *positive,
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
    bin_placement *place;
    EIN_TRY(EIN_NEW(place, n_bins));
    place_bins(place, &twice_u, &tied, positive, negative, n_bins, p, q);
    const double pairs = (double)p * (double)q, auc = (double)twice_u / (2 * pairs);
    const double variance = variance_of(place, auc, positive, negative, n_bins, (double)p, (double)q);
    free(place);
    out->auc = interval_of(auc, variance, p, q, level);
    out->bound = ein_stats_known((double)tied / (2 * pairs));
    return EIN_OK;
}

ein_status ein_histogram_merge(int64_t *merged_positive, int64_t *merged_negative, int *first, int *n_merged,
                               const int64_t *positive, const int64_t *negative, int n_bins, int64_t least) {
    int64_t p, q;
    EIN_TRY(totals(&p, &q, positive, negative, n_bins));
    int made = 0, start = 0;
    p = q = 0;
    for (int b = 0; b < n_bins; b++) {
        p += positive[b];
        q += negative[b];
        if (p < least || q < least) continue;
        merged_positive[made] = p;
        merged_negative[made] = q;
        first[made++] = start;
        start = b + 1;
        p = q = 0;
    }
    if (made > 0) {
        merged_positive[made - 1] += p;
        merged_negative[made - 1] += q;
    }
    *n_merged = made;
    return EIN_OK;
}

/* --- two rounds ---------------------------------------------------------------------------------------- */

typedef struct {
    ein_sum x, y;
    int64_t m, n;
} patient;

static void add_patients(ein_placement_sums *out, const patient *who, int64_t n_clusters) {
    ein_sum s[10] = {{0, 0}};
    for (int64_t i = 0; i < n_clusters; i++) {
        const double x = ein_sum_value(who[i].x), y = ein_sum_value(who[i].y);
        const double m = (double)who[i].m, n = (double)who[i].n;
        const double product[10] = {x * x, x * m, m * m, y * y, y * n, n * n, x * y, x * n, m * y, m * n};
        for (int j = 0; j < 10; j++) ein_sum_add(&s[j], product[j]);
        out->n_clusters_positive += who[i].m > 0;
        out->n_clusters_negative += who[i].n > 0;
    }
    out->n_clusters = n_clusters;
    double *const to[10] = {&out->xx, &out->xm, &out->mm, &out->yy, &out->yn,
                            &out->nn, &out->xy, &out->xn, &out->my, &out->mn};
    for (int j = 0; j < 10; j++) *to[j] = ein_sum_value(s[j]);
}

static void sum_records(ein_placement_sums *out, patient *who, const int64_t *index,
                        const bin_placement *place, int n_bins, const double *score, const int8_t *label,
                        int64_t n) {
    ein_sum s[4] = {{0, 0}};
    for (int64_t i = 0; i < n; i++) {
        const bin_placement at = place[bin_of(score[i], n_bins)];
        patient *w = &who[index[i]];
        const double v = label[i] ? at.v10 : at.v01;
        ein_sum_add(&s[label[i] ? 0 : 2], v);
        ein_sum_add(&s[label[i] ? 1 : 3], v * v);
        ein_sum_add(label[i] ? &w->x : &w->y, v);
        *(label[i] ? &w->m : &w->n) += 1;
    }
    out->v10 = ein_sum_value(s[0]);
    out->v10_squared = ein_sum_value(s[1]);
    out->v01 = ein_sum_value(s[2]);
    out->v01_squared = ein_sum_value(s[3]);
}

ein_status ein_placement_sums_of(ein_placement_sums *out, const int64_t *pooled_positive,
                                 const int64_t *pooled_negative, int n_bins, const double *score,
                                 const int8_t *label, const uint64_t *cluster, int64_t n) {
    int64_t p, q, twice_u, tied, *index = NULL, n_clusters = 0, largest;
    bin_placement *place = NULL;
    patient *who = NULL;
    *out = (ein_placement_sums){0};
    EIN_TRY(totals(&p, &q, pooled_positive, pooled_negative, n_bins));
    if (p == 0 || q == 0)
        return ein_error(EIN_RANGE,
                         "the pooled histogram has %lld positives and %lld negatives; "
                         "placements need both classes",
                         (long long)p, (long long)q);
    EIN_TRY(ein_stats_check_labels(&out->n_positive, &out->n_negative, label, n));
    EIN_TRY(check_scores(score, n));
    ein_status status = EIN_NEW(place, n_bins);
    if (status == EIN_OK) status = EIN_NEW(index, n + 1);
    if (status == EIN_OK) status = ein_stats_clusters(index, &n_clusters, &largest, cluster, n);
    if (status == EIN_OK) status = EIN_NEW(who, n_clusters + 1);
    if (status == EIN_OK) {
        place_bins(place, &twice_u, &tied, pooled_positive, pooled_negative, n_bins, p, q);
        sum_records(out, who, index, place, n_bins, score, label, n);
        add_patients(out, who, n_clusters);
    }
    free(place);
    free(index);
    free(who);
    return status;
}

void ein_placement_sums_add(ein_placement_sums *into, const ein_placement_sums *from) {
    into->n_positive += from->n_positive;
    into->n_negative += from->n_negative;
    into->n_clusters += from->n_clusters;
    into->n_clusters_positive += from->n_clusters_positive;
    into->n_clusters_negative += from->n_clusters_negative;
    into->v10 += from->v10;
    into->v10_squared += from->v10_squared;
    into->v01 += from->v01;
    into->v01_squared += from->v01_squared;
    into->xx += from->xx;
    into->xm += from->xm;
    into->mm += from->mm;
    into->yy += from->yy;
    into->yn += from->yn;
    into->nn += from->nn;
    into->xy += from->xy;
    into->xn += from->xn;
    into->my += from->my;
    into->mn += from->mn;
}

static double clustered_variance(const ein_placement_sums *s, double a) {
    const double p = (double)s->n_positive, q = (double)s->n_negative;
    const double i10 = (double)s->n_clusters_positive, i01 = (double)s->n_clusters_negative,
                 all = (double)s->n_clusters;
    const double x = s->xx - 2 * a * s->xm + a * a * s->mm, y = s->yy - 2 * a * s->yn + a * a * s->nn;
    const double xy = s->xy - a * s->xn - a * s->my + a * a * s->mn;
    return i10 / (i10 - 1) * x / (p * p) + i01 / (i01 - 1) * y / (q * q) + 2 * all / (all - 1) * xy / (p * q);
}

ein_status ein_placement_sums_auc(ein_stats_interval *delong, ein_stats_interval *clustered,
                                  const ein_placement_sums *s, double level) {
    EIN_TRY(ein_stats_check_level(level));
    const ein_stats_state state = class_state(s->n_positive, s->n_negative);
    *delong = *clustered = ein_stats_no_interval(state);
    if (state != EIN_STATS_ESTIMABLE) return EIN_OK;
    const double p = (double)s->n_positive, q = (double)s->n_negative, a = s->v10 / p;
    const double variance = (s->v10_squared - p * a * a) / ((p - 1) * p) +
                            (s->v01_squared - 2 * a * s->v01 + q * a * a) / ((q - 1) * q);
    *delong = interval_of(a, variance, s->n_positive, s->n_negative, level);
    if (s->n_clusters_positive < 2 || s->n_clusters_negative < 2)
        *clustered = ein_stats_point(a, EIN_STATS_FEW_CLUSTERS);
    else
        *clustered = interval_of(a, clustered_variance(s, a), s->n_positive, s->n_negative, level);
    return EIN_OK;
}
