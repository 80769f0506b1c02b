/* Which records a model has been trained on, so that it is not tested on them.
 *
 * A record is known by 64 bits: the first 8 bytes, as a little-endian number, of BLAKE2b-256 of its source_sha256 (io/corpus.h;
 * of "id:" and its record id where the corpus has no hash). So a recording is recognised in any corpus that was
 * made from the same files, whatever it is called there. One exported again into other bytes (another rate or format) is
 * not. By chance a set of n records takes one of m others for its own with probability n m / 2^64: 10^-7 for two million
 * of each.
 *
 * Text, in a model's metadata: "1 COUNT BASE64", the numbers ascending, each once, 8 bytes little-endian.
 * Nothing here is collective.
 */
#ifndef EIN_IO_SEEN_H
#define EIN_IO_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/split.h"
#include "core/status.h"
#include "io/corpus.h"

enum { EIN_SEEN_MAX = 8000000 }; /* records of a set: its text stays within the header of a model file */

typedef struct {
    int64_t n;
    uint64_t *key; /* (n) ascending, unique */
} ein_seen;
void ein_seen_free(ein_seen *seen); /* zeroes; NULL is fine */

/* The records `index` (n) of the corpus. EIN_RANGE beyond EIN_SEEN_MAX. */
ein_status ein_seen_make(ein_corpus *corpus, const int64_t *index, int64_t n, ein_seen *out);

/* Add the records of `other`. */
ein_status ein_seen_merge(ein_seen *seen, const ein_seen *other);

bool ein_seen_has(const ein_seen *seen, uint64_t key);

/* Text for metadata (free()), and back: EIN_FORMAT for what is no such text. NULL gives the empty set. */
ein_status ein_seen_encode(const ein_seen *seen, char **text);
ein_status ein_seen_decode(const char *text, ein_seen *out);

/* Whether records of the test part are in the set: EIN_MISMATCH, which names their number and the first ones by id. `training_records` is the text
 * of the model (NULL: nothing is known and nothing is checked), `model` its name for the message; `n_found` may be NULL. */
ein_status ein_seen_check(const char *training_records, const char *model, ein_corpus *corpus,
                          const uint8_t *part, int64_t *n_found);

#endif
