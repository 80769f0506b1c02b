#include "core/signal/quality.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const names[EIN_QUALITY_BITS] = {
    "missing",      "nan",        "flat",      "clipped", "short",     "checksum",   "spikes",     "reversal",
    "gain suspect", "gain fixed", "truncated", "derived", "duplicate", "lead twice", "lead scale", "noise",
};

static const double mains_kurtosis = 1.6, mains_rough = 0.1;

void ein_quality_defaults(ein_quality_limits *limits) {
    *limits = (ein_quality_limits){
        .spike_mv = 5,
        .flat_range_mv = 0.001,
        .flat_s = 1,
        .clip_s = 0.02,
        .clip_runs = 2,
        .clip_min_mv = 1,
        .noise_kurtosis = 5,
        .noise_rough = 0.4,
        .reversal_ratio = 2,
    };
}

const char *ein_quality_name(int bit) {
    return bit >= 0 && bit < EIN_QUALITY_BITS ? names[bit] : NULL;
}

void ein_quality_text(uint32_t flags, char *out, int out_bytes) {
    if (out_bytes < 1) return;
    out[0] = '\0';
    for (int bit = 0; bit < EIN_QUALITY_BITS; ++bit) {
        size_t used = strlen(out);
        if (flags >> bit & 1)
            snprintf(out + used, (size_t)out_bytes - used, "%s%s", used ? "," : "", names[bit]);
    }
}

uint32_t ein_quality_from_notes(uint32_t notes) {
    uint32_t flags = 0;
    if (notes & EIN_NOTE_CHECKSUM) flags |= EIN_QUALITY_CHECKSUM;
    if (notes & EIN_NOTE_TRUNCATED) flags |= EIN_QUALITY_TRUNCATED;
    if (notes & EIN_NOTE_GAIN_SUSPECT) flags |= EIN_QUALITY_GAIN_SUSPECT;
    if (notes & EIN_NOTE_GAIN_FIXED) flags |= EIN_QUALITY_GAIN_FIXED;
    if (notes & EIN_NOTE_LEAD_TWICE) flags |= EIN_QUALITY_LEAD_TWICE;
    if (notes & EIN_NOTE_LEAD_SCALE) flags |= EIN_QUALITY_LEAD_SCALE;
    return flags;
}

/* --- one lead ------------------------------------------------------------------------------------------ */

typedef struct {
    int64_t valid;
    float low, high;
    double mean;
    int64_t flat_run; /* longest stretch within flat_range_mv */
} summary;

static summary summarise(const float *mv, int64_t n, double flat_range_mv) {
    summary s = {0, INFINITY, -INFINITY, 0, 0};
    double sum = 0;
    float anchor = NAN; /* value that the present stretch started with */
    int64_t run = 0;
    for (int64_t t = 0; t < n; ++t) {
        float x = mv[t];
        if (!isfinite(x)) {
            anchor = NAN;
            continue;
        }
        ++s.valid;
        sum += x;
        s.low = x < s.low ? x : s.low;
        s.high = x > s.high ? x : s.high;
        if (fabs((double)x - anchor) <= flat_range_mv) {
            ++run;
        } else {
            anchor = x;
            run = 1;
        }
        s.flat_run = run > s.flat_run ? run : s.flat_run;
    }
    s.mean = s.valid ? sum / (double)s.valid : 0;
    return s;
}

/* Stretches of at least `length` samples that stay exactly at `value`. */
static int runs_at(const float *mv, int64_t n, float value, int64_t length) {
    int count = 0;
    int64_t run = 0;
    for (int64_t t = 0; t < n; ++t) {
        run = mv[t] == value ? run + 1 : 0;
        count += run == length;
    }
    return count;
}

static bool is_clipped(const float *mv, int64_t n, double fs_hz, const summary *s,
                       const ein_quality_limits *l) {
    int64_t length = (int64_t)ceil(l->clip_s * fs_hz);
    if (length < 3) length = 3; /* two equal samples at a peak are common at low rates */
    bool high = s->high - s->mean >= l->clip_min_mv && runs_at(mv, n, s->high, length) >= l->clip_runs;
    bool low = s->mean - s->low >= l->clip_min_mv && runs_at(mv, n, s->low, length) >= l->clip_runs;
    return high || low;
}

/* Lower rates leave less of the smoothness of an ECG (thresholds: header). */
static double rough_enough(double fs_hz, const ein_quality_limits *l) {
    return fs_hz >= 400 ? l->noise_rough : fs_hz >= 200 ? 1.75 * l->noise_rough : 2.125 * l->noise_rough;
}

static bool is_noise(const float *mv, int64_t n, double fs_hz, double mean, const ein_quality_limits *l) {
    double power = 0, squares = 0, fourths = 0;
    int64_t values = 0, steps = 0;
    for (int64_t t = 0; t < n; ++t) {
        if (!isfinite(mv[t])) continue;
        ++values;
        power += (mv[t] - mean) * (mv[t] - mean);
        double step = t > 0 ? (double)mv[t] - mv[t - 1] : NAN;
        if (!isfinite(step)) continue;
        ++steps;
        squares += step * step;
        fourths += step * step * step * step;
    }
    if ((double)steps < fs_hz || !(power > 0) || !(squares > 0))
        return false; /* less than a second tells nothing */
    double kurtosis = fourths * (double)steps / (squares * squares);
    double rough = squares / (double)steps / (2 * power / (double)values);
    return (kurtosis <= l->noise_kurtosis && rough >= rough_enough(fs_hz, l)) ||
           (kurtosis < mains_kurtosis && rough >= mains_rough);
}

uint32_t ein_quality_lead(const float *mv, int64_t n_samples, double fs_hz,
                          const ein_quality_limits *limits) {
    summary s = summarise(mv, n_samples, limits->flat_range_mv);
    if (s.valid == 0) return EIN_QUALITY_MISSING;
    uint32_t flags = s.valid < n_samples ? EIN_QUALITY_NAN : 0;
    if (s.high > limits->spike_mv || s.low < -limits->spike_mv) flags |= EIN_QUALITY_SPIKES;
    double run_s = (double)s.flat_run / fs_hz;
    /* A recording shorter than flat_s is flat if it never moves. */
    if (run_s >= limits->flat_s || (s.flat_run == s.valid && s.valid == n_samples)) flags |= EIN_QUALITY_FLAT;
    if (is_clipped(mv, n_samples, fs_hz, &s, limits)) flags |= EIN_QUALITY_CLIPPED;
    if (is_noise(mv, n_samples, fs_hz, s.mean, limits)) flags |= EIN_QUALITY_NOISE;
    return flags;
}

/* --- arm electrodes ------------------------------------------------------------------------------------ */

enum { BINS = 2048 };

/* How far the trimmed extremes lie above and below the median. */
typedef struct {
    double up, down;
} deflection;

/* The value below which `share` of the histogram lies, in bins. */
static double quantile(const int64_t *count, int64_t total, double share) {
    int64_t want = (int64_t)(share * (double)total), seen = 0;
    for (int i = 0; i < BINS; ++i) {
        seen += count[i];
        if (seen > want) return i + 0.5;
    }
    return BINS - 0.5;
}

static bool deflections(const float *mv, int64_t n, deflection *out) {
    int64_t count[BINS] = {0}, valid = 0;
    float low = INFINITY, high = -INFINITY;
    for (int64_t t = 0; t < n; ++t) {
        low = mv[t] < low ? mv[t] : low;
        high = mv[t] > high ? mv[t] : high;
    }
    if (!(high > low) || !isfinite((double)high - low)) return false;
    double scale = BINS / ((double)high - low);
    for (int64_t t = 0; t < n; ++t) {
        if (!isfinite(mv[t])) continue;
        int bin = (int)((mv[t] - (double)low) * scale);
        count[bin < BINS ? bin : BINS - 1]++;
        valid++;
    }
    double median = quantile(count, valid, 0.5);
    out->up = (quantile(count, valid, 0.995) - median) / scale;
    out->down = (median - quantile(count, valid, 0.005)) / scale;
    return true;
}

uint32_t ein_quality_reversal(const float *lead_i, const float *lead_avr, const float *lead_v6,
                              int64_t n_samples, const ein_quality_limits *limits) {
    deflection i, avr, v6;
    double ratio = limits->reversal_ratio;
    if (!lead_i || !lead_avr || !lead_v6) return 0;
    if (!deflections(lead_i, n_samples, &i) || !(i.down >= ratio * i.up)) return 0;
    if (!deflections(lead_avr, n_samples, &avr) || !(avr.up >= ratio * avr.down)) return 0;
    if (!deflections(lead_v6, n_samples, &v6) || !(v6.up >= ratio * v6.down)) return 0;
    return EIN_QUALITY_REVERSAL;
}

/* --- the recording ------------------------------------------------------------------------------------- */

static const float *samples_of(const ein_ecg *ecg, ein_lead lead) {
    int i = ein_ecg_find_lead(ecg, lead);
    return i < 0 ? NULL : ecg->mv + i * ecg->n_samples;
}

uint32_t ein_quality_record(const ein_ecg *ecg, const ein_quality_limits *limits, uint32_t *lead_flags) {
    uint32_t all = ein_quality_from_notes(ecg->notes);
    for (int i = 0; i < ecg->n_leads; ++i) {
        uint32_t flags = ein_quality_lead(ecg->mv + i * ecg->n_samples, ecg->n_samples, ecg->fs_hz, limits);
        flags |= ein_quality_from_notes(ecg->lead_notes[i]);
        if (lead_flags) lead_flags[i] = flags;
        all |= flags;
    }
    const float *v6 = samples_of(ecg, EIN_LEAD_V6);
    all |= ein_quality_reversal(samples_of(ecg, EIN_LEAD_I), samples_of(ecg, EIN_LEAD_AVR),
                                v6 ? v6 : samples_of(ecg, EIN_LEAD_V5), ecg->n_samples, limits);
    return all;
}
