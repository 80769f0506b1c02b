/* Run folders and what a person watches: lock, STATE, log.txt, metrics.csv, progress.
 *
 *     results/<run>/  config.resolved.yaml  log.txt  metrics.csv  STATE  ckpt/  LOCK
 *
 * STATE is one line, "running", "stopped", "done" or "failed", then "key: value" lines (step, reason,
 * job, host, pid, time); it is replaced atomically.
 * LOCK is the lock of io/lock.h: it names who has the folder, and is empty after one that left in order.
 * All of them are regular files: a link, a named pipe or a device in the place of one is refused by name.
 * Not thread-safe: one thread of rank 0 logs, counts and reports.
 */
#ifndef EIN_IO_RUN_H
#define EIN_IO_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"
#include "mpi/comm.h"

typedef struct ein_run ein_run;

typedef enum {
    EIN_STATE_NONE,
    EIN_STATE_RUNNING,
    EIN_STATE_STOPPED,
    EIN_STATE_DONE,
    EIN_STATE_FAILED
} ein_run_state;

/* Open (make if needed) a run folder and take its lock; EIN_EXISTS names the holder's host, pid and job if
 * another process holds it. A lock left by a dead process is taken over, and the log names who left it; where that
 * cannot be told (another host, a file system without locks), the message says how to release it. A STATE that is there
 * and cannot be read is an error. Collective; rank 0 does the work. */
ein_status ein_run_open(ein_comm *comm, const char *folder, ein_run **out);

/* Log the warnings once more, close everything, release the lock. Collective. NULL is fine. */
void ein_run_close(ein_run *run);

const char *ein_run_folder(const ein_run *run);
ein_run_state ein_run_previous_state(const ein_run *run); /* as found when opened */
int64_t ein_run_previous_step(const ein_run *run);        /* the step that STATE told of; 0: none */

/* Replace STATE. Rank 0 writes; others return EIN_OK. */
ein_status ein_run_set_state(ein_run *run, ein_run_state state, int64_t step, const char *reason);

/* One line to log.txt with a UTC time stamp, and to the terminal (stderr). Rank 0 writes, others return. A
 * log that cannot be written (full disk) does not end the run: lost lines are counted, and the count is
 * logged as soon as that works again. */
void ein_run_log(ein_run *run, const char *format, ...) EIN_PRINTF(2, 3);
/* The same, marked so that it cannot be missed, and repeated by ein_run_close (equal ones once, with a
 * count). */
void ein_run_warn(ein_run *run, const char *format, ...) EIN_PRINTF(2, 3);

/* metrics.csv: open with these columns (first is always "step"); rows of an earlier, longer life with
 * step > `keep_through` are cut off, durably, as is a row torn by a kill; -1 starts the file anew. Rank 0
 * writes, others return EIN_OK. Values are written with %.9g, the step as an integer; NaN as empty. A row is
 * written whole or not at all. EIN_IO (full disk), EIN_MISMATCH when the existing file has other columns,
 * EIN_CORRUPT. */
ein_status ein_run_metrics_open(ein_run *run, const char *const *columns, int n_columns,
                                int64_t keep_through);
ein_status ein_run_metrics_row(ein_run *run, const double *values, int n_values);
/* Force the rows to the disk; before a checkpoint is committed, so that no checkpoint is ahead of its
 * metrics. */
ein_status ein_run_metrics_sync(ein_run *run);

/* Progress: on a terminal one line rewritten in place with rate and remaining time, else one log line
 * per interval. `unit` is what is counted ("records"). Safe to call often. Only rank 0 of a run prints; with
 * `run` NULL (work without a run folder) rank 0 alone makes one, others pass NULL, which every function
 * takes. The first update sets where counting starts, so a resumed run shows its own rate. */
typedef struct ein_progress ein_progress;
ein_progress *ein_progress_new(ein_run *run, const char *what, const char *unit, int64_t total,
                               double interval_s);
void ein_progress_update(ein_progress *progress, int64_t done, const char *detail);
void ein_progress_finish(ein_progress *progress);

/* "h:mm:ss"; "?" when it is negative, not finite or beyond a million hours. */
void ein_format_duration(double seconds, char *out, size_t room);

/* EIN_OK for a regular file, EIN_NOTFOUND where there is nothing, EIN_IO for a link, a pipe, a folder, a device. */
ein_status ein_run_check_file(const char *path);

/* Open a regular file for appending, with O_CREAT in `create` one that is made if needed; a pipe is not waited for, a
 * link not followed. */
ein_status ein_run_append(const char *path, int create, int *fd);

/* Seconds of a monotonic clock. */
double ein_clock_s(void);

#endif
