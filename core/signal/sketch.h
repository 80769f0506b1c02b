/* A sketch: what stays of a recording when it is written in another form, so that it is known again.
 *
 * Two files of one recording may differ in format, unit and rounding, gain of all leads, rate (500 and 100 Hz), order
 * and choice of leads, filters of baseline and mains, and in how many samples were cut off at either end. Their
 * sketches agree; those of two recordings, also of one patient, seldom do. How well was measured on 2,244 real
 * recordings (README) and 200,000 synthetic ones (io/corpus/seen.h). A mere tone or another strictly periodic,
 * noiseless signal has no identity to sketch.
 *
 * How it is made
 *   leads     I and II, computed from two other limb leads if need be (core/signal/limb.h); if they cannot be had or
 *             are empty, the first two of V1..V6, or the only one
 *   wavelet   y = x correlated with the fourth derivative of a Gaussian of SD 35 ms, a band about 9 Hz: what lies
 *             below 2 Hz and above 25 Hz does not matter, so neither do baseline, mains, and the rate from 100 Hz on
 *   anchors   maxima of the energy of y smoothed by 60 ms, none larger within 250 ms, 1.5 times the mean around:
 *             mostly QRS complexes. Everything that follows is relative to an anchor, so it does not matter where the
 *             recording begins
 *   features  y of both leads within 1 s of the anchor, divided by its RMS there and compressed by
 *             v / (|v| + 0.25), is projected on EIN_SKETCH_FEATURES vectors of random signs. A feature is about
 *             N(0, 1) over recordings
 *   choice    of all anchors whose surroundings are whole, the EIN_SKETCH_ANCHORS whose features lie farthest from
 *             the bounds of quantisation
 *
 * A feature is quantised to cells of EIN_SKETCH_CELL units. Near a bound the same recording in another form may come to
 * lie in the next cell, so who looks a sketch up tries both cells of every feature within EIN_SKETCH_TOLERANCE units of
 * a bound, and who stores one stores one cell each. So an anchor is compared by equality of words (which can be hashed
 * under a key), and is nevertheless found by distance. Two anchors of a recording must be found for it to be known
 * (EIN_SKETCH_ENOUGH), which chance also does in 1.1e-7 of all pairs of synthetic recordings of different people: in
 * large sets it is not enough by itself (io/corpus/seen.h says how it is judged there, io/corpus/same.h what is asked
 * in addition).
 */
#ifndef EIN_CORE_SIGNAL_SKETCH_H
#define EIN_CORE_SIGNAL_SKETCH_H

#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"

enum {
    EIN_SKETCH_FEATURES = 32,
    EIN_SKETCH_ANCHORS = 8,   /* kept of a recording at most */
    EIN_SKETCH_CELL = 16,     /* units of a cell: one SD of a feature */
    EIN_SKETCH_TOLERANCE = 2, /* units from a bound within which the next cell is tried */
    EIN_SKETCH_MAX_PROBES = 256,
    EIN_SKETCH_STORED = 4, /* anchors that a set of known recordings keeps of each */
    EIN_SKETCH_ENOUGH = 2  /* anchors that must be found */
};

/* Anchors from the one farthest from bounds to the nearest; features in units, -128..127. */
typedef struct {
    int32_t n;
    int8_t feature[EIN_SKETCH_ANCHORS][EIN_SKETCH_FEATURES];
} ein_sketch;

/* The sketch of a recording; n is 0 if it has none (shorter than about 3 s, without signal, other leads). EIN_NOMEM.
 * Not collective, no state. */
ein_status ein_sketch_make(const ein_ecg *ecg, ein_sketch *out);

/* The cells of an anchor, as EIN_SKETCH_FEATURES bytes. */
void ein_sketch_cells(const int8_t *feature, int8_t cells[EIN_SKETCH_FEATURES]);

/* All words of cells that an anchor may have been stored under, the plain one first: out (EIN_SKETCH_MAX_PROBES,
 * EIN_SKETCH_FEATURES). If there are more, the features nearest to their bounds are those that are tried. Returns
 * their number. */
int ein_sketch_probes(const int8_t *feature, int8_t (*out)[EIN_SKETCH_FEATURES]);

#endif
