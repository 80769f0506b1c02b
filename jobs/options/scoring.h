/* Scores of a classifier for records of a corpus.
 *
 * Records are scored in batches. Own products give a record the same bits whatever other records are scored with it,
 * in whatever order, on whatever thread, rank or processor; with products of a BLAS it is scored alone for that.
 */
#ifndef EIN_JOBS_OPTIONS_SCORING_H
#define EIN_JOBS_OPTIONS_SCORING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/nn/head.h"
#include "core/nn/layout.h"
#include "io/corpus/corpus.h"
#include "io/run/run.h"
#include "mpi/comm.h"

/* A classifier as scoring needs it; everything is the caller's. */
typedef struct {
    const ein_layout *layout; /* EIN_PART_CLASSIFY */
    const float *param;       /* its arena */
    double mean_mv, sd_mv;    /* constants that its input is scaled by */
    const ein_head_task *tasks;
    int n_tasks, n_targets;
    const bool
        *lead_present; /* (L) leads that are given to the model, the others as unknown (0); NULL: all */
    bool
        logits; /* what comes out are logits (core/nn/head.h); ein_head_score_of_logit makes scores of them */
} ein_scorer;

/* How many records to run through a model at once: enough rows for fast products, few enough to stay in the cache; one
 * where a record's bits would depend on its batch. */
int ein_scoring_batch(const ein_layout *layout);

/* score (n, n_targets) of the corpus's records `record` (n, any order), the same on every rank. A record of another
 * shape than the model's is EIN_MISMATCH. `progress` may be NULL; it counts records of rank 0's share times the
 * number of ranks. Collective. */
ein_status ein_score_records(double *score, ein_comm *comm, const ein_scorer *scorer, ein_corpus *corpus,
                             const int64_t *record, int64_t n, int threads, ein_progress *progress);

#endif
