#include "io/base/hash.h"

#include <sodium.h>
#include <string.h>

_Static_assert((int)EIN_HASH_BYTES == (int)crypto_generichash_blake2b_BYTES, "BLAKE2b-256 has 32 bytes");

void ein_hash_parts(const ein_bytes *parts, int n_parts, uint8_t out[EIN_HASH_BYTES]) {
    /* Idempotent and thread-safe; picks the fastest implementation for this CPU. */
    EIN_BUG_IF(sodium_init() < 0);
    crypto_generichash_blake2b_state state;
    EIN_BUG_IF(crypto_generichash_blake2b_init(&state, NULL, 0, EIN_HASH_BYTES) != 0);
    for (int i = 0; i < n_parts; i++)
        if (parts[i].bytes > 0) crypto_generichash_blake2b_update(&state, parts[i].data, parts[i].bytes);
    EIN_BUG_IF(crypto_generichash_blake2b_final(&state, out, EIN_HASH_BYTES) != 0);
}

void ein_hash(const void *data, size_t bytes, uint8_t out[EIN_HASH_BYTES]) {
    const ein_bytes whole = {data, bytes};
    ein_hash_parts(&whole, 1, out);
}

void ein_hex(const uint8_t *data, size_t bytes, char *out) {
    sodium_bin2hex(out, 2 * bytes + 1, data, bytes);
}

void ein_hash_text(const void *data, size_t bytes, char out[EIN_HASH_TEXT_BYTES]) {
    uint8_t digest[EIN_HASH_BYTES];
    ein_hash(data, bytes, digest);
    ein_hex(digest, sizeof digest, out);
}

void ein_hash_string(const char *text, char out[EIN_HASH_TEXT_BYTES]) {
    ein_hash_text(text, strlen(text), out);
}
