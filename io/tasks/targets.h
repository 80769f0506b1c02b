/* Targets: the tasks of a model filled with what is known of the records of a corpus. */
#ifndef EIN_IO_TASKS_TARGETS_H
#define EIN_IO_TASKS_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/nn/head.h"
#include "core/records/split.h"
#include "io/corpus/corpus.h"
#include "io/tasks/targets_tables.h"
#include "io/tasks/tasks.h"
#include "mpi/comm.h"

/* Of the records that the task includes; known values of a regression count as positive. */
typedef struct {
    int64_t positive, negative, missing;
} ein_target_counts;

/* Record r, task t, target column j. The same on all ranks; everything is owned. */
typedef struct {
    int64_t N;
    int n_tasks, n_targets, n_outputs;

    /* (N, n_targets) r * n_targets + j; NaN: not known, or r is not included in j's task. */
    float *value;
    uint8_t *included;        /* (n_tasks, N) t * N + r: 1 if the task is defined for the record */
    ein_head_task *task;      /* (n_tasks) core/nn/head.h; points into mean, sd, positive_weight */
    const char **target_name; /* (n_targets) "IMI": unique within its task */
    ein_target_counts *count; /* (n_targets) over all records */

    /* Values that were left out as impossible: outside `valid`, neither 0 nor 1, no list or dict of statements. */
    int64_t *invalid;        /* (n_targets) */
    char first_invalid[256]; /* the first of them, or "" */

    /* (n_targets) 0, 1 and 1 before ein_targets_fit. */
    double *mean, *sd, *positive_weight;
    ein_targets_join join;
    ein_tasks tasks; /* with `statements: all` resolved: what a model keeps (ein_tasks_to_yaml) */
} ein_targets;

/* Fill the targets. `part` (N) is read for `statements: all` only and may be NULL if no task has that; `tables` may be
 * NULL. Rank 0 reads for all; `tasks` is copied. Collective. EIN_NOTFOUND for a column that neither corpus nor tables
 * have, with the nearest; EIN_MISMATCH where a likelihood is asked of a column without, or no row of the tables joins;
 * EIN_NUMERIC for a target of which nothing is known. */
ein_status ein_targets_build(ein_comm *comm, const ein_tasks *tasks, ein_corpus *corpus, const uint8_t *part,
                             const ein_targets_tables *tables, ein_targets *out);
void ein_targets_free(ein_targets *targets); /* zeroes; NULL is fine */

/* From the records of the train part: mean and SD (n - 1) of regressions; balanced positive weights, negatives /
 * positives. EIN_NUMERIC for a regression with fewer than two values or no spread, and for a weight to be balanced
 * without both a positive and a negative. Not collective. */
ein_status ein_targets_fit(ein_targets *targets, const uint8_t *part);

/* Counts (n_targets) among the records of one part; `part` NULL: all. */
void ein_targets_count(const ein_targets *targets, const uint8_t *part, ein_split_part which,
                       ein_target_counts *out);

#endif
