/* Curves of a target from its scores: ROC, precision and recall, net benefit, with bands by patient bootstrap. */
#ifndef EIN_JOBS_REPORT_CURVES_H
#define EIN_JOBS_REPORT_CURVES_H

#include <stdbool.h>

#include "io/formats/csv.h"

enum { EIN_CURVE_POINTS = 41, EIN_CURVE_REPLICATES = 200, EIN_CURVE_BINS = 20 };

/* Over x = 0, 1/40, ..., 1; NaN where it does not exist. */
typedef struct {
    double y[EIN_CURVE_POINTS], lower[EIN_CURVE_POINTS], upper[EIN_CURVE_POINTS];
} ein_curve;

typedef struct {
    int64_t n, n_positive;
    ein_curve roc;                  /* sensitivity at a false positive rate of at most x */
    ein_curve pr;                   /* highest precision at a recall of at least x */
    ein_curve benefit;              /* net benefit at threshold x; only where scores are probabilities */
    bool shares;                    /* all scores lie in 0 .. 1 */
    int64_t bin[2][EIN_CURVE_BINS]; /* then: negatives, positives in equal bins of them */
} ein_curves;

double ein_curve_x(int point);

/* From the columns "label:TARGET", "score:MODEL:TARGET" and "patient" of a scores.csv; `target` is "task/label" or the
 * task. EIN_NOTFOUND without such columns. */
ein_status ein_curves_of_scores(const ein_csv *scores, const char *model, const char *target,
                                ein_curves *out);

#endif
