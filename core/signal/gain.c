#include "core/signal/gain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/signal/limb.h"

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

/* --- whether it can be an ECG ---------------------------------------------------------------------------- */

static const double none_mv = 0.05, all_mv = 10, few_mv = 20, least_share = 0.02, most_times = 6,
                    single_mv = 5, usual_mv = 5, usual_share = 0.1, usual_times = 4;
static const double same_r = 0.95, same_slope = 0.1, other_factor = 1.5, least_sd_mv = 0.02;
enum { FEW_LEADS = 3, COMPARED_LEADS = 4, UNIT_STEP = 1000 };

/* QRS of every lead; 0 for one that is no standard lead, does not move, or has no window of valid samples. */
static void measure(const ein_ecg *ecg, float *qrs) {
    int64_t window = (int64_t)(ecg->fs_hz * window_s), samples = review_samples(ecg);
    for (int i = 0; i < ecg->n_leads; ++i) {
        bool standard = (int)ecg->lead[i] >= 0 && ecg->lead[i] < EIN_LEAD_COUNT_12;
        float r = standard && window >= 2 ? qrs_range(ecg->mv + i * ecg->n_samples, samples, window) : 0;
        qrs[i] = r > 0 ? r : 0;
    }
}

static bool is_chest(const ein_ecg *ecg, int i) {
    return ecg->lead[i] >= EIN_LEAD_V1;
}

/* Median over the leads that move, but for lead `without` (-1: none) and, if `chest`, limb leads; *n: of how many. */
static double median_qrs(const ein_ecg *ecg, const float *qrs, int without, bool chest, int *n) {
    float some[EIN_MAX_LEADS];
    *n = 0;
    for (int i = 0; i < ecg->n_leads; ++i)
        if (qrs[i] > 0 && i != without && (!chest || is_chest(ecg, i))) some[(*n)++] = qrs[i];
    if (*n == 0) return 0;
    qsort(some, (size_t)*n, sizeof *some, ascending);
    return some[*n / 2];
}

/* -1: too small for an ECG, 1: too large, 0: possible, or nothing moves. `times`: as if multiplied by that. */
static int whole_verdict(const ein_ecg *ecg, const float *qrs, double times) {
    int n;
    double middle = median_qrs(ecg, qrs, -1, false, &n) * times, largest = 0;
    for (int i = 0; i < ecg->n_leads; ++i) largest = fmax(largest, qrs[i] * times);
    if (n == 0) return 0;
    if (largest < none_mv) return -1;
    return middle > (n < FEW_LEADS ? few_mv : all_mv) ? 1 : 0;
}

/* Whether a guess leads to what most ECGs have; that it is possible is too little to change samples. */
static bool is_usual(const ein_ecg *ecg, const float *qrs, double times) {
    int n;
    double largest = 0;
    for (int i = 0; i < ecg->n_leads; ++i) largest = fmax(largest, qrs[i] * times);
    return largest >= low_mv && median_qrs(ecg, qrs, -1, false, &n) * times <= usual_mv;
}

static void multiply(ein_ecg *ecg, int lead, double times) {
    float *mv = ecg->mv + lead * ecg->n_samples;
    for (int64_t t = 0; t < ecg->n_samples; ++t) mv[t] = (float)(mv[t] * times);
}

static void note_lead(ein_ecg *ecg, int lead, uint32_t bit) {
    ecg->lead_notes[lead] |= bit;
    ecg->notes |= bit;
}

static ein_status review_whole(ein_ecg *ecg, float *qrs, ein_units_policy policy) {
    int verdict = whole_verdict(ecg, qrs, 1), n;
    if (verdict == 0) return EIN_OK;
    double times = verdict < 0 ? UNIT_STEP : 1.0 / UNIT_STEP, middle = median_qrs(ecg, qrs, -1, false, &n);
    if (policy == EIN_UNITS_KEEP) {
        note(ecg, EIN_NOTE_GAIN_SUSPECT);
        return EIN_OK;
    }
    bool fits = is_usual(ecg, qrs, times);
    const char *guess = !fits         ? ""
                        : verdict < 0 ? " (V read as mV, or mV as uV?)"
                                      : " (uV read as mV, or mV as V?)";
    if (policy == EIN_UNITS_REJECT || !fits)
        return ein_error(
            EIN_RANGE, "QRS complexes of %.3g mV in the median lead are no ECG's: gain or units are wrong%s",
            middle, guess);
    for (int i = 0; i < ecg->n_leads; ++i) ecg->lead_notes[i] &= ~(uint32_t)EIN_NOTE_GAIN_SUSPECT;
    ecg->notes &= ~(uint32_t)EIN_NOTE_GAIN_SUSPECT;
    for (int i = 0; i < ecg->n_leads; ++i) {
        multiply(ecg, i, times);
        qrs[i] = (float)(qrs[i] * times);
    }
    ecg->gain_per_mv /= times;
    note(ecg, EIN_NOTE_GAIN_FIXED);
    return EIN_OK;
}

/* Whether a lead of that amplitude fits its companions: 0, or -1 and 1 for too small and too large. */
static int lead_verdict(const ein_ecg *ecg, const float *qrs, int lead, double amplitude) {
    int n, n_like;
    double others = median_qrs(ecg, qrs, lead, false, &n);
    double like = median_qrs(ecg, qrs, lead, is_chest(ecg, lead), &n_like);
    if (n + 1 < COMPARED_LEADS) return 0;
    if (amplitude < least_share * others) return -1;
    return n_like + 1 >= COMPARED_LEADS && amplitude > single_mv && amplitude > most_times * like ? 1 : 0;
}

/* How signal y follows x about their means: y = slope x, correlation r. */
typedef struct {
    double slope, r, sd_x;
} regression;

/* x = alpha a + beta b. */
static regression regress(const ein_ecg *ecg, double alpha, int a, double beta, int b, int y) {
    const float *va = ecg->mv + a * ecg->n_samples, *vb = ecg->mv + b * ecg->n_samples,
                *vy = ecg->mv + y * ecg->n_samples;
    int64_t samples = review_samples(ecg);
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
    for (int64_t t = 0; t < samples; ++t) {
        double x = alpha * va[t] + beta * vb[t], z = vy[t];
        if (!isfinite(x + z)) continue;
        n += 1;
        sx += x;
        sy += z;
        sxx += x * x;
        sxy += x * z;
        syy += z * z;
    }
    double cxx = sxx - sx * sx / n, cxy = sxy - sx * sy / n, cyy = syy - sy * sy / n;
    if (n < ecg->fs_hz || !(cxx > 0) || !(cyy > 0)) return (regression){1, 0, 0};
    return (regression){cxy / cxx, cxy / sqrt(cxx * cyy), sqrt(cxx / n)};
}

/* Whether a limb lead is what the others say times a wrong factor, while at least three of those agree. */
static bool breaks_law(const ein_ecg *ecg, const float *qrs, int lead) {
    int other[EIN_MAX_LEADS], n = 0;
    double alpha, beta;
    for (int i = 0; i < ecg->n_leads; ++i)
        if (i != lead && qrs[i] > 0 && !is_chest(ecg, i) && ecg->lead[i] != ecg->lead[lead]) other[n++] = i;
    for (int i = 2; i < n; ++i) {
        if (!ein_limb_weights(ecg->lead[other[i]], ecg->lead[other[0]], ecg->lead[other[1]], &alpha, &beta))
            return false;
        regression g = regress(ecg, alpha, other[0], beta, other[1], other[i]);
        if (!(g.r >= same_r && fabs(g.slope - 1) <= same_slope)) return false;
    }
    if (n < 3 || !ein_limb_weights(ecg->lead[lead], ecg->lead[other[0]], ecg->lead[other[1]], &alpha, &beta))
        return false;
    regression g = regress(ecg, alpha, other[0], beta, other[1], lead);
    return fabs(g.r) >= same_r && g.sd_x >= least_sd_mv &&
           !(g.slope >= 1 / other_factor && g.slope <= other_factor);
}

/* A lead that cannot be used; what it has must not judge others. */
static void drop_lead(ein_ecg *ecg, float *qrs, int lead) {
    for (int64_t t = 0; t < ecg->n_samples; ++t) ecg->mv[lead * ecg->n_samples + t] = NAN;
    qrs[lead] = 0;
}

static void review_lead(ein_ecg *ecg, float *qrs, int lead, ein_units_policy policy) {
    int verdict = lead_verdict(ecg, qrs, lead, qrs[lead]), n;
    double times = verdict < 0 ? UNIT_STEP : 1.0 / UNIT_STEP;
    if (verdict == 0 && (is_chest(ecg, lead) || !breaks_law(ecg, qrs, lead))) return;
    note_lead(ecg, lead, EIN_NOTE_LEAD_SCALE);
    if (policy == EIN_UNITS_KEEP) return;
    double like = median_qrs(ecg, qrs, lead, is_chest(ecg, lead), &n), guess = qrs[lead] * times;
    bool fits = verdict != 0 && n > 0 && guess >= usual_share * like && guess <= usual_times * like;
    if (policy == EIN_UNITS_REPAIR && fits) {
        multiply(ecg, lead, times);
        qrs[lead] = (float)guess;
        note_lead(ecg, lead, EIN_NOTE_GAIN_FIXED);
        ecg->gain_per_mv = 0;
    } else {
        drop_lead(ecg, qrs, lead);
    }
}

ein_status ein_units_review(ein_ecg *ecg, ein_units_policy policy) {
    float qrs[EIN_MAX_LEADS];
    measure(ecg, qrs);
    EIN_TRY(review_whole(ecg, qrs, policy));
    for (int i = 0; i < ecg->n_leads; ++i)
        if (qrs[i] > 0) review_lead(ecg, qrs, i, policy);
    return EIN_OK;
}
