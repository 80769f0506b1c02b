/* Histograms of sites that joined the bins of one plan each in its own way.
 *
 * A joined bin is known by the first of the plan's bins in it. Two bins of different sites are in order if they do not
 * overlap; a pair of a positive and a negative in overlapping bins counts 1/2 and may be off by 1/2. Pairs within a
 * site are known exactly from its own AUROC. So
 *     AUROC = [sum over sites of own U + sum over pairs of sites of pairs in order + 1/2 pairs in overlap] / (P N)
 * and |error| <= 1/2 pairs in overlap / (P N), against the AUROC of all records together.
 */
#ifndef EIN_CORE_STATS_SITE_HISTOGRAMS_H
#define EIN_CORE_STATS_SITE_HISTOGRAMS_H

#include "core/stats/histogram.h"

typedef struct {
    int n_bins;
    const int *first; /* (n_bins), ascending from 0 */
    const int64_t *positive, *negative;
    double own_auc; /* NaN: not known, its own overlapping pairs count as those of two sites */
    double noise;   /* rate of the noise in every count (core/stats/noise.h); 0: none */
} ein_site_histogram;

/* Not estimable without both classes, and if all pairs overlap: EIN_STATS_ONE_BIN, with a bound of 1/2. */
void ein_site_histograms_auc(ein_stats_value *auc, ein_stats_value *bound, const ein_site_histogram *site,
                             int n_sites);

/* The same bound where counts bear noise: |error| is at most *bound with probability `level` or more. Both kernels that
 * overlapping pairs allow, all of them in order and none, are looked at: with k of a pair, A' from the noisy counts,
 * e and f the noise of positives and negatives,
 *     A - A' = [-sum e_i sum_j (k_ij - A') n'_j - sum f_j sum_i (k_ij - A') p'_i + sum e_i f_j (k_ij - A')] / (P N),
 * whose linear part has Chernoff's bound, as has, given e, the last sum. At most 1. */
ein_status ein_site_histograms_noisy_bound(ein_stats_value *bound, const ein_site_histogram *site,
                                           int n_sites, double level);

/* The bins that all sites have: first (n) of the first of them is room enough. Returns how many. */
int ein_site_histograms_common(int *first, const ein_site_histogram *site, int n_sites);

/* Counts, or sums, of one site in common bins, which are unions of its own. */
void ein_site_histograms_counts(int64_t *out, const int64_t *count, const ein_site_histogram *site,
                                const int *common, int n_common);
void ein_site_histograms_sums(double *out, const double *sum, const ein_site_histogram *site,
                              const int *common, int n_common);

#endif
