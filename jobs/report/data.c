/* Who was studied: flow of records, table 1, exclusions; the pretraining. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/report/report.h"

enum { LINE = 512 };

static void put_count(ein_report *r, int64_t count, bool shown) {
    if (!shown)
        ein_table_count(&r->page, -1);
    else if (count > 0 && count < r->minimum)
        ein_table_few(&r->page, r->minimum);
    else
        ein_table_count(&r->page, count);
}

/* --- flow -------------------------------------------------------------------------------------------------- */

/* "train 372 records of 275 patients; ..." of the first model that is trained on a cohort, as its log tells. */
static void read_split(const ein_report *r, int cohort, char out[LINE]) {
    static const char *const part[] = {"train", "valid", "test"};
    out[0] = '\0';
    for (int i = 0; i < r->plan->n && !out[0]; i++) {
        const ein_study_cell *c = &r->plan->cell[i];
        if (c->stage != EIN_STUDY_FINETUNE || r->study->task[c->task].cohort != cohort) continue;
        char *text = ein_report_file(c->folder, "output.txt");
        for (int p = 0; text && p < 3; p++) {
            char word[32];
            long long records, patients;
            for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
                if (sscanf(line, " %31s %lld records of %lld patients", word, &records, &patients) == 3 &&
                    strcmp(word, part[p]) == 0) {
                    const size_t n = strlen(out);
                    snprintf(out + n, LINE - n, "%s%s %lld records of %lld patients", n ? "; " : "", part[p],
                             records, patients);
                    break;
                }
        }
        free(text);
    }
}

static void read_use(const ein_report *r, const char *name, char out[LINE]) {
    char split[LINE];
    out[0] = '\0';
    for (int c = 0; c < r->study->n_cohorts; c++) {
        if (strcmp(r->study->cohort[c].name, name) != 0) continue;
        if (c == r->study->pretrain_cohort) snprintf(out, LINE, "pretraining");
        bool trained = false, evaluated = false;
        for (int t = 0; t < r->study->n_tasks; t++) trained = trained || r->study->task[t].cohort == c;
        for (int e = 0; e < r->study->n_evaluations; e++)
            evaluated = evaluated || r->study->evaluation[e].cohort == c;
        read_split(r, c, split);
        if (trained)
            snprintf(out + strlen(out), LINE - strlen(out), "%s%.400s", out[0] ? "; " : "",
                     split[0] ? split : "fine-tuning");
        else if (evaluated)
            snprintf(out + strlen(out), LINE - strlen(out), "%sevaluation of all records",
                     out[0] ? "; " : "");
    }
}

static void put_flow(ein_report *r) {
    static const ein_column column[] = {{"Cohort", EIN_COLUMN_TEXT},
                                        {"What it is", EIN_COLUMN_TEXT},
                                        {"Recordings found", EIN_COLUMN_COUNT},
                                        {"Rejected", EIN_COLUMN_COUNT},
                                        {"Records kept", EIN_COLUMN_COUNT},
                                        {"Patients", EIN_COLUMN_COUNT},
                                        {"Patient not known", EIN_COLUMN_COUNT},
                                        {"Used for", EIN_COLUMN_TEXT}};
    ein_table_begin(&r->page, "data-flow", "Flow of recordings", column, 8, false);
    for (int i = 0; i < r->n_corpora; i++) {
        const ein_report_corpus *c = &r->corpus[i];
        char use[LINE];
        read_use(r, c->name, use);
        ein_table_text(&r->page, c->name);
        ein_table_text(&r->page, c->why ? c->why : c->title);
        ein_table_count(&r->page, c->why ? -1 : c->records + c->rejected);
        ein_table_count(&r->page, c->why ? -1 : c->rejected);
        ein_table_count(&r->page, c->why ? -1 : c->records);
        ein_table_count(&r->page, c->why ? -1 : c->patients);
        ein_table_count(&r->page, c->why ? -1 : c->unknown_patients);
        ein_table_text(&r->page, use);
        ein_table_row(&r->page);
    }
    ein_table_end(&r->page);
}

/* Reasons of rejection, and quality flags of what was kept. */
static void put_reasons(ein_report *r, const char *name, const char *caption, const char *title, bool flags) {
    const ein_column column[] = {
        {"Cohort", EIN_COLUMN_TEXT}, {title, EIN_COLUMN_TEXT}, {"Recordings", EIN_COLUMN_COUNT}};
    int64_t n = 0;
    for (int i = 0; i < r->n_corpora; i++)
        n += (int64_t)json_object_size(flags ? r->corpus[i].flags : r->corpus[i].reasons);
    if (n == 0) return;
    ein_table_begin(&r->page, name, caption, column, 3, true);
    for (int i = 0; i < r->n_corpora; i++) {
        const char *reason;
        json_t *count;
        int shown = 0;
        json_object_foreach(flags ? r->corpus[i].flags : r->corpus[i].reasons, reason, count) {
            if (++shown > 50) break;
            ein_table_text(&r->page, r->corpus[i].name);
            ein_table_text(&r->page, reason);
            if (flags)
                put_count(r, json_integer_value(count), true);
            else
                ein_table_count(&r->page, json_integer_value(count));
            ein_table_row(&r->page);
        }
    }
    ein_table_end(&r->page);
}

/* --- table 1 ----------------------------------------------------------------------------------------------- */

/* The others' number would tell how many they are. */
static bool one_sex_is_rare(const ein_report *r, const ein_report_corpus *c) {
    const int64_t count[] = {c->female, c->male, c->sex_unknown};
    bool rare = false;
    for (int i = 0; i < 3; i++) rare = rare || (count[i] > 0 && count[i] < r->minimum);
    return rare;
}

static void put_person_rows(ein_report *r) {
    static const char *const row[] = {"Records",
                                      "Patients",
                                      "Female",
                                      "Male",
                                      "Sex not known",
                                      "Age known",
                                      "Age, mean (years)",
                                      "Age, SD (years)",
                                      "Flagged for quality",
                                      "Duplicates"};
    for (int k = 0; k < 10; k++) {
        ein_table_text(&r->page, row[k]);
        for (int i = 0; i < r->n_corpora; i++) {
            const ein_report_corpus *c = &r->corpus[i];
            const int64_t count[] = {c->records, c->patients, c->female, c->male,    c->sex_unknown,
                                     c->ages,    0,           0,         c->flagged, c->duplicates};
            if (k == 6 || k == 7)
                ein_table_real(&r->page,
                               c->why || c->ages < r->minimum ? (double)NAN
                               : k == 6                       ? c->age_mean
                                                              : c->age_sd,
                               1);
            else
                put_count(r, count[k],
                          !c->why && !(k >= 2 && k <= 4 && one_sex_is_rare(r, c) && count[k] >= r->minimum));
        }
        ein_table_row(&r->page);
    }
}

/* Labels of all cohorts, each once. */
static void put_label_rows(ein_report *r) {
    json_t *seen = json_object();
    for (int i = 0; i < r->n_corpora; i++) {
        const char *name;
        json_t *unused;
        json_object_foreach(r->corpus[i].labels, name, unused) {
            char text[LINE];
            if (json_object_get(seen, name)) continue;
            json_object_set_new(seen, name, json_true());
            const bool two_valued = json_is_true(json_object_get(unused, "two_valued"));
            snprintf(text, sizeof text, "%.200s%s", name, two_valued ? ", positive" : ", mean");
            ein_table_text(&r->page, text);
            for (int k = 0; k < r->n_corpora; k++) {
                const json_t *x = json_object_get(r->corpus[k].labels, name);
                if (two_valued)
                    put_count(r, ein_report_integer(x, "ones"), x != NULL);
                else
                    ein_table_real(&r->page,
                                   ein_report_integer(x, "n") < r->minimum ? (double)NAN
                                                                           : ein_report_number(x, "mean"),
                                   2);
            }
            ein_table_row(&r->page);
        }
    }
    json_decref(seen);
}

static void put_table_1(ein_report *r) {
    ein_column column[EIN_STUDY_MAX_COHORTS + 1] = {{"", EIN_COLUMN_TEXT}};
    int n = 1;
    column[0].title = "Characteristic";
    for (int i = 0; i < r->n_corpora; i++) column[n++] = (ein_column){r->corpus[i].name, EIN_COLUMN_REAL};
    ein_table_begin(&r->page, "table-1", "Table 1: who was studied, by cohort", column, n, false);
    put_person_rows(r);
    put_label_rows(r);
    ein_table_end(&r->page);
}

static void put_targets(ein_report *r) {
    static const ein_column column[] = {
        {"Cohort", EIN_COLUMN_TEXT},         {"Task", EIN_COLUMN_TEXT},
        {"Target", EIN_COLUMN_TEXT},         {"Records", EIN_COLUMN_COUNT},
        {"Analysed", EIN_COLUMN_COUNT},      {"Label missing", EIN_COLUMN_COUNT},
        {"Score missing", EIN_COLUMN_COUNT}, {"Positive", EIN_COLUMN_COUNT}};
    ein_table_begin(&r->page, "targets", "What was analysed and what left out, by target", column, 8, true);
    for (int e = 0; e < r->n_evaluations; e++) {
        const json_t *targets = json_object_get(r->evaluation[e].metrics, "targets");
        for (size_t i = 0; i < json_array_size(targets); i++) {
            const json_t *t = json_array_get(targets, i), *records = json_object_get(t, "records");
            const json_t *positive = json_object_get(records, "positive");
            ein_table_text(&r->page, ein_report_text(t, "cohort"));
            ein_table_link(&r->page, ein_report_text(t, "task"), e);
            ein_table_text(&r->page, ein_report_text(t, "label"));
            ein_table_count(&r->page, ein_report_integer(records, "total"));
            ein_table_count(&r->page, ein_report_integer(records, "analysed"));
            ein_table_count(&r->page, ein_report_integer(records, "missing_label"));
            ein_table_count(&r->page, ein_report_integer(records, "missing_score"));
            /* Where few are negative, the number of positives would tell how few. */
            put_count(r, json_integer_value(positive),
                      positive && ein_report_integer(records, "negative") >= r->minimum);
            ein_table_row(&r->page);
        }
    }
    ein_table_end(&r->page);
}

void ein_report_data(ein_report *r) {
    char text[LINE];
    ein_page_section(&r->page, "data", "Data");
    snprintf(text, sizeof text, "Counts from 1 to %lld are shown as <%lld.", (long long)r->minimum - 1,
             (long long)r->minimum);
    ein_page_paragraph(&r->page, text);
    if (r->n_corpora > 0) {
        put_flow(r);
        put_reasons(r, "rejected", "Why recordings were rejected", "Reason", false);
        put_table_1(r);
        put_reasons(r, "quality", "Quality flags of records that were kept", "Flag", true);
    }
    put_targets(r);
}

/* --- pretraining ------------------------------------------------------------------------------------------- */

/* Columns of a run's metrics.csv; rows where the second is empty are passed over. At most `most` of them, evenly. */
static int read_curve(const ein_csv *csv, const char *column, double *x, double *y, int most) {
    const int step = ein_csv_column(csv, "step"), at = ein_csv_column(csv, column);
    int64_t n = 0, rows = ein_csv_rows(csv), every, k = 0;
    int out = 0;
    for (int64_t i = 0; step >= 0 && at >= 0 && i < rows; i++) n += ein_csv_cell(csv, i, at)[0] != '\0';
    every = n / most + 1;
    for (int64_t i = 0; n > 0 && i < rows && out < most; i++) {
        const char *text = ein_csv_cell(csv, i, at);
        if (!*text || k++ % every != 0) continue;
        x[out] = strtod(ein_csv_cell(csv, i, step), NULL);
        y[out++] = strtod(text, NULL);
    }
    return out;
}

static void draw_loss(ein_report *r, const ein_csv *csv) {
    enum { MOST = 300 };
    static double x[2][MOST], y[2][MOST];
    char words[LINE];
    const int train = read_curve(csv, "loss", x[0], y[0], MOST),
              valid = read_curve(csv, "validation_loss", x[1], y[1], MOST);
    const ein_series series[] = {
        {.name = "held-out patients", .n = valid, .x = x[1], .y = y[1], .line = true, .ink = 0},
        {.name = "training batches", .n = train, .x = x[0], .y = y[0], .line = true, .ink = 1}};
    if (train == 0) return;
    snprintf(words, sizeof words,
             "Masked loss falls from %.3f to %.3f on held-out patients over %.0f updates.",
             valid ? y[1][0] : (double)NAN, valid ? y[1][valid - 1] : (double)NAN, x[0][train - 1]);
    ein_plot plot = {.title = "Loss during pretraining",
                     .description = words,
                     .x_label = "updates",
                     .y_label = "masked loss",
                     .reference = 1,
                     .n_series = 2,
                     .series = series};
    ein_plot_range(&plot);
    ein_picture *picture = NULL;
    const ein_status status = ein_plot_draw(&plot, &picture);
    if (status != EIN_OK && r->page.status == EIN_OK) r->page.status = status;
    ein_page_figure(
        &r->page, "pretraining", picture,
        "Masked loss during pretraining. Dashed: what predicting every hidden patch by its mean costs.");
}

static void put_sheets(ein_report *r) {
    for (int i = 0; i < r->n_sheets; i++) {
        char name[64];
        snprintf(name, sizeof name, "reconstruction %d", i + 1);
        ein_picture *sheet = r->sheet[i];
        r->sheet[i] = NULL;
        ein_page_figure(
            &r->page, name, sheet,
            "60 % of an ECG is hidden (shaded), and the model predicts it from the rest (blue). Mean and spread of "
            "each hidden stretch are taken from the recording: the picture shows shapes, not heights.");
    }
}

void ein_report_pretraining(ein_report *r) {
    ein_page_section(&r->page, "pretraining", "Pretraining");
    for (int i = 0; r->plan && i < r->plan->n; i++) {
        const ein_study_cell *c = &r->plan->cell[i];
        char *path;
        ein_csv *csv;
        if (c->stage != EIN_STUDY_PRETRAIN || !c->run_folder ||
            asprintf(&path, "%s/metrics.csv", c->run_folder) < 0)
            continue;
        if (ein_csv_open(path, &csv) == EIN_OK) {
            draw_loss(r, csv);
            ein_csv_close(csv);
        } else {
            ein_page_paragraph(&r->page, ein_error_message());
            ein_error_clear();
        }
        free(path);
        put_sheets(r);
        return;
    }
    ein_page_paragraph(&r->page,
                       r->study ? "The study has no pretraining of its own."
                                : "An evaluation does not tell of pretraining; a report of the study does.");
}
