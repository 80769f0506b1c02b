/* AUROC per subgroup and the differences between all pairs of groups, for each variable and model. */
#include <stdlib.h>

#include "jobs/metrics/parts.h"

static ein_status add_group(ein_metrics *m, ein_metric at, const ein_roc_result *auc) {
    const bool hidden = auc->auc.state == EIN_STATS_SUPPRESSED;
    const char *method = m->variance == EIN_ROC_CLUSTERED ? "clustered by patient (Obuchowski 1997), Wald"
                                                          : "DeLong 1988, Wald";
    const char *logit = m->variance == EIN_ROC_CLUSTERED
                            ? "clustered by patient (Obuchowski 1997), on the logit scale"
                            : "DeLong 1988, on the logit scale";
    at.n = hidden ? -1 : auc->n_positive + auc->n_negative;
    at.n_positive = hidden ? -1 : auc->n_positive;
    EIN_TRY(ein_metrics_add_interval(m, at, "auroc", method, auc->auc));
    return ein_metrics_add_interval(m, at, "auroc_logit", logit,
                                    ein_metrics_limits(auc->auc.value, auc->auc.state, auc->logit_lower,
                                                       auc->logit_upper, auc->auc.interval_state));
}

static ein_status add_pair(ein_metrics *m, ein_metric at, const ein_subgroup *group,
                           const ein_subgroup_pair *pair) {
    const ein_roc_result *a = &group[pair->first].auc, *b = &group[pair->second].auc;
    const bool hidden = a->n_positive < 0 || b->n_positive < 0;
    at.group = pair->first;
    at.other = pair->second;
    at.n = hidden ? -1 : a->n_positive + a->n_negative + b->n_positive + b->n_negative;
    at.n_positive = hidden ? -1 : a->n_positive + b->n_positive;
    at.has_test = true;
    at.test = pair->test;
    at.has_adjusted = true;
    at.adjusted_p = pair->adjusted_p;
    return ein_metrics_add_interval(m, at, "auroc_difference",
                                    pair->shared_clusters > 0 ? "difference of groups that share patients, t"
                                                              : "difference of separate groups, t (Welch)",
                                    pair->difference);
}

static ein_status analyse(ein_metrics *m, const ein_metrics_data *d, int variable, int model,
                          ein_subgroup *group, ein_subgroup_pair *pair) {
    const int n_groups = m->variable[variable].n_groups;
    int64_t unassigned;
    const ein_subgroup_options options = {
        m->options.minimum, m->options.adjust, {m->variance, m->options.level, m->options.min_clusters}};
    EIN_TRY(ein_subgroup_auc(group, pair, &unassigned, ein_data_score(d, model), d->label, d->cluster,
                             d->group + variable * d->n, d->n, n_groups, options));
    ein_metric at = ein_metric_at(m, EIN_METRIC_GROUP, model, -1);
    at.variable = variable;
    for (at.group = 0; at.group < n_groups; at.group++) EIN_TRY(add_group(m, at, &group[at.group].auc));
    at.scope = EIN_METRIC_GROUP_PAIR;
    for (int i = 0; i < n_groups * (n_groups - 1) / 2; i++) EIN_TRY(add_pair(m, at, group, &pair[i]));
    return EIN_OK;
}

ein_status ein_metrics_subgroups(ein_metrics *m, const ein_metrics_data *d) {
    for (int v = 0; v < m->n_variables; v++) {
        const int64_t n_groups = m->variable[v].n_groups;
        ein_subgroup *group = NULL;
        ein_subgroup_pair *pair = NULL;
        ein_status status = EIN_NEW(group, n_groups);
        if (status == EIN_OK) status = EIN_NEW(pair, n_groups * (n_groups - 1) / 2 + 1);
        for (int k = 0; k < d->n_models && status == EIN_OK; k++) status = analyse(m, d, v, k, group, pair);
        free(group);
        free(pair);
        EIN_TRY(status);
    }
    return EIN_OK;
}
