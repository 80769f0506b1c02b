/* What an archive of recordings holds: what ingest and score would find in it. */
#include <string.h>

#include "io/ecg/archive_list.h"
#include "io/ecg/kind.h"
#include "jobs/inspect/inspect.h"

enum { SHOWN = 5 };

typedef struct {
    const ein_inspection *look;
    json_t *first, *passed, *unread; /* some recordings; number by kind; what is not read, with the reason */
    int64_t recordings, problems;
    ein_kept_error damage;
} tally;

bool ein_is_archive(const char *path) {
    ein_kind kind;
    const bool is = ein_kind_of_file(path, &kind) == EIN_OK && kind.class == EIN_KIND_ARCHIVE;
    ein_error_clear();
    return is;
}

/* As it is called in the archive. */
static const char *name_of(const tally *t, const char *path) {
    return path + strlen(t->look->path) + strlen("!/");
}

static void append_text(json_t *list, const char *text) {
    json_t *held = json_object();
    ein_put_text(held, "text", text); /* makes UTF-8 of it */
    json_array_append(list, json_object_get(held, "text"));
    json_decref(held);
}

static ein_status take_recording(void *context, const char *path) {
    tally *t = context;
    if (t->recordings++ < SHOWN) append_text(t->first, name_of(t, path));
    return EIN_OK;
}

static ein_status take_passed(void *context, const char *kind, const char *path) {
    const tally *t = context;
    (void)path;
    ein_put_int(t->passed, kind, json_integer_value(json_object_get(t->passed, kind)) + 1);
    return EIN_OK;
}

static ein_status take_problem(void *context, const char *path, const char *reason) {
    tally *t = context;
    if (strcmp(path, t->look->path) == 0) {
        ein_error_keep(&t->damage, ein_error(EIN_CORRUPT, "%s: %s", path, reason));
        return EIN_OK;
    }
    if (t->problems++ >= t->look->rejected) return EIN_OK;
    json_t *entry = json_object();
    ein_put_text(entry, "member", name_of(t, path));
    ein_put_text(entry, "reason", reason);
    json_array_append_new(t->unread, entry);
    return EIN_OK;
}

ein_status ein_inspect_archive(ein_inspection *look) {
    tally t = {.look = look, .first = json_array(), .passed = json_object(), .unread = json_array()};
    const ein_archive_listing to = {take_recording, take_passed, take_problem, &t};
    const ein_status status = ein_archive_list(look->path, &to);
    ein_put_text(look->out, "kind", "an archive");
    ein_put_int(look->out, "recordings", t.recordings);
    json_object_set_new(look->out, "first", t.first);
    json_object_set_new(look->out, "passed_over", t.passed);
    ein_put_int(look->out, "not_read", t.problems);
    json_object_set_new(look->out, "unread", t.unread);
    return status != EIN_OK ? status : ein_error_kept(&t.damage);
}
