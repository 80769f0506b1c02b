/* AUROC with DeLong and patient-clustered variance, tests between AUROCs, and the precision-recall curve.
 *
 * Placements (DeLong, DeLong & Clarke-Pearson 1988): V10 of a positive is the fraction of negatives scored
 * below it, ties counting one half; V01 of a negative is the fraction of positives scored above it.  They
 * come from one sort by midranks (Sun & Xu 2014), O(n log n) time and O(n) memory.
 *   U     = number of (positive, negative) pairs in the right order, ties one half; exact (2U is an integer)
 *   AUROC = U / (P N)                                            P positives, N negatives
 *   DeLong's variance   S10/P + S01/N,  S10 = sum (V10 - A)^2 / (P-1),  S01 = sum (V01 - A)^2 / (N-1)
 *   clustered variance  S10/P + S01/N + 2 S11/(P N)              (Obuchowski 1997), with sums over patients
 *     X_i = sum of V10 over patient i's m_i positives, Y_i = sum of V01 over his n_i negatives,
 *     S10 = I10/((I10-1) P) sum (X_i - m_i A)^2,   S01 = I01/((I01-1) N) sum (Y_i - n_i A)^2,
 *     S11 = I/(I-1) sum (X_i - m_i A)(Y_i - n_i A),
 *     I10, I01, I patients with a positive, with a negative, with either.
 * With one record per patient the clustered variance is DeLong's; with repeated ECGs DeLong's is too small
 * (by 45 % in the standard error of this project's fixture S1), so EIN_ROC_AUTO takes the clustered one as
 * soon as a patient repeats.
 *
 * Conventions: core/stats/common.h.  A higher score means positive; the direction is never flipped.
 * Scores may be infinite.  EIN_RANGE if P N exceeds 2^61.
 */
#ifndef EIN_CORE_STATS_ROC_H
#define EIN_CORE_STATS_ROC_H

#include "core/stats/common.h"

typedef enum {
    EIN_ROC_AUTO,     /* clustered if a patient has more than one record, else DeLong */
    EIN_ROC_DELONG,   /* every record counts as independent */
    EIN_ROC_CLUSTERED /* Obuchowski */
} ein_roc_variance;

typedef struct {
    ein_roc_variance variance;
    double level;         /* of two-sided intervals, e.g. 0.95 */
    int64_t min_clusters; /* patients with a positive, and with a negative, below which the clustered variance
                             is not estimable; at least 2 */
} ein_roc_options;

#define EIN_ROC_DEFAULTS ((ein_roc_options){EIN_ROC_AUTO, 0.95, 2})

typedef struct {
    int64_t n_positive, n_negative;
    int64_t n_clusters, n_clusters_positive, n_clusters_negative; /* I, I10, I01 */
    int64_t largest_cluster;                                      /* records of the patient who has most */
    ein_roc_variance variance; /* the one used: EIN_ROC_DELONG or EIN_ROC_CLUSTERED */
    ein_stats_value u;         /* Mann-Whitney U of the positives */
    ein_stats_interval auc;    /* Wald interval, cut off at [0, 1] */
    double logit_lower,
        logit_upper; /* interval on the logit scale, back-transformed; NaN as auc's interval */
} ein_roc_result;

/* AUROC of one score. Not estimable: no records, one class; its interval: fewer than two records of a class,
 * few clusters, AUROC 0 or 1, all scores equal. */
ein_status ein_roc_auc(ein_roc_result *out, const double *score, const int8_t *label, const uint64_t *cluster,
                       int64_t n, ein_roc_options options);

typedef struct {
    ein_roc_result first, second;
    ein_stats_value covariance;    /* of the two AUROCs */
    ein_stats_interval difference; /* first - second, with its variance and Wald interval */
    ein_stats_test test;           /* Z = difference / se: positive when the first AUROC is the larger */
} ein_roc_comparison;

/* Two scores on the same records (DeLong 1988; Obuchowski 1997 when clustered). The test is not estimable
 * for models that rank all records alike (EIN_STATS_IDENTICAL) and if one AUROC has no variance. */
ein_status ein_roc_compare_paired(ein_roc_comparison *out, const double *first, const double *second,
                                  const int8_t *label, const uint64_t *cluster, int64_t n,
                                  ein_roc_options options);

/* Two AUROCs from disjoint patients: D = (first - second) / sqrt(sum of variances), t with the degrees of
 * freedom of Welch and Satterthwaite over records (DeLong) or patients (clustered). */
ein_status ein_roc_compare_unpaired(ein_roc_comparison *out, const ein_roc_result *first,
                                    const ein_roc_result *second, double level);

/* Placement of every record (n): V10 of positives, V01 of negatives; *twice_u = 2U. Both classes must be
 * present (EIN_RANGE otherwise). For influence values and federated sums. */
ein_status ein_roc_placements(double *placement, int64_t *twice_u, const double *score, const int8_t *label,
                              int64_t n);

/* AUROC of a bootstrap sample: record i counted count[i] times; `order` from ein_stats_order of score.
 * One pass, no sorting. */
ein_stats_value ein_roc_weighted_auc(const int64_t *order, const double *score, const int8_t *label,
                                     const int32_t *count, int64_t n);

/* --- curves -------------------------------------------------------------------------------------------- */

typedef struct {
    ein_stats_value average_precision; /* sum (R_k - R_{k-1}) P_k over distinct thresholds, descending */
    ein_stats_value trapezoid;         /* area by the trapezoid rule, from (recall 0, precision 1): optimistic
                                          (Davis & Goadrich 2006), given for comparison */
    double prevalence;                 /* the area of a score without information; NaN without records */
} ein_roc_pr;

/* Area under the precision-recall curve, ties as one threshold; order and multiplicities as ein_roc_weighted_auc,
 * `count` NULL: every record once. Intervals come from the patient bootstrap. */
ein_roc_pr ein_roc_weighted_pr(const int64_t *order, const double *score, const int8_t *label,
                               const int32_t *count, int64_t n);

#endif
