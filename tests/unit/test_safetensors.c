/* The .safetensors reader and writer: types as the reference package writes them, hostile headers, damage, writing.
 * tests/data/dtypes.safetensors was made by tests/data/make_dtypes_fixture.py. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/model/safetensors.h"
#include "tests/report.h"

#define FIXTURE "tests/data/dtypes.safetensors"

static char folder[] = "/tmp/ein-safetensors-XXXXXX";

static const char *file_in(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put_bytes(const char *path, const void *data, size_t bytes) {
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f) != 0) exit(1);
}

/* --- the reference package's file ----------------------------------------------------------------------- */

static float *read_values(const ein_safetensors *file, const char *name, int64_t *count) {
    int index = ein_safetensors_find(file, name);
    *count = -1;
    if (index < 0) return NULL;
    float *values = malloc((size_t)ein_safetensors_tensor(file, index)->count * sizeof *values + 1);
    if (!values || ein_safetensors_read(file, index, values) != EIN_OK) {
        free(values);
        return NULL;
    }
    *count = ein_safetensors_tensor(file, index)->count;
    return values;
}

static bool same_float(float a, float b) {
    return (isnan(a) && isnan(b)) || !memcmp(&a, &b, sizeof a);
}

static void types(const ein_safetensors *file) {
    static const char *const names[] = {"f16", "bf16", "f64"};
    for (int i = 0; i < 3; i++) {
        char expected_name[32];
        int64_t n, m, wrong = 0;
        snprintf(expected_name, sizeof expected_name, "%s.as_f32", names[i]);
        float *got = read_values(file, names[i], &n), *expected = read_values(file, expected_name, &m);
        for (int64_t k = 0; k < n && got && expected; k++) wrong += !same_float(got[k], expected[k]);
        report(got && expected && n == m && n > 0 && wrong == 0, "%s reads as the reference converts it",
               names[i]);
        free(got);
        free(expected);
    }
}

static void shapes_and_errors(const ein_safetensors *file) {
    int64_t n;
    float *scalar = read_values(file, "f32.scalar", &n), values[2];
    report(scalar && n == 1 && scalar[0] == -2.5f, "a scalar has no dimensions and one value");
    free(scalar);
    float *empty = read_values(file, "f32.empty", &n);
    const ein_st_tensor *t = ein_safetensors_tensor(file, ein_safetensors_find(file, "f32.empty"));
    report(empty && n == 0 && t->ndim == 3 && t->shape[1] == 0, "an empty tensor has a shape and no value");
    free(empty);
    ein_status status = ein_safetensors_read(file, ein_safetensors_find(file, "f64.too_large"), values);
    report(status == EIN_RANGE && strstr(ein_error_message(), "value 1 "),
           "1e300 does not become infinite silently");
    status = ein_safetensors_read(file, ein_safetensors_find(file, "i64"), values);
    report(status == EIN_FORMAT && strstr(ein_error_message(), "I64"), "integers are listed, not read");
    report(ein_safetensors_find(file, "f1") < 0 && ein_safetensors_find(file, "zz") < 0,
           "absent names are not found");
}

static void reference_file(void) {
    ein_safetensors *file;
    if (!report(ein_safetensors_open(FIXTURE, &file) == EIN_OK, "a file of the reference package opens"))
        return;
    report(ein_safetensors_count(file) == 12, "it has 12 tensors");
    const char *text = ein_safetensors_metadata(file, "Gr\xc3\xbc\xc3\x9f"
                                                      "e");
    report(text && !strcmp(text, "UTF-8 \"and\" \\ escapes\n"), "metadata keep UTF-8 and escapes");
    report(ein_safetensors_metadata_count(file) == 2 && !ein_safetensors_metadata(file, "none"),
           "and are counted");
    types(file);
    shapes_and_errors(file);
    ein_safetensors_close(file);
}

/* --- hostile headers ------------------------------------------------------------------------------------- */

typedef struct {
    const char *what, *header;
    int data; /* bytes after the header */
    ein_status status;
    const char *part; /* of the message */
} hostile;

#define T(name, dtype, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define BIG "9223372036854775807"

static const hostile cases[] = {
    {"no header", "", 0, EIN_FORMAT, "does not start with '{'"},
    {"blank header", "        ", 0, EIN_FORMAT, "does not start with '{'"},
    {"a list", "[]", 0, EIN_FORMAT, "does not start with '{'"},
    {"leading blank", " {}", 0, EIN_FORMAT, "does not start with '{'"},
    {"unclosed object", "{", 0, EIN_FORMAT, "does not start with '{'"},
    {"unclosed after a key", "{\"a\":", 0, EIN_FORMAT, "header, byte"},
    {"text after the object", "{} x", 0, EIN_FORMAT, "header, byte"},
    {"two objects", "{}{}", 0, EIN_FORMAT, "header, byte"},
    {"broken UTF-8", "{\"\xff\":1}", 0, EIN_FORMAT, "unable to decode"},
    {"an overlong UTF-8 form", "{\"\xc0\xaf\":1}", 0, EIN_FORMAT, "unable to decode"},
    {"a NUL escape", "{\"a\\u0000b\":1}", 0, EIN_FORMAT, "header, byte"},
    {"a lone surrogate", "{\"\\ud800\":1}", 0, EIN_FORMAT, "header, byte"},
    {"data after an empty table", "{}", 4, EIN_CORRUPT, "the file holds 4"},
    {"a tensor that is a number", "{\"a\":1}", 0, EIN_FORMAT, "not an object"},
    {"a tensor that is null", "{\"a\":null}", 0, EIN_FORMAT, "not an object"},
    {"a tensor without keys", "{\"a\":{}}", 0, EIN_FORMAT, "not an object of"},
    {"a tensor without dtype", "{\"a\":{\"shape\":[],\"x\":1,\"data_offsets\":[0,4]}}", 4, EIN_FORMAT,
     "dtype is missing"},
    {"a tensor without shape", "{\"a\":{\"dtype\":\"F32\",\"x\":1,\"data_offsets\":[0,4]}}", 4, EIN_FORMAT,
     "shape is not a list"},
    {"a tensor without offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"x\":1}}", 4, EIN_FORMAT,
     "data_offsets is not a list"},
    {"a key too many", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4,
     EIN_FORMAT, "not an object of"},
    {"a numeric dtype", "{\"a\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, EIN_FORMAT,
     "dtype is missing"},
    {"an unknown dtype", "{" T("a", "F31", "[1]", "[0,4]") "}", 4, EIN_FORMAT, "does not know"},
    {"a dtype in small letters", "{" T("a", "f32", "[1]", "[0,4]") "}", 4, EIN_FORMAT, "does not know"},
    {"an empty dtype", "{" T("a", "", "[1]", "[0,4]") "}", 4, EIN_FORMAT, "does not know"},
    {"a negative dimension", "{" T("a", "F32", "[-1]", "[0,4]") "}", 4, EIN_FORMAT, "shape[0]"},
    {"a real dimension", "{" T("a", "F32", "[1.0]", "[0,4]") "}", 4, EIN_FORMAT, "shape[0]"},
    {"an exponent", "{" T("a", "F32", "[1e0]", "[0,4]") "}", 4, EIN_FORMAT, "shape[0]"},
    {"a text dimension", "{" T("a", "F32", "[\"1\"]", "[0,4]") "}", 4, EIN_FORMAT, "shape[0]"},
    {"a dimension true", "{" T("a", "F32", "[true]", "[0,4]") "}", 4, EIN_FORMAT, "shape[0]"},
    {"a dimension above 64 bits", "{" T("a", "F32", "[18446744073709551617]", "[0,4]") "}", 4, EIN_FORMAT,
     "too big"},
    {"nine dimensions", "{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, EIN_FORMAT, "at most 8"},
    {"a shape whose product overflows to 1", "{" T("a", "F32", "[4294967296,4294967296,1]", "[0,4]") "}", 4,
     EIN_FORMAT, "64 bits"},
    {"a shape whose bytes overflow", "{" T("a", "F64", "[2305843009213693952]", "[0,0]") "}", 0, EIN_FORMAT,
     "64 bits"},
    {"the largest dimension with a zero", "{" T("a", "F32", "[" BIG "," BIG ",0]", "[0,4]") "}", 4,
     EIN_FORMAT, "need 0"},
    {"offsets that are one number", "{" T("a", "F32", "[1]", "[0]") "}", 4, EIN_FORMAT, "not a pair"},
    {"three offsets", "{" T("a", "F32", "[1]", "[0,4,8]") "}", 4, EIN_FORMAT, "at most 2"},
    {"negative offsets", "{" T("a", "F32", "[1]", "[-4,0]") "}", 4, EIN_FORMAT, "data_offsets[0]"},
    {"offsets in reverse", "{" T("a", "F32", "[1]", "[4,0]") "}", 4, EIN_FORMAT, "hold -1 bytes"},
    {"offsets for fewer values", "{" T("a", "F32", "[2]", "[0,4]") "}", 4, EIN_FORMAT, "need 8"},
    {"offsets for more values", "{" T("a", "F32", "[1]", "[0,8]") "}", 8, EIN_FORMAT, "need 4"},
    {"offsets beyond the file", "{" T("a", "F32", "[2]", "[0,8]") "}", 4, EIN_CORRUPT, "cut short"},
    {"offsets far beyond the file", "{" T("a", "U8", "[" BIG "]", "[0," BIG "]") "}", 4, EIN_CORRUPT,
     "cut short"},
    {"a hole at the front", "{" T("a", "F32", "[1]", "[4,8]") "}", 8, EIN_FORMAT, "a hole"},
    {"a hole in the middle", "{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[8,12]") "}", 12,
     EIN_FORMAT, "a hole"},
    {"data that no tensor has", "{" T("a", "F32", "[1]", "[0,4]") "}", 8, EIN_CORRUPT, "appended"},
    {"two tensors on the same bytes", "{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[0,4]") "}",
     4, EIN_FORMAT, "overlap"},
    {"tensors that overlap by a byte", "{" T("a", "U8", "[4]", "[0,4]") "," T("b", "U8", "[4]", "[3,7]") "}",
     7, EIN_FORMAT, "overlap"},
    {"an empty tensor inside another", "{" T("a", "U8", "[4]", "[0,4]") "," T("b", "U8", "[0]", "[2,2]") "}",
     4, EIN_FORMAT, "overlap"},
    {"an empty tensor beyond the data", "{" T("a", "U8", "[0]", "[9,9]") "}", 4, EIN_CORRUPT, "cut short"},
    {"a tensor given twice", "{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[4,8]") "}", 8,
     EIN_FORMAT, "duplicate"},
    {"a key given twice within a tensor",
     "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, EIN_FORMAT,
     "duplicate"},
    {"metadata given twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, EIN_FORMAT, "duplicate"},
    {"a metadata key given twice", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, EIN_FORMAT,
     "duplicate"},
    {"metadata that are a list", "{\"__metadata__\":[]}", 0, EIN_FORMAT, "__metadata__"},
    {"a metadata number", "{\"__metadata__\":{\"a\":1}}", 0, EIN_FORMAT, "__metadata__"},
    {"a metadata object", "{\"__metadata__\":{\"a\":{}}}", 0, EIN_FORMAT, "__metadata__"},
    {"a nameless tensor", "{" T("", "F32", "[1]", "[0,4]") "}", 4, EIN_FORMAT, "without a name"},
    {"a name with a terminal escape", "{" T("a\\u001b[2J", "F32", "[1]", "[0,4]") "}", 4, EIN_FORMAT,
     "byte 0x1b"},
    {"a name beyond ASCII", "{" T("\xc3\xa9", "F32", "[1]", "[0,4]") "}", 4, EIN_FORMAT, "byte 0xc3"},
    {"nesting in a shape", "{" T("a", "F32", "[[[[1]]]]", "[0,4]") "}", 4, EIN_FORMAT, "nested deeper"},
};

/* Header length as stated, header and zeros. */
static void put_file(const char *path, uint64_t stated, const char *header, size_t length, size_t data) {
    char *bytes = calloc(1, 8 + length + data + 1);
    for (int i = 0; i < 8; i++) bytes[i] = (char)(stated >> 8 * i);
    memcpy(bytes + 8, header, length);
    put_bytes(path, bytes, 8 + length + data);
    free(bytes);
}

static bool refused(const char *path, ein_status status, const char *part) {
    ein_safetensors *file = NULL;
    ein_status got = ein_safetensors_open(path, &file);
    bool good = got == status && strstr(ein_error_message(), part) && strstr(ein_error_message(), path);
    if (!good) printf("# status %s: %s\n", ein_status_name(got), ein_error_message());
    ein_safetensors_close(file);
    return good && !file;
}

static void hostile_headers(void) {
    const char *path = file_in("hostile");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_file(path, strlen(cases[i].header), cases[i].header, strlen(cases[i].header),
                 (size_t)cases[i].data);
        report(refused(path, cases[i].status, cases[i].part), "refused: %s", cases[i].what);
    }
}

static void hostile_lengths(void) {
    const char *path = file_in("hostile");
    put_bytes(path, "", 0);
    report(refused(path, EIN_CORRUPT, "0 bytes"), "refused: an empty file");
    put_bytes(path, "\2\0\0\0\0\0\0", 7);
    report(refused(path, EIN_CORRUPT, "7 bytes"), "refused: 7 bytes");
    put_file(path, 3, "{}", 2, 0);
    report(refused(path, EIN_CORRUPT, "header of 3 bytes"), "refused: a header longer than the file");
    put_file(path, 100000001, "{}", 2, 0);
    report(refused(path, EIN_FORMAT, "at most 100000000"), "refused: a header beyond 100 MB");
    put_file(path, UINT64_MAX, "{}", 2, 0);
    report(refused(path, EIN_FORMAT, "18446744073709551615"), "refused: a header of 2^64 - 1 bytes");
    put_file(path, (uint64_t)1 << 63, "{}", 2, 0);
    report(refused(path, EIN_FORMAT, "9223372036854775808"), "refused: a header of 2^63 bytes");
    report(refused("/dev/null", EIN_FORMAT, "regular file"), "refused: a device");
    report(refused(folder, EIN_FORMAT, "regular file"), "refused: a folder");
    report(refused(file_in("none"), EIN_IO, "No such file"), "refused: a missing file");
    if (mkfifo(file_in("fifo"), 0600) == 0)
        report(refused(file_in("fifo"), EIN_FORMAT, "regular file"),
               "refused: a pipe that nobody writes to, without waiting");
    unlink(file_in("fifo"));
}

/* Headers that would cost far more memory than bytes. */
static void bombs(void) {
    enum { BYTES = 12000000 };
    const char *path = file_in("bomb");
    char *text = malloc(BYTES);
    memset(text, '[', BYTES);
    text[0] = '{';
    put_file(path, BYTES, text, BYTES, 0);
    report(refused(path, EIN_FORMAT, "nested deeper"), "refused: 12 million open brackets");
    memcpy(text, "{\"a\":[", 6);
    for (int i = 6; i + 1 < BYTES; i += 2) memcpy(text + i, "1,", 2);
    put_file(path, BYTES, text, BYTES, 0);
    report(refused(path, EIN_FORMAT, "more than"), "refused: 6 million numbers");
    size_t used = (size_t)sprintf(text, "{\"a\":[{}");
    while (used < 300000) used += (size_t)sprintf(text + used, ",{}");
    put_file(path, used, text, used, 0);
    report(refused(path, EIN_FORMAT, "no table of tensors"), "refused: 100,000 objects in 300 kB");
    used = (size_t)sprintf(text, "{\"__metadata__\":{\"k\":\"\"");
    for (int i = 0; i < 10000; i++) used += (size_t)sprintf(text + used, ",\"key%d\":\"\"", i);
    used += (size_t)sprintf(text + used, "}}");
    put_file(path, used, text, used, 0);
    report(refused(path, EIN_FORMAT, "10001 texts in __metadata__"), "refused: 10,001 texts");
    memset(text, 'n', BYTES);
    memcpy(text, "{\"", 2);
    memcpy(text + BYTES - 7, "\":null}", 7);
    put_file(path, BYTES, text, BYTES, 0);
    report(refused(path, EIN_FORMAT, "a tensor name of"), "refused: a name of 12 MB");
    free(text);
    unlink(path);
}

/* Every length and every single bit of a small file: never a crash; a cut file never opens. */
static void damage(void) {
    unsigned char bytes[4096];
    FILE *f = fopen(FIXTURE, "rb");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0, opened = 0;
    if (f) fclose(f);
    const char *path = file_in("damaged");
    ein_safetensors *file;
    for (size_t keep = 0; keep < n; keep++) {
        put_bytes(path, bytes, keep);
        opened += ein_safetensors_open(path, &file) == EIN_OK;
    }
    report(n > 3000 && opened == 0, "cut at each of its %zu lengths: never opens", n);
    size_t tried = 0;
    for (size_t bit = 0; bit < 8 * 960; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        put_bytes(path, bytes, n);
        if (ein_safetensors_open(path, &file) == EIN_OK) {
            for (int i = 0; i < ein_safetensors_count(file); i++) {
                float *values = malloc((size_t)ein_safetensors_tensor(file, i)->count * sizeof *values + 1);
                tried += ein_safetensors_read(file, i, values) <= EIN_STOPPED;
                free(values);
            }
            ein_safetensors_close(file);
        }
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    report(tried > 0, "each bit of its header flipped: what still opens can be read");
}

/* --- writing ---------------------------------------------------------------------------------------------- */

static const float weights[6] = {1.5f, -2.25f, 3e-39f, -0.0f, INFINITY, 6.0f};
static const int64_t matrix[2] = {2, 3}, three[1] = {3};

static ein_status write_example(const char *path) {
    const ein_st_source sources[] = {
        {"z.weight", 2, matrix, weights}, {"a.bias", 1, three, weights}, {"scalar", 0, NULL, weights + 5}};
    const char *const metadata[] = {"format", "pt", "text", "line\n\"quoted\" \xc3\xbc\x01"};
    return ein_safetensors_write(path, sources, 3, metadata, 2);
}

static void writing(void) {
    char path[128];
    ein_safetensors *file;
    float values[6];
    snprintf(path, sizeof path, "%s", file_in("written"));
    if (!report(write_example(path) == EIN_OK && ein_safetensors_open(path, &file) == EIN_OK,
                "what is written opens"))
        return;
    const ein_st_tensor *t = ein_safetensors_tensor(file, 0);
    report(ein_safetensors_count(file) == 3 && !strcmp(t->name, "z.weight") && t->shape[0] == 2 &&
               t->shape[1] == 3,
           "tensors keep their order and shape");
    report(ein_safetensors_read(file, 0, values) == EIN_OK && !memcmp(values, weights, sizeof weights),
           "and every bit");
    const char *text = ein_safetensors_metadata(file, "text");
    report(text && !strcmp(text, "line\n\"quoted\" \xc3\xbc\x01"), "metadata keep control characters");
    ein_safetensors_close(file);
    unsigned char bytes[1024];
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (f) fclose(f);
    const size_t length = bytes[0] | (size_t)bytes[1] << 8;
    report(length % 8 == 0 && n == 8 + length + 10 * sizeof(float), "the data begin at a multiple of 8");
    report(access(file_in("written.partial"), F_OK) != 0, "no partial file is left");
}

static void refused_writes(void) {
    const char *path = file_in("refused");
    const ein_st_source twice[] = {{"a", 1, three, weights}, {"a", 1, three, weights}};
    const ein_st_source reserved[] = {{"__metadata__", 1, three, weights}};
    const ein_st_source control[] = {{"a\n", 1, three, weights}};
    const char *const keys[] = {"k", "1", "k", "2"}, *const latin[] = {"k", "\xe4"};
    report(ein_safetensors_write(path, twice, 2, NULL, 0) == EIN_EXISTS, "a name twice is not written");
    report(ein_safetensors_write(path, reserved, 1, NULL, 0) == EIN_EXISTS,
           "a tensor named __metadata__ is not written");
    report(ein_safetensors_write(path, control, 1, NULL, 0) == EIN_FORMAT,
           "a name that would not be read is not written");
    report(ein_safetensors_write(path, twice, 1, keys, 2) == EIN_EXISTS,
           "a metadata key twice is not written");
    report(ein_safetensors_write(path, twice, 1, latin, 1) == EIN_FORMAT,
           "metadata that are no UTF-8 are not written");
    report(access(path, F_OK) != 0 && access(file_in("refused.partial"), F_OK) != 0,
           "nothing of these is left");
}

static void full_disk(void) {
    char path[128];
    struct rlimit old, low;
    snprintf(path, sizeof path, "%s", file_in("written"));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    low = old;
    low.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &low);
    ein_status status = write_example(path);
    setrlimit(RLIMIT_FSIZE, &old);
    report(status == EIN_IO && strstr(ein_error_message(), "File too large"),
           "a write that finds no room says so");
    ein_safetensors *file = NULL;
    report(ein_safetensors_open(path, &file) == EIN_OK && access(file_in("written.partial"), F_OK) != 0,
           "and leaves the old file alone");
    ein_safetensors_close(file);
}

int main(void) {
    if (!mkdtemp(folder)) return 1;
    reference_file();
    hostile_headers();
    hostile_lengths();
    bombs();
    damage();
    writing();
    refused_writes();
    full_disk();
    static const char *const names[] = {"hostile", "damaged", "written"};
    for (size_t i = 0; i < 3; i++) unlink(file_in(names[i]));
    report(rmdir(folder) == 0, "no other file was left in the folder");
    return report_end();
}
