#include "io/sites/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/hash.h"

static const char secret_head[] = "einthoven secret key 1\n", public_head[] = "einthoven public key 1\n";

enum { MOST_BYTES = 4096, HEX = 64, SEED = crypto_sign_SEEDBYTES, PATH_BYTES = 4200 };

/* Create, never replace; nobody but the owner reads it at any moment. */
static ein_status write_new(const char *path, const char *text, mode_t mode) {
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return errno == EEXIST ? ein_error(EIN_EXISTS, "%s exists; a key is never replaced", path)
                               : ein_error(EIN_IO, "%s: cannot create: %s", path, strerror(errno));
    const ssize_t n = (ssize_t)strlen(text);
    const bool good = write(fd, text, (size_t)n) == n && fsync(fd) == 0;
    const int reason = errno;
    if (close(fd) == 0 && good) return EIN_OK;
    unlink(path);
    return ein_error(EIN_IO, "%s: cannot write: %s", path, strerror(reason));
}

ein_status ein_site_key_make(const char *path, ein_site_key *key) {
    uint8_t seed[SEED];
    char hex[HEX + 1], text[160], name[PATH_BYTES];
    EIN_BUG_IF(sodium_init() < 0);
    if (snprintf(name, sizeof name, "%s.pub", path) >= (int)sizeof name)
        return ein_error(EIN_USAGE, "%.60s...: too long a name", path);
    if (access(name, F_OK) == 0) return ein_error(EIN_EXISTS, "%s exists; a key is never replaced", name);
    randombytes_buf(seed, sizeof seed);
    crypto_sign_seed_keypair(key->public_key, key->secret_key, seed);
    ein_hex(seed, sizeof seed, hex);
    snprintf(text, sizeof text, "%s%s\n", secret_head, hex);
    sodium_memzero(seed, sizeof seed);
    ein_status status = write_new(path, text, 0600);
    sodium_memzero(text, sizeof text);
    sodium_memzero(hex, sizeof hex);
    ein_hex(key->public_key, sizeof key->public_key, hex);
    snprintf(text, sizeof text, "%s%s\n", public_head, hex);
    if (status == EIN_OK) status = write_new(name, text, 0644);
    return status;
}

static ein_status parse_hex(const char *text, uint8_t out[32]) {
    size_t bytes = 0;
    const char *end = NULL;
    if (sodium_hex2bin(out, 32, text, HEX, NULL, &bytes, &end) == 0 && bytes == 32 && end == text + HEX)
        return EIN_OK;
    return ein_error(EIN_FORMAT, "64 hexadecimal digits are a key; these are not");
}

ein_status ein_public_key_parse(const char *text, uint8_t out[EIN_PUBLIC_KEY_BYTES]) {
    EIN_BUG_IF(sodium_init() < 0);
    if (strlen(text) != HEX)
        return ein_error(EIN_FORMAT, "64 hexadecimal digits are a key, not %zu", strlen(text));
    return parse_hex(text, out);
}

static ein_status check_private(const char *path) {
    struct stat about;
    if (stat(path, &about) != 0) return ein_error(EIN_IO, "%s: %s", path, strerror(errno));
    if ((about.st_mode & 077) == 0) return EIN_OK;
    return ein_error(EIN_USAGE,
                     "%s: others than its owner may read this secret key (mode %03o); chmod 600 %s", path,
                     (unsigned)about.st_mode & 0777, path);
}

/* The 32 bytes behind the head; EIN_FORMAT for another file. */
static ein_status read_file(const char *path, const char *head, uint8_t out[32]) {
    char *text = NULL;
    size_t bytes = 0;
    const size_t skip = strlen(head);
    EIN_BUG_IF(sodium_init() < 0);
    EIN_TRY(ein_file_read(path, MOST_BYTES, &text, &bytes));
    ein_status status = EIN_OK;
    if (bytes < skip + HEX || strncmp(text, head, skip) != 0)
        status = ein_error(EIN_FORMAT, "%s: not a file that begins with \"%.*s\"; einthoven keys makes them",
                           path, (int)skip - 1, head);
    else if (parse_hex(text + skip, out) != EIN_OK)
        status = ein_error(EIN_FORMAT, "%s:2: 64 hexadecimal digits are needed; the file was damaged", path);
    sodium_memzero(text, bytes);
    free(text);
    return status;
}

ein_status ein_site_key_read(const char *path, ein_site_key *key) {
    uint8_t seed[SEED];
    EIN_TRY(read_file(path, secret_head, seed));
    EIN_TRY(check_private(path));
    crypto_sign_seed_keypair(key->public_key, key->secret_key, seed);
    sodium_memzero(seed, sizeof seed);
    return EIN_OK;
}

void ein_site_key_wipe(ein_site_key *key) {
    sodium_memzero(key, sizeof *key);
}

ein_status ein_public_key_read(const char *path, uint8_t out[EIN_PUBLIC_KEY_BYTES]) {
    ein_site_key key;
    if (read_file(path, public_head, out) == EIN_OK) return EIN_OK;
    if (ein_site_key_read(path, &key) != EIN_OK) return read_file(path, public_head, out);
    memcpy(out, key.public_key, EIN_PUBLIC_KEY_BYTES);
    ein_site_key_wipe(&key);
    ein_error_clear();
    return EIN_OK;
}

void ein_fingerprint(const uint8_t public_key[EIN_PUBLIC_KEY_BYTES], char out[EIN_FINGERPRINT_BYTES]) {
    char hex[EIN_HASH_TEXT_BYTES];
    ein_hash_text(public_key, EIN_PUBLIC_KEY_BYTES, hex);
    for (int i = 0; i < 8; i++)
        snprintf(out + (size_t)i * 5, 6, i < 7 ? "%.4s " : "%.4s", hex + (size_t)i * 4);
}

/* --- signatures ------------------------------------------------------------------------------------------- */

/* What is signed is the BLAKE2b-256 of "CONTEXT\n" and the data. */
static void digest(uint8_t out[EIN_HASH_BYTES], const char *context, const char *data, size_t bytes) {
    const ein_bytes parts[] = {{context, strlen(context)}, {"\n", 1}, {data, bytes}};
    ein_hash_parts(parts, 3, out);
}

void ein_sign(uint8_t out[EIN_SIGNATURE_BYTES], const char *context, const char *data, size_t bytes,
              const ein_site_key *key) {
    uint8_t message[EIN_HASH_BYTES];
    digest(message, context, data, bytes);
    crypto_sign_detached(out, NULL, message, sizeof message, key->secret_key);
}

bool ein_sign_verify(const uint8_t signature[EIN_SIGNATURE_BYTES], const char *context, const char *data,
                     size_t bytes, const uint8_t public_key[EIN_PUBLIC_KEY_BYTES]) {
    uint8_t message[EIN_HASH_BYTES];
    digest(message, context, data, bytes);
    return crypto_sign_verify_detached(signature, message, sizeof message, public_key) == 0;
}

void ein_site_key_derive(uint8_t out[32], const ein_site_key *key, const char *purpose) {
    crypto_generichash_blake2b(out, 32, (const uint8_t *)purpose, strlen(purpose), key->secret_key, 32);
}
