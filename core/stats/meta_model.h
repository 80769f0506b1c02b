/* What is below a meta-analysis (core/stats/meta.h): weighted least squares of study estimates, and tau^2.
 *
 * Model: y_i = x_i' beta + u_i + e_i, Var u_i = tau^2, Var e_i = v_i known; weights w_i = 1/(v_i + tau^2),
 * P = W - W X (X'WX)^-1 X'W. tau^2 by one of
 *   DL   (Q - (k-p)) / tr P0                    DerSimonian & Laird 1986 (P0, Q at tau^2 = 0)
 *   HE   (RSS - tr((I-H)V)) / (k-p)             Hedges & Olkin 1985, unweighted
 *   HS   (Q - k) / sum 1/v                      Hunter & Schmidt
 *   SJ   tau0^2 RSS(1/(v+tau0^2)) / (k-p)       Sidik & Jonkman 2005, tau0^2 the variance of y with divisor k
 *   PM   root of y'Py = k-p                     Paule & Mandel 1982
 *   EB   the same root                          Morris 1983
 *   ML   root of y'PPy = tr W, REML root of y'PPy = tr P with the greatest (restricted) likelihood
 * all cut off at 0.  Iterative ones are solved to machine precision by bracketing, so they cannot stop early
 * or at the wrong root.
 */
#ifndef EIN_CORE_STATS_META_MODEL_H
#define EIN_CORE_STATS_META_MODEL_H

#include "core/stats/common.h"

typedef enum {
    EIN_META_FIXED, /* tau^2 = 0 */
    EIN_META_DL,
    EIN_META_REML,
    EIN_META_ML,
    EIN_META_PM,
    EIN_META_EB,
    EIN_META_SJ,
    EIN_META_HE,
    EIN_META_HS,
    EIN_META_METHOD_COUNT
} ein_meta_method;

/* "fixed", "DL", "REML", ... */
const char *ein_meta_method_name(ein_meta_method method);

enum { EIN_META_MOST_COEFFICIENTS = 8 };

typedef struct {
    double m[EIN_META_MOST_COEFFICIENTS][EIN_META_MOST_COEFFICIENTS];
} ein_meta_matrix;

/* k studies with p coefficients, the intercept among them. */
typedef struct {
    const double *y, *v, *moderator; /* (k), (k), (k, p-1) */
    int64_t k;
    int p;
    double *w, *r; /* (k) weights and residuals at the tau^2 last asked for */
} ein_meta_studies;

typedef struct {
    double beta[EIN_META_MOST_COEFFICIENTS];
    ein_meta_matrix inverse; /* (X'WX)^-1 */
    double log_determinant;
    double rss; /* sum w r^2 = y'Py */
} ein_meta_model;

/* EIN_NUMERIC: an estimate y (k) or variance v (k) is not finite; EIN_RANGE: a variance <= 0. */
ein_status ein_meta_check_studies(const double *y, const double *v, int64_t k);

/* Fit at a tau^2, whose weights and residuals s->w and s->r hold from then on. False if regressors are collinear. */
bool ein_meta_model_at(ein_meta_model *model, const ein_meta_studies *s, double tau2);

/* With the weights in s->w: sum w^power (power 1 or 2), tr P, tr PP. */
double ein_meta_sum_weights(const ein_meta_studies *s, int power);
double ein_meta_trace_p(const ein_meta_model *model, const ein_meta_studies *s);
double ein_meta_trace_pp(const ein_meta_model *model, const ein_meta_studies *s);

/* beta_1..m ' (their covariance)^-1 beta_1..m, of all coefficients but the intercept. False if there is no inverse. */
bool ein_meta_model_wald(double *statistic, const ein_meta_model *model, int m);

/* The tau^2 with y'Py = target; 0 if it is smaller at 0 already. */
double ein_meta_solve_q(const ein_meta_studies *s, double target);

/* tau^2 by the method; NaN if the regressors are collinear at it. */
double ein_meta_estimate_tau2(const ein_meta_studies *s, ein_meta_method method);

#endif
