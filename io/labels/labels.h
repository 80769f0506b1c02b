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
#include "io/labels/options.h"
#include "io/labels/report.h"

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

void ein_labels_get_report(const ein_labels *labels, ein_labels_report *out);

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
