#include "jobs/metrics/bar.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static int place_of(double value, double min, double max) {
    const double share = fmin(fmax((value - min) / (max - min), 0), 1);
    return (int)lround(share * (EIN_BAR_WIDTH - 1));
}

void ein_bar(char out[EIN_BAR_WIDTH + 1], double lower, double value, double upper, double reference,
             double min, double max) {
    out[0] = '\0';
    if (!isfinite(lower) || !isfinite(value) || !isfinite(upper) || !(max > min)) return;
    memset(out, ' ', EIN_BAR_WIDTH);
    out[EIN_BAR_WIDTH] = '\0';
    const int first = place_of(lower, min, max), last = place_of(upper, min, max),
              at = place_of(value, min, max);
    for (int i = first; i <= last; i++) out[i] = '-';
    if (lower < min) out[0] = '<';
    if (upper > max) out[EIN_BAR_WIDTH - 1] = '>';
    out[at] = 'o';
    if (!isfinite(reference) || reference < min || reference > max) return;
    const int mark = place_of(reference, min, max);
    out[mark] = mark == at ? 'O' : '|';
}

bool ein_bar_wanted(FILE *stream) {
    return isatty(fileno(stream)) == 1;
}
