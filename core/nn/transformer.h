/* A stack of pre-LayerNorm transformer blocks, forward and backward, over `real`.
 *
 *     mid = in + proj(attention(norm1(in)));   out = mid + fc2(GELU(fc1(norm2(mid))))
 *
 * Vaswani et al. 2017, Dosovitskiy et al. 2021; LayerNorm eps 1e-6, exact GELU, no dropout. The two linears of
 * attention may have low-rank adapters (core/nn/lora.h).
 */
#ifndef EIN_CORE_NN_TRANSFORMER_H
#define EIN_CORE_NN_TRANSFORMER_H

#include <stdint.h>

#include "core/base/real.h"
#include "core/base/status.h"
#include "core/nn/products.h"

/* The twelve tensors of a block, consecutive in a layout, in this order; then, if it has adapters, their four. */
enum {
    BLOCK_NORM1_W,
    BLOCK_NORM1_B,
    BLOCK_QKV_W,
    BLOCK_QKV_B,
    BLOCK_PROJ_W,
    BLOCK_PROJ_B,
    BLOCK_NORM2_W,
    BLOCK_NORM2_B,
    BLOCK_FC1_W,
    BLOCK_FC1_B,
    BLOCK_FC2_W,
    BLOCK_FC2_B,
    BLOCK_TENSORS,
    BLOCK_QKV_LORA_A = BLOCK_TENSORS,
    BLOCK_QKV_LORA_B,
    BLOCK_PROJ_LORA_A,
    BLOCK_PROJ_LORA_B,
    BLOCK_TENSORS_ADAPTED
};

#define EIN_LAYERNORM_EPS 1e-6

/* Sizes of a stack: B records of T tokens, width C, H heads, MLP width F, rank R of adapters (0: none). */
typedef struct {
    int B, T, C, H, F, R;
} stack_size;

/* What the backward pass of one block needs; pointers into one arena. M = B*T. */
#define block_state EIN_REAL_NAME(block_state)
typedef struct {
    real *norm1, *mean1, *rstd1; /* (M,C), (M), (M) */
    real *qkv;                   /* (M,3C) */
    real *prob;                  /* (B,H,T,attention_stride(T)) */
    real *att;                   /* (M,C) */
    real *mid;                   /* (M,C) */
    real *norm2, *mean2, *rstd2;
    real *slope;                    /* (M,F): GELU's derivative */
    real *act;                      /* (M,F): GELU's value */
    real *out;                      /* (M,C) */
    real *qkv_hidden, *proj_hidden; /* (M,R) each, of the adapters */
} block_state;

/* Buffers shared by all blocks of stacks up to a size. */
#define stack_scratch EIN_REAL_NAME(stack_scratch)
typedef struct {
    real *attention; /* attention_scratch */
    real *wide;      /* (M, max(3C, F)) */
    real *narrow;    /* (M,C) */
    real *hidden;    /* (M,R) */
} stack_scratch;

#define block_state_values   EIN_REAL_NAME(block_state_values)
#define block_state_place    EIN_REAL_NAME(block_state_place)
#define stack_scratch_values EIN_REAL_NAME(stack_scratch_values)
#define stack_scratch_place  EIN_REAL_NAME(stack_scratch_place)
#define block_forward        EIN_REAL_NAME(block_forward)
#define block_rows_forward   EIN_REAL_NAME(block_rows_forward)
#define block_rows_backward  EIN_REAL_NAME(block_rows_backward)
#define block_backward       EIN_REAL_NAME(block_backward)

/* Values that a block's state / the scratch takes, and pointers into `memory` of that many values. */
int64_t block_state_values(const stack_size *size);
void block_state_place(block_state *state, const stack_size *size, real *memory);
int64_t stack_scratch_values(const stack_size *size);
void stack_scratch_place(stack_scratch *scratch, const stack_size *size, real *memory);

/* state->out from in (M,C), which may be state->out itself if no backward pass follows. p (BLOCK_TENSORS, or
 * BLOCK_TENSORS_ADAPTED with adapters): the block's tensors; of those that are no linears' weights, the values. */
void block_forward(block_state *state, stack_scratch *scratch, const real *in, const ein_weight *p,
                   const stack_size *size);

/* d (M,C): on entry the gradient of state->out, on return that of `in`. g: gradients of the tensors as in p, written
 * where they are not NULL (frozen); g NULL: all are, and only d flows. */
void block_backward(real *d, real *const *g, stack_scratch *scratch, const block_state *state, const real *in,
                    const ein_weight *p, const stack_size *size);

/* Tokens that leave a block whose other tokens nobody asks for: Q of each record's T, (B,Q) rising within a record.
 * Of the others only keys and values are computed. */
typedef struct {
    int Q;
    const int32_t *row;
} stack_rows;

/* state->out (B*Q,C): the rows that block_forward would give them, to the last bit with own products. */
void block_rows_forward(block_state *state, stack_scratch *scratch, const real *in, const ein_weight *p,
                        const stack_size *size, const stack_rows *rows);

/* d (M,C): that of `in`, written; d_rows (B*Q,C): on entry that of state->out, overwritten. Without adapters. */
void block_rows_backward(real *d, real *d_rows, real *const *g, stack_scratch *scratch,
                         const block_state *state, const real *in, const ein_weight *p,
                         const stack_size *size, const stack_rows *rows);

/* Round a number of values up so that the next array starts on a 64-byte line. */
static inline int64_t ein_aligned(int64_t values) {
    return (values + 15) / 16 * 16;
}

#endif
