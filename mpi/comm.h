/* Communicator and agreement: the only place that starts and ends MPI.
 *
 * *Collective* functions are entered by all ranks, also by one that holds an
 * error: it keeps the error, enters, and all ranks leave with the same status.
 *
 * After an MPI error the ranks cannot be in step any more, and whoever waits for another may wait for ever. So the
 * first one is remembered for the process: from then on everything here returns EIN_COMM at once with its message,
 * barriers and closing do nothing, and the way out is ein_comm_abort.
 *
 * For tests, EINTHOVEN_INJECT_MPI_ERROR="RANK:N:TEXT" makes the N-th check of a call named TEXT fail on that rank;
 * with N below 0 the rank hangs there.
 */
#ifndef EIN_MPI_COMM_H
#define EIN_MPI_COMM_H

#include <mpi.h>
#include <stdint.h>

#include "core/base/status.h"

typedef struct ein_comm ein_comm;

/* Start MPI (thread level FUNNELED, errors returned) and open the world. Collective. */
ein_status ein_comm_start(int *argc, char ***argv, ein_comm **out);

/* Close the world and end MPI. Collective. NULL is fine. */
void ein_comm_finish(ein_comm *comm);

/* End the processes of all ranks at once with `exit_code`; for errors that the ranks cannot agree on
 * any more (EIN_COMM: a peer is lost). Not collective. */
_Noreturn void ein_comm_abort(ein_comm *comm, int exit_code);

int ein_comm_rank(const ein_comm *comm);
int ein_comm_size(const ein_comm *comm);
const char *ein_comm_host(const ein_comm *comm); /* this rank's host name */
MPI_Comm ein_comm_mpi(const ein_comm *comm);

/* Turn an MPI return code into a status with MPI's own text; an error is remembered. Not collective. */
ein_status ein_comm_check(int mpi_code, const char *what);

/* EIN_OK, or EIN_COMM with the first error after which the ranks are not in step any more. Not collective. */
ein_status ein_comm_alive(void);

/* Wait for all ranks; nothing when communication is broken. Collective. */
void ein_comm_barrier(ein_comm *comm);

/* Agree on one status. Collective. All ranks return the status of the lowest rank that holds an
 * error, with its message; the message is prefixed with "rank R on HOST: " when not every rank
 * failed.  EIN_OK only if all ranks are OK. */
ein_status ein_comm_agree(ein_comm *comm, ein_status mine);

/* Give the status of what rank 0 did alone for all (read a small file, make a folder) to every rank, with its
 * message as it stands. Collective; `mine` of other ranks is ignored. */
ein_status ein_comm_share(ein_comm *comm, ein_status mine);

/* Broadcast a block of bytes from rank 0; other ranks receive it in fresh memory (free()).
 * Collective. `data` is the address of a pointer to any type of object, as in ein_calloc; on rank 0 it and `*bytes` are
 * read. */
ein_status ein_comm_bcast_bytes(ein_comm *comm, void *data, int64_t *bytes);

/* Sum one int64 over all ranks / exclusive prefix sum / minimum / maximum. Collective. */
ein_status ein_comm_sum_i64(ein_comm *comm, int64_t *values, int count);
/* Sum `count` numbers over all ranks, however many they are. The order of adding is MPI's. Collective. */
ein_status ein_comm_sum_f64(ein_comm *comm, double *values, int64_t count);
ein_status ein_comm_max_i64(ein_comm *comm, int64_t *values, int count);

/* The contiguous run [first, first + count) of `total` items that belongs to `rank` of `size`:
 * sizes differ by at most one, larger ones first. Not collective. */
void ein_share(int64_t total, int rank, int size, int64_t *first, int64_t *count);

#endif
