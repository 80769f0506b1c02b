/* What would leave in the form that output checkers of trusted research environments open: ACRO's results.json, with a
 * table of each output and its SHA-256, as ACRO 1.0.2 reads them back. What is withheld is an output that failed, with
 * a file that says why. */
#ifndef EIN_JOBS_SITES_ACRO_H
#define EIN_JOBS_SITES_ACRO_H

#include "io/sites/plan.h"

/* Write FOLDER/results.json and the tables that it names; the folder is made if needed. `body` is a result's, `today`
 * the date of all outputs. */
ein_status ein_site_acro(const char *folder, const ein_plan *plan, const json_t *body, const char *program,
                         const char *today);

#endif
