/* What a study consists of: cells, each one command of this program, in an order in which they can be run.
 *
 *     FOLDER/study.yaml                      the description, as given when the folder was made
 *     FOLDER/cells/STAGE/ID/                 STATE, LOCK, COMMAND, output.txt of one cell
 *     FOLDER/cohorts/NAME/                   synth
 *     FOLDER/corpora/NAME.h5                 ingest
 *     FOLDER/pretrain/                       run folder
 *     FOLDER/finetune/TASK/ARM-sSEED/        run folder
 *     FOLDER/evaluate/TASK/COHORT/           scores and metrics
 *     FOLDER/score/COHORT/                   a row of scores for each recording, by the models of several tasks
 *     FOLDER/table.csv, table.txt            table, with their sums in table.made-by
 *
 * A cell is done when its STATE says so, its output is there, and it was made by the command that the plan has for it
 * now, from cells made by theirs: COMMAND holds a stamp, the hash of the command's words and of the stamps of what it
 * needs. An output whose sum is not that of the list beside it was damaged or edited: the cell is done again before
 * its figures are used. Outputs of earlier versions have no list; the table says how many. Corpora and models carry
 * checksums of their own, which every job that reads them verifies.
 */
#ifndef EIN_JOBS_STUDY_PLAN_H
#define EIN_JOBS_STUDY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "io/base/hash.h"
#include "io/run/run.h"
#include "jobs/study/file.h"

typedef enum {
    EIN_STUDY_SYNTH,
    EIN_STUDY_INGEST,
    EIN_STUDY_PRETRAIN,
    EIN_STUDY_FINETUNE,
    EIN_STUDY_EVALUATE,
    EIN_STUDY_SCORE,
    EIN_STUDY_TABLE,
    EIN_STUDY_STAGES
} ein_study_stage;
extern const char *const ein_study_stage_name[EIN_STUDY_STAGES]; /* "synth", ... */

typedef struct {
    ein_study_stage stage;
    int index;    /* within its stage, from 0 */
    char id[160]; /* "ukb", "pretrain", "age/ssl-s1", "age/ukb", "table" */
    int n_words;  /* 0: `table`, which is no command */
    char **word;  /* "finetune", "--corpus", ... */
    int n_needs;
    int64_t need_room;
    int *need; /* cells (of the plan) that must be done before */
    char *folder, *output,
        *run_folder,             /* `output`: a file that is there when it is done; `run_folder`: or NULL */
        *sums;                   /* list with the sum of `output` (io/base/sums.h), or NULL */
    int task, cohort, arm, seed; /* -1 where it has none */
    char stamp[EIN_HASH_TEXT_BYTES];

    /* ein_study_look: */
    ein_run_state state; /* EIN_STATE_NONE: not begun, or out of date */
    char reason[512];    /* of a failure or stop; why it is out of date; or "" */
    bool unverified;     /* done, but nothing tells whether its output is as it was written */
} ein_study_cell;

typedef struct {
    const ein_study *study;
    const char *folder;
    double scale;
    int n;
    ein_study_cell *cell;
} ein_study_plan;

/* Records of a synthetic cohort at a scale. */
int64_t ein_study_records(const ein_study_cohort *cohort, double scale);

/* `study` and `folder` must outlive the plan. Not collective. */
ein_status ein_study_plan_new(const ein_study *study, const char *folder, double scale, ein_study_plan **out);
void ein_study_plan_free(ein_study_plan *plan); /* NULL is fine */

/* The cell of a stage with an index, or NULL. */
ein_study_cell *ein_study_find(ein_study_plan *plan, ein_study_stage stage, int64_t index);

/* A cell's words as one line that a shell takes (free()). */
ein_status ein_study_command_line(const ein_study_cell *cell, char **out);

/* Read the state of one cell, or of all, from their folders. What is not there is missing; what cannot be read (no
 * permission, a disk or file server in trouble) tells nothing, and is an error that names the file. Not collective. */
ein_status ein_study_look(ein_study_cell *cell);
ein_status ein_study_look_all(ein_study_plan *plan);

/* Whether the output of a cell is there; the same rule. Not collective. */
ein_status ein_study_output(const ein_study_cell *cell, bool *there);

/* "missing", "running", "stopped", "done", "failed" */
const char *ein_study_state_name(ein_run_state state);

#endif
