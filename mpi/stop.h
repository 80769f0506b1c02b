/* Requests to stop or to checkpoint, gathered from signals, touch-files and a time limit.
 *
 * A handler only sets a flag; the flag rides on the reduction that every step does anyway, so all ranks
 * obey at the same step.  A second signal asks for haste: no further validation, no waiting for an epoch.
 */
#ifndef EIN_MPI_STOP_H
#define EIN_MPI_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

/* Install handlers for SIGTERM, SIGINT and SIGUSR1. Not collective. */
ein_status ein_stop_install(void);

/* Signals received so far, and the last one's number (0: none). */
int ein_stop_signals(int *last);

/* "SIGTERM" for the signals above. */
const char *ein_stop_signal_name(int number);

/* Whether FOLDER/NAME exists; then it is removed, so that one touch is one request. Rank 0 asks. */
bool ein_stop_file(const char *folder, const char *name);

#endif
