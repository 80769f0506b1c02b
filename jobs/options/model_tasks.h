/* What the outputs of an adapted model mean, as its file says it: metadata `einthoven.tasks`, a JSON object
 *
 *     {"version": 1,
 *      "tasks":   YAML text of the tasks (io/tasks/tasks.h), with every statement named,
 *      "targets": [{"name", "mean", "sd", "positive_weight",
 *                   "validation": {"positive", "negative", "auroc", "youden", "closest"},
 *                   "calibration": {...}}, ...]}
 *
 * in the order of the tasks and of their targets.  Mean and SD are those that a regression was trained with.
 * Thresholds were chosen on validation records: where sensitivity + specificity is greatest (youden), and nearest to
 * perfect (closest); null where there is none.  They come with the model, so no test record was used to choose them.
 * `calibration` (jobs/options/calibrate.h) is a map from the target's logit to a probability, fitted on the same
 * records; earlier files have none, and earlier programs pass it over.
 */
#ifndef EIN_JOBS_OPTIONS_MODEL_TASKS_H
#define EIN_JOBS_OPTIONS_MODEL_TASKS_H

#include "core/nn/head.h"
#include "io/tasks/targets.h"
#include "io/tasks/tasks.h"
#include "jobs/options/calibrate.h"

typedef struct {
    int64_t positive,
        negative; /* validation records with a known label; regression: known ones as positive */
    double auroc, youden, closest; /* NaN where there is none */
} ein_model_threshold;

typedef struct {
    ein_tasks tasks;
    int n_tasks, n_targets, n_outputs;
    ein_head_task *head;                 /* (n_tasks) */
    char **name;                         /* (n_targets), unique within a task; "" never */
    int *task_of;                        /* (n_targets) */
    double *mean, *sd, *positive_weight; /* (n_targets) */
    ein_model_threshold *threshold;      /* (n_targets) */
    ein_calibration *calibration;        /* (n_targets) */
} ein_model_tasks;

/* From tasks alone: constants 0, 1, 1; thresholds not known. `tasks` is copied. */
ein_status ein_model_tasks_new(const ein_tasks *tasks, ein_model_tasks **out);
void ein_model_tasks_destroy(ein_model_tasks *tasks); /* NULL is fine */

/* Take over mean, SD and positive weights (n_targets). */
void ein_model_tasks_fit(ein_model_tasks *tasks, const double *mean, const double *sd,
                         const double *positive_weight);

/* Choose thresholds and AUROC of target j from `n` scores and labels (NaN: not known). Regressions get counts only. */
ein_status ein_model_tasks_choose(ein_model_tasks *tasks, int target, const double *score,
                                  const double *label, int64_t n);

/* Fit the map of target j from logits and labels of the same records: ein_calibration_choose. Regressions have none. */
ein_status ein_model_tasks_calibrate(ein_model_tasks *tasks, int target, const char *asked,
                                     const double *logit, const double *label, int64_t n);

/* Text for the model's metadata (free()), and back (untrusted: EIN_FORMAT names `path`). */
ein_status ein_model_tasks_to_json(const ein_model_tasks *tasks, char **out);
ein_status ein_model_tasks_parse(const char *path, const char *text, ein_model_tasks **out);

/* "superclass/MI"; the task's name alone if the target has the same, or none. `out` holds `room` bytes. */
const char *ein_model_tasks_label(const ein_model_tasks *tasks, int target, char *out, size_t room);

#endif
