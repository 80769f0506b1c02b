/* Samples in mV as 16-bit counts and one scale per record: mV = counts * scale.
 *
 * The rule, in this order:
 *   1. If the recording's own gain g (counts per mV) is known and every valid sample is a whole number of
 *      counts within 16 bits, as for a source that was neither filtered nor resampled, scale = 1/g and the
 *      counts are those of its converter.
 *   2. Else scale = 0.001 mV, the resolution of clinical recorders (1 uV), if every sample fits.
 *   3. Else the smallest scale at which the largest |mV| is 32767 counts.
 * In every case |mV - counts * scale| <= scale / 2, up to the rounding of a float.
 */
#ifndef EIN_CORE_SIGNAL_QUANTISE_H
#define EIN_CORE_SIGNAL_QUANTISE_H

#include <stdint.h>

#include "core/base/status.h"

#define EIN_COUNT_MISSING    INT16_MIN /* stands for NaN */
#define EIN_SCALE_DEFAULT_MV 0.001f

/* What integer sums of one record say; they are exact, so they add up to the same whatever the order. */
typedef struct {
    int64_t valid;       /* samples that are not missing */
    int64_t sum;         /* of counts */
    int64_t sum_squares; /* of counts */
} ein_count_sums;

/* Turn mv (n) into counts (n) and *scale; NaN becomes EIN_COUNT_MISSING. `gain_per_mv` 0: not known.
 * EIN_NUMERIC for an infinite sample or one that no float scale can hold; outputs are then undefined. */
ein_status ein_quantise(const float *mv, int64_t n, double gain_per_mv, int16_t *counts, float *scale);

/* Sums over counts (n). n is at most 2^33, so that nothing overflows. */
ein_count_sums ein_count_sum(const int16_t *counts, int64_t n);

#endif
