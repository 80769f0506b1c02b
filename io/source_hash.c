#include "io/source_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "io/contract_hash.h"
#include "io/durable.h"
#include "io/trouble.h"
#include "io/wfdb_header.h"
#include "io/xml_text.h"

enum { READ_BYTES = 1 << 18 };

static ein_status add_file(crypto_hash_sha256_state *state, const char *path) {
    unsigned char *buffer = NULL;
    const int fd = ein_trouble_open(path, 0);
    if (fd < 0) return ein_error(ein_trouble_status(errno), "%s: %s", path, strerror(errno));
    ein_status status = EIN_NEW(buffer, READ_BYTES);
    ssize_t n = 1;
    while (status == EIN_OK && n > 0) {
        n = read(fd, buffer, READ_BYTES);
        if (n > 0) crypto_hash_sha256_update(state, buffer, (unsigned long long)n);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n < 0)
            status = ein_error(ein_trouble_status(errno), "%s: %s", path, strerror(errno));
    }
    free(buffer);
    close(fd);
    return status;
}

static ein_status add_signals(crypto_hash_sha256_state *state, const char *path,
                              const ein_wfdb_header *header) {
    for (int i = 0; i < header->n_signals; i++) {
        char name[PATH_MAX];
        bool seen = false;
        for (int j = 0; j < i; j++)
            seen = seen || strcmp(header->signal[i].file, header->signal[j].file) == 0;
        if (seen) continue;
        EIN_TRY(ein_wfdb_signal_path(path, header->signal[i].file, name, sizeof name));
        EIN_TRY(add_file(state, name));
    }
    return EIN_OK;
}

static ein_status add_wfdb(crypto_hash_sha256_state *state, const char *path) {
    ein_wfdb_header *header = NULL;
    char *text = NULL;
    size_t bytes = 0;
    EIN_TRY(ein_file_read(path, EIN_WFDB_MAX_HEADER_BYTES, &text, &bytes));
    crypto_hash_sha256_update(state, (const unsigned char *)text, bytes);
    ein_status status = EIN_NEW(header, 1);
    if (status == EIN_OK) status = ein_wfdb_header_parse(path, text, bytes, header);
    if (status == EIN_OK) status = add_signals(state, path, header);
    free(header);
    free(text);
    return status;
}

static bool is_wfdb_header(const char *path) {
    char root[EIN_XML_NAME_BYTES];
    size_t n = strlen(path);
    return n > 4 && strcasecmp(path + n - 4, ".hea") == 0 && !ein_xml_sniff_file(path, root);
}

ein_status ein_source_hash(const char *path, char out[EIN_SHA256_TEXT_BYTES]) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    EIN_BUG_IF(sodium_init() < 0);
    crypto_hash_sha256_init(&state);
    EIN_TRY(is_wfdb_header(path) ? add_wfdb(&state, path) : add_file(&state, path));
    crypto_hash_sha256_final(&state, digest);
    ein_hex(digest, sizeof digest, out);
    return EIN_OK;
}
