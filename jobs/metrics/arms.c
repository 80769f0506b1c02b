#include "jobs/metrics/arms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/roc.h"
#include "jobs/metrics/replicates.h"
#include "mpi/watchdog.h"

/* What a bootstrap sample is evaluated with. */
typedef struct {
    const ein_arms_input *in;
    const bool *counted;
    const int *seeds; /* (n_arms) models of each arm */
    int64_t **known;  /* (n_targets)(n_known) records with a label */
    int64_t *n_known; /* (n_targets) */
    int8_t **is;      /* (n_targets)(n_known), classification */
    double **score;   /* (n_models * n_targets)(n_known) */
    int64_t **order;  /* the same, by score */
} work;

/* --- one sample ------------------------------------------------------------------------------------------ */

/* R2 of a sample: record i counted count[i] times. */
static ein_stats_value weighted_r2(const double *score, const double *label, const int32_t *count,
                                   int64_t n) {
    double total = 0, sum = 0, residual = 0, spread = 0;
    for (int64_t i = 0; i < n; i++) {
        total += count[i];
        sum += count[i] * label[i];
    }
    if (total < 2) return ein_stats_unknown(EIN_STATS_FEW_RECORDS);
    const double mean = sum / total;
    for (int64_t i = 0; i < n; i++) {
        residual += count[i] * (label[i] - score[i]) * (label[i] - score[i]);
        spread += count[i] * (label[i] - mean) * (label[i] - mean);
    }
    if (!(spread > 0)) return ein_stats_unknown(EIN_STATS_ZERO_VARIANCE);
    return ein_stats_known(1 - residual / spread);
}

static ein_stats_value figure_of(const work *w, int model, int target, const int32_t *count,
                                 const double *label) {
    const int at = model * w->in->n_targets + target;
    if (w->in->regression) return weighted_r2(w->score[at], label, count, w->n_known[target]);
    return ein_roc_weighted_auc(w->order[at], w->score[at], w->is[target], count, w->n_known[target]);
}

static void add(ein_stats_value *sum, ein_stats_value x) {
    if (sum->state != EIN_STATS_ESTIMABLE) return;
    if (x.state != EIN_STATS_ESTIMABLE)
        *sum = x;
    else
        sum->value += x.value;
}

/* Layout of a sample's values: macro average of each model, then mean over seeds of each arm and target. */
static int value_count(const ein_arms_input *in) {
    return in->n_models + in->n_arms * in->n_targets;
}

static ein_status evaluate(ein_stats_value *value, const ein_bootstrap_sample *sample, void *context) {
    ein_watchdog_beat("resampling patients");
    const work *w = context;
    const ein_arms_input *in = w->in;
    int32_t *count;
    double *label;
    int counted = 0;
    EIN_TRY(EIN_NEW(count, in->n));
    ein_status status = EIN_NEW(label, in->n);
    if (status != EIN_OK) {
        free(count);
        return status;
    }
    for (int i = 0; i < value_count(in); i++) value[i] = ein_stats_known(0);
    for (int t = 0; t < in->n_targets; t++) {
        for (int64_t i = 0; i < w->n_known[t]; i++) {
            count[i] = sample->count[w->known[t][i]];
            label[i] = in->label[t][w->known[t][i]];
        }
        counted += w->counted[t];
        for (int m = 0; m < in->n_models; m++) {
            if (!w->counted[t]) continue;
            ein_stats_value x = figure_of(w, m, t, count, label);
            add(&value[m], x);
            if (x.state == EIN_STATS_ESTIMABLE) x.value /= w->seeds[in->arm[m]];
            add(&value[in->n_models + in->arm[m] * in->n_targets + t], x);
        }
    }
    for (int m = 0; m < in->n_models; m++)
        if (value[m].state == EIN_STATS_ESTIMABLE) value[m].value /= counted;
    free(count);
    free(label);
    return EIN_OK;
}

/* --- preparation ----------------------------------------------------------------------------------------- */

static ein_status prepare_target(work *w, int t, bool *counted) {
    const ein_arms_input *in = w->in;
    int64_t positive = 0;
    EIN_TRY(EIN_NEW(w->known[t], in->n));
    for (int64_t i = 0; i < in->n; i++)
        if (!isnan(in->label[t][i])) w->known[t][w->n_known[t]++] = i;
    const int64_t n = w->n_known[t];
    EIN_TRY(EIN_NEW(w->is[t], n));
    for (int64_t i = 0; i < n; i++) {
        w->is[t][i] = in->label[t][w->known[t][i]] > 0.5;
        positive += w->is[t][i];
    }
    *counted =
        in->regression ? n >= in->minimum && n > 1 : positive >= in->minimum && n - positive >= in->minimum;
    for (int m = 0; m < in->n_models; m++) {
        const int at = m * in->n_targets + t;
        EIN_TRY(EIN_NEW(w->score[at], n));
        EIN_TRY(EIN_NEW(w->order[at], n));
        for (int64_t i = 0; i < n; i++) w->score[at][i] = in->score[at][w->known[t][i]];
        EIN_TRY(ein_stats_order(w->order[at], w->score[at], n));
    }
    return EIN_OK;
}

static void work_free(work *w) {
    for (int t = 0; t < w->in->n_targets; t++) {
        if (w->known) free(w->known[t]);
        if (w->is) free(w->is[t]);
    }
    for (int i = 0; i < w->in->n_models * w->in->n_targets; i++) {
        if (w->score) free(w->score[i]);
        if (w->order) free(w->order[i]);
    }
    free(w->known);
    free(w->n_known);
    free(w->is);
    free(w->score);
    free(w->order);
    free((void *)(uintptr_t)w->seeds);
}

static ein_status work_new(work *w, const ein_arms_input *in, bool *counted) {
    int *seeds;
    w->in = in;
    w->counted = counted;
    EIN_TRY(EIN_NEW(seeds, in->n_arms));
    w->seeds = seeds;
    for (int m = 0; m < in->n_models; m++) seeds[in->arm[m]]++;
    EIN_TRY(EIN_NEW(w->known, in->n_targets));
    EIN_TRY(EIN_NEW(w->n_known, in->n_targets));
    EIN_TRY(EIN_NEW(w->is, in->n_targets));
    EIN_TRY(EIN_NEW(w->score, in->n_models * in->n_targets));
    EIN_TRY(EIN_NEW(w->order, in->n_models * in->n_targets));
    for (int t = 0; t < in->n_targets; t++) EIN_TRY(prepare_target(w, t, &counted[t]));
    return EIN_OK;
}

static ein_status copy_names(char **to, const char *const *from, int n) {
    for (int i = 0; i < n; i++)
        if (!(to[i] = strdup(from[i]))) return ein_error(EIN_NOMEM, "no memory for names");
    return EIN_OK;
}

static ein_status result_new(ein_arms **out, const ein_arms_input *in) {
    ein_arms *a;
    EIN_TRY(EIN_NEW(a, 1));
    *out = a;
    a->n = in->n;
    a->n_arms = in->n_arms;
    a->n_targets = in->n_targets;
    a->n_pairs = in->n_arms * (in->n_arms - 1) / 2;
    a->regression = in->regression;
    a->replicates = in->replicates;
    a->adjust = in->adjust;
    a->level = in->level;
    EIN_TRY(EIN_NEW(a->counted, in->n_targets));
    EIN_TRY(EIN_NEW(a->arm_name, in->n_arms));
    EIN_TRY(EIN_NEW(a->target_name, in->n_targets));
    EIN_TRY(EIN_NEW(a->arm, in->n_arms));
    EIN_TRY(EIN_NEW(a->pair, a->n_pairs));
    for (int i = 0; i < in->n_arms; i++) EIN_TRY(EIN_NEW(a->arm[i].of_target, in->n_targets));
    EIN_TRY(copy_names(a->arm_name, in->arm_name, in->n_arms));
    return copy_names(a->target_name, in->target_name, in->n_targets);
}

void ein_arms_destroy(ein_arms *a) {
    if (!a) return;
    for (int i = 0; i < a->n_arms; i++) {
        if (a->arm_name) free(a->arm_name[i]);
        if (a->arm) free(a->arm[i].of_target);
    }
    for (int t = 0; a->target_name && t < a->n_targets; t++) free(a->target_name[t]);
    free(a->counted);
    free(a->arm_name);
    free(a->target_name);
    free(a->arm);
    free(a->pair);
    free(a);
}

/* --- summaries ------------------------------------------------------------------------------------------- */

/* Mean over the models of an arm of one replicate's (or the estimate's) values. */
static ein_stats_value mean_of_arm(const ein_arms_input *in, const ein_stats_value *value, int arm) {
    ein_stats_value sum = ein_stats_known(0);
    int n = 0;
    for (int m = 0; m < in->n_models; m++)
        if (in->arm[m] == arm) {
            add(&sum, value[m]);
            n++;
        }
    if (sum.state == EIN_STATS_ESTIMABLE) sum.value /= n;
    return sum;
}

static double sd_of_seeds(const ein_arms_input *in, const ein_stats_value *value, int arm) {
    double sum = 0, square = 0;
    int n = 0;
    for (int m = 0; m < in->n_models; m++)
        if (in->arm[m] == arm) {
            sum += value[m].value;
            n++;
        }
    if (n < 2) return NAN;
    for (int m = 0; m < in->n_models; m++)
        if (in->arm[m] == arm) square += (value[m].value - sum / n) * (value[m].value - sum / n);
    return sqrt(square / (n - 1));
}

/* Percentile interval of the estimate from replicates in `column` (R). */
static ein_status interval_of(ein_stats_interval *out, ein_stats_value estimate,
                              const ein_stats_value *column, const ein_arms_input *in, int64_t *undefined) {
    ein_bootstrap_result r;
    ein_bootstrap_options options = EIN_BOOTSTRAP_DEFAULTS;
    options.level = in->level;
    EIN_TRY(ein_bootstrap_summarise(&r, estimate, column, 1, in->replicates, NULL, 0, 0, options));
    *out = r.percentile;
    if (undefined && r.n_undefined > *undefined) *undefined = r.n_undefined;
    return EIN_OK;
}

static ein_status summarise_arms(ein_arms *a, const ein_arms_input *in, const ein_stats_value *estimate,
                                 const ein_stats_value *replicate, ein_stats_value *column) {
    const int K = value_count(in);
    for (int i = 0; i < in->n_arms; i++) {
        for (int64_t r = 0; r < in->replicates; r++) column[r] = mean_of_arm(in, replicate + r * K, i);
        EIN_TRY(interval_of(&a->arm[i].figure, mean_of_arm(in, estimate, i), column, in, &a->undefined));
        a->arm[i].seed_sd = sd_of_seeds(in, estimate, i);
        for (int m = 0; m < in->n_models; m++) a->arm[i].seeds += in->arm[m] == i;
        for (int t = 0; t < in->n_targets; t++) {
            const int at = in->n_models + i * in->n_targets + t;
            if (!a->counted[t]) {
                a->arm[i].of_target[t] = ein_stats_no_interval(EIN_STATS_SUPPRESSED);
                continue;
            }
            for (int64_t r = 0; r < in->replicates; r++) column[r] = replicate[r * K + at];
            EIN_TRY(interval_of(&a->arm[i].of_target[t], estimate[at], column, in, NULL));
        }
    }
    return EIN_OK;
}

static ein_status summarise_pairs(ein_arms *a, const ein_arms_input *in, const ein_stats_value *estimate,
                                  const ein_stats_value *replicate, ein_stats_value *column) {
    const int K = value_count(in);
    double *p, *adjusted;
    int64_t m = 0;
    EIN_TRY(EIN_NEW(p, a->n_pairs));
    ein_status status = EIN_NEW(adjusted, a->n_pairs);
    int n = 0;
    for (int i = 0; status == EIN_OK && i < in->n_arms; i++)
        for (int j = i + 1; status == EIN_OK && j < in->n_arms; j++) {
            ein_arm_pair *pair = &a->pair[n++];
            pair->first = i;
            pair->second = j;
            for (int64_t r = 0; r < in->replicates; r++)
                column[r] = ein_stats_difference(mean_of_arm(in, replicate + r * K, i),
                                                 mean_of_arm(in, replicate + r * K, j));
            status =
                interval_of(&pair->difference,
                            ein_stats_difference(mean_of_arm(in, estimate, i), mean_of_arm(in, estimate, j)),
                            column, in, NULL);
            const ein_stats_interval *d = &pair->difference;
            pair->test = d->interval_state == EIN_STATS_ESTIMABLE && d->se > 0
                             ? ein_stats_z_test(d->value / d->se, INFINITY)
                             : ein_stats_no_test(d->interval_state);
            if (pair->test.state == EIN_STATS_ESTIMABLE) p[m++] = pair->test.p;
        }
    if (status == EIN_OK) status = ein_adjust(adjusted, p, m, in->adjust);
    m = 0;
    for (int i = 0; status == EIN_OK && i < a->n_pairs; i++)
        a->pair[i].adjusted_p = a->pair[i].test.state == EIN_STATS_ESTIMABLE
                                    ? ein_stats_known(adjusted[m++])
                                    : ein_stats_unknown(a->pair[i].test.state);
    free(p);
    free(adjusted);
    return status;
}

/* The estimate is the sample that has every record once. */
static ein_status estimate_all(const work *w, ein_stats_value *value) {
    int32_t *once;
    EIN_TRY(EIN_NEW(once, w->in->n));
    for (int64_t i = 0; i < w->in->n; i++) once[i] = 1;
    const ein_bootstrap_sample all = {.count = once, .n = w->in->n};
    const ein_status status = evaluate(value, &all, (void *)(uintptr_t)w);
    free(once);
    return status;
}

static ein_status summarise(ein_arms *a, const ein_arms_input *in, const work *w,
                            const ein_stats_value *replicate) {
    ein_stats_value *estimate = NULL, *column = NULL;
    ein_status status = EIN_NEW(estimate, value_count(in));
    if (status == EIN_OK) status = EIN_NEW(column, in->replicates);
    if (status == EIN_OK) status = estimate_all(w, estimate);
    if (status == EIN_OK) status = summarise_arms(a, in, estimate, replicate, column);
    if (status == EIN_OK) status = summarise_pairs(a, in, estimate, replicate, column);
    free(estimate);
    free(column);
    return status;
}

static ein_status agree(ein_comm *comm, ein_status mine) {
    return comm ? ein_comm_agree(comm, mine) : mine;
}

/* Collective: all ranks make replicates, rank 0 has them and summarises. */
static ein_status compare(ein_arms *a, ein_comm *comm, const ein_arms_input *in, work *w) {
    ein_bootstrap *plan = NULL;
    ein_stats_value *replicate = NULL;
    ein_status status = agree(comm, ein_bootstrap_new(&plan, in->cluster, in->n, in->seed));
    if (status == EIN_OK) {
        const ein_replicates r = {comm, plan, evaluate, w, value_count(in)};
        status = ein_replicates_run(&r, in->replicates, 0, &replicate);
    }
    if (status == EIN_OK) {
        if (replicate) status = summarise(a, in, w, replicate);
        if (comm) status = ein_comm_share(comm, status);
    }
    ein_bootstrap_destroy(plan);
    free(replicate);
    return status;
}

ein_status ein_arms_compare(ein_arms **out, ein_comm *comm, const ein_arms_input *in) {
    work w = {.in = in};
    ein_arms *a = NULL;
    *out = NULL;
    ein_status status = result_new(&a, in);
    if (status == EIN_OK) status = work_new(&w, in, a->counted);
    status = agree(comm, status);
    if (status == EIN_OK) {
        for (int t = 0; t < in->n_targets; t++) a->n_counted += a->counted[t];
        if (a->n_counted > 0) status = compare(a, comm, in, &w);
    }
    work_free(&w);
    if (status == EIN_OK && (!comm || ein_comm_rank(comm) == 0))
        *out = a;
    else
        ein_arms_destroy(a);
    return status;
}
