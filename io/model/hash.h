/* Inside of model files: the content hash (definition: io/model/model.h). For model.c and describe.c only. */
#ifndef EIN_IO_MODEL_HASH_H
#define EIN_IO_MODEL_HASH_H

#include "io/base/hash.h"
#include "io/model/safetensors.h"

#define EIN_MODEL_KEY_HASH "einthoven.blake2b"

/* Content hash of what ein_safetensors_write would write. */
ein_status ein_model_hash_sources(const ein_st_source *tensors, int n_tensors, const char *const *metadata,
                                  int n_pairs, char out[EIN_HASH_TEXT_BYTES]);

/* Content hash of an open file. */
ein_status ein_model_hash_file(const ein_safetensors *file, char out[EIN_HASH_TEXT_BYTES]);

/* EIN_CORRUPT if an open file states another content hash than it has, EIN_NOTFOUND if it states none. */
ein_status ein_model_verify_file(const char *path, const ein_safetensors *file);

#endif
