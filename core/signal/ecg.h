/* One ECG recording in memory: leads, samples in mV, and what is known of the person.
 *
 * Samples are stored lead by lead: mv[lead * n_samples + t], NaN where the
 * recording has no valid sample.  Leads keep the order of the source until a
 * contract (core/signal/contract.h) selects and orders them by name.
 */
#ifndef EIN_CORE_SIGNAL_ECG_H
#define EIN_CORE_SIGNAL_ECG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

/* The twelve standard leads first, in their usual order, then what else is met in files. */
typedef enum {
    EIN_LEAD_I,
    EIN_LEAD_II,
    EIN_LEAD_III,
    EIN_LEAD_AVR,
    EIN_LEAD_AVL,
    EIN_LEAD_AVF,
    EIN_LEAD_V1,
    EIN_LEAD_V2,
    EIN_LEAD_V3,
    EIN_LEAD_V4,
    EIN_LEAD_V5,
    EIN_LEAD_V6,
    EIN_LEAD_COUNT_12,
    EIN_LEAD_V3R = EIN_LEAD_COUNT_12,
    EIN_LEAD_V4R,
    EIN_LEAD_V7,
    EIN_LEAD_V8,
    EIN_LEAD_V9,
    EIN_LEAD_X,
    EIN_LEAD_Y,
    EIN_LEAD_Z,
    EIN_LEAD_COUNT,
    EIN_LEAD_UNKNOWN = -1
} ein_lead;

enum {
    EIN_MAX_LEADS = 64,       /* per recording; more is refused */
    EIN_LEAD_NAME_BYTES = 32, /* bound of a lead's name, with the final NUL; longer ones are cut */
    EIN_ECG_TEXT_BYTES = 128, /* bound of ids and short texts, with the final NUL */
    EIN_ECG_DX_BYTES = 1024   /* bound of the diagnosis code list */
};
#define EIN_ECG_MAX_SAMPLES INT64_C(400000000) /* per lead; more is refused as hostile */

typedef enum { EIN_SEX_UNKNOWN = -1, EIN_SEX_MALE = 0, EIN_SEX_FEMALE = 1 } ein_sex;

/* What a source file says about the person and the recording; "" or NaN where it is silent. */
typedef struct {
    char record_id[EIN_ECG_TEXT_BYTES];
    char patient_id[EIN_ECG_TEXT_BYTES];
    char device[EIN_ECG_TEXT_BYTES];
    char dx[EIN_ECG_DX_BYTES]; /* diagnosis codes as in the source, separated by ',' */
    double age_years;          /* NaN: not known */
    ein_sex sex;
    char acquired[32]; /* ISO 8601 local time "2020-05-05T14:50:55", "" if not known */
} ein_ecg_person;

/* Facts about a recording that a reader noticed; bits of ein_ecg.notes. */
enum {
    EIN_NOTE_CHECKSUM = 1 << 0,     /* a signal's checksum does not match its header */
    EIN_NOTE_TRUNCATED = 1 << 1,    /* fewer samples than the header promises; the rest is NaN */
    EIN_NOTE_GAIN_SUSPECT = 1 << 2, /* the stated gain gives impossible or contradictory mV */
    EIN_NOTE_GAIN_FIXED = 1 << 3,   /* a known wrong gain was replaced (see the reader) */
    EIN_NOTE_NO_CHECKSUM = 1 << 4,  /* the source carries no checksum */
    EIN_NOTE_LEAD_TWICE = 1 << 5,   /* another lead of the recording has a name of the same meaning */
    EIN_NOTE_LEAD_SCALE =
        1 << 6 /* a lead's amplitude does not fit those of the others (core/signal/gain.h) */
};

typedef struct {
    int n_leads;
    int64_t n_samples; /* per lead */
    double fs_hz;
    ein_lead lead[EIN_MAX_LEADS];
    char lead_name[EIN_MAX_LEADS][EIN_LEAD_NAME_BYTES]; /* as spelled in the source */
    uint32_t lead_notes[EIN_MAX_LEADS];
    uint32_t notes;     /* union of lead_notes and of what concerns the recording */
    double gain_per_mv; /* counts per mV in the source, if all leads share one; else 0 */
    float *mv;          /* (n_leads, n_samples), owned */
    ein_ecg_person person;
    int64_t text_converted,
        text_replaced; /* characters that were not UTF-8: converted from Latin-1, or lost */
} ein_ecg;

/* Allocate samples for `n_leads` x `n_samples`; everything else is zeroed, age NaN, sex unknown.
 * `ecg` must be fresh or freed before. */
ein_status ein_ecg_alloc(ein_ecg *ecg, int n_leads, int64_t n_samples);

/* Release the samples and zero the struct.  NULL is fine. */
void ein_ecg_free(ein_ecg *ecg);

/* The lead meant by a name in any spelling seen in the field ("avf", "aVF", "MDC_ECG_LEAD_AVF", "Lead II", "DII",
 * "MLII", "v1 "), by the table in core/signal/lead_names.h; EIN_LEAD_UNKNOWN otherwise. */
ein_lead ein_lead_parse(const char *name);

/* The standard spelling: "I", "aVR", "V1", ... */
const char *ein_lead_name(ein_lead lead);

/* Index of the first such lead within the recording, or -1. */
int ein_ecg_find_lead(const ein_ecg *ecg, ein_lead lead);

#endif
