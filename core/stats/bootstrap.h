/* Patient bootstrap of any statistic: percentile and BCa intervals, the same for any number of threads or ranks.
 *
 * A replicate draws as many patients as there are, with replacement, and takes all records of each.  Draw d of
 * replicate r is addressed as Philox(seed, EIN_DRAW_BOOTSTRAP, r, d/2): no state, so replicates may be computed
 * anywhere, in any order.  Patients are numbered by ascending key and a sample lists records in ascending
 * order, so its sums are in a fixed order too.
 *
 *     ein_bootstrap_new(&plan, cluster, n, seed);
 *     ein_bootstrap_run(plan, metric, context, K, first, count, values);     my share of the replicates
 *     ein_bootstrap_jackknife(plan, metric, context, K, groups, 0, groups, jack);
 *     ein_bootstrap_summarise(&result, estimate, values + k, K, R, jack + k, K, groups, options);
 *
 * A replicate in which the metric does not exist (one class drawn, say) is not replaced or set to a value: it is
 * counted and reported.  Conventions: core/stats/common.h.
 */
#ifndef EIN_CORE_STATS_BOOTSTRAP_H
#define EIN_CORE_STATS_BOOTSTRAP_H

#include "core/stats/common.h"

typedef struct ein_bootstrap ein_bootstrap;

/* Owns copies; free with ein_bootstrap_destroy (NULL is fine). EIN_RANGE if n < 1 or a count could exceed 2^31. */
ein_status ein_bootstrap_new(ein_bootstrap **out, const uint64_t *cluster, int64_t n, uint64_t seed);
void ein_bootstrap_destroy(ein_bootstrap *plan);
int64_t ein_bootstrap_clusters(const ein_bootstrap *plan);

/* A sample in both forms: take whichever is cheaper. */
typedef struct {
    const int64_t *record; /* (n_records) ascending, a record as often as it was drawn */
    int64_t n_records;     /* varies with the sizes of the patients drawn */
    const int32_t *count;  /* (n) how often each record was drawn */
    int64_t n;
} ein_bootstrap_sample;

/* Compute the K metrics of a sample into value (K). Called from several threads at once: `context` is read
 * only. An error status ends the run; "does not exist in this sample" is a state of the value. */
typedef ein_status (*ein_bootstrap_metric)(ein_stats_value *value, const ein_bootstrap_sample *sample,
                                           void *context);

/* Replicates first .. first + count - 1 into value (count, K). Runs on the OpenMP threads of the caller. */
ein_status ein_bootstrap_run(const ein_bootstrap *plan, ein_bootstrap_metric metric, void *context,
                             int n_metrics, int64_t first, int64_t count, ein_stats_value *value);

/* Leave-out samples first .. first + count - 1 of n_groups into value (count, K): group g leaves out patients
 * g, g + n_groups, ...; n_groups = number of patients is the ordinary jackknife, fewer groups bound the time
 * for large data. EIN_RANGE unless 2 <= n_groups <= patients. */
ein_status ein_bootstrap_jackknife(const ein_bootstrap *plan, ein_bootstrap_metric metric, void *context,
                                   int n_metrics, int64_t n_groups, int64_t first, int64_t count,
                                   ein_stats_value *value);

typedef struct {
    double level;
    double max_undefined; /* share of undefined replicates above which there is no interval */
} ein_bootstrap_options;

#define EIN_BOOTSTRAP_DEFAULTS ((ein_bootstrap_options){0.95, 0.05})

typedef struct {
    ein_stats_interval percentile; /* value is the estimate; variance that of the replicates */
    ein_stats_interval bca;        /* bias corrected and accelerated (Efron 1987; DiCiccio & Efron 1996) */
    int64_t n_replicates, n_undefined;
    ein_stats_state undefined_state; /* why, of the first undefined replicate */
    double mean, z0, acceleration;   /* NaN where not defined */
} ein_bootstrap_result;

/* From the estimate on all records and its replicates, value[0], value[stride], ...  Quantiles are order
 * statistics at (R+1) alpha, interpolated on the normal scale (Davison & Hinkley 1997, 5.8).
 *   z0 = quantile of the normal at (replicates below + half of those equal to the estimate) / R,
 *   a  = sum l^3 / (6 (sum l^2)^1.5),  l the mean minus each leave-out value.
 * `jackknife` NULL: no BCa. Not estimable: more undefined than allowed or (R+1) alpha outside 1..R
 * (EIN_STATS_UNDEFINED_PARTS), all replicates on one side (EIN_STATS_DEGENERATE), all equal. */
ein_status ein_bootstrap_summarise(ein_bootstrap_result *out, ein_stats_value estimate,
                                   const ein_stats_value *replicate, int64_t stride, int64_t n_replicates,
                                   const ein_stats_value *jackknife, int64_t jackknife_stride,
                                   int64_t n_groups, ein_bootstrap_options options);

/* first - second, not estimable if either is: for paired differences per replicate. */
ein_stats_value ein_stats_difference(ein_stats_value first, ein_stats_value second);

#endif
