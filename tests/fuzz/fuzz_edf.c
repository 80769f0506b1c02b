/* libFuzzer target: an EDF, EDF+ or BDF file. */
#include "io/ecg/edf.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size, NULL, ein_edf_read);
    return 0;
}
