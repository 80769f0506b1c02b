/* Files of embeddings: both forms read back to the bit, the array as NumPy wrote it, and what must be refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/hash.h"
#include "io/hdf5/h5.h"
#include "io/model/embeddings.h"
#include "tests/tap.h"

/* What sanitizers keep of memory that was freed says nothing about the program. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define OTHER_MEMORY 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_MEMORY 1
#endif
#ifndef OTHER_MEMORY
#define OTHER_MEMORY 0
#endif

#define check_ok(call) ck_assert_msg((call) == EIN_OK, "%s", ein_error_message())

enum { N = 37, C = 5, STRIDE = 16 };
static char folder[] = "/tmp/einthoven-embeddings.XXXXXX";

static ein_embeddings make(void) {
    ein_embeddings e = {.embedding = "mean",
                        .model_hash = "0123",
                        .contract_text = "leads: I\n",
                        .n = N,
                        .width = C,
                        .id_stride = STRIDE};
    e.training_records = strdup("some \"records\"\n");
    e.value = calloc((size_t)N * C, sizeof *e.value);
    e.record_id = calloc(N, STRIDE);
    for (int i = 0; i < N * C; i++) e.value[i] = (float)(sin(i) * pow(10, i % 9 - 4));
    for (int i = 0; i < N; i++)
        snprintf(e.record_id + (size_t)i * STRIDE, STRIDE, "ecg %d \xc3\xa9", i * 7 % N);
    return e;
}

/* All of it, in pieces of one record, then of two, ... */
static ein_status write_file(const char *path, const ein_embeddings *e, const char *program) {
    ein_embeddings_writer *w;
    const ein_status begun = ein_embeddings_begin(path, e, program, &w);
    if (begun != EIN_OK) return begun;
    ein_status status = EIN_OK;
    for (int64_t at = 0, n = 1; at < e->n && status == EIN_OK; at += n++)
        status = ein_embeddings_put(w, e->value + at * e->width, n = n < e->n - at ? n : e->n - at);
    return ein_embeddings_finish(w, status);
}

static const char *path_of(const char *name) {
    static char path[2][200];
    static int k;
    k = !k;
    snprintf(path[k], sizeof path[k], "%s/%s", folder, name);
    return path[k];
}

static void check_same(const ein_embeddings *a, const ein_embeddings *b) {
    ck_assert(a->n == b->n && a->width == b->width && strcmp(a->embedding, b->embedding) == 0);
    ck_assert(strcmp(a->model_hash, b->model_hash) == 0 && strcmp(a->contract_text, b->contract_text) == 0);
    ck_assert(!a->training_records == !b->training_records);
    ck_assert(!a->training_records || strcmp(a->training_records, b->training_records) == 0);
    ck_assert(memcmp(a->value, b->value, sizeof(float) * (size_t)(a->n * a->width)) == 0);
    for (int64_t i = 0; i < a->n; i++) ck_assert_str_eq(ein_embeddings_id(a, i), ein_embeddings_id(b, i));
}

START_TEST(both_forms_read_back) {
    static const char *const names[] = {"a.h5", "a.npy", "B.NPY"};
    for (int bare = 0; bare < 2; bare++)
        for (int k = 0; k < 3; k++) {
            ein_embeddings e = make(), back;
            if (bare) {
                free(e.training_records);
                e.training_records = NULL;
                e.model_hash[0] = e.contract_text[0] = '\0';
            }
            check_ok(write_file(path_of(names[k]), &e, "einthoven test"));
            check_ok(ein_embeddings_read(path_of(names[k]), &back));
            check_same(&e, &back);
            ein_embeddings_free(&back);
            ein_embeddings_free(&e);
        }
}
END_TEST

START_TEST(the_array_is_numpys) {
    static const char header[] =
        "\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (37, 5), }";
    ein_embeddings e = make(), back;
    char *bytes;
    size_t n;
    check_ok(write_file(path_of("b.npy"), &e, "einthoven test"));
    check_ok(ein_file_read(path_of("b.npy"), 1 << 20, &bytes, &n));
    ck_assert(n == 128 + sizeof(float) * N * C && memcmp(bytes, header, sizeof header - 1) == 0);
    ck_assert(bytes[127] == '\n' && bytes[126] == ' ' &&
              memcmp(bytes + 128, e.value, sizeof(float) * N * C) == 0);
    /* Spaces and order of keys as others write them. */
    static const char other[] = "{\"x\":1,'shape':(37,5),'fortran_order':False,'descr':'<f4'}";
    memset(bytes + 10, ' ', 117);
    memcpy(bytes + 10, other, sizeof other - 1);
    check_ok(ein_durable_write(path_of("b.npy"), bytes, n));
    check_ok(ein_embeddings_read(path_of("b.npy"), &back));
    check_same(&e, &back);
    ein_embeddings_free(&back);
    static const char *const wrong[] = {
        "{'shape': (37, 5), 'fortran_order': True, 'descr': '<f4'}",
        "{'shape': (37, 5), 'fortran_order': False, 'descr': '>f4'}",
        "{'shape': (37, 5), 'fortran_order': False, 'descr': '<f8'}",
        "{'shape': (185,), 'fortran_order': False, 'descr': '<f4'}",
        "{'shape': (37, -5), 'fortran_order': False, 'descr': '<f4'}",
        "{'shape': (999999999999999, 65536), 'fortran_order': False, 'descr': '<f4'}",
        "{'shape': (5, 37), 'fortran_order': False, 'descr': '<f4'}",
        ""};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        memset(bytes + 10, ' ', 117);
        memcpy(bytes + 10, wrong[k], strlen(wrong[k]));
        check_ok(ein_durable_write(path_of("b.npy"), bytes, n));
        const ein_status status = ein_embeddings_read(path_of("b.npy"), &back);
        ck_assert_msg(status == EIN_FORMAT || status == EIN_MISMATCH, "%s: %d", wrong[k], (int)status);
        ck_assert(!back.value && !back.record_id);
    }
    for (size_t cut = 0; cut < n; cut += cut < 140 ? 1 : 97) {
        check_ok(ein_durable_write(path_of("b.npy"), bytes, cut));
        ck_assert_int_eq(ein_embeddings_read(path_of("b.npy"), &back), EIN_FORMAT);
    }
    free(bytes);
    ein_embeddings_free(&e);
}
END_TEST

static void damage(const char *name, size_t at) {
    char *bytes;
    size_t n;
    check_ok(ein_file_read(path_of(name), 1 << 20, &bytes, &n));
    bytes[at < n ? at : n - 3] ^= 1;
    check_ok(ein_durable_write(path_of(name), bytes, n));
    free(bytes);
}

START_TEST(what_is_wrong_is_refused) {
    ein_embeddings e = make(), back;
    check_ok(write_file(path_of("c.npy"), &e, "x"));
    damage("c.npy", 200);
    ck_assert_int_eq(ein_embeddings_read(path_of("c.npy"), &back), EIN_CORRUPT);
    check_ok(write_file(path_of("c.npy"), &e, "x"));
    e.n = N - 1;
    check_ok(write_file(path_of("d.npy"), &e, "x"));
    e.n = N;
    rename(path_of("d.npy.json"), path_of("c.npy.json"));
    ck_assert_int_eq(ein_embeddings_read(path_of("c.npy"), &back), EIN_MISMATCH);
    ck_assert(strstr(ein_error_message(), "37 rows, but 36 records beside it"));
    ck_assert_int_eq(ein_embeddings_read(path_of("d.npy"), &back), EIN_NOTFOUND);
    ck_assert(strstr(ein_error_message(), "d.npy.json, which tells its records"));
    static const char *const json[] = {
        "",
        "[]",
        "{\"format\": \"other\"}",
        "{\"format\": \"einthoven embeddings\", \"version\": 9}",
        "{\"format\": \"einthoven embeddings\", \"version\": 1, \"records\": [1]}",
        "{\"format\": \"einthoven embeddings\", \"version\": 1, \"records\": []}"};
    for (size_t k = 0; k < sizeof json / sizeof *json; k++) {
        check_ok(ein_durable_write(path_of("c.npy.json"), json[k], strlen(json[k])));
        const ein_status status = ein_embeddings_read(path_of("c.npy"), &back);
        ck_assert(status == EIN_FORMAT || status == EIN_MISMATCH);
    }
    ck_assert_int_eq(write_file(path_of("e.csv"), &e, "x"), EIN_USAGE);
    ck_assert_int_eq(ein_embeddings_read(path_of("none.h5"), &back), EIN_NOTFOUND);
    strcpy(e.record_id + 3 * STRIDE, ein_embeddings_id(&e, 20));
    check_ok(write_file(path_of("f.h5"), &e, "x"));
    ck_assert_int_eq(ein_embeddings_read(path_of("f.h5"), &back), EIN_FORMAT);
    ck_assert(strstr(ein_error_message(), "is there twice"));
    e.value[11] = NAN;
    ck_assert_int_eq(write_file(path_of("f.h5"), &e, "x"), EIN_NUMERIC);
    ein_embeddings_free(&e);
}
END_TEST

/* --- in pieces ------------------------------------------------------------------------------------------- */

/* Values and names of their own for any number of records; no values are kept. */
static ein_embeddings names_of(int64_t n, int width) {
    ein_embeddings e = {.embedding = "cls",
                        .model_hash = "0123",
                        .contract_text = "leads: I\n",
                        .n = n,
                        .width = width,
                        .id_stride = STRIDE};
    e.record_id = calloc((size_t)n, STRIDE);
    for (int64_t i = 0; i < n; i++) snprintf(e.record_id + i * STRIDE, STRIDE, "ecg %d", (int)(i % 1000000));
    return e;
}

static void values_of(float *out, int64_t record, int width) {
    uint32_t state = (uint32_t)record * 2654435761u + 1;
    for (int i = 0; i < width; i++) {
        state = state * 1664525u + 1013904223u;
        out[i] = (float)(state >> 8) * 0x1p-24f;
    }
}

/* The same file put together in memory, of columns that are written at once. */
static ein_status write_draft(const char *path, const ein_embeddings *e) {
    char hash[EIN_HASH_TEXT_BYTES];
    ein_h5_draft *draft;
    ein_texts ids = {0};
    check_ok(ein_h5_draft_new(&draft));
    const hid_t file = ein_h5_draft_file(draft);
    ein_hash_string(e->contract_text, hash);
    check_ok(ein_h5_put_text(file, "format", "einthoven embeddings"));
    check_ok(ein_h5_put_i64(file, "version", 1));
    check_ok(ein_h5_put_text(file, "program", "einthoven test"));
    check_ok(ein_h5_put_text(file, "embedding", e->embedding));
    check_ok(ein_h5_put_text(file, "model_blake2b", e->model_hash));
    check_ok(ein_h5_put_text(file, "contract", e->contract_text));
    check_ok(ein_h5_put_text(file, "contract_blake2b", hash));
    if (e->training_records)
        check_ok(ein_h5_write_column(file, "training_records", H5T_STD_U8LE,
                                     (int64_t)strlen(e->training_records), 0, e->training_records));
    for (int64_t i = 0; i < e->n; i++) check_ok(ein_texts_add(&ids, ein_embeddings_id(e, i)));
    check_ok(ein_h5_write_texts(file, "record_id", &ids));
    check_ok(ein_h5_write_column(file, "embedding", H5T_IEEE_F32LE, e->n, e->width, e->value));
    check_ok(ein_h5_put_i64(file, "complete", 1));
    ein_texts_free(&ids);
    return ein_h5_draft_save(draft, path, EIN_OK);
}

START_TEST(pieces_make_the_file_of_a_whole) {
    static const struct {
        int64_t n;
        int width;
    } cases[] = {{1, 1}, {37, 5}, {682, 96}, {683, 96}, {4000, 192}, {20000, 30}, {3, 65536}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ein_embeddings e = names_of(cases[k].n, cases[k].width);
        char *one, *other;
        size_t n_one, n_other;
        if (k % 2) e.training_records = strdup("some records\n");
        e.value = calloc((size_t)(e.n * e.width), sizeof *e.value);
        for (int64_t i = 0; i < e.n; i++) values_of(e.value + i * e.width, i, e.width);
        check_ok(write_draft(path_of("g.h5"), &e));
        check_ok(ein_file_read(path_of("g.h5"), 1 << 26, &one, &n_one));
        check_ok(write_file(path_of("g.h5"), &e, "einthoven test"));
        check_ok(ein_file_read(path_of("g.h5"), 1 << 26, &other, &n_other));
        ck_assert_msg(n_one == n_other && memcmp(one, other, n_one) == 0, "%lld x %d: %zu and %zu bytes",
                      (long long)e.n, e.width, n_one, n_other);
        free(one);
        free(other);
        ein_embeddings_free(&e);
    }
}
END_TEST

START_TEST(all_records_or_no_file) {
    static const char *const names[] = {"h.h5", "h.npy"};
    for (int k = 0; k < 2; k++)
        for (int what = 0; what < 3; what++) {
            ein_embeddings e = make();
            ein_embeddings_writer *w;
            char partial[250];
            snprintf(partial, sizeof partial, "%s.partial", path_of(names[k]));
            check_ok(ein_embeddings_begin(path_of(names[k]), &e, "x", &w));
            ck_assert(access(partial, F_OK) == 0);
            check_ok(ein_embeddings_put(w, e.value, N - 1));
            ein_status status = EIN_OK;
            if (what == 1) status = ein_embeddings_put(w, e.value, 2);
            if (what == 2) status = ein_error(EIN_SYSTEM, "what came before");
            ck_assert_int_eq(ein_embeddings_finish(w, status), what < 2 ? EIN_RANGE : EIN_SYSTEM);
            ck_assert(strstr(ein_error_message(), what == 0   ? "36 embeddings came, not 37"
                                                  : what == 1 ? "more than 37 embeddings came"
                                                              : "what came before"));
            ck_assert(access(partial, F_OK) != 0 && access(path_of(names[k]), F_OK) != 0);
            ein_embeddings_free(&e);
        }
}
END_TEST

/* Peak of resident memory, KiB, of a process that writes n records of 512 values. */
static long peak_of(const char *name, int64_t n) {
    enum { WIDE = 512 };
    int pipes[2], how = 0;
    long peak = -1;
    ck_assert(pipe(pipes) == 0);
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        float value[WIDE];
        struct rusage usage;
        ein_embeddings e = names_of(n, WIDE);
        ein_embeddings_writer *w;
        ein_status status = ein_embeddings_begin(path_of(name), &e, "x", &w);
        for (int64_t i = 0; i < n && status == EIN_OK; i++) {
            values_of(value, i, WIDE);
            status = ein_embeddings_put(w, value, 1);
        }
        if (status != EIN_OK || ein_embeddings_finish(w, EIN_OK) != EIN_OK) _exit(1);
        getrusage(RUSAGE_SELF, &usage);
        if (write(pipes[1], &usage.ru_maxrss, sizeof usage.ru_maxrss) < 0) _exit(2);
        _exit(0);
    }
    close(pipes[1]);
    ck_assert(read(pipes[0], &peak, sizeof peak) == sizeof peak);
    close(pipes[0]);
    waitpid(child, &how, 0);
    ck_assert(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    return peak;
}

/* 39 MiB of vectors against 4; the names and what describes them are 18,000 more at a few hundred bytes each. */
START_TEST(memory_does_not_grow_with_the_records) {
    enum { MORE_KIB = 10 << 10 };
    static const char *const names[] = {"i.h5", "i.npy"};
    for (int k = 0; k < 2; k++) {
        const long few = peak_of(names[k], 2000), many = peak_of(names[k], 20000);
        printf("# %s: at most %ld KiB with 2000 records, %ld KiB with 20000\n", names[k], few, many);
        ck_assert_msg(OTHER_MEMORY || many < few + MORE_KIB, "%ld KiB, then %ld KiB", few, many);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("embeddings");
    if (!mkdtemp(folder)) return 1;
    ein_tap_add(suite, "both forms read back", both_forms_read_back);
    ein_tap_add(suite, "the array is NumPy's", the_array_is_numpys);
    ein_tap_add(suite, "what is wrong is refused", what_is_wrong_is_refused);
    ein_tap_add(suite, "pieces make the file of a whole", pieces_make_the_file_of_a_whole);
    ein_tap_add(suite, "all records or no file", all_records_or_no_file);
    ein_tap_add(suite, "memory does not grow with the records", memory_does_not_grow_with_the_records);
    const int bad = ein_tap_main(suite);
    static const char *const names[] = {"a.h5",  "a.npy",      "a.npy.json", "B.NPY",      "B.NPY.json",
                                        "b.npy", "b.npy.json", "c.npy",      "c.npy.json", "d.npy",
                                        "f.h5",  "g.h5",       "i.h5",       "i.npy",      "i.npy.json"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) unlink(path_of(names[k]));
    rmdir(folder);
    return bad;
}
