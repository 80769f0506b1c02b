#include "mpi/comm.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Counts of one MPI call stay far below INT_MAX. */
enum { HOST_BYTES = 256, CHUNK_BYTES = 1 << 28 };

struct ein_comm {
    MPI_Comm mpi; /* a duplicate of the world, so that no library's messages meet ours */
    int rank, size;
    char host[HOST_BYTES];
};

/* The first MPI error of this process; one thread talks to MPI, and others only ask whether there is one. */
static char broken_message[EIN_ERROR_BYTES];
static atomic_int broken;

/* An error to be made for tests: the `inject_count`-th check of a call of this name. */
static char inject_what[128];
static int inject_count;

static void read_injection(int rank) {
    int on_rank, count;
    char what[sizeof inject_what];
    const char *text = getenv("EINTHOVEN_INJECT_MPI_ERROR");
    if (!text || sscanf(text, "%d:%d:%127[^\n]", &on_rank, &count, what) != 3 || on_rank != rank) return;
    memcpy(inject_what, what, sizeof inject_what);
    inject_count = count;
}

static bool is_injected(const char *what) {
    if (inject_count == 0 || strcmp(what, inject_what) != 0) return false;
    if (inject_count > 0) return --inject_count == 0;
    while (++inject_count == 0) pause();
    return false;
}

ein_status ein_comm_check(int mpi_code, const char *what) {
    if (is_injected(what)) mpi_code = MPI_ERR_OTHER;
    if (mpi_code == MPI_SUCCESS) return EIN_OK;
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (MPI_Error_string(mpi_code, text, &length) != MPI_SUCCESS || length == 0)
        snprintf(text, sizeof text, "MPI error %d", mpi_code);
    const ein_status status =
        ein_error(EIN_COMM, "%s: %s (a lost peer or network is the usual cause; see the launcher's output)",
                  what, text);
    if (!atomic_load(&broken)) {
        snprintf(broken_message, sizeof broken_message, "%s", ein_error_message());
        atomic_store(&broken, 1);
    }
    return status;
}

ein_status ein_comm_alive(void) {
    return atomic_load(&broken) ? ein_error(EIN_COMM, "%s", broken_message) : EIN_OK;
}

void ein_comm_barrier(ein_comm *comm) {
    if (!atomic_load(&broken)) (void)ein_comm_check(MPI_Barrier(comm->mpi), "waiting for all ranks");
}

/* Whether an interface is up that has an address. */
static bool has_network(void) {
    struct ifaddrs *all = NULL;
    bool found = false;
    if (getifaddrs(&all) != 0) return true;
    for (const struct ifaddrs *one = all; one; one = one->ifa_next)
        found |= (one->ifa_flags & IFF_UP) && one->ifa_addr &&
                 (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6);
    freeifaddrs(all);
    return found;
}

/* Without a launcher Open MPI starts a daemon beside this process, which listens on a network interface and fails where
 * there is none, as in an empty network namespace; nothing here needs it. Processes without it share a name, and so
 * must not make folders by it. */
static void go_without_network(void) {
    setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
    setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
}

ein_status ein_comm_start(int *argc, char ***argv, ein_comm **out) {
    *out = NULL;
    ein_comm *comm = NULL;
    EIN_TRY(EIN_NEW(comm, 1));
    int provided = MPI_THREAD_SINGLE;
    if (!has_network()) go_without_network();
    ein_status status =
        ein_comm_check(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided), "starting MPI");
    if (status != EIN_OK) {
        free(comm);
        return status;
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    if (provided < MPI_THREAD_FUNNELED)
        status =
            ein_error(EIN_COMM, "this MPI offers no MPI_THREAD_FUNNELED: threads cannot be used with it");
    if (status == EIN_OK)
        status = ein_comm_check(MPI_Comm_dup(MPI_COMM_WORLD, &comm->mpi), "duplicating the world");
    if (status != EIN_OK) {
        MPI_Finalize();
        free(comm);
        return status;
    }
    MPI_Comm_set_errhandler(comm->mpi, MPI_ERRORS_RETURN);
    MPI_Comm_rank(comm->mpi, &comm->rank);
    MPI_Comm_size(comm->mpi, &comm->size);
    read_injection(comm->rank);
    if (gethostname(comm->host, sizeof comm->host - 1) != 0) memcpy(comm->host, "unknown-host", 13);
    *out = comm;
    return EIN_OK;
}

void ein_comm_finish(ein_comm *comm) {
    if (!comm) return;
    if (!atomic_load(&broken)) {
        MPI_Comm_free(&comm->mpi);
        MPI_Finalize();
    }
    free(comm);
}

_Noreturn void ein_comm_abort(ein_comm *comm, int exit_code) {
    MPI_Abort(comm ? comm->mpi : MPI_COMM_WORLD, exit_code);
    _exit(exit_code);
}

int ein_comm_rank(const ein_comm *comm) {
    return comm->rank;
}
int ein_comm_size(const ein_comm *comm) {
    return comm->size;
}
const char *ein_comm_host(const ein_comm *comm) {
    return comm->host;
}
MPI_Comm ein_comm_mpi(const ein_comm *comm) {
    return comm->mpi;
}

/* What the lowest failed rank tells the others. */
typedef struct {
    int status;
    char host[HOST_BYTES];
    char message[EIN_ERROR_BYTES];
} failure;

/* Send this rank's failure, if it is `root`, to all. */
static ein_status bcast_failure(ein_comm *comm, int root, ein_status mine, failure *out) {
    memset(out, 0, sizeof *out);
    if (comm->rank == root) {
        out->status = mine;
        memcpy(out->host, comm->host, sizeof out->host);
        memcpy(out->message, ein_error_message(), strnlen(ein_error_message(), sizeof out->message - 1));
    }
    int code = MPI_Bcast(out, ein_int((int64_t)sizeof *out), MPI_BYTE, root, comm->mpi);
    return ein_comm_check(code, "sharing a status");
}

ein_status ein_comm_agree(ein_comm *comm, ein_status mine) {
    EIN_TRY(ein_comm_alive());
    /* One reduction answers both questions: who is the lowest failed rank, and did all fail. */
    int local[2] = {mine == EIN_OK ? comm->size : comm->rank, mine != EIN_OK};
    int lowest[2] = {comm->size, 0};
    int code = MPI_Allreduce(local, lowest, 2, MPI_INT, MPI_MIN, comm->mpi);
    EIN_TRY(ein_comm_check(code, "agreeing on a status"));
    if (lowest[0] == comm->size) return EIN_OK;
    failure first;
    EIN_TRY(bcast_failure(comm, lowest[0], mine, &first));
    if (lowest[1]) return ein_error((ein_status)first.status, "%s", first.message);
    return ein_error((ein_status)first.status, "rank %d on %s: %s", lowest[0], first.host, first.message);
}

ein_status ein_comm_share(ein_comm *comm, ein_status mine) {
    int status = mine;
    EIN_TRY(ein_comm_alive());
    EIN_TRY(ein_comm_check(MPI_Bcast(&status, 1, MPI_INT, 0, comm->mpi), "sharing a status"));
    if (status == EIN_OK) return EIN_OK;
    failure first;
    EIN_TRY(bcast_failure(comm, 0, mine, &first));
    return ein_error((ein_status)first.status, "%s", first.message);
}

ein_status ein_comm_bcast_bytes(ein_comm *comm, void *data, int64_t *bytes) {
    char *own = NULL;
    if (comm->rank != 0) memcpy(data, &own, sizeof own);
    EIN_TRY(ein_comm_alive());
    EIN_TRY(ein_comm_check(MPI_Bcast(bytes, 1, MPI_INT64_T, 0, comm->mpi), "broadcasting a size"));
    ein_status status = EIN_OK;
    if (comm->rank == 0)
        memcpy(&own, data, sizeof own);
    else
        status = ein_calloc(&own, *bytes, 1, "broadcast data");
    EIN_TRY_GOTO(status, ein_comm_agree(comm, status), failed);
    for (int64_t at = 0; at < *bytes; at += CHUNK_BYTES) {
        int64_t n = *bytes - at < CHUNK_BYTES ? *bytes - at : CHUNK_BYTES;
        int code = MPI_Bcast(own + at, ein_int(n), MPI_BYTE, 0, comm->mpi);
        EIN_TRY_GOTO(status, ein_comm_check(code, "broadcasting data"), failed);
    }
    memcpy(data, &own, sizeof own);
    return EIN_OK;
failed:
    if (comm->rank != 0) {
        free(own);
        own = NULL;
        memcpy(data, &own, sizeof own);
        *bytes = 0;
    }
    return status;
}

ein_status ein_comm_sum_i64(ein_comm *comm, int64_t *values, int count) {
    EIN_TRY(ein_comm_alive());
    return ein_comm_check(MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_INT64_T, MPI_SUM, comm->mpi),
                          "summing over ranks");
}

ein_status ein_comm_sum_f64(ein_comm *comm, double *values, int64_t count) {
    enum { PIECE = 1 << 20 }; /* numbers: far below what MPI can count, and enough to keep a network busy */
    EIN_TRY(ein_comm_alive());
    for (int64_t at = 0; at < count; at += PIECE) {
        const int64_t n = count - at < PIECE ? count - at : PIECE;
        const int code = MPI_Allreduce(MPI_IN_PLACE, values + at, ein_int(n), MPI_DOUBLE, MPI_SUM, comm->mpi);
        EIN_TRY(ein_comm_check(code, "summing over ranks"));
    }
    return EIN_OK;
}

ein_status ein_comm_max_i64(ein_comm *comm, int64_t *values, int count) {
    EIN_TRY(ein_comm_alive());
    return ein_comm_check(MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_INT64_T, MPI_MAX, comm->mpi),
                          "taking a maximum over ranks");
}

void ein_share(int64_t total, int rank, int size, int64_t *first, int64_t *count) {
    int64_t base = total / size, extra = total % size;
    *count = base + (rank < extra);
    *first = base * rank + (rank < extra ? rank : extra);
}
