/* What a checkpoint holds, in memory (format: io/model/checkpoint.h). */
#ifndef EIN_IO_MODEL_CHECKPOINT_DATA_H
#define EIN_IO_MODEL_CHECKPOINT_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "core/nn/layout.h"
#include "io/base/hash.h"

/* The first line of every checkpoint, whole or not. */
#define EIN_CHECKPOINT_FIRST_LINE "EINTHOVEN CHECKPOINT\n"

enum {
    EIN_CHECKPOINT_VERSION = 1,
    EIN_CHECKPOINT_HEAD_BYTES = 512,
    EIN_CHECKPOINT_BLOCK_BYTES = 4 << 20,
    EIN_CHECKPOINT_PROGRAM_BYTES = 32,   /* with the final NUL; longer texts are cut */
    EIN_CHECKPOINT_TEXT_BYTES = 16 << 20 /* bound of config, contract and blas each */
};
#define EIN_CHECKPOINT_MAX_BYTES (INT64_C(1) << 46)

/* A run [offset, offset + count) of the flat arena. */
typedef struct {
    int64_t offset, count;
} ein_range;

/* Everything scalar that a run needs to go on as if it had never stopped. Fixed-size, portable. */
typedef struct {
    int64_t step;          /* updates done */
    int64_t epoch;         /* epoch of the next update */
    int64_t step_in_epoch; /* updates done in that epoch: the data position */
    uint64_t seed;         /* RNG key; draws are addressed, so there is no other RNG state */
    double best_value;     /* best validation value so far; NaN before the first */
    int64_t best_step;
    int64_t skipped_steps;    /* steps skipped for non-finite gradients */
    int64_t validated_epochs; /* epochs whose validation loss is in the metrics */
    int64_t metrics_bytes;    /* of metrics.csv at this step; 0: not known */
    uint8_t metrics_hash[EIN_HASH_BYTES];
} ein_train_state;

typedef struct {
    const ein_layout *layout;
    /* Flat arenas of layout->arena values each. `param` is complete on every rank when writing;
     * `m` and `v` are valid on this rank only inside `owned`. */
    float *param, *m, *v;
    const ein_range *owned; /* the runs that this rank owns; over all ranks they tile the arena */
    int n_owned;
    ein_train_state *state;  /* written from rank 0 */
    const char *config_yaml; /* the resolved configuration */
    const char *contract_text;
    const char *blas;    /* kernel set that made these bits */
    const char *program; /* "einthoven 0.1.0"; NULL: "unknown" */
    bool verified;       /* after reading, also in vain: every checksum held, so the file is not damaged */
} ein_checkpoint;

/* What a checkpoint says of itself. */
typedef struct {
    int64_t bytes;
    char program[EIN_CHECKPOINT_PROGRAM_BYTES];
    ein_vit_shape shape;
    ein_vit_parts parts;
    int tensors;           /* of the model that it holds; 0: all */
    ein_train_state state; /* only `step` unless verified */
    bool verified;
    char *config_yaml, *contract_text, *blas; /* NULL unless verified */
} ein_checkpoint_info;
void ein_checkpoint_info_free(ein_checkpoint_info *info); /* zeroes; NULL is fine */

#endif
