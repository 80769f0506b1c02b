/* Missing samples around filters: bridged before, missing again after.
 *
 * A filter spreads one NaN over its whole length, so gaps are filled with a straight line between their
 * neighbours (held at the ends) for the computation only, and what was missing is missing in the result.
 */
#ifndef EIN_CORE_SIGNAL_GAPS_H
#define EIN_CORE_SIGNAL_GAPS_H

#include <stdbool.h>
#include <stdint.h>

/* Copy in (n) to out (n) in double with gaps bridged; what is not finite counts as missing. Returns the number
 * of valid samples; with 0, `out` is all 0. */
int64_t ein_gaps_fill(const float *in, int64_t n, double *out);

#endif
