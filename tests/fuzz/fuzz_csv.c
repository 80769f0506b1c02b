/* libFuzzer target: a CSV table.
 *
 * Checked beyond the sanitizers: every cell can be read, every column is found by its name, rows come in the order
 * of their lines, and problems are told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/utf8.h"
#include "io/formats/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "fuzz_csv: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ein_csv *csv = NULL;
    if (ein_csv_parse("table", (const char *)data, size, &csv) != EIN_OK) return 0;
    int64_t line = 0;
    size_t bytes = 0;
    for (int64_t row = 0; row < ein_csv_rows(csv); row++) {
        check(ein_csv_line(csv, row) > line, "rows out of order");
        line = ein_csv_line(csv, row);
        for (int column = 0; column < ein_csv_columns(csv); column++)
            bytes += strlen(ein_csv_cell(csv, row, column));
        for (int column = 0; column < ein_csv_columns(csv); column++)
            check(ein_utf8_is(ein_csv_cell(csv, row, column), strlen(ein_csv_cell(csv, row, column))),
                  "a cell that is no UTF-8");
    }
    check(bytes <= 4 * size, "cells hold more than the text, made UTF-8, can be");
    for (int column = 0; column < ein_csv_columns(csv); column++)
        check(ein_csv_column(csv, ein_csv_column_name(csv, column)) >= 0, "a column that is not found");
    for (int64_t i = 0; i < ein_csv_problems(csv); i++)
        check(i >= 1000 || ein_csv_problem(csv, i), "a problem that is not told");
    ein_csv_close(csv);
    return 0;
}
