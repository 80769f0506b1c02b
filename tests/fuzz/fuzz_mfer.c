/* libFuzzer target: an MFER file. */
#include "io/ecg/mfer.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size, NULL, ein_mfer_read);
    return 0;
}
