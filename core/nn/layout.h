/* Shapes of the one-dimensional vision transformer and the table of its tensors.
 *
 * Source: Moody et al., NEJM AI 2025 ("1dViT"); tensor names follow timm's ViT and the MAE code.
 * Everything that walks over parameters (optimiser, exchange, checkpoint, norm, files) is one loop
 * over this table; the parameters themselves lie in one flat arena of ein_layout.arena values.
 *
 * Letters used for shapes: B records, L leads, S samples, P patch length, N patches (S/P),
 * T tokens (N + 1, slot 0 is CLS), C width, H heads.
 */
#ifndef EIN_CORE_NN_LAYOUT_H
#define EIN_CORE_NN_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

typedef struct {
    int leads, samples, patch;                    /* L, S, P; S is a multiple of P */
    int width, depth, heads, mlp;                 /* encoder: C, blocks, H, MLP width */
    int dec_width, dec_depth, dec_heads, dec_mlp; /* MAE decoder; all 0 where there is none */
    int classes;                                  /* outputs of the head; 0 where there is none */
    int pool;                                     /* ein_vit_pool: how a head sees the patch tokens */
    int lora;                                     /* rank R of low-rank adapters; 0: none */
    int positions;                                /* ein_vit_positions: what position embeddings start as */
} ein_vit_shape;

/* What the head of EIN_PART_CLASSIFY gets from the N patch tokens; CLS is left out of both. */
typedef enum {
    EIN_POOL_MEAN,     /* their mean (the study's) */
    EIN_POOL_ATTENTIVE /* one learned query attends over them, with H heads: core/nn/pooling.h. No MLP. */
} ein_vit_pool;

/* What the learned position embeddings of encoder and decoder start as; nothing else depends on it. */
typedef enum {
    EIN_POSITIONS_LEARNED, /* noise of SD 0.02 (the study's) */
    EIN_POSITIONS_SINCOS   /* sines and cosines of amplitude 1: core/nn/init.h */
} ein_vit_positions;

/* Which tensors a layout holds. */
typedef enum {
    EIN_PART_PRETRAIN, /* encoder with final norm + decoder */
    EIN_PART_ENCODER,  /* encoder with final norm */
    EIN_PART_CLASSIFY  /* encoder with fc_norm in place of norm, and head */
} ein_vit_parts;

/* How a tensor starts; the kind is resolved by ein_vit_init. */
typedef enum {
    EIN_INIT_ZERO,
    EIN_INIT_ONE,
    EIN_INIT_LINEAR, /* weights of linears and of the patch embedding */
    EIN_INIT_POSITION,
    EIN_INIT_SINCOS,
    EIN_INIT_CLS,
    EIN_INIT_MASK,
    EIN_INIT_QUERY, /* of attentive pooling */
    EIN_INIT_LORA   /* the inner factor of an adapter; the outer one starts as zero */
} ein_init_kind;

typedef struct {
    char name[64];
    int ndim;
    int64_t shape[4]; /* row-major, as in timm: linear weights (out, in) */
    int64_t offset;   /* of the first value in the arena; a multiple of EIN_ARENA_ALIGN */
    int64_t count;    /* number of values, without padding */
    ein_init_kind init;
    bool decay; /* weight decay applies: every tensor with more than one dimension */
    int stage;  /* position in the backward pass: tensors of a higher stage get their
                         gradients earlier; buckets of the exchange follow it */
} ein_tensor;

enum { EIN_ARENA_ALIGN = 16 /* values: 64 bytes of float */ };

typedef struct {
    ein_vit_shape shape;
    ein_vit_parts parts;
    int n_tensors;
    int whole;           /* tensors of the whole model: n_tensors, or more if this is a selection of them */
    ein_tensor *tensors; /* ordered by offset */
    int64_t parameters;  /* sum of counts: the number a paper quotes */
    int64_t arena;       /* values in the flat arena, padding included (padding stays 0) */
    int stages;
} ein_layout;

/* Check a shape; EIN_USAGE with the arithmetic in the message when it is impossible
 * ("samples 5000 is not a multiple of patch 48: 5000 = 104 x 48 + 8"). */
ein_status ein_vit_shape_check(const ein_vit_shape *shape);

/* Number of patches N, tokens T = N + 1, values per patch L*P. */
int ein_vit_patches(const ein_vit_shape *shape);
int ein_vit_tokens(const ein_vit_shape *shape);
int ein_vit_patch_values(const ein_vit_shape *shape);

/* Build the tensor table. Caller destroys. EIN_USAGE when the shape is impossible, when EIN_PART_PRETRAIN
 * has no decoder or EIN_PART_CLASSIFY no classes.
 *
 * Tensors lie in forward order, so stages never fall with the offset:
 *
 *     0              cls_token, pos_embed, patch_embed.proj
 *     1 .. D         blocks.0 .. blocks.(D-1), D = depth
 *     D+1            norm; or attn_pool (if the pooling is attentive), fc_norm and head
 *     D+2            mask_token, decoder_embed, decoder_pos_embed            (pretraining only, as below)
 *     D+3 .. D+2+E   decoder_blocks.0 .. decoder_blocks.(E-1), E = dec_depth
 *     D+3+E          decoder_norm, decoder_pred
 *
 * EIN_PART_CLASSIFY, attentive: attn_pool.query (1,1,C), attn_pool.kv (2C,C), attn_pool.proj (C,C). With `lora` R, each
 * block's twelve tensors are followed by its adapters (Hu et al. 2021): attn.qkv.lora_a.weight (R,C),
 * attn.qkv.lora_b.weight (3C,R), attn.proj.lora_a.weight (R,C), attn.proj.lora_b.weight (C,R); core/nn/lora.h says what
 * they do. The other parts have neither.
 */
ein_status ein_layout_new(const ein_vit_shape *shape, ein_vit_parts parts, ein_layout **out);
void ein_layout_destroy(ein_layout *layout);

/* Index of the tensor with this name, or -1. */
int ein_layout_find(const ein_layout *layout, const char *name);

/* A layout of the tensors i of `full` with chosen[i] (n_tensors) alone, in their order: names, shapes, decay and start
 * stay; offsets are its own, and stages are counted again without those that are empty, so that optimiser, exchange
 * and backward pass work on it as on a whole one. Caller destroys. EIN_USAGE if nothing is chosen. */
ein_status ein_layout_select(const ein_layout *full, const bool *chosen, ein_layout **out);

/* map (full->n_tensors): the index in `selected` of each tensor of `full`, or -1. */
void ein_layout_map(int *map, const ein_layout *full, const ein_layout *selected);

/* Copy every tensor that both layouts have, by name, from the arena of one to that of the other: trained values out of
 * a whole model and back. Shapes must agree (a bug otherwise); what only one has is not touched. */
void ein_layout_copy(float *to, const ein_layout *to_layout, const float *from,
                     const ein_layout *from_layout);

/* EIN_OK if `found`, the model of a file, can stand for `wanted`: the same tensors with the same shapes, and the
 * same heads, leads, samples and patch. EIN_MISMATCH names the first difference with both values. */
ein_status ein_layout_compare(const ein_layout *found, const ein_layout *wanted);

/* "(800, 8, 50)" in `out` of `bytes` bytes; returns `out`. */
const char *ein_shape_text(int ndim, const int64_t *shape, char *out, int bytes);

/* "mean", "attentive", and back (EIN_FORMAT for any other word). */
const char *ein_vit_pool_name(ein_vit_pool pool);
ein_status ein_vit_pool_parse(const char *name, ein_vit_pool *out);

/* "learned", "sincos", and back (EIN_FORMAT for any other word). */
const char *ein_vit_positions_name(ein_vit_positions positions);
ein_status ein_vit_positions_parse(const char *name, ein_vit_positions *out);

/* "pretrain", "encoder", "classify", and back (EIN_FORMAT for any other word). */
const char *ein_vit_parts_name(ein_vit_parts parts);
ein_status ein_vit_parts_parse(const char *name, ein_vit_parts *out);

/* Called when all gradients of the tensors of a stage are written, from the highest stage down to 0. */
typedef void (*ein_stage_done)(void *context, int stage);

#endif
