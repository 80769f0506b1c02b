#include "io/base/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/trouble.h"

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

ein_status ein_durable_sync_folder(const char *path) {
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

/* --- what may be replaced -------------------------------------------------------------------------------- */

static const char *kind_of(mode_t mode) {
    return S_ISDIR(mode)    ? "a folder"
           : S_ISLNK(mode)  ? "a symbolic link"
           : S_ISCHR(mode)  ? "a character device"
           : S_ISBLK(mode)  ? "a block device"
           : S_ISFIFO(mode) ? "a named pipe"
                            : "a socket";
}

/* What stands under `path`; st_mode is 0 if nothing does. Only a regular file may be replaced: in place of a device the
 * machine would get a file, and a link leads to something that somebody else may own. */
static ein_status look_at_target(const char *path, struct stat *old) {
    memset(old, 0, sizeof *old);
    if (lstat(path, old) != 0) {
        const int error = errno;
        memset(old, 0, sizeof *old);
        return error == ENOENT ? EIN_OK : ein_error(EIN_IO, "%s: %s", path, cause(error));
    }
    if (S_ISREG(old->st_mode)) return EIN_OK;
    return ein_error(EIN_IO, "%s is %s; only regular files are written and replaced: choose another name%s",
                     path, kind_of(old->st_mode),
                     S_ISLNK(old->st_mode) ? ", or remove the link or name the file that it leads to" : "");
}

ein_status ein_file_remove(const char *path) {
    struct stat old;
    EIN_TRY(look_at_target(path, &old));
    if (old.st_mode == 0 || unlink(path) == 0 || errno == ENOENT) return EIN_OK;
    return ein_error(EIN_IO, "%s: cannot replace: %s", path, cause(errno));
}

ein_status ein_file_create(const char *path, int *fd) {
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    *fd = open(path, flags, 0666);
    if (*fd < 0 && errno == EEXIST) {
        EIN_TRY(ein_file_remove(path));
        *fd = open(path, flags, 0666);
    }
    return *fd >= 0 ? EIN_OK : ein_error(EIN_IO, "%s: cannot create: %s", path, cause(errno));
}

/* Owner and permissions of the file that will be replaced; `more` are bits that its writer needs until then. */
static int take_after(int fd, const struct stat *old, mode_t more) {
    struct stat now;
    mode_t mode = old->st_mode & 0777;
    if (fstat(fd, &now) != 0) return errno;
    const bool other_group = now.st_gid != old->st_gid;
    if ((now.st_uid != old->st_uid || other_group) && fchown(fd, old->st_uid, old->st_gid) != 0 &&
        other_group && fchown(fd, (uid_t)-1, old->st_gid) != 0)
        mode &= (mode_t)~0070; /* what one group may is not for another */
    return fchmod(fd, mode | more) == 0 ? 0 : errno;
}

/* --- names whose publication is put off ------------------------------------------------------------------- */

static char **staged;
static int n_staged;
static int64_t staged_room;

static int find_staged(const char *path) {
    for (int i = 0; i < n_staged; i++)
        if (strcmp(staged[i], path) == 0) return i;
    return -1;
}

ein_status ein_durable_stage(const char *path) {
    if (find_staged(path) >= 0) return ein_error(EIN_EXISTS, "%s is an output of this job twice", path);
    EIN_TRY(EIN_GROW(staged, staged_room, n_staged + 1));
    if (!(staged[n_staged] = strdup(path))) return ein_error(EIN_NOMEM, "no memory for the name of a file");
    n_staged++;
    return EIN_OK;
}

void ein_durable_unstage(const char *path) {
    const int i = find_staged(path);
    if (i < 0) return;
    free(staged[i]);
    staged[i] = staged[--n_staged];
    if (n_staged == 0) {
        free(staged);
        staged = NULL;
        staged_room = 0;
    }
}

/* --- publication ------------------------------------------------------------------------------------------ */

static bool are_linked(const char *a, const char *b) {
    struct stat of_a, of_b;
    return lstat(a, &of_a) == 0 && lstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

/* Rename where nothing may stand under `path`; 0 or errno, EEXIST if something does. */
static int rename_new(const char *partial, const char *path) {
    struct stat about;
    if (renameat2(AT_FDCWD, partial, AT_FDCWD, path, RENAME_NOREPLACE) == 0) return 0;
    if (errno != ENOSYS && errno != EINVAL && errno != EOPNOTSUPP) return errno;
    /* NFS has no such rename, but its links are exclusive; where the answer was lost, the link is there. */
    int error = link(partial, path) == 0 ? 0 : errno;
    if (error == EEXIST && are_linked(partial, path)) error = 0;
    if (error == 0) return unlink(partial) == 0 ? 0 : errno;
    errno = error;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK) return errno;
    if (lstat(path, &about) == 0) return EEXIST; /* no links either: the lock of an output is what is left */
    return rename(partial, path) == 0 ? 0 : errno;
}

/* Rename what has been synced already. */
static ein_status publish(const char *partial, const char *path, bool replace) {
    struct stat old;
    EIN_TRY(look_at_target(path, &old));
    if (old.st_mode != 0 && replace) {
        const int fd = open(partial, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        const int error = fd < 0 ? errno : take_after(fd, &old, 0);
        if (fd >= 0) close(fd);
        if (error)
            return ein_error(EIN_IO, "%s: keeping the permissions of %s: %s", partial, path, cause(error));
    }
    const int error = !replace ? rename_new(partial, path) : rename(partial, path) == 0 ? 0 : errno;
    if (error == EEXIST)
        return ein_error(EIN_EXISTS, "%s appeared while it was made here, and was left as it is", path);
    if (error) return ein_error(EIN_IO, "renaming %s to %s: %s", partial, path, cause(error));
    return ein_durable_sync_folder(path);
}

ein_status ein_durable_publish(const char *path, bool replace) {
    char *partial = NULL;
    EIN_TRY(ein_durable_partial_name(path, &partial));
    const ein_status status = publish(partial, path, replace);
    free(partial);
    return status;
}

ein_status ein_durable_check(const char *path) {
    struct stat old;
    return look_at_target(path, &old);
}

ein_status ein_durable_like(const char *path) {
    char *partial = NULL;
    struct stat old;
    EIN_TRY(ein_durable_partial_name(path, &partial));
    const int fd = open(partial, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int error = 0;
    if (fd >= 0 && lstat(path, &old) == 0 && S_ISREG(old.st_mode)) error = take_after(fd, &old, 0);
    if (fd >= 0) close(fd);
    free(partial);
    return error
               ? ein_error(EIN_IO, "%s.partial: keeping the permissions of %s: %s", path, path, cause(error))
               : EIN_OK;
}

/* What is whole and synced gets its name, unless that is for ein_durable_publish to do. */
static ein_status finish(const char *partial, const char *path) {
    return find_staged(path) >= 0 ? EIN_OK : publish(partial, path, true);
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
    if (status == EIN_OK) status = finish(partial, path);
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

/* --- writing ---------------------------------------------------------------------------------------------- */

/* A fresh PATH.partial for writing. The leftover of a killed run is removed first: were it a symbolic
 * link that somebody put there, writing through it would hit another file. */
static ein_status open_partial(const char *path, int *fd) {
    char *partial = NULL;
    struct stat old;
    *fd = -1;
    EIN_TRY(look_at_target(path, &old));
    EIN_TRY(ein_durable_partial_name(path, &partial));
    ein_status status = EIN_OK;
    if (unlink(partial) != 0 && errno != ENOENT)
        status = ein_error(EIN_IO, "%s: removing a leftover: %s", partial, cause(errno));
    if (status == EIN_OK) {
        *fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, old.st_mode ? 0600 : 0666);
        if (*fd < 0) status = ein_error(EIN_IO, "%s: cannot create: %s", partial, cause(errno));
    }
    const int error = *fd >= 0 && old.st_mode ? take_after(*fd, &old, S_IRUSR | S_IWUSR) : 0;
    if (error) {
        status = ein_error(EIN_IO, "%s: giving it the permissions of %s: %s", partial, path, cause(error));
        close(*fd);
        *fd = -1;
        unlink(partial);
    }
    free(partial);
    return status;
}

ein_status ein_durable_begin(const char *path) {
    int fd = -1;
    EIN_TRY(open_partial(path, &fd));
    return close(fd) == 0 ? EIN_OK : ein_error(EIN_IO, "%s.partial: closing: %s", path, cause(errno));
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
    if (keep && status == EIN_OK) status = finish(partial, path);
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
        if (status == EIN_OK) status = finish(partial, path);
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
            return ein_error(ein_trouble_status(error), "%s: reading byte %zu: %s", path, have, cause(error));
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
    const int fd = ein_trouble_open(path, 0);
    if (fd < 0) return ein_error(ein_trouble_status(errno), "%s: %s", path, cause(errno));
    struct stat info;
    ein_status status;
    if (fstat(fd, &info) != 0)
        status = ein_error(ein_trouble_status(errno), "%s: %s", path, cause(errno));
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
    if (mkdir(path, 0777) == 0) return ein_durable_sync_folder(path);
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
