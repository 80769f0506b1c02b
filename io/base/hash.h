/* BLAKE2b-256 of any bytes that we keep checksums of.
 *
 * None of the functions is collective; all may be called from any thread.
 */
#ifndef EIN_IO_BASE_HASH_H
#define EIN_IO_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

enum {
    EIN_HASH_BYTES = 32,                         /* a digest */
    EIN_HASH_TEXT_BYTES = 2 * EIN_HASH_BYTES + 1 /* as lower-case hexadecimal with the final NUL */
};

/* BLAKE2b-256 (RFC 7693, no key) of `bytes` bytes, as a digest and as text. */
void ein_hash(const void *data, size_t bytes, uint8_t out[EIN_HASH_BYTES]);
void ein_hash_text(const void *data, size_t bytes, char out[EIN_HASH_TEXT_BYTES]);

/* The same of a text without its final NUL. A preprocessing contract is known by this of its canonical text. */
void ein_hash_string(const char *text, char out[EIN_HASH_TEXT_BYTES]);

/* The same over parts one after the other, as if they stood together. */
typedef struct {
    const void *data;
    size_t bytes;
} ein_bytes;
void ein_hash_parts(const ein_bytes *parts, int n_parts, uint8_t out[EIN_HASH_BYTES]);

/* The same over what comes piece by piece. `end` tells the text and frees; `out` NULL: it only frees. */
typedef struct ein_hasher ein_hasher;
ein_status ein_hasher_new(ein_hasher **out);
void ein_hasher_add(ein_hasher *hasher, const void *data, size_t bytes);
void ein_hasher_end(ein_hasher *hasher, char out[EIN_HASH_TEXT_BYTES]); /* NULL is fine */

/* `bytes` bytes as lower-case hexadecimal; `out` holds 2 * bytes + 1. */
void ein_hex(const uint8_t *data, size_t bytes, char *out);

#endif
