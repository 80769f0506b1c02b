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
#include "mpi/threads.h"
#include "mpi/watchdog.h"

static ein_comm *comm_of(const ein_finetune_cell *c) {
    return c->all->job->comm;
}

static const ein_config *config_of(const ein_finetune_cell *c) {
    return c->config ? c->config : c->all->job->config;
}

/* --- plan ------------------------------------------------------------------------------------------------ */

/* "superclass/top-4-s1"; several tasks in one model are joined by plus signs. Where that is more than a folder's name
 * may be, their number and a hash of the names stand for them: "mfr+11-more-0f3a9c21/top-4-s1". */
static void name_cell(ein_finetune_cell *c) {
    enum { LONGEST = 120 };
    const ein_task *task = &c->all->tasks.task[c->first_task];
    char joined[LONGEST + 1] = "", hash[2 * EIN_HASH_BYTES + 1];
    uint8_t digest[EIN_HASH_BYTES];
    ein_bytes part[EIN_TASKS_MAX];
    size_t at = 0;
    for (int t = 0; t < c->n_tasks; t++) {
        part[t] = (ein_bytes){task[t].name, strlen(task[t].name) + 1};
        if (at <= LONGEST)
            at += (size_t)snprintf(joined + at, sizeof joined - at, "%s%s", t ? "+" : "", task[t].name);
    }
    if (at > LONGEST) {
        ein_hash_parts(part, c->n_tasks, digest);
        ein_hex(digest, sizeof digest, hash);
        snprintf(joined, sizeof joined, "%.80s+%d-more-%.8s", task[0].name, c->n_tasks - 1, hash);
    }
    snprintf(c->name, sizeof c->name, "%s/%s-s%" PRIu64, joined, c->arm->name, c->seed);
    snprintf(c->folder, sizeof c->folder, "%s/%s", ein_config_string(config_of(c), "run.folder"), c->name);
}

/* What label tables the configuration names, beside the corpus's own columns. */
static ein_status build_targets(ein_finetune_cell *c, const ein_targets_tables *tables) {
    const ein_tasks tasks = {c->n_tasks, c->all->tasks.task + c->first_task};
    EIN_TRY(ein_targets_build(comm_of(c), &tasks, c->all->corpus, c->all->part, tables, &c->data.targets));
    EIN_TRY(ein_targets_fit(&c->data.targets, c->all->part));
    EIN_TRY(ein_model_tasks_new(&c->data.targets.tasks, &c->meaning));
    ein_model_tasks_fit(c->meaning, c->data.targets.mean, c->data.targets.sd,
                        c->data.targets.positive_weight);
    return EIN_OK;
}

/* Shape from the source model, or from model.* where there is none. */
static ein_status plan_shape(ein_finetune_cell *c) {
    const ein_contract *corpus = ein_corpus_contract(c->all->corpus);
    if (c->all->source.shape.width > 0)
        c->shape = c->all->source.shape;
    else
        EIN_TRY(ein_shape_from_config(config_of(c), corpus, 0, &c->shape));
    c->shape.dec_width = c->shape.dec_depth = c->shape.dec_heads = c->shape.dec_mlp = 0;
    c->shape.classes = c->meaning->n_outputs;
    c->shape.pool = c->arm->mode == EIN_ADAPT_ATTENTIVE ? EIN_POOL_ATTENTIVE : EIN_POOL_MEAN;
    c->shape.lora = c->arm->lora;
    return ein_layout_new(&c->shape, EIN_PART_CLASSIFY, &c->full);
}

/* The model's contract; its normalisation stays what it was pretrained with. */
static ein_status plan_contract(ein_finetune_cell *c) {
    const ein_contract *corpus = ein_corpus_contract(c->all->corpus);
    char difference[1024];
    c->contract = *corpus;
    if (c->all->source.contract_text[0] && c->arm->from) {
        EIN_TRY(ein_contract_parse(c->all->source.contract_text, &c->contract));
        if (ein_contract_compare(&c->contract, corpus, 1, difference, sizeof difference) != 0)
            return ein_error(
                EIN_MISMATCH,
                "%s was pretrained under another contract than %s was made with: %s; ingest the records "
                "again under the model's contract",
                c->arm->from, ein_corpus_path(c->all->corpus), difference);
    }
    if (c->shape.leads != corpus->n_leads || c->shape.samples != corpus->n_samples)
        return ein_error(EIN_MISMATCH, "the model takes %d leads x %d samples, %s holds %d x %" PRId64,
                         c->shape.leads, c->shape.samples, ein_corpus_path(c->all->corpus), corpus->n_leads,
                         corpus->n_samples);
    return ein_contract_text(&c->contract, c->contract_text);
}

static ein_status plan_trained(ein_finetune_cell *c) {
    bool *chosen;
    EIN_TRY(EIN_NEW(chosen, c->full->n_tensors));
    ein_status status = ein_classify_choose(c->full, c->arm->mode, c->arm->top_k, chosen);
    if (status == EIN_OK) status = ein_layout_select(c->full, chosen, &c->trained);
    free(chosen);
    if (status == EIN_OK) c->data.prefix_values = ein_classify_prefix_values(c->full, c->trained);
    return status;
}

/* The recipe for as many records as this cell has; from here on its configuration holds the numbers. */
static ein_status plan_recipe(ein_finetune_cell *c) {
    static const ein_recipe_kind kinds[] = {[EIN_ADAPT_TOP] = EIN_RECIPE_TOP,
                                            [EIN_ADAPT_FULL] = EIN_RECIPE_TOP,
                                            [EIN_ADAPT_LINEAR] = EIN_RECIPE_LINEAR,
                                            [EIN_ADAPT_ATTENTIVE] = EIN_RECIPE_ATTENTIVE,
                                            [EIN_ADAPT_LORA] = EIN_RECIPE_LORA};
    const ein_config *config = c->all->job->config;
    const bool first = c->arm == &c->all->arm[0];
    ein_recipe_adapt(&c->recipe, config, c->data.n_train, kinds[c->arm->mode]);
    c->lr = !isnan(c->arm->lr) ? c->arm->lr : c->arm->probe ? c->recipe.probe_lr : c->recipe.lr;
    if (first && ein_config_is_set(config, "train.lr")) c->lr = ein_config_real(config, "train.lr");
    c->recipe.lr = c->lr;
    /* Rates stand in the identity by their value (make_identity), so the keys may stay as they were given. */
    EIN_TRY(ein_recipe_resolve(&c->recipe, config, ein_finetune_tables, true, false, &c->config));
    c->job = *c->all->job;
    c->job.config = c->config;
    return EIN_OK;
}

/* Slots, updates of an epoch, rates. A batch larger than the training records takes all of them. */
static ein_status plan_updates(ein_finetune_cell *c) {
    const ein_config *config = config_of(c);
    EIN_TRY(ein_engine_from_config(config, ein_vit_tokens(&c->shape), c->all->threads,
                                   ein_comm_size(comm_of(c)), &c->engine));
    c->batch = ein_config_int(config, "train.batch");
    c->epochs = ein_config_int(config, "train.epochs");
    c->per_slot = c->batch / c->engine.slots;
    const int64_t largest = (c->data.n_train + c->engine.slots - 1) / c->engine.slots;
    if (c->per_slot > largest) c->per_slot = largest;
    c->shuffle.run = (int)ein_config_int(config, "train.shuffle_run");
    c->shuffle.window = (int)ein_config_int(config, "train.shuffle_window");
    if (c->shuffle.window % c->shuffle.run != 0)
        return ein_error(EIN_USAGE, "train.shuffle_window %d is not a multiple of train.shuffle_run %d",
                         c->shuffle.window, c->shuffle.run);
    ein_trainer *t = &c->trainer;
    t->epochs = c->epochs;
    t->steps_per_epoch = (largest + c->per_slot - 1) / c->per_slot;
    t->total_steps = c->epochs * t->steps_per_epoch;
    t->batch = c->data.n_train / t->steps_per_epoch; /* mean records of an update, for progress */
    t->adamw = (ein_adamw){.beta1 = ein_config_real(config, "train.beta1"),
                           .beta2 = ein_config_real(config, "train.beta2"),
                           .eps = ein_config_real(config, "train.eps"),
                           .weight_decay = ein_config_real(config, "train.weight_decay")};
    const double warmup = ein_config_real(config, "train.warmup_epochs");
    t->schedule = (ein_schedule){.lr = c->lr,
                                 .warmup_lr = ein_config_real(config, "train.warmup_lr"),
                                 .warmup = (int64_t)llround(warmup * (double)t->steps_per_epoch),
                                 .total = t->total_steps,
                                 .k = ein_config_real(config, "train.k_decay")};
    if (t->schedule.warmup >= t->total_steps)
        return ein_error(EIN_USAGE,
                         "train.warmup_epochs %g is not shorter than the run of %" PRId64 " epochs", warmup,
                         c->epochs);
    return EIN_OK;
}

/* Whether validation records know two different values of a target. */
static bool has_spread(const ein_finetune_cell *c, int target) {
    const int T = c->data.targets.n_targets;
    float first = NAN;
    for (int64_t i = 0; i < c->data.n_valid; i++) {
        const float value = c->data.targets.value[c->data.valid[i] * T + target];
        if (isnan(value)) continue;
        if (isnan(first)) first = value;
        if (value != first) return true;
    }
    return false;
}

/* Early stopping needs something that can be estimated. */
static ein_status check_validation(const ein_finetune_cell *c) {
    const ein_targets *t = &c->data.targets;
    ein_target_counts *count;
    int usable = 0;
    EIN_TRY(EIN_NEW(count, t->n_targets));
    ein_targets_count(t, c->all->part, EIN_SPLIT_VALID, count);
    for (int k = 0; k < t->n_tasks; k++)
        for (int j = t->task[k].first_target; j < t->task[k].first_target + t->task[k].n_targets; j++)
            usable += t->task[k].kind == EIN_HEAD_REGRESSION ? has_spread(c, j)
                                                             : count[j].positive > 0 && count[j].negative > 0;
    free(count);
    if (usable > 0) return EIN_OK;
    return ein_error(EIN_USAGE,
                     "%s: no target has a positive and a negative (a number: two values) among the %" PRId64
                     " validation records, so there is nothing to stop by; hold out more patients (split.*)",
                     c->name, c->data.n_valid);
}

static ein_status plan(ein_finetune_cell *c, const ein_targets_tables *tables) {
    ein_status status =
        build_targets(c, tables); /* what fails on one rank alone is told to the others below */
    if (status == EIN_OK) status = plan_shape(c);
    if (status == EIN_OK) status = plan_contract(c);
    if (status == EIN_OK) status = plan_trained(c);
    if (status == EIN_OK) status = ein_finetune_data_split(c);
    if (status == EIN_OK) status = check_validation(c);
    if (status == EIN_OK) status = plan_recipe(c);
    if (status == EIN_OK) status = plan_updates(c);
    return ein_comm_agree(comm_of(c), status);
}

/* --- dry run --------------------------------------------------------------------------------------------- */

/* "225 or 226": records of an update; those of an epoch are shared out evenly. */
static const char *sizes_text(const ein_finetune_cell *c, char out[48]) {
    const int64_t least = c->data.n_train / c->trainer.steps_per_epoch;
    if (c->data.n_train % c->trainer.steps_per_epoch)
        snprintf(out, 48, "%" PRId64 " or %" PRId64, least, least + 1);
    else
        snprintf(out, 48, "%" PRId64, least);
    return out;
}

static bool has_frozen(const ein_finetune_cell *c) {
    return c->trained->n_tensors < c->full->n_tensors;
}

static void print_plan(const ein_finetune_cell *c) {
    char sizes[48];
    const ein_engine_bytes e =
        ein_engine_plan(c->trained, &c->engine, ein_comm_rank(comm_of(c)), ein_comm_size(comm_of(c)));
    bool kept;
    char text[6][16];
    const int64_t data = ein_finetune_data_bytes(c, &kept);
    const int64_t acts = (int64_t)sizeof(float) * c->all->threads *
                         (ein_classify_values(c->full, c->trained, (int)c->per_slot, true) +
                          ein_classify_values(c->full, c->trained, 1, false));
    const int64_t frozen = c->full->arena * (int64_t)sizeof(float);
    const int64_t copies = has_frozen(c) ? ein_packed_bytes(c->full, true) : 0;
    printf("%s\n", c->name);
    printf("  records      %" PRId64 " for training, %" PRId64 " for validation; %d targets, %d outputs\n",
           c->data.n_train, c->data.n_valid, c->meaning->n_targets, c->meaning->n_outputs);
    printf("  parameters   %" PRId64 ", of which %" PRId64 " are trained\n", c->full->parameters,
           c->trained->parameters);
    printf("  recipe       %s\n", c->recipe.reason);
    printf("  updates      %" PRId64 " an epoch of %s records in %d slots, at most %" PRId64
           " epochs, rate %g\n",
           c->trainer.steps_per_epoch, sizes_text(c, sizes), c->engine.slots, c->epochs, c->lr);
    printf("  cost         %.3f GFLOP per record and epoch%s\n",
           ein_classify_gflop(c->full, c->trained, kept),
           kept ? "; what frozen blocks make of a record is computed once and kept" : "");
    printf(
        "  memory       %s a rank: model %s, trained parameters with moments and gradients %s, activations %s, "
        "records %s\n",
        ein_bytes_text(frozen + copies + e.parameters + e.copies + e.moments + e.gradients + e.exchange +
                           acts + data,
                       text[0], 16),
        ein_bytes_text(frozen + copies, text[1], 16),
        ein_bytes_text(e.parameters + e.copies + e.moments + e.gradients + e.exchange, text[2], 16),
        ein_bytes_text(acts, text[3], 16), ein_bytes_text(data, text[4], 16));
}

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
    return ein_comm_agree(comm_of(c), judge(c, value));
}

static void name_records(void *self, int slot, char *out, size_t room) {
    ein_finetune_cell *c = self;
    size_t at = 0;
    int64_t first, slots;
    out[0] = '\0';
    ein_share(c->engine.slots, ein_comm_rank(comm_of(c)), ein_comm_size(comm_of(c)), &first, &slots);
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
    EIN_TRY(ein_run_open(comm_of(c), c->folder, &c->run));
    ein_status status = make_identity(c);
    if (status == EIN_OK && ein_comm_rank(comm_of(c)) == 0) status = write_config(c);
    return ein_comm_agree(comm_of(c), status);
}

static ein_status train(ein_finetune_cell *c) {
    char sizes[48];
    ein_status status = draw_weights(c);
    if (status == EIN_OK && has_frozen(c))
        status = ein_packed_make(c->full, true, c->frozen, c->all->threads, &c->frozen_packed);
    if (status == EIN_OK) status = workers_new(c);
    EIN_TRY(ein_comm_agree(comm_of(c), status));
    ein_run_log(c->run,
                "finetune %s: %" PRId64 " of %" PRId64 " parameters trained; %" PRId64
                " training records, %" PRId64 " for validation; %d targets; at most %" PRId64
                " epochs of %" PRId64 " updates of %s records each; %d ranks, %d threads; %s",
                c->name, c->trained->parameters, c->full->parameters, c->data.n_train, c->data.n_valid,
                c->meaning->n_targets, c->epochs, c->trainer.steps_per_epoch, sizes_text(c, sizes),
                ein_comm_size(comm_of(c)), c->all->threads, ein_products_text());
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
    t->patience = ein_config_int(config_of(c), "finetune.patience");
    t->identity = c->identity;
    t->contract_text = c->contract_text;
    t->program = c->all->program;
    t->started_s = c->all->started_s;
    t->stop_folder = ein_config_string(config_of(c), "run.folder");
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
    name_cell(&c);
    snprintf(outcome->name, sizeof outcome->name, "%s", c.name);
    ein_status status = plan(&c, &all->tables);
    if (status == EIN_OK && ein_config_bool(all->job->config, "run.dry_run")) {
        if (ein_comm_rank(all->job->comm) == 0) print_plan(&c);
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
