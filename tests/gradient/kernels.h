/* The kernels of the transformer, one table of operation and shape for every way to try them: gradients against
 * differences and float against double (tests/gradient/test_gradients.c); each against its plain definition, and all
 * sets of vector instructions against each other, in shapes that leave tails and in those of the presets; and how fast
 * each set is (tests/unit/test_kernels.c). A new kernel is a row here.
 *
 * Shapes of presets are those of one record, encoder or decoder; products of `paper` have few rows, for the plain
 * definition's sake. Include it in double (EIN_REAL_DOUBLE).
 */
#ifndef EIN_TESTS_KERNELS_H
#define EIN_TESTS_KERNELS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/kernels.h"
#include "tests/gradient/check.h"

/* The float build of the same kernels, and what is ein_weight there. */
typedef struct {
    const float *values, *forward, *turned;
    int width;
} weight_f32;
void linear_forward_f32(float *, const float *, weight_f32, const float *, int, int, int);
void linear_residual_forward_f32(float *, const float *, const float *, weight_f32, const float *, int, int,
                                 int);
void linear_backward_f32(float *, float *, float *, const float *, const float *, weight_f32, int, int, int);
void layernorm_forward_f32(float *, float *, float *, const float *, const float *, const float *, int, int,
                           double);
void layernorm_backward_f32(float *, float *, float *, const float *, const float *, const float *,
                            const float *, const float *, int, int);
void gelu_forward_f32(float *, float *, const float *, size_t);
void gelu_backward_f32(float *, const float *, const float *, size_t);
void attention_forward_f32(float *, float *, float *, const float *, int, int, int, int);
void attention_backward_f32(float *, float *, const float *, const float *, const float *, int, int, int,
                            int);
void attention_rows_forward_f32(float *, float *, const float *, const float *, int, int, int, int, int);
void attention_rows_backward_f32(float *, float *, float *, const float *, const float *, const float *,
                                 const float *, int, int, int, int, int);

/* --- each as the table calls it --- */

static layout_of_op linear_sizes(const int s[]) {
    const size_t M = (size_t)s[0], K = (size_t)s[1], N = (size_t)s[2];
    return (layout_of_op){{M * K, N * K, N}, M * N, 3};
}
static void linear_plain(double *out, double *const in[], const int s[]) {
    for (int m = 0; m < s[0]; m++)
        for (int n = 0; n < s[2]; n++) {
            double sum = in[2][n];
            for (int k = 0; k < s[1]; k++)
                sum = noise_round(sum + noise_round(in[0][m * s[1] + k] * in[1][n * s[1] + k]));
            out[m * s[2] + n] = sum;
        }
}

static void linear_f(double *out, double *const in[], const int s[]) {
    linear_forward(out, in[0], (ein_weight){.values = in[1]}, in[2], s[0], s[1], s[2]);
}
static void linear_b(double *const din[], const double *dout, double *const in[], const int s[]) {
    linear_backward(din[0], din[1], din[2], dout, in[0], (ein_weight){.values = in[1]}, s[0], s[1], s[2]);
}
static void linear_f32(float *out, float *const din[], const float *dout, float *const in[], const int s[]) {
    linear_forward_f32(out, in[0], (weight_f32){.values = in[1]}, in[2], s[0], s[1], s[2]);
    linear_backward_f32(din[0], din[1], din[2], dout, in[0], (weight_f32){.values = in[1]}, s[0], s[1], s[2]);
}

static layout_of_op residual_sizes(const int s[]) {
    const size_t M = (size_t)s[0], K = (size_t)s[1], N = (size_t)s[2];
    return (layout_of_op){{M * K, N * K, N, M * N}, M * N, 4};
}
static void residual_plain(double *out, double *const in[], const int s[]) {
    linear_plain(out, in, s);
    for (int i = 0; i < s[0] * s[2]; i++) out[i] = noise_round(out[i] + in[3][i]);
}

static void residual_f(double *out, double *const in[], const int s[]) {
    linear_residual_forward(out, in[3], in[0], (ein_weight){.values = in[1]}, in[2], s[0], s[1], s[2]);
}
static void residual_b(double *const din[], const double *dout, double *const in[], const int s[]) {
    linear_b(din, dout, in, s);
    memcpy(din[3], dout, (size_t)s[0] * (size_t)s[2] * sizeof *dout);
}
static void residual_f32(float *out, float *const din[], const float *dout, float *const in[],
                         const int s[]) {
    linear_residual_forward_f32(out, in[3], in[0], (weight_f32){.values = in[1]}, in[2], s[0], s[1], s[2]);
    linear_backward_f32(din[0], din[1], din[2], dout, in[0], (weight_f32){.values = in[1]}, s[0], s[1], s[2]);
    memcpy(din[3], dout, (size_t)s[0] * (size_t)s[2] * sizeof *dout);
}

static layout_of_op norm_sizes(const int s[]) {
    const size_t M = (size_t)s[0], C = (size_t)s[1];
    return (layout_of_op){{M * C, C, C}, M * C, 3};
}
static void norm_plain(double *out, double *const in[], const int s[]) {
    const int C = s[1];
    for (int m = 0; m < s[0]; m++) {
        const double *x = in[0] + m * C;
        double sum = 0, square = 0;
        for (int c = 0; c < C; c++) sum = noise_round(sum + x[c]);
        const double mean = noise_round(sum / C);
        for (int c = 0; c < C; c++) square = noise_round(square + noise_round((x[c] - mean) * (x[c] - mean)));
        const double sd = noise_round(sqrt(square / C + 1e-6));
        for (int c = 0; c < C; c++)
            out[m * C + c] = noise_round(noise_round((x[c] - mean) / sd * in[1][c]) + in[2][c]);
    }
}

static void norm_f(double *out, double *const in[], const int s[]) {
    double *stats = new_values(2 * (size_t)s[0]);
    layernorm_forward(out, stats, stats + s[0], in[0], in[1], in[2], s[0], s[1], 1e-6);
    free(stats);
}
static void norm_b(double *const din[], const double *dout, double *const in[], const int s[]) {
    double *stats = new_values(2 * (size_t)s[0]), *out = new_values((size_t)s[0] * (size_t)s[1]);
    layernorm_forward(out, stats, stats + s[0], in[0], in[1], in[2], s[0], s[1], 1e-6);
    layernorm_backward(din[0], din[1], din[2], dout, in[0], in[1], stats, stats + s[0], s[0], s[1]);
    free(stats);
    free(out);
}
static void norm_f32(float *out, float *const din[], const float *dout, float *const in[], const int s[]) {
    float *stats = calloc(2 * (size_t)s[0], sizeof *stats);
    layernorm_forward_f32(out, stats, stats + s[0], in[0], in[1], in[2], s[0], s[1], 1e-6);
    layernorm_backward_f32(din[0], din[1], din[2], dout, in[0], in[1], stats, stats + s[0], s[0], s[1]);
    free(stats);
}

static layout_of_op gelu_sizes(const int s[]) {
    return (layout_of_op){{(size_t)s[0]}, (size_t)s[0], 1};
}
static void gelu_plain(double *out, double *const in[], const int s[]) {
    for (int i = 0; i < s[0]; i++)
        out[i] = noise_round(in[0][i] * noise_round(0.5 * erfc(-in[0][i] / sqrt(2))));
}

static void gelu_f(double *out, double *const in[], const int s[]) {
    double *slope = new_values((size_t)s[0]);
    gelu_forward(out, slope, in[0], (size_t)s[0]);
    free(slope);
}
static void gelu_b(double *const din[], const double *dout, double *const in[], const int s[]) {
    double *slope = new_values((size_t)s[0]), *out = new_values((size_t)s[0]);
    gelu_forward(out, slope, in[0], (size_t)s[0]);
    gelu_backward(din[0], dout, slope, (size_t)s[0]);
    free(slope);
    free(out);
}
static void gelu_f32(float *out, float *const din[], const float *dout, float *const in[], const int s[]) {
    float *slope = calloc((size_t)s[0], sizeof *slope);
    memcpy(slope, in[0], (size_t)s[0] * sizeof *slope); /* in place, as the block uses it */
    gelu_forward_f32(out, slope, slope, (size_t)s[0]);
    gelu_backward_f32(din[0], dout, slope, (size_t)s[0]);
    free(slope);
}

static layout_of_op attention_sizes(const int s[]) {
    const size_t rows = (size_t)s[0] * (size_t)s[1], C = (size_t)s[2];
    return (layout_of_op){{rows * 3 * C}, rows * C, 1};
}
static size_t prob_values(const int s[]) {
    return (size_t)s[0] * (size_t)s[3] * (size_t)s[1] * (size_t)attention_stride(s[1]);
}
/* One query of D values, and T keys and values that lie `step` apart. */
static void attend_plain(double *out, const double *q, const double *key, const double *value, int step,
                         int T, int D) {
    double *share = new_values((size_t)T), highest = -INFINITY, all = 0;
    for (int t = 0; t < T; t++) {
        for (int d = 0; d < D; d++)
            share[t] = noise_round(share[t] + noise_round(q[d] * key[(size_t)t * (size_t)step + (size_t)d]));
        share[t] = noise_round(share[t] / sqrt(D));
        highest = fmax(highest, share[t]);
    }
    for (int t = 0; t < T; t++) all = noise_round(all + (share[t] = noise_round(exp(share[t] - highest))));
    for (int d = 0; d < D; d++) {
        double sum = 0;
        for (int t = 0; t < T; t++)
            sum = noise_round(sum + noise_round(share[t] * value[(size_t)t * (size_t)step + (size_t)d]));
        out[d] = noise_round(sum / all);
    }
    free(share);
}
static void attention_plain(double *out, double *const in[], const int s[]) {
    const int T = s[1], C = s[2], H = s[3], D = C / H;
    for (int row = 0; row < s[0] * T; row++)
        for (int h = 0; h < H; h++) {
            const double *q = in[0] + row * 3 * C + h * D, *record = in[0] + row / T * T * 3 * C + h * D;
            attend_plain(out + row * C + h * D, q, record + C, record + 2 * C, 3 * C, T, D);
        }
}

static void attention_f(double *out, double *const in[], const int s[]) {
    double *prob = new_values(prob_values(s)), *scratch = new_values(attention_scratch(s[1], s[2] / s[3]));
    attention_forward(out, prob, scratch, in[0], s[0], s[1], s[2], s[3]);
    free(prob);
    free(scratch);
}
static void attention_b(double *const din[], const double *dout, double *const in[], const int s[]) {
    double *prob = new_values(prob_values(s)), *scratch = new_values(attention_scratch(s[1], s[2] / s[3]));
    double *out = new_values((size_t)s[0] * (size_t)s[1] * (size_t)s[2]);
    attention_forward(out, prob, scratch, in[0], s[0], s[1], s[2], s[3]);
    attention_backward(din[0], scratch, dout, in[0], prob, s[0], s[1], s[2], s[3]);
    free(prob);
    free(scratch);
    free(out);
}
static void attention_f32(float *out, float *const din[], const float *dout, float *const in[],
                          const int s[]) {
    float *prob = calloc(prob_values(s), sizeof *prob);
    float *scratch = calloc(attention_scratch(s[1], s[2] / s[3]), sizeof *scratch);
    attention_forward_f32(out, prob, scratch, in[0], s[0], s[1], s[2], s[3]);
    attention_backward_f32(din[0], scratch, dout, in[0], prob, s[0], s[1], s[2], s[3]);
    free(prob);
    free(scratch);
}

/* Q tokens of each record attend to all T: sizes B, Q, T, C, H. */
static layout_of_op rows_sizes(const int s[]) {
    const size_t B = (size_t)s[0], Q = (size_t)s[1], T = (size_t)s[2], C = (size_t)s[3];
    return (layout_of_op){{B * Q * C, B * T * 2 * C}, B * Q * C, 2};
}
static size_t rows_prob(const int s[]) {
    return (size_t)s[0] * (size_t)s[4] * (size_t)s[1] * (size_t)attention_stride(s[2]);
}
static void rows_plain(double *out, double *const in[], const int s[]) {
    const int Q = s[1], T = s[2], C = s[3], H = s[4], D = C / H;
    for (int row = 0; row < s[0] * Q; row++)
        for (int h = 0; h < H; h++) {
            const double *record = in[1] + row / Q * T * 2 * C + h * D;
            attend_plain(out + row * C + h * D, in[0] + row * C + h * D, record, record + C, 2 * C, T, D);
        }
}
static void rows_f(double *out, double *const in[], const int s[]) {
    double *prob = new_values(rows_prob(s));
    attention_rows_forward(out, prob, in[0], in[1], s[0], s[1], s[2], s[3], s[4]);
    free(prob);
}
static void rows_b(double *const din[], const double *dout, double *const in[], const int s[]) {
    double *prob = new_values(rows_prob(s)), *scratch = new_values(attention_scratch(s[2], s[3] / s[4]));
    double *out = new_values((size_t)s[0] * (size_t)s[1] * (size_t)s[3]);
    attention_rows_forward(out, prob, in[0], in[1], s[0], s[1], s[2], s[3], s[4]);
    attention_rows_backward(din[0], din[1], scratch, dout, in[0], in[1], prob, s[0], s[1], s[2], s[3], s[4]);
    free(prob);
    free(scratch);
    free(out);
}
static void rows_f32(float *out, float *const din[], const float *dout, float *const in[], const int s[]) {
    float *prob = calloc(rows_prob(s), sizeof *prob);
    float *scratch = calloc(attention_scratch(s[2], s[3] / s[4]), sizeof *scratch);
    attention_rows_forward_f32(out, prob, in[0], in[1], s[0], s[1], s[2], s[3], s[4]);
    attention_rows_backward_f32(din[0], din[1], scratch, dout, in[0], in[1], prob, s[0], s[1], s[2], s[3],
                                s[4]);
    free(prob);
    free(scratch);
}

static const op kernels[] = {
    {.name = "linear (M,K,N)",
     .sizes = linear_sizes,
     .plain = linear_plain,
     .forward = linear_f,
     .backward = linear_b,
     .both_f32 = linear_f32,
     .shapes = {{1, 1, 1}, {5, 7, 3}, {17, 13, 19}, {3, 33, 9}},
     .presets = {{41, 128, 512}, {23, 256, 1024}, {7, 800, 3200}}},
    {.name = "linear with residual (M,K,N)",
     .sizes = residual_sizes,
     .plain = residual_plain,
     .forward = residual_f,
     .backward = residual_b,
     .both_f32 = residual_f32,
     .shapes = {{1, 3, 1}, {5, 7, 3}, {11, 5, 23}, {3, 17, 9}},
     .presets = {{41, 512, 128}, {23, 1024, 256}, {7, 3200, 800}}},
    {.name = "layer normalisation (M,C)",
     .sizes = norm_sizes,
     .plain = norm_plain,
     .forward = norm_f,
     .backward = norm_b,
     .both_f32 = norm_f32,
     .shapes = {{1, 3}, {5, 7}, {9, 33}, {3, 101}},
     .presets = {{41, 128}, {101, 256}, {101, 800}}},
    {.name = "GELU (n)",
     .sizes = gelu_sizes,
     .plain = gelu_plain,
     .forward = gelu_f,
     .backward = gelu_b,
     .both_f32 = gelu_f32,
     .shapes = {{1}, {7}, {33}, {301}},
     .presets = {{41 * 512}, {101 * 1024}, {101 * 3200}}},
    {.name = "attention (B,T,C,H)",
     .sizes = attention_sizes,
     .plain = attention_plain,
     .forward = attention_f,
     .backward = attention_b,
     .both_f32 = attention_f32,
     .shapes = {{1, 1, 3, 1}, {2, 5, 9, 3}, {1, 17, 15, 5}, {3, 9, 22, 2}},
     .presets = {{2, 41, 128, 4}, {1, 101, 256, 8}, {1, 101, 800, 8}}},
    {.name = "attention of some rows (B,Q,T,C,H)",
     .sizes = rows_sizes,
     .plain = rows_plain,
     .forward = rows_f,
     .backward = rows_b,
     .both_f32 = rows_f32,
     .shapes = {{1, 1, 1, 3, 1}, {2, 3, 5, 9, 3}, {1, 4, 17, 15, 5}, {3, 9, 9, 22, 2}},
     .presets = {{2, 24, 41, 64, 4}, {1, 60, 101, 128, 8}, {1, 60, 101, 256, 16}}},
};
enum { N_KERNELS = sizeof kernels / sizeof *kernels };

#endif
