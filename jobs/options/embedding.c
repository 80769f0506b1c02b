#include "jobs/options/embedding.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/pooling.h"
#include "io/corpus/store.h"
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

void ein_embedding_take(float *out, ein_embedding kind, const ein_layout *layout, const ein_classify *model,
                        const float *prefix) {
    const int C = layout->shape.width;
    const bool pooled = kind == (layout->shape.pool == EIN_POOL_MEAN ? EIN_EMBED_MEAN : EIN_EMBED_ATTENTIVE);
    if (pooled)
        memcpy(out, prefix, (size_t)C * sizeof *out);
    else if (kind == EIN_EMBED_CLS)
        memcpy(out, ein_classify_tokens(model), (size_t)C * sizeof *out);
    else
        pool_mean_forward(out, ein_classify_tokens(model), 1, ein_vit_tokens(&layout->shape), C);
}

/* --- records of a corpus --------------------------------------------------------------------------------- */

/* One thread's room. */
typedef struct {
    ein_classify *model; /* of one record */
    float *x, *prefix, *vector;
} embedding_room;

static ein_status room_new(embedding_room *room, const ein_layout *layout) {
    EIN_TRY(ein_classify_new(layout, NULL, 1, false, &room->model));
    EIN_TRY(EIN_NEW(room->x, (int64_t)layout->shape.leads * layout->shape.samples));
    EIN_TRY(EIN_NEW(room->prefix, layout->shape.width));
    return EIN_NEW(room->vector, layout->shape.width);
}

static void rooms_free(embedding_room *room, int threads) {
    for (int t = 0; room && t < threads; t++) {
        ein_classify_destroy(room[t].model);
        free(room[t].x);
        free(room[t].prefix);
        free(room[t].vector);
    }
    free(room);
}

static ein_status rooms_new(embedding_room **out, const ein_layout *layout, int threads) {
    int failed = 0;
    embedding_room *room;
    EIN_TRY(EIN_NEW(*out, threads));
    room = *out;
    /* Every thread touches its own memory first. */
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(+ : failed)
    for (int t = 0; t < threads; t++) failed += room_new(&room[t], layout) != EIN_OK;
    return failed ? ein_error(EIN_NOMEM, "no memory for the activations of %d threads", threads) : EIN_OK;
}

/* This rank's share of a part of the records. */
static ein_status embed_share(double *out, const ein_embedder *e, ein_corpus *corpus, const int64_t *record,
                              int64_t n, embedding_room *room, int threads) {
    const int C = e->layout->shape.width;
    ein_store *store;
    EIN_TRY(ein_store_new(corpus, record, n, &store));
    ein_store_normalise(store, e->mean_mv, e->sd_mv);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int64_t i = 0; i < n; i++) {
        embedding_room *r = &room[omp_get_thread_num()];
        ein_watchdog_beat("embedding records");
        ein_store_input(store, i, r->x);
        ein_classify_prefix(r->model, r->prefix, e->param, r->x);
        ein_embedding_take(r->vector, e->kind, e->layout, r->model, r->prefix);
        for (int c = 0; c < C; c++) out[i * C + c] = r->vector[c];
    }
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
static ein_status embed_parts(float *out, double *part, int64_t room_records, ein_comm *comm,
                              const ein_embedder *e, ein_corpus *corpus, const int64_t *record, int64_t n,
                              embedding_room *room, int threads, ein_progress *progress) {
    const int C = e->layout->shape.width;
    for (int64_t at = 0; at < n; at += room_records) {
        const int64_t now = n - at < room_records ? n - at : room_records;
        int64_t first, count;
        ein_share(now, ein_comm_rank(comm), ein_comm_size(comm), &first, &count);
        memset(part, 0, (size_t)(now * C) * sizeof *part);
        const ein_status status =
            count > 0 ? embed_share(part + first * C, e, corpus, record + at + first, count, room, threads)
                      : EIN_OK;
        EIN_TRY(ein_comm_agree(comm, status));
        /* A value is non-zero on one rank only, so MPI's order of adding changes nothing. */
        EIN_TRY(ein_comm_sum_f64(comm, part, now * C));
        for (int64_t i = 0; out && i < now * C; i++) out[at * C + i] = (float)part[i];
        ein_progress_update(progress, at + now, "");
    }
    return EIN_OK;
}

ein_status ein_embed_records(float *out, ein_comm *comm, const ein_embedder *e, ein_corpus *corpus,
                             const int64_t *record, int64_t n, int threads, ein_progress *progress) {
    embedding_room *room = NULL;
    double *part = NULL;
    const int64_t most = (int64_t)CHUNK * ein_comm_size(comm), room_records = n < most ? n : most;
    ein_status status = check_shape(e, corpus);
    if (status == EIN_OK) status = EIN_NEW(part, room_records * e->layout->shape.width + 1);
    if (status == EIN_OK) status = rooms_new(&room, e->layout, threads);
    status = ein_comm_agree(comm, status);
    if (status == EIN_OK)
        status = embed_parts(out, part, room_records, comm, e, corpus, record, n, room, threads, progress);
    rooms_free(room, threads);
    free(part);
    return status;
}
