/* What explain prints, writes and draws. */
#ifndef EIN_JOBS_EXPLAIN_OUTPUT_H
#define EIN_JOBS_EXPLAIN_OUTPUT_H

#include "io/corpus/corpus.h"
#include "jobs/explain/planted.h"

/* What there is to tell of; everything is the caller's. */
typedef struct {
    const ein_explain_model *model;
    const char *model_path, *target; /* as the command line and the model name them */
    ein_corpus *corpus;
    ein_head_kind kind;
    int64_t n;
    const int64_t *record; /* (n) */
    double *values;        /* (n, ein_explain_row_values) */
} ein_explained;

/* Tables: attribution by lead, checks. */
ein_status ein_explain_print(const ein_explained *e);
void ein_explain_print_planted(const ein_explain_planted *planted);

/* A row per record, method and cell: record, target, method, lead, patch, from_s, to_s, attribution. Of occlusion also
 * rows of whole leads (no patch) and of times in all leads (no lead); rollout has times alone. */
ein_status ein_explain_write(const ein_explained *e, const char *path);

/* The first record on paper with the cells of a method. */
ein_status ein_explain_draw(const ein_explained *e, ein_explain_method method, const char *layout,
                            const char *path);

#endif
