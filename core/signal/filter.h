/* The two optional filters of the study, zero-phase: notch against mains, FIR band-pass.
 *
 * Both run forward and then backward over the whole recording of one lead, so the phase is zero and the
 * amplitude response is that of the design squared.  The signal is continued at both ends by odd reflection
 * (2 x_0 - x_t), with the filter's state started at rest on that continuation, so that neither an offset nor
 * a slope starts a transient.  Gaps are bridged before (core/signal/gaps.h).
 *
 * Source: the study's released code (model.md, Preprocessing): notch with Q = f/2, then a Hamming-window FIR of
 * 0.3 fs taps rounded up to odd, pass band scaled to gain 1 at its centre.
 */
#ifndef EIN_CORE_SIGNAL_FILTER_H
#define EIN_CORE_SIGNAL_FILTER_H

#include <stdint.h>

#include "core/base/status.h"

/* Second-order section, a0 = 1. */
typedef struct {
    double b[3], a[3];
    int64_t pad; /* samples of continuation: one second, six time constants of this notch */
} ein_notch;

/* Notch at f_hz with Q = f_hz / 2: H = gain (1 - 2 cos w z^-1 + z^-2) / (1 - 2 gain cos w z^-1 + (2 gain - 1) z^-2),
 * gain = 1 / (1 + tan(pi f / (Q fs))). EIN_RANGE unless 0 < f_hz < fs_hz / 2. */
ein_status ein_notch_design(double fs_hz, double f_hz, ein_notch *out);

/* x (n) in place. work: ein_notch_work(notch, n) doubles. */
void ein_notch_run(const ein_notch *notch, double *x, int64_t n, double *work);
int64_t ein_notch_work(const ein_notch *notch, int64_t n);

typedef struct {
    int64_t taps;   /* odd */
    int64_t stride; /* taps rounded up to a multiple of 8; the rest of `tap` is 0 */
    double *tap;    /* symmetric */
} ein_fir;

/* Band-pass low_hz to high_hz; a high_hz at or above fs_hz / 2 makes it a high-pass. EIN_RANGE unless
 * 0 < low_hz < high_hz and low_hz < fs_hz / 2. Free with ein_fir_free. */
ein_status ein_fir_band(double fs_hz, double low_hz, double high_hz, ein_fir *out);
void ein_fir_free(ein_fir *fir);

/* x (n) in place, forward and backward. work: ein_fir_work(fir, n) doubles. */
void ein_fir_run(const ein_fir *fir, double *x, int64_t n, double *work);
int64_t ein_fir_work(const ein_fir *fir, int64_t n);

#endif
