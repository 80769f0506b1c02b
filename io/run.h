/* Run folders and what a person watches: lock, STATE, log.txt, metrics.csv, progress.
 *
 *     results/<run>/  config.resolved.yaml  log.txt  metrics.csv  STATE  ckpt/  LOCK
 *
 * STATE is one line, "running", "stopped", "done" or "failed", then "key: value" lines (step, reason,
 * job, host, time); it is replaced atomically.
 */
#ifndef EIN_IO_RUN_H
#define EIN_IO_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/status.h"
#include "mpi/comm.h"

typedef struct ein_run ein_run;

typedef enum { EIN_STATE_NONE, EIN_STATE_RUNNING, EIN_STATE_STOPPED, EIN_STATE_DONE, EIN_STATE_FAILED } ein_run_state;

/* Open (make if needed) a run folder and take its lock; EIN_EXISTS names the holder's host, pid and job if
 * another process holds it. A lock left by a dead process is taken over (flock decides on one host;
 * across hosts the lock file's host, pid and time are shown). Collective; rank 0 does the work. */
ein_status ein_run_open(ein_comm *comm, const char *folder, ein_run **out);
void ein_run_close(ein_run *run); /* releases the lock; collective */

const char *ein_run_folder(const ein_run *run);
ein_run_state ein_run_previous_state(const ein_run *run); /* as found when opened */

/* Replace STATE. Rank 0 writes; others return EIN_OK. */
ein_status ein_run_set_state(ein_run *run, ein_run_state state, int64_t step, const char *reason);

/* One line to log.txt with a UTC time stamp, and to the terminal (stderr). Rank 0 only. */
void ein_run_log(ein_run *run, const char *format, ...) EIN_PRINTF(2, 3);
/* The same, marked so that it cannot be missed, and repeated in the end-of-run summary. */
void ein_run_warn(ein_run *run, const char *format, ...) EIN_PRINTF(2, 3);

/* metrics.csv: open with these columns (first is always "step"); rows of an earlier, longer life with
 * step > `keep_through` are cut off, durably. Rank 0 only. Values are written with %.9g; NaN as empty. */
ein_status ein_run_metrics_open(ein_run *run, const char *const *columns, int n_columns, int64_t keep_through);
ein_status ein_run_metrics_row(ein_run *run, const double *values, int n_values);

/* Progress: on a terminal one line rewritten in place with rate and remaining time, else one log line
 * per interval. `unit` is what is counted ("records"). Safe to call often. Rank 0 only prints. */
typedef struct ein_progress ein_progress;
ein_progress *ein_progress_new(ein_run *run, const char *what, const char *unit, int64_t total, double interval_s);
void ein_progress_update(ein_progress *progress, int64_t done, const char *detail);
void ein_progress_finish(ein_progress *progress);

/* Seconds of a monotonic clock. */
double ein_clock_s(void);

#endif
