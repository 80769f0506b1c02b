#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/run/run.h"
#include "jobs/score/watch_parts.h"

/* Number 0 is the newest. */
static void line_path(const ein_lines *l, int number, char out[PATH_MAX]) {
    if (number == 0)
        snprintf(out, PATH_MAX, "%s/records.jsonl", l->folder);
    else
        snprintf(out, PATH_MAX, "%s/records.jsonl.%d", l->folder, number);
}

/* A file that is full becomes number 1, number 1 becomes 2, ...; the last is removed. */
static void rotate(const ein_lines *l) {
    char from[PATH_MAX], to[PATH_MAX];
    for (int i = l->keep; i >= 0; i--) {
        line_path(l, i, from);
        line_path(l, i + 1, to);
        if (i == l->keep)
            unlink(from);
        else
            rename(from, to);
    }
}

ein_status ein_lines_append(const ein_lines *l, const char *text, size_t bytes) {
    char path[PATH_MAX];
    struct stat info;
    line_path(l, 0, path);
    if (stat(path, &info) == 0 && info.st_size > 0 && info.st_size + (int64_t)bytes > l->rotate_bytes)
        rotate(l);
    EIN_TRY(ein_run_append_whole(path, text, bytes));
    if (l->to_stdout) {
        fwrite(text, 1, bytes, stdout);
        fflush(stdout);
    }
    return EIN_OK;
}

static ein_status recall_file(const char *path, bool cut, void (*tell)(void *context, const char *line),
                              void *context) {
    char *text = NULL;
    size_t bytes = 0;
    const ein_status status = ein_file_read(path, INT64_C(1) << 34, &text, &bytes);
    if (status == EIN_NOTFOUND) {
        ein_error_clear();
        return EIN_OK;
    }
    EIN_TRY(status);
    char *at = text, *end;
    while ((end = strchr(at, '\n')) != NULL) {
        *end = '\0';
        tell(context, at);
        at = end + 1;
    }
    const off_t whole = at - text, all = (off_t)bytes;
    free(text);
    if (!cut || whole == all || truncate(path, whole) == 0) return EIN_OK;
    return ein_error(EIN_IO, "%s: %s", path, strerror(errno));
}

ein_status ein_lines_recall(const ein_lines *l, void (*tell)(void *context, const char *line),
                            void *context) {
    char path[PATH_MAX];
    line_path(l, 1, path);
    EIN_TRY(recall_file(path, false, tell, context));
    line_path(l, 0, path);
    return recall_file(path, true, tell, context);
}
