/* Pooling of sites' results: parts of pool, inside of jobs/evaluate only. Rank 0. */
#ifndef EIN_JOBS_EVALUATE_POOL_SITES_H
#define EIN_JOBS_EVALUATE_POOL_SITES_H

#include <jansson.h>
#include <stdio.h>

#include "io/config/config.h"
#include "io/sites/result.h"

typedef struct {
    const ein_config *config;
    const ein_plan *plan;
    const ein_result *result; /* (n), by name of site */
    int n;
    double level;
    FILE *out;
} ein_pool_sites;

/* One model of one task, printed and as an object: AUROC from all sites' bins with its bound, also without each site;
 * random-effects meta-analysis of the sites' own AUROCs; calibration; thresholds; in round 2 the exact figures. */
ein_status ein_pool_sites_model(const ein_pool_sites *s, int task, int model, json_t *into);

/* Round 2: AUROC of one model with DeLong's and clustered variance, and the difference of models `first` and `second`
 * (the pair-th pair), as of all rows together in the plan's bins; or why not. */
ein_status ein_pool_sites_exact(const ein_pool_sites *s, int task, int model, json_t *into);
ein_status ein_pool_sites_exact_pair(const ein_pool_sites *s, int task, int pair, int first, int second,
                                     json_t *into);

/* Differences of the models: meta-analysis of the sites', in round 2 the exact paired test. */
ein_status ein_pool_sites_pairs(const ein_pool_sites *s, int task, json_t *into);

/* Subgroups by their names, and quantities. */
ein_status ein_pool_sites_subgroups(const ein_pool_sites *s, int task, json_t *into);
ein_status ein_pool_sites_quantity(const ein_pool_sites *s, int task, int model, json_t *into);

/* Meta-analysis of n estimates named as the sites; with `forest` in full, with a forest plot, each site left out. NaN
 * variances are left out and told. */
ein_status ein_pool_sites_meta(const ein_pool_sites *s, const char *what, bool auroc, bool forest,
                               const char *const *name, const double *estimate, const double *variance, int n,
                               json_t *into);

/* Everything: pool --plan PLAN.json --coordinator KEY RESULT.json... */
ein_status ein_pool_results(const ein_config *config, const char *const *path, int n);

#endif
