#include "core/signal/sketch.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/philox.h"
#include "core/signal/limb.h"

#define GRID_HZ   200.0 /* of y: eight times the highest frequency that the wavelet lets through */
#define WAVELET_S 0.035
#define SMOOTH_S  0.060
#define APART_S   0.250
#define AROUND_S  (AROUND_MS / 1000.0)
#define STEP_S    (STEP_MS / 1000.0)
#define PROMINENT \
    1.5 /* energy at an anchor against the mean around it: a mere tone, alike in many, has none */
#define COMPRESS   0.25
#define MIN_RMS_MV 0.002 /* of y around an anchor: below, rounding is what is left */
#define MAX_S      60.0  /* of the recording that is looked at */
enum { AROUND_MS = 1000, STEP_MS = 20, LEADS = 2, POINTS = 2 * AROUND_MS / STEP_MS + 1, MAX_PHASES = 256 };

/* --- leads ------------------------------------------------------------------------------------------------- */

static bool has_signal(const float *mv, int64_t n) {
    float low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        if (mv[i] < low) low = mv[i];
        if (mv[i] > high) high = mv[i];
    }
    return high - low > (float)MIN_RMS_MV;
}

/* Lead I or II, into out if it must be computed; NULL if there is none. */
static const float *limb_lead(const ein_ecg *ecg, const bool *usable, ein_lead lead, float *out) {
    const int64_t n = ecg->n_samples;
    int a = ein_ecg_find_lead(ecg, lead), b;
    double alpha, beta;
    if (a >= 0 && usable[a]) return ecg->mv + a * n;
    if (!ein_limb_sources(ecg, usable, lead, &a, &b) ||
        !ein_limb_weights(lead, ecg->lead[a], ecg->lead[b], &alpha, &beta))
        return NULL;
    ein_limb_combine(alpha, ecg->mv + a * n, beta, ecg->mv + b * n, n, out);
    return out;
}

/* The leads that are sketched; their number. */
static int choose_leads(const ein_ecg *ecg, float *work, const float *out[LEADS]) {
    const int64_t n = ecg->n_samples;
    bool usable[EIN_MAX_LEADS];
    int found = 0;
    for (int l = 0; l < ecg->n_leads; l++) usable[l] = has_signal(ecg->mv + l * n, n);
    out[0] = limb_lead(ecg, usable, EIN_LEAD_I, work);
    out[1] = limb_lead(ecg, usable, EIN_LEAD_II, work + n);
    if (out[0] && out[1]) return LEADS;
    for (int lead = EIN_LEAD_V1; lead <= EIN_LEAD_V6 && found < LEADS; lead++) {
        const int at = ein_ecg_find_lead(ecg, (ein_lead)lead);
        if (at >= 0 && usable[at]) out[found++] = ecg->mv + at * n;
    }
    if (found > 0) return found;
    if (!out[0]) out[0] = out[1];
    return out[0] ? 1 : 0;
}

/* --- the wavelet ------------------------------------------------------------------------------------------- */

/* Weights of the wavelet for every place of the grid between two samples. */
typedef struct {
    double fs_hz;
    int64_t half; /* samples on either side */
    int phases;
    float *weight; /* (phases, 2 half + 2) */
} wavelet;

static ein_status wavelet_new(double fs_hz, wavelet *w) {
    const double step = fs_hz / GRID_HZ;
    w->fs_hz = fs_hz;
    w->half = (int64_t)ceil(6 * WAVELET_S * fs_hz);
    for (w->phases = 1; w->phases < MAX_PHASES; w->phases++)
        if (fabs(w->phases * step - nearbyint(w->phases * step)) < 1e-9 * w->phases) break;
    const int64_t taps = 2 * w->half + 2;
    EIN_TRY(EIN_NEW(w->weight, w->phases * taps));
    for (int p = 0; p < w->phases; p++)
        for (int64_t i = 0; i < taps; i++) {
            const double u = ((double)(i - w->half) - (double)p / w->phases) / (WAVELET_S * fs_hz);
            const double hermite = u * u * u * u - 6 * u * u + 3; /* y is then of the order of x */
            w->weight[p * taps + i] = (float)(hermite / 3 * ein_exp(-u * u / 2) / (WAVELET_S * fs_hz));
        }
    return EIN_OK;
}

/* y (m) of x (n) at k / GRID_HZ; NaN where it would need what is not there. */
static void apply(const wavelet *w, const float *x, int64_t n, float *y, int64_t m) {
    const int64_t taps = 2 * w->half + 2;
    for (int64_t k = 0; k < m; k++) {
        const double at = (double)k * w->fs_hz / GRID_HZ;
        int64_t first = (int64_t)floor(at + 1e-9);
        int phase = (int)nearbyint((at - (double)first) * w->phases);
        if (phase == w->phases) {
            phase = 0;
            first++;
        }
        const float *weight = w->weight + phase * taps;
        float sum = 0;
        first -= w->half;
        if (first < 0 || first + taps > n)
            sum = NAN;
        else
            for (int64_t i = 0; i < taps; i++) sum += weight[i] * x[first + i];
        y[k] = sum;
    }
}

/* --- anchors ----------------------------------------------------------------------------------------------- */

/* The energy of all leads, smoothed: e (m). */
static ein_status make_energy(const float *y, int leads, int64_t m, double *e) {
    enum { HALF = (int)(4 * SMOOTH_S * GRID_HZ) };
    double weight[2 * HALF + 1], *raw;
    EIN_TRY(EIN_NEW(raw, m));
    for (int l = 0; l < leads; l++)
        for (int64_t k = 0; k < m; k++) raw[k] += (double)y[l * m + k] * (double)y[l * m + k];
    for (int i = -HALF; i <= HALF; i++)
        weight[i + HALF] = ein_exp(-0.5 * i * i / (SMOOTH_S * GRID_HZ * SMOOTH_S * GRID_HZ));
    for (int64_t k = 0; k < m; k++) {
        double sum = k < HALF || k + HALF >= m ? (double)NAN : 0;
        if (sum == 0)
            for (int i = -HALF; i <= HALF; i++) sum += weight[i + HALF] * raw[k + i];
        e[k] = sum;
    }
    free(raw);
    return EIN_OK;
}

static bool is_peak(const double *e, int64_t m, int64_t k) {
    const int64_t apart = (int64_t)(APART_S * GRID_HZ), around = (int64_t)(AROUND_S * GRID_HZ);
    if (k < apart || k + apart >= m || !(e[k] > 0)) return false;
    for (int64_t i = 1; i <= apart; i++)
        if (!(e[k] > e[k - i]) || !(e[k] >= e[k + i])) return false;
    if (k < around || k + around >= m) return false;
    double sum = 0;
    for (int64_t i = k - around; i <= k + around; i++) sum += e[i];
    return e[k] * (double)(2 * around + 1) >= PROMINENT * sum;
}

/* Where the maximum lies between grid points, by the parabola through three. */
static double peak_at(const double *e, int64_t k) {
    const double bend = e[k - 1] - 2 * e[k] + e[k + 1];
    return (double)k + (bend < 0 ? 0.5 * (e[k - 1] - e[k + 1]) / bend : 0);
}

/* y at a place of the grid, by the cubic through four points (Catmull and Rom). */
static double between(const float *y, double at) {
    const int64_t k = (int64_t)floor(at);
    const double t = at - (double)k, a = (double)y[k - 1], b = (double)y[k], c = (double)y[k + 1],
                 d = (double)y[k + 2];
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/* --- features ---------------------------------------------------------------------------------------------- */

typedef struct {
    int8_t feature[EIN_SKETCH_FEATURES];
    int near;     /* features within the tolerance of a bound */
    int distance; /* sum of distances from bounds */
    int64_t order;
} anchor;

/* Units from the nearer bound of the cell, and on which side the next cell lies. */
static int from_bound(int8_t feature, int *side) {
    const int within = ((feature % EIN_SKETCH_CELL) + EIN_SKETCH_CELL) % EIN_SKETCH_CELL;
    *side = 2 * within + 1 < EIN_SKETCH_CELL ? -1 : 1;
    return *side < 0 ? within : EIN_SKETCH_CELL - 1 - within;
}

/* The signs of all projections, the same for ever. */
enum { SIGN_BLOCKS = (EIN_SKETCH_FEATURES * LEADS * POINTS + 127) / 128 };
typedef struct {
    ein_philox_block block[SIGN_BLOCKS];
} signs;

static void make_signs(signs *s) {
    for (int i = 0; i < SIGN_BLOCKS; i++) s->block[i] = ein_philox(0, EIN_DRAW_SKETCH, 0, (uint32_t)i);
}

static bool is_plus(const signs *s, int feature, int i) {
    const int bit = feature * LEADS * POINTS + i;
    return s->block[bit / 128].v[bit / 32 % 4] >> (bit % 32) & 1;
}

/* Features of the window about a place of the grid. False if there is too little signal, or some is missing. */
static bool make_features(const signs *s, const float *y, int leads, int64_t m, double at, anchor *out) {
    double v[LEADS * POINTS], power = 0, size = 0;
    const int n = leads * POINTS;
    if (at - AROUND_S * GRID_HZ < 2 || at + AROUND_S * GRID_HZ > (double)(m - 3)) return false;
    for (int l = 0; l < leads; l++)
        for (int i = 0; i < POINTS; i++) {
            const double value = between(y + l * m, at + (i * STEP_S - AROUND_S) * GRID_HZ);
            v[l * POINTS + i] = value;
            power += value * value;
        }
    const double rms = sqrt(power / n);
    if (!(rms >= MIN_RMS_MV) || !isfinite(rms)) return false;
    for (int i = 0; i < n; i++) {
        v[i] /= rms;
        v[i] /= fabs(v[i]) + COMPRESS;
        size += v[i] * v[i];
    }
    for (int f = 0; f < EIN_SKETCH_FEATURES; f++) {
        double sum = 0;
        int side;
        for (int i = 0; i < n; i++) sum += is_plus(s, f, i) ? v[i] : -v[i];
        const double units = floor(sum / sqrt(size) * EIN_SKETCH_CELL);
        out->feature[f] = (int8_t)(units < -128 ? -128 : units > 127 ? 127 : units);
        const int distance = from_bound(out->feature[f], &side);
        out->near += distance < EIN_SKETCH_TOLERANCE;
        out->distance += distance;
    }
    return true;
}

static int compare_anchors(const void *a, const void *b) {
    const anchor *x = a, *y = b;
    if (x->near != y->near) return x->near < y->near ? -1 : 1;
    if (x->distance != y->distance) return x->distance > y->distance ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static ein_status choose_anchors(const float *y, int leads, int64_t m, const double *e, ein_sketch *out) {
    anchor *found;
    signs s;
    int64_t n = 0;
    make_signs(&s);
    EIN_TRY(EIN_NEW(found, m / (int64_t)(APART_S * GRID_HZ) + 2));
    for (int64_t k = 0; k < m; k++) {
        if (!is_peak(e, m, k)) continue;
        found[n] = (anchor){.order = k};
        n += make_features(&s, y, leads, m, peak_at(e, k), &found[n]);
    }
    qsort(found, (size_t)n, sizeof *found, compare_anchors);
    out->n = n < EIN_SKETCH_ANCHORS ? (int32_t)n : EIN_SKETCH_ANCHORS;
    for (int i = 0; i < out->n; i++) memcpy(out->feature[i], found[i].feature, sizeof found[i].feature);
    free(found);
    return EIN_OK;
}

static ein_status sketch_leads(const float *const *lead, int leads, int64_t n, double fs_hz,
                               ein_sketch *out) {
    const int64_t m = (int64_t)((double)n / fs_hz * GRID_HZ);
    wavelet w = {0};
    float *y = NULL;
    double *e = NULL;
    ein_status status = wavelet_new(fs_hz, &w);
    if (status == EIN_OK) status = EIN_NEW(y, leads * m + 1);
    if (status == EIN_OK) status = EIN_NEW(e, m + 1);
    for (int l = 0; l < leads && status == EIN_OK; l++) apply(&w, lead[l], n, y + l * m, m);
    if (status == EIN_OK) status = make_energy(y, leads, m, e);
    if (status == EIN_OK) status = choose_anchors(y, leads, m, e, out);
    free(w.weight);
    free(y);
    free(e);
    return status;
}

ein_status ein_sketch_make(const ein_ecg *ecg, ein_sketch *out) {
    const float *lead[LEADS];
    float *work;
    *out = (ein_sketch){0};
    if (!(ecg->fs_hz >= 50) || !(ecg->fs_hz <= 1e5)) return EIN_OK; /* a lower rate has not the band */
    EIN_TRY(EIN_NEW(work, LEADS * ecg->n_samples + 1));
    const int leads = choose_leads(ecg, work, lead);
    const double most = MAX_S * ecg->fs_hz;
    const int64_t n = (double)ecg->n_samples < most ? ecg->n_samples : (int64_t)most;
    const ein_status status = leads ? sketch_leads(lead, leads, n, ecg->fs_hz, out) : EIN_OK;
    free(work);
    return status;
}

/* --- looking up -------------------------------------------------------------------------------------------- */

static int8_t cell_of(int8_t feature) {
    return (int8_t)((feature + 128) / EIN_SKETCH_CELL);
}

void ein_sketch_cells(const int8_t *feature, int8_t cells[EIN_SKETCH_FEATURES]) {
    for (int f = 0; f < EIN_SKETCH_FEATURES; f++) cells[f] = cell_of(feature[f]);
}

int ein_sketch_probes(const int8_t *feature, int8_t (*out)[EIN_SKETCH_FEATURES]) {
    int n = 1;
    ein_sketch_cells(feature, out[0]);
    for (int distance = 0; distance < EIN_SKETCH_TOLERANCE; distance++)
        for (int f = 0; f < EIN_SKETCH_FEATURES && 2 * n <= EIN_SKETCH_MAX_PROBES; f++) {
            int side;
            if (from_bound(feature[f], &side) != distance) continue;
            for (int i = 0; i < n; i++) {
                memcpy(out[n + i], out[i], EIN_SKETCH_FEATURES);
                out[n + i][f] = (int8_t)(out[i][f] + side);
            }
            n *= 2;
        }
    return n;
}
