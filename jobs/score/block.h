/* The results of one block of inputs, as a file (jobs/score/claims.h): whole under its name, or not there.
 *
 *     "einthoven score block 1\n"
 *     BLAKE2b-256 of what follows   32 bytes
 *     hash of the plan's part       64 characters
 *     records, values a record      int64 each
 *     and per record, in the order of inputs
 *         status                    uint8 (ein_score_status)
 *         quality                   uint32, bits of core/signal/quality.h
 *         stamp                     uint64 (io/ecg/source_stamp.h)
 *         id, sha256, reason        text and NUL each
 *         values                    float32 each, if the status is EIN_SCORE_OK
 *
 * All numbers are little-endian. Which process made a block, when, and how long it took do not stand in it: the same
 * inputs give the same bytes.
 */
#ifndef EIN_JOBS_SCORE_BLOCK_H
#define EIN_JOBS_SCORE_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/ecg/source_hash.h"
#include "jobs/data/ingest_record.h"

/* What became of an input. The words are part of the outputs. */
typedef enum {
    EIN_SCORE_OK,
    EIN_SCORE_UNSUPPORTED, /* no ECG, or of a kind that is not read */
    EIN_SCORE_INCOMPLETE,  /* its signal file is not there */
    EIN_SCORE_MALFORMED,   /* damaged, or not as its format says */
    EIN_SCORE_UNREADABLE,  /* the operating system refuses it: permissions, links, names; also a folder */
    EIN_SCORE_GONE,        /* it was listed and is not there any more */
    EIN_SCORE_SHORT,       /* ingest.min_seconds */
    EIN_SCORE_LEADS,       /* ingest.max_missing_leads, or no wanted lead at all */
    EIN_SCORE_RATE,        /* its rate cannot be brought to the contract's */
    EIN_SCORE_AMPLITUDE,   /* ingest.units, ingest.max_mv, or not finite */
    EIN_SCORE_FLAGGED,     /* ingest.reject_flags */
    EIN_SCORE_NOT_FINITE,  /* a model gave a number that is none */
    EIN_SCORE_STATUS_COUNT
} ein_score_status;
const char *ein_score_status_word(int status);
const char *ein_score_status_text(int status); /* a few words more */

typedef struct {
    uint8_t status;
    uint32_t quality;
    uint64_t stamp;
    char id[EIN_ECG_TEXT_BYTES];
    char sha256[EIN_SHA256_TEXT_BYTES]; /* "" where it could not be read */
    char reason[EIN_INGEST_REASON_BYTES];
} ein_score_record;

typedef struct {
    int64_t n, values;
    ein_score_record *record; /* (n) */
    float *value;             /* (n, values) */
} ein_score_block;
ein_status ein_score_block_new(int64_t n, int64_t values, ein_score_block *out);
void ein_score_block_free(ein_score_block *block);

/* The bytes of a block (free()), and back from the file of a block that is to hold n records of `values` values: a file
 * that says otherwise takes no memory. EIN_NOTFOUND, EIN_CORRUPT, EIN_MISMATCH for a block of another plan. */
ein_status ein_score_block_pack(const ein_score_block *block, const char *plan, char **out, size_t *bytes);
ein_status ein_score_block_read(const char *path, const char *plan, int64_t n, int64_t values,
                                ein_score_block *out);

#endif
