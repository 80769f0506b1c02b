/* The masked autoencoder against PyTorch autograd: loss, reconstruction, every gradient, five AdamW steps.
 * tests/data/mae_small.safetensors was made by tests/data/make_mae_fixture.py from the published method. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/adamw.h"
#include "core/mae.h"
#include "core/vit.h"
#include "io/safetensors.h"
#include "tests/report.h"

#define BOUND   1e-5
#define LR      1e-3
#define STEPS   5
#define FIXTURE "tests/data/mae_small.safetensors"

static ein_safetensors *fixture;

static float *values_of(const char *prefix, const char *name, int64_t *count) {
    char full[EIN_ST_NAME_BYTES];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    const int index = ein_safetensors_find(fixture, full);
    if (index < 0) {
        report(false, "%s holds %s", FIXTURE, full);
        exit(report_end());
    }
    const ein_st_tensor *t = ein_safetensors_tensor(fixture, index);
    float *values = malloc((size_t)t->count * sizeof *values);
    if (!values || ein_safetensors_read(fixture, index, values) != EIN_OK) {
        report(false, "%s reads: %s", full, ein_error_message());
        exit(report_end());
    }
    *count = t->count;
    return values;
}

static void load(float *param, const ein_layout *layout) {
    for (int i = 0; i < layout->n_tensors; i++) {
        int64_t count;
        float *values = values_of("", layout->tensors[i].name, &count);
        report(count == layout->tensors[i].count, "%s has %lld values", layout->tensors[i].name,
               (long long)count);
        memcpy(param + layout->tensors[i].offset, values, (size_t)count * sizeof *values);
        free(values);
    }
}

/* One run of values: relative error of the values, and with `base` of the change since then, so that an
 * update is compared and not the weight that hides it. */
static void compare_run(const char *what, const float *expected, const float *found, const float *base,
                        size_t n) {
    const double error = relative_error_f(expected, found, n);
    report(error <= BOUND, "%s: relative error %.1e <= %.0e", what, error, BOUND);
    if (!base) return;
    float *change = malloc(2 * n * sizeof *change);
    for (size_t k = 0; k < n; k++) {
        change[k] = expected[k] - base[k];
        change[n + k] = found[k] - base[k];
    }
    /* The fixture's weights are rounded to float: about 1e-7 of a weight against updates of 5e-3. */
    const double of_change = relative_error_f(change, change + n, n);
    report(of_change <= 1e-3, "%s: the change itself, relative error %.1e <= 1e-3", what, of_change);
    free(change);
}

/* Compare every tensor with the fixture's PREFIX.name. A bias of the keys shifts all logits of a row alike,
 * so its gradient is zero but for rounding, which AdamW then scales up to its learning rate: keys' biases are
 * only bounded. */
static void compare(const char *prefix, const float *arena, const float *base, const ein_layout *layout) {
    for (int i = 0; i < layout->n_tensors; i++) {
        const ein_tensor *t = &layout->tensors[i];
        int64_t count;
        char what[128];
        float *expected = values_of(prefix, t->name, &count);
        const float *found = arena + t->offset, *before = base ? base + t->offset : NULL;
        snprintf(what, sizeof what, "%s%s", prefix, t->name);
        if (!strstr(t->name, "attn.qkv.bias")) {
            compare_run(what, expected, found, before, (size_t)count);
        } else {
            const size_t third = (size_t)count / 3;
            double worst = 0;
            for (size_t k = third; k < 2 * third; k++)
                worst = larger_error(fabs(found[k] - expected[k]), worst);
            report(worst <= (base ? STEPS * LR : 1e-7), "%s, keys: absolute error %.1e", what, worst);
            strcat(what, ", queries");
            compare_run(what, expected, found, before, third);
            snprintf(what, sizeof what, "%s%s, values", prefix, t->name);
            compare_run(what, expected + 2 * third, found + 2 * third, before ? before + 2 * third : NULL,
                        third);
        }
        free(expected);
    }
}

int main(void) {
    if (ein_safetensors_open(FIXTURE, &fixture) != EIN_OK) {
        report(false, "%s opens: %s", FIXTURE, ein_error_message());
        return report_end();
    }
    const ein_vit_shape shape = {.leads = 3,
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
    enum { B = 3, N = 10, K = 4, V = 18 };
    ein_layout *layout;
    ein_mae *mae;
    if (ein_layout_new(&shape, EIN_PART_PRETRAIN, &layout) != EIN_OK ||
        ein_mae_new(layout, B, K, &mae) != EIN_OK)
        return 1;
    const size_t P = (size_t)layout->arena;
    float *param = calloc(P, sizeof *param), *grad = calloc(P, sizeof *grad),
          *start = calloc(P, sizeof *start);
    float *m = calloc(P, sizeof *m), *v = calloc(P, sizeof *v);
    load(param, layout);
    memcpy(start, param, P * sizeof *param);

    int64_t count;
    float *x = values_of("", "x", &count), *keep = values_of("", "ids_keep", &count);
    float *hidden = values_of("", "ids_mask", &count), *loss = values_of("", "loss", &count);
    float *prediction = values_of("", "predictions", &count), *target = values_of("", "target", &count);
    float *loss_steps = values_of("", "loss_steps", &count);
    int32_t order[B * N];
    for (int b = 0; b < B; b++)
        for (int n = 0; n < N; n++)
            order[b * N + n] = (int32_t)(n < K ? keep[b * K + n] : hidden[b * (N - K) + n - K]);

    double record_loss[B];
    for (int step = 0; step <= STEPS; step++) {
        ein_mae_forward(mae, record_loss, param, x, order);
        const double mean = (record_loss[0] + record_loss[1] + record_loss[2]) / B;
        report(fabs(mean / loss_steps[step] - 1) <= BOUND, "loss before update %d: %.7f ~ %.7f", step + 1,
               mean, loss_steps[step]);
        if (step == STEPS) break;
        ein_mae_backward(mae, grad, param, 1.0 / B, NULL, NULL);
        if (step == 0) {
            report(fabs(mean / loss[0] - 1) <= BOUND, "loss %.7f ~ %.7f", mean, loss[0]);
            const double error = relative_error_f(prediction, ein_mae_prediction(mae), (size_t)B * N * V);
            report(error <= BOUND, "reconstruction: relative error %.1e <= %.0e", error, BOUND);
            double worst = 0;
            for (int b = 0; b < B; b++)
                for (int i = K; i < N; i++)
                    worst = larger_error(
                        relative_error_f(target + ((size_t)b * N + (size_t)order[b * N + i]) * V,
                                         ein_mae_target(mae) + ((size_t)b * (N - K) + (size_t)(i - K)) * V,
                                         V),
                        worst);
            report(worst <= BOUND, "targets of the masked patches: relative error %.1e <= %.0e", worst,
                   BOUND);
            compare("grad.", grad, NULL, layout);
        }
        const ein_adamw adamw = {.lr = LR, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.02};
        ein_adamw_range(param, m, v, grad, layout, 0, layout->arena, &adamw, step + 1);
    }
    compare("adamw5.", param, start, layout);
    float *all[] = {param, grad, start, m, v, x, keep, hidden, loss, prediction, target, loss_steps};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    ein_mae_destroy(mae);
    ein_layout_destroy(layout);
    ein_safetensors_close(fixture);
    return report_end();
}
