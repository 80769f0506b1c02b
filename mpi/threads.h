/* How many threads a rank should use. */
#ifndef EIN_MPI_THREADS_H
#define EIN_MPI_THREADS_H

#include "core/status.h"
#include "mpi/comm.h"

/* `asked` if it is above 0; else OMP_NUM_THREADS if that is set; else the processors this process may run on, divided
 * among the ranks of its node when the launcher has not bound them. Collective. */
ein_status ein_threads_choose(ein_comm *comm, int asked, int *out);

#endif
