#include "jobs/cli/shell_word.h"

#include <stdbool.h>
#include <string.h>

#include "io/base/utf8.h"

/* C0, DEL, and C1 as UTF-8 has them. */
static bool has_control(const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c < ' ' || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)) return true;
    return false;
}

static void print_escaped(FILE *stream, const char *text) {
    fputs("$'", stream);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < ' ' || *c >= 0x7f)
            fprintf(stream, "\\x%02x", *c);
        else
            fprintf(stream, "%s%c", *c == '\'' || *c == '\\' ? "\\" : "", *c);
    }
    fputc('\'', stream);
}

static void print_quoted(FILE *stream, const char *text) {
    fputc('\'', stream);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stream);
        else
            fputc(*text, stream);
    }
    fputc('\'', stream);
}

void ein_print_shell_word(FILE *stream, const char *text) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./=,:+%@";
    if (has_control(text) || !ein_utf8_is(text, strlen(text)))
        print_escaped(stream, text);
    else if (text[0] != '\0' && strspn(text, plain) == strlen(text))
        fputs(text, stream);
    else
        print_quoted(stream, text);
}
