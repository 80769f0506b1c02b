#include "mpi/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t received, last_signal;

static void note(int number) {
    received++;
    last_signal = number;
}

ein_status ein_stop_install(void) {
    static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], &action, NULL) != 0)
            return ein_error(EIN_IO, "cannot handle %s: %s", ein_stop_signal_name(numbers[i]),
                             strerror(errno));
    return EIN_OK;
}

int ein_stop_signals(int *last) {
    if (last) *last = last_signal;
    return received;
}

const char *ein_stop_signal_name(int number) {
    switch (number) {
    case SIGTERM:
        return "SIGTERM";
    case SIGINT:
        return "SIGINT";
    case SIGUSR1:
        return "SIGUSR1";
    default:
        return "a signal";
    }
}

bool ein_stop_file(const char *folder, const char *name) {
    char path[4096];
    struct stat info;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return false;
    if (lstat(path, &info) != 0) return false;
    unlink(path);
    return true;
}
