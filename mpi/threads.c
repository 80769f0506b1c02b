#include "mpi/threads.h"

#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

ein_status ein_threads_choose(ein_comm *comm, int asked, int *out) {
    MPI_Comm node;
    int on_node = 1;
    EIN_TRY(
        ein_comm_check(MPI_Comm_split_type(ein_comm_mpi(comm), MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
                       "finding the ranks of this node"));
    MPI_Comm_size(node, &on_node);
    MPI_Comm_free(&node);
    cpu_set_t set;
    CPU_ZERO(&set);
    int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    /* A launcher that binds gives each rank processors of its own; one that does not gives every rank all of them. */
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    if (getenv("OMP_NUM_THREADS"))
        allowed = omp_get_max_threads();
    else if (online > 0 && allowed >= online)
        allowed /= on_node;
    *out = asked > 0 ? asked : allowed > 1 ? allowed : 1;
    return EIN_OK;
}
