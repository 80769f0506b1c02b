/* Run folders and what a person watches: lock, STATE, log.txt, metrics.csv, progress.
 *
 *     results/<run>/  config.resolved.yaml  log.txt  metrics.csv  STATE  ckpt/  LOCK
 *
 * STATE is one line, "running", "stopped", "done" or "failed", then "key: value" lines (step, reason,
 * checkpoint, job, host, pid, time); it is replaced atomically. "checkpoint" is the step of the newest one, if any.
 * LOCK is the lock of io/base/lock.h: it names who has the folder, and is empty after one that left in order.
 * All of them are regular files: a link, a named pipe or a device in the place of one is refused by name.
 * Not thread-safe: one thread of rank 0 logs, counts and reports.
 */
#ifndef EIN_IO_RUN_RUN_H
#define EIN_IO_RUN_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "io/base/hash.h"
#include "io/run/state.h"
#include "mpi/comm.h"

typedef struct ein_run ein_run;

/* Open (make if needed) a run folder and take its lock; EIN_EXISTS names the holder's host, pid and job if another
 * process holds it. A lock left by a dead process is taken over, and the log names who left it; where that cannot be
 * told (another host, a file system without locks), the message says how to release it. A STATE that is there and
 * cannot be read is an error. Collective; rank 0 does the work. */
ein_status ein_run_open(ein_comm *comm, const char *folder, ein_run **out);

/* Log the warnings once more, close everything, release the lock. Collective. NULL is fine. */
void ein_run_close(ein_run *run);

const char *ein_run_folder(const ein_run *run);
ein_run_state ein_run_previous_state(const ein_run *run); /* as found when opened */
/* The step of the newest checkpoint that STATE tells of; 0: none. */
int64_t ein_run_previous_checkpoint(const ein_run *run);

/* A checkpoint of `step` is in the folder; STATE says so from the next ein_run_set_state on. */
void ein_run_note_checkpoint(ein_run *run, int64_t step);

/* Replace STATE; a failure is put into log.txt too. Rank 0 writes; others return EIN_OK: ein_comm_share tells them. */
ein_status ein_run_set_state(ein_run *run, ein_run_state state, int64_t step, const char *reason);

/* One line to log.txt with a UTC time stamp, and to the terminal (stderr). Rank 0 writes, others return. A
 * log that cannot be written (full disk) does not end the run: lost lines are counted, and the count is
 * logged as soon as that works again. */
void ein_run_log(ein_run *run, const char *format, ...) EIN_PRINTF(2, 3);
/* The same, marked so that it cannot be missed, and repeated by ein_run_close (equal ones once, with a
 * count). */
void ein_run_warn(ein_run *run, const char *format, ...) EIN_PRINTF(2, 3);

/* Move what an earlier attempt left under these names (NULL-terminated; files of the run folder, folders with a
 * slash at the end) into a fresh folder of it, "earlier-1", "earlier-2", ..., and log where. What is not there, and
 * an empty folder, is passed over. Of a folder that is a link the link stays, and where it leads the folder is renamed
 * to TARGET.earlier-N. Rank 0 works, others return EIN_OK. EIN_IO. */
ein_status ein_run_set_aside(ein_run *run, const char *const *names);

/* What a file was at some moment: its first `bytes` bytes and their BLAKE2b-256. bytes 0: not known. */
typedef struct {
    int64_t bytes;
    uint8_t hash[EIN_HASH_BYTES];
} ein_file_mark;

/* metrics.csv: open with these columns (first is always "step"). With `mark`, what a checkpoint says of the file, it
 * is cut to what it was then, and EIN_CORRUPT if that is not there any more, byte for byte. Without (NULL, or bytes
 * 0) rows of an earlier, longer life with step > `keep_through` are cut off, durably, as is a row torn by a kill; -1
 * starts the file anew. Rank 0 writes, others return EIN_OK. Values are written with %.9g, the step as an integer;
 * NaN as empty. A row is written whole or not at all. EIN_IO (full disk; a link or pipe in the file's place),
 * EIN_MISMATCH when the existing file has other columns, EIN_CORRUPT. */
ein_status ein_run_metrics_open(ein_run *run, const char *const *columns, int n_columns, int64_t keep_through,
                                const ein_file_mark *mark);
/* What the file is now, by what was written to it. Zeroes on other ranks. */
ein_file_mark ein_run_metrics_mark(const ein_run *run);
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

/* EIN_OK for a regular file, EIN_NOTFOUND where there is nothing, EIN_IO for a link, a pipe, a folder, a device. */
ein_status ein_run_check_file(const char *path);

/* Open a regular file for appending, with O_CREAT in `create` one that is made if needed; a pipe is not waited for, a
 * link not followed. */
ein_status ein_run_append(const char *path, int create, int *fd);

/* Append to a file, made if needed, and sync it. EIN_IO: it is as long as before, if the system lets it. */
ein_status ein_run_append_whole(const char *path, const void *data, size_t bytes);

#endif
