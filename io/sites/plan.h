/* The coordinator's plan: what sites compute, and what may leave them.
 *
 * A plan is a signed file (io/sites/signed.h) whose body is described by plan_schema.json. A coordinator writes YAML:
 *
 *     name: lvef-consortium
 *     purpose: Does the model find LVEF < 35 % in other hospitals?
 *     expires: 2027-06-30
 *     minimum_cell: 11                          default; a site may raise it
 *     largest_bound: 0.05                       default; of the error that merged bins cause in an AUROC
 *     rounds: 2                                 default 1; 2 adds the exact protocol (recalibration adds its own)
 *     noise: {epsilon: 1, records: 1}           default none; noisy counts and nothing else, so of one round
 *     models: [{name: ours, file: ours.safetensors}]            or {name: theirs}: scores come in a table
 *     cohort: {text: "adults, echo within 30 days", require: [{column: age, at_least: 18}]}
 *     record: ecg
 *     patient: patient
 *     tasks: [{name: lvef, label: lvef_below_35, scores: [p], bins: 100, thresholds: [0.2]}]
 *     subgroups: [{column: sex, values: [F, M]}, {column: age, cuts: [50, 65, 80]}]
 *     sites: [{name: north, key: north.key.pub}]
 *
 * bins is a number of equal bins of 0..1 or a list of inner edges; thresholds become edges. A column makes one task and
 * one set of subgroups at most, since two that nearly agree would tell by their difference who is in one alone.
 */
#ifndef EIN_IO_SITES_PLAN_H
#define EIN_IO_SITES_PLAN_H

#include <stdbool.h>
#include <stdio.h>

#include "io/sites/signed.h"

enum {
    EIN_PLAN_MOST_MODELS = 8,
    EIN_PLAN_MOST_TASKS = 64,
    EIN_PLAN_MOST_EDGES = 1000,
    EIN_PLAN_MOST_GROUPINGS = 8,
    EIN_PLAN_MOST_GROUPS = 8,
    EIN_PLAN_MOST_CRITERIA = 16
};

/* Noise on counts (core/stats/noise.h). Epsilon is that of the whole result, under adding or removing a patient, of
 * whose records only `records` are counted; every table of counts gets an equal part of it. */
typedef struct {
    int64_t thousandths; /* of epsilon; 0: no noise */
    int64_t records;
} ein_plan_noise;

/* Texts belong to the body. */
typedef struct {
    const char *name, *hash; /* hash NULL: scores of anybody's */
    bool probabilities;
} ein_plan_model;

typedef struct {
    const char *name, *label, *score[EIN_PLAN_MOST_MODELS];
    bool quantity;
    int n_edges, n_thresholds;
    double *edge;   /* inner edges; bins are n_edges + 1 */
    int *threshold; /* indices into edge */
} ein_plan_task;

typedef struct {
    const char *column;
    int n_groups; /* of values, or of cuts one more than those */
    const char *value[EIN_PLAN_MOST_GROUPS];
    int n_cuts; /* 0: values */
    double cut[EIN_PLAN_MOST_GROUPS];
} ein_plan_grouping;

typedef struct {
    const char *column;
    const json_t *values;   /* NULL: none */
    double at_least, below; /* NaN: none */
} ein_plan_criterion;

/* Counts of round 1 for one task and model; first[b] is the first bin of the plan in pooled bin b. */
typedef struct {
    int task, model, n_bins;
    int *first;
    int64_t *positive, *negative;
} ein_plan_pooled;

/* Coefficients of one task and model, in a round of recalibration. */
typedef struct {
    int task, model;
    double intercept, slope;
} ein_plan_coefficients;

/* Round 1 has neither .pooled nor .recalibration; a later one has one of them. */
typedef struct {
    ein_signed file;
    const char *name, *purpose, *expires, *cohort, *record, *patient, *previous, *contract_hash;
    int round, rounds, n_models, n_tasks, n_groupings, n_criteria, n_pooled, n_sites;
    int64_t minimum_cell;
    double largest_bound;
    ein_plan_noise noise;
    ein_plan_model model[EIN_PLAN_MOST_MODELS];
    ein_plan_task task[EIN_PLAN_MOST_TASKS];
    ein_plan_grouping grouping[EIN_PLAN_MOST_GROUPINGS];
    ein_plan_criterion criterion[EIN_PLAN_MOST_CRITERIA];
    ein_plan_pooled *pooled;
    int n_recalibration;
    ein_plan_coefficients *recalibration;
} ein_plan;

/* Read and judge: signature, schema, and what no schema can say. The caller judges who signed it and the dates. */
ein_status ein_plan_read(const char *path, ein_plan **out);
ein_status ein_plan_parse(const char *name, const char *text, size_t bytes, ein_plan **out);
void ein_plan_free(ein_plan *plan); /* NULL is fine */

/* What no schema can say about a body: EIN_FORMAT. Bodies that this refuses are not signed. */
ein_status ein_plan_check_body(const char *name, const json_t *body);

/* The body of a YAML description; model files are hashed by `hash_model`, key files read beside the description.
 * `program` and `today` stand in it. */
typedef ein_status (*ein_plan_hash_model)(const char *path, char out[EIN_HASH_TEXT_BYTES]);
ein_status ein_plan_from_yaml(const char *path, const char *program, const char *today,
                              ein_plan_hash_model hash_model, json_t **body);

/* The plan in words, for people who are asked to run it. */
void ein_plan_words(const ein_plan *plan, FILE *stream);

/* "noise" of a body of a plan or result, {0} if it has none; EIN_FORMAT for an epsilon that is not of thousandths. */
ein_status ein_plan_noise_of(ein_plan_noise *out, const char *name, const json_t *body);

/* Tables of counts in a result that bears noise, and the noise of every count as numerator / denominator. */
int64_t ein_plan_noise_tables(const ein_plan *plan);
void ein_plan_noise_rate(int64_t *numerator, int64_t *denominator, const ein_plan *plan,
                         ein_plan_noise noise);

/* The coefficients of a task and model; NULL: this round does not ask for it. */
const ein_plan_coefficients *ein_plan_coefficients_of(const ein_plan *plan, int task, int model);

/* The key of a site; NULL if the plan has no such site. */
const char *ein_plan_site_key(const ein_plan *plan, const char *site);

/* EIN_USAGE unless `text` is a date of the calendar, YYYY-MM-DD; today's in UTC. */
ein_status ein_date_check(const char *text);
void ein_date_today(char out[11]);

#endif
