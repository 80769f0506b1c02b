#include "mpi/threads.h"

#include <omp.h>
#include <stdlib.h>

int ein_threads_share(const cpu_set_t *sets, int ranks, int mine) {
    double share = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        int users = 0;
        if (!CPU_ISSET(cpu, &sets[mine])) continue;
        for (int r = 0; r < ranks; r++) users += CPU_ISSET(cpu, &sets[r]) != 0;
        share += 1.0 / users;
    }
    const int whole = (int)(share + 1e-6); /* thirds add up to a little less than they should */
    return whole > 1 ? whole : 1;
}

/* This rank's share of its node. More processors than a cpu_set_t holds: none are known, the share is 1. */
static ein_status share_of_node(ein_comm *comm, int *out) {
    MPI_Comm node;
    cpu_set_t own, *sets = NULL;
    int ranks = 1, rank = 0;
    EIN_TRY(
        ein_comm_check(MPI_Comm_split_type(ein_comm_mpi(comm), MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
                       "finding the ranks of this node"));
    MPI_Comm_size(node, &ranks);
    MPI_Comm_rank(node, &rank);
    CPU_ZERO(&own);
    if (sched_getaffinity(0, sizeof own, &own) != 0) CPU_ZERO(&own);
    ein_status status = ein_comm_agree(comm, EIN_NEW(sets, ranks));
    if (status == EIN_OK)
        status = ein_comm_check(
            MPI_Allgather(&own, (int)sizeof own, MPI_BYTE, sets, (int)sizeof own, MPI_BYTE, node),
            "comparing the processors of a node's ranks");
    if (status == EIN_OK) *out = ein_threads_share(sets, ranks, rank);
    free(sets);
    MPI_Comm_free(&node);
    return status;
}

ein_status ein_threads_choose(ein_comm *comm, int asked, int *out) {
    int own = 1;
    EIN_TRY(share_of_node(comm, &own));
    omp_set_dynamic(0);
    if (getenv("OMP_NUM_THREADS")) own = omp_get_max_threads();
    const int wanted = asked > 0 ? asked : own, limit = omp_get_thread_limit();
    *out = wanted < limit ? wanted : limit;
    return EIN_OK;
}

ein_status ein_threads_each(int threads, ein_status (*make)(void *self, int thread), void *self) {
    ein_kept_error failure = {.status = EIN_OK};
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int t = 0; t < threads; t++) ein_error_keep_lowest(&failure, t, make(self, t));
    return ein_error_kept(&failure);
}
