#include "io/base/key_map.h"

#include <stdlib.h>

enum { FIRST_ROOM = 1024 };

void ein_key_map_free(ein_key_map *map) {
    free(map->key);
    free(map->value);
    *map = (ein_key_map){0};
}

/* The slot that holds the key, or the free one where it belongs; there is always a free one. `room` is a power of two.
 * The multiplication spreads keys that somebody chose. */
static int64_t slot_of(const ein_key_map *map, uint64_t key) {
    const uint64_t last = (uint64_t)map->room - 1;
    uint64_t at = (key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & last;
    while (map->value[at] >= 0 && map->key[at] != key) at = (at + 1) & last;
    return (int64_t)at;
}

int64_t ein_key_map_get(const ein_key_map *map, uint64_t key, int64_t otherwise) {
    if (map->n == 0) return otherwise;
    const int64_t at = slot_of(map, key);
    return map->value[at] >= 0 ? map->value[at] : otherwise;
}

static ein_status grow(ein_key_map *map) {
    ein_key_map more = {.room = map->room ? 2 * map->room : FIRST_ROOM, .n = map->n};
    ein_status status = EIN_NEW(more.key, more.room);
    if (status == EIN_OK) status = EIN_NEW(more.value, more.room);
    if (status != EIN_OK) {
        ein_key_map_free(&more);
        return status;
    }
    for (int64_t i = 0; i < more.room; i++) more.value[i] = -1;
    for (int64_t i = 0; i < map->room; i++) {
        if (map->value[i] < 0) continue;
        const int64_t at = slot_of(&more, map->key[i]);
        more.key[at] = map->key[i];
        more.value[at] = map->value[i];
    }
    ein_key_map_free(map);
    *map = more;
    return EIN_OK;
}

ein_status ein_key_map_add(ein_key_map *map, uint64_t key, int64_t value) {
    EIN_BUG_IF(value < 0);
    if (2 * (map->n + 1) > map->room) EIN_TRY(grow(map));
    const int64_t at = slot_of(map, key);
    if (map->value[at] >= 0) return EIN_OK;
    map->key[at] = key;
    map->value[at] = value;
    map->n++;
    return EIN_OK;
}
