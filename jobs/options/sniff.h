/* What kind of thing a path is, by content and not by name. */
#ifndef EIN_JOBS_OPTIONS_SNIFF_H
#define EIN_JOBS_OPTIONS_SNIFF_H

#include <stddef.h>

#include "core/base/status.h"

typedef enum {
    EIN_FILE_OTHER, /* a regular file that is none of these */
    EIN_FILE_EMPTY,
    EIN_FILE_UNFINISHED, /* begins with zeros: a file of ours that was never finished */
    EIN_FILE_CHECKPOINT,
    EIN_FILE_HDF5,        /* a corpus, or another HDF5 file */
    EIN_FILE_SAFETENSORS, /* by the length and the '{' it starts with */
    EIN_FOLDER_RUN,       /* holds STATE or config.resolved.yaml */
    EIN_FOLDER_RESULTS,   /* holds MADE-BY, or metrics.json and scores.csv */
    EIN_FOLDER_OTHER
} ein_file_kind;

/* EIN_NOTFOUND, EIN_IO; pipes and devices are EIN_FORMAT. Not collective. */
ein_status ein_sniff(const char *path, ein_file_kind *out);

/* "a checkpoint", "an HDF5 file", ... */
const char *ein_file_kind_name(ein_file_kind kind);

/* The first bytes of a file in printable form, for "not a file of ours: it starts with ...". */
void ein_sniff_text(const char *path, char *out, size_t room);

#endif
