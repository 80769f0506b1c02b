/* A site's result being built: every number that leaves passes here. Inside of jobs/sites only; rank 0.
 *
 * What is released of a task is a function of tables: cells of records that are counted. A table is admitted when its
 * cells are large enough and no difference between it and any other table of this release, or of an earlier one in the
 * ledger, is about too few persons (core/stats/overlap.h). Figures that are no counts (AUROCs, variances, sums) are
 * made of the same records as an admitted table and are judged for dominance and degrees of freedom.
 */
#ifndef EIN_JOBS_SITES_BUILD_H
#define EIN_JOBS_SITES_BUILD_H

#include "core/stats/histogram.h"
#include "io/sites/tables.h"
#include "jobs/sites/rows.h"

typedef struct {
    const ein_plan *plan;
    const ein_site_rows *rows;
    ein_release_rules rules;
    ein_plan_noise noise;
    const ein_ledger *ledger;
    ein_site_tables tables; /* of this release */
    FILE *sheet;            /* what leaves and what not, in words */
} ein_site_build;

/* "11 patients": the minimum in words. */
enum { EIN_REASON_BYTES = 300 };

/* The first table, of this release or the ledger, beside which `table` must not be known; its name goes into `reason`.
 * *granted says whether there is none; then it was added under `name`. The table is taken over. */
ein_status ein_site_admit(bool *granted, char reason[EIN_REASON_BYTES], ein_site_build *b, const char *name,
                          ein_overlap_table *table);

/* Why a table must not be known beside `other`, of this release or of an earlier one. */
void ein_site_reason(char reason[EIN_REASON_BYTES], const ein_site_build *b, const ein_site_table *other,
                     bool earlier);

/* Judge one set of records, such as those outside of the cohort, and give its size as JSON: null if it must not leave.
 * */
ein_status ein_site_shown_count(json_t **out, ein_site_build *b, const char *name, const uint64_t *record,
                                const uint64_t *patient, int64_t n);

/* --- the bins of one model ----------------------------------------------------------------------------------- */

typedef struct {
    int n_bins, n_joined;         /* of the plan; left (0: withheld) */
    int n_counted;                /* bins that .bin counts in; 0 if it was withheld before */
    uint8_t *keep;                /* (n_bins - 1) */
    int *first;                   /* (n_joined) */
    int *bin;                     /* (cases) joined bin of each */
    int64_t *positive, *negative; /* (n_joined) */
    double bound;
    char withheld[EIN_REASON_BYTES]; /* "" if they may leave */
} ein_site_bins;

/* Join the plan's bins until they may leave; in round 2 they are those of the pooled counts. */
ein_status ein_site_bins_make(ein_site_bins *out, ein_site_build *b, const ein_site_cases *c, int task,
                              int model);
void ein_site_bins_free(ein_site_bins *bins);

/* --- figures -------------------------------------------------------------------------------------------------- */

/* May AUROCs and their variances leave: enough patients of each class. */
bool ein_site_may_fit(const ein_site_build *b, const ein_site_cases *c, int n_statistics);

/* Sums of p, p^2 and p over positives, per joined bin; null if two patients dominate one. */
ein_status ein_site_calibration(json_t **out, const ein_site_build *b, const ein_site_cases *c,
                                const ein_site_bins *bins, const double *p);

/* A model's scores (cases) with the joined bins in which they are counted; bin NULL: none. */
typedef struct {
    const double *score;
    const int *bin;
    int n_bins;
} ein_site_score;

/* Whether what the scores of one model, or the difference of two, tell beyond bins comes from enough patients. */
ein_status ein_site_score_spreads(bool *good, const ein_site_build *b, const ein_site_cases *c,
                                  const ein_site_score *first, const ein_site_score *second);

/* {"value", "delong", "clustered"} of one model, or of the difference of two (NULL: one); null if it must not leave. */
ein_status ein_site_auroc(json_t **out, const ein_site_build *b, const ein_site_cases *c,
                          const ein_site_score *one, const ein_site_score *other);

/* The placements' sums of round 2 as JSON, of one model or the difference of two; null if they must not leave. */
ein_status ein_site_sums(json_t **out, const ein_site_build *b, const ein_site_cases *c,
                         const double *placement, bool with_patients);

/* {"n", ...}: sums over a measured quantity and its prediction; null if two patients dominate one. */
ein_status ein_site_quantity(json_t **out, ein_site_build *b, const ein_site_cases *c,
                             const double *predicted);

/* Numbers of patients: {"positive", "negative", "either"}; null if they would tell of a few who come twice, or in both
 * classes. */
ein_status ein_site_patients(json_t **out, const ein_site_build *b, const ein_site_cases *c);

/* --- figures beside those of earlier releases ----------------------------------------------------------------------
 * */

/* Whether figures of a model's scores, which are no counts, may be known beside those of all scores that were told of
 * before, in this release or an earlier one: they have to differ for enough patients, or for none. */
ein_status ein_site_beside_ranks(bool *good, const ein_site_build *b, const ein_site_cases *c, int task,
                                 int model);

/* Keep the ranks of a model's scores for that, in the tables of this release. */
ein_status ein_site_remember_ranks(ein_site_build *b, const ein_site_cases *c, int task, int model);

/* Whether sums over patients of some of these records were sent in the second round of another plan: with other pooled
 * counts they would be other forms of the same few patients who come twice. */
bool ein_site_sums_sent(const ein_site_build *b, const ein_site_cases *c);

/* --- noise ------------------------------------------------------------------------------------------------ */

/* Whether counts bear noise, so that nothing else may be sent. */
bool ein_site_is_noisy(const ein_site_build *b);

/* Add noise to the n counts of a table that has been judged; what falls below 0 becomes 0. */
void ein_site_add_noise(const ein_site_build *b, int64_t *count, int n);

/* --- parts of the result ----------------------------------------------------------------------------------------- */

/* Subgroups of one task as JSON; AUROCs of the models (n_models) of which figures may be told. */
ein_status ein_site_subgroups(json_t **out, ein_site_build *b, const ein_site_cases *c, int task,
                              const bool *may_tell);

/* One task of a round of recalibration: gradient and information of the models that the plan asks for, judged as sums;
 * what they tell beyond the bins of round 1, and beyond each earlier round, must come from enough patients. */
ein_status ein_site_recalibrate(json_t **out, ein_site_build *b, const ein_site_cases *c, int task,
                                json_t *unusable);

/* The index of a record in a table; -1: it is not in it. */
int64_t ein_site_find(const ein_overlap_table *table, uint64_t record);

/* The whole body. `site`, `program`, `today`, `contract_hash` (may be NULL) stand in it. */
ein_status ein_site_body(json_t **out, ein_site_build *b, const char *site, const char *program,
                         const char *today, const char *contract_hash);

#endif
