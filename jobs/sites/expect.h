/* What a plan would leave of counts that its sites expect, said before anybody is asked. */
#ifndef EIN_JOBS_SITES_EXPECT_H
#define EIN_JOBS_SITES_EXPECT_H

#include <stdio.h>

#include "io/config/config.h"
#include "io/sites/plan.h"

/* Tell of each item TASK=POSITIVE/NEGATIVE of the list `key`, a site each, in how many bins it could be counted and how
 * far the AUROC could be off, and of each task how many bins the sites would have in common. EIN_USAGE names an item
 * that is no such text, or of no task. A guess: records of different patients, scores of a binormal model of AUROC 0.8,
 * edges at equal shares of all of them; other models join more. */
ein_status ein_site_tell_expected(FILE *out, const ein_plan *plan, const ein_config *config, const char *key);

#endif
