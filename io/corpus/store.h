/* Records of a corpus in memory, as a rank needs them for its shards.
 *
 * A store holds a list of records as int16 counts and hands them out as model input,
 * x = (counts * scale - mean) / sd, missing samples as 0 (the data set's mean).
 */
#ifndef EIN_IO_CORPUS_STORE_H
#define EIN_IO_CORPUS_STORE_H

#include <stdint.h>

#include "core/base/status.h"
#include "io/corpus/corpus.h"

typedef struct ein_store ein_store;

/* Read the records `index` (count, any order; neighbours are read together) into memory. Not collective. */
ein_status ein_store_new(ein_corpus *corpus, const int64_t *index, int64_t count, ein_store **out);
void ein_store_destroy(ein_store *store);

/* Scale by these constants instead of the corpus's own, from now on. */
void ein_store_normalise(ein_store *store, double mean_mv, double sd_mv);

/* Record number `place` of the list as input: x (L,S). Any thread. */
void ein_store_input(const ein_store *store, int64_t place, float *x);

/* x = (counts * scale - mean) * inverse_sd over n values, missing ones as 0. */
void ein_counts_input(float *x, const int16_t *counts, float scale, float mean, float inverse_sd, int64_t n);

/* Bytes that a store of `count` records of L leads and S samples takes. */
int64_t ein_store_bytes(int64_t count, int64_t leads, int64_t samples);

#endif
