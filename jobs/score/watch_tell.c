#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/signal/quality.h"
#include "io/base/hash.h"
#include "io/base/utf8.h"
#include "io/formats/json.h"
#include "jobs/score/watch_parts.h"
#include "mpi/stop.h"

/* --- lines ----------------------------------------------------------------------------------------------- */

/* Where JSON cannot hold the path, its bytes: two names may look the same. */
static void put_bytes(ein_json_builder *b, json_t *o, const char *path) {
    char hex[2 * PATH_MAX + 1];
    const size_t n = strlen(path);
    if (n >= PATH_MAX || ein_utf8_is(path, n)) return;
    ein_hex((const uint8_t *)path, n, hex);
    ein_json_put_text(b, o, "source_bytes", hex);
}

static json_t *line_of(ein_watch *w, const char *path, int64_t stamp, const ein_score_record *r,
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
    put_bytes(&b, o, path);
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

ein_status ein_watch_text_begin(ein_watch_text *t) {
    *t = (ein_watch_text){0};
    t->to_lines = open_memstream(&t->lines, &t->lines_bytes);
    t->to_notes = open_memstream(&t->notes, &t->notes_bytes);
    return t->to_lines && t->to_notes ? EIN_OK : ein_error(EIN_NOMEM, "no memory for lines");
}

ein_status ein_watch_text_add(ein_watch *w, ein_watch_text *t, const char *path, int64_t stamp,
                              const ein_score_record *r, const float *value) {
    json_t *object = line_of(w, path, stamp, r, value);
    char *line = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(object);
    if (!line) return ein_error(EIN_NOMEM, "no memory for a line");
    fprintf(t->to_lines, "%s\n", line);
    free(line);
    w->again += ein_known_stamp(w->known, path) >= 0;
    w->scored += r->status == EIN_SCORE_OK;
    w->rejected += r->status != EIN_SCORE_OK;
    return ein_known_put(w->known, path, stamp, t->to_notes);
}

static ein_status write_patiently(ein_watch *w, const char *text, size_t bytes, bool notes) {
    for (double pause_s = 0.1;; pause_s = pause_s < 10 ? 2 * pause_s : pause_s) {
        const ein_status status =
            notes ? ein_known_append(w->known, text, bytes) : ein_lines_append(&w->lines, text, bytes);
        if (status == EIN_OK || ein_stop_signals(NULL) > 0) return status;
        if (pause_s < 0.2)
            fprintf(stderr, "einthoven score: warning: %s; trying again\n", ein_error_message());
        w->tries++;
        const struct timespec pause = {(time_t)pause_s, (long)((pause_s - (double)(time_t)pause_s) * 1e9)};
        nanosleep(&pause, NULL);
    }
}

ein_status ein_watch_text_end(ein_watch *w, ein_watch_text *t, ein_status status) {
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

/* --- recalling ------------------------------------------------------------------------------------------- */

/* The path of a line, as bytes. */
static bool source_of(const json_t *line, char path[PATH_MAX]) {
    const char *source = json_string_value(json_object_get(line, "source"));
    const char *hex = json_string_value(json_object_get(line, "source_bytes"));
    size_t n = 0;
    if (!hex) return source && (size_t)snprintf(path, PATH_MAX, "%s", source) < PATH_MAX;
    if (sodium_hex2bin((unsigned char *)path, PATH_MAX - 1, hex, strlen(hex), NULL, &n, NULL) != 0)
        return false;
    path[n] = '\0';
    return strlen(path) == n;
}

typedef struct {
    ein_watch *w;
    FILE *notes;
    ein_status status;
} recalling;

static void recall_line(void *context, const char *line) {
    recalling *r = context;
    char path[PATH_MAX];
    json_t *object = json_loads(line, 0, NULL);
    const char *text = json_string_value(json_object_get(object, "stamp"));
    const int64_t stamp = text ? strtoll(text, NULL, 16) : -1;
    if (r->status == EIN_OK && text && source_of(object, path) && ein_known_stamp(r->w->known, path) != stamp)
        r->status = ein_known_put(r->w->known, path, stamp, r->notes);
    json_decref(object);
}

ein_status ein_watch_recall(ein_watch *w) {
    char *notes = NULL;
    size_t bytes = 0;
    recalling r = {.w = w, .notes = open_memstream(&notes, &bytes)};
    if (!r.notes) return ein_error(EIN_NOMEM, "no memory for the list of what is done");
    const ein_status status = ein_lines_recall(&w->lines, recall_line, &r);
    if (fclose(r.notes) != 0 && r.status == EIN_OK)
        r.status = ein_error(EIN_NOMEM, "no memory for the list of what is done");
    if (status == EIN_OK && r.status == EIN_OK && bytes > 0)
        r.status = write_patiently(w, notes, bytes, true);
    free(notes);
    return status == EIN_OK ? r.status : status;
}
