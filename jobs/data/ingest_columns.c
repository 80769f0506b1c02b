#include "jobs/data/ingest_columns.h"

#include <string.h>

#include "io/base/utf8.h"

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The name of a column for a terminal; valid until the next call. */
static const char *shown(const ein_labels_column *c) {
    static char name[128];
    return c->name[0] ? ein_utf8_show(c->name, name, sizeof name) : "(a column without a name)";
}

/* "; numbers AF, LVH" for the columns of one use. */
static void print_use(const ein_labels *l, int table, int columns, unsigned use, const char *what,
                      FILE *stream) {
    int n = 0;
    for (int c = 0; c < columns; c++) {
        const ein_labels_column *column = ein_labels_column_at(l, table, c);
        if (!(column->uses & use)) continue;
        fprintf(stream, "%s%s", n++ ? ", " : what, shown(column));
    }
}

static void print_table(const ein_labels *l, int table, const ein_labels_table *t, FILE *stream) {
    fprintf(stream, "  %s: ", base_name(t->path));
    if (t->data_set) fprintf(stream, "a table of %s; ", t->data_set);
    fprintf(stream, "%lld rows", (long long)t->rows);
    print_use(l, table, t->columns, EIN_LABELS_KEY, "; key ", stream);
    print_use(l, table, t->columns, EIN_LABELS_PATIENT, "; patient ", stream);
    print_use(l, table, t->columns, EIN_LABELS_AGE, "; age ", stream);
    print_use(l, table, t->columns, EIN_LABELS_SEX, "; sex ", stream);
    print_use(l, table, t->columns, EIN_LABELS_COHORT, "; cohort ", stream);
    print_use(l, table, t->columns, EIN_LABELS_SITE, "; site ", stream);
    print_use(l, table, t->columns, EIN_LABELS_NUMBER, "; numbers ", stream);
    print_use(l, table, t->columns, EIN_LABELS_TEXT, "; texts ", stream);
    fputc('\n', stream);
    if (strcmp(t->encoding, "UTF-8") != 0)
        fprintf(stream, "    it is not UTF-8: read as %s (--label-encoding declares another)\n", t->encoding);
    if (t->replaced > 0)
        fprintf(stream,
                "    %lld bytes are no text in %s and were replaced (--label-encoding declares another)\n",
                (long long)t->replaced, t->encoding);
}

static void print_column(const ein_labels_column *c, FILE *stream) {
    if (c->uses == 0) {
        fprintf(stream, "    left out: %s: %s\n", shown(c), c->why);
        return;
    }
    if (c->why[0]) fprintf(stream, "    %s: %s\n", shown(c), c->why);
    if (c->unreadable > 0)
        fprintf(stream, "    %s: %lld of %lld cells could not be read and are not known (first: %s)\n",
                shown(c), (long long)c->unreadable, (long long)c->known, c->first_unreadable);
}

void ein_columns_print(const ein_labels *l, FILE *stream) {
    bool left_out = false;
    for (int t = 0; t < ein_labels_n_tables(l); t++) {
        ein_labels_table table;
        ein_labels_table_at(l, t, &table);
        print_table(l, t, &table, stream);
        for (int c = 0; c < table.columns; c++) {
            print_column(ein_labels_column_at(l, t, c), stream);
            left_out = left_out || ein_labels_column_at(l, t, c)->uses == 0;
        }
    }
    if (left_out)
        fputs(
            "  (--text-columns NAME,... keeps columns of texts, --label-columns auto,NAME,... more of numbers)\n",
            stream);
}

void ein_rows_print(const ein_labels *l, FILE *stream) {
    ein_labels_report r;
    ein_labels_get_report(l, &r);
    if (r.unused)
        fprintf(stream, "  %lld of %lld rows fit no accepted record (first: %s)\n", (long long)r.unused,
                (long long)r.rows, r.first_unused);
    if (r.repeated)
        fprintf(stream, "  %lld rows repeat another row word for word and count once\n",
                (long long)r.repeated);
    if (r.ambiguous)
        fprintf(
            stream,
            "  %lld rows share their key with another row that differs and were not used (first: %s, lines %lld "
            "and %lld)\n",
            (long long)r.ambiguous, r.first_ambiguous, (long long)r.ambiguous_line[0],
            (long long)r.ambiguous_line[1]);
    if (r.malformed)
        fprintf(stream, "  %lld rows are malformed or have no key (first: %s)\n", (long long)r.malformed,
                r.first_malformed);
}
