/* Bins that may leave, out of those of a plan: neighbours are joined until every class has enough persons in each.
 *
 * Cells are never set to 0, which would bias every figure made of them; the price of joining is a bound on the error of
 * the AUROC (core/stats/histogram.h), to be printed with it.
 */
#ifndef EIN_CORE_STATS_RELEASED_BINS_H
#define EIN_CORE_STATS_RELEASED_BINS_H

#include "core/stats/disclosure.h"

/* Bin of a score: how many of the inner edges (n_edges, ascending) are <= it, so a bin holds its lower edge. */
int ein_released_bin_of(const double *edge, int n_edges, double score);

/* keep (n_bins - 1): which edges stay, so that every joined bin has at least the minimum of each class; weight
 * (n_classes, n_bins) is that of the records. Bins are split from the coarsest on, so sites keep many edges in common.
 * `wanted` (n_bins - 1), or NULL, marks edges to keep if at all possible (thresholds). *n_joined is 0 if not even one
 * bin is left: nothing may leave. */
ein_status ein_released_bins_join(uint8_t *keep, int *n_joined, const double *weight, int n_classes,
                                  int n_bins, const uint8_t *wanted, ein_release_rules rules);

/* Counts (n_bins) in joined bins: out (n_joined); first (n_joined), or NULL, the first old bin of each. */
int ein_released_bins_apply(int64_t *out, int *first, const uint8_t *keep, const int64_t *count, int n_bins);

#endif
