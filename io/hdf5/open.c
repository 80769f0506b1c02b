#include "io/hdf5/open.h"

#include <sys/stat.h>

#include "io/hdf5/error.h"
#include "io/hdf5/locks.h"

hid_t ein_h5_access_serial(void) {
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    if (list < 0) return list;
    /* 1.10 and nothing older: its object headers and indexes carry checksums. */
    if (H5Pset_libver_bounds(list, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0 ||
        H5Pset_file_locking(list, true, true) < 0) {
        H5Pclose(list);
        return -1;
    }
    return list;
}

ein_status ein_h5_open_tried(const char *path, hid_t *out) {
    *out = -1;
    ein_h5_quiet();
    struct stat about;
    if (stat(path, &about) != 0)
        return ein_error(EIN_NOTFOUND, "%s: no such file, or its folder cannot be read", path);
    if (!S_ISREG(about.st_mode)) return ein_error(EIN_FORMAT, "%s: not a regular file", path);
    hid_t access = ein_h5_access_serial();
    if (access < 0) return ein_h5_error(EIN_NOMEM, "%s: preparing to open", path);
    const ein_status status = ein_h5_set_locks(path, access);
    if (status == EIN_OK) *out = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return status != EIN_OK || *out >= 0 ? status : ein_h5_not_opened(path);
}
