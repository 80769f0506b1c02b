/* The beats of a recording: where they are, and what each lead shows in most of them.
 *
 * For telling whether leads are what their names say (core/signal/arrangement.h), not for measuring intervals. Works on
 * means over 10 ms, so that the recording's rate hardly matters.
 *
 *   where   Squared differences over 20 ms of I, II, III and V1 to V6, each divided by its lead's mean square and cut
 *           at 25, are added: what QRS complexes share stands out, and one bad lead does not. The six limb leads
 *           count the same whatever electrodes were exchanged. Beats are maxima of the sum over 70 ms that are the
 *           largest within 0.24 s and exceed 0.3 of what the median stretch of 1.5 s reaches.
 *   what    Median over the beats of the samples around them, each beat from its mean 100 to 50 ms before the maximum.
 */
#ifndef EIN_CORE_SIGNAL_BEATS_H
#define EIN_CORE_SIGNAL_BEATS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/signal/ecg.h"

enum {
    EIN_BEAT_HZ = 100,     /* rate of a beat's points */
    EIN_BEAT_POINTS = 80,  /* 300 ms before to 500 ms after the QRS complex */
    EIN_BEAT_CENTRE = 30,  /* the point of the QRS complex */
    EIN_BEATS_MAX = 48,    /* later ones are left out */
    EIN_BEATS_SECONDS = 20 /* as is what is later than this */
};

typedef struct {
    int n;           /* beats that lie within the recording as a whole; below 3 nothing else is set */
    double rate_bpm; /* 60 s over the median distance */
    bool has[EIN_LEAD_COUNT_12]; /* the lead moves, or follows from two limb leads that do */
    float mv[EIN_LEAD_COUNT_12][EIN_BEAT_POINTS];
    /* How much of a lead's differences comes back with every beat: the mean beat's share of their mean square, less
     * what chance gives; 1 if all beats are alike, about 0 for noise. */
    float coherence[EIN_LEAD_COUNT_12];
} ein_beats;

/* Working memory, about 200 KB. */
typedef struct ein_beats_room ein_beats_room;
ein_status ein_beats_room_new(ein_beats_room **out);
void ein_beats_room_destroy(ein_beats_room *room); /* NULL is fine */

/* Find the beats in the first n_samples of each lead: lead[name] (n_samples) in mV, NaN where missing; NULL: absent.
 * With less than 2 s, a rate below 100 Hz or no beats, n is 0. */
void ein_beats_find(ein_beats_room *room, const float *const lead[EIN_LEAD_COUNT_12], int64_t n_samples,
                    double fs_hz, ein_beats *out);

#endif
