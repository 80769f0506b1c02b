/* Inside of label tables: their columns, and the whole in memory. For labels.c only. */
#ifndef EIN_IO_LABELS_COLUMNS_H
#define EIN_IO_LABELS_COLUMNS_H

#include <limits.h>

#include "io/base/map.h"
#include "io/formats/csv.h"
#include "io/formats/values.h"
#include "io/labels/layouts.h"
#include "io/labels/options.h"
#include "io/labels/report.h"
#include "io/labels/sex_codes.h"

enum { EIN_LABELS_KEY_BYTES = PATH_MAX, EIN_LABELS_MAX_COLUMNS = 4096 };
enum {
    EIN_SPECIAL_PATIENT,
    EIN_SPECIAL_AGE,
    EIN_SPECIAL_SEX,
    EIN_SPECIAL_COHORT,
    EIN_SPECIAL_SITE,
    EIN_SPECIALS
};

typedef struct {
    ein_csv *csv;
    char *path;
    const ein_layout *layout; /* NULL: none */
    char folder[PATH_MAX];    /* absolute, without '/' at the end; "" if it has none */
    int key[EIN_LAYOUT_KEYS], n_keys;
    ein_map *row_of;           /* key -> row, or AMBIGUOUS */
    bool *used;                /* (rows) */
    uint8_t *state;            /* (rows) */
    int special[EIN_SPECIALS]; /* columns, -1: not in this table */
    ein_sex_column sex;
    ein_labels_column *column; /* (columns) */
} ein_label_table;

/* A kept column: its name, where it stands in each table, and how it is read there. */
typedef struct {
    char *name;
    int at[EIN_LABELS_MAX_TABLES];
    ein_value_reading reading[EIN_LABELS_MAX_TABLES];
} ein_label_column;

typedef struct {
    ein_label_column *item;
    const char **names;
    int n;
} ein_label_columns;

typedef struct ein_labels {
    ein_label_table tables[EIN_LABELS_MAX_TABLES];
    int n_tables;
    ein_label_columns values, texts;
    ein_sex_codes sex_codes;
    ein_labels_report report;
    char patient[256]; /* of the last call */
} ein_labels;

/* Choose the columns, decide how each is read, and account for all. The tables are open. */
ein_status ein_labels_choose(ein_labels *labels, const ein_labels_options *options);
void ein_label_columns_free(ein_label_columns *columns);

#endif
