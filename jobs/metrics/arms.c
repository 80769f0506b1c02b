#include "jobs/metrics/arms.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/roc.h"
#include "io/formats/json.h"
#include "jobs/metrics/metrics.h"
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

/* All replicates, in parts. A draw goes by its number, so the parts show in no bit. */
static ein_status resample(const ein_bootstrap *plan, const ein_arms_input *in, work *w,
                           ein_stats_value *replicate) {
    const int K = value_count(in);
    for (int64_t at = 0; at < in->replicates; at += EIN_ARMS_PART) {
        const int64_t left = in->replicates - at, n = left < EIN_ARMS_PART ? left : EIN_ARMS_PART;
        EIN_TRY(ein_bootstrap_run(plan, evaluate, w, K, at, n, replicate + at * K));
        if (in->progress) in->progress(in->self);
    }
    return EIN_OK;
}

static ein_status compare(ein_arms *a, const ein_arms_input *in, work *w) {
    const int K = value_count(in);
    ein_bootstrap *plan = NULL;
    ein_stats_value *estimate = NULL, *replicate = NULL, *column = NULL;
    for (int t = 0; t < in->n_targets; t++) a->n_counted += a->counted[t];
    ein_status status = EIN_NEW(estimate, K);
    if (status == EIN_OK) status = EIN_NEW(replicate, in->replicates * K);
    if (status == EIN_OK) status = EIN_NEW(column, in->replicates);
    if (status == EIN_OK) status = ein_bootstrap_new(&plan, in->cluster, in->n, in->seed);
    if (status == EIN_OK) status = estimate_all(w, estimate);
    if (status == EIN_OK) status = resample(plan, in, w, replicate);
    if (status == EIN_OK) status = summarise_arms(a, in, estimate, replicate, column);
    if (status == EIN_OK) status = summarise_pairs(a, in, estimate, replicate, column);
    ein_bootstrap_destroy(plan);
    free(estimate);
    free(replicate);
    free(column);
    return status;
}

ein_status ein_arms_compare(ein_arms **out, const ein_arms_input *in) {
    work w = {.in = in};
    *out = NULL;
    ein_status status = result_new(out, in);
    if (status == EIN_OK) status = work_new(&w, in, (*out)->counted);
    if (status == EIN_OK) {
        int counted = 0;
        for (int t = 0; t < in->n_targets; t++) counted += (*out)->counted[t];
        if (counted > 0) status = compare(*out, in, &w);
    }
    work_free(&w);
    if (status != EIN_OK) {
        ein_arms_destroy(*out);
        *out = NULL;
    }
    return status;
}

/* --- output ---------------------------------------------------------------------------------------------- */

static json_t *number(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *interval_json(const ein_stats_interval *i) {
    return json_pack("{s:o, s:o, s:o, s:o, s:s}", "value", number(i->value), "lower", number(i->lower),
                     "upper", number(i->upper), "se", number(i->se), "state",
                     ein_stats_state_name(i->state != EIN_STATS_ESTIMABLE ? i->state : i->interval_state));
}

static json_t *arm_json(const ein_arms *a, int i) {
    json_t *targets = json_object();
    for (int t = 0; t < a->n_targets; t++)
        json_object_set_new(targets, a->target_name[t], interval_json(&a->arm[i].of_target[t]));
    return json_pack("{s:o, s:i, s:o, s:o, s:o}", "arm", ein_json_text(a->arm_name[i]), "seeds",
                     a->arm[i].seeds, "macro", interval_json(&a->arm[i].figure), "sd_over_seeds",
                     number(a->arm[i].seed_sd), "targets", targets);
}

ein_status ein_arms_json(const ein_arms *a, json_t **out) {
    json_t *arms = json_array(), *pairs = json_array(), *left_out = json_array();
    for (int t = 0; t < a->n_targets; t++)
        if (!a->counted[t]) json_array_append_new(left_out, json_string(a->target_name[t]));
    for (int i = 0; a->n_counted > 0 && i < a->n_arms; i++) json_array_append_new(arms, arm_json(a, i));
    for (int i = 0; a->n_counted > 0 && i < a->n_pairs; i++) {
        const ein_arm_pair *p = &a->pair[i];
        json_array_append_new(pairs, json_pack("{s:o, s:o, s:o, s:o, s:o}", "first",
                                               ein_json_text(a->arm_name[p->first]), "second",
                                               ein_json_text(a->arm_name[p->second]), "difference",
                                               interval_json(&p->difference), "p", number(p->test.p),
                                               "p_adjusted", number(p->adjusted_p.value)));
    }
    *out = json_pack("{s:s, s:s, s:f, s:I, s:I, s:s, s:o, s:o, s:o}", "figure",
                     a->regression ? "macro R2" : "macro AUROC", "interval", "patient bootstrap, percentile",
                     "level", a->level, "replicates", (json_int_t)a->replicates, "undefined",
                     (json_int_t)a->undefined, "adjust", ein_adjust_name(a->adjust), "left_out", left_out,
                     "arms", arms, "pairs", pairs);
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for the comparison of arms");
}

static void print_interval(FILE *stream, const ein_stats_interval *i) {
    if (i->state != EIN_STATS_ESTIMABLE)
        fprintf(stream, "%s", ein_stats_state_name(i->state));
    else if (i->interval_state != EIN_STATS_ESTIMABLE)
        fprintf(stream, "%.3f", i->value);
    else
        fprintf(stream, "%.3f (%.3f to %.3f)", i->value, i->lower, i->upper);
}

/* A p value is never 0. */
static const char *p_text(char out[16], double p) {
    snprintf(out, 16, p < 1e-12 ? "<1e-12" : "%.3g", p);
    return out;
}

void ein_arms_print(const ein_arms *a, FILE *stream) {
    char p_value[16], adjusted[16];
    if (a->n_counted == 0) {
        fprintf(stream, "no target has enough records to compare arms\n");
        return;
    }
    fprintf(stream, "%-24s %5s  %-26s %s\n", "arm", "seeds", a->regression ? "macro R2" : "macro AUROC",
            "SD over seeds");
    for (int i = 0; i < a->n_arms; i++) {
        fprintf(stream, "%-24s %5d  ", a->arm_name[i], a->arm[i].seeds);
        print_interval(stream, &a->arm[i].figure);
        if (isfinite(a->arm[i].seed_sd)) fprintf(stream, "      %.4f", a->arm[i].seed_sd);
        fprintf(stream, "\n");
    }
    for (int i = 0; i < a->n_pairs; i++) {
        const ein_arm_pair *p = &a->pair[i];
        fprintf(stream, "  %s - %s: ", a->arm_name[p->first], a->arm_name[p->second]);
        print_interval(stream, &p->difference);
        if (p->test.state == EIN_STATS_ESTIMABLE)
            fprintf(stream, ", p %s, %s %s", p_text(p_value, p->test.p), ein_adjust_name(a->adjust),
                    p_text(adjusted, p->adjusted_p.value));
        fprintf(stream, "\n");
    }
    if (a->n_counted < a->n_targets) {
        fprintf(stream, "  left out of the average for too few %s:",
                a->regression ? "known values" : "records of a class");
        for (int t = 0; t < a->n_targets; t++)
            if (!a->counted[t]) fprintf(stream, " %s", a->target_name[t]);
        fprintf(stream, "\n");
    }
    fprintf(stream,
            "  mean over seeds of the average over %d of %d targets; %g %% intervals: percentile of %" PRId64
            " resamples of whole patients, all arms together%s\n",
            a->n_counted, a->n_targets, 100 * a->level, a->replicates,
            a->n_pairs ? "; p from difference / bootstrap SE" : "");
}

/* --- rows of the table ----------------------------------------------------------------------------------- */

enum { METHOD_BYTES = 160 };

static ein_metric blank_row(const ein_arms *a, const char *model, const char *metric, const char *method) {
    return (ein_metric){.model = model,
                        .group_text = "",
                        .metric = metric,
                        .method = method,
                        .estimate = ein_stats_no_interval(EIN_STATS_SUPPRESSED),
                        .test = ein_stats_no_test(EIN_STATS_SUPPRESSED),
                        .adjusted_p = ein_stats_unknown(EIN_STATS_SUPPRESSED),
                        .has_interval = true,
                        .n = a->n,
                        .n_positive = -1};
}

static void describe(char method[METHOD_BYTES], const ein_arms *a, const char *seeds) {
    snprintf(method, METHOD_BYTES, "%saverage over %d of %d targets; patient bootstrap, percentile", seeds,
             a->n_counted, a->n_targets);
}

static void put_arm(const ein_arms *a, int i, const char *task, const char *cohort, ein_csv_writer *writer) {
    char method[METHOD_BYTES], seeds[64];
    snprintf(seeds, sizeof seeds, "mean over %d seed%s of the ", a->arm[i].seeds,
             a->arm[i].seeds == 1 ? "" : "s");
    describe(method, a, seeds);
    ein_metric row = blank_row(a, a->arm_name[i], a->regression ? "macro_r2" : "macro_auroc", method);
    if (a->n_counted > 0) row.estimate = a->arm[i].figure;
    ein_metrics_csv_row(writer, task, "", cohort, &row);
    if (a->n_counted == 0 || !isfinite(a->arm[i].seed_sd)) return;
    row = blank_row(a, a->arm_name[i], a->regression ? "macro_r2_sd_over_seeds" : "macro_auroc_sd_over_seeds",
                    "standard deviation over seeds");
    row.has_interval = false;
    row.estimate = ein_stats_point(a->arm[i].seed_sd, EIN_STATS_ESTIMABLE);
    ein_metrics_csv_row(writer, task, "", cohort, &row);
}

static void put_pair(const ein_arms *a, const ein_arm_pair *pair, const char *model, const char *task,
                     const char *cohort, ein_csv_writer *writer) {
    char method[METHOD_BYTES];
    describe(method, a, "paired, p from difference / bootstrap SE; ");
    ein_metric row =
        blank_row(a, model, a->regression ? "macro_r2_difference" : "macro_auroc_difference", method);
    row.has_test = row.has_adjusted = true;
    if (a->n_counted > 0) {
        row.estimate = pair->difference;
        row.test = pair->test;
        row.adjusted_p = pair->adjusted_p;
    }
    ein_metrics_csv_row(writer, task, "", cohort, &row);
}

void ein_arms_csv(const ein_arms *a, const char *task, const char *cohort, ein_csv_writer *writer) {
    enum { NAME = 200 };
    char model[NAME];
    int pair = 0;
    for (int i = 0; i < a->n_arms; i++) put_arm(a, i, task, cohort, writer);
    for (int i = 0; i < a->n_arms; i++)
        for (int j = i + 1; j < a->n_arms; j++, pair++) {
            snprintf(model, sizeof model, "%.90s - %.90s", a->arm_name[i], a->arm_name[j]);
            put_pair(a, &a->pair[pair], model, task, cohort, writer);
        }
}
