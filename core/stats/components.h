/* Structural components of an AUROC at counts that sites have pooled, and sums of them that sites can send.
 *
 * Placements at the pooled histogram are those of scores that are constant in each bin (core/stats/histogram.h). Their
 * sums over a site's records and patients (ein_placement_sums) add up over sites to the AUROC, DeLong's and the
 * clustered variance of all records together, exactly. For two models the placements' difference takes their place, and
 * the same sums give the difference of the AUROCs with its variance.
 */
#ifndef EIN_CORE_STATS_COMPONENTS_H
#define EIN_CORE_STATS_COMPONENTS_H

#include "core/stats/common.h"

/* What a site returns for one model once it knows the pooled histogram. Sums of all sites added give
 * DeLong's variance (4 sums) and Obuchowski's (the patient sums). */
typedef struct {
    int64_t n_positive, n_negative;
    double v10, v10_squared, v01, v01_squared;
    /* Over patients i with m_i positives, n_i negatives, X_i = sum V10, Y_i = sum V01: */
    int64_t n_clusters, n_clusters_positive, n_clusters_negative;
    double xx, xm, mm, yy, yn, nn, xy, xn, my, mn; /* sums of X_i^2, X_i m_i, m_i^2, ... */
} ein_placement_sums;

void ein_placement_sums_add(ein_placement_sums *into, const ein_placement_sums *from);

/* Placements of the records of a bin. */
typedef struct {
    double v10, v01;
} ein_bin_placement;

/* place (n_bins) at pooled counts of p positives and q negatives in all, both above 0. */
void ein_components_bins(ein_bin_placement *place, const int64_t *pooled_positive,
                         const int64_t *pooled_negative, int n_bins, int64_t p, int64_t q);

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
