#include "core/nn/adamw.h"

#include <math.h>

#include "core/base/elementary.h"
#include "core/nn/loops.h"

static void update(real *p, real *m, real *v, const real *g, int64_t n, const ein_adamw *a, double decay,
                   int64_t step) {
    const ein_adamw_factors factors = {.keep = (real)(1.0 - a->lr * decay),
                                       .b1 = (real)a->beta1,
                                       .b2 = (real)a->beta2,
                                       .c1 = (real)(1.0 - a->beta1),
                                       .c2 = (real)(1.0 - a->beta2),
                                       .rate = (real)(a->lr / (1.0 - ein_power(a->beta1, (double)step))),
                                       .root = (real)(1.0 / sqrt(1.0 - ein_power(a->beta2, (double)step))),
                                       .eps = (real)a->eps};
    ein_loops_in_use()->adamw(p, m, v, g, n, &factors);
}

void ein_adamw_range(real *param, real *m, real *v, const real *g, const ein_layout *layout, int64_t first,
                     int64_t count, const ein_adamw *adamw, int64_t step) {
    const int64_t end = first + count;
    for (int i = 0; i < layout->n_tensors; i++) {
        const ein_tensor *t = &layout->tensors[i];
        const int64_t from = t->offset > first ? t->offset : first;
        const int64_t to = t->offset + t->count < end ? t->offset + t->count : end;
        if (from >= to) continue;
        update(param + from, m + from, v + from, g + (from - first), to - from, adamw,
               t->decay ? adamw->weight_decay : 0.0, step);
    }
}
