/* Statistics as rows of a table. */
#include "jobs/metrics/metrics.h"
#include "jobs/metrics/parts.h"

const char *const ein_metrics_columns[EIN_METRICS_COLUMNS] = {
    "task", "label", "cohort", "model",      "group",  "metric", "value",     "lower", "upper",
    "se",   "p",     "n",      "n_positive", "method", "state",  "statistic", "df",    "p_adjusted"};

/* The first thing that is missing. */
static ein_stats_state row_state(const ein_metric *row) {
    if (row->estimate.state != EIN_STATS_ESTIMABLE) return row->estimate.state;
    if (row->has_interval && row->estimate.interval_state != EIN_STATS_ESTIMABLE)
        return row->estimate.interval_state;
    return row->has_test ? row->test.state : EIN_STATS_ESTIMABLE;
}

static void put_count(ein_csv_writer *writer, int64_t count) {
    if (count < 0)
        ein_csv_put(writer, NULL);
    else
        ein_csv_put_int(writer, count);
}

static void put_finite(ein_csv_writer *writer, bool has, double value) {
    ein_csv_put_real(writer, has && isfinite(value) ? value : NAN);
}

void ein_metrics_csv_row(ein_csv_writer *writer, const char *task, const char *label, const char *cohort,
                         const ein_metric *row) {
    const char *const texts[] = {task, label, cohort, row->model, row->group_text, row->metric};
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) ein_csv_put(writer, texts[t]);
    put_finite(writer, true, row->estimate.value);
    put_finite(writer, row->has_interval, row->estimate.lower);
    put_finite(writer, row->has_interval, row->estimate.upper);
    put_finite(writer, row->has_interval, row->estimate.se);
    put_finite(writer, row->has_test, row->test.p);
    put_count(writer, row->n);
    put_count(writer, row->n_positive);
    ein_csv_put(writer, row->method);
    ein_csv_put(writer, ein_stats_state_name(row_state(row)));
    put_finite(writer, row->has_test, row->test.statistic);
    put_finite(writer, row->has_test, row->test.df);
    put_finite(writer, row->has_adjusted, row->adjusted_p.value);
    ein_csv_end_row(writer);
}

void ein_metrics_csv(const ein_metrics *m, ein_csv_writer *writer) {
    for (int64_t i = 0; i < m->n_rows; i++)
        ein_metrics_csv_row(writer, m->task, m->label_name, m->cohort, &m->row[i]);
}
