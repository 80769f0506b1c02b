/* The training engine: one optimiser step over all slots of the batch, on all ranks and threads.
 *
 * A job gives a function that computes one slot's loss and gradient. Before the slots the threads of this rank lay
 * the weights out for products, once for all of them; then they run the slots, add gradients in tree order as the
 * backward passes go, exchange them (mpi/exchange.h), agree on loss, norm and flags in one reduction, and apply AdamW
 * to the slices that this rank owns. The same parameters, loss and norm come out, bit for bit, for any number of ranks
 * and threads.
 */
#ifndef EIN_MPI_ENGINE_H
#define EIN_MPI_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/nn/adamw.h"
#include "core/nn/layout.h"
#include "core/nn/packed.h"
#include "mpi/comm.h"
#include "mpi/exchange.h"

/* Called by the job when all gradients of a stage are in place; from the highest stage down to 0. */
typedef void (*ein_engine_stage)(void *engine_context, int stage);

/* Compute slot `slot` on thread `thread` (0..threads-1): its loss (already divided by the batch, so that
 * slots add up to the batch's mean) and the gradient of that into every tensor of the flat arena `grad`. Must
 * call `done(context, stage)` for every stage. Runs inside a parallel region. */
typedef void (*ein_engine_compute)(void *job, int thread, int slot, const float *param, float *grad,
                                   double *loss, ein_engine_stage done, void *context);

typedef struct {
    int slots;
    int threads; /* of this rank; more than slots of the rank are not used */
    ein_exchange_kind exchange;
    int64_t bucket_values;
    double clip_norm; /* 0: no clipping */
    ein_engine_compute compute;
    void *job;
} ein_engine_options;

enum { EIN_ENGINE_FLAGS = 8 };

/* Result of a step, the same on all ranks but for the times. */
typedef struct {
    double loss;                     /* sum over slots in tree order */
    double grad_norm;                /* before clipping; sums of squares block by block in double */
    bool applied;                    /* false: loss or gradient was not finite, nothing was changed */
    int64_t flags[EIN_ENGINE_FLAGS]; /* sums over ranks of what each passed in */
    double compute_s, imbalance_s;   /* until the last thread was through; what a thread waited of it, mean */
    double reduce_s, norm_s;         /* the one reduction, and of it the squares of this rank's slices */
    double update_s;                 /* AdamW */
    ein_exchange_cost exchange;
} ein_step_result;

typedef struct ein_engine ein_engine;

/* Collective. `param` (arena) must hold the same values on all ranks; the engine keeps the reference. */
ein_status ein_engine_new(ein_comm *comm, const ein_layout *layout, const ein_engine_options *options,
                          float *param, ein_engine **out);
void ein_engine_destroy(ein_engine *engine);

/* One step; `update` counts applied updates from 1 (AdamW's bias correction); flags: summed over ranks on the
 * way. Collective.
 *
 * `mine` is what this rank brings along: an error since the last step (its records could not be read, no memory) needs
 * no agreement of its own. A rank with an error enters all the same, computes nothing, and says so in the one
 * reduction; then nothing is changed on any rank, and all return what ein_comm_agree makes of it: the status
 * and message of the lowest rank with an error. `result` holds nothing but times then. */
ein_status ein_engine_step(ein_engine *engine, ein_status mine, const ein_adamw *adamw, int64_t update,
                           const int64_t flags[EIN_ENGINE_FLAGS], ein_step_result *result);

/* Threads of this rank in use. */
int ein_engine_threads(const ein_engine *engine);
/* Copies of the parameters' weights for products (core/nn/packed.h), as they are now: what a slot's passes read, and
 * validation between steps. Filled anew if a step has changed the parameters since, so not for a part of the threads
 * alone, except within a slot's computation. */
const ein_packed *ein_engine_packed(ein_engine *engine);
/* Loss of each slot in the last step (slots), on every rank. */
const double *ein_engine_slot_losses(const ein_engine *engine);

/* Optimiser state: flat arenas valid only inside the owned slices. */
float *ein_engine_m(ein_engine *engine);
float *ein_engine_v(ein_engine *engine);
const ein_exchange *ein_engine_exchange(const ein_engine *engine);

/* Bytes a rank takes, by kind; for --dry-run. Not collective. */
typedef struct {
    int64_t parameters, copies, moments, gradients, exchange;
    int gradient_buffers;
} ein_engine_bytes;
ein_engine_bytes ein_engine_plan(const ein_layout *layout, const ein_engine_options *options, int rank,
                                 int size);

#endif
