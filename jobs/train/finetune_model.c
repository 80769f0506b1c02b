/* The model files of a cell: the best so far, and at the end the model that goes out, with thresholds and calibration
 * from the validation records. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/lora.h"
#include "io/formats/csv.h"
#include "jobs/options/domain.h"
#include "jobs/options/embedding.h"
#include "jobs/options/scoring.h"
#include "jobs/options/seen_options.h"
#include "jobs/train/finetune.h"

/* Scores and labels of one target over the validation records that know it; *n of them. */
ein_status ein_finetune_known(const ein_finetune_cell *c, int target, const double *all_scores,
                              double **score, double **label, int64_t *n) {
    const int T = c->meaning->n_targets;
    *score = *label = NULL;
    *n = 0;
    EIN_TRY(EIN_NEW(*score, c->data.n_valid));
    EIN_TRY(EIN_NEW(*label, c->data.n_valid));
    for (int64_t i = 0; i < c->data.n_valid; i++) {
        const float value = c->data.targets.value[c->data.valid[i] * T + target];
        if (isnan(value)) continue;
        (*score)[*n] = all_scores[i * T + target];
        (*label)[(*n)++] = value;
    }
    return EIN_OK;
}

/* What the validation value is. */
const char *ein_finetune_value_name(const ein_finetune_cell *c) {
    int regressions = 0;
    for (int t = 0; t < c->meaning->n_tasks; t++)
        regressions += c->meaning->head[t].kind == EIN_HEAD_REGRESSION;
    return regressions == 0                     ? "validation AUROC"
           : regressions == c->meaning->n_tasks ? "validation R2"
                                                : "validation score";
}

/* --- writing ---------------------------------------------------------------------------------------------- */

/* Every record used to train or select the model: those of pretraining, of training, and of validation. */
static ein_status seen_text(const ein_finetune_cell *c, char **out) {
    ein_seen seen = {0}, more = {0};
    *out = NULL;
    ein_status status = ein_seen_decode_source(c->arm->from, c->all->source.training_records, &seen);
    const ein_config *config = c->all->job->config;
    if (status == EIN_OK)
        status = ein_seen_from_config(config, c->all->corpus, c->data.train, c->data.n_train, &more);
    if (status == EIN_OK) status = ein_seen_merge(&seen, &more);
    ein_seen_free(&more);
    if (status == EIN_OK)
        status = ein_seen_from_config(config, c->all->corpus, c->data.valid, c->data.n_valid, &more);
    if (status == EIN_OK) status = ein_seen_merge(&seen, &more);
    if (status == EIN_OK) status = ein_seen_encode(&seen, out);
    ein_seen_free(&more);
    ein_seen_free(&seen);
    return status;
}

/* `domain` may be NULL. */
static ein_status write_arena(const ein_finetune_cell *c, const char *path, const ein_layout *layout,
                              const float *arena, char *domain) {
    const ein_train_state *s = &c->trainer.state;
    char training[1024];
    char *tasks = NULL, *seen = NULL;
    snprintf(
        training, sizeof training,
        "{\"objective\": \"supervised\", \"arm\": \"%s\", \"seed\": %" PRIu64 ", \"pretrained\": \"%s\", "
        "\"updates\": %" PRId64 ", \"best_update\": %" PRId64 ", \"best_value\": %.17g, \"value\": \"%s\", "
        "\"training_records\": %" PRId64 ", \"validation_records\": %" PRId64 "}",
        c->arm->name, c->seed, c->arm->from ? c->all->source_hash : "", s->step, s->best_step,
        isnan(s->best_value) ? 0.0 : s->best_value, ein_finetune_value_name(c), c->data.n_train,
        c->data.n_valid);
    ein_status status = ein_model_tasks_to_json(c->meaning, &tasks);
    if (status == EIN_OK) status = seen_text(c, &seen);
    ein_model_info info = {.config_yaml = c->identity,
                           .training = training,
                           .tasks = tasks,
                           .training_records = seen,
                           .domain = domain,
                           .program = c->all->program};
    memcpy(info.contract_text, c->contract_text, sizeof info.contract_text);
    if (status == EIN_OK) status = ein_model_write(path, layout, arena, &info);
    free(tasks);
    free(seen);
    return status;
}

ein_status ein_finetune_write_model(void *self, const char *path) {
    ein_finetune_cell *c = self;
    float *arena;
    EIN_TRY(EIN_NEW(arena, c->full->arena));
    memcpy(arena, c->frozen, (size_t)c->full->arena * sizeof *arena);
    ein_layout_copy(arena, c->full, c->param, c->trained);
    const ein_status status = write_arena(c, path, c->full, arena, NULL);
    free(arena);
    return status;
}

/* What the state says of the best model must be what its file says: one that another life left behind, or that is older
 * because the disk was full, has other weights than the log and the figures tell of. */
static ein_status check_best(const ein_finetune_cell *c, const char *path) {
    const ein_train_state *s = &c->trainer.state;
    ein_model_info info = {0};
    if (isnan(s->best_value))
        return ein_error(
            EIN_NUMERIC,
            "%s: there is no best model: no epoch had a %s, or none could be written (see the warnings in "
            "log.txt); remove the folder and train again",
            c->folder, ein_finetune_value_name(c));
    EIN_TRY(ein_model_describe(path, NULL, &info));
    json_t *training = info.training ? json_loads(info.training, 0, NULL) : NULL;
    const json_t *update = json_object_get(training, "best_update"),
                 *value = json_object_get(training, "best_value");
    const bool same = json_is_integer(update) && json_integer_value(update) == s->best_step &&
                      json_is_number(value) && json_number_value(value) == s->best_value;
    json_decref(training);
    ein_model_info_free(&info);
    if (same) return EIN_OK;
    return ein_error(EIN_MISMATCH,
                     "%s is not the model of update %" PRId64
                     ", which was the best (%s %.6f): it was replaced, or left by an "
                     "earlier run in this folder; remove the folder and train again",
                     path, s->best_step, ein_finetune_value_name(c), s->best_value);
}

/* The best model as it goes out: adapters folded in, so that any reader of timm's names can use it. */
static ein_status load_best(const ein_finetune_cell *c, ein_layout **layout, float **arena) {
    char path[4200];
    float *adapted = NULL;
    ein_vit_shape plain = c->shape;
    plain.lora = 0;
    snprintf(path, sizeof path, "%s/best.safetensors", c->folder);
    EIN_TRY(check_best(c, path));
    EIN_TRY(ein_layout_new(&plain, EIN_PART_CLASSIFY, layout));
    EIN_TRY(EIN_NEW(*arena, (*layout)->arena));
    if (c->shape.lora == 0) return ein_model_load(path, *layout, *arena, 1, NULL, 0);
    ein_status status = EIN_NEW(adapted, c->full->arena);
    if (status == EIN_OK) status = ein_model_load(path, c->full, adapted, 1, NULL, 0);
    if (status == EIN_OK) status = ein_lora_merge(*arena, *layout, adapted, c->full);
    free(adapted);
    return status;
}

/* Thresholds on scores, maps on logits, of all targets. */
static ein_status choose_thresholds(ein_finetune_cell *c, const double *scores, const double *logits) {
    const char *asked = ein_config_string(ein_finetune_config(c), "finetune.calibration");
    for (int j = 0; j < c->meaning->n_targets; j++) {
        double *score, *logit = NULL, *label, *again = NULL;
        int64_t n;
        ein_status status = ein_finetune_known(c, j, scores, &score, &label, &n);
        if (status == EIN_OK) status = ein_model_tasks_choose(c->meaning, j, score, label, n);
        if (status == EIN_OK) status = ein_finetune_known(c, j, logits, &logit, &again, &n);
        if (status == EIN_OK) status = ein_model_tasks_calibrate(c->meaning, j, asked, logit, label, n);
        free(score);
        free(logit);
        free(label);
        free(again);
        EIN_TRY(status);
    }
    return EIN_OK;
}

/* Scores and labels of the validation records, for whoever wants to look behind the thresholds. */
static ein_status write_validation(const ein_finetune_cell *c, const double *scores) {
    const int T = c->meaning->n_targets;
    char path[4200], label[256];
    const char **column;
    char *names;
    enum { NAME = 300 };
    ein_csv_writer *csv;
    EIN_TRY(EIN_NEW(names, (int64_t)2 * T * NAME));
    ein_status status = EIN_NEW(column, 1 + 2 * T);
    if (status == EIN_OK) {
        column[0] = "record";
        for (int j = 0; j < T; j++) {
            ein_model_tasks_label(c->meaning, j, label, sizeof label);
            char *score = names + (size_t)2 * j * NAME, *known = score + NAME;
            snprintf(score, NAME, "score:%s", label);
            snprintf(known, NAME, "label:%s", label);
            column[1 + 2 * j] = score;
            column[2 + 2 * j] = known;
        }
        snprintf(path, sizeof path, "%s/validation_scores.csv", c->folder);
        status = ein_csv_create(path, column, 1 + 2 * T, &csv);
    }
    for (int64_t i = 0; status == EIN_OK && i < c->data.n_valid; i++) {
        ein_csv_put(csv, ein_corpus_record_id(c->all->corpus, c->data.valid[i]));
        for (int j = 0; j < T; j++) {
            ein_csv_put_real(csv, scores[i * T + j]);
            ein_csv_put_real(csv, c->data.targets.value[c->data.valid[i] * T + j]);
        }
        ein_csv_end_row(csv);
    }
    if (status == EIN_OK) status = ein_csv_finish(csv, true);
    free(column);
    free(names);
    return status;
}

static ein_status publish(ein_finetune_cell *c, const ein_layout *layout, const float *arena,
                          const double *scores, const double *logits, char *domain) {
    char path[4200];
    snprintf(path, sizeof path, "%s/model.safetensors", c->folder);
    EIN_TRY(choose_thresholds(c, scores, logits));
    EIN_TRY(write_validation(c, scores));
    return write_arena(c, path, layout, arena, domain);
}

/* --- domain ---------------------------------------------------------------------------------------------- */

/* The (n, width) of a sink. */
typedef struct {
    float *next;
    int64_t width;
} embedded;

static ein_status keep_embeddings(void *self, const float *value, int64_t n) {
    embedded *e = self;
    memcpy(e->next, value, (size_t)(n * e->width) * sizeof *value);
    e->next += n * e->width;
    return EIN_OK;
}

/* Mean embeddings of at most `most` of n records, evenly spaced. Collective. */
static ein_status embed_some(ein_finetune_cell *c, const ein_embedder *e, const int64_t *record, int64_t n,
                             int64_t most, float **out, int64_t *count) {
    int64_t *some = NULL;
    *count = n < most ? n : most;
    *out = NULL;
    ein_status status = EIN_NEW(some, *count + 1);
    if (status == EIN_OK) status = EIN_NEW(*out, *count * e->layout->shape.width + 1);
    for (int64_t i = 0; status == EIN_OK && i < *count; i++)
        some[i] = record[(int64_t)((__int128)i * n / *count)];
    status = ein_comm_agree(ein_finetune_comm(c), status);
    if (status == EIN_OK)
        status = ein_embed_records(
            &(ein_embedding_sink){keep_embeddings, &(embedded){*out, e->layout->shape.width}},
            ein_finetune_comm(c), e, c->all->corpus, some, *count, c->all->threads, NULL);
    free(some);
    return status;
}

/* On rank 0. What cannot be told of these records is told in the log instead. */
static ein_status fit_domain(ein_finetune_cell *c, const float *train, int64_t n, const float *valid,
                             int64_t m, char **out) {
    ein_domain domain;
    ein_status status = ein_domain_fit(&domain, train, n, valid, m, c->shape.width, c->all->threads);
    if (status == EIN_RANGE || status == EIN_NUMERIC) {
        ein_run_log(c->run, "domain: none: %s", ein_error_message());
        return EIN_OK;
    }
    EIN_TRY(status);
    ein_run_log(c->run,
                "domain: embeddings of %" PRId64 " training records, shrinkage %.3f; distances of %" PRId64
                " validation records: median %.2f, 95 %% below %.2f",
                n, domain.shrinkage, m, domain.quantile[50], domain.quantile[95]);
    status = ein_domain_to_json(&domain, out);
    ein_domain_free(&domain);
    return status;
}

/* How far records are from those of training, for the model's file; *out on rank 0 (NULL: not told). Collective. */
static ein_status describe_domain(ein_finetune_cell *c, const ein_layout *layout, const float *arena,
                                  char **out) {
    const ein_embedder e = {.layout = layout,
                            .param = arena,
                            .mean_mv = c->contract.mean_mv,
                            .sd_mv = c->contract.sd_mv,
                            .kind = EIN_EMBED_MEAN};
    const int64_t most = ein_config_int(ein_finetune_config(c), "finetune.domain_records");
    float *train = NULL, *valid = NULL;
    int64_t n, m;
    if (most == 0) return EIN_OK;
    ein_status status = embed_some(c, &e, c->data.train, c->data.n_train, most, &train, &n);
    if (status == EIN_OK) status = embed_some(c, &e, c->data.valid, c->data.n_valid, most, &valid, &m);
    if (status == EIN_OK && ein_comm_rank(ein_finetune_comm(c)) == 0)
        status = fit_domain(c, train, n, valid, m, out);
    free(train);
    free(valid);
    return ein_comm_share(ein_finetune_comm(c), status);
}

/* --- the end --------------------------------------------------------------------------------------------- */

/* Which map each target got, and why; rank 0 has chosen. */
static void log_calibration(const ein_finetune_cell *c) {
    char label[300], text[400];
    for (int j = 0; j < c->meaning->n_targets && ein_comm_rank(ein_finetune_comm(c)) == 0; j++) {
        if (!ein_calibration_text(&c->meaning->calibration[j], text, sizeof text)[0]) continue;
        ein_run_log(c->run, "calibration of %s: %s",
                    ein_model_tasks_label(c->meaning, j, label, sizeof label), text);
    }
}

ein_status ein_finetune_finish(void *self) {
    ein_finetune_cell *c = self;
    ein_layout *layout = NULL;
    float *arena = NULL;
    double *scores = NULL, *logits = NULL;
    char *domain = NULL;
    const int64_t values = c->data.n_valid * c->meaning->n_targets;
    ein_status status = load_best(c, &layout, &arena);
    if (status == EIN_OK) status = EIN_NEW(scores, values);
    if (status == EIN_OK) status = EIN_NEW(logits, values);
    status = ein_comm_agree(ein_finetune_comm(c), status);
    if (status == EIN_OK) {
        const ein_scorer scorer = {.layout = layout,
                                   .param = arena,
                                   .mean_mv = c->contract.mean_mv,
                                   .sd_mv = c->contract.sd_mv,
                                   .tasks = c->meaning->head,
                                   .n_tasks = c->meaning->n_tasks,
                                   .n_targets = c->meaning->n_targets,
                                   .logits = true};
        status = ein_score_records(logits, ein_finetune_comm(c), &scorer, c->all->corpus, c->data.valid,
                                   c->data.n_valid, c->all->threads, NULL);
    }
    if (status == EIN_OK) status = describe_domain(c, layout, arena, &domain);
    if (status == EIN_OK)
        ein_head_score_of_logit(scores, logits, c->meaning->head, c->meaning->n_tasks, c->data.n_valid,
                                c->meaning->n_targets);
    if (status == EIN_OK && ein_comm_rank(ein_finetune_comm(c)) == 0)
        status = publish(c, layout, arena, scores, logits, domain);
    ein_layout_destroy(layout);
    free(arena);
    free(scores);
    free(logits);
    free(domain);
    EIN_TRY(ein_comm_agree(ein_finetune_comm(c), status));
    log_calibration(c);
    ein_run_log(c->run, "model of update %" PRId64 " (%s %.4f) written to %s/model.safetensors",
                c->trainer.state.best_step, ein_finetune_value_name(c), c->trainer.state.best_value,
                c->folder);
    return EIN_OK;
}
