/* The plan of round 2: that of round 1 with the counts of all sites, in the bins that all of them have. */
#include "jobs/sites/second.h"

#include <stdlib.h>
#include <string.h>

#include "core/stats/site_histograms.h"

static json_t *list_of(const int64_t *count, int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, json_integer(count[i]));
    return list;
}

/* What sites sent of one task and model. */
typedef struct {
    const ein_plan *plan;
    const ein_result *result;
    int task, model, n;
    ein_site_histogram *h; /* (n) */
    int *site;             /* (n) */
} sent;

static ein_status sent_new(sent *x, const ein_plan *p, const ein_result *r, int n, int task, int model) {
    *x = (sent){.plan = p, .result = r, .task = task, .model = model};
    EIN_TRY(EIN_NEW(x->h, n + 1));
    EIN_TRY(EIN_NEW(x->site, n + 1));
    for (int i = 0; i < n; i++) {
        const ein_result_model *m = &r[i].task[task].model[model];
        if (m->n_bins == 0) continue;
        x->site[x->n] = i;
        x->h[x->n++] = (ein_site_histogram){m->n_bins, m->first, m->positive, m->negative, NAN, 0};
    }
    return EIN_OK;
}

static void sent_free(sent *x) {
    free(x->h);
    free(x->site);
}

/* How many bins the sites but one would have in common, and which one: the most. */
static ein_status most_without_one(int *bins, const char **without, const sent *x) {
    ein_site_histogram *h = NULL;
    int *first = NULL;
    ein_status status = EIN_NEW(h, x->n + 1);
    if (status == EIN_OK) status = EIN_NEW(first, x->plan->task[x->task].n_edges + 1);
    *bins = 0;
    *without = "";
    for (int i = 0; status == EIN_OK && x->n > 2 && i < x->n; i++) {
        int n = 0;
        for (int k = 0; k < x->n; k++)
            if (k != i) h[n++] = x->h[k];
        const int common = ein_site_histograms_common(first, h, n);
        if (common <= *bins) continue;
        *bins = common;
        *without = x->result[x->site[i]].site;
    }
    free(h);
    free(first);
    return status;
}

/* In one bin every AUROC is 1/2: nothing to ask for. */
static ein_status tell_one_bin(const sent *x, FILE *notes) {
    const char *without;
    int bins;
    EIN_TRY(most_without_one(&bins, &without, x));
    fprintf(
        notes,
        "task %s, model %s: not in round 2, as the bins of the %d sites that sent any have no edge in common: no "
        "exact figure can be made of it.\n",
        x->plan->task[x->task].name, x->plan->model[x->model].name, x->n);
    if (bins > 1)
        fprintf(notes, "  Without %s they would have %d bins in common: leave its result out.\n", without,
                bins);
    fputs(
        "  A plan with a threshold near the middle of the positives' scores, with fewer bins, or a task with more "
        "positives leaves sites more in common.\n",
        notes);
    return EIN_OK;
}

static ein_status put_pooled(json_t *into, const sent *x, const int *first, int bins) {
    int64_t *sum = NULL, *own = NULL;
    ein_status status = EIN_NEW(sum, 2 * bins);
    if (status == EIN_OK) status = EIN_NEW(own, bins);
    for (int i = 0; status == EIN_OK && i < x->n; i++)
        for (int y = 0; y < 2; y++) {
            ein_site_histograms_counts(own, y ? x->h[i].positive : x->h[i].negative, &x->h[i], first, bins);
            for (int b = 0; b < bins; b++) sum[y * bins + b] += own[b];
        }
    if (status == EIN_OK) {
        json_t *starts = json_array();
        for (int b = 0; b < bins; b++) json_array_append_new(starts, json_integer(first[b]));
        json_array_append_new(into,
                              json_pack("{s:s, s:s, s:o, s:o, s:o}", "task", x->plan->task[x->task].name,
                                        "model", x->plan->model[x->model].name, "first", starts, "positive",
                                        list_of(sum + bins, bins), "negative", list_of(sum, bins)));
    }
    free(sum);
    free(own);
    return status;
}

/* Counts of the sites that sent bins of this task and model; nothing if none did. */
static ein_status pool_one(json_t *into, const ein_plan *p, const ein_result *r, int n, int task, int model,
                           FILE *notes) {
    sent x;
    int *first = NULL;
    ein_status status = sent_new(&x, p, r, n, task, model);
    if (status == EIN_OK) status = EIN_NEW(first, p->task[task].n_edges + 1);
    if (status == EIN_OK && x.n > 0) {
        const int bins = ein_site_histograms_common(first, x.h, x.n);
        status = bins > 1 ? put_pooled(into, &x, first, bins) : tell_one_bin(&x, notes);
    }
    free(first);
    sent_free(&x);
    return status;
}

ein_status ein_plan_second(json_t **body, const ein_plan *p, const ein_result *r, int n, const char *today,
                           FILE *notes) {
    json_t *pooled = json_array();
    ein_status status = EIN_OK;
    *body = NULL;
    if (p->rounds < 2 || p->round != 1) {
        json_decref(pooled);
        return ein_error(EIN_USAGE, "the plan \"%.60s\" is round %d of %d: no second follows", p->name,
                         p->round, p->rounds);
    }
    for (int t = 0; status == EIN_OK && t < p->n_tasks; t++)
        for (int m = 0; status == EIN_OK && m < p->n_models && !p->task[t].quantity; m++)
            status = pool_one(pooled, p, r, n, t, m, notes);
    if (status == EIN_OK && json_array_size(pooled) == 0)
        status = ein_error(
            EIN_USAGE,
            "no task and model has two bins that all sites which sent any have in common: nothing to make round "
            "2 of");
    if (status == EIN_OK) {
        *body = json_deep_copy(p->file.body);
        json_object_set_new(*body, "round", json_integer(2));
        json_object_set_new(*body, "created", json_string(today));
        json_object_set_new(*body, "previous", json_string(p->file.hash));
        json_object_set(*body, "pooled", pooled);
    }
    json_decref(pooled);
    return status;
}
