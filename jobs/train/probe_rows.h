/* probe.csv of a run: a row per probe and task, with sums beside it (jobs/train/probe_sums.h). Rank 0 only. */
#ifndef EIN_JOBS_TRAIN_PROBE_ROWS_H
#define EIN_JOBS_TRAIN_PROBE_ROWS_H

#include <stdint.h>

#include "core/nn/head.h"
#include "io/run/run.h"

typedef struct {
    int64_t epoch, step;
    char task[EIN_HEAD_NAME_BYTES], measure[8];
    double value; /* NaN: no target could be estimated */
    int64_t estimated, targets;
} ein_probe_row;

/* Zeroed is empty; free(row). */
typedef struct {
    ein_probe_row *row; /* (n) */
    int64_t n, room;
} ein_probe_rows;

ein_status ein_probe_rows_add(ein_probe_rows *rows, const ein_probe_row *row);

/* Drop the rows of updates from `step` on: they are of a life that did not get as far as a checkpoint. */
void ein_probe_rows_drop(ein_probe_rows *rows, int64_t step);

/* The table is small and is written anew each time, whole or not at all. */
ein_status ein_probe_rows_write(const ein_probe_rows *rows, const ein_run *run);

/* What an earlier life left, up to update `step`. A table that is damaged is kept aside, and no reason to stop the
 * run; one that cannot be read is. */
ein_status ein_probe_rows_read(ein_probe_rows *rows, ein_run *run, int64_t step);

#endif
