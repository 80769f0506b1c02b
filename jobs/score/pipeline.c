#include "jobs/score/pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "io/base/trouble.h"
#include "io/run/run.h"

enum { FIRST_PAUSE_MS = 50, LAST_PAUSE_MS = 5000 };

/* A block under way. */
typedef struct {
    bool used;
    int64_t number, first, next, left; /* input of the plan's part; next to be read; not finished yet */
    uint64_t order;                    /* blocks are worked on in the order in which they were put in */
    const ein_score_part *part;
    ein_score_block block;
} work;

/* A record that was read and waits for the models. */
typedef struct {
    work *of;
    int64_t record; /* within the block */
    int16_t *counts;
    float scale;
} slot;

struct ein_score_pipeline {
    ein_score_pipeline_options o;
    pthread_mutex_t lock;
    pthread_cond_t readable, ready, finished; /* something to read into a free slot; to run; to take out */
    work *under_way;                          /* (most) */
    int most;
    uint64_t puts;
    slot *slots;
    int n_slots, n_free, n_ready, first_ready, n_reading;
    int batch;       /* records that the models want at once */
    int *free_slot;  /* (n_slots) a stack */
    int *ready_slot; /* (n_slots) a ring */
    ein_score_corpora *corpora;
    ein_score_reader **reader; /* (readers) */
    ein_score_room **room;     /* (threads) */
    int *taken;                /* (threads, batch) slots that a thread runs */
    ein_score_item *item;      /* (threads, batch) */
    pthread_t *thread;         /* (readers + threads) */
    int n_threads, next_reader, next_room;
    bool stopped;
    ein_status status; /* the first error */
    char message[1024];
    ein_score_pipeline_counts counts;
};

/* With the lock held. */
static void fail(ein_score_pipeline *p, ein_status status) {
    if (p->status == EIN_OK) {
        p->status = status;
        snprintf(p->message, sizeof p->message, "%s", ein_error_message());
    }
    p->stopped = true;
    pthread_cond_broadcast(&p->readable);
    pthread_cond_broadcast(&p->ready);
    pthread_cond_broadcast(&p->finished);
}

static void finish_record(ein_score_pipeline *p, work *w, int64_t record) {
    p->counts.rejected += w->block.record[record].status != EIN_SCORE_OK;
    if (--w->left == 0) pthread_cond_broadcast(&p->finished);
}

/* --- readers --------------------------------------------------------------------------------------------- */

/* The oldest block with something to read. */
static work *readable(ein_score_pipeline *p) {
    work *best = NULL;
    for (int i = 0; i < p->most; i++) {
        work *w = &p->under_way[i];
        if (w->used && w->next < w->block.n && (!best || w->order < best->order)) best = w;
    }
    return best;
}

static bool is_stopped(ein_score_pipeline *p) {
    pthread_mutex_lock(&p->lock);
    const bool stopped = p->stopped;
    pthread_mutex_unlock(&p->lock);
    return stopped;
}

/* Read one input, again and again while the machine is in trouble. */
static ein_status read_patiently(ein_score_pipeline *p, ein_score_reader *reader, const char *path,
                                 int64_t record, slot *s, ein_score_record *out) {
    const double begin = ein_clock_s();
    for (long pause_ms = FIRST_PAUSE_MS;;
         pause_ms = pause_ms * 2 < LAST_PAUSE_MS ? pause_ms * 2 : LAST_PAUSE_MS) {
        const ein_status status = ein_score_reader_read(reader, path, record, s->counts, &s->scale, out);
        const double spent = ein_clock_s() - begin;
        if (!ein_trouble_is(status)) return status;
        if (!(spent < p->o.retry_s) || is_stopped(p))
            return ein_error(
                status,
                "%s (tried for %.0f s, score.retry_s). That is no fault of the input, so it is not "
                "rejected: start the same command again when the machine and the file system are well; "
                "what is done stays done",
                ein_error_message(), spent);
        pthread_mutex_lock(&p->lock);
        p->counts.retries++;
        pthread_mutex_unlock(&p->lock);
        const struct timespec pause = {pause_ms / 1000, pause_ms % 1000 * 1000000L};
        nanosleep(&pause, NULL);
    }
}

/* Whether the readers will bring more without the models' doing anything. */
static bool more_comes(ein_score_pipeline *p) {
    return p->n_reading > 0 || (p->n_free > 0 && readable(p));
}

static void *read_inputs(void *context) {
    ein_score_pipeline *p = context;
    pthread_mutex_lock(&p->lock);
    ein_score_reader *reader = p->reader[p->next_reader++];
    while (!p->stopped) {
        work *w = readable(p);
        if (!w || p->n_free == 0) {
            pthread_cond_wait(&p->readable, &p->lock);
            continue;
        }
        const int64_t i = w->next++;
        const int at = p->free_slot[--p->n_free];
        slot *s = &p->slots[at];
        ein_score_record *record = &w->block.record[i];
        p->n_reading++;
        pthread_mutex_unlock(&p->lock);
        int64_t of_corpus;
        const char *path = ein_score_part_input(w->part, w->first + i, &of_corpus);
        const ein_status status = read_patiently(p, reader, path, of_corpus, s, record);
        pthread_mutex_lock(&p->lock);
        p->counts.read++;
        ein_score_reader_spent(reader, &p->counts.read_s, &p->counts.prepare_s);
        p->n_reading--;
        s->of = w;
        s->record = i;
        if (status != EIN_OK) {
            fail(p, status);
        } else if (record->status == EIN_SCORE_OK) {
            p->ready_slot[(p->first_ready + p->n_ready++) % p->n_slots] = at;
        } else {
            p->free_slot[p->n_free++] = at;
            finish_record(p, w, i);
        }
        if (p->n_ready >= p->batch || !more_comes(p)) pthread_cond_signal(&p->ready);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* --- models ---------------------------------------------------------------------------------------------- */

static bool has_work(const ein_score_pipeline *p) {
    for (int i = 0; i < p->most; i++)
        if (p->under_way[i].used && p->under_way[i].left > 0) return true;
    return false;
}

/* A batch is worth waiting for: products take many rows faster than few. With the lock held. */
static int take_ready(ein_score_pipeline *p, int *taken) {
    if (p->n_ready == 0 || (p->n_ready < p->batch && more_comes(p))) return 0;
    const int n = p->n_ready < p->batch ? p->n_ready : p->batch;
    for (int i = 0; i < n; i++) {
        taken[i] = p->ready_slot[p->first_ready];
        p->first_ready = (p->first_ready + 1) % p->n_slots;
    }
    p->n_ready -= n;
    return n;
}

static void run_batch(const ein_score_pipeline *p, ein_score_room *room, const int *taken,
                      ein_score_item *item, int n) {
    for (int i = 0; i < n; i++) {
        const slot *s = &p->slots[taken[i]];
        item[i] = (ein_score_item){.counts = s->counts,
                                   .scale = s->scale,
                                   .value = s->of->block.value + s->record * s->of->block.values};
    }
    ein_score_room_run(room, item, n);
    for (int i = 0; i < n; i++) {
        const slot *s = &p->slots[taken[i]];
        ein_score_record *record = &s->of->block.record[s->record];
        if (item[i].finite) continue;
        record->status = EIN_SCORE_NOT_FINITE;
        snprintf(record->reason, sizeof record->reason, "a model gives a value that is not finite");
    }
}

static void *run_models(void *context) {
    ein_score_pipeline *p = context;
    pthread_mutex_lock(&p->lock);
    const int me = p->next_room++;
    int *taken = p->taken + me * p->batch;
    ein_score_item *item = p->item + me * p->batch;
    while (!p->stopped) {
        const int n = take_ready(p, taken);
        const double begin = ein_clock_s();
        if (n == 0) {
            const bool awaited = has_work(p);
            pthread_cond_wait(&p->ready, &p->lock);
            if (awaited) p->counts.starved_s += ein_clock_s() - begin;
            continue;
        }
        pthread_mutex_unlock(&p->lock);
        run_batch(p, p->room[me], taken, item, n);
        const double spent = ein_clock_s() - begin;
        pthread_mutex_lock(&p->lock);
        p->counts.busy_s += spent;
        p->counts.batches++;
        p->counts.run += n;
        for (int i = 0; i < n; i++) {
            const slot *s = &p->slots[taken[i]];
            finish_record(p, s->of, s->record);
            p->free_slot[p->n_free++] = taken[i];
        }
        pthread_cond_broadcast(&p->readable);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* --- from outside ---------------------------------------------------------------------------------------- */

static ein_status make_slots(ein_score_pipeline *p) {
    const ein_contract *c = &p->o.models->contract;
    /* A batch that runs, one that waits, and what is being read. */
    p->n_slots = 2 * p->batch * p->o.threads + p->o.readers;
    EIN_TRY(EIN_NEW(p->slots, p->n_slots));
    EIN_TRY(EIN_NEW(p->free_slot, p->n_slots));
    EIN_TRY(EIN_NEW(p->ready_slot, p->n_slots));
    for (int i = 0; i < p->n_slots; i++) {
        EIN_TRY(EIN_NEW(p->slots[i].counts, c->n_leads * c->n_samples));
        p->free_slot[p->n_free++] = i;
    }
    return EIN_OK;
}

static ein_status make_workers(ein_score_pipeline *p) {
    EIN_TRY(ein_score_corpora_new(&p->o.models->contract, &p->corpora));
    EIN_TRY(EIN_NEW(p->reader, p->o.readers));
    EIN_TRY(EIN_NEW(p->room, p->o.threads));
    for (int t = 0; t < p->o.readers; t++)
        EIN_TRY(ein_score_reader_new(&p->o.models->contract, p->o.policy, p->corpora, &p->reader[t]));
    for (int t = 0; t < p->o.threads; t++) EIN_TRY(ein_score_room_new(p->o.models, &p->room[t]));
    p->batch = ein_score_room_batch(p->room[0]);
    EIN_TRY(EIN_NEW(p->taken, p->o.threads * p->batch));
    return EIN_NEW(p->item, p->o.threads * p->batch);
}

static ein_status start_threads(ein_score_pipeline *p) {
    const int n = p->o.readers + p->o.threads;
    EIN_TRY(EIN_NEW(p->thread, n));
    for (int t = 0; t < n; t++) {
        const int error = pthread_create(&p->thread[t], NULL, t < p->o.readers ? read_inputs : run_models, p);
        if (error != 0) return ein_error(EIN_SYSTEM, "no thread: %s", strerror(error));
        p->n_threads++;
    }
    return EIN_OK;
}

/* Two blocks, so that there is work while one that is finished is written, and more where threads beyond the first
 * would empty them at once. */
static ein_status make_blocks(ein_score_pipeline *p) {
    const int64_t block = p->o.plan->n > 0 ? p->o.plan->part[0].block : 1;
    p->most = 2 + (int)((int64_t)2 * p->batch * (p->o.threads - 1) / block);
    return EIN_NEW(p->under_way, p->most);
}

ein_status ein_score_pipeline_new(const ein_score_pipeline_options *options, ein_score_pipeline **out) {
    ein_score_pipeline *p = NULL;
    *out = NULL;
    EIN_TRY(EIN_NEW(p, 1));
    p->o = *options;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->readable, NULL);
    pthread_cond_init(&p->ready, NULL);
    pthread_cond_init(&p->finished, NULL);
    ein_status status = make_workers(p);
    if (status == EIN_OK) status = make_slots(p);
    if (status == EIN_OK) status = make_blocks(p);
    if (status == EIN_OK) status = start_threads(p);
    if (status == EIN_OK)
        *out = p;
    else
        ein_score_pipeline_destroy(p);
    return status;
}

void ein_score_pipeline_destroy(ein_score_pipeline *p) {
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stopped = true;
    pthread_cond_broadcast(&p->readable);
    pthread_cond_broadcast(&p->ready);
    pthread_mutex_unlock(&p->lock);
    for (int t = 0; t < p->n_threads; t++) pthread_join(p->thread[t], NULL);
    for (int t = 0; p->reader && t < p->o.readers; t++) ein_score_reader_destroy(p->reader[t]);
    for (int t = 0; p->room && t < p->o.threads; t++) ein_score_room_destroy(p->room[t]);
    for (int i = 0; p->under_way && i < p->most; i++) ein_score_block_free(&p->under_way[i].block);
    for (int i = 0; p->slots && i < p->n_slots; i++) free(p->slots[i].counts);
    ein_score_corpora_destroy(p->corpora);
    void *owned[] = {p->thread, p->reader,    p->room,       p->taken,    p->item,
                     p->slots,  p->free_slot, p->ready_slot, p->under_way};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
    pthread_cond_destroy(&p->readable);
    pthread_cond_destroy(&p->ready);
    pthread_cond_destroy(&p->finished);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

ein_status ein_score_pipeline_put(ein_score_pipeline *p, int64_t number) {
    work fresh = {.used = true, .number = number, .part = ein_score_plan_part(p->o.plan, number)};
    int64_t n;
    ein_score_part_block(fresh.part, number, &fresh.first, &n);
    fresh.left = n;
    EIN_TRY(ein_score_block_new(n, p->o.models->values, &fresh.block));
    pthread_mutex_lock(&p->lock);
    int at = 0;
    for (int i = 0; i < p->most; i++)
        if (!p->under_way[i].used) at = i;
    EIN_BUG_IF(p->under_way[at].used);
    fresh.order = p->puts++;
    p->under_way[at] = fresh;
    pthread_cond_broadcast(&p->readable);
    pthread_mutex_unlock(&p->lock);
    return EIN_OK;
}

static work *finished(ein_score_pipeline *p) {
    for (int i = 0; i < p->most; i++)
        if (p->under_way[i].used && p->under_way[i].left == 0) return &p->under_way[i];
    return NULL;
}

ein_status ein_score_pipeline_take(ein_score_pipeline *p, double wait_s, int64_t *number,
                                   ein_score_block *out) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    const double at = (double)until.tv_nsec * 1e-9 + wait_s;
    until.tv_sec += (time_t)at;
    until.tv_nsec = (long)((at - (double)(time_t)at) * 1e9);
    *number = -1;
    pthread_mutex_lock(&p->lock);
    work *w;
    while ((w = finished(p)) == NULL && !p->stopped)
        if (pthread_cond_timedwait(&p->finished, &p->lock, &until) == ETIMEDOUT) break;
    if (w) {
        *number = w->number;
        *out = w->block;
        *w = (work){0};
    }
    const ein_status status = w ? EIN_OK : p->status;
    if (status != EIN_OK) ein_error(status, "%s", p->message);
    pthread_mutex_unlock(&p->lock);
    return status;
}

int ein_score_pipeline_most(const ein_score_pipeline *p) {
    return p->most;
}

void ein_score_pipeline_count(ein_score_pipeline *p, ein_score_pipeline_counts *out) {
    pthread_mutex_lock(&p->lock);
    *out = p->counts;
    pthread_mutex_unlock(&p->lock);
}
