#include "io/sites/tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/formats/csv.h"

void ein_site_tables_free(ein_site_tables *t) {
    for (int i = 0; i < t->n; i++) ein_overlap_table_free(&t->item[i].table);
    free(t->item);
    *t = (ein_site_tables){0};
}

ein_status ein_site_tables_add(ein_site_tables *t, const char *name, ein_overlap_table *table) {
    const ein_status status = EIN_GROW(t->item, t->room, t->n + 1);
    if (status != EIN_OK) {
        ein_overlap_table_free(table);
        return status;
    }
    ein_site_table *to = &t->item[t->n++];
    snprintf(to->name, sizeof to->name, "%s", name);
    to->table = *table;
    *table = (ein_overlap_table){0};
    return EIN_OK;
}

bool ein_site_table_is_ranks(const ein_site_table *table) {
    const char *name = table->name, *behind = strstr(name, ": " EIN_TABLE_RANKS);
    return !strncmp(name, EIN_TABLE_RANKS, strlen(EIN_TABLE_RANKS)) ||
           (!strncmp(name, "release ", 8) && behind);
}

/* --- writing: one row per record, by a walk along all tables, which are in the order of records ------------------- */

static ein_status write_rows(ein_csv_writer *csv, const ein_site_tables *t) {
    int64_t *at;
    char text[24];
    EIN_TRY(EIN_NEW(at, t->n + 1));
    for (;;) {
        uint64_t next = UINT64_MAX, patient = 0;
        for (int i = 0; i < t->n; i++) {
            const ein_overlap_table *x = &t->item[i].table;
            if (at[i] == x->n || x->record[at[i]] >= next) continue;
            next = x->record[at[i]];
            patient = x->patient[at[i]];
        }
        if (next == UINT64_MAX) break;
        snprintf(text, sizeof text, "%016" PRIx64, next);
        ein_csv_put(csv, text);
        snprintf(text, sizeof text, "%016" PRIx64, patient);
        ein_csv_put(csv, text);
        for (int i = 0; i < t->n; i++) {
            const ein_overlap_table *x = &t->item[i].table;
            if (at[i] < x->n && x->record[at[i]] == next)
                ein_csv_put_int(csv, x->cell[at[i]++]);
            else
                ein_csv_put(csv, "");
        }
        ein_csv_end_row(csv);
    }
    free(at);
    return EIN_OK;
}

ein_status ein_site_tables_write(const char *path, const ein_site_tables *t) {
    const char **names;
    ein_csv_writer *csv = NULL;
    EIN_TRY(EIN_NEW(names, t->n + 2));
    names[0] = "record";
    names[1] = "patient";
    for (int i = 0; i < t->n; i++) names[i + 2] = t->item[i].name;
    ein_status status = ein_csv_create(path, names, t->n + 2, &csv);
    free(names);
    if (status == EIN_OK) status = write_rows(csv, t);
    const ein_status closed = ein_csv_finish(csv, status == EIN_OK);
    return status == EIN_OK ? closed : status;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool parse_key(const char *text, uint64_t *out) {
    char *end;
    *out = strtoull(text, &end, 16);
    return strlen(text) == 16 && !*end;
}

typedef struct {
    uint64_t *record, *patient;
    int32_t *cell;
} columns;

static ein_status read_one(const char *path, const ein_csv *csv, int column, const char *before, columns *c,
                           ein_site_tables *into) {
    ein_overlap_table table;
    char name[EIN_TABLE_NAME_BYTES];
    int n_cells = 0;
    for (int64_t i = 0; i < ein_csv_rows(csv); i++) {
        const char *text = ein_csv_cell(csv, i, column);
        char *end;
        const long cell = *text ? strtol(text, &end, 10) : -1;
        if (*text && (*end || cell < 0 || cell > 1000000))
            return ein_error(EIN_FORMAT, "%s:%lld: \"%.20s\" is no cell of a table", path,
                             (long long)ein_csv_line(csv, i), text);
        c->cell[i] = (int32_t)cell;
        if (cell >= n_cells) n_cells = (int)cell + 1;
    }
    snprintf(name, sizeof name, "%s%.600s", before, ein_csv_column_name(csv, column));
    EIN_TRY(ein_overlap_table_new(&table, n_cells, c->record, c->patient, c->cell, ein_csv_rows(csv)));
    return ein_site_tables_add(into, name, &table);
}

static ein_status read_all(const char *path, const ein_csv *csv, const char *before, columns *c,
                           ein_site_tables *into) {
    const int64_t rows = ein_csv_rows(csv);
    if (ein_csv_columns(csv) < 2 || strcmp(ein_csv_column_name(csv, 0), "record") != 0 ||
        strcmp(ein_csv_column_name(csv, 1), "patient") != 0 || ein_csv_problems(csv) > 0)
        return ein_error(EIN_FORMAT, "%s: not a table of released cells, or damaged", path);
    EIN_TRY(EIN_NEW(c->record, rows + 1));
    EIN_TRY(EIN_NEW(c->patient, rows + 1));
    EIN_TRY(EIN_NEW(c->cell, rows + 1));
    for (int64_t i = 0; i < rows; i++)
        if (!parse_key(ein_csv_cell(csv, i, 0), &c->record[i]) ||
            !parse_key(ein_csv_cell(csv, i, 1), &c->patient[i]))
            return ein_error(EIN_FORMAT, "%s:%lld: no keys of 16 hexadecimal digits", path,
                             (long long)ein_csv_line(csv, i));
    for (int k = 2; k < ein_csv_columns(csv); k++) EIN_TRY(read_one(path, csv, k, before, c, into));
    return EIN_OK;
}

ein_status ein_site_tables_read(const char *path, const char *before, ein_site_tables *into) {
    ein_csv *csv;
    columns c = {0};
    EIN_TRY(ein_csv_open(path, &csv));
    const ein_status status = read_all(path, csv, before, &c, into);
    free(c.record);
    free(c.patient);
    free(c.cell);
    ein_csv_close(csv);
    return status;
}
