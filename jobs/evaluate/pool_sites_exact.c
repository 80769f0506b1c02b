/* Round 2: figures as of all rows together, from sums of placements at the pooled counts; or why there are none. */
#include <string.h>

#include "core/stats/histogram.h"
#include "io/formats/json.h"
#include "jobs/evaluate/pool_sites.h"
#include "jobs/evaluate/pool_values.h"

typedef struct {
    ein_placement_sums all;
    int n, clustered; /* sites that sent sums; with sums over patients */
} gathered;

static void gather(gathered *g, const ein_result_sums *r) {
    if (!r->has_sums) return;
    ein_placement_sums_add(&g->all, &r->sums);
    g->n++;
    g->clustered += r->has_clusters;
}

/* The pooled counts of one model, or NULL; what may be made of them goes to *binned. */
static ein_status find_pooled(const ein_plan_pooled **out, ein_histogram_result *binned,
                              const ein_pool_sites *s, int task, int model) {
    *out = NULL;
    for (int i = 0; i < s->plan->n_pooled; i++)
        if (s->plan->pooled[i].task == task && s->plan->pooled[i].model == model) *out = &s->plan->pooled[i];
    return *out ? ein_histogram_auc(binned, (*out)->positive, (*out)->negative, (*out)->n_bins, s->level)
                : EIN_OK;
}

static const char *const no_counts =
    "the plan has no pooled counts of it: in round 1 the sites had fewer than two bins in common, or sent none";

/* Why nothing exact can be made at these counts, or of these sums; NULL if it can. */
static const char *refuse_counts(const ein_plan_pooled *q, const ein_histogram_result *binned) {
    if (!q) return no_counts;
    return binned->auc.state == EIN_STATS_ESTIMABLE ? NULL : ein_stats_state_text(binned->auc.state);
}

static const char *refuse_sums(char out[EIN_POOL_TEXT_BYTES], const gathered *g,
                               const ein_histogram_result *binned) {
    if (g->n == 0) return "no site sent sums";
    if (binned->n_positive == g->all.n_positive && binned->n_negative == g->all.n_negative) return NULL;
    snprintf(
        out, EIN_POOL_TEXT_BYTES,
        "the plan's counts are of %lld positives and %lld negatives, the sums of %lld and %lld: a site is missing",
        (long long)binned->n_positive, (long long)binned->n_negative, (long long)g->all.n_positive,
        (long long)g->all.n_negative);
    return out;
}

static void tell_none(const ein_pool_sites *s, const char *reason, const char *key, const char *name,
                      json_t *into) {
    json_t *object = json_object();
    fprintf(s->out, "Exact %s: %s%s\n", name, strncmp(reason, "not estimable", 13) ? "not estimable: " : "",
            reason);
    ein_pool_put_none(object, key, reason);
    json_object_set_new(into, "exact", object);
}

/* The interval that is shown, and both variances as JSON. */
static ein_stats_interval choose(const gathered *g, ein_stats_interval delong, ein_stats_interval clustered,
                                 const char *key, json_t *object) {
    const bool over_patients = g->clustered == g->n;
    const ein_stats_interval shown = over_patients ? clustered : delong;
    ein_pool_put_interval(object, key, shown);
    json_object_set_new(object, "delong_variance", ein_json_number(delong.variance));
    if (over_patients)
        json_object_set_new(object, "clustered_variance", ein_json_number(clustered.variance));
    else
        ein_pool_put_none(object, "clustered_variance", "a site could not send sums over patients");
    return shown;
}

static const char *variance_text(const gathered *g) {
    return g->clustered == g->n ? "clustered by patient" : "DeLong, records as independent";
}

ein_status ein_pool_sites_exact(const ein_pool_sites *s, int task, int model, json_t *into) {
    gathered g = {0};
    const ein_plan_pooled *q;
    ein_histogram_result binned;
    ein_stats_interval delong, clustered;
    char text[EIN_POOL_TEXT_BYTES];
    for (int i = 0; i < s->n; i++) {
        const ein_result_sums *r = &s->result[i].task[task].model[model].sums;
        gather(&g, r);
        if (!r->has_sums) fprintf(s->out, "no sums of %s\n", s->result[i].site);
    }
    EIN_TRY(find_pooled(&q, &binned, s, task, model));
    const char *reason = refuse_counts(q, &binned);
    if (!reason) reason = refuse_sums(text, &g, &binned);
    if (reason) {
        tell_none(s, reason, "auroc", "AUROC", into);
        return EIN_OK;
    }
    EIN_TRY(ein_placement_sums_auc(&delong, &clustered, &g.all, s->level));
    json_t *object = json_object();
    json_object_set_new(into, "exact", object);
    const ein_stats_interval shown = choose(&g, delong, clustered, "auroc", object);
    ein_pool_put_value(object, "bound", binned.bound);
    json_object_set_new(object, "bins", json_integer(q->n_bins));
    json_object_set_new(object, "sites", json_integer(g.n));
    fprintf(s->out, "Exact in the plan's %d joined bins, over %d sites: AUROC %s\n", q->n_bins, g.n,
            ein_pool_interval_text(text, shown, 6, variance_text(&g)));
    if (isfinite(delong.se)) fprintf(s->out, "  DeLong SE %.6f\n", delong.se);
    if (g.clustered < g.n) fputs("  a site could not send sums over patients\n", s->out);
    fprintf(
        s->out,
        "  (scores rounded down to these bins; the AUROC of the scores themselves differs by at most %.4f)\n",
        binned.bound.value);
    return EIN_OK;
}

static void tell_test(const ein_pool_sites *s, ein_stats_interval shown, json_t *object) {
    const ein_stats_test test = shown.interval_state == EIN_STATS_ESTIMABLE
                                    ? ein_stats_z_test(shown.value / shown.se, INFINITY)
                                    : ein_stats_no_test(shown.interval_state);
    if (test.state == EIN_STATS_ESTIMABLE)
        fprintf(s->out, "  Z %.4f, p %.4g\n", test.statistic, test.p);
    else
        fprintf(s->out, "  test %s\n", ein_stats_state_text(test.state));
    ein_pool_put_value(object, "z", (ein_stats_value){test.statistic, test.state});
    ein_pool_put_value(object, "p", (ein_stats_value){test.p, test.state});
}

ein_status ein_pool_sites_exact_pair(const ein_pool_sites *s, int task, int pair, int first, int second,
                                     json_t *into) {
    gathered g = {0};
    const ein_plan_pooled *q;
    ein_histogram_result binned;
    ein_stats_interval delong, clustered;
    char text[EIN_POOL_TEXT_BYTES], why[2 * EIN_POOL_TEXT_BYTES];
    const char *reason = NULL;
    const int models[] = {first, second};
    for (int i = 0; i < s->n; i++) gather(&g, &s->result[i].task[task].pair[pair].sums);
    for (int k = 0; k < 2 && !reason; k++) {
        EIN_TRY(find_pooled(&q, &binned, s, task, models[k]));
        reason = refuse_counts(q, &binned);
        if (reason) snprintf(why, sizeof why, "%.60s: %s", s->plan->model[models[k]].name, reason);
    }
    if (!reason) {
        reason = refuse_sums(text, &g, &binned);
        if (reason) snprintf(why, sizeof why, "%s", reason);
    }
    if (reason) {
        tell_none(s, why, "difference", "difference", into);
        return EIN_OK;
    }
    EIN_TRY(ein_placement_sums_difference(&delong, &clustered, &g.all, s->level));
    json_t *object = json_object();
    json_object_set_new(into, "exact", object);
    const ein_stats_interval shown = choose(&g, delong, clustered, "difference", object);
    fprintf(s->out, "  exact: %s\n", ein_pool_interval_text(text, shown, 6, variance_text(&g)));
    tell_test(s, shown, object);
    return EIN_OK;
}
