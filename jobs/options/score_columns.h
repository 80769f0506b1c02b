/* Columns of an untrusted table as numbers, labels, patients and groups: shared by evaluate_table.c and pool.c.
 *
 * What io/formats/values.h takes for nothing (empty, NA, NaN, null, #N/A, -, ...) means "not known".  Anything else
 * that does not fit is refused
 * with file, line and text: a table that is coded in another way must not be half understood.
 */
#ifndef EIN_JOBS_OPTIONS_SCORE_COLUMNS_H
#define EIN_JOBS_OPTIONS_SCORE_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include "io/formats/csv.h"

/* A table with the name that messages give it. */
typedef struct {
    const char *path;
    ein_csv *csv;
    int64_t rows;
} ein_score_table;

/* Read; EIN_FORMAT also for a table without rows. Problems of single rows stay countable in .csv. */
ein_status ein_score_table_open(ein_score_table *out, const char *path);
void ein_score_table_close(ein_score_table *table);

/* Say on stderr which rows were left out, the first few by name. */
void ein_score_table_tell_problems(const ein_score_table *table);

/* Index of a column; EIN_USAGE names the nearest one, or those that there are. `option` stands in the message. */
ein_status ein_score_table_column(const ein_score_table *table, const char *name, const char *option,
                                  int *out);

/* Not known, as above. */
bool ein_cell_is_missing(const char *text);

/* value (rows): numbers, NaN where not known; "inf" and "-inf" are numbers. */
ein_status ein_score_table_numbers(const ein_score_table *table, int column, double *value);

/* label (rows): 1, 0, true, false; EIN_LABEL_MISSING where not known. */
ein_status ein_score_table_labels(const ein_score_table *table, int column, int8_t *label);

#endif
