/* The checkpoints of a run folder: ckpt/step-NNNNNNNNN.h5, newest valid one wins. */
#ifndef EIN_JOBS_TRAIN_CHECKPOINTS_H
#define EIN_JOBS_TRAIN_CHECKPOINTS_H

#include <stdint.h>

#include "core/base/status.h"
#include "io/model/checkpoint.h"
#include "io/run/run.h"
#include "mpi/comm.h"

/* Read the newest checkpoint that verifies; every candidate that was read and is damaged is passed over and logged
 * with the reason; one that could not be read is an error. *found is 0 when there is none. `identity` (may be NULL)
 * is compared with the configuration stored in the checkpoint: EIN_MISMATCH names the first difference. Collective. */
ein_status ein_checkpoints_load(ein_comm *comm, ein_run *run, ein_checkpoint *into, const char *identity,
                                int *found);

/* Write the checkpoint of from->state->step, then remove old ones but the newest `keep_last` and the first one in
 * every `keep_every` updates (0: none); one that cannot be read is not removed. A failure leaves the old ones and is
 * returned. Collective. */
ein_status ein_checkpoints_save(ein_comm *comm, ein_run *run, const ein_checkpoint *from, int keep_last,
                                int64_t keep_every);

#endif
