/* One input becomes counts, or a reason why not. */
#ifndef EIN_JOBS_SCORE_SOURCE_H
#define EIN_JOBS_SCORE_SOURCE_H

#include <stdint.h>

#include "core/base/status.h"
#include "jobs/data/ingest_record.h"
#include "jobs/score/block.h"

/* SHA-256 of a recording's files; of a header that is damaged or names files that are not there, of that alone. */
ein_status ein_score_source_hash(const ein_place *place, const char *path, char out[EIN_SHA256_TEXT_BYTES]);

/* Corpora, opened when first asked for, by one thread at a time: HDF5 takes no more. */
typedef struct ein_score_corpora ein_score_corpora;
ein_status ein_score_corpora_new(const ein_contract *contract, ein_score_corpora **out);
void ein_score_corpora_destroy(ein_score_corpora *corpora); /* NULL is fine */

/* One thread's reader. Everything is kept by reference. */
typedef struct ein_score_reader ein_score_reader;
ein_status ein_score_reader_new(const ein_contract *contract, const ein_ingest_policy *policy,
                                ein_score_corpora *corpora, ein_score_reader **out);
void ein_score_reader_destroy(ein_score_reader *reader);

/* Read a recording (`record` -1), or a record of a corpus, into counts (n_leads, n_samples) and *scale, and say in
 * `out` what became of it. EIN_SYSTEM or EIN_NOMEM: this machine is in trouble, nothing is known of the input, try
 * again. A corpus that does not fit, or is damaged, is an error of its own. */
ein_status ein_score_reader_read(ein_score_reader *reader, const char *path, int64_t record, int16_t *counts,
                                 float *scale, ein_score_record *out);

/* Add the seconds since the last call that went into reading and decoding, and into preparing. */
void ein_score_reader_spent(ein_score_reader *reader, double *read_s, double *prepare_s);

#endif
