#include "io/run/folder.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void ein_run_time(char *out) {
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, EIN_RUN_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

ein_status ein_run_path(const ein_run *run, const char *name, char **out) {
    size_t room = strlen(run->folder) + strlen(name) + 2;
    EIN_TRY(ein_calloc((void **)out, (int64_t)room, 1, "path"));
    snprintf(*out, room, "%s/%s", run->folder, name);
    return EIN_OK;
}
