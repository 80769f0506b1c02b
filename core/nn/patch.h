/* Patches of a record: what the encoder embeds and what the decoder predicts.
 *
 * Letters: L leads, S samples, P samples of a patch, V = P * L values of a patch.
 */
#ifndef EIN_CORE_NN_PATCH_H
#define EIN_CORE_NN_PATCH_H

#include <stdint.h>

#include "core/base/real.h"

#define patch_gather  EIN_REAL_NAME(patch_gather)
#define patch_scatter EIN_REAL_NAME(patch_scatter)
#define patch_target  EIN_REAL_NAME(patch_target)

/* rows (count,V): patches `index` (count) of one record x (L,S), lead-major as the embedding's weight:
 * value lead*P + p. */
void patch_gather(real *rows, const real *x, const int32_t *index, int count, int leads, int samples,
                  int patch);

/* The adjoint: x (L,S) from rows of all N = S/P patches in their order. */
void patch_scatter(real *x, const real *rows, int leads, int samples, int patch);

/* The same patches time-major (value p*L + lead), each z-scored over its V values with the unbiased variance:
 * (x - mean) / sqrt(var + 1e-6). */
void patch_target(real *rows, const real *x, const int32_t *index, int count, int leads, int samples,
                  int patch);

#endif
