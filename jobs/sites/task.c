/* One task of a site's result, and the whole. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/components.h"
#include "jobs/sites/build.h"

/* What one task's parts share. */
typedef struct {
    ein_site_build *b;
    const ein_site_cases *c;
    int task;
    ein_site_bins bins[EIN_PLAN_MOST_MODELS];
    double *placement[EIN_PLAN_MOST_MODELS]; /* round 2; NULL: none */
    bool may_fit, may_sum, may_patients;
    bool beside[EIN_PLAN_MOST_MODELS]; /* figures of this model that are no counts may be told */
} work;

/* Counts as they are sent, and the bound that follows from them. */
static ein_status add_noise(const ein_site_build *b, ein_site_bins *x) {
    ein_histogram_result h;
    if (!ein_site_is_noisy(b) || x->n_joined == 0) return EIN_OK;
    ein_site_add_noise(b, x->positive, x->n_joined);
    ein_site_add_noise(b, x->negative, x->n_joined);
    EIN_TRY(ein_histogram_auc(&h, x->positive, x->negative, x->n_joined, 0.95));
    x->bound = h.bound.state == EIN_STATS_ESTIMABLE ? h.bound.value : 0.5;
    return EIN_OK;
}

/* --- one model ------------------------------------------------------------------------------------------------ */

static json_t *counts_json(const int64_t *count, int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, json_integer(count[i]));
    return list;
}

/* Thresholds whose edges are left: records at or above them. */
static json_t *thresholds_json(const ein_plan_task *t, const ein_site_bins *x) {
    json_t *list = json_array();
    for (int k = 0; k < t->n_thresholds && x->n_joined > 0; k++) {
        int64_t tp = 0, fp = 0;
        if (!x->keep[t->threshold[k]]) continue;
        for (int j = 0; j < x->n_joined; j++) {
            if (x->first[j] <= t->threshold[k]) continue;
            tp += x->positive[j];
            fp += x->negative[j];
        }
        json_array_append_new(list,
                              json_pack("{s:f, s:I, s:I}", "threshold", t->edge[t->threshold[k]],
                                        "true_positive", (json_int_t)tp, "false_positive", (json_int_t)fp));
    }
    return list;
}

static ein_site_score score_of(const work *w, int model) {
    const ein_site_bins *x = &w->bins[model];
    return (ein_site_score){w->c->score[model], x->n_counted ? x->bin : NULL, x->n_counted};
}

static ein_status place(work *w, int model) {
    ein_site_bins *x = &w->bins[model];
    const ein_plan *p = w->b->plan;
    if (p->round == 1 || x->withheld[0]) return EIN_OK;
    for (int i = 0; i < p->n_pooled; i++) {
        const ein_plan_pooled *q = &p->pooled[i];
        if (q->task != w->task || q->model != model) continue;
        EIN_TRY(EIN_NEW(w->placement[model], w->c->n + 1));
        return ein_components_place(w->placement[model], q->positive, q->negative, q->n_bins, x->bin,
                                    w->c->label, w->c->n);
    }
    return EIN_OK;
}

static void tell_model(const work *w, int model, const json_t *made) {
    const ein_site_bins *x = &w->bins[model];
    FILE *out = w->b->sheet;
    fprintf(out, "  Model %s: ", w->b->plan->model[model].name);
    if (x->withheld[0])
        fprintf(out, "bins of scores NOT sent: %s;", x->withheld);
    else
        fprintf(out, "counts in %d bins (of %d; the AUROC that follows from them errs by at most %.4f);",
                x->n_joined, x->n_bins, x->bound);
    const json_t *auroc = json_object_get(made, "auroc");
    if (ein_site_is_noisy(w->b))
        fprintf(out, " with noise, nothing else;");
    else if (w->b->plan->round == 1 && !json_is_object(auroc))
        fprintf(
            out,
            " AUROC NOT sent: too few patients, or it, or its difference from another, follows from the scores "
            "of a few;");
    if (json_is_object(auroc))
        fprintf(out, " AUROC %.4f with variances", json_number_value(json_object_get(auroc, "value")));
    fprintf(out, "%s%s; %zu thresholds\n",
            json_is_object(json_object_get(made, "calibration")) ? "; sums of scores per bin" : "",
            json_is_object(json_object_get(made, "sums")) ? "; sums for exact variances" : "",
            json_array_size(json_object_get(made, "thresholds")));
}

static ein_status model_json(json_t **out, work *w, int model) {
    const ein_plan *p = w->b->plan;
    const ein_plan_task *t = &p->task[w->task];
    ein_site_bins *x = &w->bins[model];
    const double *score = w->c->score[model];
    json_t *auroc = NULL, *calibration = NULL, *sums = NULL;
    EIN_TRY(ein_site_bins_make(x, w->b, w->c, w->task, model));
    EIN_TRY(add_noise(w->b, x));
    EIN_TRY(place(w, model));
    const ein_site_score own = score_of(w, model);
    if (p->round == 1 && !ein_site_is_noisy(w->b))
        EIN_TRY(ein_site_beside_ranks(&w->beside[model], w->b, w->c, w->task, model));
    if (w->may_fit && w->beside[model]) EIN_TRY(ein_site_auroc(&auroc, w->b, w->c, &own, NULL));
    if (w->beside[model]) EIN_TRY(ein_site_remember_ranks(w->b, w->c, w->task, model));
    w->beside[model] = w->beside[model] && json_is_object(auroc);
    if (!x->withheld[0] && w->beside[model] && p->model[model].probabilities && p->round == 1)
        EIN_TRY(ein_site_calibration(&calibration, w->b, w->c, x, score));
    if (w->placement[model] && w->may_sum)
        EIN_TRY(ein_site_sums(&sums, w->b, w->c, w->placement[model], w->may_patients));
    json_t *first = json_array();
    for (int j = 0; j < x->n_joined; j++) json_array_append_new(first, json_integer(x->first[j]));
    *out = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:n}", "name", p->model[model].name,
                     "withheld", x->withheld[0] ? json_string(x->withheld) : json_null(), "first", first,
                     "positive", counts_json(x->positive, x->n_joined), "negative",
                     counts_json(x->negative, x->n_joined), "bound",
                     x->withheld[0] ? json_null() : json_real(x->bound), "auroc", auroc ? auroc : json_null(),
                     "calibration", calibration ? calibration : json_null(), "thresholds",
                     thresholds_json(t, x), "sums", sums ? sums : json_null(), "quantity");
    if (!*out) return ein_error(EIN_NOMEM, "no memory for the figures of a model");
    tell_model(w, model, *out);
    return EIN_OK;
}

/* --- two models ------------------------------------------------------------------------------------------------ */

static ein_status pair_json(json_t **out, work *w, int first, int second) {
    json_t *difference = NULL, *sums = NULL;
    double *apart = NULL;
    const ein_site_cases *c = w->c;
    const ein_site_score one = score_of(w, first), other = score_of(w, second);
    if (w->beside[first] && w->beside[second]) EIN_TRY(ein_site_auroc(&difference, w->b, c, &one, &other));
    if (w->placement[first] && w->placement[second] && w->may_sum) {
        EIN_TRY(EIN_NEW(apart, c->n + 1));
        for (int64_t i = 0; i < c->n; i++) apart[i] = w->placement[first][i] - w->placement[second][i];
        const ein_status status = ein_site_sums(&sums, w->b, c, apart, w->may_patients);
        free(apart);
        EIN_TRY(status);
    }
    *out = json_pack("{s:s, s:s, s:o, s:o}", "first", w->b->plan->model[first].name, "second",
                     w->b->plan->model[second].name, "difference", difference ? difference : json_null(),
                     "sums", sums ? sums : json_null());
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for a comparison");
}

/* --- a task ---------------------------------------------------------------------------------------------------- */

static ein_status empty_task(json_t **out, const ein_plan_task *t, const char *withheld, json_t *unusable,
                             json_t *models) {
    *out = json_pack("{s:s, s:o, s:o, s:n, s:n, s:n, s:o, s:[], s:[]}", "name", t->name, "withheld",
                     withheld ? json_string(withheld) : json_null(), "unusable", unusable, "n_positive",
                     "n_negative", "patients", "models", models, "pairs", "subgroups");
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for a task");
}

/* The table of both classes alone: whether the task may be told of at all. */
static ein_status admit_classes(bool *granted, char reason[EIN_REASON_BYTES], ein_site_build *b,
                                const ein_site_cases *c, int task) {
    int32_t *cell;
    ein_overlap_table table;
    EIN_TRY(EIN_NEW(cell, c->n + 1));
    for (int64_t i = 0; i < c->n; i++) cell[i] = b->plan->task[task].quantity ? 0 : c->label[i];
    const ein_status status = ein_overlap_table_new(&table, b->plan->task[task].quantity ? 1 : 2, c->record,
                                                    c->patient, cell, c->n);
    free(cell);
    EIN_TRY(status);
    return ein_site_admit(granted, reason, b, b->plan->task[task].name, &table);
}

static ein_status quantity_task(json_t **out, ein_site_build *b, const ein_site_cases *c, int task,
                                json_t *unusable) {
    json_t *models = json_array();
    const ein_plan_task *t = &b->plan->task[task];
    for (int m = 0; m < b->plan->n_models; m++) {
        json_t *quantity = NULL;
        bool beside;
        EIN_TRY(ein_site_beside_ranks(&beside, b, c, task, m));
        beside = beside && !ein_site_is_noisy(b);
        if (beside) EIN_TRY(ein_site_quantity(&quantity, b, c, c->score[m]));
        if (beside) EIN_TRY(ein_site_remember_ranks(b, c, task, m));
        if (!quantity) quantity = json_null();
        fprintf(b->sheet, "  Model %s: %s\n", b->plan->model[m].name,
                json_is_object(quantity)
                    ? "seven sums over all records"
                    : "NOT sent: too few patients, a few dominate, or they nearly agree with others");
        json_array_append_new(
            models,
            json_pack("{s:s, s:o, s:[], s:[], s:[], s:n, s:n, s:n, s:[], s:n, s:o}", "name",
                      b->plan->model[m].name, "withheld",
                      json_is_object(quantity)
                          ? json_null()
                          : json_string("too few patients, a few dominate, or they nearly agree with others"),
                      "first", "positive", "negative", "bound", "auroc", "calibration", "thresholds", "sums",
                      "quantity", quantity));
    }
    return empty_task(out, t, NULL, unusable, models);
}

static ein_status binary_parts(work *w, json_t *models, json_t *pairs, json_t **subgroups,
                               json_t **patients) {
    const int M = w->b->plan->n_models;
    const int sets = M + M * (M - 1) / 2;
    if (!ein_site_is_noisy(w->b)) EIN_TRY(ein_site_patients(patients, w->b, w->c));
    w->may_fit = ein_site_may_fit(w->b, w->c, 3 * sets);
    w->may_patients = json_is_object(*patients) && !ein_site_sums_sent(w->b, w->c) &&
                      ein_site_may_fit(w->b, w->c, 8 * sets);
    w->may_sum = ein_site_may_fit(w->b, w->c, 2 * sets);
    for (int m = 0; m < M; m++) {
        json_t *one;
        EIN_TRY(model_json(&one, w, m));
        json_array_append_new(models, one);
    }
    for (int i = 0; i < M; i++)
        for (int k = i + 1; k < M; k++) {
            json_t *one;
            EIN_TRY(pair_json(&one, w, i, k));
            json_array_append_new(pairs, one);
        }
    if (w->b->plan->pooled) {
        *subgroups = json_array();
        return EIN_OK;
    }
    return ein_site_subgroups(subgroups, w->b, w->c, w->task, w->beside);
}

/* Of the first model whose counts are sent: sums of noisy counts spend nothing. */
static json_t *noisy_total(const json_t *models, const char *class) {
    size_t m, b;
    const json_t *one, *count;
    json_int_t sum = 0;
    json_array_foreach(models, m, one) {
        const json_t *list = json_object_get(one, class);
        json_array_foreach(list, b, count) sum += json_integer_value(count);
        if (json_array_size(list) > 0) return json_integer(sum);
    }
    return json_null();
}

static ein_status binary_task(json_t **out, ein_site_build *b, const ein_site_cases *c, int task,
                              json_t *unusable) {
    work w = {.b = b, .c = c, .task = task};
    json_t *models = json_array(), *pairs = json_array(), *subgroups = NULL, *patients = NULL;
    fprintf(b->sheet, "  %lld positive, %lld negative records\n", (long long)c->n_positive,
            (long long)c->n_negative);
    const ein_status status = binary_parts(&w, models, pairs, &subgroups, &patients);
    json_t *const positive =
        ein_site_is_noisy(b) ? noisy_total(models, "positive") : json_integer(c->n_positive);
    json_t *const negative =
        ein_site_is_noisy(b) ? noisy_total(models, "negative") : json_integer(c->n_negative);
    for (int m = 0; m < b->plan->n_models; m++) {
        ein_site_bins_free(&w.bins[m]);
        free(w.placement[m]);
    }
    *out = json_pack("{s:s, s:n, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", b->plan->task[task].name,
                     "withheld", "unusable", unusable, "n_positive", positive, "n_negative", negative,
                     "patients", patients ? patients : json_null(), "models", models, "pairs", pairs,
                     "subgroups", subgroups ? subgroups : json_array());
    return status == EIN_OK && !*out ? ein_error(EIN_NOMEM, "no memory for a task") : status;
}

/* One task as JSON. */
static ein_status task_json(json_t **out, ein_site_build *b, int task) {
    ein_site_cases c;
    const ein_plan_task *t = &b->plan->task[task];
    bool granted = false;
    char reason[EIN_REASON_BYTES], name[EIN_TABLE_NAME_BYTES];
    json_t *unusable = NULL;
    *out = NULL;
    fprintf(b->sheet, "\nTask %s\n", t->name);
    EIN_TRY(ein_site_cases_take(&c, b->rows, task));
    ein_status status = admit_classes(&granted, reason, b, &c, task);
    snprintf(name, sizeof name, "%s: unusable", t->name);
    if (ein_site_is_noisy(b))
        unusable = json_null();
    else if (status == EIN_OK)
        status =
            ein_site_shown_count(&unusable, b, name, c.unusable_record, c.unusable_patient, c.n_unusable);
    if (status == EIN_OK && !granted) {
        fprintf(b->sheet, "  NOTHING of it is sent: %s\n", reason);
        status = empty_task(out, t, reason, unusable, json_array());
    } else if (status == EIN_OK) {
        status = b->plan->recalibration ? ein_site_recalibrate(out, b, &c, task, unusable)
                 : t->quantity          ? quantity_task(out, b, &c, task, unusable)
                                        : binary_task(out, b, &c, task, unusable);
    }
    ein_site_cases_free(&c);
    return status;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static ein_status not_eligible(json_t **out, ein_site_build *b) {
    const ein_site_rows *x = b->rows;
    uint64_t *record = NULL, *patient = NULL;
    int64_t n = 0;
    ein_status status = EIN_NEW(record, x->n_not_eligible + 1);
    if (status == EIN_OK) status = EIN_NEW(patient, x->n_not_eligible + 1);
    for (int64_t i = 0; status == EIN_OK && i < x->table.rows; i++) {
        if (x->eligible[i]) continue;
        record[n] = x->record[i];
        patient[n++] = x->known[i] ? x->patient[i] : x->record[i];
    }
    if (status == EIN_OK) status = ein_site_shown_count(out, b, "not eligible", record, patient, n);
    free(record);
    free(patient);
    return status;
}

ein_status ein_site_body(json_t **out, ein_site_build *b, const char *site, const char *program,
                         const char *today, const char *contract_hash) {
    json_t *tasks = json_array(), *models = json_array(), *outside = NULL;
    ein_status status = EIN_OK;
    for (int t = 0; status == EIN_OK && t < b->plan->n_tasks; t++) {
        json_t *one;
        if (b->plan->round > 1 && b->plan->task[t].quantity) continue;
        status = task_json(&one, b, t);
        json_array_append_new(tasks, one);
    }
    if (status == EIN_OK && !ein_site_is_noisy(b)) status = not_eligible(&outside, b);
    for (int m = 0; m < b->plan->n_models; m++)
        json_array_append_new(models,
                              b->plan->model[m].hash ? json_string(b->plan->model[m].hash) : json_null());
    *out = json_pack("{s:s, s:i, s:s, s:s, s:i, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "format",
                     ein_signed_result.format, "schema_version", ein_signed_result.version, "program",
                     program, "plan", b->plan->file.hash, "round", b->plan->round, "site", site, "created",
                     today, "minimum_cell", (json_int_t)b->rules.minimum, "contract_hash",
                     contract_hash ? json_string(contract_hash) : json_null(), "models", models,
                     "not_eligible", outside ? outside : json_null(), "tasks", tasks);
    if (ein_site_is_noisy(b) && *out)
        json_object_set_new(*out, "noise",
                            json_pack("{s:f, s:I}", "epsilon", (double)b->noise.thousandths / 1000, "records",
                                      (json_int_t)b->noise.records));
    if (status == EIN_OK && !*out) status = ein_error(EIN_NOMEM, "no memory for a result");
    return status == EIN_OK ? ein_signed_check_body(&ein_signed_result, "the result", *out) : status;
}
