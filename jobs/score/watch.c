#include "jobs/score/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/signal/quality.h"
#include "io/base/durable.h"
#include "io/base/lock.h"
#include "io/base/map.h"
#include "io/base/trouble.h"
#include "io/base/utf8.h"
#include "io/formats/json.h"
#include "io/run/run.h"
#include "jobs/score/source.h"
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

enum { BATCH = 64, LEAST_PRUNED = 1000, PROBLEM_STAMP = 2 };

/* A file that was seen and is not dealt with yet. */
typedef struct {
    char *path;
    int64_t stamp;
    double changed_s, next_s; /* when it was last seen to change; not to be tried before */
    int tries;                /* in trouble of the machine */
} arrival;

typedef struct {
    ein_score *s;
    double settle_s, patience_s;
    ein_lines lines;
    ein_notify *notify;
    ein_lock *lock;
    const char **folder;
    int n_folders;
    ein_map *done;  /* path -> stamp */
    ein_map *where; /* path -> index in pending, or -1 */
    arrival *pending;
    int64_t n_pending, room;
    ein_score_corpora *corpora;
    ein_score_reader **reader;
    ein_score_room **rooms;
    int16_t *counts; /* (BATCH, record) */
    float *value;    /* (BATCH, values) */
    double *row;
    ein_score_record record[BATCH];
    ein_status status[BATCH];
    int64_t arrived, scored, rejected, again, vanished, tries;
    double active_s; /* when something happened last */
} watcher;

/* --- what is known --------------------------------------------------------------------------------------- */

static int64_t stamp_of(const char *path) {
    return (int64_t)(ein_score_stamp(path) & INT64_MAX);
}

static ein_status add_pending(watcher *w, const char *path, int64_t stamp) {
    EIN_TRY(ein_error_context(EIN_GROW(w->pending, w->room, w->n_pending + 1), "the list of arrivals"));
    arrival a = {.path = strdup(path), .stamp = stamp, .changed_s = ein_clock_s()};
    if (!a.path) return ein_error(EIN_NOMEM, "no memory for the list of arrivals");
    w->arrived++;
    w->pending[w->n_pending] = a;
    return ein_map_put(w->where, path, w->n_pending++);
}

static ein_status drop_pending(watcher *w, int64_t at) {
    EIN_TRY(ein_map_put(w->where, w->pending[at].path, -1));
    free(w->pending[at].path);
    w->pending[at] = w->pending[--w->n_pending];
    if (at < w->n_pending) EIN_TRY(ein_map_put(w->where, w->pending[at].path, at));
    /* Names that are gone stay in a map; a new one forgets them. */
    if (ein_map_count(w->where) < 4 * w->n_pending + LEAST_PRUNED) return EIN_OK;
    ein_map_destroy(w->where);
    w->where = NULL;
    EIN_TRY(ein_map_new(&w->where));
    for (int64_t i = 0; i < w->n_pending; i++) EIN_TRY(ein_map_put(w->where, w->pending[i].path, i));
    return EIN_OK;
}

/* A file that is there: new, changed, or known. */
static ein_status consider(watcher *w, const char *path) {
    const int64_t stamp = stamp_of(path), at = ein_map_get(w->where, path, -1);
    if (stamp == 0 || ein_map_get(w->done, path, -1) == stamp) return EIN_OK;
    w->active_s = ein_clock_s();
    if (at < 0) return add_pending(w, path, stamp);
    if (w->pending[at].stamp == stamp) return EIN_OK;
    w->pending[at].stamp = stamp;
    w->pending[at].changed_s = ein_clock_s();
    w->pending[at].next_s = 0;
    return EIN_OK;
}

/* --- what was dealt with --------------------------------------------------------------------------------- */

static void done_path(const watcher *w, char out[PATH_MAX]) {
    snprintf(out, PATH_MAX, "%s/watch.done", w->s->out);
}

static void recall_line(void *context, const char *line) {
    watcher *w = context;
    json_t *object = json_loads(line, 0, NULL);
    const char *source = json_string_value(json_object_get(object, "source"));
    const char *stamp = json_string_value(json_object_get(object, "stamp"));
    if (source && stamp) ein_map_put(w->done, source, strtoll(stamp, NULL, 16));
    json_decref(object);
}

static ein_status recall(watcher *w) {
    char path[PATH_MAX], *text = NULL;
    size_t bytes = 0;
    done_path(w, path);
    ein_status status = ein_file_read(path, INT64_C(1) << 36, &text, &bytes);
    if (status == EIN_NOTFOUND) status = EIN_OK;
    const char *at = text, *end = text + bytes;
    while (status == EIN_OK && at < end) {
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        if (nul && nul - at > 17) status = ein_map_put(w->done, at + 17, strtoll(at, NULL, 16));
        at = nul ? nul + 1 : end; /* what a kill tore is told by the lines */
    }
    free(text);
    ein_error_clear();
    return status == EIN_OK ? ein_lines_recall(&w->lines, recall_line, w) : status;
}

static ein_status note_done(watcher *w, const char *text, size_t bytes) {
    char path[PATH_MAX];
    int fd;
    done_path(w, path);
    EIN_TRY(ein_run_append(path, O_CREAT, &fd));
    const bool good = write(fd, text, bytes) == (ssize_t)bytes && fsync(fd) == 0;
    const int error = errno;
    close(fd);
    return good ? EIN_OK : ein_error(EIN_IO, "%s: %s", path, strerror(error));
}

/* Forget files that are not there any more, so that weeks do not add up. */
static ein_status prune(watcher *w, const ein_reader_list *found) {
    char path[PATH_MAX], *text = NULL;
    size_t bytes = 0;
    ein_map *kept = NULL;
    if (found->n_problems > 0 || ein_map_count(w->done) < 2 * found->count + LEAST_PRUNED) return EIN_OK;
    EIN_TRY(ein_map_new(&kept));
    FILE *f = open_memstream(&text, &bytes);
    ein_status status = f ? EIN_OK : ein_error(EIN_NOMEM, "no memory for the list of what is done");
    for (int64_t i = 0; status == EIN_OK && i < found->count; i++) {
        const int64_t stamp = ein_map_get(w->done, found->path[i], -1);
        if (stamp < 0) continue;
        fprintf(f, "%016" PRIx64 " %s%c", (uint64_t)stamp, found->path[i], 0);
        status = ein_map_put(kept, found->path[i], stamp);
    }
    if (f && fclose(f) != 0 && status == EIN_OK)
        status = ein_error(EIN_NOMEM, "no memory for the list of what is done");
    done_path(w, path);
    if (status == EIN_OK) status = ein_durable_write(path, text, bytes);
    free(text);
    if (status == EIN_OK) {
        ein_map *old = w->done;
        w->done = kept;
        kept = old;
    }
    ein_map_destroy(kept);
    return status;
}

/* --- lines ----------------------------------------------------------------------------------------------- */

static json_t *line_of(watcher *w, const char *path, int64_t stamp, const ein_score_record *r,
                       const float *value) {
    ein_json_builder b = {false};
    json_t *o = json_object();
    char time_text[EIN_CLOCK_TIME_BYTES], flags[512] = "", hex[20];
    ein_clock_time(time_text);
    if (r->quality) ein_quality_text(r->quality, flags, sizeof flags);
    snprintf(hex, sizeof hex, "%016" PRIx64, (uint64_t)stamp);
    ein_json_put_text(&b, o, "time", time_text);
    ein_json_put_text(&b, o, "record", r->id);
    ein_json_put_text(&b, o, "source", path);
    ein_json_put_text(&b, o, "sha256", r->sha256);
    ein_json_put_text(&b, o, "status", ein_score_status_word(r->status));
    if (r->reason[0]) ein_json_put_text(&b, o, "reason", r->reason);
    ein_json_put_text(&b, o, "quality", flags);
    ein_json_put_text(&b, o, "model", w->s->models->model[0].hash);
    ein_json_put_text(&b, o, "stamp", hex);
    if (r->status == EIN_SCORE_OK) {
        json_t *scores = ein_json_put_object(&b, o, "scores");
        ein_score_models_row(w->s->models, value, w->row);
        for (int i = 0; i < w->s->models->n_columns; i++)
            ein_json_put_real(&b, scores, w->s->models->column[i].name, w->row[i]);
    }
    if (!b.failed) return o;
    json_decref(o);
    return NULL;
}

/* Lines and notes of a batch, collected. */
typedef struct {
    char *lines, *notes;
    size_t lines_bytes, notes_bytes;
    FILE *to_lines, *to_notes;
} batch_text;

static ein_status text_begin(batch_text *t) {
    *t = (batch_text){0};
    t->to_lines = open_memstream(&t->lines, &t->lines_bytes);
    t->to_notes = open_memstream(&t->notes, &t->notes_bytes);
    return t->to_lines && t->to_notes ? EIN_OK : ein_error(EIN_NOMEM, "no memory for lines");
}

static ein_status text_add(watcher *w, batch_text *t, const char *path, int64_t stamp,
                           const ein_score_record *r, const float *value) {
    json_t *object = line_of(w, path, stamp, r, value);
    char *line = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(object);
    if (!line) return ein_error(EIN_NOMEM, "no memory for a line");
    fprintf(t->to_lines, "%s\n", line);
    fprintf(t->to_notes, "%016" PRIx64 " %s%c", (uint64_t)stamp, path, 0);
    free(line);
    w->again += ein_map_get(w->done, path, -1) >= 0;
    w->scored += r->status == EIN_SCORE_OK;
    w->rejected += r->status != EIN_SCORE_OK;
    return ein_map_put(w->done, path, stamp);
}

/* Written for good, however long the disk is full; a signal ends the waiting. */
static ein_status write_patiently(watcher *w, const char *text, size_t bytes, bool notes) {
    for (double pause_s = 0.1;; pause_s = pause_s < 10 ? 2 * pause_s : pause_s) {
        const ein_status status =
            notes ? note_done(w, text, bytes) : ein_lines_append(&w->lines, text, bytes);
        if (status == EIN_OK || ein_stop_signals(NULL) > 0) return status;
        if (pause_s < 0.2)
            fprintf(stderr, "einthoven score: warning: %s; trying again\n", ein_error_message());
        w->tries++;
        const struct timespec pause = {(time_t)pause_s, (long)((pause_s - (double)(time_t)pause_s) * 1e9)};
        nanosleep(&pause, NULL);
    }
}

static ein_status text_end(watcher *w, batch_text *t, ein_status mine) {
    ein_status status = mine;
    if (t->to_lines && fclose(t->to_lines) != 0 && status == EIN_OK)
        status = ein_error(EIN_NOMEM, "no memory for lines");
    if (t->to_notes && fclose(t->to_notes) != 0 && status == EIN_OK)
        status = ein_error(EIN_NOMEM, "no memory for lines");
    if (status == EIN_OK && t->lines_bytes > 0) status = write_patiently(w, t->lines, t->lines_bytes, false);
    if (status == EIN_OK && t->notes_bytes > 0) status = write_patiently(w, t->notes, t->notes_bytes, true);
    free(t->lines);
    free(t->notes);
    return status;
}

/* --- scoring --------------------------------------------------------------------------------------------- */

/* Arrivals that have settled, at most BATCH, from the end of the list: dropping one moves none of the others. */
static int choose(watcher *w, int64_t chosen[BATCH]) {
    const double now = ein_clock_s();
    int n = 0;
    for (int64_t i = w->n_pending - 1; i >= 0 && n < BATCH; i--) {
        arrival *a = &w->pending[i];
        if (now - a->changed_s < w->settle_s || now < a->next_s) continue;
        const int64_t stamp = stamp_of(a->path);
        if (stamp == a->stamp) {
            chosen[n++] = i;
        } else if (stamp != 0) {
            a->stamp = stamp;
            a->changed_s = now;
        } else { /* the machine is in trouble */
            a->next_s = now + 1;
            w->tries++;
        }
    }
    return n;
}

/* What was read of n arrivals, through the models; item i is record of[i]. */
static void run_models(watcher *w, ein_score_item *item, const int *of, int n) {
    const int batch = ein_score_room_batch(w->rooms[0]);
#pragma omp parallel for schedule(dynamic, 1) num_threads(w->s->threads)
    for (int i = 0; i < n; i += batch)
        ein_score_room_run(w->rooms[omp_get_thread_num()], item + i, n - i < batch ? n - i : batch);
    for (int i = 0; i < n; i++) {
        ein_score_record *r = &w->record[of[i]];
        if (item[i].finite) continue;
        r->status = EIN_SCORE_NOT_FINITE;
        snprintf(r->reason, sizeof r->reason, "a model gives a value that is not finite");
    }
}

static void score_batch(watcher *w, const int64_t *chosen, int n) {
    const ein_contract *c = &w->s->models->contract;
    const int64_t record = c->n_leads * c->n_samples, values = w->s->models->values;
    ein_score_item item[BATCH];
    float scale[BATCH];
    int of[BATCH], good = 0;
#pragma omp parallel for schedule(dynamic, 1) num_threads(w->s->threads)
    for (int i = 0; i < n; i++)
        w->status[i] = ein_score_reader_read(w->reader[omp_get_thread_num()], w->pending[chosen[i]].path, -1,
                                             w->counts + i * record, &scale[i], &w->record[i]);
    for (int i = 0; i < n; i++) {
        if (w->status[i] != EIN_OK || w->record[i].status != EIN_SCORE_OK) continue;
        of[good] = i;
        item[good++] = (ein_score_item){
            .counts = w->counts + i * record, .scale = scale[i], .value = w->value + i * values};
    }
    run_models(w, item, of, good);
}

/* What may be on its way still: what cannot be scored, and a signal that is shorter than its header says, or other. */
static bool is_doubtful(const ein_score_record *r) {
    return r->status != EIN_SCORE_OK || r->quality & (EIN_QUALITY_TRUNCATED | EIN_QUALITY_CHECKSUM);
}

/* What becomes of one arrival that was tried; *drop: it is dealt with. */
static ein_status settle(watcher *w, batch_text *text, int64_t at, int i, bool *drop) {
    arrival *a = &w->pending[at];
    const ein_score_record *r = &w->record[i];
    const double now = ein_clock_s();
    *drop = false;
    if (w->status[i] != EIN_OK) {
        const double pause_s = a->tries < 8 ? 0.1 * (double)(1 << a->tries) : 30;
        a->next_s = now + pause_s;
        a->tries++;
        w->tries++;
        return EIN_OK;
    }
    *drop = r->status == EIN_SCORE_GONE;
    w->vanished += *drop;
    if (*drop) return EIN_OK;
    const int64_t stamp = stamp_of(a->path);
    if (stamp != a->stamp || (int64_t)(r->stamp & INT64_MAX) != stamp) { /* it changed while it was read */
        a->stamp = stamp;
        a->changed_s = now;
        return EIN_OK;
    }
    if (is_doubtful(r) && now - a->changed_s < w->patience_s) {
        a->next_s = a->changed_s + w->patience_s;
        return EIN_OK;
    }
    *drop = true;
    return text_add(w, text, a->path, stamp, r, w->value + i * w->s->models->values);
}

static ein_status deal_with_arrivals(watcher *w) {
    int64_t chosen[BATCH];
    int n;
    while ((n = choose(w, chosen)) > 0 && ein_stop_signals(NULL) == 0) {
        batch_text text;
        bool drop[BATCH] = {false};
        score_batch(w, chosen, n);
        ein_status status = text_begin(&text);
        for (int i = 0; i < n && status == EIN_OK; i++) status = settle(w, &text, chosen[i], i, &drop[i]);
        status = text_end(w, &text, status);
        for (int i = 0; i < n && status == EIN_OK; i++)
            if (drop[i]) status = drop_pending(w, chosen[i]);
        EIN_TRY(status);
        w->active_s = ein_clock_s();
    }
    return EIN_OK;
}

/* --- finding --------------------------------------------------------------------------------------------- */

/* What can be listed and never read, such as a folder that nobody may enter, has its line too. */
static ein_status consider_problem(watcher *w, batch_text *text, const ein_reader_problem *p) {
    ein_score_record r = {.status = EIN_SCORE_UNREADABLE};
    for (int i = 0; i < w->n_folders; i++) {
        if (strcmp(w->folder[i], p->path) != 0) continue;
        fprintf(stderr, "einthoven score: warning: %s: %s\n", p->path, p->reason);
        return EIN_OK;
    }
    if (ein_map_get(w->done, p->path, -1) == PROBLEM_STAMP) return EIN_OK;
    snprintf(r.reason, sizeof r.reason, "%s", p->reason);
    w->arrived++;
    return text_add(w, text, p->path, PROBLEM_STAMP, &r, NULL);
}

static ein_status walk(watcher *w) {
    ein_reader_list found;
    batch_text text;
    for (int i = 0; i < w->n_folders; i++) ein_notify_add(w->notify, w->folder[i]);
    ein_status status = ein_reader_find(w->folder, w->n_folders, w->s->links, &found);
    if (ein_trouble_is(status)) { /* what cannot be listed now is listed later */
        fprintf(stderr, "einthoven score: warning: %s\n", ein_error_message());
        w->tries++;
        return status == EIN_NOMEM ? status : EIN_OK;
    }
    EIN_TRY(status);
    for (int64_t i = 0; i < found.count && status == EIN_OK; i++) status = consider(w, found.path[i]);
    if (status == EIN_OK) {
        status = text_begin(&text);
        for (int64_t i = 0; i < found.n_problems && status == EIN_OK; i++)
            status = consider_problem(w, &text, &found.problem[i]);
        status = text_end(w, &text, status);
    }
    if (status == EIN_OK) status = prune(w, &found);
    ein_reader_list_free(&found);
    return status;
}

/* A file that inotify told of: which recording that is, if any, is for the rules of folders. */
static void consider_event(void *context, const char *path) {
    watcher *w = context;
    ein_reader_list found;
    if (ein_reader_find(&path, 1, w->s->links, &found) != EIN_OK) return;
    const bool plain = strlen(path) > 4 && (strcasecmp(path + strlen(path) - 4, ".hea") == 0 ||
                                            strcasecmp(path + strlen(path) - 4, ".xml") == 0);
    /* A root is listed whatever it is; others than these are left to a walk, which tells what they belong to. */
    for (int64_t i = 0; i < found.count; i++)
        if (plain || strcmp(found.path[i], path) != 0) consider(w, found.path[i]);
    ein_reader_list_free(&found);
}

/* --- the loop -------------------------------------------------------------------------------------------- */

static int64_t resident_kib(void) {
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) return 0;
    const int n = fscanf(f, "%ld %ld", &pages, &resident);
    fclose(f);
    return n == 2 ? (int64_t)resident * sysconf(_SC_PAGESIZE) / 1024 : 0;
}

static void beat(const watcher *w, const char *state) {
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
    ein_json_put_int(&b, o, "waiting", w->n_pending);
    ein_json_put_int(&b, o, "tried_again", w->tries);
    ein_json_put_int(&b, o, "resident_kib", resident_kib());
    snprintf(path, sizeof path, "%s/heartbeat", w->s->out);
    if (!b.failed) ein_json_write(path, o); /* a disk that is full is told elsewhere */
    ein_error_clear();
    json_decref(o);
}

/* How long nothing needs to be done. */
static double rest_s(const watcher *w, double next_walk) {
    const double now = ein_clock_s();
    double until = next_walk < now + 1 ? next_walk : now + 1;
    for (int64_t i = 0; i < w->n_pending; i++) {
        const arrival *a = &w->pending[i];
        const double ready = fmax(a->changed_s + w->settle_s, a->next_s);
        if (ready < until) until = ready;
    }
    return until > now ? until - now + 0.002 : 0.002;
}

static ein_status loop(watcher *w) {
    const ein_config *c = w->s->job->config;
    const double poll_s = ein_config_real(c, "watch.poll_s"), idle_s = ein_config_real(c, "watch.idle_s");
    const double beat_s = ein_config_real(c, "watch.heartbeat_s");
    double next_walk = 0, next_beat = 0;
    w->active_s = ein_clock_s();
    while (ein_stop_signals(NULL) == 0) {
        const double begin = ein_clock_s();
        bool changed = false;
        if (begin >= next_walk) {
            EIN_TRY(walk(w));
            next_walk = ein_clock_s() + fmax(poll_s, 10 * (ein_clock_s() - begin));
        }
        EIN_TRY(deal_with_arrivals(w));
        if (ein_clock_s() >= next_beat) beat(w, "watching");
        if (ein_clock_s() >= next_beat) next_beat = ein_clock_s() + beat_s;
        if (idle_s > 0 && w->n_pending == 0 && ein_clock_s() - w->active_s >= idle_s) return EIN_OK;
        ein_notify_wait(w->notify, rest_s(w, next_walk), &changed, consider_event, w);
        if (changed) next_walk = fmin(next_walk, ein_clock_s() + fmin(poll_s, 0.1 + w->settle_s / 2));
    }
    return EIN_OK;
}

/* --- from beginning to end ------------------------------------------------------------------------------- */

static ein_status make_workers(watcher *w) {
    const ein_contract *c = &w->s->models->contract;
    const int threads = w->s->threads;
    EIN_TRY(ein_score_corpora_new(c, &w->corpora));
    EIN_TRY(EIN_NEW(w->reader, threads));
    EIN_TRY(EIN_NEW(w->rooms, threads));
    for (int t = 0; t < threads; t++) {
        EIN_TRY(ein_score_reader_new(c, &w->s->policy, w->corpora, &w->reader[t]));
        EIN_TRY(ein_score_room_new(w->s->models, &w->rooms[t]));
    }
    EIN_TRY(EIN_NEW(w->counts, BATCH * c->n_leads * c->n_samples));
    EIN_TRY(EIN_NEW(w->value, BATCH * w->s->models->values));
    return EIN_NEW(w->row, w->s->models->n_columns);
}

static ein_status open_folders(watcher *w) {
    const ein_config *c = w->s->job->config;
    char path[PATH_MAX], what[PATH_MAX + 16];
    w->n_folders = ein_config_list_count(c, "watch.folders");
    EIN_TRY(EIN_NEW(w->folder, w->n_folders));
    for (int i = 0; i < w->n_folders; i++) {
        w->folder[i] = realpath(ein_config_list_item(c, "watch.folders", i), NULL);
        if (!w->folder[i])
            return ein_error(EIN_NOTFOUND, "%s: %s", ein_config_list_item(c, "watch.folders", i),
                             strerror(errno));
    }
    EIN_TRY(ein_links_new(w->folder, w->n_folders, ein_config_bool(c, "ingest.follow_links"), &w->s->links));
    w->s->policy.read.place.links = w->s->links;
    EIN_TRY(ein_make_folders(w->s->out));
    snprintf(path, sizeof path, "%s/watch.lock", w->s->out);
    snprintf(what, sizeof what, "%.4000s", w->s->out);
    EIN_TRY(ein_lock_take(path, what, &w->lock, NULL));
    w->lines = (ein_lines){.folder = w->s->out,
                           .rotate_bytes = (int64_t)(ein_config_real(c, "watch.rotate_mib") * 1048576),
                           .keep = (int)ein_config_int(c, "watch.keep"),
                           .to_stdout = ein_config_bool(c, "watch.stdout")};
    EIN_TRY(ein_map_new(&w->done));
    EIN_TRY(ein_map_new(&w->where));
    return recall(w);
}

static void end(watcher *w) {
    ein_notify_destroy(w->notify);
    for (int t = 0; w->reader && t < w->s->threads; t++) ein_score_reader_destroy(w->reader[t]);
    for (int t = 0; w->rooms && t < w->s->threads; t++) ein_score_room_destroy(w->rooms[t]);
    for (int64_t i = 0; i < w->n_pending; i++) free(w->pending[i].path);
    for (int i = 0; w->folder && i < w->n_folders; i++) free((void *)w->folder[i]);
    ein_score_corpora_destroy(w->corpora);
    ein_map_destroy(w->done);
    ein_map_destroy(w->where);
    void *owned[] = {w->reader, w->rooms, w->pending, w->folder, w->counts, w->value, w->row};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
    ein_lock_release(w->lock, true);
    free(w);
}

ein_status ein_score_watch(ein_score *s) {
    watcher *w;
    if (s->size > 1) return ein_error(EIN_USAGE, "--watch is for one process; it uses score.threads threads");
    EIN_TRY(EIN_NEW(w, 1));
    w->s = s;
    w->settle_s = ein_config_real(s->job->config, "watch.settle_s");
    w->patience_s = ein_config_real(s->job->config, "watch.patience_s");
    ein_status status = ein_stop_install();
    if (status == EIN_OK) status = open_folders(w);
    if (status == EIN_OK) status = make_workers(w);
    if (status == EIN_OK) status = ein_notify_new(&w->notify);
    if (status == EIN_OK) status = loop(w);
    if (w->lock) beat(w, status == EIN_OK ? "stopped" : "failed");
    if (w->notify)
        fprintf(stderr,
                "einthoven score: %" PRId64 " arrived, %" PRId64 " scored, %" PRId64 " rejected, %" PRId64
                " vanished before they could be read, %" PRId64 " still waiting\n",
                w->arrived, w->scored, w->rejected, w->vanished, w->n_pending);
    end(w);
    return status;
}
