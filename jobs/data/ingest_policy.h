/* What makes a recording one to be used: the options of `ingest` that every job has that reads recordings. */
#ifndef EIN_JOBS_DATA_INGEST_POLICY_H
#define EIN_JOBS_DATA_INGEST_POLICY_H

#include "io/config/config.h"
#include "jobs/data/ingest_record.h"

/* ingest.min_seconds, max_missing_leads, max_mv, units, reject_flags, lead_names, follow_links. */
extern const ein_option ein_table_ingest_policy[];

/* The policy for a contract of `n_leads` leads; links are the caller's. EIN_USAGE names the key. */
ein_status ein_ingest_policy_from_config(const ein_config *config, int n_leads, ein_ingest_policy *out);

#endif
