#include "core/stats/special.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "core/base/elementary.h"

enum { MAX_TERMS = 100000, MAX_SOLVE = 400 };

static const double SQRT_2PI = 2.50662827463100050242;

/* --- normal -------------------------------------------------------------------------------------------- */

/* P(Z > z) */
static double normal_upper(double z) {
    return 0.5 * ein_erfc(z * 0.70710678118654752440);
}

double ein_normal_cdf(double z) {
    return normal_upper(-z);
}

/* Upper tail p <= 1/2: Abramowitz & Stegun 26.2.23 as a start, then Newton on log Q, which is nearly
 * quadratic in z, so that every step at least doubles the digits down to the smallest p. */
static double normal_upper_quantile(double p) {
    const double r = sqrt(-2 * ein_log(p));
    double z =
        r - (2.515517 + r * (0.802853 + r * 0.010328)) / (1 + r * (1.432788 + r * (0.189269 + r * 0.001308)));
    for (int i = 0; i < 8; i++) {
        const double tail = normal_upper(z);
        const double density = ein_exp(-0.5 * z * z) / SQRT_2PI;
        const double step = tail / density * ein_log(tail / p);
        z += step;
        if (fabs(step) <= 1e-16 * fabs(z)) break;
    }
    return z;
}

double ein_normal_quantile(double p) {
    if (!(p >= 0 && p <= 1)) return NAN;
    if (p == 0) return -INFINITY;
    if (p == 1) return INFINITY;
    if (p == 0.5) return 0;
    return p < 0.5 ? -normal_upper_quantile(p) : normal_upper_quantile(1 - p);
}

/* --- prefactors ---------------------------------------------------------------------------------------- */

/* log Gamma(x+1) - [(x + 1/2) log x - x + log sqrt(2 pi)], the error of Stirling's formula, x > 0. */
static double stirling_error(double x) {
    double error = 0;
    /* error(x) - error(x+1) = (x + 1/2) log(1 + 1/x) - 1 */
    for (; x < 16; x += 1) error += (x + 0.5) * ein_log1p(1 / x) - 1;
    const double s = 1 / (x * x);
    return error +
           (1.0 / 12 -
            s * (1.0 / 360 - s * (1.0 / 1260 - s * (1.0 / 1680 - s * (1.0 / 1188 - s * (691.0 / 360360)))))) /
               x;
}

/* x log(x/m) + m - x without cancellation near x = m; `excess` is m - x, which the caller knows best. */
static double deviance_part(double x, double m, double excess) {
    if (fabs(excess) > 0.1 * (x + m)) return x * ein_log(x / m) + excess;
    const double v = -excess / (x + m), square = v * v;
    double sum = -excess * v, power = 2 * x * v;
    for (int j = 1; j < 1000; j++) {
        power *= square;
        const double next = sum + power / (2 * j + 1);
        if (next == sum) break;
        sum = next;
    }
    return sum;
}

/* x^a e^-x / Gamma(a+1) */
static double gamma_front(double a, double x) {
    return ein_exp(-stirling_error(a) - deviance_part(a, x, x - a)) / (SQRT_2PI * sqrt(a));
}

/* x^a y^b / B(a,b) with x + y = 1 */
static double beta_front(double x, double y, double a, double b) {
    const double n = a + b;
    /* n x - a and b - n y are the same; the smaller of x and y has the smaller rounding. */
    const double excess = x < y ? n * x - a : b - n * y;
    const double exponent = stirling_error(n) - stirling_error(a) - stirling_error(b) -
                            deviance_part(a, n * x, excess) - deviance_part(b, n * y, -excess);
    return sqrt(a / n * b) / SQRT_2PI * ein_exp(exponent);
}

/* --- incomplete gamma ---------------------------------------------------------------------------------- */

static double gamma_series(double a, double x) {
    double term = 1, sum = 1;
    for (int i = 1; i < MAX_TERMS && term > sum * 1e-17; i++) {
        term *= x / (a + i);
        sum += term;
    }
    return gamma_front(a, x) * sum;
}

/* Lentz's method for a continued fraction keeps both of its terms away from 0. */
static double away_from_zero(double v) {
    return fabs(v) < DBL_MIN ? DBL_MIN : v;
}

static double gamma_fraction(double a, double x) {
    double b = x + 1 - a, c = 1 / DBL_MIN, d = 1 / away_from_zero(b), h = d;
    for (int i = 1; i < MAX_TERMS; i++) {
        const double numerator = -i * (i - a);
        b += 2;
        d = 1 / away_from_zero(numerator * d + b);
        c = away_from_zero(b + numerator / c);
        const double factor = d * c;
        h *= factor;
        if (fabs(factor - 1) <= 1e-16) break;
    }
    return gamma_front(a, x) * a * h;
}

static bool gamma_trivial(double a, double x, double *lower) {
    if (!(a > 0) || isnan(x))
        *lower = NAN;
    else if (x <= 0)
        *lower = 0;
    else if (isinf(x))
        *lower = 1;
    else
        return false;
    return true;
}

double ein_gamma_lower(double a, double x) {
    double trivial;
    if (gamma_trivial(a, x, &trivial)) return trivial;
    return x < a + 1 ? gamma_series(a, x) : 1 - gamma_fraction(a, x);
}

static double gamma_upper(double a, double x) {
    double trivial;
    if (gamma_trivial(a, x, &trivial)) return 1 - trivial;
    return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}

/* --- incomplete beta ----------------------------------------------------------------------------------- */

/* The fraction of DLMF 8.17.22, which converges fast for x < (a+1)/(a+b+2). */
static double beta_fraction(double x, double a, double b) {
    double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), h = d;
    for (int i = 1; i < MAX_TERMS; i++) {
        const double even = i * (b - i) * x / ((a + 2 * i - 1) * (a + 2 * i));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        h *= d * c;
        const double odd = -(a + i) * (a + b + i) * x / ((a + 2 * i) * (a + 2 * i + 1));
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        const double factor = d * c;
        h *= factor;
        if (fabs(factor - 1) <= 1e-16) break;
    }
    return h;
}

double ein_beta_cdf(double x, double y, double a, double b) {
    if (!(a > 0) || !(b > 0) || isnan(x) || isnan(y)) return NAN;
    if (x <= 0) return 0;
    if (y <= 0) return 1;
    const double front = beta_front(x, y, a, b);
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(y, b, a) / b;
}

/* --- quantiles ----------------------------------------------------------------------------------------- */

/* A distribution on a logarithmic scale: lower tail, upper tail and density at u. */
typedef struct {
    double lower, upper, density;
} tails;
typedef tails (*tails_at)(double u, double a, double b);

static tails beta_tails(double u, double a, double b) { /* u = log(x / (1-x)) */
    /* Not ein_logistic, whose last bit is another for u < 0: exact intervals have always had this one. */
    const double x = 1 / (1 + ein_exp(-u)), y = 1 / (1 + ein_exp(u));
    return (tails){ein_beta_cdf(x, y, a, b), ein_beta_cdf(y, x, b, a), beta_front(x, y, a, b)};
}

static tails gamma_tails(double u, double a, double b) { /* u = log x */
    (void)b;
    const double x = ein_exp(u);
    return (tails){ein_gamma_lower(a, x), gamma_upper(a, x), a * gamma_front(a, x)};
}

/* Newton's method on the logarithm of the smaller tail, inside a bracket that bisection shrinks. */
static double solve_quantile(tails_at at, double p, double q, double a, double b, double u) {
    double low = -1e4, high = 700;
    for (int i = 0; i < MAX_SOLVE; i++) {
        const tails t = at(u, a, b);
        const bool by_lower = p <= q;
        const double error = by_lower ? ein_log(t.lower / p) : ein_log(q / t.upper);
        if (error == 0) return u;
        if (error > 0)
            high = u;
        else
            low = u;
        double next = u - error * (by_lower ? t.lower : t.upper) / t.density;
        if (!(next > low && next < high)) next = 0.5 * (low + high);
        if (fabs(next - u) <= 1e-16 * fabs(u) || next == low || next == high) return next;
        u = next;
    }
    return u;
}

static double beta_logit_quantile(double p, double q, double a, double b) {
    return solve_quantile(beta_tails, p, q, a, b, ein_log(a / b));
}

double ein_beta_quantile(double p, double a, double b) {
    if (!(p >= 0 && p <= 1) || !(a > 0) || !(b > 0)) return NAN;
    if (p == 0 || p == 1) return p;
    return 1 / (1 + ein_exp(-beta_logit_quantile(p, 1 - p, a, b)));
}

/* --- t, chi-squared, F, binomial ----------------------------------------------------------------------- */

/* Above DF_EXPAND the t distribution is expanded about the normal one (Hill 1970), whose error falls with the
 * fifth power of df; above DF_NORMAL they are the same in double. */
static const double DF_EXPAND = 1e4, DF_NORMAL = 1e17;

/* The normal deviate is w + hill_correction(w) with w = sqrt(a log(1 + t^2/df)), a = df - 1/2. */
static double hill_correction(double w, double a) {
    const double b = 48 * a * a, s = w * w;
    return w * (3 + s) / b - w * (855 + s * (240 + s * (33 + 4 * s))) / (10 * b * (b + 0.8 * s * s + 100));
}

static double t_tail_expanded(double t, double df) {
    const double a = df - 0.5, w = sqrt(a * ein_log1p(t * t / df));
    return normal_upper(w + hill_correction(w, a));
}

static double t_quantile_expanded(double tail, double df) {
    const double a = df - 0.5, z = -ein_normal_quantile(tail);
    double w = z;
    for (int i = 0; i < 6; i++) w = z - hill_correction(w, a);
    return sqrt(df * ein_expm1(w * w / a));
}

double ein_t_cdf(double t, double df) {
    if (isnan(t) || !(df > 0)) return NAN;
    if (df > DF_NORMAL) return ein_normal_cdf(t);
    if (isinf(t)) return t > 0;
    double tail;
    if (df > DF_EXPAND && fabs(t) < 1e3) {
        tail = t_tail_expanded(t, df);
    } else {
        /* With |t| of any size: x = df/(df+t^2), y = t^2/(df+t^2). */
        const double ratio = t / sqrt(df), square = ratio * ratio;
        const double x = 1 / (1 + square), y = isinf(square) ? 1 : square / (1 + square);
        tail = 0.5 * ein_beta_cdf(x, y, 0.5 * df, 0.5);
    }
    return t < 0 ? tail : 1 - tail;
}

double ein_t_quantile(double p, double df) {
    if (!(p >= 0 && p <= 1) || !(df > 0)) return NAN;
    if (df > DF_NORMAL || p == 0 || p == 1 || p == 0.5) return ein_normal_quantile(p);
    const double tail = p < 0.5 ? p : 1 - p;
    double t;
    if (df > DF_EXPAND)
        t = t_quantile_expanded(tail, df);
    else
        t = sqrt(df) * ein_exp(-0.5 * beta_logit_quantile(2 * tail, 1 - 2 * tail, 0.5 * df, 0.5));
    return p < 0.5 ? -t : t;
}

double ein_chi2_upper(double x, double df) {
    return gamma_upper(0.5 * df, 0.5 * x);
}

double ein_chi2_quantile(double p, double df) {
    if (!(p >= 0 && p <= 1) || !(df > 0)) return NAN;
    if (p == 0) return 0;
    if (p == 1) return INFINITY;
    return 2 * ein_exp(solve_quantile(gamma_tails, p, 1 - p, 0.5 * df, 0, ein_log(0.5 * df)));
}

double ein_f_upper(double x, double df1, double df2) {
    if (isnan(x) || !(df1 > 0) || !(df2 > 0)) return NAN;
    if (x <= 0) return 1;
    const double ratio = df1 * x / df2;
    return ein_beta_cdf(1 / (1 + ratio), ratio / (1 + ratio), 0.5 * df2, 0.5 * df1);
}

double ein_binomial_cdf(int64_t k, int64_t n, double p) {
    if (!(p >= 0 && p <= 1) || n < 0) return NAN;
    if (k < 0) return 0;
    if (k >= n) return 1;
    return ein_beta_cdf(1 - p, p, (double)(n - k), (double)k + 1);
}
