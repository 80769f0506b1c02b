/* Random-effects meta-analysis and meta-regression of study estimates.
 *
 * Model (Viechtbauer 2005, 2010): y_i = x_i' beta + u_i + e_i, Var u_i = tau^2, Var e_i = v_i known;
 * beta by weighted least squares, tau^2 by one of several methods (core/stats/meta_model.h).
 * Conventions: core/stats/common.h; k studies, p coefficients including the intercept, variances > 0.
 */
#ifndef EIN_CORE_STATS_META_H
#define EIN_CORE_STATS_META_H

#include "core/stats/meta_model.h"

/* Prediction interval for the effect in a new study. Three rules, three answers: name it in every output. */
typedef enum {
    EIN_META_PREDICT_Z,             /* mu +- z sqrt(tau^2 + se_z^2) */
    EIN_META_PREDICT_KNAPP_HARTUNG, /* mu +- t(k-1) sqrt(tau^2 + se_kh^2) */
    EIN_META_PREDICT_RILEY, /* mu +- t(k-2) sqrt(tau^2 + se_z^2) (Higgins, Thompson & Spiegelhalter 2009) */
    EIN_META_PREDICT_COUNT
} ein_meta_predict;

/* "normal quantile", ... : the words to print. */
const char *ein_meta_predict_name(ein_meta_predict rule);

typedef struct {
    int64_t k;
    int p;
    ein_meta_method method;
    ein_stats_value tau2;
    ein_stats_value tau2_se; /* ML and REML, from the expected information; the others have none here
                                (EIN_STATS_ZERO_DENOMINATOR) */
    /* Coefficients, [0] the intercept; without moderators the pooled effect mu. */
    ein_stats_interval z[EIN_META_MOST_COEFFICIENTS];             /* normal quantile */
    ein_stats_interval knapp_hartung[EIN_META_MOST_COEFFICIENTS]; /* Knapp & Hartung 2003: variance times q =
                                                                     y'Py/(k-p), t(k-p); no truncation at 1 */
    ein_stats_value knapp_hartung_q; /* that factor; 0 if the studies agree to rounding: no interval then */
    ein_stats_test q;                /* (residual) heterogeneity: Cochran's Q at tau^2 = 0, chi2(k-p) */
    ein_stats_value i2, h2;          /* percent; tau^2 / (tau^2 + typical v), and 1 + tau^2 / typical v with
                                           typical v = (k-p) / tr P0 (Higgins & Thompson 2002) */
    ein_stats_test moderators;       /* all coefficients but the intercept are 0: chi2(p-1) */
    ein_stats_test moderators_knapp_hartung;               /* F(p-1, k-p); .df is the denominator's */
    ein_stats_interval prediction[EIN_META_PREDICT_COUNT]; /* p = 1 only */
} ein_meta_fit;

/* moderator (k, n_moderators) row by row, or NULL with 0. Not estimable: no study; k <= p
 * (EIN_STATS_FEW_RECORDS; a single study has its own z interval and tau2 0 only under EIN_META_FIXED).
 * EIN_NUMERIC: a value is not finite; EIN_RANGE: a variance <= 0, moderators that are collinear or too many. */
ein_status ein_meta_analyse(ein_meta_fit *out, const double *y, const double *v, int64_t k,
                            const double *moderator, int n_moderators, ein_meta_method method, double level);

/* With few studies that happen to agree q is far below 1, and Knapp and Hartung's interval narrower than the normal
 * one. This replaces q by max(1, q), as is common (Rover, Knapp & Friede 2015), in what the fit has of it:
 * coefficients, the test of moderators, the prediction by that rule. .knapp_hartung_q stays what it was. */
void ein_meta_truncate(ein_meta_fit *fit, double level);

/* Whether a coefficient's interval by Knapp and Hartung is narrower than its normal one. */
bool ein_meta_is_narrow(const ein_meta_fit *fit, int coefficient);

typedef struct {
    ein_stats_interval tau2, i2, h2; /* values of the fit, limits by the Q-profile; no variance */
} ein_meta_heterogeneity;

/* tau^2 where y'Py meets the chi2(k-p) quantiles (Viechtbauer 2007), lower limit cut off at 0;
 * EIN_STATS_EMPTY_INTERVAL if even tau^2 = 0 is too large. Without moderators. */
ein_status ein_meta_q_profile(ein_meta_heterogeneity *out, const double *y, const double *v, int64_t k,
                              ein_meta_method method, double level);

/* percent (k): w_i / sum w. */
void ein_meta_weights(double *percent, const double *v, int64_t k, double tau2);

/* fit (k): the analysis without study i. */
ein_status ein_meta_leave_one_out(ein_meta_fit *fit, const double *y, const double *v, int64_t k,
                                  ein_meta_method method, double level);

/* log(A/(1-A)) and variance / (A (1-A))^2; EIN_STATS_BOUNDARY unless 0 < A < 1, EIN_STATS_ZERO_VARIANCE
 * unless variance > 0. */
void ein_meta_logit_auc(ein_stats_value *logit, ein_stats_value *logit_variance, double auc, double variance);

/* The back-transformed interval 1/(1+exp(-x)); no variance. */
ein_stats_interval ein_meta_inverse_logit(ein_stats_interval logit);

#endif
