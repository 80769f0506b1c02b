/* What the models decide at thresholds from outside, and whether two models decide alike. */
#include <stdio.h>
#include <stdlib.h>

#include "jobs/metrics/parts.h"

/* --- one model --------------------------------------------------------------------------------------------- */

/* NAME has Wilson's interval, with the design effect when patients repeat; the two classical ones stand beside it. */
static ein_status add_proportion(ein_metrics *m, ein_metric at, const char *name, const ein_proportion *p) {
    static const char wilson[] = "Wilson 1927", exact[] = "Clopper-Pearson 1934";
    char suffixed[64];
    at.n = p->n;
    if (m->counts.clustered) {
        EIN_TRY(ein_metrics_add_interval(m, at, name, "Wilson with the design effect of repeated patients",
                                         ein_metrics_limits(p->value, p->state, p->clustered_lower,
                                                            p->clustered_upper, p->clustered_state)));
        snprintf(suffixed, sizeof suffixed, "%s_wilson", name);
        EIN_TRY(ein_metrics_add_interval(
            m, at, suffixed, "Wilson 1927: too narrow when patients repeat",
            ein_metrics_limits(p->value, p->state, p->wilson_lower, p->wilson_upper, p->state)));
    } else {
        EIN_TRY(ein_metrics_add_interval(
            m, at, name, wilson,
            ein_metrics_limits(p->value, p->state, p->wilson_lower, p->wilson_upper, p->state)));
    }
    snprintf(suffixed, sizeof suffixed, "%s_exact", name);
    return ein_metrics_add_interval(
        m, at, suffixed,
        m->counts.clustered ? "Clopper-Pearson 1934: too narrow when patients repeat" : exact,
        ein_metrics_limits(p->value, p->state, p->exact_lower, p->exact_upper, p->state));
}

static ein_status add_counts(ein_metrics *m, ein_metric at, const ein_confusion *c) {
    const char *const names[] = {"true_positive", "false_positive", "false_negative", "true_negative"};
    const int64_t counts[] = {c->true_positive, c->false_positive, c->false_negative, c->true_negative};
    for (int i = 0; i < 4; i++)
        EIN_TRY(ein_metrics_add_value(m, at, names[i], "records", ein_stats_known((double)counts[i])));
    return EIN_OK;
}

static ein_status add_threshold(ein_metrics *m, const ein_metrics_data *d, const ein_metrics_resampled *r,
                                ein_metric at) {
    ein_threshold_metrics x;
    const double threshold = m->threshold[at.threshold * d->n_models + at.first];
    EIN_TRY(ein_threshold_evaluate(&x, ein_data_score(d, at.first), d->label, d->cluster, d->n, threshold,
                                   m->options.level));
    EIN_TRY(
        ein_metrics_add_value(m, at, "threshold", "from outside these records", ein_stats_known(threshold)));
    EIN_TRY(add_counts(m, at, &x.confusion));
    EIN_TRY(add_proportion(m, at, "sensitivity", &x.sensitivity));
    EIN_TRY(add_proportion(m, at, "specificity", &x.specificity));
    EIN_TRY(add_proportion(m, at, "ppv", &x.ppv));
    EIN_TRY(add_proportion(m, at, "npv", &x.npv));
    EIN_TRY(add_proportion(m, at, "accuracy", &x.accuracy));
    EIN_TRY(ein_metrics_add_value(m, at, "balanced_accuracy", "", x.balanced_accuracy));
    EIN_TRY(ein_metrics_add_value(m, at, "youden", "sensitivity + specificity - 1", x.youden));
    EIN_TRY(ein_metrics_add_value(m, at, "prevalence", "", x.prevalence));
    EIN_TRY(ein_metrics_add_bootstrap(m, at, r, "f1", true, x.f1,
                                      ein_column_threshold(d, at.threshold, at.first, 0), -1));
    EIN_TRY(ein_metrics_add_bootstrap(m, at, r, "mcc", true, x.mcc,
                                      ein_column_threshold(d, at.threshold, at.first, 1), -1));
    if (!m->model[at.first].probability) return EIN_OK;
    EIN_TRY(ein_metrics_add_bootstrap(m, at, r, "net_benefit", true, x.net_benefit,
                                      ein_column_threshold(d, at.threshold, at.first, 2), -1));
    return ein_metrics_add_value(m, at, "net_benefit_treat_all", "of calling every record positive",
                                 x.net_benefit_all);
}

ein_status ein_metrics_decisions(ein_metrics *m, const ein_metrics_data *d, const ein_metrics_resampled *r) {
    for (int k = 0; k < d->n_models; k++) {
        for (int t = 0; t < d->n_thresholds; t++) {
            ein_metric at = ein_metric_at(m, EIN_METRIC_THRESHOLD, k, -1);
            at.threshold = t;
            if (!isnan(m->threshold[t * d->n_models + k])) EIN_TRY(add_threshold(m, d, r, at));
        }
    }
    return EIN_OK;
}

/* --- two models -------------------------------------------------------------------------------------------- */

/* Deciding rightly, among all, the positives or the negatives; or calling positive, rightly or not. */
typedef enum { BY_ACCURACY, BY_SENSITIVITY, BY_SPECIFICITY, BY_CALLS, ASPECTS } aspect;

static const char *const aspect_name[] = {"accuracy", "sensitivity", "specificity", "positive_calls"};

/* The records of one aspect. */
typedef struct {
    uint8_t *first, *second; /* (n) decided rightly, or called positive */
    uint64_t *cluster;       /* (n) NULL without patients */
    double *difference;      /* (n) */
    int64_t n, n_positive;
} decided;

static void select_decided(decided *x, const ein_metrics_data *d, const uint8_t *a, const uint8_t *b,
                           aspect by) {
    x->n = x->n_positive = 0;
    for (int64_t i = 0; i < d->n; i++) {
        const uint8_t wanted = by == BY_CALLS ? 1 : (uint8_t)d->label[i];
        if (by == BY_SENSITIVITY && !d->label[i]) continue;
        if (by == BY_SPECIFICITY && d->label[i]) continue;
        x->first[x->n] = a[i] == wanted;
        x->second[x->n] = b[i] == wanted;
        if (x->cluster) x->cluster[x->n] = d->cluster[i];
        x->difference[x->n] = (double)x->first[x->n] - (double)x->second[x->n];
        x->n_positive += d->label[i];
        x->n++;
    }
}

/* The test that counts: over patients when they repeat, else McNemar's exact one. */
static ein_stats_test main_test(const ein_metrics *m, const ein_mcnemar *t) {
    if (m->counts.clustered) return t->clustered;
    if (t->exact_p.state != EIN_STATS_ESTIMABLE) return ein_stats_no_test(t->exact_p.state);
    return (ein_stats_test){NAN, NAN, t->exact_p.value, EIN_STATS_ESTIMABLE};
}

static ein_status add_mcnemar(ein_metrics *m, ein_metric at, const char *name, const ein_mcnemar *t) {
    char suffixed[64];
    const char *warned =
        m->counts.clustered ? "records taken as independent: p too small when patients repeat" : "";
    snprintf(suffixed, sizeof suffixed, "%s_only_first", name);
    EIN_TRY(ein_metrics_add_value(m, at, suffixed, "records", ein_stats_known((double)t->b)));
    snprintf(suffixed, sizeof suffixed, "%s_only_second", name);
    EIN_TRY(ein_metrics_add_value(m, at, suffixed, "records", ein_stats_known((double)t->c)));
    at.has_test = true;
    at.test = t->chi2;
    at.estimate = ein_metrics_limits(t->chi2.statistic, t->chi2.state, NAN, NAN, t->chi2.state);
    snprintf(suffixed, sizeof suffixed, "%s_mcnemar_chi2", name);
    EIN_TRY(ein_metrics_add(m, at, suffixed, *warned ? warned : "McNemar 1947, continuity correction"));
    at.test = t->exact_p.state == EIN_STATS_ESTIMABLE
                  ? (ein_stats_test){NAN, NAN, t->exact_p.value, EIN_STATS_ESTIMABLE}
                  : ein_stats_no_test(t->exact_p.state);
    at.estimate = ein_metrics_limits(t->exact_p.value, t->exact_p.state, NAN, NAN, t->exact_p.state);
    snprintf(suffixed, sizeof suffixed, "%s_mcnemar_exact_p", name);
    return ein_metrics_add(m, at, suffixed, *warned ? warned : "McNemar, exact binomial");
}

static ein_status compare_aspect(ein_metrics *m, ein_metric at, const ein_metrics_data *d, decided *x,
                                 aspect by) {
    char name[64];
    ein_mcnemar t;
    ein_stats_interval mean;
    select_decided(x, d, ein_data_called(d, at.threshold, at.first),
                   ein_data_called(d, at.threshold, at.second), by);
    at.n = x->n;
    at.n_positive = x->n_positive;
    EIN_TRY(ein_mcnemar_test(&t, x->first, x->second, x->cluster, x->n));
    EIN_TRY(ein_stats_mean(&mean, x->difference, x->cluster, x->n, m->options.level));
    ein_metric tested = at;
    tested.has_test = true;
    tested.test = main_test(m, &t);
    if (mean.interval_state == EIN_STATS_ESTIMABLE && !(mean.variance > 0))
        mean = ein_stats_point(mean.value, t.b + t.c ? EIN_STATS_ZERO_VARIANCE : EIN_STATS_IDENTICAL);
    snprintf(name, sizeof name, "%s_difference", aspect_name[by]);
    EIN_TRY(ein_metrics_add_interval(m, tested, name,
                                     m->counts.clustered ? "variance over patients (Obuchowski 1998)"
                                                         : "variance over records; p of McNemar's exact test",
                                     mean));
    return add_mcnemar(m, at, aspect_name[by], &t);
}

static ein_status compare_rule(ein_metrics *m, const ein_metrics_data *d, decided *x, int t) {
    const int64_t first = m->n_rows;
    for (int a = 0; a < d->n_models; a++) {
        for (int b = a + 1; b < d->n_models; b++) {
            const double *threshold = m->threshold + (int64_t)t * d->n_models;
            ein_metric at = ein_metric_at(m, EIN_METRIC_DECISIONS, a, b);
            at.threshold = t;
            if (isnan(threshold[a]) || isnan(threshold[b])) continue;
            for (int by = 0; by < ASPECTS; by++) EIN_TRY(compare_aspect(m, at, d, x, by));
        }
    }
    for (int by = 0; by < ASPECTS; by++) {
        char name[64];
        snprintf(name, sizeof name, "%s_difference", aspect_name[by]);
        EIN_TRY(ein_metrics_adjust(m, first, name));
    }
    return EIN_OK;
}

ein_status ein_metrics_compare_decisions(ein_metrics *m, const ein_metrics_data *d) {
    decided x = {0};
    ein_status status = EIN_NEW(x.first, d->n + 1);
    if (status == EIN_OK) status = EIN_NEW(x.second, d->n + 1);
    if (status == EIN_OK) status = EIN_NEW(x.difference, d->n + 1);
    if (status == EIN_OK && d->cluster) status = EIN_NEW(x.cluster, d->n + 1);
    for (int t = 0; t < d->n_thresholds && status == EIN_OK; t++) status = compare_rule(m, d, &x, t);
    free(x.first);
    free(x.second);
    free(x.difference);
    free(x.cluster);
    return status;
}
