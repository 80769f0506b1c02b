/* AUROC per subgroup and the differences between subgroups, with multiplicity control.
 *
 * "Significant in one group and not in the other" is no difference: every pair of shown groups gets a test of
 * its own, and the family is adjusted.  A patient may have records in two groups (age bands, devices): with
 * EIN_ROC_AUTO or EIN_ROC_CLUSTERED the covariance over such patients enters, from the influence of patient i
 * in group g through his positives, a_gi = (X_i - m_i A)/P, and his negatives, b_gi = (Y_i - n_i A)/N:
 *   cov(g, h) = sum_i [ f10 a_gi a_hi + f01 b_gi b_hi + f (a_gi b_hi + b_gi a_hi) ],
 * the factors f the geometric means over g and h of I10/(I10-1), I01/(I01-1), I/(I-1) (the notation of
 * core/stats/roc.h), so that a group compared with itself has its clustered variance.  Without shared patients it
 * is 0 and the test is that of ein_roc_compare_unpaired.
 * Conventions: core/stats/common.h.
 */
#ifndef EIN_CORE_STATS_SUBGROUP_H
#define EIN_CORE_STATS_SUBGROUP_H

#include "core/stats/multiplicity.h"
#include "core/stats/roc.h"

/* auc.auc.state is EIN_STATS_SUPPRESSED, and all counts are -1, when the group has fewer than the minimum of
 * positives or of negatives. (Complements that would reveal a hidden cell are the exporter's to check.) */
typedef struct {
    ein_roc_result auc;
} ein_subgroup;

typedef struct {
    int first, second;             /* group numbers, first < second */
    int64_t shared_clusters;       /* patients with records in both; -1 if a group is suppressed */
    ein_stats_interval difference; /* AUROC of first - second */
    ein_stats_test test;           /* positive statistic: the first group's AUROC is the larger */
    ein_stats_value adjusted_p;    /* within the family of estimable tests */
} ein_subgroup_pair;

typedef struct {
    int64_t minimum; /* of positives, and of negatives, for a group to be shown */
    ein_adjust_method adjust;
    ein_roc_options roc;
} ein_subgroup_options;

/* group (n): 0 .. n_groups-1, or -1 where the variable is missing; those are counted in *n_unassigned and in no
 * group.  result (n_groups), pair (n_groups (n_groups - 1) / 2) in the order (0,1), (0,2), ..., (1,2), ...
 * EIN_RANGE for another group number or fewer than one group. */
ein_status ein_subgroup_auc(ein_subgroup *result, ein_subgroup_pair *pair, int64_t *n_unassigned,
                            const double *score, const int8_t *label, const uint64_t *cluster,
                            const int32_t *group, int64_t n, int n_groups, ein_subgroup_options options);

#endif
