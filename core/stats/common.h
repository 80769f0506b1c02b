/* What all statistics share: "not estimable" with its reason, results with intervals, screening of
 * records, patients as clusters, ranks, and sums in a fixed order.
 *
 * Conventions of every header of core/stats
 * - Arrays are the caller's, in double; `label` is 1 positive, 0 negative (EIN_LABEL_MISSING before
 *   screening); `cluster` names the patient of each record by any 64-bit key, NULL means that every record
 *   is a patient of its own.  Nothing is kept after the call, so all functions are thread-safe.
 * - A statistic that does not exist for these data is a state (ein_stats_state), with a text that says
 *   why; its value is then NaN, so that code which forgets the state cannot print a plausible number.
 *   It is a result, not an error.  ein_status errors are for wrong input (EIN_NUMERIC: a NaN, a label that
 *   is neither 0 nor 1; EIN_RANGE: a size, level or probability out of range) and for memory (EIN_NOMEM).
 * - No function drops a record.  Screen first (ein_stats_screen), which counts and lists what cannot be
 *   used; NaN that reaches a statistic is an error that names the record.
 * - Direction is never flipped: an AUROC below 0.5 stays below 0.5, a correlation keeps its sign.
 * - Counts are int64_t, exact.  Sums of doubles are compensated (Neumaier 1974) and run in record order, so
 *   equal input in equal order gives equal bits, whatever the number of threads or ranks; a caller that
 *   gathers records from ranks sorts them by record id first.  What depends on ranks of scores only
 *   (U, AUROC, histogram) is exact and independent of the order.
 */
#ifndef EIN_CORE_STATS_COMMON_H
#define EIN_CORE_STATS_COMMON_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

#define EIN_LABEL_MISSING ((int8_t)-1)

typedef enum {
    EIN_STATS_ESTIMABLE = 0,
    EIN_STATS_NO_RECORDS,    /* nothing left to compute from */
    EIN_STATS_ONE_CLASS,     /* only positives or only negatives */
    EIN_STATS_FEW_IN_CLASS,  /* a variance needs at least two records of each class */
    EIN_STATS_FEW_RECORDS,   /* fewer records (studies, pairs) than the statistic needs */
    EIN_STATS_FEW_CLUSTERS,  /* fewer patients than the clustered variance needs */
    EIN_STATS_BOUNDARY,      /* AUROC is 0 or 1: the variance estimate is 0, no interval follows */
    EIN_STATS_ZERO_VARIANCE, /* a quantity that has to vary is constant */
    EIN_STATS_IDENTICAL, /* two models rank or decide all records alike, or have equal losses: no difference to test */
    EIN_STATS_ZERO_DENOMINATOR, /* no record falls where the proportion is taken */
    EIN_STATS_SATURATED,        /* a probability is exactly 0 or 1: its logit is infinite */
    EIN_STATS_SEPARATED,        /* scores separate the classes: the logistic fit has no finite maximum */
    EIN_STATS_NO_CONVERGENCE,   /* an iteration did not settle */
    EIN_STATS_UNDEFINED_PARTS,  /* too few bootstrap replicates (or jackknife values) in which the metric
                                   exists */
    EIN_STATS_DEGENERATE,       /* every bootstrap replicate lies on one side of the estimate */
    EIN_STATS_CLUSTERED,        /* the formula needs independent records, but patients repeat: bootstrap it */
    EIN_STATS_EMPTY_INTERVAL,   /* no value of the parameter agrees with the data at this level */
    EIN_STATS_ONE_BIN,          /* all scores fall into one bin, in which nothing is told of their order */
    EIN_STATS_SUPPRESSED,       /* a cell or group is below the minimum count and is not shown */
    EIN_STATS_STATE_COUNT
} ein_stats_state;

/* A short name with underscores for files: "estimable", "one_class", ... */
const char *ein_stats_state_name(ein_stats_state state);

/* A sentence for people: "not estimable: only one class is present", ... */
const char *ein_stats_state_text(ein_stats_state state);

/* A number, or the reason why there is none. */
typedef struct {
    double value; /* NaN unless state is EIN_STATS_ESTIMABLE */
    ein_stats_state state;
} ein_stats_value;

/* A number with a standard error and a two-sided interval; the number may exist where these do not. */
typedef struct {
    double value;          /* NaN unless state is EIN_STATS_ESTIMABLE */
    double variance, se;   /* NaN unless interval_state is EIN_STATS_ESTIMABLE */
    double lower, upper;   /* the same */
    ein_stats_state state; /* of value */
    ein_stats_state interval_state;
} ein_stats_interval;

/* A test: df is INFINITY for a normal reference, NaN for an exact test; p is two-sided. */
typedef struct {
    double statistic, df, p; /* NaN unless state is EIN_STATS_ESTIMABLE */
    ein_stats_state state;
} ein_stats_test;

ein_stats_value ein_stats_known(double value);
ein_stats_value ein_stats_unknown(ein_stats_state state);

/* numerator / denominator, EIN_STATS_ZERO_DENOMINATOR if the denominator is 0. */
ein_stats_value ein_stats_ratio(double numerator, double denominator);

/* The value without an interval, for the reason given. */
ein_stats_interval ein_stats_point(double value, ein_stats_state interval_state);
ein_stats_interval ein_stats_no_interval(ein_stats_state state);

/* value +- quantile * sqrt(variance), cut off at [floor, ceiling] (-INFINITY, INFINITY: not cut).
 * `df` INFINITY takes the normal quantile, else Student's t. */
ein_stats_interval ein_stats_wald(double value, double variance, double df, double level, double floor,
                                  double ceiling);

/* statistic with a two-sided p from the normal (df INFINITY) or t distribution. */
ein_stats_test ein_stats_z_test(double statistic, double df);
ein_stats_test ein_stats_no_test(ein_stats_state state);

/* EIN_RANGE unless 0 < level < 1. */
ein_status ein_stats_check_level(double level);

/* --- sums ---------------------------------------------------------------------------------------------- */

/* Compensated sum; {0, 0} is empty. */
typedef struct {
    double high, low;
} ein_sum;

static inline void ein_sum_add(ein_sum *sum, double x) {
    const double t = sum->high + x;
    sum->low += fabs(sum->high) >= fabs(x) ? (sum->high - t) + x : (x - t) + sum->high;
    sum->high = t;
}
static inline double ein_sum_value(ein_sum sum) {
    return sum.high + sum.low;
}

/* --- ranks --------------------------------------------------------------------------------------------- */

/* order (n): record indices in ascending order of value, equal values in record order. EIN_NUMERIC names
 * the first record whose value is NaN; infinities are ordered. */
ein_status ein_stats_order(int64_t *order, const double *value, int64_t n);

/* rank (n): 1-based ranks, equal values share the mean of their ranks. */
ein_status ein_stats_midranks(double *rank, const double *value, int64_t n);

/* The p-quantile (0 <= p <= 1) of `sorted` (n >= 1, ascending): linear interpolation at (n - 1) p
 * (Hyndman & Fan 1996, type 7, the default of R and numpy). */
double ein_stats_quantile(const double *sorted, int64_t n, double p);

/* --- records ------------------------------------------------------------------------------------------- */

enum { /* why a record cannot be used, or what is odd about it: bits */
       EIN_SCREEN_MISSING_LABEL = 1,
       EIN_SCREEN_NAN_SCORE = 2,
       EIN_SCREEN_INFINITE_SCORE = 4 /* kept: ranks are defined; value-based statistics refuse it */
};

typedef struct {
    int64_t n_total, n_kept;
    int64_t n_missing_label, n_nan_score; /* not kept; a record with both counts in both */
    int64_t n_infinite_score;             /* kept */
} ein_stats_screening;

/* Look at n records with the scores of `n_models` models: reason (n) gets bits, kept (n) the indices of the
 * n_kept records with a label and a number from every model, in record order. `label` may be NULL.
 * EIN_RANGE for a label that is not 0, 1 or EIN_LABEL_MISSING. */
ein_status ein_stats_screen(ein_stats_screening *count, uint8_t *reason, int64_t *kept,
                            const double *const *score, int n_models, const int8_t *label, int64_t n);

/* EIN_NUMERIC, naming record and cause, unless all n labels are 0 or 1; counts them. */
ein_status ein_stats_check_labels(int64_t *n_positive, int64_t *n_negative, const int8_t *label, int64_t n);

/* EIN_NUMERIC, naming the record, if one of the n values is NaN. */
ein_status ein_stats_check_nan(const double *value, int64_t n);

/* EIN_NUMERIC, naming `what` and the record, unless all n values are finite. */
ein_status ein_stats_check_finite(const double *value, int64_t n, const char *what);

/* Bring probabilities that leave [0, 1] by at most `tolerance` (1e-6 fits float32 sigmoids) back to 0 or 1
 * and count them; EIN_RANGE names the first that is farther out or NaN. In place. */
ein_status ein_stats_clamp_probabilities(double *probability, int64_t n, double tolerance,
                                         int64_t *n_clamped);

/* Patients: index (n) gets 0 .. n_clusters-1 in ascending order of key; size of the largest in *largest.
 * With cluster NULL every record is its own. */
ein_status ein_stats_clusters(int64_t *index, int64_t *n_clusters, int64_t *largest, const uint64_t *cluster,
                              int64_t n);

/* Mean of x (n) with the variance of a ratio over patients: I/(I-1) sum_i (T_i - n_i mean)^2 / n^2 with I
 * patients, T_i and n_i sum and number of patient i's values (Cochran 1977, 6.3); with one record per
 * patient it is s^2/n. Interval by t with I - 1 degrees of freedom. */
ein_status ein_stats_mean(ein_stats_interval *out, const double *x, const uint64_t *cluster, int64_t n,
                          double level);

#endif
