/* CSV tables: reading untrusted ones, writing our own.
 *
 * Reading follows RFC 4180: fields in double quotes may hold delimiters, line ends and "" for a quote.  The
 * first row names the columns.  Also taken: a byte order mark, LF, CRLF or CR, a missing last line end, blank
 * lines (passed over), and ';' or tab as delimiter when the header holds more of them than of ','. Bounds: 2
 * GiB, 4096 columns, 16 MiB in one row. Text that is not UTF-8 is converted (io/base/encoding.h), so all names and
 * cells are UTF-8; a NUL in it is refused.
 *
 * A row with too few or too many fields, or with text behind a closing quote, is left out and listed as a
 * problem: one bad row does not cost the table.  A quote that is never closed does: no row behind it can be
 * trusted. Nothing here is collective.
 */
#ifndef EIN_IO_FORMATS_CSV_H
#define EIN_IO_FORMATS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

typedef struct ein_csv ein_csv;

/* Read a whole table. EIN_NOTFOUND, EIN_IO, EIN_NOMEM; EIN_FORMAT with path:line for an open quote, a column
 * name that occurs twice, an empty file, or a bound. */
ein_status ein_csv_open(const char *path, ein_csv **out);

/* The same of a file in a declared encoding, as iconv names it; NULL: the evident one. EIN_USAGE for one that is not
 * known. */
ein_status ein_csv_open_as(const char *path, const char *encoding, ein_csv **out);

/* The same from memory; `name` stands in messages in place of a path. Copies the text. */
ein_status ein_csv_parse(const char *name, const char *text, size_t bytes, ein_csv **out);
void ein_csv_close(ein_csv *csv);

/* The encoding that the text was in, and the bytes of it that no character was known for (U+FFFD stands there). */
const char *ein_csv_encoding(const ein_csv *csv);
int64_t ein_csv_replaced(const ein_csv *csv);

int64_t ein_csv_rows(const ein_csv *csv); /* without the header and the rows left out */
int ein_csv_columns(const ein_csv *csv);
const char *ein_csv_column_name(const ein_csv *csv, int column);

/* Index of the column with this name, or -1. */
int ein_csv_column(const ein_csv *csv, const char *name);

/* The text of a cell, "" if empty; owned by the table. */
const char *ein_csv_cell(const ein_csv *csv, int64_t row, int column);

/* The line of the file on which a row starts, the header being on line 1. */
int64_t ein_csv_line(const ein_csv *csv, int64_t row);

/* Rows left out: how many, and the first 1000 as "path:line: reason". */
int64_t ein_csv_problems(const ein_csv *csv);
const char *ein_csv_problem(const ein_csv *csv, int64_t index); /* NULL beyond what is kept */

/* --- writing ------------------------------------------------------------------------------------- */

typedef struct ein_csv_writer ein_csv_writer;

/* A table that appears under `path` when it is finished (io/base/durable.h). Lines end in LF. */
ein_status ein_csv_create(const char *path, const char *const *columns, int n_columns, ein_csv_writer **out);

/* Append a field, quoted where it must be; NULL and NaN as nothing; reals as %.17g or shorter. Write errors
 * are kept for ein_csv_finish. A row with another number of fields than columns is a bug and aborts. */
void ein_csv_put(ein_csv_writer *writer, const char *text);
void ein_csv_put_int(ein_csv_writer *writer, int64_t value);
void ein_csv_put_real(ein_csv_writer *writer, double value);
void ein_csv_end_row(ein_csv_writer *writer);

/* Close and publish, or with `keep` false discard. Frees the writer in any case. NULL is fine. */
ein_status ein_csv_finish(ein_csv_writer *writer, bool keep);

#endif
