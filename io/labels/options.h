/* Which label tables are read, and which of their columns (io/labels/labels.h). */
#ifndef EIN_IO_LABELS_OPTIONS_H
#define EIN_IO_LABELS_OPTIONS_H

#include <stdbool.h>

enum { EIN_LABELS_MAX_TABLES = 16 };

/* Columns by name; NULL: what the table's layout says, or none. A column that no table has is an error, with the
 * nearest name, or left out `if_there`. */
typedef struct {
    int n_paths; /* 0: no tables, which gives an empty ein_labels */
    const char *const *path;
    const char *encoding; /* of every table, as iconv names it; NULL: UTF-8 or what is evident */
    const char *key;      /* of every table; NULL: the layout's, or its first column */
    bool all_numeric; /* take every column of numbers (at least 95 % of its cells) that looks like a label */
    int n_values;     /* and these, whatever they look like */
    const char *const *value;
    int n_texts; /* 0 with `all_numeric`: the layout's */
    const char *const *text;
    const char *patient, *age, *sex, *cohort, *site;
    int n_sex_codes; /* "male=1", "female=2" */
    const char *const *sex_code;
    bool if_there;
} ein_labels_options;

#endif
