/* From a person and beats to electrode potentials; internal to core/synth*.c. */
#ifndef EIN_CORE_SYNTH_RENDER_H
#define EIN_CORE_SYNTH_RENDER_H

#include "core/synth.h"

/* Products and sums are rounded one by one, on every CPU: the clones of a loop give the same bits, and so do
 * ranks on unlike nodes. gcc does so with -std=c11; clang must be told. */
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* Where samples go: potentials mv[e * n_samples + t] of the nine electrodes. */
typedef struct {
    float *mv;
    int64_t n_samples;
    double fs_hz;
} ein_synth_canvas;

/* Add amplitude[e] times a Gaussian that peaks at `peak_s`, with SD `rise_s` before and `fall_s` after. */
void ein_synth_add_wave(const ein_synth_canvas *canvas, double peak_s, double rise_s, double fall_s,
                        const float amplitude[EIN_SYNTH_ELECTRODES]);

/* Add everything that is not the heart (core/synth_noise.c). Drawn at (seed, record). */
void ein_synth_add_noise(const ein_synth_canvas *canvas, const double *p, const ein_synth_person *person,
                         uint64_t seed, int64_t record);

/* 4 * count words: the Philox blocks (seed, purpose, a, first + i), block after block. Many at a time, for
 * noise; the same words as ein_philox. */
void ein_synth_words(uint64_t seed, uint32_t purpose, uint64_t a, uint32_t first, int count, uint32_t *out);

#endif
