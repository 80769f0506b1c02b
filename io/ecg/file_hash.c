#include "io/ecg/file_hash.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/hash.h"
#include "io/base/trouble.h"

enum { READ_BYTES = 1 << 18 };

void ein_file_hash_begin(ein_file_hash *h) {
    EIN_BUG_IF(sodium_init() < 0);
    *h = (ein_file_hash){.at = 0};
    crypto_hash_sha256_init(&h->state);
}

void ein_file_hash_next(ein_file_hash *h) {
    h->at = 0;
}

static void add(ein_file_hash *h, const void *bytes, int64_t n) {
    crypto_hash_sha256_update(&h->state, bytes, (unsigned long long)n);
    h->at += n;
}

void ein_file_hash_whole(ein_file_hash *h, const void *bytes, size_t n) {
    ein_file_hash_next(h);
    add(h, bytes, (int64_t)n);
}

/* Read up to byte `end`, or as far as the file goes. */
static ein_status read_to(ein_file_hash *h, int fd, const char *path, int64_t end) {
    unsigned char *buffer = NULL;
    if (h->at >= end) return EIN_OK;
    EIN_TRY(EIN_NEW(buffer, READ_BYTES));
    ein_status status = EIN_OK;
    while (h->at < end) {
        const int64_t left = end - h->at;
        const ssize_t n = pread(fd, buffer, left < READ_BYTES ? (size_t)left : READ_BYTES, h->at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) status = ein_error(ein_trouble_status(errno), "%s: %s", path, strerror(errno));
        if (n <= 0) break;
        add(h, buffer, n);
    }
    free(buffer);
    return status;
}

void ein_file_hash_take(ein_file_hash *h, int fd, const char *path, const void *bytes, int64_t n,
                        int64_t at) {
    if (h->error.status != EIN_OK) return;
    ein_error_keep(&h->error, read_to(h, fd, path, at));
    const int64_t known = h->at - at;
    if (known < n) add(h, (const char *)bytes + known, n - known);
}

void ein_file_hash_rest(ein_file_hash *h, int fd, const char *path) {
    if (h->error.status == EIN_OK) ein_error_keep(&h->error, read_to(h, fd, path, INT64_MAX));
}

void ein_file_hash_file(ein_file_hash *h, const char *path) {
    if (h->error.status != EIN_OK) return;
    const int fd = ein_trouble_open(path, 0);
    ein_file_hash_next(h);
    if (fd < 0) {
        ein_error_keep(&h->error, ein_error(ein_trouble_status(errno), "%s: %s", path, strerror(errno)));
        return;
    }
    ein_file_hash_rest(h, fd, path);
    close(fd);
}

ein_status ein_file_hash_end(ein_file_hash *h, char out[EIN_SHA256_TEXT_BYTES]) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    EIN_TRY(ein_error_kept(&h->error));
    crypto_hash_sha256_final(&h->state, digest);
    ein_hex(digest, sizeof digest, out);
    return EIN_OK;
}
