#include "io/model/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/durable.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "tensor data are little-endian in memory and in files");

/* The JSON of a header is bounded before jansson builds it in memory, where one byte can become eighty: a tensor takes
 * up to 15 values and at least 60 bytes. */
enum {
    MAX_JSON_DEPTH = 4,
    MAX_JSON_VALUES = 16 * EIN_ST_MAX_TENSORS,
    FEW_JSON_VALUES = 1000, /* in a header of any length; of more, each takes 4 bytes on average */
    CONVERT_BYTES = 1 << 18
};

#define METADATA_KEY "__metadata__"

struct ein_safetensors {
    char *path;
    int fd;
    int64_t data_start, data_bytes;
    int n_tensors;
    ein_st_tensor *tensors; /* by begin, then end */
    int *by_name;           /* indices into tensors, sorted by name */
    int n_metadata;
    const char **keys; /* point into `header` */
    json_t *header;
};

typedef struct {
    const char *name;
    int bytes;
} dtype_size;

static const dtype_size dtypes[] = {
    {"F32", 4}, {"F64", 8}, {"F16", 2}, {"BF16", 2}, {"I64", 8},  {"I32", 4},     {"I16", 2},     {"I8", 1},
    {"U64", 8}, {"U32", 4}, {"U16", 2}, {"U8", 1},   {"BOOL", 1}, {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"C64", 8}};

static int dtype_bytes(const char *name) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (!strcmp(dtypes[i].name, name)) return dtypes[i].bytes;
    return 0;
}

/* What may be read may be written, and nothing else. */
static ein_status check_name(const char *path, const char *name) {
    size_t length = strlen(name);
    if (length == 0) return ein_error(EIN_FORMAT, "%s: a tensor without a name", path);
    for (size_t i = 0; i < length; i++)
        if (name[i] < 0x20 || name[i] > 0x7e)
            return ein_error(EIN_FORMAT,
                             "%s: a tensor name with byte 0x%02x at position %zu; names are printable ASCII",
                             path, (unsigned char)name[i], i);
    if (length >= EIN_ST_NAME_BYTES)
        return ein_error(EIN_FORMAT, "%s: a tensor name of %zu bytes (\"%.32s...\"); at most %d are read",
                         path, length, name, EIN_ST_NAME_BYTES - 1);
    return EIN_OK;
}

/* --- reading: bytes ------------------------------------------------------------------------------ */

static ein_status read_at(const ein_safetensors *file, int64_t offset, void *out, int64_t bytes) {
    char *to = out;
    while (bytes > 0) {
        ssize_t n = pread(file->fd, to, (size_t)bytes, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return ein_error(EIN_IO, "%s: reading at byte %lld: %s", file->path, (long long)offset,
                             strerror(errno));
        if (n == 0)
            return ein_error(EIN_CORRUPT,
                             "%s: the file ends at byte %lld while it is read; was it cut or replaced?",
                             file->path, (long long)offset);
        to += n;
        offset += n;
        bytes -= n;
    }
    return EIN_OK;
}

/* Opens only regular files: a FIFO or a device would block or never end. */
static ein_status open_regular(ein_safetensors *file, int64_t *bytes) {
    struct stat info;
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0) return ein_error(EIN_IO, "%s: cannot open: %s", file->path, strerror(errno));
    if (fstat(file->fd, &info) != 0) return ein_error(EIN_IO, "%s: %s", file->path, strerror(errno));
    if (!S_ISREG(info.st_mode)) return ein_error(EIN_FORMAT, "%s: not a regular file", file->path);
    *bytes = (int64_t)info.st_size;
    return EIN_OK;
}

static ein_status header_length(const ein_safetensors *file, int64_t file_bytes, int64_t *length) {
    unsigned char b[8];
    if (file_bytes < 8)
        return ein_error(EIN_CORRUPT, "%s: %lld bytes; a .safetensors file has at least 8", file->path,
                         (long long)file_bytes);
    EIN_TRY(read_at(file, 0, b, 8));
    uint64_t n = 0;
    for (int i = 7; i >= 0; i--) n = n << 8 | b[i];
    if (n > (uint64_t)EIN_ST_MAX_HEADER_BYTES)
        return ein_error(EIN_FORMAT,
                         "%s: not a .safetensors file: its first 8 bytes give a header of %llu bytes; at "
                         "most %lld are allowed",
                         file->path, (unsigned long long)n, (long long)EIN_ST_MAX_HEADER_BYTES);
    if ((int64_t)n > file_bytes - 8)
        return ein_error(EIN_CORRUPT,
                         "%s: header of %llu bytes in a file of %lld; cut short, or not a .safetensors file",
                         file->path, (unsigned long long)n, (long long)file_bytes);
    *length = (int64_t)n;
    return EIN_OK;
}

/* Bounds depth and number of values outside strings; says nothing on validity, that is jansson's part. */
static ein_status bound_json(const ein_safetensors *file, const char *text, int64_t bytes) {
    int depth = 0;
    int64_t values = 0;
    bool in_string = false;
    for (int64_t i = 0; i < bytes; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '{' || c == '[') depth++;
        if (c == '}' || c == ']') depth--;
        if (c == ',' || c == '{' || c == '[') values++;
        if (depth > MAX_JSON_DEPTH)
            return ein_error(EIN_FORMAT, "%s: byte %lld: header nested deeper than %d", file->path,
                             (long long)(8 + i), MAX_JSON_DEPTH);
        if (values > MAX_JSON_VALUES || values > FEW_JSON_VALUES + bytes / 4)
            return ein_error(
                EIN_FORMAT,
                "%s: header of %lld bytes with more than %lld values; no table of tensors has that",
                file->path, (long long)bytes, (long long)values - 1);
    }
    return EIN_OK;
}

static ein_status parse_json(ein_safetensors *file, const char *text, int64_t bytes) {
    json_error_t error;
    if (bytes < 2 || text[0] != '{')
        return ein_error(EIN_FORMAT, "%s: the header does not start with '{'; not a .safetensors file",
                         file->path);
    EIN_TRY(bound_json(file, text, bytes));
    file->header = json_loadb(text, (size_t)bytes, JSON_REJECT_DUPLICATES, &error);
    if (!file->header)
        return ein_error(EIN_FORMAT, "%s: header, byte %d: %s", file->path, 8 + error.position, error.text);
    return EIN_OK;
}

static ein_status read_header(ein_safetensors *file) {
    int64_t file_bytes = 0, length = 0;
    EIN_TRY(open_regular(file, &file_bytes));
    EIN_TRY(header_length(file, file_bytes, &length));
    file->data_start = 8 + length;
    file->data_bytes = file_bytes - file->data_start;
    char *text;
    EIN_TRY(EIN_NEW(text, length + 1));
    ein_status status = read_at(file, 8, text, length);
    if (status == EIN_OK) status = parse_json(file, text, length);
    free(text);
    return status;
}

/* --- reading: the tensor table -------------------------------------------------------------------- */

/* A JSON array of non-negative integers of at most `max` items; -1 and a message otherwise. */
static int read_integers(const ein_safetensors *file, const char *tensor, const char *key,
                         const json_t *array, int max, int64_t *out) {
    if (!json_is_array(array) || json_array_size(array) > (size_t)max) {
        ein_error(EIN_FORMAT, "%s: tensor %s: %s is not a list of at most %d numbers", file->path, tensor,
                  key, max);
        return -1;
    }
    int n = (int)json_array_size(array);
    for (int i = 0; i < n; i++) {
        const json_t *item = json_array_get(array, (size_t)i);
        if (!json_is_integer(item) || json_integer_value(item) < 0) {
            ein_error(EIN_FORMAT, "%s: tensor %s: %s[%d] is not a whole number from 0 on", file->path, tensor,
                      key, i);
            return -1;
        }
        out[i] = (int64_t)json_integer_value(item);
    }
    return n;
}

static ein_status check_extent(const ein_safetensors *file, ein_st_tensor *t, int size) {
    /* A zero anywhere makes the product zero; without it a partial product above the bound is final. */
    int64_t count = 1;
    for (int d = 0; d < t->ndim; d++)
        if (t->shape[d] == 0) count = 0;
    for (int d = 0; d < t->ndim && count > 0; d++) {
        if (t->shape[d] > INT64_MAX / size / count)
            return ein_error(EIN_FORMAT, "%s: tensor %s: its shape has more values than 64 bits can count",
                             file->path, t->name);
        count *= t->shape[d];
    }
    t->count = count;
    if (t->end < t->begin || t->end - t->begin != count * size)
        return ein_error(
            EIN_FORMAT,
            "%s: tensor %s: data_offsets [%lld, %lld] hold %lld bytes; shape and dtype %s need %lld",
            file->path, t->name, (long long)t->begin, (long long)t->end,
            t->end < t->begin ? -1LL : (long long)(t->end - t->begin), t->dtype, (long long)(count * size));
    if (t->end > file->data_bytes)
        return ein_error(EIN_CORRUPT,
                         "%s: tensor %s ends at byte %lld of the data, which has %lld: the file is cut short",
                         file->path, t->name, (long long)t->end, (long long)file->data_bytes);
    return EIN_OK;
}

static ein_status read_tensor(const ein_safetensors *file, const char *name, const json_t *entry,
                              ein_st_tensor *t) {
    EIN_TRY(check_name(file->path, name));
    memcpy(t->name, name, strlen(name) + 1);
    if (!json_is_object(entry) || json_object_size(entry) != 3)
        return ein_error(EIN_FORMAT, "%s: tensor %s: not an object of dtype, shape and data_offsets",
                         file->path, name);
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    if (!dtype)
        return ein_error(EIN_FORMAT, "%s: tensor %s: dtype is missing or not a text", file->path, name);
    int size = dtype_bytes(dtype);
    if (size == 0)
        return ein_error(EIN_FORMAT, "%s: tensor %s: a dtype of %zu letters that this version does not know",
                         file->path, name, strlen(dtype));
    memcpy(t->dtype, dtype, strlen(dtype) + 1);
    t->ndim = read_integers(file, name, "shape", json_object_get(entry, "shape"), EIN_ST_MAX_DIMS, t->shape);
    if (t->ndim < 0) return EIN_FORMAT;
    int64_t offsets[2];
    int n = read_integers(file, name, "data_offsets", json_object_get(entry, "data_offsets"), 2, offsets);
    if (n < 0) return EIN_FORMAT;
    if (n != 2) return ein_error(EIN_FORMAT, "%s: tensor %s: data_offsets is not a pair", file->path, name);
    t->begin = offsets[0];
    t->end = offsets[1];
    return check_extent(file, t, size);
}

static int by_data(const void *a, const void *b) {
    const ein_st_tensor *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Sorted by position, every tensor must start where the one before it ended, the last at the file's end. */
static ein_status check_tiling(const ein_safetensors *file) {
    int64_t at = 0;
    for (int i = 0; i < file->n_tensors; i++) {
        const ein_st_tensor *t = &file->tensors[i];
        if (t->begin != at)
            return ein_error(
                EIN_FORMAT,
                "%s: tensor %s starts at byte %lld of the data, the one before it ends at %lld: %s",
                file->path, t->name, (long long)t->begin, (long long)at,
                t->begin < at ? "they overlap" : "a hole");
        at = t->end;
    }
    if (at != file->data_bytes)
        return ein_error(EIN_CORRUPT,
                         "%s: the tensors take %lld bytes, the file holds %lld: something was appended, or "
                         "the header is not of this file",
                         file->path, (long long)at, (long long)file->data_bytes);
    return EIN_OK;
}

static int by_tensor_name(const void *a, const void *b, void *tensors) {
    const ein_st_tensor *t = tensors;
    return strcmp(t[*(const int *)a].name, t[*(const int *)b].name);
}

static ein_status read_tensors(ein_safetensors *file) {
    int64_t entries = (int64_t)json_object_size(file->header);
    if (entries > EIN_ST_MAX_TENSORS)
        return ein_error(EIN_FORMAT, "%s: %lld tensors; at most %d are read", file->path, (long long)entries,
                         EIN_ST_MAX_TENSORS);
    EIN_TRY(EIN_NEW(file->tensors, entries));
    EIN_TRY(EIN_NEW(file->by_name, entries));
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry) {
        if (!strcmp(name, METADATA_KEY)) continue;
        EIN_TRY(read_tensor(file, name, entry, &file->tensors[file->n_tensors]));
        file->n_tensors++;
    }
    qsort(file->tensors, (size_t)file->n_tensors, sizeof *file->tensors, by_data);
    for (int i = 0; i < file->n_tensors; i++) file->by_name[i] = i;
    qsort_r(file->by_name, (size_t)file->n_tensors, sizeof *file->by_name, by_tensor_name, file->tensors);
    return check_tiling(file);
}

static ein_status read_metadata(ein_safetensors *file) {
    json_t *metadata = json_object_get(file->header, METADATA_KEY);
    if (!metadata) return EIN_OK;
    if (!json_is_object(metadata))
        return ein_error(EIN_FORMAT, "%s: header: __metadata__ is not an object", file->path);
    if (json_object_size(metadata) > EIN_ST_MAX_METADATA)
        return ein_error(EIN_FORMAT, "%s: header: %zu texts in __metadata__; at most %d are read", file->path,
                         json_object_size(metadata), EIN_ST_MAX_METADATA);
    EIN_TRY(EIN_NEW(file->keys, json_object_size(metadata)));
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return ein_error(EIN_FORMAT, "%s: header: value %d of __metadata__ is not a text", file->path,
                             file->n_metadata + 1);
        file->keys[file->n_metadata++] = key;
    }
    return EIN_OK;
}

ein_status ein_safetensors_open(const char *path, ein_safetensors **out) {
    *out = NULL;
    ein_safetensors *file;
    EIN_TRY(EIN_NEW(file, 1));
    file->fd = -1;
    ein_status status = EIN_OK;
    file->path = strdup(path);
    if (!file->path) status = ein_error(EIN_NOMEM, "%s: no memory for its name", path);
    if (status == EIN_OK) status = read_header(file);
    if (status == EIN_OK) status = read_metadata(file);
    if (status == EIN_OK) status = read_tensors(file);
    if (status != EIN_OK) {
        ein_safetensors_close(file);
        return status;
    }
    *out = file;
    return EIN_OK;
}

void ein_safetensors_close(ein_safetensors *file) {
    if (!file) return;
    if (file->fd >= 0) close(file->fd);
    json_decref(file->header);
    free(file->keys);
    free(file->by_name);
    free(file->tensors);
    free(file->path);
    free(file);
}

int ein_safetensors_count(const ein_safetensors *file) {
    return file->n_tensors;
}

const ein_st_tensor *ein_safetensors_tensor(const ein_safetensors *file, int index) {
    return &file->tensors[index];
}

int ein_safetensors_find(const ein_safetensors *file, const char *name) {
    int low = 0, high = file->n_tensors;
    while (low < high) {
        int middle = low + (high - low) / 2;
        int order = strcmp(file->tensors[file->by_name[middle]].name, name);
        if (order == 0) return file->by_name[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

const char *ein_safetensors_metadata(const ein_safetensors *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->header, METADATA_KEY), key));
}

int ein_safetensors_metadata_count(const ein_safetensors *file) {
    return file->n_metadata;
}

const char *ein_safetensors_metadata_key(const ein_safetensors *file, int index) {
    return file->keys[index];
}

/* --- reading: values -------------------------------------------------------------------------------- */

static float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE binary16: 1 sign, 5 exponent, 10 fraction bits; subnormals are fraction * 2^-24. */
static float float_of_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    if (exponent == 0) return half & 0x8000 ? -ldexpf((float)fraction, -24) : ldexpf((float)fraction, -24);
    if (exponent == 0x1f) return float_of_bits(sign | 0x7f800000u | fraction << 13);
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static void convert_16(const uint16_t *in, int64_t count, bool brain, float *out) {
    for (int64_t i = 0; i < count; i++)
        out[i] = brain ? float_of_bits((uint32_t)in[i] << 16) : float_of_half(in[i]);
}

/* Index of the first finite value that has no finite float, or -1. */
static int64_t convert_f64(const double *in, int64_t count, float *out) {
    for (int64_t i = 0; i < count; i++) {
        out[i] = (float)in[i];
        if (isinf(out[i]) && !isinf(in[i])) return i;
    }
    return -1;
}

static ein_status read_converted(const ein_safetensors *file, const ein_st_tensor *t, int size, void *buffer,
                                 float *out) {
    int64_t step = CONVERT_BYTES / size;
    for (int64_t at = 0; at < t->count; at += step) {
        int64_t n = t->count - at < step ? t->count - at : step;
        EIN_TRY(read_at(file, file->data_start + t->begin + at * size, buffer, n * size));
        if (size == 2) {
            convert_16(buffer, n, t->dtype[0] == 'B', out + at);
            continue;
        }
        int64_t bad = convert_f64(buffer, n, out + at);
        if (bad >= 0)
            return ein_error(EIN_RANGE, "%s: tensor %s: value %lld lies beyond the range of float32",
                             file->path, t->name, (long long)(at + bad));
    }
    return EIN_OK;
}

ein_status ein_safetensors_read(const ein_safetensors *file, int index, float *out) {
    const ein_st_tensor *t = &file->tensors[index];
    if (!strcmp(t->dtype, "F32")) return read_at(file, file->data_start + t->begin, out, t->end - t->begin);
    if (strcmp(t->dtype, "F64") && strcmp(t->dtype, "F16") && strcmp(t->dtype, "BF16"))
        return ein_error(EIN_FORMAT, "%s: tensor %s: dtype %s; weights are F32, F64, F16 or BF16", file->path,
                         t->name, t->dtype);
    double *buffer; /* aligned for every type that is read through it */
    EIN_TRY(EIN_NEW(buffer, CONVERT_BYTES / (int64_t)sizeof *buffer));
    ein_status status = read_converted(file, t, dtype_bytes(t->dtype), buffer, out);
    free(buffer);
    return status;
}

ein_status ein_safetensors_read_raw(const ein_safetensors *file, int64_t offset, int64_t bytes, void *out) {
    EIN_BUG_IF(offset < 0 || bytes < 0 || offset > file->data_bytes || bytes > file->data_bytes - offset);
    return read_at(file, file->data_start + offset, out, bytes);
}

/* --- writing ----------------------------------------------------------------------------------------- */

static ein_status add_metadata(json_t *header, const char *path, const char *const *pairs, int n_pairs) {
    if (n_pairs == 0) return EIN_OK;
    json_t *metadata = json_object();
    if (json_object_set_new(header, METADATA_KEY, metadata) != 0)
        return ein_error(EIN_NOMEM, "%s: no memory for the header", path);
    for (int i = 0; i < n_pairs; i++) {
        const char *key = pairs[2 * i], *value = pairs[2 * i + 1];
        if (json_object_get(metadata, key))
            return ein_error(EIN_EXISTS, "%s: metadata key \"%s\" is given twice", path, key);
        if (json_object_set_new(metadata, key, json_string(value)) != 0)
            return ein_error(EIN_FORMAT, "%s: metadata \"%s\" is not valid UTF-8", path, key);
    }
    return EIN_OK;
}

static ein_status add_tensor(json_t *header, const char *path, const ein_st_source *t, int64_t *at) {
    EIN_TRY(check_name(path, t->name));
    if (!strcmp(t->name, METADATA_KEY) || json_object_get(header, t->name))
        return ein_error(EIN_EXISTS, "%s: tensor name \"%s\" is taken", path, t->name);
    EIN_BUG_IF(t->ndim > EIN_ST_MAX_DIMS);
    json_t *shape = json_array();
    int64_t count = 1;
    int failed = 0;
    for (int d = 0; d < t->ndim; d++) {
        count *= t->shape[d];
        failed |= json_array_append_new(shape, json_integer(t->shape[d]));
    }
    int64_t end = *at + count * (int64_t)sizeof(float);
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets",
                              (json_int_t)*at, (json_int_t)end);
    failed |= json_object_set_new(header, t->name, entry);
    if (failed) return ein_error(EIN_NOMEM, "%s: no memory for the header", path);
    *at = end;
    return EIN_OK;
}

static ein_status make_header(const char *path, const ein_st_source *tensors, int n_tensors,
                              const char *const *metadata, int n_pairs, char **text) {
    json_t *header = json_object();
    if (!header) return ein_error(EIN_NOMEM, "%s: no memory for the header", path);
    int64_t at = 0;
    ein_status status = add_metadata(header, path, metadata, n_pairs);
    for (int i = 0; i < n_tensors && status == EIN_OK; i++)
        status = add_tensor(header, path, &tensors[i], &at);
    if (status == EIN_OK) {
        *text = json_dumps(header, JSON_COMPACT);
        if (!*text) status = ein_error(EIN_NOMEM, "%s: no memory for the header", path);
    }
    json_decref(header);
    return status;
}

/* 0, or the errno of the first write that failed. */
static int write_stream(FILE *stream, const char *header, const ein_st_source *tensors, int n_tensors) {
    static const char spaces[8] = "        ";
    size_t length = strlen(header), padding = (8 - length % 8) % 8;
    uint64_t total = length + padding;
    unsigned char prefix[8];
    for (int i = 0; i < 8; i++) prefix[i] = (unsigned char)(total >> 8 * i);
    errno = 0;
    bool good = fwrite(prefix, 1, 8, stream) == 8 && fwrite(header, 1, length, stream) == length &&
                fwrite(spaces, 1, padding, stream) == padding;
    for (int i = 0; i < n_tensors && good; i++) {
        size_t count = 1;
        for (int d = 0; d < tensors[i].ndim; d++) count *= (size_t)tensors[i].shape[d];
        good = fwrite(tensors[i].data, sizeof(float), count, stream) == count;
    }
    if (good) return 0;
    return errno ? errno : EIO;
}

ein_status ein_safetensors_write(const char *path, const ein_st_source *tensors, int n_tensors,
                                 const char *const *metadata, int n_pairs) {
    char *header = NULL;
    FILE *stream;
    EIN_TRY(make_header(path, tensors, n_tensors, metadata, n_pairs, &header));
    if (strlen(header) > (size_t)EIN_ST_MAX_HEADER_BYTES - 8) {
        free(header);
        return ein_error(EIN_RANGE, "%s: the header would exceed %lld bytes", path,
                         (long long)EIN_ST_MAX_HEADER_BYTES);
    }
    ein_status status = ein_durable_fopen(path, &stream);
    if (status == EIN_OK) {
        int failure = write_stream(stream, header, tensors, n_tensors);
        status = ein_durable_fclose(stream, path, failure == 0);
        if (failure) status = ein_error(EIN_IO, "%s.partial: cannot write: %s", path, strerror(failure));
    }
    free(header);
    return status;
}
