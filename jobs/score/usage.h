/* What a job took: processor time, and energy where the system lets it be read. */
#ifndef EIN_JOBS_SCORE_USAGE_H
#define EIN_JOBS_SCORE_USAGE_H

#include <stdbool.h>

#include "core/base/status.h"
#include "mpi/comm.h"

enum { EIN_USAGE_MOST_PACKAGES = 64 };

/* At the beginning. Zeroed is nothing known. */
typedef struct {
    bool first_of_host; /* whether this rank speaks for the energy of its host */
    int packages;       /* processors whose counter can be read: /sys/class/powercap/intel-rapl:N/energy_uj */
    double energy_j[EIN_USAGE_MOST_PACKAGES], range_j[EIN_USAGE_MOST_PACKAGES];
} ein_usage;

/* Collective. */
ein_status ein_usage_begin(ein_comm *comm, ein_usage *usage);

/* Processor seconds of this process so far. */
double ein_usage_cpu_s(void);

/* Joules of the processors of this rank's host since the beginning, of whatever ran there; 0 on ranks that do not speak
 * for it, NaN where it cannot be read. A counter that began anew is taken to have done so once. Not collective. */
double ein_usage_energy_j(const ein_usage *usage);

#endif
