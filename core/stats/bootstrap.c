#include "core/stats/bootstrap.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/stats/roc.h"
#include "core/stats/special.h"

struct ein_bootstrap {
    uint64_t seed;
    int64_t n, n_clusters, largest;
    int64_t *index; /* (n) patient of each record */
};

ein_status ein_bootstrap_new(ein_bootstrap **out, const uint64_t *cluster, int64_t n, uint64_t seed) {
    *out = NULL;
    if (n < 1 || n > INT32_MAX)
        return ein_error(EIN_RANGE, "bootstrap of %lld records; 1 to 2^31 - 1 are possible", (long long)n);
    ein_bootstrap *plan;
    EIN_TRY(EIN_NEW(plan, 1));
    plan->seed = seed;
    plan->n = n;
    ein_status status = EIN_NEW(plan->index, n);
    if (status == EIN_OK)
        status = ein_stats_clusters(plan->index, &plan->n_clusters, &plan->largest, cluster, n);
    if (status != EIN_OK) {
        ein_bootstrap_destroy(plan);
        return status;
    }
    *out = plan;
    return EIN_OK;
}

void ein_bootstrap_destroy(ein_bootstrap *plan) {
    if (!plan) return;
    free(plan->index);
    free(plan);
}

int64_t ein_bootstrap_clusters(const ein_bootstrap *plan) {
    return plan->n_clusters;
}

/* --- samples -------------------------------------------------------------------------------------------- */

/* 64 random bits to 0 .. count-1; the bias is count / 2^64. */
static int64_t scale_word(uint32_t high, uint32_t low, int64_t count) {
    __extension__ typedef unsigned __int128 wide;
    const uint64_t word = ((uint64_t)high << 32) | low;
    return (int64_t)(((wide)word * (uint64_t)count) >> 64);
}

static void draw_patients(int32_t *times, const ein_bootstrap *plan, int64_t replicate) {
    memset(times, 0, (size_t)plan->n_clusters * sizeof *times);
    for (int64_t d = 0; d < plan->n_clusters; d += 2) {
        const ein_philox_block w =
            ein_philox(plan->seed, EIN_DRAW_BOOTSTRAP, (uint64_t)replicate, (uint32_t)(d / 2));
        times[scale_word(w.v[0], w.v[1], plan->n_clusters)]++;
        if (d + 1 < plan->n_clusters) times[scale_word(w.v[2], w.v[3], plan->n_clusters)]++;
    }
}

static void leave_out(int32_t *times, const ein_bootstrap *plan, int64_t group, int64_t n_groups) {
    for (int64_t i = 0; i < plan->n_clusters; i++) times[i] = i % n_groups != group;
}

/* One thread's buffers. */
typedef struct {
    int32_t *times;  /* (n_clusters) */
    int32_t *count;  /* (n) */
    int64_t *record; /* grows: a sample may hold up to n_clusters * largest records */
    int64_t capacity;
} buffers;

static void buffers_free(buffers *b) {
    free(b->times);
    free(b->count);
    free(b->record);
}

static ein_status buffers_new(buffers *b, const ein_bootstrap *plan) {
    *b = (buffers){.capacity = plan->n};
    ein_status status = EIN_NEW(b->times, plan->n_clusters);
    if (status == EIN_OK) status = EIN_NEW(b->count, plan->n);
    if (status == EIN_OK) status = EIN_NEW(b->record, plan->n);
    return status;
}

static ein_status fill_sample(ein_bootstrap_sample *sample, buffers *b, const ein_bootstrap *plan) {
    int64_t total = 0;
    for (int64_t i = 0; i < plan->n; i++) {
        b->count[i] = b->times[plan->index[i]];
        total += b->count[i];
    }
    if (total > b->capacity) {
        free(b->record);
        b->capacity = 0;
        EIN_TRY(EIN_NEW(b->record, total + total / 4));
        b->capacity = total + total / 4;
    }
    int64_t at = 0;
    for (int64_t i = 0; i < plan->n; i++)
        for (int32_t c = 0; c < b->count[i]; c++) b->record[at++] = i;
    *sample = (ein_bootstrap_sample){b->record, total, b->count, plan->n};
    return EIN_OK;
}

/* --- runs ----------------------------------------------------------------------------------------------- */

typedef struct {
    const ein_bootstrap *plan;
    ein_bootstrap_metric metric;
    void *context;
    int n_metrics;
    int64_t first, count, n_groups; /* n_groups 0: bootstrap replicates */
    ein_stats_value *value;
} run;

static ein_status run_one(const run *r, int64_t at, buffers *b) {
    ein_bootstrap_sample sample;
    if (r->n_groups)
        leave_out(b->times, r->plan, r->first + at, r->n_groups);
    else
        draw_patients(b->times, r->plan, r->first + at);
    EIN_TRY(fill_sample(&sample, b, r->plan));
    return r->metric(r->value + at * r->n_metrics, &sample, r->context);
}

static ein_status run_all(const run *r) {
    if (r->n_metrics < 1 || r->first < 0 || r->count < 0)
        return ein_error(EIN_RANGE, "bootstrap of %d metrics, replicates from %lld, %lld of them",
                         r->n_metrics, (long long)r->first, (long long)r->count);
    ein_kept_error failure = {.status = EIN_OK}; /* of the earliest replicate */
#pragma omp parallel
    {
        buffers b;
        const ein_status ready = buffers_new(&b, r->plan);
        ein_error_keep_lowest(&failure, -1, ready);
#pragma omp for schedule(dynamic)
        for (int64_t at = 0; at < r->count; at++) {
            if (ready == EIN_OK) ein_error_keep_lowest(&failure, at, run_one(r, at, &b));
        }
        buffers_free(&b);
    }
    return ein_error_kept(&failure);
}

ein_status ein_bootstrap_run(const ein_bootstrap *plan, ein_bootstrap_metric metric, void *context,
                             int n_metrics, int64_t first, int64_t count, ein_stats_value *value) {
    const run r = {plan, metric, context, n_metrics, first, count, 0, value};
    return run_all(&r);
}

ein_status ein_bootstrap_jackknife(const ein_bootstrap *plan, ein_bootstrap_metric metric, void *context,
                                   int n_metrics, int64_t n_groups, int64_t first, int64_t count,
                                   ein_stats_value *value) {
    if (n_groups < 2 || n_groups > plan->n_clusters || first + count > n_groups)
        return ein_error(EIN_RANGE, "jackknife of %lld patients in %lld groups, %lld to %lld",
                         (long long)plan->n_clusters, (long long)n_groups, (long long)first,
                         (long long)(first + count));
    const run r = {plan, metric, context, n_metrics, first, count, n_groups, value};
    return run_all(&r);
}

/* --- intervals ------------------------------------------------------------------------------------------ */

static int compare_values(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The order statistic at (R+1) alpha; false if that lies outside 1..R. */
static bool sample_quantile(double *out, const double *sorted, int64_t n, double alpha) {
    const double at = alpha * (double)(n + 1), nearest = round(at);
    /* A whole number may miss itself by rounding. */
    const bool whole = fabs(at - nearest) < 1e-9 * (double)(n + 1);
    const int64_t k = (int64_t)(whole ? nearest : floor(at));
    if (!(at > 0) || k < 1 || k > n || (k == n && !whole)) return false;
    *out = sorted[k - 1];
    if (whole) return true;
    const double below = ein_normal_quantile((double)k / (double)(n + 1));
    const double above = ein_normal_quantile((double)(k + 1) / (double)(n + 1));
    *out += (ein_normal_quantile(alpha) - below) / (above - below) * (sorted[k] - sorted[k - 1]);
    return true;
}

static ein_stats_interval interval_at(ein_stats_interval base, const double *sorted, int64_t n, double low,
                                      double high) {
    if (!sample_quantile(&base.lower, sorted, n, low) || !sample_quantile(&base.upper, sorted, n, high))
        return ein_stats_point(base.value, EIN_STATS_UNDEFINED_PARTS);
    return base;
}

/* The acceleration; a state when a leave-out value does not exist or all are equal. */
static ein_stats_state acceleration_of(double *out, const ein_stats_value *value, int64_t stride, int64_t n) {
    ein_sum mean = {0, 0}, squares = {0, 0}, cubes = {0, 0};
    if (!value || n < 2) return EIN_STATS_FEW_CLUSTERS;
    for (int64_t i = 0; i < n; i++) {
        if (value[i * stride].state != EIN_STATS_ESTIMABLE) return EIN_STATS_UNDEFINED_PARTS;
        ein_sum_add(&mean, value[i * stride].value);
    }
    const double centre = ein_sum_value(mean) / (double)n;
    for (int64_t i = 0; i < n; i++) {
        const double l = centre - value[i * stride].value;
        ein_sum_add(&squares, l * l);
        ein_sum_add(&cubes, l * l * l);
    }
    const double s = ein_sum_value(squares);
    if (!(s > 0)) return EIN_STATS_ZERO_VARIANCE;
    *out = ein_sum_value(cubes) / (6 * s * sqrt(s));
    return EIN_STATS_ESTIMABLE;
}

static void bca_interval(ein_bootstrap_result *out, const double *sorted, int64_t n, double level) {
    const double estimate = out->percentile.value;
    int64_t below = 0, equal = 0;
    for (int64_t i = 0; i < n; i++) {
        below += sorted[i] < estimate;
        equal += sorted[i] == estimate;
    }
    const double share = ((double)below + 0.5 * (double)equal) / (double)n;
    if (!(share > 0 && share < 1)) {
        out->bca = ein_stats_point(estimate, EIN_STATS_DEGENERATE);
        return;
    }
    out->z0 = ein_normal_quantile(share);
    double alpha[2];
    for (int side = 0; side < 2; side++) {
        const double z = out->z0 + ein_normal_quantile(0.5 * (side ? 1 + level : 1 - level));
        const double shrink = 1 - out->acceleration * z;
        if (!(shrink > 0)) {
            out->bca = ein_stats_point(estimate, EIN_STATS_DEGENERATE);
            return;
        }
        alpha[side] = ein_normal_cdf(out->z0 + z / shrink);
    }
    out->bca = interval_at(out->percentile, sorted, n, alpha[0], alpha[1]);
}

/* A metric that says "estimable" and gives NaN would pass for a number: its error, not a state. */
static ein_status check_defined(const ein_stats_value *v, int64_t stride, int64_t n, const char *what) {
    for (int64_t i = 0; v && i < n; i++) {
        if (v[i * stride].state == EIN_STATS_ESTIMABLE && !isfinite(v[i * stride].value))
            return ein_error(EIN_NUMERIC, "%s %lld is %g but is marked as estimable", what, (long long)i,
                             v[i * stride].value);
    }
    return EIN_OK;
}

/* The defined replicates, ascending, and their moments. */
static void collect(ein_bootstrap_result *out, double *sorted, int64_t *n, double *variance,
                    const ein_stats_value *replicate, int64_t stride) {
    ein_sum sum = {0, 0}, squares = {0, 0};
    *n = 0;
    for (int64_t i = 0; i < out->n_replicates; i++) {
        const ein_stats_value v = replicate[i * stride];
        if (v.state == EIN_STATS_ESTIMABLE)
            sorted[(*n)++] = v.value;
        else if (out->n_undefined++ == 0)
            out->undefined_state = v.state;
    }
    for (int64_t i = 0; i < *n; i++) ein_sum_add(&sum, sorted[i]);
    if (*n > 0) out->mean = ein_sum_value(sum) / (double)*n;
    for (int64_t i = 0; i < *n; i++) ein_sum_add(&squares, (sorted[i] - out->mean) * (sorted[i] - out->mean));
    *variance = *n > 1 ? ein_sum_value(squares) / (double)(*n - 1) : 0;
    qsort(sorted, (size_t)*n, sizeof *sorted, compare_values);
}

static ein_stats_state replicates_state(const ein_bootstrap_result *out, const double *sorted, int64_t n,
                                        double max_undefined) {
    if (n < 2 || !((double)out->n_undefined <= max_undefined * (double)out->n_replicates))
        return EIN_STATS_UNDEFINED_PARTS;
    return sorted[0] == sorted[n - 1] ? EIN_STATS_ZERO_VARIANCE : EIN_STATS_ESTIMABLE;
}

ein_status ein_bootstrap_summarise(ein_bootstrap_result *out, ein_stats_value estimate,
                                   const ein_stats_value *replicate, int64_t stride, int64_t n_replicates,
                                   const ein_stats_value *jackknife, int64_t jackknife_stride,
                                   int64_t n_groups, ein_bootstrap_options options) {
    EIN_TRY(ein_stats_check_level(options.level));
    EIN_TRY(check_defined(&estimate, 1, 1, "estimate"));
    EIN_TRY(check_defined(replicate, stride, n_replicates, "replicate"));
    EIN_TRY(check_defined(jackknife, jackknife_stride, n_groups, "leave-out value"));
    *out = (ein_bootstrap_result){.n_replicates = n_replicates, .mean = NAN, .z0 = NAN, .acceleration = NAN};
    double *sorted, variance;
    int64_t n;
    EIN_TRY(EIN_NEW(sorted, n_replicates + 1));
    collect(out, sorted, &n, &variance, replicate, stride);
    ein_stats_state state = replicates_state(out, sorted, n, options.max_undefined);
    if (estimate.state != EIN_STATS_ESTIMABLE) {
        out->percentile = out->bca = ein_stats_no_interval(estimate.state);
    } else if (state != EIN_STATS_ESTIMABLE) {
        out->percentile = out->bca = ein_stats_point(estimate.value, state);
    } else {
        out->percentile = ein_stats_point(estimate.value, EIN_STATS_ESTIMABLE);
        out->percentile.variance = variance;
        out->percentile.se = sqrt(variance);
        state = acceleration_of(&out->acceleration, jackknife, jackknife_stride, n_groups);
        if (state == EIN_STATS_ESTIMABLE)
            bca_interval(out, sorted, n, options.level);
        else
            out->bca = ein_stats_point(estimate.value, state);
        out->percentile =
            interval_at(out->percentile, sorted, n, 0.5 * (1 - options.level), 0.5 * (1 + options.level));
    }
    free(sorted);
    return EIN_OK;
}

ein_stats_value ein_stats_difference(ein_stats_value first, ein_stats_value second) {
    if (first.state != EIN_STATS_ESTIMABLE) return first;
    if (second.state != EIN_STATS_ESTIMABLE) return second;
    return ein_stats_known(first.value - second.value);
}
