#include "jobs/sites/rows.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/disclosure.h"
#include "io/formats/values.h"

/* --- columns ----------------------------------------------------------------------------------------------- */

/* The column with a plan's name, or as evaluate names it: "label:NAME", "score:MODEL:NAME". */
static ein_status column_of(const ein_site_rows *x, const char *name, const char *before, int *out) {
    char made[600];
    *out = ein_csv_column(x->table.csv, name);
    if (*out >= 0) return EIN_OK;
    snprintf(made, sizeof made, "%s%s", before, name);
    *out = before[0] ? ein_csv_column(x->table.csv, made) : -1;
    if (*out >= 0) return EIN_OK;
    return ein_score_table_column(&x->table, name, "the plan", out);
}

static const char *cell(const ein_site_rows *x, int64_t row, int column) {
    return ein_csv_cell(x->table.csv, row, column);
}

static int compare_ids(const void *key, const void *item) {
    return strcmp(key, *(char *const *)item);
}

/* Index of a record among the people, or -1. */
static int64_t find_person(const ein_site_rows *x, int64_t row, int record_column) {
    char *const *found = bsearch(cell(x, row, record_column), x->people->record, (size_t)x->people->n,
                                 sizeof *x->people->record, compare_ids);
    return found ? found - x->people->record : -1;
}

/* A column of the table, or age and sex of the corpus: numbers (NaN: not known) and texts of all rows. */
typedef struct {
    int column; /* -1: of people */
    bool age;
    int record_column;
    double *number; /* (rows) */
} variable;

static ein_status variable_new(variable *v, const ein_site_rows *x, const char *name, bool numbers) {
    *v = (variable){.column = ein_csv_column(x->table.csv, name), .age = strcmp(name, "age") == 0};
    const bool of_people = v->column < 0 && x->people && (v->age || strcmp(name, "sex") == 0);
    if (v->column < 0 && !of_people) return ein_score_table_column(&x->table, name, "the plan", &v->column);
    EIN_TRY(column_of(x, x->plan->record, "", &v->record_column));
    if (!numbers) return EIN_OK;
    EIN_TRY(EIN_NEW(v->number, x->table.rows));
    if (v->column >= 0) return ein_score_table_numbers(&x->table, v->column, v->number);
    for (int64_t i = 0; i < x->table.rows; i++) {
        const int64_t p = find_person(x, i, v->record_column);
        v->number[i] = p >= 0 && v->age ? x->people->age[p] : NAN;
    }
    return EIN_OK;
}

static const char *variable_text(const variable *v, const ein_site_rows *x, int64_t row) {
    if (v->column >= 0) return cell(x, row, v->column);
    const int64_t p = find_person(x, row, v->record_column);
    return p >= 0 && !v->age ? x->people->sex[p] : "";
}

/* --- keys --------------------------------------------------------------------------------------------------- */

static uint64_t hash_text(const char *text, const uint8_t key[32]) {
    uint8_t out[16];
    uint64_t made;
    crypto_generichash_blake2b(out, sizeof out, (const uint8_t *)text, strlen(text), key, 32);
    memcpy(&made, out, sizeof made);
    return made >> 1; /* the alone have no key: the top bit stays free */
}

static int compare_keys(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static ein_status check_once(const ein_site_rows *x) {
    uint64_t *sorted;
    EIN_TRY(EIN_NEW(sorted, x->table.rows + 1));
    memcpy(sorted, x->record, (size_t)x->table.rows * sizeof *sorted);
    qsort(sorted, (size_t)x->table.rows, sizeof *sorted, compare_keys);
    ein_status status = EIN_OK;
    for (int64_t i = 1; i < x->table.rows && status == EIN_OK; i++)
        if (sorted[i] == sorted[i - 1])
            status = ein_error(EIN_FORMAT,
                               "%s: a record id of column \"%s\" is there twice; each record counts once",
                               x->table.path, x->plan->record);
    free(sorted);
    return status;
}

static ein_status read_keys(ein_site_rows *x, const ein_site_key *key) {
    uint8_t record_key[32], patient_key[32];
    int record, patient;
    EIN_TRY(column_of(x, x->plan->record, "", &record));
    EIN_TRY(column_of(x, x->plan->patient, "", &patient));
    ein_site_key_derive(record_key, key, "einthoven records");
    ein_site_key_derive(patient_key, key, "einthoven patients");
    for (int64_t i = 0; i < x->table.rows; i++) {
        const char *id = cell(x, i, record), *person = cell(x, i, patient);
        if (!*id)
            return ein_error(EIN_FORMAT, "%s:%lld: no record id in column \"%s\"", x->table.path,
                             (long long)ein_csv_line(x->table.csv, i), x->plan->record);
        x->record[i] = hash_text(id, record_key);
        x->known[i] = !ein_value_is_unknown(person);
        if (x->known[i]) x->patient[i] = hash_text(person, patient_key);
    }
    sodium_memzero(record_key, sizeof record_key);
    sodium_memzero(patient_key, sizeof patient_key);
    return check_once(x);
}

/* --- cohort and subgroups ------------------------------------------------------------------------------------ */

static bool has_value(const json_t *values, const char *text) {
    size_t i;
    const json_t *one;
    json_array_foreach(values, i, one) if (!strcmp(json_string_value(one), text)) return true;
    return false;
}

static ein_status apply_criterion(ein_site_rows *x, const ein_plan_criterion *c) {
    variable v;
    const bool numbers = !isnan(c->at_least) || !isnan(c->below);
    const ein_status status = variable_new(&v, x, c->column, numbers);
    for (int64_t i = 0; status == EIN_OK && i < x->table.rows; i++) {
        bool good = !c->values || has_value(c->values, variable_text(&v, x, i));
        if (!isnan(c->at_least)) good = good && v.number[i] >= c->at_least;
        if (!isnan(c->below)) good = good && v.number[i] < c->below;
        if (!good) x->eligible[i] = 0;
    }
    free(v.number);
    return status;
}

static ein_status read_groups(ein_site_rows *x, int g) {
    const ein_plan_grouping *p = &x->plan->grouping[g];
    variable v;
    ein_status status = EIN_NEW(x->group[g], x->table.rows + 1);
    if (status == EIN_OK) status = variable_new(&v, x, p->column, p->n_cuts > 0);
    if (status != EIN_OK) return status;
    for (int64_t i = 0; i < x->table.rows; i++) {
        x->group[g][i] = -1;
        if (p->n_cuts > 0 && !isnan(v.number[i])) {
            x->group[g][i] = 0;
            for (int c = 0; c < p->n_cuts; c++) x->group[g][i] += v.number[i] >= p->cut[c];
        }
        for (int k = 0; p->n_cuts == 0 && k < p->n_groups; k++)
            if (!strcmp(p->value[k], variable_text(&v, x, i))) x->group[g][i] = k;
    }
    free(v.number);
    return EIN_OK;
}

void ein_site_rows_free(ein_site_rows *x) {
    free(x->record);
    free(x->patient);
    free(x->eligible);
    free(x->known);
    for (int g = 0; g < EIN_PLAN_MOST_GROUPINGS; g++) free(x->group[g]);
    ein_score_table_close(&x->table);
    *x = (ein_site_rows){0};
}

static ein_status fill(ein_site_rows *x, const ein_site_key *key) {
    const int64_t rows = x->table.rows;
    EIN_TRY(EIN_NEW(x->record, rows));
    EIN_TRY(EIN_NEW(x->patient, rows));
    EIN_TRY(EIN_NEW(x->eligible, rows));
    EIN_TRY(EIN_NEW(x->known, rows));
    memset(x->eligible, 1, (size_t)rows);
    EIN_TRY(read_keys(x, key));
    for (int c = 0; c < x->plan->n_criteria; c++) EIN_TRY(apply_criterion(x, &x->plan->criterion[c]));
    for (int64_t i = 0; i < rows; i++) x->n_not_eligible += !x->eligible[i];
    for (int g = 0; g < x->plan->n_groupings; g++) EIN_TRY(read_groups(x, g));
    return EIN_OK;
}

ein_status ein_site_rows_read(ein_site_rows *out, const ein_plan *plan, const char *path,
                              const ein_site_key *key, const ein_site_people *people) {
    *out = (ein_site_rows){.plan = plan, .people = people};
    EIN_TRY(ein_score_table_open(&out->table, path));
    ein_score_table_tell_problems(&out->table);
    const ein_status status = fill(out, key);
    if (status != EIN_OK) ein_site_rows_free(out);
    return status;
}

/* --- one task ------------------------------------------------------------------------------------------------ */

void ein_site_cases_free(ein_site_cases *c) {
    free(c->record);
    free(c->patient);
    free(c->label);
    free(c->measured);
    for (int m = 0; m < EIN_PLAN_MOST_MODELS; m++) free(c->score[m]);
    for (int g = 0; g < EIN_PLAN_MOST_GROUPINGS; g++) free(c->group[g]);
    free(c->weight);
    free(c->unusable_record);
    free(c->unusable_patient);
    *c = (ein_site_cases){0};
}

static ein_status read_columns(ein_site_cases *c, const ein_site_rows *x, const ein_plan_task *t) {
    int column;
    const int64_t rows = x->table.rows;
    char before[200];
    EIN_TRY(column_of(x, t->label, "label:", &column));
    EIN_TRY(EIN_NEW(c->label, rows + 1));
    EIN_TRY(EIN_NEW(c->measured, rows + 1));
    EIN_TRY(t->quantity ? ein_score_table_numbers(&x->table, column, c->measured)
                        : ein_score_table_labels(&x->table, column, c->label));
    for (int m = 0; m < x->plan->n_models; m++) {
        snprintf(before, sizeof before, "score:%s:", x->plan->model[m].name);
        EIN_TRY(column_of(x, t->score[m], before, &column));
        EIN_TRY(EIN_NEW(c->score[m], rows + 1));
        EIN_TRY(ein_score_table_numbers(&x->table, column, c->score[m]));
    }
    return EIN_OK;
}

static bool is_usable(const ein_site_cases *c, const ein_site_rows *x, const ein_plan_task *t, int64_t i) {
    bool good = x->known[i] && (t->quantity ? isfinite(c->measured[i]) : c->label[i] != EIN_LABEL_MISSING);
    for (int m = 0; m < x->plan->n_models; m++) good = good && isfinite(c->score[m][i]);
    return good;
}

/* Move what is usable to the front; the rest is kept apart. */
static void sift(ein_site_cases *c, const ein_site_rows *x, const ein_plan_task *t) {
    for (int64_t i = 0; i < x->table.rows; i++) {
        if (!x->eligible[i]) continue;
        if (!is_usable(c, x, t, i)) {
            c->unusable_record[c->n_unusable] = x->record[i];
            c->unusable_patient[c->n_unusable++] = x->known[i] ? x->patient[i] : x->record[i];
            continue;
        }
        c->record[c->n] = x->record[i];
        c->patient[c->n] = x->patient[i];
        c->label[c->n] = c->label[i];
        c->measured[c->n] = c->measured[i];
        for (int m = 0; m < x->plan->n_models; m++) c->score[m][c->n] = c->score[m][i];
        for (int g = 0; g < x->plan->n_groupings; g++) c->group[g][c->n] = x->group[g][i];
        c->n_positive += !t->quantity && c->label[i] == 1;
        c->n++;
    }
    c->n_negative = t->quantity ? 0 : c->n - c->n_positive;
}

typedef struct {
    uint64_t patient, record;
    int64_t index;
} place;

static int compare_places(const void *left, const void *right) {
    const place *a = left, *b = right;
    if (a->patient != b->patient) return a->patient < b->patient ? -1 : 1;
    return (a->record > b->record) - (a->record < b->record);
}

static void keep_case(ein_site_cases *c, int64_t to, int64_t from) {
    c->record[to] = c->record[from];
    c->patient[to] = c->patient[from];
    c->label[to] = c->label[from];
    c->measured[to] = c->measured[from];
    for (int m = 0; m < EIN_PLAN_MOST_MODELS && c->score[m]; m++) c->score[m][to] = c->score[m][from];
    for (int g = 0; g < EIN_PLAN_MOST_GROUPINGS && c->group[g]; g++) c->group[g][to] = c->group[g][from];
}

/* Of every patient the `most` records whose keyed hashes are the least: a choice that no value has a part in. */
static ein_status bound_records(ein_site_cases *c, int64_t most, bool quantity) {
    place *p = NULL;
    uint8_t *keep = NULL;
    ein_status status = EIN_NEW(p, c->n + 1);
    if (status == EIN_OK) status = EIN_NEW(keep, c->n + 1);
    for (int64_t i = 0; status == EIN_OK && i < c->n; i++) p[i] = (place){c->patient[i], c->record[i], i};
    if (status == EIN_OK) {
        qsort(p, (size_t)c->n, sizeof *p, compare_places);
        for (int64_t i = 0; i < c->n; i++) keep[p[i].index] = i < most || p[i].patient != p[i - most].patient;
        const int64_t before = c->n;
        c->n = c->n_positive = 0;
        for (int64_t i = 0; i < before; i++) {
            if (!keep[i]) continue;
            keep_case(c, c->n, i);
            c->n_positive += !quantity && c->label[c->n] == 1;
            c->n++;
        }
        c->n_negative = quantity ? 0 : c->n - c->n_positive;
    }
    free(p);
    free(keep);
    return status;
}

static ein_status take(ein_site_cases *c, const ein_site_rows *x, const ein_plan_task *t) {
    const int64_t rows = x->table.rows;
    EIN_TRY(read_columns(c, x, t));
    EIN_TRY(EIN_NEW(c->record, rows + 1));
    EIN_TRY(EIN_NEW(c->patient, rows + 1));
    EIN_TRY(EIN_NEW(c->unusable_record, rows + 1));
    EIN_TRY(EIN_NEW(c->unusable_patient, rows + 1));
    EIN_TRY(EIN_NEW(c->weight, rows + 1));
    for (int g = 0; g < x->plan->n_groupings; g++) EIN_TRY(EIN_NEW(c->group[g], rows + 1));
    sift(c, x, t);
    if (x->most_records > 0) EIN_TRY(bound_records(c, x->most_records, t->quantity));
    return ein_release_weights(c->weight, c->patient, c->n);
}

ein_status ein_site_cases_take(ein_site_cases *out, const ein_site_rows *rows, int task) {
    *out = (ein_site_cases){0};
    const ein_status status = take(out, rows, &rows->plan->task[task]);
    if (status != EIN_OK) ein_site_cases_free(out);
    return status;
}
