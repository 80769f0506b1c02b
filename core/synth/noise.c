/* Noise enters at the electrodes, so that it shows in leads as it does in life: what happens to the left arm
 * is in I, III, aVR, aVL, aVF and, by a third, in all chest leads. */
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/philox.h"
#include "core/base/real.h"
#include "core/synth/draw.h"
#include "core/synth/render.h"

static const double two_pi = 6.283185307179586;

/* Parts of EIN_DRAW_SYNTH_NOISE, beside EIN_SYNTH_DRAW_ACQUISITION. */
enum { WANDER = 1, MUSCLE, MAINS, MOTION };

enum { WORD_LANES = 16 };

EIN_CLONES
void ein_synth_words(uint64_t seed, uint32_t purpose, uint64_t a, uint32_t first, int count, uint32_t *out) {
    for (int done = 0; done < count; done += WORD_LANES, out += 4 * WORD_LANES) {
        uint32_t c0[WORD_LANES], c1[WORD_LANES], c2[WORD_LANES], c3[WORD_LANES];
        uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
        for (int i = 0; i < WORD_LANES; i++) {
            c0[i] = (uint32_t)a;
            c1[i] = (uint32_t)(a >> 32);
            c2[i] = first + (uint32_t)(done + i);
            c3[i] = purpose;
        }
        for (int round = 0; round < 10; round++) {
#pragma omp simd
            for (int i = 0; i < WORD_LANES; i++) {
                const uint64_t p0 = (uint64_t)UINT32_C(0xD2511F53) * c0[i];
                const uint64_t p1 = (uint64_t)UINT32_C(0xCD9E8D57) * c2[i];
                c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
                c1[i] = (uint32_t)p1;
                c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
                c3[i] = (uint32_t)p0;
            }
            k0 += UINT32_C(0x9E3779B9);
            k1 += UINT32_C(0xBB67AE85);
        }
        memcpy(out, c0, sizeof c0);
        memcpy(out + WORD_LANES, c1, sizeof c1);
        memcpy(out + 2 * WORD_LANES, c2, sizeof c2);
        memcpy(out + 3 * WORD_LANES, c3, sizeof c3);
    }
}

/* --- baseline wander ----------------------------------------------------------------------------------- */

/* Add a + x (b + x (c + x d)) at x = shift + i inverse. */
EIN_CLONES
static void add_cubic(float *restrict mv, int n, const float abcd[4], float shift, float inverse) {
    const float a = abcd[0], b = abcd[1], c = abcd[2], d = abcd[3];
#pragma omp simd
    for (int i = 0; i < n; i++) {
        const float x = shift + inverse * (float)i;
        mv[i] += a + x * (b + x * (c + x * d));
    }
}

/* Add `scale` times a smooth random curve: normal deviates every `spacing_s`, joined by Catmull-Rom cubics. */
static void add_curve(float *mv, const ein_synth_canvas *canvas, double spacing_s, double scale,
                      ein_stream *s) {
    const double step = spacing_s * canvas->fs_hz;
    double knot[4];
    for (int i = 0; i < 4; i++) knot[i] = scale * ein_stream_normal_in(s, 0, 1, -3, 3);
    int64_t begin = 0;
    for (int64_t segment = 0; begin < canvas->n_samples; segment++) {
        int64_t end = (int64_t)((double)(segment + 1) * step);
        if (end > canvas->n_samples) end = canvas->n_samples;
        const float abcd[4] = {(float)knot[1], (float)(0.5 * (knot[2] - knot[0])),
                               (float)(knot[0] - 2.5 * knot[1] + 2 * knot[2] - 0.5 * knot[3]),
                               (float)(0.5 * (knot[3] - knot[0]) + 1.5 * (knot[1] - knot[2]))};
        const float inverse = (float)(1 / step), shift = (float)((double)begin / step - (double)segment);
        add_cubic(mv + begin, (int)(end - begin), abcd, shift, inverse);
        begin = end;
        memmove(knot, knot + 1, 3 * sizeof knot[0]);
        knot[3] = scale * ein_stream_normal_in(s, 0, 1, -3, 3);
    }
}

EIN_CLONES
static void add_phases(float *restrict mv, int n, const float *restrict in_phase,
                       const float *restrict quadrature, float u, float v) {
#pragma omp simd
    for (int i = 0; i < n; i++) mv[i] += u * in_phase[i] + v * quadrature[i];
}

/* Add gain[e] times a sinusoid of one frequency, its phase differing by shift[e]. */
static void add_sinusoid(const ein_synth_canvas *canvas, double hz, double phase,
                         const double gain[EIN_SYNTH_ELECTRODES], const double shift[EIN_SYNTH_ELECTRODES]) {
    enum { BLOCK = 256 };
    float in_phase[BLOCK], quadrature[BLOCK], u[EIN_SYNTH_ELECTRODES], v[EIN_SYNTH_ELECTRODES];
    const double turn = two_pi * hz / canvas->fs_hz, c = ein_cos(turn), s = ein_sin(turn);
    for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++) {
        u[e] = (float)(gain[e] * ein_cos(shift[e]));
        v[e] = (float)(gain[e] * ein_sin(shift[e]));
    }
    for (int64_t begin = 0; begin < canvas->n_samples; begin += BLOCK) {
        const int n = (int)(canvas->n_samples - begin < BLOCK ? canvas->n_samples - begin : BLOCK);
        double x = ein_cos(phase + turn * (double)begin), y = ein_sin(phase + turn * (double)begin);
        for (int i = 0; i < n; i++) {
            in_phase[i] = (float)x;
            quadrature[i] = (float)y;
            const double next = c * x - s * y;
            y = s * x + c * y;
            x = next;
        }
        for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++)
            add_phases(canvas->mv + e * canvas->n_samples + begin, n, in_phase, quadrature, u[e], v[e]);
    }
}

static void add_wander(const ein_synth_canvas *canvas, const ein_synth_person *person, ein_stream *s) {
    const double wander = person->acquisition.wander_mv;
    double gain[EIN_SYNTH_ELECTRODES], shift[EIN_SYNTH_ELECTRODES];
    for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++) {
        const double own = ein_stream_lognormal(s, e < EIN_ELECTRODE_C1 ? wander : 1.4 * wander, 0.45);
        float *mv = canvas->mv + e * canvas->n_samples;
        add_curve(mv, canvas, 1.9, 1.0 * own, s);
        add_curve(mv, canvas, 0.5, 0.16 * own, s);
        gain[e] = 0.45 * own * ein_stream_uniform(s);
        shift[e] = ein_stream_between(s, -0.5, 0.5);
    }
    add_sinusoid(canvas, person->heart.resp_hz, person->torso.resp_phase, gain, shift);
}

/* --- muscle and amplifier ------------------------------------------------------------------------------ */

/* SD of the filters' output for white input of SD 1: the energy of their impulse response. */
static double muscle_gain(double low_keep, double high_keep) {
    double low = 0, high = 0, energy = 0;
    for (int i = 0; i < 4096; i++) {
        const double next = low_keep * low + (1 - low_keep) * (i == 0);
        high = high_keep * (high + next - low);
        low = next;
        energy += high * high;
        if (i > 64 && high * high < 1e-12 * energy) break;
    }
    return sqrt(energy);
}

void ein_synth_muscle_open(const ein_synth_canvas *canvas, const double *p, const ein_synth_person *person,
                           uint64_t seed, int64_t record, ein_synth_muscle *out) {
    ein_stream s = ein_stream_open(seed, EIN_SYNTH_PURPOSE(EIN_DRAW_SYNTH_NOISE, MUSCLE), (uint64_t)record);
    memset(out, 0, sizeof *out);
    out->seed = seed;
    out->record = record;
    out->blocks = (canvas->n_samples + EIN_SYNTH_TILE - 1) / EIN_SYNTH_TILE * (EIN_SYNTH_TILE / 4);
    out->white = (float)(1e-3 * p[EIN_SP_AMPLIFIER_UV]);
    out->low_keep = (float)ein_exp(-two_pi * 120 / canvas->fs_hz);
    out->high_keep = (float)ein_exp(-two_pi * 20 / canvas->fs_hz);
    const double sd = person->acquisition.emg_mv / muscle_gain(out->low_keep, out->high_keep);
    /* Limb electrodes sit near muscles that people cannot keep still. */
    for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++)
        out->muscle[e] = (float)ein_stream_lognormal(&s, e < EIN_ELECTRODE_C1 ? 1.4 * sd : 0.8 * sd, 0.6);
}

/* Words as deviates of mean 0 and SD 1: the sum of its four bytes is near enough to normal for noise. */
EIN_CLONES
static void near_normal(const uint32_t *word, int n, float *out) {
#pragma omp simd
    for (int i = 0; i < n; i++) {
        const uint32_t pairs = (word[i] & 0x00ff00ffu) + (word[i] >> 8 & 0x00ff00ffu);
        const int sum = (int)((pairs & 0xffff) + (pairs >> 16));
        out[i] = (float)(sum - 510) * (1.0f / 147.7994f);
    }
}

/* Each recursion is written so that only a product and a sum wait for the sample before. */
EIN_CLONES
static void filter_tile(ein_synth_muscle *f, float (*x)[EIN_SYNTH_LANES]) {
    const float keep = f->low_keep, take = 1 - keep, high_keep = f->high_keep, own = f->white;
    float low[EIN_SYNTH_LANES], high[EIN_SYNTH_LANES], muscle[EIN_SYNTH_LANES];
    memcpy(low, f->low, sizeof low);
    memcpy(high, f->high, sizeof high);
    memcpy(muscle, f->muscle, sizeof muscle);
    for (int t = 0; t < EIN_SYNTH_TILE; t++) {
#pragma omp simd
        for (int e = 0; e < EIN_SYNTH_LANES; e++) {
            const float white = x[t][e];
            const float next = keep * low[e] + take * white;
            high[e] = high_keep * high[e] + high_keep * (next - low[e]);
            low[e] = next;
            x[t][e] = muscle[e] * high[e] + own * white;
        }
    }
    memcpy(f->low, low, sizeof low);
    memcpy(f->high, high, sizeof high);
}

void ein_synth_muscle_tile(ein_synth_muscle *muscle, int64_t begin, float (*x)[EIN_SYNTH_LANES]) {
    uint32_t words[EIN_SYNTH_TILE];
    float white[EIN_SYNTH_TILE];
    memset(x, 0, EIN_SYNTH_TILE * sizeof *x);
    for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++) {
        ein_synth_words(muscle->seed, EIN_DRAW_SYNTH_NOISE, (uint64_t)muscle->record,
                        (uint32_t)(e * muscle->blocks + begin / 4), EIN_SYNTH_TILE / 4, words);
        near_normal(words, EIN_SYNTH_TILE, white);
        for (int t = 0; t < EIN_SYNTH_TILE; t++) x[t][e] = white[t];
    }
    filter_tile(muscle, x);
}

/* --- mains and motion ---------------------------------------------------------------------------------- */

static void add_mains(const ein_synth_canvas *canvas, const double *p, const ein_synth_person *person,
                      ein_stream *s) {
    double gain[EIN_SYNTH_ELECTRODES], shift[EIN_SYNTH_ELECTRODES];
    const double hz = p[EIN_SP_MAINS_HZ] + 0.03 * ein_stream_normal_in(s, 0, 1, -2, 2);
    const double phase = ein_stream_between(s, 0, two_pi);
    for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++) {
        gain[e] = ein_stream_lognormal(s, person->acquisition.mains_mv, 0.5);
        shift[e] = ein_stream_between(s, -0.6, 0.6);
    }
    if (person->acquisition.mains_mv > 0) add_sinusoid(canvas, hz, phase, gain, shift);
}

/* An electrode is pushed: its potential jumps and creeps back. */
static void add_motion(const ein_synth_canvas *canvas, const double *p, const ein_synth_person *person,
                       ein_stream *s) {
    const double duration_s = (double)canvas->n_samples / canvas->fs_hz;
    for (int i = 0; i < person->acquisition.n_motion; i++) {
        float amplitude[EIN_SYNTH_ELECTRODES] = {0};
        const int e = (int)(EIN_SYNTH_ELECTRODES * ein_stream_uniform(s));
        const double sign = ein_stream_uniform(s) < 0.5 ? -1 : 1;
        amplitude[e] = (float)(sign * ein_stream_lognormal(s, 1e-3 * p[EIN_SP_MOTION_UV], 0.6));
        const double at_s = ein_stream_between(s, 0, duration_s);
        const double rise_s = ein_stream_between(s, 0.03, 0.12), fall_s = ein_stream_between(s, 0.1, 0.6);
        ein_synth_add_wave(canvas, at_s, rise_s, fall_s, amplitude);
    }
}

void ein_synth_add_noise(const ein_synth_canvas *canvas, const double *p, const ein_synth_person *person,
                         uint64_t seed, int64_t record) {
    ein_stream s = ein_stream_open(seed, EIN_SYNTH_PURPOSE(EIN_DRAW_SYNTH_NOISE, WANDER), (uint64_t)record);
    add_wander(canvas, person, &s);
    s = ein_stream_open(seed, EIN_SYNTH_PURPOSE(EIN_DRAW_SYNTH_NOISE, MAINS), (uint64_t)record);
    add_mains(canvas, p, person, &s);
    s = ein_stream_open(seed, EIN_SYNTH_PURPOSE(EIN_DRAW_SYNTH_NOISE, MOTION), (uint64_t)record);
    add_motion(canvas, p, person, &s);
}
