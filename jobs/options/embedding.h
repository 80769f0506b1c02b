/* Embeddings: the one vector of a record that an encoder makes, as most people use a foundation model.
 *
 *     mean       the mean of the patch tokens: what a head with mean pooling sees
 *     cls        the CLS token
 *     attentive  what the learned query of a model with attentive pooling makes of the patch tokens: what its head sees
 *
 * Tokens are taken as they leave the last block, before any final norm, as heads and probes take them. They come from
 * any model, with or without a head; a head is not used.
 *
 * A record's embedding has the same bits in any batch, order, thread and rank (jobs/options/scoring.h).
 */
#ifndef EIN_JOBS_OPTIONS_EMBEDDING_H
#define EIN_JOBS_OPTIONS_EMBEDDING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/nn/classify.h"
#include "io/corpus/corpus.h"
#include "io/run/run.h"
#include "mpi/comm.h"

typedef enum { EIN_EMBED_MEAN, EIN_EMBED_CLS, EIN_EMBED_ATTENTIVE, EIN_EMBED_KINDS } ein_embedding;
const char *ein_embedding_name(ein_embedding kind); /* "mean", "cls", "attentive" */
/* EIN_USAGE if `name` is none of them. */
ein_status ein_embedding_parse(const char *name, ein_embedding *out);

/* EIN_USAGE if the model `path` (for the message) cannot make it: attentive without attentive pooling. */
ein_status ein_embedding_check(ein_embedding kind, const char *path, const ein_layout *layout);

/* out (C): of a record whose tokens (T,C) left the last block (ein_classify_tokens) and were pooled (C)
 * (ein_classify_pooled). Whoever scores a record has its embedding for nothing. */
void ein_embedding_take(float *out, ein_embedding kind, const ein_layout *layout, const float *tokens,
                        const float *pooled);

/* An encoder as embedding needs it; everything is the caller's. */
typedef struct {
    const ein_layout *layout; /* EIN_PART_CLASSIFY */
    const float *param;       /* its arena */
    double mean_mv, sd_mv;    /* constants that its input is scaled by */
    ein_embedding kind;
} ein_embedder;

/* Who takes the vectors of a rank, some records at a time, in their order; its error ends it on every rank. */
typedef struct {
    ein_status (*put)(void *self, const float *value, int64_t n); /* value (n, C) */
    void *self;
} ein_embedding_sink;

/* The embeddings of the corpus's records `record` (n, any order), the same to the sink of every rank; NULL on a rank
 * that does not want them. No more than some hundred records of each rank are held. A record of another shape than
 * the model's is EIN_MISMATCH. `progress` may be NULL. Collective. */
ein_status ein_embed_records(const ein_embedding_sink *to, ein_comm *comm, const ein_embedder *embedder,
                             ein_corpus *corpus, const int64_t *record, int64_t n, int threads,
                             ein_progress *progress);

#endif
