/* Two tables about partly the same persons: what their difference would tell.
 *
 * A table divides some records into cells, whose counts are known. Whoever has two tables may add cells of each and
 * subtract: where the cells S of one and T of the other hold nearly the same records, the difference is about the few
 * that are in one alone. With w(a, b) the weight (core/stats/disclosure.h) of the records in cell a of the first and b
 * of the second table, 0 standing for outside, the few weigh
 *     sum of w(a, b) over (a in S) xor (b in T),
 * which is the cut that separates S and T from everything else in the graph of cells with edges w. So
 *     no union of cells of one table differs from a union of cells of the other by less than k persons, unless by none,
 * exactly if no cut of this graph weighs between 0 and k. The least one is found by Stoer & Wagner (1997), component by
 * component, since a cut of weight 0 tells nothing. It covers a release with one patient more, subgroups subtracted
 * from totals or from each other, cumulative counts at other thresholds, the same bins shifted, the same label twice:
 * whatever two tables can be made to tell. (Three tables at once can tell more; the threat model says so.)
 */
#ifndef EIN_CORE_STATS_OVERLAP_H
#define EIN_CORE_STATS_OVERLAP_H

#include "core/stats/disclosure.h"

/* weight ((n_first + 1), (n_second + 1)), row and column 0 for outside; weight[0] is not looked at. *least is the least
 * cut above 0, INFINITY if there is none; side (n_first + n_second) says which cells, of the first table and then of
 * the second, it separates from outside; NULL is fine. */
ein_status ein_overlap_least_cut(double *least, uint8_t *side, const double *weight, int n_first,
                                 int n_second);

/* Cells of the second table are class * n_bins + bin (from 0). Join its neighbouring bins, in all classes together,
 * until no cut weighs between 0 and the minimum: keep (n_bins - 1) says which edges are left; on entry all that may be.
 * *verdict is EIN_RELEASE_DIFFERENCE if joining does not help. */
ein_status ein_overlap_join(ein_release *verdict, uint8_t *keep, const double *weight, int n_first,
                            int n_classes, int n_bins, ein_release_rules rules);

#endif
