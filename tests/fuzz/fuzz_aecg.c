/* libFuzzer target: an HL7 aECG file. */
#include "io/ecg/aecg.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size, "AnnotatedECG", ein_aecg_read);
    return 0;
}
