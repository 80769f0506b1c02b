/* The source of core/nn/loops.h: included once per set of vector instructions by a file that includes that and
 * defines PIECE, the values of one of its vectors (a divisor of 16), and TURN(x, by), whose lane i is x's (i + by)
 * modulo PIECE, `by` a constant. Compiled without contraction. */
#include <math.h>
#include <string.h>

#include "core/nn/erf.h"
#include "core/nn/terms.h"

#define INLINE static inline __attribute__((always_inline))

/* --- sums in 16 lanes ---------------------------------------------------------------------------------- */

enum { LANES = 16, PIECES = LANES / PIECE };
typedef real piece __attribute__((vector_size(PIECE * sizeof(real)), aligned(sizeof(real)), may_alias));
typedef struct {
    piece part[PIECES];
} lanes;

#define EACH_PIECE(i) _Pragma("GCC unroll 16") for (int i = 0; i < PIECES; i++)

INLINE lanes lanes_zero(void) {
    lanes x;
    EACH_PIECE(i) x.part[i] = (piece){0};
    return x;
}

INLINE lanes lanes_all(real value) {
    lanes x;
    EACH_PIECE(i) x.part[i] = (piece){0} + value;
    return x;
}

INLINE lanes lanes_load(const real *from) {
    lanes x;
    EACH_PIECE(i) x.part[i] = ((const piece *)from)[i];
    return x;
}

/* The first n values; the other lanes are 0. */
INLINE lanes lanes_load_part(const real *from, int n) {
    real all[LANES] = {0};
    for (int i = 0; i < n; i++) all[i] = from[i];
    return lanes_load(all);
}

INLINE lanes lanes_add(lanes a, lanes b) {
    EACH_PIECE(i) a.part[i] += b.part[i];
    return a;
}

INLINE lanes lanes_times(lanes a, lanes b) {
    EACH_PIECE(i) a.part[i] *= b.part[i];
    return a;
}

INLINE lanes lanes_less(lanes a, real x) {
    EACH_PIECE(i) a.part[i] -= x;
    return a;
}

/* A vector's comparisons: all bits of a lane set where they hold. */
#ifdef EIN_REAL_DOUBLE
typedef int64_t word;
#else
typedef int32_t word;
#endif
typedef word words __attribute__((vector_size(PIECE * sizeof(real)), aligned(sizeof(real)), may_alias));

/* The first n lanes of a, the others of b. */
INLINE lanes lanes_first(lanes a, lanes b, int n) {
    static const word index[LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    EACH_PIECE(i) {
        const words from_a = ((const words *)index)[i] < (word)n;
        a.part[i] = (piece)(((words)a.part[i] & from_a) | ((words)b.part[i] & ~from_a));
    }
    return a;
}

/* The larger ones; a's where they are not numbers. */
INLINE piece piece_larger(piece a, piece b) {
    const words from_b = b > a;
    return (piece)(((words)b & from_b) | ((words)a & ~from_b));
}

INLINE lanes lanes_larger(lanes a, lanes b) {
    EACH_PIECE(i) a.part[i] = piece_larger(a.part[i], b.part[i]);
    return a;
}

INLINE lanes lanes_scaled(lanes a, real factor) {
    EACH_PIECE(i) a.part[i] *= factor;
    return a;
}

INLINE void lanes_store(real *to, lanes x) {
    EACH_PIECE(i)((piece *)to)[i] = x.part[i];
}

/* The lanes' sum: 8 and 8, 4 and 4, 2 and 2, 1 and 1. */
#define LANES_FOLD(x, join)                                                           \
    do {                                                                              \
        _Pragma("GCC unroll 4") for (int half = PIECES / 2; half > 0; half /= 2)      \
            _Pragma("GCC unroll 8") for (int i = 0; i < half; i++)(x)                 \
                .part[i] = join((x).part[i], (x).part[i + half]);                     \
        if (PIECE > 8) (x).part[0] = join((x).part[0], TURN((x).part[0], 8 % PIECE)); \
        if (PIECE > 4) (x).part[0] = join((x).part[0], TURN((x).part[0], 4 % PIECE)); \
        if (PIECE > 2) (x).part[0] = join((x).part[0], TURN((x).part[0], 2 % PIECE)); \
        (x).part[0] = join((x).part[0], TURN((x).part[0], 1));                        \
    } while (0)

INLINE piece piece_sum(piece a, piece b) {
    return a + b;
}

INLINE real lanes_total(lanes x) {
    LANES_FOLD(x, piece_sum);
    return x.part[0][0];
}

/* The largest lane. */
INLINE real lanes_top(lanes x) {
    LANES_FOLD(x, piece_larger);
    return x.part[0][0];
}

/* sum = sum over c < n of TERM, in lanes: WHOLE for 16 values from c on, PART for the `left` last ones. */
#define LANE_SUM(sum, n, whole, rest)                                             \
    do {                                                                          \
        lanes running = lanes_zero();                                             \
        int c = 0;                                                                \
        for (; c + LANES <= (n); c += LANES) running = lanes_add(running, whole); \
        const int left = (n)-c;                                                   \
        if (left > 0) running = lanes_add(running, rest);                         \
        (sum) = lanes_total(running);                                             \
    } while (0)

static real loop_dot(const real *a, const real *b, int n) {
    real sum;
    LANE_SUM(sum, n, lanes_times(lanes_load(a + c), lanes_load(b + c)),
             lanes_times(lanes_load_part(a + c, left), lanes_load_part(b + c, left)));
    return sum;
}

/* --- values one by one --------------------------------------------------------------------------------- */

static void loop_vector_add(real *into, const real *from, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) into[i] += from[i];
}

static void loop_add_scaled(real *into, const real *from, real factor, int n) {
#pragma omp simd
    for (int i = 0; i < n; i++) into[i] = ein_fused(factor, from[i], into[i]);
}

/* out (N) = column sums of in (M,N), rows added in order. */
static void loop_column_sums(real *out, const real *in, int M, int N) {
    memset(out, 0, (size_t)N * sizeof *out);
    for (int m = 0; m < M; m++) {
        const real *row = in + (size_t)m * (size_t)N;
#pragma omp simd
        for (int n = 0; n < N; n++) out[n] += EIN_TERM(LINEAR_DBIAS) * row[n];
    }
}

static void loop_gelu_forward(real *out, real *slope, const real *in, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const real x = in[i];
        real cdf, pdf;
        ein_normal_fast(x, &cdf, &pdf);
        out[i] = x * cdf;
        slope[i] = ein_fused(EIN_TERM(GELU_PDF) * x, pdf, EIN_TERM(GELU_CDF) * cdf);
    }
}

static void loop_gelu_backward(real *din, const real *dout, const real *slope, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) din[i] = EIN_TERM(GELU_CHAIN) * dout[i] * slope[i];
}

static void loop_adamw(real *restrict p, real *restrict m, real *restrict v, const real *restrict g,
                       int64_t n, const ein_adamw_factors *factors) {
    const ein_adamw_factors f = *factors;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        m[i] = ein_fused(f.b1, m[i], f.c1 * g[i]);
        v[i] = ein_fused(f.b2, v[i], f.c2 * g[i] * g[i]);
#ifdef EIN_REAL_DOUBLE
        const real s = sqrt(v[i]);
#else
        const real s = sqrtf(v[i]);
#endif
        p[i] = ein_fused(f.keep, p[i], -f.rate * m[i] / ein_fused(s, f.root, f.eps));
    }
}

/* --- layer normalisation ------------------------------------------------------------------------------- */

static void loop_layernorm_forward(real *out, real *mean, real *rstd, const real *in, const real *w,
                                   const real *b, int M, int C, double eps) {
    for (int m = 0; m < M; m++) {
        const real *x = in + (size_t)m * (size_t)C;
        real *o = out + (size_t)m * (size_t)C;
        real sum, square;
        LANE_SUM(sum, C, lanes_load(x + c), lanes_load_part(x + c, left));
        const real mu = sum / (real)C;
        lanes running = lanes_zero();
        int c = 0;
        for (; c + LANES <= C; c += LANES) {
            const lanes off = lanes_less(lanes_load(x + c), mu);
            running = lanes_add(running, lanes_times(off, off));
        }
        real rest[LANES] = {0};
        for (int i = 0; i < C - c; i++) rest[i] = (x[c + i] - mu) * (x[c + i] - mu);
        square = lanes_total(lanes_add(running, lanes_load(rest)));
        const real r = (real)(1.0 / sqrt((double)square / C + eps));
#pragma omp simd
        for (int i = 0; i < C; i++) o[i] = ein_fused((x[i] - mu) * r, w[i], b[i]);
        mean[m] = mu;
        rstd[m] = r;
    }
}

/* With n = (x - mu) r and g = dy w: dx = r (g - mean(g) - n mean(g n)). */
static void row_backward(real *dx, const real *dy, const real *x, const real *w, real mu, real r, int C) {
    lanes sum_g = lanes_zero(), sum_gn = lanes_zero();
    int c = 0;
    for (; c + LANES <= C; c += LANES) {
        const lanes g = lanes_times(lanes_load(dy + c), lanes_load(w + c));
        sum_g = lanes_add(sum_g, g);
        sum_gn = lanes_add(sum_gn, lanes_times(g, lanes_less(lanes_load(x + c), mu)));
    }
    real g[LANES] = {0}, gn[LANES] = {0};
    for (int i = 0; i < C - c; i++) {
        g[i] = dy[c + i] * w[c + i];
        gn[i] = g[i] * (x[c + i] - mu);
    }
    const real total_g = lanes_total(lanes_add(sum_g, lanes_load(g)));
    const real total_gn = lanes_total(lanes_add(sum_gn, lanes_load(gn)));
    const real mean_g = total_g * (EIN_TERM(NORM_DX_MEAN) / (real)C);
    const real slope = total_gn * r * (EIN_TERM(NORM_DX_VARIANCE) / (real)C) * r;
#pragma omp simd
    for (int i = 0; i < C; i++) {
        const real direct = ein_fused(EIN_TERM(NORM_DX_DIRECT) * dy[i], w[i], -mean_g);
        dx[i] = ein_fused(r, ein_fused(mu - x[i], slope, direct), dx[i]);
    }
}

static void loop_layernorm_backward(real *din, real *dw, real *db, const real *dout, const real *in,
                                    const real *w, const real *mean, const real *rstd, int M, int C) {
    if (dw) memset(dw, 0, (size_t)C * sizeof *dw);
    if (db) memset(db, 0, (size_t)C * sizeof *db);
    for (int m = 0; m < M; m++) {
        const real *x = in + (size_t)m * (size_t)C, *dy = dout + (size_t)m * (size_t)C;
        const real mu = mean[m], r = rstd[m];
        if (dw) {
#pragma omp simd
            for (int c = 0; c < C; c++) dw[c] = ein_fused(EIN_TERM(NORM_DW) * dy[c], (x[c] - mu) * r, dw[c]);
        }
        if (db) {
#pragma omp simd
            for (int c = 0; c < C; c++) db[c] += EIN_TERM(NORM_DB) * dy[c];
        }
        row_backward(din + (size_t)m * (size_t)C, dy, x, w, mu, r, C);
    }
}

/* --- softmax ------------------------------------------------------------------------------------------- */

/* Rows end with whole vectors: what lies behind their n values is kept out of everything. */

INLINE lanes lanes_exp(lanes x) {
    real all[LANES];
    memcpy(all, x.part, sizeof all);
#pragma omp simd
    for (int i = 0; i < LANES; i++) all[i] = ein_exp_fast(all[i]);
    return lanes_load(all);
}

static void loop_softmax(real *x, int rows, int n, int stride, real scale) {
    for (int row = 0; row < rows; row++, x += stride) {
        const lanes first = lanes_all(x[0]);
        lanes top = first, running = lanes_zero();
        for (int c = 0; c < n; c += LANES)
            top = lanes_larger(top, lanes_first(lanes_load(x + c), first, n - c));
        const real most = lanes_top(top);
        for (int c = 0; c < n; c += LANES) {
            const lanes below = lanes_first(lanes_less(lanes_load(x + c), most), lanes_zero(), n - c);
            const lanes e = lanes_first(lanes_exp(lanes_scaled(below, scale)), lanes_zero(), n - c);
            running = lanes_add(running, e);
            lanes_store(x + c, e);
        }
        const real inverse = 1 / lanes_total(running);
        for (int c = 0; c < n; c += LANES) lanes_store(x + c, lanes_scaled(lanes_load(x + c), inverse));
        for (int c = (n + LANES - 1) / LANES * LANES; c < stride; c++) x[c] = 0;
    }
}

/* P = softmax(S):  dS = P (dP - sum(P dP)) row by row */
static void loop_softmax_backward(real *d, const real *p, int rows, int n, int stride, real scale) {
    for (int row = 0; row < rows; row++, d += stride, p += stride) {
        lanes running = lanes_zero();
        for (int c = 0; c < n; c += LANES)
            running = lanes_add(
                running, lanes_first(lanes_times(lanes_load(p + c), lanes_load(d + c)), lanes_zero(), n - c));
        const real mean = EIN_TERM(ATTENTION_DS_MEAN) * lanes_total(running);
        for (int c = 0; c < n; c += LANES) {
            const lanes off = lanes_less(lanes_scaled(lanes_load(d + c), EIN_TERM(ATTENTION_DP)), mean);
            const lanes whole = lanes_times(lanes_scaled(lanes_load(p + c), scale), off);
            lanes_store(d + c, lanes_first(whole, lanes_zero(), n - c));
        }
    }
}

static const ein_loops loops_table = {
    .vector_add = loop_vector_add,
    .column_sums = loop_column_sums,
    .layernorm_forward = loop_layernorm_forward,
    .layernorm_backward = loop_layernorm_backward,
    .gelu_forward = loop_gelu_forward,
    .gelu_backward = loop_gelu_backward,
    .softmax = loop_softmax,
    .softmax_backward = loop_softmax_backward,
    .adamw = loop_adamw,
    .dot = loop_dot,
    .add_scaled = loop_add_scaled,
};
