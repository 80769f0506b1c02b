/* The six limb leads from any two of them.
 *
 * All six are combinations of two: III = II - I, aVR = -(I + II)/2, aVL = I - II/2, aVF = II - I/2 (Einthoven's
 * law and Goldberger's definitions), and any two are independent.
 */
#ifndef EIN_CORE_SIGNAL_LIMB_H
#define EIN_CORE_SIGNAL_LIMB_H

#include <stdbool.h>

#include "core/signal/ecg.h"

/* target = *alpha * a + *beta * b. False if one of the three is no limb lead, or a and b are the same. */
bool ein_limb_weights(ein_lead target, ein_lead a, ein_lead b, double *alpha, double *beta);

/* Choose the two leads of a recording to derive `target` from, indices into ecg: the first pair, in the order
 * I, II, III, aVR, aVL, aVF, of leads whose usable[] is true. False if `target` is no limb lead or no pair exists. */
bool ein_limb_sources(const ein_ecg *ecg, const bool *usable, ein_lead target, int *a, int *b);

/* out[t] = alpha a[t] + beta b[t], in double, NaN where either is; all (n). */
void ein_limb_combine(double alpha, const float *a, double beta, const float *b, int64_t n, float *out);

#endif
