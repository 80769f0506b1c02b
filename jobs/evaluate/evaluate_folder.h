/* The folder of a model's evaluation: scores.csv, scores.h5, metrics.csv, metrics.json, metrics.txt and MADE-BY.
 *
 * They are one set: made by one run, whose name all of them lead to, and changed all together (io/base/outputs.h).
 * MADE-BY is
 *
 *     # einthoven evaluate 0.1.0
 *     # run 6b1f0c...                       what was evaluated and came out, in 32 hexadecimal digits
 *     3f...  scores.csv                     BLAKE2b-256 of each file; b2sum -l 256 --check MADE-BY
 *
 * scores.h5 has the run as attribute "run", metrics.json under "run", metrics.txt in its last line; the tables have
 * it by their sums. Equal evaluations have the same run and the same bytes, wherever and on however many ranks they
 * were made.
 */
#ifndef EIN_JOBS_EVALUATE_EVALUATE_FOLDER_H
#define EIN_JOBS_EVALUATE_EVALUATE_FOLDER_H

#include <stdbool.h>

#include "core/base/status.h"

typedef struct ein_evaluate_folder ein_evaluate_folder;

/* Claim `folder`, which is made if needed: EIN_EXISTS while another evaluation works there, or if it holds results
 * and `replace` is false. Rank 0, as everything here. */
ein_status ein_evaluate_folder_begin(const char *folder, bool replace, ein_evaluate_folder **out);

/* All files are written: add MADE-BY and publish. */
ein_status ein_evaluate_folder_publish(ein_evaluate_folder *f, const char *run);

/* Let go; what was not published is removed, also a folder that was made for it. NULL is fine. */
void ein_evaluate_folder_end(ein_evaluate_folder *f);

#endif
