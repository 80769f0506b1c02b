/* LD_PRELOAD shim for tests of files: faults of file systems, and places to stop at. Everything is off unless its
 * variable is set.
 *
 *   EIN_HOLD=FILE       fsync waits while FILE exists, from the EIN_HOLD_FROM-th on (1); with EIN_HOLD_AT only of files
 *                       whose path holds that
 *   EIN_FLOCK=ERRNO     flock fails
 *   EIN_HOLD_FLOCK=FILE flock waits while FILE exists
 *   EIN_NO_RENAMEAT2=1  renameat2 fails with EINVAL, as on NFS
 *   EIN_NO_LINK=1       link fails with EPERM, as on FAT
 *   EIN_KILL_AT=N       SIGKILL just before the N-th change of a name (rename, renameat2, link, unlink) below
 *                       EIN_KILL_IN
 *   EIN_HOST=NAME       gethostname
 *   EIN_OPEN=ERRNO      open of a file whose path holds EIN_AT fails, EIN_TIMES times (always)
 *   EIN_READ=ERRNO      read and pread of such a file fail
 *   EIN_WRITE=ERRNO     write to such a file writes half of what it should, and fails the next time
 *   EIN_WALK=ERRNO      fts_read reports such a folder as one that cannot be read
 *   EIN_WHILE=FILE      the faults with EIN_AT come only while FILE exists
 *   EIN_VANISH=TEXT     fts_read, where it looks at files, removes one whose path holds that, and says that it is not
 *                       there
 *   EIN_CALLOC=BYTES    calloc of exactly so many bytes fails
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int number(const char *name) {
    const char *value = getenv(name);
    return value ? atoi(value) : 0;
}

static void change_of(const char *path) {
    static int n;
    const char *in = getenv("EIN_KILL_IN");
    if (!in || strncmp(path, in, strlen(in)) != 0 || ++n != number("EIN_KILL_AT")) return;
    kill(getpid(), SIGKILL);
}

/* Whether the path of an open file holds `part`. */
static int is_at(int fd, const char *part) {
    char link_path[64], path[PATH_MAX];
    snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link_path, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = '\0';
    return strstr(path, part) != NULL;
}

int fsync(int fd) {
    static int n;
    const char *at = getenv("EIN_HOLD_AT");
    const char *hold = (at && !is_at(fd, at)) || ++n < number("EIN_HOLD_FROM") ? NULL : getenv("EIN_HOLD");
    while (hold && access(hold, F_OK) == 0) usleep(5000);
    return NEXT(fsync)(fd);
}

int flock(int fd, int operation) {
    const int error = number("EIN_FLOCK");
    const char *hold = getenv("EIN_HOLD_FLOCK");
    while (hold && access(hold, F_OK) == 0) usleep(5000);
    if (!error) return NEXT(flock)(fd, operation);
    errno = error;
    return -1;
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
    change_of(to);
    if (!number("EIN_NO_RENAMEAT2")) return NEXT(renameat2)(from_fd, from, to_fd, to, flags);
    errno = EINVAL;
    return -1;
}

int rename(const char *from, const char *to) {
    change_of(to);
    return NEXT(rename)(from, to);
}

int link(const char *from, const char *to) {
    change_of(to);
    if (!number("EIN_NO_LINK")) return NEXT(link)(from, to);
    errno = EPERM;
    return -1;
}

int unlink(const char *path) {
    change_of(path);
    return NEXT(unlink)(path);
}

int gethostname(char *name, size_t room) {
    const char *host = getenv("EIN_HOST");
    if (!host) return NEXT(gethostname)(name, room);
    snprintf(name, room, "%s", host);
    return 0;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

static int fails(const char *variable, const char *path) {
    static int times;
    const char *at = getenv("EIN_AT");
    const char *gate = getenv("EIN_WHILE");
    const int error = number(variable), most = number("EIN_TIMES");
    if (gate && access(gate, F_OK) != 0) return 0;
    if (!error || !at || !path || !strstr(path, at) || (most && times >= most)) return 0;
    times++;
    errno = error;
    return 1;
}

static int fails_at(const char *variable, int fd) {
    char link_path[64], path[PATH_MAX];
    if (!number(variable)) return 0;
    snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link_path, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = '\0';
    return fails(variable, path);
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    return fails("EIN_OPEN", path) ? -1 : NEXT(open)(path, flags, mode);
}

int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags) {
    return open(path, flags);
}

ssize_t read(int fd, void *data, size_t bytes) {
    return fails_at("EIN_READ", fd) ? -1 : NEXT(read)(fd, data, bytes);
}

ssize_t pread(int fd, void *data, size_t bytes, off_t at) {
    return fails_at("EIN_READ", fd) ? -1 : NEXT(pread)(fd, data, bytes, at);
}

ssize_t __read_chk(int fd, void *data, size_t bytes, size_t room);
ssize_t __read_chk(int fd, void *data, size_t bytes, size_t room) {
    (void)room;
    return read(fd, data, bytes);
}

ssize_t __pread_chk(int fd, void *data, size_t bytes, off_t at, size_t room);
ssize_t __pread_chk(int fd, void *data, size_t bytes, off_t at, size_t room) {
    (void)room;
    return pread(fd, data, bytes, at);
}

ssize_t write(int fd, const void *data, size_t bytes) {
    static int half_way; /* a disk that fills up takes a part first */
    if (!fails_at("EIN_WRITE", fd)) return NEXT(write)(fd, data, bytes);
    const int error = errno;
    if (!half_way++ && bytes > 1) return NEXT(write)(fd, data, bytes / 2);
    half_way = 0;
    errno = error;
    return -1;
}

FTSENT *fts_read(FTS *fts) {
    FTSENT *entry = NEXT(fts_read)(fts);
    const char *vanish = getenv("EIN_VANISH");
    if (entry && vanish && strstr(entry->fts_path, vanish) &&
        (entry->fts_info == FTS_F || entry->fts_info == FTS_SL)) {
        NEXT(unlink)(entry->fts_path);
        entry->fts_info = FTS_NS;
        entry->fts_errno = ENOENT;
    }
    if (entry && entry->fts_info == FTS_D && fails("EIN_WALK", entry->fts_path)) {
        entry->fts_info = FTS_DNR;
        entry->fts_errno = errno;
    }
    return entry;
}

void *__libc_calloc(size_t count, size_t size);
void *calloc(size_t count, size_t size) {
    const char *bytes = getenv("EIN_CALLOC");
    if (bytes && count * size == strtoull(bytes, NULL, 10)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_calloc(count, size);
}
