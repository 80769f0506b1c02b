/* Calibration of predicted probabilities: Brier score, log loss, binned errors, logistic recalibration,
 * smooth calibration curve.
 *
 * `probability` (n) lies in [0, 1] (EIN_RANGE otherwise; ein_stats_clamp_probabilities brings 1.0000001
 * back). Conventions: core/stats/common.h.
 */
#ifndef EIN_CORE_STATS_CALIBRATION_H
#define EIN_CORE_STATS_CALIBRATION_H

#include "core/stats/common.h"

/* --- scores of single predictions ---------------------------------------------------------------------- */

typedef struct {
    ein_stats_interval brier;     /* mean (p - y)^2, variance over patients (ein_stats_mean) */
    ein_stats_interval log_loss;  /* mean -log p(y), with p of the outcome raised to at least 2^-52 */
    int64_t n_clipped;            /* records where that was needed */
    ein_stats_value scaled_brier; /* 1 - brier / (prevalence (1 - prevalence)) */
    ein_stats_value mean_probability, prevalence;
    ein_stats_value expected_observed; /* sum p / sum y */
    /* Spiegelhalter 1986: sum (y-p)(1-2p) / sqrt(sum (1-2p)^2 p (1-p)); records count as independent */
    ein_stats_test spiegelhalter;
} ein_calibration_scores;

ein_status ein_calibration_score(ein_calibration_scores *out, const double *probability, const int8_t *label,
                                 const uint64_t *cluster, int64_t n, double level);

/* --- bins ---------------------------------------------------------------------------------------------- */

typedef enum {
    EIN_BINS_WIDTH, /* K bins of equal width, closed on the right: (b/K, (b+1)/K], 0 in the first */
    /* Sorted by probability, record of rank r (from 0) in bin floor(r K / n): sizes differ by at most one. Equal
     * probabilities stay together, in the bin of their middle rank, so that nothing depends on the order of
     * records; with many of them bins differ in size and may be empty. */
    EIN_BINS_MASS
} ein_bin_kind;

/* What a site has to share per bin: it gives ECE, MCE, Brier score and mean calibration exactly. */
typedef struct {
    int64_t n, positives;
    double sum_p, sum_p2; /* of p and p^2 over the n records */
    double sum_py;        /* of p over the positives */
    double lower, upper;  /* edges (width), or least and greatest probability (mass; NaN in an empty bin) */
} ein_calibration_bin;

/* Fill bin (n_bins). */
ein_status ein_calibration_fill(ein_calibration_bin *bin, int n_bins, ein_bin_kind kind,
                                const double *probability, const int8_t *label, int64_t n);

typedef struct {
    ein_stats_value ece; /* sum n_b/n |mean y - mean p| over bins (Naeini 2015, of the positive class) */
    ein_stats_value mce; /* greatest |mean y - mean p| over bins with records */
    ein_stats_value brier, mean_probability, prevalence;
} ein_calibration_binned;

/* From bins, which may be sums over sites. */
ein_calibration_binned ein_calibration_from_bins(const ein_calibration_bin *bin, int n_bins);

/* --- logistic recalibration ----------------------------------------------------------------------------- */

/* Newton's method (IRLS) for P(y) = logistic(intercept + slope * logit), in pieces that sites can add up:
 * every site accumulates at the common coefficients, the coordinator adds the sums and takes the step. */
typedef struct {
    int64_t n;
    double log_likelihood;
    double gradient[2];    /* d/d intercept, d/d slope */
    double information[3]; /* (intercept, intercept), (intercept, slope), (slope, slope) */
} ein_logistic_sums;

/* Add n records to *sums ({0} at first). */
void ein_logistic_accumulate(ein_logistic_sums *sums, const double *logit, const int8_t *label, int64_t n,
                             double intercept, double slope);

/* coefficient += information^-1 gradient; returns the largest relative step, NaN if singular. */
double ein_logistic_step(double coefficient[2], const ein_logistic_sums *sums);

typedef struct {
    /* Recalibration y ~ intercept + slope logit(p) (Cox 1958): 0 and 1 when calibrated. Wald intervals with
     * the model's standard errors. */
    ein_stats_interval intercept, slope;
    /* The same estimates with the sandwich over patients (Liang & Zeger 1986, times I/(I-1)) instead. */
    ein_stats_interval intercept_clustered, slope_clustered;
    /* Calibration in the large: y ~ a + 1 logit(p), a = 0 when mean p fits; model's standard error. */
    ein_stats_interval in_the_large;
    /* rms::val.prob: LR chi-squared of the predictions as they are against a constant, and their distance
     * from the recalibrated ones. r2 (Nagelkerke) and D may be negative. */
    ein_stats_value r2, d, u, q, u_chi2, u_p;
} ein_calibration_fit;

/* Not estimable: one class; EIN_STATS_SATURATED if a probability is 0 or 1 and `logit` is NULL;
 * EIN_STATS_SEPARATED; EIN_STATS_ZERO_VARIANCE if all logits are equal (in_the_large exists then).
 * `logit` (n): the model's own logits, NULL takes log(p/(1-p)). `cluster` NULL: every record on its own. */
ein_status ein_calibration_logistic(ein_calibration_fit *out, const double *probability, const double *logit,
                                    const int8_t *label, const uint64_t *cluster, int64_t n, double level);

/* --- smooth curve --------------------------------------------------------------------------------------- */

typedef struct {
    /* |smooth observed - predicted| over the records: mean (ICI, Eavg), median, 90 % quantile, greatest. */
    ein_stats_value ici, e50, e90, emax;
} ein_calibration_smooth;

/* lowess of y on p with fraction 2/3, no robust step, delta 1 % of the range, as rms::val.prob (Harrell's
 * Eavg, E90, Emax). Austin & Steyerberg 2019 define ICI, E50, E90 with a loess; values differ slightly.
 * `smooth` (n) receives the curve at each record, or NULL. One class: not estimable. */
ein_status ein_calibration_curve(ein_calibration_smooth *out, double *smooth, const double *probability,
                                 const int8_t *label, int64_t n);

#endif
