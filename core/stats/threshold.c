#include "core/stats/threshold.h"

#include <stdlib.h>

#include "core/stats/special.h"

/* --- proportions --------------------------------------------------------------------------------------- */

void ein_proportion_wilson(double *lower, double *upper, double k, double n, double level) {
    const double z = -ein_normal_quantile(0.5 * (1 - level)), p = k / n, extra = z * z / n;
    const double centre = p + 0.5 * extra;
    const double half = z * sqrt(p * (1 - p) / n + 0.25 * extra / n);
    *lower = k <= 0 ? 0 : (centre - half) / (1 + extra);
    *upper = k >= n ? 1 : (centre + half) / (1 + extra);
}

static void clopper_pearson(double *lower, double *upper, int64_t k, int64_t n, double level) {
    const double tail = 0.5 * (1 - level), x = (double)k, rest = (double)(n - k);
    *lower = k == 0 ? 0 : ein_beta_quantile(tail, x, rest + 1);
    *upper = k == n ? 1 : ein_beta_quantile(1 - tail, x + 1, rest);
}

static void no_cluster_interval(ein_proportion *out, ein_stats_state state) {
    out->design_effect = out->clustered_lower = out->clustered_upper = NAN;
    out->clustered_state = state;
}

ein_status ein_proportion_of(ein_proportion *out, int64_t k, int64_t n, double level) {
    EIN_TRY(ein_stats_check_level(level));
    if (k < 0 || k > n) return ein_error(EIN_RANGE, "proportion %lld of %lld", (long long)k, (long long)n);
    *out = (ein_proportion){NAN, NAN, NAN, NAN, NAN, k, n, EIN_STATS_ZERO_DENOMINATOR, 0, 0, 0, 0};
    no_cluster_interval(out, n == 0 ? EIN_STATS_ZERO_DENOMINATOR : EIN_STATS_CLUSTERED);
    if (n == 0) return EIN_OK;
    out->state = EIN_STATS_ESTIMABLE;
    out->value = (double)k / (double)n;
    ein_proportion_wilson(&out->wilson_lower, &out->wilson_upper, (double)k, (double)n, level);
    clopper_pearson(&out->exact_lower, &out->exact_upper, k, n, level);
    return EIN_OK;
}

/* Hits and members as values: the ratio's variance over patients, from ein_stats_mean on the members. */
static ein_status member_values(double **value, uint64_t **key, const uint8_t *hit, const uint8_t *member,
                                const uint64_t *cluster, int64_t n) {
    EIN_TRY(EIN_NEW(*value, n + 1));
    EIN_TRY(EIN_NEW(*key, n + 1));
    for (int64_t i = 0, j = 0; i < n; i++) {
        if (!member[i]) continue;
        (*value)[j] = hit[i] ? 1 : 0;
        (*key)[j++] = cluster[i];
    }
    return EIN_OK;
}

static ein_status largest_cluster(int64_t *largest, const uint64_t *cluster, int64_t n) {
    int64_t *index, clusters;
    EIN_TRY(EIN_NEW(index, n + 1));
    const ein_status status = ein_stats_clusters(index, &clusters, largest, cluster, n);
    free(index);
    return status;
}

static void effective_interval(ein_proportion *out, double variance, double level) {
    const double p = out->value, n = (double)out->n;
    out->design_effect = variance / (p * (1 - p) / n);
    const double effective = n / out->design_effect;
    ein_proportion_wilson(&out->clustered_lower, &out->clustered_upper, p * effective, effective, level);
    out->clustered_state = EIN_STATS_ESTIMABLE;
}

ein_status ein_proportion_clustered(ein_proportion *out, const uint8_t *hit, const uint8_t *member,
                                    const uint64_t *cluster, int64_t n, double level) {
    int64_t k = 0, total = 0, largest = 1;
    for (int64_t i = 0; i < n; i++) {
        total += member[i] != 0;
        k += member[i] && hit[i];
    }
    EIN_TRY(ein_proportion_of(out, k, total, level));
    if (total == 0) return EIN_OK;

    ein_stats_interval mean = ein_stats_no_interval(EIN_STATS_NO_RECORDS);
    if (cluster) {
        double *value = NULL;
        uint64_t *key = NULL;
        ein_status status = member_values(&value, &key, hit, member, cluster, n);
        if (status == EIN_OK) status = largest_cluster(&largest, key, total);
        if (status == EIN_OK) status = ein_stats_mean(&mean, value, key, total, level);
        free(value);
        free(key);
        EIN_TRY(status);
    }
    if (largest == 1) {
        out->design_effect = 1;
        out->clustered_lower = out->wilson_lower;
        out->clustered_upper = out->wilson_upper;
        out->clustered_state = EIN_STATS_ESTIMABLE;
    } else if (mean.interval_state != EIN_STATS_ESTIMABLE) {
        no_cluster_interval(out, mean.interval_state);
    } else if (!(mean.variance > 0)) {
        no_cluster_interval(out, EIN_STATS_ZERO_VARIANCE);
    } else {
        effective_interval(out, mean.variance, level);
    }
    return EIN_OK;
}

/* --- at a threshold ------------------------------------------------------------------------------------ */

ein_status ein_confusion_at(ein_confusion *out, const double *score, const int8_t *label, int64_t n,
                            double threshold) {
    int64_t positive, negative;
    if (isnan(threshold)) return ein_error(EIN_NUMERIC, "the threshold is NaN");
    EIN_TRY(ein_stats_check_labels(&positive, &negative, label, n));
    EIN_TRY(ein_stats_check_nan(score, n));
    *out = (ein_confusion){0, 0, 0, 0};
    for (int64_t i = 0; i < n; i++) {
        if (score[i] >= threshold)
            *(label[i] ? &out->true_positive : &out->false_positive) += 1;
        else
            *(label[i] ? &out->false_negative : &out->true_negative) += 1;
    }
    return EIN_OK;
}

static ein_stats_value matthews(ein_confusion m) {
    const double tp = (double)m.true_positive, fp = (double)m.false_positive;
    const double fn = (double)m.false_negative, tn = (double)m.true_negative;
    /* Roots one by one, since the product of the margins may exceed 2^53 by far. */
    const double margins = sqrt(tp + fp) * sqrt(tp + fn) * sqrt(tn + fp) * sqrt(tn + fn);
    return ein_stats_ratio(tp * tn - fp * fn, margins);
}

static void values_from_counts(ein_threshold_metrics *out, double threshold) {
    const ein_confusion m = out->confusion;
    const double tp = (double)m.true_positive, fp = (double)m.false_positive;
    const double fn = (double)m.false_negative, n = tp + fp + fn + (double)m.true_negative;
    out->f1 = ein_stats_ratio(2 * tp, 2 * tp + fp + fn);
    out->mcc = matthews(m);
    out->prevalence = n > 0 ? ein_stats_known((tp + fn) / n) : ein_stats_unknown(EIN_STATS_NO_RECORDS);
    const bool both =
        out->sensitivity.state == EIN_STATS_ESTIMABLE && out->specificity.state == EIN_STATS_ESTIMABLE;
    const ein_stats_state missing = n > 0 ? EIN_STATS_ONE_CLASS : EIN_STATS_NO_RECORDS;
    const double sum = out->sensitivity.value + out->specificity.value;
    out->youden = both ? ein_stats_known(sum - 1) : ein_stats_unknown(missing);
    out->balanced_accuracy = both ? ein_stats_known(0.5 * sum) : ein_stats_unknown(missing);
    if (!(threshold >= 0 && threshold < 1)) {
        out->net_benefit = out->net_benefit_all = ein_stats_unknown(EIN_STATS_SATURATED);
    } else if (!(n > 0)) {
        out->net_benefit = out->net_benefit_all = ein_stats_unknown(EIN_STATS_NO_RECORDS);
    } else {
        const double odds = threshold / (1 - threshold);
        out->net_benefit = ein_stats_known((tp - fp * odds) / n);
        out->net_benefit_all = ein_stats_known((tp + fn - (n - tp - fn) * odds) / n);
    }
}

ein_status ein_threshold_from_counts(ein_threshold_metrics *out, ein_confusion m, double threshold,
                                     double level) {
    const int64_t tp = m.true_positive, fp = m.false_positive, fn = m.false_negative, tn = m.true_negative;
    if (tp < 0 || fp < 0 || fn < 0 || tn < 0) return ein_error(EIN_RANGE, "a confusion count is negative");
    *out = (ein_threshold_metrics){.confusion = m};
    EIN_TRY(ein_proportion_of(&out->sensitivity, tp, tp + fn, level));
    EIN_TRY(ein_proportion_of(&out->specificity, tn, tn + fp, level));
    EIN_TRY(ein_proportion_of(&out->ppv, tp, tp + fp, level));
    EIN_TRY(ein_proportion_of(&out->npv, tn, tn + fn, level));
    EIN_TRY(ein_proportion_of(&out->accuracy, tp + tn, tp + fp + fn + tn, level));
    values_from_counts(out, threshold);
    return EIN_OK;
}

/* One proportion over the records with (label, call) as asked for; -1 takes any. */
typedef struct {
    const double *score;
    const int8_t *label;
    const uint64_t *cluster;
    int64_t n;
    double threshold, level;
    uint8_t *hit, *member; /* (n) scratch */
} decisions;

static ein_status proportion_where(ein_proportion *out, const decisions *d, int label, int call) {
    for (int64_t i = 0; i < d->n; i++) {
        const int called = d->score[i] >= d->threshold;
        d->member[i] = (label < 0 || d->label[i] == label) && (call < 0 || called == call);
        d->hit[i] = called == d->label[i];
    }
    return ein_proportion_clustered(out, d->hit, d->member, d->cluster, d->n, d->level);
}

ein_status ein_threshold_evaluate(ein_threshold_metrics *out, const double *score, const int8_t *label,
                                  const uint64_t *cluster, int64_t n, double threshold, double level) {
    *out = (ein_threshold_metrics){0};
    EIN_TRY(ein_confusion_at(&out->confusion, score, label, n, threshold));
    uint8_t *scratch;
    EIN_TRY(EIN_NEW(scratch, 2 * n + 1));
    const decisions d = {score, label, cluster, n, threshold, level, scratch, scratch + n};
    ein_status status = proportion_where(&out->sensitivity, &d, 1, -1);
    if (status == EIN_OK) status = proportion_where(&out->specificity, &d, 0, -1);
    if (status == EIN_OK) status = proportion_where(&out->ppv, &d, -1, 1);
    if (status == EIN_OK) status = proportion_where(&out->npv, &d, -1, 0);
    if (status == EIN_OK) status = proportion_where(&out->accuracy, &d, -1, -1);
    free(scratch);
    EIN_TRY(status);
    values_from_counts(out, threshold);
    return EIN_OK;
}

/* --- choice -------------------------------------------------------------------------------------------- */

__extension__ typedef __int128 wide;

/* How good a point is under the rule, in integers: larger is better. */
static wide quality(ein_threshold_rule rule, int64_t tp, int64_t fp, int64_t positives, int64_t negatives) {
    if (rule == EIN_THRESHOLD_YOUDEN) return (wide)tp * negatives - (wide)fp * positives;
    const wide missed = (wide)(positives - tp) * negatives, false_alarms = (wide)fp * positives;
    return -(missed * missed + false_alarms * false_alarms);
}

static void choose_along(ein_threshold_choice *out, const int64_t *order, const double *score,
                         const int8_t *label, int64_t n, int64_t positives, ein_threshold_rule rule) {
    const int64_t negatives = n - positives;
    int64_t tp = 0, fp = 0;
    wide best = 0;
    bool found = false;
    for (int64_t first = n - 1, next; first >= 0; first = next) {
        for (next = first; next >= 0 && score[order[next]] == score[order[first]]; next--)
            *(label[order[next]] ? &tp : &fp) += 1;
        const wide now = quality(rule, tp, fp, positives, negatives);
        if (found && now <= best) continue;
        found = true;
        best = now;
        const double threshold = score[order[first]];
        out->threshold = threshold;
        out->midpoint = next < 0 ? threshold : threshold - 0.5 * (threshold - score[order[next]]);
        out->confusion = (ein_confusion){tp, fp, positives - tp, negatives - fp};
    }
}

ein_status ein_threshold_choose(ein_threshold_choice *out, const double *score, const int8_t *label,
                                int64_t n, ein_threshold_rule rule) {
    int64_t positives, negatives, *order;
    EIN_TRY(ein_stats_check_labels(&positives, &negatives, label, n));
    EIN_TRY(ein_stats_check_finite(score, n, "score"));
    if (n > INT32_MAX)
        return ein_error(EIN_RANGE, "%lld records; at most 2^31 - 1 to choose from", (long long)n);
    *out = (ein_threshold_choice){NAN, NAN, {0, 0, positives, negatives}, NAN, NAN, EIN_STATS_ESTIMABLE};
    if (n == 0) out->state = EIN_STATS_NO_RECORDS;
    if (n > 0 && (positives == 0 || negatives == 0)) out->state = EIN_STATS_ONE_CLASS;
    if (out->state != EIN_STATS_ESTIMABLE) return EIN_OK;
    EIN_TRY(EIN_NEW(order, n));
    const ein_status status = ein_stats_order(order, score, n);
    if (status == EIN_OK) {
        choose_along(out, order, score, label, n, positives, rule);
        out->sensitivity = (double)out->confusion.true_positive / (double)positives;
        out->specificity = (double)out->confusion.true_negative / (double)negatives;
    }
    free(order);
    return status;
}

/* --- two models' decisions ----------------------------------------------------------------------------- */

static ein_stats_test chi2_one(double statistic) {
    return (ein_stats_test){statistic, 1, ein_chi2_upper(statistic, 1), EIN_STATS_ESTIMABLE};
}

static void mcnemar_from_counts(ein_mcnemar *out) {
    const int64_t b = out->b, c = out->c, least = b < c ? b : c;
    if (b + c == 0) {
        out->chi2 = out->uncorrected = ein_stats_no_test(EIN_STATS_IDENTICAL);
        out->exact_p = ein_stats_unknown(EIN_STATS_IDENTICAL);
        return;
    }
    const double difference = fabs((double)(b - c)), total = (double)(b + c);
    const double corrected = difference > 0 ? difference - 1 : 0;
    out->chi2 = chi2_one(corrected * corrected / total);
    out->uncorrected = chi2_one(difference * difference / total);
    out->exact_p = ein_stats_known(fmin(1, 2 * ein_binomial_cdf(least, b + c, 0.5)));
}

ein_status ein_mcnemar_test(ein_mcnemar *out, const uint8_t *first, const uint8_t *second,
                            const uint64_t *cluster, int64_t n) {
    *out = (ein_mcnemar){0};
    double *difference;
    EIN_TRY(EIN_NEW(difference, n + 1));
    for (int64_t i = 0; i < n; i++) {
        out->b += first[i] && !second[i];
        out->c += !first[i] && second[i];
        difference[i] = (first[i] != 0) - (second[i] != 0);
    }
    mcnemar_from_counts(out);
    ein_stats_interval mean;
    const ein_status status = ein_stats_mean(&mean, difference, cluster, n, 0.95);
    free(difference);
    EIN_TRY(status);
    if (out->b + out->c == 0)
        out->clustered = ein_stats_no_test(EIN_STATS_IDENTICAL);
    else if (mean.interval_state != EIN_STATS_ESTIMABLE)
        out->clustered = ein_stats_no_test(mean.interval_state);
    else if (!(mean.variance > 0))
        out->clustered = ein_stats_no_test(EIN_STATS_ZERO_VARIANCE);
    else
        out->clustered = ein_stats_z_test(mean.value / mean.se, INFINITY);
    return EIN_OK;
}
