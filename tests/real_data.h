/* What tests against independent decoders share: the folder of real data, a table of expectations, the comparison.
 *
 * A row of a table: path, leads, samples, rate, first 32 hex digits of SHA-256 over the samples, their sum. */
#ifndef EIN_TESTS_REAL_DATA_H
#define EIN_TESTS_REAL_DATA_H

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "io/ecg/reader.h"
#include "tests/report.h"

enum { PATH_BYTES = 1024 };
static char root[PATH_BYTES];

typedef struct {
    char path[256];
    int leads;
    long long samples;
    double fs_hz, sum_mv;
    char hash[33];
} expected;

static bool parse_row(char *line, expected *e) {
    return sscanf(line, "%255[^,],%d,%lld,%lf,%32[0-9a-f],%lf", e->path, &e->leads, &e->samples, &e->fs_hz,
                  e->hash, &e->sum_mv) == 6;
}

/* First 32 hex digits of SHA-256 over the samples' bits, every NaN the same. */
static void hash_samples(const ein_ecg *ecg, char *hex, double *sum_mv) {
    crypto_hash_sha256_state state;
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&state);
    *sum_mv = 0;
    for (int64_t i = 0; i < ecg->n_leads * ecg->n_samples; ++i) {
        uint32_t bits = 0x7fc00000;
        if (!isnan(ecg->mv[i])) {
            memcpy(&bits, &ecg->mv[i], sizeof bits);
            *sum_mv += ecg->mv[i];
        }
        unsigned char b[4] = {(unsigned char)bits, (unsigned char)(bits >> 8), (unsigned char)(bits >> 16),
                              (unsigned char)(bits >> 24)};
        crypto_hash_sha256_update(&state, b, sizeof b);
    }
    crypto_hash_sha256_final(&state, digest);
    for (int i = 0; i < 16; ++i) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* "" or what differs. */
static const char *compare(const expected *e, uint32_t *notes) {
    static char text[512];
    char path[2 * PATH_BYTES], hash[33];
    double sum_mv;
    ein_ecg ecg;
    snprintf(path, sizeof path, "%s/%s", root, e->path);
    if (ein_reader_read(path, &ecg) != EIN_OK) {
        snprintf(text, sizeof text, "%.400s", ein_error_message());
        return text;
    }
    hash_samples(&ecg, hash, &sum_mv);
    text[0] = '\0';
    if (ecg.n_leads != e->leads || ecg.n_samples != e->samples || ecg.fs_hz != e->fs_hz)
        snprintf(text, sizeof text, "%d x %lld at %g Hz, expected %d x %lld at %g", ecg.n_leads,
                 (long long)ecg.n_samples, ecg.fs_hz, e->leads, e->samples, e->fs_hz);
    else if (strcmp(hash, e->hash) != 0)
        snprintf(text, sizeof text, "samples differ: sum %.6f mV, expected %.6f", sum_mv, e->sum_mv);
    *notes = ecg.notes;
    ein_ecg_free(&ecg);
    return text;
}

static void find_root(void) {
    const char *data = getenv("EINTHOVEN_DATA"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (data && data[0])
        snprintf(root, sizeof root, "%s", data);
    else if (cache && cache[0])
        snprintf(root, sizeof root, "%s/einthoven", cache);
    else
        snprintf(root, sizeof root, "%s/.cache/einthoven", home ? home : "");
}

#endif
