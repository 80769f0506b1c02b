#include "io/ecg/xli.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    HEADER_BYTES = 8,
    CODE_BITS = 10,
    CODES = 1 << CODE_BITS,
    LAST_CODE = CODES - 2,
    LITERALS = 256,
    BIAS = 64
};

/* Strings by code: the one of `prefix`, then `last`. */
typedef struct {
    uint16_t prefix[CODES], length[CODES];
    uint8_t first[CODES], last[CODES];
    int next;
} lzw;

typedef struct {
    uint8_t *byte;
    size_t n, room;
} buffer;

static void put_code(lzw *z, int code, int prefix, uint8_t last) {
    z->prefix[code] = (uint16_t)prefix;
    z->length[code] = (uint16_t)(z->length[prefix] + 1);
    z->first[code] = z->first[prefix];
    z->last[code] = last;
}

static void begin(lzw *z) {
    for (int i = 0; i < LITERALS; i++) {
        z->prefix[i] = 0;
        z->length[i] = 1;
        z->first[i] = z->last[i] = (uint8_t)i;
    }
    z->next = LITERALS;
}

static bool append(const lzw *z, int code, buffer *out) {
    const size_t n = z->length[code];
    if (out->room - out->n < n) return false;
    for (size_t i = n; i > 0; i--, code = z->prefix[code]) out->byte[out->n + i - 1] = z->last[code];
    out->n += n;
    return true;
}

/* NULL, or what is wrong. */
static const char *unpack(lzw *z, const uint8_t *data, size_t bytes, buffer *out) {
    int previous = -1;
    begin(z);
    for (size_t bit = 0; bit + CODE_BITS <= 8 * bytes; bit += CODE_BITS) {
        const size_t i = bit / 8;
        const unsigned word =
            (unsigned)data[i] << 8 | data[i + 1]; /* 10 bits from an even bit lie in 2 bytes */
        const int code = (int)(word >> (16 - CODE_BITS - bit % 8)) & (CODES - 1);
        if (code > LAST_CODE) break;
        const bool known = code < z->next;
        if (!known && (previous < 0 || code != z->next)) return "a code that has no meaning yet";
        if (previous >= 0 && z->next <= LAST_CODE)
            put_code(z, z->next++, previous, z->first[known ? code : previous]);
        if (!append(z, code, out)) return "more samples than the duration allows";
        previous = code;
    }
    return out->n < 4 ? "fewer than two samples" : NULL;
}

static int32_t value_at(const buffer *b, int64_t half, int64_t t) {
    const uint8_t low = (size_t)(half + t) < b->n ? b->byte[half + t] : 0;
    return (int16_t)(uint16_t)(b->byte[t] << 8 | low);
}

static void integrate(const buffer *b, int16_t start, int32_t *count, int64_t n) {
    uint32_t x = (uint32_t)value_at(b, n, 0), y = (uint32_t)value_at(b, n, 1), e = (uint32_t)(int32_t)start;
    count[0] = (int32_t)x;
    count[1] = (int32_t)y;
    for (int64_t t = 2; t < n; t++) {
        const uint32_t z = 2 * y - x - e; /* damaged data may overflow it */
        e = (uint32_t)(value_at(b, n, t) - BIAS);
        count[t] = (int32_t)z;
        x = y;
        y = z;
    }
}

static ein_status unpack_lead(const uint8_t *data, size_t size, size_t at, int16_t start, int64_t most,
                              int32_t **count, int64_t *n) {
    buffer b = {NULL, 0, 2 * (size_t)most};
    lzw *z = NULL;
    ein_status status = EIN_NEW(b.byte, b.room);
    if (status == EIN_OK) status = EIN_NEW(z, 1);
    const char *wrong = status == EIN_OK ? unpack(z, data, size, &b) : NULL;
    if (wrong) status = ein_error(EIN_CORRUPT, "XLI data, lead at byte %zu: %s; damaged", at, wrong);
    *n = (int64_t)(b.n + 1) / 2;
    if (status == EIN_OK) status = ein_calloc((void *)count, *n, sizeof **count, "samples of a lead");
    if (status == EIN_OK) integrate(&b, start, *count, *n);
    free(b.byte);
    free(z);
    return status;
}

ein_status ein_xli_lead(const uint8_t *data, size_t bytes, size_t *at, int64_t most, int32_t **count,
                        int64_t *n) {
    const size_t left = bytes - *at;
    *count = NULL;
    *n = 0;
    if (left < HEADER_BYTES)
        return ein_error(EIN_CORRUPT, "XLI data end at byte %zu, within a lead's header", bytes);
    const uint8_t *h = data + *at;
    const uint32_t size = (uint32_t)h[0] | (uint32_t)h[1] << 8 | (uint32_t)h[2] << 16 | (uint32_t)h[3] << 24;
    const int16_t start = (int16_t)(uint16_t)(h[6] | h[7] << 8);
    if (size == 0 || size > left - HEADER_BYTES)
        return ein_error(EIN_CORRUPT, "XLI data, lead at byte %zu: %lu bytes are stated, %zu are left", *at,
                         (unsigned long)size, left - HEADER_BYTES);
    ein_status status = unpack_lead(h + HEADER_BYTES, size, *at, start, most, count, n);
    *at += HEADER_BYTES + size;
    return status;
}
