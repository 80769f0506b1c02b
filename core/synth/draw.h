/* A stream of random numbers at one Philox address, for code that draws a handful of unlike things.
 *
 * The address is (seed, purpose, item); words are taken in order within it.  Each subject that draws has
 * a purpose of its own, so that one which comes to draw more does not shift what another gets.
 */
#ifndef EIN_CORE_SYNTH_DRAW_H
#define EIN_CORE_SYNTH_DRAW_H

#include <math.h>
#include <stdbool.h>

#include "core/base/elementary.h"
#include "core/base/philox.h"

/* Purposes below the three of core/base/philox.h; part of the results: never renumber. */
#define EIN_SYNTH_PURPOSE(base, sub) ((uint32_t)(base) | ((uint32_t)(sub) << 16))
enum {
    EIN_SYNTH_DRAW_PATIENTS = 1,     /* item: block of records */
    EIN_SYNTH_DRAW_DEMOGRAPHY = 2,   /* item: patient */
    EIN_SYNTH_DRAW_CONDITIONS = 3,   /* item: patient */
    EIN_SYNTH_DRAW_HEART = 4,        /* item: patient */
    EIN_SYNTH_DRAW_TORSO = 5,        /* item: patient */
    EIN_SYNTH_DRAW_EFFECTS = 6,      /* item: patient */
    EIN_SYNTH_DRAW_VISIT = 7,        /* item: record */
    EIN_SYNTH_DRAW_DAY = 8,          /* item: record: conditions and rate of the day */
    EIN_SYNTH_DRAW_BEATS = 9,        /* item: record */
    EIN_SYNTH_DRAW_FLUTTER = 10,     /* item: record */
    EIN_SYNTH_DRAW_ACQUISITION = 11, /* item: record */
    EIN_SYNTH_DRAW_LATENT = 12,      /* item: patient */
    EIN_SYNTH_DRAW_DRIFT = 13,       /* item: record: the free latents' part of the day */
    EIN_SYNTH_DRAW_TABLE = 14        /* item: record: cells that a label table lacks */
};

typedef struct {
    uint64_t seed, item;
    uint32_t purpose, next;
    ein_philox_block block;
    double spare; /* second normal deviate of a pair */
    bool has_spare;
} ein_stream;

static inline ein_stream ein_stream_open(uint64_t seed, uint32_t purpose, uint64_t item) {
    ein_stream stream = {.seed = seed, .item = item, .purpose = purpose};
    return stream;
}

static inline uint32_t ein_stream_word(ein_stream *s) {
    if (s->next % 4 == 0) s->block = ein_philox(s->seed, s->purpose, s->item, s->next / 4);
    return s->block.v[s->next++ % 4];
}

/* In (0, 1). */
static inline double ein_stream_uniform(ein_stream *s) {
    return ein_uniform(ein_stream_word(s));
}

static inline double ein_stream_between(ein_stream *s, double low, double high) {
    return low + (high - low) * ein_stream_uniform(s);
}

static inline double ein_stream_normal(ein_stream *s) {
    if (s->has_spare) {
        s->has_spare = false;
        return s->spare;
    }
    double pair[2];
    const uint32_t first = ein_stream_word(s), second = ein_stream_word(s);
    ein_normal_pair(first, second, pair);
    s->spare = pair[1];
    s->has_spare = true;
    return pair[0];
}

/* Normal, conditional on [low, high]; after 64 misses the nearest limit. */
static inline double ein_stream_normal_in(ein_stream *s, double mean, double sd, double low, double high) {
    double x = mean;
    for (int i = 0; i < 64; i++) {
        x = mean + sd * ein_stream_normal(s);
        if (x >= low && x <= high) return x;
    }
    return x < low ? low : high;
}

/* exp of a normal deviate that is kept within 2.5 SD, times the median. */
static inline double ein_stream_lognormal(ein_stream *s, double median, double log_sd) {
    return median * ein_exp(log_sd * ein_stream_normal_in(s, 0, 1, -2.5, 2.5));
}

static inline double ein_stream_exponential(ein_stream *s, double mean) {
    return -mean * ein_log(ein_stream_uniform(s));
}

#endif
