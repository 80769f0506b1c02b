#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/init.h"
#include "core/nn/products.h"
#include "core/stats/roc.h"
#include "io/base/durable.h"
#include "io/base/hash.h"
#include "jobs/options/encoder.h"
#include "jobs/options/model_options.h"
#include "jobs/options/task_library.h"
#include "jobs/train/finetune.h"
#include "jobs/train/identity.h"
#include "mpi/threads.h"
#include "mpi/watchdog.h"

/* --- the loop's calls ------------------------------------------------------------------------------------ */

static ein_status start(void *self) {
    ein_finetune_cell *c = self;
    ein_layout_copy(c->param, c->trained, c->frozen, c->full);
    return EIN_OK;
}

static ein_status open_data(void *self) {
    ein_finetune_cell *c = self;
    EIN_TRY(ein_finetune_data_load(c));
    ein_run_log(c->run, "%" PRId64 " records on rank 0; what frozen blocks make of them is %s",
                c->data.own_train + c->data.own_valid,
                c->data.train_prefix ? "kept in memory" : "computed each time");
    return EIN_OK;
}

static ein_status step(void *self) {
    return ein_finetune_data_step(self);
}

static void compute_slot(void *self, int thread, int slot, const float *param, float *grad, double *loss,
                         ein_engine_stage done, void *context) {
    ein_finetune_cell *c = self;
    ein_finetune_worker *w = &c->worker[thread];
    const int outputs = c->shape.classes, n = ein_finetune_data_fill(c, w, slot);
    const double share = 1.0 / (double)ein_finetune_data_step_records(c);
    *loss = 0;
    if (n == 0) {
        memset(grad, 0, (size_t)c->trained->arena * sizeof *grad);
        for (int s = c->trained->stages - 1; s >= 0; s--) done(context, s);
        return;
    }
    ein_classify_weights(w->batch, c->frozen_packed, ein_engine_packed(c->trainer.engine));
    ein_classify_forward(w->batch, w->logits, c->frozen, param, w->prefix);
    memset(w->d_logits, 0, (size_t)(c->per_slot * outputs) * sizeof *w->d_logits);
    head_loss(w->record_loss, w->d_logits, w->logits, w->target, c->meaning->head, c->meaning->n_tasks, n,
              c->meaning->n_targets, outputs, share);
    for (int b = 0; b < n; b++) *loss += w->record_loss[b];
    *loss *= share;
    ein_watchdog_beat("exchanging gradients");
    ein_classify_backward(w->batch, grad, w->d_logits, c->frozen, param, done, context);
}

/* 1 - residual / total sum of squares; NaN without spread. */
static double r_squared(const double *score, const double *label, int64_t n) {
    double mean = 0, residual = 0, total = 0;
    for (int64_t i = 0; i < n; i++) mean += label[i];
    mean /= (double)n;
    for (int64_t i = 0; i < n; i++) {
        residual += (label[i] - score[i]) * (label[i] - score[i]);
        total += (label[i] - mean) * (label[i] - mean);
    }
    return total > 0 ? 1 - residual / total : NAN;
}

static ein_status judge_target(const ein_finetune_cell *c, int target, double *out) {
    double *score, *label;
    int8_t *is = NULL;
    int64_t n;
    ein_roc_result roc;
    *out = NAN;
    ein_status status = ein_finetune_known(c, target, c->data.valid_score, &score, &label, &n);
    if (status == EIN_OK && c->meaning->head[c->meaning->task_of[target]].kind == EIN_HEAD_REGRESSION) {
        *out = r_squared(score, label, n);
    } else if (status == EIN_OK) {
        status = EIN_NEW(is, n);
        for (int64_t i = 0; status == EIN_OK && i < n; i++) is[i] = label[i] > 0.5;
        if (status == EIN_OK) status = ein_roc_auc(&roc, score, is, NULL, n, EIN_ROC_DEFAULTS);
        if (status == EIN_OK) *out = roc.auc.value;
    }
    free(score);
    free(label);
    free(is);
    return status;
}

/* Mean over tasks of the mean over their targets that can be estimated. */
static ein_status judge(const ein_finetune_cell *c, double *out) {
    double sum = 0;
    int tasks = 0;
    for (int t = 0; t < c->meaning->n_tasks; t++) {
        const ein_head_task *head = &c->meaning->head[t];
        double of_task = 0;
        int targets = 0;
        for (int j = head->first_target; j < head->first_target + head->n_targets; j++) {
            double value;
            EIN_TRY(judge_target(c, j, &value));
            if (isnan(value)) continue;
            of_task += value;
            targets++;
        }
        if (targets == 0) continue;
        sum += of_task / targets;
        tasks++;
    }
    *out = tasks > 0 ? sum / tasks : NAN;
    return EIN_OK;
}

static ein_status validate(void *self, double *value) {
    ein_finetune_cell *c = self;
    EIN_TRY(ein_finetune_data_validate(c));
    return ein_comm_agree(ein_finetune_comm(c), judge(c, value));
}

static void name_records(void *self, int slot, char *out, size_t room) {
    ein_finetune_cell *c = self;
    size_t at = 0;
    int64_t first, slots;
    out[0] = '\0';
    ein_share(c->engine.slots, ein_comm_rank(ein_finetune_comm(c)), ein_comm_size(ein_finetune_comm(c)),
              &first, &slots);
    if (slot < first || slot >= first + slots) {
        snprintf(out, room, "slot %d, on another rank", slot);
        return;
    }
    const int64_t begin = ein_finetune_data_place(c, slot, c->trainer.state.step_in_epoch),
                  end = ein_finetune_data_place(c, slot, c->trainer.state.step_in_epoch + 1);
    for (int64_t b = begin; b < end && at + 2 < room; b++) {
        const int n = snprintf(out + at, room - at, "%s%s", b > begin ? ", " : "",
                               ein_corpus_record_id(c->all->corpus, ein_finetune_data_record(c, slot, b)));
        if (n > 0) at += (size_t)n < room - at ? (size_t)n : room - at - 1;
    }
}

static const ein_trainer_ops ops = {.start = start,
                                    .open = open_data,
                                    .step = step,
                                    .compute = compute_slot,
                                    .validate = validate,
                                    .write_model = ein_finetune_write_model,
                                    .finish = ein_finetune_finish,
                                    .name_records = name_records};

/* --- set up and run -------------------------------------------------------------------------------------- */

/* Weights of the whole model: drawn, then those of the source. What a source cannot know is pooling, fc_norm, head and
 * adapters. */
static ein_status draw_weights(ein_finetune_cell *c) {
    ein_layout *encoder = NULL;
    float *arena = NULL;
    EIN_TRY(EIN_NEW(c->frozen, c->full->arena));
    EIN_TRY(EIN_NEW(c->param, c->trained->arena));
    ein_vit_init(c->frozen, c->full, EIN_SCHEME_SCRATCH, c->seed);
    if (!c->arm->from) return EIN_OK;
    ein_vit_shape shape = c->shape;
    shape.pool = shape.lora = shape.classes = 0;
    char missing[256] = "";
    ein_status status = ein_layout_new(&shape, EIN_PART_ENCODER, &encoder);
    if (status == EIN_OK) status = EIN_NEW(arena, encoder->arena);
    if (status == EIN_OK) status = ein_model_load(c->arm->from, encoder, arena, 0, missing, sizeof missing);
    if (status == EIN_OK && ein_encoder_lacks(missing))
        status = ein_error(EIN_MISMATCH, "%s lacks tensors of the encoder: %s", c->arm->from, missing);
    if (status == EIN_OK) ein_layout_copy(c->frozen, c->full, arena, encoder);
    ein_layout_destroy(encoder);
    free(arena);
    return status;
}

static ein_status worker_new(void *self, int thread) {
    const ein_finetune_cell *c = self;
    ein_finetune_worker *w = &c->worker[thread];
    EIN_TRY(ein_classify_new(c->full, c->trained, (int)c->per_slot, true, &w->batch));
    EIN_TRY(ein_classify_new(c->full, c->trained, 1, false, &w->one));
    EIN_TRY(EIN_NEW(w->x, (int64_t)c->shape.leads * c->shape.samples));
    EIN_TRY(EIN_NEW(w->prefix, c->per_slot * c->data.prefix_values));
    EIN_TRY(EIN_NEW(w->logits, c->per_slot * c->shape.classes));
    EIN_TRY(EIN_NEW(w->d_logits, c->per_slot * c->shape.classes));
    EIN_TRY(EIN_NEW(w->target, c->per_slot * c->meaning->n_targets));
    return EIN_NEW(w->record_loss, c->per_slot);
}

static void worker_free(ein_finetune_worker *w) {
    ein_classify_destroy(w->batch);
    ein_classify_destroy(w->one);
    free(w->x);
    free(w->prefix);
    free(w->logits);
    free(w->d_logits);
    free(w->target);
    free(w->record_loss);
}

static ein_status workers_new(ein_finetune_cell *c) {
    EIN_TRY(EIN_NEW(c->worker, c->all->threads));
    return ein_error_context(ein_threads_each(c->all->threads, worker_new, c),
                             "the activations of %d threads; use fewer threads, or a smaller batch",
                             c->all->threads);
}

static ein_status make_identity(ein_finetune_cell *c) {
    static const char *const changeable[] = {
        "threads:",  "corpus:", "memory_mib:", "keep:",   "from:",        "seeds:",          "tasks:",
        "controls:", "cell:",   "unjoined:",   "recipe:", "calibration:", "domain_records:", NULL};
    char more[1024], *yaml = NULL, hash[EIN_HASH_TEXT_BYTES];
    EIN_TRY(ein_tasks_to_yaml(&c->data.targets.tasks, &yaml));
    ein_hash_text(yaml, strlen(yaml), hash);
    free(yaml);
    yaml = NULL;
    EIN_TRY(ein_config_to_yaml(c->config, &yaml));
    snprintf(more, sizeof more,
             "# cell %s: seed %" PRIu64 ", rate %g, source %s, tasks %s\n# corpus: contract %s, %" PRId64
             " records, %" PRId64 " for training, %" PRId64 " for validation; %d slots of %" PRId64 "\n",
             c->name, c->seed, c->lr, c->arm->from ? c->all->source_hash : "drawn", hash,
             ein_corpus_contract_hash(c->all->corpus), ein_corpus_records(c->all->corpus), c->data.n_train,
             c->data.n_valid, c->engine.slots, c->per_slot);
    const int64_t heads = ein_config_int(c->config, "finetune.source_heads");
    const size_t used = strlen(more);
    char content[EIN_CONTENT_BYTES], said[32] = "";
    const ein_targets *t = &c->data.targets;
    ein_identity_content(c->all->corpus, c->all->part, t->value, t->N * t->n_targets, content);
    /* The default is left out, so that runs of programs that did not have the key go on. */
    const char *calibration = ein_config_string(c->config, "finetune.calibration");
    const int64_t domain = ein_config_int(c->config, "finetune.domain_records");
    char fitted[40] = "", near[48] = "";
    if (strcmp(calibration, "auto") != 0) snprintf(fitted, sizeof fitted, "# calibration %s\n", calibration);
    if (domain != 4096) snprintf(near, sizeof near, "# domain of %" PRId64 " records\n", domain);
    if (heads > 0) snprintf(said, sizeof said, "# %" PRId64 " heads\n", heads);
    snprintf(more + used, sizeof more - used, "%s%s%s%s", said, fitted, near, content);
    const ein_status status = ein_identity_text(yaml, changeable, more, &c->identity);
    free(yaml);
    return status;
}

/* The shape that is used: of a source it is the file's, whatever model.* says. */
static ein_status tell_shape(const ein_finetune_cell *c, ein_config *resolved) {
    const struct {
        const char *key;
        int value;
    } said[] = {{"model.patch", c->shape.patch},
                {"model.width", c->shape.width},
                {"model.depth", c->shape.depth},
                {"model.heads", c->shape.heads},
                {"model.mlp", c->shape.mlp}};
    for (size_t i = 0; i < sizeof said / sizeof said[0] && c->all->source.shape.width > 0; i++) {
        char value[24];
        snprintf(value, sizeof value, "%d", said[i].value);
        EIN_TRY(ein_config_set_key(resolved, c->all->arm[0].from, said[i].key, value));
    }
    return EIN_OK;
}

/* The numbers that this model is trained with; a control's rate stands under a key of its own. */
static ein_status write_config(const ein_finetune_cell *c) {
    char path[4200], *yaml = NULL;
    ein_config *resolved = NULL;
    ein_recipe recipe = c->recipe;
    if (c->arm != &c->all->arm[0]) recipe.lr = NAN;
    snprintf(path, sizeof path, "%s/config.resolved.yaml", c->folder);
    ein_status status = ein_recipe_resolve(&recipe, c->config, ein_finetune_tables, true, true, &resolved);
    if (status == EIN_OK) status = tell_shape(c, resolved);
    if (status == EIN_OK) status = ein_config_to_yaml(resolved, &yaml);
    if (status == EIN_OK) status = ein_durable_write(path, yaml, strlen(yaml));
    free(yaml);
    ein_config_destroy(resolved);
    return status;
}

static ein_status open_run(ein_finetune_cell *c) {
    EIN_TRY(ein_run_open(ein_finetune_comm(c), c->folder, &c->run));
    ein_status status = make_identity(c);
    if (status == EIN_OK && ein_comm_rank(ein_finetune_comm(c)) == 0) status = write_config(c);
    return ein_comm_agree(ein_finetune_comm(c), status);
}

static ein_status train(ein_finetune_cell *c) {
    char sizes[EIN_FINETUNE_SIZES_BYTES];
    ein_status status = draw_weights(c);
    if (status == EIN_OK && ein_finetune_has_frozen(c))
        status = ein_packed_make(c->full, true, c->frozen, c->all->threads, &c->frozen_packed);
    if (status == EIN_OK) status = workers_new(c);
    EIN_TRY(ein_comm_agree(ein_finetune_comm(c), status));
    ein_run_log(c->run,
                "finetune %s: %" PRId64 " of %" PRId64 " parameters trained; %" PRId64
                " training records, %" PRId64 " for validation; %d targets; at most %" PRId64
                " epochs of %" PRId64 " updates of %s records each; %d ranks, %d threads; %s",
                c->name, c->trained->parameters, c->full->parameters, c->data.n_train, c->data.n_valid,
                c->meaning->n_targets, c->epochs, c->trainer.steps_per_epoch,
                ein_finetune_sizes_text(c, sizes), ein_comm_size(ein_finetune_comm(c)), c->all->threads,
                ein_products_text());
    ein_run_log(c->run, "recipe %s", c->recipe.reason);
    char join[768];
    ein_join_text(&c->data.targets.join, join, sizeof join);
    if (join[0]) ein_run_log(c->run, "%s", join);
    ein_trainer *t = &c->trainer;
    t->ops = &ops;
    t->self = c;
    t->job = &c->job;
    t->run = c->run;
    t->what = "finetune";
    t->layout = c->trained;
    t->param = c->param;
    t->engine_options = c->engine;
    t->seed = c->seed;
    t->value_name = ein_finetune_value_name(c);
    t->larger_is_better = true;
    t->patience = ein_config_int(ein_finetune_config(c), "finetune.patience");
    t->identity = c->identity;
    t->contract_text = c->contract_text;
    t->program = c->all->program;
    t->started_s = c->all->started_s;
    t->stop_folder = ein_config_string(ein_finetune_config(c), "run.folder");
    return ein_trainer_run(t);
}

static void release(ein_finetune_cell *c) {
    for (int t = 0; c->worker && t < c->all->threads; t++) worker_free(&c->worker[t]);
    free(c->worker);
    ein_finetune_data_free(c);
    ein_model_tasks_destroy(c->meaning);
    ein_layout_destroy(c->trained);
    ein_layout_destroy(c->full);
    free(c->frozen);
    ein_packed_destroy(c->frozen_packed);
    free(c->param);
    free(c->identity);
    ein_run_close(c->run);
    ein_config_destroy(c->config);
}

ein_status ein_finetune_cell_run(ein_finetune *all, const ein_finetune_arm *arm, int first_task, int n_tasks,
                                 uint64_t seed, ein_finetune_outcome *outcome) {
    ein_finetune_cell c = {
        .all = all, .arm = arm, .first_task = first_task, .n_tasks = n_tasks, .seed = seed};
    *outcome = (ein_finetune_outcome){.value = NAN};
    c.trainer.state.best_value = NAN;
    ein_finetune_cell_name(&c);
    snprintf(outcome->name, sizeof outcome->name, "%s", c.name);
    ein_status status = ein_finetune_cell_plan(&c, &all->tables);
    if (status == EIN_OK && ein_config_bool(all->job->config, "run.dry_run")) {
        if (ein_comm_rank(all->job->comm) == 0) ein_finetune_cell_print(&c);
    } else if (status == EIN_OK) {
        status = open_run(&c);
        if (status == EIN_OK) status = train(&c);
        outcome->stopped = c.trainer.stopped;
        outcome->at_max_steps = c.trainer.at_max_steps;
        outcome->value = c.trainer.state.best_value;
        outcome->epoch =
            c.trainer.steps_per_epoch ? c.trainer.state.best_step / c.trainer.steps_per_epoch : 0;
        snprintf(outcome->value_name, sizeof outcome->value_name, "%s", ein_finetune_value_name(&c));
    }
    release(&c);
    return status;
}
