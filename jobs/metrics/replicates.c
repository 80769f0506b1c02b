#include "jobs/metrics/replicates.h"

#include <omp.h>
#include <stdlib.h>

#include "mpi/gather.h"
#include "mpi/threads.h"

static ein_status run_share(const ein_replicates *r, int64_t groups, int64_t first, int64_t count,
                            ein_stats_value *value) {
    if (groups)
        return ein_bootstrap_jackknife(r->plan, r->metric, r->context, r->columns, groups, first, count,
                                       value);
    return ein_bootstrap_run(r->plan, r->metric, r->context, r->columns, first, count, value);
}

static ein_status run_together(const ein_replicates *r, int64_t total, int64_t groups,
                               ein_stats_value **all) {
    const int rank = ein_comm_rank(r->comm);
    int64_t first, count;
    ein_stats_value *own = NULL;
    ein_status status = EIN_OK;
    ein_share(total, rank, ein_comm_size(r->comm), &first, &count);
    /* Rank 0 has the first share, so it works where the others' are put behind it. */
    if (rank == 0)
        status = EIN_NEW(*all, total * r->columns + 1);
    else
        status = EIN_NEW(own, count * r->columns + 1);
    ein_stats_value *mine = rank == 0 ? *all : own;
    if (status == EIN_OK) status = run_share(r, groups, first, count, mine);
    /* Shares rise with ranks, so the error of the lowest rank is that of the lowest replicate. */
    status = ein_comm_agree(r->comm, status);
    if (status == EIN_OK)
        status = ein_gather(r->comm, mine, *all, NULL, total, (int64_t)sizeof *mine * r->columns,
                            "gathering replicates");
    free(own);
    return status;
}

ein_status ein_replicates_run(const ein_replicates *r, int64_t total, int64_t groups, ein_stats_value **out) {
    ein_status status;
    *out = NULL;
    if (r->comm) {
        int threads;
        const int before = omp_get_max_threads();
        EIN_TRY(ein_threads_choose(r->comm, 0, &threads));
        omp_set_num_threads(threads);
        status = run_together(r, total, groups, out);
        omp_set_num_threads(before);
    } else {
        status = EIN_NEW(*out, total * r->columns + 1);
        if (status == EIN_OK) status = run_share(r, groups, 0, total, *out);
    }
    if (status != EIN_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}
