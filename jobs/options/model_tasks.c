#include "jobs/options/model_tasks.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/roc.h"
#include "core/stats/threshold.h"
#include "io/formats/json.h"

enum { VERSION = 1, MOST_TARGETS = EIN_TASKS_MAX * EIN_TASKS_MAX_TARGETS };

/* Heads and names from tasks->tasks. */
static ein_status fill(ein_model_tasks *m) {
    m->n_tasks = m->tasks.n;
    for (int t = 0; t < m->n_tasks; t++) m->n_targets += m->tasks.task[t].n_targets;
    EIN_TRY(EIN_NEW(m->head, m->n_tasks));
    EIN_TRY(EIN_NEW(m->name, m->n_targets));
    EIN_TRY(EIN_NEW(m->task_of, m->n_targets));
    EIN_TRY(EIN_NEW(m->mean, m->n_targets));
    EIN_TRY(EIN_NEW(m->sd, m->n_targets));
    EIN_TRY(EIN_NEW(m->positive_weight, m->n_targets));
    EIN_TRY(EIN_NEW(m->threshold, m->n_targets));
    EIN_TRY(EIN_NEW(m->calibration, m->n_targets));
    for (int t = 0, j = 0; t < m->n_tasks; t++) {
        const ein_task *task = &m->tasks.task[t];
        const int outputs = task->kind == EIN_HEAD_BINARY ? 2 : task->n_targets;
        m->head[t] = (ein_head_task){.kind = task->kind,
                                     .first_target = j,
                                     .n_targets = task->n_targets,
                                     .first_output = m->n_outputs,
                                     .n_outputs = outputs,
                                     .smoothing = task->kind == EIN_HEAD_BINARY ? task->smoothing : 0,
                                     .weight = task->weight,
                                     .positive_weight = m->positive_weight + j,
                                     .mean = m->mean + j,
                                     .sd = m->sd + j};
        m->n_outputs += outputs;
        for (int i = 0; i < task->n_targets; i++, j++) {
            m->name[j] = task->target[i].name;
            m->task_of[j] = t;
            m->sd[j] = m->positive_weight[j] = 1;
            m->threshold[j] = (ein_model_threshold){0, 0, NAN, NAN, NAN};
        }
    }
    return EIN_OK;
}

/* A copy of tasks is what their YAML reads back to. */
static ein_status copy_tasks(const ein_tasks *from, ein_tasks *into) {
    char *yaml;
    EIN_TRY(ein_tasks_to_yaml(from, &yaml));
    const ein_status status = ein_tasks_parse("tasks", yaml, strlen(yaml), NULL, into);
    free(yaml);
    return status;
}

ein_status ein_model_tasks_new(const ein_tasks *tasks, ein_model_tasks **out) {
    ein_model_tasks *m;
    *out = NULL;
    EIN_TRY(EIN_NEW(m, 1));
    ein_status status = copy_tasks(tasks, &m->tasks);
    if (status == EIN_OK) status = fill(m);
    if (status != EIN_OK) {
        ein_model_tasks_destroy(m);
        return status;
    }
    *out = m;
    return EIN_OK;
}

void ein_model_tasks_destroy(ein_model_tasks *m) {
    if (!m) return;
    free(m->head);
    free(m->name);
    free(m->task_of);
    free(m->mean);
    free(m->sd);
    free(m->positive_weight);
    free(m->threshold);
    for (int j = 0; m->calibration && j < m->n_targets; j++) ein_calibration_free(&m->calibration[j]);
    free(m->calibration);
    ein_tasks_free(&m->tasks);
    free(m);
}

void ein_model_tasks_fit(ein_model_tasks *m, const double *mean, const double *sd,
                         const double *positive_weight) {
    const size_t bytes = (size_t)m->n_targets * sizeof *mean;
    memcpy(m->mean, mean, bytes);
    memcpy(m->sd, sd, bytes);
    memcpy(m->positive_weight, positive_weight, bytes);
}

const char *ein_model_tasks_label(const ein_model_tasks *m, int target, char *out, size_t room) {
    const ein_task *task = &m->tasks.task[m->task_of[target]];
    if (task->n_targets == 1)
        snprintf(out, room, "%s", task->name);
    else
        snprintf(out, room, "%s/%s", task->name, m->name[target]);
    return out;
}

/* --- thresholds ------------------------------------------------------------------------------------------ */

/* The midpoint decides the validation records as the chosen score does, and is no patient's score. */
static ein_status choose_by(double *out, const double *score, const int8_t *label, int64_t n,
                            ein_threshold_rule rule) {
    ein_threshold_choice best;
    EIN_TRY(ein_threshold_choose(&best, score, label, n, rule));
    *out = best.state == EIN_STATS_ESTIMABLE ? best.midpoint : NAN;
    return EIN_OK;
}

static ein_status choose(ein_model_threshold *t, const double *score, const int8_t *label, int64_t n) {
    ein_roc_result roc;
    EIN_TRY(ein_roc_auc(&roc, score, label, NULL, n, EIN_ROC_DEFAULTS));
    t->auroc = roc.auc.value;
    EIN_TRY(choose_by(&t->youden, score, label, n, EIN_THRESHOLD_YOUDEN));
    return choose_by(&t->closest, score, label, n, EIN_THRESHOLD_CLOSEST);
}

ein_status ein_model_tasks_choose(ein_model_tasks *m, int target, const double *score, const double *label,
                                  int64_t n) {
    ein_model_threshold *t = &m->threshold[target];
    double *known;
    int8_t *is;
    int64_t count = 0;
    *t = (ein_model_threshold){0, 0, NAN, NAN, NAN};
    EIN_TRY(EIN_NEW(known, n));
    ein_status status = EIN_NEW(is, n);
    for (int64_t i = 0; status == EIN_OK && i < n; i++) {
        if (isnan(label[i])) continue;
        known[count] = score[i];
        is[count++] = label[i] > 0.5;
    }
    if (status == EIN_OK && m->head[m->task_of[target]].kind == EIN_HEAD_REGRESSION) {
        t->positive = count;
    } else if (status == EIN_OK) {
        for (int64_t i = 0; i < count; i++) t->positive += is[i];
        t->negative = count - t->positive;
        if (t->positive > 0 && t->negative > 0) status = choose(t, known, is, count);
    }
    free(known);
    free(is);
    return status;
}

ein_status ein_model_tasks_calibrate(ein_model_tasks *m, int target, const char *asked, const double *logit,
                                     const double *label, int64_t n) {
    ein_calibration_free(&m->calibration[target]);
    if (m->head[m->task_of[target]].kind == EIN_HEAD_REGRESSION) return EIN_OK;
    return ein_calibration_choose(&m->calibration[target], asked, logit, label, n);
}

/* --- JSON ------------------------------------------------------------------------------------------------ */

static json_t *target_to_json(const ein_model_tasks *m, int j) {
    const ein_model_threshold *t = &m->threshold[j];
    const ein_calibration *c = &m->calibration[j];
    const bool known = ein_calibrated(c) || c->reason[0];
    return json_pack("{s:s, s:o, s:o, s:o, s:{s:I, s:I, s:o, s:o, s:o}, s:o*}", "name", m->name[j], "mean",
                     ein_json_number(m->mean[j]), "sd", ein_json_number(m->sd[j]), "positive_weight",
                     ein_json_number(m->positive_weight[j]), "validation", "positive",
                     (json_int_t)t->positive, "negative", (json_int_t)t->negative, "auroc",
                     ein_json_number(t->auroc), "youden", ein_json_number(t->youden), "closest",
                     ein_json_number(t->closest), "calibration", known ? ein_calibration_json(c) : NULL);
}

ein_status ein_model_tasks_to_json(const ein_model_tasks *m, char **out) {
    char *yaml;
    *out = NULL;
    EIN_TRY(ein_tasks_to_yaml(&m->tasks, &yaml));
    json_t *targets = json_array();
    int bad = !targets;
    for (int j = 0; j < m->n_targets && !bad; j++)
        bad = json_array_append_new(targets, target_to_json(m, j)) != 0;
    json_t *root = json_pack("{s:i, s:s, s:o}", "version", VERSION, "tasks", yaml, "targets", targets);
    if (root && !bad) *out = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(root);
    free(yaml);
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for the description of the model's tasks");
}

/* A number, or NaN for null and for what is not there. */
static double get_real(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static ein_status parse_target(const char *path, ein_model_tasks *m, int j, const json_t *object) {
    const char *name = json_string_value(json_object_get(object, "name"));
    const json_t *v = json_object_get(object, "validation");
    if (!name || strcmp(name, m->name[j]) != 0)
        return ein_error(EIN_FORMAT, "%s: einthoven.tasks: target %d is '%.64s', its task says '%s'", path,
                         j + 1, name ? name : "", m->name[j]);
    m->mean[j] = get_real(object, "mean");
    m->sd[j] = get_real(object, "sd");
    m->positive_weight[j] = get_real(object, "positive_weight");
    if (!(isfinite(m->mean[j]) && m->sd[j] > 0 && isfinite(m->sd[j]) && m->positive_weight[j] > 0))
        return ein_error(EIN_FORMAT,
                         "%s: einthoven.tasks: target %s: mean, sd or positive_weight is no possible number",
                         path, name);
    m->threshold[j] =
        (ein_model_threshold){json_integer_value(json_object_get(v, "positive")),
                              json_integer_value(json_object_get(v, "negative")), get_real(v, "auroc"),
                              get_real(v, "youden"), get_real(v, "closest")};
    return ein_error_context(
        ein_calibration_parse(json_object_get(object, "calibration"), &m->calibration[j]),
        "%s: einthoven.tasks: target %s", path, name);
}

static ein_status parse(const char *path, const json_t *root, ein_model_tasks **out) {
    const char *yaml = json_string_value(json_object_get(root, "tasks"));
    const json_t *targets = json_object_get(root, "targets");
    ein_tasks tasks = {0};
    if (!json_is_integer(json_object_get(root, "version")) || !yaml || !json_is_array(targets))
        return ein_error(EIN_FORMAT, "%s: einthoven.tasks lacks version, tasks or targets", path);
    if (json_integer_value(json_object_get(root, "version")) != VERSION)
        return ein_error(EIN_MISMATCH, "%s: einthoven.tasks is of version %lld, this program reads %d", path,
                         (long long)json_integer_value(json_object_get(root, "version")), VERSION);
    EIN_TRY(ein_tasks_parse(path, yaml, strlen(yaml), NULL, &tasks));
    ein_status status = ein_model_tasks_new(&tasks, out);
    ein_tasks_free(&tasks);
    if (status != EIN_OK) return status;
    if ((int64_t)json_array_size(targets) != (*out)->n_targets)
        return ein_error(EIN_FORMAT, "%s: einthoven.tasks has %zu targets, its tasks have %d", path,
                         json_array_size(targets), (*out)->n_targets);
    for (int j = 0; j < (*out)->n_targets; j++)
        EIN_TRY(parse_target(path, *out, j, json_array_get(targets, (size_t)j)));
    return ein_head_check((*out)->head, (*out)->n_tasks, (*out)->n_targets, (*out)->n_outputs);
}

ein_status ein_model_tasks_parse(const char *path, const char *text, ein_model_tasks **out) {
    json_error_t error;
    *out = NULL;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root) return ein_error(EIN_FORMAT, "%s: einthoven.tasks is no JSON: %s", path, error.text);
    const ein_status status = parse(path, root, out);
    json_decref(root);
    if (status != EIN_OK) {
        ein_model_tasks_destroy(*out);
        *out = NULL;
    }
    return status;
}
