/* A linear probe on given features, evaluated like a model: what of the tasks can be told from embeddings alone.
 *
 * Features are those of io/model/embeddings.h; a record's row is found by its id. For each target a penalised linear
 * model (core/stats/penalised.h) on standardised features is fitted on the train part of split.*, where target and
 * features are known, with each of the penalties 1, 0.1, 0.01, 0.001; the one with the least loss in the valid part is
 * taken (the largest of equal ones). Thresholds and calibration come from the valid part, as finetune's do. The test
 * part has no say. Equal bits on any number of ranks, which all do the same, and threads, of which one fits a target.
 */
#ifndef EIN_JOBS_EVALUATE_EVALUATE_PROBE_H
#define EIN_JOBS_EVALUATE_EVALUATE_PROBE_H

#include "io/model/embeddings.h"
#include "io/tasks/targets.h"
#include "jobs/options/model_tasks.h"

/* A fitted probe. */
typedef struct {
    ein_embeddings features; /* standardised; rows in the order of the file */
    ein_model_tasks *meaning;
    double *logit;   /* (N, n_targets) of the corpus's N records: core/nn/head.h; NaN without features */
    int64_t missing; /* records of the test part without features */
    char hash[EIN_HASH_TEXT_BYTES]; /* of the features */
} ein_evaluate_probe;
void ein_evaluate_probe_free(ein_evaluate_probe *probe); /* zeroes; NULL is fine */

/* Read `path` and fit. `targets` are those of all records of the corpus, `part` (N) the split. EIN_USAGE if no record
 * of the train part, or none of the test part, has features. Not collective. */
ein_status ein_evaluate_probe_fit(ein_evaluate_probe *out, const char *path, const ein_corpus *corpus,
                                  const ein_targets *targets, const uint8_t *part, int threads);

#endif
