/* Masked-autoencoder pretraining: what its parts share. */
#ifndef EIN_JOBS_TRAIN_PRETRAIN_H
#define EIN_JOBS_TRAIN_PRETRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/nn/mae.h"
#include "core/nn/schedule.h"
#include "core/records/order.h"
#include "io/corpus/corpus.h"
#include "io/corpus/feed.h"
#include "io/corpus/store.h"
#include "io/model/checkpoint.h"
#include "io/run/run.h"
#include "jobs/cli/command.h"
#include "jobs/options/recipe.h"
#include "jobs/train/probe.h"
#include "jobs/train/train_loop.h"
#include "mpi/engine.h"

/* Sizes that follow from configuration and corpus, before any memory is taken. */
typedef struct {
    ein_contract contract;
    ein_vit_shape shape;
    ein_layout *layout;
    int patches, visible;
    double mask_ratio;
    uint64_t seed;
    int64_t epochs, batch;
    int per_slot; /* records per slot and step */
    ein_engine_options engine;
    ein_adamw adamw; /* lr is set per step */
    ein_schedule schedule;
    ein_shuffle shuffle;
    int64_t steps_per_epoch, total_steps;
} ein_pretrain_plan;

/* Records of the corpus by use, and what this rank holds of them. */
typedef struct {
    ein_corpus *corpus;
    int64_t n_train, n_valid;
    uint8_t *part;          /* (N) core/records/split.h */
    int64_t *train, *valid; /* corpus indices, ascending */
    char *training_records; /* io/corpus/seen.h; rank 0 */
    ein_feed *feed;         /* this rank's shards */
    /* Validation: batches of per_slot records, shared out over ranks; the last wraps around. */
    ein_store *valid_store;
    int64_t first_batch, n_batches, all_batches;
    double *valid_loss; /* (n_valid) */
} ein_pretrain_data;

/* One thread's room. */
typedef struct {
    ein_mae *mae;
    float *x;      /* (per_slot, L, S) */
    int32_t *mask; /* (per_slot, N) */
    double *record_loss;
} ein_pretrain_worker;

typedef struct {
    ein_job *job;
    ein_job own;        /* job with the numbers of the recipe, once they are known */
    ein_config *config; /* of it */
    ein_recipe recipe;
    ein_pretrain_plan plan;
    ein_pretrain_data data;
    ein_run *run;
    int threads;
    ein_pretrain_worker *worker;
    float *param;
    ein_trainer trainer;
    ein_probe *probe; /* NULL: none */
    char *config_yaml, *identity;
    char program[32]; /* name and version, for files */
    char contract_text[EIN_CONTRACT_TEXT_BYTES];
} ein_pretrain;

extern const ein_option ein_table_pretrain[];

/* Plan from the configuration; with a corpus its contract is checked against the configuration's. Collective. */
ein_status ein_pretrain_plan_make(ein_pretrain *p);
/* Steps of an epoch, once the number of training records is known. */
ein_status ein_pretrain_plan_steps(ein_pretrain *p);
/* --dry-run: print the plan on rank 0. Collective. */
ein_status ein_pretrain_plan_print(ein_pretrain *p);

/* Which records train and validate: by split.*, or where split.by is not set by data.validation_fraction. */
ein_status ein_pretrain_data_split(ein_pretrain *p);
/* Note for the model which records train it. Collective. */
ein_status ein_pretrain_data_note(ein_pretrain *p);
/* Options of the feed for this rank. */
ein_feed_options ein_pretrain_data_feed(const ein_pretrain *p);
/* Open the feed at the run's position and read the held-out records. Collective. */
ein_status ein_pretrain_data_load(ein_pretrain *p);
void ein_pretrain_data_free(ein_pretrain_data *data);
/* Fill a worker's x and masks for slot `slot` of the feed's current step. */
void ein_pretrain_data_fill(const ein_pretrain *p, ein_pretrain_worker *worker, int slot);

/* One thread's room, first touched by the calling thread; and that of all threads. */
ein_status ein_pretrain_worker_new(const ein_pretrain_plan *plan, ein_pretrain_worker *worker);
void ein_pretrain_worker_free(ein_pretrain_worker *worker);
ein_status ein_pretrain_workers_new(ein_pretrain *p);
void ein_pretrain_workers_free(ein_pretrain *p);

/* Mean masked loss over the held-out records; NaN if there are none. Collective. */
ein_status ein_pretrain_validate(ein_pretrain *p, double *loss);

/* From start or checkpoint to done or stopped. Collective. */
ein_status ein_pretrain_train(ein_pretrain *p);

#endif
