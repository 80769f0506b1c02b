/* Ed25519 keys of a coordinator or a site, in two small text files.
 *
 *     FILE      einthoven secret key 1        mode 0600; 64 hexadecimal digits of the seed (RFC 8032) on the second
 *     line
 *     FILE.pub  einthoven public key 1        64 hexadecimal digits; may be given to anybody
 *
 * Whoever takes a public key compares its fingerprint with the owner's over another channel (telephone).
 * Nothing here is collective.
 */
#ifndef EIN_IO_SITES_KEYS_H
#define EIN_IO_SITES_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

enum {
    EIN_PUBLIC_KEY_BYTES = 32,
    EIN_SECRET_KEY_BYTES = 64,
    EIN_SIGNATURE_BYTES = 64,
    EIN_FINGERPRINT_BYTES = 40 /* "1a2b 3c4d ..." of 16 bytes, with the final NUL */
};

typedef struct {
    uint8_t public_key[EIN_PUBLIC_KEY_BYTES];
    uint8_t secret_key[EIN_SECRET_KEY_BYTES];
} ein_site_key;

/* Make a pair and write it to `path` and `path`.pub; EIN_EXISTS if one of them is there. */
ein_status ein_site_key_make(const char *path, ein_site_key *out);

/* EIN_FORMAT: no such key; EIN_USAGE: readable by others than its owner. Wipe with ein_site_key_wipe. */
ein_status ein_site_key_read(const char *path, ein_site_key *out);
void ein_site_key_wipe(ein_site_key *key);

/* The public key in FILE.pub; of a secret file too, so that either may be named. */
ein_status ein_public_key_read(const char *path, uint8_t out[EIN_PUBLIC_KEY_BYTES]);

/* 64 hexadecimal digits as a key, EIN_FORMAT otherwise. */
ein_status ein_public_key_parse(const char *text, uint8_t out[EIN_PUBLIC_KEY_BYTES]);

/* BLAKE2b-256 of the key, its first 16 bytes in groups of four digits, as people read them to each other. */
void ein_fingerprint(const uint8_t public_key[EIN_PUBLIC_KEY_BYTES], char out[EIN_FINGERPRINT_BYTES]);

/* Sign and verify `bytes` of data behind a context, so that what was signed as one thing is no signature of another. */
void ein_sign(uint8_t out[EIN_SIGNATURE_BYTES], const char *context, const char *data, size_t bytes,
              const ein_site_key *key);
bool ein_sign_verify(const uint8_t signature[EIN_SIGNATURE_BYTES], const char *context, const char *data,
                     size_t bytes, const uint8_t public_key[EIN_PUBLIC_KEY_BYTES]);

/* A key for hashing under this secret, for what never leaves: BLAKE2b of the seed and `purpose`. */
void ein_site_key_derive(uint8_t out[32], const ein_site_key *key, const char *purpose);

#endif
