#include "core/stats/calibration.h"

#include <float.h>
#include <stdlib.h>

#include "core/base/elementary.h"
#include "core/stats/lowess.h"
#include "core/stats/special.h"

static ein_status check_predictions(int64_t *positives, int64_t *negatives, const double *probability,
                                    const int8_t *label, int64_t n) {
    EIN_TRY(ein_stats_check_labels(positives, negatives, label, n));
    for (int64_t i = 0; i < n; i++) {
        if (!(probability[i] >= 0 && probability[i] <= 1))
            return ein_error(isnan(probability[i]) ? EIN_NUMERIC : EIN_RANGE,
                             "probability of record %lld is %.9g; it must lie in 0..1", (long long)i,
                             probability[i]);
    }
    return EIN_OK;
}

static ein_stats_state class_state(int64_t positives, int64_t negatives) {
    if (positives + negatives == 0) return EIN_STATS_NO_RECORDS;
    return positives == 0 || negatives == 0 ? EIN_STATS_ONE_CLASS : EIN_STATS_ESTIMABLE;
}

/* --- scores of single predictions ---------------------------------------------------------------------- */

static ein_stats_test spiegelhalter(const double *p, const int8_t *label, int64_t n) {
    ein_sum numerator = {0, 0}, variance = {0, 0};
    for (int64_t i = 0; i < n; i++) {
        const double tilt = 1 - 2 * p[i];
        ein_sum_add(&numerator, (label[i] - p[i]) * tilt);
        ein_sum_add(&variance, tilt * tilt * p[i] * (1 - p[i]));
    }
    const double v = ein_sum_value(variance);
    if (!(v > 0)) return ein_stats_no_test(n ? EIN_STATS_ZERO_VARIANCE : EIN_STATS_NO_RECORDS);
    return ein_stats_z_test(ein_sum_value(numerator) / sqrt(v), INFINITY);
}

static void mean_values(ein_calibration_scores *out, const double *p, int64_t positives, int64_t n) {
    ein_sum sum = {0, 0};
    for (int64_t i = 0; i < n; i++) ein_sum_add(&sum, p[i]);
    const double prevalence = (double)positives / (double)n;
    out->mean_probability = ein_stats_known(ein_sum_value(sum) / (double)n);
    out->prevalence = ein_stats_known(prevalence);
    out->expected_observed = ein_stats_ratio(ein_sum_value(sum), (double)positives);
    if (positives == 0 || positives == n)
        out->scaled_brier = ein_stats_unknown(EIN_STATS_ONE_CLASS);
    else
        out->scaled_brier = ein_stats_known(1 - out->brier.value / (prevalence * (1 - prevalence)));
}

ein_status ein_calibration_score(ein_calibration_scores *out, const double *probability, const int8_t *label,
                                 const uint64_t *cluster, int64_t n, double level) {
    int64_t positives, negatives;
    EIN_TRY(check_predictions(&positives, &negatives, probability, label, n));
    const ein_stats_value none = ein_stats_unknown(EIN_STATS_NO_RECORDS);
    *out = (ein_calibration_scores){.scaled_brier = none,
                                    .mean_probability = none,
                                    .prevalence = none,
                                    .expected_observed = none,
                                    .spiegelhalter = spiegelhalter(probability, label, n)};
    double *loss;
    EIN_TRY(EIN_NEW(loss, n + 1));
    for (int64_t i = 0; i < n; i++) loss[i] = (probability[i] - label[i]) * (probability[i] - label[i]);
    ein_status status = ein_stats_mean(&out->brier, loss, cluster, n, level);
    for (int64_t i = 0; i < n; i++) {
        const double of_outcome = label[i] ? probability[i] : 1 - probability[i];
        out->n_clipped += of_outcome < DBL_EPSILON;
        loss[i] = -ein_log(fmax(of_outcome, DBL_EPSILON));
    }
    if (status == EIN_OK) status = ein_stats_mean(&out->log_loss, loss, cluster, n, level);
    free(loss);
    EIN_TRY(status);
    if (n > 0) mean_values(out, probability, positives, n);
    return EIN_OK;
}

/* --- bins ---------------------------------------------------------------------------------------------- */

/* The bin of p, closed on the right; the product may round across an edge, so the edges decide. */
static int width_bin(double p, int n_bins) {
    int b = (int)ceil(p * n_bins) - 1;
    if (b < 0) b = 0;
    if (b > 0 && p <= (double)b / n_bins) b--;
    if (b < n_bins - 1 && p > (double)(b + 1) / n_bins) b++;
    return b;
}

static void add_record(ein_calibration_bin *bin, ein_sum sums[3], double p, int8_t label) {
    bin->n++;
    bin->positives += label;
    ein_sum_add(&sums[0], p);
    ein_sum_add(&sums[1], p * p);
    ein_sum_add(&sums[2], label ? p : 0);
}

/* floor(middle K / n) for the middle rank of a run of equal probabilities, first to last (from 0). */
static int mass_bin(int64_t first, int64_t last, int n_bins, int64_t n) {
    __extension__ typedef __int128 wide;
    return (int)((wide)(first + last) * n_bins / (2 * (wide)n));
}

static void fill_by_mass(ein_calibration_bin *bin, int n_bins, ein_sum (*sums)[3], const int64_t *order,
                         const double *p, const int8_t *label, int64_t n) {
    for (int b = 0; b < n_bins; b++) bin[b].lower = bin[b].upper = NAN;
    for (int64_t first = 0, next; first < n; first = next) {
        const double equal = p[order[first]];
        for (next = first + 1; next < n && p[order[next]] == equal; next++) {
        }
        const int b = mass_bin(first, next - 1, n_bins, n);
        if (bin[b].n == 0) bin[b].lower = equal;
        bin[b].upper = equal;
        for (int64_t i = first; i < next; i++) add_record(&bin[b], sums[b], equal, label[order[i]]);
    }
}

ein_status ein_calibration_fill(ein_calibration_bin *bin, int n_bins, ein_bin_kind kind,
                                const double *probability, const int8_t *label, int64_t n) {
    int64_t positives, negatives, *order = NULL;
    if (n_bins < 1) return ein_error(EIN_RANGE, "%d calibration bins; at least one is needed", n_bins);
    EIN_TRY(check_predictions(&positives, &negatives, probability, label, n));
    ein_sum(*sums)[3];
    EIN_TRY(EIN_NEW(sums, n_bins));
    for (int b = 0; b < n_bins; b++)
        bin[b] = (ein_calibration_bin){.lower = (double)b / n_bins, .upper = (double)(b + 1) / n_bins};

    ein_status status = EIN_OK;
    if (kind == EIN_BINS_WIDTH) {
        for (int64_t i = 0; i < n; i++) {
            const int b = width_bin(probability[i], n_bins);
            add_record(&bin[b], sums[b], probability[i], label[i]);
        }
    } else {
        status = EIN_NEW(order, n + 1);
        if (status == EIN_OK) status = ein_stats_order(order, probability, n);
        if (status == EIN_OK) fill_by_mass(bin, n_bins, sums, order, probability, label, n);
    }
    for (int b = 0; b < n_bins; b++) {
        bin[b].sum_p = ein_sum_value(sums[b][0]);
        bin[b].sum_p2 = ein_sum_value(sums[b][1]);
        bin[b].sum_py = ein_sum_value(sums[b][2]);
    }
    free(order);
    free(sums);
    return status;
}

ein_calibration_binned ein_calibration_from_bins(const ein_calibration_bin *bin, int n_bins) {
    ein_sum gap = {0, 0}, squares = {0, 0}, mean = {0, 0};
    double worst = 0;
    int64_t n = 0, positives = 0;
    for (int b = 0; b < n_bins; b++) {
        if (bin[b].n == 0) continue;
        const double off = fabs((double)bin[b].positives - bin[b].sum_p);
        n += bin[b].n;
        positives += bin[b].positives;
        ein_sum_add(&gap, off);
        ein_sum_add(&squares, bin[b].sum_p2 - 2 * bin[b].sum_py + (double)bin[b].positives);
        ein_sum_add(&mean, bin[b].sum_p);
        worst = fmax(worst, off / (double)bin[b].n);
    }
    const double count = (double)n;
    if (n == 0) {
        const ein_stats_value none = ein_stats_unknown(EIN_STATS_NO_RECORDS);
        return (ein_calibration_binned){none, none, none, none, none};
    }
    return (ein_calibration_binned){ein_stats_known(ein_sum_value(gap) / count), ein_stats_known(worst),
                                    ein_stats_known(ein_sum_value(squares) / count),
                                    ein_stats_known(ein_sum_value(mean) / count),
                                    ein_stats_known((double)positives / count)};
}

/* --- logistic recalibration ----------------------------------------------------------------------------- */

void ein_logistic_accumulate(ein_logistic_sums *sums, const double *logit, const int8_t *label, int64_t n,
                             double intercept, double slope) {
    ein_sum s[6] = {{sums->log_likelihood, 0}, {sums->gradient[0], 0},    {sums->gradient[1], 0},
                    {sums->information[0], 0}, {sums->information[1], 0}, {sums->information[2], 0}};
    for (int64_t i = 0; i < n; i++) {
        const double x = logit[i], eta = intercept + slope * x;
        const double upper = ein_logistic(eta), lower = ein_logistic(-eta);
        const double residual = label[i] ? lower : -upper, weight = upper * lower;
        ein_sum_add(&s[0], -ein_softplus(label[i] ? -eta : eta));
        ein_sum_add(&s[1], residual);
        ein_sum_add(&s[2], residual * x);
        ein_sum_add(&s[3], weight);
        ein_sum_add(&s[4], weight * x);
        ein_sum_add(&s[5], weight * x * x);
    }
    sums->n += n;
    sums->log_likelihood = ein_sum_value(s[0]);
    for (int j = 0; j < 2; j++) sums->gradient[j] = ein_sum_value(s[1 + j]);
    for (int j = 0; j < 3; j++) sums->information[j] = ein_sum_value(s[3 + j]);
}

/* The inverse of the 2x2 information matrix; false if singular. */
static bool invert(double inverse[3], const double m[3]) {
    const double determinant = m[0] * m[2] - m[1] * m[1];
    if (!(determinant > 1e-14 * m[0] * m[2])) return false;
    inverse[0] = m[2] / determinant;
    inverse[1] = -m[1] / determinant;
    inverse[2] = m[0] / determinant;
    return true;
}

double ein_logistic_step(double coefficient[2], const ein_logistic_sums *sums) {
    double v[3];
    if (!invert(v, sums->information)) return NAN;
    const double *g = sums->gradient;
    const double step[2] = {v[0] * g[0] + v[1] * g[1], v[1] * g[0] + v[2] * g[1]};
    double largest = 0;
    for (int j = 0; j < 2; j++) {
        coefficient[j] += step[j];
        largest = fmax(largest, fabs(step[j]) / (1 + fabs(coefficient[j])));
    }
    return largest;
}

typedef struct {
    const double *logit;
    const int8_t *label;
    int64_t n;
} outcomes;

static ein_logistic_sums sums_at(const outcomes *o, const double coefficient[2]) {
    ein_logistic_sums sums = {0};
    ein_logistic_accumulate(&sums, o->logit, o->label, o->n, coefficient[0], coefficient[1]);
    return sums;
}

enum { MAX_ITERATIONS = 200 };

/* Newton's method with halved steps while the likelihood falls. With `slope_fixed` only the intercept moves.
 */
static bool fit_logistic(double coefficient[2], ein_logistic_sums *at, const outcomes *o, bool slope_fixed) {
    *at = sums_at(o, coefficient);
    for (int i = 0; i < MAX_ITERATIONS; i++) {
        double next[2] = {coefficient[0], coefficient[1]};
        double moved;
        if (slope_fixed) {
            const double step = at->gradient[0] / at->information[0];
            next[0] += step;
            moved = fabs(step) / (1 + fabs(next[0]));
        } else {
            moved = ein_logistic_step(next, at);
        }
        if (!isfinite(moved)) return false;
        ein_logistic_sums there = sums_at(o, next);
        const double slack = 1e-12 * (1 + fabs(at->log_likelihood));
        for (int half = 0; half < 60 && !(there.log_likelihood >= at->log_likelihood - slack); half++) {
            for (int j = 0; j < 2; j++) next[j] = 0.5 * (next[j] + coefficient[j]);
            there = sums_at(o, next);
        }
        coefficient[0] = next[0];
        coefficient[1] = next[1];
        *at = there;
        if (moved <= 1e-13) return true;
    }
    return false;
}

/* One regressor: a finite maximum exists unless the classes' logits do not overlap (Albert & Anderson 1984).
 */
static ein_stats_state overlap_state(const outcomes *o) {
    double least[2] = {INFINITY, INFINITY}, greatest[2] = {-INFINITY, -INFINITY};
    for (int64_t i = 0; i < o->n; i++) {
        const int y = o->label[i];
        least[y] = fmin(least[y], o->logit[i]);
        greatest[y] = fmax(greatest[y], o->logit[i]);
    }
    if (fmin(least[0], least[1]) == fmax(greatest[0], greatest[1])) return EIN_STATS_ZERO_VARIANCE;
    return greatest[0] <= least[1] || greatest[1] <= least[0] ? EIN_STATS_SEPARATED : EIN_STATS_ESTIMABLE;
}

/* Sandwich variances of intercept and slope: V (sum over patients of g g') V, times I/(I-1). */
static ein_status sandwich(double variance[2], ein_stats_state *state, const outcomes *o,
                           const double coefficient[2], const double v[3], const uint64_t *cluster) {
    int64_t *index = NULL, clusters = 0, largest;
    ein_sum(*g)[2] = NULL;
    ein_status status = EIN_NEW(index, o->n);
    if (status == EIN_OK) status = ein_stats_clusters(index, &clusters, &largest, cluster, o->n);
    if (status == EIN_OK) status = EIN_NEW(g, clusters);
    *state = clusters < 2 ? EIN_STATS_FEW_CLUSTERS : EIN_STATS_ESTIMABLE;
    if (status == EIN_OK && clusters > 1) {
        for (int64_t i = 0; i < o->n; i++) {
            const double eta = coefficient[0] + coefficient[1] * o->logit[i];
            const double residual = o->label[i] ? ein_logistic(-eta) : -ein_logistic(eta);
            ein_sum_add(&g[index[i]][0], residual);
            ein_sum_add(&g[index[i]][1], residual * o->logit[i]);
        }
        ein_sum square[2] = {{0, 0}, {0, 0}};
        for (int64_t c = 0; c < clusters; c++) {
            const double a = ein_sum_value(g[c][0]), b = ein_sum_value(g[c][1]);
            ein_sum_add(&square[0], (v[0] * a + v[1] * b) * (v[0] * a + v[1] * b));
            ein_sum_add(&square[1], (v[1] * a + v[2] * b) * (v[1] * a + v[2] * b));
        }
        const double factor = (double)clusters / (double)(clusters - 1);
        for (int j = 0; j < 2; j++) variance[j] = factor * ein_sum_value(square[j]);
    }
    free(index);
    free(g);
    return status;
}

static double null_log_likelihood(int64_t positives, int64_t negatives) {
    const double p = (double)positives, q = (double)negatives;
    return p * ein_log(p / (p + q)) + q * ein_log(q / (p + q));
}

/* Quantities of val.prob that need no fit: the predictions as they are against the prevalence. */
static void fit_as_given(ein_calibration_fit *out, double as_given, double null, double n) {
    const double lr = 2 * (as_given - null);
    out->d = ein_stats_known((lr - 1) / n);
    out->r2 = ein_stats_known(-ein_expm1(-lr / n) / -ein_expm1(2 * null / n));
}

static void fit_distance(ein_calibration_fit *out, double as_given, double recalibrated, double n) {
    const double chi2 = 2 * (recalibrated - as_given);
    out->u_chi2 = ein_stats_known(chi2);
    out->u_p = ein_stats_known(ein_chi2_upper(chi2, 2));
    out->u = ein_stats_known((chi2 - 2) / n);
    out->q = ein_stats_known(out->d.value - out->u.value);
}

static ein_calibration_fit no_fit(ein_stats_state state) {
    const ein_stats_interval i = ein_stats_no_interval(state);
    const ein_stats_value v = ein_stats_unknown(state);
    return (ein_calibration_fit){i, i, i, i, i, v, v, v, v, v, v};
}

static ein_status fit_slope(ein_calibration_fit *out, const outcomes *o, const uint64_t *cluster,
                            double level, double as_given) {
    double coefficient[2] = {0, 1}, v[3], robust[2];
    ein_logistic_sums at;
    if (!fit_logistic(coefficient, &at, o, false) || !invert(v, at.information)) {
        const ein_calibration_fit none = no_fit(EIN_STATS_NO_CONVERGENCE);
        out->intercept = out->slope = none.slope;
        out->intercept_clustered = out->slope_clustered = none.slope;
        out->u = out->q = out->u_chi2 = out->u_p = none.u;
        return EIN_OK;
    }
    fit_distance(out, as_given, at.log_likelihood, (double)o->n);
    out->intercept = ein_stats_wald(coefficient[0], v[0], INFINITY, level, -INFINITY, INFINITY);
    out->slope = ein_stats_wald(coefficient[1], v[2], INFINITY, level, -INFINITY, INFINITY);
    ein_stats_state state;
    EIN_TRY(sandwich(robust, &state, o, coefficient, v, cluster));
    ein_stats_interval *const to[2] = {&out->intercept_clustered, &out->slope_clustered};
    for (int j = 0; j < 2; j++)
        *to[j] = state == EIN_STATS_ESTIMABLE
                     ? ein_stats_wald(coefficient[j], robust[j], INFINITY, level, -INFINITY, INFINITY)
                     : ein_stats_point(coefficient[j], state);
    return EIN_OK;
}

static ein_status fit_all(ein_calibration_fit *out, const outcomes *o, const uint64_t *cluster, double level,
                          int64_t positives) {
    const ein_stats_state overlap = overlap_state(o);
    *out = no_fit(overlap);
    double coefficient[2] = {0, 1};
    const double as_given = sums_at(o, coefficient).log_likelihood;
    fit_as_given(out, as_given, null_log_likelihood(positives, o->n - positives), (double)o->n);
    ein_logistic_sums at;
    if (fit_logistic(coefficient, &at, o, true) && at.information[0] > 0)
        out->in_the_large =
            ein_stats_wald(coefficient[0], 1 / at.information[0], INFINITY, level, -INFINITY, INFINITY);
    else
        out->in_the_large = ein_stats_no_interval(EIN_STATS_NO_CONVERGENCE);
    if (overlap != EIN_STATS_ESTIMABLE) return EIN_OK;
    return fit_slope(out, o, cluster, level, as_given);
}

ein_status ein_calibration_logistic(ein_calibration_fit *out, const double *probability, const double *logit,
                                    const int8_t *label, const uint64_t *cluster, int64_t n, double level) {
    int64_t positives, negatives;
    EIN_TRY(ein_stats_check_level(level));
    EIN_TRY(check_predictions(&positives, &negatives, probability, label, n));
    *out = no_fit(class_state(positives, negatives));
    if (out->slope.state != EIN_STATS_ESTIMABLE) return EIN_OK;
    if (logit) {
        EIN_TRY(ein_stats_check_finite(logit, n, "logit"));
        const outcomes given = {logit, label, n};
        return fit_all(out, &given, cluster, level, positives);
    }
    double *own;
    EIN_TRY(EIN_NEW(own, n));
    bool saturated = false;
    for (int64_t i = 0; i < n; i++) {
        own[i] = ein_logit(probability[i]);
        saturated = saturated || !isfinite(own[i]);
    }
    ein_status status = EIN_OK;
    if (saturated) {
        *out = no_fit(EIN_STATS_SATURATED);
    } else {
        const outcomes derived = {own, label, n};
        status = fit_all(out, &derived, cluster, level, positives);
    }
    free(own);
    return status;
}

/* --- smooth curve --------------------------------------------------------------------------------------- */

static void summarise_errors(ein_calibration_smooth *out, double *error, const int64_t *order, int64_t n) {
    ein_sum sum = {0, 0};
    for (int64_t i = 0; i < n; i++) ein_sum_add(&sum, error[i]);
    /* `order` sorts the errors; the curve is no longer needed in record order. */
    double *sorted = error + n;
    for (int64_t i = 0; i < n; i++) sorted[i] = error[order[i]];
    out->ici = ein_stats_known(ein_sum_value(sum) / (double)n);
    out->e50 = ein_stats_known(ein_stats_quantile(sorted, n, 0.5));
    out->e90 = ein_stats_known(ein_stats_quantile(sorted, n, 0.9));
    out->emax = ein_stats_known(sorted[n - 1]);
}

static ein_status smooth_errors(ein_calibration_smooth *out, double *smooth, const double *probability,
                                const int8_t *label, int64_t n, int64_t *order, double *work) {
    double *x = work, *y = work + n, *curve = work + 2 * n;
    EIN_TRY(ein_stats_order(order, probability, n));
    for (int64_t i = 0; i < n; i++) {
        x[i] = probability[order[i]];
        y[i] = label[order[i]];
    }
    EIN_TRY(ein_lowess(curve, x, y, n, 2.0 / 3, 0, 0.01 * (x[n - 1] - x[0])));
    if (smooth)
        for (int64_t i = 0; i < n; i++) smooth[order[i]] = curve[i];
    for (int64_t i = 0; i < n; i++) work[i] = fabs(curve[i] - x[i]);
    EIN_TRY(ein_stats_order(order, work, n));
    summarise_errors(out, work, order, n);
    return EIN_OK;
}

ein_status ein_calibration_curve(ein_calibration_smooth *out, double *smooth, const double *probability,
                                 const int8_t *label, int64_t n) {
    int64_t positives, negatives, *order = NULL;
    EIN_TRY(check_predictions(&positives, &negatives, probability, label, n));
    const ein_stats_value none = ein_stats_unknown(class_state(positives, negatives));
    *out = (ein_calibration_smooth){none, none, none, none};
    if (smooth)
        for (int64_t i = 0; i < n; i++) smooth[i] = NAN;
    if (none.state != EIN_STATS_ESTIMABLE) return EIN_OK;
    double *work = NULL;
    ein_status status = EIN_NEW(order, n);
    if (status == EIN_OK) status = EIN_NEW(work, 3 * n);
    if (status == EIN_OK) status = smooth_errors(out, smooth, probability, label, n, order, work);
    free(order);
    free(work);
    return status;
}
