/* Statistics for people: few numbers, each with its interval, and in words what is missing and why. */
#include <limits.h>
#include <string.h>

#include "io/base/utf8.h"
#include "jobs/metrics/metrics.h"
#include "jobs/metrics/parts.h"

enum { LABEL_WIDTH = 29, CELL_WIDTH = 30, CELL_BYTES = 160, SIDE_BY_SIDE = 2 };

/* --- texts ------------------------------------------------------------------------------------------------- */

static void print_padded(const char *text, int width, FILE *stream) {
    const int n = ein_utf8_print(text, INT_MAX, stream);
    fprintf(stream, "%*s", n < width ? width - n : 1, "");
}

static const char *p_text(char *out, size_t room, double p) {
    if (!(p >= 0.001))
        snprintf(out, room, "<0.001");
    else
        snprintf(out, room, p < 0.0995 ? "%.3f" : "%.2f", p);
    return out;
}

/* How a number is written. */
typedef enum { AS_FRACTION, AS_PERCENT, AS_FINE, AS_NUMBER, AS_COUNT, AS_Z, AS_POINTS } style;

static const char *number_text(char *out, size_t room, double x, style as) {
    switch (as) {
    case AS_FRACTION:
        snprintf(out, room, "%.3f", x);
        break;
    case AS_PERCENT:
    case AS_POINTS:
        snprintf(out, room, "%.1f", 100 * x);
        break;
    case AS_FINE:
        snprintf(out, room, "%.4f", x);
        break;
    case AS_NUMBER:
        snprintf(out, room, "%.4g", x);
        break;
    case AS_COUNT:
        snprintf(out, room, "%.0f", x);
        break;
    case AS_Z:
        snprintf(out, room, "%.2f", x);
    }
    return out;
}

static const char *state_words(char *out, size_t room, ein_stats_state state) {
    snprintf(out, room, "%s", ein_stats_state_name(state));
    for (char *c = out; *c; c++)
        if (*c == '_') *c = ' ';
    return out;
}

/* "0.665 (0.567 to 0.763)"; "- (one class)" without a value, "1.000 (boundary)" without an interval. */
static const char *cell_text(char *out, size_t room, const ein_metric *row, style as) {
    char value[48], lower[48], upper[48], words[64];
    const ein_stats_interval *x = &row->estimate;
    const char *unit = as == AS_PERCENT ? " %" : as == AS_POINTS ? " points" : "";
    if (x->state != EIN_STATS_ESTIMABLE) {
        snprintf(out, room, "- (%s)", state_words(words, sizeof words, x->state));
        return out;
    }
    number_text(value, sizeof value, x->value, as);
    if (!row->has_interval)
        snprintf(out, room, "%s%s", value, unit);
    else if (x->interval_state != EIN_STATS_ESTIMABLE)
        snprintf(out, room, "%s%s (%s)", value, unit, state_words(words, sizeof words, x->interval_state));
    else
        snprintf(out, room, "%s%s (%s to %s)", value, unit, number_text(lower, sizeof lower, x->lower, as),
                 number_text(upper, sizeof upper, x->upper, as));
    return out;
}

/* --- finding rows ------------------------------------------------------------------------------------------ */

/* The row `name` about the same thing as `like`. */
static const ein_metric *row_of(const ein_metrics *m, const ein_metric *like, const char *name) {
    const size_t bytes = strlen(name);
    for (int64_t i = 0; i < m->n_rows; i++) {
        const ein_metric *row = &m->row[i];
        if (row->scope == like->scope && row->first == like->first && row->second == like->second &&
            row->threshold == like->threshold && row->variable == like->variable &&
            row->group == like->group && row->other == like->other && !strncmp(row->metric, name, bytes) &&
            (row->metric[bytes] == 0 || row->metric[bytes] == '@'))
            return row;
    }
    return NULL;
}

static ein_metric about(ein_metric_scope scope, int first, int second, int threshold) {
    return (ein_metric){.scope = scope,
                        .first = first,
                        .second = second,
                        .threshold = threshold,
                        .variable = -1,
                        .group = -1,
                        .other = -1};
}

/* --- models side by side ----------------------------------------------------------------------------------- */

typedef struct {
    const char *metric; /* NULL: a heading */
    const char *label;
    style as;
} line;

typedef struct {
    const ein_metrics *m;
    FILE *stream;
    int first, count; /* models side by side */
    int threshold;    /* -1: none */
} table;

static void print_names(const table *t, const char *heading) {
    fputc('\n', t->stream);
    print_padded(heading, LABEL_WIDTH, t->stream);
    for (int k = t->first; k < t->first + t->count; k++) {
        if (k + 1 < t->first + t->count)
            print_padded(t->m->model[k].name, CELL_WIDTH, t->stream);
        else
            (void)ein_utf8_print(t->m->model[k].name, INT_MAX, t->stream);
    }
    fputc('\n', t->stream);
}

static void print_line(const table *t, const line *l) {
    const ein_metric_scope scope = t->threshold < 0 ? EIN_METRIC_MODEL : EIN_METRIC_THRESHOLD;
    char cell[SIDE_BY_SIDE][CELL_BYTES];
    bool any = false;
    for (int i = 0; i < t->count; i++) {
        const ein_metric like = about(scope, t->first + i, -1, t->threshold);
        const ein_metric *row = row_of(t->m, &like, l->metric);
        snprintf(cell[i], sizeof cell[i], "%s", "");
        if (!row) continue;
        any = true;
        cell_text(cell[i], sizeof cell[i], row, l->as);
        if (!row->has_test || row->test.state != EIN_STATS_ESTIMABLE) continue;
        char p[16];
        const size_t used = strlen(cell[i]);
        snprintf(cell[i] + used, sizeof cell[i] - used, ", p %s", p_text(p, sizeof p, row->test.p));
    }
    if (!any) return;
    print_padded(l->label, LABEL_WIDTH, t->stream);
    for (int i = 0; i < t->count; i++) {
        if (i + 1 < t->count)
            print_padded(cell[i], CELL_WIDTH, t->stream);
        else
            fputs(cell[i], t->stream);
    }
    fputc('\n', t->stream);
}

static void print_lines(const table *t, const line *lines, size_t n) {
    for (size_t i = 0; i < n; i++) print_line(t, &lines[i]);
}
#define PRINT_LINES(t, lines) print_lines(t, lines, sizeof(lines) / sizeof *(lines))

static bool has_row(const table *t, const char *metric) {
    for (int k = t->first; k < t->first + t->count; k++) {
        const ein_metric like = about(EIN_METRIC_MODEL, k, -1, -1);
        if (row_of(t->m, &like, metric)) return true;
    }
    return false;
}

static const line discrimination[] = {
    {"auroc", "AUROC", AS_FRACTION},
    {"auroc_logit", "  on the logit scale", AS_FRACTION},
    {"auroc_percentile", "  bootstrap, percentile", AS_FRACTION},
    {"auroc_bca", "  bootstrap, BCa", AS_FRACTION},
    {"average_precision", "Average precision", AS_FRACTION},
    {"average_precision_bca", "  bootstrap, BCa", AS_FRACTION},
};
static const line calibration[] = {
    {"brier", "Brier score", AS_FRACTION},
    {"log_loss", "Log loss", AS_FRACTION},
    {"calibration_slope", "Slope (ideal 1)", AS_FRACTION},
    {"calibration_intercept", "Intercept (ideal 0)", AS_FRACTION},
    {"calibration_in_the_large", "In the large (ideal 0)", AS_FRACTION},
    {"expected_observed", "Expected / observed", AS_FRACTION},
    {"ece_mass_10", "ECE, 10 bins of equal mass", AS_FRACTION},
    {"ece_width_10", "ECE, 10 bins of equal width", AS_FRACTION},
    {"ici", "ICI (mean error)", AS_FRACTION},
    {"e90", "E90", AS_FRACTION},
    {"emax", "Emax", AS_FRACTION},
    {"spiegelhalter_z", "Spiegelhalter z", AS_Z},
};
static const line calibrated[] = {
    {"calibrated_brier", "Brier score", AS_FRACTION},
    {"calibrated_log_loss", "Log loss", AS_FRACTION},
    {"calibrated_calibration_slope", "Slope (ideal 1)", AS_FRACTION},
    {"calibrated_calibration_intercept", "Intercept (ideal 0)", AS_FRACTION},
    {"calibrated_calibration_in_the_large", "In the large (ideal 0)", AS_FRACTION},
    {"calibrated_expected_observed", "Expected / observed", AS_FRACTION},
    {"calibrated_ece_mass_10", "ECE, 10 bins of equal mass", AS_FRACTION},
    {"calibrated_ece_width_10", "ECE, 10 bins of equal width", AS_FRACTION},
    {"calibrated_ici", "ICI (mean error)", AS_FRACTION},
};
static const line decisions[] = {
    {"threshold", "Threshold", AS_NUMBER},
    {"true_positive", "True positives", AS_COUNT},
    {"false_positive", "False positives", AS_COUNT},
    {"false_negative", "False negatives", AS_COUNT},
    {"true_negative", "True negatives", AS_COUNT},
    {"sensitivity", "Sensitivity", AS_PERCENT},
    {"specificity", "Specificity", AS_PERCENT},
    {"ppv", "PPV", AS_PERCENT},
    {"npv", "NPV", AS_PERCENT},
    {"f1", "F1", AS_FRACTION},
    {"mcc", "MCC", AS_FRACTION},
    {"net_benefit", "Net benefit", AS_FINE},
    {"net_benefit_treat_all", "  of treating all", AS_FINE},
};
static const line points[] = {
    {"descriptive_youden_threshold", "Youden: threshold", AS_NUMBER},
    {"descriptive_youden_sensitivity", "  sensitivity", AS_PERCENT},
    {"descriptive_youden_specificity", "  specificity", AS_PERCENT},
    {"descriptive_closest_threshold", "Closest to (1, 1): threshold", AS_NUMBER},
    {"descriptive_closest_sensitivity", "  sensitivity", AS_PERCENT},
    {"descriptive_closest_specificity", "  specificity", AS_PERCENT},
};
static const line agreement[] = {
    {"mae", "Mean absolute error", AS_NUMBER},
    {"rmse", "Root mean square error", AS_NUMBER},
    {"bias", "Bias (predicted - measured)", AS_NUMBER},
    {"limit_of_agreement_lower", "Limit of agreement, lower", AS_NUMBER},
    {"limit_of_agreement_upper", "Limit of agreement, upper", AS_NUMBER},
    {"r2", "R2", AS_FRACTION},
    {"slope", "Slope", AS_FRACTION},
    {"intercept", "Intercept", AS_NUMBER},
    {"pearson", "Pearson correlation", AS_FRACTION},
    {"spearman", "Spearman correlation", AS_FRACTION},
    {"kendall", "Kendall's tau-b", AS_FRACTION},
};

static bool has_threshold(const table *t) {
    for (int k = t->first; k < t->first + t->count; k++)
        if (!isnan(t->m->threshold[t->threshold * t->m->n_models + k])) return true;
    return false;
}

static void print_models(const ein_metrics *m, FILE *stream) {
    for (int first = 0; first < m->n_models; first += SIDE_BY_SIDE) {
        table t = {m, stream, first, m->n_models - first < SIDE_BY_SIDE ? m->n_models - first : SIDE_BY_SIDE,
                   -1};
        if (m->regression) {
            print_names(&t, "Agreement");
            PRINT_LINES(&t, agreement);
            continue;
        }
        print_names(&t, "Discrimination");
        PRINT_LINES(&t, discrimination);
        if (has_row(&t, "brier")) {
            print_names(&t, "Calibration");
            PRINT_LINES(&t, calibration);
        }
        if (has_row(&t, "calibrated_brier")) {
            print_names(&t, "After calibration");
            PRINT_LINES(&t, calibrated);
        }
        for (t.threshold = 0; t.threshold < m->n_thresholds; t.threshold++) {
            char heading[128];
            if (!has_threshold(&t)) continue;
            snprintf(heading, sizeof heading, "At threshold %s", m->threshold_name[t.threshold]);
            print_names(&t, heading);
            PRINT_LINES(&t, decisions);
        }
        t.threshold = -1;
        if (!has_row(&t, "descriptive_youden_threshold")) continue;
        print_names(&t, "Descriptive, not for use");
        PRINT_LINES(&t, points);
    }
}

/* --- comparisons ------------------------------------------------------------------------------------------- */

/* A family of one has nothing to adjust. */
static void print_test(const ein_metric *row, bool family, FILE *stream) {
    char p[16], adjusted[16], words[64];
    if (row->test.state != EIN_STATS_ESTIMABLE) {
        fprintf(stream, "  no test (%s)\n", state_words(words, sizeof words, row->test.state));
        return;
    }
    if (isfinite(row->test.statistic))
        fprintf(stream, "  %s %.2f", isfinite(row->test.df) ? "t" : "Z", row->test.statistic);
    fprintf(stream, "  p %s", p_text(p, sizeof p, row->test.p));
    if (family && row->has_adjusted)
        fprintf(stream, "  adjusted %s", p_text(adjusted, sizeof adjusted, row->adjusted_p.value));
    fputc('\n', stream);
}

static void print_difference(const ein_metrics *m, ein_metric like, const char *metric, const char *label,
                             style as, FILE *stream) {
    char cell[CELL_BYTES];
    const ein_metric *row = row_of(m, &like, metric);
    if (!row) return;
    const bool family = like.variable < 0 ? m->n_models > 2 : m->variable[like.variable].n_groups > 2;
    fputs("  ", stream);
    print_padded(label, LABEL_WIDTH - 2, stream);
    cell_text(cell, sizeof cell, row, as);
    if (row->has_test) {
        print_padded(cell, CELL_WIDTH, stream);
        print_test(row, family, stream);
    } else {
        fprintf(stream, "%s\n", cell);
    }
}

static void print_pair(const ein_metrics *m, int a, int b, FILE *stream) {
    static const line model_lines[] = {{"auroc_difference", "AUROC", AS_FRACTION},
                                       {"auroc_difference_bca", "  bootstrap, BCa", AS_FRACTION},
                                       {"average_precision_difference", "Average precision", AS_FRACTION},
                                       {"brier_difference", "Brier score", AS_FRACTION},
                                       {"mae_difference", "Mean absolute error", AS_NUMBER},
                                       {"rmse_difference", "Root mean square error", AS_NUMBER},
                                       {"r2_difference", "R2", AS_FRACTION}};
    static const line decided_lines[] = {{"accuracy_difference", "accuracy", AS_POINTS},
                                         {"sensitivity_difference", "sensitivity", AS_POINTS},
                                         {"specificity_difference", "specificity", AS_POINTS}};
    (void)ein_utf8_print(m->model[a].name, INT_MAX, stream);
    fputs(" - ", stream);
    (void)ein_utf8_print(m->model[b].name, INT_MAX, stream);
    fputc('\n', stream);
    for (size_t i = 0; i < sizeof model_lines / sizeof *model_lines; i++)
        print_difference(m, about(EIN_METRIC_PAIR, a, b, -1), model_lines[i].metric, model_lines[i].label,
                         model_lines[i].as, stream);
    for (int t = 0; t < m->n_thresholds; t++) {
        for (size_t i = 0; i < sizeof decided_lines / sizeof *decided_lines; i++) {
            char label[64];
            snprintf(label, sizeof label, "%s at %s", decided_lines[i].label, m->threshold_name[t]);
            print_difference(m, about(EIN_METRIC_DECISIONS, a, b, t), decided_lines[i].metric, label,
                             decided_lines[i].as, stream);
        }
    }
}

static void print_pairs(const ein_metrics *m, FILE *stream) {
    if (m->n_models < 2) return;
    fprintf(stream, "\nComparisons, first minus second\n");
    for (int a = 0; a < m->n_models; a++)
        for (int b = a + 1; b < m->n_models; b++) print_pair(m, a, b, stream);
}

/* --- subgroups --------------------------------------------------------------------------------------------- */

static void print_group(const ein_metrics *m, ein_metric like, FILE *stream) {
    char cell[CELL_BYTES];
    const ein_metric *row = row_of(m, &like, "auroc");
    if (!row) return;
    fputs("  ", stream);
    print_padded(m->variable[like.variable].group_name[like.group], LABEL_WIDTH - 2, stream);
    if (row->n < 0) {
        fputs("suppressed\n", stream);
        return;
    }
    print_padded(cell_text(cell, sizeof cell, row, AS_FRACTION), CELL_WIDTH, stream);
    fprintf(stream, "  %lld records, %lld positive\n", (long long)row->n, (long long)row->n_positive);
}

static void print_variable(const ein_metrics *m, int variable, int model, FILE *stream) {
    const ein_metrics_groups *v = &m->variable[variable];
    fprintf(stream, "\nAUROC by ");
    (void)ein_utf8_print(v->name, INT_MAX, stream);
    fputs(", ", stream);
    (void)ein_utf8_print(m->model[model].name, INT_MAX, stream);
    if (v->unassigned) fprintf(stream, " (%lld records of no known group)", (long long)v->unassigned);
    fputc('\n', stream);
    ein_metric like = about(EIN_METRIC_GROUP, model, -1, -1);
    like.variable = variable;
    for (like.group = 0; like.group < v->n_groups; like.group++) print_group(m, like, stream);
    like.scope = EIN_METRIC_GROUP_PAIR;
    for (like.group = 0; like.group < v->n_groups; like.group++) {
        for (like.other = like.group + 1; like.other < v->n_groups; like.other++) {
            char label[256];
            const ein_metric *row = row_of(m, &like, "auroc_difference");
            if (row && row->n < 0) continue;
            snprintf(label, sizeof label, "%.120s - %.120s", v->group_name[like.group],
                     v->group_name[like.other]);
            print_difference(m, like, "auroc_difference", label, AS_FRACTION, stream);
        }
    }
}

/* --- head and foot ----------------------------------------------------------------------------------------- */

static void print_head(const ein_metrics *m, FILE *stream) {
    const ein_metrics_counts *c = &m->counts;
    const double n = (double)c->screening.n_kept;
    (void)ein_utf8_print(m->label_name, INT_MAX, stream);
    if (m->cohort[0]) {
        fputs(", cohort ", stream);
        (void)ein_utf8_print(m->cohort, INT_MAX, stream);
    }
    fprintf(stream, ": %lld records", (long long)c->screening.n_kept);
    if (m->has_patients)
        fprintf(stream, " of %lld patients", (long long)c->n_clusters);
    else
        fputs(" (patients not named: each counts as one)", stream);
    if (!m->regression && n > 0)
        fprintf(stream, ", %lld positive (%.1f %%), %lld negative", (long long)c->n_positive,
                100 * (double)c->n_positive / n, (long long)c->n_negative);
    fprintf(stream, "; %g %% intervals\n", 100 * m->options.level);
    if (m->n_excluded == 0) return;
    fprintf(stream,
            "Left out: %lld of %lld records (%lld without a label, %lld without a score from every model)\n",
            (long long)m->n_excluded, (long long)c->screening.n_total,
            (long long)c->screening.n_missing_label, (long long)c->screening.n_nan_score);
}

static void mark(bool seen[EIN_STATS_STATE_COUNT], const ein_metric *row) {
    seen[row->estimate.state] = true;
    if (row->has_interval) seen[row->estimate.interval_state] = true;
    if (row->has_test) seen[row->test.state] = true;
}

/* The words in brackets, spelt out. */
static void print_states(const ein_metrics *m, FILE *stream) {
    bool seen[EIN_STATS_STATE_COUNT] = {false};
    char words[64];
    for (int64_t i = 0; i < m->n_rows; i++) mark(seen, &m->row[i]);
    const char *separator = "\nIn brackets";
    for (int s = EIN_STATS_ESTIMABLE + 1; s < EIN_STATS_STATE_COUNT; s++) {
        if (!seen[s]) continue;
        fprintf(stream, "%s, %s: %s", separator, state_words(words, sizeof words, s),
                ein_stats_state_text(s));
        separator = "\n           ";
    }
    if (separator[1] != 'I') fputc('\n', stream);
}

void ein_metrics_print(const ein_metrics *m, FILE *stream) {
    print_head(m, stream);
    print_models(m, stream);
    print_pairs(m, stream);
    for (int v = 0; v < m->n_variables; v++)
        for (int k = 0; k < m->n_models; k++) print_variable(m, v, k, stream);
    print_states(m, stream);
}
