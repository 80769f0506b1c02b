#include "core/stats/recalibrate.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"

enum { MAX_ITERATIONS = 200, MOST_KNOTS = 4096 };

static const char *const names[EIN_RECALIBRATE_KINDS] = {"none", "temperature", "platt", "isotonic"};

const char *ein_recalibrate_name(ein_recalibrate_kind kind) {
    return names[kind];
}

ein_status ein_recalibrate_parse(const char *name, ein_recalibrate_kind *out) {
    for (int k = 0; k < EIN_RECALIBRATE_KINDS; k++)
        if (strcmp(name, names[k]) == 0) {
            *out = (ein_recalibrate_kind)k;
            return EIN_OK;
        }
    return ein_error(EIN_USAGE,
                     "'%.40s' is no kind of calibration: none, temperature, platt or isotonic were expected",
                     name);
}

int64_t ein_recalibrate_minimum(ein_recalibrate_kind kind) {
    static const int64_t least[EIN_RECALIBRATE_KINDS] = {0, 10, 20, 50};
    return least[kind];
}

void ein_recalibration_free(ein_recalibration *map) {
    free(map->logit);
    free(map->probability);
    memset(map, 0, sizeof *map);
}

/* --- use ------------------------------------------------------------------------------------------------- */

/* The knots beside z by bisection. */
static double between_knots(const ein_recalibration *map, double z) {
    int low = 0, high = map->n_knots - 1;
    if (z <= map->logit[low]) return map->probability[low];
    if (z >= map->logit[high]) return map->probability[high];
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (map->logit[middle] <= z)
            low = middle;
        else
            high = middle;
    }
    const double share = (z - map->logit[low]) / (map->logit[high] - map->logit[low]);
    const double p = map->probability[low] + share * (map->probability[high] - map->probability[low]);
    return fmin(p, map->probability[high]); /* rounding must not pass the next knot */
}

double ein_recalibrate(const ein_recalibration *map, double logit) {
    double p;
    if (isnan(logit)) return NAN;
    switch (map->kind) {
    case EIN_RECALIBRATE_ISOTONIC:
        p = between_knots(map, logit);
        break;
    case EIN_RECALIBRATE_TEMPERATURE:
    case EIN_RECALIBRATE_PLATT:
        p = ein_logistic(map->intercept + map->slope * logit);
        break;
    default:
        p = ein_logistic(logit);
        break;
    }
    return fmin(fmax(p, DBL_EPSILON), 1 - DBL_EPSILON);
}

static ein_status check_knots(const ein_recalibration *map) {
    if (map->n_knots < 2 || map->n_knots > MOST_KNOTS)
        return ein_error(EIN_RANGE, "an isotonic map of %d knots; 2 to %d were expected", map->n_knots,
                         MOST_KNOTS);
    for (int k = 0; k < map->n_knots; k++) {
        const double p = map->probability[k];
        if (!isfinite(map->logit[k]) || !(p > 0 && p < 1))
            return ein_error(EIN_RANGE, "knot %d of an isotonic map: logit %g, probability %g", k + 1,
                             map->logit[k], p);
        if (k > 0 && !(map->logit[k] > map->logit[k - 1] && p >= map->probability[k - 1]))
            return ein_error(EIN_RANGE, "knot %d of an isotonic map does not rise above the one before",
                             k + 1);
    }
    return EIN_OK;
}

ein_status ein_recalibration_check(const ein_recalibration *map) {
    if (map->kind == EIN_RECALIBRATE_ISOTONIC) return check_knots(map);
    if (map->kind == EIN_RECALIBRATE_NONE) return EIN_OK;
    if (!(map->slope >= EIN_RECALIBRATE_SLOPE_LEAST && map->slope <= EIN_RECALIBRATE_SLOPE_MOST))
        return ein_error(EIN_RANGE, "a calibration slope of %g; it lies in %g to %g", map->slope,
                         EIN_RECALIBRATE_SLOPE_LEAST, EIN_RECALIBRATE_SLOPE_MOST);
    if (!isfinite(map->intercept) || (map->kind == EIN_RECALIBRATE_TEMPERATURE && map->intercept != 0))
        return ein_error(EIN_RANGE, "a calibration intercept of %g with %s", map->intercept,
                         names[map->kind]);
    return EIN_OK;
}

/* --- logistic maps ----------------------------------------------------------------------------------------- */

typedef struct {
    const double *logit;
    const int8_t *label;
    int64_t n;
    double target[2]; /* Platt's, of a negative and of a positive */
} outcomes;

typedef struct {
    double value;          /* log likelihood */
    double gradient[2];    /* by intercept, slope */
    double information[3]; /* (intercept, intercept), (intercept, slope), (slope, slope) */
} likelihood;

static likelihood likelihood_at(const outcomes *o, const double coefficient[2]) {
    ein_sum s[6] = {{0, 0}};
    for (int64_t i = 0; i < o->n; i++) {
        const double z = o->logit[i], eta = coefficient[0] + coefficient[1] * z, t = o->target[o->label[i]];
        const double p = ein_logistic(eta), w = p * ein_logistic(-eta), residual = t - p;
        ein_sum_add(&s[0], -t * ein_softplus(-eta) - (1 - t) * ein_softplus(eta));
        ein_sum_add(&s[1], residual);
        ein_sum_add(&s[2], residual * z);
        ein_sum_add(&s[3], w);
        ein_sum_add(&s[4], w * z);
        ein_sum_add(&s[5], w * z * z);
    }
    likelihood l = {.value = ein_sum_value(s[0])};
    for (int j = 0; j < 2; j++) l.gradient[j] = ein_sum_value(s[1 + j]);
    for (int j = 0; j < 3; j++) l.information[j] = ein_sum_value(s[3 + j]);
    return l;
}

/* Newton's step in the coefficients that move; false where the information is singular. */
static bool newton_step(double step[2], const likelihood *l, const bool moves[2]) {
    const double *m = l->information, *g = l->gradient;
    step[0] = step[1] = 0;
    if (moves[0] && moves[1]) {
        const double determinant = m[0] * m[2] - m[1] * m[1];
        if (!(determinant > 1e-14 * m[0] * m[2])) return false;
        step[0] = (m[2] * g[0] - m[1] * g[1]) / determinant;
        step[1] = (m[0] * g[1] - m[1] * g[0]) / determinant;
        return true;
    }
    const int j = moves[1];
    if (!(m[2 * j] > 0)) return false;
    step[j] = g[j] / m[2 * j];
    return true;
}

/* The maximum in the coefficients that move, with halved steps while the likelihood falls. It is concave, and Platt's
 * targets lie inside (0, 1), so there is one unless all logits are equal. */
static bool climb(double coefficient[2], const outcomes *o, const bool moves[2]) {
    likelihood at = likelihood_at(o, coefficient);
    for (int i = 0; i < MAX_ITERATIONS; i++) {
        double step[2], next[2], moved = 0;
        if (!newton_step(step, &at, moves)) return false;
        for (int j = 0; j < 2; j++) {
            next[j] = coefficient[j] + step[j];
            moved = fmax(moved, fabs(step[j]) / (1 + fabs(next[j])));
        }
        if (!isfinite(moved)) return false;
        likelihood there = likelihood_at(o, next);
        const double slack = 1e-12 * (1 + fabs(at.value));
        for (int half = 0; half < 60 && !(there.value >= at.value - slack); half++) {
            for (int j = 0; j < 2; j++) next[j] = 0.5 * (next[j] + coefficient[j]);
            there = likelihood_at(o, next);
        }
        memcpy(coefficient, next, sizeof next);
        at = there;
        if (moved <= 1e-12) return true;
    }
    return true; /* as far as rounding lets it */
}

static bool all_equal(const outcomes *o) {
    for (int64_t i = 1; i < o->n; i++)
        if (o->logit[i] != o->logit[0]) return false;
    return true;
}

/* The intercept of a given slope, by bisection: the gradient falls with it, and where all records are far out there is
 * no curvature for Newton's method to go by. */
static double intercept_of(double slope, const outcomes *o) {
    double largest = 0;
    for (int64_t i = 0; i < o->n; i++) largest = fmax(largest, fabs(o->logit[i]));
    double high = slope * largest + 2 * ein_log((double)o->n + 2), low = -high;
    for (int i = 0; i < MAX_ITERATIONS; i++) {
        const double middle = 0.5 * (low + high), coefficient[2] = {middle, slope};
        if (middle <= low || middle >= high) break;
        if (likelihood_at(o, coefficient).gradient[0] > 0)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

/* The slope is 0 exactly where logits say nothing, so its sign tells whether they rise with the outcome. */
static ein_recalibrate_outcome fit_line(ein_recalibration *map, const outcomes *o) {
    const bool platt = map->kind == EIN_RECALIBRATE_PLATT, both[2] = {platt, true},
               intercept[2] = {true, false};
    double coefficient[2] = {0, 0}; /* where the information is greatest, however large logits are */
    if (all_equal(o)) return EIN_RECALIBRATE_FLAT;
    if (platt && !climb(coefficient, o, intercept)) return EIN_RECALIBRATE_FLAT;
    if (!climb(coefficient, o, both) || !(coefficient[1] > 0)) return EIN_RECALIBRATE_FLAT;
    const double bounded =
        fmin(fmax(coefficient[1], EIN_RECALIBRATE_SLOPE_LEAST), EIN_RECALIBRATE_SLOPE_MOST);
    if (bounded != coefficient[1]) {
        coefficient[1] = bounded;
        if (platt) coefficient[0] = intercept_of(bounded, o);
    }
    map->intercept = coefficient[0];
    map->slope = coefficient[1];
    return EIN_RECALIBRATE_FITTED;
}

/* --- isotonic map ------------------------------------------------------------------------------------------ */

/* Blocks so far: a new value is a block, and joins those before it that are not below it. */
static int64_t pool_adjacent(double *mean, double *weight, int64_t *count, const double *y, const double *w,
                             int64_t n) {
    int64_t blocks = 0;
    for (int64_t i = 0; i < n; i++) {
        double m = y[i], sum = w[i];
        int64_t members = 1;
        while (blocks > 0 && mean[blocks - 1] >= m) {
            blocks--;
            const double both = weight[blocks] + sum;
            m = (weight[blocks] * mean[blocks] + sum * m) / both;
            sum = both;
            members += count[blocks];
        }
        mean[blocks] = m;
        weight[blocks] = sum;
        count[blocks++] = members;
    }
    return blocks;
}

ein_status ein_isotonic(double *fit, const double *y, const double *weight, int64_t n) {
    double *mean = NULL, *sum = NULL;
    int64_t *count = NULL;
    ein_status status = EIN_NEW(mean, n + 1);
    if (status == EIN_OK) status = EIN_NEW(sum, n + 1);
    if (status == EIN_OK) status = EIN_NEW(count, n + 1);
    if (status == EIN_OK) {
        const int64_t blocks = pool_adjacent(mean, sum, count, y, weight, n);
        for (int64_t b = 0, at = 0; b < blocks; b++)
            for (int64_t i = 0; i < count[b]; i++) fit[at++] = mean[b];
    }
    free(mean);
    free(sum);
    free(count);
    return status;
}

/* Runs of records in the order of their logits: mean logit, mean target, records. A short rest joins the last run. */
static int64_t make_runs(double *logit, double *target, double *weight, const outcomes *o,
                         const int64_t *order) {
    const int64_t wanted = (o->n + EIN_RECALIBRATE_RUNS - 1) / EIN_RECALIBRATE_RUNS;
    const int64_t least = wanted > EIN_RECALIBRATE_RUN ? wanted : EIN_RECALIBRATE_RUN;
    int64_t runs = 0;
    for (int64_t i = 0; i < o->n;) {
        ein_sum z = {0, 0}, t = {0, 0};
        int64_t n = 0;
        for (; i < o->n && (n < least || o->n - i < least || o->logit[order[i]] == o->logit[order[i - 1]]);
             n++, i++) {
            ein_sum_add(&z, o->logit[order[i]]);
            ein_sum_add(&t, o->target[o->label[order[i]]]);
        }
        logit[runs] = ein_sum_value(z) / (double)n;
        target[runs] = ein_sum_value(t) / (double)n;
        weight[runs++] = (double)n;
    }
    return runs;
}

/* A knot for each block of equal fitted values, at the mean logit of its records. */
static ein_status make_knots(ein_recalibration *map, const double *logit, const double *fit,
                             const double *weight, int64_t runs) {
    EIN_TRY(EIN_NEW(map->logit, runs));
    EIN_TRY(EIN_NEW(map->probability, runs));
    for (int64_t r = 0; r < runs;) {
        ein_sum z = {0, 0}, w = {0, 0};
        const double p = fit[r];
        for (; r < runs && fit[r] == p; r++) {
            ein_sum_add(&z, weight[r] * logit[r]);
            ein_sum_add(&w, weight[r]);
        }
        map->logit[map->n_knots] = ein_sum_value(z) / ein_sum_value(w);
        map->probability[map->n_knots++] = p;
    }
    return EIN_OK;
}

static ein_status fit_isotonic(ein_recalibration *map, ein_recalibrate_outcome *outcome, const outcomes *o) {
    int64_t *order = NULL;
    double *run = NULL;
    ein_status status = EIN_NEW(order, o->n);
    if (status == EIN_OK) status = EIN_NEW(run, 3 * o->n);
    if (status == EIN_OK) status = ein_stats_order(order, o->logit, o->n);
    if (status == EIN_OK) {
        double *logit = run, *target = run + o->n, *weight = run + 2 * o->n;
        const int64_t runs = make_runs(logit, target, weight, o, order);
        status = ein_isotonic(target, target, weight, runs);
        if (status == EIN_OK) status = make_knots(map, logit, target, weight, runs);
    }
    free(order);
    free(run);
    *outcome = map->n_knots >= 2 ? EIN_RECALIBRATE_FITTED : EIN_RECALIBRATE_FLAT;
    return status;
}

/* --- fit --------------------------------------------------------------------------------------------------- */

ein_status ein_recalibrate_fit(ein_recalibration *map, ein_recalibrate_outcome *outcome,
                               ein_recalibrate_kind kind, const double *logit, const int8_t *label,
                               int64_t n) {
    int64_t positives, negatives;
    memset(map, 0, sizeof *map);
    *outcome = EIN_RECALIBRATE_FITTED;
    if (kind == EIN_RECALIBRATE_NONE) return EIN_OK;
    EIN_TRY(ein_stats_check_labels(&positives, &negatives, label, n));
    EIN_TRY(ein_stats_check_finite(logit, n, "logit"));
    const int64_t least = ein_recalibrate_minimum(kind);
    *outcome = EIN_RECALIBRATE_FEW;
    if (positives < least || negatives < least) return EIN_OK;
    const outcomes o = {
        logit, label, n, {1 / ((double)negatives + 2), ((double)positives + 1) / ((double)positives + 2)}};
    ein_status status = EIN_OK;
    map->kind = kind;
    if (kind == EIN_RECALIBRATE_ISOTONIC)
        status = fit_isotonic(map, outcome, &o);
    else
        *outcome = fit_line(map, &o);
    if (status != EIN_OK || *outcome != EIN_RECALIBRATE_FITTED) ein_recalibration_free(map);
    return status;
}
