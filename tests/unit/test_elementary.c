/* Own elementary functions against libm in long double, in units in the last place of the result, over grids and random
 * numbers; what they give at the ends of their ranges; and that a few bits are those that every processor gives. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/philox.h"
#include "tests/report.h"
#include "tests/seed.h"

enum { POINTS = 20000 };

/* The i-th argument between `from` and `to`: a grid, then random ones; `ratio`: on a scale of ratios. */
static double argument(double from, double to, bool ratio, int i) {
    const ein_philox_block block = ein_philox(test_seed(17), EIN_DRAW_TEST, 0, (uint32_t)i);
    const double u = i % 2 ? (double)i / POINTS : ein_uniform52(block.v[0], block.v[1]);
    return ratio ? pow(from, 1 - u) * pow(to, u) : from + (to - from) * u;
}

static double units(double found, long double exact) {
    const double e = fabs((double)exact), unit = fmax(nextafter(e, INFINITY) - e, 0x1p-1074);
    return (double)(fabsl(found - exact) / unit);
}

static long double logistic(long double x) {
    return 1 / (1 + expl(-x));
}
static long double softplus(long double x) {
    return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}
static long double logit(long double p) {
    return logl(p / (1 - p));
}

static const struct function {
    const char *name;
    double (*own)(double);
    long double (*exact)(long double);
    double from, to;
    bool ratio;
    double bound; /* units in the last place */
} functions[] = {
    {"exp", ein_exp, expl, -708, 709.7, false, 1},
    {"exp, subnormal", ein_exp, expl, -745, -708, false, 1},
    {"expm1", ein_expm1, expm1l, -45, 60, false, 2},
    {"expm1 near 0", ein_expm1, expm1l, -1, 1, false, 3},
    {"expm1 of small numbers", ein_expm1, expm1l, 1e-300, 1e-2, true, 1},
    {"tanh", ein_tanh, tanhl, -25, 25, false, 3},
    {"tanh near 0", ein_tanh, tanhl, -1, 1, false, 3},
    {"log", ein_log, logl, 1e-320, 1e308, true, 1},
    {"log near 1", ein_log, logl, 0.5, 2, false, 1},
    {"log1p", ein_log1p, log1pl, -0.999, 3, false, 1.5},
    {"log1p of small numbers", ein_log1p, log1pl, 1e-300, 1e-2, true, 1},
    {"log1p of large numbers", ein_log1p, log1pl, 1, 1e300, true, 1.5},
    {"atanh", ein_atanh, atanhl, -0.9999, 0.9999, false, 3},
    {"cos", ein_cos, cosl, -20, 20, false, 1},
    {"cos of large numbers", ein_cos, cosl, 20, 1e6, true, 1},
    {"sin", ein_sin, sinl, -20, 20, false, 1},
    {"sin of large numbers", ein_sin, sinl, 20, 1e6, true, 1},
    {"tan", ein_tan, tanl, -20, 20, false, 3},
    {"logistic", ein_logistic, logistic, -708, 40, false, 2},
    {"logistic near 0", ein_logistic, logistic, -2, 2, false, 2},
    {"softplus", ein_softplus, softplus, -708, 708, false, 2},
    {"softplus near 0", ein_softplus, softplus, -2, 2, false, 2},
    {"logit", ein_logit, logit, 1e-300, 0.25, true, 2},
    {"logit of large probabilities", ein_logit, logit, 0.75, 0.999, false, 2},
    {"erfc", ein_erfc, erfcl, -6, 26, false, 8},
    {"erfc near 0", ein_erfc, erfcl, -1, 1, false, 8},
};

static void against_libm(void) {
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        const struct function *t = &functions[f];
        double worst = 0, where = 0;
        for (int i = 0; i <= POINTS; i++) {
            const double x = argument(t->from, t->to, t->ratio, i), error = units(t->own(x), t->exact(x));
            if (!(error <= worst)) worst = error, where = x;
        }
        report(worst <= t->bound, "%s: within %.2f units in the last place (bound %.1f, worst at %.17g)",
               t->name, worst, t->bound, where);
    }
}

static void powers_against_libm(void) {
    double worst = 0, whole = 0;
    for (int i = 0; i < POINTS; i++) {
        const double x = argument(1e-3, 1e3, true, i), y = argument(-90, 90, false, i ^ 1);
        worst = larger_error(units(ein_pow(x, y), powl(x, y)), worst);
        const double u = (double)i / POINTS;
        whole = larger_error(units(ein_power(u, 2.5), powl(u, 2.5L)), whole);
    }
    report(worst <= 1.5, "x^y: within %.2f units in the last place", worst);
    report(whole <= 64, "the optimiser's x^k: within %.2f units in the last place", whole);
    bool tens = true;
    for (int k = -300; k <= 300; k++) {
        const double x = ein_ten_to(k);
        tens &= units(x, powl(10, k)) <= 0.51 && ein_ten_below(x) == k &&
                ein_ten_below(nextafter(x, 0)) == k - 1 && ein_ten_below(x * 9.99) == k;
    }
    report(tens && ein_ten_to(-3) == 1e-3 && ein_ten_to(400) == INFINITY && ein_ten_to(-400) == 0,
           "powers of ten are rounded to nearest, and found again");
}

static bool same(double a, double b) {
    return isnan(a) ? isnan(b) : a == b && !signbit(a) == !signbit(b);
}

static void special_values(void) {
    static double (*const own[])(double) = {ein_exp,   ein_expm1, ein_tanh, ein_log, ein_log1p,
                                            ein_atanh, ein_cos,   ein_sin,  ein_tan, ein_erfc};
    static double (*const libm[])(double) = {exp, expm1, tanh, log, log1p, atanh, cos, sin, tan, erfc};
    static const char *const name[] = {"exp",   "expm1", "tanh", "log", "log1p",
                                       "atanh", "cos",   "sin",  "tan", "erfc"};
    static const double x[] = {0, 1, -1, INFINITY, -INFINITY, NAN, DBL_MAX, -DBL_MAX, 5e-324, 800, -800};
    static const double exact[] = {0, 1, INFINITY, -INFINITY, -1, 2};
    for (size_t f = 0; f < sizeof own / sizeof *own; f++) {
        bool good = true;
        for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
            const double expected = libm[f](x[i]), found = own[f](x[i]);
            bool is_exact = isnan(expected);
            for (size_t e = 0; e < sizeof exact / sizeof *exact; e++) is_exact |= expected == exact[e];
            if (f >= 6 && f <= 8 && fabs(x[i]) > 1e300) continue; /* of a finite x a circle's own error */
            if (is_exact ? !same(found, expected) : !(fabs(found / expected - 1) <= 1e-15)) {
                printf("# %s(%g): %g instead of %g\n", name[f], x[i], found, expected);
                good = false;
            }
        }
        report(good, "%s at the ends of its range is as in libm", name[f]);
    }
    report(ein_logistic(INFINITY) == 1 && ein_logistic(-INFINITY) == 0 && isnan(ein_logistic(NAN)) &&
               ein_logistic(0) == 0.5 && ein_logistic(800) == 1 && ein_logistic(-740) > 0,
           "logistic runs from 0 to 1, down to the smallest numbers");
    report(ein_softplus(INFINITY) == INFINITY && ein_softplus(-INFINITY) == 0 && isnan(ein_softplus(NAN)) &&
               ein_softplus(800) == 800 && ein_softplus(-740) > 0,
           "softplus runs from 0 to infinity, down to the smallest numbers");
    report(ein_logit(0) == -INFINITY && ein_logit(1) == INFINITY && ein_logit(0.5) == 0 &&
               isnan(ein_logit(NAN)) && isnan(ein_logit(1.5)) && isnan(ein_logit(-1)),
           "logit runs over all numbers");
    bool good = isnan(ein_sin(INFINITY)) && fabs(ein_cos(1e300)) <= 1 && ein_power(0.5, 7) == 0x1p-7 &&
                ein_power(0, 7) == 0 && isnan(ein_pow(-1, 2));
    static const double pair[] = {0, 0.5, 1, 2, 3.5, 1e300, INFINITY, NAN, -1, -2.5, -INFINITY};
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++)
        for (size_t j = 0; j < sizeof pair / sizeof *pair; j++) {
            if (pair[i] < 0) continue;
            const double e = pow(pair[i], pair[j]), found = ein_pow(pair[i], pair[j]);
            const bool match = e == 0 || !isfinite(e) ? same(found, e) : fabs(found / e - 1) <= 1e-15;
            if (!match) printf("# pow(%g, %g): %g instead of %g\n", pair[i], pair[j], found, e);
            good &= match;
        }
    report(good, "powers at the ends of their ranges are as in libm");
}

/* One number over many results of all functions: another processor, compiler or C library gives the same. */
static void known_bits(void) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int i = 0; i < 20000; i++) {
        const double u = (i + 0.5) / 20000, x = 40 * u - 20;
        const double found[] = {ein_exp(30 * x), ein_expm1(x),         ein_tanh(x),
                                ein_log(u),      ein_log1p(x + 19.99), ein_atanh(2 * u - 1),
                                ein_cos(x),      ein_sin(40 * x),      ein_tan(x),
                                ein_erfc(x),     ein_pow(u, x),        ein_ten_to((int)x)};
        for (size_t f = 0; f < sizeof found / sizeof *found; f++) {
            uint64_t bits;
            memcpy(&bits, &found[f], sizeof bits);
            hash = (hash ^ bits) * UINT64_C(1099511628211);
        }
    }
    report(hash == UINT64_C(0x0a1760670af4cdf0), "the bits of 240,000 results are the known ones: %016llx",
           (unsigned long long)hash);
}

int main(void) {
    against_libm();
    powers_against_libm();
    special_values();
    known_bits();
    return report_end();
}
