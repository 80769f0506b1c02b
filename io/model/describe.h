/* Inside of model files: what an open file is. For model.c only. */
#ifndef EIN_IO_MODEL_DESCRIBE_H
#define EIN_IO_MODEL_DESCRIBE_H

#include "io/model/info.h"
#include "io/model/safetensors.h"

/* As ein_model_describe, for an open file. `info` is to be freed on success only. */
ein_status ein_model_describe_file(const char *path, const ein_safetensors *file,
                                   const ein_vit_shape *fallback, ein_model_info *info);

/* Whether any metadata key is of ours: one damaged key must not turn a file of ours into one of others. */
bool ein_model_is_ours(const ein_safetensors *file);

/* Index of prefix + name in the file, or -1. */
int ein_model_find(const ein_safetensors *file, const char *prefix, const char *name);

/* The prefix that all names have, or "". */
const char *ein_model_prefix(const ein_safetensors *file);

#endif
