/* What was given is copied in the order of record ids and screened; then each part adds its rows. */
#include "jobs/metrics/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/metrics/parts.h"

/* Scores of a float32 sigmoid may leave [0, 1] by rounding. */
static const double probability_tolerance = 1e-6;

enum { MOST_REPLICATES = 1000000 };

/* --- what is given --------------------------------------------------------------------------------------- */

enum { RECORD_BYTES = 96 };

/* What messages call a record: its id, or its place from 1. */
static const char *record_name(char out[RECORD_BYTES], const ein_metrics_input *in, int64_t i) {
    if (in->record)
        snprintf(out, RECORD_BYTES, "%.80s", in->record[i]);
    else
        snprintf(out, RECORD_BYTES, "number %lld", (long long)i + 1);
    return out;
}

static ein_status check_names(const char *const *name, int n, const char *what) {
    for (int i = 0; i < n; i++) {
        EIN_BUG_IF(!name[i]);
        for (int j = 0; j < i; j++)
            if (!strcmp(name[i], name[j]))
                return ein_error(EIN_RANGE, "two %s are named \"%s\"", what, name[i]);
    }
    return EIN_OK;
}

static ein_status check_options(const ein_metrics_options *o) {
    EIN_TRY(ein_stats_check_level(o->level));
    if (o->replicates < 0 || o->replicates > MOST_REPLICATES)
        return ein_error(EIN_RANGE, "%lld bootstrap replicates; 0 to %d are possible",
                         (long long)o->replicates, MOST_REPLICATES);
    if (o->minimum < 1)
        return ein_error(EIN_RANGE, "a minimum of %lld records per class of a subgroup; at least 1 is needed",
                         (long long)o->minimum);
    return EIN_OK;
}

static ein_status check_input(const ein_metrics_input *in) {
    char name[RECORD_BYTES];
    if (in->n < 0 || in->n > INT32_MAX)
        return ein_error(EIN_RANGE, "%lld records; at most 2^31 - 1 are analysed", (long long)in->n);
    if (in->n_models < 1 || in->n_models > EIN_METRICS_MOST_MODELS)
        return ein_error(EIN_RANGE, "%d models; 1 to %d are compared", in->n_models, EIN_METRICS_MOST_MODELS);
    if (in->n_thresholds < 0 || in->n_thresholds > EIN_METRICS_MOST_THRESHOLDS)
        return ein_error(EIN_RANGE, "%d thresholds; at most %d", in->n_thresholds,
                         EIN_METRICS_MOST_THRESHOLDS);
    EIN_TRY(check_names(in->model, in->n_models, "models"));
    for (int v = 0; v < in->n_variables; v++) {
        const ein_metrics_variable *x = &in->variable[v];
        if (x->n_groups < 1 || x->n_groups > EIN_METRICS_MOST_GROUPS)
            return ein_error(EIN_RANGE, "%s has %d groups; 1 to %d are possible", x->name, x->n_groups,
                             EIN_METRICS_MOST_GROUPS);
        EIN_TRY(check_names(x->group_name, x->n_groups, x->name));
        for (int64_t i = 0; i < in->n; i++)
            if (x->group[i] < -1 || x->group[i] >= x->n_groups)
                return ein_error(EIN_RANGE, "record %s is in group %d of %d of %s", record_name(name, in, i),
                                 x->group[i], x->n_groups, x->name);
    }
    for (int64_t i = 0; in->label && i < in->n; i++)
        if (in->label[i] != 0 && in->label[i] != 1 && in->label[i] != EIN_LABEL_MISSING)
            return ein_error(EIN_RANGE, "label of record %s is %d, neither 1 nor 0 nor missing",
                             record_name(name, in, i), in->label[i]);
    return EIN_OK;
}

/* --- copying names --------------------------------------------------------------------------------------- */

static ein_status copy_names(ein_metrics *m, const ein_metrics_input *in) {
    EIN_TRY(ein_metrics_keep(m, &m->task, "%s", in->task ? in->task : ""));
    EIN_TRY(ein_metrics_keep(m, &m->label_name, "%s", in->label_name ? in->label_name : ""));
    EIN_TRY(ein_metrics_keep(m, &m->cohort, "%s", in->cohort ? in->cohort : ""));
    EIN_TRY(EIN_NEW(m->model, in->n_models));
    m->n_models = in->n_models;
    for (int i = 0; i < in->n_models; i++)
        EIN_TRY(ein_metrics_keep(m, &m->model[i].name, "%s", in->model[i]));
    return EIN_OK;
}

static ein_status copy_thresholds(ein_metrics *m, const ein_metrics_input *in) {
    EIN_TRY(EIN_NEW(m->threshold_name, in->n_thresholds + 1));
    EIN_TRY(EIN_NEW(m->threshold, (int64_t)in->n_thresholds * in->n_models + 1));
    m->n_thresholds = in->n_thresholds;
    for (int t = 0; t < in->n_thresholds; t++) {
        EIN_TRY(ein_metrics_keep(m, &m->threshold_name[t], "%s", in->threshold[t].name));
        for (int i = 0; i < in->n_models; i++) m->threshold[t * in->n_models + i] = in->threshold[t].value[i];
    }
    return check_names(m->threshold_name, m->n_thresholds, "thresholds");
}

static ein_status copy_variables(ein_metrics *m, const ein_metrics_input *in) {
    EIN_TRY(EIN_NEW(m->variable, in->n_variables + 1));
    m->n_variables = in->n_variables;
    for (int v = 0; v < in->n_variables; v++) {
        const ein_metrics_variable *x = &in->variable[v];
        EIN_TRY(EIN_NEW(m->variable[v].group_name, x->n_groups));
        m->variable[v].n_groups = x->n_groups;
        EIN_TRY(ein_metrics_keep(m, &m->variable[v].name, "%s", x->name));
        for (int g = 0; g < x->n_groups; g++)
            EIN_TRY(ein_metrics_keep(m, &m->variable[v].group_name[g], "%s", x->group_name[g]));
    }
    return EIN_OK;
}

/* --- order and screening --------------------------------------------------------------------------------- */

typedef struct {
    const char *id;
    int64_t index;
} id_key;

/* Numbers within ids count as numbers, so that "ecg2" comes before "ecg10". */
static int compare_ids(const void *left, const void *right) {
    return strverscmp(((const id_key *)left)->id, ((const id_key *)right)->id);
}

/* sorted (n): the records in the order of their ids. */
static ein_status order_by_id(int64_t *sorted, const char *const *record, int64_t n) {
    id_key *key;
    EIN_TRY(EIN_NEW(key, n + 1));
    for (int64_t i = 0; i < n; i++) key[i] = (id_key){record[i], i};
    qsort(key, (size_t)n, sizeof *key, compare_ids);
    ein_status status = EIN_OK;
    for (int64_t i = 0; i < n && status == EIN_OK; i++) {
        sorted[i] = key[i].index;
        if (i > 0 && !strcmp(key[i].id, key[i - 1].id))
            status =
                ein_error(EIN_FORMAT, "record id \"%s\" stands twice: each record counts once", key[i].id);
    }
    free(key);
    return status;
}

/* NaN comes last and equals itself. */
static int compare_reals(double a, double b) {
    if (isnan(a) || isnan(b)) return (isnan(a) != 0) - (isnan(b) != 0);
    return (a > b) - (a < b);
}

/* Everything of a record but its place. Records that are equal in all of it are interchangeable. */
static int compare_contents(const void *left, const void *right, void *context) {
    const ein_metrics_input *in = context;
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    int order = 0;
    if (in->label) order = (in->label[a] > in->label[b]) - (in->label[a] < in->label[b]);
    if (!order && in->target) order = compare_reals(in->target[a], in->target[b]);
    for (int k = 0; k < in->n_models && !order; k++) order = compare_reals(in->score[k][a], in->score[k][b]);
    if (!order && in->alone) order = (in->alone[a] != 0) - (in->alone[b] != 0);
    if (!order && in->cluster && !(in->alone && in->alone[a]))
        order = (in->cluster[a] > in->cluster[b]) - (in->cluster[a] < in->cluster[b]);
    for (int v = 0; v < in->n_variables && !order; v++)
        order = (in->variable[v].group[a] > in->variable[v].group[b]) -
                (in->variable[v].group[a] < in->variable[v].group[b]);
    return order;
}

/* sorted (n): the order that records are worked on, which never is that of the input. */
static ein_status order_records(int64_t *sorted, const ein_metrics_input *in) {
    if (in->record && !in->by_content) return order_by_id(sorted, in->record, in->n);
    for (int64_t i = 0; i < in->n; i++) sorted[i] = i;
    qsort_r(sorted, (size_t)in->n, sizeof *sorted, compare_contents, (void *)(uintptr_t)in);
    return EIN_OK;
}

/* Whether the target is known, in the place of a label; an infinite one is refused. */
static ein_status known_targets(int8_t *known, const ein_metrics_input *in) {
    char name[RECORD_BYTES];
    for (int64_t i = 0; i < in->n; i++) {
        known[i] = isnan(in->target[i]) ? EIN_LABEL_MISSING : 0;
        bool infinite = isinf(in->target[i]);
        for (int k = 0; k < in->n_models; k++) infinite = infinite || isinf(in->score[k][i]);
        if (infinite)
            return ein_error(EIN_NUMERIC, "target or prediction of record %s is infinite",
                             record_name(name, in, i));
    }
    return EIN_OK;
}

static ein_status list_excluded(ein_metrics *m, const ein_metrics_input *in, const int64_t *sorted,
                                const uint8_t *reason) {
    const int64_t n = in->n - m->counts.screening.n_kept;
    EIN_TRY(EIN_NEW(m->excluded, n + 1));
    EIN_TRY(EIN_NEW(m->excluded_reason, n + 1));
    for (int64_t i = 0; i < in->n; i++) {
        /* What has no id of its own is found by its place. */
        const int64_t at = in->record && !in->by_content ? sorted[i] : i;
        const uint8_t why = reason[at] & (EIN_SCREEN_MISSING_LABEL | EIN_SCREEN_NAN_SCORE);
        if (!why) continue;
        if (in->record)
            EIN_TRY(ein_metrics_keep(m, &m->excluded[m->n_excluded], "%s", in->record[at]));
        else
            EIN_TRY(ein_metrics_keep(m, &m->excluded[m->n_excluded], "%lld", (long long)at + 1));
        m->excluded_reason[m->n_excluded++] = why;
    }
    return EIN_OK;
}

/* kept (n_kept): indices of the usable records in the order that they are worked on. */
static ein_status screen(ein_metrics *m, int64_t *kept, const ein_metrics_input *in) {
    int64_t *sorted = NULL;
    uint8_t *reason = NULL;
    int8_t *known = NULL;
    ein_status status = EIN_NEW(sorted, in->n + 1);
    if (status == EIN_OK) status = EIN_NEW(reason, in->n + 1);
    if (status == EIN_OK && m->regression) status = EIN_NEW(known, in->n + 1);
    if (status == EIN_OK && m->regression) status = known_targets(known, in);
    if (status == EIN_OK) status = order_records(sorted, in);
    if (status == EIN_OK)
        status = ein_stats_screen(&m->counts.screening, reason, kept, in->score, in->n_models,
                                  m->regression ? known : in->label, in->n);
    if (status == EIN_OK) {
        int64_t at = 0;
        for (int64_t i = 0; i < in->n; i++)
            if (!(reason[sorted[i]] & (EIN_SCREEN_MISSING_LABEL | EIN_SCREEN_NAN_SCORE)))
                kept[at++] = sorted[i];
        for (int k = 0; k < in->n_models; k++)
            for (int64_t i = 0; i < in->n; i++) m->model[k].n_nan += isnan(in->score[k][i]) != 0;
        status = list_excluded(m, in, sorted, reason);
    }
    free(sorted);
    free(reason);
    free(known);
    return status;
}

/* --- the analysed records -------------------------------------------------------------------------------- */

static void data_free(ein_metrics_data *d) {
    free(d->score);
    free(d->calibrated);
    free(d->order);
    free(d->label);
    free(d->target);
    free(d->cluster);
    free(d->group);
    free(d->called);
    *d = (ein_metrics_data){0};
}

static ein_status data_new(ein_metrics_data *d, const ein_metrics *m, const ein_metrics_input *in) {
    const int64_t n = m->counts.screening.n_kept;
    *d = (ein_metrics_data){.n = n, .n_models = in->n_models, .n_thresholds = m->n_thresholds};
    EIN_TRY(EIN_NEW(d->score, n * in->n_models + 1));
    if (in->cluster) EIN_TRY(EIN_NEW(d->cluster, n + 1));
    if (m->regression) return EIN_NEW(d->target, n + 1);
    if (in->calibrated) EIN_TRY(EIN_NEW(d->calibrated, n * in->n_models + 1));
    EIN_TRY(EIN_NEW(d->order, n * in->n_models + 1));
    EIN_TRY(EIN_NEW(d->label, n + 1));
    EIN_TRY(EIN_NEW(d->group, n * m->n_variables + 1));
    return EIN_NEW(d->called, n * in->n_models * m->n_thresholds + 1);
}

/* Who is of no known patient becomes a patient of his own, behind all others, in the order of the records. */
static void number_alone(ein_metrics_data *d, const ein_metrics_input *in, const int64_t *kept) {
    uint64_t next = 0;
    for (int64_t i = 0; i < d->n; i++)
        if (!in->alone[kept[i]] && d->cluster[i] >= next) next = d->cluster[i] + 1;
    for (int64_t i = 0; i < d->n; i++)
        if (in->alone[kept[i]]) d->cluster[i] = next++;
}

static void data_fill(ein_metrics_data *d, const ein_metrics *m, const ein_metrics_input *in,
                      const int64_t *kept) {
    for (int64_t i = 0; i < d->n; i++) {
        for (int k = 0; k < d->n_models; k++) {
            d->score[k * d->n + i] = in->score[k][kept[i]];
            if (d->calibrated && in->calibrated[k]) d->calibrated[k * d->n + i] = in->calibrated[k][kept[i]];
        }
        if (d->cluster) d->cluster[i] = in->cluster[kept[i]];
        if (d->target) d->target[i] = in->target[kept[i]];
        if (d->label) d->label[i] = in->label[kept[i]];
        for (int v = 0; v < m->n_variables; v++) d->group[v * d->n + i] = in->variable[v].group[kept[i]];
    }
    if (d->cluster && in->alone) number_alone(d, in, kept);
}

/* --- probabilities --------------------------------------------------------------------------------------- */

static bool in_unit_interval(const double *score, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (!(score[i] >= -probability_tolerance && score[i] <= 1 + probability_tolerance)) return false;
    return n > 0;
}

static ein_status find_probabilities(ein_metrics *m, ein_metrics_data *d, const double *const *calibrated) {
    for (int k = 0; k < d->n_models; k++) {
        double *score = d->score + k * d->n;
        ein_metrics_model *model = &m->model[k];
        model->calibrated =
            d->calibrated && calibrated[k] && in_unit_interval(d->calibrated + k * d->n, d->n);
        for (int64_t i = 0; i < d->n; i++) model->n_infinite += isinf(score[i]) != 0;
        if (m->options.probabilities == EIN_METRICS_NO) continue;
        model->probability = in_unit_interval(score, d->n);
        if (m->options.probabilities == EIN_METRICS_YES && d->n > 0 && !model->probability) {
            for (int64_t i = 0; i < d->n; i++)
                if (!in_unit_interval(&score[i], 1))
                    return ein_error(EIN_RANGE,
                                     "%s: %.9g is no probability (is it a logit?); without "
                                     "probabilities there is no calibration",
                                     model->name, score[i]);
        }
        if (model->probability)
            EIN_TRY(ein_stats_clamp_probabilities(score, d->n, probability_tolerance, &model->n_clamped));
    }
    return EIN_OK;
}

static ein_status call_records(const ein_metrics *m, ein_metrics_data *d) {
    for (int k = 0; k < d->n_models; k++) {
        const double *score = ein_data_score(d, k);
        EIN_TRY(ein_stats_order(d->order + k * d->n, score, d->n));
        for (int t = 0; t < d->n_thresholds; t++) {
            const double threshold = m->threshold[t * d->n_models + k];
            uint8_t *called = d->called + ((int64_t)t * d->n_models + k) * d->n;
            for (int64_t i = 0; i < d->n; i++) called[i] = score[i] >= threshold;
        }
    }
    return EIN_OK;
}

/* --- counts ---------------------------------------------------------------------------------------------- */

static ein_status count(ein_metrics *m, const ein_metrics_data *d) {
    int64_t *index;
    ein_metrics_counts *c = &m->counts;
    c->n_positive = c->n_negative = -1;
    if (d->label) EIN_TRY(ein_stats_check_labels(&c->n_positive, &c->n_negative, d->label, d->n));
    EIN_TRY(EIN_NEW(index, d->n + 1));
    const ein_status status =
        ein_stats_clusters(index, &c->n_clusters, &c->largest_cluster, d->cluster, d->n);
    free(index);
    c->clustered = c->largest_cluster > 1;
    m->has_patients = d->cluster != NULL;
    m->variance = m->options.variance;
    if (m->variance == EIN_ROC_AUTO) m->variance = c->clustered ? EIN_ROC_CLUSTERED : EIN_ROC_DELONG;
    for (int v = 0; v < m->n_variables; v++)
        for (int64_t i = 0; i < d->n; i++) m->variable[v].unassigned += d->group[v * d->n + i] < 0;
    return status;
}

static ein_status prepare(ein_metrics *m, ein_metrics_data *d, const ein_metrics_input *in) {
    int64_t *kept;
    EIN_TRY(check_options(&m->options));
    EIN_TRY(check_input(in));
    EIN_TRY(copy_names(m, in));
    if (!m->regression) {
        EIN_TRY(copy_thresholds(m, in));
        EIN_TRY(copy_variables(m, in));
    }
    EIN_TRY(EIN_NEW(kept, in->n + 1));
    ein_status status = screen(m, kept, in);
    if (status == EIN_OK) status = data_new(d, m, in);
    if (status == EIN_OK) data_fill(d, m, in, kept);
    free(kept);
    if (status == EIN_OK && !m->regression) status = find_probabilities(m, d, in->calibrated);
    if (status == EIN_OK && !m->regression) status = call_records(m, d);
    return status == EIN_OK ? count(m, d) : status;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

/* Net benefit needs a probability as threshold; other models get NaN, their replicates a state. */
static ein_status odds_of(double **out, const ein_metrics *m) {
    EIN_TRY(EIN_NEW(*out, (int64_t)m->n_thresholds * m->n_models + 1));
    for (int i = 0; i < m->n_thresholds * m->n_models; i++) {
        const double t = m->threshold[i];
        (*out)[i] = t >= 0 && t < 1 && m->model[i % m->n_models].probability ? t / (1 - t) : NAN;
    }
    return EIN_OK;
}

static ein_status add_rows(ein_metrics *m, const ein_metrics_data *d, const ein_metrics_resampled *r) {
    if (m->regression) return ein_metrics_regressions(m, d, r);
    EIN_TRY(ein_metrics_discrimination(m, d, r));
    EIN_TRY(ein_metrics_calibration(m, d));
    EIN_TRY(ein_metrics_decisions(m, d, r));
    EIN_TRY(ein_metrics_compare(m, d, r));
    EIN_TRY(ein_metrics_compare_decisions(m, d));
    return ein_metrics_subgroups(m, d);
}

/* Collective over comm, if there is one. */
static ein_status compute(ein_metrics **out, ein_comm *comm, const ein_metrics_input *in,
                          const ein_metrics_options *options, bool regression) {
    const bool first = !comm || ein_comm_rank(comm) == 0;
    ein_metrics *m = NULL;
    ein_metrics_data d = {0};
    ein_metrics_resampled r = {0};
    double *odds = NULL;
    ein_status status = EIN_OK;
    *out = NULL;
    if (first) {
        status = EIN_NEW(m, 1);
        if (status == EIN_OK) {
            m->regression = regression;
            m->options = *options;
            status = prepare(m, &d, in);
        }
        if (status == EIN_OK) status = odds_of(&odds, m);
    }
    if (comm) status = ein_comm_share(comm, status);
    if (status == EIN_OK)
        status = ein_metrics_resample(&r, comm, first ? &d : NULL, odds, options->replicates, options->seed);
    if (status == EIN_OK && first) {
        m->n_jackknife = r.n_groups;
        status = add_rows(m, &d, &r);
    }
    if (comm) status = ein_comm_share(comm, status);
    ein_metrics_resampled_free(&r);
    data_free(&d);
    free(odds);
    if (status != EIN_OK) {
        ein_metrics_destroy(m);
        return status;
    }
    *out = m;
    return EIN_OK;
}

ein_status ein_metrics_binary(ein_metrics **out, ein_comm *comm, const ein_metrics_input *in,
                              const ein_metrics_options *options) {
    return compute(out, comm, in, options, false);
}

ein_status ein_metrics_regression(ein_metrics **out, ein_comm *comm, const ein_metrics_input *in,
                                  const ein_metrics_options *options) {
    return compute(out, comm, in, options, true);
}
