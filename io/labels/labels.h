/* Label tables: CSV files whose rows belong to records, found by record id or by path.
 *
 * One column of every table is the key; a record is looked up by several spellings of what it is called (its
 * path with and without extension, its id), and the first that a table knows counts. Rows that repeat another word for
 * word count once; a key that stands in rows that differ is ambiguous and joins nothing. With several tables a record's
 * value is that of the first table that has one. The tables of public data sets (io/labels/layouts.h) are recognised
 * and need no options. What a cell says: io/formats/values.h, io/labels/sex_codes.h.
 *
 * Every column of every table is accounted for (ein_labels_column_at): taken, and which of its cells could not be
 * read, or left out, and why. Columns that look like identifiers or dates (io/labels/identifiers.h) are left out unless
 * they are named.
 *
 * Tables are untrusted (io/formats/csv.h). Nothing here is collective; rank 0 joins for all.
 */
#ifndef EIN_IO_LABELS_LABELS_H
#define EIN_IO_LABELS_LABELS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

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

typedef struct ein_labels ein_labels;

/* Read the tables. EIN_USAGE for a column that is not there, EIN_FORMAT for a table without rows and for a column of
 * sexes whose codes are not known, and the errors of ein_csv_open. */
ein_status ein_labels_load(const ein_labels_options *options, ein_labels **out);
void ein_labels_destroy(ein_labels *labels); /* NULL is fine */

/* Columns of numbers and of texts, as they will be named; '/' in a name is replaced by '_'. */
int ein_labels_n_values(const ein_labels *labels);
const char *const *ein_labels_value_names(const ein_labels *labels);
int ein_labels_n_texts(const ein_labels *labels);
const char *const *ein_labels_text_names(const ein_labels *labels);

/* What the tables say of one record. */
typedef struct {
    bool found;
    bool ambiguous;                     /* a table has rows for it that differ */
    int64_t row[EIN_LABELS_MAX_TABLES]; /* per table; -1: none */
} ein_labels_match;

/* Look a record up by `n_keys` spellings (NULLs are passed over) and, if `absolute` is not NULL, by its
 * absolute path without extension relative to each table's folder. Counts the rows as used unless `peek`. */
void ein_labels_find(ein_labels *labels, const char *const *keys, int n_keys, const char *absolute, bool peek,
                     ein_labels_match *out);

/* Values of the matched record: numbers (n_values), NaN where not known; texts (n_texts), "" where not known,
 * owned by the tables. */
void ein_labels_values(const ein_labels *labels, const ein_labels_match *match, float *out);
void ein_labels_texts(const ein_labels *labels, const ein_labels_match *match, const char **out);

/* What the special columns say, or "" / NaN / -1. A patient's id that is a whole number with ".0" behind it (a data
 * frame with empty cells) is that number; the text is valid until the next call. */
const char *ein_labels_patient(ein_labels *labels, const ein_labels_match *match);
const char *ein_labels_cohort(const ein_labels *labels, const ein_labels_match *match);
const char *ein_labels_site(const ein_labels *labels, const ein_labels_match *match);
float ein_labels_age(const ein_labels *labels, const ein_labels_match *match);
int ein_labels_sex(const ein_labels *labels, const ein_labels_match *match);

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
void ein_labels_get_report(const ein_labels *labels, ein_labels_report *out);

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

int ein_labels_n_tables(const ein_labels *labels);
void ein_labels_table_at(const ein_labels *labels, int table, ein_labels_table *out);
const ein_labels_column *ein_labels_column_at(const ein_labels *labels, int table, int column);

/* Call `visit` for every row that no record was found for, and for the first 1000 that the CSV reader left out:
 * number of the table, line (0 if it stands in `reason`), key, reason. */
typedef void (*ein_labels_visit)(void *self, int table, int64_t line, const char *key, const char *reason);
void ein_labels_unjoined(const ein_labels *labels, ein_labels_visit visit, void *self);

/* A path or id as it is compared: blanks around it, "./" before it and .hea, .dat, .mat, .xml (in any case) removed.
 * `out` holds `room` bytes; a longer text gives "". */
void ein_labels_normalise(const char *text, char *out, int room);

#endif
