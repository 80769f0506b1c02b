/* What a watch has dealt with: the stamp of each path, in memory and in FOLDER/watch.done. Paths are bytes there, so
 * that names in any encoding are known again. */
#ifndef EIN_JOBS_SCORE_WATCH_KNOWN_H
#define EIN_JOBS_SCORE_WATCH_KNOWN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/status.h"
#include "io/ecg/reader.h"

typedef struct ein_known ein_known;

/* Read what is there; a note that a kill tore is cut off. */
ein_status ein_known_open(const char *folder, ein_known **out);
void ein_known_close(ein_known *known); /* NULL is fine */

/* The stamp of a path; -1: not dealt with. */
int64_t ein_known_stamp(const ein_known *known, const char *path);

/* Remember it, in memory alone, and write its note into what ein_known_append is to keep; `notes` NULL: it is kept. */
ein_status ein_known_put(ein_known *known, const char *path, int64_t stamp, FILE *notes);

/* Keep notes, durably: all of them, or none and EIN_IO. */
ein_status ein_known_append(const ein_known *known, const char *notes, size_t bytes);

/* Forget what `found`, which was just listed, does not hold and is_gone confirms, if there may be enough of it to be
 * worth the writing: memory and file stay within twice what is there, and some. */
ein_status ein_known_forget(ein_known *known, const ein_reader_list *found,
                            bool (*is_gone)(void *context, const char *path), void *context);

#endif
