#include "io/labels.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/csv.h"
#include "io/map.h"
#include "io/nearest.h"

enum { AMBIGUOUS = -2, KEY_BYTES = PATH_MAX, MAX_COLUMNS = 4096, OVER_89_CODE = 300, OVER_89 = 90 };
enum { SPECIAL_PATIENT, SPECIAL_AGE, SPECIAL_SEX, SPECIAL_COHORT, SPECIAL_SITE, SPECIAL_COUNT };

typedef struct {
    ein_csv *csv;
    char folder[PATH_MAX]; /* absolute, without '/' at the end; "" if it has none */
    int key;
    ein_map *row_of;            /* key -> row, or AMBIGUOUS */
    bool *used;                 /* (rows) */
    int special[SPECIAL_COUNT]; /* columns, -1: not in this table */
} table;

/* A kept column: its name and where it stands in each table. */
typedef struct {
    char *name;
    int at[EIN_LABELS_MAX_TABLES];
} column;

typedef struct {
    column *item;
    const char **names;
    int n;
} columns;

struct ein_labels {
    table tables[EIN_LABELS_MAX_TABLES];
    int n_tables;
    columns values, texts;
    ein_labels_report report;
};

/* --- cells ----------------------------------------------------------------------------------------- */

static bool is_missing(const char *cell) {
    static const char *const words[] = {"", "NA", "N/A", "NaN", "null", "none"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(cell, words[i]) == 0) return true;
    return false;
}

/* A finite decimal number, or true or false, blanks around it. */
static bool parse_number(const char *cell, double *out) {
    while (*cell == ' ' || *cell == '\t') cell++;
    if (strcasecmp(cell, "true") == 0 || strcasecmp(cell, "false") == 0) {
        *out = strcasecmp(cell, "true") == 0;
        return true;
    }
    size_t n = strspn(cell, "+-.0123456789eE");
    if (cell[n + strspn(cell + n, " \t")] != '\0') return false;
    char *end = NULL;
    *out = strtod(cell, &end);
    return n > 0 && end == cell + n && isfinite((float)*out);
}

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
    if (first[0] == '\0') snprintf(first, room, "%.150s", text);
}

/* The table's folder as an absolute path, so that keys may be paths below it. */
static void find_folder(table *t, const char *path) {
    char real[PATH_MAX];
    t->folder[0] = '\0';
    if (!realpath(path, real)) return;
    char *slash = strrchr(real, '/');
    if (slash) *slash = '\0';
    strcpy(t->folder, real);
}

static ein_status index_rows(ein_labels *l, table *t, const char *path) {
    ein_labels_report *r = &l->report;
    int64_t rows = ein_csv_rows(t->csv);
    EIN_TRY(ein_map_new(&t->row_of));
    EIN_TRY(EIN_NEW(t->used, rows));
    r->malformed += ein_csv_problems(t->csv);
    if (ein_csv_problem(t->csv, 0))
        note_first(r->first_malformed, sizeof r->first_malformed, ein_csv_problem(t->csv, 0));
    for (int64_t i = 0; i < rows; i++) {
        char key[KEY_BYTES], text[256];
        ein_labels_normalise(ein_csv_cell(t->csv, i, t->key), key, sizeof key);
        snprintf(text, sizeof text, "%s:%lld: no key", path, (long long)ein_csv_line(t->csv, i));
        if (key[0] == '\0') {
            r->malformed++;
            note_first(r->first_malformed, sizeof r->first_malformed, text);
            continue;
        }
        r->rows++;
        int64_t before = ein_map_get(t->row_of, key, -1);
        if (before != -1) {
            r->ambiguous += before == AMBIGUOUS ? 1 : 2;
            note_first(r->first_ambiguous, sizeof r->first_ambiguous, key);
        }
        EIN_TRY(ein_map_put(t->row_of, key, before == -1 ? i : AMBIGUOUS));
    }
    return EIN_OK;
}

static ein_status open_table(ein_labels *l, const ein_labels_options *o, int index) {
    table *t = &l->tables[index];
    EIN_TRY(ein_csv_open(o->path[index], &t->csv));
    l->n_tables = index + 1;
    for (int s = 0; s < SPECIAL_COUNT; s++) t->special[s] = -1;
    t->key = o->key ? ein_csv_column(t->csv, o->key) : 0;
    if (t->key < 0)
        return ein_error(EIN_USAGE, "%s: no column '%s' to join by (label_key)", o->path[index], o->key);
    find_folder(t, o->path[index]);
    return index_rows(l, t, o->path[index]);
}

/* No table has the column: name the nearest of the first table. */
static ein_status no_column(const ein_labels *l, const char *name) {
    const char *names[MAX_COLUMNS];
    const ein_csv *csv = l->tables[0].csv;
    int n = ein_csv_columns(csv) < MAX_COLUMNS ? ein_csv_columns(csv) : MAX_COLUMNS;
    for (int i = 0; i < n; i++) names[i] = ein_csv_column_name(csv, i);
    const char *near = ein_nearest(name, names, n);
    return ein_error(EIN_USAGE, "the label tables have no column '%s'%s%s%s", name,
                     near ? "; the nearest is '" : "", near ? near : "", near ? "'" : "");
}

static ein_status find_special(ein_labels *l, int special, const char *name, bool if_there) {
    if (!name) return EIN_OK;
    bool found = if_there;
    for (int t = 0; t < l->n_tables; t++) {
        l->tables[t].special[special] = ein_csv_column(l->tables[t].csv, name);
        found = found || l->tables[t].special[special] >= 0;
    }
    return found ? EIN_OK : no_column(l, name);
}

static bool has_column(const ein_labels *l, const char *name) {
    for (int t = 0; t < l->n_tables; t++)
        if (ein_csv_column(l->tables[t].csv, name) >= 0) return true;
    return false;
}

static ein_status keep_column(ein_labels *l, columns *kept, const char *name) {
    if (kept->n >= MAX_COLUMNS) return ein_error(EIN_RANGE, "more than %d columns are wanted", MAX_COLUMNS);
    if (!kept->item) {
        EIN_TRY(EIN_NEW(kept->item, MAX_COLUMNS));
        EIN_TRY(EIN_NEW(kept->names, MAX_COLUMNS));
    }
    column c = {strdup(name), {0}};
    if (!c.name) return ein_error(EIN_NOMEM, "no memory for a column name");
    bool found = false;
    for (int t = 0; t < l->n_tables; t++) {
        c.at[t] = ein_csv_column(l->tables[t].csv, name);
        found = found || c.at[t] >= 0;
    }
    for (char *p = c.name; *p; p++)
        if (*p == '/') *p = '_';
    kept->item[kept->n] = c;
    kept->names[kept->n++] = c.name;
    return found ? EIN_OK : no_column(l, name);
}

static bool column_is_numeric(const ein_csv *csv, int at) {
    int64_t numbers = 0;
    double value;
    for (int64_t i = 0; i < ein_csv_rows(csv); i++) {
        const char *cell = ein_csv_cell(csv, i, at);
        if (is_missing(cell)) continue;
        if (!parse_number(cell, &value)) return false;
        numbers++;
    }
    return numbers > 0;
}

static bool is_taken(const ein_labels *l, const table *t, int at) {
    bool taken = at == t->key;
    for (int s = 0; s < SPECIAL_COUNT; s++) taken = taken || at == t->special[s];
    const char *name = ein_csv_column_name(t->csv, at);
    for (int k = 0; k < l->values.n; k++) taken = taken || strcmp(name, l->values.names[k]) == 0;
    for (int k = 0; k < l->texts.n; k++) taken = taken || strcmp(name, l->texts.names[k]) == 0;
    return taken || name[0] == '\0';
}

static ein_status keep_numeric(ein_labels *l) {
    for (int t = 0; t < l->n_tables; t++)
        for (int at = 0; at < ein_csv_columns(l->tables[t].csv); at++)
            if (!is_taken(l, &l->tables[t], at) && column_is_numeric(l->tables[t].csv, at))
                EIN_TRY(keep_column(l, &l->values, ein_csv_column_name(l->tables[t].csv, at)));
    return EIN_OK;
}

static void count_not_numeric(ein_labels *l, const table *t, int at) {
    ein_labels_report *r = &l->report;
    double value;
    for (int64_t i = 0; at >= 0 && i < ein_csv_rows(t->csv); i++) {
        const char *cell = ein_csv_cell(t->csv, i, at);
        if (is_missing(cell) || parse_number(cell, &value)) continue;
        char text[256];
        snprintf(text, sizeof text, "line %lld, column %s: '%.60s'", (long long)ein_csv_line(t->csv, i),
                 ein_csv_column_name(t->csv, at), cell);
        note_first(r->first_not_numeric, sizeof r->first_not_numeric, text);
        r->not_numeric++;
    }
}

/* ISO 5218 codes men 1 and women 2; read as 0 and 1 that would turn every man into a woman. */
static ein_status check_sex(const table *t, const char *path) {
    int at = t->special[SPECIAL_SEX];
    for (int64_t i = 0; at >= 0 && i < ein_csv_rows(t->csv); i++)
        if (strcmp(ein_csv_cell(t->csv, i, at), "2") == 0)
            return ein_error(
                EIN_FORMAT,
                "%s:%lld: sex is 2 in column %s; codes 0 male and 1 female, or M and F, are read: recode "
                "the column",
                path, (long long)ein_csv_line(t->csv, i), ein_csv_column_name(t->csv, at));
    return EIN_OK;
}

static ein_status load(ein_labels *l, const ein_labels_options *o) {
    const char *const special[SPECIAL_COUNT] = {o->patient, o->age, o->sex, o->cohort, o->site};
    if (o->n_paths > EIN_LABELS_MAX_TABLES)
        return ein_error(EIN_USAGE, "%d label tables; at most %d are read", o->n_paths,
                         EIN_LABELS_MAX_TABLES);
    for (int t = 0; t < o->n_paths; t++) EIN_TRY(open_table(l, o, t));
    if (l->n_tables == 0) return EIN_OK;
    for (int s = 0; s < SPECIAL_COUNT; s++) EIN_TRY(find_special(l, s, special[s], o->if_there));
    for (int k = 0; k < o->n_texts; k++)
        if (!o->if_there || has_column(l, o->text[k])) EIN_TRY(keep_column(l, &l->texts, o->text[k]));
    if (o->all_numeric) EIN_TRY(keep_numeric(l));
    for (int k = 0; !o->all_numeric && k < o->n_values; k++)
        if (!o->if_there || has_column(l, o->value[k])) EIN_TRY(keep_column(l, &l->values, o->value[k]));
    for (int t = 0; t < l->n_tables; t++) {
        EIN_TRY(check_sex(&l->tables[t], o->path[t]));
        for (int k = 0; k < l->values.n; k++) count_not_numeric(l, &l->tables[t], l->values.item[k].at[t]);
    }
    return EIN_OK;
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

static void columns_free(columns *c) {
    for (int i = 0; i < c->n; i++) free(c->item[i].name);
    free(c->item);
    free(c->names);
}

void ein_labels_destroy(ein_labels *l) {
    if (!l) return;
    for (int t = 0; t < l->n_tables; t++) {
        ein_csv_close(l->tables[t].csv);
        ein_map_destroy(l->tables[t].row_of);
        free(l->tables[t].used);
    }
    columns_free(&l->values);
    columns_free(&l->texts);
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

static int64_t find_row(const table *t, const char *const *keys, int n_keys, const char *absolute) {
    char key[KEY_BYTES];
    size_t n = strlen(t->folder);
    if (absolute && n > 0 && strncmp(absolute, t->folder, n) == 0 && absolute[n] == '/') {
        ein_labels_normalise(absolute + n + 1, key, sizeof key);
        int64_t row = ein_map_get(t->row_of, key, -1);
        if (row >= 0) return row;
    }
    for (int k = 0; k < n_keys; k++) {
        if (!keys[k]) continue;
        ein_labels_normalise(keys[k], key, sizeof key);
        int64_t row = key[0] ? ein_map_get(t->row_of, key, -1) : -1;
        if (row >= 0) return row;
    }
    return -1;
}

void ein_labels_find(ein_labels *l, const char *const *keys, int n_keys, const char *absolute, bool peek,
                     ein_labels_match *out) {
    out->found = false;
    for (int t = 0; t < l->n_tables; t++) {
        int64_t row = out->row[t] = find_row(&l->tables[t], keys, n_keys, absolute);
        if (row < 0) continue;
        out->found = true;
        if (!peek) l->tables[t].used[row] = true;
    }
}

/* The first table with a value for a column; "" if none. */
static const char *cell_of(const ein_labels *l, const ein_labels_match *m, const int *at) {
    for (int t = 0; t < l->n_tables; t++) {
        if (m->row[t] < 0 || at[t] < 0) continue;
        const char *cell = ein_csv_cell(l->tables[t].csv, m->row[t], at[t]);
        if (!is_missing(cell)) return cell;
    }
    return "";
}

static const char *special_of(const ein_labels *l, const ein_labels_match *m, int special) {
    int at[EIN_LABELS_MAX_TABLES];
    for (int t = 0; t < l->n_tables; t++) at[t] = l->tables[t].special[special];
    return cell_of(l, m, at);
}

void ein_labels_values(const ein_labels *l, const ein_labels_match *m, float *out) {
    for (int k = 0; k < l->values.n; k++) {
        double value;
        out[k] = parse_number(cell_of(l, m, l->values.item[k].at), &value) ? (float)value : NAN;
    }
}

void ein_labels_texts(const ein_labels *l, const ein_labels_match *m, const char **out) {
    for (int k = 0; k < l->texts.n; k++) out[k] = cell_of(l, m, l->texts.item[k].at);
}

const char *ein_labels_patient(const ein_labels *l, const ein_labels_match *m) {
    return special_of(l, m, SPECIAL_PATIENT);
}
const char *ein_labels_cohort(const ein_labels *l, const ein_labels_match *m) {
    return special_of(l, m, SPECIAL_COHORT);
}
const char *ein_labels_site(const ein_labels *l, const ein_labels_match *m) {
    return special_of(l, m, SPECIAL_SITE);
}

float ein_labels_age(const ein_labels *l, const ein_labels_match *m) {
    const char *cell = special_of(l, m, SPECIAL_AGE);
    double age;
    if (strcmp(cell, ">89") == 0 || strcmp(cell, "> 89") == 0) return OVER_89;
    if (!parse_number(cell, &age)) return NAN;
    if (age == OVER_89_CODE) return OVER_89;
    return age >= 0 && age <= 130 ? (float)age : NAN;
}

int ein_labels_sex(const ein_labels *l, const ein_labels_match *m) {
    static const struct {
        const char *word;
        int sex;
    } words[] = {{"m", 0}, {"male", 0}, {"0", 0}, {"0.0", 0}, {"f", 1}, {"female", 1}, {"1", 1}, {"1.0", 1}};
    const char *cell = special_of(l, m, SPECIAL_SEX);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(cell, words[i].word) == 0) return words[i].sex;
    return -1;
}

void ein_labels_get_report(const ein_labels *l, ein_labels_report *out) {
    *out = l->report;
    for (int t = 0; t < l->n_tables; t++) {
        const table *tab = &l->tables[t];
        for (int64_t i = 0; i < ein_csv_rows(tab->csv); i++) {
            char key[KEY_BYTES];
            ein_labels_normalise(ein_csv_cell(tab->csv, i, tab->key), key, sizeof key);
            if (tab->used[i] || key[0] == '\0') continue;
            out->unused++;
            note_first(out->first_unused, sizeof out->first_unused, key);
        }
    }
}

void ein_labels_unjoined(const ein_labels *l, ein_labels_visit visit, void *self) {
    for (int t = 0; t < l->n_tables; t++) {
        const table *tab = &l->tables[t];
        for (int64_t i = 0; i < ein_csv_rows(tab->csv); i++) {
            char key[KEY_BYTES];
            if (tab->used[i]) continue;
            ein_labels_normalise(ein_csv_cell(tab->csv, i, tab->key), key, sizeof key);
            const bool twice = key[0] && ein_map_get(tab->row_of, key, -1) == AMBIGUOUS;
            visit(self, t, ein_csv_line(tab->csv, i), key,
                  twice         ? "the key stands in several rows"
                  : key[0] == 0 ? "no key"
                                : "no such record");
        }
        const int64_t problems = ein_csv_problems(tab->csv);
        for (int64_t k = 0; k < problems && ein_csv_problem(tab->csv, k); k++)
            visit(self, t, 0, "", ein_csv_problem(tab->csv, k));
    }
}
