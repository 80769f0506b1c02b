#include "io/hdf5/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/hdf5/error.h"

/* What the user says about locks, which HDF5 obeys before it obeys us: NULL if nothing. */
static const char *asked(void) {
    return getenv("HDF5_USE_FILE_LOCKING");
}

static bool are_off(void) {
    const char *value = asked();
    return value && (!strcmp(value, "FALSE") || !strcmp(value, "0"));
}

/* 0: a shared lock can be had; else errno. */
static int try_lock(int fd) {
    int error = EINTR;
    for (int i = 0; i < 100 && error == EINTR; i++) error = flock(fd, LOCK_SH | LOCK_NB) == 0 ? 0 : errno;
    if (error == 0) flock(fd, LOCK_UN);
    return error;
}

ein_status ein_h5_set_locks(const char *path, hid_t access) {
    struct stat about;
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return ein_error(errno == ENOENT ? EIN_NOTFOUND : EIN_IO, "%s: cannot be opened: %s", path,
                         strerror(errno));
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        close(fd);
        return ein_error(EIN_FORMAT, "%s: not a regular file", path);
    }
    const int error = are_off() ? 0 : try_lock(fd);
    close(fd);
    if (error == EWOULDBLOCK)
        return ein_error(EIN_IO, EIN_H5_IN_USE "; HDF5_USE_FILE_LOCKING=FALSE reads it as it is", path);
    if (error != 0 && H5Pset_file_locking(access, false, true) < 0)
        return ein_h5_error(EIN_NOMEM, "%s: preparing to open", path);
    return EIN_OK;
}

ein_status ein_h5_not_opened(const char *path) {
    const int fd = are_off() ? -1 : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const int error = fd >= 0 ? try_lock(fd) : 0;
    if (fd >= 0) close(fd);
    if (error != 0)
        return ein_h5_error(EIN_IO,
                            "%s: cannot be locked (%s), and HDF5_USE_FILE_LOCKING=%s asks for it: set it to "
                            "FALSE",
                            path, strerror(error), asked() ? asked() : "(unset)");
    return ein_h5_error(EIN_CORRUPT, "%s: not a readable HDF5 file: damaged, cut short, or of another kind",
                        path);
}
