/* The results of a work folder, record by record in the one order (jobs/score/inputs.h), from its plan and blocks.
 *
 * Of an input that stands in several parts of the plan, the latest counts. What cannot be listed (folders that nobody
 * may enter, paths of a list that are not there) stands among the others; it is kept in FOLDER/problems: a letter for
 * the status, path and reason, each with a NUL, ascending.
 */
#ifndef EIN_JOBS_SCORE_ROWS_H
#define EIN_JOBS_SCORE_ROWS_H

#include "jobs/score/block.h"
#include "jobs/score/plan.h"

typedef struct {
    const char *path;
    int64_t record; /* of a corpus; -1: a recording by itself */
    const ein_score_record *result;
    const float *value; /* valid if result->status is EIN_SCORE_OK */
} ein_score_row;

typedef struct ein_score_rows ein_score_rows;

/* Begin. `values` of a record, of the models; -1: nothing is read but the plan, result is NULL but for problems. */
ein_status ein_score_rows_open(const char *folder, const ein_score_plan *plan, int64_t values,
                               ein_score_rows **out);
void ein_score_rows_close(ein_score_rows *rows); /* NULL is fine */

/* The next row; *more is false behind the last. EIN_NOTFOUND names a block that is missing, EIN_CORRUPT one that is
 * damaged. What `row` points to is valid until the next call. */
ein_status ein_score_rows_next(ein_score_rows *rows, ein_score_row *row, bool *more);

/* Write FOLDER/problems, durably. */
ein_status ein_score_problems_write(const char *folder, const ein_reader_list *found);

#endif
