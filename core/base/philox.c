#include "core/base/philox.h"

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

void ein_permutation(uint64_t seed, uint32_t purpose, uint64_t a, int64_t count, int64_t *out) {
    for (int64_t i = 0; i < count; i++) out[i] = i;
    for (int64_t i = count - 1; i > 0; i--) {
        const ein_philox_block draw = ein_philox(seed, purpose, a, (uint32_t)i);
        const uint64_t word = ((uint64_t)draw.v[0] << 32) | draw.v[1];
        /* The bias of a 64-bit remainder is below count / 2^64. */
        const int64_t j = (int64_t)(word % (uint64_t)(i + 1));
        const int64_t kept = out[i];
        out[i] = out[j];
        out[j] = kept;
    }
}
