#include "io/model/checkpoint_hdf5.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/h5.h"
#include "io/model/shape.h"

#define FORMAT        "einthoven checkpoint"
#define METRICS_BYTES "metrics_bytes"
#define METRICS_HASH  "metrics_blake2b_256"

/* One transfer moves at most this many values: 256 MiB, far below the 2^31 bytes where some MPI-IO end. */
enum { MAX_TRANSFER_VALUES = 1 << 26, MAX_DIMS = 4, NAME_BYTES = 80 };

static const char *const groups[3] = {"param", "m", "v"};

/* --- what the attributes are ------------------------------------------------------------------------- */

static ein_status put_shape(hid_t root, const ein_layout *layout) {
    ein_vit_shape shape = layout->shape;
    int *field[EIN_SHAPE_ALL_FIELDS];
    ein_shape_fields(&shape, field);
    const int fields = ein_shape_fields_told(&shape);
    for (int i = 0; i < fields; i++) EIN_TRY(ein_h5_put_i64(root, ein_shape_field_names[i], *field[i]));
    return ein_h5_put_text(root, "parts", ein_vit_parts_name(layout->parts));
}

static ein_status put_state(hid_t root, const ein_train_state *state) {
    int64_t seed;
    memcpy(&seed, &state->seed, sizeof seed);
    EIN_TRY(ein_h5_put_i64(root, "step", state->step));
    EIN_TRY(ein_h5_put_i64(root, "epoch", state->epoch));
    EIN_TRY(ein_h5_put_i64(root, "step_in_epoch", state->step_in_epoch));
    EIN_TRY(ein_h5_put_i64(root, "seed", seed));
    EIN_TRY(ein_h5_put_i64(root, "best_step", state->best_step));
    EIN_TRY(ein_h5_put_i64(root, "skipped_steps", state->skipped_steps));
    EIN_TRY(ein_h5_put_i64(root, "validated_epochs", state->validated_epochs));
    EIN_TRY(ein_h5_put_f64(root, "best_value", state->best_value));
    if (state->metrics_bytes == 0) return EIN_OK;
    char hash[EIN_HASH_TEXT_BYTES];
    ein_hex(state->metrics_hash, EIN_HASH_BYTES, hash);
    EIN_TRY(ein_h5_put_i64(root, METRICS_BYTES, state->metrics_bytes));
    return ein_h5_put_text(root, METRICS_HASH, hash);
}

/* Of metrics.csv, if the file tells. */
static ein_status get_metrics(hid_t root, ein_train_state *state) {
    char *text = NULL;
    if (H5Aexists(root, METRICS_BYTES) <= 0) return EIN_OK;
    EIN_TRY(ein_h5_get_i64(root, METRICS_BYTES, &state->metrics_bytes));
    EIN_TRY(ein_h5_get_text(root, METRICS_HASH, EIN_HASH_TEXT_BYTES, &text));
    bool good = state->metrics_bytes > 0 && strlen(text) == 2 * EIN_HASH_BYTES;
    for (int i = 0; good && i < EIN_HASH_BYTES; i++)
        good = sscanf(text + 2 * i, "%2hhx", &state->metrics_hash[i]) == 1;
    free(text);
    return good ? EIN_OK : ein_error(EIN_FORMAT, "what it says of metrics.csv is no length and hash");
}

static ein_status get_state(hid_t root, ein_train_state *state) {
    int64_t seed;
    EIN_TRY(ein_h5_get_i64(root, "step", &state->step));
    EIN_TRY(ein_h5_get_i64(root, "epoch", &state->epoch));
    EIN_TRY(ein_h5_get_i64(root, "step_in_epoch", &state->step_in_epoch));
    EIN_TRY(ein_h5_get_i64(root, "seed", &seed));
    EIN_TRY(ein_h5_get_i64(root, "best_step", &state->best_step));
    EIN_TRY(ein_h5_get_i64(root, "skipped_steps", &state->skipped_steps));
    EIN_TRY(ein_h5_get_i64(root, "validated_epochs", &state->validated_epochs));
    memcpy(&state->seed, &seed, sizeof seed);
    EIN_TRY(get_metrics(root, state));
    return ein_h5_get_f64(root, "best_value", &state->best_value);
}

/* --- texts ------------------------------------------------------------------------------------------- */

static hid_t text_type(size_t bytes) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0) return type;
    if (H5Tset_size(type, bytes ? bytes : 1) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 &&
        H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
        return type;
    H5Tclose(type);
    return -1;
}

static hid_t dataset_list(void) {
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    if (list < 0) return list;
    /* Fill values would be written by one rank where all are about to write anyway. */
    if (H5Pset_obj_track_times(list, false) >= 0 && H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) >= 0 &&
        H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0)
        return list;
    H5Pclose(list);
    return -1;
}

static ein_status put_text_dataset(hid_t root, const char *name, const char *text, hid_t list) {
    size_t bytes = strlen(text);
    if (bytes > EIN_CHECKPOINT_TEXT_BYTES)
        return ein_error(EIN_RANGE, "/%s: a text of %zu bytes; at most %d are kept", name, bytes,
                         EIN_CHECKPOINT_TEXT_BYTES);
    ein_status status = EIN_OK;
    hid_t type = text_type(bytes), space = H5Screate(H5S_SCALAR), dataset = -1;
    if (type >= 0 && space >= 0)
        dataset = H5Dcreate2(root, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (dataset < 0 || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) < 0)
        status = ein_h5_error(EIN_IO, "writing /%s", name);
    if (dataset >= 0 && H5Dclose(dataset) < 0 && status == EIN_OK)
        status = ein_h5_error(EIN_IO, "closing /%s", name);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return status;
}

/* Size of a scalar fixed-length text dataset in this very file, or -1. */
static int64_t text_bytes(hid_t dataset) {
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset), list = H5Dget_create_plist(dataset);
    bool good = type >= 0 && space >= 0 && list >= 0 && H5Tget_class(type) == H5T_STRING &&
                H5Tis_variable_str(type) == 0 && H5Sget_simple_extent_type(space) == H5S_SCALAR &&
                H5Pget_layout(list) == H5D_CONTIGUOUS && H5Pget_external_count(list) == 0;
    int64_t bytes = good ? (int64_t)H5Tget_size(type) : -1;
    if (list >= 0) H5Pclose(list);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return bytes;
}

static ein_status get_text_dataset(hid_t root, const char *name, char **out) {
    H5L_info_t link;
    if (H5Lexists(root, name, H5P_DEFAULT) <= 0 || H5Lget_info(root, name, &link, H5P_DEFAULT) < 0 ||
        link.type != H5L_TYPE_HARD)
        return ein_h5_error(EIN_FORMAT, "/%s is missing", name);
    hid_t dataset = H5Dopen2(root, name, H5P_DEFAULT);
    int64_t bytes = dataset < 0 ? -1 : text_bytes(dataset);
    ein_status status = EIN_OK;
    if (bytes < 0 || bytes > EIN_CHECKPOINT_TEXT_BYTES)
        status = ein_h5_error(EIN_FORMAT, "/%s is not a text as the format says", name);
    if (status == EIN_OK) status = ein_calloc((void **)out, bytes + 1, 1, name);
    if (status == EIN_OK) {
        hid_t type = text_type((size_t)bytes);
        if (type < 0 || H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) < 0)
            status = ein_h5_error(EIN_CORRUPT, "reading /%s", name);
        if (type >= 0) H5Tclose(type);
    }
    if (dataset >= 0) H5Dclose(dataset);
    return status;
}

/* --- creating ---------------------------------------------------------------------------------------- */

static ein_status create_tensor(hid_t group, const ein_tensor *t, hid_t list) {
    hsize_t dims[MAX_DIMS];
    for (int d = 0; d < t->ndim; d++) dims[d] = (hsize_t)t->shape[d];
    hid_t space = H5Screate_simple(t->ndim, dims, NULL), dataset = -1;
    if (space >= 0)
        dataset = H5Dcreate2(group, t->name, H5T_IEEE_F32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    ein_status status = dataset < 0 ? ein_h5_error(EIN_IO, "creating %s", t->name) : EIN_OK;
    if (dataset >= 0 && H5Dclose(dataset) < 0) status = ein_h5_error(EIN_IO, "closing %s", t->name);
    if (space >= 0) H5Sclose(space);
    return status;
}

static ein_status create_group(hid_t root, const char *name, const ein_layout *layout, hid_t list) {
    hid_t group_list = H5Pcreate(H5P_GROUP_CREATE), group = -1;
    if (group_list >= 0 && H5Pset_obj_track_times(group_list, false) >= 0)
        group = H5Gcreate2(root, name, H5P_DEFAULT, group_list, H5P_DEFAULT);
    ein_status status = group < 0 ? ein_h5_error(EIN_IO, "creating /%s", name) : EIN_OK;
    for (int i = 0; i < layout->n_tensors && status == EIN_OK; i++)
        status = create_tensor(group, &layout->tensors[i], list);
    if (group >= 0 && H5Gclose(group) < 0 && status == EIN_OK)
        status = ein_h5_error(EIN_IO, "closing /%s", name);
    if (group_list >= 0) H5Pclose(group_list);
    return ein_error_context(status, "/%s", name);
}

static const char *or_empty(const char *text) {
    return text ? text : "";
}

static ein_status fill(hid_t root, const ein_checkpoint *checkpoint, hid_t list) {
    EIN_TRY(ein_h5_put_text(root, "format", FORMAT));
    EIN_TRY(ein_h5_put_i64(root, "version", EIN_CHECKPOINT_VERSION));
    EIN_TRY(ein_h5_put_text(root, "program", checkpoint->program ? checkpoint->program : "unknown"));
    EIN_TRY(put_shape(root, checkpoint->layout));
    EIN_TRY(put_state(root, checkpoint->state));
    EIN_TRY(put_text_dataset(root, "config", or_empty(checkpoint->config_yaml), list));
    EIN_TRY(put_text_dataset(root, "contract", or_empty(checkpoint->contract_text), list));
    EIN_TRY(put_text_dataset(root, "blas", or_empty(checkpoint->blas), list));
    for (int g = 0; g < 3; g++) EIN_TRY(create_group(root, groups[g], checkpoint->layout, list));
    return EIN_OK;
}

/* Format of HDF5 1.8: object headers with checksums and without time stamps, and no flag that marks a file as
 * open for writing, which would change the bytes while several ranks hold it. No file locks: the name
 * ends in .partial and the run folder has a lock. */
static hid_t create_file(const char *partial) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE), file = -1;
    if (access >= 0 && creation >= 0 && H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0 &&
        H5Pset_file_locking(access, false, true) >= 0 &&
        H5Pset_userblock(creation, EIN_CHECKPOINT_HEAD_BYTES) >= 0 &&
        H5Pset_obj_track_times(creation, false) >= 0)
        file = H5Fcreate(partial, H5F_ACC_TRUNC, creation, access);
    if (creation >= 0) H5Pclose(creation);
    if (access >= 0) H5Pclose(access);
    return file;
}

/* Bytes that the whole file takes at most: values, texts, and what HDF5 keeps about each dataset. */
static int64_t bytes_at_most(const ein_checkpoint *c) {
    enum { PER_DATASET = 2048, REST = 1 << 20 };
    const char *const texts[] = {c->config_yaml, c->contract_text, c->blas};
    int64_t bytes = REST;
    for (int i = 0; i < 3; i++) bytes += (int64_t)strlen(or_empty(texts[i]));
    for (int i = 0; i < c->layout->n_tensors; i++)
        bytes += 3 * (PER_DATASET + (int64_t)sizeof(float) * c->layout->tensors[i].count);
    return bytes;
}

ein_status ein_checkpoint_create(const char *partial, const ein_checkpoint *checkpoint) {
    ein_h5_quiet();
    hid_t file = create_file(partial);
    if (file < 0) return ein_h5_error(EIN_IO, "%s: cannot create", partial);
    ein_status status = ein_h5_reserve(file, bytes_at_most(checkpoint));
    hid_t list = dataset_list();
    if (status == EIN_OK && list < 0) status = ein_h5_error(EIN_NOMEM, "preparing datasets");
    if (status == EIN_OK) status = fill(file, checkpoint, list);
    if (list >= 0) H5Pclose(list);
    status = ein_h5_close_written(file, status);
    return ein_error_context(status, "%s", partial);
}

/* --- checking ---------------------------------------------------------------------------------------- */

static ein_status open_tensor(hid_t file, const char *group, const ein_tensor *t, hid_t *dataset) {
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%s/%s", group, t->name);
    return ein_h5_open_dataset(file, name, H5T_IEEE_F32LE, t->ndim, t->shape, NULL, dataset);
}

static ein_status check_group(hid_t file, const char *group, const ein_layout *layout) {
    ein_texts members = {0};
    ein_status status = ein_h5_members(file, group, &members);
    if (status == EIN_OK && members.n != layout->n_tensors)
        status = ein_error(EIN_FORMAT, "/%s holds %lld tensors; the shape in the head makes %d", group,
                           (long long)members.n, layout->n_tensors);
    ein_texts_free(&members);
    for (int i = 0; i < layout->n_tensors && status == EIN_OK; i++) {
        hid_t dataset = -1;
        status = open_tensor(file, group, &layout->tensors[i], &dataset);
        if (dataset >= 0) H5Dclose(dataset);
    }
    return status;
}

static ein_status check_identity(hid_t file) {
    char *format = NULL;
    int64_t version = 0;
    ein_status status = ein_h5_get_text(file, "format", 64, &format);
    if (status == EIN_OK && strcmp(format, FORMAT))
        status = ein_error(EIN_FORMAT, "its format is not \"" FORMAT "\"");
    free(format);
    if (status == EIN_OK) status = ein_h5_get_i64(file, "version", &version);
    if (status == EIN_OK && version != EIN_CHECKPOINT_VERSION)
        status = ein_error(EIN_MISMATCH, "version %" PRId64 "; this program reads %d", version,
                           EIN_CHECKPOINT_VERSION);
    return status;
}

static ein_status inspect(hid_t file, const ein_layout *layout, ein_checkpoint_info *info) {
    EIN_TRY(check_identity(file));
    EIN_TRY(get_state(file, &info->state));
    EIN_TRY(get_text_dataset(file, "config", &info->config_yaml));
    EIN_TRY(get_text_dataset(file, "contract", &info->contract_text));
    EIN_TRY(get_text_dataset(file, "blas", &info->blas));
    for (int g = 0; g < 3; g++) EIN_TRY(check_group(file, groups[g], layout));
    return EIN_OK;
}

ein_status ein_checkpoint_inspect(const char *path, const ein_layout *layout, ein_checkpoint_info *info) {
    hid_t file = -1;
    EIN_TRY(ein_h5_open_read(path, &file));
    ein_status status = inspect(file, layout, info);
    H5Fclose(file);
    return ein_error_context(status, "%s", path);
}

/* Which tensors of `full` stand in /param; a name that is not the model's is left to ein_checkpoint_inspect. */
static ein_status find_chosen(hid_t file, const ein_layout *full, bool *chosen) {
    ein_texts members = {0};
    const ein_status status = ein_h5_members(file, groups[0], &members);
    for (int64_t i = 0; i < members.n; i++) {
        const int index = ein_layout_find(full, ein_texts_get(&members, i));
        if (index >= 0) chosen[index] = true;
    }
    ein_texts_free(&members);
    return status;
}

ein_status ein_checkpoint_selection(const char *path, const ein_layout *full, ein_layout **out) {
    hid_t file = -1;
    bool *chosen = NULL;
    *out = NULL;
    EIN_TRY(ein_h5_open_read(path, &file));
    ein_status status = EIN_NEW(chosen, full->n_tensors);
    if (status == EIN_OK) status = find_chosen(file, full, chosen);
    if (status == EIN_OK) status = ein_layout_select(full, chosen, out);
    free(chosen);
    H5Fclose(file);
    return ein_error_context(status, "%s", path);
}

/* --- access by many ---------------------------------------------------------------------------------- */

/* MPI-IO on MPI_COMM_SELF. On the world, opening and closing are collective, HDF5 1.10 broadcasts metadata inside
 * calls that are documented as independent, and one rank's failure leaves the others waiting for ever. Not the POSIX
 * driver, whose sieve buffer writes back its neighbours' bytes. */
ein_status ein_checkpoint_open(const char *path, bool write, hid_t *file) {
    ein_h5_quiet();
    *file = -1;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_fapl_mpio(access, MPI_COMM_SELF, MPI_INFO_NULL) >= 0)
        *file = H5Fopen(path, write ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access);
    ein_status status = *file < 0 ? ein_h5_error(EIN_IO, "%s: cannot open through MPI-IO", path) : EIN_OK;
    if (access >= 0) H5Pclose(access);
    return status;
}

ein_status ein_checkpoint_close(const char *path, hid_t file, bool write, ein_status mine) {
    if (write) return ein_error_context(ein_h5_close_written(file, mine), "%s", path);
    H5Fclose(file);
    return mine;
}

/* --- transfer ---------------------------------------------------------------------------------------- */

/* A run of values in row-major order is cut into boxes that HDF5 can select: the largest that starts at
 * `start`, holds at most `count` values and is whole rows of some dimension. Returns its number of values. */
static int64_t next_box(const ein_tensor *t, int64_t start, int64_t count, hsize_t *corner, hsize_t *extent) {
    int64_t stride[MAX_DIMS];
    stride[t->ndim - 1] = 1;
    for (int d = t->ndim - 2; d >= 0; d--) stride[d] = stride[d + 1] * t->shape[d + 1];
    int k = 0;
    while (k < t->ndim - 1 && (start % stride[k] != 0 || stride[k] > count)) k++;
    for (int d = 0; d < t->ndim; d++) {
        corner[d] = (hsize_t)(start / stride[d] % t->shape[d]);
        extent[d] = d <= k ? 1 : (hsize_t)t->shape[d];
    }
    int64_t rows = count / stride[k], left = t->shape[k] - (int64_t)corner[k];
    if (rows > left) rows = left;
    extent[k] = (hsize_t)rows;
    return rows * stride[k];
}

static bool move_box(hid_t dataset, hid_t space, const hsize_t *corner, const hsize_t *extent, int64_t values,
                     float *memory, bool write) {
    hsize_t length = (hsize_t)values;
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, corner, NULL, extent, NULL) < 0) return false;
    hid_t flat = H5Screate_simple(1, &length, NULL);
    if (flat < 0) return false;
    herr_t code = write ? H5Dwrite(dataset, H5T_IEEE_F32LE, flat, space, H5P_DEFAULT, memory)
                        : H5Dread(dataset, H5T_IEEE_F32LE, flat, space, H5P_DEFAULT, memory);
    H5Sclose(flat);
    return code >= 0;
}

/* Values [start, start + count) of one tensor. */
static ein_status move_values(hid_t dataset, const ein_tensor *t, int64_t start, int64_t count, float *memory,
                              bool write) {
    hid_t space = H5Dget_space(dataset);
    if (space < 0) return ein_h5_error(EIN_NOMEM, "%s", t->name);
    ein_status status = EIN_OK;
    while (count > 0 && status == EIN_OK) {
        hsize_t corner[MAX_DIMS], extent[MAX_DIMS];
        int64_t most = count < MAX_TRANSFER_VALUES ? count : MAX_TRANSFER_VALUES;
        int64_t n = next_box(t, start, most, corner, extent);
        if (!move_box(dataset, space, corner, extent, n, memory, write))
            status = ein_h5_error(EIN_IO, "%s values %lld to %lld of %s", write ? "writing" : "reading",
                                  (long long)start, (long long)(start + n - 1), t->name);
        start += n;
        count -= n;
        memory += n;
    }
    H5Sclose(space);
    return status;
}

/* First tensor that ends behind `offset`: tensors are ordered by offset. */
static int first_tensor(const ein_layout *layout, int64_t offset) {
    int low = 0, high = layout->n_tensors;
    while (low < high) {
        int middle = low + (high - low) / 2;
        const ein_tensor *t = &layout->tensors[middle];
        if (t->offset + t->count > offset)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static ein_status move_run(hid_t file, const char *group, const ein_layout *layout, ein_range run,
                           float *arena, bool write) {
    int64_t run_end = run.offset + run.count;
    for (int i = first_tensor(layout, run.offset); i < layout->n_tensors; i++) {
        const ein_tensor *t = &layout->tensors[i];
        if (t->offset >= run_end) break;
        int64_t begin = run.offset > t->offset ? run.offset : t->offset;
        int64_t end = run_end < t->offset + t->count ? run_end : t->offset + t->count;
        hid_t dataset = -1;
        EIN_TRY(open_tensor(file, group, t, &dataset));
        ein_status status = move_values(dataset, t, begin - t->offset, end - begin, arena + begin, write);
        if (H5Dclose(dataset) < 0 && status == EIN_OK) status = ein_h5_error(EIN_IO, "closing %s", t->name);
        EIN_TRY(status);
    }
    return EIN_OK;
}

ein_status ein_checkpoint_transfer(hid_t file, const char *group, const ein_layout *layout,
                                   const ein_range *runs, int n_runs, float *arena, bool write) {
    for (int r = 0; r < n_runs; r++)
        EIN_TRY(ein_error_context(move_run(file, group, layout, runs[r], arena, write), "/%s", group));
    return EIN_OK;
}
