/* HDF5 files that are too large for memory: written where they will be, into space that is theirs before. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/hdf5/h5.h"

static hid_t create(const char *partial) {
    const hid_t access = ein_h5_access_serial(), creation = H5Pcreate(H5P_FILE_CREATE);
    hid_t file = -1;
    /* It has an owner, so it needs no lock, which not every file system has. */
    if (access >= 0 && creation >= 0 && H5Pset_file_locking(access, false, true) >= 0 &&
        H5Pset_obj_track_times(creation, false) >= 0)
        file = H5Fcreate(partial, H5F_ACC_TRUNC, creation, access);
    if (access >= 0) H5Pclose(access);
    if (creation >= 0) H5Pclose(creation);
    return file;
}

ein_status ein_h5_large_new(const char *path, int64_t bytes, hid_t *out) {
    char *partial;
    hid_t file = -1;
    *out = -1;
    ein_h5_quiet();
    EIN_TRY(ein_durable_partial_name(path, &partial));
    ein_status status = ein_durable_begin(path);
    if (status == EIN_OK && (file = create(partial)) < 0) {
        status = ein_h5_error(EIN_IO, "%s: cannot create", partial);
        ein_durable_discard(path);
    }
    if (file >= 0) {
        status = ein_error_context(ein_h5_reserve(file, bytes), "%s", partial);
        if (status != EIN_OK) ein_h5_large_save(file, path, status);
    }
    free(partial);
    if (status == EIN_OK) *out = file;
    return status;
}

/* What was reserved and is not needed goes back to the file system. */
static ein_status give_back(const char *path) {
    char *partial;
    struct stat about;
    EIN_TRY(ein_durable_partial_name(path, &partial));
    const bool good = stat(partial, &about) == 0 && truncate(partial, about.st_size) == 0;
    const ein_status status = good ? EIN_OK : ein_error(EIN_IO, "%s: cannot be cut to its length", partial);
    free(partial);
    return status;
}

ein_status ein_h5_large_save(hid_t file, const char *path, ein_status mine) {
    if (mine != EIN_OK) ein_h5_abandon(file);
    ein_status status = ein_h5_close_written(file, mine);
    if (mine == EIN_OK && status != EIN_OK) { /* it is open still */
        ein_error_context(status, "%s", path);
        ein_h5_abandon(file);
        ein_h5_close_written(file, status);
    }
    if (status == EIN_OK) status = give_back(path);
    if (status == EIN_OK) status = ein_durable_commit(path);
    if (status != EIN_OK) ein_durable_discard(path);
    return status;
}
