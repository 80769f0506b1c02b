/* Statistics as JSON: one object per model, pair of models, and variable of subgroups. */
#include <string.h>

#include "io/formats/json.h"
#include "jobs/metrics/metrics.h"
#include "jobs/metrics/parts.h"

typedef struct {
    ein_json_builder json;
    const ein_metrics *m;
} writer;

static void put_state(writer *w, json_t *into, const char *state_key, const char *reason_key,
                      ein_stats_state state) {
    ein_json_put_text(&w->json, into, state_key, ein_stats_state_name(state));
    ein_json_put_text(&w->json, into, reason_key, ein_stats_state_text(state));
}

static void put_interval(writer *w, json_t *into, const ein_metric *row) {
    const ein_stats_interval *x = &row->estimate;
    ein_json_put_real(&w->json, into, "lower", x->lower);
    ein_json_put_real(&w->json, into, "upper", x->upper);
    if (isfinite(x->se)) ein_json_put_real(&w->json, into, "se", x->se);
    if (x->state == EIN_STATS_ESTIMABLE && x->interval_state != EIN_STATS_ESTIMABLE)
        put_state(w, into, "interval_state", "interval_reason", x->interval_state);
}

static void put_test(writer *w, json_t *into, const ein_metric *row) {
    if (isfinite(row->test.statistic)) ein_json_put_real(&w->json, into, "statistic", row->test.statistic);
    if (isfinite(row->test.df)) ein_json_put_real(&w->json, into, "df", row->test.df);
    ein_json_put_real(&w->json, into, "p", row->test.p);
    if (row->has_adjusted) ein_json_put_real(&w->json, into, "p_adjusted", row->adjusted_p.value);
    if (row->test.state != EIN_STATS_ESTIMABLE)
        put_state(w, into, "test_state", "test_reason", row->test.state);
}

static void put_count(writer *w, json_t *into, const char *key, int64_t count) {
    ein_json_put(&w->json, into, key, count < 0 ? json_null() : json_integer(count));
}

/* A row under its name without "@threshold", which its place says. */
static void put_row(writer *w, json_t *into, const ein_metric *row) {
    char name[128];
    const int bytes = (int)strcspn(row->metric, "@");
    snprintf(name, sizeof name, "%.*s", bytes, row->metric);
    json_t *x = ein_json_put_object(&w->json, into, name);
    ein_json_put_real(&w->json, x, "value", row->estimate.value);
    if (row->estimate.state != EIN_STATS_ESTIMABLE) put_state(w, x, "state", "reason", row->estimate.state);
    if (row->has_interval) put_interval(w, x, row);
    if (row->has_test) put_test(w, x, row);
    put_count(w, x, "n", row->n);
    if (!w->m->regression) put_count(w, x, "n_positive", row->n_positive);
    if (row->replicates >= 0) {
        put_count(w, x, "replicates", row->replicates);
        put_count(w, x, "replicates_undefined", row->undefined);
    }
    if (row->method[0]) ein_json_put_text(&w->json, x, "method", row->method);
}

/* --- selecting --------------------------------------------------------------------------------------------- */

/* All rows that are about the same thing as `like`. */
static bool is_about(const ein_metric *row, const ein_metric *like) {
    return row->scope == like->scope && row->first == like->first && row->second == like->second &&
           row->threshold == like->threshold && row->variable == like->variable &&
           row->group == like->group && row->other == like->other;
}

static bool has_rows(const writer *w, const ein_metric *like) {
    for (int64_t i = 0; i < w->m->n_rows; i++)
        if (is_about(&w->m->row[i], like)) return true;
    return false;
}

static void put_rows(writer *w, json_t *into, const ein_metric *like) {
    json_t *statistics = ein_json_put_object(&w->json, into, "statistics");
    for (int64_t i = 0; i < w->m->n_rows; i++)
        if (is_about(&w->m->row[i], like)) put_row(w, statistics, &w->m->row[i]);
}

static ein_metric about(ein_metric_scope scope, int first, int second) {
    return (ein_metric){.scope = scope,
                        .first = first,
                        .second = second,
                        .threshold = -1,
                        .variable = -1,
                        .group = -1,
                        .other = -1};
}

/* --- parts ------------------------------------------------------------------------------------------------- */

static void put_excluded(writer *w, json_t *into, int64_t listed) {
    const ein_metrics *m = w->m;
    json_t *list = ein_json_put_array(&w->json, into, "left_out");
    for (int64_t i = 0; i < m->n_excluded && i < listed; i++) {
        json_t *x = ein_json_put_object(&w->json, list, NULL);
        ein_json_put_text(&w->json, x, "record", m->excluded[i]);
        ein_json_put_text(&w->json, x, "reason", ein_metrics_reason_text(m, m->excluded_reason[i]));
    }
    ein_json_put_int(&w->json, into, "left_out_not_named",
                     m->n_excluded > listed ? m->n_excluded - listed : 0);
}

static void put_records(writer *w, json_t *into, int64_t listed) {
    const ein_metrics_counts *c = &w->m->counts;
    json_t *x = ein_json_put_object(&w->json, into, "records");
    ein_json_put_int(&w->json, x, "total", c->screening.n_total);
    ein_json_put_int(&w->json, x, "analysed", c->screening.n_kept);
    if (!w->m->regression) {
        ein_json_put_int(&w->json, x, "positive", c->n_positive);
        ein_json_put_int(&w->json, x, "negative", c->n_negative);
    }
    ein_json_put_bool(&w->json, x, "patients_known", w->m->has_patients);
    ein_json_put_int(&w->json, x, "patients", c->n_clusters);
    ein_json_put_int(&w->json, x, "most_records_of_a_patient", c->largest_cluster);
    ein_json_put_int(&w->json, x, "missing_label", c->screening.n_missing_label);
    ein_json_put_int(&w->json, x, "missing_score", c->screening.n_nan_score);
    ein_json_put_int(&w->json, x, "infinite_score", c->screening.n_infinite_score);
    put_excluded(w, x, listed);
}

static void put_method(const char *text, void *context) {
    void **both = context;
    ein_json_put_text(both[0], both[1], NULL, text);
}

static void put_methods(writer *w, json_t *into) {
    const ein_metrics_options *o = &w->m->options;
    json_t *x = ein_json_put_object(&w->json, into, "methods");
    ein_json_put_real(&w->json, x, "level", o->level);
    if (!w->m->regression)
        ein_json_put_text(&w->json, x, "auroc_variance",
                          w->m->variance == EIN_ROC_CLUSTERED ? "clustered" : "delong");
    ein_json_put_int(&w->json, x, "bootstrap_replicates", o->replicates);
    ein_json_put_int(&w->json, x, "bootstrap_seed", (int64_t)o->seed);
    ein_json_put_int(&w->json, x, "bootstrap_leave_out_groups", w->m->n_jackknife);
    ein_json_put_text(&w->json, x, "multiplicity", ein_adjust_name(o->adjust));
    if (!w->m->regression) ein_json_put_int(&w->json, x, "subgroup_minimum", o->minimum);
    void *both[2] = {&w->json, ein_json_put_array(&w->json, x, "text")};
    ein_metrics_each_method(w->m, put_method, both);
}

static void put_bins(writer *w, json_t *into, const char *key, const ein_calibration_bin *bin) {
    json_t *list = ein_json_put_array(&w->json, into, key);
    for (int b = 0; b < EIN_METRICS_BINS; b++) {
        json_t *x = ein_json_put_object(&w->json, list, NULL);
        ein_json_put_real(&w->json, x, "lower", bin[b].lower);
        ein_json_put_real(&w->json, x, "upper", bin[b].upper);
        ein_json_put_int(&w->json, x, "n", bin[b].n);
        ein_json_put_int(&w->json, x, "n_positive", bin[b].positives);
        ein_json_put_real(&w->json, x, "sum_probability", bin[b].sum_p);
    }
}

static void put_thresholds(writer *w, json_t *into, ein_metric like) {
    json_t *list = ein_json_put_object(&w->json, into, "thresholds");
    for (like.threshold = 0; like.threshold < w->m->n_thresholds; like.threshold++) {
        if (!has_rows(w, &like)) continue;
        json_t *x = ein_json_put_object(&w->json, list, w->m->threshold_name[like.threshold]);
        put_rows(w, x, &like);
    }
}

static void put_models(writer *w, json_t *into) {
    json_t *models = ein_json_put_object(&w->json, into, "models");
    for (int k = 0; k < w->m->n_models; k++) {
        const ein_metrics_model *model = &w->m->model[k];
        json_t *x = ein_json_put_object(&w->json, models, model->name);
        const ein_metric like = about(EIN_METRIC_MODEL, k, -1);
        ein_json_put_int(&w->json, x, "missing_score", model->n_nan);
        if (!w->m->regression) {
            ein_json_put_bool(&w->json, x, "probability", model->probability);
            ein_json_put_int(&w->json, x, "infinite_score", model->n_infinite);
            ein_json_put_int(&w->json, x, "clamped_score", model->n_clamped);
        }
        put_rows(w, x, &like);
        if (w->m->n_thresholds) put_thresholds(w, x, about(EIN_METRIC_THRESHOLD, k, -1));
        if (model->probability) {
            put_bins(w, x, "calibration_bins_width", model->bin[EIN_BINS_WIDTH]);
            put_bins(w, x, "calibration_bins_mass", model->bin[EIN_BINS_MASS]);
        }
        if (!model->calibrated) continue;
        put_bins(w, x, "calibrated_bins_width", model->calibrated_bin[EIN_BINS_WIDTH]);
        put_bins(w, x, "calibrated_bins_mass", model->calibrated_bin[EIN_BINS_MASS]);
    }
}

static void put_pairs(writer *w, json_t *into) {
    json_t *list = ein_json_put_array(&w->json, into, "comparisons");
    for (int a = 0; a < w->m->n_models; a++) {
        for (int b = a + 1; b < w->m->n_models; b++) {
            json_t *x = ein_json_put_object(&w->json, list, NULL);
            const ein_metric like = about(EIN_METRIC_PAIR, a, b);
            ein_json_put_text(&w->json, x, "first", w->m->model[a].name);
            ein_json_put_text(&w->json, x, "second", w->m->model[b].name);
            put_rows(w, x, &like);
            if (w->m->n_thresholds) put_thresholds(w, x, about(EIN_METRIC_DECISIONS, a, b));
        }
    }
}

static void put_groups(writer *w, json_t *into, int variable, int model) {
    const ein_metrics_groups *v = &w->m->variable[variable];
    json_t *groups = ein_json_put_array(&w->json, into, "groups");
    json_t *pairs = ein_json_put_array(&w->json, into, "differences");
    for (int g = 0; g < v->n_groups; g++) {
        ein_metric like = about(EIN_METRIC_GROUP, model, -1);
        like.variable = variable;
        like.group = g;
        json_t *x = ein_json_put_object(&w->json, groups, NULL);
        ein_json_put_text(&w->json, x, "group", v->group_name[g]);
        put_rows(w, x, &like);
        like.scope = EIN_METRIC_GROUP_PAIR;
        for (like.other = g + 1; like.other < v->n_groups; like.other++) {
            json_t *pair = ein_json_put_object(&w->json, pairs, NULL);
            ein_json_put_text(&w->json, pair, "first", v->group_name[g]);
            ein_json_put_text(&w->json, pair, "second", v->group_name[like.other]);
            put_rows(w, pair, &like);
        }
    }
}

static void put_subgroups(writer *w, json_t *into) {
    json_t *list = ein_json_put_array(&w->json, into, "subgroups");
    for (int v = 0; v < w->m->n_variables; v++) {
        for (int k = 0; k < w->m->n_models; k++) {
            json_t *x = ein_json_put_object(&w->json, list, NULL);
            ein_json_put_text(&w->json, x, "variable", w->m->variable[v].name);
            ein_json_put_text(&w->json, x, "model", w->m->model[k].name);
            ein_json_put_int(&w->json, x, "group_not_known", w->m->variable[v].unassigned);
            put_groups(w, x, v, k);
        }
    }
}

ein_status ein_metrics_json(const ein_metrics *m, int64_t listed, json_t **out) {
    writer w = {.m = m};
    json_t *object = json_object();
    if (!object) w.json.failed = true;
    ein_json_put_text(&w.json, object, "kind", m->regression ? "regression" : "binary");
    ein_json_put_text(&w.json, object, "task", m->task);
    ein_json_put_text(&w.json, object, "label", m->label_name);
    ein_json_put_text(&w.json, object, "cohort", m->cohort);
    put_records(&w, object, listed);
    put_methods(&w, object);
    put_models(&w, object);
    put_pairs(&w, object);
    if (m->n_variables) put_subgroups(&w, object);
    *out = NULL;
    const ein_status status = ein_json_done(&w.json, "the statistics as JSON");
    if (status == EIN_OK)
        *out = object;
    else
        json_decref(object);
    return status;
}
