#include "io/corpus/feed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "io/corpus/store.h"
#include "mpi/comm.h"

enum { MAX_AHEAD = 64 /* steps */ };

/* One record that the I/O thread fetches: where it lies in the corpus, and its place in the ring. */
typedef struct {
    int64_t index, place;
} fetch;

struct ein_feed {
    ein_corpus *corpus;
    ein_feed_options o;
    int64_t values; /* per record */
    int64_t step;   /* current one, counted over epochs */

    /* In memory: the shards and the current epoch's order within each. */
    ein_store *store;
    int64_t store_first;
    int64_t **order; /* (n_slots) */
    int64_t order_epoch;

    /* Streaming: a ring of `ahead` steps. `ready` steps are filled, steps below `taken` may be overwritten. */
    int ahead;
    float mean, inverse_sd;
    int16_t *counts; /* (ahead, n_slots, per_slot, values) */
    float *scale;    /* (ahead, n_slots, per_slot) */
    int64_t *index;  /* (ahead, n_slots, per_slot) */
    fetch *fetches;
    int16_t *run_counts;
    float *run_scale;
    int64_t run_room; /* records */
    pthread_t thread;
    int thread_runs, quit;
    pthread_mutex_t lock, hdf5;
    pthread_cond_t changed;
    int64_t ready, taken;
    ein_kept_error error; /* of the I/O thread */
    double starved_s;
};

static void shard(const ein_feed_options *o, int slot, int64_t *first, int64_t *count) {
    ein_share(o->n_records, slot, o->slots, first, count);
}

static int64_t shards_records(const ein_feed_options *o) {
    int64_t first, count, last_first, last_count;
    shard(o, o->first_slot, &first, &count);
    shard(o, o->first_slot + o->n_slots - 1, &last_first, &last_count);
    return last_first + last_count - first;
}

static int64_t step_records(const ein_feed_options *o) {
    return (int64_t)o->n_slots * o->per_slot;
}

/* Steps that fit the budget, from two to MAX_AHEAD. */
static int steps_ahead(const ein_feed_options *o, int64_t record_bytes) {
    const int64_t fit = o->budget_bytes / (step_records(o) * record_bytes);
    return fit < 2 ? 2 : fit > MAX_AHEAD ? MAX_AHEAD : (int)fit;
}

int64_t ein_feed_bytes(const ein_feed_options *o, int64_t leads, int64_t samples, int *streaming) {
    const int64_t whole = ein_store_bytes(shards_records(o), leads, samples),
                  record = ein_store_bytes(1, leads, samples);
    *streaming = whole > o->budget_bytes;
    return *streaming ? steps_ahead(o, record) * step_records(o) * record : whole;
}

/* --- order ------------------------------------------------------------------------------------------------ */

static ein_status load_order(ein_feed *f, int64_t epoch) {
    if (f->order_epoch == epoch) return EIN_OK;
    for (int s = 0; s < f->o.n_slots; s++) {
        int64_t first, count;
        shard(&f->o, f->o.first_slot + s, &first, &count);
        EIN_TRY(ein_order_epoch(f->order[s], count, &f->o.shuffle, f->o.seed, epoch, f->o.first_slot + s));
    }
    f->order_epoch = epoch;
    return EIN_OK;
}

/* Place of a record in the list of training records; the order of the step's epoch must be loaded. */
static int64_t place_of(const ein_feed *f, int64_t step, int s, int b) {
    int64_t first, count;
    shard(&f->o, f->o.first_slot + s, &first, &count);
    return first + f->order[s][step % f->o.steps_per_epoch * f->o.per_slot + b];
}

/* --- the I/O thread --------------------------------------------------------------------------------------- */

static int by_index(const void *a, const void *b) {
    const fetch *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

/* Read the records of steps [first, end) in file order, neighbours together, into the ring. */
static ein_status fetch_steps(ein_feed *f, int64_t first, int64_t end) {
    const int64_t per_step = step_records(&f->o);
    int64_t n = 0;
    for (int64_t step = first; step < end; step++) {
        EIN_TRY(load_order(f, step / f->o.steps_per_epoch));
        for (int s = 0; s < f->o.n_slots; s++)
            for (int b = 0; b < f->o.per_slot; b++) {
                const int64_t place = step % f->ahead * per_step + (int64_t)s * f->o.per_slot + b;
                f->index[place] = f->o.records[place_of(f, step, s, b)];
                f->fetches[n++] = (fetch){f->index[place], place};
            }
    }
    qsort(f->fetches, (size_t)n, sizeof *f->fetches, by_index);
    for (int64_t i = 0, length; i < n; i += length) {
        for (length = 1; i + length < n && length < f->run_room; length++)
            if (f->fetches[i + length].index != f->fetches[i].index + length) break;
        pthread_mutex_lock(&f->hdf5);
        const ein_status status =
            ein_corpus_read(f->corpus, f->fetches[i].index, length, f->run_counts, f->run_scale);
        pthread_mutex_unlock(&f->hdf5);
        EIN_TRY(status);
        for (int64_t k = 0; k < length; k++) {
            const int64_t place = f->fetches[i + k].place;
            memcpy(f->counts + place * f->values, f->run_counts + k * f->values,
                   (size_t)f->values * sizeof *f->counts);
            f->scale[place] = f->run_scale[k];
        }
    }
    return EIN_OK;
}

static void *io_thread(void *context) {
    ein_feed *f = context;
    pthread_mutex_lock(&f->lock);
    while (!f->quit && f->error.status == EIN_OK) {
        /* Half of the ring at a time: long runs in the file, while the other half feeds the step. */
        const int64_t free_steps = f->taken + f->ahead - f->ready, wanted = (f->ahead + 1) / 2;
        if (free_steps < wanted) {
            pthread_cond_wait(&f->changed, &f->lock);
            continue;
        }
        const int64_t first = f->ready, end = first + wanted;
        pthread_mutex_unlock(&f->lock);
        const ein_status status = fetch_steps(f, first, end);
        pthread_mutex_lock(&f->lock);
        if (status == EIN_OK) f->ready = end;
        ein_error_keep(&f->error, status);
        pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------------------- */

static ein_status open_memory(ein_feed *f) {
    int64_t count;
    shard(&f->o, f->o.first_slot, &f->store_first, &count);
    return ein_store_new(f->corpus, f->o.records + f->store_first, shards_records(&f->o), &f->store);
}

static ein_status open_stream(ein_feed *f, int64_t record_bytes) {
    f->ahead = steps_ahead(&f->o, record_bytes);
    f->run_room = 64;
    const int64_t records = f->ahead * step_records(&f->o);
    EIN_TRY(EIN_NEW(f->counts, records * f->values));
    EIN_TRY(EIN_NEW(f->scale, records));
    EIN_TRY(EIN_NEW(f->index, records));
    EIN_TRY(EIN_NEW(f->fetches, records));
    EIN_TRY(EIN_NEW(f->run_counts, f->run_room * f->values));
    EIN_TRY(EIN_NEW(f->run_scale, f->run_room));
    f->ready = f->taken = f->step;
    if (pthread_create(&f->thread, NULL, io_thread, f) != 0)
        return ein_error(EIN_NOMEM, "cannot start the I/O thread");
    f->thread_runs = 1;
    return EIN_OK;
}

ein_status ein_feed_new(ein_corpus *corpus, const ein_feed_options *options, int64_t epoch, int64_t step,
                        ein_feed **out) {
    const ein_contract *contract = ein_corpus_contract(corpus);
    ein_feed *f;
    *out = NULL;
    EIN_TRY(EIN_NEW(f, 1));
    f->corpus = corpus;
    f->o = *options;
    f->values = contract->n_leads * contract->n_samples;
    f->step = epoch * options->steps_per_epoch + step;
    f->mean = (float)contract->mean_mv;
    f->inverse_sd = (float)(1.0 / contract->sd_mv);
    f->order_epoch = -1;
    pthread_mutex_init(&f->lock, NULL);
    pthread_mutex_init(&f->hdf5, NULL);
    pthread_cond_init(&f->changed, NULL);
    int streaming;
    ein_feed_bytes(options, contract->n_leads, contract->n_samples, &streaming);
    ein_status status = EIN_NEW(f->order, options->n_slots);
    for (int s = 0; status == EIN_OK && s < options->n_slots; s++) {
        int64_t first, count;
        shard(&f->o, options->first_slot + s, &first, &count);
        status = EIN_NEW(f->order[s], count);
    }
    if (status == EIN_OK)
        status = streaming ? open_stream(f, ein_store_bytes(1, contract->n_leads, contract->n_samples))
                           : open_memory(f);
    if (status != EIN_OK) {
        ein_feed_destroy(f);
        return status;
    }
    *out = f;
    return EIN_OK;
}

void ein_feed_destroy(ein_feed *f) {
    if (!f) return;
    if (f->thread_runs) {
        pthread_mutex_lock(&f->lock);
        f->quit = 1;
        pthread_cond_broadcast(&f->changed);
        pthread_mutex_unlock(&f->lock);
        pthread_join(f->thread, NULL);
    }
    pthread_mutex_destroy(&f->lock);
    pthread_mutex_destroy(&f->hdf5);
    pthread_cond_destroy(&f->changed);
    for (int s = 0; f->order && s < f->o.n_slots; s++) free(f->order[s]);
    free(f->order);
    ein_store_destroy(f->store);
    free(f->counts);
    free(f->scale);
    free(f->index);
    free(f->fetches);
    free(f->run_counts);
    free(f->run_scale);
    free(f);
}

ein_status ein_feed_step(ein_feed *f, int64_t epoch, int64_t step) {
    f->step = epoch * f->o.steps_per_epoch + step;
    if (f->store) return load_order(f, epoch);
    const double start = ein_clock_s();
    pthread_mutex_lock(&f->lock);
    f->taken = f->step;
    pthread_cond_broadcast(&f->changed);
    while (f->ready <= f->step && f->error.status == EIN_OK) pthread_cond_wait(&f->changed, &f->lock);
    const ein_status status = f->ready > f->step ? EIN_OK : ein_error_kept(&f->error);
    pthread_mutex_unlock(&f->lock);
    f->starved_s += ein_clock_s() - start;
    return status;
}

int64_t ein_feed_input(const ein_feed *f, int slot, int b, float *x) {
    const int s = slot - f->o.first_slot;
    if (f->store) {
        const int64_t place = place_of(f, f->step, s, b);
        ein_store_input(f->store, place - f->store_first, x);
        return f->o.records[place];
    }
    const int64_t place = f->step % f->ahead * step_records(&f->o) + (int64_t)s * f->o.per_slot + b;
    ein_counts_input(x, f->counts + place * f->values, f->scale[place], f->mean, f->inverse_sd, f->values);
    return f->index[place];
}

int ein_feed_is_streaming(const ein_feed *f) {
    return f->store == NULL;
}
double ein_feed_starved_s(const ein_feed *f) {
    return f->starved_s;
}
void ein_feed_pause(ein_feed *f) {
    pthread_mutex_lock(&f->hdf5);
}
void ein_feed_continue(ein_feed *f) {
    pthread_mutex_unlock(&f->hdf5);
}
