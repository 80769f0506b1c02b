/* Text of files that nobody vouches for, made UTF-8.
 *
 * What is UTF-8 already stays as it is, byte for byte. Else the encoding is evident if no character beyond ASCII in the
 * text is UTF-8 and every byte of 0x80 and more is a letter or sign of Windows-1252 (which holds all of ISO-8859-1 that
 * is ever printed): the text is then converted. What is neither, such as UTF-8 with a damaged character or bytes that
 * Windows-1252 has no character for, keeps its good characters, and each bad byte becomes U+FFFD.
 */
#ifndef EIN_IO_BASE_UTF8_H
#define EIN_IO_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Characters that were not UTF-8, added up over calls. */
typedef struct {
    int64_t converted; /* from Windows-1252 */
    int64_t replaced;  /* by U+FFFD: what they were is not known */
} ein_utf8_repair;

/* Bytes of the character at `text`, 1 to 4; 0 if the bytes there are none: overlong, a surrogate, beyond U+10FFFF, cut.
 * NUL is a character of one byte. */
size_t ein_utf8_character(const char *text, size_t bytes);

/* Whether all of it is UTF-8. */
bool ein_utf8_is(const char *text, size_t bytes);

/* Write `text` as UTF-8 into `out`, NUL-terminated, cut at a whole character where `room` ends; 3 * bytes + 1 always
 * suffices. Adds to `repair` (may be NULL) what it did. Returns the bytes written, without the NUL. */
size_t ein_utf8_make(const char *text, size_t bytes, char *out, size_t room, ein_utf8_repair *repair);

/* Whether the character of `bytes` bytes at `text` controls a terminal: C0, DEL and, in two bytes, C1. */
bool ein_utf8_is_control(const char *text, size_t bytes);

/* Copy `text` with '?' for control characters and for each byte that is no UTF-8, cut at a whole character where `room`
 * ends. Returns the bytes written, without the NUL. */
size_t ein_utf8_clean(const char *text, char *out, size_t room);

/* Print the same, at most `most` characters; returns how many. */
int ein_utf8_print(const char *text, int most, FILE *stream);

/* A text for a message or terminal in `out`, which is returned: control characters and what is no UTF-8 as '?',
 * "..." for what `room` (at least 8) does not hold. */
const char *ein_utf8_show(const char *text, char *out, size_t room);

#endif
