/* pool: random-effects meta-analysis of a table of studies. Inside of pool*.c only.
 *
 * Estimates are analysed on the scale they are given on, AUROCs on the logit scale with the variance of the delta
 * method, se^2 / (A (1 - A))^2; what is shown is transformed back.
 */
#ifndef EIN_JOBS_EVALUATE_POOL_H
#define EIN_JOBS_EVALUATE_POOL_H

#include <jansson.h>
#include <stdio.h>

#include "core/stats/small_study.h"
#include "io/config/config.h"

typedef enum {
    EIN_POOL_AS_GIVEN, /* estimates, shown as they are */
    EIN_POOL_EXP,      /* logarithms of ratios, shown as ratios */
    EIN_POOL_LOGISTIC  /* logits, shown as proportions: always so for AUROCs */
} ein_pool_scale;

typedef struct {
    const char *name; /* owned by the table */
    int64_t line;
    double y, v;          /* on the scale of the analysis */
    double weight;        /* percent; NaN in a meta-regression */
    ein_meta_fit without; /* the analysis without this study; not in a meta-regression */
} ein_pool_study;

typedef struct {
    const char *name;
    int64_t line;
    const char *reason;
} ein_pool_left_out;

/* Studies and all that follows from them. */
typedef struct {
    const char *path;
    bool auroc;
    ein_pool_scale scale;
    ein_meta_method method;
    double level;
    bool truncated;                    /* Knapp and Hartung's factor is max(1, q) */
    int64_t k, n_left_out, n_repeated; /* n_repeated: studies whose name an earlier one has */
    ein_pool_study *study;             /* (k) */
    ein_pool_left_out *left_out;       /* (n_left_out) */
    int n_moderators;
    char *moderator_name[EIN_META_MOST_COEFFICIENTS]; /* "year", "alloc=random"; owned */
    double *moderator;                                /* (k, n_moderators) */
    ein_meta_fit fit;
    ein_meta_heterogeneity heterogeneity; /* without moderators, like what follows */
    ein_meta_egger egger;
    ein_meta_begg begg;
} ein_pool;

/* Fill in all that follows from the studies. */
ein_status ein_pool_analyse(ein_pool *pool);

/* x of the analysis as it is shown, and an interval so. */
ein_stats_interval ein_pool_shown_interval(const ein_pool *pool, ein_stats_interval x);

/* Tables, forest plot in letters, methods. */
void ein_pool_print(const ein_pool *pool, FILE *stream);

/* An object with everything (caller's reference); the configuration stands in it. */
ein_status ein_pool_json(const ein_pool *pool, const ein_config *config, json_t **out);

/* "log", ...: what was analysed and what is shown, in words. */
const char *ein_pool_scale_text(const ein_pool *pool);

#endif
