/* Markup (SVG, HTML) in memory, in which no text can become markup.
 *
 * There are two ways in: formats, which are literals of this program, and values. A value is a number or a text, and
 * every text is escaped, wherever it comes from: as content and within double quotes it stands for itself. Control
 * characters, marks that turn the direction of writing, what is no UTF-8 and what XML has no character for become
 * U+FFFD. A text may not be put where names, scripts or styles stand.
 *
 * A buffer keeps its first failure (memory), so that it is asked once at the end. Zeroed: empty.
 */
#ifndef EIN_IO_PICTURE_MARKUP_H
#define EIN_IO_PICTURE_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/status.h"

typedef struct {
    char *text; /* NUL-terminated; NULL as long as it is empty */
    size_t bytes;
    int64_t room;
    bool failed;
} ein_markup;

/* Append `format` with its values: %s (NULL: nothing), %d, %ld, %lld, %zu, %f, %g, with a precision (also ".*") for
 * the last two, and %%. Numbers that are not finite are "-". Anything else is a bug and
 * aborts. */
void ein_markup_put(ein_markup *m, const char *format, ...) EIN_PRINTF(2, 3);

/* Append a text, escaped. */
void ein_markup_text(ein_markup *m, const char *text);

/* Append a number with at most so many decimals, without zeros at the end: "-0.5", "12". */
void ein_markup_number(ein_markup *m, double value, int decimals);

/* Append markup. */
void ein_markup_join(ein_markup *m, const ein_markup *more);

/* EIN_NOMEM, naming `what`, if something failed. */
ein_status ein_markup_done(const ein_markup *m, const char *what);

void ein_markup_free(ein_markup *m);

#endif
