/* Low-rank adapters of linears (LoRA: Hu et al. 2021), over `real`.
 *
 *     out = in w^T + bias + 2 (in a^T) b^T        a (R,K), b (N,R)
 *
 * The factor is alpha / R with alpha = 2 R, so a rank can be changed without another learning rate. b starts as zero:
 * at first the adapted model is the model. Folded in, w + 2 b a, it is a plain model again.
 *
 * Letters: M rows, K inputs, N outputs, R rank.
 */
#ifndef EIN_CORE_NN_LORA_H
#define EIN_CORE_NN_LORA_H

#include "core/base/real.h"
#include "core/nn/layout.h"

#define EIN_LORA_FACTOR 2.0

#define lora_forward  EIN_REAL_NAME(lora_forward)
#define lora_backward EIN_REAL_NAME(lora_backward)

/* out (M,N) += 2 (in a^T) b^T; hidden (M,R) = 2 in a^T is kept for the backward pass. */
void lora_forward(real *out, real *hidden, const real *in, const real *a, const real *b, int M, int K, int N,
                  int R);

/* din (M,K) is *added* to; da (R,K) and db (N,R) are written (NULL: frozen). scratch: (M,R). */
void lora_backward(real *din, real *da, real *db, real *scratch, const real *dout, const real *in,
                   const real *hidden, const real *a, const real *b, int M, int K, int N, int R);

/* Fold the adapters of `param` (layout `adapted`, lora above 0) into the weights: `out` is an arena of `plain`, the
 * layout of the same shape with lora 0, which is filled whole; padding becomes 0. Sums are double. EIN_USAGE if the
 * layouts are no such pair. */
ein_status ein_lora_merge(float *out, const ein_layout *plain, const float *param, const ein_layout *adapted);

#endif
