/* Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC 2011).
 *
 * There is no generator state.  A draw is addressed by (seed, purpose, a, b): `purpose` keeps uses
 * apart, `a` is usually a record, tensor or replicate, `b` counts blocks of four words within it.
 * So any draw can be made by any rank or thread, in any order, with the same result.
 */
#ifndef EIN_CORE_BASE_PHILOX_H
#define EIN_CORE_BASE_PHILOX_H

#include <math.h>
#include <stdint.h>

#include "core/base/elementary.h"

typedef struct {
    uint32_t v[4];
} ein_philox_block;

/* What a draw is for. Numbers are part of the results: never renumber. */
enum {
    EIN_DRAW_INIT = 1,      /* a: tensor index, b: block */
    EIN_DRAW_MASK = 2,      /* a: record, b: epoch and block */
    EIN_DRAW_SHUFFLE = 3,   /* a: epoch and shard */
    EIN_DRAW_BOOTSTRAP = 4, /* a: replicate, b: block */
    EIN_DRAW_SYNTH_PERSON = 5,
    EIN_DRAW_SYNTH_SIGNAL = 6,
    EIN_DRAW_SYNTH_NOISE = 7,
    EIN_DRAW_SPLIT = 8,  /* a: patient */
    EIN_DRAW_SKETCH = 9, /* b: block */
    EIN_DRAW_TEST = 100
};

/* The bijection itself: ten rounds on `counter` under `key`, as in the paper. */
ein_philox_block ein_philox_rounds(ein_philox_block counter, const uint32_t key[2]);

/* Four random words at (seed, purpose, a, b): key = seed, counter = (a low, a high, b, purpose). */
static inline ein_philox_block ein_philox(uint64_t seed, uint32_t purpose, uint64_t a, uint32_t b) {
    const ein_philox_block counter = {{(uint32_t)a, (uint32_t)(a >> 32), b, purpose}};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    return ein_philox_rounds(counter, key);
}

/* A word as a uniform in (0, 1), never 0 or 1. */
static inline double ein_uniform(uint32_t word) {
    return ((double)word + 0.5) * (1.0 / 4294967296.0);
}

/* Two words as one uniform in (0, 1), never 0 or 1, with 52 bits (a 53rd would round the last value up to 1). */
static inline double ein_uniform52(uint32_t high, uint32_t low) {
    const uint64_t bits = (((uint64_t)high << 32) | low) >> 12;
    return ((double)bits + 0.5) * (1.0 / 4503599627370496.0);
}

/* Two words as two independent standard normal deviates (Box and Muller 1958). */
static inline void ein_normal_pair(uint32_t first, uint32_t second, double out[2]) {
    const double radius = sqrt(-2.0 * ein_log(ein_uniform(first)));
    const double angle = 6.283185307179586476925 * ein_uniform(second);
    out[0] = radius * ein_cos(angle);
    out[1] = radius * ein_sin(angle);
}

/* A keyed permutation of 0..count-1 (Fisher and Yates, drawn from the last element down). Draws are
 * taken at (seed, purpose, a, 0, 1, ...), so `a` must name the permutation completely. */
void ein_permutation(uint64_t seed, uint32_t purpose, uint64_t a, int64_t count, int64_t *out);

#endif
