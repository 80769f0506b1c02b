/* What rank 0 keeps of an ingest: names and duplicates, labels, patients; it counts by jobs/data/ingest_counts.h. */
#ifndef EIN_JOBS_DATA_INGEST_LEDGER_H
#define EIN_JOBS_DATA_INGEST_LEDGER_H

#include <stdbool.h>
#include <stdio.h>

#include "io/config/config.h"
#include "io/corpus/corpus.h"
#include "io/ecg/reader.h"
#include "io/labels/labels.h"
#include "jobs/data/ingest_record.h"

typedef struct ein_ledger ein_ledger;

/* Read label tables and the key file as ingest.* says; without tables, those of known data sets (io/labels/layouts.h)
 * that lie in the roots, unless ingest.find_tables is off. `roots` are borrowed. EIN_USAGE, EIN_NOTFOUND,
 * EIN_FORMAT. */
ein_status ein_ledger_new(const ein_config *config, const char *const *roots, int n_roots, ein_ledger **out);
void ein_ledger_destroy(ein_ledger *ledger); /* NULL is fine */

/* "kept", "keyed" or "pseudonym" (io/corpus/corpus.h), and the columns of the corpus. */
const char *ein_ledger_patient_ids(const ein_ledger *ledger);
const ein_labels *ein_ledger_labels(const ein_ledger *ledger);

/* The text columns of the corpus: those of the label tables, then what files say of a recording: "dx", its statements
 * with '|' between, "device", its manufacturer, model and software, and "unknown_leads", names of leads that are not
 * known. A column of the tables that has one of these names stands in its place. Owned by the ledger. */
const char *const *ein_ledger_text_names(const ein_ledger *ledger, int *n);

/* How many of the recordings found have a row in the label tables, by path or file name; -1: there are no tables.
 * EIN_USAGE if there are tables but no row fits any recording: the key is then another one, or ambiguous. */
ein_status ein_ledger_check_labels(ein_ledger *ledger, const ein_reader_list *found, int64_t *joined);

/* Take the results of the next `n` recordings, in global order: refuse ids that were used before (their cause
 * becomes EIN_CAUSE_DUPLICATE), flag recordings that are there already (io/corpus/same.h; one without a patient takes
 * that of the other), join labels, hide patients. `*entries` describes the
 * accepted ones, in order, valid until the next call; they and their texts belong to the ledger or to
 * `results`. */
ein_status ein_ledger_take(ein_ledger *ledger, int64_t n, const char *const *paths,
                           ein_ingest_result *results, const ein_corpus_entry **entries, int64_t *n_entries);

/* Tell the writer what later recordings brought to light of earlier ones: the patients of recordings that came without
 * one. After everything was appended. */
void ein_ledger_correct(const ein_ledger *ledger, ein_corpus_writer *writer);

/* ein_ingest_source below the roots. */
const char *ein_ledger_source(const ein_ledger *ledger, const char *path, char *out, size_t room);

/* Count a folder that could not be walked. */
void ein_ledger_count_folder(ein_ledger *ledger);

int64_t ein_ledger_accepted(const ein_ledger *ledger);
int64_t ein_ledger_rejected(const ein_ledger *ledger);

/* Accepted records whose patient is not known. */
int64_t ein_ledger_unknown_patients(const ein_ledger *ledger);

/* ein_ingest_counts_print and ein_ingest_top_causes of what was taken. */
void ein_ledger_summary(const ein_ledger *ledger, FILE *stream);
void ein_ledger_top_causes(const ein_ledger *ledger, char *out, size_t room);

#endif
