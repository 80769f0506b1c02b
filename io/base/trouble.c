#include "io/base/trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

enum { TRIES = 6, FIRST_PAUSE_MS = 20 };

ein_status ein_trouble_status(int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return EIN_NOTFOUND;
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENAMETOOLONG:
    case EISDIR:
    case ENXIO: /* a socket, or a device that is not there */
    case ENODEV:
    case EINVAL:
    case EILSEQ:
    case EOVERFLOW:
        return EIN_IO;
    default:
        return EIN_SYSTEM;
    }
}

bool ein_trouble_is(ein_status status) {
    return status == EIN_SYSTEM || status == EIN_NOMEM;
}

static bool may_pass(int error) {
    return error == EINTR || error == EAGAIN || error == ESTALE || error == ETIMEDOUT || error == EBUSY ||
           error == EMFILE || error == ENFILE || error == ENOMEM || error == EREMOTEIO;
}

int ein_trouble_open(const char *path, int more_flags) {
    struct timespec pause = {.tv_nsec = FIRST_PAUSE_MS * 1000000L};
    for (int i = 1;; i++) {
        const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | more_flags);
        if (fd >= 0 || !may_pass(errno) || i == TRIES) return fd;
        nanosleep(&pause, NULL);
        pause.tv_nsec = pause.tv_nsec < 400000000L ? pause.tv_nsec * 2 : pause.tv_nsec;
    }
}
