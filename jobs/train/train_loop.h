/* The loop of a training job: from a fresh start or the newest checkpoint to done, stopped or failed.
 *
 * It owns what every job that trains needs in the same way: the engine, checkpoints and resume, stops (signals, STOP,
 * CHECKPOINT, walltime, a number of updates), metrics that wait out a full disk, skipped updates, loss spikes,
 * validation after every epoch with the best model kept, early stopping, and the account of where the time went.  The
 * job gives data, a slot's loss and gradient, a validation value and its model file.
 *
 * Everything here is collective; all ranks return the same status.
 */
#ifndef EIN_JOBS_TRAIN_TRAIN_LOOP_H
#define EIN_JOBS_TRAIN_TRAIN_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/nn/adamw.h"
#include "core/nn/schedule.h"
#include "io/corpus/corpus.h"
#include "io/model/checkpoint.h"
#include "io/run/run.h"
#include "jobs/cli/command.h"
#include "mpi/engine.h"

/* What a job does; `self` is its own. */
typedef struct {
    /* Weights of a run that starts afresh, into the trainer's `param`. The same on all ranks; not collective. */
    ein_status (*start)(void *self);
    /* Open the data at the position of trainer->state. Collective. */
    ein_status (*open)(void *self);
    /* Make the records of the update at trainer->state available. Not collective. */
    ein_status (*step)(void *self);
    /* One slot's loss and gradient, as ein_engine_compute with `self` as the job. */
    ein_engine_compute compute;
    /* The value to judge by, the same on all ranks; NaN: there is nothing to judge by. Collective. */
    ein_status (*validate)(void *self, double *value);
    /* Write the model as it is now to `path`. Called on rank 0 only. */
    ein_status (*write_model)(void *self, const char *path);
    /* The run is complete: write what it is for into its folder. Collective. */
    ein_status (*finish)(void *self);
    /* Ids of the records of slot `slot` in the current update, comma separated, as many as fit. */
    void (*name_records)(void *self, int slot, char *out, size_t room);
    /* Keep other threads out of HDF5 while a checkpoint is written, and let them in again. NULL: there are none. */
    void (*pause)(void *self, bool paused);
    /* Seconds spent waiting for data so far. NULL: none. */
    double (*starved_s)(void *self);
} ein_trainer_ops;

typedef struct {
    const ein_trainer_ops *ops;
    void *self;
    ein_job *job;     /* its configuration holds the run section (ein_table_run) */
    ein_run *run;     /* open */
    const char *what; /* "pretrain": in progress lines */

    const ein_layout *layout;          /* of what is trained */
    float *param;                      /* flat arena of it */
    ein_engine_options engine_options; /* compute and job are set by the loop */
    ein_adamw adamw;                   /* lr is set per update */
    ein_schedule schedule;
    int64_t epochs, batch, steps_per_epoch, total_steps;
    uint64_t seed;

    const char *value_name; /* "validation loss" in the log, "validation_loss" as a column of the metrics */
    bool larger_is_better;
    int64_t patience;     /* epochs without a better value after which the run is done; 0: never */
    const char *identity; /* the configuration that a checkpoint is compared by */
    const char *contract_text, *program;

    const char
        *stop_folder; /* a STOP file in this folder stops the run too, like one in its own; NULL: none */
    double started_s; /* what run.max_walltime_minutes counts from (ein_clock_s); 0: from now */

    /* Of the loop; jobs read them. */
    bool stopped;      /* left before it was complete, to go on later */
    bool at_max_steps; /* stopped by run.max_steps, which says nothing of other runs of the command */
    ein_engine *engine;
    ein_train_state state;
} ein_trainer;

/* Train. STATE becomes running, then done, stopped or failed; a run that is already done is left alone. Collective. */
ein_status ein_trainer_run(ein_trainer *trainer);

#endif
