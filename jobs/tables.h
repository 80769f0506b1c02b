/* Option tables that several jobs share, and what is read from them. */
#ifndef EIN_JOBS_TABLES_H
#define EIN_JOBS_TABLES_H

#include "core/contract.h"
#include "io/config.h"

/* contract.*: what the model sees of a recording. */
extern const ein_option ein_table_contract[];

/* The contract that the configuration asks for. mean_mv and sd_mv are NaN where the configuration leaves them to the data
 * set. EIN_USAGE for unknown or repeated leads and impossible filters. */
ein_status ein_contract_from_config(const ein_config *config, ein_contract *out);

#endif
