#include "core/nn/classify.h"

#include <stdlib.h>
#include <string.h>

#include "core/nn/kernels.h"
#include "core/nn/packed.h"
#include "core/nn/patch.h"
#include "core/nn/pooling.h"
#include "core/nn/terms.h"
#include "core/nn/transformer.h"

/* Where the forward pass begins, and the prefix ends. */
typedef struct {
    enum { START_RECORD, START_BLOCK, START_POOL, START_POOLED } at;
    int block; /* START_BLOCK: which; otherwise 0 or all of them */
} start_point;

/* First tensors in the full layout's table. -1: there is none. */
typedef struct {
    int cls, pos, embed_w, embed_b, blocks, per_block;
    int query, kv_w, kv_b, proj_w, proj_b;
    int norm_w, norm_b, head_w, head_b;
} tensor_index;

/* Buffers of a pass over size.B records; those of steps that a pass does not take are NULL. */
typedef struct {
    stack_size size;
    real *patches;  /* (B*N, V) */
    real *embedded; /* (B*N, C) */
    real *tokens;   /* (B, T, C): what enters block 0 */
    real *kv;       /* (B, T, 2C) */
    real *prob;     /* (B, H, T) */
    real *att;      /* (B, C) */
    real *pooled;   /* (B, C) */
    stack_scratch scratch;
} pass;

struct ein_classify {
    const ein_layout *full, *trained;
    const ein_packed *frozen_packed, *trained_packed; /* NULL: none */
    int *map;                                         /* tensors of `full` to those of `trained` */
    int32_t *order;
    tensor_index at;
    start_point start;
    bool training;
    int N, V, O, depth, records;

    real *memory;
    pass one, all; /* the prefix of one record; the forward pass of B */
    block_state one_block, *block;
    const real *last_out;       /* tokens that left the last block, of a prefix or a forward pass */
    const real *first_in;       /* tokens that enter the first block of the forward pass, or its pooling */
    real *normed, *mean, *rstd; /* (B,C), (B), (B) */
    const real *head_in;        /* (B,C): pooled */
    real *d_normed, *d_pooled;  /* (B,C) */
    real *d_att;                /* (B,C) */
    real *d_kv, *d_row;         /* (B,T,2C), (T) */
    real *d_tokens;             /* (B,T,C) */
};

/* --- what is trained --------------------------------------------------------------------------------- */

static tensor_index find_tensors(const ein_layout *l) {
    return (tensor_index){
        .cls = ein_layout_find(l, "cls_token"),
        .pos = ein_layout_find(l, "pos_embed"),
        .embed_w = ein_layout_find(l, "patch_embed.proj.weight"),
        .embed_b = ein_layout_find(l, "patch_embed.proj.bias"),
        .blocks = ein_layout_find(l, "blocks.0.norm1.weight"),
        .per_block = l->shape.lora ? BLOCK_TENSORS_ADAPTED : BLOCK_TENSORS,
        .query = ein_layout_find(l, "attn_pool.query"),
        .kv_w = ein_layout_find(l, "attn_pool.kv.weight"),
        .kv_b = ein_layout_find(l, "attn_pool.kv.bias"),
        .proj_w = ein_layout_find(l, "attn_pool.proj.weight"),
        .proj_b = ein_layout_find(l, "attn_pool.proj.bias"),
        .norm_w = ein_layout_find(l, "fc_norm.weight"),
        .norm_b = ein_layout_find(l, "fc_norm.bias"),
        .head_w = ein_layout_find(l, "head.weight"),
        .head_b = ein_layout_find(l, "head.bias"),
    };
}

/* Tensors lie in forward order, so the first trained one says where to begin. */
static start_point find_start(const ein_layout *full, const ein_layout *trained) {
    const int depth = full->shape.depth;
    if (!trained) return (start_point){START_POOLED, depth};
    const char *name = trained->tensors[0].name;
    const int first = ein_layout_find(full, name);
    const int stage = first < 0 ? 0 : full->tensors[first].stage;
    if (stage == 0) return (start_point){START_RECORD, 0};
    if (stage <= depth) return (start_point){START_BLOCK, stage - 1};
    return (start_point){strncmp(name, "attn_pool.", 10) ? START_POOLED : START_POOL, depth};
}

static int64_t prefix_values(const ein_layout *full, start_point start) {
    const ein_vit_shape *s = &full->shape;
    if (start.at == START_RECORD) return (int64_t)s->leads * s->samples;
    return start.at == START_POOLED ? s->width : (int64_t)ein_vit_tokens(s) * s->width;
}

#ifndef EIN_REAL_DOUBLE
int64_t ein_classify_prefix_values(const ein_layout *full, const ein_layout *trained) {
    return prefix_values(full, find_start(full, trained));
}

static bool is_adapter(const ein_tensor *t) {
    return strstr(t->name, ".lora_") != NULL;
}

static bool chosen(const ein_tensor *t, ein_adapt_mode mode, int first_stage, int head_stage) {
    switch (mode) {
    case EIN_ADAPT_FULL:
        return true;
    case EIN_ADAPT_TOP:
        return t->stage >= first_stage;
    case EIN_ADAPT_LORA:
        return t->stage == head_stage || is_adapter(t);
    default: /* linear and attentive differ in what the shape must be */
        return t->stage == head_stage;
    }
}

static ein_status check_mode(const ein_vit_shape *s, ein_adapt_mode mode, int top_k) {
    if (mode == EIN_ADAPT_TOP && (top_k < 0 || top_k > s->depth))
        return ein_error(EIN_USAGE, "fine-tuning the top %d blocks: the model has %d", top_k, s->depth);
    if (mode == EIN_ADAPT_ATTENTIVE && s->pool != EIN_POOL_ATTENTIVE)
        return ein_error(EIN_USAGE, "an attentive probe needs attentive pooling; the model's is %s",
                         ein_vit_pool_name((ein_vit_pool)s->pool));
    if (mode == EIN_ADAPT_LINEAR && s->pool != EIN_POOL_MEAN)
        return ein_error(EIN_USAGE,
                         "a linear probe trains no pooling, and attentive pooling would stay as it is; "
                         "make the pooling mean, or the probe attentive");
    if (mode == EIN_ADAPT_LORA && s->lora == 0)
        return ein_error(EIN_USAGE, "training adapters needs a rank of 1 or more; the model has none");
    if (mode != EIN_ADAPT_LORA && mode != EIN_ADAPT_FULL && s->lora > 0)
        return ein_error(EIN_USAGE,
                         "adapters of rank %d would stay untrained; merge them into the weights first",
                         s->lora);
    return EIN_OK;
}

ein_status ein_classify_choose(const ein_layout *full, ein_adapt_mode mode, int top_k, bool *trained) {
    const int head_stage = full->stages - 1, first_stage = head_stage - top_k;
    if (full->parts != EIN_PART_CLASSIFY)
        return ein_error(EIN_USAGE, "a model of %s alone cannot be fine-tuned: it has no head",
                         ein_vit_parts_name(full->parts));
    EIN_TRY(check_mode(&full->shape, mode, top_k));
    for (int i = 0; i < full->n_tensors; i++)
        trained[i] = chosen(&full->tensors[i], mode, first_stage, head_stage);
    return EIN_OK;
}

/* The first tensor of `full` that the forward pass reads. */
static int start_tensor(const tensor_index *at, start_point start) {
    switch (start.at) {
    case START_RECORD:
        return 0;
    case START_BLOCK:
        return at->blocks + start.block * at->per_block;
    case START_POOL:
        return at->query;
    default:
        return at->norm_w;
    }
}

/* Rows of the product that a weight takes part in for one record; 0: the tensor is no such weight. */
static double rows_of(const ein_layout *full, const tensor_index *at, int i) {
    if (i == at->embed_w) return ein_vit_patches(&full->shape);
    if (full->tensors[i].ndim != 2) return 0;
    return i == at->proj_w || i == at->head_w ? 1 : ein_vit_tokens(&full->shape);
}

double ein_classify_gflop(const ein_layout *full, const ein_layout *trained, bool cached) {
    const tensor_index at = find_tensors(full);
    const start_point start = find_start(full, trained);
    const int first = start_tensor(&at, start);
    const double T = ein_vit_tokens(&full->shape), C = full->shape.width;
    const int depth = full->shape.depth, live = start.at == START_POOLED ? depth : start.block;
    double flop = 0;
    for (int i = 0; i < full->n_tensors; i++) {
        const double product = 2.0 * rows_of(full, &at, i) * (double)full->tensors[i].count;
        if (!cached || i >= first) flop += product;
        if (!trained || i < first) continue;
        const bool entry = i == at.embed_w || (start.at == START_POOL && i == at.kv_w);
        if (!entry) flop += product;
        if (ein_layout_find(trained, full->tensors[i].name) >= 0) flop += product;
    }
    for (int i = 0; i < depth; i++) {
        if (!cached || i >= live) flop += 4.0 * T * T * C;
        if (trained && i >= live) flop += 8.0 * T * T * C;
    }
    if (at.query >= 0) {
        if (!cached || start.at != START_POOLED) flop += 4.0 * T * C;
        if (trained && start.at != START_POOLED) flop += 8.0 * T * C;
    }
    return flop * 1e-9;
}
#endif

/* --- memory ------------------------------------------------------------------------------------------ */

typedef struct {
    real *memory; /* NULL: count only */
    int64_t used;
} cursor;

static real *take(cursor *c, bool wanted, int64_t values) {
    if (!wanted) return NULL;
    real *start = c->memory ? c->memory + c->used : NULL;
    c->used += ein_aligned(values);
    return start;
}

static void take_block(cursor *c, block_state *state, const stack_size *size) {
    real *start = take(c, true, block_state_values(size));
    if (start) block_state_place(state, size, start);
}

static void place_pass(cursor *c, pass *p, const ein_classify *cl, bool embeds, bool blocks, bool pools) {
    const int64_t B = p->size.B, T = p->size.T, C = p->size.C;
    const bool attends = pools && cl->at.query >= 0;
    p->patches = take(c, embeds, B * cl->N * cl->V);
    p->embedded = take(c, embeds, B * cl->N * C);
    p->tokens = take(c, embeds, B * T * C);
    p->kv = take(c, attends, B * T * 2 * C);
    p->prob = take(c, attends, B * p->size.H * T);
    p->att = take(c, attends, B * C);
    p->pooled = take(c, pools, B * C);
    real *scratch = take(c, blocks, stack_scratch_values(&p->size));
    if (scratch) stack_scratch_place(&p->scratch, &p->size, scratch);
}

/* Blocks of the forward pass, and how many states they need: all if the backward pass reads them, else one. */
static int live_blocks(const ein_classify *cl) {
    return cl->depth - cl->start.block;
}

static int block_states(const ein_classify *cl) {
    const int n = live_blocks(cl);
    return cl->training || n == 0 ? n : 1;
}

/* Place every array in the arena, or only count its values when `memory` is NULL. */
static int64_t place(ein_classify *cl, real *memory) {
    const int64_t B = cl->all.size.B, T = cl->all.size.T, C = cl->all.size.C;
    const bool record = cl->start.at == START_RECORD, pooled = cl->start.at == START_POOLED;
    const bool attends = cl->training && !pooled && cl->at.query >= 0;
    cursor c = {memory, 0};
    place_pass(&c, &cl->one, cl, !record, cl->start.block > 0, pooled);
    place_pass(&c, &cl->all, cl, record, live_blocks(cl) > 0, !pooled);
    if (cl->start.block > 0) take_block(&c, &cl->one_block, &cl->one.size);
    for (int i = 0; i < block_states(cl); i++) take_block(&c, memory ? &cl->block[i] : NULL, &cl->all.size);
    cl->normed = take(&c, true, B * C);
    cl->mean = take(&c, true, B);
    cl->rstd = take(&c, true, B);
    cl->d_normed = take(&c, cl->training, B * C);
    cl->d_pooled = take(&c, cl->training, B * C);
    cl->d_att = take(&c, attends, B * C);
    cl->d_kv = take(&c, attends, B * T * 2 * C);
    cl->d_row = take(&c, attends, T);
    cl->d_tokens = take(&c, cl->training && live_blocks(cl) > 0, B * T * C);
    return c.used;
}

static void set_sizes(ein_classify *cl, const ein_layout *full, const ein_layout *trained, int records,
                      bool training) {
    const ein_vit_shape *s = &full->shape;
    cl->full = full;
    cl->trained = trained;
    cl->training = training;
    cl->at = find_tensors(full);
    cl->start = find_start(full, trained);
    cl->N = ein_vit_patches(s);
    cl->V = ein_vit_patch_values(s);
    cl->O = s->classes;
    cl->depth = s->depth;
    cl->one.size = (stack_size){1, cl->N + 1, s->width, s->heads, s->mlp, s->lora};
    cl->records = records;
    cl->all.size = (stack_size){records, cl->N + 1, s->width, s->heads, s->mlp, s->lora};
}

int64_t ein_classify_values(const ein_layout *full, const ein_layout *trained, int records, bool training) {
    ein_classify cl = {0};
    set_sizes(&cl, full, trained, records, training);
    return place(&cl, NULL);
}

static ein_status check_arguments(const ein_layout *full, const ein_layout *trained, int records) {
    if (full->parts != EIN_PART_CLASSIFY)
        return ein_error(EIN_USAGE, "classifier: a model of parts %s has no head",
                         ein_vit_parts_name(full->parts));
    if (records < 1) return ein_error(EIN_USAGE, "classifier: %d records", records);
    for (int i = 0; trained && i < trained->n_tensors; i++) {
        const ein_tensor *t = &trained->tensors[i];
        const int index = ein_layout_find(full, t->name);
        if (index < 0 || full->tensors[index].count != t->count)
            return ein_error(EIN_USAGE, "classifier: trained tensor %s of %lld values is not in the model",
                             t->name, (long long)t->count);
    }
    return EIN_OK;
}

static ein_status fill_tables(ein_classify *cl) {
    EIN_TRY(EIN_NEW(cl->map, cl->full->n_tensors));
    EIN_TRY(EIN_NEW(cl->order, cl->N));
    EIN_TRY(EIN_NEW(cl->block, block_states(cl)));
    for (int i = 0; i < cl->full->n_tensors; i++) cl->map[i] = -1;
    if (cl->trained) ein_layout_map(cl->map, cl->full, cl->trained);
    for (int n = 0; n < cl->N; n++) cl->order[n] = n;
    return EIN_OK;
}

ein_status ein_classify_new(const ein_layout *full, const ein_layout *trained, int records, bool training,
                            ein_classify **out) {
    ein_classify *cl;
    *out = NULL;
    EIN_TRY(check_arguments(full, trained, records));
    EIN_TRY(EIN_NEW(cl, 1));
    set_sizes(cl, full, trained, records, training);
    ein_status status = fill_tables(cl);
    if (status != EIN_OK) goto fail;
    const size_t bytes = (size_t)place(cl, NULL) * sizeof(real);
    void *memory;
    if (posix_memalign(&memory, 64, bytes) != 0) {
        status =
            ein_error(EIN_NOMEM, "no memory for the activations of %d records: %zu bytes", records, bytes);
        goto fail;
    }
    cl->memory = memory;
    /* First touch by the thread that computes; all bits set is NaN, so reading what nobody wrote shows. */
    memset(cl->memory, 0xff, bytes);
    place(cl, cl->memory);
    *out = cl;
    return EIN_OK;
fail:
    ein_classify_destroy(cl);
    return status;
}

void ein_classify_destroy(ein_classify *cl) {
    if (!cl) return;
    free(cl->map);
    free(cl->order);
    free(cl->block);
    free(cl->memory);
    free(cl);
}

void ein_classify_weights(ein_classify *cl, const ein_packed *frozen, const ein_packed *trained) {
    cl->frozen_packed = frozen;
    cl->trained_packed = trained;
}

void ein_classify_records(ein_classify *cl, int n) {
    EIN_BUG_IF(n < 1 || n > cl->records);
    cl->all.size.B = n;
}

/* --- forward ----------------------------------------------------------------------------------------- */

typedef struct {
    const real *frozen, *param;
} arenas;

static const real *value(const ein_classify *cl, arenas a, int tensor) {
    const int own = cl->map[tensor];
    return own < 0 ? a.frozen + cl->full->tensors[tensor].offset : a.param + cl->trained->tensors[own].offset;
}

static ein_weight weight(const ein_classify *cl, arenas a, int tensor) {
    const int own = cl->map[tensor];
    return own < 0 ? ein_packed_weight(cl->frozen_packed, cl->full, a.frozen, tensor)
                   : ein_packed_weight(cl->trained_packed, cl->trained, a.param, own);
}

static void block_values(const ein_classify *cl, arenas a, int block, ein_weight p[BLOCK_TENSORS_ADAPTED]) {
    const int first = cl->at.blocks + block * cl->at.per_block;
    for (int t = 0; t < cl->at.per_block; t++) p[t] = weight(cl, a, first + t);
}

/* p->tokens from x (B,L,S). */
static void embed(const ein_classify *cl, pass *p, arenas a, const real *x) {
    const ein_vit_shape *s = &cl->full->shape;
    const int B = p->size.B, N = cl->N, C = s->width;
    const real *cls = value(cl, a, cl->at.cls), *pos = value(cl, a, cl->at.pos);
    for (int b = 0; b < B; b++)
        patch_gather(p->patches + (size_t)b * N * cl->V, x + (size_t)b * s->leads * s->samples, cl->order, N,
                     s->leads, s->samples, s->patch);
    linear_forward(p->embedded, p->patches, weight(cl, a, cl->at.embed_w), value(cl, a, cl->at.embed_b),
                   B * N, cl->V, C);
    for (int b = 0; b < B; b++) {
        real *token = p->tokens + (size_t)b * (N + 1) * C;
        for (int c = 0; c < C; c++) token[c] = cls[c] + pos[c];
        const real *e = p->embedded + (size_t)b * N * C;
        for (size_t i = 0; i < (size_t)N * C; i++) token[C + i] = e[i] + pos[C + i];
    }
}

/* Blocks first .. end-1 on tokens `in`; `state` is one for each, or one for all in turn. Returns what leaves the
 * last. */
static const real *run_blocks(const ein_classify *cl, pass *p, arenas a, block_state *state, bool keep,
                              const real *in, int first, int end) {
    ein_weight values[BLOCK_TENSORS_ADAPTED];
    for (int i = first; i < end; i++) {
        block_state *s = keep ? &state[i - first] : state;
        block_values(cl, a, i, values);
        block_forward(s, &p->scratch, in, values, &p->size);
        in = s->out;
    }
    return in;
}

/* p->pooled from tokens (B,T,C). */
static void pool(const ein_classify *cl, pass *p, arenas a, const real *tokens) {
    const int B = p->size.B, T = p->size.T, C = p->size.C;
    if (cl->at.query < 0) {
        pool_mean_forward(p->pooled, tokens, B, T, C);
        return;
    }
    linear_forward(p->kv, tokens, weight(cl, a, cl->at.kv_w), value(cl, a, cl->at.kv_b), B * T, C, 2 * C);
    pool_attention_forward(p->att, p->prob, p->kv, value(cl, a, cl->at.query), B, T, C, p->size.H);
    linear_forward(p->pooled, p->att, weight(cl, a, cl->at.proj_w), value(cl, a, cl->at.proj_b), B, C, C);
}

void ein_classify_prefix(ein_classify *cl, real *out, const real *frozen, const real *x) {
    const arenas a = {frozen, NULL};
    const real *result = x;
    if (cl->start.at != START_RECORD) {
        embed(cl, &cl->one, a, x);
        result = run_blocks(cl, &cl->one, a, &cl->one_block, false, cl->one.tokens, 0, cl->start.block);
    }
    if (cl->start.at == START_POOLED) {
        cl->last_out = result;
        pool(cl, &cl->one, a, result);
        result = cl->one.pooled;
    }
    memcpy(out, result, (size_t)prefix_values(cl->full, cl->start) * sizeof *out);
}

const real *ein_classify_tokens(const ein_classify *cl) {
    EIN_BUG_IF(!cl->last_out);
    return cl->last_out;
}

const real *ein_classify_pooled(const ein_classify *cl) {
    EIN_BUG_IF(!cl->head_in);
    return cl->head_in;
}

void ein_classify_forward(ein_classify *cl, real *logits, const real *frozen, const real *param,
                          const real *prefix) {
    const arenas a = {frozen, param};
    const int B = cl->all.size.B, C = cl->all.size.C;
    cl->first_in = prefix;
    if (cl->start.at == START_RECORD) {
        embed(cl, &cl->all, a, prefix);
        cl->first_in = cl->all.tokens;
    }
    cl->head_in = prefix;
    if (cl->start.at != START_POOLED) {
        cl->last_out =
            run_blocks(cl, &cl->all, a, cl->block, cl->training, cl->first_in, cl->start.block, cl->depth);
        pool(cl, &cl->all, a, cl->last_out);
        cl->head_in = cl->all.pooled;
    }
    layernorm_forward(cl->normed, cl->mean, cl->rstd, cl->head_in, value(cl, a, cl->at.norm_w),
                      value(cl, a, cl->at.norm_b), B, C, EIN_LAYERNORM_EPS);
    linear_forward(logits, cl->normed, weight(cl, a, cl->at.head_w), value(cl, a, cl->at.head_b), B, C,
                   cl->O);
}

/* --- backward ---------------------------------------------------------------------------------------- */

/* Where the gradient of a tensor goes; NULL: it is frozen, or none is wanted (`grad` NULL). */
static real *into(const ein_classify *cl, real *grad, int tensor) {
    const int own = cl->map[tensor];
    return own < 0 || !grad ? NULL : grad + cl->trained->tensors[own].offset;
}

/* Stages of which nothing is trained do not exist in the trained layout. */
static void finish(const ein_classify *cl, int stage, ein_stage_done done, void *context) {
    for (int i = 0; done && i < cl->full->n_tensors; i++) {
        if (cl->full->tensors[i].stage != stage || cl->map[i] < 0) continue;
        done(context, cl->trained->tensors[cl->map[i]].stage);
        return;
    }
}

/* d_tokens (NULL: not wanted) from d_pooled. */
static void pool_backward(ein_classify *cl, real *d_tokens, real *grad, arenas a, const real *tokens) {
    const pass *p = &cl->all;
    const tensor_index *at = &cl->at;
    const int B = p->size.B, T = p->size.T, C = p->size.C;
    if (at->query < 0) {
        pool_mean_backward(d_tokens, cl->d_pooled, B, T, C);
        return;
    }
    linear_backward(cl->d_att, into(cl, grad, at->proj_w), into(cl, grad, at->proj_b), cl->d_pooled, p->att,
                    weight(cl, a, at->proj_w), B, C, C);
    pool_attention_backward(cl->d_kv, into(cl, grad, at->query), cl->d_row, cl->d_att, p->kv,
                            value(cl, a, at->query), p->prob, B, T, C, p->size.H);
    linear_backward(d_tokens, into(cl, grad, at->kv_w), into(cl, grad, at->kv_b), cl->d_kv, tokens,
                    weight(cl, a, at->kv_w), B * T, C, 2 * C);
}

static void head_backward(ein_classify *cl, real *grad, const real *d_logits, arenas a) {
    const tensor_index *at = &cl->at;
    const int B = cl->all.size.B, C = cl->all.size.C;
    linear_backward(cl->d_normed, into(cl, grad, at->head_w), into(cl, grad, at->head_b), d_logits,
                    cl->normed, weight(cl, a, at->head_w), B, C, cl->O);
    memset(cl->d_pooled, 0, (size_t)B * C * sizeof *cl->d_pooled);
    layernorm_backward(cl->d_pooled, into(cl, grad, at->norm_w), into(cl, grad, at->norm_b), cl->d_normed,
                       cl->head_in, value(cl, a, at->norm_w), cl->mean, cl->rstd, B, C);
}

static void blocks_backward(ein_classify *cl, real *grad, arenas a, ein_stage_done done, void *context) {
    ein_weight values[BLOCK_TENSORS_ADAPTED];
    real *gradients[BLOCK_TENSORS_ADAPTED];
    for (int i = cl->depth - 1; i >= cl->start.block; i--) {
        const int k = i - cl->start.block, first = cl->at.blocks + i * cl->at.per_block;
        block_values(cl, a, i, values);
        for (int t = 0; t < cl->at.per_block; t++) gradients[t] = into(cl, grad, first + t);
        block_backward(cl->d_tokens, gradients, &cl->all.scratch, &cl->block[k],
                       k ? cl->block[k - 1].out : cl->first_in, values, &cl->all.size);
        finish(cl, i + 1, done, context);
    }
}

/* out += term * in, n values, or nothing if `out` is NULL. */
static void add_term(real *out, const real *in, real term, size_t n) {
    if (!out) return;
    for (size_t i = 0; i < n; i++) out[i] += term * in[i];
}

/* p->embedded (B*N,C): its gradient, which is that of the patch tokens. */
static void patches_backward(ein_classify *cl) {
    const size_t C = (size_t)cl->all.size.C, patches = (size_t)cl->N * C;
    for (int b = 0; b < cl->all.size.B; b++) {
        const real *d = cl->d_tokens + (size_t)b * (patches + C) + C;
        real *rows = cl->all.embedded + (size_t)b * patches;
        for (size_t i = 0; i < patches; i++) rows[i] = EIN_TERM(CLASSIFY_EMBED) * d[i];
    }
}

/* Gradients of CLS, positions and patch embedding from d_tokens (B,T,C). */
static void embed_backward(ein_classify *cl, real *grad) {
    const pass *p = &cl->all;
    const int B = p->size.B, N = cl->N, C = p->size.C;
    const size_t tokens = (size_t)(N + 1) * C;
    real *dcls = into(cl, grad, cl->at.cls), *dpos = into(cl, grad, cl->at.pos);
    if (dcls) memset(dcls, 0, (size_t)C * sizeof *dcls);
    if (dpos) memset(dpos, 0, tokens * sizeof *dpos);
    for (int b = 0; b < B; b++) {
        const real *d = cl->d_tokens + (size_t)b * tokens;
        add_term(dcls, d, EIN_TERM(CLASSIFY_CLS), (size_t)C);
        add_term(dpos, d, EIN_TERM(CLASSIFY_POSITION), tokens);
    }
    patches_backward(cl);
    linear_backward(NULL, into(cl, grad, cl->at.embed_w), into(cl, grad, cl->at.embed_b), p->embedded,
                    p->patches, (ein_weight){0}, B * N, cl->V, C);
}

void ein_classify_backward(ein_classify *cl, real *grad, const real *d_logits, const real *frozen,
                           const real *param, ein_stage_done done, void *context) {
    const arenas a = {frozen, param};
    EIN_BUG_IF(!cl->training || !cl->trained || !cl->head_in);
    head_backward(cl, grad, d_logits, a);
    const int live = live_blocks(cl);
    if (cl->start.at != START_POOLED)
        pool_backward(cl, cl->d_tokens, grad, a, live ? cl->block[live - 1].out : cl->first_in);
    finish(cl, cl->depth + 1, done, context);
    if (live == 0) return;
    blocks_backward(cl, grad, a, done, context);
    if (cl->start.at != START_RECORD) return;
    embed_backward(cl, grad);
    finish(cl, 0, done, context);
}

/* --- what an explanation asks for ---------------------------------------------------------------------- */

void ein_classify_input(ein_classify *cl, real *d_x, const real *d_logits, const real *frozen,
                        const real *param) {
    const ein_vit_shape *s = &cl->full->shape;
    const arenas a = {frozen, param};
    const pass *p = &cl->all;
    const size_t values = (size_t)s->leads * (size_t)s->samples;
    EIN_BUG_IF(!cl->training || cl->start.at != START_RECORD || !cl->head_in);
    head_backward(cl, NULL, d_logits, a);
    pool_backward(cl, cl->d_tokens, NULL, a, cl->block[cl->depth - 1].out);
    blocks_backward(cl, NULL, a, NULL, NULL);
    patches_backward(cl);
    /* The patches are only needed for the gradient of their weights, so their place serves for their own. */
    linear_backward(p->patches, NULL, NULL, p->embedded, p->patches, weight(cl, a, cl->at.embed_w),
                    p->size.B * cl->N, cl->V, p->size.C);
    for (int b = 0; b < p->size.B; b++)
        patch_scatter(d_x + (size_t)b * values, p->patches + (size_t)b * values, s->leads, s->samples,
                      s->patch);
}

const real *ein_classify_attends(const ein_classify *cl, int block) {
    EIN_BUG_IF(!cl->training || cl->start.at != START_RECORD || block < 0 || block >= cl->depth);
    return cl->block[block].prob;
}

const real *ein_classify_chooses(const ein_classify *cl) {
    return cl->all.prob;
}
