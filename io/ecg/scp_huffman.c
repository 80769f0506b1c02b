#include "io/ecg/scp_huffman.h"

#include <string.h>

enum { DEFAULT_TABLE = 19999, CODE_BYTES = 9, MAX_BITS = 32, SHORT_VALUES = 8 };

static unsigned u16(const uint8_t *b) {
    return b[0] | (unsigned)b[1] << 8;
}

/* 0 is one bit; v is |v| ones, a zero and its sign; ten bits that begin with nine ones announce 8 or 16 bits. */
static void use_default(ein_scp_huffman *h) {
    int n = 0;
    h->code[n++] = (ein_scp_code){.prefix_bits = 1};
    for (int v = 1; v <= SHORT_VALUES; v++)
        for (int sign = 0; sign < 2; sign++)
            h->code[n++] = (ein_scp_code){.prefix_bits = (uint8_t)(v + 2),
                                          .value = (int16_t)(sign ? -v : v),
                                          .prefix = ((1u << v) - 1) << 2 | (unsigned)sign};
    h->code[n++] = (ein_scp_code){.prefix_bits = 10, .extra_bits = 8, .prefix = 0x3fe};
    h->code[n++] = (ein_scp_code){.prefix_bits = 10, .extra_bits = 16, .prefix = 0x3ff};
    h->n_tables = 1;
    h->first[1] = n;
}

static uint32_t reversed(uint32_t bits, int n) {
    uint32_t out = 0;
    for (int i = 0; i < n; i++) out = out << 1 | (bits >> i & 1);
    return out;
}

static bool take_code(const uint8_t *b, ein_scp_code *out) {
    const uint32_t stored =
        (uint32_t)b[5] | (uint32_t)b[6] << 8 | (uint32_t)b[7] << 16 | (uint32_t)b[8] << 24;
    int prefix = b[0], total = b[1];
    if (prefix < 1 || prefix > MAX_BITS || total < prefix || total - prefix > 16) return false;
    *out = (ein_scp_code){.prefix_bits = (uint8_t)prefix,
                          .extra_bits = (uint8_t)(total - prefix),
                          .is_switch = b[2] == 0,
                          .value = (int16_t)(uint16_t)u16(b + 3),
                          .prefix = reversed(stored, prefix)};
    return true;
}

const char *ein_scp_huffman_parse(const uint8_t *data, size_t bytes, ein_scp_huffman *h) {
    memset(h, 0, sizeof *h);
    if (bytes < 2) return "the section of Huffman tables is cut";
    const unsigned tables = u16(data);
    if (tables == DEFAULT_TABLE) {
        use_default(h);
        return NULL;
    }
    if (tables == 0 || tables > EIN_SCP_MAX_TABLES) return "an impossible number of Huffman tables";
    size_t at = 2;
    for (unsigned t = 0; t < tables; t++) {
        if (bytes - at < 2) return "the section of Huffman tables is cut";
        const unsigned codes = u16(data + at);
        at += 2;
        int *n = &h->first[t + 1];
        *n = h->first[t];
        if (codes > (unsigned)(EIN_SCP_MAX_CODES - *n) || codes > (bytes - at) / CODE_BYTES)
            return "more Huffman codes than there is room for";
        for (unsigned c = 0; c < codes; c++, at += CODE_BYTES)
            if (!take_code(data + at, &h->code[(*n)++])) return "an impossible Huffman code";
    }
    h->n_tables = (int)tables;
    return NULL;
}

/* `n` bits from bit `at`, which are there. */
static uint32_t bits_at(const uint8_t *data, size_t at, int n) {
    uint64_t word = 0;
    const size_t first = at / 8, last = (at + (size_t)n - 1) / 8;
    for (size_t i = first; i <= last; i++) word = word << 8 | data[i];
    return (uint32_t)(word >> (8 * (last + 1) - at - (size_t)n) & ((UINT64_C(1) << n) - 1));
}

static const ein_scp_code *find_code(const ein_scp_huffman *h, int table, const uint8_t *data, size_t at,
                                     size_t end) {
    for (int i = h->first[table]; i < h->first[table + 1]; i++) {
        const ein_scp_code *c = &h->code[i];
        if (c->prefix_bits <= end - at && bits_at(data, at, c->prefix_bits) == c->prefix) return c;
    }
    return NULL;
}

const char *ein_scp_huffman_unpack(const ein_scp_huffman *h, const uint8_t *data, size_t bytes, int32_t *out,
                                   int64_t n) {
    const size_t end = 8 * bytes;
    size_t at = 0;
    int table = 0;
    for (int64_t t = 0; t < n;) {
        const ein_scp_code *c = find_code(h, table, data, at, end);
        if (!c) return end - at < MAX_BITS ? "Huffman data end too early" : "bits that are no Huffman code";
        at += c->prefix_bits;
        if (c->is_switch) {
            if (c->value < 1 || c->value > h->n_tables)
                return "a switch to a Huffman table that is not there";
            table = c->value - 1;
            continue;
        }
        int32_t value = c->value;
        if (c->extra_bits > 0) {
            if (c->extra_bits > end - at) return "Huffman data end too early";
            const int32_t sign = INT32_C(1) << (c->extra_bits - 1);
            value += ((int32_t)bits_at(data, at, c->extra_bits) ^ sign) - sign;
            at += c->extra_bits;
        }
        out[t++] = value;
    }
    return NULL;
}
