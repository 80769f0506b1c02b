/* Released tables of a site as files: who was counted in which cell, under keyed hashes, for the site's own ledger.
 *
 *     record,patient,TABLE,TABLE,...         one row per record; 16 hexadecimal digits each, then its cell or nothing
 *
 * The ledger is a folder (mode 0700) beside the site's secret key, KEY.ledger: per release NUMBER-PLANHASH.csv, as
 * above, and NUMBER-PLANHASH.json: what was released, when, under which plan, approved by whom; for counts with noise
 * also epsilon_thousandths, what was spent, and budget_thousandths, what may be spent in all. It never leaves the
 * site. Nothing here is collective.
 */
#ifndef EIN_IO_SITES_TABLES_H
#define EIN_IO_SITES_TABLES_H

#include <jansson.h>

#include "core/stats/overlap_tables.h"

enum { EIN_TABLE_NAME_BYTES = 640 };

typedef struct {
    char name[EIN_TABLE_NAME_BYTES];
    ein_overlap_table table;
} ein_site_table;

typedef struct {
    int n;
    int64_t room;
    ein_site_table *item;
} ein_site_tables;

/* A table whose name, behind that of its release, begins so holds ranks of scores and is not released itself. */
#define EIN_TABLE_RANKS "ranks of "
bool ein_site_table_is_ranks(const ein_site_table *table);

/* Add a table, which is taken over. */
ein_status ein_site_tables_add(ein_site_tables *tables, const char *name, ein_overlap_table *table);
void ein_site_tables_free(ein_site_tables *tables);

ein_status ein_site_tables_write(const char *path, const ein_site_tables *tables);

/* Add the tables of a file; each name gets `before` in front. EIN_FORMAT for what is not such a file. */
ein_status ein_site_tables_read(const char *path, const char *before, ein_site_tables *into);

/* --- the ledger -------------------------------------------------------------------------------------------------- */

typedef struct {
    int n_releases;
    json_t *releases;       /* array of what each .json says */
    ein_site_tables tables; /* of all releases, named "release N: TABLE" */
} ein_ledger;

/* Read all; a folder that is not there is an empty ledger. EIN_CORRUPT if a release has lost one of its files. */
ein_status ein_ledger_read(const char *folder, ein_ledger *out);
void ein_ledger_free(ein_ledger *ledger);

/* Add a release; the folder is made if needed. `about` is an object. */
ein_status ein_ledger_add(const char *folder, const ein_ledger *ledger, const json_t *about,
                          const ein_site_tables *tables);

/* What releases with noise have spent of epsilon, in thousandths, and the least budget that one of them has set; false
 * if none has. */
bool ein_ledger_budget(const ein_ledger *ledger, int64_t *spent, int64_t *budget);

/* Whether a release under this plan is in it. */
bool ein_ledger_has_plan(const ein_ledger *ledger, const char *plan_hash);

#endif
