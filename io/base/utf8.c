#include "io/base/utf8.h"

#include <string.h>

/* Windows-1252 from 0x80 on; 0: no character. Above 0x9f it is Unicode. */
static const uint16_t windows_1252[32] = {0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                          0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
                                          0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                          0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};
enum { REPLACEMENT = 0xfffd };

size_t ein_utf8_character(const char *text, size_t bytes) {
    const uint8_t *b = (const uint8_t *)text;
    if (bytes == 0) return 0;
    if (b[0] < 0x80) return 1;
    size_t n = b[0] >= 0xc2 && b[0] <= 0xdf   ? 2
               : b[0] >= 0xe0 && b[0] <= 0xef ? 3
               : b[0] >= 0xf0 && b[0] <= 0xf4 ? 4
                                              : 0;
    if (n == 0 || n > bytes) return 0;
    for (size_t i = 1; i < n; i++)
        if ((b[i] & 0xc0) != 0x80) return 0;
    if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f)) return 0;
    if ((b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f)) return 0;
    return n;
}

bool ein_utf8_is(const char *text, size_t bytes) {
    for (size_t i = 0, n; i < bytes; i += n)
        if ((n = ein_utf8_character(text + i, bytes - i)) == 0) return false;
    return true;
}

static uint16_t from_1252(uint8_t byte) {
    return byte >= 0xa0 ? byte : byte >= 0x80 ? windows_1252[byte - 0x80] : byte;
}

/* Nothing beyond ASCII is UTF-8, and all of it is something in Windows-1252. */
static bool is_1252(const char *text, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if ((uint8_t)text[i] >= 0x80 &&
            (ein_utf8_character(text + i, bytes - i) > 1 || from_1252((uint8_t)text[i]) == 0))
            return false;
    return true;
}

/* A character below U+10000 as two or three bytes. */
static size_t encode(uint16_t c, char *out) {
    size_t n = c < 0x800 ? 2 : 3;
    for (size_t i = n - 1; i > 0; i--, c = (uint16_t)(c >> 6)) out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((n == 2 ? 0xc0 : 0xe0) | c);
    return n;
}

size_t ein_utf8_make(const char *text, size_t bytes, char *out, size_t room, ein_utf8_repair *repair) {
    bool whole = ein_utf8_is(text, bytes), convert = !whole && is_1252(text, bytes);
    size_t used = 0;
    for (size_t i = 0; i < bytes;) {
        size_t n = ein_utf8_character(text + i, bytes - i), put = n;
        char made[4];
        if (n == 0) put = encode(convert ? from_1252((uint8_t)text[i]) : REPLACEMENT, made);
        if (used + put >= room) break;
        memcpy(out + used, n ? text + i : made, put);
        used += put;
        i += n ? n : 1;
        if (n == 0 && repair) *(convert ? &repair->converted : &repair->replaced) += 1;
    }
    if (room > 0) out[used] = '\0';
    return used;
}

/* ASCII's control characters and those of two bytes, U+0080 to U+009F, which some terminals obey too. */
bool ein_utf8_is_control(const char *text, size_t bytes) {
    const uint8_t *b = (const uint8_t *)text;
    return bytes == 1 ? b[0] < 0x20 || b[0] == 0x7f : bytes == 2 && b[0] == 0xc2 && b[1] < 0xa0;
}

/* What stands for the character at `text` where it is shown, and its bytes, in `put`; returns how far it reaches. */
static size_t next_clean(const char *text, size_t left, const char **clean, size_t *put) {
    const size_t n = ein_utf8_character(text, left);
    const bool good = n > 0 && !ein_utf8_is_control(text, n);
    *clean = good ? text : "?";
    *put = good ? n : 1;
    return n > 0 ? n : 1;
}

size_t ein_utf8_clean(const char *text, char *out, size_t room) {
    const char *clean;
    size_t used = 0, put, step;
    for (size_t left = strlen(text); left > 0; text += step, left -= step) {
        step = next_clean(text, left, &clean, &put);
        if (used + put >= room) break;
        memcpy(out + used, clean, put);
        used += put;
    }
    if (room > 0) out[used] = '\0';
    return used;
}

int ein_utf8_print(const char *text, int most, FILE *stream) {
    const char *clean;
    size_t put, step;
    int n = 0;
    for (size_t left = strlen(text); left > 0 && n < most; text += step, left -= step, n++) {
        step = next_clean(text, left, &clean, &put);
        fwrite(clean, 1, put, stream);
    }
    return n;
}

const char *ein_utf8_show(const char *text, char *out, size_t room) {
    const size_t bytes = strlen(text);
    size_t used = 0, cut = 0, i = 0; /* up to `cut` there is room for what says that more follows */
    while (i < bytes) {
        const char *clean;
        size_t put;
        const size_t step = next_clean(text + i, bytes - i, &clean, &put);
        if (used + put >= room) break;
        memcpy(out + used, clean, put);
        used += put;
        i += step;
        if (used + 3 < room) cut = used;
    }
    if (i < bytes) {
        memcpy(out + cut, "...", 3);
        used = cut + 3;
    }
    out[used] = '\0';
    return out;
}
