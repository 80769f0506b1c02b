/* exp, log, cos, sin and powers in double that have the same bits on every processor: libm picks another version
 * where the processor fuses multiplications and additions. Errors are below 2 units in the last place.
 *
 * The approximations are those of Sun Microsystems' fdlibm (Ng 1991), in additions, multiplications and divisions
 * alone.
 */
#ifndef EIN_CORE_BASE_ELEMENTARY_H
#define EIN_CORE_BASE_ELEMENTARY_H

/* e^x; 0 below -708, where libm's results begin to be subnormal; infinity above 709. */
double ein_exp(double x);
/* Natural logarithm of a normal x > 0. */
double ein_log(double x);
/* log(1 + x) for 0 <= x <= 1 */
double ein_log1p(double x);
/* cos and sin of |x| <= 100 */
double ein_cos(double x);
double ein_sin(double x);
/* x^k for 0 <= x <= 1 and k >= 0 */
double ein_power(double x, double k);

#endif
