#include "core/signal/resample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/dot.h"
#include "core/base/elementary.h"
#include "core/base/real.h"

enum { MAX_TERM = 20000 };
static const double attenuation_db = 80, pass_edge = 0.9, exact = 1e-12, good_enough = 1e-7;

struct ein_resampler {
    int64_t up, down; /* L, M */
    int64_t half;     /* W: a phase reads the inputs base - W + 1 .. base + W */
    int64_t taps;     /* 2 W rounded up to a multiple of 8 with zeros */
    double *phase;    /* (L, taps) */
};

/* Convergents p/q of the continued fraction of `ratio`, until one is exact or a term grows too large. */
static void find_fraction(double ratio, int64_t *p, int64_t *q) {
    int64_t p0 = 0, q0 = 1, p1 = 1, q1 = 0;
    double x = ratio;
    for (int i = 0; i < 64; ++i) {
        double whole = floor(x);
        if (!(whole <= MAX_TERM)) break;
        int64_t a = (int64_t)whole, p2 = a * p1 + p0, q2 = a * q1 + q0;
        if (p2 > MAX_TERM || q2 > MAX_TERM) break;
        p0 = p1, q0 = q1, p1 = p2, q1 = q2;
        if (fabs((double)p1 / (double)q1 - ratio) <= exact * ratio || x == whole) break;
        x = 1 / (x - whole);
    }
    *p = p1;
    *q = q1;
}

/* Modified Bessel function of the first kind, order 0, by its power series: all terms are positive. */
static double bessel_i0(double x) {
    double term = 1, sum = 1;
    for (int k = 1; k < 200 && term > 1e-18 * sum; ++k) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static double sinc(double x) {
    return fabs(x) < 1e-12 ? 1 : ein_sin(M_PI * x) / (M_PI * x);
}

/* The windowed sinc at distance `tau` input samples from its centre. */
static double prototype(double tau, double cutoff, double width, double beta) {
    double r = tau / width;
    if (!(fabs(r) < 1)) return 0;
    return 2 * cutoff * sinc(2 * cutoff * tau) * bessel_i0(beta * sqrt(1 - r * r));
}

static void design(ein_resampler *r, double nyquist, double width) {
    double beta = 0.1102 * (attenuation_db - 8.7), cutoff = nyquist * (1 + pass_edge) / 2;
    for (int64_t p = 0; p < r->up; ++p) {
        double *tap = r->phase + p * r->taps, sum = 0, at = (double)p / (double)r->up;
        for (int64_t j = 0; j < 2 * r->half; ++j) {
            tap[j] = prototype((double)(j - r->half + 1) - at, cutoff, width, beta);
            sum += tap[j];
        }
        for (int64_t j = 0; j < 2 * r->half; ++j) tap[j] /= sum;
    }
}

ein_status ein_resampler_new(double fs_in_hz, double fs_out_hz, ein_resampler **out) {
    *out = NULL;
    if (!(fs_in_hz > 0) || !(fs_out_hz > 0) || !isfinite(fs_in_hz) || !isfinite(fs_out_hz))
        return ein_error(EIN_RANGE, "resampling from %g Hz to %g Hz is not possible", fs_in_hz, fs_out_hz);
    int64_t up, down;
    double ratio = fs_out_hz / fs_in_hz;
    find_fraction(ratio, &up, &down);
    if (up < 1 || down < 1 || !(fabs((double)up / (double)down - ratio) <= good_enough * ratio))
        return ein_error(EIN_RANGE,
                         "resampling from %.17g Hz to %.17g Hz: no ratio of numbers up to %d is close enough",
                         fs_in_hz, fs_out_hz, MAX_TERM);
    ein_resampler *r;
    EIN_TRY(EIN_NEW(r, 1));
    r->up = up;
    r->down = down;
    if (up != down) {
        /* In cycles per input sample: the lower Nyquist frequency, and the window's half width for the
         * transition from pass_edge to 1 of it. */
        double nyquist = 0.5 * fmin(1, (double)up / (double)down);
        double width = (attenuation_db - 7.95) / (2.285 * 2 * M_PI * nyquist * (1 - pass_edge)) / 2;
        r->half = (int64_t)floor(width) + 1;
        r->taps = (2 * r->half + 7) / 8 * 8;
        ein_status status = EIN_NEW(r->phase, up * r->taps);
        if (status != EIN_OK) {
            free(r);
            return status;
        }
        design(r, nyquist, width);
    }
    *out = r;
    return EIN_OK;
}

void ein_resampler_destroy(ein_resampler *resampler) {
    if (!resampler) return;
    free(resampler->phase);
    free(resampler);
}

void ein_resampler_ratio(const ein_resampler *r, int64_t *up, int64_t *down) {
    *up = r->up;
    *down = r->down;
}

int64_t ein_resampler_length(const ein_resampler *r, int64_t n_in) {
    return (n_in * r->up + r->down - 1) / r->down;
}

int64_t ein_resampler_needs(const ein_resampler *r, int64_t n_out, int64_t n_in) {
    if (n_out <= 0) return 0;
    int64_t last = (n_out - 1) * r->down / r->up + 1 + r->half;
    return last < n_in ? last : n_in;
}

int64_t ein_resampler_work(const ein_resampler *r, int64_t n_in) {
    return n_in + 2 * r->taps;
}

/* Index into n samples continued by reflection. */
static int64_t reflect(int64_t i, int64_t n) {
    if (n == 1) return 0;
    int64_t period = 2 * (n - 1);
    i %= period;
    if (i < 0) i += period;
    return i < n ? i : period - i;
}

/* x is the input, continued to both sides. */
EIN_CLONES static void run_phases(const ein_resampler *r, const double *x, float *out, int64_t n_out) {
    int64_t base = 0, phase = 0, whole = r->down / r->up, part = r->down % r->up;
    for (int64_t k = 0; k < n_out; ++k) {
        out[k] = (float)ein_dot8(x + base - r->half + 1, r->phase + phase * r->taps, r->taps);
        base += whole;
        phase += part;
        if (phase >= r->up) {
            phase -= r->up;
            ++base;
        }
    }
}

void ein_resampler_run(const ein_resampler *r, const double *in, int64_t n_in, float *out, int64_t n_out,
                       double *work) {
    if (r->up == r->down) {
        for (int64_t k = 0; k < n_out; ++k) out[k] = (float)in[k];
        return;
    }
    double *x = work + r->taps;
    for (int64_t i = -r->taps; i < 0; ++i) x[i] = in[reflect(i, n_in)];
    memcpy(x, in, (size_t)n_in * sizeof *x);
    for (int64_t i = n_in; i < n_in + r->taps; ++i) x[i] = in[reflect(i, n_in)];
    run_phases(r, x, out, n_out);
}

void ein_resampler_restore(const ein_resampler *r, const float *in, int64_t n_in, float *out, int64_t n_out) {
    for (int64_t k = 0; k < n_out; ++k) {
        int64_t base = k * r->down / r->up;
        bool between = k * r->down % r->up != 0 && base + 1 < n_in;
        if (!isfinite(in[base]) || (between && !isfinite(in[base + 1]))) out[k] = NAN;
    }
}
