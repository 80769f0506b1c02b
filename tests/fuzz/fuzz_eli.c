/* libFuzzer target: a Mortara ELI XML file. */
#include "io/ecg/eli.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size, "ECG", ein_eli_read);
    return 0;
}
