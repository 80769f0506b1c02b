/* Admission of tables, beside those of this release and of every earlier one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/sites/build.h"

/* The reason leaves with the result, so it does not name what another coordinator has asked for; the sheet does. */
void ein_site_reason(char reason[EIN_REASON_BYTES], const ein_site_build *b, const ein_site_table *other,
                     bool earlier) {
    snprintf(reason, EIN_REASON_BYTES, "beside %.160s a difference would be of fewer than %.9g patients",
             earlier ? "an earlier release" : other->name, b->rules.minimum);
    if (earlier) fprintf(b->sheet, "  (the earlier release is %.200s)\n", other->name);
}

static ein_status judge_all(bool *granted, char reason[EIN_REASON_BYTES], const ein_site_build *b,
                            const ein_site_tables *others, const ein_overlap_table *table) {
    for (int i = 0; *granted && i < others->n; i++) {
        ein_release verdict;
        double least;
        if (ein_site_table_is_ranks(&others->item[i])) continue;
        EIN_TRY(ein_overlap_judge(&verdict, &least, &others->item[i].table, table, b->rules));
        if (verdict == EIN_RELEASE_GRANTED) continue;
        *granted = false;
        ein_site_reason(reason, b, &others->item[i], others == &b->ledger->tables);
    }
    return EIN_OK;
}

static void judge_cells(bool *granted, char reason[EIN_REASON_BYTES], const ein_site_build *b,
                        const double *weight, int n) {
    for (int i = 0; *granted && i < n; i++) {
        const ein_release verdict = ein_release_cell(weight[i], b->rules);
        if (verdict == EIN_RELEASE_GRANTED) continue;
        *granted = false;
        snprintf(reason, EIN_REASON_BYTES, "a cell is of fewer than %.9g patients, or of nobody",
                 b->rules.minimum);
    }
}

static ein_status judge(bool *granted, char reason[EIN_REASON_BYTES], const ein_site_build *b,
                        const ein_overlap_table *table) {
    double *weight = NULL, *cell = NULL;
    ein_status status = EIN_NEW(weight, table->n + 1);
    if (status == EIN_OK) status = EIN_NEW(cell, table->n_cells + 1);
    if (status == EIN_OK) status = ein_release_weights(weight, table->patient, table->n);
    for (int64_t i = 0; status == EIN_OK && i < table->n; i++) cell[table->cell[i]] += weight[i];
    if (status == EIN_OK) judge_cells(granted, reason, b, cell, table->n_cells);
    free(weight);
    free(cell);
    if (status == EIN_OK) status = judge_all(granted, reason, b, &b->tables, table);
    if (status == EIN_OK) status = judge_all(granted, reason, b, &b->ledger->tables, table);
    return status;
}

ein_status ein_site_admit(bool *granted, char reason[EIN_REASON_BYTES], ein_site_build *b, const char *name,
                          ein_overlap_table *table) {
    *granted = true;
    reason[0] = '\0';
    const ein_status status = judge(granted, reason, b, table);
    if (status == EIN_OK && *granted) return ein_site_tables_add(&b->tables, name, table);
    ein_overlap_table_free(table);
    return status;
}

ein_status ein_site_shown_count(json_t **out, ein_site_build *b, const char *name, const uint64_t *record,
                                const uint64_t *patient, int64_t n) {
    int32_t *cell;
    ein_overlap_table table;
    bool granted;
    char reason[EIN_REASON_BYTES];
    EIN_TRY(EIN_NEW(cell, n + 1));
    const ein_status status = ein_overlap_table_new(&table, 1, record, patient, cell, n);
    free(cell);
    EIN_TRY(status);
    EIN_TRY(ein_site_admit(&granted, reason, b, name, &table));
    *out = granted ? json_integer(n) : json_null();
    return EIN_OK;
}
