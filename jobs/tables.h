/* Option tables that several jobs share, and what is read from them. */
#ifndef EIN_JOBS_TABLES_H
#define EIN_JOBS_TABLES_H

#include "core/contract.h"
#include "io/config.h"

/* contract.*: leads, rate, length, filters, normalisation. */
extern const ein_option ein_table_contract[];

/* The contract that contract.* describes; checked. mean_mv and sd_mv are NaN where they are not set: the data
 * set's own statistics are then to be put in. EIN_USAGE names the key or value. */
ein_status ein_contract_from_config(const ein_config *config, ein_contract *out);

#endif
