#include "io/base/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/base/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
enum { REPLACEMENT_BYTES = 3, EVIDENT_RUN = 2 };

/* Letters, quotes, dashes, euro, degree, micro, superscripts, paragraph, no-break space. */
static bool is_western(unsigned char c) {
    if (c >= 0xC0) return c != 0xD7 && c != 0xF7;
    return c == 0x80 || (c >= 0x91 && c <= 0x97) || c == 0x8A || c == 0x9A || c == 0x8C || c == 0x9C ||
           c == 0xA0 || c == 0xA7 || (c >= 0xB0 && c <= 0xB5);
}

static bool is_windows_1252(const char *text, size_t bytes) {
    int run = 0;
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char c = (unsigned char)text[i];
        run = c >= 0x80 ? run + 1 : 0;
        if (run == 0) continue;
        if (run > EVIDENT_RUN || !is_western(c) || ein_utf8_character(text + i, bytes - i) > 1) return false;
    }
    return true;
}

const char *ein_encoding_guess(const char *text, size_t bytes) {
    if (bytes >= 2 && memcmp(text, "\xFF\xFE", 2) == 0) return "UTF-16LE";
    if (bytes >= 2 && memcmp(text, "\xFE\xFF", 2) == 0) return "UTF-16BE";
    if (ein_utf8_is(text, bytes)) return "UTF-8";
    return is_windows_1252(text, bytes) ? "WINDOWS-1252" : "UTF-8";
}

/* Bytes of what stands for itself in an encoding: behind a part of one nothing could be read any more. */
static size_t unit_of(const char *encoding) {
    static const struct {
        const char *begin;
        size_t bytes;
    } wide[] = {{"UTF-16", 2}, {"UTF16", 2}, {"UCS-2", 2}, {"UCS2", 2}, {"UNICODE", 2},
                {"UTF-32", 4}, {"UTF32", 4}, {"UCS-4", 4}, {"UCS4", 4}};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (strncasecmp(encoding, wide[i].begin, strlen(wide[i].begin)) == 0) return wide[i].bytes;
    return 1;
}

/* What iconv cannot read becomes U+FFFD, a unit at a time; `out` holds four times the bytes. */
static size_t through_iconv(iconv_t cd, size_t unit, const char *text, size_t bytes, char *out,
                            int64_t *replaced) {
    char *in = (char *)(uintptr_t)text, *at = out;
    size_t left = bytes, room = 4 * bytes;
    while (left > 0) {
        if (iconv(cd, &in, &left, &at, &room) != (size_t)-1) break;
        if (errno == E2BIG || room < REPLACEMENT_BYTES) break;
        memcpy(at, REPLACEMENT, REPLACEMENT_BYTES);
        at += REPLACEMENT_BYTES;
        room -= REPLACEMENT_BYTES;
        const size_t skipped = unit < left ? unit : left;
        in += skipped;
        left -= skipped;
        *replaced += (int64_t)skipped;
    }
    return (size_t)(at - out);
}

/* Copy, with U+FFFD for each byte that is no UTF-8; `out` holds three times the bytes. */
static size_t replace(const char *text, size_t bytes, char *out, int64_t *replaced) {
    size_t used = 0;
    for (size_t i = 0; i < bytes;) {
        const size_t n = ein_utf8_character(text + i, bytes - i);
        memcpy(out + used, n ? text + i : REPLACEMENT, n ? n : REPLACEMENT_BYTES);
        used += n ? n : REPLACEMENT_BYTES;
        i += n ? n : 1;
        *replaced += n == 0;
    }
    return used;
}

static bool is_utf8_name(const char *encoding) {
    return strcasecmp(encoding, "UTF-8") == 0 || strcasecmp(encoding, "UTF8") == 0;
}

ein_status ein_encoding_to_utf8(const char *encoding, const char *text, size_t bytes, char **out,
                                size_t *out_bytes, int64_t *replaced) {
    *out = NULL;
    *replaced = 0;
    iconv_t cd = (iconv_t)-1; /* iconv's own UTF-8 takes more than Unicode has */
    if (!is_utf8_name(encoding) && (cd = iconv_open("UTF-8", encoding)) == (iconv_t)-1)
        return ein_error(EIN_USAGE, "no encoding is named '%.40s' (iconv --list shows those that are)",
                         encoding);
    ein_status status = ein_calloc((void **)out, (int64_t)bytes * 4 + 1, 1, "text");
    if (status == EIN_OK)
        *out_bytes = cd == (iconv_t)-1 ? replace(text, bytes, *out, replaced)
                                       : through_iconv(cd, unit_of(encoding), text, bytes, *out, replaced);
    if (cd != (iconv_t)-1) iconv_close(cd);
    EIN_TRY(status);
    if (*out_bytes >= 3 && memcmp(*out, "\xEF\xBB\xBF", 3) == 0) {
        *out_bytes -= 3;
        memmove(*out, *out + 3, *out_bytes);
    }
    (*out)[*out_bytes] = '\0';
    if (ein_utf8_is(*out, *out_bytes)) return EIN_OK;
    free(*out);
    *out = NULL;
    return ein_error(EIN_FORMAT, "text in %.40s that is no Unicode", encoding);
}
