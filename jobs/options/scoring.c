#include "jobs/options/scoring.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/classify.h"
#include "io/corpus/store.h"
#include "mpi/watchdog.h"

/* Records read at once: enough to keep threads busy between reads, little memory. */
enum { CHUNK = 512 };

/* One thread's room. */
typedef struct {
    ein_classify *model; /* of one record */
    float *x, *prefix, *logits;
} scoring_room;

static void room_free(scoring_room *room) {
    ein_classify_destroy(room->model);
    free(room->x);
    free(room->prefix);
    free(room->logits);
}

static ein_status room_new(scoring_room *room, const ein_layout *layout) {
    EIN_TRY(ein_classify_new(layout, NULL, 1, false, &room->model));
    EIN_TRY(EIN_NEW(room->x, (int64_t)layout->shape.leads * layout->shape.samples));
    EIN_TRY(EIN_NEW(room->prefix, ein_classify_prefix_values(layout, NULL)));
    return EIN_NEW(room->logits, layout->shape.classes);
}

static void score_one(double *score, const ein_scorer *s, scoring_room *room, const ein_store *store,
                      int64_t place) {
    const int L = s->layout->shape.leads, S = s->layout->shape.samples;
    ein_watchdog_beat("scoring records");
    ein_store_input(store, place, room->x);
    for (int lead = 0; s->lead_present && lead < L; lead++)
        if (!s->lead_present[lead]) memset(room->x + (size_t)lead * S, 0, (size_t)S * sizeof *room->x);
    ein_classify_prefix(room->model, room->prefix, s->param, room->x);
    ein_classify_forward(room->model, room->logits, s->param, NULL, room->prefix);
    (s->logits ? head_logit : head_score)(score, room->logits, s->tasks, s->n_tasks, 1, s->n_targets,
                                          s->layout->shape.classes);
}

static ein_status score_share(double *score, const ein_scorer *s, ein_corpus *corpus, const int64_t *record,
                              int64_t n, scoring_room *room, int threads, ein_progress *progress, int ranks) {
    for (int64_t first = 0; first < n; first += CHUNK) {
        const int64_t count = n - first < CHUNK ? n - first : CHUNK;
        ein_store *store;
        EIN_TRY(ein_store_new(corpus, record + first, count, &store));
        ein_store_normalise(store, s->mean_mv, s->sd_mv);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
        for (int64_t i = 0; i < count; i++)
            score_one(score + (first + i) * s->n_targets, s, &room[omp_get_thread_num()], store, i);
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
    int failed = 0;
    ein_share(n, ein_comm_rank(comm), ein_comm_size(comm), &first, &count);
    memset(score, 0, (size_t)(n * s->n_targets) * sizeof *score);
    ein_status status = check_shape(s, corpus);
    if (status == EIN_OK) status = EIN_NEW(room, threads);
    if (status == EIN_OK) {
        /* Every thread touches its own memory first. */
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(+ : failed)
        for (int t = 0; t < threads; t++) failed += room_new(&room[t], s->layout) != EIN_OK;
        if (failed) status = ein_error(EIN_NOMEM, "no memory for the activations of %d threads", threads);
    }
    if (status == EIN_OK)
        status = score_share(score + first * s->n_targets, s, corpus, record + first, count, room, threads,
                             progress, ein_comm_size(comm));
    for (int t = 0; room && t < threads; t++) room_free(&room[t]);
    free(room);
    EIN_TRY(ein_comm_agree(comm, status));
    /* A score is non-zero on one rank only, so MPI's order of adding changes nothing. */
    return ein_comm_sum_f64(comm, score, n * s->n_targets);
}
