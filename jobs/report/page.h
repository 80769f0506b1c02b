/* The page of a report while it is written: markup, tables that are also CSV, figures that are also SVG.
 *
 * Whatever is put into it comes as a text (escaped by io/picture/markup.h) or as a number. A number in a table keeps
 * all its digits in the attribute data-v; what is read is rounded. Tables and figures also become files in the
 * folder of the page, named by what they are. The first failure is kept and told at the end; after it nothing is done
 * any more.
 */
#ifndef EIN_JOBS_REPORT_PAGE_H
#define EIN_JOBS_REPORT_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "io/formats/csv.h"
#include "io/picture/chart.h"
#include "io/picture/markup.h"

typedef enum { EIN_COLUMN_TEXT, EIN_COLUMN_COUNT, EIN_COLUMN_REAL, EIN_COLUMN_INTERVAL } ein_column_kind;

typedef struct {
    const char *title;
    ein_column_kind kind;
} ein_column;

enum { EIN_PAGE_MAX_COLUMNS = 40 };

typedef struct {
    ein_markup body;
    ein_status status;   /* of the first failure; its message stays that of the thread */
    char *folder;        /* for tables and figures */
    const char *link;    /* the same, as the page links to it */
    int figures;         /* so far */
    ein_csv_writer *csv; /* of the table that is open */
    char *csv_path;
} ein_page;

/* A count with commas between thousands. */
enum { EIN_COUNT_BYTES = 32 };
void ein_page_count(int64_t count, char out[EIN_COUNT_BYTES]);

/* A section with its heading; ends the one before. `id` is a word of ours. */
void ein_page_section(ein_page *page, const char *id, const char *title);

/* A paragraph of one text. */
void ein_page_paragraph(ein_page *page, const char *text);

/* `name` becomes a file's: what is neither letter nor digit is replaced. Takes the picture; NULL does nothing. */
void ein_page_figure(ein_page *page, const char *name, ein_picture *picture, const char *caption);

/* A table: columns, then cells row by row, each by the call of its column's kind. `tools`: it can be sorted and
 * filtered. */
void ein_table_begin(ein_page *page, const char *name, const char *caption, const ein_column *columns, int n,
                     bool tools);
void ein_table_text(ein_page *page, const char *text);
void ein_table_link(ein_page *page, const char *text, int section); /* to "#cell-N"; below 0: no link */
void ein_table_count(ein_page *page, int64_t count);                /* below 0: not known */
void ein_table_few(ein_page *page, int64_t minimum); /* instead of a count or text that would tell too much */
void ein_table_real(ein_page *page, double value, int decimals);
void ein_table_interval(ein_page *page, double value, double lower, double upper, bool sign);
void ein_table_row(ein_page *page);
void ein_table_end(ein_page *page);

/* The whole page as a file: head with styles, script and the policy that forbids everything else, `contents` as
 * navigation, the body. */
ein_status ein_page_write(ein_page *page, const char *path, const char *title, const char *program);

void ein_page_free(ein_page *page);

#endif
