#include "io/corpus/seen_part.h"

#include <inttypes.h>
#include <string.h>

uint64_t ein_seen_number_at(const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = EIN_SEEN_KEY_BYTES - 1; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

bool ein_seen_is_same_part(const ein_seen_part *a, const ein_seen_part *b) {
    return strcmp(a->id, b->id) == 0 && a->loose == b->loose;
}

ein_status ein_seen_check_size(int64_t n) {
    if (n <= EIN_SEEN_MAX) return EIN_OK;
    return ein_error(EIN_RANGE, "%" PRId64 " keys of training records; a model keeps up to %d of them", n,
                     EIN_SEEN_MAX);
}
