/* Targets: the tasks of a model filled with what is known of the records of a corpus. */
#ifndef EIN_IO_TARGETS_H
#define EIN_IO_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/head.h"
#include "core/split.h"
#include "io/corpus.h"
#include "io/tasks.h"
#include "mpi/comm.h"

/* Label tables beside the corpus, joined by record id or source path (io/labels.h). A value of a table goes before the
 * corpus's column of the same name. */
typedef struct {
    int n_tables; /* 0: none */
    const char *const *table;
    const char *key;          /* NULL: the first column */
    const char *unjoined_csv; /* write what did not join: table, line, key, reason; NULL: do not */
} ein_targets_tables;

typedef struct {
    int64_t positive, negative,
        missing; /* of the records that the task includes; regression: known ones are `positive` */
} ein_target_counts;

/* How the tables joined. */
typedef struct {
    int64_t rows, unused, ambiguous, malformed, not_numeric; /* io/labels.h */
    int64_t without_row; /* records of the corpus that no row was found for */
    char first[256];     /* one row that did not join, or "" */
} ein_targets_join;

/* Record r, task t, target column j. All arrays are owned; the same on all ranks. */
typedef struct {
    int64_t N;
    int n_tasks, n_targets, n_outputs;
    float *value; /* (N, n_targets) r * n_targets + j; NaN: not known, or r is not included in j's task */
    uint8_t *included;        /* (n_tasks, N) t * N + r: 1 if the task is defined for the record */
    ein_head_task *task;      /* (n_tasks) of core/head.h; mean and sd are set by ein_targets_fit */
    char **target_name;       /* (n_targets) "IMI": unique within its task */
    ein_target_counts *count; /* (n_targets) over all records */
    int64_t *invalid; /* (n_targets) values left out as impossible: outside `valid`, or neither 0 nor 1 */
    double *mean, *sd, *positive_weight; /* (n_targets) what `task` points into */
    bool fitted;
    ein_targets_join join;
    ein_tasks tasks; /* with `all` resolved: what a model keeps (ein_tasks_to_yaml) */
} ein_targets;

/* Fill the targets. `part` (N) is read for `statements: all` only and may be NULL if no task has that. Rank 0 reads for all.
 * Collective. EIN_NOTFOUND for a column that neither corpus nor tables have, with the nearest; EIN_MISMATCH where a
 * likelihood is asked of a column without; EIN_NUMERIC for a task of which nothing is known. `tasks` is copied. */
ein_status ein_targets_build(ein_comm *comm, const ein_tasks *tasks, ein_corpus *corpus, const uint8_t *part,
                             const ein_targets_tables *tables, ein_targets *out);
void ein_targets_free(ein_targets *targets); /* zeroes; NULL is fine */

/* From the records of the train part: mean and SD (n - 1) of regressions, balanced positive weights. EIN_NUMERIC for a
 * regression with fewer than two values or no spread, and for a classification target without a positive and a negative
 * only if its weight is to be balanced. Not collective. */
ein_status ein_targets_fit(ein_targets *targets, const uint8_t *part);

/* Constants of a model instead: mean, sd, positive_weight (n_targets). */
void ein_targets_set_fit(ein_targets *targets, const double *mean, const double *sd,
                         const double *positive_weight);

/* Counts (n_targets) among the records of one part; `part` NULL: all. */
void ein_targets_count(const ein_targets *targets, const uint8_t *part, ein_split_part which,
                       ein_target_counts *out);

#endif
