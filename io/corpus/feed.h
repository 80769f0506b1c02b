/* The feed: training records of this rank's shards, in the order of each epoch, from memory or streamed.
 *
 * Slot s draws from shard s only; which record is the b-th of slot s at step t is a function of (seed, epoch), see
 * core/records/order.h.  When the shards fit the budget they are read once and kept.  Otherwise one I/O thread reads
 * ahead, in file order within the window it has read ahead, and the same records are handed out: both ways
 * give the same results.
 *
 * HDF5 is not thread-safe here: while the I/O thread runs, no other thread may touch HDF5 except between
 * ein_feed_pause and ein_feed_continue.
 */
#ifndef EIN_IO_CORPUS_FEED_H
#define EIN_IO_CORPUS_FEED_H

#include <stdint.h>

#include "core/base/status.h"
#include "core/records/order.h"
#include "io/corpus/corpus.h"

typedef struct {
    const int64_t *records; /* training records of the whole job, ascending; kept by reference */
    int64_t n_records;
    int slots; /* of the whole job: records are cut into as many shards */
    int first_slot, n_slots;
    int per_slot; /* records per slot and step */
    int64_t steps_per_epoch;
    ein_shuffle shuffle;
    uint64_t seed;
    int64_t budget_bytes; /* memory for records; a streaming feed takes at least two steps */
} ein_feed_options;

typedef struct ein_feed ein_feed;

/* Not collective. Reads the shards, or starts the I/O thread at (epoch, step). */
ein_status ein_feed_new(ein_corpus *corpus, const ein_feed_options *options, int64_t epoch, int64_t step,
                        ein_feed **out);
void ein_feed_destroy(ein_feed *feed);

/* Make the records of a step available; steps must follow each other. Waits for the I/O thread if it is behind, and
 * returns its error if it has one. */
ein_status ein_feed_step(ein_feed *feed, int64_t epoch, int64_t step);

/* Record b of slot `slot` of the current step as input x (L,S); returns its index in the corpus. Any thread. */
int64_t ein_feed_input(const ein_feed *feed, int slot, int b, float *x);

int ein_feed_is_streaming(const ein_feed *feed);
/* Seconds that ein_feed_step has waited so far. */
double ein_feed_starved_s(const ein_feed *feed);

/* Keep the I/O thread out of HDF5, and let it in again. */
void ein_feed_pause(ein_feed *feed);
void ein_feed_continue(ein_feed *feed);

/* Bytes that a feed with these options takes; *streaming says which way. */
int64_t ein_feed_bytes(const ein_feed_options *options, int64_t leads, int64_t samples, int *streaming);

#endif
