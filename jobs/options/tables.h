/* Option tables that several jobs share, and what is read from them. */
#ifndef EIN_JOBS_OPTIONS_TABLES_H
#define EIN_JOBS_OPTIONS_TABLES_H

#include "core/signal/contract.h"
#include "io/config/config.h"
#include "mpi/comm.h"

/* contract.*: leads, rate, length, filters, faults to repair or mask, normalisation. */
extern const ein_option ein_table_contract[];

/* run.peer_timeout_s of jobs that work together without checkpoints. */
extern const ein_option ein_table_peer[];

/* Watch for lost peers, if there are any, for as long as run.peer_timeout_s says; to be ended by ein_watchdog_stop. */
ein_status ein_watch_peers(ein_comm *comm, const ein_config *config);

/* The quality flags that a list names (core/signal/quality.h). EIN_USAGE names the key and what there is. */
ein_status ein_flags_from_config(const ein_config *config, const char *key, uint32_t *flags);

/* The contract that contract.* describes; checked. mean_mv and sd_mv are NaN where they are not set: the data
 * set's own statistics are then to be put in. EIN_USAGE names the key or value. */
ein_status ein_contract_from_config(const ein_config *config, ein_contract *out);

#endif
