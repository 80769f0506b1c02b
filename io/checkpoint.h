/* Checkpoints of a training run: parallel HDF5, the same bytes of data for any number of ranks.
 *
 * (The specification of the file format stands here; see below.)
 */
#ifndef EIN_IO_CHECKPOINT_H
#define EIN_IO_CHECKPOINT_H

#include <stdint.h>

#include "core/status.h"
#include "core/vit.h"
#include "mpi/comm.h"

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
    int64_t skipped_steps; /* steps skipped for non-finite gradients */
} ein_train_state;

typedef struct {
    const ein_layout *layout;
    /* Flat arenas of layout->arena values each. `param` is complete on every rank when writing;
     * `m` and `v` are valid on this rank only inside `owned`. */
    float *param, *m, *v;
    const ein_range *owned; /* the runs that this rank owns; over all ranks they tile the arena */
    int n_owned;
    ein_train_state *state;
    const char *config_yaml;    /* the resolved configuration */
    const char *contract_text;
    const char *blas;           /* kernel set that made these bits */
} ein_checkpoint;

/* Write durably to `path` (through PATH.partial). Collective. On failure every rank returns the same
 * status and no file of that name appears or changes. */
ein_status ein_checkpoint_write(ein_comm *comm, const char *path, const ein_checkpoint *checkpoint);

/* Read and verify: every checksum, every shape and name against `layout`. All ranks receive all of
 * `param`; `m` and `v` are filled inside `owned` only. config_yaml, contract_text and blas are returned in
 * fresh memory through the arguments (any may be NULL). Collective. */
ein_status ein_checkpoint_read(ein_comm *comm, const char *path, ein_checkpoint *checkpoint, char **config_yaml,
                               char **contract_text, char **blas);

#endif
