/* The masked autoencoder of one slot: B records, one pass forward, one backward.
 *
 * He et al. 2022 on one-dimensional patches, as in Moody et al. (NEJM AI 2025): the visible patches and a
 * CLS token run through the encoder, mask tokens take the places of the others, a small decoder predicts
 * every patch, and the loss is the squared error on the masked patches after z-scoring each patch.
 *
 * Letters: B records, L leads, S samples, N patches, K visible patches, T = N + 1 tokens, V = P * L values
 * per patch.
 */
#ifndef EIN_CORE_NN_MAE_H
#define EIN_CORE_NN_MAE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/real.h"
#include "core/base/status.h"
#include "core/nn/layout.h"
#include "core/nn/packed.h"

#define ein_mae            EIN_REAL_NAME(ein_mae)
#define ein_mae_new        EIN_REAL_NAME(ein_mae_new)
#define ein_mae_destroy    EIN_REAL_NAME(ein_mae_destroy)
#define ein_mae_values     EIN_REAL_NAME(ein_mae_values)
#define ein_mae_weights    EIN_REAL_NAME(ein_mae_weights)
#define ein_mae_whole      EIN_REAL_NAME(ein_mae_whole)
#define ein_mae_forward    EIN_REAL_NAME(ein_mae_forward)
#define ein_mae_backward   EIN_REAL_NAME(ein_mae_backward)
#define ein_mae_prediction EIN_REAL_NAME(ein_mae_prediction)
#define ein_mae_target     EIN_REAL_NAME(ein_mae_target)

/* Workspace for B records: all activations and scratch in one arena. One thread uses it at a time. */
typedef struct ein_mae ein_mae;

/* K = int(N * (1 - ratio)), computed in double as the original does. */
int ein_mask_visible(int patches, double ratio);

/* The order in which patches of a record are taken: a stable argsort of one uniform draw per patch,
 * addressed by (seed, epoch, record); the first K are visible. order (N). */
void ein_mask_draw(int32_t *order, int patches, uint64_t seed, int64_t epoch, int64_t record);

ein_status ein_mae_new(const ein_layout *layout, int records, int visible, ein_mae **out);
void ein_mae_destroy(ein_mae *mae);

/* Values of the arena that ein_mae_new would take; for memory plans. */
int64_t ein_mae_values(const ein_layout *layout, int records, int visible);

/* Forward passes from now on predict every patch instead of the masked ones alone. Loss and gradients are the same. */
void ein_mae_whole(ein_mae *mae, bool whole);

/* Passes from now on read weights from these copies of their `param`'s (NULL: there are none). */
void ein_mae_weights(ein_mae *mae, const ein_packed *packed);

/* Forward pass over x (B,L,S) with patch orders (B,N); record_loss (B) receives each record's loss: the mean
 * over its masked patches of the mean squared error over the V values. `param` is the flat arena. x is kept
 * by reference until the backward pass. */
void ein_mae_forward(ein_mae *mae, double *record_loss, const real *param, const real *x,
                     const int32_t *order);

/* GFLOP of one record, forward and backward: multiply-adds of the linears and of attention, backward twice forward. Of
 * the last block and the prediction what masked patches need. */
double ein_mae_gflop(const ein_vit_shape *shape, int visible);

/* Gradient of scale * sum of the record losses into the flat arena `grad`; every tensor is written, padding
 * is not touched. `done` may be NULL. */
void ein_mae_backward(ein_mae *mae, real *grad, const real *param, double scale, ein_stage_done done,
                      void *context);

/* The decoder's predictions by patch, (B,N,V), values in the order of the target's; NaN for a patch that was not
 * masked, unless ein_mae_whole. Valid after forward. */
const real *ein_mae_prediction(const ein_mae *mae);
/* The target of the masked patches, (B,N-K,V), in the order of `order` from K on. */
const real *ein_mae_target(const ein_mae *mae);

#endif
