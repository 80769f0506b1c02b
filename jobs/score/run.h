/* What the parts of `score` share: a run and its plan. */
#ifndef EIN_JOBS_SCORE_RUN_H
#define EIN_JOBS_SCORE_RUN_H

#include "io/archive/archive.h"
#include "io/base/links.h"
#include "jobs/cli/command.h"
#include "jobs/score/claims.h"
#include "jobs/score/models.h"
#include "jobs/score/pipeline.h"
#include "jobs/score/plan.h"
#include "jobs/score/usage.h"

typedef struct {
    ein_job *job;
    ein_comm *comm;
    int rank, size, threads, readers;
    const char *out;
    ein_score_models *models;
    ein_ingest_policy policy;
    ein_links *links;
    ein_archives *archives;
    char *identity;       /* jobs/score/plan.h */
    const char *products; /* ein_products_text */
    int part, parts;      /* --part: from 1; 0, 0: all blocks */
    ein_score_plan plan;
    ein_claims *claims;
    ein_usage usage;
    /* Of this process. */
    ein_score_pipeline_counts counts;
    double work_s, write_s; /* in ein_score_work; of them packing and publishing blocks */
    int64_t scored;         /* inputs of blocks that it published, rejected ones too */
    bool stopped;           /* by a signal */
} ein_score;

/* Lines "key: value" of all that makes a score what it is (free()). Each rank. */
ein_status ein_score_identity(const ein_score *s, char **out);

/* Rank 0: the roots that operands and lists name. */
ein_status ein_score_inputs_named(const ein_job *job, ein_score_inputs *out);

/* Rank 0: make the plan of the folder, or go on with the one that is there, and enter as a worker. */
ein_status ein_score_prepare(ein_score *s);

/* Rank 0: read the plan that is there; EIN_NOTFOUND if there is none, EIN_MISMATCH if it is another. */
ein_status ein_score_plan_here(ein_score *s);

/* Rank 0: score `wanted` inputs of the plan again and compare. EIN_CORRUPT if some differ. */
ein_status ein_score_verify(ein_score *s, int64_t wanted);

/* Rank 0: print what would be done. */
ein_status ein_score_dry_run(ein_score *s);

/* Take blocks until there are none. Not collective. */
ein_status ein_score_work(ein_score *s);

/* How many blocks, and inputs in them, are done. */
void ein_score_done(const ein_score *s, int64_t *blocks, int64_t *inputs);

/* Rank 0: print what this job did, which phase limited it and what it took: sums over its ranks. Collective. */
ein_status ein_score_report(ein_score *s, double wall_s);

#endif
