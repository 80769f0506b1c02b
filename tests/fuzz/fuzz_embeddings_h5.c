/* libFuzzer target: embeddings in an HDF5 file; mutants as of corpora (fuzz_corpus.c). */
#include <math.h>

#include "io/model/embeddings.h"
#include "tests/fuzz/fuzz_h5.h"
#include "tests/fuzz/hdf5_edit.h"
#include "tests/fuzz/hdf5_mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ein_embeddings e;
    const char *path = fuzz_file(data, size);
    if (!fuzz_survives(path)) return 0;
    if (ein_embeddings_read(path, &e) != EIN_OK) return 0;
    if (e.n < 0 || e.width < 1 || e.n * e.width > (int64_t)size * 1032) abort();
    for (int64_t i = 0; i < e.n * e.width; i++)
        if (!isfinite(e.value[i])) abort();
    ein_embeddings_free(&e);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    if (seed % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
    if (seed % 8 < 4) return hdf5_edit(data, size, max_size, seed / 8);
    h5_mutate(data, size, seed / 8);
    return size;
}
