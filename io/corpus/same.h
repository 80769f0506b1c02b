/* Finding recordings that are there already: under another name, in another format, at another rate.
 *
 * Two are the same if their samples are (ein_signal_key), or EIN_SKETCH_ENOUGH anchors of their sketches
 * (core/signal/sketch.h): equal in cells and, here where features are at hand, in features, whose mean squared
 * difference is at most EIN_SAME_DISTANCE. Cells alone are equal by chance: so 863 of 100,000 synthetic recordings had
 * two anchors of one of another patient. The nearest of those differed by 3 (1.75 units RMS). Only synthetic recordings
 * of one patient, whose beats are the same but for noise, are still taken for each other, some 400 of the 100,000. Of
 * the 2,244 real ones exported, resampled, filtered or cut, whose anchors were found, at most 2 of a form differed by
 * more. Kept in memory for each: up to 5 keys of about 32 bytes, and 4 anchors of 48. Nothing here is collective or
 * thread-safe.
 */
#ifndef EIN_IO_CORPUS_SAME_H
#define EIN_IO_CORPUS_SAME_H

#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/sketch.h"

enum { EIN_SAME_DISTANCE = 2 }; /* units squared, of a cell of 16 */

typedef struct ein_same ein_same;

ein_status ein_same_new(ein_same **out);
void ein_same_destroy(ein_same *same); /* NULL is fine */

/* The earliest recording that was added and is the same, or -1. `signal_key` 0: not known. */
int64_t ein_same_find(const ein_same *same, uint64_t signal_key, const ein_sketch *sketch);

/* Add a recording under a number that is not negative. */
ein_status ein_same_add(ein_same *same, uint64_t signal_key, const ein_sketch *sketch, int64_t number);

#endif
