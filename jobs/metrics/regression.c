/* Agreement of predictions with a measured quantity, per model and between all pairs of models. */
#include <stdlib.h>

#include "core/stats/regression.h"
#include "jobs/metrics/parts.h"

typedef struct {
    ein_regression_fit fit;
    ein_bland_altman limits;
    ein_correlations r;
} agreement;

static ein_status agree(agreement *out, const ein_metrics *m, const ein_metrics_data *d, int model) {
    const double *predicted = ein_data_score(d, model), level = m->options.level;
    EIN_TRY(ein_regression_evaluate(&out->fit, d->target, predicted, d->cluster, d->n, level));
    EIN_TRY(ein_bland_altman_limits(&out->limits, d->target, predicted, d->cluster, d->n, level));
    return ein_correlate(&out->r, d->target, predicted, d->n, m->counts.clustered, level);
}

/* The formula's interval, and behind it the bootstrap's; where the formula has none because patients repeat, the
 * bootstrap's percentile interval takes the name. */
static ein_status add_both(ein_metrics *m, ein_metric at, const ein_metrics_resampled *r, const char *name,
                           const char *method, ein_stats_interval x, int column) {
    const ein_stats_value value = {x.value, x.state};
    const bool only = x.interval_state == EIN_STATS_CLUSTERED && r->n_replicates > 0;
    if (!only) EIN_TRY(ein_metrics_add_interval(m, at, name, method, x));
    if (only) at.has_test = false;
    return ein_metrics_add_bootstrap(m, at, r, name, only, value, at.first * EIN_REGRESSED_COUNT + column,
                                     -1);
}

static ein_status add_errors(ein_metrics *m, ein_metric at, const ein_metrics_resampled *r,
                             const agreement *a) {
    const int base = at.first * EIN_REGRESSED_COUNT;
    const char *mean = m->counts.clustered ? "variance over patients, t" : "variance over records, t";
    EIN_TRY(add_both(m, at, r, "mae", mean, a->fit.mae, EIN_REGRESSED_MAE));
    EIN_TRY(add_both(m, at, r, "rmse", mean, a->fit.rmse, EIN_REGRESSED_RMSE));
    EIN_TRY(ein_metrics_add_bootstrap(m, at, r, "r2", true, a->fit.r2, base + EIN_REGRESSED_R2, -1));
    EIN_TRY(add_both(m, at, r, "slope", "predicted on measured, least squares, t", a->fit.slope,
                     EIN_REGRESSED_SLOPE));
    EIN_TRY(add_both(m, at, r, "intercept", "predicted on measured, least squares, t", a->fit.intercept,
                     EIN_REGRESSED_INTERCEPT));
    EIN_TRY(add_both(m, at, r, "bias", mean, a->limits.bias, EIN_REGRESSED_BIAS));
    EIN_TRY(ein_metrics_add_value(m, at, "difference_sd", "of predicted - measured", a->limits.sd));
    EIN_TRY(add_both(m, at, r, "limit_of_agreement_lower", "Bland & Altman 1999, t", a->limits.lower,
                     EIN_REGRESSED_LOWER));
    return add_both(m, at, r, "limit_of_agreement_upper", "Bland & Altman 1999, t", a->limits.upper,
                    EIN_REGRESSED_UPPER);
}

static ein_status add_correlations(ein_metrics *m, ein_metric at, const ein_metrics_resampled *r,
                                   const ein_correlations *c) {
    at.has_test = true;
    at.test = c->pearson_test;
    EIN_TRY(add_both(m, at, r, "pearson", "Fisher's z", c->pearson, EIN_REGRESSED_PEARSON));
    at.test = c->spearman_test;
    EIN_TRY(add_both(m, at, r, "spearman", "Fisher's z (Bonett & Wright 2000)", c->spearman,
                     EIN_REGRESSED_SPEARMAN));
    at.test = c->kendall_test;
    return add_both(m, at, r, "kendall", "tau-b, Fisher's z (Fieller 1957)", c->kendall,
                    EIN_REGRESSED_KENDALL);
}

/* --- two models -------------------------------------------------------------------------------------------- */

static ein_status mean_error_difference(ein_stats_interval *out, const ein_metrics *m,
                                        const ein_metrics_data *d, int a, int b) {
    const double *p = ein_data_score(d, a), *q = ein_data_score(d, b);
    double *difference;
    EIN_TRY(EIN_NEW(difference, d->n + 1));
    for (int64_t i = 0; i < d->n; i++) difference[i] = fabs(p[i] - d->target[i]) - fabs(q[i] - d->target[i]);
    const ein_status status = ein_stats_mean(out, difference, d->cluster, d->n, m->options.level);
    free(difference);
    return status;
}

static ein_status compare_pair(ein_metrics *m, const ein_metrics_data *d, const ein_metrics_resampled *r,
                               const agreement *all, int a, int b) {
    static const struct {
        const char *name;
        int column;
    } more[] = {{"rmse_difference", EIN_REGRESSED_RMSE},
                {"r2_difference", EIN_REGRESSED_R2},
                {"pearson_difference", EIN_REGRESSED_PEARSON}};
    ein_metric at = ein_metric_at(m, EIN_METRIC_PAIR, a, b), tested = at;
    ein_stats_interval mae;
    EIN_TRY(mean_error_difference(&mae, m, d, a, b));
    tested.has_test = true;
    if (mae.interval_state != EIN_STATS_ESTIMABLE) {
        tested.test = ein_stats_no_test(mae.interval_state);
    } else if (!(mae.variance > 0)) {
        tested.test = ein_stats_no_test(mae.value == 0 ? EIN_STATS_IDENTICAL : EIN_STATS_ZERO_VARIANCE);
        mae = ein_stats_point(mae.value, tested.test.state);
    } else {
        tested.test = ein_stats_z_test(mae.value / mae.se, (double)(m->counts.n_clusters - 1));
    }
    EIN_TRY(ein_metrics_add_interval(
        m, tested, "mae_difference",
        m->counts.clustered ? "variance over patients, t" : "variance over records, t", mae));
    const ein_stats_value values[2][3] = {{{all[a].fit.rmse.value, all[a].fit.rmse.state},
                                           all[a].fit.r2,
                                           {all[a].r.pearson.value, all[a].r.pearson.state}},
                                          {{all[b].fit.rmse.value, all[b].fit.rmse.state},
                                           all[b].fit.r2,
                                           {all[b].r.pearson.value, all[b].r.pearson.state}}};
    for (int i = 0; i < 3; i++)
        EIN_TRY(ein_metrics_add_bootstrap(
            m, at, r, more[i].name, true, ein_stats_difference(values[0][i], values[1][i]),
            a * EIN_REGRESSED_COUNT + more[i].column, b * EIN_REGRESSED_COUNT + more[i].column));
    return EIN_OK;
}

ein_status ein_metrics_regressions(ein_metrics *m, const ein_metrics_data *d,
                                   const ein_metrics_resampled *r) {
    agreement *all;
    EIN_TRY(EIN_NEW(all, d->n_models));
    ein_status status = EIN_OK;
    for (int k = 0; k < d->n_models && status == EIN_OK; k++) {
        const ein_metric at = ein_metric_at(m, EIN_METRIC_MODEL, k, -1);
        status = agree(&all[k], m, d, k);
        if (status == EIN_OK) status = add_errors(m, at, r, &all[k]);
        if (status == EIN_OK) status = add_correlations(m, at, r, &all[k].r);
    }
    const int64_t first = m->n_rows;
    for (int a = 0; a < d->n_models; a++)
        for (int b = a + 1; b < d->n_models && status == EIN_OK; b++)
            status = compare_pair(m, d, r, all, a, b);
    if (status == EIN_OK) status = ein_metrics_adjust(m, first, "mae_difference");
    free(all);
    return status;
}
