/* Initial weights, addressed by (seed, tensor name's index, element), so any rank draws any of them alike. */
#ifndef EIN_CORE_NN_INIT_H
#define EIN_CORE_NN_INIT_H

#include <stdint.h>

#include "core/nn/layout.h"

typedef enum {
    EIN_SCHEME_PRETRAIN, /* linears and patch embedding Xavier-uniform over (out, in); positions, CLS and mask
                            token N(0, 0.02^2) (MAE: He et al. 2022, released code) */
    EIN_SCHEME_SCRATCH   /* linears and positions normal 0.02, CLS N(0, 1e-6), biases 0 (timm's ViT, whose
                            truncation at +-2 lies 100 standard deviations out and cuts nothing) */
} ein_init_scheme;

/* Fill the flat arena; padding becomes 0. In both schemes the query of attentive pooling starts as N(0, 0.02^2), an
 * adapter's inner factor Kaiming-uniform with a = sqrt(5), that is U(-1, 1) / sqrt(in), and its outer factor as 0, so
 * that it changes nothing at first (Hu et al. 2021, released code).
 *
 * Positions of EIN_POSITIONS_SINCOS start, in both schemes, as in Vaswani et al. 2017: of C values patch n has at i and
 * at C/2 + i, for i < C/2, the sine and the cosine of n / 10000^(i / (C/2)), CLS and the last value of an odd C have 0.
 * Their size is that of what the patch embedding makes of a patch, so a token tells its place from the first update;
 * noise of SD 0.02 says next to nothing of it until AdamW has moved it there by some thousandth an update.
 *
 * Draws depend on a tensor's index: initialise the whole model, not a selection of it. */
void ein_vit_init(float *param, const ein_layout *layout, ein_init_scheme scheme, uint64_t seed);

/* Fill one tensor only, e.g. a new head. `values` points to tensor->count values. */
void ein_tensor_init(float *values, const ein_tensor *tensor, int index, ein_init_scheme scheme,
                     uint64_t seed);

#endif
