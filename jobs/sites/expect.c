#include "jobs/sites/expect.h"

#include <stdlib.h>
#include <string.h>

#include "core/stats/released_bins.h"
#include "core/stats/special.h"

static const double auroc = 0.8;

typedef struct {
    int task;
    double count[2]; /* negative, positive */
} expected;

static ein_status parse(expected *out, const ein_plan *p, const char *text) {
    const char *equals = strrchr(text, '=');
    char *slash, *end;
    out->task = -1;
    for (int t = 0; equals && t < p->n_tasks; t++)
        if (strlen(p->task[t].name) == (size_t)(equals - text) &&
            !strncmp(p->task[t].name, text, (size_t)(equals - text)) && !p->task[t].quantity)
            out->task = t;
    const char *const from = equals ? equals + 1 : "";
    out->count[1] = strtod(from, &slash);
    const bool divided = slash > from && *slash == '/';
    out->count[0] = strtod(divided ? slash + 1 : "", &end);
    if (out->task < 0 || !divided || end == slash + 1 || *end ||
        !(out->count[0] >= 0 && out->count[0] <= 1e12) || !(out->count[1] >= 0 && out->count[1] <= 1e12))
        return ein_error(
            EIN_USAGE,
            "--expect %s: TASK=POSITIVES/NEGATIVES of one site is needed, such as %s=40/300, of a task of "
            "the plan with 1 or 0",
            text, p->task[0].name);
    return EIN_OK;
}

/* The score below which a share of all lies: negatives are normal around 0, positives around d. */
static double edge_at(double share, const double total[2], double d) {
    double low = -40, high = 40;
    for (int i = 0; i < 100; i++) {
        const double middle = 0.5 * (low + high);
        const double below = total[0] * ein_normal_cdf(middle) + total[1] * ein_normal_cdf(middle - d);
        *(below < share * (total[0] + total[1]) ? &low : &high) = middle;
    }
    return 0.5 * (low + high);
}

/* Expected weights (2, n_bins) of one site in bins with these edges. */
static void fill(double *weight, const expected *e, const double *edge, int n_bins, double d) {
    for (int y = 0; y < 2; y++) {
        double before = 0;
        for (int b = 0; b < n_bins; b++) {
            const double below = b + 1 < n_bins ? ein_normal_cdf(edge[b] - y * d) : 1;
            weight[y * n_bins + b] = e->count[y] * (below - before);
            before = below;
        }
    }
}

static double bound_of(const double *weight, const uint8_t *keep, int n_bins, const expected *e) {
    double pairs = 0, sum[2] = {0, 0};
    for (int b = 0; b < n_bins; b++) {
        for (int y = 0; y < 2; y++) sum[y] += weight[y * n_bins + b];
        if (b + 1 < n_bins && !keep[b]) continue;
        pairs += sum[0] * sum[1];
        sum[0] = sum[1] = 0;
    }
    return 0.5 * pairs / (e->count[0] * e->count[1]);
}

static ein_status tell_site(FILE *out, uint8_t *common, double *weight, const ein_plan *p, const expected *e,
                            const double *edge, double d) {
    const int n_bins = p->task[e->task].n_edges + 1;
    ein_release_rules rules = EIN_RELEASE_DEFAULTS;
    uint8_t *keep;
    int joined;
    rules.minimum = (double)p->minimum_cell;
    EIN_TRY(EIN_NEW(keep, n_bins));
    fill(weight, e, edge, n_bins, d);
    const ein_status status = ein_released_bins_join(keep, &joined, weight, 2, n_bins, NULL, rules);
    const double bound = joined > 0 ? bound_of(weight, keep, n_bins, e) : 0.5;
    if (status == EIN_OK) {
        fprintf(out, "Expected, task %s: a site with %.9g positives and %.9g negatives could ",
                p->task[e->task].name, e->count[1], e->count[0]);
        if (joined == 0)
            fprintf(out, "send nothing: fewer than %.9g of a class\n", rules.minimum);
        else
            fprintf(out, "be counted in about %d bin%s of %d, and its AUROC be off by up to %.2f%s\n", joined,
                    joined == 1 ? "" : "s", n_bins, bound,
                    bound > p->largest_bound ? ": more than the plan allows, it would send no bins" : "");
        for (int b = 0; joined > 0 && b + 1 < n_bins; b++) common[b] &= keep[b];
    }
    free(keep);
    return status;
}

static ein_status tell_task(FILE *out, const ein_plan *p, int task, const expected *e, int n) {
    const int n_bins = p->task[task].n_edges + 1;
    const double d = ein_normal_quantile(auroc) * 1.4142135623730951;
    double total[2] = {0, 0}, *edge = NULL, *weight = NULL;
    uint8_t *common = NULL;
    int sites = 0, bins = 1;
    for (int i = 0; i < n; i++) {
        if (e[i].task != task) continue;
        sites++;
        for (int y = 0; y < 2; y++) total[y] += e[i].count[y];
    }
    if (sites == 0) return EIN_OK;
    ein_status status = EIN_NEW(edge, n_bins);
    if (status == EIN_OK) status = EIN_NEW(weight, 2 * n_bins);
    if (status == EIN_OK) status = EIN_NEW(common, n_bins);
    for (int b = 0; status == EIN_OK && b + 1 < n_bins; b++) {
        edge[b] = edge_at((double)(b + 1) / n_bins, total, d);
        common[b] = 1;
    }
    for (int i = 0; status == EIN_OK && i < n; i++)
        if (e[i].task == task) status = tell_site(out, common, weight, p, &e[i], edge, d);
    for (int b = 0; status == EIN_OK && b + 1 < n_bins; b++) bins += common[b];
    if (status == EIN_OK && sites > 1)
        fprintf(
            out, "  These %d sites would have about %d bin%s in common%s\n", sites, bins,
            bins == 1 ? "" : "s",
            bins > 1
                ? ""
                : ": no exact second round. Fewer bins, a threshold near the middle of the positives' scores, a "
                  "task with more positives, or without the smallest sites");
    free(edge);
    free(weight);
    free(common);
    return status;
}

ein_status ein_site_tell_expected(FILE *out, const ein_plan *p, const ein_config *config, const char *key) {
    const int n = ein_config_list_count(config, key);
    expected *e;
    EIN_TRY(EIN_NEW(e, n + 1));
    ein_status status = EIN_OK;
    for (int i = 0; status == EIN_OK && i < n; i++)
        status = parse(&e[i], p, ein_config_list_item(config, key, i));
    for (int t = 0; status == EIN_OK && t < p->n_tasks; t++) status = tell_task(out, p, t, e, n);
    if (status == EIN_OK && n > 0)
        fprintf(
            out,
            "  (guessed for scores of an AUROC of %.9g with edges well placed; of several models the later ones are "
            "joined more)\n",
            auroc);
    free(e);
    return status;
}
