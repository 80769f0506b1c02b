#include "jobs/train/train_loop.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/nn/products.h"
#include "jobs/train/checkpoints.h"
#include "mpi/stop.h"
#include "mpi/watchdog.h"

/* What a rank may ask of all; the sums over ranks come back with every step. */
enum { FLAG_STOP, FLAG_CHECKPOINT, FLAG_STOP_FILE, FLAG_WALLTIME };

/* A run gives up after this many updates in a row that had to be skipped. */
enum { MAX_SKIPPED_IN_A_ROW = 10 };

enum { COLUMN_VALUE = 6, N_COLUMNS };

/* Where the time of this rank went, in seconds. */
typedef struct {
    double compute, imbalance, exposed, window, add, reduce, update, share, validation, checkpoint, starved;
} time_spent;

typedef struct {
    ein_trainer *p;
    ein_range *owned;
    int n_owned;
    double started, last_checkpoint, checkpoint_cost;
    int64_t first_step;
    int skipped_in_a_row;
    int64_t losses; /* seen by watch_loss in this life */
    double loss_mean, loss_variance;
    double *pending; /* metrics rows that a full disk keeps from being written, (n_pending, N_COLUMNS) */
    int64_t n_pending, pending_room;
    ein_kept_error
        carried; /* of this rank alone; the others hear of it with the next update, which all enter */
    time_spent time;
    ein_progress *progress;
} loop;

static int is_root(const ein_trainer *p) {
    return ein_comm_rank(p->job->comm) == 0;
}

/* --- metrics --------------------------------------------------------------------------------------------- */

/* Write what is pending, oldest first. Rank 0 has rows, others return EIN_OK. */
static ein_status flush_rows(loop *l) {
    int64_t done = 0;
    ein_status status = EIN_OK;
    while (done < l->n_pending && status == EIN_OK) {
        status = ein_run_metrics_row(l->p->run, l->pending + done * N_COLUMNS, N_COLUMNS);
        if (status == EIN_OK) done++;
    }
    l->n_pending -= done;
    if (done > 0 && l->n_pending > 0)
        memmove(l->pending, l->pending + done * N_COLUMNS,
                (size_t)l->n_pending * N_COLUMNS * sizeof *l->pending);
    return status;
}

/* Add a row. When the disk is full the row waits in memory, the run goes on, and no checkpoint is written before the
 * row is. Only a lack of memory is an error. Rank 0 keeps rows; not collective. */
static ein_status add_row(loop *l, const double row[N_COLUMNS]) {
    if (!is_root(l->p)) return EIN_OK;
    EIN_TRY(EIN_GROW(l->pending, l->pending_room, (l->n_pending + 1) * N_COLUMNS));
    const int was_behind = l->n_pending > 0;
    memcpy(l->pending + l->n_pending++ * N_COLUMNS, row, N_COLUMNS * sizeof *row);
    if (flush_rows(l) != EIN_OK && !was_behind)
        ein_run_warn(l->p->run, "METRICS NOT WRITTEN: %s; rows wait in memory, the run goes on",
                     ein_error_message());
    return EIN_OK;
}

/* --- checkpoints ----------------------------------------------------------------------------------------- */

static ein_checkpoint checkpoint_of(loop *l) {
    ein_trainer *p = l->p;
    return (ein_checkpoint){.layout = p->layout,
                            .param = p->param,
                            .m = ein_engine_m(p->engine),
                            .v = ein_engine_v(p->engine),
                            .owned = l->owned,
                            .n_owned = l->n_owned,
                            .state = &p->state,
                            .config_yaml = p->identity,
                            .contract_text = p->contract_text,
                            .blas = ein_products_text(),
                            .program = p->program};
}

/* Runs of the arena that this rank writes; with `allreduce` every rank has everything and rank 0 writes. */
static ein_status find_owned(loop *l) {
    ein_trainer *p = l->p;
    const ein_exchange *x = ein_engine_exchange(p->engine);
    EIN_TRY(EIN_NEW(l->owned, ein_exchange_slices(x)));
    if (p->engine_options.exchange == EIN_EXCHANGE_ALLREDUCE && !is_root(p)) return EIN_OK;
    for (int s = 0; s < ein_exchange_slices(x); s++) {
        const ein_slice *slice = ein_exchange_slice(x, s);
        l->owned[l->n_owned++] = (ein_range){slice->offset, slice->count};
    }
    return EIN_OK;
}

/* STATE tells of the checkpoint, so that its loss is noticed. The checkpoint is there whether that can be written or
 * not. */
static void note_checkpoint(ein_trainer *p) {
    ein_run_note_checkpoint(p->run, p->state.step);
    if (ein_run_set_state(p->run, EIN_STATE_RUNNING, p->state.step, "") != EIN_OK)
        ein_run_warn(p->run, "STATE NOT WRITTEN: %s", ein_error_message());
}

/* A checkpoint that cannot be written costs nothing but the checkpoint: the run goes on, loudly. */
static ein_status save(loop *l) {
    ein_trainer *p = l->p;
    const double start = ein_clock_s();
    ein_checkpoint c = checkpoint_of(l);
    ein_status status = ein_error_kept(&l->carried);
    if (status == EIN_OK) status = flush_rows(l);
    if (status == EIN_OK) status = ein_run_metrics_sync(p->run);
    status = ein_comm_agree(p->job->comm, status);
    const ein_file_mark mark = ein_run_metrics_mark(p->run);
    p->state.metrics_bytes = mark.bytes;
    memcpy(p->state.metrics_hash, mark.hash, sizeof p->state.metrics_hash);
    ein_watchdog_beat("writing a checkpoint");
    if (p->ops->pause) p->ops->pause(p->self, true);
    if (status == EIN_OK)
        status = ein_checkpoints_save(p->job->comm, p->run, &c,
                                      (int)ein_config_int(p->job->config, "run.keep_last"),
                                      ein_config_int(p->job->config, "run.keep_every"));
    if (p->ops->pause) p->ops->pause(p->self, false);
    ein_watchdog_beat("going on after a checkpoint");
    l->last_checkpoint = ein_clock_s();
    l->checkpoint_cost = l->last_checkpoint - start;
    l->time.checkpoint += l->checkpoint_cost;
    if (status == EIN_OK) {
        ein_run_log(p->run, "checkpoint of update %" PRId64 " written in %.2f s", p->state.step,
                    l->checkpoint_cost);
        note_checkpoint(p);
    } else
        ein_run_warn(p->run,
                     "CHECKPOINT OF UPDATE %" PRId64
                     " NOT WRITTEN: %s; older checkpoints are kept, the run goes on",
                     p->state.step, ein_error_message());
    return status;
}

/* --- start and resume ------------------------------------------------------------------------------------ */

static ein_status start_afresh(ein_trainer *p) {
    p->state = (ein_train_state){.seed = p->seed, .best_value = NAN};
    return p->ops->start(p->self);
}

/* "validation loss" as it is written in a table. */
static void column_name(const ein_trainer *p, char *out, size_t room) {
    snprintf(out, room, "%s", p->value_name);
    for (char *c = out; *c; c++)
        if (*c == ' ') *c = '_';
}

/* Weights and state to begin with. What is in the folder is of another attempt, and is kept. Collective. */
static ein_status begin(ein_trainer *p) {
    static const char *const left[] = {"metrics.csv",      "probe.csv",         "probe.sums", "ckpt/",
                                       "best.safetensors", "model.safetensors", NULL};
    EIN_TRY(ein_comm_share(p->job->comm, ein_run_set_aside(p->run, left)));
    /* A new engine's moments are zero, and untouched where this rank owns nothing: memory that is never taken. */
    return ein_comm_agree(p->job->comm, start_afresh(p));
}

/* A run that has come as far as a checkpoint does not begin anew because that is gone. */
static ein_status check_none(const ein_trainer *p, const char *mode) {
    const char *folder = ein_run_folder(p->run);
    const int64_t step = ein_run_previous_checkpoint(p->run);
    if (strcmp(mode, "must") == 0)
        return ein_error(EIN_NOTFOUND, "%s: --resume=must, but there is no valid checkpoint", folder);
    if (ein_run_previous_state(p->run) == EIN_STATE_DONE)
        return ein_error(
            EIN_EXISTS,
            "%s holds a finished run without its checkpoints; choose another folder, or remove it", folder);
    if (step == 0) return EIN_OK;
    return ein_error(
        EIN_NOTFOUND,
        "%s: STATE tells of a checkpoint of update %" PRId64
        ", but %s/ckpt holds none that can be used: it was purged or moved away, its file system is not "
        "there, or every one is damaged (see log.txt). Bring it back, or start afresh with --resume=none, "
        "which keeps what there is",
        folder, step, folder);
}

static ein_status open_metrics(ein_trainer *p, bool found) {
    char value_column[64];
    column_name(p, value_column, sizeof value_column);
    const char *const columns[N_COLUMNS] = {"step",      "epoch",   "lr",        "loss",
                                            "grad_norm", "applied", value_column};
    const bool aside = strcmp(ein_config_string(p->job->config, "run.metrics"), "aside") == 0;
    static const char *const damaged[] = {"metrics.csv", NULL};
    ein_file_mark mark = {.bytes = p->state.metrics_bytes};
    memcpy(mark.hash, p->state.metrics_hash, sizeof mark.hash);
    ein_status status = ein_run_metrics_open(p->run, columns, N_COLUMNS, found ? p->state.step : -1, &mark);
    if (status != EIN_CORRUPT || mark.bytes == 0) return status;
    if (!aside)
        return ein_error(
            status,
            "%s. The run would go on with a table that does not tell what happened: bring the file back, or "
            "give --set run.metrics=aside, which keeps it aside and begins a new one from here",
            ein_error_message());
    ein_run_warn(p->run, "%s; a new one begins after update %" PRId64, ein_error_message(), p->state.step);
    EIN_TRY(ein_run_set_aside(p->run, damaged));
    return ein_run_metrics_open(p->run, columns, N_COLUMNS, -1, NULL);
}

static ein_status resume(loop *l) {
    ein_trainer *p = l->p;
    const char *mode = ein_config_string(p->job->config, "run.resume");
    int found = 0;
    if (strcmp(mode, "none") != 0) {
        ein_checkpoint c = checkpoint_of(l);
        EIN_TRY(ein_checkpoints_load(p->job->comm, p->run, &c, p->identity, &found));
        if (!found) EIN_TRY(check_none(p, mode));
    } else if (ein_run_previous_state(p->run) == EIN_STATE_DONE) {
        return ein_error(EIN_EXISTS, "%s holds a finished run; choose another folder, or remove it",
                         ein_run_folder(p->run));
    }
    if (!found) EIN_TRY(begin(p));
    l->first_step = p->state.step;
    if (found) {
        ein_run_note_checkpoint(p->run, p->state.step);
        ein_run_log(p->run, "resumed from the checkpoint of update %" PRId64, p->state.step);
    }
    return ein_comm_share(p->job->comm, open_metrics(p, found));
}

/* --- health ---------------------------------------------------------------------------------------------- */

static ein_status note_skipped(loop *l, const ein_step_result *r) {
    ein_trainer *p = l->p;
    const double *loss = ein_engine_slot_losses(p->engine);
    char ids[512] = "";
    int culprit = -1;
    for (int s = 0; s < p->engine_options.slots && culprit < 0; s++)
        if (!isfinite(loss[s])) culprit = s;
    if (culprit >= 0) p->ops->name_records(p->self, culprit, ids, sizeof ids);
    p->state.skipped_steps++;
    l->skipped_in_a_row++;
    ein_run_warn(p->run, "update %" PRId64 " skipped on all ranks: loss %g, gradient norm %g%s%s",
                 p->state.step, r->loss, r->grad_norm,
                 culprit >= 0 ? "; records of the first bad slot: " : "", ids);
    if (l->skipped_in_a_row < MAX_SKIPPED_IN_A_ROW) return EIN_OK;
    return ein_error(EIN_NUMERIC,
                     "%d updates in a row had a loss or gradient that is not finite; the last had loss %g "
                     "and norm %g%s%s; "
                     "lower train.lr, or look at these records",
                     l->skipped_in_a_row, r->loss, r->grad_norm, culprit >= 0 ? ", records " : "", ids);
}

/* --- the loop -------------------------------------------------------------------------------------------- */

static void ask(loop *l, int64_t flags[EIN_ENGINE_FLAGS]) {
    const ein_config *c = l->p->job->config;
    const double now = ein_clock_s(), minutes = ein_config_real(c, "run.checkpoint_minutes");
    memset(flags, 0, EIN_ENGINE_FLAGS * sizeof *flags);
    flags[FLAG_STOP] = ein_stop_signals(NULL) > 0;
    if (!is_root(l->p)) return;
    const char *folder = ein_run_folder(l->p->run);
    const char *above = l->p->stop_folder;
    flags[FLAG_STOP_FILE] = ein_stop_file(folder, "STOP") || (above && ein_stop_file(above, "STOP"));
    flags[FLAG_CHECKPOINT] =
        ein_stop_file(folder, "CHECKPOINT") || (minutes > 0 && now - l->last_checkpoint > 60 * minutes);
    const double limit = 60 * ein_config_real(c, "run.max_walltime_minutes");
    const double since = l->p->started_s > 0 ? l->p->started_s : l->started;
    /* Twice the measured cost of a checkpoint and two updates are held back for the way out. */
    const double steps = (double)(l->p->state.step - l->first_step);
    const double step_s = steps > 0 ? (now - l->started) / steps : 0;
    flags[FLAG_WALLTIME] = limit > 0 && now - since > limit - 2 * l->checkpoint_cost - 2 * step_s;
}

static void spend(time_spent *t, const ein_step_result *r) {
    t->compute += r->compute_s;
    t->imbalance += r->imbalance_s;
    t->exposed += r->exchange.exposed_s;
    t->window += r->exchange.window_s;
    t->add += r->exchange.add_s;
    t->share += r->exchange.share_s;
    t->reduce += r->reduce_s;
    t->update += r->update_s;
}

/* Keep the model as it is now as the best one. Collective. */
static ein_status keep_best(loop *l) {
    ein_trainer *p = l->p;
    char path[4096];
    ein_status status = EIN_OK;
    if (is_root(p)) {
        snprintf(path, sizeof path, "%s/best.safetensors", ein_run_folder(p->run));
        status = p->ops->write_model(p->self, path);
    }
    return ein_comm_agree(p->job->comm, status);
}

/* The state names the model that best.safetensors holds, so a model that cannot be written is none: the one before
 * stays the best, and the next that is better than that is tried again. Collective. */
static void note_best(loop *l, double value) {
    ein_trainer *p = l->p;
    const double value_before = p->state.best_value;
    const int64_t step_before = p->state.best_step;
    p->state.best_value = value;
    p->state.best_step = p->state.step;
    if (keep_best(l) == EIN_OK) return;
    p->state.best_value = value_before;
    p->state.best_step = step_before;
    ein_run_warn(p->run, "THE BEST MODEL WAS NOT WRITTEN: %s; the one before stays the best, the run goes on",
                 ein_error_message());
}

static int is_better(const ein_trainer *p, double value) {
    if (isnan(p->state.best_value)) return 1;
    return p->larger_is_better ? value > p->state.best_value : value < p->state.best_value;
}

/* Whether validation has brought nothing better for as many epochs as the run has patience for. */
static int is_out_of_patience(const ein_trainer *p) {
    const ein_train_state *s = &p->state;
    return p->patience > 0 && s->validated_epochs > 0 && s->step_in_epoch == 0 &&
           s->validated_epochs == s->epoch && s->epoch - s->best_step / p->steps_per_epoch >= p->patience;
}

static int is_complete(const ein_trainer *p) {
    return p->state.step == p->total_steps || is_out_of_patience(p);
}

/* Validate if the epoch just done has no validation loss yet: a row of its own in the metrics, and the best model
 * kept. A run that was stopped in haste finds its validation pending here when it goes on. Collective. */
static ein_status validate_if_due(loop *l) {
    ein_trainer *p = l->p;
    ein_train_state *s = &p->state;
    double row[N_COLUMNS] = {(double)s->step, (double)s->epoch, NAN, NAN, NAN, NAN, NAN};
    if (s->step_in_epoch != 0 || s->validated_epochs >= s->epoch) return EIN_OK;
    const double start = ein_clock_s();
    ein_watchdog_beat("validating");
    EIN_TRY(p->ops->validate(p->self, &row[COLUMN_VALUE]));
    ein_watchdog_beat("going on after a validation");
    s->validated_epochs = s->epoch;
    if (isnan(row[COLUMN_VALUE])) return EIN_OK;
    EIN_TRY(ein_comm_agree(p->job->comm, add_row(l, row)));
    const int best = is_better(p, row[COLUMN_VALUE]);
    ein_run_log(p->run, "epoch %" PRId64 " of %" PRId64 ": %s %.6f%s", s->epoch, p->epochs, p->value_name,
                row[COLUMN_VALUE], best ? ", the best so far" : "");
    if (best) note_best(l, row[COLUMN_VALUE]);
    l->time.validation += ein_clock_s() - start;
    return EIN_OK;
}

/* Take note of a loss far above the running mean: not an error, but worth a look at these records. All updates of a run
 * have the same number of records (to one), so one spread fits all. */
static void watch_loss(loop *l, double loss) {
    enum { SETTLED = 50 };
    const double deviation = loss - l->loss_mean;
    if (l->losses >= SETTLED && !(deviation <= 6 * sqrt(l->loss_variance))) {
        const double *slot_loss = ein_engine_slot_losses(l->p->engine);
        char ids[512] = "";
        int worst = 0;
        for (int s = 1; s < l->p->engine_options.slots; s++)
            if (slot_loss[s] > slot_loss[worst]) worst = s;
        l->p->ops->name_records(l->p->self, worst, ids, sizeof ids);
        ein_run_warn(l->p->run,
                     "loss spike at update %" PRId64
                     ": %.4f where %.4f is usual; records of the worst slot: %s",
                     l->p->state.step + 1, loss, l->loss_mean, ids);
    }
    /* Exponential mean and variance over about fifty updates. */
    const double weight = l->losses < SETTLED ? 1.0 / (double)(l->losses + 1) : 1.0 / SETTLED;
    l->loss_mean += weight * deviation;
    l->loss_variance = (1 - weight) * (l->loss_variance + weight * deviation * deviation);
    l->losses++;
}

static ein_status advance(loop *l, const ein_step_result *r, double lr) {
    ein_trainer *p = l->p;
    ein_train_state *s = &p->state;
    ein_status skipped = EIN_OK;
    const double row[N_COLUMNS] = {(double)s->step + 1, (double)s->epoch, lr, r->loss,
                                   r->grad_norm,        r->applied,       NAN};
    if (r->applied) {
        l->skipped_in_a_row = 0;
        watch_loss(l, r->loss);
    } else {
        skipped = note_skipped(l, r);
    }
    s->step++;
    s->step_in_epoch++;
    if (s->step_in_epoch == p->steps_per_epoch) {
        s->step_in_epoch = 0;
        s->epoch++;
    }
    ein_error_keep(&l->carried, add_row(l, row));
    return skipped;
}

/* Whether anybody has sent a second signal: then a pending validation is left to the next life. Collective. */
static ein_status in_haste(loop *l, int *haste) {
    int64_t signals = ein_stop_signals(NULL);
    const ein_status status = ein_comm_max_i64(l->p->job->comm, &signals, 1);
    *haste = signals > 1;
    return status;
}

static const char *stop_reason(const ein_step_result *r) {
    int number = 0;
    if (r->flags[FLAG_STOP])
        return ein_stop_signals(&number) ? ein_stop_signal_name(number) : "signal on another rank";
    if (r->flags[FLAG_STOP_FILE]) return "STOP file";
    return "time limit";
}

/* Run updates until done or asked to stop; *reason is NULL when done. */
static ein_status run_updates(loop *l, const char **reason) {
    ein_trainer *p = l->p;
    const int64_t every = ein_config_int(p->job->config, "run.checkpoint_steps");
    const int64_t limit = ein_config_int(p->job->config, "run.max_steps");
    char detail[96];
    *reason = NULL;
    EIN_TRY(validate_if_due(l));
    while (!is_complete(p)) {
        if (limit > 0 && p->state.step >= limit) {
            *reason = "run.max_steps reached";
            p->at_max_steps = true;
            return EIN_OK;
        }
        ein_adamw adamw = p->adamw;
        int64_t flags[EIN_ENGINE_FLAGS];
        ein_step_result r;
        adamw.lr = ein_schedule_lr(&p->schedule, p->state.step);
        ein_error_keep(&l->carried, p->ops->step(p->self));
        ask(l, flags);
        EIN_TRY(ein_engine_step(p->engine, ein_error_kept(&l->carried), &adamw,
                                p->state.step - p->state.skipped_steps + 1, flags, &r));
        spend(&l->time, &r);
        EIN_TRY(advance(l, &r, adamw.lr));
        snprintf(detail, sizeof detail, "epoch %" PRId64 ", loss %.4f, lr %.2e", p->state.epoch, r.loss,
                 adamw.lr);
        ein_progress_update(l->progress, p->state.step * p->batch, detail);
        const int stop = r.flags[FLAG_STOP] || r.flags[FLAG_STOP_FILE] || r.flags[FLAG_WALLTIME];
        int haste = 0;
        if (stop) EIN_TRY(in_haste(l, &haste));
        if (!haste) EIN_TRY(validate_if_due(l));
        if (stop) {
            *reason = stop_reason(&r);
            return EIN_OK;
        }
        const bool due = r.flags[FLAG_CHECKPOINT] || (every > 0 && p->state.step % every == 0);
        if (!is_complete(p) && due && save(l) == EIN_COMM) return EIN_COMM;
    }
    return EIN_OK;
}

/* Where the time went on the fastest, the median and the slowest rank. Collective. */
static ein_status log_time(loop *l) {
    ein_trainer *p = l->p;
    const double total = ein_clock_s() - l->started;
    const int64_t steps = p->state.step - l->first_step;
    l->time.starved = p->ops->starved_s ? p->ops->starved_s(p->self) : 0;
    enum { KINDS = sizeof(time_spent) / sizeof(double) };
    static const char *const names[KINDS] = {"compute",
                                             "of it threads waiting",
                                             "waiting for gradients",
                                             "gradients on the wire",
                                             "adding gradients",
                                             "reduction",
                                             "AdamW",
                                             "parameters",
                                             "validation",
                                             "checkpoints",
                                             "waiting for data"};
    const int size = ein_comm_size(p->job->comm);
    double *all;
    EIN_TRY(ein_comm_agree(p->job->comm, EIN_NEW(all, (int64_t)size * KINDS)));
    ein_status status = ein_comm_check(
        MPI_Gather(&l->time, KINDS, MPI_DOUBLE, all, KINDS, MPI_DOUBLE, 0, ein_comm_mpi(p->job->comm)),
        "gathering times");
    if (status == EIN_OK && is_root(p)) {
        ein_run_log(p->run, "%" PRId64 " updates in %.1f s: %.1f records/s", steps, total,
                    (double)(steps * p->batch) / total);
        for (int k = 0; k < KINDS; k++) {
            double sum = 0;
            int slowest = 0;
            for (int r = 0; r < size; r++) {
                sum += all[r * KINDS + k];
                if (all[r * KINDS + k] > all[slowest * KINDS + k]) slowest = r;
            }
            ein_run_log(p->run, "  %-22s mean %8.2f s, most %8.2f s on rank %d", names[k], sum / size,
                        all[slowest * KINDS + k], slowest);
        }
        if (l->time.window > 0)
            ein_run_log(p->run, "  hidden behind compute  %.0f %% of the gradient exchange on rank 0",
                        100 * (1 - l->time.exposed / l->time.window));
    }
    free(all);
    return status;
}

/* A best value close to the end of the run means that a longer one, or a higher rate, would have found a better one. */
static void note_cap(const loop *l) {
    const ein_trainer *p = l->p;
    const int64_t best = p->steps_per_epoch > 0 ? p->state.best_step / p->steps_per_epoch : 0;
    if (isnan(p->state.best_value) || p->state.step < p->total_steps || 5 * best < 4 * p->epochs) return;
    ein_run_log(p->run,
                "the best %s is of epoch %" PRId64 " of at most %" PRId64
                ": it was still getting better near the end; a larger train.epochs or train.lr may find more",
                p->value_name, best, p->epochs);
}

/* What ends without its last checkpoint has failed: the log must not say otherwise. The message is the checkpoint's. */
static ein_status finish_unsaved(loop *l, const ein_kept_error *saved, bool complete) {
    ein_trainer *p = l->p;
    ein_run_log(
        p->run,
        "NOT %s: after update %" PRId64 " of %" PRId64
        " the last checkpoint could not be written; once that works, the same command goes on from the newest "
        "one%s",
        complete ? "done" : "stopped in order", p->state.step, p->total_steps,
        complete ? " (the model is written)" : "");
    return ein_error_kept(saved);
}

static ein_status finish(loop *l, const char *reason) {
    ein_trainer *p = l->p;
    char why[128] = "all epochs done";
    ein_kept_error saved = {.status = EIN_OK};
    ein_error_keep(&saved, save(l));
    EIN_TRY(log_time(l));
    p->stopped = reason != NULL;
    if (!reason) EIN_TRY(p->ops->finish(p->self));
    if (saved.status != EIN_OK) return finish_unsaved(l, &saved, !reason);
    if (p->state.step < p->total_steps && !reason)
        snprintf(why, sizeof why, "no better %s for %" PRId64 " epochs", p->value_name, p->patience);
    const ein_run_state state = reason ? EIN_STATE_STOPPED : EIN_STATE_DONE;
    EIN_TRY(
        ein_comm_share(p->job->comm, ein_run_set_state(p->run, state, p->state.step, reason ? reason : why)));
    if (!reason) note_cap(l);
    if (reason)
        ein_run_log(p->run,
                    "stopped after update %" PRId64 " of %" PRId64 ": %s; the same command goes on from here",
                    p->state.step, p->total_steps, reason);
    else
        ein_run_log(p->run, "done: %" PRId64 " updates; %s", p->state.step, why);
    return EIN_OK;
}

/* The engine, then the state to begin from. Collective. */
static ein_status set_up(loop *l) {
    ein_trainer *p = l->p;
    p->engine_options.compute = p->ops->compute;
    p->engine_options.job = p->self;
    EIN_TRY(ein_engine_new(p->job->comm, p->layout, &p->engine_options, p->param, &p->engine));
    EIN_TRY(ein_comm_agree(p->job->comm, find_owned(l)));
    return resume(l);
}

static ein_status train(loop *l) {
    ein_trainer *p = l->p;
    const ein_config *c = p->job->config;
    const char *reason = NULL;
    EIN_TRY(p->ops->open(p->self));
    EIN_TRY(ein_comm_agree(p->job->comm, ein_stop_install()));
    EIN_TRY(ein_comm_agree(p->job->comm,
                           ein_watchdog_start(p->job->comm, ein_config_real(c, "run.peer_timeout_s"))));
    l->last_checkpoint = ein_clock_s();
    l->progress = ein_progress_new(p->run, p->what, "records", p->total_steps * p->batch,
                                   ein_config_real(c, "run.log_seconds"));
    ein_progress_update(l->progress, p->state.step * p->batch, "");
    ein_status status = run_updates(l, &reason);
    ein_progress_finish(l->progress);
    if (status == EIN_OK) status = ein_comm_agree(p->job->comm, ein_error_kept(&l->carried));
    if (status == EIN_OK) status = finish(l, reason);
    ein_watchdog_stop();
    return status;
}

/* Keep the message of a failure while STATE is written. A lost peer is no failure of the run: STATE stays "running",
 * as after a kill, and whoever reads it starts the run again. */
static ein_status fail(loop *l, ein_status status) {
    ein_kept_error error = {.status = EIN_OK};
    ein_error_keep(&error, status);
    if (status != EIN_COMM)
        (void)ein_run_set_state(l->p->run, EIN_STATE_FAILED, l->p->state.step, error.message);
    return ein_error_kept(&error);
}

ein_status ein_trainer_run(ein_trainer *p) {
    loop l = {.p = p, .started = ein_clock_s()};
    /* Until here and through set_up nothing of the folder's run is touched: a wrong command leaves a finished run
     * done. */
    ein_status status = set_up(&l);
    if (status == EIN_OK && is_complete(p) && ein_run_previous_state(p->run) == EIN_STATE_DONE) {
        ein_run_log(p->run, "already done: %" PRId64 " updates; nothing to do", p->state.step);
    } else if (status == EIN_OK) {
        status =
            ein_comm_share(p->job->comm, ein_run_set_state(p->run, EIN_STATE_RUNNING, p->state.step, ""));
        if (status == EIN_OK) status = train(&l);
        if (status != EIN_OK) status = fail(&l, status);
    }
    ein_engine_destroy(p->engine);
    p->engine = NULL;
    free(l.owned);
    free(l.pending);
    return status;
}
