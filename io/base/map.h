/* A map from texts to numbers, for joining tables and finding duplicates among millions of records.
 *
 * Keys are untrusted: they are hashed with a key drawn at random per map (SipHash), so that nobody can
 * choose keys that collide. Nothing here is collective or thread-safe.
 */
#ifndef EIN_IO_BASE_MAP_H
#define EIN_IO_BASE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

typedef struct ein_map ein_map;

ein_status ein_map_new(ein_map **out);
void ein_map_destroy(ein_map *map); /* NULL is fine */

/* The value of `key`, or `otherwise`. */
int64_t ein_map_get(const ein_map *map, const char *key, int64_t otherwise);

/* Set the value of `key`, new or not; the key is copied. */
ein_status ein_map_put(ein_map *map, const char *key, int64_t value);

/* The number of keys, and key number `index` in the order in which they came; valid until the next is put. */
int64_t ein_map_count(const ein_map *map);
const char *ein_map_key(const ein_map *map, int64_t index);

#endif
