/* Label tables beside a corpus: which are asked for, and how they joined. */
#ifndef EIN_IO_TASKS_TARGETS_TABLES_H
#define EIN_IO_TASKS_TARGETS_TABLES_H

#include <stdbool.h>
#include <stdint.h>

/* Label tables beside the corpus, joined by source path or record id (io/labels/labels.h). A value of a table goes
 * before the corpus's column of the same name; but age and sex are the corpus's where it knows them. */
typedef struct {
    int n_tables; /* 0: none */
    const char *const *table;
    const char *key; /* NULL: the first column */
    int n_sex_codes;
    const char *const *sex_code; /* "male=1" (io/labels/sex_codes.h) */
    const char *unjoined_csv;    /* write what did not join: table, line, key, reason; NULL: do not */
    /* A column that is nowhere is no error but known of no record: a site has some of a model's labels. */
    bool absent_ok;
} ein_targets_tables;

/* How the tables joined. */
typedef struct {
    int64_t rows, unused, ambiguous, malformed, not_numeric; /* io/labels/labels.h */
    int64_t ages, sexes;               /* records whose age or sex is the tables', the corpus having none */
    int64_t ages_differ, sexes_differ; /* records of which both say something else; the corpus's counts */
    int64_t without_row;               /* records of the corpus that no row was found for */
    char first[256];                   /* one row that did not join, or "" */
} ein_targets_join;

#endif
