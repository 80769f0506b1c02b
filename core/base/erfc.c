#include <math.h>
#include <stddef.h>

#include "core/base/elementary.h"

static double polynomial(const double *c, size_t n, double x) {
    double sum = 0;
    while (n > 0) sum = sum * x + c[--n];
    return sum;
}

/* erf(x) / x in x^2, |x| < 1/2: Taylor's series, 2 / sqrt(pi) (-1)^n / (n! (2n + 1)) */
static double erf_small(double x) {
    static const double c[] = {1.1283791670955126,      -0.37612638903183754,   0.11283791670955126,
                               -0.026866170645131252,   0.005223977625442188,   -0.0008548327023450853,
                               0.00012055332981789664,  -1.492565035840625e-05, 1.6462114365889248e-06,
                               -1.6365844691234924e-07, 1.4807192815879218e-08, -1.2290555301717928e-09,
                               9.422759064650411e-11,   -6.7113668551641105e-12};
    return x * polynomial(c, sizeof c / sizeof *c, x * x);
}

/* exp(x^2) erfc(x) (x + 5/2) in t, linear in 1 / (x + 5/2), for 1/2 <= x <= 27.5 (t from 1 to -1): Chebyshev's series,
 * cut where it is below 2^-57 and written in powers of t. */
static double scaled_times(double t) {
    static const double c[] = {
        0.9900319770625726,     0.5493747528002767,     0.23193456536712598,    0.06803611867344782,
        0.009919396902687503,   -0.0014102093228829688, -0.0008786250703774896, -4.773682843858521e-06,
        7.106398831297979e-05,  3.037633192716758e-06,  -6.823295875812214e-06, -7.39906520049078e-08,
        7.471066249345642e-07,  -6.310727542925245e-08, -8.211302033311463e-08, 2.003442227531668e-08,
        7.482376874977407e-09,  -4.05041094107245e-09,  -3.598747913347048e-10, 5.787484093136003e-10,
        -1.194166258870907e-11, -4.585584949150815e-11};
    return polynomial(c, sizeof c / sizeof *c, t);
}

double ein_erfc(double x) {
    const double a = fabs(x);
    if (isnan(x)) return x;
    if (a < 0.5) return 1 - erf_small(x);
    if (a > 27.5) return x > 0 ? 0 : 2;
    /* x^2 in two parts: the square of the first is exact. */
    const double first = (double)(float)a, below = (a - first) * (a + first), u = 1 / (a + 2.5);
    const double e = ein_exp(-first * first),
                 tail = (e + e * ein_expm1(-below)) * scaled_times((u - 11.0 / 60) / 0.15) * u;
    return x > 0 ? tail : 2 - tail;
}
