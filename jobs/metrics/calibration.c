/* Calibration of the models whose scores are probabilities. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/elementary.h"
#include "jobs/metrics/parts.h"

static const char independent[] = "records taken as independent";

static const char *mean_method(const ein_metrics *m) {
    return m->counts.clustered ? "variance over patients, t" : "variance over records, t";
}

/* --- scores ------------------------------------------------------------------------------------------------ */

static ein_status add_scores(ein_metrics *m, ein_metric at, const ein_metrics_data *d) {
    ein_calibration_scores s;
    EIN_TRY(
        ein_calibration_score(&s, ein_data_score(d, at.first), d->label, d->cluster, d->n, m->options.level));
    EIN_TRY(ein_metrics_add_interval(m, at, "brier", mean_method(m), s.brier));
    EIN_TRY(ein_metrics_add_value(m, at, "brier_scaled", "1 - Brier / (prevalence (1 - prevalence))",
                                  s.scaled_brier));
    EIN_TRY(ein_metrics_add_interval(m, at, "log_loss", mean_method(m), s.log_loss));
    EIN_TRY(ein_metrics_add_value(m, at, "log_loss_clipped", "records whose probability was raised to 2^-52",
                                  ein_stats_known((double)s.n_clipped)));
    EIN_TRY(ein_metrics_add_value(m, at, "mean_probability", "", s.mean_probability));
    EIN_TRY(ein_metrics_add_value(m, at, "prevalence", "", s.prevalence));
    EIN_TRY(ein_metrics_add_value(m, at, "expected_observed", "sum of probabilities / positives",
                                  s.expected_observed));
    at.has_test = true;
    at.test = s.spiegelhalter;
    at.estimate =
        ein_metrics_limits(s.spiegelhalter.statistic, s.spiegelhalter.state, NAN, NAN, s.spiegelhalter.state);
    return ein_metrics_add(m, at, "spiegelhalter_z", independent);
}

/* --- bins -------------------------------------------------------------------------------------------------- */

enum { MANY_BINS = 15 };

static ein_status add_binned(ein_metrics *m, ein_metric at, const ein_metrics_data *d, ein_bin_kind kind,
                             int bins, ein_calibration_bin kept[2][EIN_METRICS_BINS]) {
    ein_calibration_bin bin[MANY_BINS];
    char name[64];
    EIN_TRY(ein_calibration_fill(bin, bins, kind, ein_data_score(d, at.first), d->label, d->n));
    const ein_calibration_binned b = ein_calibration_from_bins(bin, bins);
    const char *how = kind == EIN_BINS_WIDTH ? "width" : "mass";
    const char *method = kind == EIN_BINS_WIDTH ? "bins of equal width, closed on the right"
                                                : "bins of equal numbers of records, equal scores together";
    for (int i = 0; bins == EIN_METRICS_BINS && i < bins; i++) kept[kind][i] = bin[i];
    snprintf(name, sizeof name, "ece_%s_%d", how, bins);
    EIN_TRY(ein_metrics_add_value(m, at, name, method, b.ece));
    snprintf(name, sizeof name, "mce_%s_%d", how, bins);
    return ein_metrics_add_value(m, at, name, method, b.mce);
}

static ein_status add_bins(ein_metrics *m, ein_metric at, const ein_metrics_data *d,
                           ein_calibration_bin kept[2][EIN_METRICS_BINS]) {
    EIN_TRY(add_binned(m, at, d, EIN_BINS_WIDTH, EIN_METRICS_BINS, kept));
    EIN_TRY(add_binned(m, at, d, EIN_BINS_WIDTH, MANY_BINS, kept));
    EIN_TRY(add_binned(m, at, d, EIN_BINS_MASS, EIN_METRICS_BINS, kept));
    return add_binned(m, at, d, EIN_BINS_MASS, MANY_BINS, kept);
}

/* --- recalibration ----------------------------------------------------------------------------------------- */

/* The sandwich of one parameter: at the maximum the residuals have mean 0, so their sum's variance over patients is
 * n^2 times that of their mean, and the information of the fit is 1 / the model's variance. */
static ein_status large_clustered(ein_stats_interval *out, const ein_stats_interval *fit,
                                  const ein_metrics_data *d, int model, double level) {
    *out = *fit;
    if (fit->interval_state != EIN_STATS_ESTIMABLE) return EIN_OK;
    double *residual;
    const double *p = ein_data_score(d, model), n = (double)d->n;
    EIN_TRY(EIN_NEW(residual, d->n + 1));
    for (int64_t i = 0; i < d->n; i++) {
        const double odds = p[i] / (1 - p[i]) * ein_exp(fit->value);
        residual[i] = d->label[i] - odds / (1 + odds);
    }
    ein_stats_interval mean;
    const ein_status status = ein_stats_mean(&mean, residual, d->cluster, d->n, level);
    free(residual);
    EIN_TRY(status);
    const double variance = n * n * mean.variance * fit->variance * fit->variance;
    *out = mean.interval_state == EIN_STATS_ESTIMABLE
               ? ein_stats_wald(fit->value, variance, INFINITY, level, -INFINITY, INFINITY)
               : ein_stats_point(fit->value, mean.interval_state);
    return EIN_OK;
}

static ein_status add_line(ein_metrics *m, ein_metric at, const ein_metrics_data *d,
                           const ein_calibration_fit *f) {
    static const char model_based[] = "logistic recalibration, standard error of the model";
    static const char sandwich[] = "logistic recalibration, sandwich over patients";
    static const char offset[] = "slope held at 1, standard error of the model";
    static const char offset_sandwich[] = "slope held at 1, sandwich over patients";
    const bool clustered = m->counts.clustered;
    ein_stats_interval large;
    EIN_TRY(large_clustered(&large, &f->in_the_large, d, at.first, m->options.level));
    EIN_TRY(ein_metrics_add_interval(m, at, "calibration_slope", clustered ? sandwich : model_based,
                                     clustered ? f->slope_clustered : f->slope));
    EIN_TRY(ein_metrics_add_interval(m, at, "calibration_intercept", clustered ? sandwich : model_based,
                                     clustered ? f->intercept_clustered : f->intercept));
    EIN_TRY(ein_metrics_add_interval(m, at, "calibration_in_the_large", clustered ? offset_sandwich : offset,
                                     clustered ? large : f->in_the_large));
    if (!clustered) return EIN_OK;
    static const char narrow[] = "standard error of the model: too small when patients repeat";
    EIN_TRY(ein_metrics_add_interval(m, at, "calibration_slope_unclustered", narrow, f->slope));
    EIN_TRY(ein_metrics_add_interval(m, at, "calibration_intercept_unclustered", narrow, f->intercept));
    return ein_metrics_add_interval(m, at, "calibration_in_the_large_unclustered", narrow, f->in_the_large);
}

static ein_status add_fit(ein_metrics *m, ein_metric at, const ein_metrics_data *d) {
    static const char val_prob[] = "predictions as they are, records taken as independent (val.prob)";
    ein_calibration_fit f;
    EIN_TRY(ein_calibration_logistic(&f, ein_data_score(d, at.first), NULL, d->label, d->cluster, d->n,
                                     m->options.level));
    EIN_TRY(add_line(m, at, d, &f));
    EIN_TRY(ein_metrics_add_value(m, at, "nagelkerke_r2", val_prob, f.r2));
    EIN_TRY(ein_metrics_add_value(m, at, "discrimination_d", val_prob, f.d));
    EIN_TRY(ein_metrics_add_value(m, at, "unreliability_u", val_prob, f.u));
    EIN_TRY(ein_metrics_add_value(m, at, "quality_q", val_prob, f.q));
    ein_metric unreliable = at;
    unreliable.has_test = true;
    unreliable.test = f.u_p.state == EIN_STATS_ESTIMABLE
                          ? (ein_stats_test){f.u_chi2.value, 2, f.u_p.value, EIN_STATS_ESTIMABLE}
                          : ein_stats_no_test(f.u_p.state);
    unreliable.estimate = ein_metrics_limits(f.u_chi2.value, f.u_chi2.state, NAN, NAN, f.u_chi2.state);
    return ein_metrics_add(m, unreliable, "unreliability_chi2", independent);
}

/* --- smooth ------------------------------------------------------------------------------------------------ */

static ein_status add_smooth(ein_metrics *m, ein_metric at, const ein_metrics_data *d) {
    static const char lowess[] = "lowess of fraction 2/3";
    ein_calibration_smooth s;
    EIN_TRY(ein_calibration_curve(&s, NULL, ein_data_score(d, at.first), d->label, d->n));
    EIN_TRY(ein_metrics_add_value(m, at, "ici", lowess, s.ici));
    EIN_TRY(ein_metrics_add_value(m, at, "e50", lowess, s.e50));
    EIN_TRY(ein_metrics_add_value(m, at, "e90", lowess, s.e90));
    return ein_metrics_add_value(m, at, "emax", lowess, s.emax);
}

static ein_status add_all(ein_metrics *m, int model, const ein_metrics_data *d,
                          ein_calibration_bin kept[2][EIN_METRICS_BINS]) {
    const ein_metric at = ein_metric_at(m, EIN_METRIC_MODEL, model, -1);
    EIN_TRY(add_scores(m, at, d));
    EIN_TRY(add_bins(m, at, d, kept));
    EIN_TRY(add_fit(m, at, d));
    return add_smooth(m, at, d);
}

/* The same statistics of what the model's calibration makes of its scores, under names of their own. */
static ein_status add_calibrated(ein_metrics *m, int model, const ein_metrics_data *d) {
    const int64_t first = m->n_rows;
    ein_metrics_data after = *d;
    after.score = d->calibrated;
    EIN_TRY(add_all(m, model, &after, m->model[model].calibrated_bin));
    for (int64_t r = first; r < m->n_rows; r++)
        EIN_TRY(ein_metrics_keep(m, &m->row[r].metric, "calibrated_%s", m->row[r].metric));
    return EIN_OK;
}

ein_status ein_metrics_calibration(ein_metrics *m, const ein_metrics_data *d) {
    for (int k = 0; k < d->n_models; k++) {
        if (m->model[k].probability) EIN_TRY(add_all(m, k, d, m->model[k].bin));
        if (m->model[k].calibrated) EIN_TRY(add_calibrated(m, k, d));
    }
    return EIN_OK;
}
