#include "io/picture/axis.h"

#include <math.h>
#include <stdio.h>

#include "core/base/elementary.h"

ein_axis ein_axis_new(double min, double max, double from, double to, int wanted) {
    if (!(isfinite(min) && isfinite(max))) min = 0, max = 1;
    if (!(max > min)) {
        const double half = fmax(fabs(min) * 0.05, 0.5);
        min -= half;
        max += half;
    }
    ein_axis a = {.min = min, .max = max, .from = from, .to = to};
    const double rough = (max - min) / wanted, power = ein_ten_to(ein_ten_below(rough)),
                 share = rough / power;
    a.step = power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
    a.decimals = a.step < 1 ? -ein_ten_below(a.step * (1 + 1e-9)) : 0;
    if (a.decimals > 9) a.decimals = 9;
    return a;
}

ein_axis ein_axis_round(double min, double max, double from, double to, int wanted) {
    ein_axis a = ein_axis_new(min, max, from, to, wanted);
    a.min = a.step * floor(a.min / a.step + 1e-9);
    a.max = a.step * ceil(a.max / a.step - 1e-9);
    return a;
}

double ein_axis_place(const ein_axis *a, double value) {
    return a->from + (value - a->min) / (a->max - a->min) * (a->to - a->from);
}

double ein_axis_first(const ein_axis *a) {
    return a->step * ceil(a->min / a->step - 1e-9);
}

void ein_axis_text(const ein_axis *a, double value, char *out, size_t room) {
    snprintf(out, room, "%.*f", a->decimals, fabs(value) < a->step * 1e-6 ? 0 : value);
}
