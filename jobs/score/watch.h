/* score --watch FOLDER: recordings are scored as they arrive, for weeks.
 *
 * In the folder --out:
 *
 *     records.jsonl, records.jsonl.1, ...   a line of JSON per recording (and again when its files change): time,
 *                      record, source, sha256, status, reason, quality, stamp, scores by column; the newest file has
 *                      no number
 *     watch.done       what was dealt with: stamp (16 hexadecimal digits), a blank, path, NUL
 *     heartbeat        one JSON object, replaced every watch.heartbeat_s
 *
 * A file is taken when it has not changed for watch.settle_s. What then cannot be scored, or has less signal than its
 * header says, may still be on its way: it is looked at again whenever it changes, and taken as it is watch.patience_s
 * after the last change. Changes are told by inotify and, because that has bounds and does not reach over networks, by
 * walks through the folder. Trouble of the machine rejects nothing: the file stays on the list.
 *
 * A line is written, synced, and noted in watch.done; after a kill in between the end of records.jsonl tells. So every
 * file has its line, and none twice.
 */
#ifndef EIN_JOBS_SCORE_WATCH_H
#define EIN_JOBS_SCORE_WATCH_H

#include "jobs/score/run.h"

extern const ein_option ein_table_watch[];

/* Until a signal, or watch.idle_s. One process. */
ein_status ein_score_watch(ein_score *s);

/* --- its parts --------------------------------------------------------------------------------------------- */

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

#endif
