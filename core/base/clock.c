#include "core/base/clock.h"

#include <stdint.h>
#include <stdio.h>
#include <time.h>

double ein_clock_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void ein_clock_time(char out[EIN_CLOCK_TIME_BYTES]) {
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, EIN_CLOCK_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void ein_format_duration(double seconds, char *out, size_t room) {
    if (!(seconds >= 0 && seconds < 3.6e9)) {
        snprintf(out, room, "?");
        return;
    }
    int64_t s = (int64_t)(seconds + 0.5);
    snprintf(out, room, "%lld:%02d:%02d", (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
}
