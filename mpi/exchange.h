/* Exchange of gradients and parameters between ranks.
 *
 * The arena is cut into buckets that follow the stages of the backward pass, each bucket into blocks of
 * EIN_BLOCK values, and the blocks of a bucket are shared out in contiguous slices, at most one per rank.  Where
 * one bucket's shares end the next one's begin, so that over all buckets no rank owns more than one block more
 * than another, also when a bucket has fewer blocks than there are ranks.  A rank receives the other ranks' subtree
 * sums for its slices, adds them in tree order, updates those parameters only (so it holds optimiser state for its
 * slices only), and sends the new parameters to all.  On the wire: 2 P floats, as in one allreduce.
 *
 * One step:  begin (post receives) -> start bucket by bucket as they complete, progress in between -> finish
 * (wait, add) -> the caller reads its slices of the sum, updates -> share.
 *
 * All calls by one thread (MPI_THREAD_FUNNELED).
 */
#ifndef EIN_MPI_EXCHANGE_H
#define EIN_MPI_EXCHANGE_H

#include <stdint.h>

#include "core/base/status.h"
#include "core/nn/layout.h"
#include "mpi/comm.h"
#include "mpi/slots.h"

enum { EIN_BLOCK = 4096 /* values: unit of slices and of norms */ };

typedef enum {
    EIN_EXCHANGE_TREE,     /* fixed tree order: the same bits for any number of ranks */
    EIN_EXCHANGE_ALLREDUCE /* MPI_Iallreduce: the order is MPI's; every rank owns everything */
} ein_exchange_kind;

/* A run of the arena whose gradients become complete together. */
typedef struct {
    int64_t offset, count;
    int last_stage;  /* complete when this stage is */
    int first_block; /* blocks of all buckets before it */
} ein_bucket;

/* A slice of a bucket that this rank owns; `bucket` says of which. */
typedef struct {
    int64_t offset, count;
    int bucket;
} ein_slice;

/* What one step's exchange cost this rank, in seconds and bytes. */
typedef struct {
    double window_s;  /* from the first bucket's start until all had arrived */
    double exposed_s; /* the part of it that was spent waiting, nothing else to do */
    double add_s;     /* adding what has arrived, in tree order */
    double share_s;   /* sending out parameters */
    int64_t sent_bytes, received_bytes;
} ein_exchange_cost;

typedef struct ein_exchange ein_exchange;

/* Collective. `bucket_values`: stages are put together until a bucket has at least so many values. */
ein_status ein_exchange_new(ein_comm *comm, const ein_layout *layout, int slots, ein_exchange_kind kind,
                            int64_t bucket_values, ein_exchange **out);
void ein_exchange_destroy(ein_exchange *exchange);

int ein_exchange_buckets(const ein_exchange *exchange);
const ein_bucket *ein_exchange_bucket(const ein_exchange *exchange, int index);
/* Blocks of all buckets, owned by whichever rank. */
int ein_exchange_blocks(const ein_exchange *exchange);
int ein_exchange_slices(const ein_exchange *exchange);
const ein_slice *ein_exchange_slice(const ein_exchange *exchange, int index);

/* This rank's run of slots and the subtrees of it that it contributes ("roots"). */
void ein_exchange_run(const ein_exchange *exchange, int *first, int *count);
int ein_exchange_roots(const ein_exchange *exchange);

/* Bytes that ein_exchange_new takes on this rank for receiving; for memory plans. Not collective. */
int64_t ein_exchange_bytes(const ein_layout *layout, int slots, int rank, int size, ein_exchange_kind kind);

/* Post all receives of a step. */
ein_status ein_exchange_begin(ein_exchange *exchange);
/* Send bucket `index`; roots[r]: flat arena with the sum over root r. The arenas stay untouched until finish.
 */
ein_status ein_exchange_start(ein_exchange *exchange, int index, float *const *roots);
/* Let MPI move data; never waits. */
ein_status ein_exchange_progress(ein_exchange *exchange);
/* Wait for everything and add in tree order, with `threads` threads. After it, ein_exchange_sum is valid.
 * Collective. */
ein_status ein_exchange_finish(ein_exchange *exchange, int threads);
/* The summed gradient of slice `index` (its count values). */
const float *ein_exchange_sum(const ein_exchange *exchange, int index);
/* Send this rank's slices of bucket `index` of `param` to all ranks and receive theirs; returns at once... */
ein_status ein_exchange_share_start(ein_exchange *exchange, int index, float *param);
/* ...and this waits for all buckets. Collective. */
ein_status ein_exchange_share_finish(ein_exchange *exchange);

/* Cost of the last step. */
const ein_exchange_cost *ein_exchange_last_cost(const ein_exchange *exchange);

#endif
