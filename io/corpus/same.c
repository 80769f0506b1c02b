#include "io/corpus/same.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/key_map.h"

/* An anchor that was added. Anchors alike lie in a chain, so that none hides another. */
typedef struct {
    int64_t number, next; /* -1: the last */
    int8_t feature[EIN_SKETCH_FEATURES];
} slot;

struct ein_same {
    ein_key_map signals; /* to numbers */
    ein_key_map anchors; /* of cells, to the first slot of their chain */
    slot *slot;
    int64_t n, room;
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
    ein_key_map_free(&same->signals);
    ein_key_map_free(&same->anchors);
    free(same->slot);
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
enum { MOST = 64 };
typedef struct {
    int64_t number;
    int anchors, last; /* the last that was counted */
} candidate;

static bool is_near(const int8_t *a, const int8_t *b) {
    int sum = 0;
    for (int f = 0; f < EIN_SKETCH_FEATURES; f++) sum += (a[f] - b[f]) * (a[f] - b[f]);
    return sum <= EIN_SAME_DISTANCE * EIN_SKETCH_FEATURES;
}

/* Count anchor `a` for all recordings of a chain that have one near it. */
static void count_chain(const ein_same *same, int64_t at, const int8_t *feature, int a, candidate *found,
                        int *n) {
    for (; at >= 0; at = same->slot[at].next) {
        int k = 0;
        if (!is_near(same->slot[at].feature, feature)) continue;
        while (k < *n && found[k].number != same->slot[at].number) k++;
        if (k == MOST) continue;
        if (k == *n) found[(*n)++] = (candidate){same->slot[at].number, 0, -1};
        found[k].anchors += found[k].last != a;
        found[k].last = a;
    }
}

static int64_t find_anchors(const ein_same *same, const ein_sketch *sketch) {
    int8_t probe[EIN_SKETCH_MAX_PROBES][EIN_SKETCH_FEATURES];
    candidate found[MOST];
    int n_found = 0;
    int64_t best = -1;
    for (int a = 0; a < sketch->n; a++) {
        const int n = ein_sketch_probes(sketch->feature[a], probe);
        for (int i = 0; i < n; i++) {
            const uint64_t key = key_of(same, probe[i], EIN_SKETCH_FEATURES);
            const int64_t first = ein_key_map_get(&same->anchors, key, -1);
            count_chain(same, first, sketch->feature[a], a, found, &n_found);
        }
    }
    for (int k = 0; k < n_found; k++)
        if (found[k].anchors >= EIN_SKETCH_ENOUGH && (best < 0 || found[k].number < best))
            best = found[k].number;
    return best;
}

int64_t ein_same_find(const ein_same *same, uint64_t signal_key, const ein_sketch *sketch) {
    const int64_t exact =
        signal_key ? ein_key_map_get(&same->signals, key_of(same, &signal_key, sizeof signal_key), -1) : -1;
    return exact >= 0 ? exact : find_anchors(same, sketch);
}

static ein_status add_anchor(ein_same *same, const int8_t *feature, int64_t number) {
    int8_t cells[EIN_SKETCH_FEATURES];
    EIN_TRY(EIN_GROW(same->slot, same->room, same->n + 1));
    ein_sketch_cells(feature, cells);
    const uint64_t key = key_of(same, cells, sizeof cells);
    const int64_t first = ein_key_map_get(&same->anchors, key, -1);
    slot *added = &same->slot[same->n];
    *added = (slot){.number = number, .next = -1};
    memcpy(added->feature, feature, sizeof added->feature);
    if (first >= 0) {
        added->next = same->slot[first].next;
        same->slot[first].next = same->n;
    } else {
        EIN_TRY(ein_key_map_add(&same->anchors, key, same->n));
    }
    same->n++;
    return EIN_OK;
}

ein_status ein_same_add(ein_same *same, uint64_t signal_key, const ein_sketch *sketch, int64_t number) {
    if (signal_key)
        EIN_TRY(ein_key_map_add(&same->signals, key_of(same, &signal_key, sizeof signal_key), number));
    for (int a = 0; a < sketch->n && a < EIN_SKETCH_STORED && sketch->n >= EIN_SKETCH_ENOUGH; a++)
        EIN_TRY(add_anchor(same, sketch->feature[a], number));
    return EIN_OK;
}
