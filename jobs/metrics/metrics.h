/* Every statistic of one label for the scores of one or more models: records in memory in, one result out, which
 * becomes JSON, rows of a CSV table, and text for people.
 *
 *     ein_metrics_options options = EIN_METRICS_DEFAULTS;
 *     ein_metrics_input in = {.label_name = "af", .cohort = "test", .n = n, .record = id, .cluster = patient,
 *                             .n_models = 1, .model = names, .score = scores, .label = label};
 *     ein_metrics *m;
 *     EIN_TRY(ein_metrics_binary(&m, comm, &in, &options));        or ein_metrics_regression with .target
 *     if (m) { ein_metrics_print(m, stdout); ... ein_metrics_destroy(m); }      m is NULL on ranks other than 0
 *
 * A record without label (target) or without a number from every model is counted, listed with its reason and left
 * out of all statistics, so that models are compared on the same records; nothing else is left out.  Records are
 * worked on in the order of their ids, or without ids in the order of their content, so the order of the input does
 * not matter; with one or many ranks and threads the result has the same bits.  Equal scores are never told apart.
 * What a record or a patient is called decides only which of many equally good draws the bootstrap makes.
 *
 * What is computed.  Binary: AUROC (clustered by patient as soon as one repeats, else DeLong; Wald and logit
 * intervals; patient bootstrap, percentile and BCa), average precision and trapezoid; if the scores are
 * probabilities Brier score, log loss, ECE, MCE, recalibration, ICI, E50, E90, Emax, Spiegelhalter; the same, as
 * "calibrated_brier" and so on, of the probabilities after calibration of models that bring one along; at the given
 * thresholds the confusion matrix, sensitivity, specificity, PPV, NPV, accuracy (Wilson, Clopper-Pearson, and Wilson
 * with the design effect of repeated patients), F1, MCC, net benefit; the Youden and closest-to-(1, 1) points of these
 * records, described as such and used for nothing; all pairs of models with DeLong's or the clustered test, bootstrap
 * differences and McNemar's test (accuracy, sensitivity, specificity, rate of positive calls); AUROC per subgroup with
 * the differences of all pairs of groups. Regression: MAE, RMSE, R2, line, correlations, bias and limits of agreement,
 * with patient bootstrap. The conventions are those of core/stats/common.h: a statistic that does not exist is a state
 * with its reason.
 */
#ifndef EIN_JOBS_METRICS_METRICS_H
#define EIN_JOBS_METRICS_METRICS_H

#include <jansson.h>
#include <stdio.h>

#include "io/formats/csv.h"
#include "jobs/metrics/metric.h"
#include "mpi/comm.h"

/* --- what goes in ---------------------------------------------------------------------------------------- */

/* A variable that divides the records. A group without records is fine. */
typedef struct {
    const char *name; /* "sex" */
    int n_groups;
    const char *const *group_name; /* (n_groups) "female", "male" */
    const int32_t *group;          /* (n) 0 .. n_groups-1; -1: not known */
} ein_metrics_variable;

/* A decision rule from outside these records: a record is called positive when its score >= value. */
typedef struct {
    const char *name;    /* "0.5", "validation_youden": unique */
    const double *value; /* (n_models); NaN: this model has none */
} ein_metrics_threshold;

typedef struct {
    const char *task, *label_name, *cohort; /* for the outputs; NULL is "" */
    int64_t n;
    const char *const
        *record;     /* (n) ids, unique; NULL: none, messages say "1", "2", ... in the order given */
    bool by_content; /* `record` tells places ("line 7"), not records: they are used in messages alone */
    const uint64_t *cluster; /* (n) patient keys; NULL: every record is a patient of its own */
    const uint8_t *
        alone; /* (n) 1: the patient is not known, so the record is one of its own; its key is not read, other
                             keys are less than 2^63. NULL: all are known */
    int n_models;
    const char *const *model;   /* (n_models) names, unique */
    const double *const *score; /* (n_models)(n); NaN: none */
    /* (n_models)(n) probabilities after the calibration that a model brings along, in (0, 1) where it has a score, or
     * NULL for a model without; NULL: none has. For ein_metrics_binary. */
    const double *const *calibrated;
    const int8_t *label;  /* (n) 0, 1, EIN_LABEL_MISSING; for ein_metrics_binary */
    const double *target; /* (n), NaN: missing; for ein_metrics_regression */
    int n_variables;
    const ein_metrics_variable *variable; /* (n_variables); not for regression */
    int n_thresholds;
    const ein_metrics_threshold *threshold; /* (n_thresholds); not for regression */
} ein_metrics_input;

/* --- the call -------------------------------------------------------------------------------------------- */

typedef struct ein_metrics ein_metrics;

/* Compute everything. Collective over `comm`, whose ranks share the bootstrap: rank 0 gives the input and gets the
 * result, on other ranks `in` is not looked at and *out is NULL; all ranks return the same status.  `comm` NULL:
 * this process alone.  The result copies all names.
 * EIN_FORMAT: a record id twice; EIN_RANGE: sizes, level, a label or group out of range, scores outside [0, 1] that
 * shall be probabilities; EIN_NUMERIC: an infinite target or prediction of a regression; EIN_NOMEM. */
ein_status ein_metrics_binary(ein_metrics **out, ein_comm *comm, const ein_metrics_input *in,
                              const ein_metrics_options *options);
ein_status ein_metrics_regression(ein_metrics **out, ein_comm *comm, const ein_metrics_input *in,
                                  const ein_metrics_options *options);
void ein_metrics_destroy(ein_metrics *metrics); /* NULL is fine */

/* --- what comes out -------------------------------------------------------------------------------------- */

/* All statistics, in a fixed order. */
int64_t ein_metrics_count(const ein_metrics *metrics);
const ein_metric *ein_metrics_row(const ein_metrics *metrics, int64_t index);

/* The row with these texts, or NULL: ein_metrics_find(m, "A", "", "auroc"), (m, "A - B", "", "auroc_difference"),
 * (m, "A", "sex=female", "auroc"), (m, "A", "", "sensitivity@0.5"). */
const ein_metric *ein_metrics_find(const ein_metrics *metrics, const char *model, const char *group_text,
                                   const char *metric);

ein_metrics_counts ein_metrics_counted(const ein_metrics *metrics);

/* The names given. */
const char *ein_metrics_label_name(const ein_metrics *metrics);
const char *ein_metrics_cohort(const ein_metrics *metrics);

/* The records left out, in order of id, or of the input where there are no ids; reason is
 * EIN_SCREEN_MISSING_LABEL | EIN_SCREEN_NAN_SCORE bits. */
int64_t ein_metrics_excluded_count(const ein_metrics *metrics);
const char *ein_metrics_excluded(const ein_metrics *metrics, int64_t index, unsigned *reason);
const char *ein_metrics_reason_text(const ein_metrics *metrics, unsigned reason);

/* A JSON object (caller's reference) with everything: counts, methods, models, comparisons, subgroups, calibration
 * bins.  At most `listed` excluded records are named in it; 0 keeps record ids out.  Dump it with
 * JSON_REAL_PRECISION(17).  What is not estimable is {"value": null, "state": "one_class", "reason": "..."}. */
ein_status ein_metrics_json(const ein_metrics *metrics, int64_t listed, json_t **out);

/* The columns of the CSV table: task, label, cohort, model, group, metric, value, lower, upper, se, p, n, n_positive,
 * method, state, then statistic, df, p_adjusted.  `state` is "estimable" or the first reason why value, interval or
 * test is missing. */
enum { EIN_METRICS_COLUMNS = 18 };
extern const char *const ein_metrics_columns[EIN_METRICS_COLUMNS];
void ein_metrics_csv(const ein_metrics *metrics, ein_csv_writer *writer);

/* One statistic from elsewhere as a row of the same table. `row` needs all texts, also .group_text. */
void ein_metrics_csv_row(ein_csv_writer *writer, const char *task, const char *label, const char *cohort,
                         const ein_metric *row);

/* A table that a clinician can read, and how the numbers were made. */
void ein_metrics_print(const ein_metrics *metrics, FILE *stream);
void ein_metrics_print_methods(const ein_metrics *metrics, FILE *stream);

#endif
