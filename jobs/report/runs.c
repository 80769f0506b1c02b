/* How it was made: runs, limitations, commands. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/hash.h"
#include "jobs/cli/command.h"
#include "jobs/report/report.h"

enum { LINE = 1024 };

/* --- runs -------------------------------------------------------------------------------------------------- */

/* What a training log tells. */
typedef struct {
    int ranks, threads;
    double seconds;
    char data[64];
} training;

static training read_log(const char *text) {
    training t = {0, 0, (double)NAN, ""};
    for (const char *c = text; c && *c;) {
        const size_t length = strcspn(c, "\n");
        char line[LINE];
        snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : sizeof line - 1), c);
        const char *ranks = strstr(line, " ranks, "), *seconds = strstr(line, " updates in ");
        int threads;
        if (ranks && sscanf(ranks, " ranks, %d threads", &threads) == 1) {
            while (ranks > line && ranks[-1] >= '0' && ranks[-1] <= '9') ranks--;
            t.ranks = atoi(ranks);
            t.threads = threads;
        }
        if (seconds) t.seconds = strtod(seconds + strlen(" updates in "), NULL);
        c += length + (c[length] == '\n');
    }
    return t;
}

/* The log of a run: in its folder, or one or two levels below for fine-tuning (RUN/TASK/ARM-sSEED). */
static char *log_of(const ein_study_cell *c) {
    char *text = c->run_folder ? ein_report_file(c->run_folder, "log.txt") : NULL;
    return text ? text : ein_report_file(c->folder, "output.txt");
}

static void put_run(ein_report *r, const ein_study_cell *c, double *core_hours) {
    char state[64] = "missing", stamp[LINE], command[1 << 14], when[64];
    char *file = ein_report_file(c->folder, "STATE"), *made = ein_report_file(c->folder, "COMMAND"),
         *log = log_of(c);
    training t = read_log(log);
    if (t.ranks == 0 && c->run_folder) {
        char *more = ein_report_file(c->folder, "log.txt");
        t = read_log(more);
        free(more);
    }
    if (file) snprintf(state, sizeof state, "%.*s", (int)strcspn(file, "\n"), file);
    ein_report_field(file, "time", when, sizeof when);
    ein_report_field(made, "stamp", stamp, sizeof stamp);
    ein_report_field(made, "command", command, sizeof command);
    const double hours = t.seconds * t.ranks * t.threads / 3600;
    if (isfinite(hours)) *core_hours += hours;
    ein_table_text(&r->page, ein_study_stage_name[c->stage]);
    ein_table_text(&r->page, c->id);
    ein_table_text(&r->page, state);
    ein_table_text(&r->page, when);
    ein_table_count(&r->page, t.ranks > 0 ? t.ranks : -1);
    ein_table_count(&r->page, t.ranks > 0 ? t.threads : -1);
    ein_table_real(&r->page, t.seconds, 1);
    ein_table_real(&r->page, hours, 3);
    stamp[12] = '\0';
    ein_table_text(&r->page, stamp);
    ein_table_row(&r->page);
    free(file);
    free(made);
    free(log);
}

static void put_study_runs(ein_report *r) {
    static const ein_column column[] = {
        {"Stage", EIN_COLUMN_TEXT},        {"Step", EIN_COLUMN_TEXT},       {"State", EIN_COLUMN_TEXT},
        {"Ended", EIN_COLUMN_TEXT},        {"Ranks", EIN_COLUMN_COUNT},     {"Threads", EIN_COLUMN_COUNT},
        {"Training (s)", EIN_COLUMN_REAL}, {"Core-hours", EIN_COLUMN_REAL}, {"Stamp", EIN_COLUMN_TEXT}};
    double core_hours = 0;
    ein_table_begin(&r->page, "runs", "Steps of the study", column, 9, true);
    for (int i = 0; i < r->plan->n; i++) put_run(r, &r->plan->cell[i], &core_hours);
    ein_table_end(&r->page);
    ein_markup_put(
        &r->page.body,
        "<p>Training took %.2f core-hours in all, as the logs tell. A stamp is the hash of a step's command and "
        "of all that it was made from.</p>\n",
        core_hours);
}

static void put_models(ein_report *r) {
    static const ein_column column[] = {{"Task", EIN_COLUMN_TEXT}, {"Cohort", EIN_COLUMN_TEXT},
                                        {"Arm", EIN_COLUMN_TEXT},  {"Model", EIN_COLUMN_TEXT},
                                        {"Hash", EIN_COLUMN_TEXT}, {"Program", EIN_COLUMN_TEXT},
                                        {"Run", EIN_COLUMN_TEXT},  {"Replicates", EIN_COLUMN_COUNT}};
    ein_table_begin(&r->page, "models", "Models that were evaluated", column, 8, true);
    for (int e = 0; e < r->n_evaluations; e++) {
        const json_t *metrics = r->evaluation[e].metrics, *models = json_object_get(metrics, "models");
        const json_t *entry = json_array_get(json_object_get(metrics, "arms"), 0);
        for (size_t i = 0; i < json_array_size(models); i++) {
            const json_t *model = json_array_get(models, i);
            ein_table_text(&r->page, ein_report_text(entry, "task"));
            ein_table_text(&r->page, ein_report_text(metrics, "cohort"));
            ein_table_text(&r->page, ein_report_text(model, "arm"));
            ein_table_text(&r->page, ein_report_text(model, "name"));
            ein_table_text(&r->page, ein_report_text(model, "hash"));
            ein_table_text(&r->page, ein_report_text(metrics, "program"));
            ein_table_text(&r->page, ein_report_text(metrics, "run"));
            ein_table_count(&r->page, ein_report_integer(entry, "replicates"));
            ein_table_row(&r->page);
        }
    }
    ein_table_end(&r->page);
}

void ein_report_runs(ein_report *r) {
    ein_page_section(&r->page, "runs", "Runs");
    if (r->plan) put_study_runs(r);
    put_models(r);
    const json_t *target =
        r->n_evaluations ? json_array_get(json_object_get(r->evaluation[0].metrics, "targets"), 0) : NULL;
    const json_t *text = json_object_get(json_object_get(target, "methods"), "text");
    if (json_array_size(text) == 0) return;
    ein_markup_put(&r->page.body, "<h3>Statistical methods</h3>\n<ul>\n");
    for (size_t i = 0; i < json_array_size(text); i++) {
        const char *line = json_string_value(json_array_get(text, i));
        if (line) ein_markup_put(&r->page.body, "<li>%s</li>\n", line);
    }
    ein_markup_put(&r->page.body, "</ul>\n");
}

/* --- limitations ------------------------------------------------------------------------------------------- */

static void item(ein_report *r, const char *text) {
    ein_markup_put(&r->page.body, "<li>%s</li>\n", text);
}

static void put_counted_limits(ein_report *r) {
    char text[LINE];
    int failed = 0, unknown = 0, subgroups = 0;
    int64_t seen = 0;
    for (int i = 0; i < r->n_rows; i++) failed += r->row[i].evaluation < 0;
    for (int e = 0; e < r->n_evaluations; e++) {
        const json_t *m = r->evaluation[e].metrics;
        unknown += ein_report_integer(m, "records_of_unknown_patients") > 0;
        seen += ein_report_integer(m, "records_seen_in_training");
        subgroups += json_object_get(json_array_get(json_object_get(m, "targets"), 0), "subgroups") != NULL;
    }
    if (failed) {
        snprintf(text, sizeof text, "%d planned evaluations have no result.", failed);
        item(r, text);
    }
    if (unknown) {
        snprintf(
            text, sizeof text,
            "In %d evaluations some records have no known patient and count as patients of their own: intervals "
            "may be too narrow.",
            unknown);
        item(r, text);
    }
    if (seen) {
        snprintf(text, sizeof text, "%lld evaluated records were seen in training.", (long long)seen);
        item(r, text);
    }
    if (subgroups == 0)
        item(
            r,
            "No subgroups were evaluated (evaluate.subgroup): nothing is known of differences between sexes or ages.");
}

/* Trainings whose best epoch was near the last. */
static void put_unfinished(ein_report *r) {
    char text[LINE];
    int n = 0;
    for (int i = 0; r->plan && i < r->plan->n; i++) {
        const ein_study_cell *c = &r->plan->cell[i];
        if (c->stage != EIN_STUDY_PRETRAIN && c->stage != EIN_STUDY_FINETUNE) continue;
        char *log = log_of(c);
        n += log && strstr(log, "still getting better near the end") != NULL;
        free(log);
    }
    if (n == 0) return;
    snprintf(text, sizeof text,
             "%d trainings were still getting better near their end; longer ones may find more.", n);
    item(r, text);
}

void ein_report_limitations(ein_report *r) {
    ein_page_section(&r->page, "limitations", "Limitations");
    ein_markup_put(&r->page.body, "<ul>\n");
    if (r->study && ein_study_is_synthetic(r->study))
        item(r, "The data are synthetic. How findings show in the ECG was chosen, not measured; nothing here "
                "tells how a model works on "
                "patients.");
    item(
        r,
        "Evaluations are retrospective, on recordings that were at hand; nothing is known of effects on care.");
    if (r->study && r->study->seeds < 3)
        item(
            r,
            "Few seeds per arm: intervals speak of the patients that were drawn, hardly of chance in training.");
    put_counted_limits(r);
    put_unfinished(r);
    item(r,
         "The report tells what the files hold. What a reader must know beyond them is marked missing in the "
         "checklist.");
    ein_markup_put(&r->page.body, "</ul>\n");
}

/* --- reproduce --------------------------------------------------------------------------------------------- */

void ein_report_reproduce(ein_report *r) {
    ein_markup *m = &r->page.body;
    ein_page_section(&r->page, "reproduce", "How to reproduce");
    if (!r->plan) {
        ein_page_paragraph(
            &r->page,
            "The command of a single evaluation is not kept in its folder; a report of the study lists every one.");
        return;
    }
    ein_markup_put(
        m,
        "<p>With einthoven %s, on any number of ranks:</p>\n<pre><code>mpirun -n 2 einthoven study "
        "%s/study.yaml --out FOLDER "
        "--run</code></pre>\n<p>runs these commands, each of which can be typed alone:</p>\n<pre tabindex=\"0\"><code>",
        ein_version(), r->folder);
    for (int i = 0; i < r->plan->n; i++) {
        char *made = ein_report_file(r->plan->cell[i].folder, "COMMAND"), command[1 << 14];
        ein_report_field(made, "command", command, sizeof command);
        if (command[0]) ein_markup_put(m, "%s\n", command);
        free(made);
    }
    ein_markup_put(m, "</code></pre>\n");
}
