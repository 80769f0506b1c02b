#include "core/stats/overlap_tables.h"

#include <stdlib.h>

typedef struct {
    uint64_t record, patient;
    int32_t cell;
} row;

static int compare_rows(const void *left, const void *right) {
    const row *a = left, *b = right;
    return (a->record > b->record) - (a->record < b->record);
}

void ein_overlap_table_free(ein_overlap_table *t) {
    free(t->record);
    free(t->patient);
    free(t->cell);
    *t = (ein_overlap_table){0};
}

static ein_status fill(ein_overlap_table *t, const row *rows) {
    EIN_TRY(EIN_NEW(t->record, t->n + 1));
    EIN_TRY(EIN_NEW(t->patient, t->n + 1));
    EIN_TRY(EIN_NEW(t->cell, t->n + 1));
    for (int64_t i = 0; i < t->n; i++) {
        t->record[i] = rows[i].record;
        t->patient[i] = rows[i].patient;
        t->cell[i] = rows[i].cell;
        if (i > 0 && t->record[i] == t->record[i - 1])
            return ein_error(EIN_RANGE, "a record is twice in one table");
        if (t->cell[i] >= t->n_cells)
            return ein_error(EIN_RANGE, "cell %d of a table of %d", (int)t->cell[i], t->n_cells);
    }
    return EIN_OK;
}

ein_status ein_overlap_table_new(ein_overlap_table *out, int n_cells, const uint64_t *record,
                                 const uint64_t *patient, const int32_t *cell, int64_t n) {
    row *rows;
    *out = (ein_overlap_table){.n_cells = n_cells};
    EIN_TRY(EIN_NEW(rows, n + 1));
    for (int64_t i = 0; i < n; i++)
        if (cell[i] >= 0) rows[out->n++] = (row){record[i], patient[i], cell[i]};
    qsort(rows, (size_t)out->n, sizeof *rows, compare_rows);
    const ein_status status = fill(out, rows);
    free(rows);
    if (status != EIN_OK) ein_overlap_table_free(out);
    return status;
}

/* Both tables as one list: patient and cells (+ 1; 0 outside) of every record of either. */
typedef struct {
    int64_t n;
    uint64_t *patient;
    int32_t *first, *second;
    double *weight;
} joint;

static void joint_free(joint *j) {
    free(j->patient);
    free(j->first);
    free(j->second);
    free(j->weight);
}

static ein_status joint_new(joint *j, const ein_overlap_table *a, const ein_overlap_table *b) {
    const int64_t most = a->n + b->n + 1;
    EIN_TRY(EIN_NEW(j->patient, most));
    EIN_TRY(EIN_NEW(j->first, most));
    EIN_TRY(EIN_NEW(j->second, most));
    EIN_TRY(EIN_NEW(j->weight, most));
    for (int64_t i = 0, k = 0; i < a->n || k < b->n; j->n++) {
        const bool from_a = i < a->n && (k >= b->n || a->record[i] <= b->record[k]),
                   from_b = k < b->n && (i >= a->n || b->record[k] <= a->record[i]);
        j->patient[j->n] = from_a ? a->patient[i] : b->patient[k];
        j->first[j->n] = from_a ? a->cell[i++] + 1 : 0;
        j->second[j->n] = from_b ? b->cell[k++] + 1 : 0;
    }
    return ein_release_weights(j->weight, j->patient, j->n);
}

ein_status ein_overlap_weights(double *weight, const ein_overlap_table *first,
                               const ein_overlap_table *second) {
    joint j = {0};
    const int columns = second->n_cells + 1;
    const ein_status status = joint_new(&j, first, second);
    for (int64_t i = 0; i < (int64_t)(first->n_cells + 1) * columns; i++) weight[i] = 0;
    for (int64_t i = 0; status == EIN_OK && i < j.n; i++)
        weight[(int64_t)j.first[i] * columns + j.second[i]] += j.weight[i];
    joint_free(&j);
    return status;
}

ein_status ein_overlap_judge(ein_release *verdict, double *least, const ein_overlap_table *first,
                             const ein_overlap_table *second, ein_release_rules rules) {
    double *weight;
    EIN_TRY(EIN_NEW(weight, (int64_t)(first->n_cells + 1) * (second->n_cells + 1)));
    ein_status status = ein_overlap_weights(weight, first, second);
    if (status == EIN_OK)
        status = ein_overlap_least_cut(least, NULL, weight, first->n_cells, second->n_cells);
    free(weight);
    if (status == EIN_OK) *verdict = isinf(*least) ? EIN_RELEASE_GRANTED : ein_release_pair(*least, 0, rules);
    return status;
}
