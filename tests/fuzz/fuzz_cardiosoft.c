/* libFuzzer target: a CardioSoft XML file. */
#include "io/ecg/cardiosoft.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size, "CardiologyXML", ein_cardiosoft_read);
    return 0;
}
