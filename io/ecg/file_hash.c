#include "io/ecg/file_hash.h"

#include <stdlib.h>

#include "io/base/hash.h"

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
static ein_status read_to(ein_file_hash *h, ein_input *file, int64_t end) {
    unsigned char *buffer = NULL;
    if (file->have > h->at) add(h, file->bytes + h->at, (end < file->have ? end : file->have) - h->at);
    if (h->at >= end || (file->size > 0 && h->at >= file->size)) return EIN_OK;
    EIN_TRY(EIN_NEW(buffer, READ_BYTES));
    ein_status status = EIN_OK;
    while (status == EIN_OK && h->at < end) {
        const int64_t left = end - h->at;
        int64_t n = 0;
        status = ein_input_read(file, buffer, left < READ_BYTES ? left : READ_BYTES, h->at, &n);
        if (n == 0) break;
        if (status == EIN_OK) add(h, buffer, n);
    }
    free(buffer);
    return status;
}

void ein_file_hash_take(ein_file_hash *h, ein_input *file, const void *bytes, int64_t n, int64_t at) {
    if (h->error.status != EIN_OK) return;
    if (h->at < at) ein_error_keep(&h->error, read_to(h, file, at));
    const int64_t known = h->at - at;
    if (known < n) add(h, (const char *)bytes + known, n - known);
}

void ein_file_hash_look(ein_file_hash *h, const ein_input *file) {
    if (file->fd < 0 || h->n_looks > EIN_MAX_LEADS) h->n_looks = -1;
    if (h->n_looks >= 0) h->look[h->n_looks++] = file->look;
}

void ein_file_hash_rest(ein_file_hash *h, ein_input *file) {
    ein_file_hash_look(h, file);
    if (h->error.status == EIN_OK) ein_error_keep(&h->error, read_to(h, file, INT64_MAX));
}

void ein_file_hash_file(ein_file_hash *h, const ein_place *place, const char *path) {
    ein_input file;
    if (h->error.status != EIN_OK) return;
    const ein_status status = ein_input_open(place, path, &file);
    ein_file_hash_next(h);
    ein_error_keep(&h->error, status);
    ein_file_hash_rest(h, &file);
    ein_input_close(&file);
}

ein_status ein_file_hash_end(ein_file_hash *h, char out[EIN_SHA256_TEXT_BYTES]) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    EIN_TRY(ein_error_kept(&h->error));
    crypto_hash_sha256_final(&h->state, digest);
    ein_hex(digest, sizeof digest, out);
    return EIN_OK;
}
