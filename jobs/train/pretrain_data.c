#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "io/model/model.h"
#include "jobs/options/seen_options.h"
#include "jobs/options/split_options.h"
#include "jobs/train/pretrain.h"
#include "mpi/gather.h"
#include "mpi/threads.h"
#include "mpi/watchdog.h"

/* Masks of validation records come from a key of their own, so that no epoch shares them. */
#define VALIDATION_KEY UINT64_C(0x76616c6964617465)

/* Without split.by: a fraction of the patients is held out for the validation loss, all others train. */
static ein_status split_as_held_out(ein_pretrain *p) {
    ein_pretrain_data *d = &p->data;
    const int64_t N = ein_corpus_records(d->corpus);
    const uint64_t *patient = ein_corpus_patients(d->corpus);
    const double held_out = ein_config_real(p->job->config, "data.validation_fraction");
    if (!ein_split_is_default(p->job->config))
        return ein_error(EIN_USAGE,
                         "split.* is given but not split.by: say split.by=hash, fold or kfold, so that "
                         "it takes effect");
    EIN_TRY(EIN_NEW(d->part, N));
    for (int64_t i = 0; i < N; i++)
        d->part[i] = ein_split_place(p->plan.seed, patient[i]) < held_out ? EIN_SPLIT_VALID : EIN_SPLIT_TRAIN;
    return EIN_OK;
}

ein_status ein_pretrain_data_split(ein_pretrain *p) {
    ein_pretrain_data *d = &p->data;
    const int64_t N = ein_corpus_records(d->corpus);
    if (ein_config_is_set(p->job->config, "split.by"))
        EIN_TRY(ein_split_from_config(p->job->config, d->corpus, &d->part));
    else
        EIN_TRY(split_as_held_out(p));
    EIN_TRY(EIN_NEW(d->train, N));
    EIN_TRY(EIN_NEW(d->valid, N));
    d->n_train = ein_split_list(d->part, N, EIN_SPLIT_TRAIN, d->train);
    d->n_valid = ein_split_list(d->part, N, EIN_SPLIT_VALID, d->valid);
    return EIN_OK;
}

/* The records that train this model, and those of the model that it starts from. */
static ein_status make_training_records(ein_pretrain *p) {
    const char *from = ein_config_string(p->job->config, "model.from");
    ein_seen seen = {0}, before = {0};
    ein_model_info info = {0};
    ein_status status =
        ein_seen_from_config(p->job->config, p->data.corpus, p->data.train, p->data.n_train, &seen);
    if (status == EIN_OK && from) status = ein_model_describe(from, NULL, &info);
    if (status == EIN_OK) status = ein_seen_decode_source(from, info.training_records, &before);
    if (status == EIN_OK) status = ein_seen_merge(&seen, &before);
    if (status == EIN_OK) status = ein_seen_encode(&seen, &p->data.training_records);
    ein_model_info_free(&info);
    ein_seen_free(&seen);
    ein_seen_free(&before);
    return status;
}

ein_status ein_pretrain_data_note(ein_pretrain *p) {
    const ein_status status = ein_comm_rank(p->job->comm) == 0 ? make_training_records(p) : EIN_OK;
    return ein_comm_share(p->job->comm, status);
}

ein_feed_options ein_pretrain_data_feed(const ein_pretrain *p) {
    const ein_pretrain_plan *plan = &p->plan;
    int64_t first, count;
    ein_share(plan->engine.slots, ein_comm_rank(p->job->comm), ein_comm_size(p->job->comm), &first, &count);
    return (ein_feed_options){.records = p->data.train,
                              .n_records = p->data.n_train,
                              .slots = plan->engine.slots,
                              .first_slot = (int)first,
                              .n_slots = (int)count,
                              .per_slot = plan->per_slot,
                              .steps_per_epoch = plan->steps_per_epoch,
                              .shuffle = plan->shuffle,
                              .seed = plan->seed,
                              .budget_bytes = ein_config_int(p->job->config, "data.memory_mib") << 20};
}

static ein_status load_validation(ein_pretrain *p) {
    ein_pretrain_data *d = &p->data;
    if (d->n_valid == 0) return EIN_OK;
    const int per = p->plan.per_slot;
    int64_t *index;
    d->all_batches = (d->n_valid + per - 1) / per;
    ein_share(d->all_batches, ein_comm_rank(p->job->comm), ein_comm_size(p->job->comm), &d->first_batch,
              &d->n_batches);
    EIN_TRY(EIN_NEW(d->valid_loss, d->all_batches * per));
    EIN_TRY(EIN_NEW(index, d->n_batches * per));
    for (int64_t i = 0; i < d->n_batches * per; i++)
        index[i] = d->valid[(d->first_batch * per + i) % d->n_valid];
    const ein_status status = ein_store_new(d->corpus, index, d->n_batches * per, &d->valid_store);
    free(index);
    return status;
}

ein_status ein_pretrain_data_load(ein_pretrain *p) {
    const ein_feed_options options = ein_pretrain_data_feed(p);
    ein_status status = load_validation(p);
    if (status == EIN_OK)
        status = ein_feed_new(p->data.corpus, &options, p->trainer.state.epoch,
                              p->trainer.state.step_in_epoch, &p->data.feed);
    return ein_comm_agree(p->job->comm, status);
}

void ein_pretrain_data_free(ein_pretrain_data *d) {
    ein_feed_destroy(d->feed);
    free(d->part);
    free(d->train);
    free(d->valid);
    free(d->training_records);
    free(d->valid_loss);
    ein_store_destroy(d->valid_store);
    ein_corpus_close(d->corpus);
}

void ein_pretrain_data_fill(const ein_pretrain *p, ein_pretrain_worker *w, int slot) {
    const int N = p->plan.patches;
    const int64_t values = (int64_t)p->plan.shape.leads * p->plan.shape.samples;
    for (int b = 0; b < p->plan.per_slot; b++) {
        const int64_t record = ein_feed_input(p->data.feed, slot, b, w->x + b * values);
        ein_mask_draw(w->mask + (int64_t)b * N, N, p->plan.seed, p->trainer.state.epoch, record);
    }
}

/* The same for validation batch `batch`; returns how many of the records are not repeats. */
static int fill_valid(const ein_pretrain *p, ein_pretrain_worker *w, int64_t batch) {
    const ein_pretrain_data *d = &p->data;
    const int per = p->plan.per_slot, N = p->plan.patches;
    const int64_t values = (int64_t)p->plan.shape.leads * p->plan.shape.samples;
    for (int b = 0; b < per; b++) {
        const int64_t record = d->valid[(batch * per + b) % d->n_valid];
        ein_store_input(d->valid_store, (batch - d->first_batch) * per + b, w->x + b * values);
        ein_mask_draw(w->mask + (int64_t)b * N, N, p->plan.seed ^ VALIDATION_KEY, 0, record);
    }
    const int64_t left = d->n_valid - batch * per;
    return left < per ? (int)left : per;
}

ein_status ein_pretrain_worker_new(const ein_pretrain_plan *plan, ein_pretrain_worker *w) {
    const int64_t values = (int64_t)plan->shape.leads * plan->shape.samples;
    EIN_TRY(ein_mae_new(plan->layout, plan->per_slot, plan->visible, &w->mae));
    EIN_TRY(EIN_NEW(w->x, plan->per_slot * values));
    EIN_TRY(EIN_NEW(w->mask, (int64_t)plan->per_slot * plan->patches));
    return EIN_NEW(w->record_loss, plan->per_slot);
}

void ein_pretrain_worker_free(ein_pretrain_worker *w) {
    ein_mae_destroy(w->mae);
    free(w->x);
    free(w->mask);
    free(w->record_loss);
}

static ein_status new_worker(void *self, int thread) {
    ein_pretrain *p = self;
    return ein_pretrain_worker_new(&p->plan, &p->worker[thread]);
}

ein_status ein_pretrain_workers_new(ein_pretrain *p) {
    EIN_TRY(EIN_NEW(p->worker, p->threads));
    return ein_error_context(ein_threads_each(p->threads, new_worker, p),
                             "the activations of %d threads; use fewer threads, or smaller slots",
                             p->threads);
}

void ein_pretrain_workers_free(ein_pretrain *p) {
    for (int t = 0; p->worker && t < p->threads; t++) ein_pretrain_worker_free(&p->worker[t]);
    free(p->worker);
    p->worker = NULL;
}

ein_status ein_pretrain_validate(ein_pretrain *p, double *loss) {
    ein_pretrain_data *d = &p->data;
    *loss = NAN;
    if (d->n_valid == 0) return EIN_OK;
    const ein_packed *packed = ein_engine_packed(p->trainer.engine);
#pragma omp parallel for num_threads(p->threads) schedule(dynamic)
    for (int64_t b = d->first_batch; b < d->first_batch + d->n_batches; b++) {
        ein_pretrain_worker *w = &p->worker[omp_get_thread_num()];
        const int fresh = fill_valid(p, w, b);
        ein_watchdog_beat("validating");
        ein_mae_weights(w->mae, packed);
        ein_mae_forward(w->mae, w->record_loss, p->param, w->x, w->mask);
        memcpy(d->valid_loss + b * p->plan.per_slot, w->record_loss, (size_t)fresh * sizeof *w->record_loss);
    }
    EIN_TRY(ein_gather_everywhere(p->job->comm, d->valid_loss, NULL, d->all_batches,
                                  p->plan.per_slot * (int64_t)sizeof *d->valid_loss,
                                  "gathering validation losses"));
    double sum = 0;
    for (int64_t i = 0; i < d->n_valid; i++) sum += d->valid_loss[i];
    *loss = sum / (double)d->n_valid;
    return EIN_OK;
}
