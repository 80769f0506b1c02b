#include "core/stats/membership.h"

#include <stdlib.h>

#include "core/base/elementary.h"
#include "core/stats/threshold.h"

enum { OWN_VARIANCE = 8 };

static const double least_probability = 0x1p-40;

static double of_outcome(double p, int8_t label) {
    const double q = label ? p : 1 - p;
    return q < least_probability ? least_probability : q > 1 - least_probability ? 1 - least_probability : q;
}

static ein_status check(const double *p, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (!(p[i] >= 0 && p[i] <= 1))
            return ein_error(EIN_RANGE, "record %lld: %.9g is no probability", (long long)i + 1, p[i]);
    return EIN_OK;
}

ein_status ein_membership_loss(double *attack, const double *probability, const int8_t *label, int64_t n) {
    EIN_TRY(check(probability, n));
    for (int64_t i = 0; i < n; i++) attack[i] = ein_log(of_outcome(probability[i], label[i]));
    return EIN_OK;
}

/* --- shadow models --------------------------------------------------------------------------------------------- */

typedef struct {
    int n;
    double sum, square;
} moments;

static void add(moments *m, double x) {
    m->n++;
    m->sum += x;
    m->square += x * x;
}

static double mean_of(const moments *m) {
    return m->sum / m->n;
}

/* Sum of squares about the mean. */
static double spread_of(const moments *m) {
    const double s = m->square - m->sum * m->sum / m->n;
    return s > 0 ? s : 0;
}

static double logit_of(double p, int8_t label) {
    const double q = of_outcome(p, label);
    return ein_log(q) - ein_log1p(-q);
}

static void collect(moments m[2], const double *const *shadow, const uint8_t *const *in, int n_shadows,
                    int8_t label, int64_t i) {
    m[0] = m[1] = (moments){0, 0, 0};
    for (int s = 0; s < n_shadows; s++) add(&m[in[s][i] != 0], logit_of(shadow[s][i], label));
}

static double log_density(double x, double mean, double variance) {
    return -0.5 * (ein_log(variance) + (x - mean) * (x - mean) / variance);
}

ein_status ein_membership_shadow(double *attack, const double *probability, const double *const *shadow,
                                 const uint8_t *const *in, int n_shadows, const int8_t *label, int64_t n) {
    double pooled[2] = {0, 0}, free_of[2] = {0, 0};
    moments m[2];
    EIN_TRY(check(probability, n));
    for (int s = 0; s < n_shadows; s++) EIN_TRY(check(shadow[s], n));
    for (int64_t i = 0; i < n; i++) {
        collect(m, shadow, in, n_shadows, label[i], i);
        for (int k = 0; k < 2; k++) {
            if (m[k].n < 2) continue;
            pooled[k] += spread_of(&m[k]);
            free_of[k] += m[k].n - 1;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        double density[2];
        collect(m, shadow, in, n_shadows, label[i], i);
        attack[i] = NAN;
        if (m[0].n < 2 || m[1].n < 2) continue;
        for (int k = 0; k < 2; k++) {
            const double own =
                m[k].n >= OWN_VARIANCE ? spread_of(&m[k]) / (m[k].n - 1) : pooled[k] / free_of[k];
            density[k] = log_density(logit_of(probability[i], label[i]), mean_of(&m[k]), own + 1e-30);
        }
        attack[i] = density[1] - density[0];
    }
    return EIN_OK;
}

/* --- rates ------------------------------------------------------------------------------------------------------ */

static int descending(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a < b) - (a > b);
}

/* The least value that at most `most` of the others reach; INFINITY if none. */
static double threshold_of(double *others, int64_t n, int64_t most) {
    qsort(others, (size_t)n, sizeof *others, descending);
    int64_t k = most;
    while (k > 0 && k < n && others[k] == others[k - 1]) k--; /* equal ones stay together */
    return k == 0 ? INFINITY : others[k - 1];
}

ein_status ein_membership_at(ein_membership_rate *out, const double *attack, const int8_t *member, int64_t n,
                             double rate, double level) {
    double *others;
    ein_proportion p;
    EIN_TRY(ein_stats_check_nan(attack, n));
    EIN_TRY(EIN_NEW(others, n + 1));
    *out = (ein_membership_rate){.rate = rate,
                                 .threshold = NAN,
                                 .value = NAN,
                                 .lower = NAN,
                                 .upper = NAN,
                                 .times_chance = NAN,
                                 .state = EIN_STATS_FEW_RECORDS};
    for (int64_t i = 0; i < n; i++)
        if (member[i])
            out->n_members++;
        else
            others[out->n_others++] = attack[i];
    const int64_t most = (int64_t)floor(rate * (double)out->n_others * (1 + 1e-12));
    const double threshold = most > 0 ? threshold_of(others, out->n_others, most) : INFINITY;
    free(others);
    if (most == 0 || out->n_members == 0) return EIN_OK;
    for (int64_t i = 0; i < n; i++)
        if (attack[i] >= threshold) *(member[i] ? &out->true_positive : &out->false_positive) += 1;
    EIN_TRY(ein_proportion_of(&p, out->true_positive, out->n_members, level));
    out->threshold = threshold;
    out->value = p.value;
    out->lower = p.exact_lower;
    out->upper = p.exact_upper;
    out->times_chance = p.value / rate;
    out->state = EIN_STATS_ESTIMABLE;
    return EIN_OK;
}

/* --- gaps ------------------------------------------------------------------------------------------------------- */

static ein_status mean_of_group(ein_stats_interval *out, const double *x, const int8_t *member,
                                const uint64_t *cluster, int64_t n, int8_t which, double level) {
    double *value = NULL;
    uint64_t *key = NULL;
    int64_t k = 0;
    ein_status status = EIN_NEW(value, n + 1);
    if (status == EIN_OK) status = EIN_NEW(key, n + 1);
    for (int64_t i = 0; status == EIN_OK && i < n; i++)
        if (member[i] == which) {
            value[k] = x[i];
            key[k++] = cluster ? cluster[i] : (uint64_t)i;
        }
    if (status == EIN_OK) status = ein_stats_mean(out, value, key, k, level);
    free(value);
    free(key);
    return status;
}

ein_status ein_membership_gap(ein_stats_interval *out, const double *x, const int8_t *member,
                              const uint64_t *cluster, int64_t n, double level) {
    ein_stats_interval a, b;
    EIN_TRY(mean_of_group(&a, x, member, cluster, n, 1, level));
    EIN_TRY(mean_of_group(&b, x, member, cluster, n, 0, level));
    if (a.state != EIN_STATS_ESTIMABLE || b.state != EIN_STATS_ESTIMABLE)
        *out = ein_stats_no_interval(a.state != EIN_STATS_ESTIMABLE ? a.state : b.state);
    else if (a.interval_state != EIN_STATS_ESTIMABLE || b.interval_state != EIN_STATS_ESTIMABLE)
        *out = ein_stats_point(a.value - b.value,
                               a.interval_state != EIN_STATS_ESTIMABLE ? a.interval_state : b.interval_state);
    else
        *out =
            ein_stats_wald(a.value - b.value, a.variance + b.variance, INFINITY, level, -INFINITY, INFINITY);
    return EIN_OK;
}
