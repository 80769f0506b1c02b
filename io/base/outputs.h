/* The files that a command writes: one owner from the beginning to the end, and a change all together.
 *
 * A command claims its outputs before it works and publishes them when all are whole:
 *
 *     ein_outputs_begin(paths, n, NULL, overwrite, &o)   refuses what is in use, by name, and what exists
 *     ... ein_durable_*, ein_csv_*, ein_json_write, ein_corpus_finish, ... leave whole, synced PATH.partial ...
 *     ein_outputs_publish(o)                             gives all of them their names
 *     ein_outputs_end(o)                                 discards what was not published, lets go
 *
 * The claim is a lock (io/base/lock.h) on PATH.lock, or on one file for all. It exists only while the command runs.
 *
 * Publishing never leaves old and new side by side. A single file is replaced by one rename. Several: the old ones
 * are renamed to PATH.being-replaced, a mark is made beside the first (PATH.being-published), the new ones get their
 * names, then the old ones and the mark are removed. Whoever looks in between, or after a kill, finds old ones,
 * none, or new ones, fewer than all for a moment, and no mixture. The next claim of the same outputs finishes what
 * was begun: forward if the mark stands, else back.
 *
 * Without `replace` nothing is ever replaced, also not what appeared while the command ran (renameat2
 * RENAME_NOREPLACE). With it, only regular files are (io/base/durable.h). Nothing here is collective: rank 0 calls it,
 * one thread.
 */
#ifndef EIN_IO_BASE_OUTPUTS_H
#define EIN_IO_BASE_OUTPUTS_H

#include <stdbool.h>

#include "core/base/status.h"

typedef struct ein_outputs ein_outputs;

/* Claim `paths`; NULL ones are passed over. `lock` is a file to lock instead of each PATH.lock, or NULL; its folder
 * exists. EIN_EXISTS: in use, or there already and `replace` is false; EIN_IO: no regular file, no folder to write
 * it in; EIN_USAGE: no name of a file, or one of two of these. */
ein_status ein_outputs_begin(const char *const *paths, int n, const char *lock, bool replace,
                             ein_outputs **out);

/* Give every PATH.partial that was written its name. On error all of them are old, or what is said in the message. */
ein_status ein_outputs_publish(ein_outputs *outputs);

/* Write `path`, one of the outputs: `head`, then a line "BLAKE2b-256 in hexadecimal, two blanks, name" for every
 * other one that was written, as `b2sum -l 256 --check` reads it. */
ein_status ein_outputs_write_sums(ein_outputs *outputs, const char *path, const char *head);

/* Remove what was not published and let go. Keeps the current error message. NULL is fine. */
void ein_outputs_end(ein_outputs *outputs);

#endif
