#include "io/sites/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static double real_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static int64_t count_of(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

/* --- who, when, for what ------------------------------------------------------------------------------------------ */

static ein_status check_models(const char *name, const ein_result *r, const ein_plan *p) {
    const json_t *models = json_object_get(r->file.body, "models");
    if ((int)json_array_size(models) != p->n_models)
        return ein_error(EIN_MISMATCH, "%s: %zu models, the plan has %d", name, json_array_size(models),
                         p->n_models);
    for (int m = 0; m < p->n_models; m++) {
        const char *hash = json_string_value(json_array_get(models, (size_t)m));
        if (!hash != !p->model[m].hash || (hash && strcmp(hash, p->model[m].hash) != 0))
            return ein_error(EIN_MISMATCH, "%s: of another model %s (%.16s) than the plan's (%.16s)", name,
                             p->model[m].name, hash ? hash : "scores in a table",
                             p->model[m].hash ? p->model[m].hash : "scores in a table");
    }
    return EIN_OK;
}

static ein_status check_sender(const char *name, const ein_result *r, const ein_plan *p) {
    char own[2 * EIN_PUBLIC_KEY_BYTES + 1];
    const char *plan = text_of(r->file.body, "plan"), *key = ein_plan_site_key(p, r->site);
    const int round = (int)count_of(r->file.body, "round");
    if (!key) return ein_error(EIN_MISMATCH, "%s: of a site \"%s\" that is not in the plan", name, r->site);
    ein_hex(r->file.public_key, sizeof r->file.public_key, own);
    if (strcmp(own, key) != 0)
        return ein_error(EIN_MISMATCH,
                         "%s: says that it is of site %s, but was not signed by that site's key", name,
                         r->site);
    if (p->previous && !strcmp(plan, p->previous))
        return ein_error(EIN_MISMATCH, "%s: of round 1, sent again for round 2", name);
    if (strcmp(plan, p->file.hash) != 0)
        return ein_error(EIN_MISMATCH, "%s: for another plan (%.16s) than this (%.16s)", name, plan,
                         p->file.hash);
    if (round != p->round)
        return ein_error(EIN_MISMATCH, "%s: of round %d, the plan is round %d", name, round, p->round);
    return EIN_OK;
}

static ein_status check_dates(const char *name, const ein_result *r, const ein_plan *p) {
    if (ein_date_check(r->created) != EIN_OK)
        return ein_error(EIN_FORMAT, "%s: made on \"%s\", which is no date", name, r->created);
    if (strcmp(r->created, p->expires) > 0)
        return ein_error(EIN_MISMATCH, "%s: made on %s, when the plan had expired (%s)", name, r->created,
                         p->expires);
    if (strcmp(r->created, text_of(p->file.body, "created")) < 0)
        return ein_error(EIN_MISMATCH, "%s: made on %s, before the plan", name, r->created);
    if (r->minimum < p->minimum_cell)
        return ein_error(EIN_MISMATCH, "%s: cells of %lld patients, the plan's minimum is %lld", name,
                         (long long)r->minimum, (long long)p->minimum_cell);
    return EIN_OK;
}

static ein_status check_noise(const char *name, ein_result *r, const ein_plan *p) {
    int64_t numerator, denominator;
    EIN_TRY(ein_plan_noise_of(&r->noise, name, r->file.body));
    if (p->noise.thousandths && (!r->noise.thousandths || r->noise.thousandths > p->noise.thousandths ||
                                 r->noise.records != p->noise.records))
        return ein_error(EIN_MISMATCH,
                         "%s: less noise (epsilon %.9g) than the plan wants (%.9g), or of other records",
                         name, (double)r->noise.thousandths / 1000, (double)p->noise.thousandths / 1000);
    if (!r->noise.thousandths) return EIN_OK;
    if (p->rounds > 1)
        return ein_error(EIN_MISMATCH, "%s: noisy counts, and the plan's further rounds need exact ones",
                         name);
    ein_plan_noise_rate(&numerator, &denominator, p, r->noise);
    r->noise_rate = (double)numerator / (double)denominator;
    return EIN_OK;
}

static bool has_aurocs(const json_t *groups) {
    size_t g, m;
    const json_t *group, *model;
    json_array_foreach(groups, g, group) {
        json_array_foreach(json_object_get(group, "models"), m, model) {
            if (json_is_object(json_object_get(model, "auroc"))) return true;
        }
    }
    return false;
}

/* Of a noisy result nothing but counts: everything else would be exact. */
static ein_status check_only_counts(const char *name, const ein_result *r, const ein_result_task *t,
                                    const json_t *one) {
    bool exact =
        json_is_object(json_object_get(one, "patients")) || json_is_integer(json_object_get(one, "unusable"));
    for (int m = 0; m < EIN_PLAN_MOST_MODELS; m++)
        exact |= isfinite(t->model[m].auroc.value) || t->model[m].has_calibration ||
                 t->model[m].sums.has_sums || t->model[m].has_logistic || t->model[m].quantity;
    for (int k = 0; k < EIN_RESULT_MOST_PAIRS; k++)
        exact |= isfinite(t->pair[k].difference.value) || t->pair[k].sums.has_sums;
    for (size_t c = 0; c < json_array_size(t->subgroups); c++)
        exact |= has_aurocs(json_object_get(json_array_get(t->subgroups, c), "groups"));
    if (!exact || !r->noise.thousandths) return EIN_OK;
    return ein_error(EIN_FORMAT, "%s: task %s: exact figures beside counts that bear noise", name,
                     text_of(one, "name"));
}

/* --- numbers --------------------------------------------------------------------------------------------------------
 * */

static ein_status take_bins(const char *name, ein_result_model *m, const json_t *one,
                            const ein_result_task *t, const ein_plan_task *plan, int64_t minimum) {
    const json_t *first = json_object_get(one, "first"), *positive = json_object_get(one, "positive"),
                 *negative = json_object_get(one, "negative");
    const size_t n = json_array_size(first);
    int64_t p = 0, q = 0;
    if (json_array_size(positive) != n || json_array_size(negative) != n || (n == 0) != (m->withheld != NULL))
        return ein_error(EIN_FORMAT, "%s: task %s: lists of bins of different lengths", name, plan->name);
    m->n_bins = (int)n;
    EIN_TRY(EIN_NEW(m->first, n + 1));
    EIN_TRY(EIN_NEW(m->positive, n + 1));
    EIN_TRY(EIN_NEW(m->negative, n + 1));
    for (size_t b = 0; b < n; b++) {
        m->first[b] = (int)json_integer_value(json_array_get(first, b));
        p += m->positive[b] = json_integer_value(json_array_get(positive, b));
        q += m->negative[b] = json_integer_value(json_array_get(negative, b));
        if (m->first[b] > plan->n_edges || (b == 0 ? m->first[b] != 0 : m->first[b] <= m->first[b - 1]))
            return ein_error(EIN_FORMAT, "%s: task %s: bins out of order, or none of the plan's", name,
                             plan->name);
        if (minimum > 0 && (m->positive[b] < minimum || m->negative[b] < minimum))
            return ein_error(EIN_FORMAT, "%s: task %s: a cell below the minimum of %lld", name, plan->name,
                             (long long)minimum);
    }
    if (n > 0 && minimum > 0 && (p != t->n_positive || q != t->n_negative))
        return ein_error(EIN_FORMAT, "%s: task %s: the bins have other totals than the task", name,
                         plan->name);
    return EIN_OK;
}

static ein_status take_calibration(const char *name, ein_result_model *m, const json_t *one,
                                   const char *task) {
    static const char *const keys[] = {"p", "p2", "py"};
    double **const to[] = {&m->p, &m->p2, &m->py};
    const json_t *c = json_object_get(one, "calibration");
    if (!json_is_object(c)) return EIN_OK;
    for (int k = 0; k < 3; k++) {
        const json_t *list = json_object_get(c, keys[k]);
        if ((int)json_array_size(list) != m->n_bins)
            return ein_error(EIN_FORMAT, "%s: task %s: calibration sums of %zu bins for %d", name, task,
                             json_array_size(list), m->n_bins);
        EIN_TRY(EIN_NEW(*to[k], m->n_bins + 1));
        for (int b = 0; b < m->n_bins; b++) {
            const double x = (*to[k])[b] = json_number_value(json_array_get(list, (size_t)b));
            const double most = (double)(k == 2 ? m->positive[b] : m->positive[b] + m->negative[b]);
            if (!(x >= 0 && x <= most * (1 + 1e-9)))
                return ein_error(EIN_FORMAT, "%s: task %s: a sum of probabilities of %.9g over %.0f records",
                                 name, task, x, most);
        }
    }
    m->has_calibration = true;
    return EIN_OK;
}

static ein_result_auroc take_auroc(const json_t *one) {
    return json_is_object(one)
               ? (ein_result_auroc){real_of(one, "value"), real_of(one, "delong"), real_of(one, "clustered")}
               : (ein_result_auroc){NAN, NAN, NAN};
}

static void take_sums(ein_result_sums *out, const json_t *one, const ein_result_task *t,
                      const json_t *patients) {
    const json_t *c = json_object_get(one, "clusters");
    ein_placement_sums *s = &out->sums;
    *out = (ein_result_sums){.has_sums = json_is_object(one),
                             .has_clusters = json_is_object(c) && json_is_object(patients)};
    if (!out->has_sums) return;
    *s = (ein_placement_sums){.n_positive = t->n_positive,
                              .n_negative = t->n_negative,
                              .v10 = real_of(one, "v10"),
                              .v10_squared = real_of(one, "v10_squared"),
                              .v01 = real_of(one, "v01"),
                              .v01_squared = real_of(one, "v01_squared")};
    if (!out->has_clusters) return;
    s->n_clusters = count_of(patients, "either");
    s->n_clusters_positive = count_of(patients, "positive");
    s->n_clusters_negative = count_of(patients, "negative");
    static const char *const keys[] = {"xx", "xm", "mm", "yy", "yn", "nn", "xy", "xn", "my", "mn"};
    double *const to[] = {&s->xx, &s->xm, &s->mm, &s->yy, &s->yn, &s->nn, &s->xy, &s->xn, &s->my, &s->mn};
    for (int k = 0; k < 10; k++) *to[k] = real_of(c, keys[k]);
}

static ein_status take_pairs(const char *name, ein_result_task *t, const json_t *one, const ein_plan *p) {
    const json_t *list = json_object_get(one, "pairs"), *patients = json_object_get(one, "patients");
    const int n = p->n_models * (p->n_models - 1) / 2;
    int at = 0;
    for (int k = 0; k < n; k++) t->pair[k].difference = take_auroc(NULL);
    if (t->withheld && json_array_size(list) == 0) return EIN_OK;
    if ((int)json_array_size(list) != n)
        return ein_error(EIN_FORMAT, "%s: %zu pairs of models, not %d", name, json_array_size(list), n);
    for (int i = 0; i < p->n_models; i++)
        for (int k = i + 1; k < p->n_models; k++, at++) {
            const json_t *pair = json_array_get(list, (size_t)at);
            if (strcmp(text_of(pair, "first"), p->model[i].name) != 0 ||
                strcmp(text_of(pair, "second"), p->model[k].name) != 0)
                return ein_error(EIN_FORMAT, "%s: pairs of models in another order than the plan's", name);
            t->pair[at].difference = take_auroc(json_object_get(pair, "difference"));
            take_sums(&t->pair[at].sums, json_object_get(pair, "sums"), t, patients);
        }
    return EIN_OK;
}

static ein_status take_logistic(const char *name, ein_result_model *m, const json_t *one,
                                const ein_result_task *t, const ein_plan *p, int index,
                                const ein_plan_task *plan) {
    const json_t *sums = json_object_get(one, "recalibration"), *gradient = json_object_get(sums, "gradient"),
                 *information = json_object_get(sums, "information");
    ein_logistic_sums *s = &m->logistic;
    if (!sums) return EIN_OK;
    if (!ein_plan_coefficients_of(p, (int)(plan - p->task), index))
        return ein_error(EIN_FORMAT, "%s: task %s: sums of a recalibration that the plan does not ask for",
                         name, plan->name);
    for (size_t k = 0; k < 2; k++) s->gradient[k] = json_number_value(json_array_get(gradient, k));
    for (size_t k = 0; k < 3; k++) s->information[k] = json_number_value(json_array_get(information, k));
    s->n = t->n_positive + t->n_negative;
    const double n = (double)s->n, *v = s->information;
    m->has_logistic = true;
    if (fabs(s->gradient[0]) <= n && v[0] > 0 && v[0] <= n / 4 * (1 + 1e-9) && v[2] >= 0 &&
        v[1] * v[1] <= v[0] * v[2] * (1 + 1e-9))
        return EIN_OK;
    return ein_error(EIN_FORMAT, "%s: task %s: sums of %.0f records that no probabilities have", name,
                     plan->name, n);
}

/* Counts that bear noise may be smaller than those that were judged, and their totals differ from table to table. */
static int64_t least_cell(const ein_result *r) {
    return r->noise.thousandths ? 0 : r->minimum;
}

static ein_status take_model(const char *name, ein_result *r, ein_result_task *t, int index,
                             const json_t *one, const json_t *task, const ein_plan *p,
                             const ein_plan_task *plan) {
    ein_result_model *m = &t->model[index];
    const json_t *quantity = json_object_get(one, "quantity");
    if (strcmp(text_of(one, "name"), p->model[index].name) != 0)
        return ein_error(EIN_FORMAT, "%s: task %s: models in another order than the plan's", name,
                         plan->name);
    m->withheld = text_of(one, "withheld");
    m->quantity = json_is_object(quantity) ? quantity : NULL;
    m->auroc = take_auroc(json_object_get(one, "auroc"));
    if (plan->quantity) return EIN_OK;
    EIN_TRY(take_logistic(name, m, one, t, p, index, plan));
    EIN_TRY(take_bins(name, m, one, t, plan, least_cell(r)));
    EIN_TRY(take_calibration(name, m, one, plan->name));
    take_sums(&m->sums, json_object_get(one, "sums"), t, json_object_get(task, "patients"));
    return EIN_OK;
}

static ein_status take_task(const char *name, ein_result *r, int index, const json_t *one,
                            const ein_plan *p) {
    ein_result_task *t = &r->task[index];
    const ein_plan_task *plan = &p->task[index];
    const json_t *models = json_object_get(one, "models");
    t->there = true;
    t->withheld = text_of(one, "withheld");
    t->n_positive = count_of(one, "n_positive");
    t->n_negative = count_of(one, "n_negative");
    t->subgroups = json_object_get(one, "subgroups");
    for (int m = 0; m < EIN_PLAN_MOST_MODELS; m++) t->model[m].auroc = take_auroc(NULL);
    for (int k = 0; k < EIN_RESULT_MOST_PAIRS; k++) t->pair[k].difference = take_auroc(NULL);
    if (t->withheld && json_array_size(models) == 0) return EIN_OK;
    if ((int)json_array_size(models) != p->n_models)
        return ein_error(EIN_FORMAT, "%s: task %s: %zu models, not %d", name, plan->name,
                         json_array_size(models), p->n_models);
    if (!plan->quantity && least_cell(r) > 0 && (t->n_positive < r->minimum || t->n_negative < r->minimum))
        return ein_error(EIN_FORMAT, "%s: task %s: a class below the minimum", name, plan->name);
    for (int m = 0; m < p->n_models; m++)
        EIN_TRY(take_model(name, r, t, m, json_array_get(models, (size_t)m), one, p, plan));
    return plan->quantity ? EIN_OK : take_pairs(name, t, one, p);
}

static ein_status take_tasks(const char *name, ein_result *r, const ein_plan *p) {
    const json_t *list = json_object_get(r->file.body, "tasks");
    size_t at = 0;
    EIN_TRY(EIN_NEW(r->task, p->n_tasks));
    for (int t = 0; t < p->n_tasks; t++) {
        if (p->round > 1 && p->task[t].quantity) continue;
        const json_t *one = json_array_get(list, at++);
        if (!one || strcmp(text_of(one, "name"), p->task[t].name) != 0)
            return ein_error(EIN_FORMAT, "%s: other tasks than the plan's, or in another order", name);
        EIN_TRY(take_task(name, r, t, one, p));
        EIN_TRY(check_only_counts(name, r, &r->task[t], one));
    }
    return at == json_array_size(list) ? EIN_OK
                                       : ein_error(EIN_FORMAT, "%s: more tasks than the plan has", name);
}

/* --- the whole
 * ------------------------------------------------------------------------------------------------------- */

void ein_result_free(ein_result *r, const ein_plan *plan) {
    for (int t = 0; r->task && t < plan->n_tasks; t++)
        for (int m = 0; m < plan->n_models; m++) {
            ein_result_model *x = &r->task[t].model[m];
            free(x->first);
            free(x->positive);
            free(x->negative);
            free(x->p);
            free(x->p2);
            free(x->py);
        }
    free(r->task);
    free(r->path);
    ein_signed_free(&r->file);
    *r = (ein_result){0};
}

ein_status ein_result_parse(const char *name, const char *text, size_t bytes, const ein_plan *plan,
                            ein_result *out) {
    *out = (ein_result){0};
    EIN_TRY(ein_signed_parse(&ein_signed_result, name, text, bytes, &out->file));
    out->site = text_of(out->file.body, "site");
    out->created = text_of(out->file.body, "created");
    out->program = text_of(out->file.body, "program");
    out->minimum = count_of(out->file.body, "minimum_cell");
    ein_status status = check_sender(name, out, plan);
    if (status == EIN_OK) status = check_models(name, out, plan);
    if (status == EIN_OK) status = check_dates(name, out, plan);
    if (status == EIN_OK) status = check_noise(name, out, plan);
    if (status == EIN_OK) status = take_tasks(name, out, plan);
    if (status == EIN_OK) {
        out->path = strdup(name);
        if (!out->path) status = ein_error(EIN_NOMEM, "no memory for a name");
    }
    if (status != EIN_OK) ein_result_free(out, plan);
    return status;
}

static ein_status read_one(const char *path, const ein_plan *plan, ein_result *out) {
    char *text;
    size_t bytes;
    *out = (ein_result){0};
    EIN_TRY(ein_file_read(path, (int64_t)ein_signed_result.max_bytes, &text, &bytes));
    const ein_status status = ein_result_parse(path, text, bytes, plan, out);
    free(text);
    return status;
}

void ein_results_free(ein_result *result, int n, const ein_plan *plan) {
    for (int i = 0; result && i < n; i++) ein_result_free(&result[i], plan);
    free(result);
}

static int compare_sites(const void *left, const void *right) {
    return strcmp(((const ein_result *)left)->site, ((const ein_result *)right)->site);
}

ein_status ein_results_read(const char *const *path, int n, const ein_plan *plan, ein_result **out) {
    ein_result *r;
    EIN_TRY(EIN_NEW(r, n + 1));
    ein_status status = EIN_OK;
    for (int i = 0; status == EIN_OK && i < n; i++) {
        status = read_one(path[i], plan, &r[i]);
        for (int k = 0; status == EIN_OK && k < i; k++)
            if (!strcmp(r[i].site, r[k].site))
                status =
                    ein_error(EIN_MISMATCH, "%s: site %s has sent a result already (%s); each counts once",
                              path[i], r[i].site, r[k].path);
    }
    if (status != EIN_OK) {
        ein_results_free(r, n, plan);
        return status;
    }
    qsort(r, (size_t)n, sizeof *r, compare_sites);
    *out = r;
    return EIN_OK;
}
