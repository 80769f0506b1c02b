#include "core/gain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WINDOWS = 600, MIN_STANDARD_LEADS = 8, MIN_RANGE_COUNTS = 20 };
static const double window_s = 0.1, review_s = 60, low_mv = 0.5, high_mv = 10, law_tolerance = 0.2;

static void note(ein_ecg *ecg, uint32_t bit) {
    for (int i = 0; i < ecg->n_leads; ++i) ecg->lead_notes[i] |= bit;
    ecg->notes |= bit;
}

static int64_t review_samples(const ein_ecg *ecg) {
    double n = ecg->fs_hz * review_s;
    return n < (double)ecg->n_samples ? (int64_t)n : ecg->n_samples;
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* QRS amplitude of one lead; NaN without a single window of valid samples. */
static float qrs_range(const float *mv, int64_t n_samples, int64_t window) {
    float range[MAX_WINDOWS];
    int n = 0;
    for (int64_t t = 0; t + window <= n_samples && n < MAX_WINDOWS; t += window) {
        float low = mv[t], high = mv[t];
        for (int64_t i = t + 1; i < t + window; ++i) {
            low = mv[i] < low ? mv[i] : low;
            high = mv[i] > high ? mv[i] : high;
        }
        if (isfinite(high - low)) range[n++] = high - low;
    }
    if (n == 0) return NAN;
    qsort(range, (size_t)n, sizeof *range, ascending);
    return range[(n - 1) * 95 / 100];
}

/* -1: too low in every lead, 1: too high in most leads, 0: possible or not to be told. */
static int amplitude_verdict(const ein_ecg *ecg) {
    float range[EIN_LEAD_COUNT_12];
    int n = 0;
    int64_t window = (int64_t)(ecg->fs_hz * window_s), samples = review_samples(ecg);
    if (window < 2) return 0;
    for (int lead = 0; lead < EIN_LEAD_COUNT_12; ++lead) {
        int i = ein_ecg_find_lead(ecg, (ein_lead)lead);
        if (i < 0) continue;
        float r = qrs_range(ecg->mv + i * ecg->n_samples, samples, window);
        if (r > 0) range[n++] = r;
    }
    if (n < MIN_STANDARD_LEADS) return 0;
    qsort(range, (size_t)n, sizeof *range, ascending);
    return range[n - 1] < low_mv ? -1 : range[n / 2] > high_mv ? 1 : 0;
}

/* What the samples of the leads I, II, III say about their gains. */
typedef struct {
    bool counts_obey; /* II = I + III within one count everywhere */
    bool mv_obey;
} law;

static law check_law(const ein_ecg *ecg, const ein_gain *g, const int *lead) {
    const float *mv[3];
    for (int i = 0; i < 3; ++i) mv[i] = ecg->mv + lead[i] * ecg->n_samples;
    int64_t samples = review_samples(ecg), valid = 0;
    double worst = 0, low = INFINITY, high = -INFINITY, error = 0, power = 0;
    for (int64_t t = 0; t < samples; ++t) {
        double x[3], count[3];
        for (int i = 0; i < 3; ++i) {
            x[i] = mv[i][t];
            count[i] = rint(x[i] * g->per_mv[lead[i]] + g->baseline[lead[i]]);
        }
        double off = fabs(count[1] - count[0] - count[2]);
        if (!isfinite(off)) continue;
        ++valid;
        worst = fmax(worst, off);
        low = fmin(low, count[1]);
        high = fmax(high, count[1]);
        error += (x[1] - x[0] - x[2]) * (x[1] - x[0] - x[2]);
        power += x[1] * x[1];
    }
    bool enough = (double)valid >= ecg->fs_hz && high - low >= MIN_RANGE_COUNTS;
    /* Too little to judge counts as obeying: nothing contradicts the header. */
    return (law){enough && worst <= 1, !enough || error <= law_tolerance * law_tolerance * power};
}

static bool differ(double a, double b) {
    return !(fabs(a - b) <= 1e-6 * fabs(a));
}

/* Read all counts again at 1000 per mV; undone if the amplitudes are impossible then. */
static bool read_as_microvolts(ein_ecg *ecg, const ein_gain *g, bool undo) {
    for (int i = 0; i < ecg->n_leads; ++i) {
        float *mv = ecg->mv + i * ecg->n_samples;
        double gain = g->per_mv[i], baseline = g->baseline[i];
        if (undo)
            for (int64_t t = 0; t < ecg->n_samples; ++t)
                mv[t] = (float)((rint((double)mv[t] * 1000) - baseline) / gain);
        else
            for (int64_t t = 0; t < ecg->n_samples; ++t)
                mv[t] = (float)((rint(mv[t] * gain + baseline) + 0.0) / 1000); /* -0 becomes 0 */
    }
    return undo || amplitude_verdict(ecg) == 0;
}

/* True if the gains were found to contradict each other (and dealt with). */
static bool review_contradiction(ein_ecg *ecg, const ein_gain *g) {
    int lead[3];
    for (int i = 0; i < 3; ++i)
        if ((lead[i] = ein_ecg_find_lead(ecg, (ein_lead)(EIN_LEAD_I + i))) < 0) return false;
    bool same = true;
    for (int i = 1; i < 3; ++i)
        if (differ(g->per_mv[lead[0]], g->per_mv[lead[i]]) ||
            differ(g->baseline[lead[0]], g->baseline[lead[i]]))
            same = false;
    if (same) return false;
    law l = check_law(ecg, g, lead);
    if (!l.counts_obey && l.mv_obey) return false;
    if (l.counts_obey && read_as_microvolts(ecg, g, false)) {
        note(ecg, EIN_NOTE_GAIN_FIXED);
        return true;
    }
    if (l.counts_obey) read_as_microvolts(ecg, g, true);
    note(ecg, EIN_NOTE_GAIN_SUSPECT);
    return true;
}

void ein_gain_review(ein_ecg *ecg, const ein_gain *stated) {
    if (review_contradiction(ecg, stated)) return;
    for (int i = 0; i < ecg->n_leads; ++i)
        if (fabs(stated->per_mv[i] / 4880 - 1) <= 0.005) {
            note(ecg, EIN_NOTE_GAIN_SUSPECT);
            return;
        }
    if (amplitude_verdict(ecg) != 0) note(ecg, EIN_NOTE_GAIN_SUSPECT);
}
