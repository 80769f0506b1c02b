/* libFuzzer target: an ISHNE Holter file. */
#include "io/ecg/ishne.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size, NULL, ein_ishne_read);
    return 0;
}
