#include "io/hdf5/walk.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "io/hdf5/error.h"
#include "io/hdf5/storage.h"

enum { READ_BYTES = 16 << 20, MAX_DIMS = H5S_MAX_RANK };

typedef struct {
    hid_t file;
    int64_t objects;
    uint64_t claimed, file_bytes;
    ein_status status; /* of the first fault, with its message */
} walk;

static herr_t fault(walk *w, const char *name, const char *what) {
    if (w->status == EIN_OK) w->status = ein_h5_error(EIN_CORRUPT, "'%.60s': %s", name, what);
    return -1;
}

/* Values without pointers, which can be read into plain memory and thrown away. */
static bool is_flat(hid_t type) {
    return H5Tdetect_class(type, H5T_VLEN) == 0 && H5Tdetect_class(type, H5T_REFERENCE) == 0 &&
           !(H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) != 0) &&
           (H5Tget_class(type) != H5T_COMPOUND || H5Tdetect_class(type, H5T_STRING) == 0);
}

/* --- attributes ---------------------------------------------------------------------------------------- */

static bool read_attribute(hid_t attribute, hid_t type, hid_t space) {
    const hssize_t n = H5Sget_simple_extent_npoints(space);
    const size_t item = H5Tget_size(type);
    if (n < 0 || item == 0) return false;
    if (n == 0 || !is_flat(type) || (uint64_t)n > READ_BYTES / item) return true;
    void *values = malloc((size_t)n * item);
    const bool good = values && H5Aread(attribute, type, values) >= 0;
    free(values);
    return good;
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *data) {
    (void)info;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    const hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    const hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    bool good =
        H5Aexists(object, name) > 0 && type >= 0 && space >= 0 && read_attribute(attribute, type, space);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) good = H5Aclose(attribute) >= 0 && good;
    return good ? 0 : fault(data, name, "an attribute that cannot be read");
}

/* --- datasets ------------------------------------------------------------------------------------------ */

/* The first chunk, or the first value of what is contiguous. */
static bool read_begin(hid_t dataset, hid_t list, hid_t type, hid_t space) {
    hsize_t extent[MAX_DIMS], chunk[MAX_DIMS], corner[MAX_DIMS] = {0};
    const int rank = H5Sget_simple_extent_dims(space, extent, NULL);
    const size_t item = H5Tget_size(type);
    uint64_t bytes = item;
    if (rank < 0 || item == 0) return false;
    if (rank == 0 || !is_flat(type)) return true;
    const bool chunked = H5Pget_layout(list) == H5D_CHUNKED;
    if (chunked && H5Pget_chunk(list, rank, chunk) != rank) return false;
    for (int i = 0; i < rank; i++) {
        if (extent[i] == 0) return true;
        if (!chunked) chunk[i] = 1;
        if (chunk[i] < extent[i]) extent[i] = chunk[i];
        if (extent[i] > READ_BYTES / bytes) return true;
        bytes *= extent[i];
    }
    const hid_t memory = H5Screate_simple(rank, extent, NULL);
    void *values = malloc(bytes);
    const bool good = values && memory >= 0 &&
                      H5Sselect_hyperslab(space, H5S_SELECT_SET, corner, NULL, extent, NULL) >= 0 &&
                      H5Dread(dataset, type, memory, space, H5P_DEFAULT, values) >= 0;
    free(values);
    if (memory >= 0) H5Sclose(memory);
    return good;
}

static herr_t look_at_dataset(walk *w, const char *name, hid_t dataset, hid_t list, hid_t type, hid_t space) {
    const uint64_t stored = H5Dget_storage_size(dataset);
    if (stored > w->file_bytes || w->claimed > w->file_bytes - stored)
        return fault(w, name, "the datasets claim more bytes than the file has");
    w->claimed += stored;
    /* What the format does not allow is left to the reader, who names it; only what it may read is read here. */
    if (ein_h5_check_storage(dataset, name) != EIN_OK) {
        ein_error_clear();
        return 0;
    }
    return read_begin(dataset, list, type, space) ? 0 : fault(w, name, "its first values cannot be read");
}

static herr_t visit_dataset(walk *w, const char *name, hid_t dataset) {
    const hid_t list = H5Dget_create_plist(dataset), type = H5Dget_type(dataset),
                space = H5Dget_space(dataset);
    herr_t code = list < 0 || type < 0 || space < 0 ? fault(w, name, "a dataset that cannot be opened")
                                                    : look_at_dataset(w, name, dataset, list, type, space);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (list >= 0) H5Pclose(list);
    return code;
}

/* --- objects ------------------------------------------------------------------------------------------- */

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *data) {
    H5L_info_t again;
    (void)info;
    if (H5Lexists(group, name, H5P_DEFAULT) > 0 && H5Lget_info(group, name, &again, H5P_DEFAULT) >= 0)
        return 0;
    return fault(data, name, "a link that cannot be read");
}

static herr_t visit_object(hid_t root, const char *name, const H5O_info_t *info, void *data) {
    walk *w = data;
    (void)info;
    if (++w->objects > EIN_H5_MAX_OBJECTS) return fault(w, name, "more objects than any file of ours has");
    const hid_t object = H5Oopen(root, name, H5P_DEFAULT);
    if (object < 0) return fault(w, name, "cannot be opened");
    const H5I_type_t kind = H5Iget_type(object);
    herr_t code = 0;
    if (kind == H5I_DATASET) code = visit_dataset(w, name, object);
    if (kind == H5I_GROUP && H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_link, w) < 0)
        code = fault(w, name, "a group that cannot be listed");
    if (code >= 0 && H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute, w) < 0)
        code = fault(w, name, "attributes that cannot be listed");
    if (H5Oclose(object) < 0) code = fault(w, name, "cannot be closed");
    return code;
}

ein_status ein_h5_walk(hid_t file) {
    walk w = {.file = file, .status = EIN_OK};
    hsize_t bytes = 0;
    if (H5Fget_filesize(file, &bytes) < 0) return ein_h5_error(EIN_CORRUPT, "its size");
    w.file_bytes = bytes;
    const herr_t code = H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, visit_object, &w);
    if (code < 0 && w.status == EIN_OK) w.status = ein_h5_error(EIN_CORRUPT, "listing its objects");
    return w.status;
}
