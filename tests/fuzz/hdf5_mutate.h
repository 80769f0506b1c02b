/* Mutants of HDF5 files that get behind its checksums.
 *
 * Superblocks, object headers, heaps and indexes of the 1.10 format end in a lookup3 checksum (Bob Jenkins, 2006,
 * public domain). A mutator finds these structures in the file as it was, changes a few bytes, most often inside one of
 * them, and writes the checksums anew. What the structures are need not be known: one begins with a signature and ends
 * where the checksum of everything before it stands.
 */
#ifndef EIN_TESTS_HDF5_MUTATE_H
#define EIN_TESTS_HDF5_MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { H5_SPANS = 512, H5_LONGEST = 2048, H5_SUPERBLOCK = 44 };

/* A structure without its checksum, which follows in 4 bytes. */
typedef struct {
    size_t at, bytes;
} h5_span;

static uint32_t h5_rotate(uint32_t x, int k) {
    return x << k | x >> (32 - k);
}

static uint32_t h5_word(const uint8_t *p, size_t n) {
    uint32_t word = 0;
    for (size_t i = 0; i < n && i < 4; i++) word |= (uint32_t)p[i] << 8 * i;
    return word;
}

static uint32_t h5_lookup3(const uint8_t *p, size_t n) {
    uint32_t a = 0xdeadbeefU + (uint32_t)n, b = a, c = a;
    if (n == 0) return c;
    for (; n > 12; n -= 12, p += 12) {
        a += h5_word(p, 4), b += h5_word(p + 4, 4), c += h5_word(p + 8, 4);
        a -= c, a ^= h5_rotate(c, 4), c += b;
        b -= a, b ^= h5_rotate(a, 6), a += c;
        c -= b, c ^= h5_rotate(b, 8), b += a;
        a -= c, a ^= h5_rotate(c, 16), c += b;
        b -= a, b ^= h5_rotate(a, 19), a += c;
        c -= b, c ^= h5_rotate(b, 4), b += a;
    }
    a += h5_word(p, n), b += n > 4 ? h5_word(p + 4, n - 4) : 0, c += n > 8 ? h5_word(p + 8, n - 8) : 0;
    c ^= b, c -= h5_rotate(b, 14);
    a ^= c, a -= h5_rotate(c, 11);
    b ^= a, b -= h5_rotate(a, 25);
    c ^= b, c -= h5_rotate(b, 16);
    a ^= c, a -= h5_rotate(c, 4);
    b ^= a, b -= h5_rotate(a, 14);
    c ^= b, c -= h5_rotate(b, 24);
    return c;
}

/* An object header says how long its first part is; 0 if it cannot be. */
static size_t h5_header_bytes(const uint8_t *p, size_t left) {
    if (left < 8) return 0;
    const uint8_t flags = p[5];
    const size_t width = (size_t)1 << (flags & 3),
                 before = 6u + (flags & 0x20 ? 16u : 0u) + (flags & 0x10 ? 4u : 0u);
    uint64_t bytes = 0;
    if (before + width > left) return 0;
    for (size_t i = 0; i < width; i++) bytes |= (uint64_t)p[before + i] << 8 * i;
    return bytes > left ? 0 : before + width + (size_t)bytes;
}

static size_t h5_structure_bytes(const uint8_t *p, size_t left) {
    static const char *const others[] = {"OCHK", "FAHD", "FADB", "FRHP", "FHDB", "FHIB", "FSHD", "FSSE",
                                         "BTHD", "BTLF", "BTIN", "EAHD", "EAIB", "EASB", "EADB"};
    if (left < 12) return 0;
    if (!memcmp(p, "\x89HDF\r\n\x1a\n", 8)) return left >= H5_SUPERBLOCK + 4 ? H5_SUPERBLOCK : 0;
    if (!memcmp(p, "OHDR", 4)) {
        const size_t bytes = h5_header_bytes(p, left);
        return bytes > 0 && bytes + 4 <= left ? bytes : 0;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (memcmp(p, others[i], 4)) continue;
        for (size_t n = 8; n + 4 <= left && n <= H5_LONGEST; n++)
            if (h5_lookup3(p, n) == h5_word(p + n, 4)) return n;
    }
    return 0;
}

static int h5_find(const uint8_t *data, size_t size, h5_span spans[H5_SPANS]) {
    int n = 0;
    for (size_t at = 0; at + 12 <= size && n < H5_SPANS; at++) {
        const size_t bytes = h5_structure_bytes(data + at, size - at);
        if (bytes > 0) spans[n++] = (h5_span){at, bytes};
    }
    return n;
}

static void h5_repair(uint8_t *data, size_t size, const h5_span *spans, int n) {
    for (int i = 0; i < n; i++) {
        const h5_span *s = &spans[i];
        if (s->at + s->bytes + 4 > size) continue;
        const uint32_t sum = h5_lookup3(data + s->at, s->bytes);
        for (size_t k = 0; k < 4; k++) data[s->at + s->bytes + k] = (uint8_t)(sum >> 8 * k);
    }
}

static uint32_t h5_draw(uint32_t *state, uint32_t below) {
    *state ^= *state << 13, *state ^= *state >> 17, *state ^= *state << 5;
    return below ? *state % below : 0;
}

static void h5_change(uint8_t *data, size_t from, size_t bytes, uint32_t *state) {
    static const uint8_t telling[] = {0, 1, 2, 4, 8, 16, 32, 64, 127, 128, 254, 255};
    const size_t at = from + h5_draw(state, (uint32_t)bytes);
    switch (h5_draw(state, 5)) {
    case 0:
        data[at] ^= (uint8_t)(1u << h5_draw(state, 8));
        break;
    case 1:
        data[at] = telling[h5_draw(state, sizeof telling)];
        break;
    case 2:
        data[at] = (uint8_t)h5_draw(state, 256);
        break;
    case 3:
        data[at] = (uint8_t)(data[at] + h5_draw(state, 2) * 2u - 1u);
        break;
    default: /* a number of 2, 4 or 8 bytes becomes all zeros or ones */
        for (size_t k = 0, n = (size_t)2 << h5_draw(state, 3), b = h5_draw(state, 2);
             k < n && at + k < from + bytes; k++)
            data[at + k] = b ? 0xff : 0;
    }
}

/* Change 1 to 4 places, mostly inside one structure, and repair. The size stays. */
static void h5_mutate(uint8_t *data, size_t size, unsigned seed) {
    static h5_span spans[H5_SPANS];
    uint32_t state = seed * 2654435761u + 1u;
    if (size == 0) return;
    if (state == 0) state = 1;
    const int n = h5_find(data, size, spans);
    const h5_span all = {0, size},
                  *in = n > 0 && h5_draw(&state, 8) ? &spans[h5_draw(&state, (uint32_t)n)] : &all;
    const uint32_t changes = 1 + h5_draw(&state, 4);
    for (uint32_t i = 0; i < changes; i++) h5_change(data, in->at, in->bytes, &state);
    h5_repair(data, size, spans, n);
}

#endif
