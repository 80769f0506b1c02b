/* AUROC without patient-level data: from counts of positives and negatives in common score bins.
 *
 * With p_b, n_b positives and negatives in bin b (ascending scores), P, N totals, F_b the negatives below and
 * G_b the positives above the bin:
 *   AUROC = sum p_b (F_b + n_b/2) / (P N)                    exact for scores that are constant in each bin,
 *   E     = sum p_b n_b / (2 P N)                            otherwise |error| <= E: always print both,
 *   V10(b) = (F_b + n_b/2)/N, V01(b) = (G_b + p_b/2)/P,      DeLong's variance of the binned scores
 *   var   = sum p_b (V10 - A)^2 / ((P-1) P) + sum n_b (V01 - A)^2 / ((N-1) N).
 * Pooling sites means adding their histograms (AUROC needs pairs across sites; a mean of the sites' AUROCs is
 * another quantity). Small cells are joined with their neighbours (core/stats/released_bins.h), never set to 0.
 * All counts and the AUROC are exact in integers.  Conventions: core/stats/common.h.
 */
#ifndef EIN_CORE_STATS_HISTOGRAM_H
#define EIN_CORE_STATS_HISTOGRAM_H

#include "core/stats/common.h"
#include "core/stats/components.h"

typedef struct {
    int64_t n_positive, n_negative;
    /* Of the binned scores; the interval does not contain E. EIN_STATS_ONE_BIN if all are in one bin, where every
     * ranking would give 1/2; the bound is 1/2 then. */
    ein_stats_interval auc;
    ein_stats_value bound; /* E */
} ein_histogram_result;

/* AUROC of the counts positive, negative (K, ascending scores). EIN_RANGE for a negative count or P N beyond 2^61. */
ein_status ein_histogram_auc(ein_histogram_result *out, const int64_t *positive, const int64_t *negative,
                             int n_bins, double level);

/* --- two rounds: variance with patients that repeat within sites ---------------------------------------- */

/* AUROC with DeLong's and with the clustered variance, from the sums over all sites. */
ein_status ein_placement_sums_auc(ein_stats_interval *delong, ein_stats_interval *clustered,
                                  const ein_placement_sums *sums, double level);

/* The same for the difference of two models, from sums of differences of placements; EIN_STATS_IDENTICAL in place of
 * the intervals if no placement differs. */
ein_status ein_placement_sums_difference(ein_stats_interval *delong, ein_stats_interval *clustered,
                                         const ein_placement_sums *sums, double level);

#endif
