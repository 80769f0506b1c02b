/* What a report is made of: read once from a study's or an evaluation's folder, then written section by section. */
#ifndef EIN_JOBS_REPORT_REPORT_H
#define EIN_JOBS_REPORT_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/corpus/corpus.h"
#include "io/formats/csv.h"
#include "jobs/report/page.h"
#include "jobs/study/plan.h"
#include "mpi/comm.h"

/* One metrics.json. */
typedef struct {
    char *folder;
    json_t *metrics;
    char *damaged; /* why its files are not as they were written, or NULL */
} ein_report_evaluation;

/* A row of the results: a task on a cohort. What could not be evaluated has no `arms` but a `note`. */
typedef struct {
    const char *task, *cohort;
    int evaluation;     /* or -1 */
    const json_t *arms; /* the entry of "arms" in metrics.json */
    const char *note;
    int64_t table_row; /* of table.csv, or -1 */
} ein_report_row;

/* A corpus, counted. */
typedef struct {
    char name[EIN_STUDY_NAME_BYTES];
    const char *title;
    char *why; /* it could not be read; NULL: it was */
    int64_t records, rejected, patients, unknown_patients, male, female, sex_unknown, ages, flagged,
        duplicates;
    double age_mean, age_sd, age_min, age_max;
    int64_t scores_of; /* how many rows of results use it */
    json_t *labels;    /* {name: {"n":, "ones":, "two_valued":, "mean":, "sd":}} */
    json_t *reasons;   /* {reason of a rejection: how many} */
    json_t *flags;     /* {quality flag: how many records} */
} ein_report_corpus;

enum { EIN_REPORT_SHEETS = 20 };

typedef struct {
    ein_comm *comm;
    const char *folder;
    ein_study *study;     /* NULL: a single evaluation */
    ein_study_plan *plan; /* the same */
    ein_csv *table;       /* table.csv, or NULL */
    int n_evaluations, n_rows, n_corpora;
    ein_report_evaluation *evaluation;
    ein_report_row *row;
    ein_report_corpus *corpus;
    int records; /* to be drawn with what the pretrained model makes of them */
    int n_sheets;
    ein_picture *sheet[EIN_REPORT_SHEETS];
    int64_t minimum; /* smallest count of records that is shown of a group */
    ein_page page;
} ein_report;

/* gather.c, corpora.c. Collective; what is read is there on rank 0. */
ein_status ein_report_gather(ein_report *r);
ein_status ein_report_count_corpora(ein_report *r);

/* Draw `records` records of a corpus as the study's pretrained model reconstructs them, once. Not collective. */
ein_status ein_report_reconstruct(ein_report *r, ein_corpus *corpus, const char *cohort);

/* Values of JSON: NaN, 0 or "" where there is none. */
double ein_report_number(const json_t *object, const char *key);
int64_t ein_report_integer(const json_t *object, const char *key);
const char *ein_report_text(const json_t *object, const char *key);

/* The entry of `list` whose `key` is `value`, or NULL. */
const json_t *ein_report_find(const json_t *list, const char *key, const char *value);

/* A file of a cell's folder as text (free()), or NULL. */
char *ein_report_file(const char *folder, const char *name);

/* What stands behind "key: " in a text of lines; "" if it is not there. */
void ein_report_field(const char *text, const char *key, char *out, size_t room);

/* A number of table.csv in a row; NAN if there is none. */
double ein_report_cell_number(const ein_report *r, const ein_report_row *row, const char *column);

/* The sections, in the order of contents.c. Rank 0. */
void ein_report_summary(ein_report *r);
void ein_report_results(ein_report *r);
void ein_report_differences(ein_report *r);
void ein_report_data(ein_report *r);
void ein_report_pretraining(ein_report *r);
void ein_report_cells(ein_report *r);
void ein_report_runs(ein_report *r);
void ein_report_limitations(ein_report *r);
void ein_report_reproduce(ein_report *r);
void ein_report_checklist(ein_report *r);

#endif
