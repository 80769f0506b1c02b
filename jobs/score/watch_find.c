#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "io/base/trouble.h"
#include "io/ecg/source_stamp.h"
#include "jobs/score/watch_parts.h"

int64_t ein_watch_stamp(const char *path) {
    return (int64_t)(ein_source_stamp(path) & INT64_MAX);
}

/* --- what is gone ---------------------------------------------------------------------------------------- */

/* A root that is not there, or is on another device than when something was last found in it, was unmounted rather than
 * emptied. */
static bool is_away(const ein_watch_root *root) {
    struct stat info;
    return !root->was_seen || stat(root->path, &info) != 0 || info.st_dev != root->device;
}

static bool is_below(const char *path, const char *folder) {
    const size_t n = strlen(folder);
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0' || n == 1);
}

bool ein_watch_is_gone(ein_watch *w, const char *path) {
    char above[PATH_MAX];
    struct stat info;
    if (lstat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR)) return false;
    for (int i = 0; i < w->n_roots; i++)
        if (is_below(path, w->root[i].path) && is_away(&w->root[i])) return false;
    /* Behind a link whose end is not there now nothing is known. */
    snprintf(above, sizeof above, "%s", path);
    do {
        char *slash = strrchr(above, '/');
        if (!slash || slash == above) return true;
        *slash = '\0';
    } while (lstat(above, &info) != 0 && (errno == ENOENT || errno == ENOTDIR));
    return stat(above, &info) == 0;
}

static bool forget(void *context, const char *path) {
    return ein_watch_is_gone(context, path);
}

/* Where something was found, the root is there. */
static void look_at_roots(ein_watch *w, const ein_reader_list *found) {
    for (int i = 0; i < w->n_roots; i++) {
        ein_watch_root *root = &w->root[i];
        struct stat info;
        bool any = false;
        for (int64_t k = 0; k < found->count && !any; k++) any = is_below(found->path[k], root->path);
        if (!any || stat(root->path, &info) != 0) continue;
        root->device = info.st_dev;
        root->was_seen = true;
    }
}

/* --- recordings ------------------------------------------------------------------------------------------ */

/* A file that is there: new, changed, or known. `listed_s`: when the walk began that lists it; 0: an event told. */
static ein_status consider(ein_watch *w, const char *path, double listed_s) {
    const int64_t stamp = ein_watch_stamp(path);
    ein_arrival *a = ein_arrivals_find(&w->waiting, path);
    if (a && listed_s > 0) a->listed_s = listed_s;
    if (stamp == 0 || ein_known_stamp(w->known, path) == stamp || (a && a->stamp == stamp)) return EIN_OK;
    w->active_s = ein_clock_s();
    if (!a) {
        EIN_TRY(ein_arrivals_add(&w->waiting, path, stamp));
        w->waiting.item[w->waiting.n - 1].listed_s = listed_s;
        w->arrived++;
        return EIN_OK;
    }
    a->stamp = stamp;
    a->changed_s = w->active_s;
    a->next_s = 0;
    return EIN_OK;
}

/* What waits and is there, and this walk did not list, is no recording of its own: a signal file that came before its
 * header. */
static ein_status drop_unlisted(ein_watch *w, double listed_s) {
    struct stat info;
    for (int64_t i = w->waiting.n - 1; i >= 0; i--) {
        const ein_arrival *a = &w->waiting.item[i];
        if (a->listed_s >= listed_s || lstat(a->path, &info) != 0) continue;
        EIN_TRY(ein_arrivals_drop(&w->waiting, i));
        w->arrived--;
    }
    return EIN_OK;
}

/* --- what the system refuses ----------------------------------------------------------------------------- */

/* A root has a warning in place of a line. */
static bool is_root(ein_watch *w, const ein_reader_problem *p) {
    for (int i = 0; i < w->n_roots; i++) {
        ein_watch_root *root = &w->root[i];
        if (strcmp(root->path, p->path) != 0) continue;
        if (!root->is_refused) fprintf(stderr, "einthoven score: warning: %s: %s\n", p->path, p->reason);
        root->is_refused = true;
        return true;
    }
    return false;
}

/* What can be listed and never read, such as a folder that nobody may enter, has its line too, when it has been so for
 * watch.patience_s. What vanished between listing and looking is no problem but gone. */
static ein_status consider_problem(ein_watch *w, ein_watch_text *text, const ein_reader_problem *p,
                                   int64_t now_ms, ein_map *refused) {
    ein_score_record r = {.status = EIN_SCORE_UNREADABLE};
    struct stat info;
    if (is_root(w, p) || (lstat(p->path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR))) return EIN_OK;
    if (ein_known_stamp(w->known, p->path) == EIN_WATCH_REFUSED) return EIN_OK;
    const int64_t since_ms = ein_map_get(w->refused, p->path, now_ms);
    if ((double)(now_ms - since_ms) < 1000 * w->patience_s) return ein_map_put(refused, p->path, since_ms);
    snprintf(r.reason, sizeof r.reason, "%s", p->reason);
    w->arrived++;
    w->active_s = ein_clock_s();
    return ein_watch_text_add(w, text, p->path, EIN_WATCH_REFUSED, &r, NULL);
}

static ein_status consider_problems(ein_watch *w, const ein_reader_list *found) {
    const int64_t now_ms = (int64_t)(1000 * ein_clock_s());
    ein_map *refused = NULL;
    ein_watch_text text;
    for (int i = 0; i < w->n_roots; i++) {
        bool still = false;
        for (int64_t k = 0; k < found->n_problems && w->root[i].is_refused; k++)
            still = still || strcmp(found->problem[k].path, w->root[i].path) == 0;
        w->root[i].is_refused = still;
    }
    EIN_TRY(ein_map_new(&refused));
    ein_status status = ein_watch_text_begin(&text);
    for (int64_t i = 0; i < found->n_problems && status == EIN_OK; i++)
        status = consider_problem(w, &text, &found->problem[i], now_ms, refused);
    status = ein_watch_text_end(w, &text, status);
    ein_map_destroy(w->refused);
    w->refused = refused;
    return status;
}

/* --- walks and events ------------------------------------------------------------------------------------ */

ein_status ein_watch_walk(ein_watch *w) {
    const double begin = ein_clock_s();
    ein_reader_list found;
    for (int i = 0; i < w->n_roots; i++) ein_notify_add(w->notify, w->folder[i]);
    ein_status status = ein_reader_find(w->folder, w->n_roots, w->s->links, &found);
    if (ein_trouble_is(status)) { /* what cannot be listed now is listed later */
        fprintf(stderr, "einthoven score: warning: %s\n", ein_error_message());
        w->tries++;
        return status == EIN_NOMEM ? status : EIN_OK;
    }
    EIN_TRY(status);
    look_at_roots(w, &found);
    for (int64_t i = 0; i < found.count && status == EIN_OK; i++) status = consider(w, found.path[i], begin);
    if (status == EIN_OK) status = drop_unlisted(w, begin);
    if (status == EIN_OK) status = consider_problems(w, &found);
    if (status == EIN_OK) {
        status = ein_known_forget(w->known, &found, forget, w);
        if (status == EIN_IO) { /* a full disk: what is to be forgotten waits */
            fprintf(stderr, "einthoven score: warning: %s\n", ein_error_message());
            w->tries++;
            status = EIN_OK;
        }
    }
    ein_reader_list_free(&found);
    return status;
}

void ein_watch_event(void *context, const char *path) {
    ein_watch *w = context;
    ein_reader_list found;
    if (ein_reader_find(&path, 1, w->s->links, &found) != EIN_OK) return;
    const bool plain = strlen(path) > 4 && (strcasecmp(path + strlen(path) - 4, ".hea") == 0 ||
                                            strcasecmp(path + strlen(path) - 4, ".xml") == 0);
    /* A root is listed whatever it is; others than these are left to a walk, which tells what they belong to. */
    for (int64_t i = 0; i < found.count; i++)
        if (plain || strcmp(found.path[i], path) != 0) consider(w, found.path[i], 0);
    ein_reader_list_free(&found);
}
