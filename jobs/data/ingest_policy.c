#include "jobs/data/ingest_policy.h"

#include <string.h>

#include "jobs/options/tables.h"

const ein_option ein_table_ingest_policy[] = {
    {"ingest.follow_links", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "follow symbolic links that leave the folders named"},
    {"ingest.min_seconds", EIN_OPT_REAL, "5", 0, 1e6, NULL, "s", "shorter recordings are rejected"},
    {"ingest.lead_names", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "what names of leads mean that the program does not know: 'ECG 1=II', or NAME=none"},
    {"ingest.max_missing_leads", EIN_OPT_INT, NULL, 0, 64, NULL, "leads",
     "recordings with more wanted leads without any sample are rejected; unset: a quarter of those wanted, "
     "rounded down, at most 2"},
    {"ingest.max_mv", EIN_OPT_REAL, "200", 0, 1e30, NULL, "mV",
     "recordings with a larger sample are rejected"},
    {"ingest.units", EIN_OPT_CHOICE, "reject", EIN_UNBOUNDED, "reject|repair|keep", "",
     "amplitudes that no ECG has, as of uV read as mV: reject the recording, of a single lead take it as missing; "
     "multiply by a power of 1,000 if that fits; or flag only"},
    {"ingest.reject_flags", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "quality flags whose bearers are rejected (flat, nan, clipped, spikes, ...); contract.repair and contract.mask "
     "are the milder policies, and flags named in none of them only describe"},
    {0},
};

/* Two of eight leads may be missing; of a contract of two none, which would be half of it. */
static int missing_leads_allowed(const ein_config *config, int wanted) {
    if (ein_config_is_set(config, "ingest.max_missing_leads"))
        return (int)ein_config_int(config, "ingest.max_missing_leads");
    return wanted / 4 < 2 ? wanted / 4 : 2;
}

ein_status ein_ingest_policy_from_config(const ein_config *config, int n_leads, ein_ingest_policy *p) {
    p->min_seconds = ein_config_real(config, "ingest.min_seconds");
    p->max_missing_leads = missing_leads_allowed(config, n_leads);
    for (int i = 0; i < ein_config_list_count(config, "ingest.lead_names"); i++)
        EIN_TRY(ein_error_context(
            ein_lead_names_add(&p->read.lead_names, ein_config_list_item(config, "ingest.lead_names", i)),
            "ingest.lead_names"));
    p->max_mv = ein_config_real(config, "ingest.max_mv");
    const char *units = ein_config_string(config, "ingest.units");
    p->units = strcmp(units, "keep") == 0     ? EIN_UNITS_KEEP
               : strcmp(units, "repair") == 0 ? EIN_UNITS_REPAIR
                                              : EIN_UNITS_REJECT;
    return ein_flags_from_config(config, "ingest.reject_flags", &p->reject_flags);
}
