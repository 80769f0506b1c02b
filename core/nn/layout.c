#include "core/nn/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bounds that keep every product below in int64 and every dimension in int (BLAS, MPI); far above any
 * model of the field. */
enum { MAX_LEADS = 64, MAX_SAMPLES = 1 << 24, MAX_WIDTH = 1 << 16, MAX_MLP = 1 << 18, MAX_DEPTH = 1024 };
#define MAX_PARAMETERS (INT64_C(1) << 36)

static ein_status check_between(const char *name, int value, int low, int high) {
    if (value >= low && value <= high) return EIN_OK;
    return ein_error(EIN_USAGE, "model shape: %s is %d; it must lie in %d..%d", name, value, low, high);
}

static ein_status check_divides(const char *whole_name, int whole, const char *part_name, int part) {
    if (whole % part == 0) return EIN_OK;
    return ein_error(EIN_USAGE, "model shape: %s %d is not a multiple of %s %d: %d = %d x %d + %d",
                     whole_name, whole, part_name, part, whole, whole / part, part, whole % part);
}

static ein_status check_transformer(const char *const names[4], int width, int depth, int heads, int mlp) {
    EIN_TRY(check_between(names[0], width, 1, MAX_WIDTH));
    EIN_TRY(check_between(names[1], depth, 1, MAX_DEPTH));
    EIN_TRY(check_between(names[2], heads, 1, width));
    EIN_TRY(check_between(names[3], mlp, 1, MAX_MLP));
    return check_divides(names[0], width, names[2], heads);
}

static bool has_decoder(const ein_vit_shape *s) {
    return s->dec_width != 0 || s->dec_depth != 0 || s->dec_heads != 0 || s->dec_mlp != 0;
}

/* Weights, biases and adapters of one pre-LayerNorm block. */
static int64_t block_parameters(int64_t width, int64_t mlp, int64_t lora) {
    return 4 * width * width + 2 * width * mlp + 9 * width + mlp + 6 * width * lora;
}

ein_status ein_vit_shape_check(const ein_vit_shape *s) {
    static const char *const encoder_names[4] = {"width", "depth", "heads", "mlp"};
    static const char *const decoder_names[4] = {"decoder_width", "decoder_depth", "decoder_heads",
                                                 "decoder_mlp"};
    EIN_TRY(check_between("leads", s->leads, 1, MAX_LEADS));
    EIN_TRY(check_between("samples", s->samples, 1, MAX_SAMPLES));
    EIN_TRY(check_between("patch", s->patch, 1, MAX_WIDTH));
    EIN_TRY(check_divides("samples", s->samples, "patch", s->patch));
    EIN_TRY(check_between("samples / patch", s->samples / s->patch, 1, MAX_WIDTH));
    EIN_TRY(check_transformer(encoder_names, s->width, s->depth, s->heads, s->mlp));
    if (has_decoder(s))
        EIN_TRY(check_transformer(decoder_names, s->dec_width, s->dec_depth, s->dec_heads, s->dec_mlp));
    EIN_TRY(check_between("classes", s->classes, 0, MAX_WIDTH));
    EIN_TRY(check_between("pool", s->pool, EIN_POOL_MEAN, EIN_POOL_ATTENTIVE));
    EIN_TRY(check_between("lora rank", s->lora, 0, s->width));
    EIN_TRY(check_between("positions", s->positions, EIN_POSITIONS_LEARNED, EIN_POSITIONS_SINCOS));
    int64_t blocks = s->depth * block_parameters(s->width, s->mlp, s->lora) +
                     s->dec_depth * block_parameters(s->dec_width, s->dec_mlp, 0);
    if (blocks > MAX_PARAMETERS)
        return ein_error(EIN_USAGE,
                         "model shape: the blocks alone have %lld parameters; at most %lld are handled",
                         (long long)blocks, (long long)MAX_PARAMETERS);
    return EIN_OK;
}

int ein_vit_patches(const ein_vit_shape *shape) {
    return shape->samples / shape->patch;
}

int ein_vit_tokens(const ein_vit_shape *shape) {
    return ein_vit_patches(shape) + 1;
}

int ein_vit_patch_values(const ein_vit_shape *shape) {
    return shape->leads * shape->patch;
}

/* --- the table ----------------------------------------------------------------------------------- */

enum { TENSORS_PER_BLOCK = 12, ADAPTERS_PER_BLOCK = 4, TENSORS_OUTSIDE_BLOCKS = 16 };

/* Give a tensor the next place in the arena. */
static void place(ein_layout *layout, ein_tensor *t) {
    t->offset = layout->arena;
    layout->parameters += t->count;
    layout->arena += (t->count + EIN_ARENA_ALIGN - 1) / EIN_ARENA_ALIGN * EIN_ARENA_ALIGN;
}

static void add(ein_layout *layout, int stage, ein_init_kind init, const char *prefix, const char *name,
                int ndim, const int64_t *shape) {
    ein_tensor *t = &layout->tensors[layout->n_tensors++];
    snprintf(t->name, sizeof t->name, "%s%s", prefix, name);
    t->ndim = ndim;
    t->count = 1;
    for (int d = 0; d < ndim; d++) {
        t->shape[d] = shape[d];
        t->count *= shape[d];
    }
    t->init = init;
    t->decay = ndim > 1;
    t->stage = stage;
    place(layout, t);
}

static void add_token(ein_layout *layout, int stage, ein_init_kind init, const char *name, int64_t tokens,
                      int64_t width) {
    add(layout, stage, init, "", name, 3, (int64_t[]){1, tokens, width});
}

static void add_positions(ein_layout *layout, int stage, const char *name, int64_t width) {
    const bool sincos = layout->shape.positions == EIN_POSITIONS_SINCOS;
    add_token(layout, stage, sincos ? EIN_INIT_SINCOS : EIN_INIT_POSITION, name,
              ein_vit_tokens(&layout->shape), width);
}

/* `name` without ".weight": "blocks.0." + "norm1". */
static void add_pair(ein_layout *layout, int stage, ein_init_kind init, const char *prefix, const char *name,
                     int ndim, const int64_t *shape) {
    char full[56];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    add(layout, stage, init, full, ".weight", ndim, shape);
    add(layout, stage, EIN_INIT_ZERO, full, ".bias", 1, shape);
}

static void add_norm(ein_layout *layout, int stage, const char *prefix, const char *name, int64_t width) {
    add_pair(layout, stage, EIN_INIT_ONE, prefix, name, 1, &width);
}

static void add_linear(ein_layout *layout, int stage, const char *prefix, const char *name, int64_t out,
                       int64_t in) {
    add_pair(layout, stage, EIN_INIT_LINEAR, prefix, name, 2, (int64_t[]){out, in});
}

static void add_adapter(ein_layout *layout, int stage, const char *prefix, const char *name, int64_t out,
                        int64_t in, int64_t rank) {
    char full[48];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    add(layout, stage, EIN_INIT_LORA, full, ".lora_a.weight", 2, (int64_t[]){rank, in});
    add(layout, stage, EIN_INIT_ZERO, full, ".lora_b.weight", 2, (int64_t[]){out, rank});
}

/* `rank` 0: no adapters. */
static void add_blocks(ein_layout *layout, int first_stage, const char *family, int depth, int64_t width,
                       int64_t mlp, int64_t rank) {
    for (int i = 0; i < depth; i++) {
        char prefix[32];
        int stage = first_stage + i;
        snprintf(prefix, sizeof prefix, "%s.%d.", family, i);
        add_norm(layout, stage, prefix, "norm1", width);
        add_linear(layout, stage, prefix, "attn.qkv", 3 * width, width);
        add_linear(layout, stage, prefix, "attn.proj", width, width);
        add_norm(layout, stage, prefix, "norm2", width);
        add_linear(layout, stage, prefix, "mlp.fc1", mlp, width);
        add_linear(layout, stage, prefix, "mlp.fc2", width, mlp);
        if (rank == 0) continue;
        add_adapter(layout, stage, prefix, "attn.qkv", 3 * width, width, rank);
        add_adapter(layout, stage, prefix, "attn.proj", width, width, rank);
    }
}

static void add_decoder(ein_layout *layout, int first_stage) {
    const ein_vit_shape *s = &layout->shape;
    int64_t width = s->dec_width;
    add_token(layout, first_stage, EIN_INIT_MASK, "mask_token", 1, width);
    add_linear(layout, first_stage, "", "decoder_embed", width, s->width);
    add_positions(layout, first_stage, "decoder_pos_embed", width);
    add_blocks(layout, first_stage + 1, "decoder_blocks", s->dec_depth, width, s->dec_mlp, 0);
    int last = first_stage + 1 + s->dec_depth;
    add_norm(layout, last, "", "decoder_norm", width);
    add_linear(layout, last, "", "decoder_pred", ein_vit_patch_values(s), width);
}

static void add_pool(ein_layout *layout, int stage) {
    int64_t width = layout->shape.width;
    add_token(layout, stage, EIN_INIT_QUERY, "attn_pool.query", 1, width);
    add_linear(layout, stage, "", "attn_pool.kv", 2 * width, width);
    add_linear(layout, stage, "", "attn_pool.proj", width, width);
}

/* Stages count forward, so the backward pass finishes them from the highest down to 0. */
static void add_all(ein_layout *layout) {
    const ein_vit_shape *s = &layout->shape;
    add_token(layout, 0, EIN_INIT_CLS, "cls_token", 1, s->width);
    add_positions(layout, 0, "pos_embed", s->width);
    add_pair(layout, 0, EIN_INIT_LINEAR, "", "patch_embed.proj", 3,
             (int64_t[]){s->width, s->leads, s->patch});
    add_blocks(layout, 1, "blocks", s->depth, s->width, s->mlp,
               layout->parts == EIN_PART_CLASSIFY ? s->lora : 0);
    int after_blocks = 1 + s->depth;
    if (layout->parts == EIN_PART_CLASSIFY) {
        if (s->pool == EIN_POOL_ATTENTIVE) add_pool(layout, after_blocks);
        add_norm(layout, after_blocks, "", "fc_norm", s->width);
        add_linear(layout, after_blocks, "", "head", s->classes, s->width);
    } else {
        add_norm(layout, after_blocks, "", "norm", s->width);
    }
    if (layout->parts == EIN_PART_PRETRAIN) add_decoder(layout, after_blocks + 1);
    layout->stages = layout->tensors[layout->n_tensors - 1].stage + 1;
    layout->whole = layout->n_tensors;
}

ein_status ein_layout_new(const ein_vit_shape *shape, ein_vit_parts parts, ein_layout **out) {
    *out = NULL;
    EIN_TRY(ein_vit_shape_check(shape));
    if (parts == EIN_PART_PRETRAIN && !has_decoder(shape))
        return ein_error(EIN_USAGE, "model shape: pretraining needs a decoder, and decoder_width is 0");
    if (parts == EIN_PART_CLASSIFY && shape->classes < 1)
        return ein_error(EIN_USAGE, "model shape: a model with a head needs at least one class");
    ein_layout *layout;
    EIN_TRY(EIN_NEW(layout, 1));
    layout->shape = *shape;
    layout->parts = parts;
    ein_status status = EIN_NEW(layout->tensors, TENSORS_OUTSIDE_BLOCKS +
                                                     TENSORS_PER_BLOCK * (shape->depth + shape->dec_depth) +
                                                     ADAPTERS_PER_BLOCK * shape->depth);
    if (status != EIN_OK) {
        ein_layout_destroy(layout);
        return status;
    }
    add_all(layout);
    *out = layout;
    return EIN_OK;
}

void ein_layout_destroy(ein_layout *layout) {
    if (!layout) return;
    free(layout->tensors);
    free(layout);
}

int ein_layout_find(const ein_layout *layout, const char *name) {
    for (int i = 0; i < layout->n_tensors; i++)
        if (!strcmp(layout->tensors[i].name, name)) return i;
    return -1;
}

/* --- a part of a layout ----------------------------------------------------------------------------- */

static ein_status count_chosen(const ein_layout *full, const bool *chosen, int *count) {
    *count = 0;
    for (int i = 0; i < full->n_tensors; i++) *count += chosen[i];
    if (*count > 0) return EIN_OK;
    return ein_error(EIN_USAGE, "none of the model's %d tensors is chosen to be trained", full->n_tensors);
}

/* Append a tensor of another layout at the place that is next here. */
static void append(ein_layout *layout, const ein_tensor *from, int stage) {
    ein_tensor *t = &layout->tensors[layout->n_tensors++];
    *t = *from;
    t->stage = stage;
    place(layout, t);
}

ein_status ein_layout_select(const ein_layout *full, const bool *chosen, ein_layout **out) {
    int count, last = -1;
    ein_layout *layout;
    *out = NULL;
    EIN_TRY(count_chosen(full, chosen, &count));
    EIN_TRY(EIN_NEW(layout, 1));
    layout->shape = full->shape;
    layout->parts = full->parts;
    layout->whole = full->whole;
    ein_status status = EIN_NEW(layout->tensors, count);
    if (status != EIN_OK) {
        ein_layout_destroy(layout);
        return status;
    }
    for (int i = 0; i < full->n_tensors; i++) {
        if (!chosen[i]) continue;
        layout->stages += full->tensors[i].stage != last;
        last = full->tensors[i].stage;
        append(layout, &full->tensors[i], layout->stages - 1);
    }
    *out = layout;
    return EIN_OK;
}

void ein_layout_map(int *map, const ein_layout *full, const ein_layout *selected) {
    for (int i = 0; i < full->n_tensors; i++) map[i] = ein_layout_find(selected, full->tensors[i].name);
}

void ein_layout_copy(float *to, const ein_layout *to_layout, const float *from,
                     const ein_layout *from_layout) {
    for (int i = 0; i < to_layout->n_tensors; i++) {
        const ein_tensor *t = &to_layout->tensors[i];
        const int index = ein_layout_find(from_layout, t->name);
        if (index < 0) continue;
        const ein_tensor *f = &from_layout->tensors[index];
        EIN_BUG_IF(f->count != t->count);
        memcpy(to + t->offset, from + f->offset, (size_t)t->count * sizeof *to);
    }
}

/* --- comparing and naming ------------------------------------------------------------------------- */

static ein_status compare_number(const char *name, int found, int wanted) {
    if (found == wanted) return EIN_OK;
    return ein_error(EIN_MISMATCH, "%s: %d in the file, %d in the model", name, found, wanted);
}

static ein_status compare_tensor(const ein_layout *found, const ein_tensor *wanted) {
    char there[128], here[128];
    int index = ein_layout_find(found, wanted->name);
    if (index < 0)
        return ein_error(EIN_MISMATCH, "tensor %s of the model, of shape %s, is not in the file",
                         wanted->name, ein_shape_text(wanted->ndim, wanted->shape, here, sizeof here));
    const ein_tensor *t = &found->tensors[index];
    if (t->ndim == wanted->ndim && !memcmp(t->shape, wanted->shape, (size_t)t->ndim * sizeof *t->shape))
        return EIN_OK;
    return ein_error(EIN_MISMATCH, "tensor %s has shape %s in the file and %s in the model", wanted->name,
                     ein_shape_text(t->ndim, t->shape, there, sizeof there),
                     ein_shape_text(wanted->ndim, wanted->shape, here, sizeof here));
}

ein_status ein_layout_compare(const ein_layout *found, const ein_layout *wanted) {
    const ein_vit_shape *f = &found->shape, *w = &wanted->shape;
    for (int i = 0; i < wanted->n_tensors; i++) EIN_TRY(compare_tensor(found, &wanted->tensors[i]));
    for (int i = 0; i < found->n_tensors; i++)
        if (ein_layout_find(wanted, found->tensors[i].name) < 0)
            return ein_error(EIN_MISMATCH, "tensor %s of the file is not in the model",
                             found->tensors[i].name);
    EIN_TRY(compare_number("leads", f->leads, w->leads));
    EIN_TRY(compare_number("samples", f->samples, w->samples));
    EIN_TRY(compare_number("patch", f->patch, w->patch));
    /* The number of heads does not show in any tensor's shape, and the wrong one gives wrong scores silently. */
    EIN_TRY(compare_number("heads", f->heads, w->heads));
    if (wanted->parts != EIN_PART_PRETRAIN) return EIN_OK;
    return compare_number("decoder_heads", f->dec_heads, w->dec_heads);
}

const char *ein_shape_text(int ndim, const int64_t *shape, char *out, int bytes) {
    int at = snprintf(out, (size_t)bytes, "(");
    for (int d = 0; d < ndim && at < bytes; d++)
        at += snprintf(out + at, (size_t)(bytes - at), "%s%lld", d ? ", " : "", (long long)shape[d]);
    if (at < bytes) snprintf(out + at, (size_t)(bytes - at), ")");
    return out;
}

static const char *const pool_names[] = {"mean", "attentive"};

const char *ein_vit_pool_name(ein_vit_pool pool) {
    return pool_names[pool];
}

ein_status ein_vit_pool_parse(const char *name, ein_vit_pool *out) {
    for (int i = 0; i < 2; i++) {
        if (strcmp(pool_names[i], name)) continue;
        *out = (ein_vit_pool)i;
        return EIN_OK;
    }
    return ein_error(EIN_FORMAT, "pooling: mean or attentive were expected, not \"%.32s\"", name);
}

static const char *const positions_names[] = {"learned", "sincos"};

const char *ein_vit_positions_name(ein_vit_positions positions) {
    return positions_names[positions];
}

ein_status ein_vit_positions_parse(const char *name, ein_vit_positions *out) {
    for (int i = 0; i < 2; i++) {
        if (strcmp(positions_names[i], name)) continue;
        *out = (ein_vit_positions)i;
        return EIN_OK;
    }
    return ein_error(EIN_FORMAT, "positions: learned or sincos were expected, not \"%.32s\"", name);
}

static const char *const parts_names[] = {"pretrain", "encoder", "classify"};

const char *ein_vit_parts_name(ein_vit_parts parts) {
    return parts_names[parts];
}

ein_status ein_vit_parts_parse(const char *name, ein_vit_parts *out) {
    for (int i = 0; i < 3; i++) {
        if (strcmp(parts_names[i], name)) continue;
        *out = (ein_vit_parts)i;
        return EIN_OK;
    }
    return ein_error(EIN_FORMAT, "model parts: pretrain, encoder or classify were expected");
}
