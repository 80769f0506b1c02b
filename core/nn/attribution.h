/* Which leads and times a classifier's answer for a record comes from, by four methods.
 *
 * What is explained is one number f(x) = sum over outputs of direction * logit (ein_head_direction), of one record x
 * (L,S). Cells are a lead's stretch of one patch: (L,N), N = S/P. Absence is the value 0, which is how missing samples
 * and leads reach a model (io/corpus/store.h).
 *
 *     occlusion   f(x) - f(x without the cell), without the lead, without the time in all leads
 *                 (Zeiler and Fergus 2014)
 *     gradient    gradient of f times x, summed over the cell
 *     integrated  integrated gradients from 0 (Sundararajan, Taly and Yan 2017), by the midpoint rule:
 *                 x times the mean of the gradient at (k + 1/2) / steps * x, summed over the cell. Cells add up to
 *                 f(x) - f(0), but for the rule's error, which is returned
 *     rollout     attention rollout (Abnar and Zuidema 2020): half attention, averaged over heads, and half residual,
 *                 multiplied through the blocks to what pooling takes; of times only, never negative, and not of one
 *                 target: a token holds all leads, and attention does not know what is asked
 *
 * The first three have a sign: for f, or against it. Curves tell how good an order of cells is: cells are taken away
 * (deletion) or put into an empty record (insertion) in that order, and f is followed.
 *
 * A record's numbers do not depend on the batch that they are computed in (core/nn/classify.h). One thread uses a
 * workspace at a time.
 */
#ifndef EIN_CORE_NN_ATTRIBUTION_H
#define EIN_CORE_NN_ATTRIBUTION_H

#include <stdint.h>

#include "core/base/real.h"
#include "core/base/status.h"
#include "core/nn/layout.h"
#include "core/nn/packed.h"

#define ein_attribution         EIN_REAL_NAME(ein_attribution)
#define ein_attribution_new     EIN_REAL_NAME(ein_attribution_new)
#define ein_attribution_destroy EIN_REAL_NAME(ein_attribution_destroy)
#define ein_attribution_weights EIN_REAL_NAME(ein_attribution_weights)
#define ein_attribution_explain EIN_REAL_NAME(ein_attribution_explain)
#define ein_attribution_value   EIN_REAL_NAME(ein_attribution_value)
#define attribution_occlusion   EIN_REAL_NAME(attribution_occlusion)
#define attribution_gradient    EIN_REAL_NAME(attribution_gradient)
#define attribution_integrated  EIN_REAL_NAME(attribution_integrated)
#define attribution_rollout     EIN_REAL_NAME(attribution_rollout)
#define attribution_curves      EIN_REAL_NAME(attribution_curves)

typedef struct ein_attribution ein_attribution;

/* Room for passes over `batch` records at a time with a model of `layout` (EIN_PART_CLASSIFY), kept by reference. */
ein_status ein_attribution_new(const ein_layout *layout, int batch, ein_attribution **out);
void ein_attribution_destroy(ein_attribution *a); /* NULL is fine */

/* The model from now on: its arena, and copies of the weights made for training (or NULL). Kept by reference. */
void ein_attribution_weights(ein_attribution *a, const real *param, const ein_packed *packed);
/* What is explained from now on: direction (outputs), copied. */
void ein_attribution_explain(ein_attribution *a, const double *direction);

/* f(x). */
double ein_attribution_value(ein_attribution *a, const real *x);

/* cell (L,N), lead (L), time (N) of x (L,S); any may be NULL. */
void attribution_occlusion(ein_attribution *a, double *cell, double *lead, double *time, const real *x);
/* cell (L,N). */
void attribution_gradient(ein_attribution *a, double *cell, const real *x);
/* cell (L,N); the sum of cells minus (f(x) - f(0)) in *gap, which may be NULL. */
void attribution_integrated(ein_attribution *a, double *cell, double *gap, const real *x, int steps);
/* time (N): shares of what pooling takes; they and the share of CLS add up to 1. */
void attribution_rollout(ein_attribution *a, double *time, const real *x);

/* deletion, insertion (points): f when round(k / (points - 1) * L*N) cells in the order given (a permutation of L*N)
 * are absent from x, or are all that is there. */
void attribution_curves(ein_attribution *a, double *deletion, double *insertion, int points,
                        const int32_t *order, const real *x);

#endif
