/* A map from 64-bit keys, which are hashes already, to numbers. Nothing here is collective or thread-safe. */
#ifndef EIN_IO_BASE_KEY_MAP_H
#define EIN_IO_BASE_KEY_MAP_H

#include <stdint.h>

#include "core/base/status.h"

/* Zeroed is empty. */
typedef struct {
    uint64_t *key;
    int64_t *value;
    int64_t n, room;
} ein_key_map;
void ein_key_map_free(ein_key_map *map); /* zeroes */

/* The value of `key`, or `otherwise`. */
int64_t ein_key_map_get(const ein_key_map *map, uint64_t key, int64_t otherwise);

/* Give `key` a value, which must not be negative, unless it has one. EIN_NOMEM. */
ein_status ein_key_map_add(ein_key_map *map, uint64_t key, int64_t value);

#endif
