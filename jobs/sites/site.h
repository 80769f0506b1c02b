/* The site's run of a plan: evaluate --plan. What it makes:
 *
 *     OUT/site-private/              mode 0700: all that follows is for the site's own eyes
 *         plan.json                  the plan that was run
 *         cohort.csv, TASK.json, TASK.csv       the cohort's rows and every statistic of them (scores in a table)
 *         evaluation/                scores and metrics as evaluate makes them (models on a corpus)
 *         candidate.json             the body that would be sent, as einthoven release signs it
 *         tables.csv                 who is counted in which cell, under keyed hashes (io/sites/tables.h)
 *         acro/results.json          the same for output checkers of trusted research environments
 *         RELEASE-SHEET.txt          what would leave and what not, in words, with the hash to approve
 *     OUT/SITE.result.json           after einthoven release: the one file to send
 */
#ifndef EIN_JOBS_SITES_SITE_H
#define EIN_JOBS_SITES_SITE_H

#include "io/sites/plan.h"
#include "jobs/cli/command.h"

/* evaluate.plan and what belongs to it. */
extern const ein_option ein_table_site[];

typedef struct ein_site ein_site;

/* Verify plan, coordinator's key, expiry, site, and models, before anything runs; make the private folder. `tables` are
 * those of the job's configuration. Collective. */
ein_status ein_site_begin(ein_job *job, const ein_option *const *tables, ein_site **out);
void ein_site_end(ein_site *site); /* NULL is fine */

/* The configurations by which the site's own figures are made, one after the other; index 0 .. n - 1. They belong to
 * the site. */
int ein_site_runs(const ein_site *site);
ein_status ein_site_config(ein_site *site, int index, const ein_config **out);
bool ein_site_of_table(const ein_site *site); /* scores in a table; else models on a corpus */

/* Build what would be sent, through the gate, and write candidate, tables and sheet. Collective. */
ein_status ein_site_finish(ein_site *site);

enum { EIN_SITE_PATH_BYTES = 4400 };

/* The ledger beside a secret key. */
void ein_site_ledger_path(char out[EIN_SITE_PATH_BYTES], const char *key_path);

/* EIN_MISMATCH, naming both, unless the plan was signed by the key in `coordinator`; EIN_USAGE if it is void. */
ein_status ein_site_check_plan(const ein_plan *plan, const char *coordinator, const char *today);

/* The date of a configuration key, or the clock's. */
ein_status ein_site_today(const ein_config *config, const char *key, char out[11]);

#endif
