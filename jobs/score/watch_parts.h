/* What the parts of `score --watch` share: watch.c has the loop, watch_find.c looks what is there, watch_score.c scores
 * it, watch_tell.c writes what came of it, watch_lines.c are the files of lines, watch_notify.c is inotify. */
#ifndef EIN_JOBS_SCORE_WATCH_PARTS_H
#define EIN_JOBS_SCORE_WATCH_PARTS_H

#include <sys/types.h>

#include "io/base/lock.h"
#include "jobs/score/run.h"
#include "jobs/score/source.h"
#include "jobs/score/watch_arrivals.h"
#include "jobs/score/watch_known.h"

/* What tells early that something changed below a folder: inotify, as far as that goes. */
typedef struct ein_notify ein_notify;
ein_status ein_notify_new(ein_notify **out);
void ein_notify_destroy(ein_notify *notify); /* NULL is fine */
/* Watch `folder` and all below it, as far as they are not watched yet. */
void ein_notify_add(ein_notify *notify, const char *folder);
/* Wait for at most `wait_s`, then call `tell` for each file that was closed after writing or moved in; *walk: something
 * else changed, a walk must find out. */
void ein_notify_wait(ein_notify *notify, double wait_s, bool *walk,
                     void (*tell)(void *context, const char *path), void *context);

/* Lines of JSON in a file that is rotated. */
typedef struct {
    const char *folder;
    int64_t rotate_bytes;
    int keep;
    bool to_stdout;
} ein_lines;
/* Append whole lines, durably. EIN_IO: nothing of them is taken as written. */
ein_status ein_lines_append(const ein_lines *lines, const char *text, size_t bytes);
/* Cut a line that a kill tore, and call `tell` with each line of the newest two files. */
ein_status ein_lines_recall(const ein_lines *lines, void (*tell)(void *context, const char *line),
                            void *context);

/* A folder that is watched. */
typedef struct {
    const char *path;
    dev_t device; /* that it was on when something was last found in it */
    bool was_seen;
    bool is_refused; /* a walk could not enter it, which was said */
} ein_watch_root;

enum { EIN_WATCH_BATCH = 64 };

typedef struct {
    ein_score *s;
    double settle_s, patience_s;
    ein_watch_root *root;
    const char **folder; /* (n_roots) their paths */
    int n_roots;
    ein_lock *lock;
    ein_notify *notify;
    ein_lines lines;
    ein_known *known;
    ein_arrivals waiting;
    ein_map *refused; /* what a walk lists and the system refuses, and is not told yet: path -> since, ms */
    double walk_at_s; /* when the next walk is due */
    double active_s;  /* when something happened last */
    ein_score_corpora *corpora;
    ein_score_reader **reader;
    ein_score_room **rooms;
    int16_t *counts; /* (EIN_WATCH_BATCH, record) */
    float *value;    /* (EIN_WATCH_BATCH, values) */
    double *row;
    ein_score_record record[EIN_WATCH_BATCH];
    ein_status status[EIN_WATCH_BATCH];
    /* arrived = scored + rejected + vanished + what waits; `again`: of scored and rejected, those told before. */
    int64_t arrived, scored, rejected, again, vanished, tries;
} ein_watch;

/* What the files of a recording look like, as a number that is not negative; 0: the machine is in trouble. That of what
 * the system refuses is EIN_WATCH_REFUSED. */
int64_t ein_watch_stamp(const char *path);
enum { EIN_WATCH_REFUSED = 2 };

/* Walk through the folders: what is new or changed waits, what is none any more does not, what is refused for
 * watch.patience_s has its line, what is gone is forgotten. */
ein_status ein_watch_walk(ein_watch *w);

/* A file that inotify told of; `context` is the watch. */
void ein_watch_event(void *context, const char *path);

/* Whether a path is gone for sure: no part of it may be on a file system that is not mounted now. */
bool ein_watch_is_gone(ein_watch *w, const char *path);

/* Score, and tell, what waits and has settled: one batch, so that events, walks and heartbeats have their turn. */
ein_status ein_watch_score(ein_watch *w);

/* Lines and notes of a batch, collected, and written at the end, however long the disk is full; a signal ends the
 * waiting. `status` of the end: what came in between, which it returns; then nothing is written. */
typedef struct {
    char *lines, *notes;
    size_t lines_bytes, notes_bytes;
    FILE *to_lines, *to_notes;
} ein_watch_text;
ein_status ein_watch_text_begin(ein_watch_text *text);
ein_status ein_watch_text_add(ein_watch *w, ein_watch_text *text, const char *path, int64_t stamp,
                              const ein_score_record *r, const float *value);
ein_status ein_watch_text_end(ein_watch *w, ein_watch_text *text, ein_status status);

/* What lines tell that notes do not, because a kill came between them, is known too. */
ein_status ein_watch_recall(ein_watch *w);

#endif
