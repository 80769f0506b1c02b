#include "jobs/score/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "io/base/durable.h"
#include "io/formats/json.h"
#include "jobs/score/watch_parts.h"
#include "mpi/stop.h"

const ein_option ein_table_watch[] = {
    {"watch.folders", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "score recordings as they arrive below these folders, until a signal"},
    {"watch.poll_s", EIN_OPT_REAL, "30", 0.05, 86400, NULL, "s",
     "interval of walks through the folders, which find what inotify does not tell; rarer where a walk takes long"},
    {"watch.settle_s", EIN_OPT_REAL, "2", 0, 86400, NULL, "s",
     "a file is taken when it has not changed for so long"},
    {"watch.patience_s", EIN_OPT_REAL, "60", 0, 86400, NULL, "s",
     "what cannot be scored is rejected when it has not changed for so long: it may still be on its way"},
    {"watch.stdout", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "write the lines to standard output too"},
    {"watch.rotate_mib", EIN_OPT_REAL, "64", 0.001, 1e6, NULL, "MiB",
     "size at which records.jsonl is rotated"},
    {"watch.keep", EIN_OPT_INT, "10", 1, 100000, NULL, "files", "rotated files that are kept"},
    {"watch.heartbeat_s", EIN_OPT_REAL, "10", 0.05, 86400, NULL, "s", "interval of the heartbeat file"},
    {"watch.idle_s", EIN_OPT_REAL, "0", 0, 1e9, NULL, "s",
     "end when nothing has arrived for so long; 0: never"},
    {0},
};

/* --- the loop -------------------------------------------------------------------------------------------- */

static int64_t resident_kib(void) {
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) return 0;
    const int n = fscanf(f, "%ld %ld", &pages, &resident);
    fclose(f);
    return n == 2 ? (int64_t)resident * sysconf(_SC_PAGESIZE) / 1024 : 0;
}

static void beat(const ein_watch *w, const char *state) {
    ein_json_builder b = {false};
    char path[PATH_MAX], now[EIN_CLOCK_TIME_BYTES];
    const ein_owner me = ein_owner_self();
    json_t *o = json_object();
    ein_clock_time(now);
    ein_json_put_text(&b, o, "time", now);
    ein_json_put_text(&b, o, "state", state);
    ein_json_put_text(&b, o, "host", me.host);
    ein_json_put_int(&b, o, "pid", me.pid);
    ein_json_put_int(&b, o, "arrived", w->arrived);
    ein_json_put_int(&b, o, "scored", w->scored);
    ein_json_put_int(&b, o, "rejected", w->rejected);
    ein_json_put_int(&b, o, "scored_again", w->again);
    ein_json_put_int(&b, o, "vanished", w->vanished);
    ein_json_put_int(&b, o, "waiting", w->waiting.n);
    ein_json_put_int(&b, o, "tried_again", w->tries);
    ein_json_put_int(&b, o, "resident_kib", resident_kib());
    snprintf(path, sizeof path, "%s/heartbeat", w->s->out);
    if (!b.failed) ein_json_write(path, o); /* a disk that is full is told elsewhere */
    ein_error_clear();
    json_decref(o);
}

/* How long nothing needs to be done. */
static double rest_s(const ein_watch *w) {
    const double now = ein_clock_s();
    double until = fmin(w->walk_at_s, now + 1);
    for (int64_t i = 0; i < w->waiting.n; i++) {
        const ein_arrival *a = &w->waiting.item[i];
        const double ready = fmax(a->changed_s + w->settle_s, a->next_s);
        if (ready < until) until = ready;
    }
    return until > now ? until - now + 0.002 : 0.002;
}

static ein_status loop(ein_watch *w) {
    const ein_config *c = w->s->job->config;
    const double poll_s = ein_config_real(c, "watch.poll_s"), idle_s = ein_config_real(c, "watch.idle_s");
    const double beat_s = ein_config_real(c, "watch.heartbeat_s");
    double next_beat = 0, rested_s = 0; /* a tenth of the time at most goes into walks */
    w->active_s = ein_clock_s();
    while (ein_stop_signals(NULL) == 0) {
        const double begin = ein_clock_s();
        bool changed = false;
        if (begin >= w->walk_at_s) {
            EIN_TRY(ein_watch_walk(w));
            const double end = ein_clock_s();
            rested_s = end + 10 * (end - begin);
            w->walk_at_s = fmax(end + poll_s, rested_s);
        }
        EIN_TRY(ein_watch_score(w));
        if (ein_clock_s() >= next_beat) beat(w, "watching");
        if (ein_clock_s() >= next_beat) next_beat = ein_clock_s() + beat_s;
        const bool idle = w->waiting.n == 0 && ein_map_count(w->refused) == 0;
        if (idle_s > 0 && idle && ein_clock_s() - w->active_s >= idle_s) return EIN_OK;
        ein_notify_wait(w->notify, rest_s(w), &changed, ein_watch_event, w);
        const double soon = ein_clock_s() + fmin(poll_s, 0.1 + w->settle_s / 2);
        if (changed) w->walk_at_s = fmin(w->walk_at_s, fmax(soon, rested_s));
    }
    return EIN_OK;
}

/* --- from beginning to end ------------------------------------------------------------------------------- */

static ein_status make_workers(ein_watch *w) {
    const ein_contract *c = &w->s->models->contract;
    const int threads = w->s->threads;
    EIN_TRY(ein_score_corpora_new(c, &w->corpora));
    EIN_TRY(EIN_NEW(w->reader, threads));
    EIN_TRY(EIN_NEW(w->rooms, threads));
    for (int t = 0; t < threads; t++) {
        EIN_TRY(ein_score_reader_new(c, &w->s->policy, w->corpora, &w->reader[t]));
        EIN_TRY(ein_score_room_new(w->s->models, &w->rooms[t]));
    }
    EIN_TRY(EIN_NEW(w->counts, EIN_WATCH_BATCH * c->n_leads * c->n_samples));
    EIN_TRY(EIN_NEW(w->value, EIN_WATCH_BATCH * w->s->models->values));
    return EIN_NEW(w->row, w->s->models->n_columns);
}

static ein_status open_roots(ein_watch *w) {
    const ein_config *c = w->s->job->config;
    char path[PATH_MAX], what[PATH_MAX + 16];
    w->n_roots = ein_config_list_count(c, "watch.folders");
    EIN_TRY(EIN_NEW(w->folder, w->n_roots));
    EIN_TRY(EIN_NEW(w->root, w->n_roots));
    for (int i = 0; i < w->n_roots; i++) {
        w->folder[i] = realpath(ein_config_list_item(c, "watch.folders", i), NULL);
        if (!w->folder[i])
            return ein_error(EIN_NOTFOUND, "%s: %s", ein_config_list_item(c, "watch.folders", i),
                             strerror(errno));
        w->root[i].path = w->folder[i];
    }
    EIN_TRY(ein_links_new(w->folder, w->n_roots, ein_config_bool(c, "ingest.follow_links"), &w->s->links));
    w->s->policy.read.place.links = w->s->links;
    EIN_TRY(ein_make_folders(w->s->out));
    snprintf(path, sizeof path, "%s/watch.lock", w->s->out);
    snprintf(what, sizeof what, "%.4000s", w->s->out);
    EIN_TRY(ein_lock_take(path, what, &w->lock, NULL));
    w->lines = (ein_lines){.folder = w->s->out,
                           .rotate_bytes = (int64_t)(ein_config_real(c, "watch.rotate_mib") * 1048576),
                           .keep = (int)ein_config_int(c, "watch.keep"),
                           .to_stdout = ein_config_bool(c, "watch.stdout")};
    EIN_TRY(ein_map_new(&w->refused));
    EIN_TRY(ein_known_open(w->s->out, &w->known));
    return ein_watch_recall(w);
}

static void end(ein_watch *w) {
    ein_notify_destroy(w->notify);
    for (int t = 0; w->reader && t < w->s->threads; t++) ein_score_reader_destroy(w->reader[t]);
    for (int t = 0; w->rooms && t < w->s->threads; t++) ein_score_room_destroy(w->rooms[t]);
    for (int i = 0; w->folder && i < w->n_roots; i++) free((void *)w->folder[i]);
    ein_score_corpora_destroy(w->corpora);
    ein_known_close(w->known);
    ein_arrivals_free(&w->waiting);
    ein_map_destroy(w->refused);
    void *owned[] = {w->reader, w->rooms, w->folder, w->root, w->counts, w->value, w->row};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
    ein_lock_release(w->lock, true);
    free(w);
}

ein_status ein_score_watch(ein_score *s) {
    ein_watch *w;
    if (s->size > 1) return ein_error(EIN_USAGE, "--watch is for one process; it uses score.threads threads");
    EIN_TRY(EIN_NEW(w, 1));
    w->s = s;
    w->settle_s = ein_config_real(s->job->config, "watch.settle_s");
    w->patience_s = ein_config_real(s->job->config, "watch.patience_s");
    ein_status status = ein_stop_install();
    if (status == EIN_OK) status = open_roots(w);
    if (status == EIN_OK) status = make_workers(w);
    if (status == EIN_OK) status = ein_notify_new(&w->notify);
    if (status == EIN_OK) status = loop(w);
    ein_kept_error error = {.status = EIN_OK};
    ein_error_keep(&error, status);
    if (w->lock) beat(w, status == EIN_OK ? "stopped" : "failed");
    if (w->notify)
        fprintf(stderr,
                "einthoven score: %" PRId64 " arrived, %" PRId64 " scored, %" PRId64 " rejected, %" PRId64
                " vanished before they could be read, %" PRId64 " still waiting\n",
                w->arrived, w->scored, w->rejected, w->vanished, w->waiting.n);
    end(w);
    return ein_error_kept(&error);
}
