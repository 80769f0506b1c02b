/* Files that are whole or absent: write NAME.partial, flush, fsync, rename, fsync the folder.
 *
 * Nothing here is collective: one rank calls it, the others learn the outcome by ein_comm_agree.
 * Errors: EIN_IO with the file and the system's reason (a full disk says so), EIN_NOMEM, EIN_USAGE for
 * an empty name.  Whatever fails, a file that stood under PATH before is still there, unchanged.
 */
#ifndef EIN_IO_DURABLE_H
#define EIN_IO_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/status.h"

/* "PATH.partial" in fresh memory (free()); a leftover of a killed run is simply overwritten. */
ein_status ein_durable_partial_name(const char *path, char **out);

/* fsync "PATH.partial", rename it to PATH, fsync the folder. For files that a library wrote (HDF5); on
 * error PATH.partial is left for ein_durable_discard. */
ein_status ein_durable_commit(const char *path);

/* Remove "PATH.partial" if it exists; for error paths. */
void ein_durable_discard(const char *path);

/* Write a whole small file durably. */
ein_status ein_durable_write(const char *path, const void *data, size_t bytes);

/* Read a whole regular file of at most `limit` bytes; `*out` is NUL-terminated beyond `*bytes` (free()).
 * EIN_NOTFOUND when there is none, EIN_FORMAT when it is larger, EIN_IO for folders, pipes and devices. */
ein_status ein_file_read(const char *path, int64_t limit, char **out, size_t *bytes);

/* mkdir -p; new levels are synced into their parents. EIN_EXISTS when a level is not a folder. */
ein_status ein_make_folders(const char *path);

/* stdio stream to a fresh "PATH.partial"; finish with ein_durable_fclose, which reports every write error
 * since (a full disk shows here) and then commits, or discards when `keep` is false or on error. */
ein_status ein_durable_fopen(const char *path, FILE **out);
ein_status ein_durable_fclose(FILE *stream, const char *path, bool keep);

#endif
