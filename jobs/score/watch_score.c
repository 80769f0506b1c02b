#include <omp.h>

#include "core/base/clock.h"
#include "core/signal/quality.h"
#include "jobs/score/watch_parts.h"

enum { BATCH = EIN_WATCH_BATCH };

/* Arrivals that have settled, at most BATCH, from the end of the list: dropping one moves none of the others. */
static int choose(ein_watch *w, int64_t chosen[BATCH]) {
    const double now = ein_clock_s();
    int n = 0;
    for (int64_t i = w->waiting.n - 1; i >= 0 && n < BATCH; i--) {
        ein_arrival *a = &w->waiting.item[i];
        if (now - a->changed_s < w->settle_s || now < a->next_s) continue;
        const int64_t stamp = ein_watch_stamp(a->path);
        if (stamp == a->stamp) {
            chosen[n++] = i;
        } else if (stamp != 0) {
            a->stamp = stamp;
            a->changed_s = now;
        } else { /* the machine is in trouble */
            a->next_s = now + 1;
            w->tries++;
        }
    }
    return n;
}

/* What was read of n arrivals, through the models; item i is record of[i]. */
static void run_models(ein_watch *w, ein_score_item *item, const int *of, int n) {
    const int batch = ein_score_room_batch(w->rooms[0]);
#pragma omp parallel for schedule(dynamic, 1) num_threads(w->s->threads)
    for (int i = 0; i < n; i += batch)
        ein_score_room_run(w->rooms[omp_get_thread_num()], item + i, n - i < batch ? n - i : batch);
    for (int i = 0; i < n; i++) {
        ein_score_record *r = &w->record[of[i]];
        if (item[i].finite) continue;
        r->status = EIN_SCORE_NOT_FINITE;
        snprintf(r->reason, sizeof r->reason, "a model gives a value that is not finite");
    }
}

static void score_batch(ein_watch *w, const int64_t *chosen, int n) {
    const ein_contract *c = &w->s->models->contract;
    const int64_t record = c->n_leads * c->n_samples, values = w->s->models->values;
    ein_score_item item[BATCH];
    float scale[BATCH];
    int of[BATCH], good = 0;
#pragma omp parallel for schedule(dynamic, 1) num_threads(w->s->threads)
    for (int i = 0; i < n; i++)
        w->status[i] = ein_score_reader_read(w->reader[omp_get_thread_num()], w->waiting.item[chosen[i]].path,
                                             -1, w->counts + i * record, &scale[i], &w->record[i]);
    for (int i = 0; i < n; i++) {
        if (w->status[i] != EIN_OK || w->record[i].status != EIN_SCORE_OK) continue;
        of[good] = i;
        item[good++] = (ein_score_item){
            .counts = w->counts + i * record, .scale = scale[i], .value = w->value + i * values};
    }
    run_models(w, item, of, good);
}

/* What may be on its way still: what cannot be scored, and a signal that is shorter than its header says, or other. */
static bool is_doubtful(const ein_score_record *r) {
    return r->status != EIN_SCORE_OK || r->quality & (EIN_QUALITY_TRUNCATED | EIN_QUALITY_CHECKSUM);
}

/* Whether it is to be waited for still: until watch.patience_s after the last change, and until a walk that came after
 * that still lists it as a recording of its own. */
static bool is_awaited(const ein_watch *w, ein_arrival *a, double now) {
    if (now - a->changed_s < w->patience_s)
        a->next_s = a->changed_s + w->patience_s;
    else if (a->listed_s < a->changed_s + w->settle_s)
        a->next_s = w->walk_at_s > now ? w->walk_at_s : now + 0.01;
    else
        return false;
    return true;
}

/* What becomes of one arrival that was tried; *drop: it is dealt with. */
static ein_status settle(ein_watch *w, ein_watch_text *text, ein_arrival *a, int i, bool *drop) {
    const ein_score_record *r = &w->record[i];
    const double now = ein_clock_s();
    *drop = (w->status[i] == EIN_OK && r->status == EIN_SCORE_GONE) ||
            (w->status[i] != EIN_OK && ein_watch_is_gone(w, a->path));
    w->vanished += *drop;
    if (*drop) return EIN_OK;
    if (w->status[i] != EIN_OK) {
        a->next_s = now + (a->tries < 8 ? 0.1 * (double)(1 << a->tries) : 30);
        a->tries++;
        w->tries++;
        return EIN_OK;
    }
    const int64_t stamp = ein_watch_stamp(a->path);
    if (stamp != a->stamp || (int64_t)(r->stamp & INT64_MAX) != stamp) { /* it changed while it was read */
        a->stamp = stamp;
        a->changed_s = now;
        return EIN_OK;
    }
    *drop = stamp == ein_known_stamp(w->known, a->path); /* it is again what it was when it was told */
    w->arrived -= *drop;
    if (*drop || (is_doubtful(r) && is_awaited(w, a, now))) return EIN_OK;
    *drop = true;
    return ein_watch_text_add(w, text, a->path, stamp, r, w->value + i * w->s->models->values);
}

ein_status ein_watch_score(ein_watch *w) {
    int64_t chosen[BATCH];
    const int n = choose(w, chosen);
    ein_watch_text text;
    bool drop[BATCH] = {false};
    if (n == 0) return EIN_OK;
    score_batch(w, chosen, n);
    ein_status status = ein_watch_text_begin(&text);
    for (int i = 0; i < n && status == EIN_OK; i++)
        status = settle(w, &text, &w->waiting.item[chosen[i]], i, &drop[i]);
    status = ein_watch_text_end(w, &text, status);
    for (int i = 0; i < n && status == EIN_OK; i++)
        if (drop[i]) status = ein_arrivals_drop(&w->waiting, chosen[i]);
    w->active_s = ein_clock_s();
    return status;
}
