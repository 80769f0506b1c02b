#include "core/nn/adamw.h"

#include <math.h>

EIN_CLONES
void ein_adamw_update(real *restrict p, real *restrict m, real *restrict v, const real *restrict g, int64_t n,
                      const ein_adamw *a, double decay, int64_t step) {
    const real keep = (real)(1.0 - a->lr * decay);
    const real b1 = (real)a->beta1, b2 = (real)a->beta2;
    const real c1 = (real)(1.0 - a->beta1), c2 = (real)(1.0 - a->beta2);
    const real rate = (real)(a->lr / (1.0 - pow(a->beta1, (double)step)));
    const real root = (real)(1.0 / sqrt(1.0 - pow(a->beta2, (double)step)));
    const real eps = (real)a->eps;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        m[i] = b1 * m[i] + c1 * g[i];
        v[i] = b2 * v[i] + c2 * g[i] * g[i];
#ifdef EIN_REAL_DOUBLE
        const real s = sqrt(v[i]);
#else
        const real s = sqrtf(v[i]);
#endif
        p[i] = keep * p[i] - rate * m[i] / (s * root + eps);
    }
}

void ein_adamw_range(real *param, real *m, real *v, const real *g, const ein_layout *layout, int64_t first,
                     int64_t count, const ein_adamw *adamw, int64_t step) {
    const int64_t end = first + count;
    for (int i = 0; i < layout->n_tensors; i++) {
        const ein_tensor *t = &layout->tensors[i];
        const int64_t from = t->offset > first ? t->offset : first;
        const int64_t to = t->offset + t->count < end ? t->offset + t->count : end;
        if (from >= to) continue;
        ein_adamw_update(param + from, m + from, v + from, g + (from - first), to - from, adamw,
                         t->decay ? adamw->weight_decay : 0.0, step);
    }
}
