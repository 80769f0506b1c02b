/* Each task and cohort: curves, calibration, decisions, subgroups, statistics. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/report/curves.h"
#include "jobs/report/distribution.h"
#include "jobs/report/report.h"

enum { NAME = 320, MAX_MODELS = 4, MAX_DRAWN = 5, BINS = 64 };

/* A target of an evaluation while it is written. */
typedef struct {
    ein_report *r;
    int evaluation;
    const json_t *target;
    const char *task, *label, *cohort;
    int n_models;
    const char *model[MAX_MODELS];
    char what[NAME]; /* "sex, ukb" */
    bool few;        /* too few of one class to show curves */
} view;

static void figure(view *v, ein_status status, ein_picture *picture, const char *kind, const char *caption) {
    char name[2 * NAME];
    if (status != EIN_OK && v->r->page.status == EIN_OK) v->r->page.status = status;
    snprintf(name, sizeof name, "%d %.60s %.60s %.60s %s", v->evaluation, v->task, v->label, v->cohort, kind);
    ein_page_figure(&v->r->page, name, picture, caption);
}

static const json_t *statistics_of(const view *v, const char *model) {
    return json_object_get(json_object_get(json_object_get(v->target, "models"), model), "statistics");
}

/* --- curves from scores ------------------------------------------------------------------------------------ */

static void draw_curve(view *v, const ein_curves *c, int kind) {
    static const char *const kind_name[] = {"roc", "pr", "decision"};
    static const char *const title[] = {"ROC curve", "Precision and recall", "Decision curve"};
    static const char *const x_label[] = {"1 - specificity", "sensitivity (recall)", "threshold probability"};
    static const char *const y_label[] = {"sensitivity", "positive predictive value", "net benefit"};
    double x[EIN_CURVE_POINTS], all[EIN_CURVE_POINTS], none[EIN_CURVE_POINTS];
    char heading[2 * NAME], words[2 * NAME], names[MAX_MODELS][NAME];
    ein_series series[MAX_MODELS + 2] = {{.n = 0}};
    int n = 0;
    const double prevalence = c[0].n ? (double)c[0].n_positive / (double)c[0].n : (double)NAN;
    for (int i = 0; i < EIN_CURVE_POINTS; i++) {
        x[i] = ein_curve_x(i);
        none[i] = 0;
        all[i] = x[i] < 1 ? prevalence - (1 - prevalence) * x[i] / (1 - x[i]) : (double)NAN;
    }
    for (int k = 0; k < v->n_models; k++) {
        const ein_curve *y = kind == 0 ? &c[k].roc : kind == 1 ? &c[k].pr : &c[k].benefit;
        const json_t *s =
            json_object_get(statistics_of(v, v->model[k]), kind == 1 ? "average_precision" : "auroc");
        if (kind < 2)
            snprintf(names[k], NAME, "%.80s: %s %.3f (%.3f to %.3f)", v->model[k], kind ? "AP" : "AUROC",
                     ein_report_number(s, "value"), ein_report_number(s, "lower"),
                     ein_report_number(s, "upper"));
        else
            snprintf(names[k], NAME, "%.80s", v->model[k]);
        series[n] = (ein_series){.name = names[k],
                                 .n = EIN_CURVE_POINTS,
                                 .x = x,
                                 .y = y->y,
                                 .lower = y->lower,
                                 .upper = y->upper,
                                 .line = true,
                                 .ink = k};
        n++;
    }
    if (kind == 2) {
        series[n] = (ein_series){.name = "call everybody positive",
                                 .n = EIN_CURVE_POINTS,
                                 .x = x,
                                 .y = all,
                                 .line = true,
                                 .ink = 2};
        n++;
        series[n] = (ein_series){
            .name = "call nobody positive", .n = EIN_CURVE_POINTS, .x = x, .y = none, .line = true, .ink = 3};
        n++;
    }
    snprintf(heading, sizeof heading, "%s, %s", title[kind], v->what);
    snprintf(words, sizeof words, "%s of %d models with 95 %% bands by bootstrap over patients.", title[kind],
             v->n_models);
    ein_plot plot = {.title = heading,
                     .description = words,
                     .x_label = x_label[kind],
                     .y_label = y_label[kind],
                     .x_max = 1,
                     .y_max = 1,
                     .diagonal = kind == 0,
                     .reference = kind == 1 ? prevalence : (double)NAN,
                     .square = true,
                     .n_series = n,
                     .series = series};
    if (kind == 2) {
        plot.y_min = -0.25 * fmax(prevalence, 0.1);
        plot.y_max = 1.15 * prevalence;
    }
    ein_picture *picture = NULL;
    const ein_status status = ein_plot_draw(&plot, &picture);
    figure(v, status, picture, kind_name[kind], title[kind]);
}

static void draw_distribution(view *v, const ein_curves *c) {
    ein_picture *picture = NULL;
    ein_status status = ein_distribution_draw(c, v->n_models, v->model, v->what, v->r->minimum, &picture);
    if (status == EIN_NOTFOUND) {
        ein_error_clear();
        return;
    }
    figure(v, status, picture, "scores", "Scores of each class");
}

static void draw_curves(view *v, const ein_csv *scores) {
    ein_curves *c = calloc(MAX_MODELS, sizeof *c);
    char target[NAME];
    bool probability = true;
    ein_status status = c ? EIN_OK : ein_error(EIN_NOMEM, "no memory for curves");
    snprintf(target, sizeof target, "%s/%s", v->task, v->label);
    for (int k = 0; k < v->n_models && status == EIN_OK; k++) {
        const json_t *model = json_object_get(json_object_get(v->target, "models"), v->model[k]);
        probability = probability && json_is_true(json_object_get(model, "probability"));
        status = ein_curves_of_scores(scores, v->model[k], target, &c[k]);
        if (status == EIN_NOTFOUND) status = ein_curves_of_scores(scores, v->model[k], v->label, &c[k]);
        if (status == EIN_NOTFOUND) status = ein_curves_of_scores(scores, v->model[k], v->task, &c[k]);
    }
    if (status == EIN_OK) {
        draw_curve(v, c, 0);
        draw_curve(v, c, 1);
        if (probability) draw_curve(v, c, 2);
        draw_distribution(v, c);
    } else if (status == EIN_NOTFOUND) {
        ein_page_paragraph(&v->r->page, ein_error_message());
        ein_error_clear();
    } else if (v->r->page.status == EIN_OK) {
        v->r->page.status = status;
    }
    free(c);
}

/* --- calibration ------------------------------------------------------------------------------------------- */

/* Observed against predicted share in bins of equal numbers of records, as metrics.json has them; below the share of
 * records over the predicted probability, of the first model. */
static void draw_calibration(view *v) {
    static double x[MAX_MODELS][BINS], y[MAX_MODELS][BINS], lower[MAX_MODELS][BINS], upper[MAX_MODELS][BINS],
        bar[BINS];
    char heading[2 * NAME];
    ein_series series[MAX_MODELS] = {{.n = 0}};
    int n = 0, bars = 0;
    for (int k = 0; k < v->n_models; k++) {
        const json_t *model = json_object_get(json_object_get(v->target, "models"), v->model[k]);
        const json_t *bins = json_object_get(model, "calibration_bins_mass"),
                     *width = json_object_get(model, "calibration_bins_width");
        int points = 0;
        for (size_t b = 0; b < json_array_size(bins) && points < BINS; b++) {
            const json_t *bin = json_array_get(bins, b);
            const double records = ein_report_number(bin, "n"),
                         share = ein_report_number(bin, "n_positive") / records;
            if (!(records >= (double)v->r->minimum)) continue;
            const double z = 1.959963984540054,
                         middle = (share + z * z / (2 * records)) / (1 + z * z / records),
                         half = z / (1 + z * z / records) *
                                sqrt(share * (1 - share) / records + z * z / (4 * records * records));
            x[k][points] = ein_report_number(bin, "sum_probability") / records;
            y[k][points] = share;
            lower[k][points] = middle - half;
            upper[k][points++] = middle + half;
        }
        for (size_t b = 0; k == 0 && b < json_array_size(width) && bars < BINS; b++)
            bar[bars++] = ein_report_number(json_array_get(width, b), "n");
        if (points == 0) continue;
        series[n] = (ein_series){.name = v->model[k],
                                 .n = points,
                                 .x = x[k],
                                 .y = y[k],
                                 .lower = lower[k],
                                 .upper = upper[k],
                                 .dots = true,
                                 .line = true,
                                 .ink = k};
        n++;
    }
    if (n == 0) return;
    snprintf(heading, sizeof heading, "Calibration, %s", v->what);
    const ein_plot plot = {
        .title = heading,
        .description =
            "Observed against predicted probability with 95 % Wilson intervals, in bins of equal "
            "numbers of records; the dashed line is perfect. Below: how often probabilities are predicted.",
        .x_label = "predicted probability",
        .y_label = "observed share",
        .x_max = 1,
        .y_max = 1,
        .diagonal = true,
        .reference = (double)NAN,
        .square = true,
        .n_series = n,
        .series = series,
        .n_bars = bars,
        .bar = bar};
    ein_picture *picture = NULL;
    const ein_status status = ein_plot_draw(&plot, &picture);
    figure(v, status, picture, "calibration", "Calibration");
}

/* --- subgroups --------------------------------------------------------------------------------------------- */

/* The groups of a variable under one model. */
static const json_t *groups_of(const view *v, const char *variable, const char *model) {
    const json_t *list = json_object_get(v->target, "subgroups");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *x = json_array_get(list, i);
        if (strcmp(ein_report_text(x, "variable"), variable) == 0 &&
            strcmp(ein_report_text(x, "model"), model) == 0)
            return json_object_get(x, "groups");
    }
    return NULL;
}

/* A group with the models beside each other. How many people it has is told where evaluate tells it. */
static int put_group(const view *v, const char *variable, size_t group, const char *measure, char label[NAME],
                     ein_forest_row *row) {
    int n = 0;
    for (int k = 0; k < v->n_models; k++) {
        const json_t *x = json_array_get(groups_of(v, variable, v->model[k]), group);
        const json_t *s = json_object_get(json_object_get(x, "statistics"), measure),
                     *count = json_object_get(s, "n");
        if (!s) continue;
        row[n] = (ein_forest_row){n == 0 ? label : NULL,
                                  ein_report_number(s, "value"),
                                  ein_report_number(s, "lower"),
                                  ein_report_number(s, "upper"),
                                  k,
                                  NULL};
        if (strcmp(ein_report_text(s, "state"), "suppressed") == 0) row[n].why = "not shown: few people";
        if (n++ > 0) continue;
        const int64_t people = json_is_integer(count) ? json_integer_value(count) : -1;
        if (people < 0)
            snprintf(label, NAME, "%.60s: %.60s", variable, ein_report_text(x, "group"));
        else if (people < v->r->minimum)
            snprintf(label, NAME, "%.60s: %.60s (<%lld)", variable, ein_report_text(x, "group"),
                     (long long)v->r->minimum);
        else
            snprintf(label, NAME, "%.60s: %.60s (%lld)", variable, ein_report_text(x, "group"),
                     (long long)people);
    }
    return n;
}

static void draw_subgroups(view *v) {
    const json_t *list = json_object_get(v->target, "subgroups");
    const char *measure = strcmp(ein_report_text(v->target, "kind"), "binary") == 0 ? "auroc" : "r2";
    static char label[BINS][NAME];
    ein_forest_row row[BINS + MAX_MODELS];
    char heading[2 * NAME];
    int n = 0, groups = 0;
    for (size_t i = 0; i < json_array_size(list) && v->n_models > 0; i++) {
        const json_t *x = json_array_get(list, i);
        if (strcmp(ein_report_text(x, "model"), v->model[0]) != 0) continue;
        for (size_t g = 0; g < json_array_size(json_object_get(x, "groups")) && n < BINS && groups < BINS;
             g++)
            n += put_group(v, ein_report_text(x, "variable"), g, measure, label[groups++], row + n);
    }
    if (n == 0) return;
    snprintf(heading, sizeof heading, "Subgroups, %s", v->what);
    const ein_forest forest = {
        .title = heading,
        .description = "Forest plot of subgroups with 95 % intervals; in brackets the number of records.",
        .x_label = strcmp(measure, "auroc") == 0 ? "AUROC" : "R2",
        .reference = (double)NAN,
        .n = n,
        .row = row,
        .n_names = v->n_models,
        .name = v->model};
    ein_picture *picture = NULL;
    const ein_status status = ein_forest_draw(&forest, &picture);
    figure(v, status, picture, "subgroups", "Subgroups");
}

/* --- statistics -------------------------------------------------------------------------------------------- */

static void put_statistics(view *v) {
    static const char *const binary[] = {"auroc",
                                         "average_precision",
                                         "prevalence",
                                         "brier",
                                         "calibration_slope",
                                         "calibration_in_the_large",
                                         "ece_mass_10",
                                         "ici",
                                         NULL};
    static const char *const numbers[] = {"r2", "mae", "rmse", "bias", "slope", "pearson", "spearman", NULL};
    const char *const *key = strcmp(ein_report_text(v->target, "kind"), "binary") == 0 ? binary : numbers;
    char name[2 * NAME], caption[2 * NAME];
    ein_column column[MAX_MODELS + 1] = {{"Statistic", EIN_COLUMN_TEXT}};
    for (int k = 0; k < v->n_models; k++) column[k + 1] = (ein_column){v->model[k], EIN_COLUMN_INTERVAL};
    snprintf(name, sizeof name, "%d %.60s %.60s %.60s statistics", v->evaluation, v->task, v->label,
             v->cohort);
    snprintf(caption, sizeof caption, "Statistics, %s", v->what);
    ein_table_begin(&v->r->page, name, caption, column, v->n_models + 1, false);
    for (; *key; key++) {
        ein_table_text(&v->r->page, *key);
        for (int k = 0; k < v->n_models; k++) {
            const json_t *s = json_object_get(statistics_of(v, v->model[k]), *key);
            ein_table_interval(&v->r->page, ein_report_number(s, "value"), ein_report_number(s, "lower"),
                               ein_report_number(s, "upper"), false);
        }
        ein_table_row(&v->r->page);
    }
    ein_table_end(&v->r->page);
}

static void put_counts(view *v) {
    const json_t *records = json_object_get(v->target, "records");
    const int64_t analysed = ein_report_integer(records, "analysed"),
                  positive = ein_report_integer(records, "positive");
    ein_markup *m = &v->r->page.body;
    ein_markup_put(m, "<p>%lld records of %lld patients analysed", (long long)analysed,
                   (long long)ein_report_integer(records, "patients"));
    if (v->few)
        ein_markup_put(m, "; fewer than %lld of one class: no curves, and no counts of it",
                       (long long)v->r->minimum);
    else if (json_object_get(records, "positive"))
        ein_markup_put(m, "; %lld positive (%.1f %%)", (long long)positive,
                       100 * (double)positive / (double)analysed);
    ein_markup_put(m, ".</p>\n");
}

static void put_target(view *v, const ein_csv *scores) {
    const json_t *records = json_object_get(v->target, "records");
    const bool binary = strcmp(ein_report_text(v->target, "kind"), "binary") == 0;
    v->few = binary && (ein_report_integer(records, "positive") < v->r->minimum ||
                        ein_report_integer(records, "negative") < v->r->minimum);
    if (strcmp(v->label, v->task) == 0)
        snprintf(v->what, sizeof v->what, "%.100s on %.100s", v->task, v->cohort);
    else
        snprintf(v->what, sizeof v->what, "%.100s of %.100s on %.100s", v->label, v->task, v->cohort);
    ein_markup_put(&v->r->page.body, "<h4>%s</h4>\n", v->label);
    put_counts(v);
    ein_markup_put(&v->r->page.body, "<div class=\"figures\">\n");
    if (binary && !v->few && scores) draw_curves(v, scores);
    if (binary && !v->few) draw_calibration(v);
    if (!v->few) draw_subgroups(v);
    ein_markup_put(&v->r->page.body, "</div>\n");
    if (!v->few) put_statistics(v);
}

/* --- many targets of a task -------------------------------------------------------------------------------- */

/* AUROC of every target of a task and arm, as a forest plot. */
static void draw_targets(ein_report *r, int e, const json_t *entry, const char *cohort) {
    enum { MOST = 200 };
    static ein_forest_row row[MOST];
    static char label[MOST][NAME];
    const json_t *arms = json_object_get(entry, "arms"),
                 *first = json_object_get(json_array_get(arms, 0), "targets");
    const char *name[MAX_MODELS], *key;
    char heading[2 * NAME], file[2 * NAME];
    json_t *unused;
    int n = 0, n_names = 0;
    for (size_t a = 0; a < json_array_size(arms) && n_names < MAX_MODELS; a++)
        name[n_names++] = ein_report_text(json_array_get(arms, a), "arm");
    if (json_object_size(first) < 2) return;
    json_object_foreach((json_t *)(uintptr_t)first, key, unused) {
        for (int a = 0; a < n_names && n < MOST; a++) {
            const json_t *s =
                json_object_get(json_object_get(json_array_get(arms, (size_t)a), "targets"), key);
            snprintf(label[n], NAME, "%.40s", key);
            row[n] = (ein_forest_row){a == 0 ? label[n] : NULL,
                                      ein_report_number(s, "value"),
                                      ein_report_number(s, "lower"),
                                      ein_report_number(s, "upper"),
                                      a,
                                      NULL};
            n++;
        }
    }
    snprintf(heading, sizeof heading, "AUROC of each target of %.100s on %.100s",
             ein_report_text(entry, "task"), cohort);
    snprintf(file, sizeof file, "%d %.100s %.100s targets", e, ein_report_text(entry, "task"), cohort);
    const ein_forest forest = {.title = heading,
                               .description =
                                   "Forest plot of targets with 95 % intervals by bootstrap over patients.",
                               .x_label = "AUROC",
                               .reference = 0.5,
                               .n = n,
                               .row = row,
                               .n_names = n_names,
                               .name = name};
    ein_picture *picture = NULL;
    const ein_status status = ein_forest_draw(&forest, &picture);
    if (status != EIN_OK && r->page.status == EIN_OK) r->page.status = status;
    ein_page_figure(&r->page, file, picture, heading);
}

static ein_csv *open_scores(const ein_report_evaluation *e) {
    char *path;
    ein_csv *csv = NULL;
    if (asprintf(&path, "%s/scores.csv", e->folder) < 0) return NULL;
    if (ein_csv_open(path, &csv) != EIN_OK) {
        ein_error_clear();
        csv = NULL;
    }
    free(path);
    return csv;
}

static void put_task(ein_report *r, int e, const json_t *entry, const ein_csv *scores) {
    const json_t *metrics = r->evaluation[e].metrics, *targets = json_object_get(metrics, "targets");
    const char *task = ein_report_text(entry, "task"), *cohort = ein_report_text(metrics, "cohort");
    int drawn = 0, left = 0;
    draw_targets(r, e, entry, cohort);
    for (size_t i = 0; i < json_array_size(targets); i++) {
        view v = {
            .r = r, .evaluation = e, .target = json_array_get(targets, i), .task = task, .cohort = cohort};
        const char *model;
        json_t *unused;
        v.label = ein_report_text(v.target, "label");
        if (strcmp(ein_report_text(v.target, "task"), task) != 0) continue;
        json_object_foreach(json_object_get(v.target, "models"), model, unused) if (v.n_models < MAX_MODELS)
            v.model[v.n_models++] = model;
        if (drawn++ < MAX_DRAWN)
            put_target(&v, scores);
        else
            left++;
    }
    if (left)
        ein_markup_put(
            &r->page.body,
            "<p>%d further targets are not drawn one by one; their figures stand in the plot above and in "
            "%s/metrics.json.</p>\n",
            left, r->evaluation[e].folder);
}

void ein_report_cells(ein_report *r) {
    ein_page_section(&r->page, "cells", "Each task and cohort");
    ein_page_paragraph(
        &r->page,
        "Open a line for its curves. Bands are 95 % by bootstrap over patients, point by point. Statistics are "
        "those of metrics.json, which holds many more.");
    for (int e = 0; e < r->n_evaluations; e++) {
        const json_t *metrics = r->evaluation[e].metrics, *arms = json_object_get(metrics, "arms");
        ein_csv *scores = open_scores(&r->evaluation[e]);
        for (size_t i = 0; i < json_array_size(arms); i++) {
            const json_t *entry = json_array_get(arms, i);
            if (i == 0)
                ein_markup_put(&r->page.body, "<details id=\"cell-%d\">", e);
            else
                ein_markup_put(&r->page.body, "<details>");
            ein_markup_put(&r->page.body, "<summary><h3>%s on %s</h3></summary>\n",
                           ein_report_text(entry, "task"), ein_report_text(metrics, "cohort"));
            put_task(r, e, entry, scores);
            ein_markup_put(&r->page.body, "</details>\n");
        }
        ein_csv_close(scores);
    }
}
