#include "io/base/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/trouble.h"

/* A file of up to so many bytes is read as a whole when its beginning is asked for. */
enum { SMALL_BYTES = 1 << 16 };

static ein_status failed(const char *path, int error) {
    return ein_error(ein_trouble_status(error), "%s: %s", path, strerror(error));
}

/* --- opening --------------------------------------------------------------------------------------------- */

static bool is_stored(const ein_place *place, const char *path) {
    return place && place->store && place->store->holds(place->store->store, path);
}

static ein_status take_stored(const ein_place *place, ein_input *in) {
    EIN_TRY(place->store->take(place->store->store, in->path, &in->bytes, &in->size));
    in->have = in->size;
    in->room = in->size + 1;
    return EIN_OK;
}

static ein_status look(ein_input *in, bool named) {
    struct stat info;
    if (fstat(in->fd, &info) != 0) return failed(in->path, errno);
    if (named && !S_ISREG(info.st_mode)) return ein_error(EIN_FORMAT, "%s: not a regular file", in->path);
    if (S_ISDIR(info.st_mode)) return ein_error(EIN_IO, "%s is a folder, not a file", in->path);
    if (!S_ISREG(info.st_mode)) return ein_error(EIN_IO, "%s: not a regular file", in->path);
    in->size = info.st_size;
    in->look = (ein_file_look){info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
    return EIN_OK;
}

ein_status ein_input_open(const ein_place *place, const char *path, ein_input *out) {
    *out = (ein_input){.path = path, .fd = -1};
    if (is_stored(place, path)) return take_stored(place, out);
    out->fd = ein_trouble_open(path, 0);
    return out->fd < 0 ? failed(path, errno) : look(out, false);
}

static ein_status open_link(const ein_place *place, ein_input *in) {
    char target[PATH_MAX], home[PATH_MAX], folder[PATH_MAX];
    const char *slash = strrchr(in->path, '/');
    const int n = slash == in->path ? 1 : slash ? (int)(slash - in->path) : 1;
    if (snprintf(folder, sizeof folder, "%.*s", n, slash ? in->path : ".") >= (int)sizeof folder)
        return ein_error(EIN_IO, "%.64s...: path too long", in->path);
    if (!realpath(in->path, target) || !realpath(folder, home)) return failed(in->path, errno);
    if (!ein_path_within(target, home) && !ein_links_allow(place ? place->links : NULL, target))
        return ein_error(EIN_FORMAT,
                         "%s: is a symbolic link out of its folder; not followed (ingest --follow-links)",
                         in->path);
    in->fd = ein_trouble_open(target, O_NOFOLLOW);
    return in->fd < 0 ? failed(target, errno) : look(in, true);
}

ein_status ein_input_open_named(const ein_place *place, const char *path, ein_input *out) {
    *out = (ein_input){.path = path, .fd = -1};
    if (is_stored(place, path)) return take_stored(place, out);
    out->fd = ein_trouble_open(path, O_NOFOLLOW);
    if (out->fd < 0 && errno == ELOOP) return open_link(place, out);
    return out->fd < 0 ? failed(path, errno) : look(out, true);
}

void ein_input_close(ein_input *in) {
    if (in->fd >= 0) close(in->fd);
    free(in->bytes);
    *in = (ein_input){.fd = -1};
}

bool ein_input_is_there(const ein_place *place, const char *path) {
    if (is_stored(place, path)) return place->store->has(place->store->store, path);
    return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* --- reading --------------------------------------------------------------------------------------------- */

static ein_status read_file(const ein_input *in, void *out, int64_t n, int64_t at, int64_t *got) {
    for (*got = 0; *got < n;) {
        const ssize_t now = pread(in->fd, (char *)out + *got, (size_t)(n - *got), at + *got);
        if (now < 0 && errno == EINTR) continue;
        if (now < 0)
            return ein_error(ein_trouble_status(errno), "%s: byte %lld: %s", in->path, (long long)(at + *got),
                             strerror(errno));
        if (now == 0) break;
        *got += now;
    }
    return EIN_OK;
}

ein_status ein_input_read(ein_input *in, void *out, int64_t n, int64_t at, int64_t *got) {
    int64_t have = in->have > at ? in->have - at : 0, rest = 0;
    if (have > n) have = n;
    if (have > 0) memcpy(out, in->bytes + at, (size_t)have);
    if (have < n && in->fd >= 0) EIN_TRY(read_file(in, (char *)out + have, n - have, at + have, &rest));
    if (got) *got = have + rest;
    if (!got && have + rest < n) return ein_error(EIN_IO, "%s: became shorter while it was read", in->path);
    return EIN_OK;
}

/* Read on until `have` bytes are there, or the file ends. */
static ein_status have_bytes(ein_input *in, int64_t have) {
    int64_t got;
    if (in->have >= have || in->fd < 0) return EIN_OK;
    if (in->room < have + 1) {
        uint8_t *grown = realloc(in->bytes, (size_t)have + 1);
        if (!grown)
            return ein_error(EIN_NOMEM, "%s: no memory for %lld bytes", in->path, (long long)have + 1);
        in->bytes = grown;
        in->room = have + 1;
    }
    EIN_TRY(read_file(in, in->bytes + in->have, have - in->have, in->have, &got));
    in->have += got;
    in->bytes[in->have] = '\0';
    return EIN_OK;
}

ein_status ein_input_start(ein_input *in, const uint8_t **bytes, size_t *n) {
    const int64_t wanted = in->size > SMALL_BYTES ? EIN_INPUT_START_BYTES : in->size;
    EIN_TRY(have_bytes(in, wanted > 0 ? wanted : EIN_INPUT_START_BYTES)); /* /proc says 0 */
    *bytes = in->bytes;
    *n = (size_t)(in->have < EIN_INPUT_START_BYTES ? in->have : EIN_INPUT_START_BYTES);
    return EIN_OK;
}

ein_status ein_input_whole(ein_input *in, int64_t limit, ein_content *out) {
    if (in->size > limit)
        return ein_error(EIN_FORMAT, "%s: %lld bytes; a file of this kind has at most %lld", in->path,
                         (long long)in->size, (long long)limit);
    const uint8_t *start;
    size_t n;
    EIN_TRY(ein_input_start(in, &start, &n));
    EIN_TRY(have_bytes(in, in->size));
    *out = (ein_content){in->path, in->bytes, (size_t)in->have};
    return EIN_OK;
}
