/* A table of people who do not exist, with the columns that a plan asks for, so that a site can rehearse its run
 * before it touches a patient. */
#ifndef EIN_JOBS_SITES_MOCK_H
#define EIN_JOBS_SITES_MOCK_H

#include "io/sites/plan.h"

/* Write `records` rows: ids begin with SYNTHETIC, some patients come twice, labels and scores hang together weakly,
 * some cells are empty and some rows outside of the cohort. The same plan gives the same bytes. EIN_USAGE for plans
 * with model files, which are rehearsed with einthoven synth. */
ein_status ein_site_mock(const char *path, const ein_plan *plan, int records);

#endif
