/* Label tables: which columns are taken, how each is read, and what became of the others. */
#include "io/labels/columns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/nearest.h"
#include "io/base/utf8.h"
#include "io/labels/identifiers.h"

enum { NUMBERS_PERCENT = 95, SHOWN_BYTES = 64 };

static const unsigned special_use[EIN_SPECIALS] = {EIN_LABELS_PATIENT, EIN_LABELS_AGE, EIN_LABELS_SEX,
                                                   EIN_LABELS_COHORT, EIN_LABELS_SITE};

void ein_label_columns_free(ein_label_columns *c) {
    for (int i = 0; i < c->n; i++) free(c->item[i].name);
    free(c->item);
    free(c->names);
}

/* --- by name ---------------------------------------------------------------------------------------- */

/* No table has the column: name the nearest of the first table. */
static ein_status no_column(const ein_labels *l, const char *name) {
    const char *names[EIN_LABELS_MAX_COLUMNS];
    const ein_csv *csv = l->tables[0].csv;
    int n = ein_csv_columns(csv) < EIN_LABELS_MAX_COLUMNS ? ein_csv_columns(csv) : EIN_LABELS_MAX_COLUMNS;
    for (int i = 0; i < n; i++) names[i] = ein_csv_column_name(csv, i);
    const char *near = ein_nearest(name, names, n);
    return ein_error(EIN_USAGE, "the label tables have no column '%s'%s%s%s", name,
                     near ? "; the nearest is '" : "", near ? near : "", near ? "'" : "");
}

static bool has_column(const ein_labels *l, const char *name) {
    for (int t = 0; t < l->n_tables; t++)
        if (ein_csv_column(l->tables[t].csv, name) >= 0) return true;
    return false;
}

static const char *special_of_layout(const ein_layout *layout, int special) {
    if (!layout) return NULL;
    const char *const of_layout[EIN_SPECIALS] = {layout->patient, layout->age, layout->sex, NULL,
                                                 layout->site};
    return of_layout[special];
}

static ein_status find_special(ein_labels *l, int special, const char *name, bool if_there) {
    bool found = if_there || !name;
    for (int t = 0; t < l->n_tables; t++) {
        ein_label_table *tab = &l->tables[t];
        const char *here = name ? name : if_there ? NULL : special_of_layout(tab->layout, special);
        tab->special[special] = here ? ein_csv_column(tab->csv, here) : -1;
        found = found || tab->special[special] >= 0;
        if (tab->special[special] >= 0) tab->column[tab->special[special]].uses |= special_use[special];
    }
    return found ? EIN_OK : no_column(l, name);
}

static bool is_kept(const ein_label_columns *kept, const char *name) {
    for (int k = 0; k < kept->n; k++)
        if (strcmp(kept->names[k], name) == 0) return true;
    return false;
}

static void without_slash(char *name) {
    for (; *name; name++)
        if (*name == '/') *name = '_';
}

static ein_status keep_column(ein_labels *l, ein_label_columns *kept, unsigned use, const char *name) {
    if (kept->n >= EIN_LABELS_MAX_COLUMNS)
        return ein_error(EIN_RANGE, "more than %d columns are wanted", EIN_LABELS_MAX_COLUMNS);
    if (!kept->item) {
        EIN_TRY(EIN_NEW(kept->item, EIN_LABELS_MAX_COLUMNS));
        EIN_TRY(EIN_NEW(kept->names, EIN_LABELS_MAX_COLUMNS));
    }
    ein_label_column c = {strdup(name), {0}, {0}};
    if (!c.name) return ein_error(EIN_NOMEM, "no memory for a column name");
    bool found = false;
    for (int t = 0; t < l->n_tables; t++) {
        c.at[t] = ein_csv_column(l->tables[t].csv, name);
        if (c.at[t] >= 0) l->tables[t].column[c.at[t]].uses |= use;
        found = found || c.at[t] >= 0;
    }
    without_slash(c.name);
    kept->item[kept->n] = c;
    kept->names[kept->n++] = c.name;
    return found ? EIN_OK : no_column(l, name);
}

/* Each name once, however often it is given. */
static ein_status keep_named(ein_labels *l, ein_label_columns *kept, unsigned use, const char *const *name,
                             int n, bool if_there) {
    for (int k = 0; k < n; k++) {
        bool before = false;
        for (int i = 0; i < k; i++) before = before || strcmp(name[i], name[k]) == 0;
        if (!before && (!if_there || has_column(l, name[k]))) EIN_TRY(keep_column(l, kept, use, name[k]));
    }
    return EIN_OK;
}

/* --- reading ---------------------------------------------------------------------------------------- */

static void note_unreadable(ein_labels *l, const ein_label_table *t, int at, int64_t row, const char *cell) {
    ein_labels_column *c = &t->column[at];
    ein_labels_report *r = &l->report;
    char shown[SHOWN_BYTES], name[SHOWN_BYTES];
    const long long line = ein_csv_line(t->csv, row);
    ein_utf8_show(cell, shown, sizeof shown);
    if (c->unreadable++ == 0)
        snprintf(c->first_unreadable, sizeof c->first_unreadable, "line %lld: '%s'", line, shown);
    if (r->unreadable++ == 0)
        snprintf(r->first_unreadable, sizeof r->first_unreadable, "line %lld, column %s: '%s'", line,
                 ein_utf8_show(c->name, name, sizeof name), shown);
}

static ein_value_tally tally_of(const ein_csv *csv, int at) {
    ein_value_tally tally = {0};
    for (int64_t i = 0; i < ein_csv_rows(csv); i++) ein_value_count(&tally, ein_csv_cell(csv, i, at));
    return tally;
}

static ein_value_reading reading_of(const ein_csv *csv, int at) {
    const ein_value_tally tally = tally_of(csv, at);
    return ein_value_decide(&tally);
}

/* How a number column is read in a table, and the cells that cannot be. */
static void read_numbers(ein_labels *l, ein_label_column *kept, int table) {
    const ein_label_table *t = &l->tables[table];
    const int at = kept->at[table];
    if (at < 0) return;
    ein_labels_column *c = &t->column[at];
    int64_t not_measured = 0;
    double value;
    kept->reading[table] = reading_of(t->csv, at);
    for (int64_t i = 0; i < ein_csv_rows(t->csv); i++) {
        const char *cell = ein_csv_cell(t->csv, i, at);
        if (ein_value_is_unknown(cell)) continue;
        const bool read = ein_value_number(kept->reading[table], cell, &value);
        const bool nothing = read && t->layout && value >= t->layout->not_known;
        c->known += !nothing;
        not_measured += nothing;
        if (!read) note_unreadable(l, t, at, i, cell);
    }
    snprintf(c->why, sizeof c->why, "%s", ein_value_reading_text(kept->reading[table]));
    if (not_measured > 0)
        snprintf(c->why, sizeof c->why, "%lld cells of %g and more are taken for not measured",
                 (long long)not_measured, t->layout->not_known);
}

static void read_ages(ein_labels *l, const ein_label_table *t) {
    const int at = t->special[EIN_SPECIAL_AGE];
    double age;
    for (int64_t i = 0; at >= 0 && i < ein_csv_rows(t->csv); i++) {
        const char *cell = ein_csv_cell(t->csv, i, at);
        if (ein_value_is_unknown(cell)) continue;
        t->column[at].known++;
        if (!ein_value_age(cell, &age)) note_unreadable(l, t, at, i, cell);
    }
}

static ein_status read_sexes(ein_labels *l, ein_label_table *t) {
    const int at = t->special[EIN_SPECIAL_SEX];
    if (at < 0) return EIN_OK;
    for (int64_t i = 0; i < ein_csv_rows(t->csv); i++)
        ein_sex_see(&t->sex, ein_csv_cell(t->csv, i, at), ein_csv_line(t->csv, i));
    EIN_TRY(ein_sex_decide(&t->sex, &l->sex_codes, t->layout && t->layout->sex_zero_one, t->path,
                           t->column[at].name));
    for (int64_t i = 0; i < ein_csv_rows(t->csv); i++) {
        const char *cell = ein_csv_cell(t->csv, i, at);
        int sex;
        if (ein_value_is_unknown(cell)) continue;
        t->column[at].known++;
        if (!ein_sex_read(&t->sex, cell, &sex)) note_unreadable(l, t, at, i, cell);
    }
    snprintf(t->column[at].why, sizeof t->column[at].why, "%s", ein_sex_coding_text(&t->sex));
    return EIN_OK;
}

/* --- columns that nobody named ----------------------------------------------------------------------- */

/* Why a column is no column of numbers; "" if it is one. `value` (rows) receives its `*n` numbers. */
static void look_at_numbers(const ein_csv *csv, int at, double *value, int64_t *n, char *why, size_t room) {
    const ein_value_tally tally = tally_of(csv, at);
    const ein_value_reading reading = ein_value_decide(&tally);
    char shown[SHOWN_BYTES];
    int64_t known = 0, first = -1;
    *n = 0;
    why[0] = '\0';
    for (int64_t i = 0; i < ein_csv_rows(csv); i++) {
        const char *cell = ein_csv_cell(csv, i, at);
        if (ein_value_is_unknown(cell)) continue;
        known++;
        if (ein_value_number(reading, cell, &value[*n]))
            ++*n;
        else if (first < 0)
            first = i;
    }
    if (known == 0)
        snprintf(why, room, "every cell is empty");
    else if (*n * 100 < known * NUMBERS_PERCENT)
        snprintf(why, room, "%s (line %lld: '%s')",
                 tally.comma > 0 ? "decimal commas or thousands, not in one way" : "not numbers",
                 (long long)ein_csv_line(csv, first),
                 ein_utf8_show(ein_csv_cell(csv, first, at), shown, sizeof shown));
}

static ein_status keep_if_label(ein_labels *l, ein_label_table *t, int at, double *value) {
    ein_labels_column *c = &t->column[at];
    char name[512];
    int64_t n = 0;
    const char *identifier = ein_identifier_by_name(c->name);
    snprintf(name, sizeof name, "%s", c->name);
    without_slash(name);
    if (c->name[0] == '\0')
        snprintf(c->why, sizeof c->why, "it has no name");
    else
        look_at_numbers(t->csv, at, value, &n, c->why, sizeof c->why);
    if (c->why[0] == '\0' && !identifier) identifier = ein_identifier_by_values(value, n);
    if (c->why[0] == '\0' && identifier) snprintf(c->why, sizeof c->why, "%s", identifier);
    if (c->why[0] == '\0' && (is_kept(&l->values, name) || is_kept(&l->texts, name)))
        snprintf(c->why, sizeof c->why, "another column has its name");
    return c->why[0] ? EIN_OK : keep_column(l, &l->values, EIN_LABELS_NUMBER, c->name);
}

static ein_status keep_numeric(ein_labels *l) {
    for (int t = 0; t < l->n_tables; t++) {
        ein_label_table *tab = &l->tables[t];
        double *value = NULL;
        ein_status status = EIN_NEW(value, ein_csv_rows(tab->csv));
        for (int at = 0; status == EIN_OK && at < ein_csv_columns(tab->csv); at++)
            if (tab->column[at].uses == 0) status = keep_if_label(l, tab, at, value);
        free(value);
        EIN_TRY(status);
    }
    return EIN_OK;
}

static void account_for_others(ein_labels *l) {
    for (int t = 0; t < l->n_tables; t++)
        for (int at = 0; at < ein_csv_columns(l->tables[t].csv); at++) {
            ein_labels_column *c = &l->tables[t].column[at];
            if (c->uses == 0 && c->why[0] == '\0')
                snprintf(c->why, sizeof c->why, "not among the columns that are named");
        }
}

static ein_status keep_texts(ein_labels *l, const ein_labels_options *o) {
    EIN_TRY(keep_named(l, &l->texts, EIN_LABELS_TEXT, o->text, o->n_texts, o->if_there));
    for (int t = 0; o->all_numeric && o->n_texts == 0 && t < l->n_tables; t++) {
        const ein_layout *layout = l->tables[t].layout;
        if (layout && layout->text && !is_kept(&l->texts, layout->text))
            EIN_TRY(keep_column(l, &l->texts, EIN_LABELS_TEXT, layout->text));
    }
    return EIN_OK;
}

ein_status ein_labels_choose(ein_labels *l, const ein_labels_options *o) {
    const char *const special[EIN_SPECIALS] = {o->patient, o->age, o->sex, o->cohort, o->site};
    for (int s = 0; s < EIN_SPECIALS; s++) EIN_TRY(find_special(l, s, special[s], o->if_there));
    EIN_TRY(keep_texts(l, o));
    EIN_TRY(keep_named(l, &l->values, EIN_LABELS_NUMBER, o->value, o->n_values, o->if_there));
    if (o->all_numeric) EIN_TRY(keep_numeric(l));
    for (int t = 0; t < l->n_tables; t++) {
        for (int k = 0; k < l->values.n; k++) read_numbers(l, &l->values.item[k], t);
        read_ages(l, &l->tables[t]);
        EIN_TRY(read_sexes(l, &l->tables[t]));
    }
    account_for_others(l);
    return EIN_OK;
}
