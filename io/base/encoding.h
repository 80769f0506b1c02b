/* Whole files of text in other encodings, made UTF-8 (single names and cells: io/base/utf8.h).
 *
 * An encoding may be declared. Else it is evident: UTF-16 by its byte order mark; UTF-8 if all is; Windows-1252, which
 * holds Latin-1, if nothing beyond ASCII is UTF-8 and every such byte is a letter or usual sign of it in a run of at
 * most two. In all other text the bytes that are no UTF-8 become U+FFFD and are counted: a wrong guess would be a wrong
 * word that nobody sees.
 */
#ifndef EIN_IO_BASE_ENCODING_H
#define EIN_IO_BASE_ENCODING_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

/* As iconv names it; "UTF-8" also where the rest is to be replaced. */
const char *ein_encoding_guess(const char *text, size_t bytes);

/* Convert to UTF-8 in fresh memory with a NUL behind it (free()); a byte order mark is left out. `*replaced` counts the
 * bytes that became U+FFFD. EIN_USAGE for an encoding that iconv does not know, EIN_FORMAT,
 * EIN_NOMEM. */
ein_status ein_encoding_to_utf8(const char *encoding, const char *text, size_t bytes, char **out,
                                size_t *out_bytes, int64_t *replaced);

#endif
