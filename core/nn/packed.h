/* The weights of a model's linears in the order in which own products read them: laid out once, used many times.
 *
 * An own product (core/nn/products.h) copies a weight into panels before it multiplies. Where many calls meet the same
 * weights -- all slots of an update, all records that a model scores -- a copy made before them saves that. No bit of
 * any result depends on whether there is one.
 *
 *     ein_packed *packed;
 *     EIN_TRY(ein_packed_make(layout, false, param, threads, &packed));
 *     ein_classify_weights(model[t], packed, NULL);      for the model of every thread
 *     ...                                                any number of passes with `param`
 *     ein_packed_destroy(packed);
 *
 * Lifetime: these are copies of the values of `param`, and stand for that arena. Models that were told of them use them
 * until told otherwise, so they live as long. When values of the arena change they must be filled again before the next
 * pass; a pass that meets weights that are not those copied is a bug, and ends the program (three values of each tensor
 * are compared).
 *
 * Threads: one fills while nobody reads, or several fill a part each; then any number of threads reads at once. One
 * object serves all threads of a process.
 *
 * Memory: the weights once, or twice for training (a second order for gradients of inputs): ein_packed_bytes. None
 * where products are a BLAS's, or the processor has no vector instructions that read panels: nothing is copied then.
 */
#ifndef EIN_CORE_NN_PACKED_H
#define EIN_CORE_NN_PACKED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/real.h"
#include "core/base/status.h"
#include "core/nn/layout.h"
#include "core/nn/products.h"

#define ein_packed         EIN_REAL_NAME(ein_packed)
#define ein_packed_new     EIN_REAL_NAME(ein_packed_new)
#define ein_packed_make    EIN_REAL_NAME(ein_packed_make)
#define ein_packed_destroy EIN_REAL_NAME(ein_packed_destroy)
#define ein_packed_bytes   EIN_REAL_NAME(ein_packed_bytes)
#define ein_packed_fill    EIN_REAL_NAME(ein_packed_fill)
#define ein_packed_weight  EIN_REAL_NAME(ein_packed_weight)

typedef struct ein_packed ein_packed;

/* Room for copies of the linears' weights of `layout`, which is kept by reference; with `training` in the order for
 * gradients of inputs as well. Choose products and instruction set (ein_products_use, ein_set_use) before. */
ein_status ein_packed_new(const ein_layout *layout, bool training, ein_packed **out);
/* The same, filled from `param` by `threads` threads: what scores with one model for long needs. */
ein_status ein_packed_make(const ein_layout *layout, bool training, const real *param, int threads,
                           ein_packed **out);
void ein_packed_destroy(ein_packed *packed);

/* What ein_packed_new would take. */
int64_t ein_packed_bytes(const ein_layout *layout, bool training);

/* Copy part `part` of `parts` equal ones from the arena `param`. All parts must be done before anybody reads. */
void ein_packed_fill(ein_packed *packed, const real *param, int part, int parts);

/* Tensor `tensor` of the layout as products take it, `param` being the arena of its values. `packed` NULL: no
 * copies. */
ein_weight ein_packed_weight(const ein_packed *packed, const ein_layout *layout, const real *param,
                             int tensor);

#endif
