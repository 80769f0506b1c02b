/* The folders and files of an ingest's command line, and what recordings are called below them. */
#ifndef EIN_JOBS_DATA_INGEST_ROOTS_H
#define EIN_JOBS_DATA_INGEST_ROOTS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/status.h"
#include "io/base/texts.h"

typedef struct {
    const char *text;    /* as given; borrowed */
    size_t bytes;        /* without slashes at its end */
    char real[PATH_MAX]; /* absolute; "" if it cannot be resolved */
    char name[256];      /* of the folder itself: the cohort if nothing else is said */
    bool is_folder;
} ein_ingest_root;

typedef struct {
    ein_ingest_root *root;
    int n;
} ein_ingest_roots;

ein_status ein_ingest_roots_open(const char *const *texts, int n, ein_ingest_roots *out);
void ein_ingest_roots_free(ein_ingest_roots *roots);

/* The longest root that the path lies in, or NULL, and what follows it. */
const ein_ingest_root *ein_ingest_root_of(const ein_ingest_roots *roots, const char *path,
                                          const char **below);

/* The path of a recording as the corpus says it: below its root, as UTF-8 (io/base/utf8.h). */
const char *ein_ingest_source(const ein_ingest_roots *roots, const char *path, char *out, size_t room);

/* Add the tables of known data sets (io/labels/layouts.h) that lie in the folders. */
ein_status ein_ingest_find_tables(const ein_ingest_roots *roots, ein_texts *tables);

#endif
