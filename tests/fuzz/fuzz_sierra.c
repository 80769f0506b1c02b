/* libFuzzer target: a Philips Sierra XML file. */
#include "io/ecg/sierra.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size, "restingecgdata", ein_sierra_read);
    return 0;
}
