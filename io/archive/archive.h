/* Files within archives (.tar, .zip, .gz, .xz, .zst, .bz2, .tar.gz, ...), read without unpacking them to disk.
 *
 *     ARCHIVE!/PATH/IN/IT     what a member is called, everywhere
 *
 * An archive is a place (io/base/input.h): readers ask for its members by name, and nothing of it becomes a file. What
 * a file that was only compressed holds is a member of the archive's own name without the last extension.
 *
 * How it is read: the first who asks in a process goes through it once and notes the members.  A member's bytes come
 * from a reading that moves forward only; the last 256 MiB that went by are kept, so files of a record find each other
 * in any order, and threads that read neighbours share one decompression.  What lies further back begins a new reading.
 * Archives with a directory (.zip) and plain .tar are skipped through by seeking.  So each process decompresses an
 * archive about twice, whatever its share, if recordings are asked for in the order of the archive.
 * Four archives are held open; one that nobody reads now makes room for the next.
 *
 * Archives are untrusted.  Links, devices, absolute paths and paths with ".." are members that nobody reads; they are
 * listed with the reason, as are encrypted members and a second one of a name.  Bounded are: members (4 million), a
 * member (1 GiB, and 256 times the archive with an allowance of 64 MiB), all of them together (the same factor), layers
 * of compression (one).  An archive within an archive is not looked into.  Damage ends the list at the member before.
 */
#ifndef EIN_IO_ARCHIVE_ARCHIVE_H
#define EIN_IO_ARCHIVE_ARCHIVE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "io/base/input.h"

typedef struct ein_archives ein_archives;
ein_status ein_archives_new(ein_archives **out);
void ein_archives_destroy(ein_archives *archives); /* NULL is fine */

/* Their members as files of a place. Any number of threads may read. */
const ein_store *ein_archives_store(ein_archives *archives);

/* The length of the archive's own path within that of a member; 0: no regular file stands before a "!/" of it. */
size_t ein_archive_part(const char *path);

/* The file to look at for a recording: the archive that it is a member of, also one that is gone, else its own path.
 * Whether it is a member. */
bool ein_archive_of(const char *path, char out[PATH_MAX]);

/* What is told of each member in the order of the archive. */
typedef struct {
    /* How many of its first bytes are wanted; at most 1 MiB are given. */
    int64_t (*wanted)(void *context, const char *path);
    /* A file: `start` are its first bytes, `size` is -1 where the archive does not say it. */
    ein_status (*file)(void *context, const char *path, const ein_content *start, int64_t size);
    /* What is not read, or where the archive ends in damage (`path` is then the archive's). */
    ein_status (*problem)(void *context, const char *path, const char *reason);
    void *context;
} ein_archive_visitor;

/* Go through an archive once. Damage, encryption and the like are problems, no errors: EIN_NOMEM, EIN_SYSTEM, or what
 * the visitor returned. */
ein_status ein_archive_visit(const char *path, const ein_archive_visitor *visitor);

#endif
