/* One statistic and how it is asked for (jobs/metrics/metrics.h). */
#ifndef EIN_JOBS_METRICS_METRIC_H
#define EIN_JOBS_METRICS_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/stats/common.h"
#include "core/stats/multiplicity.h"
#include "core/stats/roc.h"

enum { EIN_METRICS_MOST_MODELS = 64, EIN_METRICS_MOST_GROUPS = 64, EIN_METRICS_MOST_THRESHOLDS = 64 };

typedef enum { EIN_METRICS_AUTO, EIN_METRICS_YES, EIN_METRICS_NO } ein_metrics_choice;

typedef struct {
    double level;              /* of all intervals */
    ein_roc_variance variance; /* EIN_ROC_AUTO: clustered as soon as a patient repeats */
    int64_t replicates;        /* of the patient bootstrap; 0: none */
    uint64_t seed;
    /* Are scores probabilities? AUTO: those of a model whose finite scores all lie in [0, 1], up to 1e-6 of rounding.
     * YES refuses others (EIN_RANGE). */
    ein_metrics_choice probabilities;
    ein_adjust_method adjust; /* of families of comparisons */
    int64_t minimum;          /* positives, and negatives, for a subgroup to be shown; at least 1 */
    int64_t min_clusters;     /* patients with a positive, and with a negative, for a clustered variance */
} ein_metrics_options;

#define EIN_METRICS_DEFAULTS \
    ((ein_metrics_options){0.95, EIN_ROC_AUTO, 2000, 1, EIN_METRICS_AUTO, EIN_ADJUST_HOLM, 10, 2})

/* What a row is about. */
typedef enum {
    EIN_METRIC_MODEL,     /* one model */
    EIN_METRIC_THRESHOLD, /* one model at one threshold */
    EIN_METRIC_PAIR,      /* two models */
    EIN_METRIC_DECISIONS, /* two models at one threshold */
    EIN_METRIC_GROUP,     /* one model in one subgroup */
    EIN_METRIC_GROUP_PAIR /* one model in two subgroups */
} ein_metric_scope;

/* One statistic. Texts belong to the result. */
typedef struct {
    ein_metric_scope scope;
    int first, second;           /* models; second -1 unless two are compared */
    int threshold;               /* -1 without */
    int variable, group, other;  /* of subgroups; -1 without */
    const char *model;           /* "A"; of two models "A - B" */
    const char *group_text;      /* "", "sex=female", "sex=female - male" */
    const char *metric;          /* "auroc"; at a threshold "sensitivity@0.5" */
    const char *method;          /* how, in words: "clustered by patient (Obuchowski), Wald" */
    ein_stats_interval estimate; /* .variance is NaN where only limits exist */
    ein_stats_test test;
    ein_stats_value adjusted_p;
    bool has_interval, has_test, has_adjusted; /* whether these are part of the statistic at all */
    int64_t n, n_positive;                     /* -1: suppressed; n_positive -1 also without classes */
    int64_t replicates, undefined;             /* of the bootstrap; -1 if there is none */
} ein_metric;

typedef struct {
    ein_stats_screening screening;
    int64_t n_positive, n_negative; /* of the records kept; -1 for a regression */
    int64_t n_clusters, largest_cluster;
    bool clustered; /* a patient repeats */
} ein_metrics_counts;

#endif
