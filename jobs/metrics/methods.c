/* How the numbers were made, in sentences for a methods section and for whoever doubts a number. */
#include <stdarg.h>
#include <string.h>

#include "io/base/wrap.h"
#include "jobs/metrics/metrics.h"
#include "jobs/metrics/parts.h"

typedef struct {
    void (*line)(const char *text, void *context);
    void *context;
} teller;

static void tell(const teller *t, const char *format, ...) EIN_PRINTF(2, 3);
static void tell(const teller *t, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    t->line(text, t->context);
}

static void tell_patients(const ein_metrics *m, const teller *t) {
    const ein_metrics_counts *c = &m->counts;
    if (!m->has_patients)
        tell(
            t,
            "Patients: not named, so every record counts as a patient of its own. If patients have several records, "
            "intervals are too narrow and p values too small: name the patient column.");
    else if (c->clustered)
        tell(
            t,
            "Patients: %lld with up to %lld records each; variances%s are those of patients, not of records.",
            (long long)c->n_clusters, (long long)c->largest_cluster,
            m->variance == EIN_ROC_DELONG && !m->regression ? ", but for AUROCs," : "");
    else
        tell(t, "Patients: %lld, none with more than one record.", (long long)c->n_clusters);
}

static void tell_left_out(const ein_metrics *m, const teller *t) {
    const ein_stats_screening *s = &m->counts.screening;
    if (m->n_excluded == 0) return;
    tell(
        t,
        "Records left out of every statistic: %lld (%lld without a %s, %lld without a score from every model).",
        (long long)m->n_excluded, (long long)s->n_missing_label, m->regression ? "measured value" : "label",
        (long long)s->n_nan_score);
}

static void tell_auroc(const ein_metrics *m, const teller *t) {
    const double percent = 100 * m->options.level;
    if (m->variance == EIN_ROC_CLUSTERED)
        tell(
            t,
            "AUROC: ties count one half; variance clustered by patient (Obuchowski 1997); %g %% Wald interval, cut off "
            "at 0 and 1, and on the logit scale; direction as given, never flipped.",
            percent);
    else
        tell(
            t,
            "AUROC: ties count one half; variance of DeLong 1988%s; %g %% Wald interval, cut off at 0 and 1, and on "
            "the logit scale; direction as given, never flipped.",
            m->counts.clustered ? " as asked for, although patients repeat: intervals are too narrow" : "",
            percent);
}

static void tell_bootstrap(const ein_metrics *m, const teller *t) {
    if (m->options.replicates == 0) {
        tell(t, "Bootstrap: none asked for.");
        return;
    }
    tell(
        t,
        "Bootstrap: %lld resamples of whole patients, seed %llu; percentile and BCa intervals, the acceleration from "
        "%lld leave-out samples; replicates in which a statistic does not exist are counted, and above 5 %% there is "
        "no interval.",
        (long long)m->options.replicates, (unsigned long long)m->options.seed, (long long)m->n_jackknife);
}

static void tell_calibration(const ein_metrics *m, const teller *t) {
    int calibrated = 0;
    for (int k = 0; k < m->n_models; k++) calibrated += m->model[k].probability;
    for (int k = 0; k < m->n_models; k++) {
        if (m->model[k].n_clamped)
            tell(t,
                 "Probabilities: %lld scores of %s lay outside 0..1 by at most 1e-6 and were brought back.",
                 (long long)m->model[k].n_clamped, m->model[k].name);
        if (m->model[k].n_infinite)
            tell(t, "Scores: %lld of %s are infinite; they rank, and no descriptive threshold is given.",
                 (long long)m->model[k].n_infinite, m->model[k].name);
        if (!m->model[k].probability)
            tell(t, "Calibration: none for %s, whose scores %s.", m->model[k].name,
                 m->options.probabilities == EIN_METRICS_NO ? "are said to be no probabilities"
                 : m->counts.screening.n_kept == 0          ? "were all left out"
                                                            : "do not all lie in 0..1");
    }
    if (!calibrated) return;
    tell(
        t,
        "Calibration: scores are taken as probabilities%s. Brier score and log loss with variance over %s, t interval; "
        "recalibration by logistic regression on the logit, %s; ECE and MCE of the positive class; ICI, E50, E90, Emax "
        "by lowess; Spiegelhalter's z takes records as independent.",
        m->options.probabilities == EIN_METRICS_AUTO ? " because all lie in 0..1" : "",
        m->counts.clustered ? "patients" : "records",
        m->counts.clustered ? "sandwich variance over patients" : "standard errors of the model");
    for (int k = 0; k < m->n_models; k++)
        if (m->model[k].calibrated)
            tell(
                t,
                "After calibration: the map that %s carries, fitted on its validation records. Everything else, "
                "and every threshold, is of its scores as they are.",
                m->model[k].name);
}

static void tell_decisions(const ein_metrics *m, const teller *t) {
    if (m->n_thresholds)
        tell(
            t,
            "Decisions: positive when score >= threshold, thresholds from outside these records; %s; F1, MCC and net "
            "benefit with bootstrap intervals%s.",
            m->counts.clustered ? "Wilson intervals with the design effect of repeated patients, Wilson and "
                                  "Clopper-Pearson for records as independent beside them"
                                : "Wilson and Clopper-Pearson intervals",
            m->n_models < 2       ? ""
            : m->counts.clustered ? "; models compared by the difference over patients and by McNemar's test"
                                  : "; models compared by McNemar's test");
    tell(
        t,
        "Descriptive points: the Youden and the closest-to-(1, 1) points are those of these very records, optimistic, "
        "and used for nothing.");
}

static const char *adjust_words(ein_adjust_method method) {
    switch (method) {
    case EIN_ADJUST_BONFERRONI:
        return "adjusted by Bonferroni";
    case EIN_ADJUST_HOLM:
        return "adjusted by Holm 1979";
    case EIN_ADJUST_HOCHBERG:
        return "adjusted by Hochberg 1988";
    case EIN_ADJUST_HOMMEL:
        return "adjusted by Hommel 1988";
    case EIN_ADJUST_BH:
        return "adjusted by Benjamini & Hochberg 1995 (false discovery rate)";
    case EIN_ADJUST_BY:
        return "adjusted by Benjamini & Yekutieli 2001 (false discovery rate)";
    default:
        return "not adjusted";
    }
}

static void tell_comparisons(const ein_metrics *m, const teller *t) {
    const char *variance =
        m->regression ? "variance of the difference over patients"
        : m->variance == EIN_ROC_CLUSTERED
            ? "AUROCs clustered by patient (Obuchowski 1997), proportions in percentage points"
            : "AUROCs paired (DeLong 1988), proportions in percentage points";
    if (m->n_models > 1)
        tell(t,
             "Comparisons: first minus second on the same records, %s; the p values of all pairs of models "
             "(%d) are one family per statistic, %s; families do not "
             "extend over labels.",
             variance, m->n_models * (m->n_models - 1) / 2, adjust_words(m->options.adjust));
    if (m->n_variables)
        tell(
            t,
            "Subgroups: all pairs of groups of a variable are one family of tests per model, %s; groups with fewer "
            "than %lld positives or negatives are suppressed.",
            adjust_words(m->options.adjust), (long long)m->options.minimum);
}

static void tell_regression(const ein_metrics *m, const teller *t) {
    tell(
        t,
        "Agreement: difference means predicted - measured; R2 is 1 - sum of squared differences / sum of squares "
        "about the mean, of the prediction itself; %g %% intervals; limits of agreement hold 95 %% of differences%s.",
        100 * m->options.level,
        m->counts.clustered
            ? "; where a formula needs independent records the interval is the patient bootstrap's"
            : "");
}

void ein_metrics_each_method(const ein_metrics *m, void (*line)(const char *text, void *context),
                             void *context) {
    const teller t = {line, context};
    tell_patients(m, &t);
    tell_left_out(m, &t);
    if (m->regression) {
        tell_regression(m, &t);
    } else {
        tell_auroc(m, &t);
        tell_calibration(m, &t);
        tell_decisions(m, &t);
    }
    tell_bootstrap(m, &t);
    tell_comparisons(m, &t);
}

static void print_line(const char *text, void *context) {
    fputs("  ", context);
    ein_print_wrapped(context, 2, 4, text);
}

void ein_metrics_print_methods(const ein_metrics *m, FILE *stream) {
    fputs("\nMethods\n", stream);
    ein_metrics_each_method(m, print_line, stream);
}
