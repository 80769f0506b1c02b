/* Structural components of an AUROC at counts that sites have pooled, and sums of them that sites can send.
 *
 * Placements at the pooled histogram are those of scores that are constant in each bin (core/stats/histogram.h). Their
 * sums over a site's records and patients (ein_placement_sums) add up over sites to the AUROC, DeLong's and the
 * clustered variance of all records together, exactly. For two models the placements' difference takes their place, and
 * the same sums give the difference of the AUROCs with its variance.
 */
#ifndef EIN_CORE_STATS_COMPONENTS_H
#define EIN_CORE_STATS_COMPONENTS_H

#include "core/stats/histogram.h"

/* placement (n): V10 of positives, V01 of negatives, of records in pooled bins `bin` (n). EIN_RANGE without both
 * classes in the pooled counts. */
ein_status ein_components_place(double *placement, const int64_t *pooled_positive,
                                const int64_t *pooled_negative, int n_bins, const int *bin,
                                const int8_t *label, int64_t n);

/* Sums over records and patients of any placements, or of differences of them. */
ein_status ein_components_sum(ein_placement_sums *out, const double *placement, const int8_t *label,
                              const uint64_t *cluster, int64_t n);

typedef struct {
    double value;             /* AUROC, or difference of two */
    double delong, clustered; /* variances; NaN where there are too few records or patients */
} ein_components_result;

/* From the sums over all sites; NaN without both classes. */
ein_components_result ein_components_result_of(const ein_placement_sums *sums);

#endif
