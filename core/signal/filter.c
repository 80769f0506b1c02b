#include "core/signal/filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/dot.h"
#include "core/base/elementary.h"
#include "core/base/real.h"

/* Copy x (n) to the middle of out (pad + n + pad), continued by odd reflection as far as x reaches, then held. */
static void extend_odd(const double *x, int64_t n, int64_t pad, double *out) {
    int64_t reach = pad < n - 1 ? pad : n - 1;
    memcpy(out + pad, x, (size_t)n * sizeof *x);
    for (int64_t i = 1; i <= pad; ++i) {
        int64_t k = i < reach ? i : reach;
        out[pad - i] = 2 * x[0] - x[k];
        out[pad + n - 1 + i] = 2 * x[n - 1] - x[n - 1 - k];
    }
}

/* --- notch --------------------------------------------------------------------------------------------- */

ein_status ein_notch_design(double fs_hz, double f_hz, ein_notch *out) {
    if (!(f_hz > 0 && f_hz < fs_hz / 2) || !isfinite(fs_hz))
        return ein_error(EIN_RANGE, "a notch at %g Hz is not possible at a rate of %g Hz", f_hz, fs_hz);
    double q = f_hz / 2, w = 2 * M_PI * f_hz / fs_hz;
    double gain = 1 / (1 + ein_tan(w / q / 2));
    *out = (ein_notch){{gain, -2 * gain * ein_cos(w), gain},
                       {1, -2 * gain * ein_cos(w), 2 * gain - 1},
                       (int64_t)ceil(fs_hz)};
    return EIN_OK;
}

/* One pass over n samples `step` apart, started at rest on the first value. */
static void notch_pass(const ein_notch *f, double *x, int64_t n, int64_t step) {
    double rest = (f->b[0] + f->b[1] + f->b[2]) / (f->a[0] + f->a[1] + f->a[2]);
    double z2 = (f->b[2] - f->a[2] * rest) * x[0], z1 = (f->b[1] - f->a[1] * rest) * x[0] + z2;
    for (int64_t i = 0; i < n; ++i, x += step) {
        double in = *x, y = f->b[0] * in + z1;
        z1 = f->b[1] * in - f->a[1] * y + z2;
        z2 = f->b[2] * in - f->a[2] * y;
        *x = y;
    }
}

int64_t ein_notch_work(const ein_notch *notch, int64_t n) {
    return n + 2 * notch->pad;
}

void ein_notch_run(const ein_notch *notch, double *x, int64_t n, double *work) {
    int64_t m = ein_notch_work(notch, n);
    extend_odd(x, n, notch->pad, work);
    notch_pass(notch, work, m, 1);
    notch_pass(notch, work + m - 1, m, -1);
    memcpy(x, work + notch->pad, (size_t)n * sizeof *x);
}

/* --- band-pass ----------------------------------------------------------------------------------------- */

static double sinc(double x) {
    return fabs(x) < 1e-12 ? 1 : ein_sin(M_PI * x) / (M_PI * x);
}

ein_status ein_fir_band(double fs_hz, double low_hz, double high_hz, ein_fir *out) {
    memset(out, 0, sizeof *out);
    if (!(low_hz > 0 && high_hz > low_hz && low_hz < fs_hz / 2) || !(fs_hz <= 1e7))
        return ein_error(EIN_RANGE, "a band-pass of %g to %g Hz is not possible at a rate of %g Hz", low_hz,
                         high_hz, fs_hz);
    int64_t taps = (int64_t)ceil(0.3 * fs_hz) | 1;
    int64_t stride = (taps + 7) / 8 * 8;
    EIN_TRY(EIN_NEW(out->tap, stride));
    out->taps = taps;
    out->stride = stride;
    /* Edges in units of the Nyquist frequency. */
    double left = low_hz / (fs_hz / 2), right = fmin(1, high_hz / (fs_hz / 2)), sum = 0;
    double centre = right < 1 ? (left + right) / 2 : 1;
    for (int64_t i = 0; i < taps; ++i) {
        double m = (double)i - (double)(taps - 1) / 2;
        double window = taps > 1 ? 0.54 - 0.46 * ein_cos(2 * M_PI * (double)i / (double)(taps - 1)) : 1;
        out->tap[i] = (right * sinc(right * m) - left * sinc(left * m)) * window;
        sum += out->tap[i] * ein_cos(M_PI * m * centre);
    }
    for (int64_t i = 0; i < taps; ++i) out->tap[i] /= sum;
    return EIN_OK;
}

void ein_fir_free(ein_fir *fir) {
    if (!fir) return;
    free(fir->tap);
    memset(fir, 0, sizeof *fir);
}

/* The continuation of three filter lengths on each side is more than both passes reach. */
static int64_t fir_pad(const ein_fir *fir) {
    return 3 * fir->taps;
}

int64_t ein_fir_work(const ein_fir *fir, int64_t n) {
    return 2 * (n + 2 * fir_pad(fir)) + 2 * fir->stride;
}

/* out[i] = sum_k tap[k] x[i - half + k], for i from half to m - half. */
EIN_CLONES static void fir_pass(const ein_fir *fir, const double *x, int64_t m, double *out) {
    int64_t half = (fir->taps - 1) / 2;
    for (int64_t i = half; i < m - half; ++i) out[i] = ein_dot8(x + i - half, fir->tap, fir->stride);
}

void ein_fir_run(const ein_fir *fir, double *x, int64_t n, double *work) {
    int64_t pad = fir_pad(fir), m = n + 2 * pad;
    double *first = work, *second = work + m + fir->stride;
    extend_odd(x, n, pad, first);
    /* The stride reads up to seven values beyond the taps, against weights of 0. */
    for (int64_t i = 0; i < fir->stride; ++i) first[m + i] = second[m + i] = 0;
    fir_pass(fir, first, m, second);
    /* Where the first pass has no value yet nothing of the second pass within x looks. */
    for (int64_t i = 0; i < (fir->taps - 1) / 2; ++i) second[i] = second[m - 1 - i] = 0;
    fir_pass(fir, second, m, first);
    memcpy(x, first + pad, (size_t)n * sizeof *x);
}
