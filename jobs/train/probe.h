/* A linear probe during pretraining: how much of a labelled corpus the encoder tells, as it is now.
 *
 * Every probe.every_epochs epochs, and after the last, the records of a labelled corpus go through the encoder one at a
 * time; their features are the mean of the patch tokens (core/nn/classify.h, nothing trained), standardised on the
 * records of the train part.  For each target a penalised linear model (core/stats/penalised.h) is fitted on the train
 * part, where the target is known, and judged on the valid part: AUROC of a label, R2 of a number (fitted as its
 * z-score).  The test part is not touched.  The corpus is split by the same split.* keys as everywhere; split.by unset
 * means hash.
 *
 * A task's value is the mean over its targets that can be estimated: both classes (two records that differ, of a
 * number) in the train part and in the valid part.  It is logged and kept in RUN/probe.csv:
 *
 *     epoch,step,task,measure,value,estimated,targets     one row per probe and task; measure AUROC or R2
 *
 * The probe looks and does not touch: weights, metrics, checkpoints and models are the same bytes with it and without.
 * Its values are the same bits on any number of ranks and threads: a record's features are one rank's, a target's model
 * is fitted by one thread.
 */
#ifndef EIN_JOBS_TRAIN_PROBE_H
#define EIN_JOBS_TRAIN_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/nn/layout.h"
#include "core/signal/contract.h"
#include "io/run/run.h"
#include "jobs/cli/command.h"

extern const ein_option ein_table_probe[];

typedef struct ein_probe ein_probe;

/* *out is NULL if probe.every_epochs is 0. `model` is the layout whose parameters will be probed and `contract` what
 * its input follows; both are kept by reference. EIN_MISMATCH for a corpus under another contract, EIN_USAGE without
 * tasks or for one of which nothing can be estimated. Collective. */
ein_status ein_probe_open(ein_job *job, const ein_layout *model, const ein_contract *contract, int threads,
                          ein_probe **out);
void ein_probe_close(ein_probe *probe); /* NULL is fine */

/* One or two lines for a dry run. */
void ein_probe_print(const ein_probe *probe, FILE *stream);

/* Go on with RUN/probe.csv: rows of updates after `step` are dropped. `training_records` (io/corpus/seen.h; used on
 * rank 0, may be NULL) are those of the model: how many of the probe's valid part are among them is logged.
 * Collective. */
ein_status ein_probe_resume(ein_probe *probe, ein_run *run, int64_t step, const char *training_records);

/* Whether there is a probe after `epoch` of `epochs` epochs. NULL: never. */
bool ein_probe_is_due(const ein_probe *probe, int64_t epoch, int64_t epochs);

/* Probe `param`, the arena of the model, the same on all ranks. No other thread may touch HDF5 meanwhile. What fails in
 * a probe (a damaged record, a full disk) costs the probe and not the run: it is warned about. EIN_COMM if a rank is
 * lost. Collective. */
ein_status ein_probe_run(ein_probe *probe, const float *param, int64_t epoch, int64_t step);

#endif
