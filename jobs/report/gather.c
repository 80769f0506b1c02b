/* Reading what a report tells. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/sums.h"
#include "jobs/report/report.h"

/* A metrics.json has some 10 kB per target, model and subgroup. */
enum { METRICS_BYTES = 1 << 28, TEXT_BYTES = 1 << 26 };

double ein_report_number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

int64_t ein_report_integer(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

const char *ein_report_text(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

const json_t *ein_report_find(const json_t *list, const char *key, const char *value) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(ein_report_text(json_array_get(list, i), key), value) == 0) return json_array_get(list, i);
    return NULL;
}

char *ein_report_file(const char *folder, const char *name) {
    char *path, *text = NULL;
    size_t bytes;
    if (asprintf(&path, "%s/%s", folder, name) < 0) return NULL;
    if (ein_file_read(path, TEXT_BYTES, &text, &bytes) != EIN_OK) {
        ein_error_clear(); /* the report says what is missing in its place */
        text = NULL;
    }
    free(path);
    return text;
}

void ein_report_field(const char *text, const char *key, char *out, size_t room) {
    const size_t n = strlen(key);
    out[0] = '\0';
    for (const char *line = text; line && *line;) {
        const size_t length = strcspn(line, "\n");
        if (strncmp(line, key, n) == 0 && line[n] == ':' && line[n + 1] == ' ')
            snprintf(out, room, "%.*s", (int)(length - n - 2), line + n + 2);
        line += length + (line[length] == '\n');
    }
}

/* A cell of table.csv of a row; "" if there is none. */
static const char *cell_of(const ein_report *r, const ein_report_row *row, const char *column) {
    const int at = r->table && row->table_row >= 0 ? ein_csv_column(r->table, column) : -1;
    return at < 0 ? "" : ein_csv_cell(r->table, row->table_row, at);
}

double ein_report_cell_number(const ein_report *r, const ein_report_row *row, const char *column) {
    const char *text = cell_of(r, row, column);
    char *end;
    const double value = strtod(text, &end);
    return *text && !*end ? value : NAN;
}

/* --- metrics ----------------------------------------------------------------------------------------------- */

static ein_status take_metrics(ein_report_evaluation *e, const char *folder) {
    json_error_t error;
    char *path, *text;
    size_t bytes;
    e->folder = strdup(folder);
    if (!e->folder || asprintf(&path, "%s/metrics.json", folder) < 0)
        return ein_error(EIN_NOMEM, "no memory for %s", folder);
    ein_status status = ein_file_read(path, METRICS_BYTES, &text, &bytes);
    if (status == EIN_OK) {
        e->metrics = json_loadb(text, bytes, 0, &error);
        free(text);
        if (!e->metrics || strcmp(ein_report_text(e->metrics, "format"), "einthoven metrics") != 0)
            status = ein_error(EIN_FORMAT, "%s: no result of evaluate%s%s", path, e->metrics ? "" : ": ",
                               e->metrics ? "" : error.text);
    }
    free(path);
    if (status != EIN_OK) return status;
    if (asprintf(&path, "%s/MADE-BY", folder) < 0) return ein_error(EIN_NOMEM, "no memory for %s", folder);
    if (ein_sums_check(path, NULL, NULL) != EIN_OK) e->damaged = strdup(ein_error_message());
    ein_error_clear();
    free(path);
    return EIN_OK;
}

/* All evaluations of a study that have a result. */
static ein_status take_evaluations(ein_report *r) {
    int n = 0;
    for (int i = 0; i < r->plan->n; i++) n += r->plan->cell[i].stage == EIN_STUDY_EVALUATE;
    EIN_TRY(EIN_NEW(r->evaluation, n + 1));
    for (int i = 0; i < r->plan->n; i++) {
        const ein_study_cell *c = &r->plan->cell[i];
        if (c->stage != EIN_STUDY_EVALUATE || access(c->output, F_OK) != 0) continue;
        char *folder = strdup(c->output), *slash = folder ? strrchr(folder, '/') : NULL;
        if (!slash) return ein_error(EIN_NOMEM, "no memory for %s", c->id);
        *slash = '\0';
        const ein_status status = take_metrics(&r->evaluation[r->n_evaluations++], folder);
        free(folder);
        EIN_TRY(status);
    }
    return EIN_OK;
}

/* --- rows -------------------------------------------------------------------------------------------------- */

static int64_t table_row(const ein_report *r, const char *task, const char *cohort) {
    const int t = r->table ? ein_csv_column(r->table, "task") : -1,
              c = r->table ? ein_csv_column(r->table, "cohort") : -1;
    for (int64_t i = 0; t >= 0 && c >= 0 && i < ein_csv_rows(r->table); i++)
        if (strcmp(ein_csv_cell(r->table, i, t), task) == 0 &&
            strcmp(ein_csv_cell(r->table, i, c), cohort) == 0)
            return i;
    return -1;
}

static ein_status take_rows(ein_report *r) {
    int64_t n = r->table ? ein_csv_rows(r->table) : 0;
    for (int e = 0; e < r->n_evaluations; e++)
        n += (int64_t)json_array_size(json_object_get(r->evaluation[e].metrics, "arms"));
    EIN_TRY(EIN_NEW(r->row, n + 1));
    for (int e = 0; e < r->n_evaluations; e++) {
        const json_t *metrics = r->evaluation[e].metrics, *arms = json_object_get(metrics, "arms");
        for (size_t i = 0; i < json_array_size(arms); i++) {
            const json_t *entry = json_array_get(arms, i);
            const char *task = ein_report_text(entry, "task"), *cohort = ein_report_text(metrics, "cohort");
            r->row[r->n_rows++] = (ein_report_row){.task = task,
                                                   .cohort = cohort,
                                                   .evaluation = e,
                                                   .arms = entry,
                                                   .note = "",
                                                   .table_row = table_row(r, task, cohort)};
        }
    }
    /* What the study wanted and has no figure for. */
    for (int64_t i = 0; r->table && i < ein_csv_rows(r->table); i++) {
        bool there = false;
        for (int k = 0; k < r->n_rows; k++) there = there || r->row[k].table_row == i;
        ein_report_row row = {.evaluation = -1, .table_row = i};
        row.task = cell_of(r, &row, "task");
        row.cohort = cell_of(r, &row, "cohort");
        row.note = cell_of(r, &row, "note");
        if (!there) r->row[r->n_rows++] = row;
    }
    return EIN_OK;
}

/* --- a folder ---------------------------------------------------------------------------------------------- */

static ein_status take_study(ein_report *r) {
    char *path, *text;
    size_t bytes;
    if (asprintf(&path, "%s/study.yaml", r->folder) < 0)
        return ein_error(EIN_NOMEM, "no memory for %s", r->folder);
    ein_status status = ein_file_read(path, EIN_STUDY_MAX_BYTES, &text, &bytes);
    if (status == EIN_OK) {
        status = ein_study_parse(path, text, bytes, &r->study);
        free(text);
    }
    free(path);
    EIN_TRY(status);
    EIN_TRY(ein_study_plan_new(r->study, r->folder, 1, &r->plan));
    EIN_TRY(take_evaluations(r));
    if (asprintf(&path, "%s/table.csv", r->folder) < 0)
        return ein_error(EIN_NOMEM, "no memory for %s", r->folder);
    status = ein_csv_open(path, &r->table);
    if (status == EIN_NOTFOUND) ein_error_clear();
    free(path);
    return status == EIN_NOTFOUND ? EIN_OK : status;
}

static bool holds(const char *folder, const char *name) {
    char *path;
    if (asprintf(&path, "%s/%s", folder, name) < 0) return false;
    const bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static ein_status take_folder(ein_report *r) {
    if (holds(r->folder, "study.yaml")) {
        EIN_TRY(take_study(r));
    } else if (holds(r->folder, "metrics.json")) {
        EIN_TRY(EIN_NEW(r->evaluation, 1));
        r->n_evaluations = 1;
        EIN_TRY(take_metrics(&r->evaluation[0], r->folder));
    } else {
        return ein_error(EIN_USAGE,
                         "%s: neither the folder of a study (study.yaml) nor of an evaluation (metrics.json)",
                         r->folder);
    }
    EIN_TRY(take_rows(r));
    if (r->n_rows == 0 && r->n_evaluations == 0)
        return ein_error(EIN_NOTFOUND, "%s: nothing is evaluated yet; run the study first", r->folder);
    r->minimum = 10;
    for (int e = 0; e < r->n_evaluations; e++) {
        const json_t *target = json_array_get(json_object_get(r->evaluation[e].metrics, "targets"), 0);
        const int64_t minimum = ein_report_integer(json_object_get(target, "methods"), "subgroup_minimum");
        if (minimum > 0) r->minimum = minimum;
    }
    return EIN_OK;
}

ein_status ein_report_gather(ein_report *r) {
    return ein_comm_share(r->comm, ein_comm_rank(r->comm) == 0 ? take_folder(r) : EIN_OK);
}
