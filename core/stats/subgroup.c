#include "core/stats/subgroup.h"

#include <stdlib.h>

typedef struct {
    const double *score;
    const int8_t *label;
    const uint64_t *cluster; /* (n) dense, never NULL */
    const int32_t *group;
    int64_t n, n_clusters;
    int n_groups;
    double *psi;             /* (n_groups, 2, n_clusters) influence of each patient: positives, negatives */
    int64_t *members;        /* (n_groups, n_clusters) records of each patient */
    double *group_score;     /* (n) the records of one group */
    int8_t *group_label;     /* (n) */
    uint64_t *group_cluster; /* (n) */
    double *placement;       /* (n) */
    ein_subgroup_options options;
} table;

static ein_roc_result suppressed(void) {
    const ein_stats_interval none = ein_stats_no_interval(EIN_STATS_SUPPRESSED);
    return (ein_roc_result){-1,   -1,  -1, -1, -1, -1, EIN_ROC_AUTO, ein_stats_unknown(EIN_STATS_SUPPRESSED),
                            none, NAN, NAN};
}

static int64_t gather(const table *t, int g) {
    int64_t count = 0;
    for (int64_t i = 0; i < t->n; i++) {
        if (t->group[i] != g) continue;
        t->group_score[count] = t->score[i];
        t->group_label[count] = t->label[i];
        t->group_cluster[count++] = t->cluster[i];
    }
    return count;
}

static ein_status influences(const table *t, int g, const ein_roc_result *r, int64_t count) {
    int64_t twice_u;
    double *psi = t->psi + 2 * g * t->n_clusters;
    EIN_TRY(ein_roc_placements(t->placement, &twice_u, t->group_score, t->group_label, count));
    for (int64_t i = 0; i < count; i++) {
        const double size = (double)(t->group_label[i] ? r->n_positive : r->n_negative);
        psi[t->group_cluster[i] + (t->group_label[i] ? 0 : (uint64_t)t->n_clusters)] +=
            (t->placement[i] - r->auc.value) / size;
    }
    return EIN_OK;
}

static ein_status analyse_group(ein_subgroup *out, const table *t, int g) {
    const int64_t count = gather(t, g);
    int64_t positives = 0;
    for (int64_t i = 0; i < count; i++) {
        positives += t->group_label[i] == 1;
        t->members[g * t->n_clusters + (int64_t)t->group_cluster[i]]++;
    }
    if (positives < t->options.minimum || count - positives < t->options.minimum) {
        out->auc = suppressed();
        return EIN_OK;
    }
    EIN_TRY(ein_roc_auc(&out->auc, t->group_score, t->group_label, t->group_cluster, count, t->options.roc));
    if (out->auc.auc.state != EIN_STATS_ESTIMABLE) return EIN_OK;
    return influences(t, g, &out->auc, count);
}

static double pooled_factor(int64_t a, int64_t b) {
    return sqrt((double)a / (double)(a - 1) * (double)b / (double)(b - 1));
}

/* Covariance of two groups' AUROCs over the patients who are in both; groups with a clustered variance only. */
static double shared_covariance(const table *t, const ein_roc_result *first, const ein_roc_result *second,
                                int g, int h) {
    const double *a = t->psi + 2 * g * t->n_clusters, *b = a + t->n_clusters;
    const double *c = t->psi + 2 * h * t->n_clusters, *d = c + t->n_clusters;
    ein_sum positive = {0, 0}, negative = {0, 0}, mixed = {0, 0};
    for (int64_t i = 0; i < t->n_clusters; i++) {
        ein_sum_add(&positive, a[i] * c[i]);
        ein_sum_add(&negative, b[i] * d[i]);
        ein_sum_add(&mixed, a[i] * d[i] + b[i] * c[i]);
    }
    return pooled_factor(first->n_clusters_positive, second->n_clusters_positive) * ein_sum_value(positive) +
           pooled_factor(first->n_clusters_negative, second->n_clusters_negative) * ein_sum_value(negative) +
           pooled_factor(first->n_clusters, second->n_clusters) * ein_sum_value(mixed);
}

static int64_t count_shared(const table *t, int g, int h) {
    const int64_t *in_g = t->members + g * t->n_clusters, *in_h = t->members + h * t->n_clusters;
    int64_t shared = 0;
    for (int64_t i = 0; i < t->n_clusters; i++) shared += in_g[i] && in_h[i];
    return shared;
}

static ein_status compare_groups(ein_subgroup_pair *out, const ein_subgroup *result, const table *t) {
    ein_roc_comparison c;
    const double level = t->options.roc.level;
    const ein_roc_result *first = &result[out->first].auc, *second = &result[out->second].auc;
    EIN_TRY(ein_roc_compare_unpaired(&c, first, second, level));
    out->difference = c.difference;
    out->test = c.test;
    out->adjusted_p = ein_stats_unknown(c.test.state);
    const bool hidden = first->auc.state == EIN_STATS_SUPPRESSED || second->auc.state == EIN_STATS_SUPPRESSED;
    out->shared_clusters = hidden ? -1 : count_shared(t, out->first, out->second);
    if (c.test.state != EIN_STATS_ESTIMABLE || out->shared_clusters == 0 ||
        t->options.roc.variance == EIN_ROC_DELONG)
        return EIN_OK;
    const double covariance = shared_covariance(t, first, second, out->first, out->second);
    const double variance = c.difference.variance - 2 * covariance;
    /* What is left when everything cancels is rounding. */
    if (!(variance > 1e-13 * c.difference.variance)) {
        out->difference = ein_stats_point(c.difference.value, EIN_STATS_ZERO_VARIANCE);
        out->test = ein_stats_no_test(EIN_STATS_ZERO_VARIANCE);
        out->adjusted_p = ein_stats_unknown(EIN_STATS_ZERO_VARIANCE);
        return EIN_OK;
    }
    out->difference = ein_stats_wald(c.difference.value, variance, c.test.df, level, -1, 1);
    out->test = ein_stats_z_test(c.difference.value / sqrt(variance), c.test.df);
    return EIN_OK;
}

static ein_status adjust_pairs(ein_subgroup_pair *pair, int64_t n_pairs, ein_adjust_method method) {
    double *p;
    int64_t family = 0, at = 0;
    EIN_TRY(EIN_NEW(p, n_pairs + 1));
    for (int64_t i = 0; i < n_pairs; i++)
        if (pair[i].test.state == EIN_STATS_ESTIMABLE) p[family++] = pair[i].test.p;
    const ein_status status = ein_adjust(p, p, family, method);
    for (int64_t i = 0; status == EIN_OK && i < n_pairs; i++)
        if (pair[i].test.state == EIN_STATS_ESTIMABLE) pair[i].adjusted_p = ein_stats_known(p[at++]);
    free(p);
    return status;
}

static ein_status analyse(ein_subgroup *result, ein_subgroup_pair *pair, const table *t) {
    int64_t n_pairs = 0;
    for (int g = 0; g < t->n_groups; g++) EIN_TRY(analyse_group(&result[g], t, g));
    for (int g = 0; g < t->n_groups; g++) {
        for (int h = g + 1; h < t->n_groups; h++) {
            pair[n_pairs] = (ein_subgroup_pair){.first = g, .second = h};
            EIN_TRY(compare_groups(&pair[n_pairs++], result, t));
        }
    }
    return adjust_pairs(pair, n_pairs, t->options.adjust);
}

static ein_status check_groups(int64_t *n_unassigned, const int32_t *group, int64_t n, int n_groups) {
    *n_unassigned = 0;
    if (n_groups < 1) return ein_error(EIN_RANGE, "%d subgroups; at least one is needed", n_groups);
    for (int64_t i = 0; i < n; i++) {
        if (group[i] < -1 || group[i] >= n_groups)
            return ein_error(EIN_RANGE, "record %lld is in subgroup %d of %d", (long long)i, group[i],
                             n_groups);
        *n_unassigned += group[i] == -1;
    }
    return EIN_OK;
}

ein_status ein_subgroup_auc(ein_subgroup *result, ein_subgroup_pair *pair, int64_t *n_unassigned,
                            const double *score, const int8_t *label, const uint64_t *cluster,
                            const int32_t *group, int64_t n, int n_groups, ein_subgroup_options options) {
    int64_t positives, negatives, largest, *index = NULL;
    uint64_t *dense = NULL;
    double *reals = NULL;
    table t = {
        .score = score, .label = label, .group = group, .n = n, .n_groups = n_groups, .options = options};
    EIN_TRY(check_groups(n_unassigned, group, n, n_groups));
    EIN_TRY(ein_stats_check_labels(&positives, &negatives, label, n));
    ein_status status = EIN_NEW(index, n + 1);
    if (status == EIN_OK) status = ein_stats_clusters(index, &t.n_clusters, &largest, cluster, n);
    if (status == EIN_OK) status = EIN_NEW(dense, 2 * n + 1);
    if (status == EIN_OK) status = EIN_NEW(reals, 2 * n + 2 * n_groups * t.n_clusters + 1);
    if (status == EIN_OK) status = EIN_NEW(t.members, n_groups * t.n_clusters + 1);
    if (status == EIN_OK) status = EIN_NEW(t.group_label, n + 1);
    if (status == EIN_OK) {
        for (int64_t i = 0; i < n; i++) dense[i] = (uint64_t)index[i];
        t.cluster = dense;
        t.group_cluster = dense + n;
        t.group_score = reals;
        t.placement = reals + n;
        t.psi = reals + 2 * n;
        status = analyse(result, pair, &t);
    }
    free(index);
    free(dense);
    free(reals);
    free(t.members);
    free(t.group_label);
    return status;
}
