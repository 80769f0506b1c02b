/* One part of what a model has been trained on: the records that are known under one secret. io/corpus/seen.h says what
 * its keys are. */
#ifndef EIN_IO_CORPUS_SEEN_PART_H
#define EIN_IO_CORPUS_SEEN_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

enum {
    EIN_SEEN_MAX = 8000000, /* keys of a set: its text stays within the header of a model file */
    EIN_SEEN_PARTS = 8,
    EIN_SEEN_ID_BYTES = 17,
    EIN_SEEN_TAG_BITS = 24,
    EIN_SEEN_KEY_BYTES = 8
};
#define EIN_SEEN_OPEN "open" /* ids of parts that are no secret's */
#define EIN_SEEN_NONE "none"

typedef struct {
    char id[EIN_SEEN_ID_BYTES]; /* "open", a secret's, or "none" */
    bool loose;                 /* of version 1 or 2: anchors do not tell of which record they are */
    int64_t records, n;
    uint64_t *key; /* (n) ascending, unique */
} ein_seen_part;

/* A key from its bytes. */
uint64_t ein_seen_number_at(const uint8_t *bytes);

/* Whether two parts are of the same secret and kind, so that a set has one of them. */
bool ein_seen_is_same_part(const ein_seen_part *a, const ein_seen_part *b);

/* EIN_RANGE if a set cannot have so many keys. */
ein_status ein_seen_check_size(int64_t n);

#endif
