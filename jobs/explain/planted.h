/* Explanations where the right answer is known. */
#ifndef EIN_JOBS_EXPLAIN_PLANTED_H
#define EIN_JOBS_EXPLAIN_PLANTED_H

#include "jobs/explain/record.h"

/* The methods on a small model that is trained here to find a wave planted at one lead and one time of synthetic
 * records, where the right answer is known, and on the same model trained with random labels, where there is none. */
typedef struct {
    int records, cells, times, leads;
    double accuracy, random_accuracy; /* of the two models on new records */
    /* Shares of records whose greatest cell is the planted one, has its lead, its time. NaN: not asked of it. */
    double cell[EIN_EXPLAIN_METHODS], lead[EIN_EXPLAIN_METHODS], time[EIN_EXPLAIN_METHODS];
    double random_cell[EIN_EXPLAIN_METHODS];
} ein_explain_planted;
ein_status ein_explain_plant(ein_explain_planted *out, int records, int steps, uint64_t seed);

#endif
