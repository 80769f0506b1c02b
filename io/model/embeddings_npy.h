/* Inside of files of embeddings: the .npy form, NAME.npy with NAME.npy.json beside it (format: io/model/embeddings.h).
 * For embeddings.c only; nothing here looks at ids or values. */
#ifndef EIN_IO_MODEL_EMBEDDINGS_NPY_H
#define EIN_IO_MODEL_EMBEDDINGS_NPY_H

#include "core/base/status.h"
#include "io/model/embeddings_data.h"

/* Write both durably, as ein_embeddings_begin and so on say. */
typedef struct ein_npy_writer ein_npy_writer;
ein_status ein_npy_begin(const char *path, const ein_embeddings *about, const char *program,
                         ein_npy_writer **out);
ein_status ein_npy_put(ein_npy_writer *writer, const float *value, int64_t n);
ein_status ein_npy_finish(ein_npy_writer *writer, ein_status mine);

/* Read both; messages name the file. `out` is zeroed; on error what it holds is the caller's to free. */
ein_status ein_npy_read(const char *path, ein_embeddings *out);

#endif
