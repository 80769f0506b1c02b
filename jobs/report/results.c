/* Summary, results, differences between the arms. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/report/report.h"

enum { NAME = 256 };

static const json_t *arm_of(const ein_report_row *row, const char *name) {
    return ein_report_find(json_object_get(row->arms, "arms"), "arm", name);
}

/* Names of the arms over all rows, in the order of the study or of the first evaluation. */
static int arm_names(const ein_report *r, const char *name[EIN_STUDY_MAX_ARMS]) {
    int n = 0;
    for (int a = 0; r->study && a < r->study->n_arms; a++) name[n++] = r->study->arm[a].name;
    if (n > 0) return n;
    for (int i = 0; i < r->n_rows; i++) {
        const json_t *arms = json_object_get(r->row[i].arms, "arms");
        for (size_t k = 0; k < json_array_size(arms); k++) {
            const char *one = ein_report_text(json_array_get(arms, k), "arm");
            bool known = false;
            for (int a = 0; a < n; a++) known = known || strcmp(name[a], one) == 0;
            if (!known && n < EIN_STUDY_MAX_ARMS) name[n++] = one;
        }
    }
    return n;
}

/* The comparison of the first two arms. */
static const json_t *pair_of(const ein_report_row *row, int n_arms, const char *const *arm) {
    const json_t *pairs = json_object_get(row->arms, "pairs");
    for (size_t i = 0; n_arms > 1 && i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        if (strcmp(ein_report_text(pair, "first"), arm[0]) == 0 &&
            strcmp(ein_report_text(pair, "second"), arm[1]) == 0)
            return pair;
    }
    return NULL;
}

static const json_t *metrics_of(const ein_report *r, const ein_report_row *row) {
    return row->evaluation < 0 ? NULL : r->evaluation[row->evaluation].metrics;
}

/* "AUROC" of "macro AUROC": that it is a mean over targets stands above the table. */
static const char *short_figure(const ein_report_row *row) {
    const char *figure = ein_report_text(row->arms, "figure");
    return strncmp(figure, "macro ", 6) == 0 ? figure + 6 : figure;
}

/* Of the targets of a row's task: positives where there is one target, patients of the first. */
static const json_t *first_target(const ein_report *r, const ein_report_row *row, int *n) {
    const json_t *targets = json_object_get(metrics_of(r, row), "targets"), *first = NULL;
    *n = 0;
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const json_t *target = json_array_get(targets, i);
        if (strcmp(ein_report_text(target, "task"), row->task) != 0) continue;
        if (!first) first = target;
        ++*n;
    }
    return first;
}

/* --- summary ----------------------------------------------------------------------------------------------- */

typedef struct {
    int compared, above, better, worse, failed;
    bool adjusted;
} verdict;

static verdict judge(const ein_report *r, int n_arms, const char *const *arm) {
    verdict v = {.adjusted = r->table != NULL};
    for (int i = 0; i < r->n_rows; i++) {
        const ein_report_row *row = &r->row[i];
        const json_t *pair = pair_of(row, n_arms, arm);
        const double difference = ein_report_number(json_object_get(pair, "difference"), "value");
        const double p =
            r->table ? ein_report_cell_number(r, row, "p_holm") : ein_report_number(pair, "p_adjusted");
        v.failed += row->evaluation < 0;
        if (!isfinite(difference)) continue;
        v.compared++;
        v.above += difference > 0;
        v.better += difference > 0 && p < 0.05;
        v.worse += difference < 0 && p < 0.05;
    }
    return v;
}

static void say_verdict(ein_report *r, int n_arms, const char *const *arm) {
    const verdict v = judge(r, n_arms, arm);
    ein_markup *m = &r->page.body;
    if (v.compared == 0) return;
    ein_markup_put(
        m,
        "<p class=\"verdict\">Models that start from the <strong>%s</strong> arm have the higher figure in "
        "<strong>%d of %d</strong> comparisons with <strong>%s</strong>. ",
        arm[0], v.above, v.compared, arm[1]);
    if (v.better + v.worse == 0)
        ein_markup_put(m, "No single difference stays below p = 0.05 after Holm's adjustment over %s.</p>\n",
                       v.adjusted ? "all rows" : "the pairs of an evaluation");
    else
        ein_markup_put(m,
                       "After Holm's adjustment over %s, it is better in <strong>%d</strong> and worse in "
                       "<strong>%d</strong> at p &lt; 0.05.</p>\n",
                       v.adjusted ? "all rows" : "the pairs of an evaluation", v.better, v.worse);
    if (v.failed)
        ein_markup_put(
            m, "<p class=\"warn\">%d of %d planned evaluations have no result; the table says why.</p>\n",
            v.failed, r->n_rows);
}

static void say_fact(ein_report *r, const char *name, int64_t value) {
    char text[EIN_COUNT_BYTES];
    ein_page_count(value, text);
    ein_markup_put(&r->page.body, "<div><dd>%s</dd><dt>%s</dt></div>\n", text, name);
}

static void say_facts(ein_report *r, int n_arms) {
    int64_t tasks = 0, cohorts = 0, records = 0;
    for (int i = 0; i < r->n_rows; i++) {
        bool task = true, cohort = true;
        for (int k = 0; k < i; k++) {
            task = task && strcmp(r->row[k].task, r->row[i].task) != 0;
            cohort = cohort && strcmp(r->row[k].cohort, r->row[i].cohort) != 0;
        }
        tasks += task;
        cohorts += cohort;
    }
    for (int c = 0; c < r->n_corpora; c++) records += r->corpus[c].records;
    if (r->n_corpora == 0 && r->n_evaluations)
        records = ein_report_integer(r->evaluation[0].metrics, "records");
    ein_markup_put(&r->page.body, "<dl class=\"facts\">\n");
    say_fact(r, "ECG records", records);
    say_fact(r, "cohorts evaluated", cohorts);
    say_fact(r, "tasks", tasks);
    say_fact(r, "arms", n_arms);
    say_fact(r, "evaluations", r->n_rows);
    ein_markup_put(&r->page.body, "</dl>\n");
}

static void say_damage(ein_report *r) {
    for (int e = 0; e < r->n_evaluations; e++)
        if (r->evaluation[e].damaged)
            ein_markup_put(&r->page.body,
                           "<p class=\"warn\">Not as evaluate wrote it, or it cannot be told: %s</p>\n",
                           r->evaluation[e].damaged);
}

static void say_arms(ein_report *r) {
    if (!r->study || r->study->n_arms == 0) return;
    ein_markup_put(&r->page.body, "<ul>\n");
    for (int a = 0; a < r->study->n_arms; a++) {
        const ein_study_arm *arm = &r->study->arm[a];
        ein_markup_put(&r->page.body, "<li><strong>%s</strong>: adapted from %s%s%s</li>\n", arm->name,
                       arm->from, arm->mode ? ", mode " : "", arm->mode ? arm->mode : "");
    }
    ein_markup_put(&r->page.body, "</ul>\n");
}

/* As evaluate compared them with the records of the models. */
static bool none_seen(const ein_report *r) {
    for (int e = 0; e < r->n_evaluations; e++) {
        const json_t *seen = json_object_get(r->evaluation[e].metrics, "records_seen_in_training");
        if (!json_is_integer(seen) || json_integer_value(seen) > 0) return false;
    }
    return r->n_evaluations > 0;
}

void ein_report_summary(ein_report *r) {
    const char *arm[EIN_STUDY_MAX_ARMS];
    const int n = arm_names(r, arm);
    const ein_study *s = r->study;
    ein_markup *m = &r->page.body;
    ein_markup_put(m, "<header><h1>%s</h1></header>\n",
                   s && s->title ? s->title
                   : s           ? s->name
                                 : "Evaluation");
    ein_page_section(&r->page, "summary", "Summary");
    if (s && ein_study_is_synthetic(s))
        ein_markup_put(
            m,
            "<p class=\"warn\"><strong>Synthetic data.</strong> These people do not exist; the figures show that "
            "the method works and tell nothing about patients.</p>\n");
    say_verdict(r, n, arm);
    say_facts(r, n);
    if (s && s->pretrain_cohort >= 0)
        ein_markup_put(
            m,
            "<p>A masked autoencoder (preset %s) was pretrained on unlabelled ECGs of cohort <strong>%s</strong>, "
            "adapted to %d tasks with %d %s per arm, and evaluated%s.</p>\n",
            s->preset, s->cohort[s->pretrain_cohort].name, s->n_tasks, s->seeds,
            s->seeds == 1 ? "seed" : "seeds", none_seen(r) ? " on recordings that trained no model" : "");
    say_arms(r);
    say_damage(r);
}

/* --- results ----------------------------------------------------------------------------------------------- */

static void put_row(ein_report *r, const ein_report_row *row, int n_arms, const char *const *arm) {
    ein_page *page = &r->page;
    int targets;
    const json_t *target = first_target(r, row, &targets), *records = json_object_get(target, "records");
    const json_t *positive = json_object_get(records, "positive"), *pair = pair_of(row, n_arms, arm);
    const json_t *difference = json_object_get(pair, "difference");
    const int64_t count = json_integer_value(positive), negative = ein_report_integer(records, "negative");
    ein_table_link(page, row->task, row->evaluation);
    ein_table_text(page, row->cohort);
    ein_table_text(page, short_figure(row));
    ein_table_count(page, row->evaluation < 0 ? -1 : ein_report_integer(metrics_of(r, row), "records"));
    ein_table_count(page, target ? ein_report_integer(records, "patients") : -1);
    if (targets == 1 && positive && count < r->minimum)
        ein_table_few(page, r->minimum);
    else
        ein_table_count(page, targets == 1 && positive && negative >= r->minimum ? count : -1);
    for (int a = 0; a < n_arms; a++) {
        const json_t *macro = json_object_get(arm_of(row, arm[a]), "macro");
        ein_table_interval(page, ein_report_number(macro, "value"), ein_report_number(macro, "lower"),
                           ein_report_number(macro, "upper"), false);
    }
    if (n_arms > 1) {
        ein_table_interval(page, ein_report_number(difference, "value"),
                           ein_report_number(difference, "lower"), ein_report_number(difference, "upper"),
                           true);
        ein_table_real(page, ein_report_number(pair, "p"), 3);
        ein_table_real(
            page, r->table ? ein_report_cell_number(r, row, "p_holm") : ein_report_number(pair, "p_adjusted"),
            3);
    }
    ein_table_text(page, row->note);
    ein_table_row(page);
}

void ein_report_results(ein_report *r) {
    const char *arm[EIN_STUDY_MAX_ARMS];
    char difference[NAME];
    const int n = arm_names(r, arm);
    ein_column column[EIN_STUDY_MAX_ARMS + 12] = {
        {"Task", EIN_COLUMN_TEXT},     {"Cohort", EIN_COLUMN_TEXT},    {"Figure", EIN_COLUMN_TEXT},
        {"Records", EIN_COLUMN_COUNT}, {"Patients", EIN_COLUMN_COUNT}, {"Positive", EIN_COLUMN_COUNT}};
    int k = 6;
    for (int a = 0; a < n; a++) column[k++] = (ein_column){arm[a], EIN_COLUMN_INTERVAL};
    if (n > 1) {
        snprintf(difference, sizeof difference, "%s - %s", arm[0], arm[1]);
        column[k++] = (ein_column){difference, EIN_COLUMN_INTERVAL};
        column[k++] = (ein_column){"p", EIN_COLUMN_REAL};
        column[k++] = (ein_column){"p (Holm)", EIN_COLUMN_REAL};
    }
    column[k++] = (ein_column){"Note", EIN_COLUMN_TEXT};
    ein_page_section(&r->page, "results", "Results");
    ein_page_paragraph(
        &r->page,
        "AUROC is the chance that a patient with the finding is ranked above one without (0.5: as by a coin). "
        "It is the mean over the targets of a task and over seeds; for numbers, R2 is the share of variance "
        "that is explained. In brackets: 95 % intervals by bootstrap over patients. Choose a task to see its "
        "curves; click a heading to sort.");
    ein_table_begin(&r->page, "results", "Every task on every cohort", column, k, true);
    for (int i = 0; i < r->n_rows; i++) put_row(r, &r->row[i], n, arm);
    ein_table_end(&r->page);
}

/* --- differences ------------------------------------------------------------------------------------------- */

/* A forest plot of the rows whose figure is of one kind. */
static void draw_differences(ein_report *r, const char *figure, int n_arms, const char *const *arm) {
    ein_forest_row *row = calloc((size_t)r->n_rows + 1, sizeof *row);
    char(*label)[NAME] = calloc((size_t)r->n_rows + 1, sizeof *label), title[NAME], words[2 * NAME],
    axis[NAME], left[NAME], right[NAME];
    int n = 0, above = 0;
    for (int i = 0; row && label && i < r->n_rows; i++) {
        const json_t *difference = json_object_get(pair_of(&r->row[i], n_arms, arm), "difference");
        if (!difference || strcmp(ein_report_text(r->row[i].arms, "figure"), figure) != 0) continue;
        snprintf(label[n], NAME, "%s, %s", r->row[i].task, r->row[i].cohort);
        row[n] = (ein_forest_row){label[n],
                                  ein_report_number(difference, "value"),
                                  ein_report_number(difference, "lower"),
                                  ein_report_number(difference, "upper"),
                                  0,
                                  NULL};
        above += row[n++].value > 0;
    }
    ein_picture *picture = NULL;
    if (n > 0) {
        snprintf(title, sizeof title, "Difference in %s, %s minus %s", figure, arm[0], arm[1]);
        snprintf(words, sizeof words,
                 "Forest plot with 95 %% intervals: %s is above in %d of %d rows. The table of results holds "
                 "the same numbers.",
                 arm[0], above, n);
        snprintf(axis, sizeof axis, "difference in %s (95 %% interval)", figure);
        snprintf(left, sizeof left, "%.60s better", arm[1]);
        snprintf(right, sizeof right, "%.60s better", arm[0]);
        const ein_forest forest = {.title = title,
                                   .description = words,
                                   .x_label = axis,
                                   .left = left,
                                   .right = right,
                                   .reference = 0,
                                   .sign = true,
                                   .n = n,
                                   .row = row};
        const ein_status status = ein_forest_draw(&forest, &picture);
        if (status != EIN_OK && r->page.status == EIN_OK) r->page.status = status;
        char name[NAME];
        snprintf(name, sizeof name, "differences %.100s", figure);
        ein_page_figure(&r->page, name, picture, title);
    }
    free(row);
    free(label);
}

void ein_report_differences(ein_report *r) {
    const char *arm[EIN_STUDY_MAX_ARMS], *figure[8];
    const int n = arm_names(r, arm);
    int figures = 0, compared = 0;
    ein_page_section(&r->page, "differences", "Did pretraining help?");
    for (int i = 0; i < r->n_rows; i++) {
        const char *one = ein_report_text(r->row[i].arms, "figure");
        bool known = !pair_of(&r->row[i], n, arm);
        compared += !known;
        for (int k = 0; k < figures; k++) known = known || strcmp(figure[k], one) == 0;
        if (!known && figures < 8) figure[figures++] = one;
    }
    if (compared == 0) {
        ein_page_paragraph(&r->page, "There are no two arms to compare.");
        return;
    }
    ein_page_paragraph(
        &r->page,
        "Both arms scored the same records, so differences are paired. An interval that crosses the dashed line "
        "is compatible with no difference.");
    for (int k = 0; k < figures; k++) draw_differences(r, figure[k], n, arm);
}
