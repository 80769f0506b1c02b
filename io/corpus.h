/* The corpus: many ECGs under one preprocessing contract, in one HDF5 file.
 *
 * (The specification of the file format stands here; see below.)
 */
#ifndef EIN_IO_CORPUS_H
#define EIN_IO_CORPUS_H

#include <stdint.h>

#include "core/contract.h"
#include "core/status.h"
#include "mpi/comm.h"

#define EIN_CORPUS_MISSING INT16_MIN /* a sample that is not known: reads as NaN mV */

typedef struct ein_corpus ein_corpus;

/* Open a complete corpus for reading on every rank; checks format, version, `complete`, shapes.
 * Collective. */
ein_status ein_corpus_open(ein_comm *comm, const char *path, ein_corpus **out);
void ein_corpus_close(ein_corpus *corpus);

int64_t ein_corpus_records(const ein_corpus *corpus); /* N */
const ein_contract *ein_corpus_contract(const ein_corpus *corpus);
const char *ein_corpus_contract_hash(const ein_corpus *corpus); /* 64 hex digits */

/* A 64-bit key per record that is equal for two records if and only if (up to hash collision) they
 * are of one patient; records without a patient get a key of their own. (N), owned by the corpus. */
const uint64_t *ein_corpus_patients(const ein_corpus *corpus);

/* Record id of record `index`; owned by the corpus. */
const char *ein_corpus_record_id(const ein_corpus *corpus, int64_t index);

/* Union of quality flags per record (core/quality.h), (N), owned by the corpus. */
const uint32_t *ein_corpus_quality(const ein_corpus *corpus);

/* Read records [first, first + count): counts (count, L, S) and scale (count), mV = counts * scale.
 * Not collective: any rank, any range, one thread at a time. Verifies block checksums. */
ein_status ein_corpus_read(ein_corpus *corpus, int64_t first, int64_t count, int16_t *counts, float *scale);

#endif
