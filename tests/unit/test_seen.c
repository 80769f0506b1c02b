/* Sets of seen records as text: round trip, merging, secrets, and texts that are none. */
#include "io/corpus/seen.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/report.h"

static ein_seen set_of(const char *id, const uint64_t *keys, int n) {
    ein_seen s = {.n_parts = 1};
    snprintf(s.part[0].id, sizeof s.part[0].id, "%s", id);
    s.part[0].n = n;
    s.part[0].records = n;
    EIN_BUG_IF(EIN_NEW(s.part[0].key, n + 1) != EIN_OK);
    if (n) memcpy(s.part[0].key, keys, (size_t)n * sizeof *keys);
    return s;
}

static bool same_part(const ein_seen_part *a, const ein_seen_part *b) {
    return strcmp(a->id, b->id) == 0 && a->n == b->n && a->records == b->records &&
           (a->n == 0 || memcmp(a->key, b->key, (size_t)a->n * sizeof *a->key) == 0);
}

static bool same(const ein_seen *a, const ein_seen *b) {
    bool good = a->n_parts == b->n_parts;
    for (int i = 0; good && i < a->n_parts; i++) good = same_part(&a->part[i], &b->part[i]);
    return good;
}

static const char secret_id[] = "0123456789abcdef";

static void round_trip(void) {
    static const uint64_t keys[] = {0, 1, 0x0123456789abcdef, UINT64_MAX};
    ein_seen a = set_of("open", keys, 4), b = {0}, none = {0};
    char *text = NULL;
    bool good = ein_seen_encode(&a, &text) == EIN_OK;
    /* base64 of the 32 little-endian bytes */
    report(good && strcmp(text, "3 open 4 4 AAAAAAAAAAABAAAAAAAAAO/Nq4lnRSMB//////////8=\n") == 0,
           "a set as text: %s", text);
    report(good && ein_seen_decode(text, &b) == EIN_OK && same(&a, &b), "and back");
    free(text);
    ein_seen_free(&b);
    good =
        ein_seen_decode("1 4 AAAAAAAAAAABAAAAAAAAAO/Nq4lnRSMB//////////8=", &b) == EIN_OK && b.part[0].loose;
    report(good && same(&a, &b), "a list of version 1 is an open set");
    ein_seen_free(&b);
    good = ein_seen_decode("1 0 ", &b) == EIN_OK && b.n_parts == 1 && b.part[0].n == 0;
    report(good, "an empty one too");
    ein_seen_free(&b);
    report(ein_seen_decode(NULL, &b) == EIN_OK && b.n_parts == 0, "no text: nothing is known");
    good = ein_seen_encode(&none, &text) == EIN_OK && strcmp(text, "") == 0;
    report(good, "nothing as text");
    free(text);
    ein_seen_free(&a);
    ein_seen_free(NULL);
}

static void parts(void) {
    static const uint64_t keys[] = {0, 5, UINT64_MAX}, more[] = {1, 5}, all[] = {0, 1, 5, UINT64_MAX};
    ein_seen a = set_of("open", keys, 3), b = set_of("open", more, 2), c = set_of("open", all, 4);
    ein_seen d = set_of(secret_id, more, 2), left_out, back;
    char *text = NULL;
    c.part[0].records = 5;
    report(ein_seen_merge(&a, &b) == EIN_OK && same(&a, &c), "a union has each key once, and counts records");
    bool good = ein_seen_merge(&a, &d) == EIN_OK && a.n_parts == 2 && same_part(&a.part[1], &d.part[0]);
    report(good, "what is kept under a secret stays apart");
    ein_seen_leave_out(&left_out);
    good = ein_seen_merge(&a, &left_out) == EIN_OK && a.n_parts == 3 &&
           ein_seen_encode(&a, &text) == EIN_OK && strstr(text, "\n2 none 0 0 \n") &&
           ein_seen_decode(text, &back) == EIN_OK && same(&a, &back);
    report(good, "that something was left out stays known: %s", text);
    free(text);
    ein_seen_free(&back);
    for (int i = 3; i <= EIN_SEEN_PARTS; i++) {
        char id[EIN_SEEN_ID_BYTES];
        snprintf(id, sizeof id, "%016x", (unsigned)i);
        ein_seen one = set_of(id, keys, 3);
        const ein_status status = ein_seen_merge(&a, &one);
        report(status == (i < EIN_SEEN_PARTS ? EIN_OK : EIN_RANGE), "%d secrets: %s", i,
               ein_status_name(status));
        ein_seen_free(&one);
    }
    ein_seen_free(&a);
    ein_seen_free(&b);
    ein_seen_free(&c);
    ein_seen_free(&d);
    ein_seen_free(&left_out);
}

/* A model of very many records can be trained further. */
static void very_many(void) {
    enum { ROOM = 10 };
    const int n = EIN_SEEN_MAX - ROOM;
    uint64_t *keys = NULL, more[2 * ROOM];
    EIN_BUG_IF(EIN_NEW(keys, n) != EIN_OK);
    for (int i = 0; i < n; i++) keys[i] = 2 * (uint64_t)i + 100;
    for (int i = 0; i < 2 * ROOM; i++) more[i] = 2 * (uint64_t)i + 101;
    ein_seen a = set_of("open", keys, n), b = set_of("open", more, 2 * ROOM), back = {0};
    char *text = NULL, said[160];
    const ein_status status = ein_seen_merge(&a, &b);
    const ein_seen_part *p = &a.part[0];
    report(status == EIN_OK && p->n == EIN_SEEN_MAX && p->records == EIN_SEEN_MAX + ROOM,
           "sets whose union is too large become one of %" PRId64 " keys", p->n);
    report(p->key[0] == 100 && p->key[1] == 101 && p->key[p->n - 1] == keys[n - 1 - ROOM],
           "of which the smallest stay");
    report(ein_seen_encode(&a, &text) == EIN_OK && ein_seen_decode(text, &back) == EIN_OK && same(&a, &back),
           "a model can hold it");
    ein_seen_unknown(text, &(ein_seen_secret){.id = "open"}, said, sizeof said);
    report(strstr(said, "not all records"), "and says that some are left out: %s", said);
    free(text);
    free(keys);
    ein_seen_free(&a);
    ein_seen_free(&b);
    ein_seen_free(&back);
}

static void unknown(void) {
    ein_seen_secret open = {.id = "open"}, ours = {.id = "0123456789abcdef"};
    char said[160];
    ein_seen_unknown(NULL, &open, said, sizeof said);
    report(strcmp(said, "it does not say what it was trained on") == 0, "a model that does not say: %s",
           said);
    ein_seen_unknown("1 1 AAAAAAAAAAA=", &open, said, sizeof said);
    report(!said[0], "version 1 can be checked");
    ein_seen_unknown("2 open 1 1 AAAAAAAAAAA=\n", &ours, said, sizeof said);
    report(!said[0], "an open set, also by who has a secret");
    ein_seen_unknown("2 open 1 1 AAAAAAAAAAA=\n2 none 0 0 \n", &open, said, sizeof said);
    report(strstr(said, "left out") != NULL, "left out: %s", said);
    ein_seen_unknown("2 0123456789abcdef 7 1 AAAAAAAAAAA=\n", &open, said, sizeof said);
    report(strstr(said, "7 of its training records are kept under secret 0123456789abcdef") != NULL,
           "a secret: %s", said);
    ein_seen_unknown("2 0123456789abcdef 7 1 AAAAAAAAAAA=\n", &ours, said, sizeof said);
    report(!said[0], "not for who has it");
}

static void secrets(void) {
    ein_seen_secret a, b, c;
    char path[128];
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.60s/seen-key-%ld", tmp ? tmp : "/tmp", (long)getpid());
    FILE *f = fopen(path, "w");
    EIN_BUG_IF(!f || fputs("0123456789abcdef0123", f) < 0 || fclose(f) != 0);
    bool good = ein_seen_secret_read(path, &a) == EIN_OK && ein_seen_secret_read(path, &b) == EIN_OK;
    report(good && memcmp(&a, &b, sizeof a) == 0 && strlen(a.id) == 16, "a file gives one secret: %s", a.id);
    f = fopen(path, "w");
    EIN_BUG_IF(!f || fputs("0123456789abcdef0124", f) < 0 || fclose(f) != 0);
    good = ein_seen_secret_read(path, &c) == EIN_OK && strcmp(a.id, c.id) != 0 &&
           memcmp(a.secret, c.secret, sizeof a.secret) != 0;
    report(good, "another file another");
    f = fopen(path, "w");
    EIN_BUG_IF(!f || fputs("short", f) < 0 || fclose(f) != 0);
    report(ein_seen_secret_read(path, &c) == EIN_USAGE, "a file of a few bytes is refused: %s",
           ein_error_message());
    unlink(path);
    report(ein_seen_secret_read(path, &c) == EIN_NOTFOUND, "a missing one too: %s", ein_error_message());
    report(ein_seen_secret_read(NULL, &c) == EIN_OK && strcmp(c.id, "open") == 0, "no file: open");
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
        "2 open 1 1 AAAAAAAAAAA=", /* no end of line */
        "2 open 1 1 AAAAAAAAAAA=\n2 open 1 1 AAAAAAAAAAA=\n",
        "2 open 1 1 AAAAAAAAAAA=\nx",
        "2 open 1 2 AAAAAAAAAAA=\n",
        "2 open -1 1 AAAAAAAAAAA=\n",
        "2 open 1 1\n",
        "2 open 1\n",
        "2 open\n",
        "2 \n",
        "2 0123456789ABCDEF 1 1 AAAAAAAAAAA=\n",
        "2 0123456789abcdef0 1 1 AAAAAAAAAAA=\n",
        "2 closed 1 1 AAAAAAAAAAA=\n",
        "4 open 1 1 AAAAAAAAAAA=\n",
        "3 open 1 1 AAAAAAAAAAA=",
        "3 open 1 1 AAAAAAAAAAA=\n3 open 1 1 AAAAAAAAAAA=\n",
        "2 open 1 8000001 AAAA\n",
        "2 open 1 8000000 AAAA\n",
        " 1 1 AAAAAAAAAAA=",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ein_seen s;
        const ein_status status = ein_seen_decode(bad[i], &s);
        report(status == EIN_FORMAT && s.n_parts == 0, "no set: '%s': %s", bad[i], ein_error_message());
        ein_seen_free(&s);
    }
    ein_seen big = {.n_parts = 1,
                    .part = {{.id = "open", .n = EIN_SEEN_MAX + 1}}}; /* refused before it is looked at */
    char *text;
    report(ein_seen_encode(&big, &text) == EIN_RANGE && !text, "a set beyond the bound is refused: %s",
           ein_error_message());
}

int main(void) {
    round_trip();
    parts();
    very_many();
    unknown();
    secrets();
    hostile();
    return report_end();
}
