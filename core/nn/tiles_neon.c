/* Tiles of 12 rows x 8 columns: 24 of the 32 registers are sums. (core/nn/loops.h has no copy for this set: what every
 * aarch64 runs are vectors of 16 bytes with fused multiply-adds, so the plain copy is made of them.) */
#include "core/nn/tiles.h"

#if defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#include <string.h>

enum { LANES = 4, ROWS = 12 };
#define ALL_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)

typedef float32x4_t vec;
typedef int part;
#define FUSE(sum, x, y)  __asm__("fmla %0.4s, %1.4s, %2.4s" : "+w"(sum) : "w"(x), "w"(y))
#define part_of(lanes)   (lanes)
#define vec_zero()       vdupq_n_f32(0)
#define vec_load(from)   vld1q_f32(from)
#define vec_store(to, x) vst1q_f32(to, x)
#define vec_spread(from) vld1q_dup_f32(from)
#define vec_add(x, y)    vaddq_f32(x, y)

static inline vec vec_load_part(const float *from, part lanes) {
    float all[LANES] = {0};
    memcpy(all, from, (size_t)lanes * sizeof *all);
    return vld1q_f32(all);
}

static inline void vec_store_part(float *to, part lanes, vec x) {
    float all[LANES];
    vst1q_f32(all, x);
    memcpy(to, all, (size_t)lanes * sizeof *all);
}

/* out[k * out_row + i] = in[i * in_row + k], i < n <= 4, k < 4 */
static inline void transpose_square(float *out, ptrdiff_t out_row, const float *in, ptrdiff_t in_row, int n) {
    vec r[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) r[i] = i < n ? vld1q_f32(in + i * in_row) : vdupq_n_f32(0);
    const vec even = vtrn1q_f32(r[0], r[1]), odd = vtrn2q_f32(r[0], r[1]);
    const vec even2 = vtrn1q_f32(r[2], r[3]), odd2 = vtrn2q_f32(r[2], r[3]);
    r[0] = vcombine_f32(vget_low_f32(even), vget_low_f32(even2));
    r[1] = vcombine_f32(vget_low_f32(odd), vget_low_f32(odd2));
    r[2] = vcombine_f32(vget_high_f32(even), vget_high_f32(even2));
    r[3] = vcombine_f32(vget_high_f32(odd), vget_high_f32(odd2));
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        if (n == 4)
            vst1q_f32(out + k * out_row, r[k]);
        else
            vec_store_part(out + k * out_row, n, r[k]);
    }
}

#include "core/nn/tiles_body.h"

static const ein_tiles table = {ROWS, 2 * LANES, 256, 192, tile, transpose, copy};
const ein_tiles *const ein_tiles_neon = &table;
#else
const ein_tiles *const ein_tiles_neon = NULL;
#endif
