#include "io/base/crc16.h"

uint16_t ein_crc_ccitt(const void *bytes, size_t n) {
    const uint8_t *b = bytes;
    uint16_t crc = 0xffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint16_t)(b[i] << 8);
        for (int k = 0; k < 8; k++) crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}
