/* The rows of a result and their texts: added by the parts, read by the caller. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/metrics/metrics.h"
#include "jobs/metrics/parts.h"

/* --- the result's memory --------------------------------------------------------------------------------- */

static ein_status keep_pointer(ein_metrics *m, char *text) {
    const ein_status status = EIN_GROW(m->text, m->text_room, m->n_texts + 1);
    if (status == EIN_OK)
        m->text[m->n_texts++] = text;
    else
        free(text);
    return status;
}

ein_status ein_metrics_keep(ein_metrics *m, const char **out, const char *format, ...) {
    va_list arguments;
    char *text = NULL;
    *out = "";
    va_start(arguments, format);
    const int bytes = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (bytes < 0) return ein_error(EIN_NOMEM, "no memory for the text of a statistic");
    EIN_TRY(keep_pointer(m, text));
    *out = text;
    return EIN_OK;
}

void ein_metrics_destroy(ein_metrics *m) {
    if (!m) return;
    for (int64_t i = 0; i < m->n_texts; i++) free(m->text[i]);
    for (int v = 0; m->variable && v < m->n_variables; v++) free(m->variable[v].group_name);
    free(m->text);
    free(m->model);
    free(m->threshold_name);
    free(m->threshold);
    free(m->variable);
    free(m->excluded);
    free(m->excluded_reason);
    free(m->row);
    free(m);
}

/* --- rows ------------------------------------------------------------------------------------------------ */

ein_metric ein_metric_at(const ein_metrics *m, ein_metric_scope scope, int first, int second) {
    return (ein_metric){.scope = scope,
                        .first = first,
                        .second = second,
                        .threshold = -1,
                        .variable = -1,
                        .group = -1,
                        .other = -1,
                        .estimate = ein_stats_no_interval(EIN_STATS_NO_RECORDS),
                        .test = ein_stats_no_test(EIN_STATS_NO_RECORDS),
                        .adjusted_p = ein_stats_unknown(EIN_STATS_NO_RECORDS),
                        .n = m->counts.screening.n_kept,
                        .n_positive = m->counts.n_positive,
                        .replicates = -1,
                        .undefined = -1};
}

static ein_status name_row(ein_metrics *m, ein_metric *row, const char *name) {
    if (row->threshold >= 0)
        EIN_TRY(ein_metrics_keep(m, &row->metric, "%s@%s", name, m->threshold_name[row->threshold]));
    else
        EIN_TRY(ein_metrics_keep(m, &row->metric, "%s", name));
    row->model = m->model[row->first].name;
    if (row->second >= 0)
        EIN_TRY(ein_metrics_keep(m, &row->model, "%s - %s", m->model[row->first].name,
                                 m->model[row->second].name));
    row->group_text = "";
    if (row->variable < 0) return EIN_OK;
    const ein_metrics_groups *v = &m->variable[row->variable];
    if (row->other < 0)
        return ein_metrics_keep(m, &row->group_text, "%s=%s", v->name, v->group_name[row->group]);
    return ein_metrics_keep(m, &row->group_text, "%s=%s - %s", v->name, v->group_name[row->group],
                            v->group_name[row->other]);
}

ein_status ein_metrics_add(ein_metrics *m, ein_metric at, const char *name, const char *method) {
    at.method = method;
    EIN_TRY(name_row(m, &at, name));
    EIN_TRY(EIN_GROW(m->row, m->room, m->n_rows + 1));
    m->row[m->n_rows++] = at;
    return EIN_OK;
}

ein_status ein_metrics_add_value(ein_metrics *m, ein_metric at, const char *name, const char *method,
                                 ein_stats_value value) {
    at.estimate = ein_metrics_limits(value.value, value.state, NAN, NAN, value.state);
    return ein_metrics_add(m, at, name, method);
}

ein_status ein_metrics_add_interval(ein_metrics *m, ein_metric at, const char *name, const char *method,
                                    ein_stats_interval value) {
    at.estimate = value;
    at.has_interval = true;
    /* An interval of no width would look like certainty. */
    if (value.interval_state == EIN_STATS_ESTIMABLE && value.variance == 0)
        at.estimate = ein_stats_point(value.value, EIN_STATS_ZERO_VARIANCE);
    return ein_metrics_add(m, at, name, method);
}

ein_stats_interval ein_metrics_limits(double value, ein_stats_state state, double lower, double upper,
                                      ein_stats_state interval_state) {
    return (ein_stats_interval){value, NAN, NAN, lower, upper, state, interval_state};
}

static bool is_named(const ein_metric *row, const char *name) {
    const size_t bytes = strlen(name);
    return !strncmp(row->metric, name, bytes) && (row->metric[bytes] == 0 || row->metric[bytes] == '@');
}

ein_status ein_metrics_adjust(ein_metrics *m, int64_t first, const char *name) {
    double *p;
    int64_t family = 0, at = 0;
    EIN_TRY(EIN_NEW(p, m->n_rows - first + 1));
    for (int64_t i = first; i < m->n_rows; i++)
        if (is_named(&m->row[i], name) && m->row[i].test.state == EIN_STATS_ESTIMABLE)
            p[family++] = m->row[i].test.p;
    const ein_status status = ein_adjust(p, p, family, m->options.adjust);
    for (int64_t i = first; status == EIN_OK && i < m->n_rows; i++) {
        ein_metric *row = &m->row[i];
        if (!is_named(row, name)) continue;
        row->has_adjusted = true;
        row->adjusted_p = row->test.state == EIN_STATS_ESTIMABLE ? ein_stats_known(p[at++])
                                                                 : ein_stats_unknown(row->test.state);
    }
    free(p);
    return status;
}

int64_t ein_metrics_count(const ein_metrics *m) {
    return m->n_rows;
}

const ein_metric *ein_metrics_row(const ein_metrics *m, int64_t index) {
    EIN_BUG_IF(index < 0 || index >= m->n_rows);
    return &m->row[index];
}

const ein_metric *ein_metrics_find(const ein_metrics *m, const char *model, const char *group_text,
                                   const char *metric) {
    for (int64_t i = 0; i < m->n_rows; i++) {
        const ein_metric *row = &m->row[i];
        if (!strcmp(row->metric, metric) && !strcmp(row->model, model) &&
            !strcmp(row->group_text, group_text))
            return row;
    }
    return NULL;
}

ein_metrics_counts ein_metrics_counted(const ein_metrics *m) {
    return m->counts;
}

const char *ein_metrics_label_name(const ein_metrics *m) {
    return m->label_name;
}

const char *ein_metrics_cohort(const ein_metrics *m) {
    return m->cohort;
}

int64_t ein_metrics_excluded_count(const ein_metrics *m) {
    return m->n_excluded;
}

const char *ein_metrics_excluded(const ein_metrics *m, int64_t index, unsigned *reason) {
    EIN_BUG_IF(index < 0 || index >= m->n_excluded);
    *reason = m->excluded_reason[index];
    return m->excluded[index];
}

const char *ein_metrics_reason_text(const ein_metrics *m, unsigned reason) {
    const bool label = reason & EIN_SCREEN_MISSING_LABEL, score = reason & EIN_SCREEN_NAN_SCORE;
    if (!label) return score ? "no score" : "";
    if (m->regression) return score ? "no measured value and no score" : "no measured value";
    return score ? "no label and no score" : "no label";
}
