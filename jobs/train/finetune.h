/* Adapting a pretrained model to tasks: what the parts of `finetune` share.
 *
 * One *cell* is one model: some tasks, one way to start and to train (an *arm*: the pretrained model, from scratch, or
 * a random encoder that stays frozen), one seed.  Cells are run one after the other, each in a run folder of its own.
 */
#ifndef EIN_JOBS_TRAIN_FINETUNE_H
#define EIN_JOBS_TRAIN_FINETUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/nn/classify.h"
#include "core/nn/head.h"
#include "core/records/order.h"
#include "core/records/split.h"
#include "io/corpus/corpus.h"
#include "io/corpus/store.h"
#include "io/model/model.h"
#include "io/run/run.h"
#include "io/tasks/targets.h"
#include "io/tasks/tasks.h"
#include "jobs/cli/command.h"
#include "jobs/options/model_tasks.h"
#include "jobs/options/recipe.h"
#include "jobs/train/train_loop.h"

/* How a cell starts and what it trains. */
typedef struct {
    char name[64];    /* "top-4", "scratch", "random-frozen": part of the folder's name */
    const char *from; /* model file; NULL: drawn */
    ein_adapt_mode mode;
    int top_k, lora; /* of the mode */
    bool probe;      /* the control of a random encoder */
    double lr;       /* NaN: of the recipe */
} ein_finetune_arm;

enum { FINETUNE_MOST_ARMS = 3 };

/* What all cells share, read once. */
typedef struct {
    ein_job *job;
    ein_corpus *corpus;
    ein_tasks tasks;           /* all that are asked for */
    uint8_t *part;             /* (N) ein_split_part */
    ein_targets_tables tables; /* label tables beside the corpus */
    int threads;
    double started_s; /* what the time limit counts from */
    int n_arms;
    ein_finetune_arm arm[FINETUNE_MOST_ARMS];
    char program[32];
    /* Of the source model; zero if there is none. */
    ein_model_info source;
    char source_hash[EIN_HASH_TEXT_BYTES];
} ein_finetune;

/* One thread's room. */
typedef struct {
    ein_classify *batch;      /* of per_slot records, for training */
    ein_classify *one;        /* of one record: prefixes and validation */
    float *x;                 /* (L,S) */
    float *prefix;            /* (per_slot, prefix values) */
    float *logits, *d_logits; /* (per_slot, outputs) */
    float *target;            /* (per_slot, targets) */
    double *record_loss;      /* (per_slot) */
} ein_finetune_worker;

/* Records of a cell. */
typedef struct {
    int64_t n_train, n_valid;
    int64_t *train, *valid;         /* corpus indices, ascending */
    int64_t first_train, own_train; /* this rank's run of `train`: the shards of its slots */
    int64_t first_valid, own_valid; /* and of `valid` */
    ein_store *train_store, *valid_store;
    float *train_prefix,
        *valid_prefix; /* (own, prefix values) kept from epoch to epoch; NULL: computed each time */
    int64_t prefix_values;
    ein_targets targets; /* of the cell's tasks, all records */
    int64_t *order;      /* (own_train) places within each own shard, in the order of ordered_epoch */
    int64_t ordered_epoch;
    double *valid_score; /* (n_valid, targets) */
} ein_finetune_data;

typedef struct {
    ein_finetune *all;
    const ein_finetune_arm *arm;
    int first_task, n_tasks; /* of all->tasks */
    uint64_t seed;
    char name[256]; /* "superclass/top-4-s1" */
    char folder[4096];

    ein_vit_shape shape;
    ein_layout *full, *trained;
    float *frozen;             /* arena of `full` */
    ein_packed *frozen_packed; /* copies of its weights; NULL: all are trained */
    float *param;              /* arena of `trained` */
    ein_contract contract;     /* of the model: its normalisation is applied to every corpus */
    char contract_text[EIN_CONTRACT_TEXT_BYTES];
    ein_model_tasks *meaning; /* of the outputs: heads, names, and at the end thresholds */
    ein_recipe recipe;
    ein_job job;        /* the command's, with the numbers of the recipe */
    ein_config *config; /* of it */
    double lr;
    int64_t batch, per_slot, epochs;
    ein_engine_options engine;
    ein_shuffle shuffle;
    ein_finetune_data data;
    ein_finetune_worker *worker;
    ein_run *run;
    char *identity;
    ein_trainer trainer;
} ein_finetune_cell;

static inline ein_comm *ein_finetune_comm(const ein_finetune_cell *cell) {
    return cell->all->job->comm;
}

/* Its own once the recipe is in it, until then the command's. */
static inline const ein_config *ein_finetune_config(const ein_finetune_cell *cell) {
    return cell->config ? cell->config : cell->all->job->config;
}

/* Records, targets, shards; then stores and prefixes. Collective. */
ein_status ein_finetune_data_split(ein_finetune_cell *cell);
ein_status ein_finetune_data_load(ein_finetune_cell *cell);
void ein_finetune_data_free(ein_finetune_cell *cell);
/* Bytes of stores and kept prefixes on this rank; *kept: whether prefixes are. */
int64_t ein_finetune_data_bytes(const ein_finetune_cell *cell, bool *kept);

/* The order of the epoch that is being trained. Not collective. */
ein_status ein_finetune_data_step(ein_finetune_cell *cell);
/* Fill a worker for slot `slot` of the current update: prefixes and targets of all per_slot places, of which the first
 * n that are returned are records and the rest padding. */
int ein_finetune_data_fill(ein_finetune_cell *cell, ein_finetune_worker *worker, int slot);
/* Where update `step` of an epoch begins in the shard of a slot: ein_slots_cut. */
int64_t ein_finetune_data_place(const ein_finetune_cell *cell, int slot, int64_t step);
/* Records of the current update over all slots. */
int64_t ein_finetune_data_step_records(const ein_finetune_cell *cell);
/* Record number `place` of the epoch's order in slot `slot`, as an index in the corpus. */
int64_t ein_finetune_data_record(const ein_finetune_cell *cell, int slot, int64_t place);
/* Scores of the validation records into data.valid_score, on every rank. Collective. */
ein_status ein_finetune_data_validate(ein_finetune_cell *cell);

/* Scores and labels of one target over the validation records that know it; *n of them. free() both. */
ein_status ein_finetune_known(const ein_finetune_cell *cell, int target, const double *all_scores,
                              double **score, double **label, int64_t *n);
/* What the validation value is: "validation AUROC", ... */
const char *ein_finetune_value_name(const ein_finetune_cell *cell);

/* The loop's calls (jobs/train/train_loop.h): the model as it is; and the best one as it goes out, model.safetensors,
 * with thresholds and calibration, and validation_scores.csv. */
ein_status ein_finetune_write_model(void *cell, const char *path);
ein_status ein_finetune_finish(void *cell);

/* Its name and folder; its shape, contract, recipe, records and updates, or why it cannot be (collective); and the plan
 * as a dry run prints it. */
void ein_finetune_cell_name(ein_finetune_cell *cell);
ein_status ein_finetune_cell_plan(ein_finetune_cell *cell, const ein_targets_tables *tables);
void ein_finetune_cell_print(const ein_finetune_cell *cell);
/* Whether some of its model stays as it is. */
bool ein_finetune_has_frozen(const ein_finetune_cell *cell);
/* "225 or 226": records of an update; those of an epoch are shared out evenly. */
enum { EIN_FINETUNE_SIZES_BYTES = 48 };
const char *ein_finetune_sizes_text(const ein_finetune_cell *cell, char out[EIN_FINETUNE_SIZES_BYTES]);

/* How a cell ended. */
typedef struct {
    char name[256];
    bool stopped, at_max_steps;
    double value;  /* best validation value; NaN if there is none yet */
    int64_t epoch; /* that it is of */
    char value_name[32];
} ein_finetune_outcome;

/* One cell, a model for tasks [first_task, first_task + n_tasks), from its folder to done or stopped; with run.dry_run
 * its plan is printed and nothing is done. Collective. */
ein_status ein_finetune_cell_run(ein_finetune *all, const ein_finetune_arm *arm, int first_task, int n_tasks,
                                 uint64_t seed, ein_finetune_outcome *outcome);

extern const ein_option ein_table_finetune[];
extern const ein_option *const ein_finetune_tables[]; /* all tables of the subcommand */

#endif
