/* AdamW (Loshchilov and Hutter 2019) in the form of PyTorch's torch.optim.AdamW. */
#ifndef EIN_CORE_NN_ADAMW_H
#define EIN_CORE_NN_ADAMW_H

#include <stdint.h>

#include "core/base/real.h"
#include "core/nn/layout.h"

typedef struct {
    double lr, beta1, beta2, eps, weight_decay;
} ein_adamw;

#define ein_adamw_range EIN_REAL_NAME(ein_adamw_range)

/* Update the values [first, first + count) of the flat arenas, tensor by tensor; `step` counts from 1:
 *     p -= lr * decay * p;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *     p -= lr / (1 - b1^step) * m / (sqrt(v / (1 - b2^step)) + eps)
 * with decay = weight_decay where the layout says so, otherwise 0. g points to the gradient of value `first`. */
void ein_adamw_range(real *param, real *m, real *v, const real *g, const ein_layout *layout, int64_t first,
                     int64_t count, const ein_adamw *adamw, int64_t step);

#endif
