/* The bootstrap of every statistic of a label, shared by the ranks (replicates.h), which receive the records for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/regression.h"
#include "jobs/metrics/parts.h"
#include "jobs/metrics/replicates.h"
#include "mpi/watchdog.h"

enum { MOST_COLUMNS = 8192 };

typedef struct {
    int64_t n, n_models, n_thresholds, replicates, has_cluster, regression;
    uint64_t seed;
} shape;

typedef struct {
    ein_metrics_data d;
    double *odds; /* (n_thresholds, n_models) NaN: no net benefit */
} task;

/* --- metrics of a sample ----------------------------------------------------------------------------------- */

static ein_stats_value matthews(double tp, double fp, double fn, double tn) {
    const double margins = sqrt(tp + fp) * sqrt(tp + fn) * sqrt(tn + fp) * sqrt(tn + fn);
    return ein_stats_ratio(tp * tn - fp * fn, margins);
}

static void at_threshold(ein_stats_value value[3], const task *k, int threshold, int model,
                         const int32_t *count) {
    const ein_metrics_data *d = &k->d;
    const uint8_t *called = ein_data_called(d, threshold, model);
    int64_t cell[2][2] = {{0, 0}, {0, 0}}; /* label, called */
    for (int64_t i = 0; i < d->n; i++) cell[d->label[i]][called[i]] += count[i];
    const double tn = (double)cell[0][0], fp = (double)cell[0][1], fn = (double)cell[1][0],
                 tp = (double)cell[1][1];
    const double odds = k->odds[threshold * d->n_models + model];
    value[0] = ein_stats_ratio(2 * tp, 2 * tp + fp + fn);
    value[1] = matthews(tp, fp, fn, tn);
    value[2] = isfinite(odds) ? ein_stats_ratio(tp - fp * odds, tp + fp + fn + tn)
                              : ein_stats_unknown(EIN_STATS_SATURATED);
}

static ein_status binary_metric(ein_stats_value *value, const ein_bootstrap_sample *sample, void *context) {
    ein_watchdog_beat("resampling patients");
    const task *k = context;
    const ein_metrics_data *d = &k->d;
    for (int m = 0; m < d->n_models; m++) {
        const double *score = ein_data_score(d, m);
        const int64_t *order = d->order + (int64_t)m * d->n;
        value[ein_column_roc(m, 0)] = ein_roc_weighted_auc(order, score, d->label, sample->count, d->n);
        value[ein_column_roc(m, 1)] =
            ein_roc_weighted_pr(order, score, d->label, sample->count, d->n).average_precision;
        for (int t = 0; t < d->n_thresholds; t++)
            at_threshold(value + ein_column_threshold(d, t, m, 0), k, t, m, sample->count);
    }
    return EIN_OK;
}

static ein_stats_value value_of(ein_stats_interval x) {
    return (ein_stats_value){x.value, x.state};
}

/* What a regression's bootstrap and its estimates are, for one model. */
static ein_status regress(ein_stats_value value[EIN_REGRESSED_COUNT], const double *measured,
                          const double *predicted, int64_t n) {
    ein_regression_fit fit;
    ein_bland_altman limits;
    ein_correlations r;
    EIN_TRY(ein_regression_evaluate(&fit, measured, predicted, NULL, n, 0.95));
    EIN_TRY(ein_bland_altman_limits(&limits, measured, predicted, NULL, n, 0.95));
    EIN_TRY(ein_correlate(&r, measured, predicted, n, false, 0.95));
    value[EIN_REGRESSED_MAE] = value_of(fit.mae);
    value[EIN_REGRESSED_RMSE] = value_of(fit.rmse);
    value[EIN_REGRESSED_R2] = fit.r2;
    value[EIN_REGRESSED_SLOPE] = value_of(fit.slope);
    value[EIN_REGRESSED_INTERCEPT] = value_of(fit.intercept);
    value[EIN_REGRESSED_BIAS] = value_of(limits.bias);
    value[EIN_REGRESSED_LOWER] = value_of(limits.lower);
    value[EIN_REGRESSED_UPPER] = value_of(limits.upper);
    value[EIN_REGRESSED_PEARSON] = value_of(r.pearson);
    value[EIN_REGRESSED_SPEARMAN] = value_of(r.spearman);
    value[EIN_REGRESSED_KENDALL] = value_of(r.kendall);
    return EIN_OK;
}

static ein_status regression_metric(ein_stats_value *value, const ein_bootstrap_sample *sample,
                                    void *context) {
    ein_watchdog_beat("resampling patients");
    const ein_metrics_data *d = &((const task *)context)->d;
    const int64_t n = sample->n_records;
    double *measured;
    EIN_TRY(EIN_NEW(measured, 2 * n + 1));
    double *predicted = measured + n;
    ein_status status = EIN_OK;
    for (int64_t i = 0; i < n; i++) measured[i] = d->target[sample->record[i]];
    for (int m = 0; m < d->n_models && status == EIN_OK; m++) {
        const double *score = ein_data_score(d, m);
        for (int64_t i = 0; i < n; i++) predicted[i] = score[sample->record[i]];
        status = regress(value + (int64_t)m * EIN_REGRESSED_COUNT, measured, predicted, n);
    }
    free(measured);
    return status;
}

/* --- sharing the data -------------------------------------------------------------------------------------- */

static ein_status share_array(ein_comm *comm, void *pointer, int64_t bytes) {
    void **data = pointer;
    if (bytes == 0) return EIN_OK;
    return ein_comm_bcast_bytes(comm, data, &bytes);
}

static ein_status order_scores(ein_metrics_data *d) {
    EIN_TRY(EIN_NEW(d->order, d->n * d->n_models + 1));
    for (int m = 0; m < d->n_models; m++)
        EIN_TRY(ein_stats_order(d->order + m * d->n, ein_data_score(d, m), d->n));
    return EIN_OK;
}

/* Collective. Rank 0 has the task, the others receive it (and free it). */
static ein_status share_task(ein_comm *comm, task *k, const shape *s) {
    ein_metrics_data *d = &k->d;
    const bool first = ein_comm_rank(comm) == 0;
    const int64_t real = (int64_t)sizeof(double), cells = s->n_thresholds * s->n_models;
    d->n = s->n;
    d->n_models = (int)s->n_models;
    d->n_thresholds = (int)s->n_thresholds;
    EIN_TRY(share_array(comm, &d->score, s->n * s->n_models * real));
    if (s->has_cluster) EIN_TRY(share_array(comm, &d->cluster, s->n * (int64_t)sizeof *d->cluster));
    if (s->regression) return share_array(comm, &d->target, s->n * real);
    EIN_TRY(share_array(comm, &d->label, s->n));
    EIN_TRY(share_array(comm, &d->called, cells * s->n));
    EIN_TRY(share_array(comm, &k->odds, cells * real));
    return ein_comm_agree(comm, first ? EIN_OK : order_scores(d));
}

static void task_free(task *k) {
    free(k->d.score);
    free(k->d.order);
    free(k->d.label);
    free(k->d.target);
    free(k->d.cluster);
    free(k->d.called);
    free(k->odds);
}

/* --- running ----------------------------------------------------------------------------------------------- */

static ein_status run_task(ein_metrics_resampled *out, ein_comm *comm, task *k, const shape *s) {
    ein_bootstrap *plan = NULL;
    ein_status status = ein_bootstrap_new(&plan, k->d.cluster, s->n, s->seed);
    if (comm) status = ein_comm_agree(comm, status);
    if (status == EIN_OK) {
        const ein_replicates r = {comm, plan, s->regression ? regression_metric : binary_metric, k,
                                  out->columns};
        const int64_t clusters = ein_bootstrap_clusters(plan);
        out->n_replicates = s->replicates;
        out->n_groups = clusters < 2                            ? 0
                        : clusters < EIN_METRICS_JACKKNIFE_MOST ? clusters
                                                                : EIN_METRICS_JACKKNIFE_MOST;
        status = ein_replicates_run(&r, out->n_replicates, 0, &out->replicate);
        if (status == EIN_OK && out->n_groups)
            status = ein_replicates_run(&r, out->n_groups, out->n_groups, &out->jackknife);
    }
    ein_bootstrap_destroy(plan);
    return status;
}

static ein_status share_shape(ein_comm *comm, shape *s) {
    return ein_comm_check(MPI_Bcast(s, (int)sizeof *s, MPI_BYTE, 0, ein_comm_mpi(comm)),
                          "sharing the bootstrap");
}

ein_status ein_metrics_resample(ein_metrics_resampled *out, ein_comm *comm, const ein_metrics_data *data,
                                const double *odds, int64_t replicates, uint64_t seed) {
    shape s = {0};
    task k = {0};
    *out = (ein_metrics_resampled){0};
    if (data) {
        k.d = *data;
        k.odds = (double *)(uintptr_t)odds;
        s = (shape){data->n,    data->n_models,        data->n_thresholds,
                    replicates, data->cluster != NULL, data->target != NULL,
                    seed};
    }
    if (comm) EIN_TRY(share_shape(comm, &s));
    const int64_t columns =
        s.regression ? s.n_models * EIN_REGRESSED_COUNT : s.n_models * (2 + 3 * s.n_thresholds);
    if (columns > MOST_COLUMNS)
        return ein_error(EIN_RANGE,
                         "%lld models with %lld thresholds: %lld values per bootstrap replicate, at most %d",
                         (long long)s.n_models, (long long)s.n_thresholds, (long long)columns, MOST_COLUMNS);
    if (s.n < 1 || s.replicates < 1) return EIN_OK;
    out->columns = (int)columns;
    ein_status status = comm ? share_task(comm, &k, &s) : EIN_OK;
    if (status == EIN_OK) status = run_task(out, comm, &k, &s);
    if (!data) task_free(&k);
    return status;
}

void ein_metrics_resampled_free(ein_metrics_resampled *r) {
    free(r->replicate);
    free(r->jackknife);
    *r = (ein_metrics_resampled){0};
}

/* --- summaries --------------------------------------------------------------------------------------------- */

static void take_column(ein_stats_value *to, const ein_stats_value *from, int64_t rows, int columns,
                        int column, int minus) {
    for (int64_t i = 0; i < rows; i++) {
        const ein_stats_value *row = from + i * columns;
        to[i] = minus < 0 ? row[column] : ein_stats_difference(row[column], row[minus]);
    }
}

/* Summary of column c, or with minus >= 0 of the difference of columns c - minus. */
static ein_status summarise(ein_bootstrap_result *out, const ein_metrics *m, const ein_metrics_resampled *r,
                            ein_stats_value estimate, int column, int minus) {
    ein_stats_value *value;
    ein_bootstrap_options options = EIN_BOOTSTRAP_DEFAULTS;
    options.level = m->options.level;
    EIN_TRY(EIN_NEW(value, r->n_replicates + r->n_groups + 1));
    ein_stats_value *jackknife = value + r->n_replicates;
    take_column(value, r->replicate, r->n_replicates, r->columns, column, minus);
    take_column(jackknife, r->jackknife, r->n_groups, r->columns, column, minus);
    const ein_status status = ein_bootstrap_summarise(
        out, estimate, value, 1, r->n_replicates, r->n_groups ? jackknife : NULL, 1, r->n_groups, options);
    free(value);
    return status;
}

ein_status ein_metrics_add_bootstrap(ein_metrics *m, ein_metric at, const ein_metrics_resampled *r,
                                     const char *name, bool own_row, ein_stats_value estimate, int column,
                                     int minus) {
    static const char percentile[] = "patient bootstrap, percentile", bca[] = "patient bootstrap, BCa";
    ein_bootstrap_result b;
    char suffixed[96];
    if (r->n_replicates == 0) return own_row ? ein_metrics_add_value(m, at, name, "", estimate) : EIN_OK;
    EIN_TRY(summarise(&b, m, r, estimate, column, minus));
    at.replicates = b.n_replicates;
    at.undefined = b.n_undefined;
    snprintf(suffixed, sizeof suffixed, "%s_percentile", name);
    EIN_TRY(ein_metrics_add_interval(m, at, own_row ? name : suffixed, percentile, b.percentile));
    snprintf(suffixed, sizeof suffixed, "%s_bca", name);
    return ein_metrics_add_interval(m, at, suffixed, bca, b.bca);
}
