#include "jobs/score/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/corpus/store.h"
#include "io/tasks/tasks.h"

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

static ein_status load(ein_score_models *all, int index) {
    ein_score_model *m = &all->model[index];
    float *param = NULL;
    EIN_TRY(ein_model_describe(m->path, NULL, &m->info));
    if (m->info.parts != EIN_PART_CLASSIFY || !m->info.tasks)
        return ein_error(EIN_MISMATCH, "%s: %s; finetune makes models that can score", m->path,
                         m->info.parts == EIN_PART_CLASSIFY ? "does not say what its outputs mean"
                                                            : "has no head");
    EIN_TRY(ein_model_tasks_parse(m->path, m->info.tasks, &m->meaning));
    if (m->meaning->n_outputs != m->info.shape.classes)
        return ein_error(EIN_FORMAT, "%s: its tasks have %d outputs, its head %d", m->path,
                         m->meaning->n_outputs, m->info.shape.classes);
    EIN_TRY(ein_error_context(ein_contract_parse(m->info.contract_text, &m->contract), "%s: its contract",
                              m->path));
    if (index == 0) all->contract = m->contract;
    EIN_TRY(check_contract(all, m));
    EIN_TRY(ein_layout_new(&m->info.shape, EIN_PART_CLASSIFY, &m->layout));
    EIN_TRY(EIN_NEW(m->score, m->meaning->n_targets));
    EIN_TRY(EIN_NEW(m->logit, m->meaning->n_targets));
    EIN_TRY(EIN_NEW(param, m->layout->arena));
    ein_status status = ein_model_load(m->path, m->layout, param, 1, NULL, 0);
    if (status == EIN_OK) status = ein_model_hash(m->path, m->hash);
    if (status == EIN_OK) status = keep_top(m, param);
    if (status != EIN_OK) {
        free(param);
        return status;
    }
    m->first_value = all->values;
    all->values += m->layout->shape.classes;
    return keep_encoder(all, index, param);
}

/* --- names ----------------------------------------------------------------------------------------------- */

static ein_status same_tasks(const ein_score_model *a, const ein_score_model *b, bool *same) {
    char *first = NULL, *second = NULL;
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
    static const char *const kinds[] = {"logit", "probability", "positive", "value", "mean", "sd"};
    const ein_score_model *m = &all->model[model];
    ein_score_column *c = &all->column[all->n_columns++];
    char label[300];
    ein_model_tasks_label(m->meaning, target, label, sizeof label);
    snprintf(c->name, sizeof c->name, "%s:%s:%.280s", kinds[kind], kind >= EIN_COLUMN_MEAN ? m->arm : m->name,
             label);
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

static ein_status make_columns(ein_score_models *all) {
    int most = 0;
    for (int i = 0; i < all->n; i++) most += 5 * all->model[i].meaning->n_targets;
    EIN_TRY(EIN_NEW(all->column, most));
    for (int i = 0; i < all->n; i++) {
        const ein_model_tasks *t = all->model[i].meaning;
        for (int j = 0; j < t->n_targets; j++) {
            if (t->head[t->task_of[j]].kind == EIN_HEAD_REGRESSION) {
                add_column(all, EIN_COLUMN_VALUE, i, j);
            } else {
                add_column(all, EIN_COLUMN_LOGIT, i, j);
                add_column(all, EIN_COLUMN_PROBABILITY, i, j);
                add_column(all, EIN_COLUMN_POSITIVE, i, j);
            }
        }
    }
    for (int i = 0; i < all->n; i++) {
        if (all->model[i].arm_index != i || seeds_of(all, i) < 2) continue;
        for (int j = 0; j < all->model[i].meaning->n_targets; j++) {
            add_column(all, EIN_COLUMN_MEAN, i, j);
            add_column(all, EIN_COLUMN_SD, i, j);
        }
    }
    return check_columns(all);
}

ein_status ein_score_models_load(const char *const *specs, int n, bool closest, ein_score_models **out) {
    ein_score_models *all = NULL;
    *out = NULL;
    if (n < 1) return ein_error(EIN_USAGE, "no model is named: give --model FILE, made by finetune");
    if (n > EIN_SCORE_MOST_MODELS)
        return ein_error(EIN_USAGE, "score.models: %d; at most %d are taken", n, EIN_SCORE_MOST_MODELS);
    EIN_TRY(EIN_NEW(all, 1));
    ein_status status = EIN_NEW(all->model, n);
    if (status == EIN_OK) status = ein_calloc(&all->encoder, n, (int64_t)sizeof *all->encoder, "encoders");
    all->closest = closest;
    for (int i = 0; status == EIN_OK && i < n; i++) {
        all->n = i + 1;
        status = ein_model_arm_parse("score.models", specs[i], all->model[i].arm, &all->model[i].path);
        if (status == EIN_OK) status = load(all, i);
        if (status == EIN_OK) status = find_arm(all, i);
    }
    if (status == EIN_OK) status = make_columns(all);
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
        ein_layout_destroy(m->layout);
        ein_layout_destroy(m->top);
        free(m->top_param);
        free(m->score);
        free(m->logit);
    }
    for (int e = 0; e < all->n_encoders; e++) free(all->encoder[e].param);
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
        else if (c->kind == EIN_COLUMN_PROBABILITY || c->kind == EIN_COLUMN_VALUE)
            row[i] = probability_of(m, c->target);
        else
            row[i] = over_seeds(all, c);
    }
}

/* --- one thread's room ----------------------------------------------------------------------------------- */

struct ein_score_room {
    const ein_score_models *models;
    ein_classify **cl; /* (models) */
    float *x, *prefix;
};

ein_status ein_score_room_new(const ein_score_models *all, ein_score_room **out) {
    ein_score_room *r = NULL;
    int64_t prefix = 0;
    *out = NULL;
    EIN_TRY(EIN_NEW(r, 1));
    r->models = all;
    ein_status status = EIN_NEW(r->cl, all->n);
    for (int i = 0; status == EIN_OK && i < all->n; i++) {
        const ein_score_model *m = &all->model[i];
        const int64_t values = ein_classify_prefix_values(m->layout, m->top);
        prefix = values > prefix ? values : prefix;
        status = ein_classify_new(m->layout, m->top, 1, false, &r->cl[i]);
    }
    if (status == EIN_OK) status = EIN_NEW(r->prefix, prefix);
    if (status == EIN_OK) status = EIN_NEW(r->x, all->contract.n_leads * all->contract.n_samples);
    if (status == EIN_OK)
        *out = r;
    else
        ein_score_room_destroy(r);
    return status;
}

void ein_score_room_destroy(ein_score_room *r) {
    if (!r) return;
    for (int i = 0; r->cl && i < r->models->n; i++) ein_classify_destroy(r->cl[i]);
    free(r->cl);
    free(r->x);
    free(r->prefix);
    free(r);
}

bool ein_score_room_run(ein_score_room *r, const int16_t *counts, float scale, float *value) {
    const ein_score_models *all = r->models;
    const int64_t n = all->contract.n_leads * all->contract.n_samples;
    for (int e = 0; e < all->n_encoders; e++) {
        const float *param = all->encoder[e].param;
        ein_counts_input(r->x, counts, scale, (float)all->encoder[e].mean_mv,
                         (float)(1.0 / all->encoder[e].sd_mv), n);
        ein_classify_prefix(r->cl[all->encoder[e].model], r->prefix, param, r->x);
        for (int i = 0; i < all->n; i++) {
            const ein_score_model *m = &all->model[i];
            if (m->encoder == e)
                ein_classify_forward(r->cl[i], value + m->first_value, param, m->top_param, r->prefix);
        }
    }
    bool finite = true;
    for (int64_t i = 0; i < all->values; i++) finite = finite && isfinite(value[i]);
    return finite;
}
