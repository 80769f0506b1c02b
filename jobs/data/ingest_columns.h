/* What became of label tables: every table and every column by name, as lines. */
#ifndef EIN_JOBS_DATA_INGEST_COLUMNS_H
#define EIN_JOBS_DATA_INGEST_COLUMNS_H

#include <stdio.h>

#include "io/labels/labels.h"

/* A table with its columns by use, then the columns that are read in another way than usual, have cells that could
 * not be read, or were left out, with the reason. */
void ein_columns_print(const ein_labels *labels, FILE *stream);

/* Rows that did not join, are ambiguous or malformed. */
void ein_rows_print(const ein_labels *labels, FILE *stream);

#endif
