/* Arms of an experiment beside each other: models that differ in how they were made, each trained with several seeds.
 *
 * An arm's figure for a task is the mean over its seeds of the macro average over targets: AUROC for classification, R2
 * for regression. A target counts if the records have at least `minimum` positives and as many negatives (regression:
 * known values); those left out are named. Intervals come from one patient bootstrap of all arms together, so
 * differences are paired; p is two-sided from difference / its bootstrap SE, adjusted over all pairs of arms.
 * Seeds share training records, so the spread over seeds says how much of a difference may be luck of training, and the
 * interval how much may be luck of the patients.
 */
#ifndef EIN_JOBS_METRICS_ARMS_H
#define EIN_JOBS_METRICS_ARMS_H

#include <jansson.h>
#include <stdio.h>

#include "core/stats/bootstrap.h"
#include "core/stats/multiplicity.h"
#include "io/formats/csv.h"
#include "mpi/comm.h"

typedef struct {
    /* Records, in an order that is theirs and not that of the input, such as that of their ids: sums run in it, and
     * without patients the bootstrap draws by it. */
    int64_t n;
    const uint64_t *cluster; /* (n) patients; NULL: every record its own */
    int n_targets;
    bool regression;
    const double *const *label;     /* (n_targets)(n) 0 or 1 or a value; NaN: not known */
    const char *const *target_name; /* (n_targets) */
    int n_models;
    const double *const
        *score;     /* (n_models * n_targets)(n): of model m and target t at [m * n_targets + t] */
    const int *arm; /* (n_models) 0 .. n_arms-1 */
    int n_arms;
    const char *const *arm_name; /* (n_arms) */
    int64_t minimum, replicates;
    uint64_t seed;
    double level;
    ein_adjust_method adjust;
} ein_arms_input;

typedef struct {
    int seeds;
    double seed_sd;                /* SD over seeds of the macro average; NaN for one seed */
    ein_stats_interval figure;     /* percentile interval */
    ein_stats_interval *of_target; /* (n_targets) mean over seeds; not estimable below the minimum */
} ein_arm;

typedef struct {
    int first, second;
    ein_stats_interval difference; /* first - second */
    ein_stats_test test;
    ein_stats_value adjusted_p;
} ein_arm_pair;

typedef struct {
    int64_t n; /* records given; each target has those whose label is known */
    int n_arms, n_targets, n_counted, n_pairs;
    bool regression;
    bool *counted; /* (n_targets) */
    int64_t replicates, undefined;
    char **arm_name, **target_name;
    ein_arm *arm;       /* (n_arms) */
    ein_arm_pair *pair; /* (n_pairs) */
    ein_adjust_method adjust;
    double level;
} ein_arms;

/* Collective over `comm` (NULL: this process alone), whose ranks share the bootstrap: all give the same input, rank 0
 * gets the result, of the same bits for any number of ranks and threads; on others *out is NULL. */
ein_status ein_arms_compare(ein_arms **out, ein_comm *comm, const ein_arms_input *in);
void ein_arms_destroy(ein_arms *arms);

ein_status ein_arms_json(const ein_arms *arms, json_t **out);
void ein_arms_print(const ein_arms *arms, FILE *stream);

/* The same as rows of the table of jobs/metrics/metrics.h: label "", model the arm or "A - B"; metric macro_auroc
 * (macro_r2), macro_auroc_sd_over_seeds, macro_auroc_difference. Without a target to average over, all are
 * suppressed. */
void ein_arms_csv(const ein_arms *arms, const char *task, const char *cohort, ein_csv_writer *writer);

#endif
