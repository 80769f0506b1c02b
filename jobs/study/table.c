#include "jobs/study/table.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/multiplicity.h"
#include "io/base/durable.h"
#include "io/base/outputs.h"
#include "io/base/sums.h"
#include "io/formats/csv.h"
#include "jobs/metrics/bar.h"

/* A metrics.json has some 10 kB per target, model and subgroup. */
enum { METRICS_BYTES = 1 << 28 };

typedef struct {
    double value, lower, upper; /* NaN: not estimable */
} interval;

typedef struct {
    const ein_study_cell *cell;
    bool there;
    char figure[32], why[160];         /* why there is no comparison */
    int64_t records, unknown_patients; /* of them: taken for patients of their own */
    interval arm[EIN_STUDY_MAX_ARMS], difference;
    double p, adjusted;
} row;

static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static interval interval_of(const json_t *object) {
    return (interval){number_of(object, "value"), number_of(object, "lower"), number_of(object, "upper")};
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* The arms of a metrics.json, by their names. */
static void take_arms(row *r, const ein_study *study, const json_t *task) {
    const json_t *arms = json_object_get(task, "arms"), *pairs = json_object_get(task, "pairs");
    snprintf(r->figure, sizeof r->figure, "%s", text_of(task, "figure"));
    for (size_t i = 0; i < json_array_size(arms); i++) {
        const json_t *arm = json_array_get(arms, i);
        for (int a = 0; a < study->n_arms; a++)
            if (strcmp(text_of(arm, "arm"), study->arm[a].name) == 0)
                r->arm[a] = interval_of(json_object_get(arm, "macro"));
    }
    for (size_t i = 0; i < json_array_size(pairs) && study->n_arms > 1; i++) {
        const json_t *pair = json_array_get(pairs, i);
        if (strcmp(text_of(pair, "first"), study->arm[0].name) != 0 ||
            strcmp(text_of(pair, "second"), study->arm[1].name) != 0)
            continue;
        r->difference = interval_of(json_object_get(pair, "difference"));
        r->p = number_of(pair, "p");
    }
    if (json_array_size(arms) == 0)
        snprintf(r->why, sizeof r->why, "not estimable: too few records of one class in every target");
}

/* Hours may lie between the first look at the cells and this one. */
static ein_status check_metrics(const row *r) {
    const char *slash = strrchr(r->cell->output, '/');
    const ein_status status = ein_sums_check(r->cell->sums, slash ? slash + 1 : r->cell->output, NULL);
    if (status != EIN_NOTFOUND)
        return ein_error_context(status, "%s: run the study again, it evaluates anew", r->cell->id);
    ein_error_clear();
    return EIN_OK;
}

static ein_status take_metrics(row *r, const ein_study *study) {
    json_error_t error;
    char *text;
    size_t bytes;
    EIN_TRY(check_metrics(r));
    EIN_TRY(
        ein_error_context(ein_file_read(r->cell->output, METRICS_BYTES, &text, &bytes), "%s", r->cell->id));
    json_t *root = json_loadb(text, bytes, 0, &error);
    free(text);
    if (!root)
        return ein_error(EIN_FORMAT, "%s:%d: %s; remove it and run the evaluation again", r->cell->output,
                         error.line, error.text);
    const json_t *arms = json_object_get(root, "arms");
    r->there = true;
    r->records = json_integer_value(json_object_get(root, "records"));
    r->unknown_patients = json_integer_value(json_object_get(root, "records_of_unknown_patients"));
    if (json_array_size(arms) == 1)
        take_arms(r, study, json_array_get(arms, 0));
    else
        snprintf(r->why, sizeof r->why, "metrics.json compares %zu tasks, not one", json_array_size(arms));
    json_decref(root);
    return EIN_OK;
}

static ein_status fill_rows(const ein_study_plan *plan, row *rows, int n) {
    for (int i = 0, r = 0; i < plan->n && r < n; i++) {
        const ein_study_cell *c = &plan->cell[i];
        if (c->stage != EIN_STUDY_EVALUATE) continue;
        row *now = &rows[r++];
        now->cell = c;
        now->p = now->adjusted = NAN;
        now->difference = (interval){NAN, NAN, NAN};
        for (int a = 0; a < EIN_STUDY_MAX_ARMS; a++) now->arm[a] = now->difference;
        if (c->state == EIN_STATE_DONE)
            EIN_TRY(take_metrics(now, plan->study));
        else
            snprintf(now->why, sizeof now->why, "%s%s%.100s", ein_study_state_name(c->state),
                     c->reason[0] ? ": " : "", c->reason);
    }
    return EIN_OK;
}

/* Over all rows whose p is there; the others are no members of the family. */
static ein_status adjust_rows(row *rows, int n) {
    double *p;
    int m = 0;
    EIN_TRY(EIN_NEW(p, n));
    for (int i = 0; i < n; i++)
        if (!isnan(rows[i].p)) p[m++] = rows[i].p;
    const ein_status status = ein_adjust(p, p, m, EIN_ADJUST_HOLM);
    m = 0;
    for (int i = 0; i < n && status == EIN_OK; i++)
        if (!isnan(rows[i].p)) rows[i].adjusted = p[m++];
    free(p);
    return status;
}

/* --- writing --------------------------------------------------------------------------------------------- */

static const char *part_of(const ein_study *study, const ein_study_cell *c) {
    return study->task[c->task].cohort == c->cohort ? "test part" : "all";
}

static void put_interval(ein_csv_writer *csv, interval i) {
    ein_csv_put_real(csv, i.value);
    ein_csv_put_real(csv, i.lower);
    ein_csv_put_real(csv, i.upper);
}

static void put_note(ein_csv_writer *csv, const row *r) {
    char note[160];
    snprintf(note, sizeof note,
             "the patient of %" PRId64 " records is not known; each is taken for a patient of its own",
             r->unknown_patients);
    ein_csv_put(csv, r->why[0] ? r->why : r->unknown_patients > 0 ? note : "");
}

static ein_status write_csv(const ein_study_plan *plan, const row *rows, int n) {
    enum { FIXED = 6, LAST = 6 };
    static const char *const suffix[] = {"", "_lower", "_upper"};
    const ein_study *study = plan->study;
    char path[4352], name[EIN_STUDY_MAX_ARMS * 3][EIN_STUDY_NAME_BYTES + 16];
    const char *columns[FIXED + 3 * EIN_STUDY_MAX_ARMS + LAST] = {"task", "cohort",  "trained_on",
                                                                  "part", "records", "figure"};
    int k = FIXED;
    for (int a = 0; a < 3 * study->n_arms; a++, k++) {
        snprintf(name[a], sizeof name[a], "%s%s", study->arm[a / 3].name, suffix[a % 3]);
        columns[k] = name[a];
    }
    static const char *const last[LAST] = {"difference", "difference_lower", "difference_upper",
                                           "p",          "p_holm",           "note"};
    for (int i = 0; i < LAST; i++) columns[k++] = last[i];
    ein_csv_writer *csv;
    snprintf(path, sizeof path, "%s/table.csv", plan->folder);
    EIN_TRY(ein_csv_create(path, columns, k, &csv));
    for (int i = 0; i < n; i++) {
        const row *r = &rows[i];
        ein_csv_put(csv, study->task[r->cell->task].name);
        ein_csv_put(csv, study->cohort[r->cell->cohort].name);
        ein_csv_put(csv, study->cohort[study->task[r->cell->task].cohort].name);
        ein_csv_put(csv, part_of(study, r->cell));
        if (r->there)
            ein_csv_put_int(csv, r->records);
        else
            ein_csv_put(csv, "");
        ein_csv_put(csv, r->figure);
        for (int a = 0; a < study->n_arms; a++) put_interval(csv, r->arm[a]);
        put_interval(csv, r->difference);
        ein_csv_put_real(csv, r->p);
        ein_csv_put_real(csv, r->adjusted);
        put_note(csv, r);
        ein_csv_end_row(csv);
    }
    return ein_csv_finish(csv, true);
}

static void print_interval(FILE *stream, interval i, bool with_sign) {
    char text[64];
    if (isnan(i.value)) {
        fprintf(stream, "  %-22s", "not estimable");
        return;
    }
    if (with_sign)
        snprintf(text, sizeof text, "%+.3f (%+.3f, %+.3f)", i.value, i.lower, i.upper);
    else
        snprintf(text, sizeof text, "%.3f (%.3f, %.3f)", i.value, i.lower, i.upper);
    fprintf(stream, "  %-22s", text);
}

/* The figure of a row without what it is taken over. */
static const char *figure_of(const row *r) {
    return strncmp(r->figure, "macro ", 6) == 0 ? r->figure + 6 : r->figure;
}

static void print_row(FILE *stream, const ein_study *study, const row *r) {
    fprintf(stream, "%-16s %-14s", study->task[r->cell->task].name, study->cohort[r->cell->cohort].name);
    if (r->why[0]) {
        fprintf(stream, "  %s\n", r->why);
        return;
    }
    fprintf(stream, " %7" PRId64 "  %-11s", r->records, figure_of(r));
    for (int a = 0; a < study->n_arms; a++) print_interval(stream, r->arm[a], false);
    if (study->n_arms > 1) {
        print_interval(stream, r->difference, true);
        if (isnan(r->adjusted))
            fprintf(stream, "  %8s", "-");
        else
            fprintf(stream, r->adjusted < 0.001 ? "  %8.1e" : "  %8.3f", r->adjusted);
    }
    fprintf(stream, "\n");
}

/* Differences beside each other, on a terminal. */
static void print_bars(FILE *stream, const ein_study *study, const row *rows, int n) {
    double most = 0;
    char bar[EIN_BAR_WIDTH + 1];
    for (int i = 0; i < n; i++)
        most = fmax(most, fmax(fabs(rows[i].difference.lower), fabs(rows[i].difference.upper)));
    if (study->n_arms < 2 || !(most > 0) || !ein_bar_wanted(stream)) return;
    fprintf(stream, "\n%-33s%+.2f%*s%+*.2f\n", "difference with its interval", -most, EIN_BAR_WIDTH / 2 - 4,
            "0", EIN_BAR_WIDTH / 2, most);
    for (int i = 0; i < n; i++) {
        const interval *d = &rows[i].difference;
        ein_bar(bar, d->lower, d->value, d->upper, 0, -most, most);
        if (bar[0])
            fprintf(stream, "%-16s %-14s  %s\n", study->task[rows[i].cell->task].name,
                    study->cohort[rows[i].cell->cohort].name, bar);
    }
}

static void print_summary(FILE *stream, const ein_study *study, const row *rows, int n) {
    int known = 0, above = 0, better = 0, worse = 0;
    for (int i = 0; i < n; i++) {
        if (isnan(rows[i].difference.value)) continue;
        known++;
        above += rows[i].difference.value > 0;
        better += rows[i].adjusted < 0.05 && rows[i].difference.value > 0;
        worse += rows[i].adjusted < 0.05 && rows[i].difference.value < 0;
    }
    if (study->n_arms < 2) return;
    fprintf(
        stream,
        "\n%s is above %s in %d of %d rows; after Holm over all rows (p < 0.05) better in %d, worse in %d.\n",
        study->arm[0].name, study->arm[1].name, above, known, better, worse);
}

/* Mean difference over the rows of one figure. Rows of one cohort share its patients, to an extent that nobody knows,
 * so their intervals are added as if all erred together, which is the most it can be; cohorts are other people, and
 * their errors add as roots of sums of squares. */
static void print_mean(FILE *stream, const ein_study *study, const row *rows, int n, const char *figure) {
    double sum = 0, below = 0, above = 0;
    int count = 0;
    for (int c = 0; c < study->n_cohorts; c++) {
        double down = 0, up = 0;
        for (int i = 0; i < n; i++) {
            const interval *d = &rows[i].difference;
            if (rows[i].cell->cohort != c || isnan(d->value) || strcmp(figure_of(&rows[i]), figure) != 0)
                continue;
            sum += d->value;
            down += d->value - d->lower;
            up += d->upper - d->value;
            count++;
        }
        below += down * down;
        above += up * up;
    }
    const double mean = sum / count;
    fprintf(stream, "mean of %s - %s over %d rows of %s: %+.3f (%+.3f, %+.3f)\n", study->arm[0].name,
            study->arm[1].name, count, figure, mean, mean - sqrt(below) / count, mean + sqrt(above) / count);
}

static void print_means(FILE *stream, const ein_study *study, const row *rows, int n) {
    if (study->n_arms < 2) return;
    for (int i = 0; i < n; i++) {
        bool first = !isnan(rows[i].difference.value);
        for (int k = 0; k < i && first; k++)
            first = isnan(rows[k].difference.value) || strcmp(figure_of(&rows[k]), figure_of(&rows[i])) != 0;
        if (first) print_mean(stream, study, rows, n, figure_of(&rows[i]));
    }
}

/* Figures whose files cannot be compared with what was written. */
static void print_unverified(FILE *stream, const row *rows, int n) {
    int unverified = 0;
    for (int i = 0; i < n; i++) unverified += rows[i].there && rows[i].cell->unverified;
    if (unverified)
        fprintf(
            stream,
            "\n%d of %d rows are NOT VERIFIED: their evaluations have no MADE-BY (an earlier version made them, or "
            "it was removed), so nothing tells whether metrics.json is as it was written; run them again to "
            "know.\n",
            unverified, n);
}

/* Intervals of such rows take each of these records for a patient of its own. */
static void print_unknown_patients(FILE *stream, const row *rows, int n) {
    int rows_of_unknown = 0;
    int64_t most = 0;
    for (int i = 0; i < n; i++) {
        rows_of_unknown += rows[i].unknown_patients > 0;
        if (rows[i].unknown_patients > most) most = rows[i].unknown_patients;
    }
    if (rows_of_unknown)
        fprintf(stream,
                "\n%d of %d rows have records whose patient is not known (up to %" PRId64
                "), each taken for a patient of its own:\ntheir intervals and p values may be too small.\n",
                rows_of_unknown, n, most);
}

static void print_table(FILE *stream, const ein_study_plan *plan, const row *rows, int n) {
    const ein_study *study = plan->study;
    fprintf(stream, "%s\n", study->title ? study->title : study->name);
    if (ein_study_is_synthetic(study))
        fprintf(stream,
                "SYNTHETIC data: people who do not exist; these figures tell nothing about patients\n");
    fprintf(
        stream,
        "AUROC: macro over the targets of a task; R2 of regressions; mean over %d seed%s; 95 %% intervals "
        "by patient bootstrap\n\n",
        study->seeds, study->seeds == 1 ? "" : "s");
    fprintf(stream, "%-16s %-14s %7s  %-11s", "task", "cohort", "records", "figure");
    for (int a = 0; a < study->n_arms; a++) fprintf(stream, "  %-22s", study->arm[a].name);
    if (study->n_arms > 1) fprintf(stream, "  %-22s  %8s", "difference", "p (Holm)");
    fprintf(stream, "\n");
    for (int i = 0; i < n; i++) print_row(stream, study, &rows[i]);
    print_bars(stream, study, rows, n);
    print_summary(stream, study, rows, n);
    print_means(stream, study, rows, n);
    print_unverified(stream, rows, n);
    print_unknown_patients(stream, rows, n);
}

static ein_status write_text(const ein_study_plan *plan, const row *rows, int n) {
    char path[4352];
    FILE *stream;
    snprintf(path, sizeof path, "%s/table.txt", plan->folder);
    EIN_TRY(ein_durable_fopen(path, &stream));
    print_table(stream, plan, rows, n);
    return ein_durable_fclose(stream, path, true);
}

/* They change together: nobody finds figures of one table beside those of another. */
static ein_status write_both(const ein_study_plan *plan, const row *rows, int n) {
    char csv[4352], text[4352], sums[4352];
    const char *const paths[] = {csv, text, sums};
    ein_outputs *files;
    snprintf(csv, sizeof csv, "%s/table.csv", plan->folder);
    snprintf(text, sizeof text, "%s/table.txt", plan->folder);
    snprintf(sums, sizeof sums, "%s/table.made-by", plan->folder);
    EIN_TRY(ein_outputs_begin(paths, 3, NULL, true, &files));
    ein_status status = write_csv(plan, rows, n);
    if (status == EIN_OK) status = write_text(plan, rows, n);
    if (status == EIN_OK) status = ein_outputs_write_sums(files, sums, "# einthoven study\n");
    if (status == EIN_OK) status = ein_outputs_publish(files);
    ein_outputs_end(files);
    return status;
}

ein_status ein_study_table(const ein_study_plan *plan) {
    int n = 0;
    row *rows;
    for (int i = 0; i < plan->n; i++) n += plan->cell[i].stage == EIN_STUDY_EVALUATE;
    EIN_TRY(EIN_NEW(rows, n));
    ein_status status = fill_rows(plan, rows, n);
    if (status == EIN_OK) status = adjust_rows(rows, n);
    if (status == EIN_OK) status = write_both(plan, rows, n);
    if (status == EIN_OK) print_table(stdout, plan, rows, n);
    free(rows);
    return status;
}
