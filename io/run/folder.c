#include "io/run/folder.h"

#include <stdio.h>
#include <string.h>

ein_status ein_run_path(const ein_run *run, const char *name, char **out) {
    size_t room = strlen(run->folder) + strlen(name) + 2;
    EIN_TRY(ein_calloc((void **)out, (int64_t)room, 1, "path"));
    snprintf(*out, room, "%s/%s", run->folder, name);
    return EIN_OK;
}
