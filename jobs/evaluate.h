/* evaluate: a table of anybody's scores (jobs/evaluate_table.c), or a model on a corpus (jobs/evaluate_model.c). */
#ifndef EIN_JOBS_EVALUATE_H
#define EIN_JOBS_EVALUATE_H

#include "jobs/command.h"
#include "jobs/metrics.h"

/* evaluate.*: the table, what its columns are, and the options of the statistics. */
extern const ein_option ein_table_evaluate[];

/* The options of the statistics: evaluate.level, .variance, .replicates, .seed, .probabilities, .adjust, .minimum. */
ein_metrics_options ein_evaluate_options(const ein_config *config);

/* Statistics of the scores in the table evaluate.scores. Collective. */
ein_status ein_evaluate_table(ein_job *job);

/* Scores and statistics of a model on a corpus. Collective. */
ein_status ein_evaluate_model(ein_job *job);

#endif
