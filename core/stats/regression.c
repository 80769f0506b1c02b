#include "core/stats/regression.h"

#include <stdlib.h>

#include "core/base/elementary.h"
#include "core/stats/special.h"

static double mean_of(const double *x, int64_t n) {
    ein_sum sum = {0, 0};
    for (int64_t i = 0; i < n; i++) ein_sum_add(&sum, x[i]);
    return ein_sum_value(sum) / (double)n;
}

/* sum (x - mean_x)(y - mean_y) */
static double cross_products(const double *x, double mean_x, const double *y, double mean_y, int64_t n) {
    ein_sum sum = {0, 0};
    for (int64_t i = 0; i < n; i++) ein_sum_add(&sum, (x[i] - mean_x) * (y[i] - mean_y));
    return ein_sum_value(sum);
}

static bool is_constant(const double *x, int64_t n) {
    for (int64_t i = 1; i < n; i++)
        if (x[i] != x[0]) return false;
    return true;
}

static ein_status count_clusters(int64_t *n_clusters, const uint64_t *cluster, int64_t n) {
    int64_t *index, largest;
    EIN_TRY(EIN_NEW(index, n + 1));
    const ein_status status = ein_stats_clusters(index, n_clusters, &largest, cluster, n);
    free(index);
    return status;
}

static ein_status check_pair(const double *measured, const double *predicted, int64_t n, double level) {
    EIN_TRY(ein_stats_check_level(level));
    EIN_TRY(ein_stats_check_finite(measured, n, "measured value"));
    return ein_stats_check_finite(predicted, n, "predicted value");
}

/* --- errors and line ------------------------------------------------------------------------------------ */

/* The interval of a mean square as one of its root. */
static ein_stats_interval root_interval(ein_stats_interval square) {
    if (square.state != EIN_STATS_ESTIMABLE) return square;
    const double root = sqrt(square.value);
    ein_stats_interval out = ein_stats_point(root, square.interval_state);
    if (square.interval_state != EIN_STATS_ESTIMABLE) return out;
    if (!(root > 0)) return ein_stats_point(root, EIN_STATS_ZERO_VARIANCE);
    out.se = square.se / (2 * root);
    out.variance = out.se * out.se;
    out.lower = sqrt(fmax(0, square.lower));
    out.upper = sqrt(square.upper);
    return out;
}

static void fit_line(ein_regression_fit *out, const double *x, const double *y, int64_t n, double level) {
    out->slope = out->intercept = ein_stats_no_interval(n ? EIN_STATS_FEW_RECORDS : EIN_STATS_NO_RECORDS);
    out->r2 = ein_stats_unknown(out->slope.state);
    if (n < 2) return;
    if (is_constant(x, n)) {
        out->slope = out->intercept = ein_stats_no_interval(EIN_STATS_ZERO_VARIANCE);
        out->r2 = ein_stats_unknown(EIN_STATS_ZERO_VARIANCE);
        return;
    }
    const double mean_x = mean_of(x, n), mean_y = mean_of(y, n), count = (double)n;
    const double sxx = cross_products(x, mean_x, x, mean_x, n);
    const double slope = cross_products(x, mean_x, y, mean_y, n) / sxx, intercept = mean_y - slope * mean_x;
    ein_sum residual = {0, 0}, difference = {0, 0};
    for (int64_t i = 0; i < n; i++) {
        const double r = (y[i] - mean_y) - slope * (x[i] - mean_x), d = y[i] - x[i];
        ein_sum_add(&residual, r * r);
        ein_sum_add(&difference, d * d);
    }
    out->r2 = ein_stats_known(1 - ein_sum_value(difference) / sxx);
    out->slope = ein_stats_point(slope, EIN_STATS_FEW_RECORDS);
    out->intercept = ein_stats_point(intercept, EIN_STATS_FEW_RECORDS);
    if (out->n_clusters < n) {
        out->slope.interval_state = out->intercept.interval_state = EIN_STATS_CLUSTERED;
    } else if (n > 2) {
        const double s2 = ein_sum_value(residual) / (count - 2);
        out->slope = ein_stats_wald(slope, s2 / sxx, count - 2, level, -INFINITY, INFINITY);
        out->intercept = ein_stats_wald(intercept, s2 * (1 / count + mean_x * mean_x / sxx), count - 2, level,
                                        -INFINITY, INFINITY);
    }
}

ein_status ein_regression_evaluate(ein_regression_fit *out, const double *measured, const double *predicted,
                                   const uint64_t *cluster, int64_t n, double level) {
    EIN_TRY(check_pair(measured, predicted, n, level));
    *out = (ein_regression_fit){.n = n};
    EIN_TRY(count_clusters(&out->n_clusters, cluster, n));
    double *error;
    EIN_TRY(EIN_NEW(error, n + 1));
    for (int64_t i = 0; i < n; i++) error[i] = fabs(predicted[i] - measured[i]);
    ein_status status = ein_stats_mean(&out->mae, error, cluster, n, level);
    for (int64_t i = 0; i < n; i++) error[i] *= error[i];
    ein_stats_interval square;
    if (status == EIN_OK) status = ein_stats_mean(&square, error, cluster, n, level);
    free(error);
    EIN_TRY(status);
    out->rmse = root_interval(square);
    fit_line(out, measured, predicted, n, level);
    return EIN_OK;
}

/* --- Bland-Altman --------------------------------------------------------------------------------------- */

static void limits(ein_bland_altman *out, double sd, int64_t n, bool repeated, double level) {
    const double z = ein_normal_quantile(0.975), count = (double)n;
    const double variance = sd * sd * (1 / count + z * z / (2 * (count - 1)));
    const double bias = out->bias.value;
    if (repeated) {
        out->lower = ein_stats_point(bias - z * sd, EIN_STATS_CLUSTERED);
        out->upper = ein_stats_point(bias + z * sd, EIN_STATS_CLUSTERED);
        return;
    }
    out->lower = ein_stats_wald(bias - z * sd, variance, count - 1, level, -INFINITY, INFINITY);
    out->upper = ein_stats_wald(bias + z * sd, variance, count - 1, level, -INFINITY, INFINITY);
}

ein_status ein_bland_altman_limits(ein_bland_altman *out, const double *measured, const double *predicted,
                                   const uint64_t *cluster, int64_t n, double level) {
    EIN_TRY(check_pair(measured, predicted, n, level));
    int64_t n_clusters;
    EIN_TRY(count_clusters(&n_clusters, cluster, n));
    double *difference;
    EIN_TRY(EIN_NEW(difference, n + 1));
    for (int64_t i = 0; i < n; i++) difference[i] = predicted[i] - measured[i];
    const ein_status status = ein_stats_mean(&out->bias, difference, cluster, n, level);
    if (status == EIN_OK && n >= 2) {
        const double mean = out->bias.value;
        const double sd = sqrt(cross_products(difference, mean, difference, mean, n) / (double)(n - 1));
        out->sd = ein_stats_known(sd);
        limits(out, sd, n, n_clusters < n, level);
    } else {
        const ein_stats_state state = n ? EIN_STATS_FEW_RECORDS : EIN_STATS_NO_RECORDS;
        out->sd = ein_stats_unknown(state);
        out->lower = out->upper = ein_stats_no_interval(state);
    }
    free(difference);
    return status;
}

/* --- Kendall -------------------------------------------------------------------------------------------- */

/* Pairs that are tied in runs of equal values along `order`. */
static int64_t tied_pairs(const double *v, const int64_t *order, int64_t n) {
    int64_t pairs = 0;
    for (int64_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && v[order[next]] == v[order[first]];) next++;
        pairs += (next - first) * (next - first - 1) / 2;
    }
    return pairs;
}

/* Sort v ascending by merging, counting the strict inversions. */
static int64_t merge_inversions(double *v, double *scratch, int64_t n) {
    int64_t inversions = 0;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t low = 0; low < n; low += 2 * width) {
            const int64_t middle = low + width < n ? low + width : n;
            const int64_t high = low + 2 * width < n ? low + 2 * width : n;
            int64_t i = low, j = middle, k = low;
            while (i < middle && j < high) {
                const bool inverted = v[j] < v[i];
                if (inverted) inversions += middle - i;
                scratch[k++] = inverted ? v[j++] : v[i++];
            }
            while (i < middle) scratch[k++] = v[i++];
            while (j < high) scratch[k++] = v[j++];
            for (k = low; k < high; k++) v[k] = scratch[k];
        }
    }
    return inversions;
}

static int compare_ascending(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* sorted (n): y along `order` (by x), ascending within runs of equal x, so that ties in x are no inversions;
 * returns the pairs tied in both. */
static int64_t sort_within_ties(double *sorted, const double *x, const double *y, const int64_t *order,
                                int64_t n) {
    int64_t both = 0;
    for (int64_t i = 0; i < n; i++) sorted[i] = y[order[i]];
    for (int64_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && x[order[next]] == x[order[first]];) next++;
        qsort(sorted + first, (size_t)(next - first), sizeof *sorted, compare_ascending);
        for (int64_t i = first, j; i < next; i = j) {
            for (j = i + 1; j < next && sorted[j] == sorted[i];) j++;
            both += (j - i) * (j - i - 1) / 2;
        }
    }
    return both;
}

ein_status ein_kendall_counts(int64_t *s, int64_t *untied_x, int64_t *untied_y, const double *x,
                              const double *y, int64_t n) {
    if (n > INT32_MAX) return ein_error(EIN_RANGE, "%lld records; at most 2^31 - 1", (long long)n);
    int64_t *order = NULL;
    double *work = NULL;
    ein_status status = EIN_NEW(order, n + 1);
    if (status == EIN_OK) status = EIN_NEW(work, 2 * n + 1);
    if (status == EIN_OK) status = ein_stats_order(order, y, n);
    if (status == EIN_OK) {
        const int64_t pairs = n * (n - 1) / 2, tied_y = tied_pairs(y, order, n);
        status = ein_stats_order(order, x, n);
        if (status == EIN_OK) {
            const int64_t tied_x = tied_pairs(x, order, n);
            const int64_t both = sort_within_ties(work, x, y, order, n);
            const int64_t discordant = merge_inversions(work, work + n, n);
            *s = pairs - tied_x - tied_y + both - 2 * discordant;
            *untied_x = pairs - tied_x;
            *untied_y = pairs - tied_y;
        }
    }
    free(order);
    free(work);
    return status;
}

/* share (pairs + 1) becomes the distribution of inversions among the permutations of 1..n. */
static int64_t inversion_shares(double *share, double *next, int64_t n) {
    int64_t pairs = 0;
    share[0] = 1;
    for (int64_t k = 2; k <= n; k++) {
        double window = 0;
        for (int64_t j = 0; j <= pairs + k - 1; j++) {
            if (j <= pairs) window += share[j];
            if (j >= k && j - k <= pairs) window -= share[j - k];
            next[j] = window / (double)k;
        }
        pairs += k - 1;
        for (int64_t j = 0; j <= pairs; j++) share[j] = next[j];
    }
    return pairs;
}

ein_status ein_kendall_exact_p(ein_stats_value *p, int64_t s, int64_t n) {
    *p = ein_stats_unknown(EIN_STATS_FEW_RECORDS);
    if (n < 2) return EIN_OK;
    if (n > EIN_KENDALL_EXACT_MOST)
        return ein_error(EIN_RANGE, "exact Kendall test of %lld records; at most %d", (long long)n,
                         EIN_KENDALL_EXACT_MOST);
    double *share;
    EIN_TRY(EIN_NEW(share, n * (n - 1) + 2));
    const int64_t pairs = inversion_shares(share, share + n * (n - 1) / 2 + 1, n);
    /* S = pairs - 2 inversions: a large |S| means few inversions of x or of -x. */
    const int64_t few = (pairs - llabs(s)) / 2;
    double tail = 0;
    for (int64_t j = 0; j <= few; j++) tail += share[j];
    free(share);
    *p = ein_stats_known(fmin(1, 2 * tail));
    return EIN_OK;
}

/* --- correlations --------------------------------------------------------------------------------------- */

/* Fisher's z with standard error se_z, carried back. */
static ein_stats_interval fisher_interval(double r, double se_z, int64_t needed, int64_t n, bool repeated,
                                          double level) {
    if (repeated) return ein_stats_point(r, EIN_STATS_CLUSTERED);
    if (n < needed) return ein_stats_point(r, EIN_STATS_FEW_RECORDS);
    if (!(fabs(r) < 1)) return ein_stats_point(r, EIN_STATS_ZERO_VARIANCE);
    const ein_stats_interval z =
        ein_stats_wald(ein_atanh(r), se_z * se_z, INFINITY, level, -INFINITY, INFINITY);
    ein_stats_interval out = ein_stats_point(r, EIN_STATS_ESTIMABLE);
    out.se = se_z * (1 - r * r);
    out.variance = out.se * out.se;
    out.lower = ein_tanh(z.lower);
    out.upper = ein_tanh(z.upper);
    return out;
}

static double pearson_of(const double *x, const double *y, int64_t n) {
    const double mean_x = mean_of(x, n), mean_y = mean_of(y, n);
    const double sxy = cross_products(x, mean_x, y, mean_y, n);
    /* The root of a square is exact, so equal variables give exactly 1. */
    const double r =
        sxy / sqrt(cross_products(x, mean_x, x, mean_x, n) * cross_products(y, mean_y, y, mean_y, n));
    return fmax(-1, fmin(1, r));
}

static ein_stats_test t_test_of(double r, int64_t n, bool repeated) {
    if (repeated) return ein_stats_no_test(EIN_STATS_CLUSTERED);
    if (n < 3) return ein_stats_no_test(EIN_STATS_FEW_RECORDS);
    if (!(fabs(r) < 1)) return ein_stats_no_test(EIN_STATS_ZERO_VARIANCE);
    const double df = (double)(n - 2);
    return ein_stats_z_test(r * sqrt(df / ((1 - r) * (1 + r))), df);
}

typedef struct {
    double two, three, five; /* sums over runs of t ties: t(t-1), t(t-1)(t-2), t(t-1)(2t+5) */
} tie_sums;

static ein_status ties_of(tie_sums *out, const double *v, int64_t n) {
    int64_t *order;
    *out = (tie_sums){0, 0, 0};
    EIN_TRY(EIN_NEW(order, n + 1));
    const ein_status status = ein_stats_order(order, v, n);
    for (int64_t first = 0, next; status == EIN_OK && first < n; first = next) {
        for (next = first + 1; next < n && v[order[next]] == v[order[first]];) next++;
        const double t = (double)(next - first);
        out->two += t * (t - 1);
        out->three += t * (t - 1) * (t - 2);
        out->five += t * (t - 1) * (2 * t + 5);
    }
    free(order);
    return status;
}

/* The variance of S under independence with ties (Kendall 1970, chapter 4). */
static double kendall_variance(tie_sums x, tie_sums y, int64_t n) {
    const double m = (double)n, base = m * (m - 1);
    double variance = (base * (2 * m + 5) - x.five - y.five) / 18 + x.two * y.two / (2 * base);
    if (n > 2) variance += x.three * y.three / (9 * base * (m - 2));
    return variance;
}

static ein_status correlate_ranks(ein_correlations *out, const double *x, const double *y, double *ranks,
                                  int64_t n, bool repeated, double level) {
    const double count = (double)n;
    EIN_TRY(ein_stats_midranks(ranks, x, n));
    EIN_TRY(ein_stats_midranks(ranks + n, y, n));
    const double rho = pearson_of(ranks, ranks + n, n);
    out->spearman = fisher_interval(rho, sqrt((1 + 0.5 * rho * rho) / (count - 3)), 4, n, repeated, level);
    out->spearman_test = t_test_of(rho, n, repeated);

    int64_t s, untied_x, untied_y;
    tie_sums ties_x, ties_y;
    EIN_TRY(ein_kendall_counts(&s, &untied_x, &untied_y, x, y, n));
    EIN_TRY(ties_of(&ties_x, x, n));
    EIN_TRY(ties_of(&ties_y, y, n));
    const double tau = (double)s / sqrt((double)untied_x * (double)untied_y);
    out->kendall = fisher_interval(fmax(-1, fmin(1, tau)), sqrt(0.437 / (count - 4)), 5, n, repeated, level);
    out->kendall_test =
        repeated ? ein_stats_no_test(EIN_STATS_CLUSTERED)
                 : ein_stats_z_test((double)s / sqrt(kendall_variance(ties_x, ties_y, n)), INFINITY);
    return EIN_OK;
}

ein_status ein_correlate(ein_correlations *out, const double *x, const double *y, int64_t n, bool repeated,
                         double level) {
    EIN_TRY(check_pair(x, y, n, level));
    ein_stats_state state = n == 0  ? EIN_STATS_NO_RECORDS
                            : n < 2 ? EIN_STATS_FEW_RECORDS
                                    : EIN_STATS_ESTIMABLE;
    if (state == EIN_STATS_ESTIMABLE && (is_constant(x, n) || is_constant(y, n)))
        state = EIN_STATS_ZERO_VARIANCE;
    const ein_stats_interval none = ein_stats_no_interval(state);
    const ein_stats_test no_test = ein_stats_no_test(state);
    *out = (ein_correlations){none, none, none, no_test, no_test, no_test};
    if (state != EIN_STATS_ESTIMABLE) return EIN_OK;

    const double r = pearson_of(x, y, n);
    out->pearson = fisher_interval(r, 1 / sqrt((double)n - 3), 4, n, repeated, level);
    out->pearson_test = t_test_of(r, n, repeated);
    double *ranks;
    EIN_TRY(EIN_NEW(ranks, 2 * n));
    const ein_status status = correlate_ranks(out, x, y, ranks, n, repeated, level);
    free(ranks);
    return status;
}
