/* libFuzzer target: an SCP-ECG file. */
#include "io/ecg/scp.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size, NULL, ein_scp_read);
    return 0;
}
