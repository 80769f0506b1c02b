#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "jobs/score/watch_parts.h"

enum { EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF | IN_ONLYDIR };

struct ein_notify {
    int fd;
    char **path; /* by watch descriptor */
    int room;
};

ein_status ein_notify_new(ein_notify **out) {
    EIN_TRY(EIN_NEW(*out, 1));
    (*out)->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC); /* without it, walks remain */
    return EIN_OK;
}

void ein_notify_destroy(ein_notify *n) {
    if (!n) return;
    if (n->fd >= 0) close(n->fd);
    for (int i = 0; i < n->room; i++) free(n->path[i]);
    free(n->path);
    free(n);
}

static void add_one(ein_notify *n, const char *folder) {
    const int wd = inotify_add_watch(n->fd, folder, EVENTS);
    if (wd < 0) return; /* fs.inotify.max_user_watches: walks find what is in it */
    if (wd >= n->room) {
        const int room = 2 * wd + 16;
        char **more = realloc(n->path, (size_t)room * sizeof *more);
        if (!more) return;
        memset(more + n->room, 0, (size_t)(room - n->room) * sizeof *more);
        n->path = more;
        n->room = room;
    }
    if (n->path[wd] && strcmp(n->path[wd], folder) == 0) return;
    free(n->path[wd]);
    n->path[wd] = strdup(folder);
}

void ein_notify_add(ein_notify *n, const char *folder) {
    char *roots[] = {(char *)folder, NULL};
    FTSENT *e;
    FTS *fts = n->fd >= 0 ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL) : NULL;
    while (fts && (e = fts_read(fts)) != NULL)
        if (e->fts_info == FTS_D) add_one(n, e->fts_path);
    if (fts) fts_close(fts);
}

static void take_event(ein_notify *n, const struct inotify_event *e, bool *walk,
                       void (*tell)(void *context, const char *path), void *context) {
    char path[PATH_MAX];
    const bool known = e->wd >= 0 && e->wd < n->room && n->path[e->wd];
    if (e->mask & IN_IGNORED) {
        if (known) free(n->path[e->wd]);
        if (known) n->path[e->wd] = NULL;
        return;
    }
    if (e->mask & IN_CREATE && !(e->mask & IN_ISDIR)) return; /* it is told again when it is closed */
    if (!known || e->mask & (IN_ISDIR | IN_Q_OVERFLOW | IN_DELETE_SELF) || e->len == 0) {
        *walk = true;
        return;
    }
    if ((size_t)snprintf(path, sizeof path, "%s/%s", n->path[e->wd], e->name) < sizeof path)
        tell(context, path);
}

void ein_notify_wait(ein_notify *n, double wait_s, bool *walk, void (*tell)(void *context, const char *path),
                     void *context) {
    _Alignas(struct inotify_event) char events[1 << 16];
    struct pollfd wait = {.fd = n->fd, .events = POLLIN};
    *walk = false;
    if (poll(&wait, 1, (int)(wait_s * 1000)) <= 0) return;
    for (;;) {
        const ssize_t bytes = read(n->fd, events, sizeof events);
        if (bytes <= 0) return;
        for (const char *at = events; at < events + bytes;) {
            const struct inotify_event *e = (const struct inotify_event *)at;
            take_event(n, e, walk, tell, context);
            at += sizeof *e + e->len;
        }
    }
}
