#include "mpi/watchdog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static pthread_t thread;
static int running;
static double timeout;
static int rank;
static const char *host;
static atomic_int quit;
static _Atomic(const char *) doing;
static _Atomic double last_beat;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *watch(void *unused) {
    (void)unused;
    const double pause = timeout > 4 ? 1 : timeout / 4;
    const struct timespec sleep_for = {(time_t)pause, (long)(1e9 * (pause - (double)(time_t)pause))};
    while (!atomic_load(&quit)) {
        nanosleep(&sleep_for, NULL);
        const double idle = now() - atomic_load(&last_beat);
        if (idle <= timeout || atomic_load(&quit)) continue;
        /* Ends this process only, at once: whatever waits inside MPI cannot be asked for anything any more. */
        dprintf(
            STDERR_FILENO,
            "einthoven: rank %d on %s: no progress for %.0f s while %s: a peer or the network is lost (limit: "
            "run.peer_timeout_s %g). This rank ends; the same command begins again, a run from its checkpoint.\n",
            rank, host, idle, atomic_load(&doing), timeout);
        _exit(1);
    }
    return NULL;
}

ein_status ein_watchdog_start(const ein_comm *comm, double timeout_s) {
    if (running || timeout_s <= 0) return EIN_OK;
    timeout = timeout_s;
    rank = ein_comm_rank(comm);
    host = ein_comm_host(comm);
    atomic_store(&quit, 0);
    ein_watchdog_beat("starting");
    if (pthread_create(&thread, NULL, watch, NULL) != 0)
        return ein_error(EIN_NOMEM, "cannot start the watchdog thread");
    running = 1;
    return EIN_OK;
}

void ein_watchdog_beat(const char *what) {
    atomic_store_explicit(&doing, what, memory_order_relaxed);
    atomic_store_explicit(&last_beat, now(), memory_order_relaxed);
}

void ein_watchdog_stop(void) {
    if (!running || ein_comm_alive() != EIN_OK) return;
    atomic_store(&quit, 1);
    pthread_join(thread, NULL);
    running = 0;
}
