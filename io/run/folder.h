/* Inside of run folders: what the files of io/run share. */
#ifndef EIN_IO_RUN_FOLDER_H
#define EIN_IO_RUN_FOLDER_H

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/base/lock.h"
#include "io/run/state.h"
#include "mpi/comm.h"

enum { EIN_RUN_MAX_WARNINGS = 100 };

typedef struct ein_run {
    ein_comm *comm;
    char *folder;
    ein_run_state previous;
    int64_t previous_checkpoint, checkpoint; /* newest checkpoint of the earlier life, of this one; 0: none */
    bool writes;                             /* rank 0 */
    ein_lock *lock;                          /* NULL: none */

    int log_fd; /* -1: none */
    int64_t lost_lines;
    bool progress_shown; /* the terminal's last line is a progress line */
    char *warning[EIN_RUN_MAX_WARNINGS];
    int64_t warning_count[EIN_RUN_MAX_WARNINGS];
    int n_warnings; /* different ones kept */
    int64_t more_warnings;

    char *metrics_path;
    int metrics_fd; /* -1: not open */
    int n_columns;
    int64_t metrics_bytes;                  /* whole rows only */
    crypto_generichash_state *metrics_hash; /* of those bytes; aligned as it wants, so not in this struct */
} ein_run;

/* "FOLDER/NAME" in fresh memory. */
ein_status ein_run_path(const ein_run *run, const char *name, char **out);

/* A line to log.txt alone. */
void ein_run_log_file(ein_run *run, const char *line);

/* Log what was warned about once more. */
void ein_run_log_summary(ein_run *run);

void ein_run_metrics_close(ein_run *run);

#endif
