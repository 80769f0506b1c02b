/* What a cell of a fine-tuning will do, before it does it, and as its dry run prints it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/products.h"
#include "io/base/hash.h"
#include "jobs/options/encoder.h"
#include "jobs/options/model_options.h"
#include "jobs/options/task_library.h"
#include "jobs/train/finetune.h"

/* --- plan ------------------------------------------------------------------------------------------------ */

/* "superclass/top-4-s1"; several tasks in one model are joined by plus signs. Where that is more than a folder's name
 * may be, their number and a hash of the names stand for them: "mfr+11-more-0f3a9c21/top-4-s1". */
void ein_finetune_cell_name(ein_finetune_cell *c) {
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
    snprintf(c->folder, sizeof c->folder, "%s/%s", ein_config_string(ein_finetune_config(c), "run.folder"),
             c->name);
}

/* What label tables the configuration names, beside the corpus's own columns. */
static ein_status build_targets(ein_finetune_cell *c, const ein_targets_tables *tables) {
    const ein_tasks tasks = {c->n_tasks, c->all->tasks.task + c->first_task};
    EIN_TRY(ein_targets_build(ein_finetune_comm(c), &tasks, c->all->corpus, c->all->part, tables,
                              &c->data.targets));
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
        EIN_TRY(ein_shape_from_config(ein_finetune_config(c), corpus, 0, &c->shape));
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
    const ein_config *config = ein_finetune_config(c);
    EIN_TRY(ein_engine_from_config(config, ein_vit_tokens(&c->shape), c->all->threads,
                                   ein_comm_size(ein_finetune_comm(c)), &c->engine));
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

ein_status ein_finetune_cell_plan(ein_finetune_cell *c, const ein_targets_tables *tables) {
    ein_status status =
        build_targets(c, tables); /* what fails on one rank alone is told to the others below */
    if (status == EIN_OK) status = plan_shape(c);
    if (status == EIN_OK) status = plan_contract(c);
    if (status == EIN_OK) status = plan_trained(c);
    if (status == EIN_OK) status = ein_finetune_data_split(c);
    if (status == EIN_OK) status = check_validation(c);
    if (status == EIN_OK) status = plan_recipe(c);
    if (status == EIN_OK) status = plan_updates(c);
    return ein_comm_agree(ein_finetune_comm(c), status);
}

/* --- dry run --------------------------------------------------------------------------------------------- */

const char *ein_finetune_sizes_text(const ein_finetune_cell *c, char out[EIN_FINETUNE_SIZES_BYTES]) {
    const int64_t least = c->data.n_train / c->trainer.steps_per_epoch;
    if (c->data.n_train % c->trainer.steps_per_epoch)
        snprintf(out, EIN_FINETUNE_SIZES_BYTES, "%" PRId64 " or %" PRId64, least, least + 1);
    else
        snprintf(out, EIN_FINETUNE_SIZES_BYTES, "%" PRId64, least);
    return out;
}

bool ein_finetune_has_frozen(const ein_finetune_cell *c) {
    return c->trained->n_tensors < c->full->n_tensors;
}

void ein_finetune_cell_print(const ein_finetune_cell *c) {
    char sizes[EIN_FINETUNE_SIZES_BYTES];
    const ein_engine_bytes e = ein_engine_plan(c->trained, &c->engine, ein_comm_rank(ein_finetune_comm(c)),
                                               ein_comm_size(ein_finetune_comm(c)));
    bool kept;
    char text[6][16];
    const int64_t data = ein_finetune_data_bytes(c, &kept);
    const int64_t acts = (int64_t)sizeof(float) * c->all->threads *
                         (ein_classify_values(c->full, c->trained, (int)c->per_slot, true) +
                          ein_classify_values(c->full, c->trained, 1, false));
    const int64_t frozen = c->full->arena * (int64_t)sizeof(float);
    const int64_t copies = ein_finetune_has_frozen(c) ? ein_packed_bytes(c->full, true) : 0;
    printf("%s\n", c->name);
    printf("  records      %" PRId64 " for training, %" PRId64 " for validation; %d targets, %d outputs\n",
           c->data.n_train, c->data.n_valid, c->meaning->n_targets, c->meaning->n_outputs);
    printf("  parameters   %" PRId64 ", of which %" PRId64 " are trained\n", c->full->parameters,
           c->trained->parameters);
    printf("  recipe       %s\n", c->recipe.reason);
    printf("  updates      %" PRId64 " an epoch of %s records in %d slots, at most %" PRId64
           " epochs, rate %g\n",
           c->trainer.steps_per_epoch, ein_finetune_sizes_text(c, sizes), c->engine.slots, c->epochs, c->lr);
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
