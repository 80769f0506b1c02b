/* Label tables: CSV files whose rows belong to records, found by record id or by path.
 *
 * One column of every table is the key; a record is looked up by several spellings of what it is called (its
 * path with and without extension, its id), and the first that a table knows counts. A key that stands in
 * more than one row of a table is ambiguous and joins nothing. With several tables a record's value is that
 * of the first table that has one. Numbers: decimal, or true/false as 1/0; empty, NA, NaN, null, none: not
 * known.
 *
 * Tables are untrusted (io/csv.h). Nothing here is collective; rank 0 joins for all.
 */
#ifndef EIN_IO_LABELS_H
#define EIN_IO_LABELS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/status.h"

enum { EIN_LABELS_MAX_TABLES = 16 };

/* Columns by name; NULL: none. A column that no table has is an error, with the nearest name, or left out `if_there`. */
typedef struct {
    int n_paths; /* 0: no tables, which gives an empty ein_labels */
    const char *const *path;
    const char *key;  /* of every table; NULL: its first column */
    bool all_numeric; /* take every column that holds numbers and nothing else, but those named below */
    int n_values;     /* else these */
    const char *const *value;
    int n_texts;
    const char *const *text;
    const char *patient, *age, *sex, *cohort, *site;
    bool if_there;
} ein_labels_options;

typedef struct ein_labels ein_labels;

/* Read the tables. EIN_USAGE for a column that is not there, EIN_FORMAT for a sex column coded 1 and 2, and
 * the errors of ein_csv_open. */
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

/* What the special columns say, or "" / NaN / -1. Age: years; 300 (PTB-XL) and ">89" mean over 89 and
 * give 90; what is no number from 0 to 130 is not known. Sex: M, F, male, female, 0 (male), 1 (female). */
const char *ein_labels_patient(const ein_labels *labels, const ein_labels_match *match);
const char *ein_labels_cohort(const ein_labels *labels, const ein_labels_match *match);
const char *ein_labels_site(const ein_labels *labels, const ein_labels_match *match);
float ein_labels_age(const ein_labels *labels, const ein_labels_match *match);
int ein_labels_sex(const ein_labels *labels, const ein_labels_match *match);

/* What did not fit; counted over all tables. */
typedef struct {
    int64_t rows;        /* with a key */
    int64_t unused;      /* rows that no record was found for */
    int64_t ambiguous;   /* rows whose key stands in another row of their table */
    int64_t malformed;   /* rows left out by the CSV reader or without key */
    int64_t not_numeric; /* cells of number columns that hold something else */
    char first_unused[160], first_ambiguous[160], first_malformed[256], first_not_numeric[256];
} ein_labels_report;
void ein_labels_get_report(const ein_labels *labels, ein_labels_report *out);

/* Call `visit` for every row that no record was found for, and for the first 1000 that the CSV reader left out: number of
 * the table, line (0 if it stands in `reason`), key, reason. */
typedef void (*ein_labels_visit)(void *self, int table, int64_t line, const char *key, const char *reason);
void ein_labels_unjoined(const ein_labels *labels, ein_labels_visit visit, void *self);

/* A path or id as it is compared: blanks around it, "./" before it and .hea, .dat, .mat, .xml (in any case) removed.
 * `out` holds `room` bytes; a longer text gives "". */
void ein_labels_normalise(const char *text, char *out, int room);

#endif
