#include "mpi/watchdog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"

static pthread_t thread;
static int running;
static double timeout;
static int rank;
static const char *host;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of `quit` */
static pthread_cond_t wake;
static bool quit;
static _Atomic(const char *) doing;
static _Atomic double last_beat;

/* Wait for a pause, or until there is nothing to watch any more: true. */
static bool has_quit(double pause) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const int64_t ns = until.tv_nsec + (int64_t)(1e9 * pause);
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&mutex);
    while (!quit && pthread_cond_timedwait(&wake, &mutex, &until) == 0) continue;
    const bool over = quit;
    pthread_mutex_unlock(&mutex);
    return over;
}

static void *watch(void *unused) {
    (void)unused;
    const double pause = timeout > 4 ? 1 : timeout / 4;
    while (!has_quit(pause)) {
        const double idle = ein_clock_s() - atomic_load(&last_beat);
        if (idle <= timeout) continue;
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

/* A clock that is set meanwhile neither ends nor lengthens a pause. */
static bool make_clock(void) {
    pthread_condattr_t steady;
    if (pthread_condattr_init(&steady) != 0) return false;
    const bool made =
        pthread_condattr_setclock(&steady, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&wake, &steady) == 0;
    pthread_condattr_destroy(&steady);
    return made;
}

ein_status ein_watchdog_start(const ein_comm *comm, double timeout_s) {
    if (running || timeout_s <= 0) return EIN_OK;
    timeout = timeout_s;
    rank = ein_comm_rank(comm);
    host = ein_comm_host(comm);
    quit = false;
    ein_watchdog_beat("starting");
    if (!make_clock()) return ein_error(EIN_NOMEM, "cannot start the watchdog thread");
    if (pthread_create(&thread, NULL, watch, NULL) != 0) {
        pthread_cond_destroy(&wake);
        return ein_error(EIN_NOMEM, "cannot start the watchdog thread");
    }
    running = 1;
    return EIN_OK;
}

void ein_watchdog_beat(const char *what) {
    atomic_store_explicit(&doing, what, memory_order_relaxed);
    atomic_store_explicit(&last_beat, ein_clock_s(), memory_order_relaxed);
}

void ein_watchdog_stop(void) {
    if (!running || ein_comm_alive() != EIN_OK) return;
    pthread_mutex_lock(&mutex);
    quit = true;
    pthread_cond_signal(&wake);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
    pthread_cond_destroy(&wake);
    running = 0;
}
