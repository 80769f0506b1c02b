/* Which members of an archive are recordings: the rules for folders (io/ecg/reader.h), in one pass. */
#ifndef EIN_IO_ECG_ARCHIVE_LIST_H
#define EIN_IO_ECG_ARCHIVE_LIST_H

#include "core/base/status.h"

/* Who is told, in the order of the archive, which is the order in which recordings are best read. */
typedef struct {
    ein_status (*recording)(void *context, const char *path);
    ein_status (*passed)(void *context, const char *kind, const char *path);
    ein_status (*problem)(void *context, const char *path, const char *reason);
    void *context;
} ein_archive_listing;

/* Go through the archive `path`; paths of members as io/archive/archive.h has them. EIN_NOMEM, EIN_SYSTEM. */
ein_status ein_archive_list(const char *path, const ein_archive_listing *to);

#endif
