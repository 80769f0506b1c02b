/* Model files: a .safetensors file with timm's tensor names and metadata that says everything a site
 * needs to run a model: one file, no other beside it.
 *
 * Format "einthoven model", version 1: tensors of one ein_layout as F32 in its order, and these metadata. All
 * values are texts; a file of ours has the first five and the last, the others where known.
 *
 *     format                 "pt": what other readers of the format look for before they accept tensors
 *     einthoven.format       "einthoven model"
 *     einthoven.version      "1"
 *     einthoven.parts        "pretrain" | "encoder" | "classify"
 *     einthoven.architecture JSON object of the fields of ein_vit_shape by name, integers; "pool": "attentive",
 *                            "lora": the rank and "positions": "sincos", only where they apply
 *     einthoven.program      program and version that wrote the file
 *     einthoven.contract     the preprocessing contract in canonical form (core/signal/contract.h)
 *     einthoven.contract_blake2b  its BLAKE2b-256, 64 hexadecimal digits
 *     einthoven.config       YAML of the configuration that made it
 *     einthoven.training     JSON object: training summary
 *     einthoven.training_records  the records used to train or select the model (io/corpus/seen.h)
 *     einthoven.tasks        JSON object: what the outputs mean, thresholds, calibration (classify only)
 *     einthoven.domain       JSON object: which records are like those of training (jobs/options/domain.h)
 *     einthoven.licence      SPDX expression, or words, for the weights
 *     einthoven.blake2b      content hash, 64 hexadecimal digits; written last, so it is also the mark of a
 *                            complete file
 *
 * The content hash is the BLAKE2b-256 of: each metadata pair but itself, in bytewise order of keys, as key, NUL,
 * value, NUL; then each tensor in bytewise order of names as name, NUL, dtype, NUL, number of dimensions and
 * each dimension as uint64 little-endian, raw bytes of the data. It does not depend on the order within the
 * file, so a program that reads and writes tensors and metadata back unchanged keeps it valid, and one that changes
 * weights but copies metadata is noticed. It identifies a model in scores and reports.
 *
 * Files of others, with no einthoven.* key, have timm's or the MAE code's names and nothing else. One prefix
 * "module.", "model." or "encoder." is taken off if, and only if, every tensor of the file has it. No other
 * renaming is done: a name that is not known is reported, not guessed at. Attentive pooling and adapters are seen by
 * their names (core/nn/layout.h), whoever wrote the file.
 *
 * A model with adapters gives other results without them, so a file that has them is never loaded into a layout that
 * has not, strictly or not: merge them first (core/nn/lora.h).
 *
 * Nothing here is collective.
 */
#ifndef EIN_IO_MODEL_MODEL_H
#define EIN_IO_MODEL_MODEL_H

#include "core/base/status.h"
#include "core/nn/layout.h"
#include "io/base/hash.h"
#include "io/model/info.h"

/* Write the tensors of `layout` from the flat arena `param`, durably. info->shape and info->parts are taken from
 * the layout. EIN_NUMERIC if a value is not finite, naming the tensor: such a file must not reach anybody. */
ein_status ein_model_write(const char *path, const ein_layout *layout, const float *param,
                           const ein_model_info *info);

/* Say what a model file is without loading it. Files of others (no metadata of ours) are understood
 * from tensor names and shapes; heads, which do not show in shapes, then come from `fallback` if it is
 * not NULL and its width is 0 or the file's, else from the published model (8 and 16). EIN_FORMAT for a file that
 * is no such model, naming what is missing; EIN_MISMATCH for a later version of our format. */
ein_status ein_model_describe(const char *path, const ein_vit_shape *fallback, ein_model_info *info);

/* Load every tensor of `layout` that the file has, after checking shapes; names missing from the file
 * are listed in `missing` (comma separated, may be NULL) and left untouched; with `strict` they are an
 * error, as are names in the file that the layout does not know. Padding is not touched. The content hash of a
 * file of ours is verified first (EIN_CORRUPT), and a value that is not finite is EIN_NUMERIC. `param` is touched only
 * after names, shapes and hash have been checked. At least one tensor must match. */
ein_status ein_model_load(const char *path, const ein_layout *layout, float *param, int strict, char *missing,
                          int missing_bytes);

/* Compute the content hash of a file (of any origin) as text. */
ein_status ein_model_hash(const char *path, char out[EIN_HASH_TEXT_BYTES]);

/* Compare the content hash with the one stated: EIN_CORRUPT if they differ, EIN_NOTFOUND if none is stated. */
ein_status ein_model_verify(const char *path);

#endif
