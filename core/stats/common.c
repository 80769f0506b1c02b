#include "core/stats/common.h"

#include <stdlib.h>

#include "core/stats/special.h"

typedef struct {
    const char *name, *text;
} state_words;

static const state_words states[EIN_STATS_STATE_COUNT] = {
    [EIN_STATS_ESTIMABLE] = {"estimable", "estimable"},
    [EIN_STATS_NO_RECORDS] = {"no_records", "not estimable: no record is left"},
    [EIN_STATS_ONE_CLASS] = {"one_class", "not estimable: only one class is present"},
    [EIN_STATS_FEW_IN_CLASS] = {"few_in_class", "not estimable: a class has fewer than two records"},
    [EIN_STATS_FEW_RECORDS] = {"few_records", "not estimable: too few values"},
    [EIN_STATS_FEW_CLUSTERS] = {"few_clusters", "not estimable: too few patients"},
    [EIN_STATS_BOUNDARY] = {"boundary", "not estimable: AUROC is 0 or 1, its variance estimate is 0"},
    [EIN_STATS_ZERO_VARIANCE] = {"zero_variance", "not estimable: the values do not vary"},
    [EIN_STATS_IDENTICAL] =
        {"identical",
         "not estimable: the two models are alike in all that is compared here (ranks, decisions or losses)"},
    [EIN_STATS_ZERO_DENOMINATOR] = {"zero_denominator", "not estimable: no record in the denominator"},
    [EIN_STATS_SATURATED] = {"saturated", "not estimable: a probability is exactly 0 or 1"},
    [EIN_STATS_SEPARATED] = {"separated", "not estimable: the scores separate the classes"},
    [EIN_STATS_NO_CONVERGENCE] = {"no_convergence", "not estimable: the iteration did not converge"},
    [EIN_STATS_UNDEFINED_PARTS] = {"undefined_parts", "not estimable: too few resamples in which it exists"},
    [EIN_STATS_DEGENERATE] = {"degenerate", "not estimable: all resamples lie on one side of the estimate"},
    [EIN_STATS_CLUSTERED] = {"clustered",
                             "not estimable: patients repeat, the formula needs independent records"},
    [EIN_STATS_EMPTY_INTERVAL] = {"empty_interval",
                                  "not estimable: no value agrees with the data at this level"},
    [EIN_STATS_ONE_BIN] =
        {"one_bin", "not estimable: all scores fall into one bin, within which nothing is known of them"},
    [EIN_STATS_SUPPRESSED] = {"suppressed", "suppressed: below the minimum count"},
};

const char *ein_stats_state_name(ein_stats_state state) {
    return (unsigned)state < EIN_STATS_STATE_COUNT ? states[state].name : "unknown";
}

const char *ein_stats_state_text(ein_stats_state state) {
    return (unsigned)state < EIN_STATS_STATE_COUNT ? states[state].text : "unknown state";
}

/* --- results ------------------------------------------------------------------------------------------- */

ein_stats_value ein_stats_known(double value) {
    return (ein_stats_value){value, EIN_STATS_ESTIMABLE};
}

ein_stats_value ein_stats_unknown(ein_stats_state state) {
    return (ein_stats_value){NAN, state};
}

ein_stats_value ein_stats_ratio(double numerator, double denominator) {
    if (denominator == 0) return ein_stats_unknown(EIN_STATS_ZERO_DENOMINATOR);
    return ein_stats_known(numerator / denominator);
}

ein_stats_interval ein_stats_point(double value, ein_stats_state interval_state) {
    return (ein_stats_interval){value, NAN, NAN, NAN, NAN, EIN_STATS_ESTIMABLE, interval_state};
}

ein_stats_interval ein_stats_no_interval(ein_stats_state state) {
    return (ein_stats_interval){NAN, NAN, NAN, NAN, NAN, state, state};
}

ein_stats_interval ein_stats_wald(double value, double variance, double df, double level, double floor,
                                  double ceiling) {
    const double se = sqrt(variance);
    const double half = -ein_t_quantile(0.5 * (1 - level), df) * se;
    ein_stats_interval out = {
        value, variance, se, value - half, value + half, EIN_STATS_ESTIMABLE, EIN_STATS_ESTIMABLE};
    if (out.lower < floor) out.lower = floor;
    if (out.upper > ceiling) out.upper = ceiling;
    return out;
}

ein_stats_test ein_stats_z_test(double statistic, double df) {
    return (ein_stats_test){statistic, df, 2 * ein_t_cdf(-fabs(statistic), df), EIN_STATS_ESTIMABLE};
}

ein_stats_test ein_stats_no_test(ein_stats_state state) {
    return (ein_stats_test){NAN, NAN, NAN, state};
}

ein_status ein_stats_check_level(double level) {
    if (level > 0 && level < 1) return EIN_OK;
    return ein_error(EIN_RANGE, "confidence level %g; it must lie between 0 and 1, such as 0.95", level);
}

/* --- ranks --------------------------------------------------------------------------------------------- */

typedef struct {
    double value;
    int64_t index;
} sort_key;

static int compare_keys(const void *left, const void *right) {
    const sort_key *a = left, *b = right;
    if (a->value < b->value) return -1;
    if (a->value > b->value) return 1;
    return (a->index > b->index) - (a->index < b->index);
}

ein_status ein_stats_order(int64_t *order, const double *value, int64_t n) {
    sort_key *key;
    EIN_TRY(ein_stats_check_nan(value, n));
    EIN_TRY(EIN_NEW(key, n > 0 ? n : 1));
    for (int64_t i = 0; i < n; i++) key[i] = (sort_key){value[i], i};
    qsort(key, (size_t)n, sizeof *key, compare_keys);
    for (int64_t i = 0; i < n; i++) order[i] = key[i].index;
    free(key);
    return EIN_OK;
}

ein_status ein_stats_midranks(double *rank, const double *value, int64_t n) {
    int64_t *order;
    EIN_TRY(EIN_NEW(order, n > 0 ? n : 1));
    ein_status status = ein_stats_order(order, value, n);
    for (int64_t first = 0, next; status == EIN_OK && first < n; first = next) {
        for (next = first + 1; next < n && value[order[next]] == value[order[first]];) next++;
        const double shared = 0.5 * (double)(first + 1 + next);
        for (int64_t i = first; i < next; i++) rank[order[i]] = shared;
    }
    free(order);
    return status;
}

double ein_stats_quantile(const double *sorted, int64_t n, double p) {
    const double at = (double)(n - 1) * p;
    const int64_t below = (int64_t)at;
    if (below >= n - 1) return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* --- records ------------------------------------------------------------------------------------------- */

ein_status ein_stats_screen(ein_stats_screening *count, uint8_t *reason, int64_t *kept,
                            const double *const *score, int n_models, const int8_t *label, int64_t n) {
    *count = (ein_stats_screening){.n_total = n};
    for (int64_t i = 0; i < n; i++) {
        reason[i] = 0;
        if (label && label[i] == EIN_LABEL_MISSING) {
            reason[i] |= EIN_SCREEN_MISSING_LABEL;
        } else if (label && label[i] != 0 && label[i] != 1) {
            return ein_error(EIN_RANGE, "label of record %lld is %d; it must be 0, 1 or missing",
                             (long long)i, label[i]);
        }
        for (int m = 0; m < n_models; m++) {
            if (isnan(score[m][i])) reason[i] |= EIN_SCREEN_NAN_SCORE;
            if (isinf(score[m][i])) reason[i] |= EIN_SCREEN_INFINITE_SCORE;
        }
        count->n_missing_label += (reason[i] & EIN_SCREEN_MISSING_LABEL) != 0;
        count->n_nan_score += (reason[i] & EIN_SCREEN_NAN_SCORE) != 0;
        if (reason[i] & (EIN_SCREEN_MISSING_LABEL | EIN_SCREEN_NAN_SCORE)) continue;
        count->n_infinite_score += (reason[i] & EIN_SCREEN_INFINITE_SCORE) != 0;
        kept[count->n_kept++] = i;
    }
    return EIN_OK;
}

ein_status ein_stats_check_labels(int64_t *n_positive, int64_t *n_negative, const int8_t *label, int64_t n) {
    if (n < 0) return ein_error(EIN_RANGE, "%lld records", (long long)n);
    int64_t positive = 0;
    for (int64_t i = 0; i < n; i++) {
        if (label[i] != 0 && label[i] != 1)
            return ein_error(EIN_NUMERIC, "label of record %lld is %s; screen the records first",
                             (long long)i, label[i] == EIN_LABEL_MISSING ? "missing" : "not 0 or 1");
        positive += label[i];
    }
    *n_positive = positive;
    *n_negative = n - positive;
    return EIN_OK;
}

ein_status ein_stats_check_nan(const double *value, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        if (isnan(value[i]))
            return ein_error(EIN_NUMERIC, "value of record %lld is NaN; screen the records first",
                             (long long)i);
    }
    return EIN_OK;
}

ein_status ein_stats_check_finite(const double *value, int64_t n, const char *what) {
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(value[i]))
            return ein_error(EIN_NUMERIC, "%s of record %lld is %g; screen the records first", what,
                             (long long)i, value[i]);
    }
    return EIN_OK;
}

ein_status ein_stats_clamp_probabilities(double *probability, int64_t n, double tolerance,
                                         int64_t *n_clamped) {
    *n_clamped = 0;
    for (int64_t i = 0; i < n; i++) {
        const double p = probability[i];
        if (p >= 0 && p <= 1) continue;
        if (!(p >= -tolerance && p <= 1 + tolerance))
            return ein_error(EIN_RANGE,
                             "probability of record %lld is %.9g, outside 0..1 by more than %g; "
                             "is it a logit?",
                             (long long)i, p, tolerance);
        probability[i] = p < 0 ? 0 : 1;
        ++*n_clamped;
    }
    return EIN_OK;
}

typedef struct {
    uint64_t cluster;
    int64_t index;
} cluster_key;

static int compare_clusters(const void *left, const void *right) {
    const cluster_key *a = left, *b = right;
    if (a->cluster != b->cluster) return a->cluster < b->cluster ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

ein_status ein_stats_clusters(int64_t *index, int64_t *n_clusters, int64_t *largest, const uint64_t *cluster,
                              int64_t n) {
    *n_clusters = n;
    *largest = n > 0;
    for (int64_t i = 0; i < n; i++) index[i] = i;
    if (!cluster || n < 1) return EIN_OK;

    cluster_key *key;
    EIN_TRY(EIN_NEW(key, n));
    for (int64_t i = 0; i < n; i++) key[i] = (cluster_key){cluster[i], i};
    qsort(key, (size_t)n, sizeof *key, compare_clusters);
    int64_t current = -1, members = 0;
    for (int64_t i = 0; i < n; i++) {
        const bool opens = i == 0 || key[i].cluster != key[i - 1].cluster;
        current += opens;
        members = opens ? 1 : members + 1;
        if (members > *largest) *largest = members;
        index[key[i].index] = current;
    }
    *n_clusters = current + 1;
    free(key);
    return EIN_OK;
}

/* sum over patients of (T_i - n_i mean)^2 */
static ein_status squares_between(double *out, const double *x, const int64_t *index, int64_t n,
                                  int64_t n_clusters, double mean) {
    ein_sum *total;
    EIN_TRY(EIN_NEW(total, n_clusters));
    for (int64_t i = 0; i < n; i++) ein_sum_add(&total[index[i]], x[i] - mean);
    ein_sum squares = {0, 0};
    for (int64_t c = 0; c < n_clusters; c++) {
        const double t = ein_sum_value(total[c]);
        ein_sum_add(&squares, t * t);
    }
    *out = ein_sum_value(squares);
    free(total);
    return EIN_OK;
}

ein_status ein_stats_mean(ein_stats_interval *out, const double *x, const uint64_t *cluster, int64_t n,
                          double level) {
    EIN_TRY(ein_stats_check_level(level));
    EIN_TRY(ein_stats_check_finite(x, n, "value"));
    *out = ein_stats_no_interval(EIN_STATS_NO_RECORDS);
    if (n < 1) return EIN_OK;
    ein_sum sum = {0, 0};
    for (int64_t i = 0; i < n; i++) ein_sum_add(&sum, x[i]);
    const double mean = ein_sum_value(sum) / (double)n;

    int64_t *index, n_clusters, largest;
    EIN_TRY(EIN_NEW(index, n));
    double squares = 0;
    ein_status status = ein_stats_clusters(index, &n_clusters, &largest, cluster, n);
    if (status == EIN_OK) status = squares_between(&squares, x, index, n, n_clusters, mean);
    free(index);
    EIN_TRY(status);
    const double clusters = (double)n_clusters, count = (double)n;
    if (n_clusters < 2)
        *out = ein_stats_point(mean, n < 2 ? EIN_STATS_FEW_RECORDS : EIN_STATS_FEW_CLUSTERS);
    else
        *out = ein_stats_wald(mean, clusters / (clusters - 1) * squares / (count * count), clusters - 1,
                              level, -INFINITY, INFINITY);
    return EIN_OK;
}
