/* The functions of <math.h> that are not exact, in double, with the same bits on every processor and with every C
 * library: libm rounds them as it likes, and takes another version where the processor fuses multiplications and
 * additions. Nothing in the program calls libm's (a test looks at what it is linked to); what remains of <math.h> is
 * exact by definition: sqrt, fma, floor, ceil, round, fmod, frexp, ldexp and the like.
 *
 * Polynomials in additions, multiplications and divisions alone. Errors in units in the last place are below 2 for exp,
 * log, sin, cos and ein_pow, 3 for log1p, tan, expm1, tanh and atanh, 8 for erfc (tests/unit/test_elementary.c).
 * Arguments and results beyond the range, NaN among them, are as in libm, unless a function says otherwise.
 *
 * exp, log, sin and cos are approximated as in Sun Microsystems' fdlibm (Ng 1991); the others are our own.
 */
#ifndef EIN_CORE_BASE_ELEMENTARY_H
#define EIN_CORE_BASE_ELEMENTARY_H

double ein_exp(double x);
/* e^x - 1 */
double ein_expm1(double x);
double ein_tanh(double x);

double ein_log(double x);
/* log(1 + x) */
double ein_log1p(double x);
double ein_atanh(double x);

/* Beyond 1e6 the multiples of pi are taken off with a relative error of 1e-16 of x, about that of x itself. */
double ein_cos(double x);
double ein_sin(double x);
double ein_tan(double x);

/* What logistic models are made of, for every x; within 2 units in the last place but for ein_logit near p = 1/2, whose
 * error is 2e-16. The results run down to the smallest numbers at the lower end; at the upper end 1 - ein_logistic(x)
 * is to be had as ein_logistic(-x).
 *     ein_logistic(x) = 1 / (1 + exp(-x))     ein_softplus(x) = log(1 + exp(x))     ein_logit(p) = log(p / (1 - p)) */
double ein_logistic(double x);
double ein_softplus(double x);
double ein_logit(double p);

/* 1 - erf(x) */
double ein_erfc(double x);

/* x^y for x >= 0; NaN for x < 0 */
double ein_pow(double x, double y);
/* x^k for 0 <= x <= 1 and k >= 0, as the optimiser and the schedule take it: repeated products where k is whole, with
 * an error of about k units in the last place. */
double ein_power(double x, double k);
/* 10^k, rounded to nearest */
double ein_ten_to(int k);
/* The largest k with 10^k <= x, for a finite x > 0 */
int ein_ten_below(double x);

#endif
