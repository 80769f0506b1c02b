/* Resampling between any two rates: polyphase Kaiser-windowed sinc, designed once per ratio.
 *
 * The ratio of the rates is taken as a fraction L/M (continued fraction).  Output sample k lies at input
 * position k M / L, so the first samples coincide and a peak stays at its time (zero phase).  Pass band up to
 * 0.9 of the lower of the two Nyquist frequencies, stop band from that Nyquist frequency on, ripple and
 * attenuation 80 dB (0.01 %); each phase sums to 1, so a constant stays exactly itself.  Equal rates copy
 * exactly.  At the ends the signal is continued by reflection about its first and last sample (neither of
 * them repeated), which stays within the signal's own range.
 *
 * Sources: Crochiere, Rabiner, Multirate Digital Signal Processing (1983), ch. 3; Kaiser's formulas for beta and
 * length: Oppenheim, Schafer, Discrete-Time Signal Processing, 7.6.
 */
#ifndef EIN_CORE_SIGNAL_RESAMPLE_H
#define EIN_CORE_SIGNAL_RESAMPLE_H

#include <stdint.h>

#include "core/base/status.h"

typedef struct ein_resampler ein_resampler;

/* EIN_RANGE if a rate is not positive and finite, or no fraction with L, M <= 20000 is within 1e-7 of the ratio
 * (0.4 ms in an hour). Immutable once made: threads may share it. */
ein_status ein_resampler_new(double fs_in_hz, double fs_out_hz, ein_resampler **out);
void ein_resampler_destroy(ein_resampler *resampler); /* NULL is fine */

/* The ratio: fs_out / fs_in = *up / *down. */
void ein_resampler_ratio(const ein_resampler *resampler, int64_t *up, int64_t *down);

/* Samples that come out of n_in: all whose time lies before n_in / fs_in, that is ceil(n_in L / M). */
int64_t ein_resampler_length(const ein_resampler *resampler, int64_t n_in);

/* Samples of the input that the first n_out outputs depend on, at most n_in. */
int64_t ein_resampler_needs(const ein_resampler *resampler, int64_t n_out, int64_t n_in);

/* Doubles of working memory for ein_resampler_run. */
int64_t ein_resampler_work(const ein_resampler *resampler, int64_t n_in);

/* The first n_out (<= length) outputs from in (n_in), which has no gaps (core/signal/gaps.h): out (n_out). */
void ein_resampler_run(const ein_resampler *resampler, const double *in, int64_t n_in, float *out,
                       int64_t n_out, double *work);

/* Make outputs missing again: out[k] becomes NaN if the input sample at its position, or one of the two around
 * it, is not finite. in (n_in), out (n_out). */
void ein_resampler_restore(const ein_resampler *resampler, const float *in, int64_t n_in, float *out,
                           int64_t n_out);

#endif
