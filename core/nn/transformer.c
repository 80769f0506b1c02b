#include "core/nn/transformer.h"

#include <string.h>

#include "core/nn/kernels.h"
#include "core/nn/lora.h"
#include "core/nn/terms.h"

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Hand out the next `values` of the memory behind *cursor; with *cursor NULL only count. */
static real *take(real **cursor, int64_t *used, int64_t values) {
    real *start = *cursor ? *cursor + *used : NULL;
    *used += ein_aligned(values);
    return start;
}

static int64_t block_state_walk(block_state *s, const stack_size *z, real *memory) {
    const int64_t M = (int64_t)z->B * z->T, C = z->C, F = z->F;
    int64_t used = 0;
    s->norm1 = take(&memory, &used, M * C);
    s->mean1 = take(&memory, &used, M);
    s->rstd1 = take(&memory, &used, M);
    s->qkv = take(&memory, &used, M * 3 * C);
    s->prob = take(&memory, &used, (int64_t)z->B * z->H * z->T * attention_stride(z->T));
    s->att = take(&memory, &used, M * C);
    s->mid = take(&memory, &used, M * C);
    s->norm2 = take(&memory, &used, M * C);
    s->mean2 = take(&memory, &used, M);
    s->rstd2 = take(&memory, &used, M);
    s->slope = take(&memory, &used, M * F);
    s->act = take(&memory, &used, M * F);
    s->out = take(&memory, &used, M * C);
    s->qkv_hidden = take(&memory, &used, M * z->R);
    s->proj_hidden = take(&memory, &used, M * z->R);
    return used;
}

int64_t block_state_values(const stack_size *size) {
    block_state unused;
    return block_state_walk(&unused, size, NULL);
}

void block_state_place(block_state *state, const stack_size *size, real *memory) {
    block_state_walk(state, size, memory);
}

static int64_t stack_scratch_walk(stack_scratch *s, const stack_size *z, real *memory) {
    const int64_t M = (int64_t)z->B * z->T;
    int64_t used = 0;
    s->attention = take(&memory, &used, (int64_t)attention_scratch(z->T, z->C / z->H));
    s->wide = take(&memory, &used, M * larger(3 * (int64_t)z->C, z->F));
    s->narrow = take(&memory, &used, M * z->C);
    s->hidden = take(&memory, &used, M * z->R);
    return used;
}

int64_t stack_scratch_values(const stack_size *size) {
    stack_scratch unused;
    return stack_scratch_walk(&unused, size, NULL);
}

void stack_scratch_place(stack_scratch *scratch, const stack_size *size, real *memory) {
    stack_scratch_walk(scratch, size, memory);
}

void block_forward(block_state *s, stack_scratch *scratch, const real *in, const ein_weight *p,
                   const stack_size *z) {
    const int M = z->B * z->T, C = z->C, F = z->F;
    layernorm_forward(s->norm1, s->mean1, s->rstd1, in, p[BLOCK_NORM1_W].values, p[BLOCK_NORM1_B].values, M,
                      C, EIN_LAYERNORM_EPS);
    linear_forward(s->qkv, s->norm1, p[BLOCK_QKV_W], p[BLOCK_QKV_B].values, M, C, 3 * C);
    if (z->R)
        lora_forward(s->qkv, s->qkv_hidden, s->norm1, p[BLOCK_QKV_LORA_A].values, p[BLOCK_QKV_LORA_B].values,
                     M, C, 3 * C, z->R);
    attention_forward(s->att, s->prob, scratch->attention, s->qkv, z->B, z->T, C, z->H);
    linear_residual_forward(s->mid, in, s->att, p[BLOCK_PROJ_W], p[BLOCK_PROJ_B].values, M, C, C);
    if (z->R)
        lora_forward(s->mid, s->proj_hidden, s->att, p[BLOCK_PROJ_LORA_A].values, p[BLOCK_PROJ_LORA_B].values,
                     M, C, C, z->R);
    layernorm_forward(s->norm2, s->mean2, s->rstd2, s->mid, p[BLOCK_NORM2_W].values, p[BLOCK_NORM2_B].values,
                      M, C, EIN_LAYERNORM_EPS);
    linear_forward(s->slope, s->norm2, p[BLOCK_FC1_W], p[BLOCK_FC1_B].values, M, C, F);
    gelu_forward(s->act, s->slope, s->slope, (size_t)M * (size_t)F);
    linear_residual_forward(s->out, s->mid, s->act, p[BLOCK_FC2_W], p[BLOCK_FC2_B].values, M, F, C);
}

void block_backward(real *d, real *const *g, stack_scratch *scratch, const block_state *s, const real *in,
                    const ein_weight *p, const stack_size *z) {
    const int M = z->B * z->T, C = z->C, F = z->F;
    real *wide = scratch->wide, *narrow = scratch->narrow;
#define GRADIENT(tensor) (g ? g[tensor] : NULL)
    /* out = mid + fc2(GELU(fc1(norm2(mid)))) */
    linear_backward(wide, GRADIENT(BLOCK_FC2_W), GRADIENT(BLOCK_FC2_B), d, s->act, p[BLOCK_FC2_W], M, F, C);
    gelu_backward(wide, wide, s->slope, (size_t)M * (size_t)F);
    linear_backward(narrow, GRADIENT(BLOCK_FC1_W), GRADIENT(BLOCK_FC1_B), wide, s->norm2, p[BLOCK_FC1_W], M,
                    C, F);
    layernorm_backward(d, GRADIENT(BLOCK_NORM2_W), GRADIENT(BLOCK_NORM2_B), narrow, s->mid,
                       p[BLOCK_NORM2_W].values, s->mean2, s->rstd2, M, C);
    /* mid = in + proj(attention(norm1(in))) */
    linear_backward(narrow, GRADIENT(BLOCK_PROJ_W), GRADIENT(BLOCK_PROJ_B), d, s->att, p[BLOCK_PROJ_W], M, C,
                    C);
    if (z->R)
        lora_backward(narrow, GRADIENT(BLOCK_PROJ_LORA_A), GRADIENT(BLOCK_PROJ_LORA_B), scratch->hidden, d,
                      s->att, s->proj_hidden, p[BLOCK_PROJ_LORA_A].values, p[BLOCK_PROJ_LORA_B].values, M, C,
                      C, z->R);
    attention_backward(wide, scratch->attention, narrow, s->qkv, s->prob, z->B, z->T, C, z->H);
    linear_backward(narrow, GRADIENT(BLOCK_QKV_W), GRADIENT(BLOCK_QKV_B), wide, s->norm1, p[BLOCK_QKV_W], M,
                    C, 3 * C);
    if (z->R)
        lora_backward(narrow, GRADIENT(BLOCK_QKV_LORA_A), GRADIENT(BLOCK_QKV_LORA_B), scratch->hidden, wide,
                      s->norm1, s->qkv_hidden, p[BLOCK_QKV_LORA_A].values, p[BLOCK_QKV_LORA_B].values, M, C,
                      3 * C, z->R);
    layernorm_backward(d, GRADIENT(BLOCK_NORM1_W), GRADIENT(BLOCK_NORM1_B), narrow, in,
                       p[BLOCK_NORM1_W].values, s->mean1, s->rstd1, M, C);
#undef GRADIENT
}

/* --- a block of which some tokens leave ------------------------------------------------------------------ */

/* to (B*Q,C): the chosen rows of from (B*T,C); or back, into rows that are 0 elsewhere. */
static void gather(real *to, const real *from, const stack_size *z, const stack_rows *rows) {
    const size_t C = (size_t)z->C;
    for (int b = 0; b < z->B; b++)
        for (int i = 0; i < rows->Q; i++, to += C)
            memcpy(to, from + ((size_t)b * z->T + (size_t)rows->row[b * rows->Q + i]) * C, C * sizeof *to);
}

static void scatter(real *to, const real *from, const stack_size *z, const stack_rows *rows) {
    const size_t C = (size_t)z->C;
    memset(to, 0, (size_t)z->B * (size_t)z->T * C * sizeof *to);
    for (int b = 0; b < z->B; b++)
        for (int i = 0; i < rows->Q; i++, from += C)
            memcpy(to + ((size_t)b * z->T + (size_t)rows->row[b * rows->Q + i]) * C, from, C * sizeof *to);
}

/* The weights of keys and values among those of qkv: panels are as deep as the width, and theirs are whole if it is a
 * multiple of a panel's. */
static ein_weight keys_and_values(ein_weight w, int C) {
    ein_weight kv = {.values = w.values + (size_t)C * C, .width = w.width};
    if (w.forward && C % w.width == 0) kv.forward = w.forward + (size_t)C * C;
    return kv;
}

void block_rows_forward(block_state *s, stack_scratch *scratch, const real *in, const ein_weight *p,
                        const stack_size *z, const stack_rows *rows) {
    const int M = z->B * z->T, Mq = z->B * rows->Q, C = z->C, F = z->F;
    real *kv = s->qkv, *q = s->qkv + (size_t)M * 2 * C;
    layernorm_forward(s->norm1, s->mean1, s->rstd1, in, p[BLOCK_NORM1_W].values, p[BLOCK_NORM1_B].values, M,
                      C, EIN_LAYERNORM_EPS);
    gather(scratch->narrow, s->norm1, z, rows);
    linear_forward(q, scratch->narrow, p[BLOCK_QKV_W], p[BLOCK_QKV_B].values, Mq, C, C);
    linear_forward(kv, s->norm1, keys_and_values(p[BLOCK_QKV_W], C), p[BLOCK_QKV_B].values + C, M, C, 2 * C);
    attention_rows_forward(s->att, s->prob, q, kv, z->B, rows->Q, z->T, C, z->H);
    gather(s->mid, in, z, rows);
    linear_residual_forward(s->mid, s->mid, s->att, p[BLOCK_PROJ_W], p[BLOCK_PROJ_B].values, Mq, C, C);
    layernorm_forward(s->norm2, s->mean2, s->rstd2, s->mid, p[BLOCK_NORM2_W].values, p[BLOCK_NORM2_B].values,
                      Mq, C, EIN_LAYERNORM_EPS);
    linear_forward(s->slope, s->norm2, p[BLOCK_FC1_W], p[BLOCK_FC1_B].values, Mq, C, F);
    gelu_forward(s->act, s->slope, s->slope, (size_t)Mq * (size_t)F);
    linear_residual_forward(s->out, s->mid, s->act, p[BLOCK_FC2_W], p[BLOCK_FC2_B].values, Mq, F, C);
}

void block_rows_backward(real *d, real *d_rows, real *const *g, stack_scratch *scratch, const block_state *s,
                         const real *in, const ein_weight *p, const stack_size *z, const stack_rows *rows) {
    const int M = z->B * z->T, Mq = z->B * rows->Q, C = z->C, F = z->F;
    const real *kv = s->qkv, *q = s->qkv + (size_t)M * 2 * C;
    real *wide = scratch->wide, *narrow = scratch->narrow, *dkv = wide, *dq = wide + (size_t)M * 2 * C;
    linear_backward(wide, g[BLOCK_FC2_W], g[BLOCK_FC2_B], d_rows, s->act, p[BLOCK_FC2_W], Mq, F, C);
    gelu_backward(wide, wide, s->slope, (size_t)Mq * (size_t)F);
    linear_backward(narrow, g[BLOCK_FC1_W], g[BLOCK_FC1_B], wide, s->norm2, p[BLOCK_FC1_W], Mq, C, F);
    layernorm_backward(d_rows, g[BLOCK_NORM2_W], g[BLOCK_NORM2_B], narrow, s->mid, p[BLOCK_NORM2_W].values,
                       s->mean2, s->rstd2, Mq, C);
    linear_backward(narrow, g[BLOCK_PROJ_W], g[BLOCK_PROJ_B], d_rows, s->att, p[BLOCK_PROJ_W], Mq, C, C);
    attention_rows_backward(dq, dkv, scratch->attention, narrow, q, kv, s->prob, z->B, rows->Q, z->T, C,
                            z->H);
    /* The gradient of norm1: queries' first, where there are any, then that of keys and values added onto it. */
    gather(narrow, s->norm1, z, rows);
    linear_backward(d, g[BLOCK_QKV_W], g[BLOCK_QKV_B], dq, narrow,
                    (ein_weight){.values = p[BLOCK_QKV_W].values}, Mq, C, C);
    scatter(narrow, d, z, rows);
    linear_backward(NULL, g[BLOCK_QKV_W] + (size_t)C * C, g[BLOCK_QKV_B] + C, dkv, s->norm1, (ein_weight){0},
                    M, C, 2 * C);
    product_nn_add(narrow, dkv, p[BLOCK_QKV_W].values + (size_t)C * C, M, C, 2 * C, EIN_TERM(LINEAR_DIN));
    scatter(d, d_rows, z, rows);
    layernorm_backward(d, g[BLOCK_NORM1_W], g[BLOCK_NORM1_B], narrow, in, p[BLOCK_NORM1_W].values, s->mean1,
                       s->rstd1, M, C);
}
