/* AdamW (Loshchilov and Hutter 2019) in the form of PyTorch's torch.optim.AdamW. */
#ifndef EIN_CORE_NN_ADAMW_H
#define EIN_CORE_NN_ADAMW_H

#include <stdint.h>

#include "core/base/real.h"
#include "core/nn/layout.h"

typedef struct {
    double lr, beta1, beta2, eps, weight_decay;
} ein_adamw;

#define ein_adamw_update EIN_REAL_NAME(ein_adamw_update)
#define ein_adamw_range  EIN_REAL_NAME(ein_adamw_range)

/* One update of n values; `step` counts from 1:
 *     p -= lr * decay * p;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *     p -= lr / (1 - b1^step) * m / (sqrt(v / (1 - b2^step)) + eps) */
void ein_adamw_update(real *p, real *m, real *v, const real *g, int64_t n, const ein_adamw *adamw,
                      double decay, int64_t step);

/* Update the values [first, first + count) of the flat arenas, tensor by tensor: weight decay only where the
 * table says so. g points to the gradient of value `first`. */
void ein_adamw_range(real *param, real *m, real *v, const real *g, const ein_layout *layout, int64_t first,
                     int64_t count, const ein_adamw *adamw, int64_t step);

#endif
