/* Every hand-written gradient against central differences, in double; float against double; and a mutation
 * test: a 1 % error planted in any one term of the gradients must be noticed. Kernels and the masked autoencoder;
 * test_classify_gradients.c has the rest. */
#define EIN_REAL_DOUBLE
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/init.h"
#include "core/nn/kernels.h"
#include "core/nn/layout.h"
#include "core/nn/mae.h"
#include "core/nn/terms.h"
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

/* --- kernels as a table --------------------------------------------------------------------------------- */

static layout_of_op linear_sizes(const int s[]) {
    const size_t M = (size_t)s[0], K = (size_t)s[1], N = (size_t)s[2];
    return (layout_of_op){{M * K, N * K, N}, M * N, 3};
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

static const op ops[] = {
    {"linear (M,K,N)",
     linear_sizes,
     linear_f,
     linear_b,
     linear_f32,
     {{1, 1, 1}, {5, 7, 3}, {17, 13, 19}, {3, 33, 9}}},
    {"linear with residual (M,K,N)",
     residual_sizes,
     residual_f,
     residual_b,
     residual_f32,
     {{1, 3, 1}, {5, 7, 3}, {11, 5, 23}, {3, 17, 9}}},
    {"layer normalisation (M,C)", norm_sizes, norm_f, norm_b, norm_f32, {{1, 3}, {5, 7}, {9, 33}, {3, 101}}},
    {"GELU (n)", gelu_sizes, gelu_f, gelu_b, gelu_f32, {{1}, {7}, {33}, {301}}},
    {"attention (B,T,C,H)",
     attention_sizes,
     attention_f,
     attention_b,
     attention_f32,
     {{1, 1, 3, 1}, {2, 5, 9, 3}, {1, 17, 15, 5}, {3, 9, 22, 2}}},
};
enum { N_OPS = sizeof ops / sizeof *ops, N_SHAPES = 4 };

/* --- the whole model ------------------------------------------------------------------------------------ */

typedef struct {
    ein_layout *layout;
    ein_mae *mae;
    double *param, *grad, *x;
    int32_t *order;
    int records;
    int expected_stage;
    bool stages_in_order;
} model_case;

static const ein_vit_shape model_shapes[] = {
    {.leads = 3,
     .samples = 35,
     .patch = 5,
     .width = 9,
     .depth = 2,
     .heads = 3,
     .mlp = 13,
     .dec_width = 10,
     .dec_depth = 2,
     .dec_heads = 5,
     .dec_mlp = 7},
    {.leads = 1,
     .samples = 15,
     .patch = 3,
     .width = 7,
     .depth = 1,
     .heads = 1,
     .mlp = 5,
     .dec_width = 6,
     .dec_depth = 1,
     .dec_heads = 2,
     .dec_mlp = 11},
    {.leads = 2,
     .samples = 77,
     .patch = 7,
     .width = 15,
     .depth = 3,
     .heads = 5,
     .mlp = 17,
     .dec_width = 9,
     .dec_depth = 1,
     .dec_heads = 3,
     .dec_mlp = 10},
};
enum { N_MODELS = sizeof model_shapes / sizeof *model_shapes };

static void model_open(model_case *c, int which) {
    c->records = 3;
    if (ein_layout_new(&model_shapes[which], EIN_PART_PRETRAIN, &c->layout) != EIN_OK) exit(1);
    const int N = ein_vit_patches(&model_shapes[which]);
    const int K = ein_mask_visible(N, 0.6);
    if (ein_mae_new(c->layout, c->records, K, &c->mae) != EIN_OK) exit(1);
    const size_t P = (size_t)c->layout->arena;
    const size_t values =
        (size_t)c->records * (size_t)(model_shapes[which].leads * model_shapes[which].samples);
    c->param = new_values(P);
    c->grad = new_values(P);
    c->x = new_values(values);
    c->order = calloc((size_t)(c->records * N), sizeof *c->order);
    /* Weights, norms and biases all away from their special starting values, so that every term matters. */
    for (int i = 0; i < c->layout->n_tensors; i++) {
        const ein_tensor *t = &c->layout->tensors[i];
        fill(c->param + t->offset, (size_t)t->count, 1000 + (uint64_t)i, t->init == EIN_INIT_ONE ? 1.0 : 0.0,
             0.3);
    }
    fill(c->x, values, 999, 0.2, 1.0);
    for (int b = 0; b < c->records; b++) ein_mask_draw(c->order + b * N, N, 5, 0, b);
}

static void model_close(model_case *c) {
    ein_mae_destroy(c->mae);
    ein_layout_destroy(c->layout);
    free(c->param);
    free(c->grad);
    free(c->x);
    free(c->order);
}

static double model_loss(model_case *c) {
    double loss[8], total = 0;
    ein_mae_forward(c->mae, loss, c->param, c->x, c->order);
    for (int b = 0; b < c->records; b++) total += loss[b];
    return total / c->records;
}

static void stage_done(void *context, int stage) {
    model_case *c = context;
    if (stage != c->expected_stage--) c->stages_in_order = false;
}

static bool check_model(int which) {
    model_case c;
    model_open(&c, which);
    c.expected_stage = c.layout->stages - 1;
    c.stages_in_order = true;
    model_loss(&c);
    ein_mae_backward(c.mae, c.grad, c.param, 1.0 / c.records, stage_done, &c);
    bool good =
        report(c.stages_in_order && c.expected_stage == -1,
               "model %d: stages of the backward pass finish once each, from the highest to 0", which);
    double worst = 0;
    const char *where = "";
    double *numeric = new_values((size_t)c.layout->arena);
    for (int i = 0; i < c.layout->n_tensors; i++) {
        const ein_tensor *t = &c.layout->tensors[i];
        for (int64_t k = t->offset; k < t->offset + t->count; k++) {
            const double kept = c.param[k];
            c.param[k] = kept + STEP;
            const double up = model_loss(&c);
            c.param[k] = kept - STEP;
            const double down = model_loss(&c);
            c.param[k] = kept;
            numeric[k] = (up - down) / (2 * STEP);
        }
        const double error = relative_error(numeric + t->offset, c.grad + t->offset, (size_t)t->count);
        if (!(error <= worst)) where = t->name;
        worst = larger_error(worst, error);
        if (report_quiet && !(worst <= MODEL_BOUND)) break;
    }
    good = report(worst <= MODEL_BOUND,
                  "model %d: all %lld gradients against differences, worst %.1e (%s) <= %.0e", which,
                  (long long)c.layout->parameters, worst, where, MODEL_BOUND) &&
           good;
    free(numeric);
    model_close(&c);
    return good;
}

/* --- mutations ------------------------------------------------------------------------------------------ */

static bool everything_passes(void) {
    bool good = true;
    for (int o = 0; o < N_OPS && good; o++)
        for (int s = 1; s < N_SHAPES && good; s++)
            good = check_gradients(&ops[o], ops[o].shapes[s], (uint64_t)(o * 8 + s));
    return good && check_model(1);
}

static void check_mutations(void) {
#define TERM_NAME(name) #name,
    static const char *const names[] = {EIN_TERMS_PRETRAIN(TERM_NAME)};
    for (int t = 0; t < TERM_FIRST_CLASSIFY; t++) {
        ein_term_factor[t] = PLANTED_FACTOR;
        report_quiet = true;
        const bool passes = everything_passes();
        report_quiet = false;
        ein_term_factor[t] = 1;
        report(!passes, "a 1 %% error planted in %s is noticed", names[t]);
    }
}

int main(void) {
    const bool float_only = asked_for_float_only();
    for (int o = 0; o < N_OPS; o++)
        for (int s = 0; s < N_SHAPES; s++) {
            if (!float_only) check_gradients(&ops[o], ops[o].shapes[s], (uint64_t)(o * 8 + s));
            check_float(&ops[o], ops[o].shapes[s], (uint64_t)(o * 8 + s));
        }
    if (float_only) return report_end();
    for (int m = 0; m < N_MODELS; m++) check_model(m);
    check_mutations();
    return report_end();
}
