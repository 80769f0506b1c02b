/* The classifier of one slot: the encoder on all tokens, pooling, fc_norm and head, for fine-tuning and scoring.
 *
 *     tokens = blocks(embed(x));  logits = head(fc_norm(pool(tokens)))
 *
 * Moody et al. (NEJM AI 2025): all N patches and CLS run through the encoder, without its final norm; the patch
 * tokens are pooled (core/nn/pooling.h), CLS is not. LayerNorm eps 1e-6, no dropout.
 *
 * Parameters come from two arenas. `frozen` has the layout of the whole model, `param` that of its trained tensors
 * (ein_layout_select): a tensor is read from `param` if it is trained and from `frozen` otherwise. So optimiser,
 * exchange and checkpoint hold what is trained and nothing else.
 *
 * What comes before the first trained tensor, the *prefix*, is a function of the record alone. It is computed for one
 * record at a time, so that its bits do not depend on the record's neighbours, and the caller may keep it from epoch
 * to epoch. What it is follows from what is trained:
 *
 *     stage 0 (cls_token, pos_embed, patch_embed)     the record itself: L*S samples
 *     block i first (its adapters count)              the tokens that enter block i: T*C
 *     attentive pooling first                         the tokens that leave the last block: T*C
 *     fc_norm or head first, or nothing               the pooled tokens: C
 *
 * Scoring is the case of nothing trained: prefix and forward pass of one record at a time give the same bits for a
 * record whatever was scored before it and whoever does it.
 *
 * Letters: B records, L leads, S samples, N patches, T = N + 1 tokens, C width, O outputs of the head.
 */
#ifndef EIN_CORE_NN_CLASSIFY_H
#define EIN_CORE_NN_CLASSIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/real.h"
#include "core/base/status.h"
#include "core/nn/layout.h"
#include "core/nn/packed.h"

#define ein_classify          EIN_REAL_NAME(ein_classify)
#define ein_classify_new      EIN_REAL_NAME(ein_classify_new)
#define ein_classify_destroy  EIN_REAL_NAME(ein_classify_destroy)
#define ein_classify_values   EIN_REAL_NAME(ein_classify_values)
#define ein_classify_weights  EIN_REAL_NAME(ein_classify_weights)
#define ein_classify_records  EIN_REAL_NAME(ein_classify_records)
#define ein_classify_prefix   EIN_REAL_NAME(ein_classify_prefix)
#define ein_classify_tokens   EIN_REAL_NAME(ein_classify_tokens)
#define ein_classify_pooled   EIN_REAL_NAME(ein_classify_pooled)
#define ein_classify_forward  EIN_REAL_NAME(ein_classify_forward)
#define ein_classify_backward EIN_REAL_NAME(ein_classify_backward)
#define ein_classify_input    EIN_REAL_NAME(ein_classify_input)
#define ein_classify_attends  EIN_REAL_NAME(ein_classify_attends)
#define ein_classify_chooses  EIN_REAL_NAME(ein_classify_chooses)

/* What of a model is trained. */
typedef enum {
    EIN_ADAPT_TOP,       /* the last K blocks, pooling, fc_norm and head (the study's, K = 4) */
    EIN_ADAPT_FULL,      /* everything */
    EIN_ADAPT_LINEAR,    /* fc_norm and head */
    EIN_ADAPT_ATTENTIVE, /* attentive pooling, fc_norm and head */
    EIN_ADAPT_LORA       /* adapters, pooling, fc_norm and head */
} ein_adapt_mode;

/* trained (n_tensors): which tensors of `full` (EIN_PART_CLASSIFY) a mode trains; top_k counts for EIN_ADAPT_TOP
 * only. EIN_USAGE, with what to change, if top_k does not lie in 0 .. depth, if the mode needs a pooling or adapters
 * that the shape does not have, if it would leave adapters untrained, and for EIN_ADAPT_LINEAR with attentive
 * pooling, which would stay as it was drawn. */
ein_status ein_classify_choose(const ein_layout *full, ein_adapt_mode mode, int top_k, bool *trained);

/* Values of one record's prefix. `trained` NULL: nothing is trained. */
int64_t ein_classify_prefix_values(const ein_layout *full, const ein_layout *trained);

/* GFLOP of one record, multiply-adds of linears and attention counted as two: what a training step costs (forward,
 * and backward down to the first trained tensor), or with `trained` NULL a score. `cached`: the prefix is at hand and
 * costs nothing. */
double ein_classify_gflop(const ein_layout *full, const ein_layout *trained, bool cached);

/* Workspace for B records: activations and scratch in one arena. One thread uses it at a time. */
typedef struct ein_classify ein_classify;

/* `full` has EIN_PART_CLASSIFY; `trained` is a selection of it, or it itself, or NULL: nothing is trained. Both are
 * kept by reference. With `training` false no backward pass can follow, and memory does not grow with the depth.
 * EIN_USAGE if `full` has no head, `trained` a tensor that it does not have, or `records` is below 1. */
ein_status ein_classify_new(const ein_layout *full, const ein_layout *trained, int records, bool training,
                            ein_classify **out);
void ein_classify_destroy(ein_classify *cl);

/* Passes from now on read weights from these copies, made for the layouts `full` and `trained`: of the values of
 * `frozen` and of `param`. Either may be NULL: there are none. */
void ein_classify_weights(ein_classify *cl, const ein_packed *frozen, const ein_packed *trained);

/* Forward passes from now on take the first n records, n at most the B it was made for; no backward pass may follow
 * unless n is B. */
void ein_classify_records(ein_classify *cl, int n);

/* Values of the arena that ein_classify_new would take; for memory plans. */
int64_t ein_classify_values(const ein_layout *full, const ein_layout *trained, int records, bool training);

/* out (ein_classify_prefix_values): the prefix of one record x (L,S). Leaves the state of a forward pass alone. */
void ein_classify_prefix(ein_classify *cl, real *out, const real *frozen, const real *x);

/* The tokens (B,T,C), CLS first, that left the last block in the last forward pass or, where nothing is trained, of the
 * record that ein_classify_prefix took last; and what pooling made of those of the last forward pass (B,C). They stay
 * until the next. */
const real *ein_classify_tokens(const ein_classify *cl);
const real *ein_classify_pooled(const ein_classify *cl);

/* logits (B,O) from prefixes (B,prefix values), which are kept by reference until the backward pass. `param` may be
 * NULL if nothing is trained. */
void ein_classify_forward(ein_classify *cl, real *logits, const real *frozen, const real *param,
                          const real *prefix);

/* Gradients into the flat arena `grad` of the trained layout, from d_logits (B,O), the gradient of the loss by the
 * logits (core/nn/head.h); every trained tensor is written, padding is not touched. `done` (may be NULL) is called
 * with the trained layout's stages from the highest down to 0, each once. Needs the forward pass before it, and
 * `training`. */
void ein_classify_backward(ein_classify *cl, real *grad, const real *d_logits, const real *frozen,
                           const real *param, ein_stage_done done, void *context);

/* d_x (B,L,S), the gradient of the records themselves, from d_logits (B,O); none of a parameter is computed. Needs
 * `training` with stage 0 trained, so that the forward pass began at the record, and that pass before it, anew for
 * every call. */
void ein_classify_input(ein_classify *cl, real *d_x, const real *d_logits, const real *frozen,
                        const real *param);

/* Attention of the last forward pass, which must have run and kept all blocks (`training`): in a block,
 * (B,H,T,attention_stride(T)) of core/nn/kernels.h; of attentive pooling, (B,H,T), or NULL where the mean is taken. */
const real *ein_classify_attends(const ein_classify *cl, int block);
const real *ein_classify_chooses(const ein_classify *cl);

#endif
