/* From a person and beats to electrode potentials; internal to core/synth. */
#ifndef EIN_CORE_SYNTH_RENDER_H
#define EIN_CORE_SYNTH_RENDER_H

#include "core/synth/person.h"

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

/* Add what moves slowly or seldom and is not the heart: wander, mains hum, motion (core/synth/noise.c). Drawn at
 * (seed, record). */
void ein_synth_add_noise(const ein_synth_canvas *canvas, const double *p, const ein_synth_person *person,
                         uint64_t seed, int64_t record);

/* What comes sample by sample passes over the signal once, a tile of samples with all electrodes side by side at a
 * time: recursions in time then run on whole vectors of electrodes. */
enum { EIN_SYNTH_TILE = 64, EIN_SYNTH_LANES = 16 };

/* Muscle noise (white noise through a first-order low pass at 120 Hz and high pass at 20 Hz) and the amplifier's. */
typedef struct {
    uint64_t seed;
    int64_t record, blocks;
    float low_keep, high_keep, white;
    float muscle[EIN_SYNTH_LANES], low[EIN_SYNTH_LANES], high[EIN_SYNTH_LANES];
} ein_synth_muscle;
void ein_synth_muscle_open(const ein_synth_canvas *canvas, const double *p, const ein_synth_person *person,
                           uint64_t seed, int64_t record, ein_synth_muscle *out);

/* The noise of samples [begin, begin + EIN_SYNTH_TILE), `begin` a multiple of that, to be asked for in order. Lanes
 * beyond the electrodes are 0. */
void ein_synth_muscle_tile(ein_synth_muscle *muscle, int64_t begin, float (*x)[EIN_SYNTH_LANES]);

/* The recorder (core/synth/recorder.c): muscle noise, coupling, low pass; then nine rows of electrodes become twelve
 * of leads, in place. */
void ein_synth_record_leads(const ein_synth_canvas *canvas, const double *p, const ein_synth_person *person,
                            uint64_t seed, int64_t record);

/* 4 * count words, count a multiple of 16: word j of the Philox block (seed, purpose, a, first + i) at
 * out[64 (i / 16) + 16 j + i % 16]. The same words as ein_philox, in an order that vectors can write. */
void ein_synth_words(uint64_t seed, uint32_t purpose, uint64_t a, uint32_t first, int count, uint32_t *out);

#endif
