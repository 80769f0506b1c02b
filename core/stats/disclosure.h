/* What may leave a site: rules over counts and sums, each a pure function of numbers, so that a table can test them.
 *
 * Persons are counted, not records. A patient's m records weigh 1/m each, so that the weight of any set of records is
 * at most the number of its patients: a set of weight 11 has at least 11 of them, however often one comes, and weights
 * add up over disjoint sets. All weights below are such sums.
 *
 *   small        a cell of less than the minimum                                             (primary suppression)
 *   zero         an empty cell: it says that nobody is there, and of whom it says that
 *   difference   two cells whose difference is known, such as those of two releases (core/stats/overlap.h does it
 *                for whole tables)
 *   dominated    a sum of which the two largest contributors make more than 90 %
 *   concentrated a statistic whose deviation from what the released cells say comes from too few patients (1/sum of
 *                squared shares below the minimum): a score that singles out one patient makes an AUROC, or a sum of
 *                scores over the positives, tell of him although no cell does
 *   degrees      statistics of n patients of which fewer than 10 remain free
 * Two things need no rule, as a site's result has no place for them: least, greatest and middle values of single
 * patients, and edges of bins other than those of the plan.
 * The numbers are those of ACRO (threshold, dominance (2, 0.90), degrees of freedom 10), the minimum that of PCORnet.
 */
#ifndef EIN_CORE_STATS_DISCLOSURE_H
#define EIN_CORE_STATS_DISCLOSURE_H

#include "core/stats/common.h"

typedef enum {
    EIN_RELEASE_GRANTED = 0,
    EIN_RELEASE_SMALL,
    EIN_RELEASE_ZERO,
    EIN_RELEASE_DIFFERENCE,
    EIN_RELEASE_DOMINATED,
    EIN_RELEASE_CONCENTRATED,
    EIN_RELEASE_DEGREES
} ein_release;

typedef struct {
    double minimum; /* patients of a cell */
    int64_t degrees;
    double share; /* of the two largest contributors */
} ein_release_rules;

#define EIN_RELEASE_DEFAULTS ((ein_release_rules){11, 10, 0.90})

/* A count, as the weight of its records; before any rounding. */
ein_release ein_release_cell(double weight, ein_release_rules rules);

/* Two released sets of which `first_only` and `second_only` belong to one alone: both empty, or together a cell. */
ein_release ein_release_pair(double first_only, double second_only, ein_release_rules rules);

/* n statistics of `weight` patients together, such as sums of powers. */
ein_release ein_release_degrees(double weight, int64_t n_statistics, ein_release_rules rules);

/* A sum of contributions, one per patient (n), of any sign: judged by their magnitudes. A sum of nothing but zeros is
 * EIN_RELEASE_ZERO. */
ein_release ein_release_sum(const double *contribution, int64_t n, ein_release_rules rules);

/* Deviations of a statistic from what is known without it, one per patient (n): all 0, or of at least the minimum of
 * patients, as (sum |d|)^2 / sum d^2 counts them. */
ein_release ein_release_spread(const double *deviation, int64_t n, ein_release_rules rules);

/* weight (n): 1/m of each record, m the number of records of its patient among these. `cluster` as
 * core/stats/common.h. */
ein_status ein_release_weights(double *weight, const uint64_t *cluster, int64_t n);

/* Sum per patient: contribution (n_clusters) from x (n) by index (ein_stats_clusters); members (n) or NULL for all. */
void ein_release_contributions(double *contribution, int64_t n_clusters, const double *x,
                               const int64_t *index, const uint8_t *member, int64_t n);

#endif
