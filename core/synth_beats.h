/* When a synthetic heart beats: the times, kinds and intervals of the beats of a recording. */
#ifndef EIN_CORE_SYNTH_BEATS_H
#define EIN_CORE_SYNTH_BEATS_H

#include "core/synth.h"

typedef enum { EIN_BEAT_NORMAL, EIN_BEAT_PAC, EIN_BEAT_PVC } ein_beat_kind;

typedef struct {
    double onset_s; /* QRS onset; recording starts at 0 */
    double rr_s;    /* since the beat before */
    double gain;    /* of this beat's amplitudes */
    ein_beat_kind kind;
} ein_synth_beat;

/* Most beats that a recording of this length can have here. */
int64_t ein_synth_beats_bound(double duration_s);

/* Fill `beats` (ein_synth_beats_bound) with the beats from before the start, whose T waves reach into the
 * recording, to after the end, whose P waves do. Returns their number. Drawn at (seed, record). */
int64_t ein_synth_beats(const ein_synth_heart *heart, double duration_s, uint64_t seed, int64_t record,
                        ein_synth_beat *beats);

#endif
