#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/train/finetune.h"
#include "mpi/gather.h"
#include "mpi/slots.h"
#include "mpi/watchdog.h"

static int n_targets(const ein_finetune_cell *c) {
    return c->meaning->n_targets;
}

/* Whether the prefix is the record itself, so that keeping it would only double the store. */
static bool prefix_is_input(const ein_finetune_cell *c) {
    return c->trained->tensors[0].stage == 0 && c->trained->n_tensors == c->full->n_tensors;
}

/* A record takes part if one of the cell's tasks is defined for it and knows something of it. */
static bool takes_part(const ein_finetune_cell *c, int64_t record) {
    for (int t = 0; t < n_targets(c); t++)
        if (!isnan(c->data.targets.value[record * n_targets(c) + t])) return true;
    return false;
}

ein_status ein_finetune_data_split(ein_finetune_cell *c) {
    ein_finetune_data *d = &c->data;
    const int64_t N = ein_corpus_records(c->all->corpus);
    EIN_TRY(EIN_NEW(d->train, N));
    EIN_TRY(EIN_NEW(d->valid, N));
    for (int64_t i = 0; i < N; i++) {
        if (!takes_part(c, i)) continue;
        if (c->all->part[i] == EIN_SPLIT_TRAIN) d->train[d->n_train++] = i;
        if (c->all->part[i] == EIN_SPLIT_VALID) d->valid[d->n_valid++] = i;
    }
    if (d->n_train == 0 || d->n_valid == 0)
        return ein_error(
            EIN_USAGE,
            "%lld records for training and %lld for validation have a label of %s; both are needed",
            (long long)d->n_train, (long long)d->n_valid, c->name);
    return EIN_OK;
}

/* The shard of a slot, in places of `train`. */
static void shard_of(const ein_finetune_cell *c, int slot, int64_t *first, int64_t *count) {
    ein_share(c->data.n_train, slot, c->engine.slots, first, count);
}

static void find_own(ein_finetune_cell *c) {
    ein_finetune_data *d = &c->data;
    ein_comm *comm = c->all->job->comm;
    int64_t slot, slots, first, count;
    ein_share(c->engine.slots, ein_comm_rank(comm), ein_comm_size(comm), &slot, &slots);
    shard_of(c, (int)slot, &d->first_train, &count);
    shard_of(c, (int)(slot + slots - 1), &first, &count);
    d->own_train = first + count - d->first_train;
    ein_share(d->n_valid, ein_comm_rank(comm), ein_comm_size(comm), &d->first_valid, &d->own_valid);
}

int64_t ein_finetune_data_bytes(const ein_finetune_cell *c, bool *kept) {
    ein_finetune_cell own = *c;
    find_own(&own);
    const int64_t records = own.data.own_train + own.data.own_valid;
    const int64_t prefixes = records * c->data.prefix_values * (int64_t)sizeof(float);
    const int64_t budget = ein_config_int(c->all->job->config, "data.memory_mib") << 20;
    const int64_t stores = ein_store_bytes(records, c->shape.leads, c->shape.samples);
    *kept = ein_config_bool(c->all->job->config, "finetune.keep") && !prefix_is_input(c) &&
            stores + prefixes <= budget;
    return stores + (*kept ? prefixes : 0);
}

/* Prefixes of all records of a store, one record per call. */
static ein_status keep_prefixes(ein_finetune_cell *c, const ein_store *store, int64_t count, float **out) {
    const int64_t values = c->data.prefix_values;
    EIN_TRY(EIN_NEW(*out, count * values));
    float *prefix = *out;
#pragma omp parallel for num_threads(c->all->threads) schedule(dynamic)
    for (int64_t i = 0; i < count; i++) {
        ein_finetune_worker *w = &c->worker[omp_get_thread_num()];
        ein_store_input(store, i, w->x);
        ein_watchdog_beat("computing what frozen blocks make of the records");
        ein_classify_weights(w->one, c->frozen_packed, NULL);
        ein_classify_prefix(w->one, prefix + i * values, c->frozen, w->x);
    }
    return EIN_OK;
}

static ein_status load(ein_finetune_cell *c) {
    ein_finetune_data *d = &c->data;
    bool kept;
    find_own(c);
    const int64_t budget = ein_config_int(c->all->job->config, "data.memory_mib") << 20;
    const int64_t bytes = ein_finetune_data_bytes(c, &kept);
    if (bytes > budget)
        return ein_error(
            EIN_NOMEM,
            "the records of this rank take %lld MiB, data.memory_mib allows %lld; use more ranks, or raise it",
            (long long)(bytes >> 20) + 1, (long long)(budget >> 20));
    EIN_TRY(EIN_NEW(d->order, d->own_train));
    d->ordered_epoch = -1;
    EIN_TRY(EIN_NEW(d->valid_score, d->n_valid * n_targets(c)));
    EIN_TRY(ein_store_new(c->all->corpus, d->train + d->first_train, d->own_train, &d->train_store));
    EIN_TRY(ein_store_new(c->all->corpus, d->valid + d->first_valid, d->own_valid, &d->valid_store));
    ein_store_normalise(d->train_store, c->contract.mean_mv, c->contract.sd_mv);
    ein_store_normalise(d->valid_store, c->contract.mean_mv, c->contract.sd_mv);
    if (!kept) return EIN_OK;
    EIN_TRY(keep_prefixes(c, d->train_store, d->own_train, &d->train_prefix));
    return keep_prefixes(c, d->valid_store, d->own_valid, &d->valid_prefix);
}

ein_status ein_finetune_data_load(ein_finetune_cell *c) {
    return ein_comm_agree(c->all->job->comm, load(c));
}

void ein_finetune_data_free(ein_finetune_cell *c) {
    ein_finetune_data *d = &c->data;
    ein_store_destroy(d->train_store);
    ein_store_destroy(d->valid_store);
    free(d->train_prefix);
    free(d->valid_prefix);
    free(d->train);
    free(d->valid);
    ein_targets_free(&d->targets);
    free(d->order);
    free(d->valid_score);
}

/* --- one update ------------------------------------------------------------------------------------------ */

ein_status ein_finetune_data_step(ein_finetune_cell *c) {
    ein_finetune_data *d = &c->data;
    const int64_t epoch = c->trainer.state.epoch;
    int64_t slot, slots;
    if (d->ordered_epoch == epoch) return EIN_OK;
    ein_share(c->engine.slots, ein_comm_rank(c->all->job->comm), ein_comm_size(c->all->job->comm), &slot,
              &slots);
    for (int s = (int)slot; s < slot + slots; s++) {
        int64_t first, count;
        shard_of(c, s, &first, &count);
        EIN_TRY(ein_order_epoch(d->order + (first - d->first_train), count, &c->shuffle, c->seed, epoch, s));
    }
    d->ordered_epoch = epoch;
    return EIN_OK;
}

int64_t ein_finetune_data_place(const ein_finetune_cell *c, int slot, int64_t step) {
    return ein_slots_cut(c->data.n_train, c->engine.slots, c->trainer.steps_per_epoch, step, slot);
}

static int slot_records(const ein_finetune_cell *c, int slot) {
    const int64_t step = c->trainer.state.step_in_epoch;
    return (int)(ein_finetune_data_place(c, slot, step + 1) - ein_finetune_data_place(c, slot, step));
}

int64_t ein_finetune_data_step_records(const ein_finetune_cell *c) {
    int64_t n = 0;
    for (int s = 0; s < c->engine.slots; s++) n += slot_records(c, s);
    return n;
}

int64_t ein_finetune_data_record(const ein_finetune_cell *c, int slot, int64_t place) {
    int64_t first, count;
    shard_of(c, slot, &first, &count);
    return c->data.train[first + c->data.order[first - c->data.first_train + place]];
}

static void fill_prefix(ein_finetune_cell *c, ein_finetune_worker *w, float *out, const ein_store *store,
                        const float *kept, int64_t place) {
    const int64_t values = c->data.prefix_values;
    if (kept) {
        memcpy(out, kept + place * values, (size_t)values * sizeof *out);
    } else if (prefix_is_input(c)) {
        ein_store_input(store, place, out);
    } else {
        ein_store_input(store, place, w->x);
        ein_classify_weights(w->one, c->frozen_packed, NULL);
        ein_classify_prefix(w->one, out, c->frozen, w->x);
    }
}

int ein_finetune_data_fill(ein_finetune_cell *c, ein_finetune_worker *w, int slot) {
    ein_finetune_data *d = &c->data;
    const int T = n_targets(c), n = slot_records(c, slot);
    int64_t first, count;
    const int64_t begin = ein_finetune_data_place(c, slot, c->trainer.state.step_in_epoch);
    shard_of(c, slot, &first, &count);
    for (int b = 0; b < n; b++) {
        const int64_t place = begin + b;
        const int64_t own = first - d->first_train + d->order[first - d->first_train + place];
        fill_prefix(c, w, w->prefix + b * d->prefix_values, d->train_store, d->train_prefix, own);
        memcpy(w->target + (int64_t)b * T, d->targets.value + d->train[d->first_train + own] * T,
               (size_t)T * sizeof *w->target);
    }
    /* Shapes of a slot never change, so it is filled up; padding has no gradient. */
    for (int b = n; b < c->per_slot && n > 0; b++)
        memcpy(w->prefix + b * d->prefix_values, w->prefix, (size_t)d->prefix_values * sizeof *w->prefix);
    return n;
}

/* --- validation ------------------------------------------------------------------------------------------ */

ein_status ein_finetune_data_validate(ein_finetune_cell *c) {
    ein_finetune_data *d = &c->data;
    const int T = n_targets(c);
    const ein_packed *packed = ein_engine_packed(c->trainer.engine);
#pragma omp parallel for num_threads(c->all->threads) schedule(dynamic)
    for (int64_t i = 0; i < d->own_valid; i++) {
        ein_finetune_worker *w = &c->worker[omp_get_thread_num()];
        fill_prefix(c, w, w->prefix, d->valid_store, d->valid_prefix, i);
        ein_watchdog_beat("validating");
        ein_classify_weights(w->one, c->frozen_packed, packed);
        ein_classify_forward(w->one, w->logits, c->frozen, c->param, w->prefix);
        head_score(d->valid_score + (d->first_valid + i) * T, w->logits, c->meaning->head,
                   c->meaning->n_tasks, 1, T, c->shape.classes);
    }
    return ein_gather_everywhere(c->all->job->comm, d->valid_score, NULL, d->n_valid,
                                 T * (int64_t)sizeof *d->valid_score, "gathering validation scores");
}
