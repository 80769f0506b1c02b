/* The tables of a work folder: scores.csv, scores.h5, scores.sqlite, and scores.json, the header of all three.
 *
 * One row per input, in the one order: record (its id), source (path; of a corpus "PATH#NUMBER"), sha256, status,
 * reason, quality (flags, '|' between), then the columns of the models (jobs/score/models.h).
 *
 *     scores.csv     what is not known is empty
 *     scores.h5      texts record_id, source, sha256, status, reason; quality as uint32; value (N, K) float64, NaN
 *     where
 *                    not known; column: the K names; the header as attribute "header"
 *     scores.sqlite  table scores, with the columns of the CSV; table header (key, value); indexes on record and status
 *     embeddings.h5, or embeddings.npy and embeddings.npy.json: of the inputs that were scored, if wanted
 *     scores.json    format, program, contract, models, options, number of inputs by status
 *     MADE-BY        their sums (io/base/sums.h)
 *
 * They are one set, changed all together (io/base/outputs.h), and depend on nothing but inputs, models and program.
 */
#ifndef EIN_JOBS_SCORE_OUTPUTS_H
#define EIN_JOBS_SCORE_OUTPUTS_H

#include <jansson.h>

#include "core/base/status.h"
#include "jobs/score/models.h"
#include "jobs/score/rows.h"

enum { EIN_SCORE_FIXED_COLUMNS = 6 };

/* A row as texts and numbers. */
typedef struct {
    const char *text[EIN_SCORE_FIXED_COLUMNS]; /* record, source, sha256, status, reason, quality */
    uint32_t flags;
    const double *value; /* (columns); NaN where not known */
} ein_score_line;

extern const char *const ein_score_fixed_columns[EIN_SCORE_FIXED_COLUMNS];

typedef struct ein_score_h5 ein_score_h5;
ein_status ein_score_h5_new(const ein_score_models *models, ein_score_h5 **out);
ein_status ein_score_h5_put(ein_score_h5 *h5, const ein_score_line *line);
/* Write if `mine` is EIN_OK; frees in any case. */
ein_status ein_score_h5_finish(ein_score_h5 *h5, const char *path, const char *header, ein_status mine);

typedef struct ein_score_sqlite ein_score_sqlite;
ein_status ein_score_sqlite_new(const char *path, const ein_score_models *models, ein_score_sqlite **out);
ein_status ein_score_sqlite_put(ein_score_sqlite *db, const ein_score_line *line);
ein_status ein_score_sqlite_finish(ein_score_sqlite *db, const json_t *header, ein_status mine);

/* Embeddings of what was scored (io/model/embeddings.h). A record is known by its id, or by its source where several
 * have that id. So all names come first, then, after `begin`, all vectors in the same order: names are held in memory,
 * vectors are not. */
typedef struct ein_score_vectors ein_score_vectors;
ein_status ein_score_vectors_new(const ein_score_models *models, ein_score_vectors **out);
ein_status ein_score_vectors_name(ein_score_vectors *vectors, const ein_score_line *line);
ein_status ein_score_vectors_begin(ein_score_vectors *vectors, const char *path);
ein_status ein_score_vectors_put(ein_score_vectors *vectors, const float *value);
/* Let the file be there if `mine` is EIN_OK; frees in any case. */
ein_status ein_score_vectors_finish(ein_score_vectors *vectors, ein_status mine);

/* Which tables are wanted, and the header but for the counts, which are added. */
typedef struct {
    bool csv, h5, sqlite;
    bool npy; /* embeddings, if the models give some, as .npy instead of .h5 */
    json_t *header;
} ein_score_outputs;

/* Make the tables of `folder` from its plan and blocks, unless they stand there already, made of the same. tally
 * (EIN_SCORE_STATUS_COUNT) receives the number of inputs by status; *fresh tells whether they were made now. EIN_EXISTS
 * while another process makes them. */
ein_status ein_score_outputs_make(const char *folder, const ein_score_plan *plan, ein_score_models *models,
                                  const ein_score_outputs *o, int64_t *tally, bool *fresh);

#endif
