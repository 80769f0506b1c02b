#include "io/hdf5/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/hash.h"
#include "io/hdf5/column.h"
#include "io/hdf5/probe.h"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "files of ours are little-endian and read without conversion"
#endif

enum { CHUNK_ITEM_BYTES = 1 << 18, DEFLATE_LEVEL = 4 };

ein_status ein_h5_open_read(const char *path, hid_t *out) {
    *out = -1;
    EIN_TRY(ein_h5_probe(path));
    return ein_h5_open_tried(path, out);
}

/* Let the file's descriptor lead to memory, where every write succeeds. */
void ein_h5_abandon(hid_t file) {
    void *handle = NULL;
    if (H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || !handle) return;
    const int memory = memfd_create("einthoven-abandoned", MFD_CLOEXEC);
    if (memory < 0) return;
    dup2(memory, *(const int *)handle);
    close(memory);
}

ein_status ein_h5_reserve(hid_t file, int64_t bytes) {
    void *handle = NULL;
    struct rlimit limit;
    int error = 0;
    if (H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || !handle)
        return ein_h5_error(EIN_IO, "finding the file's descriptor");
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < (rlim_t)bytes)
        error = EFBIG;
    else if (fallocate(*(const int *)handle, FALLOC_FL_KEEP_SIZE, 0, bytes) != 0)
        error = errno;
    /* Where space cannot be reserved (some network file systems), it is hoped for. */
    if (error != ENOSPC && error != EDQUOT && error != EFBIG) return EIN_OK;
    ein_h5_abandon(file);
    return ein_error(EIN_IO, "%s (%.1f MB are needed)", strerror(error), (double)bytes / 1e6);
}

static ein_status flush_and_close(hid_t file) {
    if (H5Fflush(file, H5F_SCOPE_GLOBAL) < 0) return ein_h5_error(EIN_IO, "writing; is the disk full?");
    return H5Fclose(file) < 0 ? ein_h5_error(EIN_IO, "closing") : EIN_OK;
}

ein_status ein_h5_close_written(hid_t file, ein_status mine) {
    struct rlimit was;
    if (mine == EIN_OK) return flush_and_close(file);
    /* What is given up goes to memory, for which a limit on the size of files holds too. */
    const bool known = getrlimit(RLIMIT_FSIZE, &was) == 0;
    if (known) setrlimit(RLIMIT_FSIZE, &(struct rlimit){was.rlim_max, was.rlim_max});
    if (H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0) H5Fclose(file);
    if (known) setrlimit(RLIMIT_FSIZE, &was);
    return mine;
}

/* --- attributes ------------------------------------------------------------------------------------ */

static hid_t text_type(size_t bytes) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0) return type;
    if (H5Tset_size(type, bytes ? bytes : 1) < 0 || H5Tset_strpad(type, H5T_STR_NULLPAD) < 0 ||
        H5Tset_cset(type, H5T_CSET_UTF8) < 0) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

static ein_status put(hid_t object, const char *name, hid_t type, const void *value) {
    ein_status status = EIN_OK;
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = space < 0 ? -1 : H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, type, value) < 0)
        status = ein_h5_error(EIN_IO, "writing attribute '%s'", name);
    if (attribute >= 0 && H5Aclose(attribute) < 0 && status == EIN_OK)
        status = ein_h5_error(EIN_IO, "closing attribute '%s'", name);
    if (space >= 0) H5Sclose(space);
    return status;
}

ein_status ein_h5_put_text(hid_t object, const char *name, const char *text) {
    hid_t type = text_type(strlen(text));
    if (type < 0) return ein_h5_error(EIN_NOMEM, "attribute '%s'", name);
    ein_status status = put(object, name, type, text);
    H5Tclose(type);
    return status;
}

ein_status ein_h5_put_i64(hid_t object, const char *name, int64_t value) {
    return put(object, name, H5T_STD_I64LE, &value);
}

ein_status ein_h5_put_f64(hid_t object, const char *name, double value) {
    return put(object, name, H5T_IEEE_F64LE, &value);
}

/* Open a scalar attribute of the wanted kind; `type` negative asks for fixed-length text. */
static ein_status open_attribute(hid_t object, const char *name, hid_t type, hid_t *attribute,
                                 size_t *bytes) {
    *attribute = -1;
    if (H5Aexists(object, name) <= 0) return ein_h5_error(EIN_FORMAT, "attribute '%s' is missing", name);
    hid_t a = H5Aopen(object, name, H5P_DEFAULT);
    hid_t space = a < 0 ? -1 : H5Aget_space(a), found = a < 0 ? -1 : H5Aget_type(a);
    bool good = space >= 0 && found >= 0 && H5Sget_simple_extent_type(space) == H5S_SCALAR;
    if (good && type >= 0) good = H5Tequal(found, type) > 0;
    if (good && type < 0) good = H5Tget_class(found) == H5T_STRING && H5Tis_variable_str(found) == 0;
    *bytes = good ? H5Tget_size(found) : 0;
    if (space >= 0) H5Sclose(space);
    if (found >= 0) H5Tclose(found);
    if (good) {
        *attribute = a;
        return EIN_OK;
    }
    if (a >= 0) H5Aclose(a);
    return ein_h5_error(EIN_FORMAT, "attribute '%s' is not of the type that the format says", name);
}

static ein_status get(hid_t object, const char *name, hid_t type, void *out) {
    hid_t attribute = -1;
    size_t bytes = 0;
    EIN_TRY(open_attribute(object, name, type, &attribute, &bytes));
    herr_t code = H5Aread(attribute, type, out);
    H5Aclose(attribute);
    return code < 0 ? ein_h5_error(EIN_IO, "reading attribute '%s'", name) : EIN_OK;
}

ein_status ein_h5_get_i64(hid_t object, const char *name, int64_t *out) {
    return get(object, name, H5T_STD_I64LE, out);
}

ein_status ein_h5_get_f64(hid_t object, const char *name, double *out) {
    return get(object, name, H5T_IEEE_F64LE, out);
}

ein_status ein_h5_get_text(hid_t object, const char *name, int64_t limit, char **out) {
    *out = NULL;
    hid_t attribute = -1, type = -1;
    size_t bytes = 0;
    EIN_TRY(open_attribute(object, name, -1, &attribute, &bytes));
    ein_status status = EIN_OK;
    if ((int64_t)bytes > limit)
        status = ein_error(EIN_FORMAT, "attribute '%s' has %zu bytes; at most %lld are read", name, bytes,
                           (long long)limit);
    if (status == EIN_OK) status = ein_calloc((void **)out, (int64_t)bytes + 1, 1, name);
    if (status == EIN_OK) {
        type = text_type(bytes);
        if (type < 0 || H5Aread(attribute, type, *out) < 0)
            status = ein_h5_error(EIN_IO, "reading attribute '%s'", name);
        if (type >= 0) H5Tclose(type);
    }
    H5Aclose(attribute);
    if (status != EIN_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}

/* --- datasets -------------------------------------------------------------------------------------- */

/* Every link on the way must be hard: a soft or external link may lead out of the file. */
static bool hard_linked(hid_t file, const char *name) {
    char part[256];
    size_t n = strlen(name);
    if (n >= sizeof part) return false;
    for (size_t i = 1; i <= n; i++) {
        if (name[i] != '/' && name[i] != '\0') continue;
        memcpy(part, name, i);
        part[i] = '\0';
        H5L_info_t info;
        if (H5Lexists(file, part, H5P_DEFAULT) <= 0 || H5Lget_info(file, part, &info, H5P_DEFAULT) < 0)
            return false;
        if (info.type != H5L_TYPE_HARD) return false;
    }
    return n > 0;
}

static ein_status check_extent(hid_t dataset, const char *name, int rank, const int64_t *extent,
                               int64_t *found) {
    hsize_t dims[EIN_H5_MAX_RANK] = {0};
    hid_t space = H5Dget_space(dataset);
    int found_rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    if (found_rank == rank) H5Sget_simple_extent_dims(space, dims, NULL);
    if (space >= 0) H5Sclose(space);
    if (found_rank != rank)
        return ein_error(EIN_FORMAT, "/%s has %d dimensions; the format says %d", name, found_rank, rank);
    for (int i = 0; i < rank; i++) {
        if (dims[i] > (hsize_t)INT64_MAX || (extent[i] >= 0 && (int64_t)dims[i] != extent[i]))
            return ein_error(EIN_FORMAT, "/%s has extent %llu in dimension %d; %lld was expected", name,
                             (unsigned long long)dims[i], i, (long long)extent[i]);
        if (found) found[i] = (int64_t)dims[i];
    }
    return EIN_OK;
}

ein_status ein_h5_open_dataset(hid_t file, const char *name, hid_t type, int rank, const int64_t *extent,
                               int64_t *found, hid_t *out) {
    *out = -1;
    EIN_BUG_IF(rank < 1 || rank > EIN_H5_MAX_RANK);
    if (!hard_linked(file, name)) {
        H5Eclear2(H5E_DEFAULT);
        return ein_error(EIN_FORMAT, "/%s is missing", name);
    }
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset < 0) return ein_h5_error(EIN_CORRUPT, "/%s cannot be opened", name);
    hid_t stored = H5Dget_type(dataset);
    size_t item = stored < 0 ? 0 : H5Tget_size(stored);
    bool typed = item > 0 && (type >= 0 ? H5Tequal(stored, type) > 0
                                        : H5Tget_class(stored) == H5T_STRING && item <= EIN_H5_MAX_TEXT &&
                                              H5Tis_variable_str(stored) == 0);
    if (stored >= 0) H5Tclose(stored);
    ein_status status = EIN_OK;
    if (!typed) status = ein_h5_error(EIN_FORMAT, "/%s is not of the type that the format says", name);
    if (status == EIN_OK) status = check_extent(dataset, name, rank, extent, found);
    if (status == EIN_OK) status = ein_h5_check_storage(dataset, name);
    if (status != EIN_OK) {
        H5Dclose(dataset);
        return status;
    }
    *out = dataset;
    return EIN_OK;
}

/* --- columns --------------------------------------------------------------------------------------- */

hsize_t ein_h5_chunk_rows(hsize_t n, uint64_t row_bytes) {
    const hsize_t rows = CHUNK_ITEM_BYTES / row_bytes > 0 ? CHUNK_ITEM_BYTES / row_bytes : 1;
    return n < rows ? n : rows;
}

static hid_t column_list(int rank, const hsize_t *dims, size_t item_bytes) {
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    if (list < 0) return list;
    bool good = H5Pset_obj_track_times(list, false) >= 0;
    if (good && dims[0] > 0) { /* an empty dataset of fixed extent cannot be chunked */
        hsize_t chunk[2] = {dims[0], rank > 1 ? dims[1] : 1};
        chunk[0] = ein_h5_chunk_rows(dims[0], item_bytes * chunk[1]);
        good = H5Pset_chunk(list, rank, chunk) >= 0 && H5Pset_shuffle(list) >= 0 &&
               H5Pset_deflate(list, DEFLATE_LEVEL) >= 0;
    }
    if (good) return list;
    H5Pclose(list);
    return -1;
}

ein_status ein_h5_column_create(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims,
                                hid_t *out) {
    hid_t space = H5Screate_simple(rank, dims, NULL);
    hid_t list = column_list(rank, dims, H5Tget_size(type));
    *out = space < 0 || list < 0 ? -1 : H5Dcreate2(file, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    ein_status status = *out < 0 ? ein_h5_error(EIN_IO, "creating /%s", name) : EIN_OK;
    if (space >= 0) H5Sclose(space);
    if (list >= 0) H5Pclose(list);
    return status;
}

ein_status ein_h5_column_finish(hid_t dataset, const char *name, const char *hash) {
    ein_status status = ein_h5_put_text(dataset, "blake2b", hash);
    if (H5Dclose(dataset) < 0 && status == EIN_OK) status = ein_h5_error(EIN_IO, "closing /%s", name);
    return ein_error_context(status, "/%s", name);
}

ein_status ein_h5_write_column(hid_t file, const char *name, hid_t type, int64_t n, int64_t width,
                               const void *data) {
    hsize_t dims[2] = {(hsize_t)n, (hsize_t)width};
    char hash[EIN_HASH_TEXT_BYTES];
    hid_t dataset = -1;
    EIN_TRY(ein_h5_column_create(file, name, type, width > 0 ? 2 : 1, dims, &dataset));
    size_t bytes = (size_t)n * (size_t)(width > 0 ? width : 1) * H5Tget_size(type);
    if (n > 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
        ein_status status = ein_h5_error(EIN_IO, "writing /%s", name);
        H5Dclose(dataset);
        return status;
    }
    ein_hash_text(data, bytes, hash);
    return ein_h5_column_finish(dataset, name, hash);
}

static ein_status column_verify(hid_t dataset, const char *name, const void *data, size_t bytes) {
    char *said = NULL, hash[EIN_HASH_TEXT_BYTES];
    EIN_TRY(ein_h5_get_text(dataset, "blake2b", EIN_HASH_TEXT_BYTES, &said));
    ein_hash_text(data, bytes, hash);
    bool same = strcmp(said, hash) == 0;
    free(said);
    return same ? EIN_OK
                : ein_error(EIN_CORRUPT, "/%s does not match its checksum: the file was damaged", name);
}

static ein_status read_whole(hid_t dataset, const char *name, hid_t type, int64_t values, void *data) {
    if (values > 0 && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        return ein_h5_error(EIN_CORRUPT, "reading /%s", name);
    return column_verify(dataset, name, data, (size_t)values * H5Tget_size(type));
}

ein_status ein_h5_read_column(hid_t file, const char *name, hid_t type, int64_t n, int64_t width,
                              void *data) {
    int64_t extent[2] = {n, width};
    hid_t dataset = -1;
    EIN_TRY(ein_h5_open_dataset(file, name, type, width > 0 ? 2 : 1, extent, NULL, &dataset));
    ein_status status = read_whole(dataset, name, type, n * (width > 0 ? width : 1), data);
    H5Dclose(dataset);
    return status;
}

ein_status ein_h5_load_column(hid_t file, const char *name, hid_t type, int64_t n, int64_t width, void *out) {
    void *fresh = NULL;
    int64_t extent[2] = {n, width};
    const int64_t values = n * (width > 0 ? width : 1);
    hid_t dataset = -1;
    memcpy(out, &fresh, sizeof fresh);
    EIN_TRY(ein_h5_open_dataset(file, name, type, width > 0 ? 2 : 1, extent, NULL, &dataset));
    ein_status status = ein_calloc(&fresh, values, (int64_t)H5Tget_size(type), name);
    if (status == EIN_OK) status = read_whole(dataset, name, type, values, fresh);
    H5Dclose(dataset);
    if (status == EIN_OK)
        memcpy(out, &fresh, sizeof fresh);
    else
        free(fresh);
    return status;
}

/* --- texts ----------------------------------------------------------------------------------------- */

ein_status ein_h5_write_texts(hid_t file, const char *name, const ein_texts *texts) {
    int64_t width = texts->longest > 0 ? texts->longest : 1;
    if (width > EIN_H5_MAX_TEXT)
        return ein_error(EIN_RANGE, "/%s: a text of %lld bytes; at most %d are kept", name, (long long)width,
                         EIN_H5_MAX_TEXT);
    char *table = NULL, hash[EIN_HASH_TEXT_BYTES];
    hid_t type = -1, dataset = -1;
    EIN_TRY(ein_calloc((void **)&table, texts->n, width, name));
    for (int64_t i = 0; i < texts->n; i++)
        memcpy(table + i * width, ein_texts_get(texts, i), strlen(ein_texts_get(texts, i)));
    ein_status status = EIN_OK;
    type = text_type((size_t)width);
    if (type < 0) EIN_TRY_GOTO(status, ein_h5_error(EIN_NOMEM, "/%s", name), done);
    hsize_t dims[1] = {(hsize_t)texts->n};
    EIN_TRY_GOTO(status, ein_h5_column_create(file, name, type, 1, dims, &dataset), done);
    if (texts->n > 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, table) < 0) {
        status = ein_h5_error(EIN_IO, "writing /%s", name);
        H5Dclose(dataset);
        goto done;
    }
    ein_hash_text(table, (size_t)(texts->n * width), hash);
    status = ein_h5_column_finish(dataset, name, hash);
done:
    if (type >= 0) H5Tclose(type);
    free(table);
    return status;
}

/* Read into a table of width + 1, so that each text ends in NUL whatever the file holds. */
static ein_status read_table(hid_t dataset, const char *name, int64_t n, size_t width, char **out) {
    char *packed = NULL;
    hid_t type = text_type(width);
    ein_status status = type < 0 ? ein_h5_error(EIN_NOMEM, "/%s", name) : EIN_OK;
    if (status == EIN_OK) status = ein_calloc((void **)&packed, n, (int64_t)width, name);
    if (status == EIN_OK && n > 0 && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed) < 0)
        status = ein_h5_error(EIN_CORRUPT, "reading /%s", name);
    if (status == EIN_OK) status = column_verify(dataset, name, packed, (size_t)n * width);
    if (status == EIN_OK) status = ein_calloc((void **)out, n, (int64_t)width + 1, name);
    for (int64_t i = 0; status == EIN_OK && i < n; i++)
        memcpy(*out + (size_t)i * (width + 1), packed + (size_t)i * width, width);
    if (type >= 0) H5Tclose(type);
    free(packed);
    return status;
}

ein_status ein_h5_read_texts(hid_t file, const char *name, int64_t n, char **out, int64_t *stride) {
    *out = NULL;
    *stride = 0;
    hid_t dataset = -1;
    EIN_TRY(ein_h5_open_dataset(file, name, -1, 1, &n, NULL, &dataset));
    hid_t stored = H5Dget_type(dataset);
    size_t width = stored < 0 ? 1 : H5Tget_size(stored);
    if (stored >= 0) H5Tclose(stored);
    ein_status status = read_table(dataset, name, n, width, out);
    H5Dclose(dataset);
    *stride = (int64_t)width + 1;
    return status;
}

typedef struct {
    ein_texts *names;
    ein_status status;
} member_walk;

static herr_t add_member(hid_t group, const char *name, const H5L_info_t *info, void *data) {
    (void)group;
    member_walk *walk = data;
    if (info->type == H5L_TYPE_HARD && walk->names->n < 65536)
        walk->status = ein_texts_add(walk->names, name);
    return walk->status == EIN_OK ? 0 : -1;
}

ein_status ein_h5_members(hid_t file, const char *name, ein_texts *out) {
    memset(out, 0, sizeof *out);
    if (!hard_linked(file, name)) {
        H5Eclear2(H5E_DEFAULT);
        return ein_error(EIN_FORMAT, "/%s is missing", name);
    }
    hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
    if (group < 0) return ein_h5_error(EIN_FORMAT, "/%s is no group", name);
    member_walk walk = {out, EIN_OK};
    herr_t code = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, add_member, &walk);
    H5Gclose(group);
    if (walk.status == EIN_OK && code < 0) walk.status = ein_h5_error(EIN_CORRUPT, "listing /%s", name);
    if (walk.status != EIN_OK) ein_texts_free(out);
    return walk.status;
}
