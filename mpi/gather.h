/* What each rank holds a part of, put together in the order of ranks.
 *
 * `counts` (size) says how many items each rank holds and is the same on all ranks; NULL: they hold the shares of
 * ein_share(total, ...). `what` names the call in messages: "gathering replicates".
 */
#ifndef EIN_MPI_GATHER_H
#define EIN_MPI_GATHER_H

#include "mpi/comm.h"

/* counts[r] becomes `mine` of rank r, on every rank. Collective. */
ein_status ein_gather_counts(ein_comm *comm, int64_t mine, int64_t *counts, const char *what);

/* The items of all ranks, of `item_bytes` each, into `all` of rank 0; others may give NULL. `mine` are this rank's;
 * those of rank 0 may lie at the beginning of `all`. Collective. */
ein_status ein_gather(ein_comm *comm, const void *mine, void *all, const int64_t *counts, int64_t total,
                      int64_t item_bytes, const char *what);

/* The same into `all` of every rank, which holds this rank's items at their place already. Unlike a sum over arrays
 * that are 0 elsewhere it keeps every bit. Collective. */
ein_status ein_gather_everywhere(ein_comm *comm, void *all, const int64_t *counts, int64_t total,
                                 int64_t item_bytes, const char *what);

#endif
