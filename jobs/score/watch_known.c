#include "jobs/score/watch_known.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/map.h"
#include "io/run/run.h"

enum { LEAST_FORGOTTEN = 1000, STAMP = 17 }; /* 16 digits and a blank */

struct ein_known {
    char path[PATH_MAX];
    ein_map *stamp;
    int64_t notes;  /* in the file: more than paths where some changed */
    int64_t unseen; /* paths that were kept though no list had them, when it last forgot */
};

static ein_status read_notes(ein_known *k) {
    char *text = NULL;
    size_t bytes = 0;
    ein_status status = ein_file_read(k->path, INT64_C(1) << 36, &text, &bytes);
    if (status == EIN_NOTFOUND) {
        ein_error_clear();
        return EIN_OK;
    }
    EIN_TRY(status);
    const char *at = text, *end = text + bytes, *nul;
    while (status == EIN_OK && at < end && (nul = memchr(at, '\0', (size_t)(end - at))) != NULL) {
        if (nul - at > STAMP) status = ein_known_put(k, at + STAMP, strtoll(at, NULL, 16), NULL);
        at = nul + 1;
    }
    const off_t whole = at - text;
    free(text);
    /* The next note must not be joined to half a one; the lines tell what that was. */
    if (status == EIN_OK && whole < (off_t)bytes && truncate(k->path, whole) != 0)
        return ein_error(EIN_IO, "%s: %s", k->path, strerror(errno));
    return status;
}

ein_status ein_known_open(const char *folder, ein_known **out) {
    EIN_TRY(EIN_NEW(*out, 1));
    snprintf((*out)->path, sizeof(*out)->path, "%s/watch.done", folder);
    EIN_TRY(ein_map_new(&(*out)->stamp));
    return read_notes(*out);
}

void ein_known_close(ein_known *k) {
    if (!k) return;
    ein_map_destroy(k->stamp);
    free(k);
}

int64_t ein_known_stamp(const ein_known *k, const char *path) {
    return ein_map_get(k->stamp, path, -1);
}

static void write_note(FILE *to, const char *path, int64_t stamp) {
    fprintf(to, "%016" PRIx64 " %s%c", (uint64_t)stamp, path, 0);
}

ein_status ein_known_put(ein_known *k, const char *path, int64_t stamp, FILE *notes) {
    if (notes) write_note(notes, path, stamp);
    k->notes++;
    return ein_map_put(k->stamp, path, stamp);
}

ein_status ein_known_append(const ein_known *k, const char *notes, size_t bytes) {
    return ein_run_append_whole(k->path, notes, bytes);
}

static int by_path(const void *key, const void *item) {
    return strcmp(key, *(char *const *)item);
}

/* Into `to` and `file`, what is not gone. */
static ein_status keep(ein_known *k, const ein_reader_list *found, FILE *file, ein_known *to,
                       bool (*is_gone)(void *context, const char *path), void *context) {
    for (int64_t i = 0; i < ein_map_count(k->stamp); i++) {
        const char *path = ein_map_key(k->stamp, i);
        const bool listed = found->count > 0 &&
                            bsearch(path, found->path, (size_t)found->count, sizeof *found->path, by_path);
        if (!listed && is_gone(context, path)) continue;
        to->unseen += !listed;
        EIN_TRY(ein_known_put(to, path, ein_known_stamp(k, path), file));
    }
    return EIN_OK;
}

ein_status ein_known_forget(ein_known *k, const ein_reader_list *found,
                            bool (*is_gone)(void *context, const char *path), void *context) {
    ein_known kept = {.stamp = NULL};
    FILE *file;
    if (k->notes < 2 * (found->count + k->unseen) + LEAST_FORGOTTEN) return EIN_OK;
    EIN_TRY(ein_map_new(&kept.stamp));
    ein_status status = ein_durable_fopen(k->path, &file);
    if (status == EIN_OK) {
        status = keep(k, found, file, &kept, is_gone, context);
        const ein_status closed = ein_durable_fclose(file, k->path, status == EIN_OK);
        if (status == EIN_OK) status = closed;
    }
    if (status == EIN_OK) {
        ein_map *old = k->stamp;
        k->stamp = kept.stamp;
        k->notes = kept.notes;
        k->unseen = kept.unseen;
        kept.stamp = old;
    }
    ein_map_destroy(kept.stamp);
    return status;
}
