#include "jobs/score/usage.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* A number in microjoules from /sys; NaN if there is none. */
static double read_number(int package, const char *name) {
    char path[128];
    double value;
    snprintf(path, sizeof path, "/sys/class/powercap/intel-rapl:%d/%s", package, name);
    FILE *f = fopen(path, "re");
    if (!f) return NAN;
    const bool good = fscanf(f, "%lf", &value) == 1;
    fclose(f);
    return good ? value * 1e-6 : NAN;
}

ein_status ein_usage_begin(ein_comm *comm, ein_usage *u) {
    MPI_Comm host;
    int rank = 0;
    memset(u, 0, sizeof *u);
    EIN_TRY(ein_comm_check(MPI_Comm_split_type(ein_comm_mpi(comm), MPI_COMM_TYPE_SHARED, ein_comm_rank(comm),
                                               MPI_INFO_NULL, &host),
                           "finding the ranks of a host"));
    MPI_Comm_rank(host, &rank);
    MPI_Comm_free(&host);
    u->first_of_host = rank == 0;
    while (u->packages < EIN_USAGE_MOST_PACKAGES) {
        const double now = read_number(u->packages, "energy_uj");
        if (!isfinite(now)) break;
        u->energy_j[u->packages] = now;
        u->range_j[u->packages] = read_number(u->packages, "max_energy_range_uj");
        u->packages++;
    }
    return EIN_OK;
}

double ein_usage_cpu_s(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
           1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

double ein_usage_energy_j(const ein_usage *u) {
    double sum = 0;
    if (!u->first_of_host) return 0;
    if (u->packages == 0) return NAN;
    for (int p = 0; p < u->packages; p++) {
        const double spent = read_number(p, "energy_uj") - u->energy_j[p];
        sum += spent < 0 ? spent + u->range_j[p] : spent;
    }
    return sum;
}
