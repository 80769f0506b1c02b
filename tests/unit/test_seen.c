/* Sets of seen records as text: round trip, merging, and texts that are none. */
#include "io/seen.h"

#include <stdlib.h>
#include <string.h>

#include "tests/report.h"

static ein_seen set_of(const uint64_t *keys, int n) {
    ein_seen s = {.n = n};
    EIN_BUG_IF(EIN_NEW(s.key, n + 1) != EIN_OK);
    if (n) memcpy(s.key, keys, (size_t)n * sizeof *keys);
    return s;
}

static bool same(const ein_seen *a, const ein_seen *b) {
    return a->n == b->n && (a->n == 0 || memcmp(a->key, b->key, (size_t)a->n * sizeof *a->key) == 0);
}

static void round_trip(void) {
    static const uint64_t keys[] = {0, 1, 0x0123456789abcdef, UINT64_MAX};
    ein_seen a = set_of(keys, 4), b = {0}, none = {0};
    char *text = NULL;
    bool good = ein_seen_encode(&a, &text) == EIN_OK;
    /* base64 of the 32 little-endian bytes */
    report(good && strcmp(text, "1 4 AAAAAAAAAAABAAAAAAAAAO/Nq4lnRSMB//////////8=") == 0, "a set as text: %s",
           text);
    report(good && ein_seen_decode(text, &b) == EIN_OK && same(&a, &b), "and back");
    report(ein_seen_has(&b, 0) && ein_seen_has(&b, UINT64_MAX) && ein_seen_has(&b, 0x0123456789abcdef) &&
               !ein_seen_has(&b, 2) && !ein_seen_has(&none, 0),
           "what is in the set is found, and nothing else");
    free(text);
    ein_seen_free(&b);
    good = ein_seen_encode(&none, &text) == EIN_OK && strcmp(text, "1 0 ") == 0;
    report(good && ein_seen_decode(text, &b) == EIN_OK && b.n == 0, "the empty set too");
    free(text);
    ein_seen_free(&b);
    report(ein_seen_decode(NULL, &b) == EIN_OK && b.n == 0, "no text: nothing is known");
    ein_seen_free(&b);

    static const uint64_t more[] = {1, 7, UINT64_MAX}, all[] = {0, 1, 7, 0x0123456789abcdef, UINT64_MAX};
    ein_seen c = set_of(more, 3), d = set_of(all, 5);
    report(ein_seen_merge(&a, &c) == EIN_OK && same(&a, &d) && ein_seen_merge(&a, &none) == EIN_OK &&
               same(&a, &d),
           "a union has each record once");
    ein_seen_free(&a);
    ein_seen_free(&c);
    ein_seen_free(&d);
    ein_seen_free(NULL);
}

static void hostile(void) {
    static const char *const bad[] = {
        "",
        "1",
        "1 ",
        "1 x ",
        "2 0 ",
        "1 0",
        "1 -1 ",
        "1 +1 AAAAAAAAAAA=",
        "1 1 ",
        "1 1 AAAAAAAAAA=",
        "1 1 AAAAAAAAAAA",
        "1 1 AAAAAAAAAA*=",
        "1 1 AAAAAAAAAAA=A",
        "1 0 A",
        "1 2 AAAAAAAAAAA=",
        "1 2 AAAAAAAAAAAAAAAAAAAAAA==", /* twice the same */
        "1 2 AQAAAAAAAAAAAAAAAAAAAA==", /* descending */
        "1 99999999999999999999999 AAAA",
        "1 9223372036854775807 AAAA",
        "1 8000001 AAAA",
        "1 8000000 AAAA",
        "1  1 AAAAAAAAAAA=",
        " 1 1 AAAAAAAAAAA=",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ein_seen s;
        const ein_status status = ein_seen_decode(bad[i], &s);
        report(status == EIN_FORMAT && s.n == 0 && !s.key, "no set: '%s': %s", bad[i], ein_error_message());
        ein_seen_free(&s);
    }
    ein_seen big = {.n = EIN_SEEN_MAX + 1}; /* refused before it is looked at */
    char *text;
    report(ein_seen_encode(&big, &text) == EIN_RANGE && !text, "a set beyond the bound is refused: %s",
           ein_error_message());
}

int main(void) {
    round_trip();
    hostile();
    return report_end();
}
