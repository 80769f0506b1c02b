/* What readers get of a comparison of arms: JSON, text, rows of the table. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "io/formats/json.h"
#include "jobs/metrics/arms.h"
#include "jobs/metrics/bar.h"
#include "jobs/metrics/metrics.h"

/* --- JSON ------------------------------------------------------------------------------------------------ */

static json_t *interval_json(const ein_stats_interval *i) {
    return json_pack("{s:o, s:o, s:o, s:o, s:s}", "value", ein_json_number(i->value), "lower",
                     ein_json_number(i->lower), "upper", ein_json_number(i->upper), "se",
                     ein_json_number(i->se), "state",
                     ein_stats_state_name(i->state != EIN_STATS_ESTIMABLE ? i->state : i->interval_state));
}

static json_t *arm_json(const ein_arms *a, int i) {
    json_t *targets = json_object();
    for (int t = 0; t < a->n_targets; t++)
        json_object_set_new(targets, a->target_name[t], interval_json(&a->arm[i].of_target[t]));
    return json_pack("{s:o, s:i, s:o, s:o, s:o}", "arm", ein_json_text(a->arm_name[i]), "seeds",
                     a->arm[i].seeds, "macro", interval_json(&a->arm[i].figure), "sd_over_seeds",
                     ein_json_number(a->arm[i].seed_sd), "targets", targets);
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
                                               interval_json(&p->difference), "p", ein_json_number(p->test.p),
                                               "p_adjusted", ein_json_number(p->adjusted_p.value)));
    }
    *out = json_pack("{s:s, s:s, s:f, s:I, s:I, s:s, s:o, s:o, s:o}", "figure",
                     a->regression ? "macro R2" : "macro AUROC", "interval", "patient bootstrap, percentile",
                     "level", a->level, "replicates", (json_int_t)a->replicates, "undefined",
                     (json_int_t)a->undefined, "adjust", ein_adjust_name(a->adjust), "left_out", left_out,
                     "arms", arms, "pairs", pairs);
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for the comparison of arms");
}

/* --- text ------------------------------------------------------------------------------------------------ */

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

/* From 0 to 1, with chance of an AUROC marked. */
static void print_bar(FILE *stream, const ein_stats_interval *i, bool regression) {
    char bar[EIN_BAR_WIDTH + 1];
    if (!ein_bar_wanted(stream) || i->interval_state != EIN_STATS_ESTIMABLE) return;
    ein_bar(bar, i->lower, i->value, i->upper, regression ? (double)NAN : 0.5, 0, 1);
    fprintf(stream, "  0 [%s] 1", bar);
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
        print_bar(stream, &a->arm[i].figure, a->regression);
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
