#include "core/nn/pooling.h"

#include <math.h>
#include <string.h>

#include "core/nn/erf.h"
#include "core/nn/loops.h"
#include "core/nn/terms.h"

void pool_mean_forward(real *out, const real *in, int B, int T, int C) {
    const real inverse = 1 / (real)(T - 1);
    for (int b = 0; b < B; b++) {
        real *o = out + (size_t)b * C;
        memset(o, 0, (size_t)C * sizeof *o);
        for (int t = 1; t < T; t++) {
            const real *x = in + ((size_t)b * T + t) * C;
            for (int c = 0; c < C; c++) o[c] += x[c];
        }
        for (int c = 0; c < C; c++) o[c] *= inverse;
    }
}

void pool_mean_backward(real *din, const real *dout, int B, int T, int C) {
    const real inverse = EIN_TERM(POOL_MEAN) / (real)(T - 1);
    for (int b = 0; b < B; b++) {
        const real *d = dout + (size_t)b * C;
        real *dx = din + (size_t)b * T * C;
        memset(dx, 0, (size_t)C * sizeof *dx);
        for (int t = 1; t < T; t++)
            for (int c = 0; c < C; c++) dx[(size_t)t * C + c] = inverse * d[c];
    }
}

/* p (T): softmax over tokens 1 .. T-1 of p, and 0 for CLS. */
static void softmax_patches(real *p, int T) {
    real top = p[1], sum = 0;
    for (int t = 2; t < T; t++) top = p[t] > top ? p[t] : top;
    for (int t = 1; t < T; t++) {
        p[t] = ein_exp_fast(p[t] - top);
        sum += p[t];
    }
    const real inverse = 1 / sum;
    for (int t = 1; t < T; t++) p[t] *= inverse;
    p[0] = 0;
}

static real dot(const real *a, const real *b, int n) {
    return ein_loops_in_use()->dot(a, b, n);
}

static void add_scaled(real *into, const real *from, real factor, int n) {
    ein_loops_in_use()->add_scaled(into, from, factor, n);
}

void pool_attention_forward(real *out, real *prob, const real *kv, const real *query, int B, int T, int C,
                            int H) {
    const int D = C / H;
    const real scale = (real)(1.0 / sqrt((double)D));
    memset(out, 0, (size_t)B * C * sizeof *out);
    for (int b = 0; b < B; b++)
        for (int h = 0; h < H; h++) {
            const real *q = query + (size_t)h * D;
            const real *k = kv + (size_t)b * T * 2 * C + (size_t)h * D, *v = k + C;
            real *p = prob + ((size_t)b * H + h) * T, *o = out + (size_t)b * C + (size_t)h * D;
            for (int t = 1; t < T; t++) p[t] = scale * dot(q, k + (size_t)t * 2 * C, D);
            softmax_patches(p, T);
            for (int t = 1; t < T; t++) add_scaled(o, v + (size_t)t * 2 * C, p[t], D);
        }
}

void pool_attention_backward(real *dkv, real *dquery, real *scratch, const real *dout, const real *kv,
                             const real *query, const real *prob, int B, int T, int C, int H) {
    const int D = C / H;
    const real scale = (real)(1.0 / sqrt((double)D));
    memset(dkv, 0, (size_t)B * T * 2 * C * sizeof *dkv);
    if (dquery) memset(dquery, 0, (size_t)C * sizeof *dquery);
    for (int b = 0; b < B; b++)
        for (int h = 0; h < H; h++) {
            const size_t at = (size_t)b * T * 2 * C + (size_t)h * D;
            const real *q = query + (size_t)h * D, *k = kv + at, *v = k + C;
            const real *p = prob + ((size_t)b * H + h) * T, *g = dout + (size_t)b * C + (size_t)h * D;
            real *dk = dkv + at, *dv = dk + C, *ds = scratch, mean = 0;
            /* out = sum of p v:  dv = p g,  dp = g . v */
            for (int t = 1; t < T; t++) {
                add_scaled(dv + (size_t)t * 2 * C, g, EIN_TERM(POOL_DV) * p[t], D);
                ds[t] = dot(g, v + (size_t)t * 2 * C, D);
                mean += EIN_TERM(POOL_DS_MEAN) * p[t] * ds[t];
            }
            /* p = softmax(s), s = scale q . k:  ds = p (dp - sum of p dp),  dk = ds scale q,  dq = sum of ds scale k */
            for (int t = 1; t < T; t++) {
                ds[t] = scale * p[t] * (EIN_TERM(POOL_DP) * ds[t] - mean);
                add_scaled(dk + (size_t)t * 2 * C, q, EIN_TERM(POOL_DK) * ds[t], D);
                if (dquery)
                    add_scaled(dquery + (size_t)h * D, k + (size_t)t * 2 * C, EIN_TERM(POOL_DQUERY) * ds[t],
                               D);
            }
        }
}
