/* AUROC without patient-level data: from counts of positives and negatives in common score bins.
 *
 * With p_b, n_b positives and negatives in bin b (ascending scores), P, N totals, F_b the negatives below and
 * G_b the positives above the bin:
 *   AUROC = sum p_b (F_b + n_b/2) / (P N)                    exact for scores that are constant in each bin,
 *   E     = sum p_b n_b / (2 P N)                            otherwise |error| <= E: always print both,
 *   V10(b) = (F_b + n_b/2)/N, V01(b) = (G_b + p_b/2)/P,      DeLong's variance of the binned scores
 *   var   = sum p_b (V10 - A)^2 / ((P-1) P) + sum n_b (V01 - A)^2 / ((N-1) N).
 * Pooling sites means adding their histograms (AUROC needs pairs across sites; a mean of the sites' AUROCs is
 * another quantity).  Small cells are merged with their neighbours, never set to 0.
 * All counts and the AUROC are exact in integers.  Conventions: core/stats/common.h.
 */
#ifndef EIN_CORE_STATS_HISTOGRAM_H
#define EIN_CORE_STATS_HISTOGRAM_H

#include "core/stats/common.h"
#include "core/stats/components.h"

/* Add n records to positive, negative (K): bin floor(score * K) of scores in [0, 1], 1 in the last bin.
 * EIN_RANGE for a score outside. */
ein_status ein_histogram_add(int64_t *positive, int64_t *negative, int n_bins, const double *score,
                             const int8_t *label, int64_t n);

typedef struct {
    int64_t n_positive, n_negative;
    ein_stats_interval auc; /* of the binned scores; the interval does not contain E */
    ein_stats_value bound;  /* E */
} ein_histogram_result;

/* EIN_RANGE for a negative count or P N beyond 2^61. */
ein_status ein_histogram_auc(ein_histogram_result *out, const int64_t *positive, const int64_t *negative,
                             int n_bins, double level);

/* Merge neighbouring bins upwards until each has at least `least` positives and `least` negatives; what is
 * left over at the top joins the last merged bin.  first (K) gets the index of the first old bin of each new
 * one; merged_positive, merged_negative (K) the counts (may be the old arrays).  *n_merged is 0 when the
 * totals are too small for a single bin: nothing can be released. */
ein_status ein_histogram_merge(int64_t *merged_positive, int64_t *merged_negative, int *first, int *n_merged,
                               const int64_t *positive, const int64_t *negative, int n_bins, int64_t least);

/* --- two rounds: variance with patients that repeat within sites ---------------------------------------- */

/* Sums over n records of one site at the pooled histogram (K bins). A patient's records must be in one site.
 */
ein_status ein_placement_sums_of(ein_placement_sums *out, const int64_t *pooled_positive,
                                 const int64_t *pooled_negative, int n_bins, const double *score,
                                 const int8_t *label, const uint64_t *cluster, int64_t n);

/* AUROC with DeLong's and with the clustered variance, from the sums over all sites. */
ein_status ein_placement_sums_auc(ein_stats_interval *delong, ein_stats_interval *clustered,
                                  const ein_placement_sums *sums, double level);

#endif
