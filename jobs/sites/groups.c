/* Subgroups: those that are too small are joined with their neighbours, then all of a column leave, or none. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/sites/build.h"

enum { MOST = EIN_PLAN_MOST_GROUPS + 2, NAME_BYTES = 2000 };

/* Groups 0 .. n - 1 of the plan, and n for records whose value is not known or none of the plan's. */
typedef struct {
    const ein_plan_grouping *plan;
    int n;
    int joined[MOST]; /* of each group, the joined one it belongs to */
    int n_joined;
    double weight[MOST][2]; /* of joined groups */
    int64_t count[MOST][2], unknown;
    bool has[MOST]; /* of the plan's groups: has records */
} grouping;

static void group_name(char out[200], const ein_plan_grouping *p, int g) {
    if (g == p->n_groups)
        snprintf(out, 200, "not known or other");
    else if (p->n_cuts == 0)
        snprintf(out, 200, "%.190s", p->value[g]);
    else if (g == 0)
        snprintf(out, 200, "<%.9g", p->cut[0]);
    else if (g == p->n_cuts)
        snprintf(out, 200, ">=%.9g", p->cut[p->n_cuts - 1]);
    else
        snprintf(out, 200, "%.9g to <%.9g", p->cut[g - 1], p->cut[g]);
}

/* Names of what is joined, apart by " or ". */
static void joined_name(char out[NAME_BYTES], const grouping *x, int joined) {
    size_t used = 0;
    char one[200];
    out[0] = '\0';
    for (int g = 0; g <= x->n; g++) {
        if (x->joined[g] != joined || (g == x->n && !x->has[g])) continue;
        group_name(one, x->plan, g);
        used += (size_t)snprintf(out + used, NAME_BYTES - used, "%s%s", used ? " or " : "", one);
        if (used >= NAME_BYTES) return;
    }
}

static int group_of(const grouping *x, int32_t group) {
    return group < 0 ? x->n : group;
}

static void weigh(grouping *x, const ein_site_cases *c, const int32_t *group) {
    memset(x->weight, 0, sizeof x->weight);
    memset(x->count, 0, sizeof x->count);
    for (int64_t i = 0; i < c->n; i++) {
        const int j = x->joined[group_of(x, group[i])];
        x->weight[j][c->label[i]] += c->weight[i];
        x->count[j][c->label[i]]++;
    }
}

static double least_of(const grouping *x, int j) {
    return fmin(x->weight[j][0], x->weight[j][1]);
}

/* Put group `from` into `into`, and number the joined ones anew in order. */
static void join(grouping *x, int into, int from) {
    for (int g = 0; g <= x->n; g++) {
        if (x->joined[g] == from) x->joined[g] = into;
        if (x->joined[g] > from) x->joined[g]--;
    }
    x->n_joined--;
}

/* The joined group of records whose value is not known, or -1 where there are none. */
static int unknown_of(const grouping *x) {
    return x->has[x->n] ? x->joined[x->n] : -1;
}

/* The neighbour of a group of cuts, or the smallest other group. */
static int partner(const grouping *x, int small) {
    int best = -1;
    const bool ordered = x->plan->n_cuts > 0 && small != unknown_of(x);
    for (int j = 0; j < x->n_joined; j++) {
        if (j == small || (ordered && j != small - 1 && j != small + 1)) continue;
        if (ordered && j == unknown_of(x)) continue;
        if (best < 0 || least_of(x, j) < least_of(x, best)) best = j;
    }
    for (int j = 0; best < 0 && j < x->n_joined; j++)
        if (j != small) best = j;
    return best;
}

/* Join until every group has enough of both classes; groups that are empty are joined like small ones. */
static void join_small(grouping *x, const ein_site_build *b, const ein_site_cases *c, const int32_t *group) {
    for (;;) {
        int small = -1;
        weigh(x, c, group);
        for (int j = 0; j < x->n_joined; j++)
            if (ein_release_cell(least_of(x, j), b->rules) != EIN_RELEASE_GRANTED &&
                (small < 0 || least_of(x, j) < least_of(x, small)))
                small = j;
        if (small < 0 || x->n_joined < 2) return;
        const int other = partner(x, small);
        join(x, small < other ? small : other, small < other ? other : small);
    }
}

static void start(grouping *x, const ein_plan_grouping *p, const ein_site_cases *c, const int32_t *group) {
    *x = (grouping){.plan = p, .n = p->n_groups};
    for (int64_t i = 0; i < c->n; i++) x->has[group_of(x, group[i])] = true;
    x->n_joined = x->n + x->has[x->n];
    for (int g = 0; g <= x->n; g++) x->joined[g] = g < x->n_joined ? g : x->n_joined - 1;
}

/* --- one group ------------------------------------------------------------------------------------------------ */

/* The records of one joined group, sharing the arrays' order. */
static ein_status take_group(ein_site_cases *out, const ein_site_cases *c, const grouping *x,
                             const int32_t *group, int joined, int n_models) {
    *out = (ein_site_cases){0};
    EIN_TRY(EIN_NEW(out->label, c->n + 1));
    EIN_TRY(EIN_NEW(out->patient, c->n + 1));
    EIN_TRY(EIN_NEW(out->weight, c->n + 1));
    for (int m = 0; m < n_models; m++) EIN_TRY(EIN_NEW(out->score[m], c->n + 1));
    for (int64_t i = 0; i < c->n; i++) {
        if (x->joined[group_of(x, group[i])] != joined) continue;
        out->label[out->n] = c->label[i];
        out->patient[out->n] = c->patient[i];
        out->weight[out->n] = c->weight[i];
        for (int m = 0; m < n_models; m++) out->score[m][out->n] = c->score[m][i];
        out->n++;
    }
    return EIN_OK;
}

static ein_status group_json(json_t **out, const ein_site_build *b, const ein_site_cases *all,
                             const grouping *x, const int32_t *group, int joined, const bool *may_tell) {
    ein_site_cases c;
    char name[NAME_BYTES];
    json_t *models = json_array();
    const int M = b->plan->n_models;
    ein_status status = take_group(&c, all, x, group, joined, M);
    const bool may = status == EIN_OK && ein_site_may_fit(b, &c, 3 * M);
    for (int m = 0; status == EIN_OK && m < M; m++) {
        json_t *auroc = NULL;
        const ein_site_score own = {c.score[m], NULL, 1};
        if (may && may_tell[m])
            status = ein_site_auroc(&auroc, b, &c, &own, NULL);
        else
            auroc = json_null();
        json_array_append_new(models,
                              json_pack("{s:s, s:o}", "name", b->plan->model[m].name, "auroc", auroc));
    }
    ein_site_cases_free(&c);
    joined_name(name, x, joined);
    int64_t count[2] = {x->count[joined][0], x->count[joined][1]};
    ein_site_add_noise(b, count, 2);
    *out = json_pack("{s:s, s:I, s:I, s:o}", "name", name, "n_positive", (json_int_t)count[1], "n_negative",
                     (json_int_t)count[0], "models", models);
    return status == EIN_OK && !*out ? ein_error(EIN_NOMEM, "no memory for a subgroup") : status;
}

/* --- one column ----------------------------------------------------------------------------------------------- */

static ein_status admit(bool *granted, char reason[EIN_REASON_BYTES], ein_site_build *b,
                        const ein_site_cases *c, const grouping *x, const int32_t *group, int task) {
    int32_t *cell;
    ein_overlap_table table;
    char name[EIN_TABLE_NAME_BYTES];
    EIN_TRY(EIN_NEW(cell, c->n + 1));
    for (int64_t i = 0; i < c->n; i++) cell[i] = c->label[i] * x->n_joined + x->joined[group_of(x, group[i])];
    const ein_status status =
        ein_overlap_table_new(&table, 2 * x->n_joined, c->record, c->patient, cell, c->n);
    free(cell);
    EIN_TRY(status);
    snprintf(name, sizeof name, "%s by %s", b->plan->task[task].name, x->plan->column);
    return ein_site_admit(granted, reason, b, name, &table);
}

static ein_status column_json(json_t **out, ein_site_build *b, const ein_site_cases *c, int task, int g,
                              const bool *may_tell) {
    const int32_t *group = c->group[g];
    grouping x;
    bool granted = false;
    char reason[EIN_REASON_BYTES] = "too few patients of each class for two groups";
    json_t *groups = json_array();
    start(&x, &b->plan->grouping[g], c, group);
    join_small(&x, b, c, group);
    ein_status status = EIN_OK;
    if (x.n_joined >= 2) status = admit(&granted, reason, b, c, &x, group, task);
    for (int j = 0; status == EIN_OK && granted && j < x.n_joined; j++) {
        json_t *one;
        status = group_json(&one, b, c, &x, group, j, may_tell);
        json_array_append_new(groups, one);
    }
    fprintf(b->sheet, "  Subgroups by %s: %s%s\n", x.plan->column,
            granted ? "" : "NOT sent: ", granted ? "sent" : reason);
    for (int j = 0; granted && j < x.n_joined; j++)
        fprintf(b->sheet, "    %s: %lld positive, %lld negative, AUROC of each model\n",
                json_string_value(json_object_get(json_array_get(groups, (size_t)j), "name")),
                (long long)x.count[j][1], (long long)x.count[j][0]);
    *out = json_pack("{s:s, s:o, s:o}", "column", x.plan->column, "withheld",
                     granted ? json_null() : json_string(reason), "groups", groups);
    return status;
}

ein_status ein_site_subgroups(json_t **out, ein_site_build *b, const ein_site_cases *c, int task,
                              const bool *may_tell) {
    *out = json_array();
    for (int g = 0; g < b->plan->n_groupings; g++) {
        json_t *one;
        EIN_TRY(column_json(&one, b, c, task, g, may_tell));
        json_array_append_new(*out, one);
    }
    return EIN_OK;
}
