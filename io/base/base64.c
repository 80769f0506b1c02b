#include "io/base/base64.h"

#include <sodium.h>

/* The value of a character plus one; 0 for what is not in the alphabet. */
static const uint8_t plus_one[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64};

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What may follow a last group of `held` characters, 2 or 3: the rest of its '=' and blanks. -1, or the index of what
 * may not stand there. */
static int64_t check_padding(const char *text, size_t n, size_t i, int held) {
    int wanted = 4 - held;
    for (; i < n; i++) {
        if (is_blank(text[i])) continue;
        if (text[i] != '=' || wanted == 0) return (int64_t)i;
        wanted--;
    }
    return wanted > 0 ? (int64_t)n : -1;
}

int64_t ein_base64_decode(const char *text, size_t n, uint8_t *out, size_t *at) {
    int64_t bytes = 0;
    uint32_t group = 0;
    int held = 0;
    size_t i = 0;
    for (; i < n; i++) {
        /* Whole groups without blanks are nearly all there is. */
        while (held == 0 && i + 4 <= n) {
            const unsigned char *p = (const unsigned char *)text + i;
            unsigned a = plus_one[p[0]], b = plus_one[p[1]], c = plus_one[p[2]], d = plus_one[p[3]];
            if (!a || !b || !c || !d) break;
            uint32_t four = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
            out[bytes] = (uint8_t)(four >> 16);
            out[bytes + 1] = (uint8_t)(four >> 8);
            out[bytes + 2] = (uint8_t)four;
            bytes += 3;
            i += 4;
        }
        if (i == n) break;
        unsigned value = plus_one[(unsigned char)text[i]];
        if (value == 0) {
            if (is_blank(text[i])) continue;
            break;
        }
        group = group << 6 | (value - 1);
        if (++held < 4) continue;
        out[bytes] = (uint8_t)(group >> 16);
        out[bytes + 1] = (uint8_t)(group >> 8);
        out[bytes + 2] = (uint8_t)group;
        bytes += 3;
        group = 0;
        held = 0;
    }
    *at = i;
    if (held == 0) return i == n ? bytes : -1;
    if (held == 1) return -1;
    int64_t wrong = check_padding(text, n, i, held);
    if (wrong >= 0) *at = (size_t)wrong;
    uint32_t unused = held == 2 ? group & 0xf : group & 0x3;
    if (wrong >= 0 || unused != 0) return -1;
    group <<= 6 * (4 - held);
    out[bytes++] = (uint8_t)(group >> 16);
    if (held == 3) out[bytes++] = (uint8_t)(group >> 8);
    return bytes;
}

void ein_base64_encode(const uint8_t *bytes, size_t n, char *out) {
    enum { VARIANT = sodium_base64_VARIANT_ORIGINAL };
    sodium_bin2base64(out, sodium_base64_encoded_len(n, VARIANT), bytes, n, VARIANT);
}
