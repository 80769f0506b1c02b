#include "core/stats/roc.h"

#include <stdlib.h>

#include "core/base/elementary.h"

/* The records as the variance sees them, for any number of scores. */
typedef struct {
    const int8_t *label;
    int64_t n, n_positive, n_negative;
    ein_roc_variance variance;
    int64_t *cluster; /* (n) dense index */
    int64_t n_clusters, n_clusters_positive, n_clusters_negative, largest;
    int64_t *members; /* (2, n_clusters): positives, then negatives of each patient */
} cohort;

static void cohort_free(cohort *c) {
    free(c->cluster);
    free(c->members);
}

static ein_status check_pairs(int64_t n_positive, int64_t n_negative) {
    int64_t pairs;
    if (!__builtin_mul_overflow(n_positive, n_negative, &pairs) && pairs <= INT64_C(1) << 61) return EIN_OK;
    return ein_error(EIN_RANGE, "%lld positives times %lld negatives exceed 2^61 pairs",
                     (long long)n_positive, (long long)n_negative);
}

static ein_status cohort_new(cohort *c, const int8_t *label, const uint64_t *cluster, int64_t n,
                             ein_roc_variance variance) {
    *c = (cohort){.label = label, .n = n, .variance = variance};
    EIN_TRY(ein_stats_check_labels(&c->n_positive, &c->n_negative, label, n));
    EIN_TRY(check_pairs(c->n_positive, c->n_negative));
    ein_status status;
    EIN_TRY_GOTO(status, EIN_NEW(c->cluster, n > 0 ? n : 1), fail);
    EIN_TRY_GOTO(status, ein_stats_clusters(c->cluster, &c->n_clusters, &c->largest, cluster, n), fail);
    if (variance == EIN_ROC_AUTO) c->variance = c->largest > 1 ? EIN_ROC_CLUSTERED : EIN_ROC_DELONG;
    EIN_TRY_GOTO(status, EIN_NEW(c->members, 2 * c->n_clusters + 1), fail);
    for (int64_t i = 0; i < n; i++) c->members[(label[i] ? 0 : c->n_clusters) + c->cluster[i]]++;
    for (int64_t i = 0; i < c->n_clusters; i++) {
        c->n_clusters_positive += c->members[i] > 0;
        c->n_clusters_negative += c->members[c->n_clusters + i] > 0;
    }
    return EIN_OK;
fail:
    cohort_free(c);
    return status;
}

/* --- placements ---------------------------------------------------------------------------------------- */

/* Walk groups of tied scores upwards: `below` negatives lie under the group, `above` positives over it. */
static int64_t place_groups(double *placement, const int64_t *order, const double *score, const cohort *c) {
    int64_t twice_u = 0, below = 0, above = c->n_positive;
    for (int64_t first = 0, next; first < c->n; first = next) {
        int64_t positive = 0;
        for (next = first; next < c->n && score[order[next]] == score[order[first]]; next++)
            positive += c->label[order[next]];
        const int64_t negative = next - first - positive;
        above -= positive;
        twice_u += positive * (2 * below + negative);
        const double v10 = ((double)below + 0.5 * (double)negative) / (double)c->n_negative;
        const double v01 = ((double)above + 0.5 * (double)positive) / (double)c->n_positive;
        for (int64_t i = first; i < next; i++) placement[order[i]] = c->label[order[i]] ? v10 : v01;
        below += negative;
    }
    return twice_u;
}

static ein_status place(double *placement, int64_t *twice_u, const double *score, const cohort *c) {
    int64_t *order;
    EIN_TRY(EIN_NEW(order, c->n));
    const ein_status status = ein_stats_order(order, score, c->n);
    if (status == EIN_OK) *twice_u = place_groups(placement, order, score, c);
    free(order);
    return status;
}

static double auc_from(int64_t twice_u, const cohort *c) {
    return (double)twice_u / (2 * (double)c->n_positive * (double)c->n_negative);
}

ein_status ein_roc_placements(double *placement, int64_t *twice_u, const double *score, const int8_t *label,
                              int64_t n) {
    cohort c = {.label = label, .n = n};
    EIN_TRY(ein_stats_check_labels(&c.n_positive, &c.n_negative, label, n));
    EIN_TRY(check_pairs(c.n_positive, c.n_negative));
    if (c.n_positive == 0 || c.n_negative == 0)
        return ein_error(EIN_RANGE,
                         "placements need both classes; there are %lld positives and %lld negatives",
                         (long long)c.n_positive, (long long)c.n_negative);
    return place(placement, twice_u, score, &c);
}

/* --- variance ------------------------------------------------------------------------------------------ */

/* Covariance of two statistics with placements a, b (n) and values mean_a, mean_b. */
static double covariance_delong(const double *a, double mean_a, const double *b, double mean_b,
                                const cohort *c) {
    ein_sum positive = {0, 0}, negative = {0, 0};
    for (int64_t i = 0; i < c->n; i++)
        ein_sum_add(c->label[i] ? &positive : &negative, (a[i] - mean_a) * (b[i] - mean_b));
    const double p = (double)c->n_positive, q = (double)c->n_negative;
    return ein_sum_value(positive) / ((p - 1) * p) + ein_sum_value(negative) / ((q - 1) * q);
}

/* Per patient: X_i - m_i A for the positives, then Y_i - n_i A for the negatives: (2, n_clusters). */
static ein_status patient_sums(ein_sum **out, const double *placement, double mean, const cohort *c) {
    EIN_TRY(EIN_NEW(*out, 2 * c->n_clusters));
    for (int64_t i = 0; i < c->n; i++)
        ein_sum_add(&(*out)[(c->label[i] ? 0 : c->n_clusters) + c->cluster[i]], placement[i] - mean);
    return EIN_OK;
}

/* *scale gets S10/P + S01/N, against which S11 may cancel. */
static double combine_clusters(double *scale, const ein_sum *a, const ein_sum *b, const cohort *c) {
    ein_sum s10 = {0, 0}, s01 = {0, 0}, s11 = {0, 0};
    for (int64_t i = 0; i < c->n_clusters; i++) {
        const double xa = ein_sum_value(a[i]), ya = ein_sum_value(a[c->n_clusters + i]);
        const double xb = ein_sum_value(b[i]), yb = ein_sum_value(b[c->n_clusters + i]);
        ein_sum_add(&s10, xa * xb);
        ein_sum_add(&s01, ya * yb);
        ein_sum_add(&s11, xa * yb + xb * ya);
    }
    const double p = (double)c->n_positive, q = (double)c->n_negative;
    const double i10 = (double)c->n_clusters_positive, i01 = (double)c->n_clusters_negative,
                 all = (double)c->n_clusters;
    const double own =
        i10 / ((i10 - 1) * p * p) * ein_sum_value(s10) + i01 / ((i01 - 1) * q * q) * ein_sum_value(s01);
    *scale = own;
    return own + all / ((all - 1) * p * q) * ein_sum_value(s11);
}

static ein_status covariance_of(double *out, const double *a, double mean_a, const double *b, double mean_b,
                                const cohort *c) {
    if (c->variance == EIN_ROC_DELONG) {
        *out = covariance_delong(a, mean_a, b, mean_b, c);
        return EIN_OK;
    }
    ein_sum *sum_a = NULL, *sum_b = NULL;
    ein_status status = patient_sums(&sum_a, a, mean_a, c);
    if (status == EIN_OK) status = patient_sums(&sum_b, b, mean_b, c);
    if (status == EIN_OK) {
        double scale;
        *out = combine_clusters(&scale, sum_a, sum_b, c);
        /* What is left of a complete cancellation is rounding, not variance. */
        if (a == b && !(*out > 1e-13 * scale)) *out = 0;
    }
    free(sum_a);
    free(sum_b);
    return status;
}

/* Why these records have no variance at all, whatever the scores. */
static ein_stats_state variance_state(const cohort *c, int64_t min_clusters) {
    if (c->n == 0) return EIN_STATS_NO_RECORDS;
    if (c->n_positive == 0 || c->n_negative == 0) return EIN_STATS_ONE_CLASS;
    if (c->n_positive < 2 || c->n_negative < 2) return EIN_STATS_FEW_IN_CLASS;
    const int64_t least = min_clusters < 2 ? 2 : min_clusters;
    if (c->variance == EIN_ROC_CLUSTERED &&
        (c->n_clusters_positive < least || c->n_clusters_negative < least))
        return EIN_STATS_FEW_CLUSTERS;
    return EIN_STATS_ESTIMABLE;
}

static bool has_auc(const cohort *c) {
    return c->n_positive > 0 && c->n_negative > 0;
}

/* --- one score ----------------------------------------------------------------------------------------- */

static void logit_interval(ein_roc_result *out, double level) {
    out->logit_lower = out->logit_upper = NAN;
    if (out->auc.interval_state != EIN_STATS_ESTIMABLE) return;
    const double a = out->auc.value, slope = 1 / (a * (1 - a));
    const ein_stats_interval logit =
        ein_stats_wald(ein_logit(a), out->auc.variance * slope * slope, INFINITY, level, -INFINITY, INFINITY);
    out->logit_lower = ein_logistic(logit.lower);
    out->logit_upper = ein_logistic(logit.upper);
}

/* `placement` (n) is filled for the caller if both classes are present. */
static ein_status result_of(ein_roc_result *out, double *placement, const double *score, const cohort *c,
                            ein_roc_options options) {
    ein_stats_state state = variance_state(c, options.min_clusters);
    *out = (ein_roc_result){.n_positive = c->n_positive,
                            .n_negative = c->n_negative,
                            .n_clusters = c->n_clusters,
                            .n_clusters_positive = c->n_clusters_positive,
                            .n_clusters_negative = c->n_clusters_negative,
                            .largest_cluster = c->largest,
                            .variance = c->variance,
                            .u = ein_stats_unknown(state),
                            .auc = ein_stats_no_interval(state)};
    if (has_auc(c)) {
        int64_t twice_u;
        EIN_TRY(place(placement, &twice_u, score, c));
        const double auc = auc_from(twice_u, c);
        out->u = ein_stats_known(0.5 * (double)twice_u);
        double variance = 0;
        if (state == EIN_STATS_ESTIMABLE) {
            EIN_TRY(covariance_of(&variance, placement, auc, placement, auc, c));
            if (auc == 0 || auc == 1)
                state = EIN_STATS_BOUNDARY;
            else if (!(variance > 0))
                state = EIN_STATS_ZERO_VARIANCE;
        }
        out->auc = state == EIN_STATS_ESTIMABLE ? ein_stats_wald(auc, variance, INFINITY, options.level, 0, 1)
                                                : ein_stats_point(auc, state);
    } else {
        EIN_TRY(ein_stats_check_nan(score, c->n));
    }
    logit_interval(out, options.level);
    return EIN_OK;
}

ein_status ein_roc_auc(ein_roc_result *out, const double *score, const int8_t *label, const uint64_t *cluster,
                       int64_t n, ein_roc_options options) {
    EIN_TRY(ein_stats_check_level(options.level));
    cohort c;
    EIN_TRY(cohort_new(&c, label, cluster, n, options.variance));
    double *placement;
    ein_status status = EIN_NEW(placement, n + 1);
    if (status == EIN_OK) status = result_of(out, placement, score, &c, options);
    free(placement);
    cohort_free(&c);
    return status;
}

/* --- two scores ---------------------------------------------------------------------------------------- */

/* Work on placement differences: for models that rank alike they are exactly 0, so that no rounding can
 * pass for a difference. */
static ein_status compare_placements(ein_roc_comparison *out, double *first, double *second, const cohort *c,
                                     ein_roc_options options) {
    const double a = out->first.auc.value, b = out->second.auc.value;
    ein_stats_state state = variance_state(c, options.min_clusters);
    out->covariance = ein_stats_unknown(state);
    out->test = ein_stats_no_test(state);
    out->difference = has_auc(c) ? ein_stats_point(a - b, state) : ein_stats_no_interval(state);
    if (state != EIN_STATS_ESTIMABLE) return EIN_OK;

    double covariance, variance;
    EIN_TRY(covariance_of(&covariance, first, a, second, b, c));
    out->covariance = ein_stats_known(covariance);
    bool identical = true;
    for (int64_t i = 0; i < c->n; i++) {
        first[i] -= second[i];
        identical = identical && first[i] == 0;
    }
    EIN_TRY(covariance_of(&variance, first, a - b, first, a - b, c));
    if (identical)
        state = EIN_STATS_IDENTICAL;
    else if (out->first.auc.interval_state != EIN_STATS_ESTIMABLE)
        state = out->first.auc.interval_state;
    else if (out->second.auc.interval_state != EIN_STATS_ESTIMABLE)
        state = out->second.auc.interval_state;
    else if (!(variance > 0))
        state = EIN_STATS_ZERO_VARIANCE;
    if (state != EIN_STATS_ESTIMABLE) {
        out->difference = ein_stats_point(a - b, state);
        out->test = ein_stats_no_test(state);
        return EIN_OK;
    }
    out->difference = ein_stats_wald(a - b, variance, INFINITY, options.level, -1, 1);
    out->test = ein_stats_z_test((a - b) / sqrt(variance), INFINITY);
    return EIN_OK;
}

ein_status ein_roc_compare_paired(ein_roc_comparison *out, const double *first, const double *second,
                                  const int8_t *label, const uint64_t *cluster, int64_t n,
                                  ein_roc_options options) {
    EIN_TRY(ein_stats_check_level(options.level));
    cohort c;
    EIN_TRY(cohort_new(&c, label, cluster, n, options.variance));
    double *placement;
    ein_status status = EIN_NEW(placement, 2 * n + 1);
    if (status == EIN_OK) status = result_of(&out->first, placement, first, &c, options);
    if (status == EIN_OK) status = result_of(&out->second, placement + n, second, &c, options);
    if (status == EIN_OK) status = compare_placements(out, placement, placement + n, &c, options);
    free(placement);
    cohort_free(&c);
    return status;
}

static double units(const ein_roc_result *r) {
    return (double)(r->variance == EIN_ROC_CLUSTERED ? r->n_clusters : r->n_positive + r->n_negative);
}

ein_status ein_roc_compare_unpaired(ein_roc_comparison *out, const ein_roc_result *first,
                                    const ein_roc_result *second, double level) {
    EIN_TRY(ein_stats_check_level(level));
    ein_roc_comparison r = {.first = *first, .second = *second, .covariance = ein_stats_known(0)};
    const ein_stats_interval a = first->auc, b = second->auc;
    const ein_stats_state value = a.state ? a.state : b.state;
    const ein_stats_state state = a.interval_state ? a.interval_state : b.interval_state;
    if (state != EIN_STATS_ESTIMABLE) {
        r.difference = value ? ein_stats_no_interval(value) : ein_stats_point(a.value - b.value, state);
        r.test = ein_stats_no_test(state);
    } else {
        const double variance = a.variance + b.variance;
        const double df =
            variance * variance /
            (a.variance * a.variance / (units(first) - 1) + b.variance * b.variance / (units(second) - 1));
        r.difference = ein_stats_wald(a.value - b.value, variance, df, level, -1, 1);
        r.test = ein_stats_z_test((a.value - b.value) / sqrt(variance), df);
    }
    *out = r;
    return EIN_OK;
}

ein_stats_value ein_roc_weighted_auc(const int64_t *order, const double *score, const int8_t *label,
                                     const int32_t *count, int64_t n) {
    int64_t twice_u = 0, below = 0, above = 0;
    for (int64_t first = 0, next; first < n; first = next) {
        int64_t positive = 0, negative = 0;
        for (next = first; next < n && score[order[next]] == score[order[first]]; next++)
            *(label[order[next]] ? &positive : &negative) += count[order[next]];
        twice_u += positive * (2 * below + negative);
        below += negative;
        above += positive;
    }
    if (above + below == 0) return ein_stats_unknown(EIN_STATS_NO_RECORDS);
    if (above == 0 || below == 0) return ein_stats_unknown(EIN_STATS_ONE_CLASS);
    return ein_stats_known((double)twice_u / (2 * (double)above * (double)below));
}

/* --- curves -------------------------------------------------------------------------------------------- */

ein_roc_pr ein_roc_weighted_pr(const int64_t *order, const double *score, const int8_t *label,
                               const int32_t *count, int64_t n) {
    int64_t total = 0, positives = 0, tp = 0, fp = 0;
    for (int64_t i = 0; i < n; i++) {
        total += count ? count[i] : 1;
        positives += label[i] * (count ? count[i] : 1);
    }
    ein_roc_pr out = {ein_stats_unknown(total ? EIN_STATS_ONE_CLASS : EIN_STATS_NO_RECORDS),
                      ein_stats_unknown(total ? EIN_STATS_ONE_CLASS : EIN_STATS_NO_RECORDS),
                      total ? (double)positives / (double)total : NAN};
    if (positives == 0 || positives == total) return out;

    ein_sum steps = {0, 0}, trapezoids = {0, 0};
    double precision_before = 1;
    for (int64_t first = n - 1, next; first >= 0; first = next) {
        const int64_t tp_before = tp, seen = tp + fp;
        for (next = first; next >= 0 && score[order[next]] == score[order[first]]; next--)
            *(label[order[next]] ? &tp : &fp) += count ? count[order[next]] : 1;
        if (tp + fp == seen) continue;
        const double precision = (double)tp / (double)(tp + fp);
        const double step = (double)(tp - tp_before) / (double)positives;
        ein_sum_add(&steps, step * precision);
        ein_sum_add(&trapezoids, step * 0.5 * (precision + precision_before));
        precision_before = precision;
    }
    out.average_precision = ein_stats_known(ein_sum_value(steps));
    out.trapezoid = ein_stats_known(ein_sum_value(trapezoids));
    return out;
}
