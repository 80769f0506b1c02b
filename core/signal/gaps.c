#include "core/signal/gaps.h"

#include <math.h>

/* Fill out[from, to) between the samples before and after it. */
static void bridge(double *out, int64_t from, int64_t to, int64_t n) {
    double left = from > 0 ? out[from - 1] : out[to], right = to < n ? out[to] : left;
    double step = (right - left) / (double)(to - from + 1);
    for (int64_t t = from; t < to; ++t) out[t] = left + step * (double)(t - from + 1);
}

int64_t ein_gaps_fill(const float *in, int64_t n, double *out) {
    int64_t valid = 0, gap = -1; /* where the gap we are in began */
    for (int64_t t = 0; t < n; ++t) {
        bool ok = isfinite(in[t]);
        out[t] = ok ? in[t] : 0;
        valid += ok;
        if (!ok && gap < 0) gap = t;
        if (ok && gap >= 0) {
            bridge(out, gap, t, n);
            gap = -1;
        }
    }
    if (gap > 0) bridge(out, gap, n, n);
    return valid;
}
