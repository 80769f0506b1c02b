#include "core/signal/quantise.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

enum { LARGEST = INT16_MAX };

/* A float is off by half a unit in its last place, so a whole number of counts may miss by this. */
static bool is_whole(double counts, double whole) {
    return fabs(counts - whole) <= 2 * (double)FLT_EPSILON * fabs(whole) + 1e-6;
}

static bool gain_is_exact(const float *mv, int64_t n, double gain) {
    if (!(gain > 0) || !isfinite(gain) || !((float)(1 / gain) >= FLT_MIN)) return false;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(mv[i])) continue;
        double counts = (double)mv[i] * gain, whole = rint(counts);
        if (!(fabs(whole) <= LARGEST) || !is_whole(counts, whole)) return false;
    }
    return true;
}

/* The largest |mV|; infinity stays infinity. */
static float largest_magnitude(const float *mv, int64_t n) {
    float largest = 0;
    for (int64_t i = 0; i < n; i++)
        if (fabsf(mv[i]) > largest) largest = fabsf(mv[i]);
    return largest;
}

static float fitting_scale(float largest) {
    float scale = EIN_SCALE_DEFAULT_MV;
    if (rint((double)largest / (double)scale) <= LARGEST) return scale;
    scale = (float)((double)largest / LARGEST);
    while ((double)largest / (double)scale > LARGEST) scale = nextafterf(scale, INFINITY);
    return scale;
}

ein_status ein_quantise(const float *mv, int64_t n, double gain_per_mv, int16_t *counts, float *scale) {
    float largest = largest_magnitude(mv, n);
    if (!isfinite(largest)) return ein_error(EIN_NUMERIC, "a sample is infinite");
    double per_mv = gain_per_mv;
    if (gain_is_exact(mv, n, gain_per_mv)) {
        *scale = (float)(1 / gain_per_mv);
    } else {
        *scale = fitting_scale(largest);
        per_mv = 1 / (double)*scale;
    }
    for (int64_t i = 0; i < n; i++) {
        double value = rint((double)mv[i] * per_mv);
        counts[i] = isnan(value) ? EIN_COUNT_MISSING : (int16_t)fmin(fmax(value, -LARGEST), LARGEST);
    }
    return EIN_OK;
}

ein_count_sums ein_count_sum(const int16_t *counts, int64_t n) {
    ein_count_sums sums = {0, 0, 0};
    for (int64_t i = 0; i < n; i++) {
        int64_t c = counts[i];
        if (c == EIN_COUNT_MISSING) continue;
        sums.valid++;
        sums.sum += c;
        sums.sum_squares += c * c;
    }
    return sums;
}
