/* Tiles of 6 rows x 16 columns: 12 of the 16 registers are sums. */
#include "core/nn/tiles.h"

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

enum { LANES = 8, ROWS = 6 };
#define ALL_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)

typedef __m256 vec;
typedef __m256i part;
#define FUSE(sum, x, y)              __asm__("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(x), "x"(y))
#define FIRST_LANES                  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)
#define part_of(lanes)               _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), FIRST_LANES)
#define vec_zero()                   _mm256_setzero_ps()
#define vec_load(from)               _mm256_loadu_ps(from)
#define vec_load_part(from, lanes)   _mm256_maskload_ps(from, lanes)
#define vec_store(to, x)             _mm256_storeu_ps(to, x)
#define vec_store_part(to, lanes, x) _mm256_maskstore_ps(to, lanes, x)
#define vec_spread(from)             _mm256_broadcast_ss(from)
#define vec_add(x, y)                _mm256_add_ps(x, y)

/* out[k * out_row + i] = in[i * in_row + k], i < n <= 8, k < 8 */
static inline void transpose_square(float *out, ptrdiff_t out_row, const float *in, ptrdiff_t in_row, int n) {
    __m256 r[8], t[8];
    const part rows = part_of(n);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) r[i] = i < n ? _mm256_loadu_ps(in + i * in_row) : _mm256_setzero_ps();
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
        r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
        r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
        r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        const __m256 low = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        const __m256 high = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
        if (n == 8) {
            _mm256_storeu_ps(out + i * out_row, low);
            _mm256_storeu_ps(out + (i + 4) * out_row, high);
        } else {
            _mm256_maskstore_ps(out + i * out_row, rows, low);
            _mm256_maskstore_ps(out + (i + 4) * out_row, rows, high);
        }
    }
}

#include "core/nn/tiles_body.h"

static const ein_tiles table = {ROWS, 2 * LANES, 256, 192, tile, transpose, copy};
const ein_tiles *const ein_tiles_avx2 = &table;
#else
const ein_tiles *const ein_tiles_avx2 = NULL;
#endif
