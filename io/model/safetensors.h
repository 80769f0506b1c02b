/* The .safetensors format: 8-byte little-endian header length, JSON header, raw tensors.
 *
 *     bytes 0..7      N, the length of the header, unsigned 64-bit little-endian
 *     bytes 8..8+N    header: one JSON object in UTF-8, padded at its end with spaces (0x20)
 *     the rest        data section: the tensors' values, little-endian, row-major, without gaps
 *
 *     {"__metadata__": {"key": "text", ...},                          (optional, strings only)
 *      "name": {"dtype": "F32", "shape": [800, 8, 50], "data_offsets": [begin, end]}, ...}
 *
 * Offsets are bytes from the start of the data section; end - begin is the size of the dtype times the
 * product of the shape; a shape [] is a scalar, a dimension 0 an empty tensor.
 * Source: the format's description in the safetensors repository; header limit and "no holes, no
 * duplicate keys" as there.
 *
 * Reading is for untrusted files: header length, JSON, types, shapes, offsets, overlaps and holes are
 * all checked before any value is used; data come by pread, so a file cut short under us is an error
 * and not a signal. F32 is written; F32, F64, F16 and BF16 are read into float; tensors of other known
 * types (BOOL, integers, 8-bit floats, C64) are listed but not read.
 *
 * What we write: `__metadata__` first, tensors in the given order, compact JSON, header padded so that the
 * data section starts at a multiple of 8. The same input gives the same bytes.
 *
 * Beyond the format's own rules we refuse: tensor names that are empty, longer than
 * EIN_ST_NAME_BYTES - 1 or not printable ASCII (they reach terminals and logs), more than EIN_ST_MAX_DIMS
 * dimensions, more than EIN_ST_MAX_TENSORS tensors, nesting deeper than the format uses, unknown
 * keys of a tensor, and types of less than a byte.
 *
 * Errors: EIN_IO what the system refuses, EIN_FORMAT a file that breaks the format, EIN_CORRUPT one that
 * is shorter or longer than its header says, EIN_NOMEM.
 */
#ifndef EIN_IO_MODEL_SAFETENSORS_H
#define EIN_IO_MODEL_SAFETENSORS_H

#include <stdint.h>

#include "core/base/status.h"

enum {
    EIN_ST_MAX_DIMS = 8,
    EIN_ST_NAME_BYTES = 256,
    EIN_ST_MAX_TENSORS = 100000,
    EIN_ST_MAX_METADATA = 10000
};
#define EIN_ST_MAX_HEADER_BYTES INT64_C(100000000)

typedef struct {
    char name[EIN_ST_NAME_BYTES];
    char dtype[8];
    int ndim;
    int64_t shape[EIN_ST_MAX_DIMS];
    int64_t count;      /* product of the shape */
    int64_t begin, end; /* bytes within the data section */
} ein_st_tensor;

typedef struct ein_safetensors ein_safetensors;

/* Open, read and check the header. Close with ein_safetensors_close. Not collective. */
ein_status ein_safetensors_open(const char *path, ein_safetensors **out);
void ein_safetensors_close(ein_safetensors *file); /* NULL is fine */

/* Tensors are numbered in the order of their data. */
int ein_safetensors_count(const ein_safetensors *file);
const ein_st_tensor *ein_safetensors_tensor(const ein_safetensors *file, int index);
int ein_safetensors_find(const ein_safetensors *file, const char *name); /* -1: absent */

/* Metadata in the order of the file; texts are UTF-8 without NUL, owned by `file`. */
const char *ein_safetensors_metadata(const ein_safetensors *file, const char *key); /* NULL: absent */
int ein_safetensors_metadata_count(const ein_safetensors *file);
const char *ein_safetensors_metadata_key(const ein_safetensors *file, int index);

/* Read a tensor's values into `out` (count floats), converting from its dtype. EIN_RANGE if a finite
 * F64 value has no finite float. */
ein_status ein_safetensors_read(const ein_safetensors *file, int index, float *out);

/* Read `bytes` raw bytes of the data section at `offset`, both within the section. */
ein_status ein_safetensors_read_raw(const ein_safetensors *file, int64_t offset, int64_t bytes, void *out);

/* One tensor to write. */
typedef struct {
    const char *name;
    int ndim;
    const int64_t *shape;
    const float *data;
} ein_st_source;

/* Write durably: tensors as F32 in the given order, metadata as string pairs key, value, key, value, ...
 * (n_pairs pairs). The same input gives the same bytes. Not collective. */
ein_status ein_safetensors_write(const char *path, const ein_st_source *tensors, int n_tensors,
                                 const char *const *metadata, int n_pairs);

#endif
