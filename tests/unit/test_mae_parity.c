/* The masked autoencoder against PyTorch autograd: loss, reconstruction, every gradient, five AdamW steps.
 * tests/data/mae_small.safetensors was made by tests/data/make_mae_fixture.py from the published method. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/adamw.h"
#include "core/nn/layout.h"
#include "core/nn/mae.h"
#include "io/model/safetensors.h"
#include "tests/unit/parity.h"

#define FIXTURE "tests/data/mae_small.safetensors"
enum { B = 3, N = 10, K = 4, V = 18, INPUTS = B * 3 * 60 };

static const ein_vit_shape shape = {.leads = 3,
                                    .samples = 60,
                                    .patch = 6,
                                    .width = 24,
                                    .depth = 2,
                                    .heads = 3,
                                    .mlp = 40,
                                    .dec_width = 20,
                                    .dec_depth = 2,
                                    .dec_heads = 2,
                                    .dec_mlp = 28};
static const ein_adamw parity_adamw = {
    .lr = PARITY_LR, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.02};

typedef struct {
    ein_layout *layout;
    float *start, *x;
    int32_t order[B * N];
} mae_case;

#define NAME(x) x##_f32
#define REAL    float
#include "tests/unit/mae_trace.h"
#undef NAME
#undef REAL
#define NAME(x) x##_f64
#define REAL    double
#include "tests/unit/mae_trace.h"

static void load(float *param, const ein_layout *layout) {
    for (int i = 0; i < layout->n_tensors; i++) {
        int64_t count;
        float *values = parity_values("", layout->tensors[i].name, &count);
        if (!report(count == layout->tensors[i].count, "%s has %lld values", layout->tensors[i].name,
                    (long long)count))
            exit(1);
        memcpy(param + layout->tensors[i].offset, values, (size_t)count * sizeof *values);
        free(values);
    }
}

static void load_order(mae_case *c) {
    int64_t count;
    float *keep = parity_values("", "ids_keep", &count), *hidden = parity_values("", "ids_mask", &count);
    for (int b = 0; b < B; b++)
        for (int n = 0; n < N; n++)
            c->order[b * N + n] = (int32_t)(n < K ? keep[b * K + n] : hidden[b * (N - K) + n - K]);
    free(keep);
    free(hidden);
}

/* Targets of the masked patches only, in the order of masking. */
static void expect_targets(parity_trace *t, const mae_case *c) {
    int64_t count;
    float *target = parity_values("", "target", &count), masked[B * (N - K) * V];
    for (int b = 0; b < B; b++)
        for (int i = K; i < N; i++)
            memcpy(masked + (b * (N - K) + (i - K)) * V, target + (b * N + c->order[b * N + i]) * V,
                   V * sizeof *target);
    parity_expect(t, "", "target", " of the masked patches", masked, B * (N - K) * V);
    free(target);
}

int main(void) {
    static parity_trace trace;
    mae_case c;
    int64_t count;
    if (!parity_open(FIXTURE)) return report_end();
    if (ein_layout_new(&shape, EIN_PART_PRETRAIN, &c.layout) != EIN_OK) return 1;
    c.start = calloc((size_t)c.layout->arena, sizeof *c.start);
    load(c.start, c.layout);
    load_order(&c);
    c.x = parity_values("", "x", &count);
    float *loss = parity_values("", "loss", &count), *steps = parity_values("", "loss_steps", &count);
    report(fabs(loss[0] / steps[0] - 1) <= 2 * NOISE_UNIT,
           "the fixture's loss is that before the first update");
    for (int i = 0; i <= PARITY_STEPS; i++)
        parity_expect(&trace, "", "loss before update", (char[]){' ', (char)('1' + i), 0}, &steps[i], 1);
    parity_expect_tensor(&trace, "", "predictions", (size_t)B * N * V);
    expect_targets(&trace, &c);
    parity_expect_layout(&trace, "grad.", c.layout, NULL);
    parity_expect_layout(&trace, "adamw5.", c.layout, c.start);
    parity_check(&trace, mae_trace_f64, mae_trace_f32, &c);
    parity_forget(&trace);
    free(c.start);
    free(c.x);
    free(loss);
    free(steps);
    ein_layout_destroy(c.layout);
    ein_safetensors_close(parity_fixture);
    return report_end();
}
