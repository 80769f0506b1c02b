#include "core/philox.h"

#include "core/status.h"

/* Multipliers and Weyl constants of Philox 4x32 (Salmon et al. 2011, section 3). */
#define PHILOX_M0 UINT32_C(0xD2511F53)
#define PHILOX_M1 UINT32_C(0xCD9E8D57)
#define PHILOX_W0 UINT32_C(0x9E3779B9)
#define PHILOX_W1 UINT32_C(0xBB67AE85)

ein_philox_block ein_philox_rounds(ein_philox_block c, const uint32_t key[2]) {
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)PHILOX_M0 * c.v[0];
        const uint64_t p1 = (uint64_t)PHILOX_M1 * c.v[2];
        const ein_philox_block next = {{(uint32_t)(p1 >> 32) ^ c.v[1] ^ k0, (uint32_t)p1,
                                        (uint32_t)(p0 >> 32) ^ c.v[3] ^ k1, (uint32_t)p0}};
        c = next;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
    return c;
}

int64_t ein_permute(uint64_t seed, uint32_t purpose, uint64_t a, uint32_t b, int64_t count, int64_t i) {
    EIN_BUG_IF(i < 0 || i >= count);
    int half_bits = 1;
    while (half_bits < 31 && (INT64_C(1) << (2 * half_bits)) < count) half_bits++;
    const uint32_t mask = (UINT32_C(1) << half_bits) - 1;
    /* One Philox block gives the four round keys; the round function is a 32-bit mixer under them. */
    const ein_philox_block keys = ein_philox(seed, purpose, a, b);
    uint64_t x = (uint64_t)i;
    do {
        uint32_t left = (uint32_t)(x >> half_bits) & mask, right = (uint32_t)x & mask;
        for (int round = 0; round < 4; round++) {
            uint64_t h = ((uint64_t)right + 1) * (keys.v[round] | 1) + (((uint64_t)keys.v[(round + 1) & 3]) << 16);
            h ^= h >> 29;
            h *= UINT64_C(0xBF58476D1CE4E5B9);
            h ^= h >> 32;
            const uint32_t mixed = left ^ ((uint32_t)h & mask);
            left = right;
            right = mixed;
        }
        x = ((uint64_t)left << half_bits) | right;
    } while (x >= (uint64_t)count);
    return (int64_t)x;
}
