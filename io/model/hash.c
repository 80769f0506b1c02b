#include "io/model/hash.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { READ_BYTES = 4 << 20 };

typedef crypto_generichash_blake2b_state hash_state;

static void start(hash_state *state) {
    EIN_BUG_IF(sodium_init() < 0);
    EIN_BUG_IF(crypto_generichash_blake2b_init(state, NULL, 0, EIN_HASH_BYTES) != 0);
}

static void add(hash_state *state, const void *data, size_t bytes) {
    if (bytes > 0) crypto_generichash_blake2b_update(state, data, bytes);
}

static void add_text(hash_state *state, const char *text) {
    add(state, text, strlen(text) + 1);
}

static void add_number(hash_state *state, int64_t value) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)value >> 8 * i);
    add(state, bytes, sizeof bytes);
}

static void add_tensor_head(hash_state *state, const char *name, const char *dtype, int ndim,
                            const int64_t *shape) {
    add_text(state, name);
    add_text(state, dtype);
    add_number(state, ndim);
    for (int d = 0; d < ndim; d++) add_number(state, shape[d]);
}

static void finish(hash_state *state, char out[EIN_HASH_TEXT_BYTES]) {
    uint8_t digest[EIN_HASH_BYTES];
    EIN_BUG_IF(crypto_generichash_blake2b_final(state, digest, sizeof digest) != 0);
    ein_hex(digest, sizeof digest, out);
}

/* Names with what they stand for, to be walked in bytewise order. */
typedef struct {
    const char *name;
    int index;
} named;

static int by_name(const void *a, const void *b) {
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

static void sort(named *items, int n) {
    qsort(items, (size_t)n, sizeof *items, by_name);
}

/* --- what is about to be written --------------------------------------------------------------------- */

static void hash_sources(named *order, const ein_st_source *tensors, int n_tensors,
                         const char *const *metadata, int n_pairs, char out[EIN_HASH_TEXT_BYTES]) {
    hash_state state;
    start(&state);
    for (int i = 0; i < n_pairs; i++) order[i] = (named){metadata[2 * i], i};
    sort(order, n_pairs);
    for (int i = 0; i < n_pairs; i++) {
        add_text(&state, order[i].name);
        add_text(&state, metadata[2 * order[i].index + 1]);
    }
    for (int i = 0; i < n_tensors; i++) order[i] = (named){tensors[i].name, i};
    sort(order, n_tensors);
    for (int i = 0; i < n_tensors; i++) {
        const ein_st_source *t = &tensors[order[i].index];
        size_t count = 1;
        for (int d = 0; d < t->ndim; d++) count *= (size_t)t->shape[d];
        add_tensor_head(&state, t->name, "F32", t->ndim, t->shape);
        add(&state, t->data, count * sizeof(float));
    }
    finish(&state, out);
}

ein_status ein_model_hash_sources(const ein_st_source *tensors, int n_tensors, const char *const *metadata,
                                  int n_pairs, char out[EIN_HASH_TEXT_BYTES]) {
    named *order;
    EIN_TRY(EIN_NEW(order, n_tensors > n_pairs ? n_tensors : n_pairs));
    hash_sources(order, tensors, n_tensors, metadata, n_pairs, out);
    free(order);
    return EIN_OK;
}

/* --- files --------------------------------------------------------------------------------------------- */

static void hash_file_metadata(hash_state *state, const ein_safetensors *file, named *order) {
    int n = ein_safetensors_metadata_count(file);
    for (int i = 0; i < n; i++) order[i] = (named){ein_safetensors_metadata_key(file, i), i};
    sort(order, n);
    for (int i = 0; i < n; i++) {
        if (!strcmp(order[i].name, EIN_MODEL_KEY_HASH)) continue;
        add_text(state, order[i].name);
        add_text(state, ein_safetensors_metadata(file, order[i].name));
    }
}

static ein_status hash_data(hash_state *state, const ein_safetensors *file, const ein_st_tensor *t,
                            char *buffer) {
    for (int64_t at = t->begin; at < t->end; at += READ_BYTES) {
        int64_t n = t->end - at < READ_BYTES ? t->end - at : READ_BYTES;
        EIN_TRY(ein_safetensors_read_raw(file, at, n, buffer));
        add(state, buffer, (size_t)n);
    }
    return EIN_OK;
}

static ein_status hash_file(const ein_safetensors *file, named *order, char *buffer,
                            char out[EIN_HASH_TEXT_BYTES]) {
    hash_state state;
    start(&state);
    hash_file_metadata(&state, file, order);
    int n = ein_safetensors_count(file);
    for (int i = 0; i < n; i++) order[i] = (named){ein_safetensors_tensor(file, i)->name, i};
    sort(order, n);
    for (int i = 0; i < n; i++) {
        const ein_st_tensor *t = ein_safetensors_tensor(file, order[i].index);
        add_tensor_head(&state, t->name, t->dtype, t->ndim, t->shape);
        EIN_TRY(hash_data(&state, file, t, buffer));
    }
    finish(&state, out);
    return EIN_OK;
}

ein_status ein_model_hash_file(const ein_safetensors *file, char out[EIN_HASH_TEXT_BYTES]) {
    int n_tensors = ein_safetensors_count(file), n_pairs = ein_safetensors_metadata_count(file);
    named *order = NULL;
    char *buffer = NULL;
    ein_status status = EIN_NEW(order, n_tensors > n_pairs ? n_tensors : n_pairs);
    if (status == EIN_OK) status = EIN_NEW(buffer, READ_BYTES);
    if (status == EIN_OK) status = hash_file(file, order, buffer, out);
    free(buffer);
    free(order);
    return status;
}

/* What loads afterwards: a file with any of our keys is one of ours, and stands by its hash. */
#define ADVICE                                                                                                        \
    "take the original, or if the change was meant, drop all metadata keys that begin with einthoven.: what is left " \
    "is a model of another program"

ein_status ein_model_verify_file(const char *path, const ein_safetensors *file) {
    char found[EIN_HASH_TEXT_BYTES];
    const char *stated = ein_safetensors_metadata(file, EIN_MODEL_KEY_HASH);
    if (!stated)
        return ein_error(EIN_NOTFOUND,
                         "%s: states no content hash (metadata key " EIN_MODEL_KEY_HASH
                         "), as every model of this program does; " ADVICE,
                         path);
    EIN_TRY(ein_model_hash_file(file, found));
    if (!strcmp(found, stated)) return EIN_OK;
    return ein_error(
        EIN_CORRUPT,
        "%s: the content does not match the hash in its metadata: the file was damaged, or changed by a "
        "program that kept the metadata; " ADVICE,
        path);
}
