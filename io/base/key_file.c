#include "io/base/key_file.h"

#include <sodium.h>
#include <stdlib.h>

#include "io/base/durable.h"

enum { MAX_FILE_BYTES = 1 << 16, MIN_FILE_BYTES = 16 };

ein_status ein_key_file_read(const char *path, uint8_t key[EIN_KEY_BYTES]) {
    char *bytes = NULL;
    size_t n = 0;
    EIN_BUG_IF(sodium_init() < 0);
    EIN_TRY(ein_file_read(path, MAX_FILE_BYTES, &bytes, &n));
    ein_status status = EIN_OK;
    if (n < MIN_FILE_BYTES)
        status = ein_error(
            EIN_USAGE, "%s: %zu bytes; a key needs at least %d random ones (head -c 32 /dev/urandom > FILE)",
            path, n, MIN_FILE_BYTES);
    else
        crypto_generichash_blake2b(key, EIN_KEY_BYTES, (const uint8_t *)bytes, n, NULL, 0);
    sodium_memzero(bytes, n);
    free(bytes);
    return status;
}
