/* Label tables, the map beneath them, and source hashes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/durable.h"
#include "io/labels.h"
#include "io/map.h"
#include "io/source_hash.h"
#include "io/texts.h"
#include "tests/report.h"

static char folder[256];

static char *path_of(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text) {
    EIN_BUG_IF(ein_durable_write(path_of(name), text, strlen(text)) != EIN_OK);
}

static void maps(void) {
    ein_map *map = NULL;
    bool good = ein_map_new(&map) == EIN_OK && ein_map_get(map, "x", -7) == -7;
    char key[32];
    for (int i = 0; good && i < 10000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        good = ein_map_put(map, key, i) == EIN_OK;
    }
    for (int i = 0; good && i < 10000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        good = ein_map_get(map, key, -1) == i;
    }
    report(good && ein_map_count(map) == 10000 && ein_map_get(map, "key 10000", -1) == -1 &&
               ein_map_get(map, "", -1) == -1,
           "a map gives back 10,000 values and nothing else");
    good = ein_map_put(map, "key 5", 55) == EIN_OK && ein_map_put(map, "", 56) == EIN_OK;
    report(good && ein_map_get(map, "key 5", -1) == 55 && ein_map_get(map, "", -1) == 56 &&
               ein_map_count(map) == 10001,
           "a value is replaced; the empty key is a key");
    ein_map_destroy(map);
    ein_map_destroy(NULL);
    ein_texts texts = {0};
    good = ein_texts_add(&texts, "") == EIN_OK && ein_texts_add(&texts, "four") == EIN_OK;
    report(good && texts.longest == 4 && strcmp(ein_texts_get(&texts, 1), "four") == 0 &&
               ein_texts_get(&texts, 0)[0] == '\0',
           "texts are kept in order");
    ein_texts_free(&texts);
}

static void normalising(void) {
    static const struct {
        const char *from, *to;
    } cases[] = {{"a/b/100.hea", "a/b/100"},
                 {"./a/100.dat", "a/100"},
                 {" 100 \t", "100"},
                 {"././x.mat", "x"},
                 {"x.hea.hea", "x.hea"},
                 {"b/c.XML", "b/c"},
                 {"a.xls", "a.xls"},
                 {".hea", ".hea"},
                 {"", ""},
                 {"a.xml", "a"},
                 {"12345678901234567", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[16];
        ein_labels_normalise(cases[i].from, out, sizeof out);
        report(strcmp(out, cases[i].to) == 0, "'%s' is compared as '%s'", cases[i].from, cases[i].to);
    }
}

/* Look up one key and return the match. */
static ein_labels_match find(ein_labels *l, const char *key) {
    ein_labels_match match;
    ein_labels_find(l, &key, 1, NULL, false, &match);
    return match;
}

static float value(ein_labels *l, const char *key, int column) {
    float values[16];
    ein_labels_match match = find(l, key);
    ein_labels_values(l, &match, values);
    return values[column];
}

static void numbers(void) {
    put("numbers.csv", "id,ok,bool,blank,words,hex,big,na/me\n"
                       "a,1,True,,x,0x10,1e300,1\n"
                       "b,-2.5e1,false,,1,1,1,2\n"
                       "c,NA,TRUE,,2,1,1,NaN\n"
                       "d, 3 ,null,,3,1,1,none\n");
    const char *path = path_of("numbers.csv");
    ein_labels_options o = {.n_paths = 1, .path = &path, .all_numeric = true};
    ein_labels *l = NULL;
    bool good = ein_labels_load(&o, &l) == EIN_OK && ein_labels_n_values(l) == 3;
    report(good && strcmp(ein_labels_value_names(l)[0], "ok") == 0 &&
               strcmp(ein_labels_value_names(l)[1], "bool") == 0 &&
               strcmp(ein_labels_value_names(l)[2], "na_me") == 0,
           "columns of numbers are found; words, hexadecimal, what no float holds, and blanks are none");
    report(good && value(l, "a", 0) == 1 && value(l, "b", 0) == -25 && isnan(value(l, "c", 0)) &&
               value(l, "d", 0) == 3,
           "numbers and what is missing");
    report(good && value(l, "a", 1) == 1 && value(l, "b", 1) == 0 && isnan(value(l, "d", 1)),
           "true and false");
    report(good && isnan(value(l, "e", 0)) && !find(l, "e").found, "no row is missing");
    ein_labels_destroy(l);

    const char *const wanted[] = {"words", "ok"};
    o = (ein_labels_options){.n_paths = 1, .path = &path, .n_values = 2, .value = wanted};
    l = NULL;
    ein_labels_report r;
    good = ein_labels_load(&o, &l) == EIN_OK && ein_labels_n_values(l) == 2;
    if (good) ein_labels_get_report(l, &r);
    report(good && isnan(value(l, "a", 0)) && value(l, "b", 0) == 1 && r.not_numeric == 1 &&
               strstr(r.first_not_numeric, "line 2, column words: 'x'"),
           "a named column keeps its numbers; other cells are counted, the first is shown");
    ein_labels_destroy(l);
    const char *const absent[] = {"wordz"};
    o.value = absent;
    o.n_values = 1;
    report(ein_labels_load(&o, &l) == EIN_USAGE && strstr(ein_error_message(), "'words'") && !l,
           "a column that is not there names the nearest");
    o.n_values = 0;
    o.key = "idd";
    report(ein_labels_load(&o, &l) == EIN_USAGE && strstr(ein_error_message(), "'idd'"), "nor a key column");
}

static void people(void) {
    put("people.csv", "id,pid,years,gender,where\n"
                      "a,p1,300,M,x\nb,p2,>89,female,y\nc,,131,w,\nd,p4,-1,1.0,\ne,p5,0,0,\nf,p6,89.5,F,\n");
    const char *path = path_of("people.csv");
    ein_labels_options o = {.n_paths = 1,
                            .path = &path,
                            .all_numeric = true,
                            .patient = "pid",
                            .age = "years",
                            .sex = "gender",
                            .cohort = "where",
                            .site = "where"};
    ein_labels *l = NULL;
    bool good = ein_labels_load(&o, &l) == EIN_OK && ein_labels_n_values(l) == 0;
    report(good, "columns with a meaning are no labels");
    if (!good) return;
    ein_labels_match a = find(l, "a"), b = find(l, "b"), c = find(l, "c"), d = find(l, "d"), e = find(l, "e"),
                     f = find(l, "f");
    report(ein_labels_age(l, &a) == 90 && ein_labels_age(l, &b) == 90 && ein_labels_age(l, &e) == 0 &&
               ein_labels_age(l, &f) == 89.5f && isnan(ein_labels_age(l, &c)) && isnan(ein_labels_age(l, &d)),
           "ages: 300 and >89 are over 89, what is impossible is missing");
    report(ein_labels_sex(l, &a) == 0 && ein_labels_sex(l, &b) == 1 && ein_labels_sex(l, &c) == -1 &&
               ein_labels_sex(l, &d) == 1 && ein_labels_sex(l, &e) == 0,
           "sexes in words and in PTB-XL's code");
    report(strcmp(ein_labels_patient(l, &a), "p1") == 0 && strcmp(ein_labels_patient(l, &c), "") == 0 &&
               strcmp(ein_labels_cohort(l, &b), "y") == 0 && strcmp(ein_labels_site(l, &b), "y") == 0,
           "patients, cohorts, sites");
    ein_labels_destroy(l);
    put("iso.csv", "id,gender\na,1\nb,2\n");
    path = path_of("iso.csv");
    o = (ein_labels_options){.n_paths = 1, .path = &path, .all_numeric = true, .sex = "gender"};
    report(ein_labels_load(&o, &l) == EIN_FORMAT && strstr(ein_error_message(), "iso.csv:3"),
           "sex coded 1 and 2 is refused, not read as female and unknown");
}

static void joining(void) {
    put("one.csv",
        "path,AF,both\nx/1,1,10\nx/2,0,\n./x/3.hea,1,30\nx/4,1,1\nx/4,0,2\nx/4,0,3\n,1,1\nx/5,1\nunused,1,1\n");
    put("two.csv", "path,LVH,both\nx/1,1,11\nx/2,0,22\n");
    const char *paths[] = {path_of("one.csv"), path_of("two.csv")};
    ein_labels_options o = {.n_paths = 2, .path = paths, .all_numeric = true, .key = "path"};
    ein_labels *l = NULL;
    bool good = ein_labels_load(&o, &l) == EIN_OK && ein_labels_n_values(l) == 3;
    report(good, "columns of two tables are joined");
    if (!good) return;
    report(value(l, "x/1", 1) == 10 && value(l, "x/2", 1) == 22 && value(l, "x/2", 2) == 0 &&
               isnan(value(l, "x/3", 2)),
           "the first table with a value counts");
    report(value(l, "x/3.dat", 0) == 1 && find(l, "x/3").found, "spellings of a path meet");
    report(!find(l, "x/4").found && !find(l, "x/5").found,
           "an ambiguous key and a malformed row join nothing");
    ein_labels_report r;
    ein_labels_get_report(l, &r);
    report(r.ambiguous == 3 && strcmp(r.first_ambiguous, "x/4") == 0 && r.malformed == 2, "both are counted");
    report(r.rows == 9 && r.unused == 4 && strcmp(r.first_unused, "x/4") == 0,
           "and so are rows without a record");
    const char *const keys[] = {NULL, "no", "x/2"};
    char absolute[512];
    ein_labels_match match;
    snprintf(absolute, sizeof absolute, "%s/x/1.hea", folder);
    ein_labels_find(l, keys, 3, absolute, true, &match);
    report(match.row[0] == 0, "a path below the table's folder comes first");
    ein_labels_find(l, keys, 3, "/elsewhere/x/1", true, &match);
    report(match.row[0] == 1, "else the spellings in turn");
    ein_labels_destroy(l);
    o = (ein_labels_options){0};
    report(ein_labels_load(&o, &l) == EIN_OK && !find(l, "x").found &&
               ein_labels_patient(l, &match)[0] == '\0',
           "no tables give an empty join");
    ein_labels_destroy(l);
}

/* Expected values by `cat r.hea r.dat q.dat | sha256sum`. */
static void hashes(void) {
    put("r.hea",
        "r 3 100 2\nr.dat 16 200 16 0 0 0 0 I\nq.dat 16 200 16 0 0 0 0 II\nr.dat 16 200 16 0 0 0 0 III\n");
    put("r.dat", "abcdefgh");
    put("q.dat", "ijkl");
    char hash[EIN_SHA256_TEXT_BYTES], again[EIN_SHA256_TEXT_BYTES];
    report(ein_source_hash(path_of("r.hea"), hash) == EIN_OK &&
               strcmp(hash, "c27ee1aab6f13bc9ef26075efdabea10d8ab3694f0c4685c6b2eaa285a53fb2e") == 0,
           "SHA-256 of a header and its two signal files, each once");
    report(ein_source_hash(path_of("q.dat"), hash) == EIN_OK &&
               strcmp(hash, "005c19658919186b85618c5870463eec8d9b8c1a9d00208a5352891ba5bbe086") == 0,
           "of another file: its bytes");
    put("q.dat", "ijkm");
    report(ein_source_hash(path_of("q.dat"), again) == EIN_OK && strcmp(hash, again) != 0, "which matter");
    unlink(path_of("q.dat"));
    report(ein_source_hash(path_of("r.hea"), hash) == EIN_IO && strstr(ein_error_message(), "q.dat"),
           "a missing file is named");
}

int main(void) {
    snprintf(folder, sizeof folder, "%s/ein-labels-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    EIN_BUG_IF(!mkdtemp(folder));
    char real[512];
    EIN_BUG_IF(!realpath(folder, real));
    snprintf(folder, sizeof folder, "%.255s", real);
    maps();
    normalising();
    numbers();
    people();
    joining();
    hashes();
    char command[512];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    EIN_BUG_IF(system(command) != 0);
    return report_end();
}
