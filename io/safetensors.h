/* The .safetensors format: 8-byte little-endian header length, JSON header, raw tensors.
 *
 * Reading is for untrusted files: header length, JSON, types, shapes, offsets, overlaps and holes are
 * all checked before any value is used. F32 is written; F32, F64, F16 and BF16 are read into float.
 */
#ifndef EIN_IO_SAFETENSORS_H
#define EIN_IO_SAFETENSORS_H

#include <stdint.h>

#include "core/status.h"

enum { EIN_ST_MAX_DIMS = 8, EIN_ST_NAME_BYTES = 256 };

typedef struct {
    char name[EIN_ST_NAME_BYTES];
    char dtype[8];
    int ndim;
    int64_t shape[EIN_ST_MAX_DIMS];
    int64_t count;           /* product of the shape */
    int64_t begin, end;      /* bytes within the data section */
} ein_st_tensor;

typedef struct ein_safetensors ein_safetensors;

ein_status ein_safetensors_open(const char *path, ein_safetensors **out);
void ein_safetensors_close(ein_safetensors *file);
int ein_safetensors_count(const ein_safetensors *file);
const ein_st_tensor *ein_safetensors_tensor(const ein_safetensors *file, int index);
int ein_safetensors_find(const ein_safetensors *file, const char *name); /* -1: absent */
const char *ein_safetensors_metadata(const ein_safetensors *file, const char *key); /* NULL: absent */
int ein_safetensors_metadata_count(const ein_safetensors *file);
const char *ein_safetensors_metadata_key(const ein_safetensors *file, int index);

/* Read a tensor's values into `out` (count floats), converting from its dtype. */
ein_status ein_safetensors_read(const ein_safetensors *file, int index, float *out);

/* One tensor to write. */
typedef struct {
    const char *name;
    int ndim;
    const int64_t *shape;
    const float *data;
} ein_st_source;

/* Write durably: tensors as F32 in the given order, metadata as string pairs key, value, key, value, ...
 * The same input gives the same bytes. Not collective. */
ein_status ein_safetensors_write(const char *path, const ein_st_source *tensors, int n_tensors,
                                 const char *const *metadata, int n_pairs);

#endif
