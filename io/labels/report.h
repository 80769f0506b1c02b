/* What became of label tables, their rows and columns (io/labels/labels.h). */
#ifndef EIN_IO_LABELS_REPORT_H
#define EIN_IO_LABELS_REPORT_H

#include <stdint.h>

/* What did not fit; counted over all tables. */
typedef struct {
    int64_t rows;       /* with a key */
    int64_t unused;     /* rows that no record was found for, but for those below */
    int64_t repeated;   /* rows that are another row word for word */
    int64_t ambiguous;  /* rows whose key stands in another row that differs */
    int64_t malformed;  /* rows left out by the CSV reader or without key */
    int64_t unreadable; /* cells of numbers, ages and sexes that hold something else */
    char first_unused[160], first_ambiguous[160], first_malformed[256], first_unreadable[256];
    int64_t ambiguous_line[2]; /* of the first two rows of first_ambiguous */
} ein_labels_report;

/* What became of a table and of its columns. */
typedef struct {
    const char *path;
    const char *data_set; /* "PTB-XL"; NULL: no layout that is known */
    const char *encoding; /* that it was converted from; "UTF-8": none */
    int64_t replaced;     /* bytes that no character was known for */
    int64_t rows;
    int columns;
} ein_labels_table;

enum {
    EIN_LABELS_KEY = 1,
    EIN_LABELS_PATIENT = 2,
    EIN_LABELS_AGE = 4,
    EIN_LABELS_SEX = 8,
    EIN_LABELS_COHORT = 16,
    EIN_LABELS_SITE = 32,
    EIN_LABELS_NUMBER = 64,
    EIN_LABELS_TEXT = 128
};
typedef struct {
    const char *name; /* "" for a column without one */
    unsigned uses;    /* 0: left out */
    char why[200];    /* why it was left out, or how it is read if not in the usual way; "" */
    int64_t known;    /* cells of numbers, ages and sexes that say something */
    int64_t unreadable;
    char first_unreadable[128]; /* "line 3: '>60'" */
} ein_labels_column;

#endif
