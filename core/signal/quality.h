/* Quality flags of a recording, per lead and for the whole.
 *
 * Flags describe; they never change a sample and never refuse a record.  They are computed in mV at the
 * recording's own rate, before any filter, and stored with the corpus (/quality) and with scores.  The
 * bits are part of file formats: a bit keeps its meaning for ever, new ones are appended.
 */
#ifndef EIN_CORE_SIGNAL_QUALITY_H
#define EIN_CORE_SIGNAL_QUALITY_H

#include <stdint.h>

#include "core/signal/arrangement.h"
#include "core/signal/beats.h"
#include "core/signal/ecg.h"

enum {
    EIN_QUALITY_MISSING = 1 << 0,  /* no valid sample: the lead is absent and cannot be derived, or all NaN */
    EIN_QUALITY_NAN = 1 << 1,      /* some samples are missing */
    EIN_QUALITY_FLAT = 1 << 2,     /* no signal for a long stretch: electrode off */
    EIN_QUALITY_CLIPPED = 1 << 3,  /* stays at its extreme value: the amplifier saturated */
    EIN_QUALITY_SHORT = 1 << 4,    /* shorter than the contract wants */
    EIN_QUALITY_CHECKSUM = 1 << 5, /* the source's checksum does not match its samples */
    EIN_QUALITY_SPIKES = 1 << 6,   /* an amplitude beyond what a heart gives */
    EIN_QUALITY_REVERSAL = 1 << 7, /* arm electrodes probably exchanged: LA and RA */
    EIN_QUALITY_GAIN_SUSPECT = 1 << 8, /* the stated gain gives impossible or contradictory mV */
    EIN_QUALITY_GAIN_FIXED = 1 << 9,   /* a provably wrong gain was replaced by the reader */
    EIN_QUALITY_TRUNCATED = 1 << 10,   /* the file held fewer samples than it promised */
    EIN_QUALITY_DERIVED = 1 << 11,     /* information: computed from other limb leads */
    EIN_QUALITY_DUPLICATE = 1 << 12,   /* same recording as an earlier record of the corpus (set by ingest) */
    EIN_QUALITY_LEAD_TWICE =
        1 << 13, /* two leads of the recording go by this name; the first with a sample is taken */
    EIN_QUALITY_LEAD_SCALE =
        1 << 14, /* a lead's amplitude does not fit those of the others (core/signal/gain.h) */
    EIN_QUALITY_NOISE = 1 << 15,        /* no ECG in it: noise, or mains alone */
    EIN_QUALITY_RA_LL = 1 << 16,        /* electrodes of right arm and left leg probably exchanged */
    EIN_QUALITY_LA_LL = 1 << 17,        /* electrodes of left arm and left leg probably exchanged */
    EIN_QUALITY_LIMB_ROTATED = 1 << 18, /* all three limb electrodes probably in another order */
    EIN_QUALITY_CHEST_ORDER =
        1 << 19, /* chest electrodes probably exchanged, of the leads that have the flag */
    EIN_QUALITY_LEAD_SIGN = 1 << 20,  /* a lead is probably upside down */
    EIN_QUALITY_HEART_RATE = 1 << 21, /* an impossible heart rate: what was taken for beats is none */
    EIN_QUALITY_MAINS = 1 << 22,      /* a lead with a hum of 50 or 60 Hz */
    EIN_QUALITY_BASELINE = 1 << 23,   /* a baseline that wanders far */
    EIN_QUALITY_REPAIRED =
        1 << 24, /* changed as the contract says: the fault that another flag names was undone */
    EIN_QUALITY_MASKED = 1 << 25, /* missing, as the contract says, for a fault that another flag names */
    EIN_QUALITY_BITS = 26         /* how many bits there are */
};

/* What a contract may ask to be undone, and what to have leads taken as missing for (core/signal/contract.h): flags of
 * leads, and those of limb electrodes, for which all six limb leads are. */
enum {
    EIN_QUALITY_LIMB =
        EIN_QUALITY_REVERSAL | EIN_QUALITY_RA_LL | EIN_QUALITY_LA_LL | EIN_QUALITY_LIMB_ROTATED,
    EIN_QUALITY_REPAIRABLE = EIN_QUALITY_LIMB | EIN_QUALITY_CHEST_ORDER | EIN_QUALITY_LEAD_SIGN,
    EIN_QUALITY_MASKABLE = EIN_QUALITY_REPAIRABLE | EIN_QUALITY_LEAD_SCALE | EIN_QUALITY_FLAT |
                           EIN_QUALITY_CLIPPED | EIN_QUALITY_SPIKES | EIN_QUALITY_NOISE | EIN_QUALITY_MAINS |
                           EIN_QUALITY_BASELINE
};

/* Thresholds. ein_quality_defaults gives each its value and its source. */
typedef struct {
    double spike_mv;       /* spikes: |x| above this, and ... */
    double spike_times;    /* ... so many times what all but ... */
    double spike_share;    /* ... this share of the lead's samples have, */
    double impossible_mv;  /* or above this */
    double flat_range_mv;  /* a stretch whose range stays at or below this is flat, ... */
    double flat_s;         /* ... if it lasts this long */
    double clip_s;         /* clipping: stays near its extreme value this long, ... */
    int clip_runs;         /* ... at least so many times, ... */
    double clip_min_mv;    /* ... the extreme is this far from the mean, ... */
    double clip_near;      /* ... and near is this share of that; */
    double saturated_s;    /* or stays exactly at it this long, ... */
    int saturated_runs;    /* ... at least so many times, ... */
    double saturated_mv;   /* ... this far from the mean */
    double mains_mv;       /* mains: amplitude at 50 or 60 Hz in half of the stretches of 2 s */
    double baseline_mv;    /* baseline: range of the means over 1 s */
    double noise_kurtosis; /* noise: steps from sample to sample have at most this kurtosis, ... */
    double noise_rough;    /* ... and their variance is at least this share of what white noise has */
    double
        noise_coherence; /* noise: what comes back with every beat is below this share of all differences, ... */
    double other_coherence;               /* ... and of the median lead at least this share */
    double least_rate_bpm, most_rate_bpm; /* possible heart rates */
} ein_quality_limits;

/* The defaults, each with its source:
 *   spike_mv 5, spike_times 1.5, spike_share 0.01   beyond 5 mV, upper limits of normal R waves being below 4 mV
 *                     (Rijnbeek et al., J Electrocardiol 2014), and far beyond the lead's own QRS complexes, which have
 *                     more than one in a hundred samples: of 30 recordings of PTB-XL beyond 5 mV most have tall ones
 *   impossible_mv 10  no QRS complex either
 *   flat_range_mv, flat_s   1 uV for 1 s: no living ECG is still for longer than a beat at the resolution of the
 *                     recorder; electrode-off leads are exactly constant
 *   clip_s 6 ms, clip_runs 3, clip_min_mv 0.1, clip_near 0.005   a peak is round, and that of the next beat is of
 *                     another height: of 500 recordings of PTB-XL none has three stretches of 6 ms within 0.5 % of
 *                     the extreme; near instead of equal, as a filter behind the clipping leaves it
 *   saturated_s 20 ms, saturated_runs 2, saturated_mv 1   an amplifier at its limit in single beats
 *   mains_mv 0.03     of 700 recordings of PTB-XL the largest has 0.029
 *   baseline_mv 3.5   which 1 in 100 recordings of PTB-XL exceed
 *   noise_kurtosis 5, noise_rough 0.4   the steps of an ECG are those of a flat line with QRS complexes in it, of high
 *                     kurtosis (quality indices by kurtosis: Li, Mark, Clifford, Physiol Meas 2008); those of Gaussian
 *                     noise have 3, and twice the signal's variance. noise_rough holds at 400 Hz and more; it is 0.7
 *                     from 200 Hz on and 0.85 below, where QRS complexes are steep. Of 26,916 leads of 2,243 real
 *                     records of 500 Hz and less the nearest has 0.25 at 500 Hz, 0.58 at 250 Hz, 0.77 at 100 Hz (but
 *                     for one lead that is noise). Mains alone have a kurtosis of 1.5: below 1.6, and at least 0.1
 *                     (real: 2.3 and more)
 *   noise_coherence 0.05, other_coherence 0.4   noise has 0 (core/signal/beats.h)
 *   least_rate_bpm 20, most_rate_bpm 235   beyond that no beats of ventricles are told apart */
void ein_quality_defaults(ein_quality_limits *limits);

/* "missing", "nan", "flat", ...; NULL for a number that is no bit. `bit` counts from 0. */
const char *ein_quality_name(int bit);

/* The flag of that name, or 0. */
uint32_t ein_quality_flag(const char *name);

/* The names in `flags`, comma separated, into `out`; "" for none. */
void ein_quality_text(uint32_t flags, char *out, int out_bytes);

/* Flags of one lead from its samples: mv (n_samples), NaN where missing. Gives MISSING, NAN, FLAT, CLIPPED,
 * SPIKES, NOISE, MAINS, BASELINE. Not collective, no state. */
uint32_t ein_quality_lead(const float *mv, int64_t n_samples, double fs_hz, const ein_quality_limits *limits);

/* The reader's notes (EIN_NOTE_*) as quality flags. */
uint32_t ein_quality_from_notes(uint32_t notes);

/* The flag of exchanged limb electrodes; 0 as named. */
uint32_t ein_quality_limb_flag(ein_limb_order limb);

/* What beats say of a recording: REVERSAL, RA_LL, LA_LL, LIMB_ROTATED, HEART_RATE, and the union of what they say of
 * each lead, which is added to lead_flags: CHEST_ORDER, LEAD_SIGN, LEAD_SCALE, NOISE. `arrangement` is what
 * core/signal/arrangement.h says of the beats. */
uint32_t ein_quality_beats(const ein_beats *beats, const ein_arrangement *arrangement,
                           const ein_quality_limits *limits, uint32_t lead_flags[EIN_LEAD_COUNT_12]);

#endif
