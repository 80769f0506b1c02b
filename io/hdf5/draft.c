/* HDF5 files that are put together in memory and written by calls of ours. */
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/hdf5/h5.h"

/* The memory of a file, which the driver hands back when the file is closed: only then is it without the mark of a file
 * that is open for writing. (H5Fget_file_image clears the mark and leaves the checksum over it as it was.) */
struct ein_h5_draft {
    hid_t file;
    void *image;
    size_t room;
};

static void *draft_malloc(size_t bytes, H5FD_file_image_op_t op, void *self) {
    ein_h5_draft *m = self;
    (void)op;
    m->image = malloc(bytes);
    m->room = m->image ? bytes : 0;
    return m->image;
}
static void *draft_realloc(void *image, size_t bytes, H5FD_file_image_op_t op, void *self) {
    ein_h5_draft *m = self;
    (void)op;
    void *more = realloc(image, bytes);
    if (!more) return NULL;
    m->image = more;
    m->room = bytes;
    return more;
}
static void *draft_memcpy(void *to, const void *from, size_t bytes, H5FD_file_image_op_t op, void *self) {
    (void)op;
    (void)self;
    return memcpy(to, from, bytes);
}
static herr_t draft_keep(void *image, H5FD_file_image_op_t op, void *self) {
    (void)op;
    (void)image;
    (void)self;
    return 0;
}
static void *draft_same(void *self) {
    return self;
}
static herr_t draft_nothing(void *self) {
    (void)self;
    return 0;
}

static hid_t draft_access(ein_h5_draft *memory) {
    enum { STEP_BYTES = 1 << 20 };
    H5FD_file_image_callbacks_t calls = {draft_malloc, draft_memcpy,  draft_realloc, draft_keep,
                                         draft_same,   draft_nothing, memory};
    const hid_t access = ein_h5_access_serial();
    if (access >= 0 && H5Pset_fapl_core(access, STEP_BYTES, false) >= 0 &&
        H5Pset_file_image_callbacks(access, &calls) >= 0)
        return access;
    if (access >= 0) H5Pclose(access);
    return -1;
}

static void draft_free(ein_h5_draft *draft) {
    free(draft->image);
    free(draft);
}

ein_status ein_h5_draft_new(ein_h5_draft **out) {
    ein_h5_draft *draft;
    *out = NULL;
    ein_h5_quiet();
    EIN_TRY(EIN_NEW(draft, 1));
    draft->file = -1;
    const hid_t access = draft_access(draft), create = H5Pcreate(H5P_FILE_CREATE);
    if (access >= 0 && create >= 0 && H5Pset_obj_track_times(create, false) >= 0)
        draft->file = H5Fcreate("draft", H5F_ACC_TRUNC, create, access);
    const ein_status status =
        draft->file < 0 ? ein_h5_error(EIN_NOMEM, "a file in memory cannot be made") : EIN_OK;
    if (access >= 0) H5Pclose(access);
    if (create >= 0) H5Pclose(create);
    if (status != EIN_OK) {
        draft_free(draft);
        return status;
    }
    *out = draft;
    return EIN_OK;
}

hid_t ein_h5_draft_file(const ein_h5_draft *draft) {
    return draft->file;
}

/* The end of the file's data, from its superblock of version 2 or 3. */
static ein_status draft_bytes(const ein_h5_draft *m, size_t *out) {
    enum { END_AT = 28, SUPERBLOCK_BYTES = 48 };
    uint64_t end = 0;
    const unsigned char *image = m->image;
    if (m->room >= SUPERBLOCK_BYTES && image[8] >= 2 && image[8] <= 3)
        memcpy(&end, image + END_AT, sizeof end);
    if (end < SUPERBLOCK_BYTES || end > m->room)
        return ein_error(EIN_NOMEM, "the file in memory is not whole");
    *out = (size_t)end;
    return EIN_OK;
}

ein_status ein_h5_draft_save(ein_h5_draft *draft, const char *path, ein_status mine) {
    size_t bytes = 0;
    ein_status status = mine;
    if (H5Fclose(draft->file) < 0 && status == EIN_OK)
        status = ein_h5_error(EIN_NOMEM, "putting it together");
    if (status == EIN_OK) status = draft_bytes(draft, &bytes);
    status = ein_error_context(status, "%s", path);
    if (status == EIN_OK) status = ein_durable_write(path, draft->image, bytes);
    draft_free(draft);
    return status;
}
