/* Recalibration over all sites by Newton's method (IRLS), a round a step: P(y) = logistic(intercept + slope logit(p)).
 *
 * A plan carries coefficients; sites send gradient and information there; the coordinator adds them and takes the step,
 * which is the step that all rows together would take. The first coefficients are fitted to the bins of round 1, so
 * few rounds are needed. */
#ifndef EIN_JOBS_SITES_RECALIBRATION_H
#define EIN_JOBS_SITES_RECALIBRATION_H

#include "io/sites/result.h"

/* A step of at most this, relative to 1 + |coefficient|, is the last: Newton's method squares the error. */
#define EIN_RECALIBRATION_LAST_STEP 1e-7

typedef struct {
    int sites; /* that sent sums; 0: all that follows is NaN */
    double intercept, slope, intercept_se, slope_se;
    double step; /* NaN: singular */
    bool converged;
} ein_recalibrated;

/* After the step of this round's results (n). */
void ein_sites_recalibrated(ein_recalibrated *out, const ein_plan *plan, const ein_result *result, int n,
                            int task, int model);

/* The body of the next round's plan, from a plan of round 1 or of recalibration. EIN_USAGE: nothing is left to fit. */
ein_status ein_plan_recalibration(json_t **body, const ein_plan *plan, const ein_result *result, int n,
                                  const char *today);

#endif
