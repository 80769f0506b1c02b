#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/init.h"
#include "io/model/model.h"
#include "jobs/train/pretrain.h"
#include "mpi/watchdog.h"

static ein_status start(void *self) {
    ein_pretrain *p = self;
    const char *from = ein_config_string(p->job->config, "model.from");
    ein_vit_init(p->param, p->plan.layout, EIN_SCHEME_PRETRAIN, p->plan.seed);
    if (!from) return EIN_OK;
    char missing[1024] = "";
    EIN_TRY(ein_model_load(from, p->plan.layout, p->param, 0, missing, sizeof missing));
    ein_run_log(p->run, "weights from %s%s%s", from, missing[0] ? "; drawn afresh: " : "", missing);
    return EIN_OK;
}

static ein_status open_data(void *self) {
    ein_pretrain *p = self;
    EIN_TRY(ein_pretrain_data_load(p));
    ein_run_log(p->run, "training records of rank 0 are %s",
                ein_feed_is_streaming(p->data.feed) ? "streamed from the corpus" : "kept in memory");
    if (!p->probe) return EIN_OK;
    ein_feed_pause(p->data.feed); /* the source hashes of the probe's records are read */
    const ein_status status =
        ein_probe_resume(p->probe, p->run, p->trainer.state.step, p->data.training_records);
    ein_feed_continue(p->data.feed);
    return status;
}

static ein_status step(void *self) {
    ein_pretrain *p = self;
    return ein_feed_step(p->data.feed, p->trainer.state.epoch, p->trainer.state.step_in_epoch);
}

static void compute_slot(void *self, int thread, int slot, const float *param, float *grad, double *loss,
                         ein_engine_stage done, void *context) {
    ein_pretrain *p = self;
    ein_pretrain_worker *w = &p->worker[thread];
    const double share = 1.0 / (double)p->plan.batch;
    ein_pretrain_data_fill(p, w, slot);
    ein_mae_weights(w->mae, ein_engine_packed(p->trainer.engine));
    ein_mae_forward(w->mae, w->record_loss, param, w->x, w->mask);
    double sum = 0;
    for (int b = 0; b < p->plan.per_slot; b++) sum += w->record_loss[b];
    *loss = sum * share;
    ein_watchdog_beat("exchanging gradients");
    ein_mae_backward(w->mae, grad, param, share, done, context);
}

static ein_status validate(void *self, double *value) {
    ein_pretrain *p = self;
    const ein_train_state *s = &p->trainer.state;
    EIN_TRY(ein_pretrain_validate(p, value));
    if (!ein_probe_is_due(p->probe, s->epoch, p->plan.epochs)) return EIN_OK;
    ein_feed_pause(p->data.feed);
    const ein_status status = ein_probe_run(p->probe, p->param, s->epoch, s->step);
    ein_feed_continue(p->data.feed);
    return status;
}

static ein_status write_model(void *self, const char *path) {
    const ein_pretrain *p = self;
    const ein_train_state *s = &p->trainer.state;
    char training[512], best[32] = "null";
    if (!isnan(s->best_value)) snprintf(best, sizeof best, "%.9g", s->best_value);
    snprintf(training, sizeof training,
             "{\"objective\": \"masked autoencoder\", \"updates\": %" PRId64 ", \"epochs\": %" PRId64
             ", \"records\": %" PRId64 ", \"best_validation_loss\": %s, \"best_update\": %" PRId64 "}",
             s->step, s->epoch, p->data.n_train, best, s->best_step);
    ein_model_info info = {.shape = p->plan.shape,
                           .parts = EIN_PART_PRETRAIN,
                           .config_yaml = p->identity,
                           .training = training,
                           .training_records = p->data.training_records,
                           .program = (char *)(uintptr_t)p->program};
    memcpy(info.contract_text, p->contract_text, sizeof info.contract_text);
    return ein_model_write(path, p->plan.layout, p->param, &info);
}

static ein_status finish(void *self) {
    ein_pretrain *p = self;
    char path[4096];
    ein_status status = EIN_OK;
    snprintf(path, sizeof path, "%s/model.safetensors", ein_run_folder(p->run));
    if (ein_comm_rank(p->job->comm) == 0) status = write_model(self, path);
    EIN_TRY(ein_comm_agree(p->job->comm, status));
    ein_run_log(p->run, "model written to %s", path);
    return EIN_OK;
}

static void name_records(void *self, int slot, char *out, size_t room) {
    ein_pretrain *p = self;
    const ein_train_state *s = &p->trainer.state;
    int64_t first, count, *order;
    size_t at = 0;
    out[0] = '\0';
    ein_share(p->data.n_train, slot, p->plan.engine.slots, &first, &count);
    if (EIN_NEW(order, count) != EIN_OK) return;
    if (ein_order_epoch(order, count, &p->plan.shuffle, p->plan.seed, s->epoch, slot) == EIN_OK)
        for (int b = 0; b < p->plan.per_slot && at + 2 < room; b++) {
            const int64_t record = p->data.train[first + order[s->step_in_epoch * p->plan.per_slot + b]];
            const int n = snprintf(out + at, room - at, "%s%s", b ? ", " : "",
                                   ein_corpus_record_id(p->data.corpus, record));
            if (n > 0) at += (size_t)n < room - at ? (size_t)n : room - at - 1;
        }
    free(order);
}

static void pause_feed(void *self, bool paused) {
    ein_pretrain *p = self;
    if (paused)
        ein_feed_pause(p->data.feed);
    else
        ein_feed_continue(p->data.feed);
}

static double starved_s(void *self) {
    ein_pretrain *p = self;
    return p->data.feed ? ein_feed_starved_s(p->data.feed) : 0;
}

static const ein_trainer_ops ops = {.start = start,
                                    .open = open_data,
                                    .step = step,
                                    .compute = compute_slot,
                                    .validate = validate,
                                    .write_model = write_model,
                                    .finish = finish,
                                    .name_records = name_records,
                                    .pause = pause_feed,
                                    .starved_s = starved_s};

ein_status ein_pretrain_train(ein_pretrain *p) {
    EIN_TRY(ein_comm_agree(p->job->comm, EIN_NEW(p->param, p->plan.layout->arena)));
    EIN_TRY(ein_comm_agree(p->job->comm, ein_pretrain_workers_new(p)));
    p->trainer = (ein_trainer){.ops = &ops,
                               .self = p,
                               .job = p->job,
                               .run = p->run,
                               .what = "pretrain",
                               .layout = p->plan.layout,
                               .param = p->param,
                               .engine_options = p->plan.engine,
                               .adamw = p->plan.adamw,
                               .schedule = p->plan.schedule,
                               .epochs = p->plan.epochs,
                               .batch = p->plan.batch,
                               .steps_per_epoch = p->plan.steps_per_epoch,
                               .total_steps = p->plan.total_steps,
                               .seed = p->plan.seed,
                               .value_name = "validation loss",
                               .identity = p->identity,
                               .contract_text = p->contract_text,
                               .program = p->program};
    return ein_trainer_run(&p->trainer);
}
