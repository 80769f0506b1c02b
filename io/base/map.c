#include "io/base/map.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/texts.h"

/* Open addressing; `index` is one above the place of the key in `keys`, 0 is free. */
typedef struct {
    uint64_t hash;
    int64_t index, value;
} slot;

struct ein_map {
    unsigned char secret[crypto_shorthash_KEYBYTES];
    ein_texts keys;
    slot *slots;
    int64_t room; /* a power of two, at most half full */
};

ein_status ein_map_new(ein_map **out) {
    EIN_BUG_IF(sodium_init() < 0);
    EIN_TRY(EIN_NEW(*out, 1));
    crypto_shorthash_keygen((*out)->secret);
    return EIN_OK;
}

void ein_map_destroy(ein_map *map) {
    if (!map) return;
    ein_texts_free(&map->keys);
    free(map->slots);
    free(map);
}

static uint64_t hash_of(const ein_map *map, const char *key) {
    unsigned char bytes[crypto_shorthash_BYTES];
    uint64_t hash;
    crypto_shorthash(bytes, (const unsigned char *)key, strlen(key), map->secret);
    memcpy(&hash, bytes, sizeof hash);
    return hash;
}

/* The slot that holds the key, or the free one where it belongs; there is always a free one. */
static slot *find(const ein_map *map, const char *key, uint64_t hash) {
    uint64_t mask = (uint64_t)map->room - 1;
    for (uint64_t i = hash & mask;; i = (i + 1) & mask) {
        slot *s = &map->slots[i];
        if (s->index == 0) return s;
        if (s->hash == hash && strcmp(ein_texts_get(&map->keys, s->index - 1), key) == 0) return s;
    }
}

int64_t ein_map_get(const ein_map *map, const char *key, int64_t otherwise) {
    if (map->room == 0) return otherwise;
    const slot *s = find(map, key, hash_of(map, key));
    return s->index ? s->value : otherwise;
}

static ein_status widen(ein_map *map) {
    if (2 * (map->keys.n + 1) <= map->room) return EIN_OK;
    int64_t room = map->room ? 2 * map->room : 64;
    slot *fresh = NULL;
    EIN_TRY(EIN_NEW(fresh, room));
    for (int64_t k = 0; k < map->room; k++) {
        if (map->slots[k].index == 0) continue;
        uint64_t mask = (uint64_t)room - 1, i = map->slots[k].hash & mask;
        while (fresh[i].index) i = (i + 1) & mask;
        fresh[i] = map->slots[k];
    }
    free(map->slots);
    map->slots = fresh;
    map->room = room;
    return EIN_OK;
}

ein_status ein_map_put(ein_map *map, const char *key, int64_t value) {
    EIN_TRY(widen(map));
    uint64_t hash = hash_of(map, key);
    slot *s = find(map, key, hash);
    if (s->index == 0) {
        EIN_TRY(ein_texts_add(&map->keys, key));
        *s = (slot){hash, map->keys.n, 0};
    }
    s->value = value;
    return EIN_OK;
}

int64_t ein_map_count(const ein_map *map) {
    return map->keys.n;
}

const char *ein_map_key(const ein_map *map, int64_t index) {
    return ein_texts_get(&map->keys, index);
}
