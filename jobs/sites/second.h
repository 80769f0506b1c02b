/* The plan of round 2 from the results of round 1. */
#ifndef EIN_JOBS_SITES_SECOND_H
#define EIN_JOBS_SITES_SECOND_H

#include <stdio.h>

#include "io/sites/result.h"

/* The body, to be signed; the caller's reference. A task and model of which sites have no two bins in common is left
 * out, and `notes` says so and what would help. EIN_USAGE if the plan has one round, or nothing is left. */
ein_status ein_plan_second(json_t **body, const ein_plan *plan, const ein_result *result, int n,
                           const char *today, FILE *notes);

#endif
