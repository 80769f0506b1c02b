#include "jobs/options/scoring.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/classify.h"
#include "core/nn/products.h"
#include "io/corpus/store.h"
#include "mpi/gather.h"
#include "mpi/threads.h"
#include "mpi/watchdog.h"

/* Records read at once: enough to keep threads busy between reads, little memory. Tokens of a batch: enough rows for
 * fast products, few enough to stay in the cache. */
enum { CHUNK = 512, TOKENS = 512 };

/* One thread's room. The model's prefix is the record itself, so that a batch runs through all of it at once. */
typedef struct {
    ein_classify *model; /* of `batch` records */
    float *x, *logits;
} scoring_room;

int ein_scoring_batch(const ein_layout *layout) {
    const int tokens = ein_vit_tokens(&layout->shape);
    /* Products of a BLAS give a record other bits in another batch. */
    return ein_products_own() && tokens < TOKENS ? TOKENS / tokens : 1;
}

static void room_free(scoring_room *room) {
    ein_classify_destroy(room->model);
    free(room->x);
    free(room->logits);
}

/* Those of all threads. */
typedef struct {
    const ein_layout *layout;
    const ein_packed *packed;
    scoring_room *room;
} scoring_rooms;

static ein_status room_new(void *self, int thread) {
    const scoring_rooms *rooms = self;
    const ein_layout *layout = rooms->layout;
    scoring_room *room = &rooms->room[thread];
    const int batch = ein_scoring_batch(layout);
    EIN_TRY(ein_classify_new(layout, layout, batch, false, &room->model));
    ein_classify_weights(room->model, NULL, rooms->packed);
    EIN_TRY(EIN_NEW(room->x, (int64_t)batch * layout->shape.leads * layout->shape.samples));
    return EIN_NEW(room->logits, batch * layout->shape.classes);
}

static void read_record(float *x, const ein_scorer *s, const ein_store *store, int64_t place) {
    const int L = s->layout->shape.leads, S = s->layout->shape.samples;
    ein_store_input(store, place, x);
    for (int lead = 0; s->lead_present && lead < L; lead++)
        if (!s->lead_present[lead]) memset(x + (size_t)lead * S, 0, (size_t)S * sizeof *x);
}

/* n records of the store from `place` on. */
static void score_batch(double *score, const ein_scorer *s, scoring_room *room, const ein_store *store,
                        int64_t place, int n) {
    const size_t values = (size_t)s->layout->shape.leads * (size_t)s->layout->shape.samples;
    ein_watchdog_beat("scoring records");
    for (int i = 0; i < n; i++) read_record(room->x + (size_t)i * values, s, store, place + i);
    ein_classify_records(room->model, n);
    ein_classify_forward(room->model, room->logits, s->param, s->param, room->x);
    (s->logits ? head_logit : head_score)(score, room->logits, s->tasks, s->n_tasks, n, s->n_targets,
                                          s->layout->shape.classes);
}

static ein_status score_share(double *score, const ein_scorer *s, ein_corpus *corpus, const int64_t *record,
                              int64_t n, scoring_room *room, int threads, ein_progress *progress, int ranks) {
    const int batch = ein_scoring_batch(s->layout);
    for (int64_t first = 0; first < n; first += CHUNK) {
        const int64_t count = n - first < CHUNK ? n - first : CHUNK;
        ein_store *store;
        EIN_TRY(ein_store_new(corpus, record + first, count, &store));
        ein_store_normalise(store, s->mean_mv, s->sd_mv);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
        for (int64_t i = 0; i < count; i += batch)
            score_batch(score + (first + i) * s->n_targets, s, &room[omp_get_thread_num()], store, i,
                        count - i < batch ? (int)(count - i) : batch);
        ein_store_destroy(store);
        ein_progress_update(progress, (first + count) * ranks, "");
    }
    return EIN_OK;
}

static ein_status check_shape(const ein_scorer *s, const ein_corpus *corpus) {
    const ein_contract *c = ein_corpus_contract(corpus);
    const ein_vit_shape *v = &s->layout->shape;
    if (c->n_leads == v->leads && c->n_samples == v->samples) return EIN_OK;
    return ein_error(EIN_MISMATCH,
                     "%s holds %d leads x %lld samples, the model takes %d x %d; ingest again with the "
                     "model's contract",
                     ein_corpus_path(corpus), c->n_leads, (long long)c->n_samples, v->leads, v->samples);
}

ein_status ein_score_records(double *score, ein_comm *comm, const ein_scorer *s, ein_corpus *corpus,
                             const int64_t *record, int64_t n, int threads, ein_progress *progress) {
    int64_t first, count;
    scoring_room *room = NULL;
    ein_packed *packed = NULL;
    ein_share(n, ein_comm_rank(comm), ein_comm_size(comm), &first, &count);
    ein_status status = check_shape(s, corpus);
    if (status == EIN_OK) status = ein_packed_make(s->layout, false, s->param, threads, &packed);
    if (status == EIN_OK) status = EIN_NEW(room, threads);
    if (status == EIN_OK)
        status =
            ein_error_context(ein_threads_each(threads, room_new, &(scoring_rooms){s->layout, packed, room}),
                              "the activations of %d threads", threads);
    if (status == EIN_OK)
        status = score_share(score + first * s->n_targets, s, corpus, record + first, count, room, threads,
                             progress, ein_comm_size(comm));
    for (int t = 0; room && t < threads; t++) room_free(&room[t]);
    free(room);
    ein_packed_destroy(packed);
    EIN_TRY(ein_comm_agree(comm, status));
    return ein_gather_everywhere(comm, score, NULL, n, s->n_targets * (int64_t)sizeof *score,
                                 "gathering scores");
}
