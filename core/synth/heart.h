/* The parts that a synthetic person is put together from; internal to core/synth. */
#ifndef EIN_CORE_SYNTH_HEART_H
#define EIN_CORE_SYNTH_HEART_H

#include "core/synth/draw.h"
#include "core/synth/person.h"

/* The average heart: waves, intervals and variability without any person's deviation. */
void ein_synth_heart_average(const double *p, ein_synth_heart *heart);

/* Who the heart belongs to, as far as the ECG shows it. */
typedef struct {
    double age_years, female /* 0 to 1 */, bmi;
} ein_synth_build;

/* Let condition `condition` act on a heart. `stream` is its own. `p` are the configuration's parameters. */
void ein_synth_condition_apply(ein_synth_condition condition, ein_synth_heart *heart, const double *p,
                               ein_stream *stream);

/* Conditions that forbid `condition` when present, as bits; all come earlier in the table. */
uint64_t ein_synth_condition_excluded_by(ein_synth_condition condition);

/* True if the condition belongs to the day of the recording, not to the person. */
bool ein_synth_condition_of_day(ein_synth_condition condition);

/* A QRS that ends later: its waves are stretched, repolarisation follows. */
void ein_synth_heart_stretch_qrs(ein_synth_heart *heart, double qrs_ms);

/* Scale the vectors of waves first to last. */
void ein_synth_heart_scale(ein_synth_heart *heart, int first, int last, double factor);

/* Draw intervals of a person before conditions act: PR, QRS duration, QTc. */
void ein_synth_heart_intervals(const double *p, const ein_synth_build *build, ein_stream *stream,
                               ein_synth_heart *heart);

/* Give an average heart (with its conditions) a person's own amplitudes, vectors and notches. */
void ein_synth_heart_personal(const double *p, const ein_synth_build *build, ein_stream *stream,
                              ein_synth_heart *heart);

/* heart + share (other - heart) in everything that is a number; the rest is `other`'s. */
void ein_synth_heart_mix(ein_synth_heart *heart, const ein_synth_heart *other, double share);

/* Draw the geometry of a person, then of this recording. */
void ein_synth_torso_draw(const double *p, const ein_synth_build *build, ein_stream *person, ein_stream *day,
                          ein_synth_torso *torso);

/* --- latent state (core/synth/latent.c) ----------------------------------------------------------------- */

/* Each liability is what the person's age, sex, build and findings give, and a free part of SD `latent.free` that
 * drifts from visit to visit: x(visit) = r x(0) + sqrt(1 - r^2) e, r = exp(-years / latent.drift_years). */
void ein_synth_liabilities(const double *p, uint64_t seed, const ein_synth_person *person,
                           double given[EIN_SYNTH_LIABILITIES], double out[EIN_SYNTH_LIABILITIES]);

/* Set mean, sd and cut of `config` from the liabilities of n people: `given` as above. */
void ein_synth_latent_ready(ein_synth_config *config, const double (*given)[EIN_SYNTH_LIABILITIES], int n);

/* LVEF, MFR and TPD of `person`, whose age, sex, bmi, labels are drawn, and what the ECG shows of them. */
void ein_synth_latent_draw(const ein_synth_config *config, uint64_t seed, ein_synth_person *person);

/* Resting and stress flow, which depend on the rate of the day too. */
void ein_synth_latent_flow(const ein_synth_config *config, uint64_t seed, double rate_bpm,
                           ein_synth_person *person);

/* Let the state act on a heart. */
void ein_synth_latent_apply(const double *p, const ein_synth_state *state, ein_synth_heart *heart);

#endif
