#include "jobs/score/outputs.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/signal/quality.h"
#include "io/base/durable.h"
#include "io/base/outputs.h"
#include "io/base/sums.h"
#include "io/base/utf8.h"
#include "io/formats/csv.h"
#include "io/formats/json.h"
#include "jobs/cli/command.h"

const char *const ein_score_fixed_columns[EIN_SCORE_FIXED_COLUMNS] = {"record", "source", "sha256",
                                                                      "status", "reason", "quality"};

/* --- one row --------------------------------------------------------------------------------------------- */

/* Texts of a row and room for its numbers. */
typedef struct {
    char record[3 * EIN_ECG_TEXT_BYTES], source[3 * PATH_MAX + 32], reason[3 * EIN_INGEST_REASON_BYTES],
        quality[512];
    double *value;
} row_room;

/* As tables and terminals take it: UTF-8 without control characters. */
static void make_text(const char *from, char *out, size_t room) {
    ein_utf8_make(from, strlen(from), out, room, NULL);
    ein_make_printable(out, false);
}

static void make_line(ein_score_models *models, const ein_score_row *row, row_room *room,
                      ein_score_line *line) {
    const ein_score_record *r = row->result;
    make_text(r->id, room->record, sizeof room->record);
    make_text(row->path, room->source, sizeof room->source);
    make_text(r->reason, room->reason, sizeof room->reason);
    if (row->record >= 0) {
        const size_t n = strlen(room->source);
        snprintf(room->source + n, sizeof room->source - n, "#%" PRId64, row->record);
    }
    room->quality[0] = '\0';
    if (r->quality) ein_quality_text(r->quality, room->quality, sizeof room->quality);
    for (char *c = room->quality; *c; c++)
        if (*c == ',') *c = '|';
    for (int i = 0; i < models->n_columns; i++) room->value[i] = NAN;
    if (r->status == EIN_SCORE_OK) ein_score_models_row(models, row->value, room->value);
    *line = (ein_score_line){.text = {room->record, room->source, r->sha256, ein_score_status_word(r->status),
                                      room->reason, room->quality},
                             .flags = r->quality,
                             .value = room->value};
}

/* --- CSV ------------------------------------------------------------------------------------------------- */

static ein_status begin_csv(const char *path, const ein_score_models *models, ein_csv_writer **out) {
    const int n = EIN_SCORE_FIXED_COLUMNS + models->n_columns;
    const char **name;
    EIN_TRY(EIN_NEW(name, n));
    for (int i = 0; i < n; i++)
        name[i] = i < EIN_SCORE_FIXED_COLUMNS ? ein_score_fixed_columns[i]
                                              : models->column[i - EIN_SCORE_FIXED_COLUMNS].name;
    const ein_status status = ein_csv_create(path, name, n, out);
    free(name);
    return status;
}

static void put_csv(ein_csv_writer *csv, const ein_score_line *line, int columns) {
    for (int i = 0; i < EIN_SCORE_FIXED_COLUMNS; i++) ein_csv_put(csv, line->text[i]);
    for (int i = 0; i < columns; i++) ein_csv_put_real(csv, line->value[i]);
    ein_csv_end_row(csv);
}

/* --- the set --------------------------------------------------------------------------------------------- */

enum { CSV, H5, SQLITE, VECTORS_H5, VECTORS_NPY, VECTORS_JSON, JSON, MADE_BY, FILES };

typedef struct {
    char path[FILES][PATH_MAX];
    const char *list[FILES]; /* NULL: not wanted */
    ein_csv_writer *csv;
    ein_score_h5 *h5;
    ein_score_sqlite *sqlite;
    ein_score_vectors *vectors;
    row_room *room;
} tables;

static ein_status open_tables(tables *t, const ein_score_models *models) {
    ein_status status = EIN_NEW(t->room, 1);
    if (status == EIN_OK) status = EIN_NEW(t->room->value, models->n_columns);
    if (status == EIN_OK && t->list[CSV]) status = begin_csv(t->list[CSV], models, &t->csv);
    if (status == EIN_OK && t->list[H5]) status = ein_score_h5_new(models, &t->h5);
    if (status == EIN_OK && t->list[SQLITE])
        status = ein_score_sqlite_new(t->list[SQLITE], models, &t->sqlite);
    if (status == EIN_OK && models->embedding_width > 0) status = ein_score_vectors_new(models, &t->vectors);
    return status;
}

static ein_status fill_tables(tables *t, const char *folder, const ein_score_plan *plan,
                              ein_score_models *models, int64_t *tally) {
    ein_score_rows *rows = NULL;
    ein_score_row row;
    bool more = true;
    ein_status status = ein_score_rows_open(folder, plan, models->values, &rows);
    memset(tally, 0, EIN_SCORE_STATUS_COUNT * sizeof *tally);
    while (status == EIN_OK && more) {
        ein_score_line line;
        status = ein_score_rows_next(rows, &row, &more);
        if (status != EIN_OK || !more) break;
        make_line(models, &row, t->room, &line);
        tally[row.result->status]++;
        if (t->csv) put_csv(t->csv, &line, models->n_columns);
        if (t->h5) status = ein_score_h5_put(t->h5, &line);
        if (status == EIN_OK && t->sqlite) status = ein_score_sqlite_put(t->sqlite, &line);
        if (status == EIN_OK && t->vectors && row.result->status == EIN_SCORE_OK)
            status = ein_score_vectors_name(t->vectors, &line);
    }
    ein_score_rows_close(rows);
    return status;
}

/* The blocks once more: the file of the vectors begins with the names of all. */
static ein_status fill_vectors(tables *t, const char *folder, const ein_score_plan *plan,
                               const ein_score_models *models) {
    ein_score_rows *rows = NULL;
    ein_score_row row;
    bool more = true;
    ein_status status = ein_score_vectors_begin(t->vectors, t->list[VECTORS_NPY] ? t->list[VECTORS_NPY]
                                                                                 : t->list[VECTORS_H5]);
    if (status == EIN_OK) status = ein_score_rows_open(folder, plan, models->values, &rows);
    while (status == EIN_OK && more) {
        status = ein_score_rows_next(rows, &row, &more);
        if (status == EIN_OK && more && row.result->status == EIN_SCORE_OK)
            status = ein_score_vectors_put(t->vectors, row.value + models->embedding_value);
    }
    ein_score_rows_close(rows);
    return status;
}

static ein_status complete_header(json_t *header, const int64_t *tally) {
    ein_json_builder b = {false};
    int64_t all = 0;
    for (int i = 0; i < EIN_SCORE_STATUS_COUNT; i++) all += tally[i];
    ein_json_put_int(&b, header, "inputs", all);
    json_t *status = ein_json_put_object(&b, header, "status");
    for (int i = 0; i < EIN_SCORE_STATUS_COUNT; i++)
        ein_json_put_int(&b, status, ein_score_status_word(i), tally[i]);
    return ein_json_done(&b, "the header of the scores");
}

static ein_status close_tables(tables *t, json_t *header, ein_status mine) {
    ein_status status = mine;
    char *text = status == EIN_OK ? json_dumps(header, JSON_INDENT(2)) : NULL;
    if (status == EIN_OK && !text) status = ein_error(EIN_NOMEM, "no memory for the header of the scores");
    const ein_status csv = ein_csv_finish(t->csv, status == EIN_OK);
    if (status == EIN_OK) status = csv;
    if (t->h5) status = ein_score_h5_finish(t->h5, t->list[H5], text ? text : "", status);
    if (t->sqlite) status = ein_score_sqlite_finish(t->sqlite, header, status);
    if (t->vectors) status = ein_score_vectors_finish(t->vectors, status);
    if (status == EIN_OK) status = ein_json_write(t->list[JSON], header);
    free(text);
    if (t->room) free(t->room->value);
    free(t->room);
    return status;
}

/* --- whether they are there ------------------------------------------------------------------------------- */

/* A hash of everything that the tables are made of, but for the blocks, which follow from it. */
static ein_status made_of(const char *folder, const ein_score_plan *plan, const ein_score_outputs *o,
                          char out[EIN_HASH_TEXT_BYTES]) {
    char path[PATH_MAX], *problems = NULL, *text = json_dumps(o->header, JSON_COMPACT);
    size_t bytes = 0;
    uint8_t digest[EIN_HASH_BYTES];
    ein_bytes *parts = NULL;
    snprintf(path, sizeof path, "%s/problems", folder);
    ein_status status = text ? EIN_NEW(parts, plan->n + 2) : ein_error(EIN_NOMEM, "no memory for a hash");
    if (status == EIN_OK) status = ein_file_read(path, INT64_C(1) << 34, &problems, &bytes);
    if (status == EIN_NOTFOUND) status = EIN_OK;
    if (status == EIN_OK) {
        for (int i = 0; i < plan->n; i++) parts[i] = (ein_bytes){plan->part[i].hash, EIN_HASH_TEXT_BYTES};
        parts[plan->n] = (ein_bytes){text, strlen(text) + 1};
        parts[plan->n + 1] = (ein_bytes){problems ? problems : "", bytes};
        ein_hash_parts(parts, plan->n + 2, digest);
        ein_hex(digest, sizeof digest, out);
    }
    free(parts);
    free(problems);
    free(text);
    return status;
}

/* Whether all tables are there as they were written, and of the same; then the tally too. */
static bool are_there(const tables *t, const char *hash, int64_t *tally) {
    for (int i = 0; i < FILES; i++)
        if (t->list[i] && access(t->list[i], F_OK) != 0) return false;
    const ein_status sums = ein_sums_check(t->list[MADE_BY], NULL, NULL);
    ein_error_clear();
    if (sums != EIN_OK) return false;
    json_t *header = json_load_file(t->list[JSON], 0, NULL);
    const char *of = json_string_value(json_object_get(header, "made_of"));
    const bool same = of && strcmp(of, hash) == 0;
    const json_t *status = json_object_get(header, "status");
    for (int i = 0; same && i < EIN_SCORE_STATUS_COUNT; i++)
        tally[i] = json_integer_value(json_object_get(status, ein_score_status_word(i)));
    json_decref(header);
    return same;
}

/* As evaluate does: sums beside the tables, under a name that follows from what they were made of. */
static ein_status publish(ein_outputs *files, const tables *t, const char *hash) {
    char head[256];
    snprintf(head, sizeof head, "# einthoven score %s\n# run %.32s\n", ein_version(), hash);
    EIN_TRY(ein_outputs_write_sums(files, t->list[MADE_BY], head));
    return ein_outputs_publish(files);
}

ein_status ein_score_outputs_make(const char *folder, const ein_score_plan *plan, ein_score_models *models,
                                  const ein_score_outputs *o, int64_t *tally, bool *fresh) {
    static const char *const names[FILES] = {"scores.csv",    "scores.h5",      "scores.sqlite",
                                             "embeddings.h5", "embeddings.npy", "embeddings.npy.json",
                                             "scores.json",   "MADE-BY"};
    const bool vectors = models->embedding_width > 0;
    const bool wanted[FILES] = {
        o->csv, o->h5, o->sqlite, vectors && !o->npy, vectors && o->npy, vectors && o->npy, true, true};
    char lock[PATH_MAX], hash[EIN_HASH_TEXT_BYTES];
    ein_outputs *files = NULL;
    tables *t;
    EIN_TRY(EIN_NEW(t, 1));
    for (int i = 0; i < FILES; i++) {
        snprintf(t->path[i], sizeof t->path[i], "%s/%s", folder, names[i]);
        t->list[i] = wanted[i] ? t->path[i] : NULL;
    }
    snprintf(lock, sizeof lock, "%s/merge.lock", folder);
    *fresh = false;
    ein_status status = made_of(folder, plan, o, hash);
    if (status == EIN_OK) status = ein_outputs_begin(t->list, FILES, lock, true, &files);
    if (status == EIN_OK && !are_there(t, hash, tally)) {
        *fresh = true;
        status = json_object_set_new(o->header, "made_of", json_string(hash)) == 0
                     ? open_tables(t, models)
                     : ein_error(EIN_NOMEM, "no memory for the header of the scores");
        if (status == EIN_OK) status = fill_tables(t, folder, plan, models, tally);
        if (status == EIN_OK && t->vectors) status = fill_vectors(t, folder, plan, models);
        if (status == EIN_OK) status = complete_header(o->header, tally);
        status = close_tables(t, o->header, status);
        if (status == EIN_OK) status = publish(files, t, hash);
    }
    ein_outputs_end(files);
    free(t);
    return status;
}
