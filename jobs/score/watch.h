/* score --watch FOLDER: recordings are scored as they arrive, for weeks.
 *
 * In the folder --out:
 *
 *     records.jsonl, records.jsonl.1, ...   a line of JSON per recording (and again when its files change): time,
 *                      record, source, sha256, status, reason, quality, stamp, scores by column, and source_bytes in
 *                      hexadecimal where the path is no UTF-8; the newest file has no number
 *     watch.done       what was dealt with: stamp (16 hexadecimal digits), a blank, path, NUL
 *     heartbeat        one JSON object, replaced every watch.heartbeat_s
 *
 * A file is taken when it has not changed for watch.settle_s. What then cannot be scored, or has less signal than its
 * header says, may still be on its way: it is looked at again whenever it changes, and taken as it is watch.patience_s
 * after the last change. Changes are told by inotify and, because that has bounds and does not reach over networks, by
 * walks through the folder. Trouble of the machine rejects nothing: the file stays on the list.
 *
 * A line is written, synced, and noted in watch.done; after a kill in between the end of records.jsonl tells. So every
 * state of a file has its line, and none twice. What is surely gone is forgotten.
 */
#ifndef EIN_JOBS_SCORE_WATCH_H
#define EIN_JOBS_SCORE_WATCH_H

#include "jobs/score/run.h"

extern const ein_option ein_table_watch[];

/* Until a signal, or watch.idle_s. One process. */
ein_status ein_score_watch(ein_score *s);

#endif
