/* A site's sums for recalibration, judged before they leave. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/stats/calibration.h"
#include "jobs/sites/build.h"

enum { SUMS = 5 };

/* What one task's models share. */
typedef struct {
    ein_site_build *b;
    const ein_site_cases *c;
    int task;
    int64_t *index, n_clusters; /* patients of the records */
    double *contribution;       /* (n_clusters) */
    double *x[SUMS];            /* (n) what each record adds */
    double *old[SUMS];          /* at other coefficients */
    int32_t *cell;              /* (n) in the bins that were sent */
} work;

static void work_free(work *w) {
    free(w->index);
    free(w->contribution);
    free(w->cell);
    for (int s = 0; s < SUMS; s++) {
        free(w->x[s]);
        free(w->old[s]);
    }
}

static ein_status work_new(work *w, ein_site_build *b, const ein_site_cases *c, int task) {
    int64_t largest;
    *w = (work){.b = b, .c = c, .task = task};
    EIN_TRY(EIN_NEW(w->index, c->n + 1));
    EIN_TRY(ein_stats_clusters(w->index, &w->n_clusters, &largest, c->patient, c->n));
    EIN_TRY(EIN_NEW(w->contribution, w->n_clusters + 1));
    EIN_TRY(EIN_NEW(w->cell, c->n + 1));
    for (int s = 0; s < SUMS; s++) {
        EIN_TRY(EIN_NEW(w->x[s], c->n + 1));
        EIN_TRY(EIN_NEW(w->old[s], c->n + 1));
    }
    return EIN_OK;
}

/* --- contributions ------------------------------------------------------------------------------------------------ */

static void contribute(double *const x[SUMS], const ein_site_cases *c, const double *p, double intercept,
                       double slope) {
    for (int64_t i = 0; i < c->n; i++) {
        const double logit = ein_logit(p[i]);
        ein_logistic_sums one = {0};
        ein_logistic_accumulate(&one, &logit, &c->label[i], 1, intercept, slope);
        for (int k = 0; k < 2; k++) x[k][i] = one.gradient[k];
        for (int k = 0; k < 3; k++) x[2 + k][i] = one.information[k];
    }
}

static bool are_spread(work *w, const double *x) {
    ein_release_contributions(w->contribution, w->n_clusters, x, w->index, NULL, w->c->n);
    return ein_release_spread(w->contribution, w->n_clusters, w->b->rules) == EIN_RELEASE_GRANTED;
}

/* No two patients may make a sum, and what it tells beyond its mean in the bins that were sent comes from enough. */
static ein_status judge_sums(bool *good, work *w, int n_cells) {
    double *mean, *count, *apart;
    EIN_TRY(EIN_NEW(mean, 2 * n_cells + w->c->n + 1));
    count = mean + n_cells;
    apart = count + n_cells;
    for (int s = 0; *good && s < SUMS; s++) {
        ein_release_contributions(w->contribution, w->n_clusters, w->x[s], w->index, NULL, w->c->n);
        *good = ein_release_sum(w->contribution, w->n_clusters, w->b->rules) == EIN_RELEASE_GRANTED;
        for (int k = 0; k < n_cells; k++) mean[k] = count[k] = 0;
        for (int64_t i = 0; i < w->c->n; i++) {
            mean[w->cell[i]] += w->x[s][i];
            count[w->cell[i]]++;
        }
        for (int64_t i = 0; i < w->c->n; i++) apart[i] = w->x[s][i] - mean[w->cell[i]] / count[w->cell[i]];
        *good = *good && are_spread(w, apart);
    }
    free(mean);
    return EIN_OK;
}

/* Beside the sums of these scores at these coefficients: the differences must come from enough patients too. */
static bool judge_beside(work *w, const double *p, double intercept, double slope) {
    contribute(w->old, w->c, p, intercept, slope);
    for (int s = 0; s < SUMS; s++) {
        for (int64_t i = 0; i < w->c->n; i++) w->old[s][i] -= w->x[s][i];
        if (!are_spread(w, w->old[s])) return false;
    }
    return true;
}

/* --- what was released before ------------------------------------------------------------------------------ */

/* The cells of the finest bins that were sent of this model and hold all these records, as many as it returns; 0: none.
 */
static int sent_cells(work *w, int model) {
    char name[EIN_TABLE_NAME_BYTES];
    const ein_plan *p = w->b->plan;
    const ein_site_tables *all = &w->b->ledger->tables;
    const ein_overlap_table *finest = NULL;
    snprintf(name, sizeof name, ": %s|%s", p->task[w->task].name, p->model[model].name);
    for (int k = 0; k < all->n; k++) {
        const ein_overlap_table *t = &all->item[k].table;
        const char *end = strstr(all->item[k].name, name);
        bool whole = end && !end[strlen(name)] && !ein_site_table_is_ranks(&all->item[k]) &&
                     (!finest || t->n_cells > finest->n_cells);
        for (int64_t i = 0; whole && i < w->c->n; i++) whole = ein_site_find(t, w->c->record[i]) >= 0;
        if (whole) finest = t;
    }
    for (int64_t i = 0; finest && i < w->c->n; i++)
        w->cell[i] = finest->cell[ein_site_find(finest, w->c->record[i])];
    return finest ? finest->n_cells : 0;
}

/* Whether sums of these scores at earlier coefficients may be known too; counts those rounds. */
static bool beside_earlier(work *w, int model, int *rounds) {
    size_t r, k;
    json_t *about, *one;
    const ein_plan *p = w->b->plan;
    bool good = true;
    *rounds = 0;
    json_array_foreach(w->b->ledger->releases, r, about) {
        json_array_foreach(json_object_get(about, "recalibration"), k, one) {
            const char *task = json_string_value(json_object_get(one, "task")),
                       *name = json_string_value(json_object_get(one, "model"));
            if (!task || !name || strcmp(task, p->task[w->task].name) != 0 ||
                strcmp(name, p->model[model].name) != 0)
                continue;
            ++*rounds;
            good = good &&
                   judge_beside(w, w->c->score[model], json_number_value(json_object_get(one, "intercept")),
                                json_number_value(json_object_get(one, "slope")));
        }
    }
    return good;
}

/* Sums of an earlier model in this very release, at its coefficients. */
static bool beside_models(work *w, int model) {
    for (int m = 0; m < model; m++) {
        const ein_plan_coefficients *at = ein_plan_coefficients_of(w->b->plan, w->task, m);
        if (at && !judge_beside(w, w->c->score[m], at->intercept, at->slope)) return false;
    }
    return true;
}

/* --- one model --------------------------------------------------------------------------------------------- */

static ein_status judge(bool *good, work *w, int model) {
    const ein_plan_coefficients *at = ein_plan_coefficients_of(w->b->plan, w->task, model);
    const int M = w->b->plan->n_models, cells = sent_cells(w, model);
    int rounds;
    *good = at != NULL && cells > 0;
    for (int64_t i = 0; *good && i < w->c->n; i++)
        *good = w->c->score[model][i] > 0 && w->c->score[model][i] < 1;
    if (!*good) return EIN_OK;
    contribute(w->x, w->c, w->c->score[model], at->intercept, at->slope);
    *good = beside_earlier(w, model, &rounds) && beside_models(w, model) &&
            ein_site_may_fit(w->b, w->c, 3 * M + SUMS * M * (rounds + 1));
    if (*good) EIN_TRY(judge_sums(good, w, cells));
    if (*good) EIN_TRY(ein_site_beside_ranks(good, w->b, w->c, w->task, model));
    return *good ? ein_site_remember_ranks(w->b, w->c, w->task, model) : EIN_OK;
}

static ein_status one_model(json_t **out, work *w, int model) {
    static const char refused[] = "not asked for, a score of 0 or 1, no bins of round 1, or too few patients";
    const char *name = w->b->plan->model[model].name;
    bool good;
    double total[SUMS];
    EIN_TRY(judge(&good, w, model));
    *out = json_pack("{s:s, s:s, s:[], s:[], s:[], s:n, s:n, s:n, s:[], s:n, s:n}", "name", name, "withheld",
                     good ? "a round of recalibration has no bins" : refused, "first", "positive", "negative",
                     "bound", "auroc", "calibration", "thresholds", "sums", "quantity");
    if (!*out) return ein_error(EIN_NOMEM, "no memory for sums of a recalibration");
    fprintf(
        w->b->sheet, "  Model %s: %s%s\n", name,
        good ? "five sums over all records, at the plan's coefficients" : "NOT sent: ", good ? "" : refused);
    if (!good) return EIN_OK;
    contribute(w->x, w->c, w->c->score[model],
               ein_plan_coefficients_of(w->b->plan, w->task, model)->intercept,
               ein_plan_coefficients_of(w->b->plan, w->task, model)->slope);
    for (int s = 0; s < SUMS; s++) {
        ein_sum sum = {0, 0};
        for (int64_t i = 0; i < w->c->n; i++) ein_sum_add(&sum, w->x[s][i]);
        total[s] = ein_sum_value(sum);
    }
    json_object_set_new(*out, "recalibration",
                        json_pack("{s:[f, f], s:[f, f, f]}", "gradient", total[0], total[1], "information",
                                  total[2], total[3], total[4]));
    return EIN_OK;
}

ein_status ein_site_recalibrate(json_t **out, ein_site_build *b, const ein_site_cases *c, int task,
                                json_t *unusable) {
    work w;
    json_t *models = json_array(), *pairs = json_array();
    ein_status status = work_new(&w, b, c, task);
    for (int m = 0; status == EIN_OK && m < b->plan->n_models; m++) {
        json_t *one = NULL;
        status = one_model(&one, &w, m);
        json_array_append_new(models, one);
    }
    for (int i = 0; i < b->plan->n_models; i++)
        for (int k = i + 1; k < b->plan->n_models; k++)
            json_array_append_new(pairs, json_pack("{s:s, s:s, s:n, s:n}", "first", b->plan->model[i].name,
                                                   "second", b->plan->model[k].name, "difference", "sums"));
    work_free(&w);
    *out = json_pack("{s:s, s:n, s:o, s:I, s:I, s:n, s:o, s:o, s:[]}", "name", b->plan->task[task].name,
                     "withheld", "unusable", unusable, "n_positive", (json_int_t)c->n_positive, "n_negative",
                     (json_int_t)c->n_negative, "patients", "models", models, "pairs", pairs, "subgroups");
    return status == EIN_OK && !*out ? ein_error(EIN_NOMEM, "no memory for a task") : status;
}
