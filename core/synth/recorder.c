/* The recorder takes I, II and the chest leads; the other limb leads are computed from what it took. */
#include <math.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/real.h"
#include "core/synth/render.h"

static const double two_pi = 6.283185307179586;

/* --- electrodes ----------------------------------------------------------------------------------------- */

/* First-order high pass, begun in the state that a recorder has which has long seen this signal. */
typedef struct {
    double gain, level[EIN_SYNTH_LANES];
} coupling;

EIN_CLONES
static double sum_of(const float *x, int64_t n) {
    double sum[8] = {0}, total = 0;
    int64_t t = 0;
    for (; t + 8 <= n; t += 8) {
#pragma omp simd
        for (int j = 0; j < 8; j++) sum[j] += (double)x[t + j];
    }
    for (; t < n; t++) total += (double)x[t];
    for (int j = 0; j < 8; j++) total += sum[j];
    return total;
}

static coupling coupling_open(const ein_synth_canvas *canvas, double cutoff_hz) {
    coupling c = {.gain = 1 - ein_exp(-two_pi * cutoff_hz / canvas->fs_hz)};
    if (cutoff_hz > 0)
        for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++)
            c.level[e] =
                sum_of(canvas->mv + e * canvas->n_samples, canvas->n_samples) / (double)canvas->n_samples;
    return c;
}

EIN_CLONES
static void couple(coupling *c, float (*x)[EIN_SYNTH_LANES]) {
    const double gain = c->gain, keep = 1 - gain;
    double level[EIN_SYNTH_LANES];
    memcpy(level, c->level, sizeof level);
    for (int t = 0; t < EIN_SYNTH_TILE; t++) {
#pragma omp simd
        for (int e = 0; e < EIN_SYNTH_LANES; e++) {
            const double in = (double)x[t][e];
            x[t][e] = (float)(in - level[e]);
            level[e] = keep * level[e] + gain * in;
        }
    }
    memcpy(c->level, level, sizeof level);
}

/* Second-order Butterworth low pass by the bilinear transform, in transposed direct form II. */
typedef struct {
    bool on;
    float b0, b1, a1, a2;
    float one[EIN_SYNTH_LANES], two[EIN_SYNTH_LANES];
} low_pass;

/* Filters at or above 0.45 of the sampling rate change nothing that the samples hold. */
static low_pass low_pass_open(double cutoff_hz, double fs_hz) {
    low_pass f = {.on = cutoff_hz > 0 && cutoff_hz < 0.45 * fs_hz};
    if (!f.on) return f;
    const double k = ein_tan(0.5 * two_pi * cutoff_hz / fs_hz), norm = 1 / (1 + sqrt(2) * k + k * k);
    f.b0 = (float)(k * k * norm);
    f.b1 = 2 * f.b0;
    f.a1 = (float)(2 * (k * k - 1) * norm);
    f.a2 = (float)((1 - sqrt(2) * k + k * k) * norm);
    return f;
}

EIN_CLONES
static void filter(low_pass *f, float (*x)[EIN_SYNTH_LANES]) {
    for (int t = 0; t < EIN_SYNTH_TILE; t++) {
#pragma omp simd
        for (int e = 0; e < EIN_SYNTH_LANES; e++) {
            const float in = x[t][e], out = f->b0 * in + f->one[e];
            f->one[e] = f->b1 * in - f->a1 * out + f->two[e];
            f->two[e] = f->b0 * in - f->a2 * out;
            x[t][e] = out;
        }
    }
}

/* As if the first sample had been there for ever. */
static void settle(low_pass *f, const float first[EIN_SYNTH_LANES]) {
    for (int e = 0; e < EIN_SYNTH_LANES; e++) {
        f->two[e] = (f->b0 - f->a2) * first[e];
        f->one[e] = (f->b1 - f->a1) * first[e] + f->two[e];
    }
}

/* --- leads ---------------------------------------------------------------------------------------------- */

static inline float clip(float x, float limit) {
    return x > limit ? limit : x < -limit ? -limit : x;
}

/* Nine electrode rows become twelve lead rows in place; `right` and `left` are the rows of the arms. */
EIN_CLONES
static void leads_from_electrodes(float *restrict mv, int64_t n, int right, int left, float limit) {
#pragma omp simd
    for (int64_t t = 0; t < n; t++) {
        const float ra = mv[right * n + t], la = mv[left * n + t], ll = mv[2 * n + t];
        const float terminal = (ra + la + ll) * (1.0f / 3);
        const float c1 = mv[3 * n + t], c2 = mv[4 * n + t], c3 = mv[5 * n + t];
        const float c4 = mv[6 * n + t], c5 = mv[7 * n + t], c6 = mv[8 * n + t];
        const float one = clip(la - ra, limit), two = clip(ll - ra, limit);
        mv[t] = one;
        mv[n + t] = two;
        mv[2 * n + t] = two - one;
        mv[3 * n + t] = -0.5f * (one + two);
        mv[4 * n + t] = one - 0.5f * two;
        mv[5 * n + t] = two - 0.5f * one;
        mv[6 * n + t] = clip(c1 - terminal, limit);
        mv[7 * n + t] = clip(c2 - terminal, limit);
        mv[8 * n + t] = clip(c3 - terminal, limit);
        mv[9 * n + t] = clip(c4 - terminal, limit);
        mv[10 * n + t] = clip(c5 - terminal, limit);
        mv[11 * n + t] = clip(c6 - terminal, limit);
    }
}

void ein_synth_record_leads(const ein_synth_canvas *canvas, const double *p, const ein_synth_person *person,
                            uint64_t seed, int64_t record) {
    const int64_t n = canvas->n_samples;
    float x[EIN_SYNTH_TILE][EIN_SYNTH_LANES];
    ein_synth_muscle muscle;
    coupling coupled = coupling_open(canvas, p[EIN_SP_HIGH_PASS_HZ]);
    low_pass narrow = low_pass_open(person->acquisition.low_pass_hz, canvas->fs_hz);
    ein_synth_muscle_open(canvas, p, person, seed, record, &muscle);
    for (int64_t begin = 0; begin < n; begin += EIN_SYNTH_TILE) {
        const int64_t count = n - begin < EIN_SYNTH_TILE ? n - begin : EIN_SYNTH_TILE;
        float *mv = canvas->mv + begin;
        ein_synth_muscle_tile(&muscle, begin, x);
        for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++)
            for (int64_t t = 0; t < count; t++) x[t][e] += mv[e * n + t];
        if (coupled.gain > 0) couple(&coupled, x);
        if (narrow.on && begin == 0) settle(&narrow, x[0]);
        if (narrow.on) filter(&narrow, x);
        for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++)
            for (int64_t t = 0; t < count; t++) mv[e * n + t] = x[t][e];
    }
    const bool reversed = person->acquisition.reversed;
    leads_from_electrodes(canvas->mv, n, reversed ? EIN_ELECTRODE_LA : EIN_ELECTRODE_RA,
                          reversed ? EIN_ELECTRODE_RA : EIN_ELECTRODE_LA, (float)p[EIN_SP_CLIP_MV]);
}
