/* Adjusted p values for families of tests.
 *
 * Conventions: core/stats/common.h.  A test that is not estimable is no member of the family: leave it out of
 * `p` and say so.  Formulas with p sorted ascending, m tests:
 *   Holm 1979            max_{j<=i} (m-j+1) p_(j)                 any dependence, family-wise error
 *   Hochberg 1988        min_{j>=i} (m-j+1) p_(j)                 independence or positive dependence
 *   Hommel 1988          closed test of Simes' inequality         the same, never larger than Hochberg
 *   Benjamini & Hochberg 1995   min_{j>=i} m/j p_(j)              false discovery rate
 *   Benjamini & Yekutieli 2001  the same times sum 1/k            any dependence
 * all cut off at 1.
 */
#ifndef EIN_CORE_STATS_MULTIPLICITY_H
#define EIN_CORE_STATS_MULTIPLICITY_H

#include <stdint.h>

#include "core/base/status.h"

typedef enum {
    EIN_ADJUST_NONE,
    EIN_ADJUST_BONFERRONI,
    EIN_ADJUST_HOLM,
    EIN_ADJUST_HOCHBERG,
    EIN_ADJUST_HOMMEL,
    EIN_ADJUST_BH,
    EIN_ADJUST_BY,
    EIN_ADJUST_COUNT
} ein_adjust_method;

/* "none", "bonferroni", "holm", "hochberg", "hommel", "bh", "by" */
const char *ein_adjust_name(ein_adjust_method method);

/* adjusted (m) from p (m) in any order; may be the same array. EIN_NUMERIC if a p is NaN or outside 0..1. */
ein_status ein_adjust(double *adjusted, const double *p, int64_t m, ein_adjust_method method);

#endif
