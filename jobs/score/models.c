#include "jobs/score/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/tasks/tasks.h"
#include "jobs/options/encoder.h"

static bool is_top(const char *name) {
    return strncmp(name, "fc_norm.", 8) == 0 || strncmp(name, "head.", 5) == 0;
}

/* --- loading --------------------------------------------------------------------------------------------- */

/* Hash of the encoder: all tensors but fc_norm and head, by name and bytes, and the constants of its input. */
static ein_status hash_encoder(const ein_score_model *m, const float *param, char out[EIN_HASH_TEXT_BYTES]) {
    const ein_vit_shape *s = &m->layout->shape;
    const double numbers[] = {m->contract.mean_mv, m->contract.sd_mv, s->patch, s->heads, s->pool, s->lora};
    uint8_t digest[EIN_HASH_BYTES];
    ein_bytes *parts;
    int n = 0;
    EIN_TRY(EIN_NEW(parts, 2 * m->layout->n_tensors + 1));
    parts[n++] = (ein_bytes){numbers, sizeof numbers};
    for (int i = 0; i < m->layout->n_tensors; i++) {
        const ein_tensor *t = &m->layout->tensors[i];
        if (is_top(t->name)) continue;
        parts[n++] = (ein_bytes){t->name, strlen(t->name) + 1};
        parts[n++] = (ein_bytes){param + t->offset, (size_t)t->count * sizeof *param};
    }
    ein_hash_parts(parts, n, digest);
    ein_hex(digest, sizeof digest, out);
    free(parts);
    return EIN_OK;
}

static ein_status keep_top(ein_score_model *m, const float *param) {
    bool *chosen;
    EIN_TRY(EIN_NEW(chosen, m->layout->n_tensors));
    for (int i = 0; i < m->layout->n_tensors; i++) chosen[i] = is_top(m->layout->tensors[i].name);
    ein_status status = ein_layout_select(m->layout, chosen, &m->top);
    free(chosen);
    if (status == EIN_OK) status = EIN_NEW(m->top_param, m->top->arena);
    if (status == EIN_OK) ein_layout_copy(m->top_param, m->top, param, m->layout);
    return status;
}

/* Find the encoder among those that are there, or keep it; takes `param` or frees it. */
static ein_status keep_encoder(ein_score_models *all, int index, float *param) {
    ein_score_model *m = &all->model[index];
    char hash[EIN_HASH_TEXT_BYTES];
    ein_status status = hash_encoder(m, param, hash);
    int e = 0;
    while (status == EIN_OK && e < all->n_encoders && strcmp(all->encoder[e].hash, hash) != 0) e++;
    m->encoder = e;
    if (status != EIN_OK || e < all->n_encoders) {
        free(param);
        return status;
    }
    all->encoder[e].param = param;
    all->encoder[e].mean_mv = m->contract.mean_mv;
    all->encoder[e].sd_mv = m->contract.sd_mv;
    all->encoder[e].model = index;
    memcpy(all->encoder[e].hash, hash, sizeof hash);
    all->n_encoders++;
    return EIN_OK;
}

static ein_status check_contract(const ein_score_models *all, const ein_score_model *m) {
    char difference[1024];
    if (ein_contract_compare(&m->contract, &all->contract, 1, difference, sizeof difference) == 0)
        return EIN_OK;
    return ein_error(EIN_MISMATCH, "%s and %s were made under different contracts: %s; score them one by one",
                     all->model[0].path, m->path, difference);
}

int ein_score_model_targets(const ein_score_model *m) {
    return m->meaning ? m->meaning->n_targets : 0;
}

/* A model that is an encoder alone, for its embeddings. */
static ein_status load_encoder(ein_score_model *m, float **param) {
    ein_encoder encoder;
    EIN_TRY(ein_encoder_open(m->path, 0, &encoder));
    ein_model_info_free(&m->info);
    m->info = encoder.info;
    m->layout = encoder.layout;
    m->contract = encoder.contract;
    memcpy(m->hash, encoder.hash, sizeof m->hash);
    *param = encoder.param;
    if (encoder.has_contract) return EIN_OK;
    return ein_error(EIN_MISMATCH,
                     "%s does not say how its input is prepared (its contract): ingest under the right one "
                     "and use embed",
                     m->path);
}

static ein_status load_classifier(ein_score_model *m, float **param) {
    EIN_TRY(ein_model_tasks_parse(m->path, m->info.tasks, &m->meaning));
    if (m->meaning->n_outputs != m->info.shape.classes)
        return ein_error(EIN_FORMAT, "%s: its tasks have %d outputs, its head %d", m->path,
                         m->meaning->n_outputs, m->info.shape.classes);
    EIN_TRY(ein_error_context(ein_contract_parse(m->info.contract_text, &m->contract), "%s: its contract",
                              m->path));
    EIN_TRY(ein_layout_new(&m->info.shape, EIN_PART_CLASSIFY, &m->layout));
    EIN_TRY(EIN_NEW(m->score, m->meaning->n_targets));
    EIN_TRY(EIN_NEW(m->logit, m->meaning->n_targets));
    EIN_TRY(EIN_NEW(*param, m->layout->arena));
    EIN_TRY(ein_model_load(m->path, m->layout, *param, 1, NULL, 0));
    EIN_TRY(keep_top(m, *param));
    return ein_model_hash(m->path, m->hash);
}

static ein_status load_domain(ein_score_models *all, ein_score_model *m) {
    if (!m->info.domain) return EIN_OK;
    EIN_TRY(ein_domain_parse(m->path, m->info.domain, &m->domain));
    if (m->domain.width != m->layout->shape.width)
        return ein_error(EIN_FORMAT, "%s: its domain is of width %d, its tokens of %d", m->path,
                         m->domain.width, m->layout->shape.width);
    m->distance_value = all->values++;
    return EIN_OK;
}

static ein_status load_into(ein_score_models *all, int index, bool embeds, float **param) {
    ein_score_model *m = &all->model[index];
    EIN_TRY(ein_model_describe(m->path, NULL, &m->info));
    const bool classifies = m->info.parts == EIN_PART_CLASSIFY && m->info.tasks;
    if (!classifies && !embeds)
        return ein_error(
            EIN_MISMATCH, "%s: %s; finetune makes models that can score, and --embedding takes any", m->path,
            m->info.parts == EIN_PART_CLASSIFY ? "does not say what its outputs mean" : "has no head");
    EIN_TRY(classifies ? load_classifier(m, param) : load_encoder(m, param));
    if (index == 0) all->contract = m->contract;
    EIN_TRY(check_contract(all, m));
    m->first_value = all->values;
    if (classifies) all->values += m->layout->shape.classes;
    return load_domain(all, m);
}

static ein_status load(ein_score_models *all, int index, bool embeds) {
    float *param = NULL;
    const ein_status status = load_into(all, index, embeds, &param);
    if (status == EIN_OK) return keep_encoder(all, index, param);
    free(param);
    return status;
}

/* --- names ----------------------------------------------------------------------------------------------- */

static ein_status same_tasks(const ein_score_model *a, const ein_score_model *b, bool *same) {
    char *first = NULL, *second = NULL;
    *same = false;
    if (!a->meaning || !b->meaning) return EIN_OK;
    ein_status status = ein_tasks_to_yaml(&a->meaning->tasks, &first);
    if (status == EIN_OK) status = ein_tasks_to_yaml(&b->meaning->tasks, &second);
    *same = status == EIN_OK && strcmp(first, second) == 0;
    free(first);
    free(second);
    return status;
}

/* Models of one arm and of the same tasks are its seeds: arm_index is the first of them. */
static ein_status find_arm(ein_score_models *all, int index) {
    ein_score_model *m = &all->model[index];
    int of_arm = 1;
    m->arm_index = index;
    for (int i = 0; i < index; i++) {
        bool same = false;
        if (strcmp(all->model[i].hash, m->hash) == 0)
            return ein_error(EIN_USAGE, "score.models: %s and %s are the same model; name each once",
                             all->model[i].path, m->path);
        if (strcmp(all->model[i].arm, m->arm) != 0) continue;
        of_arm++;
        if (m->arm_index == index) EIN_TRY(same_tasks(&all->model[i], m, &same));
        if (same) m->arm_index = i;
    }
    if (of_arm > 1)
        snprintf(m->name, sizeof m->name, "%.63s.%d", m->arm, of_arm);
    else
        snprintf(m->name, sizeof m->name, "%.63s", m->arm);
    for (int i = 0; i < index; i++)
        if (strcmp(all->model[i].name, m->name) == 0)
            return ein_error(EIN_USAGE, "score.models: two models would be called %s; rename an arm",
                             m->name);
    return EIN_OK;
}

static int seeds_of(const ein_score_models *all, int first) {
    int n = 0;
    for (int i = 0; i < all->n; i++) n += all->model[i].arm_index == first;
    return n;
}

/* --- columns --------------------------------------------------------------------------------------------- */

static void add_column(ein_score_models *all, ein_score_column_kind kind, int model, int target) {
    static const char *const kinds[] = {"logit",    "probability", "positive", "value",
                                        "distance", "percentile",  "mean",     "sd"};
    const ein_score_model *m = &all->model[model];
    ein_score_column *c = &all->column[all->n_columns++];
    char label[300] = "";
    if (target >= 0) ein_model_tasks_label(m->meaning, target, label, sizeof label);
    snprintf(c->name, sizeof c->name, "%s:%s%s%.280s", kinds[kind],
             kind >= EIN_COLUMN_MEAN ? m->arm : m->name, target >= 0 ? ":" : "", label);
    c->kind = kind;
    c->model = model;
    c->target = target;
}

static int compare_columns(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static ein_status check_columns(const ein_score_models *all) {
    const char **name;
    EIN_TRY(EIN_NEW(name, all->n_columns));
    for (int i = 0; i < all->n_columns; i++) name[i] = all->column[i].name;
    qsort(name, (size_t)all->n_columns, sizeof *name, compare_columns);
    ein_status status = EIN_OK;
    for (int i = 1; status == EIN_OK && i < all->n_columns; i++)
        if (strcmp(name[i - 1], name[i]) == 0)
            status =
                ein_error(EIN_USAGE,
                          "score.models: two columns would be called %s; name the models: ARM=FILE", name[i]);
    free(name);
    return status;
}

static void add_model_columns(ein_score_models *all, int model) {
    const ein_score_model *m = &all->model[model];
    for (int j = 0; j < ein_score_model_targets(m); j++) {
        if (m->meaning->head[m->meaning->task_of[j]].kind == EIN_HEAD_REGRESSION) {
            add_column(all, EIN_COLUMN_VALUE, model, j);
        } else {
            add_column(all, EIN_COLUMN_LOGIT, model, j);
            add_column(all, EIN_COLUMN_PROBABILITY, model, j);
            add_column(all, EIN_COLUMN_POSITIVE, model, j);
        }
    }
    if (m->domain.width > 0) {
        add_column(all, EIN_COLUMN_DISTANCE, model, -1);
        add_column(all, EIN_COLUMN_PERCENTILE, model, -1);
    }
}

static ein_status make_columns(ein_score_models *all) {
    int most = 0;
    for (int i = 0; i < all->n; i++) most += 5 * ein_score_model_targets(&all->model[i]) + 2;
    EIN_TRY(EIN_NEW(all->column, most));
    for (int i = 0; i < all->n; i++) add_model_columns(all, i);
    for (int i = 0; i < all->n; i++) {
        if (all->model[i].arm_index != i || seeds_of(all, i) < 2) continue;
        for (int j = 0; j < ein_score_model_targets(&all->model[i]); j++) {
            add_column(all, EIN_COLUMN_MEAN, i, j);
            add_column(all, EIN_COLUMN_SD, i, j);
        }
    }
    return check_columns(all);
}

static ein_status plan_embedding(ein_score_models *all, const char *name) {
    if (!name) return EIN_OK;
    const ein_score_model *m = &all->model[0];
    EIN_TRY(ein_embedding_parse(name, &all->embedding));
    if (all->n_encoders > 1)
        return ein_error(EIN_USAGE, "score.embedding: these models have %d encoders; embeddings are of one",
                         all->n_encoders);
    EIN_TRY(ein_embedding_check(all->embedding, m->path, m->layout));
    all->embedding_width = m->layout->shape.width;
    all->embedding_value = all->values;
    all->values += all->embedding_width;
    return EIN_OK;
}

ein_status ein_score_models_load(const char *const *specs, int n, const ein_score_models_options *options,
                                 ein_score_models **out) {
    ein_score_models *all = NULL;
    *out = NULL;
    if (n < 1) return ein_error(EIN_USAGE, "no model is named: give --model FILE, made by finetune");
    if (n > EIN_SCORE_MOST_MODELS)
        return ein_error(EIN_USAGE, "score.models: %d; at most %d are taken", n, EIN_SCORE_MOST_MODELS);
    EIN_TRY(EIN_NEW(all, 1));
    ein_status status = EIN_NEW(all->model, n);
    if (status == EIN_OK) status = ein_calloc(&all->encoder, n, (int64_t)sizeof *all->encoder, "encoders");
    all->closest = options->closest;
    for (int i = 0; status == EIN_OK && i < n; i++) {
        all->n = i + 1;
        status = ein_model_arm_parse("score.models", specs[i], all->model[i].arm, &all->model[i].path);
        if (status == EIN_OK) status = load(all, i, options->embedding != NULL);
        if (status == EIN_OK) status = find_arm(all, i);
    }
    if (status == EIN_OK) status = plan_embedding(all, options->embedding);
    if (status == EIN_OK) status = make_columns(all);
    for (int e = 0; status == EIN_OK && e < all->n_encoders; e++)
        status = ein_packed_make(all->model[all->encoder[e].model].layout, false, all->encoder[e].param, 1,
                                 &all->encoder[e].packed);
    if (status == EIN_OK)
        *out = all;
    else
        ein_score_models_destroy(all);
    return status;
}

void ein_score_models_destroy(ein_score_models *all) {
    if (!all) return;
    for (int i = 0; i < all->n; i++) {
        ein_score_model *m = &all->model[i];
        ein_model_info_free(&m->info);
        ein_model_tasks_destroy(m->meaning);
        ein_domain_free(&m->domain);
        ein_layout_destroy(m->layout);
        ein_layout_destroy(m->top);
        free(m->top_param);
        free(m->score);
        free(m->logit);
    }
    for (int e = 0; e < all->n_encoders; e++) {
        ein_packed_destroy(all->encoder[e].packed);
        free(all->encoder[e].param);
    }
    free(all->model);
    free(all->encoder);
    free(all->column);
    free(all);
}

/* --- rows ------------------------------------------------------------------------------------------------ */

/* The probability of a target: by the model's calibration, or the logistic of its logit; of a regression its value. */
static double probability_of(const ein_score_model *m, int target) {
    const ein_calibration *c = &m->meaning->calibration[target];
    return ein_calibrated(c) ? ein_calibrate(c, m->logit[target]) : m->score[target];
}

static double positive_of(const ein_score_models *all, const ein_score_model *m, int target) {
    const ein_model_threshold *t = &m->meaning->threshold[target];
    const double threshold = all->closest ? t->closest : t->youden;
    return isnan(threshold) ? NAN : m->score[target] >= threshold;
}

/* Mean or SD over the seeds of an arm. */
static double over_seeds(const ein_score_models *all, const ein_score_column *c) {
    double sum = 0, squares = 0;
    int n = 0;
    for (int i = 0; i < all->n; i++)
        if (all->model[i].arm_index == c->model) {
            sum += probability_of(&all->model[i], c->target);
            n++;
        }
    const double mean = sum / n;
    if (c->kind == EIN_COLUMN_MEAN) return mean;
    for (int i = 0; i < all->n; i++)
        if (all->model[i].arm_index == c->model) {
            const double d = probability_of(&all->model[i], c->target) - mean;
            squares += d * d;
        }
    return sqrt(squares / (n - 1));
}

void ein_score_models_row(ein_score_models *all, const float *value, double *row) {
    for (int i = 0; i < all->n; i++) {
        ein_score_model *m = &all->model[i];
        const ein_model_tasks *t = m->meaning;
        if (!t) continue;
        head_score(m->score, value + m->first_value, t->head, t->n_tasks, 1, t->n_targets, t->n_outputs);
        head_logit(m->logit, value + m->first_value, t->head, t->n_tasks, 1, t->n_targets, t->n_outputs);
    }
    for (int i = 0; i < all->n_columns; i++) {
        const ein_score_column *c = &all->column[i];
        const ein_score_model *m = &all->model[c->model];
        if (c->kind == EIN_COLUMN_LOGIT)
            row[i] = m->logit[c->target];
        else if (c->kind == EIN_COLUMN_POSITIVE)
            row[i] = positive_of(all, m, c->target);
        else if (c->kind == EIN_COLUMN_DISTANCE)
            row[i] = value[m->distance_value];
        else if (c->kind == EIN_COLUMN_PERCENTILE)
            row[i] = ein_domain_percentile(&m->domain, value[m->distance_value]);
        else if (c->kind == EIN_COLUMN_PROBABILITY || c->kind == EIN_COLUMN_VALUE)
            row[i] = probability_of(m, c->target);
        else
            row[i] = over_seeds(all, c);
    }
}
