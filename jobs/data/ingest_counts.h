/* What an ingest counts of its recordings, and the summary of that. */
#ifndef EIN_JOBS_DATA_INGEST_COUNTS_H
#define EIN_JOBS_DATA_INGEST_COUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/signal/quality.h"
#include "io/labels/labels.h"
#include "jobs/data/ingest_record.h"
#include "jobs/data/ingest_tally.h"

/* What the files themselves say, as text columns. */
enum { EIN_SAID_DX, EIN_SAID_DEVICE, EIN_SAID_UNKNOWN_LEADS, EIN_SAID_COUNT };
extern const char *const ein_said_names[EIN_SAID_COUNT];

/* Where something about the accepted records is known from. */
typedef struct {
    int64_t table, file, unknown;
    int64_t compared, differ;       /* known from both; the table's counts */
    char first[EIN_ECG_TEXT_BYTES]; /* the first that differs */
} ein_ingest_origin;

typedef struct {
    int64_t accepted, joined, renamed;
    int64_t causes[EIN_CAUSE_COUNT], flags[EIN_QUALITY_BITS];
    char first[EIN_CAUSE_COUNT][256];
    ein_ingest_origin patient, age, sex;
    int64_t names_made;                              /* folders and files whose names are not UTF-8 */
    bool said_kept[EIN_SAID_COUNT];                  /* false: the label tables have a column of that name */
    int64_t said[EIN_SAID_COUNT];                    /* records with such a text */
    int64_t not_utf8, text_converted, text_replaced; /* files, and characters of them */
    char first_not_utf8[256];
    ein_tally *unknown_leads;
    int64_t copies, two_patients; /* records that are an earlier one's recording; of another patient */
    char first_copy[320], first_two_patients[320];
} ein_ingest_counts;

void ein_ingest_count_origin(ein_ingest_origin *o, bool in_table, bool in_file, bool differ,
                             const char *record_id);
void ein_ingest_count_flags(ein_ingest_counts *counts, uint32_t quality);

/* A recording that was rejected, and text of a file that is not UTF-8; `source` is told of the first. */
void ein_ingest_count_cause(ein_ingest_counts *counts, const char *source, const ein_ingest_result *r);
void ein_ingest_count_text(ein_ingest_counts *counts, const char *source, const ein_ingest_result *r);

int64_t ein_ingest_rejected(const ein_ingest_counts *counts);

/* Counts by cause and by flag, every column of the label tables, and whose patients, ages and sexes are known from
 * where, as lines. */
void ein_ingest_counts_print(const ein_ingest_counts *counts, const ein_labels *labels, FILE *stream);

/* "12 cannot be read (first: a/b.hea: no such file), 3 too short ...", most frequent first. */
void ein_ingest_top_causes(const ein_ingest_counts *counts, char *out, size_t room);

#endif
