/* Files that are whole or absent: write NAME.partial, flush, fsync, rename, fsync the folder.
 *
 * Nothing here is collective: one rank calls it, the others learn the outcome by ein_comm_agree.
 * Errors: EIN_IO with the file and the system's reason (a full disk says so), EIN_NOMEM, EIN_USAGE for
 * an empty name.  Whatever fails, a file that stood under PATH before is still there, unchanged.
 *
 * Only a regular file is ever replaced: EIN_IO for a folder, device, pipe, socket or symbolic link under PATH (a
 * link is neither followed nor replaced). The new file keeps permissions, group and, where allowed, owner of the
 * old one, also while it grows; a file that is new follows the umask.
 *
 * Files of a folder that has an owner (a run folder) need no more than this. What a user names as output is claimed
 * first: io/base/outputs.h.
 */
#ifndef EIN_IO_BASE_DURABLE_H
#define EIN_IO_BASE_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/status.h"

/* "PATH.partial" in fresh memory (free()); a leftover of a killed run is simply overwritten. */
ein_status ein_durable_partial_name(const char *path, char **out);

/* A fresh, empty "PATH.partial" with the permissions that PATH will have, for a library to write. */
ein_status ein_durable_begin(const char *path);

/* From now on everything below ends with a whole, synced PATH.partial, until ein_durable_publish renames it; one
 * thread. EIN_EXISTS if that holds already. `unstage` ends it; nothing is removed. */
ein_status ein_durable_stage(const char *path);
void ein_durable_unstage(const char *path);

/* Rename "PATH.partial", which is whole and synced, to PATH and fsync the folder. Without `replace` it never takes
 * the place of what stands there: EIN_EXISTS. */
ein_status ein_durable_publish(const char *path, bool replace);

/* fsync the folder that holds `path`, so that a name that was made in it stays. */
ein_status ein_durable_sync_folder(const char *path);

/* EIN_IO unless nothing or a regular file stands under `path`. */
ein_status ein_durable_check(const char *path);

/* Give "PATH.partial", if there is one, the permissions of PATH, if there is that. */
ein_status ein_durable_like(const char *path);

/* fsync "PATH.partial", rename it to PATH, fsync the folder. For files that a library wrote (HDF5); on
 * error PATH.partial is left for ein_durable_discard. */
ein_status ein_durable_commit(const char *path);

/* Remove "PATH.partial" if it exists; for error paths. */
void ein_durable_discard(const char *path);

/* For the files of a folder that come by the thousand, which nobody syncs one by one: remove the regular file under
 * `path`, if there is one; create a file there that is new, for writing only. EIN_IO for anything else in its place,
 * which is left as it is: a link is not followed. Any thread. */
ein_status ein_file_remove(const char *path);
ein_status ein_file_create(const char *path, int *fd);

/* Write a whole small file durably. */
ein_status ein_durable_write(const char *path, const void *data, size_t bytes);

/* Read a whole regular file of at most `limit` bytes; `*out` is NUL-terminated beyond `*bytes` (free()).
 * EIN_NOTFOUND when there is none, EIN_FORMAT when it is larger, EIN_IO for folders, pipes and devices, EIN_SYSTEM for
 * what says nothing about the file (io/base/trouble.h). */
ein_status ein_file_read(const char *path, int64_t limit, char **out, size_t *bytes);

/* mkdir -p; new levels are synced into their parents. EIN_EXISTS when a level is not a folder. */
ein_status ein_make_folders(const char *path);

/* stdio stream to a fresh "PATH.partial"; finish with ein_durable_fclose, which reports every write error
 * since (a full disk shows here) and then commits, or discards when `keep` is false or on error. */
ein_status ein_durable_fopen(const char *path, FILE **out);
ein_status ein_durable_fclose(FILE *stream, const char *path, bool keep);

#endif
