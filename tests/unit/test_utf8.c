/* Text of strangers made UTF-8. */
#include <stdlib.h>
#include <string.h>

#include "io/base/utf8.h"
#include "tests/report.h"

static const struct {
    const char *what, *text, *made;
    int converted, replaced;
} cases[] = {
    {"nothing", "", "", 0, 0},
    {"ASCII", "Koeln 12", "Koeln 12", 0, 0},
    {"UTF-8 of two, three and four bytes", "K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\xab\x80",
     "K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\xab\x80", 0, 0},
    {"Latin-1", "K\xf6ln", "K\xc3\xb6ln", 1, 0},
    {"Latin-1 at the end", "Andr\xe9", "Andr\xc3\xa9", 1, 0},
    {"two letters of Latin-1 side by side", "\xc4\xd6", "\xc3\x84\xc3\x96", 2, 0},
    {"Windows-1252", "\x80 5 \x93so\x94", "\xe2\x82\xac 5 \xe2\x80\x9cso\xe2\x80\x9d", 3, 0},
    {"a micro sign", "5 \xb5V", "5 \xc2\xb5V", 1, 0},
    {"UTF-8 with one bad byte", "K\xc3\xb6ln \xff", "K\xc3\xb6ln \xef\xbf\xbd", 0, 1},
    {"bytes that no character has", "a\x81\x8d", "a\xef\xbf\xbd\xef\xbf\xbd", 0, 2},
    {"an overlong slash", "\xc0\xaf\x81", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 0, 3},
    {"a character cut at the end, beside a whole one", "\xc3\xb6\xe2\x82", "\xc3\xb6\xef\xbf\xbd\xef\xbf\xbd",
     0, 2},
};

static void check_made(void) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[64];
        ein_utf8_repair repair = {0};
        size_t n = ein_utf8_make(cases[i].text, strlen(cases[i].text), out, sizeof out, &repair);
        report(n == strlen(out) && strcmp(out, cases[i].made) == 0 && ein_utf8_is(out, n) &&
                   repair.converted == cases[i].converted && repair.replaced == cases[i].replaced,
               "%s", cases[i].what);
    }
}

static void check_bounds(void) {
    char out[4];
    ein_utf8_repair repair = {0};
    size_t n = ein_utf8_make("ab\xf6", 3, out, sizeof out, &repair);
    report(n == 2 && strcmp(out, "ab") == 0 && repair.converted == 0, "no half characters where room ends");
    report(ein_utf8_make("ab", 2, out, 0, NULL) == 0, "no room at all");
    report(!ein_utf8_is("\xed\xa0\x80", 3) && !ein_utf8_is("\xf4\x90\x80\x80", 4) && !ein_utf8_is("\xc3", 1),
           "surrogates, what lies beyond Unicode, and half a character are not UTF-8");
    report(ein_utf8_is("a\0b", 3) && ein_utf8_character("\0", 1) == 1, "NUL is a character");
}

static void check_shown(void) {
    char out[16];
    report(strcmp(ein_utf8_show("a\x1b[2J\tb\x7f", out, sizeof out), "a?[2J?b?") == 0 &&
               strcmp(ein_utf8_show("\xc2\x9b", out, sizeof out), "?") == 0 &&
               strcmp(ein_utf8_show("K\xf6ln", out, sizeof out), "K?ln") == 0,
           "no control character reaches a terminal");
    report(strcmp(ein_utf8_show("123456789012345", out, sizeof out), "123456789012345") == 0 &&
               strcmp(ein_utf8_show("1234567890123456", out, sizeof out), "123456789012...") == 0 &&
               strcmp(ein_utf8_show("12345678901\xc3\xb6"
                                    "123",
                                    out, sizeof out),
                      "12345678901...") == 0,
           "a text that is too long is cut at a character, and that is seen");
    report(ein_utf8_clean("K\xc3\xb6ln\n\xf6\xc2\x85", out, sizeof out) == 8 &&
               strcmp(out, "K\xc3\xb6ln???") == 0,
           "the same without dots");
    report(ein_utf8_clean("12345678901234\xc3\xb6", out, sizeof out) == 14 &&
               strcmp(out, "12345678901234") == 0,
           "cut before a character that has no room");
    char *printed = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&printed, &bytes);
    const int n = stream ? ein_utf8_print("\xc3\xb6\x1b\xc2\x9b\xff!", 4, stream) : 0;
    if (stream) fclose(stream);
    report(n == 4 && printed && strcmp(printed, "\xc3\xb6???") == 0, "printed up to a number of characters");
    free(printed);
}

int main(void) {
    check_made();
    check_shown();
    check_bounds();
    return report_end();
}
