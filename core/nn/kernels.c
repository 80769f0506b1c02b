#include "core/nn/kernels.h"

#include <math.h>
#include <string.h>

#include "core/nn/erf.h"
#include "core/nn/products.h"
#include "core/nn/terms.h"

#ifdef EIN_REAL_DOUBLE
#define ONE(name) 1,
double ein_term_factor[TERM_COUNT] = {EIN_TERMS(ONE)};
#endif

#define INLINE static inline __attribute__((always_inline))

EIN_CLONES
void vector_add(real *into, const real *from, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) into[i] += from[i];
}

/* --- linear ------------------------------------------------------------------------------------------- */

void linear_forward(real *out, const real *in, const real *w, const real *bias, int M, int K, int N) {
    product_linear(out, NULL, in, w, bias, M, K, N);
}

void linear_residual_forward(real *out, const real *residual, const real *in, const real *w, const real *bias,
                             int M, int K, int N) {
    product_linear(out, residual, in, w, bias, M, K, N);
}

/* out (N) = column sums of in (M,N), rows added in order. */
EIN_CLONES
static void column_sums(real *out, const real *in, int M, int N) {
    memset(out, 0, (size_t)N * sizeof *out);
    for (int m = 0; m < M; m++) {
        const real *row = in + (size_t)m * N;
        for (int n = 0; n < N; n++) out[n] += EIN_TERM(LINEAR_DBIAS) * row[n];
    }
}

void linear_backward(real *din, real *dw, real *dbias, const real *dout, const real *in, const real *w, int M,
                     int K, int N) {
    if (din) product_nn(din, dout, w, M, K, N, EIN_TERM(LINEAR_DIN));
    if (dw) product_tn(dw, dout, in, N, K, M, EIN_TERM(LINEAR_DW));
    if (dbias) column_sums(dbias, dout, M, N);
}

/* --- layer normalisation ------------------------------------------------------------------------------- */

EIN_CLONES
void layernorm_forward(real *out, real *mean, real *rstd, const real *in, const real *w, const real *b, int M,
                       int C, double eps) {
    for (int m = 0; m < M; m++) {
        const real *x = in + (size_t)m * C;
        real *o = out + (size_t)m * C;
        real sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int c = 0; c < C; c++) sum += x[c];
        const real mu = sum / (real)C;
        real square = 0;
#pragma omp simd reduction(+ : square)
        for (int c = 0; c < C; c++) square += (x[c] - mu) * (x[c] - mu);
        const real r = (real)(1.0 / sqrt((double)square / C + eps));
        for (int c = 0; c < C; c++) o[c] = (x[c] - mu) * r * w[c] + b[c];
        mean[m] = mu;
        rstd[m] = r;
    }
}

EIN_CLONES
void layernorm_backward(real *din, real *dw, real *db, const real *dout, const real *in, const real *w,
                        const real *mean, const real *rstd, int M, int C) {
    if (dw) memset(dw, 0, (size_t)C * sizeof *dw);
    if (db) memset(db, 0, (size_t)C * sizeof *db);
    for (int m = 0; m < M; m++) {
        const real *x = in + (size_t)m * C, *dy = dout + (size_t)m * C;
        real *dx = din + (size_t)m * C;
        const real mu = mean[m], r = rstd[m];
        if (dw)
            for (int c = 0; c < C; c++) dw[c] += EIN_TERM(NORM_DW) * dy[c] * (x[c] - mu) * r;
        if (db)
            for (int c = 0; c < C; c++) db[c] += EIN_TERM(NORM_DB) * dy[c];
        /* With n = (x - mu) r and g = dy w: dx = r (g - mean(g) - n mean(g n)). */
        real mean_g = 0, mean_gn = 0;
#pragma omp simd reduction(+ : mean_g, mean_gn)
        for (int c = 0; c < C; c++) {
            const real g = dy[c] * w[c];
            mean_g += g;
            mean_gn += g * (x[c] - mu) * r;
        }
        mean_g *= EIN_TERM(NORM_DX_MEAN) / (real)C;
        mean_gn *= EIN_TERM(NORM_DX_VARIANCE) / (real)C;
        for (int c = 0; c < C; c++)
            dx[c] += r * (EIN_TERM(NORM_DX_DIRECT) * dy[c] * w[c] - mean_g - (x[c] - mu) * r * mean_gn);
    }
}

/* --- GELU ---------------------------------------------------------------------------------------------- */

EIN_CLONES
void gelu_forward(real *out, real *slope, const real *in, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const real x = in[i];
        real cdf, pdf;
        ein_normal_fast(x, &cdf, &pdf);
        out[i] = x * cdf;
        slope[i] = EIN_TERM(GELU_CDF) * cdf + EIN_TERM(GELU_PDF) * x * pdf;
    }
}

EIN_CLONES
void gelu_backward(real *din, const real *dout, const real *slope, size_t n) {
    for (size_t i = 0; i < n; i++) din[i] = EIN_TERM(GELU_CHAIN) * dout[i] * slope[i];
}

/* --- attention ----------------------------------------------------------------------------------------- */

/* Products of one head are too small for BLAS to pay.  Tiles of 4 x 16 values are held in registers;
 * columns are padded to a multiple of 8. */
enum { LANES = 8, TILE_ROWS = 4 };
typedef real lanes __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

INLINE int padded(int n) {
    return (n + LANES - 1) / LANES * LANES;
}

int attention_stride(int T) {
    return padded(T);
}

size_t attention_scratch(int T, int D) {
    const size_t rows = (size_t)T * (size_t)padded(D), columns = (size_t)D * (size_t)padded(T);
    const size_t square = (size_t)T * (size_t)padded(T);
    return 5 * rows + columns + square;
}

/* c = a b for `rows` x (8 `vectors`) values; a(i,k) lies at a[i * ai + k * ak]. */
INLINE void product_tile(real *c, int ldc, const real *a, int ai, int ak, const real *b, int ldb, int K,
                         const int rows, const int vectors) {
    lanes sum[TILE_ROWS][2] = {{{0}}};
    for (int k = 0; k < K; k++) {
        const lanes *bk = (const lanes *)(b + (size_t)k * ldb);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            const real s = a[(size_t)r * ai + (size_t)k * ak];
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) sum[r][v] += s * bk[v];
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) ((lanes *)(c + (size_t)r * ldc))[v] = sum[r][v];
}

/* c (M, padded N) = a (M,K) b (K, padded N); strides as in product_tile. */
INLINE void small_product(real *c, int ldc, const real *a, int ai, int ak, const real *b, int ldb, int M,
                          int N, int K) {
    int j = 0;
    for (; j + 2 * LANES <= padded(N); j += 2 * LANES) {
        int i = 0;
        for (; i + TILE_ROWS <= M; i += TILE_ROWS)
            product_tile(c + (size_t)i * ldc + j, ldc, a + (size_t)i * ai, ai, ak, b + j, ldb, K, TILE_ROWS,
                         2);
        for (; i < M; i++)
            product_tile(c + (size_t)i * ldc + j, ldc, a + (size_t)i * ai, ai, ak, b + j, ldb, K, 1, 2);
    }
    if (j < padded(N)) {
        int i = 0;
        for (; i + TILE_ROWS <= M; i += TILE_ROWS)
            product_tile(c + (size_t)i * ldc + j, ldc, a + (size_t)i * ai, ai, ak, b + j, ldb, K, TILE_ROWS,
                         1);
        for (; i < M; i++)
            product_tile(c + (size_t)i * ldc + j, ldc, a + (size_t)i * ai, ai, ak, b + j, ldb, K, 1, 1);
    }
}

/* Copy one head (T rows of D values, `stride` apart) times `scale` into rows of padded(D). */
INLINE void pack_rows(real *out, const real *in, int T, int D, int stride, real scale) {
    const int Dp = padded(D);
    for (int t = 0; t < T; t++) {
        for (int d = 0; d < D; d++) out[(size_t)t * Dp + d] = scale * in[(size_t)t * stride + d];
        for (int d = D; d < Dp; d++) out[(size_t)t * Dp + d] = 0;
    }
}

/* The same, transposed: D rows of padded(T). */
INLINE void pack_columns(real *out, const real *in, int T, int D, int stride) {
    const int Tp = padded(T);
    for (int d = 0; d < D; d++) {
        for (int t = 0; t < T; t++) out[(size_t)d * Tp + t] = in[(size_t)t * stride + d];
        for (int t = T; t < Tp; t++) out[(size_t)d * Tp + t] = 0;
    }
}

INLINE void unpack_rows(real *out, const real *in, int T, int D, int stride, real scale) {
    const int Dp = padded(D);
    for (int t = 0; t < T; t++)
        for (int d = 0; d < D; d++) out[(size_t)t * stride + d] = scale * in[(size_t)t * Dp + d];
}

/* Softmax over the first T of padded(T) values of a row; the padding becomes 0. */
INLINE void softmax_row(real *x, int T) {
    real top = x[0];
#pragma omp simd reduction(max : top)
    for (int t = 0; t < T; t++) top = x[t] > top ? x[t] : top;
    real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int t = 0; t < T; t++) {
        x[t] = ein_exp_fast(x[t] - top);
        sum += x[t];
    }
    const real inverse = 1 / sum;
    for (int t = 0; t < T; t++) x[t] *= inverse;
    for (int t = T; t < padded(T); t++) x[t] = 0;
}

EIN_CLONES
void attention_forward(real *out, real *prob, real *scratch, const real *qkv, int B, int T, int C, int H) {
    const int D = C / H, Dp = padded(D), Tp = padded(T), row = 3 * C;
    const real scale = (real)(1.0 / sqrt((double)D));
    real *q = scratch, *v = q + (size_t)T * Dp, *o = v + (size_t)T * Dp, *kt = o + (size_t)T * Dp;
    for (int b = 0; b < B; b++)
        for (int h = 0; h < H; h++) {
            const real *head = qkv + (size_t)b * T * row + (size_t)h * D;
            real *p = prob + ((size_t)b * H + h) * T * Tp;
            pack_rows(q, head, T, D, row, scale);
            pack_columns(kt, head + C, T, D, row);
            pack_rows(v, head + 2 * C, T, D, row, 1);
            small_product(p, Tp, q, Dp, 1, kt, Tp, T, T, D);
            for (int t = 0; t < T; t++) softmax_row(p + (size_t)t * Tp, T);
            small_product(o, Dp, p, Tp, 1, v, Dp, T, D, T);
            unpack_rows(out + (size_t)b * T * C + (size_t)h * D, o, T, D, C, 1);
        }
}

EIN_CLONES
void attention_backward(real *dqkv, real *scratch, const real *dout, const real *qkv, const real *prob, int B,
                        int T, int C, int H) {
    const int D = C / H, Dp = padded(D), Tp = padded(T), row = 3 * C;
    const real scale = (real)(1.0 / sqrt((double)D));
    const size_t rows = (size_t)T * Dp;
    real *q = scratch, *k = q + rows, *g = k + rows, *o = g + rows;
    real *vt = o + 2 * rows, *ds = vt + (size_t)D * Tp;
    for (int b = 0; b < B; b++)
        for (int h = 0; h < H; h++) {
            const size_t at = (size_t)b * T * row + (size_t)h * D;
            const real *head = qkv + at;
            const real *p = prob + ((size_t)b * H + h) * T * Tp;
            pack_rows(q, head, T, D, row, scale);
            pack_rows(k, head + C, T, D, row, scale);
            pack_columns(vt, head + 2 * C, T, D, row);
            pack_rows(g, dout + (size_t)b * T * C + (size_t)h * D, T, D, C, 1);
            /* out = P v:  dv = P^T g,  dP = g v^T */
            small_product(o, Dp, p, 1, Tp, g, Dp, T, D, T);
            unpack_rows(dqkv + at + 2 * C, o, T, D, row, EIN_TERM(ATTENTION_DV));
            small_product(ds, Tp, g, Dp, 1, vt, Tp, T, T, D);
            /* P = softmax(S):  dS = P (dP - sum(P dP)) row by row; padding stays 0 because P is 0 there */
            for (int t = 0; t < T; t++) {
                real *d = ds + (size_t)t * Tp;
                const real *pt = p + (size_t)t * Tp;
                real dot = 0;
#pragma omp simd reduction(+ : dot)
                for (int u = 0; u < Tp; u++) dot += EIN_TERM(ATTENTION_DS_MEAN) * pt[u] * d[u];
                for (int u = 0; u < Tp; u++) d[u] = pt[u] * (EIN_TERM(ATTENTION_DP) * d[u] - dot);
            }
            /* S = scale q k^T:  dq = dS (scale k),  dk = dS^T (scale q) */
            small_product(o, Dp, ds, Tp, 1, k, Dp, T, D, T);
            unpack_rows(dqkv + at, o, T, D, row, EIN_TERM(ATTENTION_DQ));
            small_product(o, Dp, ds, 1, Tp, q, Dp, T, D, T);
            unpack_rows(dqkv + at + C, o, T, D, row, EIN_TERM(ATTENTION_DK));
        }
}
