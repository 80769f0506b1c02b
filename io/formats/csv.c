#include "io/formats/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/base/encoding.h"
#include "io/base/utf8.h"

enum { MAX_COLUMNS = 4096, MAX_ROW_BYTES = 16 << 20, MAX_PROBLEMS = 1000 };
#define MAX_BYTES (INT64_C(1) << 31)

struct ein_csv {
    char *name;
    char *data; /* the file's text; cells are unquoted in place and end in NUL */
    size_t bytes;
    char delimiter;
    int n_columns;
    uint32_t *cell; /* (n_rows + 1, n_columns) offsets into data, the header first */
    int64_t *line;  /* (n_rows + 1) */
    int64_t n_rows, cell_room, line_room;
    char encoding[40];
    int64_t replaced;
    char *problem[MAX_PROBLEMS];
    int64_t n_problems;
};

/* Where parsing stands. Cells are written at `w`, never beyond `r`. */
typedef struct {
    size_t r, w;
    int64_t line;
} cursor;

static bool at_line_end(const ein_csv *csv, size_t r) {
    return r >= csv->bytes || csv->data[r] == '\n' || csv->data[r] == '\r';
}

static void skip_line_end(const ein_csv *csv, cursor *at) {
    if (at->r >= csv->bytes) return;
    if (csv->data[at->r] == '\r' && at->r + 1 < csv->bytes && csv->data[at->r + 1] == '\n') at->r++;
    at->r++;
    at->line++;
}

/* Count a line end inside of quotes; CRLF is one. */
static bool is_new_line(const char *data, size_t r) {
    return data[r] == '\n' || (data[r] == '\r' && data[r + 1] != '\n');
}

/* One quoted field; `r` stands behind the opening quote and ends behind the closing one. */
static ein_status read_quoted(ein_csv *csv, cursor *at, int64_t row_line) {
    char *data = csv->data;
    size_t start = at->r;
    for (;;) {
        if (at->r >= csv->bytes || at->r - start > MAX_ROW_BYTES)
            return ein_error(EIN_FORMAT, "%s:%lld: a quote that opens in this row is not closed within %s",
                             csv->name, (long long)row_line, at->r >= csv->bytes ? "the file" : "16 MiB");
        if (data[at->r] == '"') {
            if (data[at->r + 1] != '"') break;
            at->r++;
        } else if (is_new_line(data, at->r)) {
            at->line++;
        }
        data[at->w++] = data[at->r++];
    }
    at->r++;
    return EIN_OK;
}

/* One field up to its delimiter or line end, which is not consumed. `*stray` is set if text follows a quote.
 */
static ein_status read_field(ein_csv *csv, cursor *at, int64_t row_line, bool *stray) {
    char *data = csv->data;
    if (!at_line_end(csv, at->r) && data[at->r] == '"') {
        at->r++;
        EIN_TRY(read_quoted(csv, at, row_line));
        *stray = *stray || (!at_line_end(csv, at->r) && data[at->r] != csv->delimiter);
    }
    while (!at_line_end(csv, at->r) && data[at->r] != csv->delimiter) data[at->w++] = data[at->r++];
    return EIN_OK;
}

/* The cells of one row into `cells` (n_max); `*n` counts all fields, also those beyond n_max. */
static ein_status read_row(ein_csv *csv, cursor *at, uint32_t *cells, int n_max, int64_t *n, bool *stray) {
    size_t start = at->r;
    int64_t row_line = at->line;
    *n = 0;
    *stray = false;
    for (;;) {
        uint32_t cell = (uint32_t)at->w;
        EIN_TRY(read_field(csv, at, row_line, stray));
        if (*n < n_max) cells[*n] = cell;
        ++*n;
        if (at->r - start > MAX_ROW_BYTES)
            return ein_error(EIN_FORMAT, "%s:%lld: a row of more than 16 MiB; not a table?", csv->name,
                             (long long)row_line);
        bool last = at_line_end(csv, at->r);
        if (last)
            skip_line_end(csv, at);
        else
            at->r++;
        csv->data[at->w++] = '\0';
        if (last) return EIN_OK;
    }
}

static ein_status grow(ein_csv *csv) {
    const int64_t need = csv->n_rows + 2;
    EIN_TRY(EIN_GROW(csv->cell, csv->cell_room, need * csv->n_columns));
    return EIN_GROW(csv->line, csv->line_room, need);
}

static ein_status add_problem(ein_csv *csv, int64_t line, int64_t fields, bool stray) {
    char text[256];
    csv->n_problems++;
    if (csv->n_problems > MAX_PROBLEMS) return EIN_OK;
    if (stray)
        snprintf(text, sizeof text, ":%lld: text behind a closing quote", (long long)line);
    else
        snprintf(text, sizeof text, ":%lld: %lld fields; the header has %d", (long long)line,
                 (long long)fields, csv->n_columns);
    char **slot = &csv->problem[csv->n_problems - 1];
    size_t room = strlen(csv->name) + strlen(text) + 1;
    *slot = malloc(room);
    if (!*slot) return ein_error(EIN_NOMEM, "%s: no memory for a message", csv->name);
    snprintf(*slot, room, "%s%s", csv->name, text);
    return EIN_OK;
}

/* The delimiter that the header line holds most of, outside of quotes. */
static char find_delimiter(const ein_csv *csv, size_t start) {
    int64_t count[3] = {0};
    bool quoted = false;
    for (size_t r = start; r < csv->bytes && (quoted || !at_line_end(csv, r)); r++) {
        if (csv->data[r] == '"') quoted = !quoted;
        if (quoted) continue;
        count[0] += csv->data[r] == ',';
        count[1] += csv->data[r] == ';';
        count[2] += csv->data[r] == '\t';
    }
    if (count[1] > count[0] && count[1] >= count[2]) return ';';
    return count[2] > count[0] ? '\t' : ',';
}

static ein_status read_header(ein_csv *csv, cursor *at) {
    while (at->r < csv->bytes && at_line_end(csv, at->r)) skip_line_end(csv, at);
    if (at->r >= csv->bytes)
        return ein_error(EIN_FORMAT, "%s: an empty table, without a row of names", csv->name);
    csv->delimiter = find_delimiter(csv, at->r);
    uint32_t *cells = NULL;
    int64_t n = 0, line = at->line;
    bool stray = false;
    EIN_TRY(EIN_NEW(cells, MAX_COLUMNS));
    ein_status status = read_row(csv, at, cells, MAX_COLUMNS, &n, &stray);
    if (status == EIN_OK && stray)
        status = ein_error(EIN_FORMAT, "%s:%lld: text behind a closing quote in the header", csv->name,
                           (long long)line);
    if (status == EIN_OK && n > MAX_COLUMNS)
        status = ein_error(EIN_FORMAT, "%s:%lld: %lld columns; at most %d are read", csv->name,
                           (long long)line, (long long)n, MAX_COLUMNS);
    csv->n_columns = (int)(n < MAX_COLUMNS ? n : MAX_COLUMNS);
    if (status == EIN_OK) status = grow(csv);
    if (status == EIN_OK) {
        memcpy(csv->cell, cells, (size_t)csv->n_columns * sizeof *cells);
        csv->line[0] = line;
    }
    free(cells);
    return status;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Nameless columns (an index written by a data frame) may repeat, names may not. */
static ein_status check_names(const ein_csv *csv) {
    const char **names = NULL;
    ein_status status = EIN_NEW(names, csv->n_columns);
    EIN_TRY(status);
    for (int c = 0; c < csv->n_columns; c++) names[c] = ein_csv_column_name(csv, c);
    qsort(names, (size_t)csv->n_columns, sizeof *names, compare_names);
    for (int c = 1; c < csv->n_columns && status == EIN_OK; c++)
        if (names[c][0] && strcmp(names[c], names[c - 1]) == 0)
            status = ein_error(EIN_FORMAT, "%s:%lld: two columns are named '%.100s'", csv->name,
                               (long long)csv->line[0], names[c]);
    free(names);
    return status;
}

static ein_status read_rows(ein_csv *csv, cursor *at) {
    while (at->r < csv->bytes) {
        if (at_line_end(csv, at->r)) {
            skip_line_end(csv, at);
            continue;
        }
        EIN_TRY(grow(csv));
        int64_t n = 0, line = at->line;
        bool stray = false;
        uint32_t *cells = csv->cell + (size_t)(csv->n_rows + 1) * (size_t)csv->n_columns;
        EIN_TRY(read_row(csv, at, cells, csv->n_columns, &n, &stray));
        if (stray || n != csv->n_columns) {
            EIN_TRY(add_problem(csv, line, n, stray));
        } else {
            csv->line[csv->n_rows + 1] = line;
            csv->n_rows++;
        }
    }
    return EIN_OK;
}

/* Make the text UTF-8. */
static ein_status decode(ein_csv *csv, const char *encoding) {
    if (!encoding) encoding = ein_encoding_guess(csv->data, csv->bytes);
    snprintf(csv->encoding, sizeof csv->encoding, "%s", encoding);
    if (strcmp(encoding, "UTF-8") == 0 && ein_utf8_is(csv->data, csv->bytes)) return EIN_OK;
    char *text = NULL;
    size_t bytes = 0;
    EIN_TRY(ein_error_context(
        ein_encoding_to_utf8(encoding, csv->data, csv->bytes, &text, &bytes, &csv->replaced), "%s",
        csv->name));
    free(csv->data);
    csv->data = text;
    csv->bytes = bytes;
    if ((int64_t)bytes <= MAX_BYTES) return EIN_OK;
    return ein_error(EIN_FORMAT, "%s: %zu bytes as UTF-8; at most 2 GiB are read", csv->name, bytes);
}

static ein_status parse_text(ein_csv *csv, const char *encoding) {
    cursor at = {.line = 1};
    EIN_TRY(decode(csv, encoding));
    if (csv->bytes >= 3 && memcmp(csv->data, "\xEF\xBB\xBF", 3) == 0) at.r = 3;
    const char *nul = memchr(csv->data, '\0', csv->bytes);
    if (nul)
        return ein_error(EIN_FORMAT, "%s: byte %lld is NUL: not a text table (UTF-16? save it as UTF-8)",
                         csv->name, (long long)(nul - csv->data));
    EIN_TRY(read_header(csv, &at));
    EIN_TRY(check_names(csv));
    return read_rows(csv, &at);
}

/* Takes `data` (NUL-terminated beyond `bytes`), also on error. */
static ein_status parse(const char *name, const char *encoding, char *data, size_t bytes, ein_csv **out) {
    *out = NULL;
    ein_csv *csv = NULL;
    ein_status status = EIN_NEW(csv, 1);
    if (status != EIN_OK) {
        free(data);
        return status;
    }
    csv->data = data;
    csv->bytes = bytes;
    csv->name = strdup(name);
    status = csv->name ? parse_text(csv, encoding) : ein_error(EIN_NOMEM, "no memory for a name");
    if (status != EIN_OK) {
        ein_csv_close(csv);
        return status;
    }
    *out = csv;
    return EIN_OK;
}

ein_status ein_csv_open_as(const char *path, const char *encoding, ein_csv **out) {
    char *data = NULL;
    size_t bytes = 0;
    *out = NULL;
    EIN_TRY(ein_file_read(path, MAX_BYTES, &data, &bytes));
    return parse(path, encoding, data, bytes, out);
}

ein_status ein_csv_open(const char *path, ein_csv **out) {
    return ein_csv_open_as(path, NULL, out);
}

ein_status ein_csv_parse(const char *name, const char *text, size_t bytes, ein_csv **out) {
    char *data = NULL;
    *out = NULL;
    if ((int64_t)bytes > MAX_BYTES)
        return ein_error(EIN_FORMAT, "%s: %zu bytes; at most 2 GiB are read", name, bytes);
    EIN_TRY(ein_calloc((void **)&data, (int64_t)bytes + 1, 1, "CSV text"));
    memcpy(data, text, bytes);
    return parse(name, NULL, data, bytes, out);
}

void ein_csv_close(ein_csv *csv) {
    if (!csv) return;
    for (int i = 0; i < MAX_PROBLEMS && i < csv->n_problems; i++) free(csv->problem[i]);
    free(csv->cell);
    free(csv->line);
    free(csv->data);
    free(csv->name);
    free(csv);
}

const char *ein_csv_encoding(const ein_csv *csv) {
    return csv->encoding;
}
int64_t ein_csv_replaced(const ein_csv *csv) {
    return csv->replaced;
}

int64_t ein_csv_rows(const ein_csv *csv) {
    return csv->n_rows;
}
int ein_csv_columns(const ein_csv *csv) {
    return csv->n_columns;
}

const char *ein_csv_column_name(const ein_csv *csv, int column) {
    EIN_BUG_IF(column < 0 || column >= csv->n_columns);
    return csv->data + csv->cell[column];
}

int ein_csv_column(const ein_csv *csv, const char *name) {
    for (int c = 0; c < csv->n_columns; c++)
        if (strcmp(ein_csv_column_name(csv, c), name) == 0) return c;
    return -1;
}

const char *ein_csv_cell(const ein_csv *csv, int64_t row, int column) {
    EIN_BUG_IF(row < 0 || row >= csv->n_rows || column < 0 || column >= csv->n_columns);
    return csv->data + csv->cell[(size_t)(row + 1) * (size_t)csv->n_columns + (size_t)column];
}

int64_t ein_csv_line(const ein_csv *csv, int64_t row) {
    EIN_BUG_IF(row < 0 || row >= csv->n_rows);
    return csv->line[row + 1];
}

int64_t ein_csv_problems(const ein_csv *csv) {
    return csv->n_problems;
}

const char *ein_csv_problem(const ein_csv *csv, int64_t index) {
    return index < 0 || index >= csv->n_problems || index >= MAX_PROBLEMS ? NULL : csv->problem[index];
}

/* --- writing --------------------------------------------------------------------------------------- */

struct ein_csv_writer {
    char *path;
    FILE *stream;
    int n_columns, at; /* fields of the current row so far */
};

ein_status ein_csv_create(const char *path, const char *const *columns, int n_columns, ein_csv_writer **out) {
    *out = NULL;
    ein_csv_writer *writer = NULL;
    EIN_TRY(EIN_NEW(writer, 1));
    writer->n_columns = n_columns;
    writer->path = strdup(path);
    ein_status status = writer->path ? ein_durable_fopen(path, &writer->stream)
                                     : ein_error(EIN_NOMEM, "%s: no memory for its name", path);
    if (status != EIN_OK) {
        free(writer->path);
        free(writer);
        return status;
    }
    for (int c = 0; c < n_columns; c++) ein_csv_put(writer, columns[c]);
    ein_csv_end_row(writer);
    *out = writer;
    return EIN_OK;
}

void ein_csv_put(ein_csv_writer *writer, const char *text) {
    FILE *stream = writer->stream;
    if (writer->at++ > 0) fputc(',', stream);
    if (!text) text = "";
    size_t n = strlen(text);
    bool blank = n > 0 && (text[0] == ' ' || text[n - 1] == ' ' || text[0] == '\t' || text[n - 1] == '\t');
    /* A row of one empty field would read as a blank line. */
    bool alone = n == 0 && writer->n_columns == 1;
    if (!blank && !alone && !strpbrk(text, ",;\t\"\r\n")) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (const char *s = text; *s; s++) {
        if (*s == '"') fputc('"', stream);
        fputc(*s, stream);
    }
    fputc('"', stream);
}

void ein_csv_put_int(ein_csv_writer *writer, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    ein_csv_put(writer, text);
}

void ein_csv_put_real(ein_csv_writer *writer, double value) {
    char text[40];
    if (isnan(value)) {
        ein_csv_put(writer, NULL);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    ein_csv_put(writer, text);
}

void ein_csv_end_row(ein_csv_writer *writer) {
    EIN_BUG_IF(writer->at != writer->n_columns);
    fputc('\n', writer->stream);
    writer->at = 0;
}

ein_status ein_csv_finish(ein_csv_writer *writer, bool keep) {
    if (!writer) return EIN_OK;
    ein_status status = ein_durable_fclose(writer->stream, writer->path, keep);
    free(writer->path);
    free(writer);
    return status;
}
