#include "io/archive/stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/trouble.h"

enum { BLOCK_BYTES = 1 << 16, ALLOWANCE_BYTES = 64 << 20, FIRST_ROOM = 1 << 16 };

struct ein_archive_stream {
    struct archive *archive;
    const char *path; /* borrowed */
    int fd;
    int64_t most, stated; /* bytes that members may have, one or all together; that they say they have */
    char name[PATH_MAX];
};

/* --- errors ---------------------------------------------------------------------------------------------- */

/* What libarchive says, without what a terminal acts upon. Its error numbers are those of the system, or its own. */
static ein_status failed(const ein_archive_stream *s, const char *name) {
    const int error = archive_errno(s->archive);
    const char *said = archive_error_string(s->archive);
    const bool system =
        error > 0 && error != EILSEQ && error != EINVAL && ein_trouble_status(error) == EIN_SYSTEM;
    return ein_error(error == ENOMEM ? EIN_NOMEM
                     : system        ? EIN_SYSTEM
                                     : EIN_CORRUPT,
                     "%s%s%s: damaged or not readable: %s", s->path, name ? "!/" : "", name ? name : "",
                     said ? said : "no reason is given");
}

/* --- opening --------------------------------------------------------------------------------------------- */

static ein_status begin(ein_archive_stream *s) {
    struct stat info;
    s->fd = ein_trouble_open(s->path, 0);
    if (s->fd < 0) return ein_error(ein_trouble_status(errno), "%s: %s", s->path, strerror(errno));
    if (fstat(s->fd, &info) != 0)
        return ein_error(ein_trouble_status(errno), "%s: %s", s->path, strerror(errno));
    if (!S_ISREG(info.st_mode)) return ein_error(EIN_IO, "%s: not a regular file", s->path);
    s->most = ALLOWANCE_BYTES + (info.st_size < INT64_MAX / 2 / EIN_ARCHIVE_FACTOR
                                     ? info.st_size * EIN_ARCHIVE_FACTOR
                                     : INT64_MAX / 2);
    s->archive = archive_read_new();
    if (!s->archive) return ein_error(EIN_NOMEM, "%s: no memory", s->path);
    archive_read_support_filter_gzip(s->archive);
    archive_read_support_filter_xz(s->archive);
    archive_read_support_filter_zstd(s->archive);
    archive_read_support_filter_bzip2(s->archive);
    archive_read_support_format_tar(s->archive);
    archive_read_support_format_zip_seekable(s->archive);
    archive_read_support_format_raw(s->archive);
    return archive_read_open_fd(s->archive, s->fd, BLOCK_BYTES) == ARCHIVE_OK ? EIN_OK : failed(s, NULL);
}

ein_status ein_archive_stream_open(const char *path, ein_archive_stream **out) {
    ein_archive_stream *s = NULL;
    *out = NULL;
    EIN_TRY(EIN_NEW(s, 1));
    s->path = path;
    s->fd = -1;
    const ein_status status = begin(s);
    if (status == EIN_OK)
        *out = s;
    else
        ein_archive_stream_close(s);
    return status;
}

void ein_archive_stream_close(ein_archive_stream *s) {
    if (!s) return;
    if (s->archive) archive_read_free(s->archive);
    if (s->fd >= 0) close(s->fd);
    free(s);
}

/* --- members --------------------------------------------------------------------------------------------- */

/* Of a file that is only compressed: the archive's name without the last extension. */
static void name_raw(ein_archive_stream *s) {
    const char *slash = strrchr(s->path, '/');
    snprintf(s->name, sizeof s->name, "%s", slash ? slash + 1 : s->path);
    char *dot = strrchr(s->name, '.');
    if (dot && dot != s->name) *dot = '\0';
}

static bool leads_out(const char *name) {
    if (name[0] == '/') return true;
    for (const char *p = name; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || p[2] == '\0')) return true;
    }
    return strchr(name, '\\') != NULL;
}

static const char *reason_against(struct archive_entry *entry, const char *name) {
    if (!name[0]) return "a member without a name";
    if (leads_out(name)) return "an absolute path, one with '..' or a backslash; never followed";
    if (archive_entry_hardlink(entry) || archive_entry_filetype(entry) == AE_IFLNK)
        return "a link within an archive; never followed";
    if (archive_entry_filetype(entry) != AE_IFREG && archive_entry_filetype(entry) != 0)
        return "a device, pipe or socket within an archive";
    if (archive_entry_is_encrypted(entry)) return "encrypted; decrypt it first";
    if (archive_entry_size_is_set(entry) && archive_entry_size(entry) > EIN_ARCHIVE_MEMBER_BYTES)
        return "more than 1 GiB; unpack it";
    return NULL;
}

/* "./a//b" is "a/b". */
static void simplify(char *name) {
    char *to = name;
    const char *from = name;
    while (from[0] == '.' && from[1] == '/') from += 2 + strspn(from + 2, "/");
    for (; *from; from++)
        if (*from != '/' || to == name || to[-1] != '/') *to++ = *from;
    *to = '\0';
}

ein_status ein_archive_stream_next(ein_archive_stream *s, ein_archive_member *m, bool *end) {
    struct archive_entry *entry;
    const int code = archive_read_next_header(s->archive, &entry);
    *m = (ein_archive_member){.name = s->name, .size = -1};
    *end = code == ARCHIVE_EOF;
    if (*end) return EIN_OK;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return failed(s, NULL);
    if (archive_filter_count(s->archive) > 2)
        return ein_error(EIN_CORRUPT, "%s: compressed more than once; not read", s->path);
    const char *name = archive_entry_pathname(entry);
    if (!name) name = archive_entry_pathname_utf8(entry); /* what the C locale does not spell */
    const bool raw = archive_format(s->archive) == ARCHIVE_FORMAT_RAW;
    if (raw)
        name_raw(s);
    else
        snprintf(s->name, sizeof s->name, "%s", name ? name : "");
    m->folder = !raw && archive_entry_filetype(entry) == AE_IFDIR;
    m->reason = raw                                          ? NULL
                : name && strlen(name) >= sizeof s->name / 2 ? "its path is too long"
                                                             : reason_against(entry, s->name);
    if (!m->reason) simplify(s->name);
    if (archive_entry_size_is_set(entry) && !raw) m->size = archive_entry_size(entry);
    if (m->size > s->most || (m->size > 0 && (s->stated += m->size) > s->most))
        return ein_error(EIN_CORRUPT, "%s: its members are said to hold much more than it could", s->path);
    return EIN_OK;
}

ein_status ein_archive_stream_read(ein_archive_stream *s, int64_t most, uint8_t **bytes, int64_t *n) {
    uint8_t *data = NULL;
    int64_t room = 0, have = 0;
    ein_status status = ein_grow(&data, &room, FIRST_ROOM, 1, s->name);
    while (status == EIN_OK && (most == 0 || have < most)) {
        const int64_t step = most > 0 && most - have < BLOCK_BYTES ? most - have : BLOCK_BYTES;
        status = ein_grow(&data, &room, have + step + 1, 1, s->name);
        const la_ssize_t got =
            status == EIN_OK ? archive_read_data(s->archive, data + have, (size_t)step) : 0;
        if (got < 0) status = failed(s, s->name);
        if (got <= 0) break;
        have += got;
        if (have > EIN_ARCHIVE_MEMBER_BYTES || have > s->most)
            status =
                ein_error(EIN_CORRUPT, "%s!/%s: holds much more than its archive could; not unpacked further",
                          s->path, s->name);
    }
    if (status == EIN_OK) data[have] = '\0';
    if (status == EIN_OK) {
        *bytes = data;
        *n = have;
    } else {
        free(data);
    }
    return status;
}
