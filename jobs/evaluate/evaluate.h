/* evaluate: a table of anybody's scores (jobs/evaluate/evaluate_table.c), or a model on a corpus
 * (jobs/evaluate/evaluate_model.c). */
#ifndef EIN_JOBS_EVALUATE_EVALUATE_H
#define EIN_JOBS_EVALUATE_EVALUATE_H

#include "io/base/outputs.h"
#include "jobs/cli/command.h"
#include "jobs/metrics/metrics.h"

/* data.* and evaluate.*: models, corpus, part, folder of a model's evaluation. */
extern const ein_option ein_table_evaluate_model[];

/* evaluate.level, .variance, .replicates, .seed, .probabilities, .adjust, .minimum. */
ein_metrics_options ein_evaluate_options(const ein_config *config);

/* Where results go: the terminal, and the files of evaluate.json, .csv, .excluded. Rank 0 only; zeroed is closed. */
typedef struct {
    const ein_config *config;
    json_t *root, *results;
    ein_csv_writer *csv, *excluded;
    ein_outputs *files;
} ein_evaluate_output;

/* Begin; `source` describes what was evaluated (takes the reference, may be NULL). */
ein_status ein_evaluate_open(ein_evaluate_output *out, const ein_config *config, json_t *source);

/* Print one result and add it to the files. */
ein_status ein_evaluate_put(ein_evaluate_output *out, const ein_metrics *metrics);

/* Publish the files, or with `keep` false leave none. Frees everything in any case. */
ein_status ein_evaluate_close(ein_evaluate_output *out, bool keep);

/* Statistics of the scores in the table evaluate.scores. Collective. */
ein_status ein_evaluate_table(ein_job *job);

/* Scores and statistics of a model on a corpus. Collective. */
ein_status ein_evaluate_model(ein_job *job);

#endif
