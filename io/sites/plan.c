/* A signed body as a plan, and what no schema can say about it. */
#include "io/sites/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"

/* --- dates ------------------------------------------------------------------------------------------------ */

ein_status ein_date_check(const char *text) {
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y = 0, m = 0, d = 0, end = 0;
    if (strlen(text) == 10 && sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &end) == 3 && end == 10 && m >= 1 &&
        m <= 12 && d >= 1 && d <= days[m - 1] && strspn(text, "0123456789-") == 10)
        return EIN_OK;
    return ein_error(EIN_USAGE, "\"%.20s\" is no date; write it as 2027-06-30", text);
}

void ein_date_today(char out[11]) {
    char now[EIN_CLOCK_TIME_BYTES];
    ein_clock_time(now);
    snprintf(out, 11, "%.10s", now);
}

/* --- the parts -------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static double real_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return value ? json_number_value(value) : NAN;
}

static ein_status twice(const char *name, const char *what, const char *which) {
    return ein_error(EIN_FORMAT, "%s: %s \"%.60s\" is there twice", name, what, which);
}

static ein_status take_models(ein_plan *p, const char *name) {
    const json_t *list = json_object_get(p->file.body, "models"), *one;
    size_t i;
    json_array_foreach(list, i, one) {
        p->model[i] = (ein_plan_model){text_of(one, "name"), text_of(one, "hash"),
                                       json_is_true(json_object_get(one, "probabilities"))};
        for (size_t j = 0; j < i; j++)
            if (!strcmp(p->model[i].name, p->model[j].name))
                return twice(name, "the model", p->model[i].name);
        for (size_t j = 0; j < i; j++)
            if ((p->model[i].hash == NULL) != (p->model[j].hash == NULL))
                return ein_error(EIN_FORMAT,
                                 "%s: models: either all have a file or none: a site runs one way", name);
    }
    p->n_models = (int)json_array_size(list);
    return EIN_OK;
}

static ein_status take_numbers(const char *name, const char *what, const json_t *list, double *out) {
    const json_t *one;
    size_t i;
    json_array_foreach(list, i, one) {
        out[i] = json_number_value(one);
        if (i > 0 && !(out[i] > out[i - 1]))
            return ein_error(EIN_FORMAT, "%s: %s must ascend: %.9g follows %.9g", name, what, out[i],
                             out[i - 1]);
    }
    return EIN_OK;
}

static ein_status take_thresholds(ein_plan_task *t, const char *name, const json_t *list) {
    const json_t *one;
    size_t i;
    json_array_foreach(list, i, one) {
        t->threshold[i] = -1;
        for (int e = 0; e < t->n_edges; e++)
            if (t->edge[e] == json_number_value(one)) t->threshold[i] = e;
        if (t->threshold[i] < 0)
            return ein_error(EIN_FORMAT, "%s: task %s: the threshold %.9g is no edge of its bins", name,
                             t->name, json_number_value(one));
        if (i > 0 && t->threshold[i] <= t->threshold[i - 1])
            return ein_error(EIN_FORMAT, "%s: task %s: thresholds must ascend", name, t->name);
    }
    return EIN_OK;
}

static ein_status take_task(ein_plan *p, const char *name, ein_plan_task *t, const json_t *one) {
    const json_t *edges = json_object_get(one, "edges"), *thresholds = json_object_get(one, "thresholds"),
                 *scores = json_object_get(one, "scores");
    t->name = text_of(one, "name");
    t->label = text_of(one, "label");
    t->quantity = !strcmp(text_of(one, "kind"), "quantity");
    t->n_edges = (int)json_array_size(edges);
    t->n_thresholds = (int)json_array_size(thresholds);
    if ((int)json_array_size(scores) != p->n_models)
        return ein_error(EIN_FORMAT, "%s: task %s: %zu columns of scores for %d models", name, t->name,
                         json_array_size(scores), p->n_models);
    for (int m = 0; m < p->n_models; m++) {
        t->score[m] = json_string_value(json_array_get(scores, (size_t)m));
        for (int k = 0; k < m; k++)
            if (!strcmp(t->score[m], t->score[k])) return twice(name, "the column of scores", t->score[m]);
    }
    if (!t->quantity && t->n_edges < 1)
        return ein_error(EIN_FORMAT, "%s: task %s: no edges of bins", name, t->name);
    EIN_TRY(EIN_NEW(t->edge, t->n_edges + 1));
    EIN_TRY(EIN_NEW(t->threshold, t->n_thresholds + 1));
    EIN_TRY(take_numbers(name, "edges", edges, t->edge));
    return take_thresholds(t, name, thresholds);
}

static ein_status take_tasks(ein_plan *p, const char *name) {
    const json_t *list = json_object_get(p->file.body, "tasks");
    const int n = (int)json_array_size(list);
    for (int i = 0; i < n; i++) {
        ein_plan_task *t = &p->task[p->n_tasks++];
        EIN_TRY(take_task(p, name, t, json_array_get(list, (size_t)i)));
        for (int k = 0; k < i; k++) {
            if (!strcmp(t->name, p->task[k].name)) return twice(name, "the task", t->name);
            if (!strcmp(t->label, p->task[k].label))
                return ein_error(
                    EIN_FORMAT,
                    "%s: tasks %s and %s have one column of labels; bins of both would show by their "
                    "difference who lies between them: give one task several models instead",
                    name, p->task[k].name, t->name);
        }
    }
    return EIN_OK;
}

static ein_status take_groupings(ein_plan *p, const char *name) {
    const json_t *list = json_object_get(p->file.body, "subgroups"), *one, *value;
    size_t i, k;
    json_array_foreach(list, i, one) {
        ein_plan_grouping *g = &p->grouping[p->n_groupings++];
        const json_t *values = json_object_get(one, "values"), *cuts = json_object_get(one, "cuts");
        g->column = text_of(one, "column");
        if (!values == !cuts)
            return ein_error(EIN_FORMAT, "%s: subgroups of %s: either values or cuts", name, g->column);
        g->n_cuts = (int)json_array_size(cuts);
        g->n_groups = values ? (int)json_array_size(values) : g->n_cuts + 1;
        EIN_TRY(take_numbers(name, "cuts", cuts, g->cut));
        json_array_foreach(values, k, value) {
            g->value[k] = json_string_value(value);
            for (size_t j = 0; j < k; j++)
                if (!strcmp(g->value[k], g->value[j])) return twice(name, "the subgroup", g->value[k]);
        }
        for (size_t j = 0; j < i; j++)
            if (!strcmp(g->column, p->grouping[j].column))
                return ein_error(
                    EIN_FORMAT,
                    "%s: the column %s makes two sets of subgroups, whose differences would be small groups",
                    name, g->column);
    }
    return EIN_OK;
}

static ein_status take_criteria(ein_plan *p, const char *name) {
    const json_t *list = json_object_get(json_object_get(p->file.body, "cohort"), "require"), *one;
    size_t i;
    json_array_foreach(list, i, one) {
        ein_plan_criterion *c = &p->criterion[p->n_criteria++];
        *c = (ein_plan_criterion){text_of(one, "column"), json_object_get(one, "values"),
                                  real_of(one, "at_least"), real_of(one, "below")};
        if (!c->values && isnan(c->at_least) && isnan(c->below))
            return ein_error(EIN_FORMAT, "%s: cohort: %s: neither values nor at_least nor below", name,
                             c->column);
    }
    return EIN_OK;
}

static int find_named(const char *wanted, int n, const char *(*name)(const ein_plan *, int),
                      const ein_plan *p) {
    for (int i = 0; i < n; i++)
        if (!strcmp(wanted, name(p, i))) return i;
    return -1;
}
static const char *task_name(const ein_plan *p, int i) {
    return p->task[i].name;
}
static const char *model_name(const ein_plan *p, int i) {
    return p->model[i].name;
}

static ein_status take_pooled_one(ein_plan *p, const char *name, ein_plan_pooled *q, const json_t *one) {
    const json_t *first = json_object_get(one, "first"), *positive = json_object_get(one, "positive"),
                 *negative = json_object_get(one, "negative");
    const size_t n = json_array_size(first);
    q->task = find_named(text_of(one, "task"), p->n_tasks, task_name, p);
    q->model = find_named(text_of(one, "model"), p->n_models, model_name, p);
    if (q->task < 0 || q->model < 0)
        return ein_error(EIN_FORMAT, "%s: pooled counts of a task or model that the plan has not", name);
    if (json_array_size(positive) != n || json_array_size(negative) != n)
        return ein_error(EIN_FORMAT, "%s: pooled counts of task %s: lists of different lengths", name,
                         p->task[q->task].name);
    q->n_bins = (int)n;
    EIN_TRY(EIN_NEW(q->first, n));
    EIN_TRY(EIN_NEW(q->positive, n));
    EIN_TRY(EIN_NEW(q->negative, n));
    for (size_t b = 0; b < n; b++) {
        q->first[b] = (int)json_integer_value(json_array_get(first, b));
        q->positive[b] = (int64_t)json_integer_value(json_array_get(positive, b));
        q->negative[b] = (int64_t)json_integer_value(json_array_get(negative, b));
        if (q->first[b] > p->task[q->task].n_edges ||
            (b == 0 ? q->first[b] != 0 : q->first[b] <= q->first[b - 1]))
            return ein_error(EIN_FORMAT, "%s: pooled counts of task %s: bins out of order", name,
                             p->task[q->task].name);
    }
    return EIN_OK;
}

static ein_status take_pooled(ein_plan *p, const char *name) {
    const json_t *list = json_object_get(p->file.body, "pooled"), *one;
    size_t i;
    const bool further = p->round > 1,
               recalibrates = json_is_array(json_object_get(p->file.body, "recalibration"));
    if (further != (json_is_array(list) || recalibrates) || (json_is_array(list) && recalibrates) ||
        further != (p->previous != NULL) || p->round > p->rounds)
        return ein_error(EIN_FORMAT, "%s: round %d of %d, %s pooled counts and %s earlier plan do not fit",
                         name, p->round, p->rounds, json_is_array(list) ? "with" : "without",
                         p->previous ? "with an" : "without an");
    if (!json_is_array(list)) return EIN_OK;
    EIN_TRY(EIN_NEW(p->pooled, json_array_size(list) + 1));
    json_array_foreach(list, i, one) {
        p->n_pooled++;
        EIN_TRY(take_pooled_one(p, name, &p->pooled[i], one));
        for (size_t j = 0; j < i; j++)
            if (p->pooled[i].task == p->pooled[j].task && p->pooled[i].model == p->pooled[j].model)
                return twice(name, "pooled counts of task", p->task[p->pooled[i].task].name);
    }
    return EIN_OK;
}

static ein_status take_recalibration(ein_plan *p, const char *name) {
    const json_t *list = json_object_get(p->file.body, "recalibration"), *one;
    size_t i;
    if (!json_is_array(list)) return EIN_OK;
    EIN_TRY(EIN_NEW(p->recalibration, json_array_size(list) + 1));
    json_array_foreach(list, i, one) {
        const ein_plan_coefficients c = {find_named(text_of(one, "task"), p->n_tasks, task_name, p),
                                         find_named(text_of(one, "model"), p->n_models, model_name, p),
                                         real_of(one, "intercept"), real_of(one, "slope")};
        if (c.task < 0 || c.model < 0 || p->task[c.task].quantity || !p->model[c.model].probabilities)
            return ein_error(
                EIN_FORMAT,
                "%s: recalibration of a task or model that the plan has not, or that has no probabilities",
                name);
        if (ein_plan_coefficients_of(p, c.task, c.model))
            return twice(name, "recalibration of task", p->task[c.task].name);
        p->recalibration[p->n_recalibration++] = c;
    }
    return EIN_OK;
}

const ein_plan_coefficients *ein_plan_coefficients_of(const ein_plan *p, int task, int model) {
    for (int i = 0; i < p->n_recalibration; i++)
        if (p->recalibration[i].task == task && p->recalibration[i].model == model)
            return &p->recalibration[i];
    return NULL;
}

static ein_status check_sites(const ein_plan *p, const char *name) {
    const json_t *list = json_object_get(p->file.body, "sites");
    for (size_t i = 0; i < json_array_size(list); i++)
        for (size_t j = 0; j < i; j++) {
            const json_t *a = json_array_get(list, i), *b = json_array_get(list, j);
            if (!strcmp(text_of(a, "name"), text_of(b, "name")) ||
                !strcmp(text_of(a, "key"), text_of(b, "key")))
                return twice(name, "the site, or its key,", text_of(a, "name"));
        }
    return EIN_OK;
}

/* --- noise ------------------------------------------------------------------------------------------------- */

ein_status ein_plan_noise_of(ein_plan_noise *out, const char *name, const json_t *body) {
    const json_t *one = json_object_get(body, "noise");
    *out = (ein_plan_noise){0};
    if (!one) return EIN_OK;
    const double epsilon = 1000 * real_of(one, "epsilon");
    *out = (ein_plan_noise){llround(epsilon), json_integer_value(json_object_get(one, "records"))};
    if (fabs(epsilon - (double)out->thousandths) < 1e-6) return EIN_OK;
    return ein_error(EIN_FORMAT, "%s: noise: epsilon %.9g is not of whole thousandths", name, epsilon / 1000);
}

int64_t ein_plan_noise_tables(const ein_plan *p) {
    int64_t n = 0;
    for (int t = 0; t < p->n_tasks; t++) n += p->task[t].quantity ? 0 : p->n_models + p->n_groupings;
    return n;
}

void ein_plan_noise_rate(int64_t *numerator, int64_t *denominator, const ein_plan *p, ein_plan_noise noise) {
    *numerator = noise.thousandths;
    *denominator = 1000 * noise.records * ein_plan_noise_tables(p);
}

static ein_status take_noise(ein_plan *p, const char *name) {
    EIN_TRY(ein_plan_noise_of(&p->noise, name, p->file.body));
    if (!p->noise.thousandths) return EIN_OK;
    if (p->rounds > 1)
        return ein_error(EIN_FORMAT,
                         "%s: noise: further rounds need exact counts; make it a plan of one round", name);
    if (ein_plan_noise_tables(p) > 0) return EIN_OK;
    return ein_error(EIN_FORMAT, "%s: noise: there is no task of counts", name);
}

/* --- the whole -------------------------------------------------------------------------------------------- */

static ein_status check_dates(const ein_plan *p, const char *name) {
    const char *created = text_of(p->file.body, "created");
    if (ein_date_check(created) != EIN_OK || ein_date_check(p->expires) != EIN_OK)
        return ein_error(EIN_FORMAT, "%s: %s and %s: one of them is no date of the calendar", name, created,
                         p->expires);
    if (strcmp(created, p->expires) <= 0) return EIN_OK;
    return ein_error(EIN_FORMAT, "%s: expires on %s, before it was made (%s)", name, p->expires, created);
}

static ein_status take(ein_plan *p, const char *name) {
    const json_t *body = p->file.body;
    p->name = text_of(body, "name");
    p->purpose = text_of(body, "purpose");
    p->expires = text_of(body, "expires");
    p->cohort = text_of(json_object_get(body, "cohort"), "text");
    p->record = text_of(body, "record");
    p->patient = text_of(body, "patient");
    p->previous = text_of(body, "previous");
    p->contract_hash = text_of(body, "contract_hash");
    p->round = (int)json_integer_value(json_object_get(body, "round"));
    p->rounds = (int)json_integer_value(json_object_get(body, "rounds"));
    p->minimum_cell = json_integer_value(json_object_get(body, "minimum_cell"));
    p->largest_bound = real_of(body, "largest_bound");
    p->n_sites = (int)json_array_size(json_object_get(body, "sites"));
    EIN_TRY(check_dates(p, name));
    EIN_TRY(take_models(p, name));
    EIN_TRY(take_tasks(p, name));
    EIN_TRY(take_groupings(p, name));
    EIN_TRY(take_criteria(p, name));
    EIN_TRY(check_sites(p, name));
    EIN_TRY(take_noise(p, name));
    EIN_TRY(take_recalibration(p, name));
    return take_pooled(p, name);
}

void ein_plan_free(ein_plan *p) {
    if (!p) return;
    for (int t = 0; t < p->n_tasks; t++) {
        free(p->task[t].edge);
        free(p->task[t].threshold);
    }
    for (int i = 0; i < p->n_pooled; i++) {
        free(p->pooled[i].first);
        free(p->pooled[i].positive);
        free(p->pooled[i].negative);
    }
    free(p->pooled);
    free(p->recalibration);
    ein_signed_free(&p->file);
    free(p);
}

static ein_status take_file(const char *name, ein_signed *file, ein_plan **out) {
    ein_plan *p = NULL;
    ein_status status = EIN_NEW(p, 1);
    if (status != EIN_OK) {
        ein_signed_free(file);
        return status;
    }
    p->file = *file;
    status = take(p, name);
    if (status == EIN_OK)
        *out = p;
    else
        ein_plan_free(p);
    return status;
}

ein_status ein_plan_check_body(const char *name, const json_t *body) {
    ein_plan *p = NULL;
    EIN_TRY(ein_signed_check_body(&ein_signed_plan, name, body));
    ein_signed file = {.body = json_incref((json_t *)(uintptr_t)body)};
    EIN_TRY(take_file(name, &file, &p));
    ein_plan_free(p);
    return EIN_OK;
}

ein_status ein_plan_parse(const char *name, const char *text, size_t bytes, ein_plan **out) {
    ein_signed file;
    *out = NULL;
    EIN_TRY(ein_signed_parse(&ein_signed_plan, name, text, bytes, &file));
    return take_file(name, &file, out);
}

ein_status ein_plan_read(const char *path, ein_plan **out) {
    ein_signed file;
    *out = NULL;
    EIN_TRY(ein_signed_read(&ein_signed_plan, path, &file));
    return take_file(path, &file, out);
}

const char *ein_plan_site_key(const ein_plan *p, const char *site) {
    const json_t *list = json_object_get(p->file.body, "sites"), *one;
    size_t i;
    json_array_foreach(list, i, one) if (!strcmp(text_of(one, "name"), site)) return text_of(one, "key");
    return NULL;
}
