/* The corpus: many ECGs under one preprocessing contract, in one HDF5 file.
 *
 * On reading, the file is untrusted: types, extents, chunks, filters and links of every dataset are checked
 * against each other before any data is touched; columns are checked against their checksums when they
 * are loaded, blocks of /signal when they are first read.
 */
#ifndef EIN_IO_CORPUS_CORPUS_H
#define EIN_IO_CORPUS_CORPUS_H

#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/contract.h"
#include "core/signal/sketch.h"
#include "io/base/hash.h"
#include "io/corpus/format.h"
#include "mpi/comm.h"

/* B for a contract of L leads and S samples. */
int64_t ein_corpus_block_records_for(int64_t n_leads, int64_t n_samples);

/* The checksum of a block: counts (records, values), then scale (records). */
void ein_corpus_block_hash(const int16_t *counts, const float *scale, int64_t records, int64_t values,
                           uint8_t out[EIN_HASH_BYTES]);

/* --- reading ----------------------------------------------------------------------------------------- */

typedef struct ein_corpus ein_corpus;

/* Open a complete corpus for reading on every rank; checks format, version, `complete`, shapes, and the
 * checksums of all columns it loads. Rank 0 reads the columns, the others receive them.
 * Collective. EIN_NOTFOUND, EIN_FORMAT (another kind of file), EIN_MISMATCH (another version), EIN_CORRUPT
 * (cut, damaged, or left incomplete by an interrupted ingest). */
ein_status ein_corpus_open(ein_comm *comm, const char *path, ein_corpus **out);

/* The same by this process for itself, whatever others do. Not collective. */
ein_status ein_corpus_open_alone(const char *path, ein_corpus **out);
void ein_corpus_close(ein_corpus *corpus); /* not collective; NULL is fine */

const char *ein_corpus_path(const ein_corpus *corpus);
int ein_corpus_version(const ein_corpus *corpus);     /* of the file's format */
int64_t ein_corpus_records(const ein_corpus *corpus); /* N */
int64_t ein_corpus_block_records(const ein_corpus *corpus);
const ein_contract *ein_corpus_contract(const ein_corpus *corpus);
const char *ein_corpus_contract_text(const ein_corpus *corpus);
const char *ein_corpus_contract_hash(const ein_corpus *corpus); /* 64 hex digits */
const char *ein_corpus_program(const ein_corpus *corpus);
const char *ein_corpus_config(const ein_corpus *corpus);      /* YAML */
const char *ein_corpus_patient_ids(const ein_corpus *corpus); /* "kept", "keyed", "pseudonym" */
int64_t ein_corpus_rejected(const ein_corpus *corpus);        /* rows of /rejected */

/* Mean and SD in mV of all valid samples, and their number (may be NULL). The contract's own constants may
 * be others, if they were set by the user. */
void ein_corpus_statistics(const ein_corpus *corpus, double *mean_mv, double *sd_mv, int64_t *valid_samples);

/* BLAKE2b-256 of the checksums of all blocks: equal for equal signals in the same order, whatever else is known of
 * them. */
void ein_corpus_signal_hash(const ein_corpus *corpus, uint8_t out[EIN_HASH_BYTES]);

/* A 64-bit key per record that is equal for two records if and only if (up to hash collision) they
 * are of one patient; records without a patient get a key of their own. (N), owned by the corpus. */
const uint64_t *ein_corpus_patients(const ein_corpus *corpus);

/* Record id of record `index`; owned by the corpus. */
const char *ein_corpus_record_id(const ein_corpus *corpus, int64_t index);

/* Union of quality flags per record (core/signal/quality.h), age (NaN: not known), sex (-1: not known), scale (mV
 * per count); each (N), owned by the corpus. */
const uint32_t *ein_corpus_quality(const ein_corpus *corpus);
const float *ein_corpus_age(const ein_corpus *corpus);
const int8_t *ein_corpus_sex(const ein_corpus *corpus);
const float *ein_corpus_scale(const ein_corpus *corpus);

/* Names of the label and text columns, in bytewise order; owned by the corpus. */
int ein_corpus_label_count(const ein_corpus *corpus);
const char *ein_corpus_label_name(const ein_corpus *corpus, int index);
int ein_corpus_text_count(const ein_corpus *corpus);
const char *ein_corpus_text_name(const ein_corpus *corpus, int index);

/* Read label column `name` into out (N); NaN where not known. EIN_NOTFOUND names the nearest. Not
 * collective. */
ein_status ein_corpus_label(ein_corpus *corpus, const char *name, float *out);

/* Read a text column: "patient", "cohort", "site", "acquired", "source_file", "source_sha256", "same_as", or
 * "text/NAME", or for the rejected (ein_corpus_rejected rows) "rejected/path", "rejected/record_id",
 * "rejected/reason". Text i begins at (*out) + i * (*stride) (free()). Not collective. */
ein_status ein_corpus_texts(ein_corpus *corpus, const char *name, char **out, int64_t *stride);

/* Read what records are known by, whatever file they came from: keys and sketches (N each); both may be NULL. From a
 * file of version 1 keys are 0 and sketches empty. Not collective. */
ein_status ein_corpus_identities(ein_corpus *corpus, uint64_t *signal_key, ein_sketch *sketch);

/* Read the quality flags per lead into out (N, L). Not collective. */
ein_status ein_corpus_lead_quality(ein_corpus *corpus, uint32_t *out);

/* Read records [first, first + count): counts (count, L, S) and scale (count), mV = counts * scale.
 * Not collective: any rank, any range, one thread at a time. A block is read whole and checked against its
 * checksum the first time this process touches it; EIN_CORRUPT names the records of a damaged one. Within a
 * block that was checked, only what is asked for is read. */
ein_status ein_corpus_read(ein_corpus *corpus, int64_t first, int64_t count, int16_t *counts, float *scale);

/* Check every block checksum of blocks [first, first + count) anew, whatever was read before, and count the
 * damaged ones; the message of EIN_CORRUPT names the first. Not collective. */
int64_t ein_corpus_blocks(const ein_corpus *corpus);
ein_status ein_corpus_verify(ein_corpus *corpus, int64_t first_block, int64_t count, int64_t *damaged);

/* --- writing ----------------------------------------------------------------------------------------- */

typedef struct ein_corpus_writer ein_corpus_writer;

/* What a corpus is made of; everything is copied. path, contract, compress and block_records must be the same
 * on all ranks; the rest is used on rank 0 only (texts may be "" and counts 0 elsewhere). */
typedef struct {
    const char *path;
    const char *program; /* "einthoven 0.1.0" */
    const char *config_yaml;
    const char *patient_ids; /* "kept", "keyed" or "pseudonym" */
    ein_contract contract;   /* mean_mv or sd_mv NaN: the corpus's own statistics are put in at the end */
    int compress;            /* 0: no filter on /signal; 1..9: shuffle and deflate */
    int64_t block_records;   /* 0: ein_corpus_block_records_for */
    int n_labels, n_texts;   /* names of columns, unique, without '/', not empty */
    const char *const *label_name;
    const char *const *text_name;
} ein_corpus_options;

/* One record but for its signal; texts are copied. */
typedef struct {
    const char *record_id, *patient, *cohort, *site, *acquired, *source_file, *source_sha256;
    const char *same_as; /* NULL: of no other record */
    uint64_t patient_key;
    uint64_t signal_key;      /* 0: not known */
    const ein_sketch *sketch; /* NULL: none */
    float age;
    int8_t sex;
    uint32_t quality;
    const uint32_t *lead_quality; /* (L) */
    const float *label;           /* (n_labels); may be NULL if there are none */
    const char *const *text;      /* (n_texts); may be NULL if there are none */
} ein_corpus_entry;

/* Begin PATH.partial, over the leftover of a killed run. Collective. On error no rank has a writer and the
 * file is removed. */
ein_status ein_corpus_create(ein_comm *comm, const ein_corpus_options *options, ein_corpus_writer **out);

/* Append records: each rank gives `count` of them, and they follow each other in the order of ranks.
 * counts (count, L, S), scale (count). `entry` is read on rank 0 only and describes the records of all ranks
 * in that order. Whole blocks are moved to the rank that writes them, the remainder waits on rank 0 for
 * the next call. Memory: up to three times the records of one call. Collective; after an error the
 * writer is good only for ein_corpus_abandon. */
ein_status ein_corpus_append(ein_corpus_writer *writer, int64_t count, const int16_t *counts,
                             const float *scale, const ein_corpus_entry *entry);

/* Note a recording that is not in the corpus. Rank 0 only; not collective. */
ein_status ein_corpus_reject(ein_corpus_writer *writer, const char *path, const char *record_id,
                             const char *reason);

/* Give another patient key to a record that was appended. Rank 0 only; not collective. */
void ein_corpus_set_patient_key(ein_corpus_writer *writer, int64_t record, uint64_t patient_key);

/* Write what is left, the columns and attributes, read all of it back against its checksums, make the file
 * durable under its final name. The writer is gone whatever the result. Collective. EIN_NUMERIC if the
 * statistics are wanted for the contract and there is no spread; EIN_RANGE if there is no record. */
ein_status ein_corpus_finish(ein_corpus_writer *writer);

/* Give up: close and remove PATH.partial. Collective. NULL is fine. */
void ein_corpus_abandon(ein_corpus_writer *writer);

#endif
