#include "io/ecg/wfdb_format.h"

#include <stddef.h>
#include <string.h>

#include "core/base/status.h"

enum { MAX_UNIT_BYTES = 4, MAX_UNIT_VALUES = 3 };

static int32_t sign_extend(uint32_t value, int bits) {
    uint32_t sign = UINT32_C(1) << (bits - 1);
    value &= (sign << 1) - 1;
    return (int32_t)(value ^ sign) - (int32_t)sign;
}

static void unpack_8(const uint8_t *b, int64_t units, int32_t *out) {
    for (int64_t i = 0; i < units; ++i) out[i] = (int8_t)b[i];
}

static void unpack_16(const uint8_t *b, int64_t units, int32_t *out) {
    for (int64_t i = 0; i < units; ++i) out[i] = (int16_t)(uint16_t)(b[2 * i] | b[2 * i + 1] << 8);
}

static void unpack_61(const uint8_t *b, int64_t units, int32_t *out) {
    for (int64_t i = 0; i < units; ++i) out[i] = (int16_t)(uint16_t)(b[2 * i] << 8 | b[2 * i + 1]);
}

static void unpack_24(const uint8_t *b, int64_t units, int32_t *out) {
    for (int64_t i = 0; i < units; ++i)
        out[i] =
            sign_extend((uint32_t)b[3 * i] | (uint32_t)b[3 * i + 1] << 8 | (uint32_t)b[3 * i + 2] << 16, 24);
}

static void unpack_32(const uint8_t *b, int64_t units, int32_t *out) {
    for (int64_t i = 0; i < units; ++i, b += 4)
        out[i] =
            (int32_t)((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24);
}

static void unpack_80(const uint8_t *b, int64_t units, int32_t *out) {
    for (int64_t i = 0; i < units; ++i) out[i] = b[i] - 128;
}

static void unpack_160(const uint8_t *b, int64_t units, int32_t *out) {
    for (int64_t i = 0; i < units; ++i) out[i] = (b[2 * i] | b[2 * i + 1] << 8) - 32768;
}

static void unpack_212(const uint8_t *b, int64_t units, int32_t *out) {
    for (int64_t i = 0; i < units; ++i, b += 3, out += 2) {
        out[0] = sign_extend((uint32_t)b[0] | (uint32_t)(b[1] & 15) << 8, 12);
        out[1] = sign_extend((uint32_t)b[2] | (uint32_t)(b[1] >> 4) << 8, 12);
    }
}

static void unpack_310(const uint8_t *b, int64_t units, int32_t *out) {
    for (int64_t i = 0; i < units; ++i, b += 4, out += 3) {
        uint32_t w0 = (uint32_t)b[0] | (uint32_t)b[1] << 8, w1 = (uint32_t)b[2] | (uint32_t)b[3] << 8;
        out[0] = sign_extend(w0 >> 1, 10);
        out[1] = sign_extend(w1 >> 1, 10);
        out[2] = sign_extend(w0 >> 11 | (w1 >> 11) << 5, 10);
    }
}

static void unpack_311(const uint8_t *b, int64_t units, int32_t *out) {
    for (int64_t i = 0; i < units; ++i, b += 4, out += 3) {
        uint32_t w = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        out[0] = sign_extend(w, 10);
        out[1] = sign_extend(w >> 10, 10);
        out[2] = sign_extend(w >> 20, 10);
    }
}

static const ein_wfdb_format formats[] = {
    /* format, samples and bytes of a unit, bits, differences, missing mark */
    {8, 1, 1, 8, true, false, unpack_8},      {16, 1, 2, 16, false, true, unpack_16},
    {24, 1, 3, 24, false, true, unpack_24},   {32, 1, 4, 32, false, true, unpack_32},
    {61, 1, 2, 16, false, true, unpack_61},   {80, 1, 1, 8, false, true, unpack_80},
    {160, 1, 2, 16, false, true, unpack_160}, {212, 2, 3, 12, false, true, unpack_212},
    {310, 3, 4, 10, false, true, unpack_310}, {311, 3, 4, 10, false, true, unpack_311},
    {508, 1, 1, 8, false, true, NULL},        {516, 1, 2, 16, false, true, NULL},
    {524, 1, 3, 24, false, true, NULL},
};
enum { FORMATS = sizeof formats / sizeof formats[0] };

const ein_wfdb_format *ein_wfdb_format_find(int format) {
    for (int i = 0; i < FORMATS; ++i)
        if (formats[i].format == format) return &formats[i];
    return NULL;
}

const char *ein_wfdb_format_list(void) {
    return "8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524";
}

/* Bytes of a unit that its first `values` samples need. In 212 the first sample ends in the second byte, in
 * 310 the first in the second and the second in the fourth, in 311 each ends one byte later. */
static int64_t part_bytes(const ein_wfdb_format *f, int64_t values) {
    if (values == 0) return 0;
    if (f->format == 310 && values == 2) return 4;
    return (values * f->bits + 7) / 8;
}

int64_t ein_wfdb_format_values(const ein_wfdb_format *f, int64_t bytes) {
    if (bytes <= 0) return 0;
    int64_t units = bytes / f->unit_bytes, rest = bytes % f->unit_bytes, values = 0;
    while (values + 1 < f->unit_values && part_bytes(f, values + 1) <= rest) ++values;
    return units * f->unit_values + values;
}

int64_t ein_wfdb_format_bytes(const ein_wfdb_format *f, int64_t values) {
    return values / f->unit_values * f->unit_bytes + part_bytes(f, values % f->unit_values);
}

void ein_wfdb_format_unpack(const ein_wfdb_format *f, const uint8_t *bytes, int64_t values, int32_t *out) {
    int64_t units = values / f->unit_values, rest = values % f->unit_values;
    f->unpack(bytes, units, out);
    if (rest == 0) return;
    uint8_t unit[MAX_UNIT_BYTES] = {0};
    int32_t part[MAX_UNIT_VALUES];
    EIN_BUG_IF(f->unit_bytes > MAX_UNIT_BYTES || f->unit_values > MAX_UNIT_VALUES);
    memcpy(unit, bytes + units * f->unit_bytes, (size_t)part_bytes(f, rest));
    f->unpack(unit, 1, part);
    memcpy(out + units * f->unit_values, part, (size_t)rest * sizeof *part);
}

int32_t ein_wfdb_format_missing(const ein_wfdb_format *f) {
    return (int32_t)(-(INT64_C(1) << (f->bits - 1)));
}
