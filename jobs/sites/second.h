/* The plan of round 2 from the results of round 1. */
#ifndef EIN_JOBS_SITES_SECOND_H
#define EIN_JOBS_SITES_SECOND_H

#include "io/sites/result.h"

/* The body, to be signed; the caller's reference. EIN_USAGE if the plan has one round, or no site sent bins. */
ein_status ein_plan_second(json_t **body, const ein_plan *plan, const ein_result *result, int n,
                           const char *today);

#endif
