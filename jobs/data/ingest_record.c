#include "jobs/data/ingest_record.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/signal/prepare.h"
#include "core/signal/quantise.h"
#include "io/base/trouble.h"
#include "io/ecg/reader.h"

struct ein_ingest_worker {
    ein_contract contract;
    ein_ingest_policy policy;
    ein_prepare_plan *plan;
    float *mv; /* (n_leads, n_samples) */
    double read_s, prepare_s;
};

const char *ein_ingest_cause_text(int cause) {
    static const char *const texts[EIN_CAUSE_COUNT] = {"accepted",
                                                       "folder cannot be read",
                                                       "of a kind that is not read",
                                                       "without signal file",
                                                       "damaged or malformed",
                                                       "cannot be read",
                                                       "too short",
                                                       "leads missing",
                                                       "sampling rate",
                                                       "amplitude",
                                                       "quality flag",
                                                       "record id used before",
                                                       "trouble of the machine"};
    return cause >= 0 && cause < EIN_CAUSE_COUNT ? texts[cause] : "unknown";
}

ein_status ein_ingest_worker_new(const ein_contract *contract, const ein_ingest_policy *policy,
                                 ein_ingest_worker **out) {
    ein_ingest_worker *w = NULL;
    *out = NULL;
    EIN_TRY(EIN_NEW(w, 1));
    w->contract = *contract;
    /* Normalisation is applied to what a corpus holds, not before; the plan only needs it to be possible. */
    w->contract.mean_mv = 0;
    w->contract.sd_mv = 1;
    w->policy = *policy;
    ein_status status = ein_prepare_plan_new(&w->contract, NULL, &w->plan);
    if (status == EIN_OK) status = EIN_NEW(w->mv, contract->n_leads * contract->n_samples);
    if (status != EIN_OK) {
        ein_ingest_worker_destroy(w);
        return status;
    }
    *out = w;
    return EIN_OK;
}

void ein_ingest_worker_destroy(ein_ingest_worker *w) {
    if (!w) return;
    ein_prepare_plan_destroy(w->plan);
    free(w->mv);
    free(w);
}

static void reject(ein_ingest_result *out, ein_ingest_cause cause, const char *format, ...) EIN_PRINTF(3, 4);
static void reject(ein_ingest_result *out, ein_ingest_cause cause, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(out->reason, sizeof out->reason, format, args);
    va_end(args);
    out->cause = cause;
}

/* What a reader's refusal says of the file. */
static ein_ingest_cause cause_of(ein_status status) {
    switch (status) {
    case EIN_OTHER:
        return EIN_CAUSE_OTHER;
    case EIN_NOTFOUND:
        return EIN_CAUSE_INCOMPLETE;
    case EIN_IO:
        return EIN_CAUSE_UNREADABLE;
    case EIN_SYSTEM:
    case EIN_NOMEM:
        return EIN_CAUSE_SYSTEM;
    default:
        return EIN_CAUSE_MALFORMED;
    }
}

/* The current message without the recording's folder: where a disk is mounted is no property of the data. */
static void reject_with_message(ein_ingest_result *out, ein_ingest_cause cause, const char *path) {
    const char *slash = strrchr(path, '/'), *from = ein_error_message();
    size_t n = slash ? (size_t)(slash - path) + 1 : 0, used = 0;
    while (*from && used + 1 < sizeof out->reason) {
        if (n > 1 && strncmp(from, path, n) == 0)
            from += n;
        else
            out->reason[used++] = *from++;
    }
    out->reason[used] = '\0';
    out->cause = cause;
}

static void describe(const ein_ecg *ecg, ein_ingest_result *out) {
    memcpy(out->record_id, ecg->person.record_id, sizeof out->record_id);
    memcpy(out->patient_id, ecg->person.patient_id, sizeof out->patient_id);
    memcpy(out->acquired, ecg->person.acquired, sizeof out->acquired);
    memcpy(out->device, ecg->person.device, sizeof out->device);
    memcpy(out->dx, ecg->person.dx, sizeof out->dx);
    for (char *p = out->dx; *p; p++) /* as tasks have it in a column of statements */
        if (*p == ',') *p = '|';
    ein_ecg_unknown_leads(ecg, out->unknown_leads, sizeof out->unknown_leads);
    out->text_converted = ecg->text_converted;
    out->text_replaced = ecg->text_replaced;
    out->age = (float)ecg->person.age_years;
    out->sex = (int8_t)ecg->person.sex;
}

static void list_missing(const ein_contract *c, const uint32_t *lead_quality, char *out, size_t room) {
    size_t used = 0;
    out[0] = '\0';
    for (int l = 0; l < c->n_leads; l++) {
        if (!(lead_quality[l] & EIN_QUALITY_MISSING) || used >= room) continue;
        used += (size_t)snprintf(out + used, room - used, "%s%s", used ? "," : "", ein_lead_name(c->lead[l]));
    }
}

/* What the user's policy says of a prepared recording. */
static void apply_policy(const ein_ingest_worker *w, ein_ingest_result *out) {
    const ein_contract *c = &w->contract;
    int missing = 0;
    char text[256];
    float largest = 0;
    uint32_t flags = out->quality & w->policy.reject_flags;
    for (int l = 0; l < c->n_leads; l++) missing += (out->lead_quality[l] & EIN_QUALITY_MISSING) != 0;
    for (int64_t i = 0; i < c->n_leads * c->n_samples; i++)
        if (fabsf(w->mv[i]) > largest) largest = fabsf(w->mv[i]);
    if (missing > w->policy.max_missing_leads) {
        list_missing(c, out->lead_quality, text, sizeof text);
        bool unknown = out->unknown_leads[0] != '\0';
        reject(out, EIN_CAUSE_LEADS,
               "%d of %d wanted leads have no sample: %s (ingest.max_missing_leads is %d)%s%s%s", missing,
               c->n_leads, text, w->policy.max_missing_leads, unknown ? "; names that are not known: " : "",
               out->unknown_leads, unknown ? " (--lead-names NAME=LEAD)" : "");
    } else if (!(largest <= w->policy.max_mv)) {
        reject(out, EIN_CAUSE_AMPLITUDE,
               "a sample of %g mV; no ECG exceeds %g mV (ingest.max_mv): gain or units are wrong",
               (double)largest, w->policy.max_mv);
    } else if (flags) {
        ein_quality_text(flags, text, sizeof text);
        reject(out, EIN_CAUSE_FLAGGED, "flagged %s (ingest.reject_flags)", text);
    }
}

static void hash_signal(const ein_ingest_worker *w, const int16_t *counts, ein_ingest_result *out) {
    uint8_t digest[EIN_HASH_BYTES];
    size_t values = (size_t)(w->contract.n_leads * w->contract.n_samples);
    const ein_bytes parts[2] = {{counts, values * sizeof *counts}, {&out->scale, sizeof out->scale}};
    ein_hash_parts(parts, 2, digest);
    ein_hex(digest, sizeof digest, out->signal_hash);
}

/* By what the recording is known: its files, and, if that is wanted, its samples in any form. */
static ein_status identify(const ein_ingest_worker *w, const ein_ecg *ecg, const ein_reader_source *source,
                           const int16_t *counts, ein_ingest_result *out) {
    EIN_TRY(ein_error_kept(&source->error));
    memcpy(out->source_sha256, source->sha256, sizeof out->source_sha256);
    if (w->policy.without_identity) return EIN_OK;
    EIN_TRY(ein_sketch_make(ecg, &out->sketch));
    out->signal_key = ein_signal_key(ecg);
    hash_signal(w, counts, out);
    return EIN_OK;
}

static void take(ein_ingest_worker *w, const char *path, ein_ecg *ecg, const ein_reader_source *source,
                 int16_t *counts, ein_ingest_result *out) {
    double seconds = (double)ecg->n_samples / ecg->fs_hz;
    if (!(seconds >= w->policy.min_seconds)) {
        reject(out, EIN_CAUSE_SHORT, "%.3g s long; at least %.3g s are wanted (ingest.min_seconds)", seconds,
               w->policy.min_seconds);
        return;
    }
    if (ein_units_review(ecg, w->policy.units) != EIN_OK) {
        reject(out, EIN_CAUSE_AMPLITUDE, "%s (ingest.units)", ein_error_message());
        return;
    }
    ein_status status = ein_prepare(w->plan, ecg, w->mv, out->lead_quality, &out->quality);
    if (status != EIN_OK) {
        reject_with_message(out,
                            ein_trouble_is(status) ? EIN_CAUSE_SYSTEM
                            : status == EIN_RANGE  ? EIN_CAUSE_RATE
                                                   : EIN_CAUSE_LEADS,
                            path);
        return;
    }
    apply_policy(w, out);
    if (out->cause != EIN_CAUSE_NONE) return;
    int64_t values = w->contract.n_leads * w->contract.n_samples;
    if (ein_quantise(w->mv, values, ecg->gain_per_mv, counts, &out->scale) != EIN_OK)
        reject_with_message(out, EIN_CAUSE_AMPLITUDE, path);
    else if ((status = identify(w, ecg, source, counts, out)) != EIN_OK)
        reject_with_message(out, ein_trouble_is(status) ? EIN_CAUSE_SYSTEM : EIN_CAUSE_UNREADABLE, path);
}

void ein_ingest_one(ein_ingest_worker *w, const char *path, int16_t *counts, ein_ingest_result *out) {
    ein_ecg ecg;
    ein_reader_source source;
    memset(out, 0, sizeof *out); /* with its padding: it travels as bytes */
    const double begin = ein_clock_s();
    ein_status status = ein_reader_read_source(path, &w->policy.read, &ecg, &source);
    const double middle = ein_clock_s();
    w->read_s += middle - begin;
    if (status != EIN_OK) {
        reject_with_message(out, cause_of(status), path);
        return;
    }
    out->stamp = source.stamp;
    describe(&ecg, out);
    take(w, path, &ecg, &source, counts, out);
    ein_ecg_free(&ecg);
    w->prepare_s += ein_clock_s() - middle;
}

void ein_ingest_worker_spent(ein_ingest_worker *w, double *read_s, double *prepare_s) {
    *read_s += w->read_s;
    *prepare_s += w->prepare_s;
    w->read_s = w->prepare_s = 0;
}
