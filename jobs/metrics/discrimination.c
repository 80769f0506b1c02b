/* AUROC, precision and recall, and the descriptive operating points of each model; comparisons of all pairs. */
#include <stdlib.h>

#include "jobs/metrics/parts.h"

static ein_roc_options roc_options(const ein_metrics *m) {
    return (ein_roc_options){m->variance, m->options.level, m->options.min_clusters};
}

static const char *variance_method(const ein_metrics *m) {
    return m->variance == EIN_ROC_CLUSTERED ? "clustered by patient (Obuchowski 1997), Wald"
                                            : "DeLong 1988, Wald";
}

static const char *logit_method(const ein_metrics *m) {
    return m->variance == EIN_ROC_CLUSTERED ? "clustered by patient (Obuchowski 1997), on the logit scale"
                                            : "DeLong 1988, on the logit scale";
}

static ein_stats_value value_of(ein_stats_interval x) {
    return (ein_stats_value){x.value, x.state};
}

/* --- one model --------------------------------------------------------------------------------------------- */

static ein_status add_auroc(ein_metrics *m, ein_metric at, const ein_metrics_resampled *r,
                            const ein_roc_result *auc) {
    EIN_TRY(ein_metrics_add_interval(m, at, "auroc", variance_method(m), auc->auc));
    EIN_TRY(ein_metrics_add_interval(m, at, "auroc_logit", logit_method(m),
                                     ein_metrics_limits(auc->auc.value, auc->auc.state, auc->logit_lower,
                                                        auc->logit_upper, auc->auc.interval_state)));
    EIN_TRY(ein_metrics_add_bootstrap(m, at, r, "auroc", false, value_of(auc->auc),
                                      ein_column_roc(at.first, 0), -1));
    return ein_metrics_add_value(m, at, "mann_whitney_u", "pairs ranked rightly, ties one half", auc->u);
}

static ein_status add_precision(ein_metrics *m, ein_metric at, const ein_metrics_resampled *r,
                                const ein_metrics_data *d) {
    const ein_roc_pr pr =
        ein_roc_weighted_pr(d->order + at.first * d->n, ein_data_score(d, at.first), d->label, NULL, d->n);
    EIN_TRY(ein_metrics_add_bootstrap(m, at, r, "average_precision", true, pr.average_precision,
                                      ein_column_roc(at.first, 1), -1));
    return ein_metrics_add_value(m, at, "pr_trapezoid", "trapezoid rule: optimistic, for comparison",
                                 pr.trapezoid);
}

static ein_status add_point(ein_metrics *m, ein_metric at, const ein_metrics_data *d,
                            ein_threshold_rule rule) {
    static const char *const names[2][3] = {
        {"descriptive_youden_threshold", "descriptive_youden_sensitivity", "descriptive_youden_specificity"},
        {"descriptive_closest_threshold", "descriptive_closest_sensitivity",
         "descriptive_closest_specificity"}};
    static const char *const methods[2] = {
        "largest sensitivity + specificity - 1 in these records: optimistic, no threshold to use",
        "closest to sensitivity 1, specificity 1 in these records: optimistic, no threshold to use"};
    ein_threshold_choice c;
    EIN_TRY(ein_threshold_choose(&c, ein_data_score(d, at.first), d->label, d->n, rule));
    const double value[3] = {c.threshold, c.sensitivity, c.specificity};
    for (int i = 0; i < 3; i++) {
        const ein_stats_value v = {c.state == EIN_STATS_ESTIMABLE ? value[i] : NAN, c.state};
        EIN_TRY(ein_metrics_add_value(m, at, names[rule][i], methods[rule], v));
    }
    return EIN_OK;
}

ein_status ein_metrics_discrimination(ein_metrics *m, const ein_metrics_data *d,
                                      const ein_metrics_resampled *r) {
    for (int k = 0; k < d->n_models; k++) {
        const ein_metric at = ein_metric_at(m, EIN_METRIC_MODEL, k, -1);
        ein_roc_result auc;
        EIN_TRY(ein_roc_auc(&auc, ein_data_score(d, k), d->label, d->cluster, d->n, roc_options(m)));
        EIN_TRY(add_auroc(m, at, r, &auc));
        EIN_TRY(add_precision(m, at, r, d));
        /* An infinite score is no threshold that could be written down. */
        if (m->model[k].n_infinite) continue;
        EIN_TRY(add_point(m, at, d, EIN_THRESHOLD_YOUDEN));
        EIN_TRY(add_point(m, at, d, EIN_THRESHOLD_CLOSEST));
    }
    return EIN_OK;
}

/* --- two models -------------------------------------------------------------------------------------------- */

/* The same records, so the difference of losses has its own variance over patients. */
static ein_status add_brier(ein_metrics *m, ein_metric at, const ein_metrics_data *d) {
    double *loss;
    if (!m->model[at.first].probability || !m->model[at.second].probability) return EIN_OK;
    const double *p = ein_data_score(d, at.first), *q = ein_data_score(d, at.second);
    EIN_TRY(EIN_NEW(loss, d->n + 1));
    for (int64_t i = 0; i < d->n; i++) {
        const double y = d->label[i];
        loss[i] = (p[i] - y) * (p[i] - y) - (q[i] - y) * (q[i] - y);
    }
    ein_stats_interval mean;
    const ein_status status = ein_stats_mean(&mean, loss, d->cluster, d->n, m->options.level);
    free(loss);
    EIN_TRY(status);
    at.has_test = true;
    if (mean.interval_state != EIN_STATS_ESTIMABLE)
        at.test = ein_stats_no_test(mean.interval_state);
    else if (!(mean.variance > 0)) {
        at.test = ein_stats_no_test(mean.value == 0 ? EIN_STATS_IDENTICAL : EIN_STATS_ZERO_VARIANCE);
        mean = ein_stats_point(mean.value, at.test.state);
    } else
        at.test = ein_stats_z_test(mean.value / mean.se, (double)(m->counts.n_clusters - 1));
    return ein_metrics_add_interval(
        m, at, "brier_difference",
        m->counts.clustered ? "variance over patients, t" : "variance over records, t", mean);
}

static ein_stats_value precision_of(const ein_metrics_data *d, int model) {
    return ein_roc_weighted_pr(d->order + model * d->n, ein_data_score(d, model), d->label, NULL, d->n)
        .average_precision;
}

static ein_status compare_pair(ein_metrics *m, const ein_metrics_data *d, const ein_metrics_resampled *r,
                               int a, int b) {
    ein_metric at = ein_metric_at(m, EIN_METRIC_PAIR, a, b);
    ein_roc_comparison c;
    EIN_TRY(ein_roc_compare_paired(&c, ein_data_score(d, a), ein_data_score(d, b), d->label, d->cluster, d->n,
                                   roc_options(m)));
    ein_metric tested = at;
    tested.has_test = true;
    tested.test = c.test;
    EIN_TRY(ein_metrics_add_interval(m, tested, "auroc_difference", variance_method(m), c.difference));
    EIN_TRY(ein_metrics_add_bootstrap(m, at, r, "auroc_difference", false, value_of(c.difference),
                                      ein_column_roc(a, 0), ein_column_roc(b, 0)));
    EIN_TRY(ein_metrics_add_value(m, at, "auroc_covariance", variance_method(m), c.covariance));
    EIN_TRY(ein_metrics_add_bootstrap(m, at, r, "average_precision_difference", true,
                                      ein_stats_difference(precision_of(d, a), precision_of(d, b)),
                                      ein_column_roc(a, 1), ein_column_roc(b, 1)));
    return add_brier(m, at, d);
}

ein_status ein_metrics_compare(ein_metrics *m, const ein_metrics_data *d, const ein_metrics_resampled *r) {
    const int64_t first = m->n_rows;
    for (int a = 0; a < d->n_models; a++)
        for (int b = a + 1; b < d->n_models; b++) EIN_TRY(compare_pair(m, d, r, a, b));
    EIN_TRY(ein_metrics_adjust(m, first, "auroc_difference"));
    return ein_metrics_adjust(m, first, "brier_difference");
}
