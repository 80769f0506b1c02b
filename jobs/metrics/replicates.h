/* Replicates of a patient bootstrap (core/stats/bootstrap.h), shared by the ranks.
 *
 * A replicate is addressed by its number, so each rank computes a run of them, on its share of the processors, and rank
 * 0 puts the runs one after the other: the values do not depend on who computed them. The same holds for leave-out
 * samples. If several replicates fail, the error is that of the lowest, on any number of ranks and threads.
 */
#ifndef EIN_JOBS_METRICS_REPLICATES_H
#define EIN_JOBS_METRICS_REPLICATES_H

#include "core/stats/bootstrap.h"
#include "mpi/comm.h"

/* What is bootstrapped; the same on every rank. */
typedef struct {
    ein_comm *comm; /* NULL: this process alone */
    const ein_bootstrap *plan;
    ein_bootstrap_metric metric;
    void *context; /* of the metric */
    int columns;   /* values of a replicate */
} ein_replicates;

/* *out (total, columns) in fresh memory on rank 0, NULL on others: bootstrap replicates, or if `groups` is above 0 the
 * leave-out samples of so many groups, of which `total` are all. Collective. */
ein_status ein_replicates_run(const ein_replicates *r, int64_t total, int64_t groups, ein_stats_value **out);

#endif
