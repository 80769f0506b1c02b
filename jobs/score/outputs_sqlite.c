/* scores.sqlite. */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "jobs/score/outputs.h"

/* SQLite's own bound on the columns of a table, as it is built everywhere. */
enum { MOST_COLUMNS = 2000 };

struct ein_score_sqlite {
    char *path, *partial;
    sqlite3 *db;
    sqlite3_stmt *insert;
    int columns;
};

static ein_status fail(ein_score_sqlite *s, const char *what) {
    return ein_error(EIN_IO, "%s: %s: %s", s->path, what, s->db ? sqlite3_errmsg(s->db) : "no memory");
}

static ein_status run(ein_score_sqlite *s, const char *sql) {
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? EIN_OK : fail(s, "SQLite");
}

/* "CREATE TABLE scores (...)" and "INSERT INTO scores VALUES (?, ...)"; names are quoted as SQL has it. */
static ein_status make_table(ein_score_sqlite *s, const ein_score_models *models) {
    char *create = NULL, *insert = NULL;
    size_t bytes;
    FILE *c = open_memstream(&create, &bytes), *i = open_memstream(&insert, &bytes);
    ein_status status = c && i ? EIN_OK : ein_error(EIN_NOMEM, "%s: no memory", s->path);
    if (status == EIN_OK) {
        fputs("CREATE TABLE scores (", c);
        fputs("INSERT INTO scores VALUES (", i);
        for (int k = 0; k < s->columns; k++) {
            const bool fixed = k < EIN_SCORE_FIXED_COLUMNS;
            const char *name =
                fixed ? ein_score_fixed_columns[k] : models->column[k - EIN_SCORE_FIXED_COLUMNS].name;
            fputs(k ? ", \"" : "\"", c);
            for (const char *p = name; *p; p++) {
                if (*p == '"') fputc('"', c);
                fputc(*p, c);
            }
            fputs(fixed ? "\" TEXT" : "\" REAL", c);
            fputs(k ? ", ?" : "?", i);
        }
        fputs(")", c);
        fputs(")", i);
    }
    if (c && fclose(c) != 0 && status == EIN_OK) status = ein_error(EIN_NOMEM, "%s: no memory", s->path);
    if (i && fclose(i) != 0 && status == EIN_OK) status = ein_error(EIN_NOMEM, "%s: no memory", s->path);
    if (status == EIN_OK) status = run(s, create);
    if (status == EIN_OK && sqlite3_prepare_v2(s->db, insert, -1, &s->insert, NULL) != SQLITE_OK)
        status = fail(s, "SQLite");
    free(create);
    free(insert);
    return status;
}

static void destroy(ein_score_sqlite *s) {
    sqlite3_finalize(s->insert);
    sqlite3_close(s->db);
    free(s->path);
    free(s->partial);
    free(s);
}

ein_status ein_score_sqlite_new(const char *path, const ein_score_models *models, ein_score_sqlite **out) {
    ein_score_sqlite *s = NULL;
    *out = NULL;
    if (EIN_SCORE_FIXED_COLUMNS + models->n_columns > MOST_COLUMNS)
        return ein_error(EIN_USAGE,
                         "%s: %d columns; SQLite takes %d: --set score.formats=csv,h5, or fewer models", path,
                         EIN_SCORE_FIXED_COLUMNS + models->n_columns, MOST_COLUMNS);
    EIN_TRY(EIN_NEW(s, 1));
    s->columns = EIN_SCORE_FIXED_COLUMNS + models->n_columns;
    s->path = strdup(path);
    ein_status status = s->path ? ein_durable_begin(path) : ein_error(EIN_NOMEM, "%s: no memory", path);
    if (status == EIN_OK) status = ein_durable_partial_name(path, &s->partial);
    if (status == EIN_OK && sqlite3_open(s->partial, &s->db) != SQLITE_OK) status = fail(s, "opening");
    /* A file that is renamed when it is whole needs no journal of its own. */
    if (status == EIN_OK) status = run(s, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
    if (status == EIN_OK) status = make_table(s, models);
    if (status == EIN_OK)
        *out = s;
    else
        destroy(s);
    return status;
}

ein_status ein_score_sqlite_put(ein_score_sqlite *s, const ein_score_line *line) {
    for (int i = 0; i < EIN_SCORE_FIXED_COLUMNS; i++) {
        if (line->text[i][0])
            sqlite3_bind_text(s->insert, i + 1, line->text[i], -1, SQLITE_STATIC);
        else
            sqlite3_bind_null(s->insert, i + 1);
    }
    for (int i = EIN_SCORE_FIXED_COLUMNS; i < s->columns; i++) {
        const double value = line->value[i - EIN_SCORE_FIXED_COLUMNS];
        if (isnan(value))
            sqlite3_bind_null(s->insert, i + 1);
        else
            sqlite3_bind_double(s->insert, i + 1, value);
    }
    const bool good = sqlite3_step(s->insert) == SQLITE_DONE;
    return sqlite3_reset(s->insert) == SQLITE_OK && good ? EIN_OK : fail(s, "writing a row");
}

static ein_status put_header(ein_score_sqlite *s, const json_t *header) {
    const char *key;
    json_t *value;
    sqlite3_stmt *insert = NULL;
    EIN_TRY(run(s, "CREATE TABLE header (key TEXT PRIMARY KEY, value TEXT)"));
    ein_status status = EIN_OK;
    if (sqlite3_prepare_v2(s->db, "INSERT INTO header VALUES (?, ?)", -1, &insert, NULL) != SQLITE_OK)
        return fail(s, "SQLite");
    json_object_foreach((json_t *)header, key, value) {
        char *text = json_is_string(value) ? strdup(json_string_value(value))
                                           : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        sqlite3_bind_text(insert, 1, key, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 2, text ? text : "", -1, SQLITE_TRANSIENT);
        if (status == EIN_OK && (!text || sqlite3_step(insert) != SQLITE_DONE))
            status = fail(s, "writing the header");
        sqlite3_reset(insert);
        free(text);
    }
    sqlite3_finalize(insert);
    return status;
}

ein_status ein_score_sqlite_finish(ein_score_sqlite *s, const json_t *header, ein_status mine) {
    ein_status status = mine;
    if (status == EIN_OK) status = put_header(s, header);
    if (status == EIN_OK)
        status = run(
            s,
            "CREATE INDEX by_record ON scores (record); CREATE INDEX by_status ON scores (status); COMMIT");
    sqlite3_finalize(s->insert);
    s->insert = NULL;
    if (status == EIN_OK && sqlite3_close(s->db) != SQLITE_OK) status = fail(s, "closing");
    if (status == EIN_OK) s->db = NULL;
    if (status == EIN_OK) status = ein_durable_commit(s->path);
    destroy(s);
    return status;
}
