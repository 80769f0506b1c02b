#include "io/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *cause(int error) {
    switch (error) {
    case ENOSPC:
        return "No space left on device (free some space, then run again)";
    case EDQUOT:
        return "Disk quota exceeded (free some space, then run again)";
    case EFBIG:
        return "File too large (check `ulimit -f`)";
    default:
        return strerror(error);
    }
}

ein_status ein_durable_partial_name(const char *path, char **out) {
    *out = NULL;
    size_t n = strlen(path);
    if (n == 0 || path[n - 1] == '/') return ein_error(EIN_USAGE, "'%s' is not the name of a file", path);
    EIN_TRY(ein_calloc((void **)out, (int64_t)n + 9, 1, "file name"));
    memcpy(*out, path, n);
    memcpy(*out + n, ".partial", 9);
    return EIN_OK;
}

/* The folder that holds `path`, in `out` of PATH_MAX bytes. */
static ein_status parent_folder(const char *path, char *out) {
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 1;
    if (n >= PATH_MAX) return ein_error(EIN_IO, "%s: name too long", path);
    memcpy(out, slash ? path : ".", n);
    if (slash && n == 0) out[n++] = '/';
    out[n] = '\0';
    return EIN_OK;
}

static ein_status sync_parent(const char *path) {
    char folder[PATH_MAX];
    EIN_TRY(parent_folder(path, folder));
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return ein_error(EIN_IO, "%s: opening the folder: %s", folder, cause(errno));
    /* Some network file systems refuse fsync of a folder because they have nothing to do for it. */
    int error = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    if (error != 0 && error != EINVAL && error != ENOTSUP && error != EROFS)
        return ein_error(EIN_IO, "%s: fsync of the folder: %s", folder, cause(error));
    return EIN_OK;
}

/* Rename what has been synced already. */
static ein_status publish(const char *partial, const char *path) {
    if (rename(partial, path) != 0)
        return ein_error(EIN_IO, "renaming %s to %s: %s", partial, path, cause(errno));
    return sync_parent(path);
}

ein_status ein_durable_commit(const char *path) {
    char *partial = NULL;
    EIN_TRY(ein_durable_partial_name(path, &partial));
    ein_status status = EIN_OK;
    int fd = open(partial, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        status = ein_error(EIN_IO, "%s: %s", partial, cause(errno));
    } else {
        if (fsync(fd) != 0) status = ein_error(EIN_IO, "%s: fsync: %s", partial, cause(errno));
        close(fd);
    }
    if (status == EIN_OK) status = publish(partial, path);
    free(partial);
    return status;
}

void ein_durable_discard(const char *path) {
    size_t n = strlen(path);
    char *partial = malloc(n + 9);
    if (!partial) return; /* a leftover does no harm: it is overwritten by the next run */
    memcpy(partial, path, n);
    memcpy(partial + n, ".partial", 9);
    unlink(partial);
    free(partial);
}

/* A fresh PATH.partial for writing. The leftover of a killed run is removed first: were it a symbolic
 * link that somebody put there, writing through it would hit another file. */
static ein_status open_partial(const char *path, int *fd) {
    char *partial = NULL;
    *fd = -1;
    EIN_TRY(ein_durable_partial_name(path, &partial));
    ein_status status = EIN_OK;
    if (unlink(partial) != 0 && errno != ENOENT)
        status = ein_error(EIN_IO, "%s: removing a leftover: %s", partial, cause(errno));
    if (status == EIN_OK) {
        *fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd < 0) status = ein_error(EIN_IO, "%s: cannot create: %s", partial, cause(errno));
    }
    free(partial);
    return status;
}

ein_status ein_durable_fopen(const char *path, FILE **out) {
    *out = NULL;
    int fd = -1;
    EIN_TRY(open_partial(path, &fd));
    *out = fdopen(fd, "w");
    if (*out) return EIN_OK;
    ein_status status = ein_error(EIN_NOMEM, "%s: opening a stream: %s", path, cause(errno));
    close(fd);
    ein_durable_discard(path);
    return status;
}

ein_status ein_durable_fclose(FILE *stream, const char *path, bool keep) {
    ein_status status = EIN_OK;
    char *partial = NULL;
    if (keep) {
        status = ein_durable_partial_name(path, &partial);
        errno = 0;
        bool failed = ferror(stream) != 0;
        failed = fflush(stream) != 0 || failed;
        if (!failed) failed = fsync(fileno(stream)) != 0;
        if (status == EIN_OK && failed)
            status =
                ein_error(EIN_IO, "%s: writing: %s", path,
                          errno ? cause(errno) : "an earlier write failed (a full disk is the usual cause)");
    }
    if (fclose(stream) != 0 && keep && status == EIN_OK)
        status = ein_error(EIN_IO, "%s: closing: %s", path, cause(errno));
    if (keep && status == EIN_OK) status = publish(partial, path);
    if (!keep || status != EIN_OK) ein_durable_discard(path);
    free(partial);
    return status;
}

ein_status ein_durable_write(const char *path, const void *data, size_t bytes) {
    int fd = -1;
    EIN_TRY(open_partial(path, &fd));
    ein_status status = EIN_OK;
    for (size_t at = 0; at < bytes && status == EIN_OK;) {
        ssize_t n = write(fd, (const char *)data + at, bytes - at);
        if (n >= 0)
            at += (size_t)n;
        else if (errno != EINTR)
            status = ein_error(EIN_IO, "%s: writing byte %zu of %zu: %s", path, at, bytes, cause(errno));
    }
    if (status == EIN_OK && fsync(fd) != 0) status = ein_error(EIN_IO, "%s: fsync: %s", path, cause(errno));
    if (close(fd) != 0 && status == EIN_OK) status = ein_error(EIN_IO, "%s: closing: %s", path, cause(errno));
    if (status == EIN_OK) {
        char *partial = NULL;
        status = ein_durable_partial_name(path, &partial);
        if (status == EIN_OK) status = publish(partial, path);
        free(partial);
    }
    if (status != EIN_OK) ein_durable_discard(path);
    return status;
}

/* Read from `fd` until its end or until more than `limit` bytes came. */
static ein_status read_all(int fd, const char *path, int64_t limit, int64_t expected, char **out,
                           size_t *bytes) {
    size_t room = (size_t)(expected < limit ? expected : limit) + 2, have = 0;
    char *data = malloc(room);
    if (!data) return ein_error(EIN_NOMEM, "%s: no memory for %zu bytes", path, room);
    for (;;) {
        if (have + 1 == room) { /* the file grows while it is read */
            char *more = realloc(data, room * 2);
            if (!more) {
                free(data);
                return ein_error(EIN_NOMEM, "%s: no memory for %zu bytes", path, room * 2);
            }
            data = more;
            room *= 2;
        }
        ssize_t n = read(fd, data + have, room - 1 - have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            int error = errno;
            free(data);
            return ein_error(EIN_IO, "%s: reading byte %zu: %s", path, have, cause(error));
        }
        if (n == 0) break;
        have += (size_t)n;
        if ((int64_t)have > limit) {
            free(data);
            return ein_error(EIN_FORMAT, "%s: more than %lld bytes; a file of this kind is smaller", path,
                             (long long)limit);
        }
    }
    data[have] = '\0';
    *out = data;
    *bytes = have;
    return EIN_OK;
}

ein_status ein_file_read(const char *path, int64_t limit, char **out, size_t *bytes) {
    *out = NULL;
    *bytes = 0;
    /* Non-blocking, because opening a named pipe would otherwise wait for its writer for ever. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return ein_error(errno == ENOENT ? EIN_NOTFOUND : EIN_IO, "%s: %s", path, cause(errno));
    struct stat info;
    ein_status status;
    if (fstat(fd, &info) != 0)
        status = ein_error(EIN_IO, "%s: %s", path, cause(errno));
    else if (S_ISDIR(info.st_mode))
        status = ein_error(EIN_IO, "%s is a folder, not a file", path);
    else if (!S_ISREG(info.st_mode))
        status = ein_error(EIN_IO, "%s is not a regular file", path);
    else if (info.st_size > limit)
        status = ein_error(EIN_FORMAT, "%s: %lld bytes; a file of this kind has at most %lld", path,
                           (long long)info.st_size, (long long)limit);
    else
        status = read_all(fd, path, limit, info.st_size, out, bytes);
    close(fd);
    return status;
}

/* mkdir of one level; an existing folder is fine. */
static ein_status make_folder(const char *path) {
    if (mkdir(path, 0777) == 0) return sync_parent(path);
    int error = errno;
    struct stat info;
    if (error == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return EIN_OK;
    if (error == EEXIST) return ein_error(EIN_EXISTS, "%s exists and is not a folder", path);
    return ein_error(EIN_IO, "%s: cannot make the folder: %s", path, cause(error));
}

ein_status ein_make_folders(const char *path) {
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n == 0) return ein_error(EIN_USAGE, "the name of a folder is empty");
    if (n >= sizeof part) return ein_error(EIN_IO, "%s: name too long", path);
    while (n > 1 && path[n - 1] == '/') n--;
    struct stat info;
    for (size_t i = 1; i <= n; i++) {
        if (i < n && path[i] != '/') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        /* An existing level may lie in a folder that we cannot write. */
        if (stat(part, &info) == 0 && S_ISDIR(info.st_mode)) continue;
        EIN_TRY(make_folder(part));
    }
    return EIN_OK;
}
