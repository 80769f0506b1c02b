/* Option tables that training jobs share, and what is read from them. */
#ifndef EIN_JOBS_OPTIONS_MODEL_OPTIONS_H
#define EIN_JOBS_OPTIONS_MODEL_OPTIONS_H

#include "core/nn/layout.h"
#include "core/signal/contract.h"
#include "io/config/config.h"
#include "mpi/comm.h"
#include "mpi/engine.h"

/* model.*: preset and shape of the transformer. */
extern const ein_option ein_table_model[];
/* train.*: optimiser, schedule, slots, threads, exchange. */
extern const ein_option ein_table_train[];
/* The same keys with the defaults of fine-tuning (reference: Moody et al., NEJM AI 2025, top 4 blocks). */
extern const ein_option ein_table_adapt[];
/* run.*: folder, resume, dry run, checkpoints. */
extern const ein_option ein_table_run[];

/* Shape from model.* with leads and samples from `contract`; checked. */
ein_status ein_shape_from_config(const ein_config *config, const ein_contract *contract, int classes,
                                 ein_vit_shape *out);

/* Choose whose matrix products the layers run from now on (core/nn/products.h): train.products. Before
 * ein_threads_from_config. */
void ein_products_from_config(const ein_config *config);

/* Threads of this rank: train.threads, or when that is 0 the processors this process may run on, divided among the
 * ranks of the node that share them. Collective. */
ein_status ein_threads_from_config(ein_comm *comm, const ein_config *config, int *out);

/* Slots, exchange, buckets, clipping; slots from the batch when train.slots is 0. `tokens`: rows of a record in the
 * encoder. */
ein_status ein_engine_from_config(const ein_config *config, int tokens, int threads, int ranks,
                                  ein_engine_options *out);

/* "1.5 GiB" style text into `out` (16 bytes are enough). */
const char *ein_bytes_text(int64_t bytes, char *out, int room);

#endif
