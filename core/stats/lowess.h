/* Locally weighted regression (Cleveland 1979), with the choices of R's lowess().
 *
 * At x the `fraction` of the points nearest to it get tricube weights (1 - (d/h)^3)^3, h the distance of the
 * farthest of them, and a weighted straight line through them gives the smooth value.  Points closer than
 * `delta` to the last fitted one are interpolated, so that large n cost about (range / delta) fits.
 */
#ifndef EIN_CORE_STATS_LOWESS_H
#define EIN_CORE_STATS_LOWESS_H

#include <stdint.h>

#include "core/base/status.h"

/* smooth (n) of y (n) over x (n, ascending, finite). `robust_steps` reweighting passes (0: none, for binary
 * y). EIN_RANGE for 0 < fraction <= 1 violated, delta < 0 or x out of order. */
ein_status ein_lowess(double *smooth, const double *x, const double *y, int64_t n, double fraction,
                      int robust_steps, double delta);

#endif
