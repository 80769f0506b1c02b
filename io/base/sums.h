/* Whether results are as they were written: the list of sums beside them.
 *
 * MADE-BY of an evaluation (jobs/evaluate/evaluate_folder.h), of scores (jobs/score/outputs.h) and table.made-by of a
 * study are lines "# ..." and lines "BLAKE2b-256 in hexadecimal, two blanks, name of a file in the same folder", as
 * io/base/outputs.h writes them and `b2sum -l 256 --check` reads them. They tell a file that was damaged or edited, not
 * one that somebody forged together with its list. Not collective.
 */
#ifndef EIN_IO_BASE_SUMS_H
#define EIN_IO_BASE_SUMS_H

#include "core/base/status.h"
#include "io/base/hash.h"

enum { EIN_SUMS_RUN_BYTES = 80 };

/* The sum of a file. EIN_CORRUPT if it is gone, EIN_IO. */
ein_status ein_sums_of_file(const char *path, char out[EIN_HASH_TEXT_BYTES]);

/* Compare file `name`, or with NULL all files of the list; `run` (EIN_SUMS_RUN_BYTES; may be NULL) receives the word
 * behind "# run ", or "". EIN_NOTFOUND if there is no list; EIN_CORRUPT names a file that is another now, is gone, or
 * is not in the list; EIN_FORMAT for what is no list. */
ein_status ein_sums_check(const char *list, const char *name, char *run);

#endif
