/* The layers of the transformer, each as a forward / backward pair with hand-written gradients.
 *
 * Order of arguments: outputs, inputs, sizes.  `d` prefix: gradient of the loss with respect to.
 * Gradients of parameters are *written*, not added: within one slot each parameter is used once, and a
 * slot's gradient is one leaf of the summation tree, so zeroing and re-reading P values is saved.
 * Gradients of activations are written, except where a line says "added".  Pointers may not overlap
 * unless a line says so.
 *
 * Letters: M rows (records x tokens), B records, T tokens, C width, H heads, D = C / H.
 */
#ifndef EIN_CORE_NN_KERNELS_H
#define EIN_CORE_NN_KERNELS_H

#include <stddef.h>

#include "core/base/real.h"
#include "core/nn/products.h"

#define linear_forward          EIN_REAL_NAME(linear_forward)
#define linear_residual_forward EIN_REAL_NAME(linear_residual_forward)
#define linear_backward         EIN_REAL_NAME(linear_backward)
#define layernorm_forward       EIN_REAL_NAME(layernorm_forward)
#define layernorm_backward      EIN_REAL_NAME(layernorm_backward)
#define gelu_forward            EIN_REAL_NAME(gelu_forward)
#define gelu_backward           EIN_REAL_NAME(gelu_backward)
#define attention_forward       EIN_REAL_NAME(attention_forward)
#define attention_backward      EIN_REAL_NAME(attention_backward)
#define attention_rows_forward  EIN_REAL_NAME(attention_rows_forward)
#define attention_rows_backward EIN_REAL_NAME(attention_rows_backward)
#define attention_scratch       EIN_REAL_NAME(attention_scratch)
#define vector_add              EIN_REAL_NAME(vector_add)
#define attention_stride        EIN_REAL_NAME(attention_stride)

/* into += from, n values, element by element. */
void vector_add(real *into, const real *from, size_t n);

/* out (M,N) = in (M,K) w (N,K)^T + bias (N) */
void linear_forward(real *out, const real *in, ein_weight w, const real *bias, int M, int K, int N);

/* out (M,N) = residual (M,N) + in (M,K) w (N,K)^T + bias (N); out may be residual */
void linear_residual_forward(real *out, const real *residual, const real *in, ein_weight w, const real *bias,
                             int M, int K, int N);

/* din (M,K), dw (N,K), dbias (N) from dout (M,N); each may be NULL: not wanted, or frozen. */
void linear_backward(real *din, real *dw, real *dbias, const real *dout, const real *in, ein_weight w, int M,
                     int K, int N);

/* out (M,C) = (in - mean) * rstd * w + b with mean, rstd (M) over each row; eps inside the root.
 * Ba, Kiros and Hinton 2016. */
void layernorm_forward(real *out, real *mean, real *rstd, const real *in, const real *w, const real *b, int M,
                       int C, double eps);

/* din (M,C) is *added* to (the residual stream flows past); dw, db (C) are written (either may be NULL:
 * frozen). */
void layernorm_backward(real *din, real *dw, real *db, const real *dout, const real *in, const real *w,
                        const real *mean, const real *rstd, int M, int C);

/* out = in * Phi(in), the exact Gaussian error linear unit (Hendrycks and Gimpel 2016), n values; slope =
 * Phi(in) + in * phi(in), its derivative, kept for the backward pass. slope may be in. */
void gelu_forward(real *out, real *slope, const real *in, size_t n);

/* din = dout * slope; din may be dout. */
void gelu_backward(real *din, const real *dout, const real *slope, size_t n);

/* Multi-head self-attention over B sequences of T tokens (Vaswani et al. 2017), scale D^-1/2.
 * qkv (B,T,3C): q, k, v, each as H heads of D; out (B,T,C); prob (B,H,T,attention_stride(T)): the softmax,
 * rows padded with zeros, kept for the backward pass. scratch: attention_scratch(T, D) values. */
void attention_forward(real *out, real *prob, real *scratch, const real *qkv, int B, int T, int C, int H);
void attention_backward(real *dqkv, real *scratch, const real *dout, const real *qkv, const real *prob, int B,
                        int T, int C, int H);
/* The same where Q tokens of each record attend to all T: q (B,Q,C), kv (B,T,2C), out (B,Q,C), prob
 * (B,H,Q,attention_stride(T)). */
void attention_rows_forward(real *out, real *prob, const real *q, const real *kv, int B, int Q, int T, int C,
                            int H);
void attention_rows_backward(real *dq, real *dkv, real *scratch, const real *dout, const real *q,
                             const real *kv, const real *prob, int B, int Q, int T, int C, int H);
int attention_stride(int T);
size_t attention_scratch(int T, int D);

#endif
