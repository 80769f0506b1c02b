/* A secret of a site or project in a file: random bytes under which things are hashed. */
#ifndef EIN_IO_BASE_KEY_FILE_H
#define EIN_IO_BASE_KEY_FILE_H

#include <stdint.h>

#include "core/base/status.h"

enum { EIN_KEY_BYTES = 32 };

/* The key that the file's bytes give: their BLAKE2b-256. EIN_USAGE for fewer than 16 bytes; EIN_NOTFOUND, EIN_IO. Not
 * collective. */
ein_status ein_key_file_read(const char *path, uint8_t key[EIN_KEY_BYTES]);

#endif
