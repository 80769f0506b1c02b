#include "core/base/elementary.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ln 2 in two parts; the first has so few bits that small multiples of it are exact. */
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW  1.90821492927058770002e-10

/* 2^n, -1022 <= n <= 1023 */
static double power_of_two(int n) {
    const uint64_t bits = (uint64_t)(n + 1023) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* y 2^n for 1/2 < y < 2: rounded once, also where the result is subnormal. */
static double scaled(double y, int n) {
    if (n > 1023) return y * 2 * power_of_two(n - 1);
    return n < -1022 ? y * power_of_two(n + 200) * power_of_two(-200) : y * power_of_two(n);
}

/* exp(x) = 2^n (1 + high - rest) for |x| < 746 */
static int exp_parts(double x, double *high, double *rest) {
    const int n = (int)floor(x * 1.44269504088896338700 + 0.5);
    *high = x - n * LN2_HIGH;
    const double low = n * LN2_LOW, r = *high - low, t = r * r;
    const double c = r - t * (1.66666666666666019037e-01 +
                              t * (-2.77777777770155933842e-03 +
                                   t * (6.61375632143793436117e-05 +
                                        t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
    *rest = low - (r * c) / (2 - c);
    return n;
}

double ein_exp(double x) {
    if (isnan(x)) return x;
    if (x < -745.5) return 0;
    if (x > 710) return INFINITY;
    double high, rest;
    const int n = exp_parts(x, &high, &rest);
    return scaled(1 - (rest - high), n);
}

double ein_expm1(double x) {
    if (isnan(x)) return x;
    if (x < -50) return -1;
    if (x > 60) return ein_exp(x);
    double high, rest;
    const int n = exp_parts(x, &high, &rest);
    if (n == 0) return high - rest;
    const double unit = power_of_two(n);
    return (unit - 1) + unit * (high - rest);
}

double ein_tanh(double x) {
    const double a = fabs(x), e = a < 0.25 ? ein_expm1(-2 * a) : ein_expm1(a < 25 ? 2 * a : 50);
    if (isnan(x)) return x;
    return copysign(a < 0.25 ? -e / (e + 2) : a < 0.55 ? e / (e + 2) : 1 - 2 / (e + 2), x);
}

/* log(1 + f) + n ln 2 for sqrt(1/2) <= 1 + f <= sqrt(2); `lost` is what 1 + f lost when f was taken from it. */
static double log_of(double f, int n, double lost) {
    const double s = f / (2 + f), z = s * s, half = 0.5 * f * f;
    const double r =
        z * (6.666666666666735130e-01 +
             z * (3.999999999940941908e-01 +
                  z * (2.857142874366239149e-01 +
                       z * (2.222219843214978396e-01 +
                            z * (1.818357216161805012e-01 +
                                 z * (1.531383769920937332e-01 + z * 1.479819860511658591e-01))))));
    return n * LN2_HIGH - ((half - (s * (half + r) + (n * LN2_LOW + lost))) - f);
}

/* log(y (1 + lost)) for a small `lost` */
static double log_near(double y, double lost) {
    int n;
    if (!(y > 0)) return y < 0 || isnan(y) ? NAN : -INFINITY;
    if (isinf(y)) return y;
    double m = frexp(y, &n); /* exact */
    if (m < 0.70710678118654752440) {
        m *= 2;
        n--;
    }
    return log_of(m - 1, n, lost);
}

double ein_log(double x) {
    return log_near(x, 0);
}

double ein_log1p(double x) {
    if (x > -0.29289321881345247560 && x < 0.41421356237309504880) return log_of(x, 0, 0);
    const double y = 1 + x;
    if (!(y > 0) || isinf(y)) return log_near(y, 0);
    return log_near(y, (x < 1 ? x - (y - 1) : 1 - (y - x)) / y);
}

double ein_logistic(double x) {
    const double e = ein_exp(-fabs(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

double ein_softplus(double x) {
    return (x > 0 ? x : 0) + ein_log1p(ein_exp(-fabs(x)));
}

double ein_logit(double p) {
    return ein_log(p / (1 - p));
}

double ein_atanh(double x) {
    const double a = fabs(x), twice = a < 0.5 ? 2 * a + 2 * a * a / (1 - a) : 2 * (a / (1 - a));
    return copysign(0.5 * ein_log1p(twice), x);
}

/* sin and cos for |x| <= pi / 4, x = x + tail */
static double sine(double x, double tail) {
    const double z = x * x, v = z * x;
    const double r = 8.33333333332248946124e-03 +
                     z * (-1.98412698298579493134e-04 +
                          z * (2.75573137070700676789e-06 +
                               z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)));
    return x - ((z * (0.5 * tail - v * r) - tail) - v * -1.66666666666666324348e-01);
}

static double cosine(double x, double tail) {
    const double z = x * x;
    const double r =
        z * (4.16666666666666019037e-02 +
             z * (-1.38888888888741095749e-03 +
                  z * (2.48015872894767294178e-05 +
                       z * (-2.75573143513906633035e-07 +
                            z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
    const double half = 0.5 * z, w = 1 - half;
    return w + (((1 - w) - half) + (z * r - x * tail));
}

/* x less the nearest multiple of pi / 2, in two parts; returns the multiple. */
static int reduce(double x, double *rest, double *tail) {
    if (!(fabs(x) <= 1e6)) x = fmod(x, 6.28318530717958647693); /* NaN where x is not finite */
    if (isnan(x)) {
        *rest = *tail = x;
        return 0;
    }
    const int n = (int)floor(x * 6.36619772367581382433e-01 + 0.5);
    /* pi / 2 in three parts of 33 bits: multiples of the first two are exact. */
    const double first = x - n * 1.57079632673412561417e+00, w = n * 6.07710050630396597660e-11;
    const double second = first - w, lost = (first - second) - w, v = n * 2.02226624879595063154e-21 - lost;
    *rest = second - v;
    *tail = (second - *rest) - v;
    return n;
}

static double circle(double x, int quarter) {
    double rest, tail;
    switch ((reduce(x, &rest, &tail) + quarter) & 3) {
    case 0:
        return sine(rest, tail);
    case 1:
        return cosine(rest, tail);
    case 2:
        return -sine(rest, tail);
    default:
        return -cosine(rest, tail);
    }
}

double ein_sin(double x) {
    return circle(x, 0);
}

double ein_cos(double x) {
    return circle(x, 1);
}

double ein_tan(double x) {
    double rest, tail;
    const int n = reduce(x, &rest, &tail);
    const double s = sine(rest, tail), c = cosine(rest, tail);
    return n & 1 ? -c / s : s / c;
}

double ein_power(double x, double k) {
    if (x <= 0) return k > 0 ? 0 : 1;
    if (k != floor(k) || k > 1e15) return ein_exp(k * ein_log(x));
    double result = 1;
    for (uint64_t n = (uint64_t)k; n > 0; n /= 2, x *= x)
        if (n % 2) result *= x;
    return result;
}
