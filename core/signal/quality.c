#include "core/signal/quality.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/base/elementary.h"

static const char *const names[EIN_QUALITY_BITS] = {
    "missing",      "nan",         "flat",         "clipped",    "short",          "checksum",
    "spikes",       "reversal",    "gain suspect", "gain fixed", "truncated",      "derived",
    "duplicate",    "lead twice",  "lead scale",   "noise",      "reversal RA/LL", "reversal LA/LL",
    "limb rotated", "chest order", "lead sign",    "heart rate", "mains",          "baseline",
    "repaired",     "masked",
};

static const double mains_kurtosis = 1.6, mains_rough = 0.1;

void ein_quality_defaults(ein_quality_limits *limits) {
    *limits = (ein_quality_limits){
        .spike_mv = 5,
        .spike_times = 1.5,
        .spike_share = 0.01,
        .impossible_mv = 10,
        .flat_range_mv = 0.001,
        .flat_s = 1,
        .clip_s = 0.006,
        .clip_runs = 3,
        .clip_min_mv = 0.1,
        .clip_near = 0.005,
        .saturated_s = 0.02,
        .saturated_runs = 2,
        .saturated_mv = 1,
        .mains_mv = 0.03,
        .baseline_mv = 3.5,
        .noise_kurtosis = 5,
        .noise_rough = 0.4,
        .noise_coherence = 0.05,
        .other_coherence = 0.4,
        .least_rate_bpm = 20,
        .most_rate_bpm = 235,
    };
}

const char *ein_quality_name(int bit) {
    return bit >= 0 && bit < EIN_QUALITY_BITS ? names[bit] : NULL;
}

uint32_t ein_quality_flag(const char *name) {
    for (int bit = 0; bit < EIN_QUALITY_BITS; ++bit)
        if (strcmp(names[bit], name) == 0) return 1u << bit;
    return 0;
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

/* Stretches of at least `length` samples that stay at `value` or beyond it by `side` (1: above). */
static int runs_at(const float *mv, int64_t n, float value, float side, int64_t length) {
    int count = 0;
    int64_t run = 0;
    for (int64_t t = 0; t < n; ++t) {
        run = side * mv[t] >= side * value ? run + 1 : 0;
        count += run == length;
    }
    return count;
}

static int64_t samples_of(double seconds, double fs_hz) {
    int64_t n = (int64_t)ceil(seconds * fs_hz);
    return n < 3 ? 3 : n; /* two equal samples at a peak are common at low rates */
}

static bool clips_at(const float *mv, int64_t n, double fs_hz, double mean, float extreme,
                     const ein_quality_limits *l) {
    const double height = fabs((double)extreme - mean);
    const float side = (double)extreme > mean ? 1 : -1;
    if (!(height >= l->clip_min_mv)) return false;
    const float near = (float)((double)extreme - (double)side * l->clip_near * height);
    if (runs_at(mv, n, near, side, samples_of(l->clip_s, fs_hz)) >= l->clip_runs) return true;
    return height >= l->saturated_mv &&
           runs_at(mv, n, extreme, side, samples_of(l->saturated_s, fs_hz)) >= l->saturated_runs;
}

static bool is_clipped(const float *mv, int64_t n, double fs_hz, const summary *s,
                       const ein_quality_limits *l) {
    return clips_at(mv, n, fs_hz, s->mean, s->high, l) || clips_at(mv, n, fs_hz, s->mean, s->low, l);
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

/* --- mains and baseline ---------------------------------------------------------------------------------- */

enum { MAX_STRETCHES = 16, ABREAST = 4 };
typedef double lanes __attribute__((vector_size(ABREAST * sizeof(double))));

/* In how many of `of` stretches of `n` samples, at most ABREAST, the amplitude at `hz` is at least `least_mv`: by a
 * recurrence for the sums with sine and cosine (Goertzel 1958), of all stretches at once, as each step waits for the
 * one before. A stretch with a missing sample has none. */
static int with_tone(const float *mv, int64_t n, int of, double hz, double fs_hz, double least_mv) {
    const double twice = 2 * ein_cos(6.283185307179586 * hz / fs_hz);
    lanes before = {0}, now = {0};
    const float *at[ABREAST];
    int count = 0;
    for (int k = 0; k < ABREAST; ++k) at[k] = mv + (k < of ? k : 0) * n;
    const lanes first = {(double)at[0][0], (double)at[1][0], (double)at[2][0], (double)at[3][0]};
    for (int64_t t = 0; t < n; ++t) {
        const lanes x = {(double)at[0][t], (double)at[1][t], (double)at[2][t], (double)at[3][t]};
        const lanes next = x - first + twice * now - before;
        before = now;
        now = next;
    }
    for (int k = 0; k < of; ++k) {
        const double power = now[k] * now[k] + before[k] * before[k] - twice * now[k] * before[k];
        count += power > 0 && 2 * sqrt(power) >= least_mv * (double)n;
    }
    return count;
}

/* In at least half of the stretches of 2 s that begin the recording. */
static bool hums(const float *mv, int64_t n, double fs_hz, const ein_quality_limits *l) {
    const int64_t stretch = (int64_t)(2 * fs_hz);
    if (fs_hz < 150 || n < stretch) return false; /* too near to what rates of 100 and 125 Hz can hold */
    const int of = n / stretch < MAX_STRETCHES ? (int)(n / stretch) : MAX_STRETCHES;
    for (int hz = 50; hz <= 60; hz += 10) {
        int with = 0;
        for (int k = 0; k < of; k += ABREAST)
            with += with_tone(mv + k * stretch, stretch, of - k < ABREAST ? of - k : ABREAST, hz, fs_hz,
                              l->mains_mv);
        if (2 * with >= of) return true;
    }
    return false;
}

static bool wanders(const float *mv, int64_t n, double fs_hz, const ein_quality_limits *l) {
    const int64_t second = (int64_t)fs_hz;
    double low = INFINITY, high = -INFINITY;
    for (int64_t t = 0; second > 0 && t + second <= n; t += second) {
        double sum = 0;
        int64_t valid = 0;
        for (int64_t i = t; i < t + second; ++i) {
            if (!isfinite(mv[i])) continue;
            sum += (double)mv[i];
            ++valid;
        }
        if (2 * valid < second) continue;
        sum /= (double)valid;
        low = sum < low ? sum : low;
        high = sum > high ? sum : high;
    }
    return high - low > l->baseline_mv;
}

static bool has_spikes(const float *mv, int64_t n, const summary *s, const ein_quality_limits *l) {
    const double largest = (double)fmaxf(s->high, -s->low), like = largest / l->spike_times;
    int64_t count = 0;
    if (!(largest > l->spike_mv)) return false;
    if (largest > l->impossible_mv) return true;
    for (int64_t t = 0; t < n; ++t) count += fabs((double)mv[t]) >= like;
    return (double)count < l->spike_share * (double)s->valid;
}

uint32_t ein_quality_lead(const float *mv, int64_t n_samples, double fs_hz,
                          const ein_quality_limits *limits) {
    summary s = summarise(mv, n_samples, limits->flat_range_mv);
    if (s.valid == 0) return EIN_QUALITY_MISSING;
    uint32_t flags = s.valid < n_samples ? EIN_QUALITY_NAN : 0;
    if (has_spikes(mv, n_samples, &s, limits)) flags |= EIN_QUALITY_SPIKES;
    double run_s = (double)s.flat_run / fs_hz;
    /* A recording shorter than flat_s is flat if it never moves. */
    if (run_s >= limits->flat_s || (s.flat_run == s.valid && s.valid == n_samples)) flags |= EIN_QUALITY_FLAT;
    if (is_clipped(mv, n_samples, fs_hz, &s, limits)) flags |= EIN_QUALITY_CLIPPED;
    if (hums(mv, n_samples, fs_hz, limits)) flags |= EIN_QUALITY_MAINS;
    if (wanders(mv, n_samples, fs_hz, limits)) flags |= EIN_QUALITY_BASELINE;
    if (is_noise(mv, n_samples, fs_hz, s.mean, limits)) flags |= EIN_QUALITY_NOISE;
    return flags;
}

/* --- beats --------------------------------------------------------------------------------------------- */

uint32_t ein_quality_limb_flag(ein_limb_order limb) {
    switch (limb) {
    case EIN_LIMB_AS_NAMED:
        return 0;
    case EIN_LIMB_LA_RA:
        return EIN_QUALITY_REVERSAL;
    case EIN_LIMB_RA_LL:
        return EIN_QUALITY_RA_LL;
    case EIN_LIMB_LA_LL:
        return EIN_QUALITY_LA_LL;
    default:
        return EIN_QUALITY_LIMB_ROTATED;
    }
}

/* The coherence that half of the leads exceed. */
static double usual_coherence(const ein_beats *beats) {
    double middle = 0;
    int n = 0, above = 0;
    for (int l = 0; l < EIN_LEAD_COUNT_12; ++l) n += beats->has[l];
    for (int l = 0; l < EIN_LEAD_COUNT_12; ++l, above = 0) {
        for (int i = 0; i < EIN_LEAD_COUNT_12 && beats->has[l]; ++i)
            above += beats->has[i] && beats->coherence[i] > beats->coherence[l];
        if (beats->has[l] && above == n / 2) middle = (double)beats->coherence[l];
    }
    return middle;
}

uint32_t ein_quality_beats(const ein_beats *beats, const ein_arrangement *a, const ein_quality_limits *limits,
                           uint32_t lead_flags[EIN_LEAD_COUNT_12]) {
    uint32_t all = ein_quality_limb_flag(a->limb), leads = 0;
    for (int i = 0; i < 2; ++i)
        if (a->exchanged[i] != EIN_LEAD_UNKNOWN) lead_flags[a->exchanged[i]] |= EIN_QUALITY_CHEST_ORDER;
    for (int l = EIN_LEAD_V1; a->reversed && l <= EIN_LEAD_V6; ++l) lead_flags[l] |= EIN_QUALITY_CHEST_ORDER;
    if (a->inverted != EIN_LEAD_UNKNOWN) lead_flags[a->inverted] |= EIN_QUALITY_LEAD_SIGN;
    if (a->scaled != EIN_LEAD_UNKNOWN) lead_flags[a->scaled] |= EIN_QUALITY_LEAD_SCALE;
    if (beats->rate_bpm > 0 &&
        !(beats->rate_bpm >= limits->least_rate_bpm && beats->rate_bpm <= limits->most_rate_bpm))
        all |= EIN_QUALITY_HEART_RATE;
    if (beats->n >= 3 && usual_coherence(beats) >= limits->other_coherence)
        for (int l = 0; l < EIN_LEAD_COUNT_12; ++l)
            if (beats->has[l] && (double)beats->coherence[l] < limits->noise_coherence)
                lead_flags[l] |= EIN_QUALITY_NOISE;
    for (int l = 0; l < EIN_LEAD_COUNT_12; ++l) leads |= lead_flags[l];
    return all | leads;
}
