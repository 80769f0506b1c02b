/* One recording on its way into a corpus: read, prepare, quantise, accept or reject. */
#ifndef EIN_JOBS_DATA_INGEST_RECORD_H
#define EIN_JOBS_DATA_INGEST_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/contract.h"
#include "core/signal/ecg.h"
#include "core/signal/gain.h"
#include "core/signal/sketch.h"
#include "io/base/hash.h"
#include "io/ecg/reader.h"
#include "io/ecg/source_hash.h"

/* Why a recording is not in the corpus. */
typedef enum {
    EIN_CAUSE_NONE,
    EIN_CAUSE_FOLDER,     /* a folder or root that could not be walked */
    EIN_CAUSE_OTHER,      /* no ECG, or of a kind that is not read */
    EIN_CAUSE_INCOMPLETE, /* its signal file is not there */
    EIN_CAUSE_MALFORMED,  /* damaged, or not as its format says */
    EIN_CAUSE_UNREADABLE, /* the operating system refused it */
    EIN_CAUSE_SHORT,      /* ingest.min_seconds */
    EIN_CAUSE_LEADS,      /* ingest.max_missing_leads, or no wanted lead at all */
    EIN_CAUSE_RATE,       /* its rate cannot be brought to the contract's */
    EIN_CAUSE_AMPLITUDE,  /* ingest.units, ingest.max_mv, or not finite */
    EIN_CAUSE_FLAGGED,    /* ingest.reject_flags */
    EIN_CAUSE_DUPLICATE,  /* its record id was there before */
    EIN_CAUSE_SYSTEM, /* not its fault: this machine is in trouble, and the job ends (io/base/trouble.h) */
    EIN_CAUSE_COUNT
} ein_ingest_cause;

const char *ein_ingest_cause_text(int cause);

typedef struct {
    double min_seconds;
    int max_missing_leads;
    double max_mv;
    ein_units_policy units;
    uint32_t reject_flags; /* bits of core/signal/quality.h */
    bool
        without_identity; /* what is only for telling recordings from each other is not computed: sketch, keys, hash */
    ein_reader_options read;
} ein_ingest_policy;

enum { EIN_INGEST_REASON_BYTES = 400 };

/* What is known of a recording but for its signal; of fixed size, because ranks send it to each other as it
 * is. With a cause only `cause`, `reason` and what was read of the ids are meaningful. */
typedef struct {
    int32_t cause;
    char reason[EIN_INGEST_REASON_BYTES];
    char record_id[EIN_ECG_TEXT_BYTES], patient_id[EIN_ECG_TEXT_BYTES], acquired[32];
    char source_sha256[EIN_SHA256_TEXT_BYTES];
    char signal_hash[EIN_HASH_TEXT_BYTES]; /* BLAKE2b-256 of counts and scale: equal signals */
    char unknown_leads
        [EIN_ECG_TEXT_BYTES]; /* core/signal/lead_names.h; also of a recording that was rejected after it was read */
    char dx[EIN_ECG_DX_BYTES]; /* statements of the file, '|' between */
    char device[EIN_ECG_TEXT_BYTES];
    int64_t text_converted, text_replaced; /* core/signal/ecg.h */
    uint64_t signal_key;                   /* io/ecg/source_hash.h */
    uint64_t
        stamp; /* io/ecg/source_stamp.h; also of a recording that was rejected after it was read; 0: not known */
    ein_sketch sketch;
    float age, scale;
    int8_t sex;
    uint32_t quality, lead_quality[EIN_MAX_LEADS];
} ein_ingest_result;

/* Filters, resamplers and working memory of one thread. */
typedef struct ein_ingest_worker ein_ingest_worker;
ein_status ein_ingest_worker_new(const ein_contract *contract, const ein_ingest_policy *policy,
                                 ein_ingest_worker **out);
void ein_ingest_worker_destroy(ein_ingest_worker *worker);

/* Take one recording; counts (n_leads, n_samples) is filled if it is accepted. Never fails: whatever is wrong
 * is the cause in `out`. Not collective; one thread per worker. */
void ein_ingest_one(ein_ingest_worker *worker, const char *path, int16_t *counts, ein_ingest_result *out);

/* Add the seconds since the last call that went into reading and decoding, and into preparing. */
void ein_ingest_worker_spent(ein_ingest_worker *worker, double *read_s, double *prepare_s);

#endif
