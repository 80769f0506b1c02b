/* libFuzzer target: a label table, a second one, and the keys of records that look for their rows, one a line. */
#include "io/labels/labels.h"
#include "tests/fuzz/fuzz_text_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "fuzz_labels: %s\n", what);
    abort();
}

static void see(void *self, int table, int64_t line, const char *key, const char *reason) {
    check(table >= 0 && table < 2 && line >= 0 && (key || reason), "a row that was not joined");
    ++*(int64_t *)self;
}

static void join(ein_labels *l, const char *key) {
    ein_labels_match match;
    const char *keys[2] = {NULL, key};
    float *values = calloc((size_t)ein_labels_n_values(l) + 1, sizeof *values);
    const char **texts = calloc((size_t)ein_labels_n_texts(l) + 1, sizeof *texts);
    ein_labels_find(l, keys, 2, NULL, false, &match);
    ein_labels_values(l, &match, values);
    ein_labels_texts(l, &match, texts);
    for (int i = 0; i < ein_labels_n_texts(l); i++) check(texts[i] != NULL, "a text");
    const float age = ein_labels_age(l, &match);
    const int sex = ein_labels_sex(l, &match);
    check(!(age < 0) && !(age > 130), "an age");
    check(sex >= -1 && sex <= 1, "a sex");
    check(ein_labels_patient(l, &match) && ein_labels_cohort(l, &match) && ein_labels_site(l, &match),
          "special columns");
    free(texts);
    free(values);
}

static void use(const ein_labels_options *o, fuzz_part keys) {
    ein_labels *l = NULL;
    ein_labels_report report;
    int64_t unjoined = 0;
    if (ein_labels_load(o, &l) != EIN_OK) return;
    char *text = strndup((const char *)keys.data, keys.bytes), *rest = text;
    for (char *key; rest && (key = strsep(&rest, "\n"));) join(l, key);
    ein_labels_get_report(l, &report);
    check(report.unused <= report.rows && report.ambiguous <= report.rows, "counts of rows");
    ein_labels_unjoined(l, see, &unjoined);
    free(text);
    ein_labels_destroy(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char first[256], second[256];
    const char *paths[2] = {first, second}, *texts[] = {"report"};
    fuzz_write("a.csv", fuzz_cut(data, size, 0));
    fuzz_write("b.csv", fuzz_cut(data, size, 1));
    snprintf(first, sizeof first, "%s/a.csv", fuzz_folder());
    snprintf(second, sizeof second, "%s/b.csv", fuzz_folder());
    const fuzz_part second_part = fuzz_cut(data, size, 1);
    const int n = second_part.bytes > 0 ? 2 : 1;
    use(&(ein_labels_options){.n_paths = n,
                              .path = paths,
                              .all_numeric = true,
                              .if_there = true,
                              .patient = "patient",
                              .age = "age",
                              .sex = "sex",
                              .cohort = "cohort",
                              .site = "site",
                              .n_texts = 1,
                              .text = texts},
        fuzz_cut(data, size, 2));
    use(&(ein_labels_options){.n_paths = n, .path = paths, .key = "key", .all_numeric = true},
        fuzz_cut(data, size, 2));
    return 0;
}
