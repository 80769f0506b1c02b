/* What a cell of statements holds: "NORM|SR", or a Python dict "{'NORM': 100.0, 'SR': 0.0}". Cells are untrusted. */
#ifndef EIN_IO_TASKS_CELL_H
#define EIN_IO_TASKS_CELL_H

#include <stdbool.h>

#include "core/base/status.h"

enum { EIN_CELL_MAX_STATEMENTS = 256, EIN_CELL_STATEMENT_BYTES = 200 };

typedef struct {
    int n; /* 0: the cell is empty, blank or {} */
    bool has_likelihood;
    char text[EIN_CELL_MAX_STATEMENTS][EIN_CELL_STATEMENT_BYTES];
    double likelihood[EIN_CELL_MAX_STATEMENTS]; /* percent; 100 where the cell has none */
} ein_cell;

/* Parse a cell: a dict if its first character but blanks is '{', else statements between separators, blanks around them
 * dropped, empty ones passed over. A statement that stands twice keeps its greatest likelihood. EIN_FORMAT, in words
 * without place, for a dict that is none, a likelihood that is not a number from 0 to 100, a statement that is too long
 * or no printable text, or too many. */
ein_status ein_cell_parse(const char *cell, char separator, ein_cell *out);

#endif
