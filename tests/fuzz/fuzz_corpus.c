/* libFuzzer target: a corpus. What passes the trial is opened, and everything in it read; half of the mutants keep
 * HDF5's own checksums right, and half of those our columns' checksums too, so that they get to the readers. */
#include <math.h>
#include <string.h>

#include "io/corpus/corpus.h"
#include "tests/fuzz/fuzz_h5.h"
#include "tests/fuzz/hdf5_edit.h"
#include "tests/fuzz/hdf5_mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static void read_texts(ein_corpus *c, const char *name) {
    char *text = NULL;
    int64_t stride = 0, n = strncmp(name, "rejected/", 9) ? ein_corpus_records(c) : ein_corpus_rejected(c);
    if (ein_corpus_texts(c, name, &text, &stride) != EIN_OK) return;
    for (int64_t i = 0; i < n; i++)
        if ((int64_t)strlen(text + i * stride) >= stride) abort();
    free(text);
}

static void read_columns(ein_corpus *c) {
    static const char *const fixed[] = {
        "patient",        "cohort",        "site",          "acquired",
        "source_file",    "source_sha256", "rejected/path", "rejected/record_id",
        "rejected/reason"};
    const int64_t n = ein_corpus_records(c), leads = ein_corpus_contract(c)->n_leads;
    float *label = malloc((size_t)n * sizeof *label + 1);
    uint32_t *quality = malloc((size_t)(n * leads) * sizeof *quality + 1);
    if (!label || !quality) abort();
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) read_texts(c, fixed[i]);
    for (int i = 0; i < ein_corpus_label_count(c); i++)
        if (ein_corpus_label(c, ein_corpus_label_name(c, i), label) > EIN_STATUS_COUNT) abort();
    for (int i = 0; i < ein_corpus_text_count(c); i++) {
        char name[EIN_CORPUS_MAX_NAME_BYTES + 16];
        snprintf(name, sizeof name, "text/%s", ein_corpus_text_name(c, i));
        read_texts(c, name);
    }
    if (ein_corpus_lead_quality(c, quality) > EIN_STATUS_COUNT) abort();
    free(quality);
    free(label);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ein_corpus *c = NULL;
    int64_t damaged;
    const char *path = fuzz_file(data, size);
    if (!fuzz_survives(path)) return 0;
    if (ein_corpus_open(fuzz_comm, path, &c) != EIN_OK) return 0;
    /* Nothing that a file states may ask for more than it could hold. */
    if (ein_corpus_records(c) > (int64_t)size * 1032) abort();
    read_columns(c);
    if (ein_corpus_verify(c, 0, ein_corpus_blocks(c), &damaged) > EIN_STATUS_COUNT) abort();
    ein_corpus_close(c);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    if (seed % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
    if (seed % 8 < 4) return hdf5_edit(data, size, max_size, seed / 8);
    h5_mutate(data, size, seed / 8);
    return size;
}
