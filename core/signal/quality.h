/* Quality flags of a recording, per lead and for the whole.
 *
 * Flags describe; they never change a sample and never refuse a record.  They are computed in mV at the
 * recording's own rate, before any filter, and stored with the corpus (/quality) and with scores.  The
 * bits are part of file formats: a bit keeps its meaning for ever, new ones are appended.
 */
#ifndef EIN_CORE_SIGNAL_QUALITY_H
#define EIN_CORE_SIGNAL_QUALITY_H

#include <stdint.h>

#include "core/signal/ecg.h"

enum {
    EIN_QUALITY_MISSING = 1 << 0,  /* no valid sample: the lead is absent and cannot be derived, or all NaN */
    EIN_QUALITY_NAN = 1 << 1,      /* some samples are missing */
    EIN_QUALITY_FLAT = 1 << 2,     /* no signal for a long stretch: electrode off */
    EIN_QUALITY_CLIPPED = 1 << 3,  /* stays at its extreme value: the amplifier saturated */
    EIN_QUALITY_SHORT = 1 << 4,    /* shorter than the contract wants */
    EIN_QUALITY_CHECKSUM = 1 << 5, /* the source's checksum does not match its samples */
    EIN_QUALITY_SPIKES = 1 << 6,   /* an amplitude beyond what a heart gives */
    EIN_QUALITY_REVERSAL = 1 << 7, /* arm electrodes probably exchanged (leads I and aVR) */
    EIN_QUALITY_GAIN_SUSPECT = 1 << 8, /* the stated gain gives impossible or contradictory mV */
    EIN_QUALITY_GAIN_FIXED = 1 << 9,   /* a provably wrong gain was replaced by the reader */
    EIN_QUALITY_TRUNCATED = 1 << 10,   /* the file held fewer samples than it promised */
    EIN_QUALITY_DERIVED = 1 << 11,     /* information: computed from other limb leads */
    EIN_QUALITY_DUPLICATE = 1 << 12,   /* same recording as an earlier record of the corpus (set by ingest) */
    EIN_QUALITY_LEAD_TWICE =
        1 << 13, /* two leads of the recording go by this name; the first with a sample is taken */
    EIN_QUALITY_LEAD_SCALE =
        1 << 14, /* a lead's amplitude does not fit those of the others (core/signal/gain.h) */
    EIN_QUALITY_NOISE = 1 << 15, /* no ECG in it: noise, or mains alone */
    EIN_QUALITY_BITS = 16        /* how many bits there are */
};

/* Thresholds. ein_quality_defaults gives each its value and its source. */
typedef struct {
    double spike_mv;       /* |x| above this is a spike */
    double flat_range_mv;  /* a stretch whose range stays at or below this is flat, ... */
    double flat_s;         /* ... if it lasts this long */
    double clip_s;         /* a run at the extreme value this long is clipping, ... */
    int clip_runs;         /* ... if there are at least this many */
    double clip_min_mv;    /* ... and the extreme is this far from the median */
    double noise_kurtosis; /* noise: steps from sample to sample have at most this kurtosis, ... */
    double noise_rough;    /* ... and their variance is at least this share of what white noise has */
    double reversal_ratio; /* how much larger the dominant deflection must be than the opposite one */
} ein_quality_limits;

/* The defaults, each with its source:
 *   spike_mv 5        an R wave beyond 5 mV is not seen in adults (upper limits of normal are below 4 mV: Rijnbeek et
 *                     al., J Electrocardiol 2014); 30 of 2,037 PTB-XL records exceed it, artefacts
 *   flat_range_mv, flat_s   1 uV for 1 s: no living ECG is still for longer than a beat at the resolution of the
 *                     recorder; electrode-off leads are exactly constant
 *   clip_s, clip_runs, clip_min_mv   a rounded peak stays within one quantisation step for a few ms only
 *   noise_kurtosis 5, noise_rough 0.4   the steps of an ECG are those of a flat line with QRS complexes in it, of high
 *                     kurtosis (quality indices by kurtosis: Li, Mark, Clifford, Physiol Meas 2008); those of Gaussian
 *                     noise have 3, and twice the signal's variance. noise_rough holds at 400 Hz and more; it is 0.7
 *                     from 200 Hz on and 0.85 below, where QRS complexes are steep. Of 26,916 leads of 2,243 real
 *                     records of 500 Hz and less the nearest has 0.25 at 500 Hz, 0.58 at 250 Hz, 0.77 at 100 Hz (but
 *                     for one lead that is noise). Mains alone have a kurtosis of 1.5: below 1.6, and at least 0.1
 *                     (real: 2.3 and more)
 *   reversal_ratio    conservative: see ein_quality_reversal */
void ein_quality_defaults(ein_quality_limits *limits);

/* "missing", "nan", "flat", ...; NULL for a number that is no bit. `bit` counts from 0. */
const char *ein_quality_name(int bit);

/* The names in `flags`, comma separated, into `out`; "" for none. */
void ein_quality_text(uint32_t flags, char *out, int out_bytes);

/* Flags of one lead from its samples: mv (n_samples), NaN where missing. Gives MISSING, NAN, FLAT, CLIPPED,
 * SPIKES, NOISE. Not collective, no state. */
uint32_t ein_quality_lead(const float *mv, int64_t n_samples, double fs_hz, const ein_quality_limits *limits);

/* The reader's notes (EIN_NOTE_*) as quality flags. */
uint32_t ein_quality_from_notes(uint32_t notes);

/* EIN_QUALITY_REVERSAL or 0 for leads of one recording (each (n_samples), mV; NULL when not available).
 * Exchanged arm electrodes turn lead I upside down and exchange aVR and aVL; the chest leads keep their
 * shape.  Flagged only if lead I is mostly negative, aVR is mostly upright, and V6 (or V5 in its place) is
 * mostly upright, so that dextrocardia and extreme axis deviation, where V6 is negative too, do not count.
 * "Mostly" compares the largest deflections from the median (0.5 % trimmed) against reversal_ratio. */
uint32_t ein_quality_reversal(const float *lead_i, const float *lead_avr, const float *lead_v6,
                              int64_t n_samples, const ein_quality_limits *limits);

/* Flags of a whole recording: the union over its leads (at its own rate, all leads of the file), of its
 * notes, and REVERSAL. `lead_flags` (ecg->n_leads) receives the flags per lead; may be NULL. */
uint32_t ein_quality_record(const ein_ecg *ecg, const ein_quality_limits *limits, uint32_t *lead_flags);

#endif
