/* Inside of inspect: what describers fill in, shared by inspect*.c only. */
#ifndef EIN_JOBS_INSPECT_INSPECT_H
#define EIN_JOBS_INSPECT_INSPECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/nn/layout.h"
#include "io/formats/json.h"
#include "mpi/comm.h"

/* One path being looked at. A describer puts what it learns into `out` (rank 0 only; NULL on the others) and returns
 * EIN_OK for something whole, else the status with the reason as its message. */
typedef struct {
    ein_comm *comm;
    const char *path;
    bool verify;      /* check every checksum */
    bool tensors;     /* list the tensors of a model */
    int64_t rejected; /* how many rejected recordings of a corpus to list */
    json_t *out;
} ein_inspection;

/* Not collective. */
ein_status ein_inspect_checkpoint(ein_inspection *look);
ein_status ein_inspect_safetensors(ein_inspection *look);
ein_status ein_inspect_run(ein_inspection *look);
ein_status ein_inspect_results(ein_inspection *look);   /* a folder that evaluate wrote */
ein_status ein_inspect_result(ein_inspection *look);    /* a table or text of it */
ein_status ein_inspect_scores(ein_inspection *look);    /* its scores.h5 */
ein_status ein_inspect_site_file(ein_inspection *look); /* a plan or a site's result */
bool ein_is_site_file(const char *path);
bool ein_is_result(const char *path);
bool ein_is_scores(const char *path); /* of an HDF5 file */
ein_status ein_inspect_embeddings(ein_inspection *look);
bool ein_is_embeddings(const char *path); /* of an HDF5 file; of others, by the name .npy */
ein_status ein_inspect_archive(
    ein_inspection *look); /* an archive of recordings: what score and ingest find in it */
bool ein_is_archive(const char *path);

/* Collective. */
ein_status ein_inspect_hdf5(ein_inspection *look);

/* Put a value under a key; text that is NULL is left out, NaN becomes null. Text that is no UTF-8 has its other bytes
 * replaced by '?'. */
void ein_put_text(json_t *object, const char *key, const char *text);
void ein_put_int(json_t *object, const char *key, int64_t value);
void ein_put_real(json_t *object, const char *key, double value);
void ein_put_bool(json_t *object, const char *key, bool value);

/* parts, shape as an object, parameters. */
void ein_put_shape(json_t *object, const ein_vit_shape *shape, ein_vit_parts parts);

/* The object as indented text. Texts of several lines are only counted unless `texts`; control characters are
 * printed as \xNN. */
void ein_render(const json_t *object, bool texts, FILE *stream);

#endif
