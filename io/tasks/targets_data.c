#include "io/tasks/targets_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/nearest.h"
#include "io/formats/csv.h"
#include "io/hdf5/h5.h"
#include "io/labels/labels.h"

enum { MAX_COLUMNS = EIN_CORPUS_MAX_COLUMNS };
#define SAME_AGE_YEARS 1.0F /* a birthday may lie between the two */

static bool is_age(const char *name) {
    return strcmp(name, "age") == 0;
}
static bool is_sex(const char *name) {
    return strcmp(name, "sex") == 0;
}

/* Columns are kept under names without '/' (io/labels/labels.h). */
static bool same_column(const char *asked, const char *kept) {
    for (; *asked && *kept; asked++, kept++)
        if ((*asked == '/' ? '_' : *asked) != *kept) return false;
    return *asked == *kept;
}

/* --- what is asked for ----------------------------------------------------------------------------------- */

static ein_status want_number(ein_targets_data *d, const char *name) {
    for (int i = 0; i < d->n_numbers; i++)
        if (strcmp(d->number[i].name, name) == 0) return EIN_OK;
    if (d->n_numbers == MAX_COLUMNS)
        return ein_error(EIN_RANGE, "the tasks ask for more than %d columns", MAX_COLUMNS);
    d->number[d->n_numbers++].name = name;
    return EIN_OK;
}

static ein_status want_text(ein_targets_data *d, const char *name) {
    for (int i = 0; i < d->n_texts; i++)
        if (strcmp(d->text[i].name, name) == 0) return EIN_OK;
    if (d->n_texts == MAX_COLUMNS)
        return ein_error(EIN_RANGE, "the tasks ask for more than %d columns of texts", MAX_COLUMNS);
    d->text[d->n_texts++].name = name;
    return EIN_OK;
}

static ein_status want_columns(ein_targets_data *d, const ein_tasks *tasks) {
    EIN_TRY(EIN_NEW(d->number, MAX_COLUMNS));
    EIN_TRY(EIN_NEW(d->text, MAX_COLUMNS));
    for (int t = 0; t < tasks->n; t++) {
        const ein_task *task = &tasks->task[t];
        for (int j = 0; j < task->n_targets; j++)
            if (task->target[j].column) EIN_TRY(want_number(d, task->target[j].column));
        for (int i = 0; i < task->n_where; i++) EIN_TRY(want_number(d, task->where[i].column));
        for (int i = 0; i < task->n_texts; i++) EIN_TRY(want_text(d, task->text[i]));
    }
    return EIN_OK;
}

/* --- of the corpus --------------------------------------------------------------------------------------- */

static const char *corpus_label(const ein_corpus *corpus, const char *name) {
    for (int i = 0; i < ein_corpus_label_count(corpus); i++)
        if (same_column(name, ein_corpus_label_name(corpus, i))) return ein_corpus_label_name(corpus, i);
    return NULL;
}

static const char *corpus_text(const ein_corpus *corpus, const char *name) {
    for (int i = 0; i < ein_corpus_text_count(corpus); i++)
        if (same_column(name, ein_corpus_text_name(corpus, i))) return ein_corpus_text_name(corpus, i);
    return NULL;
}

static ein_status read_number(ein_targets_data *d, ein_number_column *c) {
    EIN_TRY(EIN_NEW(c->value, d->N));
    for (int64_t r = 0; r < d->N; r++) c->value[r] = NAN;
    const char *name = corpus_label(d->corpus, c->name);
    if (is_age(c->name)) {
        c->there = true;
        memcpy(c->value, ein_corpus_age(d->corpus), (size_t)d->N * sizeof *c->value);
    } else if (is_sex(c->name)) {
        const int8_t *sex = ein_corpus_sex(d->corpus);
        c->there = true;
        for (int64_t r = 0; r < d->N; r++) c->value[r] = sex[r] < 0 ? NAN : (float)sex[r];
    } else if (name) {
        c->there = true;
        return ein_corpus_label(d->corpus, name, c->value);
    }
    return EIN_OK;
}

static ein_status read_text(ein_targets_data *d, ein_text_column *c) {
    char path[EIN_CORPUS_MAX_NAME_BYTES + 16];
    const char *name = corpus_text(d->corpus, c->name);
    if (!name) return EIN_OK;
    c->there = true;
    snprintf(path, sizeof path, "text/%s", name);
    return ein_corpus_texts(d->corpus, path, &c->bytes, &c->stride);
}

/* --- of the tables --------------------------------------------------------------------------------------- */

static ein_status open_tables(ein_targets_data *d, const ein_targets_tables *tables) {
    const char **value, **text;
    bool age = false, sex = false;
    int n = 0;
    EIN_TRY(EIN_NEW(value, MAX_COLUMNS));
    ein_status status = EIN_NEW(text, MAX_COLUMNS);
    for (int i = 0; i < d->n_numbers; i++) {
        const char *name = d->number[i].name;
        age = age || is_age(name);
        sex = sex || is_sex(name);
        if (!is_age(name) && !is_sex(name)) value[n++] = name;
    }
    for (int i = 0; status == EIN_OK && i < d->n_texts; i++) text[i] = d->text[i].name;
    const ein_labels_options options = {.n_paths = tables->n_tables,
                                        .path = tables->table,
                                        .key = tables->key,
                                        .n_values = n,
                                        .value = value,
                                        .n_texts = d->n_texts,
                                        .text = text,
                                        .age = age ? "age" : NULL,
                                        .sex = sex ? "sex" : NULL,
                                        .n_sex_codes = tables->n_sex_codes,
                                        .sex_code = tables->sex_code,
                                        .if_there = true};
    if (status == EIN_OK) status = ein_labels_load(&options, &d->labels);
    free(value);
    free(text);
    return status;
}

/* Where the tables keep a column; -1: nowhere. */
static int find_kept(const char *const *names, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (same_column(name, names[i])) return i;
    return -1;
}

/* Room to find, for every column, where the tables have it. */
typedef struct {
    int *number, *text; /* per column: index among the tables' columns, or -1 */
    float *values;
    const char **texts;
} places;

static void places_free(places *p) {
    free(p->number);
    free(p->text);
    free(p->values);
    free(p->texts);
}

static ein_status find_places(ein_targets_data *d, places *p) {
    const ein_labels *l = d->labels;
    EIN_TRY(EIN_NEW(p->number, d->n_numbers + 1));
    EIN_TRY(EIN_NEW(p->text, d->n_texts + 1));
    EIN_TRY(EIN_NEW(p->values, ein_labels_n_values(l) + 1));
    EIN_TRY(EIN_NEW(p->texts, ein_labels_n_texts(l) + 1));
    for (int i = 0; i < d->n_numbers; i++) {
        p->number[i] = find_kept(ein_labels_value_names(l), ein_labels_n_values(l), d->number[i].name);
        if (p->number[i] >= 0) d->number[i].there = true;
    }
    for (int i = 0; i < d->n_texts; i++) {
        p->text[i] = find_kept(ein_labels_text_names(l), ein_labels_n_texts(l), d->text[i].name);
        if (p->text[i] < 0) continue;
        d->text[i].there = true;
        EIN_TRY(EIN_NEW(d->text[i].cell, d->N));
    }
    return EIN_OK;
}

/* An age or sex of the tables stands in where the corpus has none; what was mixed is counted. */
static void take_person(float *value, float of_table, float tolerance, int64_t *taken, int64_t *differ) {
    if (isnan(of_table)) return;
    *taken += isnan(*value);
    *differ += fabsf(*value - of_table) > tolerance;
    if (isnan(*value)) *value = of_table;
}

/* What the tables say of record r: over the corpus, but below it for age and sex. */
static void take_row(ein_targets_data *d, const places *p, const ein_labels_match *match, int64_t r) {
    ein_targets_join *j = &d->join;
    ein_labels_values(d->labels, match, p->values);
    ein_labels_texts(d->labels, match, p->texts);
    for (int i = 0; i < d->n_numbers; i++) {
        float *value = &d->number[i].value[r];
        if (p->number[i] >= 0 && !isnan(p->values[p->number[i]])) *value = p->values[p->number[i]];
        if (is_age(d->number[i].name))
            take_person(value, ein_labels_age(d->labels, match), SAME_AGE_YEARS, &j->ages, &j->ages_differ);
        if (is_sex(d->number[i].name)) {
            const int sex = ein_labels_sex(d->labels, match);
            take_person(value, sex < 0 ? NAN : (float)sex, 0, &j->sexes, &j->sexes_differ);
        }
    }
    for (int i = 0; i < d->n_texts; i++)
        if (p->text[i] >= 0) d->text[i].cell[r] = p->texts[p->text[i]];
}

/* A table that went along with the ingested folder calls a record by a path that begins with that folder's name, which
 * is the cohort's unless it was named otherwise. */
static ein_status join_rows(ein_targets_data *d, const places *p) {
    char *source = NULL, *cohort = NULL, below[EIN_H5_MAX_TEXT * 2];
    int64_t stride = 0, cohort_stride = 0;
    EIN_TRY(ein_corpus_texts(d->corpus, "source_file", &source, &stride));
    const ein_status status = ein_corpus_texts(d->corpus, "cohort", &cohort, &cohort_stride);
    for (int64_t r = 0; status == EIN_OK && r < d->N; r++) {
        const char *path = source + r * stride;
        snprintf(below, sizeof below, "%s/%s", cohort + r * cohort_stride, path);
        const char *const key[] = {path, below, ein_corpus_record_id(d->corpus, r)};
        ein_labels_match match;
        ein_labels_find(d->labels, key, 3, NULL, false, &match);
        d->join.without_row += !match.found;
        take_row(d, p, &match, r);
    }
    free(source);
    free(cohort);
    return status;
}

typedef struct {
    const ein_targets_tables *tables;
    ein_csv_writer *csv;
} unjoined;

static void put_unjoined(void *self, int table, int64_t line, const char *key, const char *reason) {
    unjoined *u = self;
    ein_csv_put(u->csv, u->tables->table[table]);
    if (line > 0)
        ein_csv_put_int(u->csv, line);
    else
        ein_csv_put(u->csv, NULL);
    ein_csv_put(u->csv, key);
    ein_csv_put(u->csv, reason);
    ein_csv_end_row(u->csv);
}

static ein_status write_unjoined(ein_targets_data *d, const ein_targets_tables *tables) {
    static const char *const columns[] = {"table", "line", "key", "reason"};
    unjoined u = {.tables = tables};
    if (!tables->unjoined_csv) return EIN_OK;
    EIN_TRY(ein_csv_create(tables->unjoined_csv, columns, 4, &u.csv));
    ein_labels_unjoined(d->labels, put_unjoined, &u);
    return ein_csv_finish(u.csv, true);
}

static ein_status report_join(ein_targets_data *d, const ein_targets_tables *tables) {
    ein_labels_report report;
    ein_targets_join *j = &d->join;
    ein_labels_get_report(d->labels, &report);
    j->rows = report.rows;
    j->unused = report.unused;
    j->ambiguous = report.ambiguous;
    j->malformed = report.malformed;
    j->not_numeric = report.unreadable;
    const char *first = report.first_unused[0]      ? report.first_unused
                        : report.first_malformed[0] ? report.first_malformed
                                                    : report.first_unreadable;
    snprintf(j->first, sizeof j->first, "%s", first);
    EIN_TRY(write_unjoined(d, tables));
    if (j->without_row < d->N) return EIN_OK;
    return ein_error(
        EIN_MISMATCH,
        "no row of %s%s joins any record: its key column holds values such as '%.60s', but records "
        "are called such as '%.60s'; choose the column of ids or paths (label_key)",
        tables->table[0], tables->n_tables > 1 ? " and the other tables" : "", report.first_unused,
        ein_corpus_record_id(d->corpus, 0));
}

static ein_status read_tables(ein_targets_data *d, const ein_targets_tables *tables) {
    places p = {0};
    ein_status status = open_tables(d, tables);
    if (status == EIN_OK) status = find_places(d, &p);
    if (status == EIN_OK) status = join_rows(d, &p);
    places_free(&p);
    return status == EIN_OK ? report_join(d, tables) : status;
}

/* --- what is not there ----------------------------------------------------------------------------------- */

static ein_status no_column(const ein_targets_data *d, const char *name, bool text) {
    const char *names[MAX_COLUMNS];
    const int n = text ? ein_corpus_text_count(d->corpus) : ein_corpus_label_count(d->corpus);
    for (int i = 0; i < n && i < MAX_COLUMNS; i++)
        names[i] = text ? ein_corpus_text_name(d->corpus, i) : ein_corpus_label_name(d->corpus, i);
    const char *near = ein_nearest(name, names, n < MAX_COLUMNS ? n : MAX_COLUMNS);
    return ein_error(
        EIN_NOTFOUND,
        "neither %s nor a label table has a column of %s '%.60s'%s%s%s; give the table that has it, "
        "or keep the column when ingesting (--%s-columns)",
        ein_corpus_path(d->corpus), text ? "texts" : "numbers", name, near ? "; the nearest is '" : "",
        near ? near : "", near ? "'" : "", text ? "text" : "label");
}

static ein_status check_there(const ein_targets_data *d, const ein_tasks *tasks) {
    for (int t = 0; t < tasks->n; t++) {
        const ein_task *task = &tasks->task[t];
        ein_status status = EIN_OK;
        for (int i = 0; i < d->n_numbers && status == EIN_OK; i++) {
            bool mine = false;
            for (int j = 0; j < task->n_targets; j++)
                mine = mine ||
                       (task->target[j].column && strcmp(task->target[j].column, d->number[i].name) == 0);
            for (int j = 0; j < task->n_where; j++)
                mine = mine || strcmp(task->where[j].column, d->number[i].name) == 0;
            if (mine && !d->number[i].there) status = no_column(d, d->number[i].name, false);
        }
        if (status == EIN_OK && task->n_texts && !ein_targets_text(d, task)->there)
            status = no_column(d, task->text[0], true);
        EIN_TRY(ein_error_context(status, "task %s", task->name));
    }
    return EIN_OK;
}

ein_status ein_targets_data_read(const ein_tasks *tasks, ein_corpus *corpus, const ein_targets_tables *tables,
                                 ein_targets_data *out) {
    *out = (ein_targets_data){.corpus = corpus, .N = ein_corpus_records(corpus)};
    EIN_TRY(want_columns(out, tasks));
    for (int i = 0; i < out->n_numbers; i++) EIN_TRY(read_number(out, &out->number[i]));
    for (int i = 0; i < out->n_texts; i++) EIN_TRY(read_text(out, &out->text[i]));
    if (tables && tables->n_tables > 0) EIN_TRY(read_tables(out, tables));
    return tables && tables->absent_ok ? EIN_OK : check_there(out, tasks);
}

void ein_targets_data_free(ein_targets_data *d) {
    for (int i = 0; i < d->n_numbers; i++) free(d->number[i].value);
    for (int i = 0; i < d->n_texts; i++) {
        free(d->text[i].bytes);
        free(d->text[i].cell);
    }
    free(d->number);
    free(d->text);
    ein_labels_destroy(d->labels);
    *d = (ein_targets_data){0};
}

const ein_number_column *ein_targets_number(const ein_targets_data *d, const char *name) {
    for (int i = 0; i < d->n_numbers; i++)
        if (strcmp(d->number[i].name, name) == 0) return &d->number[i];
    ein_bug(__FILE__, __LINE__, "a column that was not asked for");
}

const ein_text_column *ein_targets_text(const ein_targets_data *d, const ein_task *task) {
    const ein_text_column *first = NULL;
    for (int k = 0; k < task->n_texts; k++)
        for (int i = 0; i < d->n_texts; i++) {
            if (strcmp(d->text[i].name, task->text[k]) != 0) continue;
            if (d->text[i].there) return &d->text[i];
            if (!first) first = &d->text[i];
        }
    EIN_BUG_IF(!first);
    return first;
}

const char *ein_targets_cell(const ein_text_column *column, int64_t record) {
    if (column->cell && column->cell[record][0]) return column->cell[record];
    return column->bytes ? column->bytes + record * column->stride : "";
}
