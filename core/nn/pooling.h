/* From the tokens of a record to the one vector that its head sees, as forward / backward pairs over `real`.
 *
 *     mean       out = mean of the patch tokens
 *     attentive  one learned query q attends over the patch tokens, H heads of D = C / H each (the pooling of Lee et
 *                al. 2019, Set Transformer, with one seed and without its row-wise layers):
 *                k, v = tokens kv_w^T + kv_b;  p = softmax over patches of q_h . k_h / sqrt(D);  out_h = sum of p v_h;
 *                pooled = out proj_w^T + proj_b
 *
 * The linears are those of kernels.h. Token 0 is CLS and takes no part in either: its probability is 0, and so is the
 * gradient that reaches it. Outputs come first, then inputs, then sizes; gradients are written, not added.
 * Letters: B records, T tokens with CLS, C width, H heads.
 */
#ifndef EIN_CORE_NN_POOLING_H
#define EIN_CORE_NN_POOLING_H

#include "core/base/real.h"

#define pool_mean_forward       EIN_REAL_NAME(pool_mean_forward)
#define pool_mean_backward      EIN_REAL_NAME(pool_mean_backward)
#define pool_attention_forward  EIN_REAL_NAME(pool_attention_forward)
#define pool_attention_backward EIN_REAL_NAME(pool_attention_backward)

/* out (B,C) = mean over tokens 1 .. T-1 of in (B,T,C) */
void pool_mean_forward(real *out, const real *in, int B, int T, int C);
/* din (B,T,C) from dout (B,C) */
void pool_mean_backward(real *din, const real *dout, int B, int T, int C);

/* out (B,C) from kv (B,T,2C), keys before values, and query (C); prob (B,H,T) is kept for the backward pass. */
void pool_attention_forward(real *out, real *prob, const real *kv, const real *query, int B, int T, int C,
                            int H);
/* dkv (B,T,2C) and dquery (C) (NULL: frozen) from dout (B,C). scratch: T values. */
void pool_attention_backward(real *dkv, real *dquery, real *scratch, const real *dout, const real *kv,
                             const real *query, const real *prob, int B, int T, int C, int H);

#endif
