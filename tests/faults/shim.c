/* LD_PRELOAD shim for tests of files: faults of file systems, and places to stop at. Everything is off unless its
 * variable is set.
 *
 *   EIN_HOLD=FILE       fsync waits while FILE exists, from the EIN_HOLD_FROM-th on (1)
 *   EIN_FLOCK=ERRNO     flock fails
 *   EIN_NO_RENAMEAT2=1  renameat2 fails with EINVAL, as on NFS
 *   EIN_NO_LINK=1       link fails with EPERM, as on FAT
 *   EIN_KILL_AT=N       SIGKILL just before the N-th change of a name (rename, renameat2, link, unlink) below
 *                       EIN_KILL_IN
 *   EIN_HOST=NAME       gethostname
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

int fsync(int fd) {
    static int n;
    const char *hold = ++n < number("EIN_HOLD_FROM") ? NULL : getenv("EIN_HOLD");
    while (hold && access(hold, F_OK) == 0) usleep(5000);
    return NEXT(fsync)(fd);
}

int flock(int fd, int operation) {
    const int error = number("EIN_FLOCK");
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
