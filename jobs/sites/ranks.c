/* Scores that this site has told of before: an AUROC is not told beside another whose scores differ for a few
 * patients. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/sites/build.h"

/* --- ranks as a table
 * ------------------------------------------------------------------------------------------------ */

static ein_status ranks_of(int32_t *rank, int *n_ranks, const double *score, int64_t n) {
    int64_t *order;
    EIN_TRY(EIN_NEW(order, n + 1));
    const ein_status status = ein_stats_order(order, score, n);
    *n_ranks = 0;
    for (int64_t i = 0; status == EIN_OK && i < n; i++) {
        if (i == 0 || score[order[i]] != score[order[i - 1]]) ++*n_ranks;
        rank[order[i]] = *n_ranks - 1;
    }
    free(order);
    return status;
}

ein_status ein_site_remember_ranks(ein_site_build *b, const ein_site_cases *c, int task, int model) {
    int32_t *rank;
    int n_ranks;
    char name[EIN_TABLE_NAME_BYTES];
    ein_overlap_table table;
    EIN_TRY(EIN_NEW(rank, c->n + 1));
    ein_status status = ranks_of(rank, &n_ranks, c->score[model], c->n);
    if (status == EIN_OK) status = ein_overlap_table_new(&table, n_ranks, c->record, c->patient, rank, c->n);
    free(rank);
    EIN_TRY(status);
    snprintf(name, sizeof name, EIN_TABLE_RANKS "%s|%s", b->plan->task[task].name,
             b->plan->model[model].name);
    return ein_site_tables_add(&b->tables, name, &table);
}

/* --- beside earlier ones
 * ---------------------------------------------------------------------------------------------- */

int64_t ein_site_find(const ein_overlap_table *t, uint64_t record) {
    int64_t low = 0, high = t->n;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (t->record[middle] < record)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->n && t->record[low] == record ? low : -1;
}

/* Predictions of a quantity: one that moves alone passes others, which move by one place each. */
static ein_status ranks_spread(bool *good, const ein_site_build *b, const ein_site_cases *c,
                               const double *was) {
    double *rank = NULL, *before = NULL;
    int64_t *index = NULL, n_clusters = 0, largest;
    ein_status status = EIN_NEW(rank, c->n + 1);
    if (status == EIN_OK) status = EIN_NEW(before, 2 * c->n + 1);
    if (status == EIN_OK) status = EIN_NEW(index, c->n + 1);
    if (status == EIN_OK) status = ein_stats_midranks(rank, c->score[0], c->n);
    if (status == EIN_OK) status = ein_stats_midranks(before, was, c->n);
    if (status == EIN_OK) status = ein_stats_clusters(index, &n_clusters, &largest, c->patient, c->n);
    for (int64_t i = 0; status == EIN_OK && i < c->n; i++) rank[i] -= before[i];
    if (status == EIN_OK) {
        ein_release_contributions(before, n_clusters, rank, index, NULL, c->n);
        *good = *good && ein_release_spread(before, n_clusters, b->rules) == EIN_RELEASE_GRANTED;
    }
    free(rank);
    free(before);
    free(index);
    return status;
}

static ein_status beside_one(bool *good, const ein_site_build *b, const ein_site_cases *c,
                             const double *score, const ein_overlap_table *old, bool quantity) {
    ein_site_cases both = {0};
    double *was = NULL;
    ein_status status = EIN_NEW(both.label, c->n + 1);
    if (status == EIN_OK) status = EIN_NEW(both.patient, c->n + 1);
    if (status == EIN_OK) status = EIN_NEW(both.score[0], c->n + 1);
    if (status == EIN_OK) status = EIN_NEW(was, c->n + 1);
    for (int64_t i = 0; status == EIN_OK && i < c->n; i++) {
        const int64_t at = ein_site_find(old, c->record[i]);
        if (at < 0) continue;
        was[both.n] = old->cell[at];
        both.label[both.n] = c->label[i];
        both.patient[both.n] = c->patient[i];
        both.n_positive += c->label[i];
        both.score[0][both.n++] = score[i];
    }
    const ein_site_score one = {both.score[0], NULL, 1}, other = {was, NULL, 1};
    if (status == EIN_OK && quantity)
        status = ranks_spread(good, b, &both, was);
    else if (status == EIN_OK && both.n_positive > 0 && both.n_positive < both.n)
        status = ein_site_score_spreads(good, b, &both, &one, &other);
    free(was);
    ein_site_cases_free(&both);
    return status;
}

ein_status ein_site_beside_ranks(bool *good, const ein_site_build *b, const ein_site_cases *c, int task,
                                 int model) {
    const double *score = c->score[model];
    const ein_site_tables *sets[] = {&b->tables, &b->ledger->tables};
    *good = true;
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < sets[s]->n && *good; i++)
            if (ein_site_table_is_ranks(&sets[s]->item[i]))
                EIN_TRY(beside_one(good, b, c, score, &sets[s]->item[i].table, b->plan->task[task].quantity));
    return EIN_OK;
}

/* --- sums over patients, once
 * ------------------------------------------------------------------------------------------ */

bool ein_site_sums_sent(const ein_site_build *b, const ein_site_cases *c) {
    char prefix[40];
    for (int r = 0; r < b->ledger->n_releases; r++) {
        const json_t *about = json_array_get(b->ledger->releases, (size_t)r);
        const char *plan = json_string_value(json_object_get(about, "plan"));
        if (json_integer_value(json_object_get(about, "round")) != 2 ||
            json_object_get(about, "recalibration") || (plan && !strcmp(plan, b->plan->file.hash)))
            continue;
        snprintf(prefix, sizeof prefix, "release %d: ", r + 1);
        for (int i = 0; i < b->ledger->tables.n; i++) {
            const ein_site_table *t = &b->ledger->tables.item[i];
            if (strncmp(t->name, prefix, strlen(prefix)) != 0) continue;
            for (int64_t k = 0; k < c->n; k++)
                if (ein_site_find(&t->table, c->record[k]) >= 0) return true;
        }
    }
    return false;
}
