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

static ein_status check_values(const char *path, const ein_embeddings *e) {
    for (int64_t i = 0; i < e->n * e->width; i++)
        if (!isfinite(e->value[i]))
            return ein_error(EIN_NUMERIC, "%s: the embedding of record %s is not finite", path,
                             ein_embeddings_id(e, i / e->width));
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

static ein_status fill(hid_t file, const ein_embeddings *e, const char *program) {
    ein_texts ids = {0};
    EIN_TRY(put_head(file, e, program));
    ein_status status = put_seen(file, e);
    for (int64_t i = 0; status == EIN_OK && i < e->n; i++)
        status = ein_texts_add(&ids, ein_embeddings_id(e, i));
    if (status == EIN_OK) status = ein_h5_write_texts(file, "record_id", &ids);
    if (status == EIN_OK)
        status = ein_h5_write_column(file, "embedding", H5T_IEEE_F32LE, e->n, e->width, e->value);
    if (status == EIN_OK) status = ein_h5_put_i64(file, "complete", 1);
    ein_texts_free(&ids);
    return status;
}

ein_status ein_embeddings_write(const char *path, const ein_embeddings *e, const char *program) {
    ein_h5_draft *draft;
    EIN_TRY(ein_embeddings_check(path));
    EIN_TRY(check_values(path, e));
    if (ein_embeddings_is_npy(path)) return ein_npy_write(path, e, program);
    EIN_TRY(ein_h5_draft_new(&draft));
    return ein_h5_draft_save(draft, path, fill(ein_h5_draft_file(draft), e, program));
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
    if (status == EIN_OK) status = check_values(path, e);
    if (status != EIN_OK) ein_embeddings_free(e);
    return status;
}
