#include <string.h>

#include "jobs/cli/embedded.h"

const ein_embedded *ein_embedded_find(const char *path) {
    for (const ein_embedded *file = ein_embedded_files; file->path; file++)
        if (strcmp(file->path, path) == 0) return file;
    return 0;
}
