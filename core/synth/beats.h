/* When a synthetic heart beats: the times, kinds and intervals of the beats of a recording. */
#ifndef EIN_CORE_SYNTH_BEATS_H
#define EIN_CORE_SYNTH_BEATS_H

#include "core/synth/person.h"

typedef enum {
    EIN_BEAT_NORMAL,
    EIN_BEAT_PAC,
    EIN_BEAT_PVC,
    EIN_BEAT_ESCAPE, /* without a P wave of its own */
    EIN_BEAT_BLOCKED /* a P wave alone: onset_s is when a QRS would begin pr_ms after it */
} ein_beat_kind;

typedef struct {
    double onset_s; /* QRS onset; recording starts at 0 */
    double rr_s;    /* since the QRS before */
    double pr_ms;   /* from the onset of its P wave */
    double gain;    /* of this beat's amplitudes */
    ein_beat_kind kind;
} ein_synth_beat;

/* Most beats that a recording of this length can have here. */
int64_t ein_synth_beats_bound(double duration_s);

/* True if the beat has a QRS. */
static inline bool ein_synth_beat_has_qrs(const ein_synth_beat *beat) {
    return beat->kind != EIN_BEAT_BLOCKED;
}

/* Fill `beats` (ein_synth_beats_bound), in order of time but for P waves that are blocked, with the beats from before
 * the start, whose T waves reach into the recording, to after the end, whose P waves do. Returns their number. Drawn at
 * (seed, record). */
int64_t ein_synth_beats(const ein_synth_heart *heart, double duration_s, uint64_t seed, int64_t record,
                        ein_synth_beat *beats);

#endif
