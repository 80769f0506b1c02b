#include "core/nn/mae.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/nn/kernels.h"
#include "core/nn/packed.h"
#include "core/nn/patch.h"
#include "core/nn/terms.h"
#include "core/nn/transformer.h"

struct ein_mae {
    ein_vit_shape shape;
    int B, N, K, V;
    bool whole;           /* predict every patch */
    stack_rows predicted; /* tokens that leave the decoder, CLS being token 0 */
    int32_t *row, *place; /* (B,Q) those; (B,N) which of them a patch is, -1: none */
    stack_size enc, dec;
    /* First tensors in the layout's table. */
    const ein_layout *layout;
    const ein_packed *packed; /* NULL: none */
    int cls, pos, embed_w, embed_b, blocks, norm_w, norm_b;
    int mask, dec_embed_w, dec_embed_b, dec_pos, dec_blocks, dec_norm_w, dec_norm_b, pred_w, pred_b;

    real *memory;
    const int32_t *order; /* (B,N), the caller's */
    stack_scratch enc_scratch, dec_scratch;
    block_state *enc_block, *dec_block;
    real *patches;                      /* (B*K, V) lead-major */
    real *embedded;                     /* (B*K, C) */
    real *enc_in;                       /* (B, K+1, C) */
    real *latent, *lat_mean, *lat_rstd; /* (B, K+1, C): after the final norm */
    real *dec_tokens;                   /* (B, K+1, Cd) */
    real *dec_in;                       /* (B, T, Cd) */
    real *dec_out, *dec_mean, *dec_rstd;
    real *chosen;     /* (B*Q, V): predictions */
    real *prediction; /* (B*N, V): the same by patch, for those who ask */
    real *target;     /* (B*(N-K), V) */
    real *d_pred;     /* (B*Q, V) */
    real *d_last;     /* (B*Q, Cd) */
    real *d_dec;      /* (B, T, Cd) */
    real *d_norm;     /* (B, T, Cd) and (B, K+1, C) */
    real *d_enc;      /* (B, K+1, C) */
    real *d_tokens;   /* (B, K+1, Cd) */
};

#ifndef EIN_REAL_DOUBLE
int ein_mask_visible(int patches, double ratio) {
    return (int)((double)patches * (1.0 - ratio));
}

double ein_mae_gflop(const ein_vit_shape *s, int visible) {
    const double t = visible + 1, n = ein_vit_patches(s), T = n + 1, V = ein_vit_patch_values(s);
    const double enc = s->depth * t * (2.0 * s->width * (4.0 * s->width + 2.0 * s->mlp) + 4.0 * t * s->width);
    const double D = s->dec_width, masked = n - visible;
    const double dec = (s->dec_depth - 1) * T * (2.0 * D * (4.0 * D + 2.0 * s->dec_mlp) + 4.0 * T * D);
    const double last = 4.0 * T * D * D + masked * (4.0 * D * (D + s->dec_mlp) + 4.0 * T * D);
    const double ends = 2.0 * ((t - 1) * V * s->width + t * s->width * D + masked * D * V);
    return 3.0 * (enc + dec + last + ends) * 1e-9;
}

void ein_mask_draw(int32_t *order, int patches, uint64_t seed, int64_t epoch, int64_t record) {
    enum { MAX_SORT = 1 << 16 };
    EIN_BUG_IF(patches > MAX_SORT || epoch < 0);
    uint32_t noise[4];
    const uint32_t blocks = (uint32_t)(patches + 3) / 4;
    uint64_t key[256], *keys = patches <= 256 ? key : malloc((size_t)patches * sizeof *keys);
    EIN_BUG_IF(!keys);
    for (int n = 0; n < patches; n++) {
        if (n % 4 == 0) {
            const ein_philox_block draw = ein_philox(seed, EIN_DRAW_MASK, (uint64_t)record,
                                                     (uint32_t)epoch * blocks + (uint32_t)(n / 4));
            memcpy(noise, draw.v, sizeof noise);
        }
        /* The index in the low bits makes keys distinct and the sort stable. */
        const uint64_t k = ((uint64_t)noise[n % 4] << 32) | (uint32_t)n;
        int at = n;
        while (at > 0 && keys[at - 1] > k) {
            keys[at] = keys[at - 1];
            at--;
        }
        keys[at] = k;
    }
    for (int n = 0; n < patches; n++) order[n] = (int32_t)(uint32_t)keys[n];
    if (keys != key) free(keys);
}
#endif

static int tensor(const ein_layout *layout, const char *name) {
    const int index = ein_layout_find(layout, name);
    EIN_BUG_IF(index < 0);
    return index;
}

static void find_tensors(ein_mae *m, const ein_layout *layout) {
    m->layout = layout;
    m->cls = tensor(layout, "cls_token");
    m->pos = tensor(layout, "pos_embed");
    m->embed_w = tensor(layout, "patch_embed.proj.weight");
    m->embed_b = tensor(layout, "patch_embed.proj.bias");
    m->blocks = tensor(layout, "blocks.0.norm1.weight");
    m->norm_w = tensor(layout, "norm.weight");
    m->norm_b = tensor(layout, "norm.bias");
    m->mask = tensor(layout, "mask_token");
    m->dec_embed_w = tensor(layout, "decoder_embed.weight");
    m->dec_embed_b = tensor(layout, "decoder_embed.bias");
    m->dec_pos = tensor(layout, "decoder_pos_embed");
    m->dec_blocks = tensor(layout, "decoder_blocks.0.norm1.weight");
    m->dec_norm_w = tensor(layout, "decoder_norm.weight");
    m->dec_norm_b = tensor(layout, "decoder_norm.bias");
    m->pred_w = tensor(layout, "decoder_pred.weight");
    m->pred_b = tensor(layout, "decoder_pred.bias");
}

/* Place every array in the arena, or only count its values when `memory` is NULL. */
static int64_t place(ein_mae *m, real *memory) {
    const int64_t B = m->B, N = m->N, K = m->K, V = m->V, C = m->enc.C, D = m->dec.C, T = N + 1;
    int64_t used = 0;
#define TAKE(pointer, values) ((pointer) = memory ? memory + used : NULL, used += ein_aligned(values))
    TAKE(m->patches, B * K * V);
    TAKE(m->embedded, B * K * C);
    TAKE(m->enc_in, B * (K + 1) * C);
    TAKE(m->latent, B * (K + 1) * C);
    TAKE(m->lat_mean, B * (K + 1));
    TAKE(m->lat_rstd, B * (K + 1));
    TAKE(m->dec_tokens, B * (K + 1) * D);
    TAKE(m->dec_in, B * T * D);
    TAKE(m->dec_out, B * T * D);
    TAKE(m->dec_mean, B * T);
    TAKE(m->dec_rstd, B * T);
    TAKE(m->chosen, B * N * V);
    TAKE(m->prediction, B * N * V);
    TAKE(m->target, B * (N - K) * V);
    TAKE(m->d_pred, B * N * V);
    TAKE(m->d_last, B * N * D);
    TAKE(m->d_dec, B * T * D);
    TAKE(m->d_norm, B * T * D > B * (K + 1) * C ? B * T * D : B * (K + 1) * C);
    TAKE(m->d_enc, B * (K + 1) * C);
    TAKE(m->d_tokens, B * (K + 1) * D);
    real *block;
    for (int i = 0; i < m->shape.depth; i++) {
        TAKE(block, block_state_values(&m->enc));
        if (memory) block_state_place(&m->enc_block[i], &m->enc, block);
    }
    for (int i = 0; i < m->shape.dec_depth; i++) {
        TAKE(block, block_state_values(&m->dec));
        if (memory) block_state_place(&m->dec_block[i], &m->dec, block);
    }
    /* Encoder and decoder run one after the other and share scratch. */
    const int64_t enc = stack_scratch_values(&m->enc), dec = stack_scratch_values(&m->dec);
    TAKE(block, enc > dec ? enc : dec);
    if (memory) {
        stack_scratch_place(&m->enc_scratch, &m->enc, block);
        stack_scratch_place(&m->dec_scratch, &m->dec, block);
    }
#undef TAKE
    return used;
}

static void set_sizes(ein_mae *m, const ein_layout *layout, int records, int visible) {
    const ein_vit_shape *s = &layout->shape;
    m->shape = *s;
    m->B = records;
    m->N = ein_vit_patches(s);
    m->K = visible;
    m->V = ein_vit_patch_values(s);
    m->enc = (stack_size){records, visible + 1, s->width, s->heads, s->mlp, 0};
    m->dec = (stack_size){records, m->N + 1, s->dec_width, s->dec_heads, s->dec_mlp, 0};
}

int64_t ein_mae_values(const ein_layout *layout, int records, int visible) {
    ein_mae m = {0};
    set_sizes(&m, layout, records, visible);
    return place(&m, NULL);
}

ein_status ein_mae_new(const ein_layout *layout, int records, int visible, ein_mae **out) {
    ein_mae *m;
    *out = NULL;
    EIN_TRY(EIN_NEW(m, 1));
    set_sizes(m, layout, records, visible);
    ein_status status = EIN_OK;
    if (m->V < 2) {
        status = ein_error(EIN_USAGE, "a patch of one value cannot be z-scored: %d leads x %d samples",
                           layout->shape.leads, layout->shape.patch);
        goto fail;
    }
    if (visible < 1 || visible >= m->N) {
        status =
            ein_error(EIN_USAGE, "masking leaves %d of %d patches visible; at least 1 and at most %d must be",
                      visible, m->N, m->N - 1);
        goto fail;
    }
    find_tensors(m, layout);
    EIN_TRY_GOTO(status, EIN_NEW(m->row, (int64_t)records * m->N), fail);
    EIN_TRY_GOTO(status, EIN_NEW(m->place, (int64_t)records * m->N), fail);
    EIN_TRY_GOTO(status, EIN_NEW(m->enc_block, m->shape.depth), fail);
    EIN_TRY_GOTO(status, EIN_NEW(m->dec_block, m->shape.dec_depth), fail);
    const size_t bytes = (size_t)place(m, NULL) * sizeof(real);
    void *memory;
    if (posix_memalign(&memory, 64, bytes) != 0) {
        status =
            ein_error(EIN_NOMEM, "no memory for the activations of %d records: %zu bytes", records, bytes);
        goto fail;
    }
    m->memory = memory;
    /* First touch by the thread that computes; all bits set is NaN, so reading what nobody wrote shows. */
    memset(m->memory, 0xff, bytes);
    place(m, m->memory);
    *out = m;
    return EIN_OK;
fail:
    ein_mae_destroy(m);
    return status;
}

void ein_mae_destroy(ein_mae *mae) {
    if (!mae) return;
    free(mae->row);
    free(mae->place);
    free(mae->enc_block);
    free(mae->dec_block);
    free(mae->memory);
    free(mae);
}

void ein_mae_weights(ein_mae *mae, const ein_packed *packed) {
    mae->packed = packed;
}

/* --- forward ------------------------------------------------------------------------------------------- */

static const real *at(const ein_mae *m, const real *param, int tensor_index) {
    return param + m->layout->tensors[tensor_index].offset;
}

static ein_weight weight(const ein_mae *m, const real *param, int tensor_index) {
    return ein_packed_weight(m->packed, m->layout, param, tensor_index);
}

static void block_tensors(const ein_mae *m, const real *param, int first, ein_weight p[BLOCK_TENSORS]) {
    for (int i = 0; i < BLOCK_TENSORS; i++) p[i] = weight(m, param, first + i);
}

static void encode(ein_mae *m, const real *param, const real *x) {
    const int B = m->B, N = m->N, K = m->K, V = m->V, C = m->enc.C;
    const real *cls = at(m, param, m->cls), *pos = at(m, param, m->pos);
    for (int b = 0; b < B; b++)
        patch_gather(m->patches + (size_t)b * K * V, x + (size_t)b * m->shape.leads * m->shape.samples,
                     m->order + (size_t)b * N, K, m->shape.leads, m->shape.samples, m->shape.patch);
    linear_forward(m->embedded, m->patches, weight(m, param, m->embed_w), at(m, param, m->embed_b), B * K, V,
                   C);
    for (int b = 0; b < B; b++) {
        real *token = m->enc_in + (size_t)b * (K + 1) * C;
        for (int c = 0; c < C; c++) token[c] = cls[c] + pos[c];
        for (int k = 0; k < K; k++) {
            const real *e = m->embedded + ((size_t)b * K + k) * C;
            const real *where = pos + (size_t)(m->order[(size_t)b * N + k] + 1) * C;
            token += C;
            for (int c = 0; c < C; c++) token[c] = e[c] + where[c];
        }
    }
    const real *in = m->enc_in;
    ein_weight p[BLOCK_TENSORS];
    for (int i = 0; i < m->shape.depth; i++) {
        block_tensors(m, param, m->blocks + i * BLOCK_TENSORS, p);
        block_forward(&m->enc_block[i], &m->enc_scratch, in, p, &m->enc);
        in = m->enc_block[i].out;
    }
    layernorm_forward(m->latent, m->lat_mean, m->lat_rstd, in, at(m, param, m->norm_w),
                      at(m, param, m->norm_b), B * (K + 1), C, EIN_LAYERNORM_EPS);
}

/* The last block works for patches that are predicted alone: nobody asks what it makes of the others. */
static void choose_rows(ein_mae *m) {
    const int N = m->N, K = m->K, Q = m->whole ? N : N - K;
    m->predicted = (stack_rows){Q, m->row};
    for (int b = 0; b < m->B; b++) {
        int32_t *place = m->place + (size_t)b * N, *row = m->row + (size_t)b * Q;
        int n = 0;
        for (int i = 0; i < N; i++) place[m->order[(size_t)b * N + i]] = m->whole || i >= K ? 0 : -1;
        for (int i = 0; i < N; i++)
            if (place[i] == 0) {
                row[n] = i + 1;
                place[i] = n++;
            }
    }
}

static void decode(ein_mae *m, const real *param) {
    const int B = m->B, N = m->N, K = m->K, T = N + 1, D = m->dec.C, last = m->shape.dec_depth - 1;
    const real *mask = at(m, param, m->mask), *pos = at(m, param, m->dec_pos);
    linear_forward(m->dec_tokens, m->latent, weight(m, param, m->dec_embed_w), at(m, param, m->dec_embed_b),
                   B * (K + 1), m->enc.C, D);
    for (int b = 0; b < B; b++) {
        const real *visible = m->dec_tokens + (size_t)b * (K + 1) * D;
        real *out = m->dec_in + (size_t)b * T * D;
        for (int d = 0; d < D; d++) out[d] = visible[d] + pos[d];
        for (int n = 0; n < N; n++) {
            const size_t row = (size_t)m->order[(size_t)b * N + n] + 1;
            const real *token = n < K ? visible + (size_t)(n + 1) * D : mask;
            for (int d = 0; d < D; d++) out[row * D + d] = token[d] + pos[row * D + d];
        }
    }
    const real *in = m->dec_in;
    ein_weight p[BLOCK_TENSORS];
    choose_rows(m);
    for (int i = 0; i <= last; i++) {
        block_tensors(m, param, m->dec_blocks + i * BLOCK_TENSORS, p);
        if (i < last)
            block_forward(&m->dec_block[i], &m->dec_scratch, in, p, &m->dec);
        else
            block_rows_forward(&m->dec_block[i], &m->dec_scratch, in, p, &m->dec, &m->predicted);
        in = m->dec_block[i].out;
    }
    const int rows = B * m->predicted.Q;
    layernorm_forward(m->dec_out, m->dec_mean, m->dec_rstd, in, at(m, param, m->dec_norm_w),
                      at(m, param, m->dec_norm_b), rows, D, EIN_LAYERNORM_EPS);
    linear_forward(m->chosen, m->dec_out, weight(m, param, m->pred_w), at(m, param, m->pred_b), rows, D,
                   m->V);
}

/* The prediction of a patch, which must be among those that there are. */
static size_t place_of(const ein_mae *m, int b, int patch) {
    return ((size_t)b * (size_t)m->predicted.Q + (size_t)m->place[(size_t)b * m->N + patch]) * (size_t)m->V;
}

void ein_mae_forward(ein_mae *m, double *record_loss, const real *param, const real *x,
                     const int32_t *order) {
    const int B = m->B, N = m->N, K = m->K, V = m->V, masked = N - K;
    const size_t record = (size_t)m->shape.leads * m->shape.samples;
    m->order = order;
    encode(m, param, x);
    decode(m, param);
    for (int b = 0; b < B; b++) {
        const int32_t *hidden = order + (size_t)b * N + K;
        real *target = m->target + (size_t)b * masked * V;
        patch_target(target, x + (size_t)b * record, hidden, masked, m->shape.leads, m->shape.samples,
                     m->shape.patch);
        double total = 0;
        for (int i = 0; i < masked; i++) {
            const real *pred = m->chosen + place_of(m, b, hidden[i]), *t = target + (size_t)i * V;
            double square = 0;
            for (int v = 0; v < V; v++) square += (double)(pred[v] - t[v]) * (double)(pred[v] - t[v]);
            total += square / V;
        }
        record_loss[b] = total / masked;
    }
}

/* --- backward ------------------------------------------------------------------------------------------ */

static real *into(const ein_mae *m, real *grad, int tensor_index) {
    return grad + m->layout->tensors[tensor_index].offset;
}

static void finish(const ein_mae *m, int tensor_index, ein_stage_done done, void *context) {
    if (done) done(context, m->layout->tensors[tensor_index].stage);
}

static void stack_backward(ein_mae *m, real *d, real *grad, const real *param, const block_state *block,
                           const real *first_in, int first_tensor, int depth, const stack_size *size,
                           stack_scratch *scratch, ein_stage_done done, void *context) {
    for (int i = depth - 1; i >= 0; i--) {
        const int first = first_tensor + i * BLOCK_TENSORS;
        ein_weight p[BLOCK_TENSORS];
        real *g[BLOCK_TENSORS];
        block_tensors(m, param, first, p);
        for (int t = 0; t < BLOCK_TENSORS; t++) g[t] = into(m, grad, first + t);
        block_backward(d, g, scratch, &block[i], i ? block[i - 1].out : first_in, p, size);
        finish(m, first, done, context);
    }
}

/* Gradient of the loss by the prediction: 2 (pred - target) scale / ((N - K) V) on masked patches, else 0. */
static void loss_backward(ein_mae *m, double scale) {
    const int N = m->N, K = m->K, V = m->V, masked = N - K;
    const real factor = EIN_TERM(MAE_LOSS) * (real)(2.0 * scale / ((double)masked * V));
    memset(m->d_pred, 0, (size_t)m->B * m->predicted.Q * V * sizeof(real));
    for (int b = 0; b < m->B; b++)
        for (int i = 0; i < masked; i++) {
            const size_t row = place_of(m, b, m->order[(size_t)b * N + K + i]);
            const real *pred = m->chosen + row, *t = m->target + ((size_t)b * masked + i) * V;
            real *d = m->d_pred + row;
            for (int v = 0; v < V; v++) d[v] = factor * (pred[v] - t[v]);
        }
}

/* Gradients of positions, mask token and visible tokens from d_dec (B,T,D). */
static void scatter_backward(ein_mae *m, real *grad) {
    const int B = m->B, N = m->N, K = m->K, T = N + 1, D = m->dec.C;
    real *dpos = into(m, grad, m->dec_pos), *dmask = into(m, grad, m->mask);
    memset(dpos, 0, (size_t)T * D * sizeof(real));
    memset(dmask, 0, (size_t)D * sizeof(real));
    for (int b = 0; b < B; b++) {
        const real *d = m->d_dec + (size_t)b * T * D;
        real *visible = m->d_tokens + (size_t)b * (K + 1) * D;
        for (size_t i = 0; i < (size_t)T * D; i++) dpos[i] += EIN_TERM(MAE_DECODER_POSITION) * d[i];
        for (int i = 0; i < D; i++) visible[i] = EIN_TERM(MAE_DECODER_CLS) * d[i];
        for (int n = 0; n < N; n++) {
            const real *from = d + ((size_t)m->order[(size_t)b * N + n] + 1) * D;
            if (n < K)
                for (int i = 0; i < D; i++)
                    visible[(size_t)(n + 1) * D + i] = EIN_TERM(MAE_VISIBLE) * from[i];
            else
                for (int i = 0; i < D; i++) dmask[i] += EIN_TERM(MAE_MASK_TOKEN) * from[i];
        }
    }
}

static void decode_backward(ein_mae *m, real *grad, const real *param, ein_stage_done done, void *context) {
    const int B = m->B, K = m->K, C = m->enc.C, D = m->dec.C, rows = B * m->predicted.Q;
    const int last = m->shape.dec_depth - 1, first = m->dec_blocks + last * BLOCK_TENSORS;
    ein_weight p[BLOCK_TENSORS];
    real *g[BLOCK_TENSORS];
    linear_backward(m->d_norm, into(m, grad, m->pred_w), into(m, grad, m->pred_b), m->d_pred, m->dec_out,
                    weight(m, param, m->pred_w), rows, D, m->V);
    memset(m->d_last, 0, (size_t)rows * D * sizeof(real));
    layernorm_backward(m->d_last, into(m, grad, m->dec_norm_w), into(m, grad, m->dec_norm_b), m->d_norm,
                       m->dec_block[last].out, at(m, param, m->dec_norm_w), m->dec_mean, m->dec_rstd, rows,
                       D);
    finish(m, m->dec_norm_w, done, context);
    block_tensors(m, param, first, p);
    for (int t = 0; t < BLOCK_TENSORS; t++) g[t] = into(m, grad, first + t);
    block_rows_backward(m->d_dec, m->d_last, g, &m->dec_scratch, &m->dec_block[last],
                        last ? m->dec_block[last - 1].out : m->dec_in, p, &m->dec, &m->predicted);
    finish(m, first, done, context);
    stack_backward(m, m->d_dec, grad, param, m->dec_block, m->dec_in, m->dec_blocks, last, &m->dec,
                   &m->dec_scratch, done, context);
    scatter_backward(m, grad);
    linear_backward(m->d_norm, into(m, grad, m->dec_embed_w), into(m, grad, m->dec_embed_b), m->d_tokens,
                    m->latent, weight(m, param, m->dec_embed_w), B * (K + 1), C, D);
    finish(m, m->dec_embed_w, done, context);
}

/* Gradients of CLS, positions and patch embedding from d_enc (B,K+1,C). */
static void embed_backward(ein_mae *m, real *grad) {
    const int B = m->B, N = m->N, K = m->K, C = m->enc.C;
    real *dcls = into(m, grad, m->cls), *dpos = into(m, grad, m->pos), *rows = m->embedded;
    memset(dcls, 0, (size_t)C * sizeof(real));
    memset(dpos, 0, (size_t)(N + 1) * C * sizeof(real));
    for (int b = 0; b < B; b++) {
        const real *d = m->d_enc + (size_t)b * (K + 1) * C;
        for (int c = 0; c < C; c++) dcls[c] += EIN_TERM(MAE_CLS) * d[c];
        for (int k = 0; k < K; k++) {
            real *where = dpos + (size_t)(m->order[(size_t)b * N + k] + 1) * C;
            const real *from = d + (size_t)(k + 1) * C;
            for (int c = 0; c < C; c++) where[c] += EIN_TERM(MAE_POSITION) * from[c];
            for (int c = 0; c < C; c++) rows[((size_t)b * K + k) * C + c] = EIN_TERM(MAE_EMBED) * from[c];
        }
    }
    /* CLS and its position are only ever added together. */
    for (int c = 0; c < C; c++) dpos[c] = EIN_TERM(MAE_CLS_POSITION) * dcls[c];
    linear_backward(NULL, into(m, grad, m->embed_w), into(m, grad, m->embed_b), rows, m->patches,
                    (ein_weight){0}, B * K, m->V, C);
}

void ein_mae_backward(ein_mae *m, real *grad, const real *param, double scale, ein_stage_done done,
                      void *context) {
    const int rows = m->B * (m->K + 1), C = m->enc.C;
    loss_backward(m, scale);
    decode_backward(m, grad, param, done, context);
    memset(m->d_enc, 0, (size_t)rows * C * sizeof(real));
    const real *last = m->enc_block[m->shape.depth - 1].out;
    layernorm_backward(m->d_enc, into(m, grad, m->norm_w), into(m, grad, m->norm_b), m->d_norm, last,
                       at(m, param, m->norm_w), m->lat_mean, m->lat_rstd, rows, C);
    finish(m, m->norm_w, done, context);
    stack_backward(m, m->d_enc, grad, param, m->enc_block, m->enc_in, m->blocks, m->shape.depth, &m->enc,
                   &m->enc_scratch, done, context);
    embed_backward(m, grad);
    finish(m, m->cls, done, context);
}

void ein_mae_whole(ein_mae *mae, bool whole) {
    mae->whole = whole;
}

const real *ein_mae_prediction(const ein_mae *m) {
    for (int b = 0; b < m->B; b++)
        for (int n = 0; n < m->N; n++) {
            real *to = m->prediction + ((size_t)b * m->N + n) * m->V;
            if (m->place[(size_t)b * m->N + n] >= 0)
                memcpy(to, m->chosen + place_of(m, b, n), (size_t)m->V * sizeof *to);
            else
                memset(to, 0xff, (size_t)m->V * sizeof *to); /* NaN */
        }
    return m->prediction;
}
const real *ein_mae_target(const ein_mae *mae) {
    return mae->target;
}
