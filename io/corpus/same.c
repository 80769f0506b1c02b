#include "io/corpus/same.h"

#include <sodium.h>
#include <stdlib.h>

#include "io/base/key_map.h"

struct ein_same {
    ein_key_map keys;
    unsigned char secret[crypto_shorthash_KEYBYTES]; /* drawn, so that nobody can choose keys that collide */
};

ein_status ein_same_new(ein_same **out) {
    EIN_BUG_IF(sodium_init() < 0);
    EIN_TRY(EIN_NEW(*out, 1));
    crypto_shorthash_keygen((*out)->secret);
    return EIN_OK;
}

void ein_same_destroy(ein_same *same) {
    if (!same) return;
    ein_key_map_free(&same->keys);
    free(same);
}

static uint64_t key_of(const ein_same *same, const void *data, size_t n) {
    unsigned char bytes[crypto_shorthash_BYTES];
    uint64_t key = 0;
    crypto_shorthash(bytes, data, n, same->secret);
    for (int i = 0; i < (int)sizeof bytes; i++) key = key << 8 | bytes[i];
    return key;
}

/* Recordings with an anchor that was looked for, and with how many. */
typedef struct {
    int64_t number;
    int anchors;
} candidate;

static int64_t find_anchors(const ein_same *same, const ein_sketch *sketch) {
    int8_t probe[EIN_SKETCH_MAX_PROBES][EIN_SKETCH_FEATURES];
    candidate found[EIN_SKETCH_ANCHORS];
    int n_found = 0;
    int64_t best = -1;
    for (int a = 0; a < sketch->n; a++) {
        const int n = ein_sketch_probes(sketch->feature[a], probe);
        int64_t number = -1;
        for (int i = 0; i < n && number < 0; i++)
            number = ein_key_map_get(&same->keys, key_of(same, probe[i], EIN_SKETCH_FEATURES), -1);
        if (number < 0) continue;
        int k = 0;
        while (k < n_found && found[k].number != number) k++;
        if (k == n_found) found[n_found++] = (candidate){number, 0};
        if (++found[k].anchors >= EIN_SKETCH_ENOUGH && (best < 0 || number < best)) best = number;
    }
    return best;
}

int64_t ein_same_find(const ein_same *same, uint64_t signal_key, const ein_sketch *sketch) {
    const int64_t exact =
        signal_key ? ein_key_map_get(&same->keys, key_of(same, &signal_key, sizeof signal_key), -1) : -1;
    return exact >= 0 ? exact : find_anchors(same, sketch);
}

ein_status ein_same_add(ein_same *same, uint64_t signal_key, const ein_sketch *sketch, int64_t number) {
    int8_t cells[EIN_SKETCH_FEATURES];
    if (signal_key)
        EIN_TRY(ein_key_map_add(&same->keys, key_of(same, &signal_key, sizeof signal_key), number));
    for (int a = 0; a < sketch->n && a < EIN_SKETCH_STORED && sketch->n >= EIN_SKETCH_ENOUGH; a++) {
        ein_sketch_cells(sketch->feature[a], cells);
        EIN_TRY(ein_key_map_add(&same->keys, key_of(same, cells, sizeof cells), number));
    }
    return EIN_OK;
}
