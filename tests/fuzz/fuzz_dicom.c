/* libFuzzer target: a DICOM waveform. */
#include "io/ecg/dicom.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size, NULL, ein_dicom_read);
    return 0;
}
