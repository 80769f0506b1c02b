#include "io/hdf5/storage.h"

#include <stdbool.h>
#include <stdint.h>

#include "io/hdf5/error.h"

enum { CHUNK_SLACK = 64 };

/* What is said of a dataset's storage. */
typedef struct {
    H5D_layout_t layout;
    int rank, filters;
    hsize_t extent[EIN_H5_MAX_RANK], chunk[EIN_H5_MAX_RANK];
    uint64_t item_bytes;
} storage;

/* a * b, or as much as fits. */
static uint64_t times(uint64_t a, uint64_t b) {
    return b > 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static bool filters_are_plain(hid_t list, int filters) {
    if (filters < 0 || filters > 2) return false;
    for (int i = 0; i < filters; i++) {
        unsigned flags = 0, config = 0, values[8];
        size_t n_values = 8;
        const H5Z_filter_t id =
            H5Pget_filter2(list, (unsigned)i, &flags, &n_values, values, 0, NULL, &config);
        if (id != H5Z_FILTER_SHUFFLE && id != H5Z_FILTER_DEFLATE) return false;
    }
    return true;
}

static bool describe(hid_t list, hid_t type, hid_t space, storage *s) {
    s->layout = H5Pget_layout(list);
    s->item_bytes = H5Tget_size(type);
    s->rank = H5Sget_simple_extent_ndims(space);
    s->filters = H5Pget_nfilters(list);
    if (s->item_bytes == 0 || s->rank < 1 || s->rank > EIN_H5_MAX_RANK ||
        !filters_are_plain(list, s->filters))
        return false;
    if (H5Sget_simple_extent_dims(space, s->extent, NULL) != s->rank) return false;
    if (s->layout == H5D_CONTIGUOUS) return H5Pget_external_count(list) == 0;
    if (s->layout != H5D_CHUNKED || H5Pget_chunk(list, s->rank, s->chunk) != s->rank) return false;
    uint64_t bytes = s->item_bytes;
    for (int i = 0; i < s->rank; i++) {
        if (s->chunk[i] == 0) return false;
        bytes = times(bytes, s->chunk[i]);
    }
    return bytes <= EIN_H5_MAX_CHUNK_BYTES;
}

/* A chunk that deflate made is hardly longer than what it holds, or a short one could hold gigabytes. */
static ein_status check_chunk_sizes(hid_t dataset, const char *name, const storage *s, uint64_t chunk_bytes) {
    const uint64_t most = chunk_bytes + chunk_bytes / 512 + CHUNK_SLACK;
    hsize_t corner[EIN_H5_MAX_RANK] = {0}, bytes = 0;
    for (int i = 0; i >= 0;) {
        if (H5Dget_chunk_storage_size(dataset, corner, &bytes) < 0)
            return ein_h5_error(EIN_CORRUPT, "/%s: the size of a block", name);
        if (bytes > most)
            return ein_error(EIN_CORRUPT, "/%s: a block of %llu bytes is stored in %llu", name,
                             (unsigned long long)chunk_bytes, (unsigned long long)bytes);
        for (i = s->rank - 1; i >= 0; i--) { /* the next corner, the last dimension fastest */
            corner[i] += s->chunk[i];
            if (corner[i] < s->extent[i]) break;
            corner[i] = 0;
        }
    }
    return EIN_OK;
}

static ein_status check_chunks(hid_t dataset, hid_t space, const char *name, const storage *s,
                               uint64_t stored) {
    uint64_t chunks = 1, chunk_bytes = s->item_bytes;
    hsize_t found = 0;
    for (int i = 0; i < s->rank; i++) {
        chunks = times(chunks, s->extent[i] / s->chunk[i] + (s->extent[i] % s->chunk[i] != 0));
        chunk_bytes = times(chunk_bytes, s->chunk[i]);
    }
    if (chunks > 0 && H5Dget_num_chunks(dataset, space, &found) < 0)
        return ein_h5_error(EIN_CORRUPT, "/%s: counting its blocks", name);
    if (found != chunks)
        return ein_error(EIN_CORRUPT, "/%s holds %llu of %llu blocks", name, (unsigned long long)found,
                         (unsigned long long)chunks);
    if (times(chunks, chunk_bytes) <= times(stored, s->filters > 0 ? EIN_H5_INFLATION : 1))
        return chunks > 0 && s->filters > 0 ? check_chunk_sizes(dataset, name, s, chunk_bytes) : EIN_OK;
    return ein_error(EIN_CORRUPT, "/%s states %llu blocks of %llu bytes, and only %llu bytes are stored",
                     name, (unsigned long long)chunks, (unsigned long long)chunk_bytes,
                     (unsigned long long)stored);
}

static ein_status check_contiguous(const char *name, const storage *s, uint64_t stored) {
    uint64_t bytes = s->item_bytes;
    for (int i = 0; i < s->rank; i++) bytes = times(bytes, s->extent[i]);
    if (bytes <= stored) return EIN_OK;
    return ein_error(EIN_CORRUPT, "/%s states %llu bytes, and only %llu are stored", name,
                     (unsigned long long)bytes, (unsigned long long)stored);
}

/* Columns and tables of texts are read whole; a few bytes of deflate that become gigabytes are no table of ours. */
static ein_status check_whole(const char *name, const storage *s, uint64_t file_bytes) {
    uint64_t bytes = s->item_bytes;
    for (int i = 0; i < s->rank; i++) bytes = times(bytes, s->extent[i]);
    if (s->rank > 2 || bytes <= EIN_H5_WHOLE_BYTES || bytes <= times(file_bytes, EIN_H5_WHOLE_RATIO))
        return EIN_OK;
    return ein_error(EIN_CORRUPT,
                     "/%s states %llu bytes in a file of %llu; no column of this format is so large", name,
                     (unsigned long long)bytes, (unsigned long long)file_bytes);
}

static ein_status check(hid_t dataset, hid_t list, hid_t type, hid_t space, const char *name) {
    storage s = {0};
    hsize_t file_bytes = 0;
    if (!describe(list, type, space, &s))
        return ein_h5_error(EIN_FORMAT, "/%s is stored in a way that the format does not allow", name);
    const hid_t file = H5Iget_file_id(dataset);
    /* MPI-IO does not know; what it opens was written or checked through the serial driver just before. */
    if (file < 0 || H5Fget_filesize(file, &file_bytes) < 0) {
        H5Eclear2(H5E_DEFAULT);
        file_bytes = INT64_MAX;
    }
    if (file >= 0) H5Fclose(file);
    const uint64_t stored = H5Dget_storage_size(dataset);
    if (stored > file_bytes)
        return ein_error(EIN_CORRUPT, "/%s claims %llu bytes of a file of %llu", name,
                         (unsigned long long)stored, (unsigned long long)file_bytes);
    EIN_TRY(check_whole(name, &s, file_bytes));
    return s.layout == H5D_CHUNKED ? check_chunks(dataset, space, name, &s, stored)
                                   : check_contiguous(name, &s, stored);
}

ein_status ein_h5_check_storage(hid_t dataset, const char *name) {
    const hid_t list = H5Dget_create_plist(dataset), type = H5Dget_type(dataset),
                space = H5Dget_space(dataset);
    const ein_status status = list < 0 || type < 0 || space < 0
                                  ? ein_h5_error(EIN_CORRUPT, "/%s cannot be opened", name)
                                  : check(dataset, list, type, space, name);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (list >= 0) H5Pclose(list);
    return status;
}
