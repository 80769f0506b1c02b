#include "core/nn/init.h"

#include <math.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/philox.h"

static void fill(float *values, int64_t count, float value) {
    for (int64_t i = 0; i < count; i++) values[i] = value;
}

static void fill_uniform(float *values, int64_t count, double bound, int tensor, uint64_t seed) {
    for (int64_t i = 0; i < count; i++) {
        const ein_philox_block draw = ein_philox(seed, EIN_DRAW_INIT, (uint64_t)tensor, (uint32_t)(i / 4));
        values[i] = (float)(bound * (2.0 * ein_uniform(draw.v[i % 4]) - 1.0));
    }
}

static void fill_normal(float *values, int64_t count, double sd, int tensor, uint64_t seed) {
    for (int64_t i = 0; i < count; i++) {
        const ein_philox_block draw = ein_philox(seed, EIN_DRAW_INIT, (uint64_t)tensor, (uint32_t)(i / 2));
        double pair[2];
        ein_normal_pair(draw.v[0], draw.v[1], pair);
        values[i] = (float)(sd * pair[i % 2]);
    }
}

/* Token 0 is CLS, which has no place in time; patch n is token n + 1. Frequencies fall from 1 to nearly 1e-4. */
static void fill_sincos(float *values, const ein_tensor *t) {
    const int64_t tokens = t->shape[1], width = t->shape[2], half = width / 2;
    fill(values, t->count, 0);
    for (int64_t i = 0; i < half; i++) {
        const double frequency = ein_exp(-ein_log(1e4) * (double)i / (double)half);
        for (int64_t n = 0; n + 1 < tokens; n++) {
            float *row = values + (n + 1) * width;
            row[i] = (float)ein_sin((double)n * frequency);
            row[half + i] = (float)ein_cos((double)n * frequency);
        }
    }
}

/* Xavier-uniform (Glorot and Bengio 2010): the first dimension is `out`, the rest together `in`. */
static double xavier_bound(const ein_tensor *t) {
    const double out = (double)t->shape[0], in = (double)t->count / out;
    return sqrt(6.0 / (in + out));
}

void ein_tensor_init(float *values, const ein_tensor *t, int index, ein_init_scheme scheme, uint64_t seed) {
    const int scratch = scheme == EIN_SCHEME_SCRATCH;
    switch (t->init) {
    case EIN_INIT_ZERO:
        fill(values, t->count, 0);
        break;
    case EIN_INIT_ONE:
        fill(values, t->count, 1);
        break;
    case EIN_INIT_LINEAR:
        if (scratch)
            fill_normal(values, t->count, 0.02, index, seed);
        else
            fill_uniform(values, t->count, xavier_bound(t), index, seed);
        break;
    case EIN_INIT_CLS:
        fill_normal(values, t->count, scratch ? 1e-6 : 0.02, index, seed);
        break;
    case EIN_INIT_POSITION:
    case EIN_INIT_MASK:
    case EIN_INIT_QUERY:
        fill_normal(values, t->count, 0.02, index, seed);
        break;
    case EIN_INIT_SINCOS:
        fill_sincos(values, t);
        break;
    case EIN_INIT_LORA:
        fill_uniform(values, t->count, 1.0 / sqrt((double)t->shape[1]), index, seed);
        break;
    }
}

void ein_vit_init(float *param, const ein_layout *layout, ein_init_scheme scheme, uint64_t seed) {
    memset(param, 0, (size_t)layout->arena * sizeof *param);
    for (int i = 0; i < layout->n_tensors; i++)
        ein_tensor_init(param + layout->tensors[i].offset, &layout->tensors[i], i, scheme, seed);
}
