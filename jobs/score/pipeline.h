/* Blocks of inputs through one process: readers prepare, others run the models, at the same time.
 *
 * Some threads read and prepare recordings into a bounded pool of slots; others run the models on what is ready, in
 * batches of records of any block. A few blocks are under way, so that threads find work while a block that is finished
 * is written by the caller. Memory is that of the slots and of these blocks' results, however many inputs there are.
 *
 * Trouble of the machine (io/base/trouble.h) is waited out: the input is tried again, with longer and longer pauses,
 * for `retry_s`; then the pipeline ends with its message.
 */
#ifndef EIN_JOBS_SCORE_PIPELINE_H
#define EIN_JOBS_SCORE_PIPELINE_H

#include "jobs/score/block.h"
#include "jobs/score/models.h"
#include "jobs/score/plan.h"
#include "jobs/score/source.h"

typedef struct {
    const ein_score_plan *plan;
    const ein_score_models *models;
    const ein_ingest_policy *policy;
    int threads, readers; /* threads that run the models, and that read and prepare */
    double retry_s;
} ein_score_pipeline_options;

typedef struct {
    int64_t read, rejected, retries;
    int64_t batches, run; /* batches through the models, and records in them */
    /* Seconds of all threads together: reading and decoding, preparing; running the models, and waiting for input
     * while there was some to come. */
    double read_s, prepare_s, busy_s, starved_s;
} ein_score_pipeline_counts;

typedef struct ein_score_pipeline ein_score_pipeline;

ein_status ein_score_pipeline_new(const ein_score_pipeline_options *options, ein_score_pipeline **out);
void ein_score_pipeline_destroy(ein_score_pipeline *pipeline); /* gives up what is under way; NULL is fine */

/* How many blocks may be in it at a time. */
int ein_score_pipeline_most(const ein_score_pipeline *pipeline);

/* Put a block in; take one out that is finished, waiting for at most `wait_s`: *number is -1 if
 * none is. The caller frees `out`. Trouble that lasts and other errors come out here. One thread. */
ein_status ein_score_pipeline_put(ein_score_pipeline *pipeline, int64_t number);
ein_status ein_score_pipeline_take(ein_score_pipeline *pipeline, double wait_s, int64_t *number,
                                   ein_score_block *out);

void ein_score_pipeline_count(ein_score_pipeline *pipeline, ein_score_pipeline_counts *out);

#endif
