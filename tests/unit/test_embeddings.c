/* Files of embeddings: both forms read back to the bit, the array as NumPy wrote it, and what must be refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/hash.h"
#include "io/model/embeddings.h"
#include "tests/tap.h"

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
            check_ok(ein_embeddings_write(path_of(names[k]), &e, "einthoven test"));
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
    check_ok(ein_embeddings_write(path_of("b.npy"), &e, "einthoven test"));
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
    check_ok(ein_embeddings_write(path_of("c.npy"), &e, "x"));
    damage("c.npy", 200);
    ck_assert_int_eq(ein_embeddings_read(path_of("c.npy"), &back), EIN_CORRUPT);
    check_ok(ein_embeddings_write(path_of("c.npy"), &e, "x"));
    e.n = N - 1;
    check_ok(ein_embeddings_write(path_of("d.npy"), &e, "x"));
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
    ck_assert_int_eq(ein_embeddings_write(path_of("e.csv"), &e, "x"), EIN_USAGE);
    ck_assert_int_eq(ein_embeddings_read(path_of("none.h5"), &back), EIN_NOTFOUND);
    strcpy(e.record_id + 3 * STRIDE, ein_embeddings_id(&e, 20));
    check_ok(ein_embeddings_write(path_of("f.h5"), &e, "x"));
    ck_assert_int_eq(ein_embeddings_read(path_of("f.h5"), &back), EIN_FORMAT);
    ck_assert(strstr(ein_error_message(), "is there twice"));
    e.value[11] = NAN;
    ck_assert_int_eq(ein_embeddings_write(path_of("f.h5"), &e, "x"), EIN_NUMERIC);
    ein_embeddings_free(&e);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("embeddings");
    if (!mkdtemp(folder)) return 1;
    ein_tap_add(suite, "both forms read back", both_forms_read_back);
    ein_tap_add(suite, "the array is NumPy's", the_array_is_numpys);
    ein_tap_add(suite, "what is wrong is refused", what_is_wrong_is_refused);
    const int bad = ein_tap_main(suite);
    static const char *const names[] = {"a.h5",       "a.npy", "a.npy.json", "B.NPY", "B.NPY.json", "b.npy",
                                        "b.npy.json", "c.npy", "c.npy.json", "d.npy", "f.h5"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) unlink(path_of(names[k]));
    rmdir(folder);
    return bad;
}
