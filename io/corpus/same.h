/* Finding recordings that are there already: under another name, in another format, at another rate.
 *
 * Two are the same if their samples are (ein_signal_key), or EIN_SKETCH_ENOUGH anchors of their sketches
 * (core/signal/sketch.h). Kept in memory for each: up to 5 keys of about 32 bytes. Nothing here is collective or
 * thread-safe.
 */
#ifndef EIN_IO_CORPUS_SAME_H
#define EIN_IO_CORPUS_SAME_H

#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/sketch.h"

typedef struct ein_same ein_same;

ein_status ein_same_new(ein_same **out);
void ein_same_destroy(ein_same *same); /* NULL is fine */

/* The earliest recording that was added and is the same, or -1. `signal_key` 0: not known. */
int64_t ein_same_find(const ein_same *same, uint64_t signal_key, const ein_sketch *sketch);

/* Add a recording under a number that is not negative. */
ein_status ein_same_add(ein_same *same, uint64_t signal_key, const ein_sketch *sketch, int64_t number);

#endif
