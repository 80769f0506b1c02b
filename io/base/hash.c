#include "io/base/hash.h"

#include <sodium.h>
#include <stdlib.h>
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

struct ein_hasher {
    crypto_generichash_blake2b_state state;
};

ein_status ein_hasher_new(ein_hasher **out) {
    EIN_BUG_IF(sodium_init() < 0);
    *out = aligned_alloc(_Alignof(ein_hasher), sizeof **out);
    if (!*out) return ein_error(EIN_NOMEM, "no memory for a hash");
    EIN_BUG_IF(crypto_generichash_blake2b_init(&(*out)->state, NULL, 0, EIN_HASH_BYTES) != 0);
    return EIN_OK;
}

void ein_hasher_add(ein_hasher *h, const void *data, size_t bytes) {
    if (bytes > 0) crypto_generichash_blake2b_update(&h->state, data, bytes);
}

void ein_hasher_end(ein_hasher *h, char out[EIN_HASH_TEXT_BYTES]) {
    uint8_t digest[EIN_HASH_BYTES];
    if (!h) return;
    if (out) {
        EIN_BUG_IF(crypto_generichash_blake2b_final(&h->state, digest, EIN_HASH_BYTES) != 0);
        ein_hex(digest, sizeof digest, out);
    }
    free(h);
}
