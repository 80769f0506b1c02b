/* Label tables, the map beneath them, and source hashes. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/map.h"
#include "io/base/texts.h"
#include "io/ecg/source_hash.h"
#include "io/labels/labels.h"
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
    report(good && isnan(value(l, "a", 0)) && value(l, "b", 0) == 1 && r.unreadable == 1 &&
               strstr(r.first_unreadable, "line 2, column words: 'x'"),
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
    put("people.csv",
        "id,pid,years,gender,where\n"
        "a,p1,300,M,x\nb,p2,>89,female,y\nc,unknown,131,w,\nd,4.0,-1,Frau,\ne,p5,0,m,\nf,p6,89.5,F,\n");
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
    report(ein_labels_sex(l, &a) == 0 && ein_labels_sex(l, &b) == 1 && ein_labels_sex(l, &c) == 1 &&
               ein_labels_sex(l, &d) == 1 && ein_labels_sex(l, &e) == 0,
           "sexes in words");
    report(strcmp(ein_labels_patient(l, &a), "p1") == 0 && strcmp(ein_labels_patient(l, &c), "") == 0 &&
               strcmp(ein_labels_patient(l, &d), "4") == 0 && strcmp(ein_labels_cohort(l, &b), "y") == 0 &&
               strcmp(ein_labels_site(l, &b), "y") == 0,
           "patients, cohorts, sites");
    ein_labels_destroy(l);
    put("iso.csv", "id,gender\na,1.0\nb,2.0\nc,\n");
    path = path_of("iso.csv");
    o = (ein_labels_options){.n_paths = 1, .path = &path, .all_numeric = true, .sex = "gender"};
    good = ein_labels_load(&o, &l) == EIN_OK;
    if (good) a = find(l, "a"), b = find(l, "b"), c = find(l, "c");
    report(good && ein_labels_sex(l, &a) == 0 && ein_labels_sex(l, &b) == 1 && ein_labels_sex(l, &c) == -1,
           "sex by ISO 5218, as a data frame writes it: 1.0 is a man, 2.0 a woman");
    ein_labels_destroy(l);
    put("bits.csv", "id,gender\na,0\nb,1\n");
    path = path_of("bits.csv");
    report(ein_labels_load(&o, &l) == EIN_FORMAT &&
               strstr(ein_error_message(), "bits.csv:3: sex is 1 in column gender"),
           "0 and 1 are refused, not guessed");
    const char *const codes[] = {"male=1", "female=0"};
    o.n_sex_codes = 2;
    o.sex_code = codes;
    good = ein_labels_load(&o, &l) == EIN_OK;
    if (good) a = find(l, "a"), b = find(l, "b");
    report(good && ein_labels_sex(l, &a) == 1 && ein_labels_sex(l, &b) == 0, "unless they are declared");
    ein_labels_destroy(l);
}

/* The column of this name in the first table. */
static const ein_labels_column *column_of(const ein_labels *l, const char *name) {
    ein_labels_table t;
    ein_labels_table_at(l, 0, &t);
    for (int c = 0; c < t.columns; c++)
        if (strcmp(ein_labels_column_at(l, 0, c)->name, name) == 0) return ein_labels_column_at(l, 0, c);
    return NULL;
}

static bool is_left_out(const ein_labels *l, const char *name, const char *why) {
    const ein_labels_column *c = column_of(l, name);
    return c && c->uses == 0 && strstr(c->why, why);
}

static void accounting(void) {
    put("all.csv", "id;lvef;af;mfr;bnp;note;mrn;empty;;age;who\n"
                   "a;35;Yes;1,8;>60;sinus;7;;0;63,5;M\n"
                   "b;#N/A;No;2,1;50;;8;;1;070Y;?\n"
                   "c;-;yes;3;40;;9;;2;old;x7\n");
    const char *path = path_of("all.csv"), *const named[] = {"bnp", "mrn"};
    ein_labels_options o = {.n_paths = 1, .path = &path, .all_numeric = true, .age = "age", .sex = "who"};
    ein_labels *l = NULL;
    bool good = ein_labels_load(&o, &l) == EIN_OK;
    report(good && ein_labels_n_values(l) == 3 && value(l, "a", 0) == 35 && isnan(value(l, "b", 0)) &&
               value(l, "b", 1) == 0 && value(l, "c", 1) == 1 && fabsf(value(l, "a", 2) - 1.8f) < 1e-6f,
           "markers of what is missing, yes and no, decimal commas cost no column");
    report(good && strstr(column_of(l, "af")->why, "yes and no") &&
               strstr(column_of(l, "mfr")->why, "decimal comma"),
           "and it is said how they are read");
    report(good && is_left_out(l, "bnp", "line 2: '>60'") && is_left_out(l, "note", "line 2: 'sinus'") &&
               is_left_out(l, "mrn", "identifier") && is_left_out(l, "empty", "every cell is empty") &&
               is_left_out(l, "", "no name"),
           "every column that is left out has its reason");
    ein_labels_report r = {0};
    if (good) ein_labels_get_report(l, &r);
    report(good && column_of(l, "age")->unreadable == 1 && column_of(l, "age")->known == 3 &&
               strcmp(column_of(l, "age")->first_unreadable, "line 4: 'old'") == 0 &&
               column_of(l, "who")->unreadable == 1 && r.unreadable == 2,
           "ages and sexes that cannot be read are counted, the first is shown");
    ein_labels_destroy(l);
    o.n_values = 2;
    o.value = named;
    good = ein_labels_load(&o, &l) == EIN_OK;
    report(good && ein_labels_n_values(l) == 5 && value(l, "a", 1) == 7 && isnan(value(l, "a", 0)) &&
               column_of(l, "bnp")->unreadable == 1,
           "columns that are named are taken beside them, whatever they look like");
    ein_labels_destroy(l);
    o = (ein_labels_options){.n_paths = 1, .path = &path, .n_values = 1, .value = named};
    good = ein_labels_load(&o, &l) == EIN_OK;
    report(good && ein_labels_n_values(l) == 1 && is_left_out(l, "lvef", "named"), "or alone");
    ein_labels_destroy(l);

    FILE *f = fopen(path_of("many.csv"), "w");
    EIN_BUG_IF(!f);
    fputs("id,most,few,running\n", f);
    for (int i = 0; i < 100; i++)
        fprintf(f, "r%d,%s,%s,%d\n", i, i % 20 == 7 ? ">60" : "50", i % 10 == 7 ? ">60" : "50", i + 500);
    EIN_BUG_IF(fclose(f) != 0);
    path = path_of("many.csv");
    o = (ein_labels_options){.n_paths = 1, .path = &path, .all_numeric = true};
    good = ein_labels_load(&o, &l) == EIN_OK;
    report(
        good && ein_labels_n_values(l) == 1 && column_of(l, "most")->unreadable == 5 &&
            isnan(value(l, "r7", 0)) && is_left_out(l, "few", "line 9: '>60'") &&
            is_left_out(l, "running", "nearly all different"),
        "5 of 100 cells that cannot be read are counted, 10 cost the column; running numbers are left out");
    ein_labels_destroy(l);

    put("escape.csv", "id,n\x1bte\na,\x1b[2J\n");
    path = path_of("escape.csv");
    good = ein_labels_load(&o, &l) == EIN_OK;
    report(good && strstr(ein_labels_column_at(l, 0, 1)->why, "line 2: '?[2J'"),
           "a cell that commands a terminal is shown, not obeyed");
    ein_labels_destroy(l);

    put("header.csv", "id,lvef\n");
    path = path_of("header.csv");
    report(ein_labels_load(&o, &l) == EIN_FORMAT &&
               strstr(ein_error_message(), "header.csv: a header and no rows"),
           "a table without rows is refused");
    put("short.csv", "id,lvef\na\n");
    path = path_of("short.csv");
    report(ein_labels_load(&o, &l) == EIN_FORMAT && strstr(ein_error_message(), "short.csv:2"),
           "and one without a row that can be read, with the first");
}

static void encodings(void) {
    put("latin.csv", "id,site,Gr\xF6\xDF"
                     "e\na,K\xF6ln,1\n");
    put("cyrillic.csv", "id,site\na,\xCC\xEE\xF1\xEA\xE2\xE0\n");
    const char *path = path_of("latin.csv");
    ein_labels_options o = {.n_paths = 1, .path = &path, .all_numeric = true, .site = "site"};
    ein_labels *l = NULL;
    ein_labels_table t = {0};
    bool good = ein_labels_load(&o, &l) == EIN_OK;
    ein_labels_match a = {0};
    if (good) a = find(l, "a");
    if (good) ein_labels_table_at(l, 0, &t);
    report(good && strcmp(ein_labels_site(l, &a), "K\xC3\xB6ln") == 0 &&
               strcmp(t.encoding, "WINDOWS-1252") == 0 && t.replaced == 0 &&
               strcmp(ein_labels_value_names(l)[0], "Gr\xC3\xB6\xC3\x9F"
                                                    "e") == 0,
           "a table in Latin-1 becomes UTF-8");
    ein_labels_destroy(l);
    path = path_of("cyrillic.csv");
    good = ein_labels_load(&o, &l) == EIN_OK;
    if (good) ein_labels_table_at(l, 0, &t);
    report(good && t.replaced == 6, "what is not evident is replaced and counted");
    ein_labels_destroy(l);
    o.encoding = "CP1251";
    good = ein_labels_load(&o, &l) == EIN_OK;
    if (good) a = find(l, "a");
    report(good && strcmp(ein_labels_site(l, &a), "\xD0\x9C\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0") == 0,
           "and read as it was declared");
    ein_labels_destroy(l);
    o.encoding = "Klingon";
    report(ein_labels_load(&o, &l) == EIN_USAGE && strstr(ein_error_message(), "Klingon"),
           "an encoding that nobody knows");
}

static void layouts(void) {
    put("ptbxl_database.csv",
        "ecg_id,patient_id,age,sex,nurse,site,scp_codes,strat_fold,filename_lr,filename_hr\n"
        "1,15709.0,300.0,1,2.0,0.0,{'NORM': 100.0},3,records100/00001_lr,records500/00001_hr\n"
        "2,13243.0,19.0,0,2.0,0.0,{'MI': 80.0},2,records100/00002_lr,records500/00002_hr\n");
    put("machine_measurements.csv",
        "subject_id,study_id,cart_id,rr_interval,qrs_onset,report_0\n"
        "10000032,40689238,6848296,659,40,Sinus\n10000764,42651520,6848296,29999,170,AF\n");
    const char *path = path_of("ptbxl_database.csv");
    ein_labels_options o = {.n_paths = 1, .path = &path, .all_numeric = true};
    ein_labels *l = NULL;
    bool good = ein_labels_load(&o, &l) == EIN_OK;
    ein_labels_match one = {0}, two = {0};
    if (good) one = find(l, "records500/00001_hr"), two = find(l, "records100/00002_lr.hea");
    const char *text = "";
    if (good) ein_labels_texts(l, &one, &text);
    report(good && one.row[0] == 0 && two.row[0] == 1 && strcmp(ein_labels_patient(l, &one), "15709") == 0 &&
               ein_labels_age(l, &one) == 90 && ein_labels_sex(l, &one) == 1 && ein_labels_sex(l, &two) == 0,
           "PTB-XL's table joins both resolutions, with patients, ages and sexes, without options");
    report(good && strcmp(text, "{'NORM': 100.0}") == 0 && ein_labels_n_values(l) == 1 &&
               strcmp(ein_labels_value_names(l)[0], "strat_fold") == 0,
           "with statements and folds, without staff");
    ein_labels_destroy(l);
    o.key = "ecg_id";
    good = ein_labels_load(&o, &l) == EIN_OK;
    report(good && find(l, "2").found && !find(l, "records500/00001_hr").found,
           "a key that is named goes before");
    ein_labels_destroy(l);
    path = path_of("machine_measurements.csv");
    o.key = NULL;
    good = ein_labels_load(&o, &l) == EIN_OK;
    if (good) one = find(l, "40689238");
    report(good && strcmp(ein_labels_patient(l, &one), "10000032") == 0 && value(l, "40689238", 0) == 659 &&
               isnan(value(l, "42651520", 0)) && value(l, "42651520", 1) == 170,
           "MIMIC-IV-ECG's measurements join by study; 29999 is no measurement");
    report(good && is_left_out(l, "cart_id", "identifier") && is_left_out(l, "report_0", "not numbers") &&
               strstr(column_of(l, "rr_interval")->why, "1 cells of 29999"),
           "and every column is accounted for");
    ein_labels_destroy(l);
}

static void repetition(void) {
    put("twice.csv", "id,lvef\na,35\na,35\nb,1\nb,2\nc,3\n");
    const char *path = path_of("twice.csv");
    ein_labels_options o = {.n_paths = 1, .path = &path, .all_numeric = true};
    ein_labels *l = NULL;
    ein_labels_report r = {0};
    bool good = ein_labels_load(&o, &l) == EIN_OK;
    ein_labels_match b = {0};
    if (good) b = find(l, "b");
    report(good && value(l, "a", 0) == 35 && !b.found && b.ambiguous,
           "equal rows count once, others with one key not at all");
    if (good) ein_labels_get_report(l, &r);
    report(good && r.rows == 5 && r.repeated == 1 && r.ambiguous == 2 && r.unused == 1 &&
               strcmp(r.first_unused, "c") == 0 && r.ambiguous_line[0] == 4 && r.ambiguous_line[1] == 5,
           "and are counted apart from rows that fit no record");
    ein_labels_destroy(l);
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
    report(r.rows == 9 && r.unused == 1 && strcmp(r.first_unused, "unused") == 0,
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
    report(ein_source_hash(path_of("r.hea"), hash) == EIN_NOTFOUND && strstr(ein_error_message(), "q.dat"),
           "a missing file is named");
}

int main(void) {
    snprintf(folder, sizeof folder, "%s/ein-labels-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    EIN_BUG_IF(!mkdtemp(folder));
    char real[PATH_MAX]; /* realpath wants as much */
    EIN_BUG_IF(!realpath(folder, real));
    snprintf(folder, sizeof folder, "%.255s", real);
    maps();
    normalising();
    numbers();
    people();
    accounting();
    encodings();
    layouts();
    repetition();
    joining();
    hashes();
    char command[512];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    EIN_BUG_IF(system(command) != 0);
    return report_end();
}
