/* Decisions at a threshold: confusion matrix, proportions with intervals, F1, MCC, net benefit, choice of
 * the threshold, McNemar's test.
 *
 * A record is called positive when score >= threshold.  Thresholds are chosen on validation records and
 * travel with the model; nothing here looks for one in the records it evaluates.
 * Conventions: core/stats/common.h.
 */
#ifndef EIN_CORE_STATS_THRESHOLD_H
#define EIN_CORE_STATS_THRESHOLD_H

#include "core/stats/common.h"

/* --- proportions --------------------------------------------------------------------------------------- */

/* k of n with two intervals: Wilson 1927 (score, no continuity correction) and Clopper & Pearson 1934
 * (exact, by beta quantiles).  n = 0 is EIN_STATS_ZERO_DENOMINATOR; k = 0 and k = n have intervals. */
typedef struct {
    double value; /* NaN unless state is EIN_STATS_ESTIMABLE */
    double wilson_lower, wilson_upper, exact_lower, exact_upper;
    int64_t k, n;
    ein_stats_state state;
    /* Repeated patients: the design effect (variance over patients / binomial variance, Rao & Scott 1992) and
     * Wilson's interval for the effective sample size n / effect; equal to Wilson's with effect 1 when no
     * patient repeats.  Not estimable with fewer than two patients or when k is 0 or n. */
    double design_effect, clustered_lower, clustered_upper;
    ein_stats_state clustered_state;
} ein_proportion;

ein_status ein_proportion_of(ein_proportion *out, int64_t k, int64_t n, double level);

/* Wilson's interval for counts that need not be whole (effective sample sizes); n > 0. */
void ein_proportion_wilson(double *lower, double *upper, double k, double n, double level);

/* The same with the design effect: `member` (n) says which records are in the denominator, `hit` (n) which of
 * them count. `cluster` NULL: effect 1. */
ein_status ein_proportion_clustered(ein_proportion *out, const uint8_t *hit, const uint8_t *member,
                                    const uint64_t *cluster, int64_t n, double level);

/* --- at a threshold ------------------------------------------------------------------------------------ */

typedef struct {
    int64_t true_positive, false_positive, false_negative, true_negative;
} ein_confusion;

/* EIN_NUMERIC for a NaN score or a label that is not 0 or 1, or a NaN threshold. */
ein_status ein_confusion_at(ein_confusion *out, const double *score, const int8_t *label, int64_t n,
                            double threshold);

typedef struct {
    ein_confusion confusion;
    ein_proportion sensitivity, specificity, ppv, npv, accuracy;
    ein_stats_value f1;     /* 2 TP / (2 TP + FP + FN) */
    ein_stats_value mcc;    /* Matthews 1975; not estimable when a margin is empty */
    ein_stats_value youden; /* sensitivity + specificity - 1 */
    ein_stats_value balanced_accuracy;
    ein_stats_value prevalence;
    ein_stats_value net_benefit;     /* TP/n - FP/n * t/(1-t), t the threshold as a probability */
    ein_stats_value net_benefit_all; /* of calling everybody positive (Vickers & Elkin 2006) */
} ein_threshold_metrics;

/* All of it, with the clustered intervals when `cluster` is given. Net benefit is EIN_STATS_SATURATED unless
 * 0 <= threshold < 1. */
ein_status ein_threshold_evaluate(ein_threshold_metrics *out, const double *score, const int8_t *label,
                                  const uint64_t *cluster, int64_t n, double threshold, double level);

/* The same from counts alone (aggregates of a site); clustered intervals are EIN_STATS_CLUSTERED. */
ein_status ein_threshold_from_counts(ein_threshold_metrics *out, ein_confusion confusion, double threshold,
                                     double level);

/* --- choice -------------------------------------------------------------------------------------------- */

typedef enum {
    EIN_THRESHOLD_YOUDEN, /* largest sensitivity + specificity - 1 (Youden 1950) */
    EIN_THRESHOLD_CLOSEST /* least (1 - sensitivity)^2 + (1 - specificity)^2, the distance to (1, 1) */
} ein_threshold_rule;

typedef struct {
    double threshold; /* a score that occurs; NaN unless state is EIN_STATS_ESTIMABLE */
    double midpoint;  /* half way to the next lower score that occurs (threshold itself if there is none): a
                         threshold that decides these records alike and is no patient's score */
    ein_confusion confusion;
    double sensitivity, specificity;
    ein_stats_state state; /* EIN_STATS_NO_RECORDS, EIN_STATS_ONE_CLASS */
} ein_threshold_choice;

/* Among the distinct scores; compared exactly, in integers, and of equal ones the highest threshold is taken
 * (the one with the fewest positive calls).  EIN_RANGE beyond 2^31 records. */
ein_status ein_threshold_choose(ein_threshold_choice *out, const double *score, const int8_t *label,
                                int64_t n, ein_threshold_rule rule);

/* --- two models' decisions ----------------------------------------------------------------------------- */

typedef struct {
    int64_t b, c;               /* records where only the first, only the second outcome is 1 */
    ein_stats_test chi2;        /* (|b - c| - 1)^2 / (b + c) with continuity correction (0 if b = c), df 1 */
    ein_stats_test uncorrected; /* (b - c)^2 / (b + c) */
    ein_stats_value exact_p;    /* two-sided binomial, 2 P(X <= min(b, c)) at most 1 */
    /* For repeated patients: Z of the difference of the two proportions (first - second) with its variance over
     * patients (Obuchowski 1998). Estimable with two or more patients. */
    ein_stats_test clustered;
} ein_mcnemar;

/* McNemar 1947 on two outcomes (n, each 0 or 1) of the same records. What is compared is the caller's choice:
 * "decided rightly" compares accuracies, "called positive" the rates of positive calls, which among the
 * positives are the sensitivities. With b + c = 0: EIN_STATS_IDENTICAL. */
ein_status ein_mcnemar_test(ein_mcnemar *out, const uint8_t *first, const uint8_t *second,
                            const uint64_t *cluster, int64_t n);

#endif
