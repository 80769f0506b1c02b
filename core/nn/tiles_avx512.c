/* Tiles of 14 rows x 32 columns: 28 of the 32 registers are sums. */
#include "core/nn/tiles.h"

#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#include <immintrin.h>

enum { LANES = 16, ROWS = 14 };
#define ALL_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)

typedef __m512 vec;
typedef __mmask16 part;
#define FUSE(sum, x, y)              __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y))
#define part_of(lanes)               ((part)((1u << (lanes)) - 1))
#define vec_zero()                   _mm512_setzero_ps()
#define vec_load(from)               _mm512_loadu_ps(from)
#define vec_load_part(from, lanes)   _mm512_maskz_loadu_ps(lanes, from)
#define vec_store(to, x)             _mm512_storeu_ps(to, x)
#define vec_store_part(to, lanes, x) _mm512_mask_storeu_ps(to, lanes, x)
#define vec_spread(from)             _mm512_set1_ps(*(from))
#define vec_add(x, y)                _mm512_add_ps(x, y)

/* out[k * out_row + i] = in[i * in_row + k], i < n <= 16, k < 16 */
static inline void transpose_square(float *out, ptrdiff_t out_row, const float *in, ptrdiff_t in_row, int n) {
    __m512 r[16], t[16];
    const part rows = part_of(n);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) r[i] = i < n ? _mm512_loadu_ps(in + i * in_row) : _mm512_setzero_ps();
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
#define LOW(x, y)  _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(x), _mm512_castps_pd(y)))
#define HIGH(x, y) _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(x), _mm512_castps_pd(y)))
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        r[4 * i] = LOW(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = HIGH(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = LOW(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = HIGH(t[4 * i + 1], t[4 * i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        float *to = out + i * out_row;
        _mm512_mask_storeu_ps(to, rows, _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88));
        _mm512_mask_storeu_ps(to + 4 * out_row, rows, _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88));
        _mm512_mask_storeu_ps(to + 8 * out_row, rows, _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd));
        _mm512_mask_storeu_ps(to + 12 * out_row, rows, _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd));
    }
}

#include "core/nn/tiles_body.h"

static const ein_tiles table = {ROWS, 2 * LANES, 512, 512, tile, transpose, copy};
const ein_tiles *const ein_tiles_avx512 = &table;
#else
const ein_tiles *const ein_tiles_avx512 = NULL;
#endif
