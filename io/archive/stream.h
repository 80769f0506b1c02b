/* One reading of an archive from its beginning, member by member, within bounds; nothing else knows libarchive. */
#ifndef EIN_IO_ARCHIVE_STREAM_H
#define EIN_IO_ARCHIVE_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

enum { EIN_ARCHIVE_FACTOR = 256, EIN_ARCHIVE_MEMBER_BYTES = 1 << 30 };

typedef struct ein_archive_stream ein_archive_stream;

typedef struct {
    const char *name;   /* in the archive; valid until the next step */
    int64_t size;       /* -1: not stated */
    const char *reason; /* why it is not read; NULL: it is a file */
    bool folder;
} ein_archive_member;

/* Begin. EIN_NOTFOUND, EIN_IO, EIN_SYSTEM; EIN_CORRUPT if it is no archive. */
ein_status ein_archive_stream_open(const char *path, ein_archive_stream **out);
void ein_archive_stream_close(ein_archive_stream *stream); /* NULL is fine */

/* The next member; `*end` if there is none. EIN_CORRUPT with the reason where the archive is damaged. */
ein_status ein_archive_stream_next(ein_archive_stream *stream, ein_archive_member *member, bool *end);

/* The present member's first bytes, at most `most` (0: all), followed by a NUL, to be freed. EIN_CORRUPT. */
ein_status ein_archive_stream_read(ein_archive_stream *stream, int64_t most, uint8_t **bytes, int64_t *n);

#endif
