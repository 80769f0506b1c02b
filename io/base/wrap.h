/* Text for terminals: words wrapped into lines of at most 110 columns. */
#ifndef EIN_IO_BASE_WRAP_H
#define EIN_IO_BASE_WRAP_H

#include <stdio.h>

/* Print `text` from column `column` on, which the caller has reached, later lines indented to `indent`; ends with a
 * line end. A word longer than a line stands alone. Not collective. */
void ein_print_wrapped(FILE *stream, int column, int indent, const char *text);

#endif
