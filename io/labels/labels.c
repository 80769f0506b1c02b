#include "io/labels/labels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/utf8.h"
#include "io/labels/columns.h"

enum { AMBIGUOUS = -2 };
enum { ROW_PLAIN, ROW_REPEATED, ROW_AMBIGUOUS, ROW_WITHOUT_KEY };

void ein_labels_normalise(const char *text, char *out, int room) {
    static const char *const extensions[] = {".hea", ".dat", ".mat", ".xml"};
    while (*text == ' ' || *text == '\t') text++;
    while (strncmp(text, "./", 2) == 0) text += 2;
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t')) n--;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (n > 4 && strncasecmp(text + n - 4, extensions[i], 4) == 0) {
            n -= 4;
            break;
        }
    if (n >= (size_t)room) n = 0;
    memcpy(out, text, n);
    out[n] = '\0';
}

/* --- loading --------------------------------------------------------------------------------------- */

static void note_first(char *first, size_t room, const char *text) {
    if (first[0] == '\0') ein_utf8_show(text, first, room);
}

/* The table's folder as an absolute path, so that keys may be paths below it. */
static void find_folder(ein_label_table *t, const char *path) {
    char real[PATH_MAX];
    t->folder[0] = '\0';
    if (!realpath(path, real)) return;
    char *slash = strrchr(real, '/');
    if (slash) *slash = '\0';
    strcpy(t->folder, real);
}

static bool same_row(const ein_csv *csv, int64_t a, int64_t b) {
    for (int c = 0; c < ein_csv_columns(csv); c++)
        if (strcmp(ein_csv_cell(csv, a, c), ein_csv_cell(csv, b, c)) != 0) return false;
    return true;
}

static void note_ambiguous(ein_labels_report *r, const ein_label_table *t, int64_t one, int64_t two,
                           const char *key) {
    if (r->first_ambiguous[0]) return;
    note_first(r->first_ambiguous, sizeof r->first_ambiguous, key);
    r->ambiguous_line[0] = ein_csv_line(t->csv, one);
    r->ambiguous_line[1] = ein_csv_line(t->csv, two);
}

/* Note that a key stands in row `i`; `*has` if there is a key at all. */
static ein_status index_key(ein_labels *l, ein_label_table *t, int64_t i, int column, bool *has) {
    char key[EIN_LABELS_KEY_BYTES];
    ein_labels_normalise(ein_csv_cell(t->csv, i, column), key, sizeof key);
    if (key[0] == '\0') return EIN_OK;
    *has = true;
    const int64_t before = ein_map_get(t->row_of, key, -1);
    if (before == i) return EIN_OK;
    if (before == -1) return ein_map_put(t->row_of, key, i);
    if (before >= 0 && same_row(t->csv, before, i)) {
        t->state[i] = ROW_REPEATED;
        return EIN_OK;
    }
    t->state[i] = ROW_AMBIGUOUS;
    if (before == AMBIGUOUS) return EIN_OK;
    t->state[before] = ROW_AMBIGUOUS;
    note_ambiguous(&l->report, t, before, i, key);
    return ein_map_put(t->row_of, key, AMBIGUOUS);
}

static void count_rows(ein_labels_report *r, const ein_label_table *t) {
    for (int64_t i = 0; i < ein_csv_rows(t->csv); i++) {
        r->rows += t->state[i] != ROW_WITHOUT_KEY;
        r->repeated += t->state[i] == ROW_REPEATED;
        r->ambiguous += t->state[i] == ROW_AMBIGUOUS;
        r->malformed += t->state[i] == ROW_WITHOUT_KEY;
    }
}

static ein_status index_rows(ein_labels *l, ein_label_table *t) {
    ein_labels_report *r = &l->report;
    const int64_t rows = ein_csv_rows(t->csv);
    EIN_TRY(ein_map_new(&t->row_of));
    EIN_TRY(EIN_NEW(t->used, rows));
    EIN_TRY(EIN_NEW(t->state, rows));
    r->malformed += ein_csv_problems(t->csv);
    if (ein_csv_problem(t->csv, 0))
        note_first(r->first_malformed, sizeof r->first_malformed, ein_csv_problem(t->csv, 0));
    for (int64_t i = 0; i < rows; i++) {
        bool has = false;
        for (int k = 0; k < t->n_keys; k++) EIN_TRY(index_key(l, t, i, t->key[k], &has));
        if (has) continue;
        char text[PATH_MAX + 64];
        snprintf(text, sizeof text, "%s:%lld: no key", t->path, (long long)ein_csv_line(t->csv, i));
        note_first(r->first_malformed, sizeof r->first_malformed, text);
        t->state[i] = ROW_WITHOUT_KEY;
    }
    count_rows(r, t);
    return EIN_OK;
}

static ein_status no_rows(const ein_csv *csv, const char *path) {
    const char *problem = ein_csv_problem(csv, 0);
    if (problem) return ein_error(EIN_FORMAT, "%s: no row could be read; the first: %s", path, problem);
    return ein_error(EIN_FORMAT, "%s: a header and no rows; is it the table that was meant, and whole?",
                     path);
}

/* The first columns by name, for who has to choose one. */
static ein_status no_key(const ein_label_table *t, const char *key) {
    enum { SHOWN = 8 };
    char names[400] = "";
    size_t used = 0;
    const int n = ein_csv_columns(t->csv);
    for (int c = 0; c < n && c < SHOWN && used < sizeof names; c++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%.40s", c ? ", " : "",
                                 ein_csv_column_name(t->csv, c));
    return ein_error(EIN_USAGE, "%s: no column '%s' to join by (label_key); its columns are %s%s", t->path,
                     key, names, n > SHOWN ? ", ..." : "");
}

/* The columns that hold the key: the one that is named, or the layout's, or the first. */
static ein_status find_keys(ein_label_table *t, const char *key) {
    t->n_keys = 0;
    for (int k = 0; !key && t->layout && k < EIN_LAYOUT_KEYS && t->layout->key[k]; k++)
        t->key[t->n_keys++] = ein_csv_column(t->csv, t->layout->key[k]);
    if (t->n_keys == 0) t->key[t->n_keys++] = key ? ein_csv_column(t->csv, key) : 0;
    if (t->key[0] < 0) return no_key(t, key);
    for (int k = 0; k < t->n_keys; k++) t->column[t->key[k]].uses |= EIN_LABELS_KEY;
    return EIN_OK;
}

static ein_status open_table(ein_labels *l, const ein_labels_options *o, int index) {
    ein_label_table *t = &l->tables[index];
    EIN_TRY(ein_csv_open_as(o->path[index], o->encoding, &t->csv));
    l->n_tables = index + 1;
    t->path = strdup(o->path[index]);
    if (!t->path) return ein_error(EIN_NOMEM, "no memory for a path");
    EIN_TRY(EIN_NEW(t->column, ein_csv_columns(t->csv)));
    for (int c = 0; c < ein_csv_columns(t->csv); c++) t->column[c].name = ein_csv_column_name(t->csv, c);
    if (ein_csv_rows(t->csv) == 0) return no_rows(t->csv, t->path);
    t->layout = ein_layout_of(t->csv);
    EIN_TRY(find_keys(t, o->key));
    find_folder(t, t->path);
    return index_rows(l, t);
}

static ein_status load(ein_labels *l, const ein_labels_options *o) {
    if (o->n_paths > EIN_LABELS_MAX_TABLES)
        return ein_error(EIN_USAGE, "%d label tables; at most %d are read", o->n_paths,
                         EIN_LABELS_MAX_TABLES);
    EIN_TRY(ein_sex_declare(&l->sex_codes, o->sex_code, o->n_sex_codes));
    for (int t = 0; t < o->n_paths; t++) EIN_TRY(open_table(l, o, t));
    return l->n_tables > 0 ? ein_labels_choose(l, o) : EIN_OK;
}

ein_status ein_labels_load(const ein_labels_options *options, ein_labels **out) {
    *out = NULL;
    ein_labels *l = NULL;
    EIN_TRY(EIN_NEW(l, 1));
    ein_status status = load(l, options);
    if (status != EIN_OK) {
        ein_labels_destroy(l);
        return status;
    }
    *out = l;
    return EIN_OK;
}

void ein_labels_destroy(ein_labels *l) {
    if (!l) return;
    for (int t = 0; t < l->n_tables; t++) {
        ein_label_table *tab = &l->tables[t];
        ein_csv_close(tab->csv);
        ein_map_destroy(tab->row_of);
        free(tab->used);
        free(tab->state);
        free(tab->column);
        free(tab->path);
    }
    ein_label_columns_free(&l->values);
    ein_label_columns_free(&l->texts);
    free(l);
}

int ein_labels_n_values(const ein_labels *l) {
    return l->values.n;
}
const char *const *ein_labels_value_names(const ein_labels *l) {
    return l->values.names;
}
int ein_labels_n_texts(const ein_labels *l) {
    return l->texts.n;
}
const char *const *ein_labels_text_names(const ein_labels *l) {
    return l->texts.names;
}

/* --- joining --------------------------------------------------------------------------------------- */

static int64_t row_of(const ein_label_table *t, const char *spelling, bool *ambiguous) {
    char key[EIN_LABELS_KEY_BYTES];
    ein_labels_normalise(spelling, key, sizeof key);
    const int64_t row = key[0] ? ein_map_get(t->row_of, key, -1) : -1;
    *ambiguous = *ambiguous || row == AMBIGUOUS;
    return row;
}

static int64_t find_row(const ein_label_table *t, const char *const *keys, int n_keys, const char *absolute,
                        bool *ambiguous) {
    const size_t n = strlen(t->folder);
    int64_t row = -1;
    if (absolute && n > 0 && strncmp(absolute, t->folder, n) == 0 && absolute[n] == '/')
        row = row_of(t, absolute + n + 1, ambiguous);
    for (int k = 0; row < 0 && k < n_keys; k++)
        if (keys[k]) row = row_of(t, keys[k], ambiguous);
    return row < 0 ? -1 : row;
}

void ein_labels_find(ein_labels *l, const char *const *keys, int n_keys, const char *absolute, bool peek,
                     ein_labels_match *out) {
    out->found = out->ambiguous = false;
    for (int t = 0; t < l->n_tables; t++) {
        int64_t row = out->row[t] = find_row(&l->tables[t], keys, n_keys, absolute, &out->ambiguous);
        if (row < 0) continue;
        out->found = true;
        if (!peek) l->tables[t].used[row] = true;
    }
}

/* The first table with a value for a column; "" if none. `*table` says which. */
static const char *cell_of(const ein_labels *l, const ein_labels_match *m, const int *at, int *table) {
    for (*table = 0; *table < l->n_tables; ++*table) {
        const int t = *table;
        if (m->row[t] < 0 || at[t] < 0) continue;
        const char *cell = ein_csv_cell(l->tables[t].csv, m->row[t], at[t]);
        if (!ein_value_is_missing(cell)) return cell;
    }
    *table = 0;
    return "";
}

static const char *special_of(const ein_labels *l, const ein_labels_match *m, int special, int *table) {
    int at[EIN_LABELS_MAX_TABLES];
    for (int t = 0; t < l->n_tables; t++) at[t] = l->tables[t].special[special];
    return cell_of(l, m, at, table);
}

void ein_labels_values(const ein_labels *l, const ein_labels_match *m, float *out) {
    for (int k = 0; k < l->values.n; k++) {
        const ein_label_column *c = &l->values.item[k];
        double value;
        int t;
        const char *cell = cell_of(l, m, c->at, &t);
        const ein_layout *layout = l->tables[t].layout;
        const bool known =
            ein_value_number(c->reading[t], cell, &value) && !(layout && value >= layout->not_known);
        out[k] = known ? (float)value : NAN;
    }
}

void ein_labels_texts(const ein_labels *l, const ein_labels_match *m, const char **out) {
    int t;
    for (int k = 0; k < l->texts.n; k++) out[k] = cell_of(l, m, l->texts.item[k].at, &t);
}

/* "15709.0" in `out` as "15709". */
static void as_whole(const char *cell, char *out, size_t room) {
    const size_t digits = strspn(cell, "0123456789");
    const bool whole = digits > 0 && cell[digits] == '.' && cell[digits + 1] == '0' &&
                       cell[digits + 1 + strspn(cell + digits + 1, "0")] == '\0';
    snprintf(out, room, "%.*s", whole ? (int)digits : (int)strlen(cell), cell);
}

const char *ein_labels_patient(ein_labels *l, const ein_labels_match *m) {
    int t;
    const char *cell = special_of(l, m, EIN_SPECIAL_PATIENT, &t);
    as_whole(ein_value_is_unknown(cell) ? "" : cell, l->patient, sizeof l->patient);
    return strlen(cell) < sizeof l->patient ? l->patient : cell;
}
const char *ein_labels_cohort(const ein_labels *l, const ein_labels_match *m) {
    int t;
    return special_of(l, m, EIN_SPECIAL_COHORT, &t);
}
const char *ein_labels_site(const ein_labels *l, const ein_labels_match *m) {
    int t;
    return special_of(l, m, EIN_SPECIAL_SITE, &t);
}

float ein_labels_age(const ein_labels *l, const ein_labels_match *m) {
    int t;
    double age;
    return ein_value_age(special_of(l, m, EIN_SPECIAL_AGE, &t), &age) ? (float)age : NAN;
}

int ein_labels_sex(const ein_labels *l, const ein_labels_match *m) {
    int t, sex;
    const char *cell = special_of(l, m, EIN_SPECIAL_SEX, &t);
    return cell[0] && ein_sex_read(&l->tables[t].sex, cell, &sex) ? sex : -1;
}

/* --- what became of it ------------------------------------------------------------------------------ */

int ein_labels_n_tables(const ein_labels *l) {
    return l->n_tables;
}

void ein_labels_table_at(const ein_labels *l, int table, ein_labels_table *out) {
    const ein_label_table *t = &l->tables[table];
    *out = (ein_labels_table){.path = t->path,
                              .data_set = t->layout ? t->layout->data_set : NULL,
                              .encoding = ein_csv_encoding(t->csv),
                              .replaced = ein_csv_replaced(t->csv),
                              .rows = ein_csv_rows(t->csv),
                              .columns = ein_csv_columns(t->csv)};
}

const ein_labels_column *ein_labels_column_at(const ein_labels *l, int table, int column) {
    return &l->tables[table].column[column];
}

static void key_of(const ein_label_table *t, int64_t row, char *key, int room) {
    key[0] = '\0';
    for (int k = 0; k < t->n_keys && key[0] == '\0'; k++)
        ein_labels_normalise(ein_csv_cell(t->csv, row, t->key[k]), key, room);
}

void ein_labels_get_report(const ein_labels *l, ein_labels_report *out) {
    *out = l->report;
    for (int t = 0; t < l->n_tables; t++) {
        const ein_label_table *tab = &l->tables[t];
        for (int64_t i = 0; i < ein_csv_rows(tab->csv); i++) {
            char key[EIN_LABELS_KEY_BYTES];
            if (tab->used[i] || tab->state[i] != ROW_PLAIN) continue;
            out->unused++;
            if (out->first_unused[0]) continue;
            key_of(tab, i, key, sizeof key);
            note_first(out->first_unused, sizeof out->first_unused, key);
        }
    }
}

void ein_labels_unjoined(const ein_labels *l, ein_labels_visit visit, void *self) {
    static const char *const reason[] = {"no such record", "the row stands there twice",
                                         "the key stands in several rows", "no key"};
    for (int t = 0; t < l->n_tables; t++) {
        const ein_label_table *tab = &l->tables[t];
        for (int64_t i = 0; i < ein_csv_rows(tab->csv); i++) {
            char key[EIN_LABELS_KEY_BYTES];
            if (tab->used[i] || tab->state[i] == ROW_REPEATED) continue;
            key_of(tab, i, key, sizeof key);
            visit(self, t, ein_csv_line(tab->csv, i), key, reason[tab->state[i]]);
        }
        const int64_t problems = ein_csv_problems(tab->csv);
        for (int64_t k = 0; k < problems && ein_csv_problem(tab->csv, k); k++)
            visit(self, t, 0, "", ein_csv_problem(tab->csv, k));
    }
}
