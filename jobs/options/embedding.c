#include "jobs/options/embedding.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/pooling.h"
#include "io/corpus/store.h"
#include "jobs/options/scoring.h"
#include "mpi/gather.h"
#include "mpi/threads.h"
#include "mpi/watchdog.h"

/* Records of a rank that are read, and told to the others, at once. */
enum { CHUNK = 512 };

static const char *const names[EIN_EMBED_KINDS] = {"mean", "cls", "attentive"};

const char *ein_embedding_name(ein_embedding kind) {
    return names[kind];
}

ein_status ein_embedding_parse(const char *name, ein_embedding *out) {
    for (int k = 0; k < EIN_EMBED_KINDS; k++)
        if (strcmp(name, names[k]) == 0) {
            *out = (ein_embedding)k;
            return EIN_OK;
        }
    return ein_error(EIN_USAGE, "'%.40s' is no embedding: mean, cls or attentive were expected", name);
}

ein_status ein_embedding_check(ein_embedding kind, const char *path, const ein_layout *layout) {
    if (kind != EIN_EMBED_ATTENTIVE || layout->shape.pool == EIN_POOL_ATTENTIVE) return EIN_OK;
    return ein_error(
        EIN_USAGE,
        "%s: an attentive embedding needs a model with attentive pooling (finetune --mode attentive makes "
        "one); take mean or cls",
        path);
}

void ein_embedding_take(float *out, ein_embedding kind, const ein_layout *layout, const float *tokens,
                        const float *pooled) {
    const int C = layout->shape.width;
    const bool is_pooled =
        kind == (layout->shape.pool == EIN_POOL_MEAN ? EIN_EMBED_MEAN : EIN_EMBED_ATTENTIVE);
    if (is_pooled)
        memcpy(out, pooled, (size_t)C * sizeof *out);
    else if (kind == EIN_EMBED_CLS)
        memcpy(out, tokens, (size_t)C * sizeof *out);
    else
        pool_mean_forward(out, tokens, 1, ein_vit_tokens(&layout->shape), C);
}

/* --- records of a corpus --------------------------------------------------------------------------------- */

/* One thread's room. The model's prefix is the record itself, so that a batch runs through all of it at once. */
typedef struct {
    ein_classify *model; /* of `batch` records */
    float *x, *logits;
} embedding_room;

/* Those of all threads. */
typedef struct {
    const ein_layout *layout;
    const ein_packed *packed;
    embedding_room *room;
} embedding_rooms;

static ein_status room_new(void *self, int thread) {
    const embedding_rooms *rooms = self;
    const ein_layout *layout = rooms->layout;
    embedding_room *room = &rooms->room[thread];
    const int batch = ein_scoring_batch(layout);
    EIN_TRY(ein_classify_new(layout, layout, batch, false, &room->model));
    ein_classify_weights(room->model, NULL, rooms->packed);
    EIN_TRY(EIN_NEW(room->x, (int64_t)batch * layout->shape.leads * layout->shape.samples));
    return EIN_NEW(room->logits, batch * layout->shape.classes);
}

static void rooms_free(embedding_room *room, int threads) {
    for (int t = 0; room && t < threads; t++) {
        ein_classify_destroy(room[t].model);
        free(room[t].x);
        free(room[t].logits);
    }
    free(room);
}

static ein_status rooms_new(embedding_room **out, const ein_layout *layout, const ein_packed *packed,
                            int threads) {
    EIN_TRY(EIN_NEW(*out, threads));
    return ein_error_context(ein_threads_each(threads, room_new, &(embedding_rooms){layout, packed, *out}),
                             "the activations of %d threads", threads);
}

/* n records of the store from `place` on. */
static void embed_batch(float *out, const ein_embedder *e, embedding_room *r, const ein_store *store,
                        int64_t place, int n) {
    const ein_vit_shape *v = &e->layout->shape;
    const size_t values = (size_t)v->leads * (size_t)v->samples, C = (size_t)v->width;
    ein_watchdog_beat("embedding records");
    for (int i = 0; i < n; i++) ein_store_input(store, place + i, r->x + (size_t)i * values);
    ein_classify_records(r->model, n);
    ein_classify_forward(r->model, r->logits, e->param, e->param, r->x);
    const float *tokens = ein_classify_tokens(r->model), *pooled = ein_classify_pooled(r->model);
    for (size_t i = 0; i < (size_t)n; i++)
        ein_embedding_take(out + i * C, e->kind, e->layout, tokens + i * (size_t)ein_vit_tokens(v) * C,
                           pooled + i * C);
}

/* This rank's share of a part of the records. */
static ein_status embed_share(float *out, const ein_embedder *e, ein_corpus *corpus, const int64_t *record,
                              int64_t n, embedding_room *room, int threads) {
    const int C = e->layout->shape.width, batch = ein_scoring_batch(e->layout);
    ein_store *store;
    EIN_TRY(ein_store_new(corpus, record, n, &store));
    ein_store_normalise(store, e->mean_mv, e->sd_mv);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int64_t i = 0; i < n; i += batch)
        embed_batch(out + i * C, e, &room[omp_get_thread_num()], store, i,
                    n - i < batch ? (int)(n - i) : batch);
    ein_store_destroy(store);
    return EIN_OK;
}

static ein_status check_shape(const ein_embedder *e, const ein_corpus *corpus) {
    const ein_contract *c = ein_corpus_contract(corpus);
    const ein_vit_shape *v = &e->layout->shape;
    if (c->n_leads == v->leads && c->n_samples == v->samples) return EIN_OK;
    return ein_error(
        EIN_MISMATCH,
        "%s holds %d leads x %lld samples, the model takes %d x %d; ingest again with the model's contract",
        ein_corpus_path(corpus), c->n_leads, (long long)c->n_samples, v->leads, v->samples);
}

/* Records part by part: what all ranks hold at once is small, however many records there are. */
static ein_status embed_parts(const ein_embedding_sink *to, float *part, int64_t room_records, ein_comm *comm,
                              const ein_embedder *e, ein_corpus *corpus, const int64_t *record, int64_t n,
                              embedding_room *room, int threads, ein_progress *progress) {
    const int C = e->layout->shape.width;
    for (int64_t at = 0; at < n; at += room_records) {
        const int64_t now = n - at < room_records ? n - at : room_records;
        int64_t first, count;
        ein_share(now, ein_comm_rank(comm), ein_comm_size(comm), &first, &count);
        const ein_status status =
            count > 0 ? embed_share(part + first * C, e, corpus, record + at + first, count, room, threads)
                      : EIN_OK;
        EIN_TRY(ein_comm_agree(comm, status));
        EIN_TRY(
            ein_gather_everywhere(comm, part, NULL, now, C * (int64_t)sizeof *part, "gathering embeddings"));
        EIN_TRY(ein_comm_agree(comm, to ? to->put(to->self, part, now) : EIN_OK));
        ein_progress_update(progress, at + now, "");
    }
    return EIN_OK;
}

ein_status ein_embed_records(const ein_embedding_sink *to, ein_comm *comm, const ein_embedder *e,
                             ein_corpus *corpus, const int64_t *record, int64_t n, int threads,
                             ein_progress *progress) {
    embedding_room *room = NULL;
    ein_packed *packed = NULL;
    float *part = NULL;
    const int64_t most = (int64_t)CHUNK * ein_comm_size(comm), room_records = n < most ? n : most;
    ein_status status = check_shape(e, corpus);
    if (status == EIN_OK) status = EIN_NEW(part, room_records * e->layout->shape.width + 1);
    if (status == EIN_OK) status = ein_packed_make(e->layout, false, e->param, threads, &packed);
    if (status == EIN_OK) status = rooms_new(&room, e->layout, packed, threads);
    status = ein_comm_agree(comm, status);
    if (status == EIN_OK)
        status = embed_parts(to, part, room_records, comm, e, corpus, record, n, room, threads, progress);
    rooms_free(room, threads);
    ein_packed_destroy(packed);
    free(part);
    return status;
}
