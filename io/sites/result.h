/* Sites' results as the coordinator reads them: each verified against the plan, refused by name.
 *
 * A result is a signed file whose body is described by result_schema.json. Beyond that it has to be of this plan and
 * round, from a site of the plan, signed by that site's key, made while the plan was valid, of the plan's models, and
 * its numbers have to agree with each other and with the minimum.
 */
#ifndef EIN_IO_SITES_RESULT_H
#define EIN_IO_SITES_RESULT_H

#include "core/stats/calibration.h"
#include "core/stats/components.h"
#include "io/sites/plan.h"

/* An AUROC, or a difference; NaN where it was not sent. */
typedef struct {
    double value, delong, clustered;
} ein_result_auroc;

typedef struct {
    bool has_sums, has_clusters;
    ein_placement_sums sums;
} ein_result_sums;

typedef struct {
    int n_bins; /* 0: withheld */
    int *first;
    int64_t *positive, *negative;
    bool has_calibration;
    double *p, *p2, *py;  /* (n_bins) */
    const char *withheld; /* why; NULL: it is there */
    ein_result_auroc auroc;
    ein_result_sums sums;
    bool has_logistic;
    ein_logistic_sums logistic; /* at the plan's coefficients; without the likelihood */
    const json_t *quantity;     /* NULL: none */
} ein_result_model;

typedef struct {
    ein_result_auroc difference;
    ein_result_sums sums;
} ein_result_pair;

enum { EIN_RESULT_MOST_PAIRS = EIN_PLAN_MOST_MODELS * (EIN_PLAN_MOST_MODELS - 1) / 2 };

typedef struct {
    bool there; /* round 2 has no quantities */
    const char *withheld;
    int64_t n_positive, n_negative;
    ein_result_model model[EIN_PLAN_MOST_MODELS];
    ein_result_pair pair[EIN_RESULT_MOST_PAIRS]; /* (0,1), (0,2), ..., (1,2), ... */
    const json_t *subgroups;
} ein_result_task;

typedef struct {
    ein_signed file;
    char *path;
    const char *site, *created, *program;
    int64_t minimum;
    ein_plan_noise noise;
    double noise_rate;     /* of every count; 0: none */
    ein_result_task *task; /* (plan->n_tasks) */
} ein_result;

/* Read one from its text; `name` is its file's, and begins messages. EIN_MISMATCH: another plan, round, model, site
 * or key; EIN_CORRUPT: altered; EIN_FORMAT: numbers that do not agree. */
ein_status ein_result_parse(const char *name, const char *text, size_t bytes, const ein_plan *plan,
                            ein_result *out);
void ein_result_free(ein_result *result, const ein_plan *plan);

/* Read several; EIN_MISMATCH also for two of one site (a result sent twice, or two that count the same patients). */
ein_status ein_results_read(const char *const *path, int n, const ein_plan *plan, ein_result **out);
void ein_results_free(ein_result *result, int n, const ein_plan *plan); /* NULL is fine */

#endif
