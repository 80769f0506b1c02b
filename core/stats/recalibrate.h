/* Recalibration: maps from a model's logit to a probability, fitted on records that the weights were not fitted on.
 *
 *     none         P = logistic(z)
 *     temperature  P = logistic(slope z)                  slope = 1 / T (Guo et al., ICML 2017)
 *     platt        P = logistic(intercept + slope z)      Platt 1999, with the method of Lin, Lin & Weng 2007
 *     isotonic     P rises from knot to knot, straight between two and level beyond the ends; the knots are the blocks
 *                  of pooled adjacent violators (Ayer et al. 1955), each at its mean logit
 *
 * What keeps maps tame where records are few:
 * - Labels are replaced by Platt's targets, (N+ + 1) / (N+ + 2) and 1 / (N- + 2), for all kinds: a maximum of the
 *   likelihood exists for separated classes too, and no block of the isotonic map reaches 0 or 1.
 * - A slope lies in [EIN_RECALIBRATE_SLOPE_LEAST, EIN_RECALIBRATE_SLOPE_MOST]; where the maximum is outside, the slope
 *   stays at the bound and the intercept is the best there. Logits that do not rise with the outcome give no map.
 * - Isotonic regression sees runs of records in the order of their logits, at least EIN_RECALIBRATE_RUN records each
 *   and at most EIN_RECALIBRATE_RUNS runs, equal logits together, so no block rests on fewer.
 * - There is no map with fewer positives or negatives than ein_recalibrate_minimum says.
 * So every map is monotone and finite, and a probability lies strictly between 0 and 1 for any finite logit.
 *
 * Sums run in double in record order, compensated: equal records in equal order give equal bits. Conventions:
 * core/stats/common.h.
 */
#ifndef EIN_CORE_STATS_RECALIBRATE_H
#define EIN_CORE_STATS_RECALIBRATE_H

#include "core/stats/common.h"

typedef enum {
    EIN_RECALIBRATE_NONE,
    EIN_RECALIBRATE_TEMPERATURE,
    EIN_RECALIBRATE_PLATT,
    EIN_RECALIBRATE_ISOTONIC,
    EIN_RECALIBRATE_KINDS
} ein_recalibrate_kind;
const char *ein_recalibrate_name(ein_recalibrate_kind kind); /* "none", "temperature", "platt", "isotonic" */
/* EIN_USAGE with the names if `name` is none of them. */
ein_status ein_recalibrate_parse(const char *name, ein_recalibrate_kind *out);

#define EIN_RECALIBRATE_SLOPE_LEAST 0.05
#define EIN_RECALIBRATE_SLOPE_MOST  20.0
enum { EIN_RECALIBRATE_RUN = 10, EIN_RECALIBRATE_RUNS = 100 };

/* A map. {0} is none. */
typedef struct {
    ein_recalibrate_kind kind;
    double slope, intercept; /* temperature and platt */
    int n_knots;             /* isotonic: at least 2 */
    double *logit;           /* (n_knots) ascending, no two equal */
    double *probability;     /* (n_knots) ascending, in (0, 1) */
} ein_recalibration;
void ein_recalibration_free(ein_recalibration *map); /* zeroes: none */

/* Positives, and negatives, that a kind takes at least: 10 for each number that is fitted (temperature 10, platt 20),
 * 50 for isotonic, 0 for none. */
int64_t ein_recalibrate_minimum(ein_recalibrate_kind kind);

typedef enum {
    EIN_RECALIBRATE_FITTED,
    EIN_RECALIBRATE_FEW, /* fewer positives or negatives than the minimum */
    EIN_RECALIBRATE_FLAT /* logits do not rise with the outcome */
} ein_recalibrate_outcome;

/* Fit a map of `kind` to n logits and labels (0, 1). Without one, *outcome says why and *map is none. EIN_NUMERIC: a
 * logit that is not finite, a label that is neither 0 nor 1; EIN_NOMEM. Free *map. */
ein_status ein_recalibrate_fit(ein_recalibration *map, ein_recalibrate_outcome *outcome,
                               ein_recalibrate_kind kind, const double *logit, const int8_t *label,
                               int64_t n);

/* The probability of a logit: in (0, 1), never falling with the logit; NaN for NaN. */
double ein_recalibrate(const ein_recalibration *map, double logit);

/* EIN_RANGE, with what is wrong, unless a map from elsewhere has every property above. */
ein_status ein_recalibration_check(const ein_recalibration *map);

/* fit (n): the ascending sequence with the least sum of weight (fit - y)^2; weights above 0. y (n) may be `fit`.
 * EIN_NOMEM. */
ein_status ein_isotonic(double *fit, const double *y, const double *weight, int64_t n);

#endif
