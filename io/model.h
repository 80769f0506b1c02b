/* Model files: a .safetensors file with timm's tensor names and metadata that says everything a site
 * needs (DESIGN: files, model).
 *
 * (The list of metadata keys stands here; see below.)
 */
#ifndef EIN_IO_MODEL_H
#define EIN_IO_MODEL_H

#include "core/contract.h"
#include "core/status.h"
#include "core/vit.h"

typedef struct {
    ein_vit_shape shape;
    ein_vit_parts parts;
    char contract_text[EIN_CONTRACT_TEXT_BYTES]; /* "" if the file does not say (others' checkpoints) */
    char *config_yaml;                           /* configuration that made it; NULL if unknown */
    char *training;                              /* training summary, one JSON object as text; NULL if none */
} ein_model_info;
void ein_model_info_free(ein_model_info *info);

/* Write the tensors of `layout` from the flat arena `param`. Durable. Not collective. */
ein_status ein_model_write(const char *path, const ein_layout *layout, const float *param, const ein_model_info *info);

/* Say what a model file is without loading it. Files of others (no metadata of ours) are understood
 * from tensor names and shapes; heads, which do not show in shapes, then come from `fallback` if it is
 * not NULL, else from the published model (8 and 16). */
ein_status ein_model_describe(const char *path, const ein_vit_shape *fallback, ein_model_info *info);

/* Load every tensor of `layout` that the file has, after checking shapes; names missing from the file
 * are listed in `missing` (comma separated, may be NULL) and left untouched; with `strict` they are an
 * error, as are names in the file that the layout does not know. */
ein_status ein_model_load(const char *path, const ein_layout *layout, float *param, int strict, char *missing,
                          int missing_bytes);

#endif
