/* Files that are part of the binary: presets, task definitions, studies, and the pages of the manual. */
#ifndef EIN_JOBS_CLI_EMBEDDED_H
#define EIN_JOBS_CLI_EMBEDDED_H

typedef struct {
    const char *path; /* "jobs/presets/tiny.yaml" */
    const char *begin, *end;
} ein_embedded;

/* Ended by path NULL. */
extern const ein_embedded ein_embedded_files[];

/* The embedded file with this path, or NULL. */
const ein_embedded *ein_embedded_find(const char *path);

#endif
