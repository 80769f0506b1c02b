/* Inside of the statistics of a label: for the files of jobs/metrics only.
 *
 * metrics.c copies and screens what the caller gave (ein_metrics_data), the parts add rows (rows.c) to the result, and
 * json.c, csv.c and print.c turn rows into what people and programs read.
 */
#ifndef EIN_JOBS_METRICS_PARTS_H
#define EIN_JOBS_METRICS_PARTS_H

#include "core/stats/bootstrap.h"
#include "core/stats/calibration.h"
#include "core/stats/subgroup.h"
#include "core/stats/threshold.h"
#include "jobs/metrics/metric.h"
#include "mpi/comm.h"

/* --- the result ------------------------------------------------------------------------------------------ */

enum { EIN_METRICS_BINS = 10, EIN_METRICS_JACKKNIFE_MOST = 250 };

typedef struct {
    const char *name;
    bool probability; /* its scores are probabilities */
    int64_t n_nan, n_infinite,
        n_clamped;   /* records without a score; infinite scores; brought back into [0, 1] */
    bool calibrated; /* it brings a calibration along */
    /* Of scores and of calibrated probabilities: equal width, equal mass; only if probability, only if calibrated. */
    ein_calibration_bin bin[2][EIN_METRICS_BINS], calibrated_bin[2][EIN_METRICS_BINS];
} ein_metrics_model;

typedef struct {
    const char *name;
    int n_groups;
    const char **group_name; /* (n_groups) */
    int64_t unassigned;      /* kept records whose group is not known */
} ein_metrics_groups;

typedef struct ein_metrics {
    bool regression;
    const char *task, *label_name, *cohort;
    ein_metrics_options options;
    ein_metrics_counts counts;
    ein_roc_variance variance; /* the one used */
    bool has_patients;         /* the caller named patients */
    int n_models, n_thresholds, n_variables;
    ein_metrics_model *model;    /* (n_models) */
    const char **threshold_name; /* (n_thresholds) */
    double *threshold;           /* (n_thresholds, n_models) */
    ein_metrics_groups *variable;
    int64_t n_jackknife; /* groups of patients left out in turn; 0: no BCa */
    int64_t n_excluded;
    const char **excluded;    /* (n_excluded) ids */
    uint8_t *excluded_reason; /* (n_excluded) */
    ein_metric *row;
    int64_t n_rows, room;
    char **text; /* every text above and in the rows, to be freed */
    int64_t n_texts, text_room;
} ein_metrics;

/* A text of the result's own. */
ein_status ein_metrics_keep(ein_metrics *m, const char **out, const char *format, ...) EIN_PRINTF(3, 4);

/* --- the records that are analysed ----------------------------------------------------------------------- */

typedef struct {
    int64_t n;
    int n_models, n_thresholds;
    double *score;      /* (n_models, n) */
    double *calibrated; /* (n_models, n) of those that are; NULL: none is */
    int64_t *order;     /* (n_models, n) ein_stats_order of each score; NULL for regression */
    int8_t *label;      /* (n); NULL for regression */
    double *target;     /* (n); NULL for binary */
    uint64_t *cluster;  /* (n) */
    int32_t *group;     /* (n_variables, n) */
    uint8_t *called;    /* (n_thresholds, n_models, n) score >= threshold */
} ein_metrics_data;

static inline const double *ein_data_score(const ein_metrics_data *d, int model) {
    return d->score + (int64_t)model * d->n;
}
static inline const uint8_t *ein_data_called(const ein_metrics_data *d, int threshold, int model) {
    return d->called + ((int64_t)threshold * d->n_models + model) * d->n;
}

/* --- rows ------------------------------------------------------------------------------------------------ */

/* A row about one model (second -1) or two, with the numbers of all records. */
ein_metric ein_metric_at(const ein_metrics *m, ein_metric_scope scope, int first, int second);

/* Add a row like `at` under a name; `method` is kept by reference: a literal or a text of the result. */
ein_status ein_metrics_add_value(ein_metrics *m, ein_metric at, const char *name, const char *method,
                                 ein_stats_value value);
ein_status ein_metrics_add_interval(ein_metrics *m, ein_metric at, const char *name, const char *method,
                                    ein_stats_interval value);
/* With what `at` already holds: estimate, test and so on. */
ein_status ein_metrics_add(ein_metrics *m, ein_metric at, const char *name, const char *method);

/* Adjust the p values of rows [first, n_rows) named `name` (without its "@threshold") as one family. */
ein_status ein_metrics_adjust(ein_metrics *m, int64_t first, const char *name);

/* An interval of limits alone. */
ein_stats_interval ein_metrics_limits(double value, ein_stats_state state, double lower, double upper,
                                      ein_stats_state interval_state);

/* --- the parts ------------------------------------------------------------------------------------------- */

/* Replicates and leave-out values of all bootstrapped metrics: column c of replicate r at replicate[r * columns + c].
 * Binary: per model AUROC, average precision; then per threshold and model F1, MCC, net benefit. Regression: per model
 * the EIN_REGRESSED. */
typedef struct {
    int columns;
    int64_t n_replicates, n_groups;
    ein_stats_value *replicate; /* (n_replicates, columns) */
    ein_stats_value *jackknife; /* (n_groups, columns) */
} ein_metrics_resampled;

enum { /* columns of a regression */
       EIN_REGRESSED_MAE,
       EIN_REGRESSED_RMSE,
       EIN_REGRESSED_R2,
       EIN_REGRESSED_SLOPE,
       EIN_REGRESSED_INTERCEPT,
       EIN_REGRESSED_BIAS,
       EIN_REGRESSED_LOWER,
       EIN_REGRESSED_UPPER,
       EIN_REGRESSED_PEARSON,
       EIN_REGRESSED_SPEARMAN,
       EIN_REGRESSED_KENDALL,
       EIN_REGRESSED_COUNT
};

static inline int ein_column_roc(int model, int which) {
    return 2 * model + which;
}
static inline int ein_column_threshold(const ein_metrics_data *d, int threshold, int model, int which) {
    return 2 * d->n_models + 3 * (threshold * d->n_models + model) + which;
}

/* Collective over `comm` (NULL: alone): rank 0 gives data and result, the others data NULL; `odds` (n_thresholds,
 * n_models) are those of net benefit. Rank 0 gets the values. */
ein_status ein_metrics_resample(ein_metrics_resampled *out, ein_comm *comm, const ein_metrics_data *data,
                                const double *odds, int64_t replicates, uint64_t seed);
void ein_metrics_resampled_free(ein_metrics_resampled *r);

/* Rows NAME_percentile and NAME_bca, or one row NAME with the percentile interval and NAME_bca. Nothing if there is no
 * bootstrap and `own_row` is false; the bare value if it is true. */
ein_status ein_metrics_add_bootstrap(ein_metrics *m, ein_metric at, const ein_metrics_resampled *r,
                                     const char *name, bool own_row, ein_stats_value estimate, int column,
                                     int minus);

ein_status ein_metrics_discrimination(ein_metrics *m, const ein_metrics_data *d,
                                      const ein_metrics_resampled *r);
ein_status ein_metrics_calibration(ein_metrics *m, const ein_metrics_data *d);
ein_status ein_metrics_decisions(ein_metrics *m, const ein_metrics_data *d, const ein_metrics_resampled *r);
ein_status ein_metrics_compare(ein_metrics *m, const ein_metrics_data *d, const ein_metrics_resampled *r);
ein_status ein_metrics_compare_decisions(ein_metrics *m, const ein_metrics_data *d);
ein_status ein_metrics_subgroups(ein_metrics *m, const ein_metrics_data *d);
ein_status ein_metrics_regressions(ein_metrics *m, const ein_metrics_data *d, const ein_metrics_resampled *r);

/* Lines on how the numbers were made; each begins with its subject. `line` is called for each. */
void ein_metrics_each_method(const ein_metrics *m, void (*line)(const char *text, void *context),
                             void *context);

#endif
