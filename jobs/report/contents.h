/* The sections of a report, in order. */
#ifndef EIN_JOBS_REPORT_CONTENTS_H
#define EIN_JOBS_REPORT_CONTENTS_H

typedef struct {
    const char *id, *title;
} ein_content;

/* Ended by id NULL. */
extern const ein_content ein_contents[];

#endif
