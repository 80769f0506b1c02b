/* libFuzzer target: a table of scores, as `evaluate --scores` reads it: every column as numbers and as labels. */
#include "jobs/options/score_columns.h"
#include "tests/fuzz/fuzz_text_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ein_score_table table = {0};
    char path[256];
    int found;
    fuzz_write("scores.csv", (fuzz_part){data, size});
    snprintf(path, sizeof path, "%s/scores.csv", fuzz_folder());
    if (ein_score_table_open(&table, path) != EIN_OK) return 0;
    double *value = malloc((size_t)table.rows * sizeof *value);
    int8_t *label = malloc((size_t)table.rows);
    if (!value || !label || table.rows > (int64_t)size) abort();
    for (int c = 0; c < ein_csv_columns(table.csv); c++) {
        if (ein_score_table_column(&table, ein_csv_column_name(table.csv, c), "--score", &found) != EIN_OK)
            abort();
        if (ein_score_table_numbers(&table, c, value) > EIN_STATUS_COUNT) abort();
        if (ein_score_table_labels(&table, c, label) != EIN_OK) continue;
        for (int64_t r = 0; r < table.rows; r++)
            if (label[r] < -1 || label[r] > 1) abort();
    }
    free(label);
    free(value);
    ein_score_table_close(&table);
    return 0;
}
