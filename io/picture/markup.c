#include "io/picture/markup.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/utf8.h"

static void append(ein_markup *m, const char *text, size_t bytes) {
    if (m->failed) return;
    if (bytes > SIZE_MAX / 4 || m->bytes > SIZE_MAX / 4) {
        m->failed = true;
        return;
    }
    if (EIN_GROW(m->text, m->room, m->bytes + bytes + 1) != EIN_OK) {
        m->failed = true;
        return;
    }
    memcpy(m->text + m->bytes, text, bytes);
    m->bytes += bytes;
    m->text[m->bytes] = '\0';
}

static void append_text(ein_markup *m, const char *text) {
    append(m, text, strlen(text));
}

/* The code point of a character that is known to be UTF-8. */
static uint32_t code_point(const unsigned char *c, size_t bytes) {
    if (bytes == 1) return c[0];
    uint32_t code = c[0] & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) code = code << 6 | (c[i] & 0x3fu);
    return code;
}

/* Neither of XML nor of a line of text: controls, marks of direction, noncharacters. Tab and line feed are blanks. */
static bool is_harmful(uint32_t code) {
    return (code < 0x20 && code != '\t' && code != '\n') || (code >= 0x7f && code < 0xa0) ||
           (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x61c || code == 0xfeff ||
           (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe;
}

void ein_markup_text(ein_markup *m, const char *text) {
    static const char unknown[] = "\xef\xbf\xbd"; /* U+FFFD */
    if (!text) return;
    const size_t all = strlen(text);
    for (size_t at = 0; at < all;) {
        const char *c = text + at;
        const size_t bytes = ein_utf8_character(c, all - at);
        at += bytes ? bytes : 1;
        if (bytes == 0 || is_harmful(code_point((const unsigned char *)c, bytes)))
            append_text(m, unknown);
        else if (*c == '&')
            append_text(m, "&amp;");
        else if (*c == '<')
            append_text(m, "&lt;");
        else if (*c == '>')
            append_text(m, "&gt;");
        else if (*c == '"')
            append_text(m, "&quot;");
        else if (*c == '\'')
            append_text(m, "&#39;");
        else
            append(m, c, bytes);
    }
}

static void append_integer(ein_markup *m, long long value) {
    char text[32];
    append(m, text, (size_t)snprintf(text, sizeof text, "%lld", value));
}

static void append_real(ein_markup *m, double value, int precision, char kind) {
    char text[400];
    if (!isfinite(value)) {
        append_text(m, "-");
        return;
    }
    const int n = kind == 'f' ? snprintf(text, sizeof text, "%.*f", precision, value)
                              : snprintf(text, sizeof text, "%.*g", precision, value);
    append(m, text, (size_t)n);
}

/* In a struct, so that a function that takes some leaves the rest to the next. */
typedef struct {
    va_list list;
} arguments;

/* One conversion behind its '%'; returns what follows it. */
static const char *convert(ein_markup *m, const char *c, arguments *a) {
    int precision = 6, longs = 0;
    bool size = false;
    if (*c == '.') {
        precision = 0;
        if (c[1] == '*') precision = va_arg(a->list, int);
        for (c += c[1] == '*' ? 2 : 1; *c >= '0' && *c <= '9'; c++) precision = 10 * precision + (*c - '0');
    }
    for (; *c == 'l'; c++) longs++;
    for (; *c == 'z'; c++) size = true;
    switch (*c) {
    case 's':
        ein_markup_text(m, va_arg(a->list, const char *));
        break;
    case 'd':
        append_integer(m, longs > 1    ? va_arg(a->list, long long)
                          : longs == 1 ? va_arg(a->list, long)
                                       : va_arg(a->list, int));
        break;
    case 'u':
        EIN_BUG_IF(!size);
        append_integer(m, (long long)va_arg(a->list, size_t));
        break;
    case 'f':
    case 'g':
        append_real(m, va_arg(a->list, double), precision, *c);
        break;
    case '%':
        append_text(m, "%");
        break;
    default:
        EIN_BUG_IF(true);
    }
    return c + 1;
}

void ein_markup_put(ein_markup *m, const char *format, ...) {
    arguments a;
    va_start(a.list, format);
    while (*format) {
        const size_t literal = strcspn(format, "%");
        append(m, format, literal);
        format += literal;
        if (*format) format = convert(m, format + 1, &a);
    }
    va_end(a.list);
}

void ein_markup_number(ein_markup *m, double value, int decimals) {
    char text[400];
    if (!isfinite(value)) {
        append_text(m, "-");
        return;
    }
    int n = snprintf(text, sizeof text, "%.*f", decimals, value);
    if (strchr(text, '.')) {
        while (text[n - 1] == '0') text[--n] = '\0';
        if (text[n - 1] == '.') text[--n] = '\0';
    }
    append_text(m, strcmp(text, "-0") == 0 ? "0" : text);
}

void ein_markup_join(ein_markup *m, const ein_markup *more) {
    if (more->failed) m->failed = true;
    if (more->text) append(m, more->text, more->bytes);
}

ein_status ein_markup_done(const ein_markup *m, const char *what) {
    return m->failed ? ein_error(EIN_NOMEM, "no memory for %s", what) : EIN_OK;
}

void ein_markup_free(ein_markup *m) {
    free(m->text);
    *m = (ein_markup){0};
}
