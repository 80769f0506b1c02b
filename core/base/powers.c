#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/elementary.h"

/* A number as the sum of two, for about 105 bits. */
typedef struct {
    double high, low;
} two;

static two sum(double a, double b) {
    const double s = a + b, of_b = s - a;
    return (two){s, (a - (s - of_b)) + (b - of_b)};
}

/* a b without an error: Dekker's product, for processors without a fused multiply-add too. */
static two product(double a, double b) {
    const double wide_a = 134217729 * a, wide_b = 134217729 * b; /* 2^27 + 1 */
    const double ah = wide_a - (wide_a - a), bh = wide_b - (wide_b - b), al = a - ah, bl = b - bh, p = a * b;
    return (two){p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

/* 1/5 + z/7 + z^2/9 + ...: what follows in the series of atanh, to 2^-66 of the sum for z <= 0.03 */
static double series(double z) {
    double q = 0;
    for (int k = 27; k >= 5; k -= 2) q = q * z + 1.0 / k;
    return q;
}

/* log(x) with a relative error of 2^-64: x = 2^n m, log m = 2 atanh(s), s = (m - 1) / (m + 1). */
static two log_of(double x) {
    int n;
    double m = frexp(x, &n);
    if (m < 0.70710678118654752440) {
        m *= 2;
        n--;
    }
    const double f = m - 1;
    const two d = sum(1, m);
    const double s = f / d.high;
    const two back = product(s, d.high);
    const double s_low = (((f - back.high) - back.low) - s * d.low) / d.high;
    two z = product(s, s);
    z.low += 2 * s * s_low;
    const two third = product(z.high, 1.0 / 3);
    const double rest =
        third.low + z.high * 1.850371707708594e-17 + z.low / 3 + z.high * z.high * series(z.high);
    const two factor = sum(1, third.high), whole = sum(factor.high, factor.low + rest);
    const two log_m = product(2 * s, whole.high);
    const double log_low = log_m.low + 2 * (s * whole.low + s_low * whole.high);
    const two all =
        sum(n * 6.93147180369123816490e-01, log_m.high); /* the first part of ln 2 is short: exact */
    return sum(all.high, all.low + (log_low + n * 1.90821492927058770002e-10));
}

double ein_pow(double x, double y) {
    if (y == 0 || x == 1) return 1;
    if (isnan(y) || !(x >= 0)) return NAN;
    if (x == 0 || isinf(x) || isinf(y)) {
        const double grows = x > 1 ? y : -y;
        return grows > 0 ? INFINITY : 0;
    }
    if (y == 1) return x;
    if (y == 2) return x * x;
    const two l = log_of(x);
    if (fabs(y * l.high) > 800) return y * l.high > 0 ? INFINITY : 0;
    const two p = product(y, l.high);
    const double e = ein_exp(p.high);
    return isfinite(e) ? e + e * (p.low + y * l.low) : e;
}

double ein_ten_to(int k) {
    char text[16];
    snprintf(text, sizeof text, "1e%d", k);
    return strtod(text, NULL);
}

int ein_ten_below(double x) {
    int k = (int)floor(ein_log(x) * 0.43429448190325182765);
    while (ein_ten_to(k) > x) k--;
    while (ein_ten_to(k + 1) <= x) k++;
    return k;
}
