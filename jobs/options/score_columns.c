#include "jobs/options/score_columns.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/stats/common.h"
#include "io/base/nearest.h"
#include "io/base/utf8.h"
#include "io/formats/values.h"

enum { SHOWN_BYTES = 48, PROBLEMS_TOLD = 5, COLUMNS_TOLD = 12 };

ein_status ein_score_table_open(ein_score_table *out, const char *path) {
    *out = (ein_score_table){.path = path};
    EIN_TRY(ein_csv_open(path, &out->csv));
    out->rows = ein_csv_rows(out->csv);
    if (out->rows > 0) return EIN_OK;
    const char *problem = ein_csv_problem(out->csv, 0);
    const ein_status status =
        problem ? ein_error(EIN_FORMAT, "%s: no row could be read; the first: %s", path, problem)
                : ein_error(EIN_FORMAT, "%s: no rows below the header", path);
    ein_score_table_close(out);
    return status;
}

void ein_score_table_close(ein_score_table *table) {
    ein_csv_close(table->csv);
    table->csv = NULL;
}

void ein_score_table_tell_problems(const ein_score_table *table) {
    const int64_t n = ein_csv_problems(table->csv), replaced = ein_csv_replaced(table->csv);
    if (strcmp(ein_csv_encoding(table->csv), "UTF-8") != 0)
        fprintf(stderr, "%s: not UTF-8: read as %s\n", table->path, ein_csv_encoding(table->csv));
    if (replaced > 0)
        fprintf(stderr, "%s: %lld bytes that are no UTF-8 were replaced\n", table->path, (long long)replaced);
    for (int64_t i = 0; i < n && i < PROBLEMS_TOLD; i++)
        fprintf(stderr, "%s (row left out)\n", ein_csv_problem(table->csv, i));
    if (n > PROBLEMS_TOLD)
        fprintf(stderr, "%s: and %lld more rows left out\n", table->path, (long long)(n - PROBLEMS_TOLD));
}

static ein_status no_column(const ein_score_table *table, const char *name, const char *option) {
    const int n = ein_csv_columns(table->csv);
    const char **names;
    char shown[SHOWN_BYTES], list[COLUMNS_TOLD * (SHOWN_BYTES + 2) + 8] = "";
    EIN_TRY(EIN_NEW(names, n));
    size_t used = 0;
    for (int c = 0; c < n; c++) {
        names[c] = ein_csv_column_name(table->csv, c);
        if (c < COLUMNS_TOLD)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", c ? ", " : "",
                                     ein_utf8_show(names[c], shown, sizeof shown));
    }
    if (n > COLUMNS_TOLD) snprintf(list + used, sizeof list - used, ", ...");
    const char *nearest = ein_nearest(name, names, n);
    ein_status status;
    if (nearest)
        status = ein_error(EIN_USAGE, "%s: no column \"%s\" for %s; did you mean \"%s\"?", table->path, name,
                           option, ein_utf8_show(nearest, shown, sizeof shown));
    else
        status = ein_error(EIN_USAGE, "%s: no column \"%s\" for %s; there are %s", table->path, name, option,
                           list);
    free(names);
    return status;
}

ein_status ein_score_table_column(const ein_score_table *table, const char *name, const char *option,
                                  int *out) {
    *out = ein_csv_column(table->csv, name);
    return *out >= 0 ? EIN_OK : no_column(table, name, option);
}

bool ein_cell_is_missing(const char *text) {
    return ein_value_is_missing(text);
}

/* Decimal or infinite, with blanks around it and nothing else. */
static bool parse_number(const char *text, double *out) {
    char *end;
    if (strpbrk(text, "xXpP(")) return false; /* strtod also takes hexadecimal and nan(...) */
    *out = strtod(text, &end);
    if (end == text || isnan(*out)) return false;
    return end[strspn(end, " \t")] == 0;
}

ein_status ein_score_table_numbers(const ein_score_table *table, int column, double *value) {
    char shown[SHOWN_BYTES], name[SHOWN_BYTES];
    for (int64_t i = 0; i < table->rows; i++) {
        const char *text = ein_csv_cell(table->csv, i, column);
        if (ein_cell_is_missing(text)) {
            value[i] = NAN;
        } else if (!parse_number(text, &value[i])) {
            return ein_error(
                EIN_FORMAT,
                "%s:%lld: \"%s\" in column \"%s\" is not a number; leave the cell empty where there is none",
                table->path, (long long)ein_csv_line(table->csv, i), ein_utf8_show(text, shown, sizeof shown),
                ein_utf8_show(ein_csv_column_name(table->csv, column), name, sizeof name));
        }
    }
    return EIN_OK;
}

ein_status ein_score_table_labels(const ein_score_table *table, int column, int8_t *label) {
    char shown[SHOWN_BYTES], name[SHOWN_BYTES];
    double number;
    for (int64_t i = 0; i < table->rows; i++) {
        const char *text = ein_csv_cell(table->csv, i, column);
        if (ein_cell_is_missing(text))
            label[i] = EIN_LABEL_MISSING;
        else if (!strcasecmp(text, "true"))
            label[i] = 1;
        else if (!strcasecmp(text, "false"))
            label[i] = 0;
        else if (parse_number(text, &number) && (number == 0 || number == 1))
            label[i] = (int8_t)number;
        else
            return ein_error(
                EIN_FORMAT,
                "%s:%lld: label \"%s\" in column \"%s\" is neither 1 nor 0 nor empty; a measured quantity "
                "is a --target",
                table->path, (long long)ein_csv_line(table->csv, i), ein_utf8_show(text, shown, sizeof shown),
                ein_utf8_show(ein_csv_column_name(table->csv, column), name, sizeof name));
    }
    return EIN_OK;
}
