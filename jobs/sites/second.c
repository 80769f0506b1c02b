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

/* Counts of the sites that sent bins of this task and model; nothing if none did. */
static ein_status pool_one(json_t *into, const ein_plan *p, const ein_result *r, int n, int task, int model) {
    ein_site_histogram *h = NULL;
    int *first = NULL, sites = 0, bins = 0;
    int64_t *sum = NULL, *own = NULL;
    const int most = p->task[task].n_edges + 1;
    ein_status status = EIN_NEW(h, n + 1);
    for (int i = 0; status == EIN_OK && i < n; i++) {
        const ein_result_model *m = &r[i].task[task].model[model];
        if (m->n_bins > 0)
            h[sites++] = (ein_site_histogram){m->n_bins, m->first, m->positive, m->negative, NAN, 0};
    }
    if (status == EIN_OK) status = EIN_NEW(first, most);
    if (status == EIN_OK) status = EIN_NEW(sum, 2 * most);
    if (status == EIN_OK) status = EIN_NEW(own, most);
    if (status == EIN_OK && sites > 0) bins = ein_site_histograms_common(first, h, sites);
    for (int i = 0; i < sites && bins > 0; i++)
        for (int y = 0; y < 2; y++) {
            ein_site_histograms_counts(own, y ? h[i].positive : h[i].negative, &h[i], first, bins);
            for (int b = 0; b < bins; b++) sum[y * most + b] += own[b];
        }
    if (bins > 0) {
        json_t *starts = json_array();
        for (int b = 0; b < bins; b++) json_array_append_new(starts, json_integer(first[b]));
        json_array_append_new(into, json_pack("{s:s, s:s, s:o, s:o, s:o}", "task", p->task[task].name,
                                              "model", p->model[model].name, "first", starts, "positive",
                                              list_of(sum + most, bins), "negative", list_of(sum, bins)));
    }
    free(h);
    free(first);
    free(sum);
    free(own);
    return status;
}

ein_status ein_plan_second(json_t **body, const ein_plan *p, const ein_result *r, int n, const char *today) {
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
            status = pool_one(pooled, p, r, n, t, m);
    if (status == EIN_OK && json_array_size(pooled) == 0)
        status = ein_error(EIN_USAGE, "no site has sent bins of scores: nothing to make round 2 of");
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
