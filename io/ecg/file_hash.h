/* SHA-256 of files one after the other, made of the bytes that a reader reads anyway.
 *
 * A reader that goes through a file says which bytes it has; what it passes over, before, between and behind, is read
 * here. So a file is read once, and the hash is that of `cat FILES | sha256sum`. An error does not stop the reader: it
 * is kept for whoever asks for the hash. Not thread-safe; one reader has it.
 */
#ifndef EIN_IO_ECG_FILE_HASH_H
#define EIN_IO_ECG_FILE_HASH_H

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"

enum { EIN_SHA256_TEXT_BYTES = 65 };

typedef struct {
    crypto_hash_sha256_state state;
    int64_t at;                            /* bytes of the present file that are in it */
    ein_file_look look[EIN_MAX_LEADS + 1]; /* of the files so far; n_looks -1: of some it is not known */
    int n_looks;
    ein_kept_error error;
} ein_file_hash;

void ein_file_hash_begin(ein_file_hash *hash);

/* The next file begins; whole, as `bytes`, or of whose bytes the functions below tell. */
void ein_file_hash_whole(ein_file_hash *hash, const void *bytes, size_t n);
void ein_file_hash_next(ein_file_hash *hash);

/* Bytes [at, at + n) of the file were read; `at` never falls. */
void ein_file_hash_take(ein_file_hash *hash, ein_input *file, const void *bytes, int64_t n, int64_t at);

/* The next file looks so; of a file that is hashed to its end the function below says it. */
void ein_file_hash_look(ein_file_hash *hash, const ein_input *file);

/* Read what is left of the file, to its end; or all of the next file, of `place` (io/base/input.h). */
void ein_file_hash_rest(ein_file_hash *hash, ein_input *file);
void ein_file_hash_file(ein_file_hash *hash, const ein_place *place, const char *path);

/* The hash as text; EIN_NOTFOUND, EIN_IO or EIN_SYSTEM if one of the files could not be read. */
ein_status ein_file_hash_end(ein_file_hash *hash, char out[EIN_SHA256_TEXT_BYTES]);

#endif
