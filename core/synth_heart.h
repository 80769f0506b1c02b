/* The parts that a synthetic person is put together from; internal to core/synth*.c. */
#ifndef EIN_CORE_SYNTH_HEART_H
#define EIN_CORE_SYNTH_HEART_H

#include "core/synth.h"
#include "core/synth_draw.h"

/* The average heart: waves, intervals and variability without any person's deviation. */
void ein_synth_heart_average(const double *p, ein_synth_heart *heart);

/* Let condition `condition` act on a heart. `stream` is its own. `p` are the configuration's parameters. */
void ein_synth_condition_apply(ein_synth_condition condition, ein_synth_heart *heart, const double *p,
                               ein_stream *stream);

/* Conditions that forbid `condition` when present, as bits; all come earlier in the table. */
uint32_t ein_synth_condition_excluded_by(ein_synth_condition condition);

/* True if the condition belongs to the day of the recording, not to the person. */
bool ein_synth_condition_of_day(ein_synth_condition condition);

/* Draw intervals of a person before conditions act: PR, QRS duration, QTc. */
void ein_synth_heart_intervals(const double *p, double age_years, ein_sex sex, ein_stream *stream,
                               ein_synth_heart *heart);

/* Give an average heart (with its conditions) a person's own amplitudes, vectors and notches. */
void ein_synth_heart_personal(const double *p, double age_years, ein_sex sex, double bmi, ein_stream *stream,
                              ein_synth_heart *heart);

/* Draw the geometry of a person, then of this recording. */
void ein_synth_torso_draw(const double *p, double age_years, double bmi, ein_stream *person, ein_stream *day,
                          ein_synth_torso *torso);

#endif
