/* A watchdog for lost peers: a rank that makes no progress for a stated time ends itself with a message.
 *
 * A link that goes down, or a node that hangs, leaves the others waiting inside MPI, which may take a quarter of an
 * hour to notice or never do so.  A thread of each rank looks at the time of the last beat; nothing else is asked of
 * MPI, so it works where MPI is stuck.  All ranks that are stuck end by themselves, and the run resumes from its
 * checkpoint.
 */
#ifndef EIN_MPI_WATCHDOG_H
#define EIN_MPI_WATCHDOG_H

#include "core/base/status.h"
#include "mpi/comm.h"

/* Start watching; timeout_s 0: never. One watchdog per process. Not collective. */
ein_status ein_watchdog_start(const ein_comm *comm, double timeout_s);

/* Progress was made; `doing` (a literal) says what comes next, for the message. Any thread, cheap. */
void ein_watchdog_beat(const char *doing);

/* Stop watching; after an MPI error it stays until the process ends, for the way out may hang too. */
void ein_watchdog_stop(void);

#endif
