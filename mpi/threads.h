/* How many threads a rank should use. */
#ifndef EIN_MPI_THREADS_H
#define EIN_MPI_THREADS_H

#include <sched.h>

#include "core/base/status.h"
#include "mpi/comm.h"

/* `asked` if it is above 0; else OMP_NUM_THREADS if that is set; else this rank's share of the processors of its node
 * (ein_threads_share). Never more than OMP_THREAD_LIMIT, above which there would be memory for threads that never run.
 * Teams are as large as asked from then on, whatever OMP_DYNAMIC says. Collective. */
ein_status ein_threads_choose(ein_comm *comm, int asked, int *out);

/* How many processors are for rank `mine` of a node whose ranks may run on sets[0 .. ranks): a processor that several
 * may use counts in parts. 4 processors and 2 ranks that may use all of them, bound to nothing or in one cpuset, make
 * 2 each; bound to 2 of their own: 2 each. At least 1. */
int ein_threads_share(const cpu_set_t *sets, int ranks, int mine);

/* Call `make` for each of `threads` threads, on that thread, which thus allocates and first touches what it will work
 * in: it lies in its memory. A team that is smaller than asked does them all none the less. The error of the lowest
 * thread that failed. Not collective. */
ein_status ein_threads_each(int threads, ein_status (*make)(void *self, int thread), void *self);

#endif
