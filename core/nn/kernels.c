#include "core/nn/kernels.h"

#include <math.h>

#include "core/nn/loops.h"
#include "core/nn/products.h"
#include "core/nn/terms.h"

#ifdef EIN_REAL_DOUBLE
#define ONE(name) 1,
double ein_term_factor[TERM_COUNT] = {EIN_TERMS(ONE)};
#endif

void vector_add(real *into, const real *from, size_t n) {
    ein_loops_in_use()->vector_add(into, from, n);
}

/* --- linear ------------------------------------------------------------------------------------------- */

void linear_forward(real *out, const real *in, ein_weight w, const real *bias, int M, int K, int N) {
    product_linear(out, NULL, in, w, bias, M, K, N);
}

void linear_residual_forward(real *out, const real *residual, const real *in, ein_weight w, const real *bias,
                             int M, int K, int N) {
    product_linear(out, residual, in, w, bias, M, K, N);
}

void linear_backward(real *din, real *dw, real *dbias, const real *dout, const real *in, ein_weight w, int M,
                     int K, int N) {
    if (din) product_inputs(din, dout, w, M, K, N, EIN_TERM(LINEAR_DIN));
    if (dw) product_tn(dw, dout, in, N, K, M, EIN_TERM(LINEAR_DW));
    if (dbias) ein_loops_in_use()->column_sums(dbias, dout, M, N);
}

/* --- layers without products -------------------------------------------------------------------------- */

void layernorm_forward(real *out, real *mean, real *rstd, const real *in, const real *w, const real *b, int M,
                       int C, double eps) {
    ein_loops_in_use()->layernorm_forward(out, mean, rstd, in, w, b, M, C, eps);
}

void layernorm_backward(real *din, real *dw, real *db, const real *dout, const real *in, const real *w,
                        const real *mean, const real *rstd, int M, int C) {
    ein_loops_in_use()->layernorm_backward(din, dw, db, dout, in, w, mean, rstd, M, C);
}

void gelu_forward(real *out, real *slope, const real *in, size_t n) {
    ein_loops_in_use()->gelu_forward(out, slope, in, n);
}

void gelu_backward(real *din, const real *dout, const real *slope, size_t n) {
    ein_loops_in_use()->gelu_backward(din, dout, slope, n);
}

/* --- attention ----------------------------------------------------------------------------------------- */

/* Products of one head are own ones whatever the others are: too small for a BLAS to pay, and they read q, k and v
 * where they lie, among those of the other heads. */

int attention_stride(int T) {
    return (T + 15) / 16 * 16;
}

size_t attention_scratch(int T, int D) {
    (void)D;
    return (size_t)T * (size_t)attention_stride(T);
}

/* An operand as rows (step from one to the next) of values that lie side by side. */
typedef struct {
    const real *x;
    ptrdiff_t row;
} rows_of;

/* c (m,n) = a (m,depth) b (n,depth)^T */
static void times_turned(real *c, ptrdiff_t c_row, rows_of a, rows_of b, int m, int n, int depth) {
    ein_product_of(c, c_row, NULL, (ein_operand){a.x, a.row, 1}, (ein_operand){b.x, 1, b.row}, m, n, depth);
}

/* c (m,n) = a (m,depth) b (depth,n) */
static void times(real *c, ptrdiff_t c_row, rows_of a, rows_of b, int m, int n, int depth) {
    ein_product_of(c, c_row, NULL, (ein_operand){a.x, a.row, 1}, (ein_operand){b.x, b.row, 1}, m, n, depth);
}

/* c (m,n) = a (depth,m)^T b (depth,n) */
static void turned_times(real *c, ptrdiff_t c_row, rows_of a, rows_of b, int m, int n, int depth) {
    ein_product_of(c, c_row, NULL, (ein_operand){a.x, 1, a.row}, (ein_operand){b.x, b.row, 1}, m, n, depth);
}

/* For checks of gradients; in float the factor is 1 and nothing happens. */
static void scale_rows(real *x, ptrdiff_t row, int m, int n, real factor) {
    if (factor == 1) return;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) x[i * row + j] *= factor;
}

/* One head of one record: q, g and out have Q rows, k and v T. */
typedef struct {
    int Q, T, D;
    rows_of q, k, v;
} head;

static void head_forward(real *out, ptrdiff_t out_row, real *p, const head *h) {
    const int Tp = attention_stride(h->T);
    times_turned(p, Tp, h->q, h->k, h->Q, h->T, h->D);
    ein_loops_in_use()->softmax(p, h->Q, h->T, Tp, (real)(1.0 / sqrt((double)h->D)));
    times(out, out_row, (rows_of){p, Tp}, h->v, h->Q, h->D, h->T);
}

/* dk and dv have rows as far apart as k and v. */
static void head_backward(real *dq, real *dk, real *dv, real *scratch, rows_of g, rows_of p, const head *h) {
    const int Q = h->Q, T = h->T, D = h->D, Tp = attention_stride(T);
    const ptrdiff_t row = h->k.row;
    const rows_of ds = {scratch, Tp};
    /* out = P v:  dv = P^T g,  dP = g v^T */
    turned_times(dv, row, p, g, T, D, Q);
    scale_rows(dv, row, T, D, EIN_TERM(ATTENTION_DV));
    times_turned(scratch, Tp, g, h->v, Q, T, D);
    /* P = softmax(scale q k^T): with dS that of q k^T,  dq = dS k,  dk = dS^T q */
    ein_loops_in_use()->softmax_backward(scratch, p.x, Q, T, Tp, (real)(1.0 / sqrt((double)D)));
    times(dq, h->q.row, ds, h->k, Q, D, T);
    scale_rows(dq, h->q.row, Q, D, EIN_TERM(ATTENTION_DQ));
    turned_times(dk, row, ds, h->q, T, D, Q);
    scale_rows(dk, row, T, D, EIN_TERM(ATTENTION_DK));
}

/* Head i of record b; q's rows begin at q_first + b Q q_row, those of k and v likewise with T. */
static head head_of(const real *q, ptrdiff_t q_row, const real *k, const real *v, ptrdiff_t row, int b, int i,
                    int Q, int T, int D) {
    const ptrdiff_t at = (ptrdiff_t)b * T * row + (ptrdiff_t)i * D;
    return (head){
        Q, T, D, {q + (ptrdiff_t)b * Q * q_row + (ptrdiff_t)i * D, q_row}, {k + at, row}, {v + at, row}};
}

void attention_forward(real *out, real *prob, real *scratch, const real *qkv, int B, int T, int C, int H) {
    const int D = C / H, Tp = attention_stride(T), row = 3 * C;
    (void)scratch;
    for (int b = 0; b < B; b++)
        for (int i = 0; i < H; i++) {
            const head h = head_of(qkv, row, qkv + C, qkv + 2 * C, row, b, i, T, T, D);
            head_forward(out + (size_t)b * T * C + (size_t)i * D, C, prob + ((size_t)b * H + i) * T * Tp, &h);
        }
}

void attention_backward(real *dqkv, real *scratch, const real *dout, const real *qkv, const real *prob, int B,
                        int T, int C, int H) {
    const int D = C / H, Tp = attention_stride(T), row = 3 * C;
    for (int b = 0; b < B; b++)
        for (int i = 0; i < H; i++) {
            const head h = head_of(qkv, row, qkv + C, qkv + 2 * C, row, b, i, T, T, D);
            real *dq = dqkv + (size_t)b * T * row + (size_t)i * D;
            head_backward(dq, dq + C, dq + 2 * C, scratch,
                          (rows_of){dout + (size_t)b * T * C + (size_t)i * D, C},
                          (rows_of){prob + ((size_t)b * H + i) * T * Tp, Tp}, &h);
        }
}

void attention_rows_forward(real *out, real *prob, const real *q, const real *kv, int B, int Q, int T, int C,
                            int H) {
    const int D = C / H, Tp = attention_stride(T), row = 2 * C;
    for (int b = 0; b < B; b++)
        for (int i = 0; i < H; i++) {
            const head h = head_of(q, C, kv, kv + C, row, b, i, Q, T, D);
            head_forward(out + (size_t)b * Q * C + (size_t)i * D, C, prob + ((size_t)b * H + i) * Q * Tp, &h);
        }
}

void attention_rows_backward(real *dq, real *dkv, real *scratch, const real *dout, const real *q,
                             const real *kv, const real *prob, int B, int Q, int T, int C, int H) {
    const int D = C / H, Tp = attention_stride(T), row = 2 * C;
    for (int b = 0; b < B; b++)
        for (int i = 0; i < H; i++) {
            const head h = head_of(q, C, kv, kv + C, row, b, i, Q, T, D);
            const size_t at = (size_t)b * Q * C + (size_t)i * D;
            real *dk = dkv + (size_t)b * T * row + (size_t)i * D;
            head_backward(dq + at, dk, dk + C, scratch, (rows_of){dout + at, C},
                          (rows_of){prob + ((size_t)b * H + i) * Q * Tp, Tp}, &h);
        }
}
