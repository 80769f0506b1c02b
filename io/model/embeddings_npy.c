#include "io/model/embeddings_npy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/formats/json.h"

/* The format's first bytes; then the length of the header, which makes a multiple of 64 with them. */
static const char magic[8] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0};
enum { BEFORE = 10, BLOCK = 64, MOST_JSON = 1 << 30 };
#define MOST_ARRAY (INT64_C(1) << 40)

/* --- writing --------------------------------------------------------------------------------------------- */

/* The header in `out`; its bytes. */
static size_t make_header(const ein_embeddings *e, char out[3 * BLOCK]) {
    memcpy(out, magic, sizeof magic);
    const int used =
        BEFORE + snprintf(out + BEFORE, 3 * BLOCK - BEFORE,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (%" PRId64 ", %d), }", e->n,
                          e->width);
    const size_t bytes = ((size_t)used + 1 + BLOCK - 1) / BLOCK * BLOCK;
    memset(out + used, ' ', bytes - (size_t)used);
    out[bytes - 1] = '\n';
    out[8] = (char)((bytes - BEFORE) & 0xff);
    out[9] = (char)((bytes - BEFORE) >> 8);
    return bytes;
}

static ein_status make_json(const ein_embeddings *e, const char *program, const char *data_hash,
                            json_t **out) {
    ein_json_builder b = {false};
    char contract_hash[EIN_HASH_TEXT_BYTES] = "";
    json_t *root = json_object();
    if (e->contract_text[0]) ein_hash_string(e->contract_text, contract_hash);
    ein_json_put_text(&b, root, "format", "einthoven embeddings");
    ein_json_put_int(&b, root, "version", EIN_EMBEDDINGS_VERSION);
    ein_json_put_text(&b, root, "program", program);
    ein_json_put_text(&b, root, "embedding", e->embedding);
    ein_json_put_text(&b, root, "model_blake2b", e->model_hash);
    ein_json_put_text(&b, root, "contract", e->contract_text);
    ein_json_put_text(&b, root, "contract_blake2b", contract_hash);
    ein_json_put_text(&b, root, "training_records", e->training_records ? e->training_records : "");
    ein_json_put_text(&b, root, "data_blake2b", data_hash);
    json_t *ids = ein_json_put_array(&b, root, "records");
    for (int64_t i = 0; i < e->n; i++) ein_json_put(&b, ids, NULL, ein_json_text(ein_embeddings_id(e, i)));
    ein_json_put_bool(&b, root, "complete", true);
    *out = root;
    return ein_json_done(&b, "the description of embeddings");
}

struct ein_npy_writer {
    char *path, *beside, *program;
    const ein_embeddings *about;
    FILE *file;
    ein_hasher *hash;
};

static void writer_free(ein_npy_writer *w) {
    ein_hasher_end(w->hash, NULL);
    free(w->path);
    free(w->beside);
    free(w->program);
    free(w);
}

/* The array's file with its header, and room for the rest. */
static ein_status begin_array(ein_npy_writer *w) {
    char header[3 * BLOCK];
    const size_t bytes = make_header(w->about, header);
    EIN_TRY(ein_durable_fopen(w->path, &w->file));
    const off_t values = (off_t)w->about->n * w->about->width * (off_t)sizeof(float);
    /* Where space cannot be reserved, it is hoped for. */
    if (fallocate(fileno(w->file), FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes + values) != 0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        return ein_error(EIN_IO, "%s: %s (%.1f MB are needed)", w->path, strerror(errno),
                         (double)values / 1e6);
    if (fwrite(header, 1, bytes, w->file) == bytes) return EIN_OK;
    return ein_error(EIN_IO, "%s: writing: %s", w->path, strerror(errno));
}

ein_status ein_npy_begin(const char *path, const ein_embeddings *about, const char *program,
                         ein_npy_writer **out) {
    ein_npy_writer *w;
    *out = NULL;
    EIN_TRY(EIN_NEW(w, 1));
    w->about = about;
    w->path = strdup(path);
    w->program = strdup(program);
    ein_status status = w->path && w->program ? ein_embeddings_beside(path, &w->beside)
                                              : ein_error(EIN_NOMEM, "no memory for the name of a file");
    if (status == EIN_OK) status = ein_hasher_new(&w->hash);
    if (status == EIN_OK) status = begin_array(w);
    if (status == EIN_OK) {
        *out = w;
        return EIN_OK;
    }
    if (w->file) ein_durable_fclose(w->file, path, false);
    writer_free(w);
    return status;
}

ein_status ein_npy_put(ein_npy_writer *w, const float *value, int64_t n) {
    const size_t values = (size_t)(n * w->about->width);
    ein_hasher_add(w->hash, value, values * sizeof *value);
    if (fwrite(value, sizeof *value, values, w->file) == values) return EIN_OK;
    return ein_error(EIN_IO, "%s: writing: %s", w->path, strerror(errno));
}

ein_status ein_npy_finish(ein_npy_writer *w, ein_status mine) {
    char hash[EIN_HASH_TEXT_BYTES];
    json_t *root = NULL;
    ein_status status = mine;
    ein_hasher_end(w->hash, hash);
    w->hash = NULL;
    if (status == EIN_OK) status = make_json(w->about, w->program, hash, &root);
    const ein_status array = ein_durable_fclose(w->file, w->path, status == EIN_OK);
    if (status == EIN_OK) status = array;
    if (status == EIN_OK) status = ein_json_write(w->beside, root);
    json_decref(root);
    writer_free(w);
    return status;
}

/* --- reading --------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *root, const char *key) {
    const char *text = json_string_value(json_object_get(root, key));
    return text ? text : "";
}

static ein_status copy_text(const json_t *root, const char *key, char *out, size_t room) {
    const char *text = text_of(root, key);
    if (strlen(text) >= room)
        return ein_error(EIN_FORMAT, "%s has %zu bytes; at most %zu are read", key, strlen(text), room - 1);
    memcpy(out, text, strlen(text) + 1);
    return EIN_OK;
}

/* Ids of one length of bytes each. */
static ein_status copy_ids(const json_t *ids, ein_embeddings *e) {
    const size_t n = json_array_size(ids);
    size_t longest = 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(ids, i);
        if (!json_is_string(item)) return ein_error(EIN_FORMAT, "records: item %zu is no text", i + 1);
        if (json_string_length(item) > longest) longest = json_string_length(item);
    }
    e->n = (int64_t)n;
    e->id_stride = (int64_t)longest + 1;
    if (e->n == 0) return ein_error(EIN_FORMAT, "no list of records");
    EIN_TRY(ein_calloc((void **)&e->record_id, e->n, e->id_stride, "record ids"));
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(ids, i);
        memcpy(e->record_id + (int64_t)i * e->id_stride, json_string_value(item), json_string_length(item));
    }
    return EIN_OK;
}

static ein_status parse_json(const json_t *root, ein_embeddings *e, char hash[EIN_HASH_TEXT_BYTES]) {
    const json_t *version = json_object_get(root, "version");
    const char *seen = text_of(root, "training_records");
    if (strcmp(text_of(root, "format"), "einthoven embeddings") != 0)
        return ein_error(EIN_FORMAT, "its format is '%.40s', not einthoven embeddings",
                         text_of(root, "format"));
    if (!json_is_integer(version) || json_integer_value(version) != EIN_EMBEDDINGS_VERSION)
        return ein_error(EIN_MISMATCH, "version %" JSON_INTEGER_FORMAT "; this program reads %d",
                         json_integer_value(version), EIN_EMBEDDINGS_VERSION);
    EIN_TRY(copy_text(root, "embedding", e->embedding, sizeof e->embedding));
    EIN_TRY(copy_text(root, "model_blake2b", e->model_hash, sizeof e->model_hash));
    EIN_TRY(copy_text(root, "contract", e->contract_text, sizeof e->contract_text));
    EIN_TRY(copy_text(root, "data_blake2b", hash, EIN_HASH_TEXT_BYTES));
    if (seen[0]) {
        EIN_TRY(ein_calloc((void **)&e->training_records, (int64_t)strlen(seen) + 1, 1, "training records"));
        memcpy(e->training_records, seen, strlen(seen));
    }
    return copy_ids(json_object_get(root, "records"), e);
}

static ein_status read_json(const char *path, const char *beside, ein_embeddings *e,
                            char hash[EIN_HASH_TEXT_BYTES]) {
    char *text;
    size_t bytes;
    json_error_t error;
    ein_status status = ein_file_read(beside, MOST_JSON, &text, &bytes);
    if (status == EIN_NOTFOUND)
        return ein_error(EIN_NOTFOUND,
                         "%s: there is no %s, which tells its records and contract; keep the two together",
                         path, beside);
    EIN_TRY(status);
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (!root) return ein_error(EIN_FORMAT, "%s: line %d: no JSON: %s", beside, error.line, error.text);
    status = ein_error_context(parse_json(root, e, hash), "%s", beside);
    json_decref(root);
    return status;
}

/* What `key` is followed by in the dict; NULL if it is not there. */
static const char *after(const char *header, const char *key) {
    const char *at = strstr(header, key);
    if (!at) return NULL;
    at += strlen(key);
    return at + strspn(at, ": ");
}

/* Rows and columns of a header as NumPy writes it. */
static bool parse_header(const char *header, int64_t *rows, int64_t *columns) {
    const char *descr = after(header, "'descr'"), *order = after(header, "'fortran_order'");
    const char *shape = after(header, "'shape'");
    int end = 0;
    return descr && order && shape && strncmp(descr, "'<f4'", 5) == 0 && strncmp(order, "False", 5) == 0 &&
           sscanf(shape, "(%15" SCNd64 ", %15" SCNd64 ")%n", rows, columns, &end) == 2 && end > 0;
}

static ein_status parse_array(const char *bytes, size_t n, ein_embeddings *e) {
    char header[1024];
    int64_t rows = 0, columns = 0;
    if (n < BEFORE || memcmp(bytes, magic, 6) != 0) return ein_error(EIN_FORMAT, "no NumPy array");
    const size_t length = (unsigned char)bytes[8] | (size_t)(unsigned char)bytes[9] << 8;
    if (bytes[6] != 1 || length >= sizeof header || n < BEFORE + length)
        return ein_error(EIN_FORMAT, "its header is cut, or not that of a plain array (version 1.0)");
    memcpy(header, bytes + BEFORE, length);
    header[length] = '\0';
    if (!parse_header(header, &rows, &columns))
        return ein_error(EIN_FORMAT,
                         "a matrix of little-endian float32 in C order was expected; its header says %.100s",
                         header);
    if (columns < 1 || columns > EIN_EMBEDDINGS_MOST_WIDTH || rows < 1 || rows > MOST_ARRAY / columns / 4 ||
        n - BEFORE - length != (size_t)(rows * columns * 4))
        return ein_error(EIN_FORMAT, "%" PRId64 " x %" PRId64 " values in %zu bytes", rows, columns,
                         n - BEFORE - length);
    if (rows != e->n)
        return ein_error(EIN_MISMATCH,
                         "%" PRId64 " rows, but %" PRId64 " records beside it; they belong to other files",
                         rows, e->n);
    e->width = (int)columns;
    EIN_TRY(EIN_NEW(e->value, rows * columns));
    memcpy(e->value, bytes + BEFORE + length, (size_t)(rows * columns) * sizeof *e->value);
    return EIN_OK;
}

static ein_status check_hash(const ein_embeddings *e, const char *stated) {
    char found[EIN_HASH_TEXT_BYTES];
    ein_hash_text(e->value, (size_t)(e->n * e->width) * sizeof *e->value, found);
    if (stated[0] == '\0' || strcmp(found, stated) == 0) return EIN_OK;
    return ein_error(EIN_CORRUPT,
                     "its values do not match the hash beside it: it is damaged, or of another file");
}

ein_status ein_npy_read(const char *path, ein_embeddings *e) {
    char *beside, *bytes = NULL, hash[EIN_HASH_TEXT_BYTES] = "";
    size_t n = 0;
    EIN_TRY(ein_embeddings_beside(path, &beside));
    ein_status status = read_json(path, beside, e, hash);
    free(beside);
    EIN_TRY(status);
    EIN_TRY(ein_file_read(path, MOST_ARRAY, &bytes, &n));
    status = ein_error_context(parse_array(bytes, n, e), "%s", path);
    free(bytes);
    return status == EIN_OK ? ein_error_context(check_hash(e, hash), "%s", path) : status;
}
