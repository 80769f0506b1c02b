/* libFuzzer target: a GE MUSE XML file. */
#include "io/ecg/muse.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size, "RestingECG", ein_muse_read);
    return 0;
}
