/* Files that are whole or absent: write NAME.partial, flush, fsync, rename, fsync the folder. */
#ifndef EIN_IO_DURABLE_H
#define EIN_IO_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/status.h"

/* "PATH.partial" in fresh memory (free()); a leftover of a killed run is simply overwritten. */
ein_status ein_durable_partial_name(const char *path, char **out);

/* fsync "PATH.partial", rename it to PATH, fsync the folder. Not collective: one rank calls it. */
ein_status ein_durable_commit(const char *path);

/* Remove "PATH.partial" if it exists; for error paths. */
void ein_durable_discard(const char *path);

/* Write a whole small file durably. */
ein_status ein_durable_write(const char *path, const void *data, size_t bytes);

/* Read a whole file of at most `limit` bytes; `*out` is NUL-terminated beyond `*bytes` (free()). */
ein_status ein_file_read(const char *path, int64_t limit, char **out, size_t *bytes);

/* mkdir -p. */
ein_status ein_make_folders(const char *path);

/* stdio stream to "PATH.partial"; finish with ein_durable_fclose, which reports write errors
 * (a full disk shows here) and then commits, or discards when `keep` is false. */
ein_status ein_durable_fopen(const char *path, FILE **out);
ein_status ein_durable_fclose(FILE *stream, const char *path, bool keep);

#endif
