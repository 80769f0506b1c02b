/* What is explained, and a row of numbers per record: attributions, and what tells how far to trust them. */
#ifndef EIN_JOBS_EXPLAIN_RECORD_H
#define EIN_JOBS_EXPLAIN_RECORD_H

#include "core/nn/attribution.h"
#include "jobs/options/encoder.h"
#include "jobs/options/model_tasks.h"

typedef enum {
    EIN_EXPLAIN_OCCLUSION,
    EIN_EXPLAIN_GRADIENT,
    EIN_EXPLAIN_INTEGRATED,
    EIN_EXPLAIN_ROLLOUT
} ein_explain_method;
enum {
    EIN_EXPLAIN_METHODS = EIN_EXPLAIN_ROLLOUT + 1,
    EIN_EXPLAIN_POINTS = 11, /* of curves: tenths of the cells */
    EIN_EXPLAIN_ORDERS = 3   /* random orders that a method is compared with */
};
const char *ein_explain_method_name(ein_explain_method method); /* "occlusion", ... */

/* Numbers of one record, all in one array of doubles, so that ranks exchange them as they are. Cells are (L,N) of
 * core/nn/attribution.h; rollout's time share stands in each lead divided by L. */
typedef struct {
    double f, empty;     /* logit of the record, and of a record without signal */
    double gap;          /* of integrated gradients */
    double *lead, *time; /* (L), (N): occlusion */
    double *cell;        /* (METHODS, L*N) */
    double *alike;       /* (METHODS): rank correlation with a model of random weights; NaN: no spread */
    double *deletion;    /* (METHODS + 1, POINTS), the last a mean over random orders */
    double *insertion;   /* the same */
} ein_explain_row;
int64_t ein_explain_row_values(const ein_vit_shape *shape);
ein_explain_row ein_explain_row_at(double *values, const ein_vit_shape *shape);

typedef struct {
    ein_layout *layout;
    const float *param;
    const ein_packed *packed; /* for training */
    const float *other;       /* the same model with random weights */
    const ein_packed *other_packed;
    double direction[1024], offset; /* ein_head_direction of what is explained */
    bool wanted[EIN_EXPLAIN_METHODS];
    bool checks;
    int steps;
    uint64_t seed;
} ein_explain_model;

/* Room of one thread. */
typedef struct {
    ein_attribution *work;
    int32_t *order;
    double *value; /* (4, L*N) */
    int64_t *permutation;
} ein_explain_room;
ein_status ein_explain_room_new(ein_explain_room *room, const ein_explain_model *model);
void ein_explain_room_free(ein_explain_room *room);

/* values (ein_explain_row_values) of record x (L,S), whose number `record` addresses random orders. */
ein_status ein_explain_record(double *values, ein_explain_room *room, const ein_explain_model *model,
                              const float *x, int64_t record);

#endif
