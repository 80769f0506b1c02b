/* A site's table of scores as a plan sees it: who is in the cohort, under which keys. Rank 0 only. */
#ifndef EIN_JOBS_SITES_ROWS_H
#define EIN_JOBS_SITES_ROWS_H

#include "io/sites/plan.h"
#include "jobs/options/score_columns.h"

/* What a table does not have, by the order of its record ids; for scores that evaluate made of a corpus. */
typedef struct {
    int64_t n;
    char **record;    /* (n) ascending by strcmp */
    double *age;      /* (n), NaN: not known */
    const char **sex; /* (n) "female", "male", "" */
} ein_site_people;

typedef struct {
    const ein_plan *plan;
    ein_score_table table;
    const ein_site_people *people; /* NULL: none */
    int64_t most_records;          /* of one patient that cases are taken of; 0: all */
    /* All rows, in the order of the table. Keys are hashes under a secret of the site. */
    uint64_t *record, *patient;
    uint8_t *eligible, *known; /* in the cohort; of a known patient */
    int32_t *group[EIN_PLAN_MOST_GROUPINGS];
    int64_t n_not_eligible;
} ein_site_rows;

/* Read `path`. EIN_FORMAT: a record twice or without id; EIN_USAGE: a column is missing. */
ein_status ein_site_rows_read(ein_site_rows *out, const ein_plan *plan, const char *path,
                              const ein_site_key *key, const ein_site_people *people);
void ein_site_rows_free(ein_site_rows *rows);

/* The records of one task that can be used: in the cohort, with patient, label and every score. */
typedef struct {
    int64_t n;
    uint64_t *record, *patient;
    int8_t *label;    /* binary tasks */
    double *measured; /* quantities */
    double *score[EIN_PLAN_MOST_MODELS];
    int32_t *group[EIN_PLAN_MOST_GROUPINGS];
    double *weight; /* core/stats/disclosure.h */
    int64_t n_positive, n_negative;
    /* Records of the cohort that cannot be used. */
    int64_t n_unusable;
    uint64_t *unusable_record, *unusable_patient;
} ein_site_cases;

ein_status ein_site_cases_take(ein_site_cases *out, const ein_site_rows *rows, int task);
void ein_site_cases_free(ein_site_cases *cases);

#endif
