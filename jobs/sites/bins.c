/* The bins of one model: joined until every cell and every difference is large enough. */
#include <stdlib.h>
#include <string.h>

#include "core/stats/released_bins.h"
#include "jobs/sites/build.h"

void ein_site_bins_free(ein_site_bins *x) {
    free(x->keep);
    free(x->first);
    free(x->bin);
    free(x->positive);
    free(x->negative);
    *x = (ein_site_bins){0};
}

static void withhold(ein_site_bins *x, const char *reason) {
    snprintf(x->withheld, sizeof x->withheld, "%s", reason);
    x->n_joined = 0;
}

/* Fine cells of a task's records: class * n_bins + bin. */
static void fine_cells(int32_t *cell, const ein_site_bins *x, const ein_site_cases *c) {
    for (int64_t i = 0; i < c->n; i++) cell[i] = c->label[i] * x->n_bins + x->bin[i];
}

static ein_status join_cells(ein_site_bins *x, const ein_site_build *b, const ein_site_cases *c,
                             const ein_plan_task *t) {
    double *weight = NULL;
    uint8_t *wanted = NULL;
    ein_status status = EIN_NEW(weight, 2 * x->n_bins);
    if (status == EIN_OK) status = EIN_NEW(wanted, x->n_bins);
    if (status == EIN_OK) {
        for (int64_t i = 0; i < c->n; i++) weight[c->label[i] * x->n_bins + x->bin[i]] += c->weight[i];
        for (int k = 0; k < t->n_thresholds; k++) wanted[t->threshold[k]] = 1;
        status = ein_released_bins_join(x->keep, &x->n_joined, weight, 2, x->n_bins, wanted, b->rules);
    }
    free(weight);
    free(wanted);
    return status;
}

/* Join further until nothing is told beside one other table. */
static ein_status join_beside(ein_site_bins *x, const ein_site_build *b, const ein_overlap_table *fine,
                              const ein_site_table *other, bool earlier) {
    double *weight;
    ein_release verdict;
    char reason[EIN_REASON_BYTES];
    EIN_TRY(EIN_NEW(weight, (int64_t)(other->table.n_cells + 1) * (fine->n_cells + 1)));
    ein_status status = ein_overlap_weights(weight, &other->table, fine);
    if (status == EIN_OK)
        status = ein_overlap_join(&verdict, x->keep, weight, other->table.n_cells, 2, x->n_bins, b->rules);
    free(weight);
    if (status != EIN_OK || verdict == EIN_RELEASE_GRANTED) return status;
    ein_site_reason(reason, b, other, earlier);
    withhold(x, reason);
    return EIN_OK;
}

static int edges_left(const ein_site_bins *x) {
    int n = 0;
    for (int e = 0; e + 1 < x->n_bins; e++) n += x->keep[e];
    return n;
}

/* Joining for one table may undo what another needs: again until nothing changes. */
static ein_status join_differences(ein_site_bins *x, const ein_site_build *b, const ein_overlap_table *fine) {
    const ein_site_tables *sets[] = {&b->tables, &b->ledger->tables};
    for (int before = -1; before != edges_left(x) && !x->withheld[0];) {
        before = edges_left(x);
        for (int s = 0; s < 2; s++)
            for (int i = 0; i < sets[s]->n && !x->withheld[0]; i++)
                if (!ein_site_table_is_ranks(&sets[s]->item[i]))
                    EIN_TRY(join_beside(x, b, fine, &sets[s]->item[i], s == 1));
    }
    if (!x->withheld[0]) x->n_joined = edges_left(x) + 1;
    return EIN_OK;
}

/* The bins of the pooled counts, and whether these hold this site's own. */
static void take_pooled(ein_site_bins *x, const ein_site_build *b, int task, int model) {
    const ein_plan_pooled *q = NULL;
    char name[EIN_TABLE_NAME_BYTES];
    bool released = false;
    for (int i = 0; i < b->plan->n_pooled; i++)
        if (b->plan->pooled[i].task == task && b->plan->pooled[i].model == model) q = &b->plan->pooled[i];
    snprintf(name, sizeof name, ": %s|%s", b->plan->task[task].name, b->plan->model[model].name);
    for (int i = 0; i < b->ledger->tables.n; i++)
        released |= strstr(b->ledger->tables.item[i].name, name) != NULL;
    if (!q || !released) {
        withhold(x, q ? "nothing of it was released in round 1" : "round 1 gave no pooled counts of it");
        return;
    }
    memset(x->keep, 0, (size_t)x->n_bins);
    for (int k = 1; k < q->n_bins; k++) x->keep[q->first[k] - 1] = 1;
    x->n_joined = q->n_bins;
}

static ein_status check_pooled(ein_site_bins *x, const ein_site_build *b, int task, int model) {
    for (int i = 0; i < b->plan->n_pooled; i++) {
        const ein_plan_pooled *q = &b->plan->pooled[i];
        if (q->task != task || q->model != model) continue;
        for (int k = 0; k < x->n_joined; k++)
            if (q->positive[k] < x->positive[k] || q->negative[k] < x->negative[k])
                return ein_error(
                    EIN_MISMATCH,
                    "the plan's pooled counts of task %s do not hold this site's own: other records than in "
                    "round 1, or counts that are not what sites sent",
                    b->plan->task[task].name);
    }
    return EIN_OK;
}

/* Counts in joined bins, and each record's. */
static ein_status count(ein_site_bins *x, const ein_site_cases *c) {
    int64_t *fine = NULL;
    int *joined = NULL;
    ein_status status = EIN_NEW(fine, 2 * x->n_bins);
    if (status == EIN_OK) status = EIN_NEW(joined, x->n_bins);
    if (status == EIN_OK) {
        for (int64_t i = 0; i < c->n; i++) fine[c->label[i] * x->n_bins + x->bin[i]]++;
        ein_released_bins_apply(x->negative, x->first, x->keep, fine, x->n_bins);
        ein_released_bins_apply(x->positive, NULL, x->keep, fine + x->n_bins, x->n_bins);
        for (int e = 1; e < x->n_bins; e++) joined[e] = joined[e - 1] + x->keep[e - 1];
        for (int64_t i = 0; i < c->n; i++) x->bin[i] = joined[x->bin[i]];
        x->n_counted = x->n_joined;
    }
    free(fine);
    free(joined);
    return status;
}

static ein_status judge_bound(ein_site_bins *x, const ein_site_build *b) {
    ein_histogram_result h;
    char reason[EIN_REASON_BYTES];
    EIN_TRY(ein_histogram_auc(&h, x->positive, x->negative, x->n_joined, 0.95));
    x->bound = h.bound.value;
    if (b->plan->pooled || x->bound <= b->plan->largest_bound) return EIN_OK;
    snprintf(reason, sizeof reason,
             "%d bins, joined to %d, may be wrong by up to %.4f in the AUROC, and the plan allows %.4g",
             x->n_bins, x->n_joined, x->bound, b->plan->largest_bound);
    withhold(x, reason);
    return EIN_OK;
}

static ein_status admit(ein_site_bins *x, ein_site_build *b, const ein_site_cases *c, int task, int model) {
    int32_t *cell;
    ein_overlap_table table;
    bool granted;
    char name[EIN_TABLE_NAME_BYTES], reason[EIN_REASON_BYTES];
    EIN_TRY(EIN_NEW(cell, c->n + 1));
    for (int64_t i = 0; i < c->n; i++) cell[i] = c->label[i] * x->n_joined + x->bin[i];
    ein_status status = ein_overlap_table_new(&table, 2 * x->n_joined, c->record, c->patient, cell, c->n);
    free(cell);
    EIN_TRY(status);
    snprintf(name, sizeof name, "%s|%s", b->plan->task[task].name, b->plan->model[model].name);
    EIN_TRY(ein_site_admit(&granted, reason, b, name, &table));
    if (!granted) withhold(x, reason);
    return EIN_OK;
}

static ein_status choose(ein_site_bins *x, ein_site_build *b, const ein_site_cases *c, int task, int model) {
    int32_t *cell;
    ein_overlap_table fine = {0};
    if (b->plan->pooled) {
        take_pooled(x, b, task, model);
        return EIN_OK;
    }
    EIN_TRY(join_cells(x, b, c, &b->plan->task[task]));
    if (x->n_joined == 0) {
        withhold(x, "too few patients of a class for even one bin");
        return EIN_OK;
    }
    EIN_TRY(EIN_NEW(cell, c->n + 1));
    fine_cells(cell, x, c);
    ein_status status = ein_overlap_table_new(&fine, 2 * x->n_bins, c->record, c->patient, cell, c->n);
    free(cell);
    if (status == EIN_OK) status = join_differences(x, b, &fine);
    ein_overlap_table_free(&fine);
    return status;
}

ein_status ein_site_bins_make(ein_site_bins *x, ein_site_build *b, const ein_site_cases *c, int task,
                              int model) {
    const ein_plan_task *t = &b->plan->task[task];
    *x = (ein_site_bins){.n_bins = t->n_edges + 1};
    EIN_TRY(EIN_NEW(x->keep, x->n_bins));
    EIN_TRY(EIN_NEW(x->first, x->n_bins));
    EIN_TRY(EIN_NEW(x->bin, c->n + 1));
    EIN_TRY(EIN_NEW(x->positive, x->n_bins));
    EIN_TRY(EIN_NEW(x->negative, x->n_bins));
    for (int64_t i = 0; i < c->n; i++)
        x->bin[i] = ein_released_bin_of(t->edge, t->n_edges, c->score[model][i]);
    EIN_TRY(choose(x, b, c, task, model));
    if (!x->withheld[0]) EIN_TRY(count(x, c));
    if (!x->withheld[0] && b->plan->pooled) EIN_TRY(check_pooled(x, b, task, model));
    if (!x->withheld[0]) EIN_TRY(judge_bound(x, b));
    if (!x->withheld[0]) EIN_TRY(admit(x, b, c, task, model));
    return EIN_OK;
}
