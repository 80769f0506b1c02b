#include "io/model/embeddings.h"

#include <hdf5.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/hdf5/h5.h"
#include "io/model/embeddings_npy.h"

#define FORMAT "einthoven embeddings"

ein_status ein_embeddings_check(const char *path) {
    const size_t n = strlen(path);
    if (ein_embeddings_is_npy(path) || (n > 3 && strcasecmp(path + n - 3, ".h5") == 0)) return EIN_OK;
    return ein_error(EIN_USAGE, "%s: files of embeddings end in .h5 (HDF5) or .npy (NumPy)", path);
}

/* Values of n records from `first` on. */
static ein_status check_values(const char *path, const ein_embeddings *e, const float *value, int64_t first,
                               int64_t n) {
    for (int64_t i = 0; i < n * e->width; i++)
        if (!isfinite(value[i]))
            return ein_error(EIN_NUMERIC, "%s: the embedding of record %s is not finite", path,
                             ein_embeddings_id(e, first + i / e->width));
    return EIN_OK;
}

/* --- HDF5 ------------------------------------------------------------------------------------------------ */

static ein_status put_head(hid_t file, const ein_embeddings *e, const char *program) {
    char contract_hash[EIN_HASH_TEXT_BYTES] = "";
    if (e->contract_text[0]) ein_hash_string(e->contract_text, contract_hash);
    EIN_TRY(ein_h5_put_text(file, "format", FORMAT));
    EIN_TRY(ein_h5_put_i64(file, "version", EIN_EMBEDDINGS_VERSION));
    EIN_TRY(ein_h5_put_text(file, "program", program));
    EIN_TRY(ein_h5_put_text(file, "embedding", e->embedding));
    EIN_TRY(ein_h5_put_text(file, "model_blake2b", e->model_hash));
    EIN_TRY(ein_h5_put_text(file, "contract", e->contract_text));
    return ein_h5_put_text(file, "contract_blake2b", contract_hash);
}

/* The list of training records may be longer than a text of HDF5 is here: it is a column of bytes. */
static ein_status put_seen(hid_t file, const ein_embeddings *e) {
    const int64_t bytes = e->training_records ? (int64_t)strlen(e->training_records) : 0;
    if (bytes == 0) return EIN_OK;
    return ein_h5_write_column(file, "training_records", H5T_STD_U8LE, bytes, 0, e->training_records);
}

static ein_status put_ids(hid_t file, const ein_embeddings *e) {
    ein_texts ids = {0};
    ein_status status = EIN_OK;
    for (int64_t i = 0; status == EIN_OK && i < e->n; i++)
        status = ein_texts_add(&ids, ein_embeddings_id(e, i));
    if (status == EIN_OK) status = ein_h5_write_texts(file, "record_id", &ids);
    ein_texts_free(&ids);
    return status;
}

/* Bytes that the whole file takes at most. */
static int64_t bytes_at_most(const ein_embeddings *e) {
    enum { HEAD = 1 << 16 };
    return HEAD + (e->training_records ? ein_h5_pieces_at_most((int64_t)strlen(e->training_records), 1) : 0) +
           ein_h5_pieces_at_most(e->n, e->id_stride) +
           ein_h5_pieces_at_most(e->n, e->width * (int64_t)sizeof(float));
}

/* Everything but the values. */
static ein_status begin_h5(const char *path, const ein_embeddings *e, const char *program, hid_t *file,
                           ein_h5_pieces **values) {
    EIN_TRY(ein_h5_large_new(path, bytes_at_most(e), file));
    ein_status status = put_head(*file, e, program);
    if (status == EIN_OK) status = put_seen(*file, e);
    if (status == EIN_OK) status = put_ids(*file, e);
    if (status == EIN_OK)
        status = ein_h5_pieces_new(*file, "embedding", H5T_IEEE_F32LE, e->n, e->width, values);
    status = ein_error_context(status, "%s", path);
    return status == EIN_OK ? EIN_OK : ein_h5_large_save(*file, path, status);
}

static ein_status finish_h5(const char *path, hid_t file, ein_h5_pieces *values, ein_status mine) {
    ein_status status = ein_h5_pieces_finish(values, mine);
    if (status == EIN_OK) status = ein_h5_put_i64(file, "complete", 1);
    if (mine == EIN_OK) status = ein_error_context(status, "%s", path);
    return ein_h5_large_save(file, path, status);
}

/* An attribute into `out`; "" where there is none, unless it is `needed`. */
static ein_status get_text(hid_t file, const char *name, bool needed, char *out, size_t room) {
    char *text = NULL;
    out[0] = '\0';
    const htri_t there = H5Aexists(file, name);
    if (there <= 0 && !needed) return EIN_OK;
    EIN_TRY(ein_h5_get_text(file, name, (int64_t)room - 1, &text));
    snprintf(out, room, "%s", text);
    free(text);
    return EIN_OK;
}

static ein_status check_head(hid_t file) {
    char format[64];
    int64_t version = 0, complete = 0;
    EIN_TRY(get_text(file, "format", true, format, sizeof format));
    if (strcmp(format, FORMAT) != 0) return ein_error(EIN_FORMAT, "its format is '%s', not " FORMAT, format);
    EIN_TRY(ein_h5_get_i64(file, "version", &version));
    if (version != EIN_EMBEDDINGS_VERSION)
        return ein_error(EIN_MISMATCH, "version %lld; this program reads %d", (long long)version,
                         EIN_EMBEDDINGS_VERSION);
    EIN_TRY(ein_h5_get_i64(file, "complete", &complete));
    return complete == 1 ? EIN_OK : ein_error(EIN_FORMAT, "it is not complete");
}

static ein_status read_seen(hid_t file, ein_embeddings *e) {
    const int64_t any = -1;
    int64_t bytes = 0;
    uint8_t *text;
    hid_t dataset;
    if (H5Lexists(file, "training_records", H5P_DEFAULT) <= 0) return EIN_OK;
    EIN_TRY(ein_h5_open_dataset(file, "training_records", H5T_STD_U8LE, 1, &any, &bytes, &dataset));
    H5Dclose(dataset);
    EIN_TRY(ein_h5_load_column(file, "training_records", H5T_STD_U8LE, bytes, 0, &text));
    const ein_status status = ein_calloc((void **)&e->training_records, bytes + 1, 1, "training records");
    if (status == EIN_OK) memcpy(e->training_records, text, (size_t)bytes);
    free(text);
    return status;
}

static ein_status read_h5(hid_t file, ein_embeddings *e) {
    const int64_t any[2] = {-1, -1};
    int64_t extent[2];
    hid_t dataset;
    EIN_TRY(check_head(file));
    EIN_TRY(get_text(file, "embedding", true, e->embedding, sizeof e->embedding));
    EIN_TRY(get_text(file, "model_blake2b", false, e->model_hash, sizeof e->model_hash));
    EIN_TRY(get_text(file, "contract", false, e->contract_text, sizeof e->contract_text));
    EIN_TRY(ein_h5_open_dataset(file, "embedding", H5T_IEEE_F32LE, 2, any, extent, &dataset));
    H5Dclose(dataset);
    if (extent[0] < 1 || extent[1] < 1 || extent[1] > EIN_EMBEDDINGS_MOST_WIDTH)
        return ein_error(EIN_FORMAT, "an embedding of %lld x %lld values", (long long)extent[0],
                         (long long)extent[1]);
    e->n = extent[0];
    e->width = (int)extent[1];
    EIN_TRY(ein_h5_load_column(file, "embedding", H5T_IEEE_F32LE, e->n, e->width, &e->value));
    EIN_TRY(ein_h5_read_texts(file, "record_id", e->n, &e->record_id, &e->id_stride));
    return read_seen(file, e);
}

/* --- both ------------------------------------------------------------------------------------------------ */

struct ein_embeddings_writer {
    char *path;
    const ein_embeddings *about;
    int64_t n; /* that came */
    hid_t file;
    ein_h5_pieces *values;
    ein_npy_writer *npy; /* instead of the two */
};

static void writer_free(ein_embeddings_writer *w) {
    free(w->path);
    free(w);
}

ein_status ein_embeddings_begin(const char *path, const ein_embeddings *about, const char *program,
                                ein_embeddings_writer **out) {
    ein_embeddings_writer *w;
    *out = NULL;
    EIN_TRY(ein_embeddings_check(path));
    EIN_TRY(EIN_NEW(w, 1));
    w->about = about;
    w->path = strdup(path);
    ein_status status = w->path ? EIN_OK : ein_error(EIN_NOMEM, "no memory for the name of a file");
    if (status == EIN_OK)
        status = ein_embeddings_is_npy(path) ? ein_npy_begin(path, about, program, &w->npy)
                                             : begin_h5(path, about, program, &w->file, &w->values);
    if (status == EIN_OK)
        *out = w;
    else
        writer_free(w);
    return status;
}

ein_status ein_embeddings_put(ein_embeddings_writer *w, const float *value, int64_t n) {
    const ein_embeddings *e = w->about;
    if (n > e->n - w->n)
        return ein_error(EIN_RANGE, "%s: more than %lld embeddings came", w->path, (long long)e->n);
    EIN_TRY(check_values(w->path, e, value, w->n, n));
    w->n += n;
    return w->npy ? ein_npy_put(w->npy, value, n)
                  : ein_error_context(ein_h5_pieces_put(w->values, value, n), "%s", w->path);
}

ein_status ein_embeddings_finish(ein_embeddings_writer *w, ein_status mine) {
    ein_status status = mine;
    if (status == EIN_OK && w->n != w->about->n)
        status = ein_error(EIN_RANGE, "%s: %lld embeddings came, not %lld", w->path, (long long)w->n,
                           (long long)w->about->n);
    status = w->npy ? ein_npy_finish(w->npy, status) : finish_h5(w->path, w->file, w->values, status);
    writer_free(w);
    return status;
}

static int compare_ids(const void *left, const void *right, void *context) {
    const ein_embeddings *e = context;
    return strcmp(ein_embeddings_id(e, *(const int64_t *)left),
                  ein_embeddings_id(e, *(const int64_t *)right));
}

static ein_status check_ids(const ein_embeddings *e) {
    int64_t *order;
    ein_status status = EIN_OK;
    EIN_TRY(EIN_NEW(order, e->n));
    for (int64_t i = 0; i < e->n; i++) order[i] = i;
    qsort_r(order, (size_t)e->n, sizeof *order, compare_ids, (void *)(uintptr_t)e);
    for (int64_t i = 1; i < e->n && status == EIN_OK; i++)
        if (strcmp(ein_embeddings_id(e, order[i]), ein_embeddings_id(e, order[i - 1])) == 0)
            status = ein_error(EIN_FORMAT, "record %s is there twice", ein_embeddings_id(e, order[i]));
    free(order);
    return status;
}

ein_status ein_embeddings_read(const char *path, ein_embeddings *e) {
    ein_status status;
    memset(e, 0, sizeof *e);
    EIN_TRY(ein_embeddings_check(path));
    if (ein_embeddings_is_npy(path)) {
        status = ein_npy_read(path, e);
    } else {
        hid_t file;
        EIN_TRY(ein_h5_open_read(path, &file));
        status = ein_error_context(read_h5(file, e), "%s", path);
        H5Fclose(file);
    }
    if (status == EIN_OK) status = ein_error_context(check_ids(e), "%s", path);
    if (status == EIN_OK) status = check_values(path, e, e->value, 0, e->n);
    if (status != EIN_OK) ein_embeddings_free(e);
    return status;
}
