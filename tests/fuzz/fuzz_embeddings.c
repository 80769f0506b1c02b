/* libFuzzer target: embeddings as NumPy reads them: NAME.npy, and NAME.npy.json beside it. What reads is written again
 * and reads back the same. */
#include <math.h>

#include "io/model/embeddings.h"
#include "tests/fuzz/fuzz_text_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const ein_embeddings *e, size_t size) {
    if (e->n < 0 || e->width < 1 || e->n > (int64_t)size || e->n * e->width > (int64_t)size) abort();
    for (int64_t i = 0; i < e->n * e->width; i++)
        if (!isfinite(e->value[i])) abort();
    for (int64_t i = 0; i < e->n; i++)
        if ((int64_t)strnlen(e->record_id + i * e->id_stride, (size_t)e->id_stride) >= e->id_stride) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[256], again[256];
    ein_embeddings one, two;
    fuzz_write("e.npy.json", fuzz_cut(data, size, 0));
    fuzz_write("e.npy", fuzz_cut(data, size, 1));
    snprintf(path, sizeof path, "%s/e.npy", fuzz_folder());
    snprintf(again, sizeof again, "%s/again.npy", fuzz_folder());
    if (ein_embeddings_read(path, &one) != EIN_OK) return 0;
    check(&one, size);
    ein_embeddings_writer *w;
    if (ein_embeddings_begin(again, &one, "einthoven fuzz", &w) != EIN_OK) abort();
    if (ein_embeddings_finish(w, ein_embeddings_put(w, one.value, one.n)) != EIN_OK) abort();
    if (ein_embeddings_read(again, &two) != EIN_OK) abort();
    if (two.n != one.n || two.width != one.width ||
        memcmp(one.value, two.value, (size_t)(one.n * one.width) * sizeof *one.value) != 0)
        abort();
    ein_embeddings_free(&one);
    ein_embeddings_free(&two);
    return 0;
}
