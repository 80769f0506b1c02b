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
#include "tests/unit/parity.h"

#define FIXTURE "tests/data/mae_small.safetensors"

static void load(float *param, const ein_layout *layout) {
    for (int i = 0; i < layout->n_tensors; i++) {
        int64_t count;
        float *values = parity_values("", layout->tensors[i].name, &count);
        report(count == layout->tensors[i].count, "%s has %lld values", layout->tensors[i].name,
               (long long)count);
        memcpy(param + layout->tensors[i].offset, values, (size_t)count * sizeof *values);
        free(values);
    }
}

int main(void) {
    if (!parity_open(FIXTURE)) return report_end();
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
    float *x = parity_values("", "x", &count), *keep = parity_values("", "ids_keep", &count);
    float *hidden = parity_values("", "ids_mask", &count), *loss = parity_values("", "loss", &count);
    float *prediction = parity_values("", "predictions", &count),
          *target = parity_values("", "target", &count);
    float *loss_steps = parity_values("", "loss_steps", &count);
    int32_t order[B * N];
    for (int b = 0; b < B; b++)
        for (int n = 0; n < N; n++)
            order[b * N + n] = (int32_t)(n < K ? keep[b * K + n] : hidden[b * (N - K) + n - K]);

    double record_loss[B];
    for (int step = 0; step <= PARITY_STEPS; step++) {
        ein_mae_forward(mae, record_loss, param, x, order);
        const double mean = (record_loss[0] + record_loss[1] + record_loss[2]) / B;
        report(fabs(mean / loss_steps[step] - 1) <= parity_bound, "loss before update %d: %.7f ~ %.7f",
               step + 1, mean, loss_steps[step]);
        if (step == PARITY_STEPS) break;
        ein_mae_backward(mae, grad, param, 1.0 / B, NULL, NULL);
        if (step == 0) {
            report(fabs(mean / loss[0] - 1) <= parity_bound, "loss %.7f ~ %.7f", mean, loss[0]);
            const double error = relative_error_f(prediction, ein_mae_prediction(mae), (size_t)B * N * V);
            report(error <= parity_bound, "reconstruction: relative error %.1e <= %.0e", error, parity_bound);
            double worst = 0;
            for (int b = 0; b < B; b++)
                for (int i = K; i < N; i++)
                    worst = larger_error(
                        relative_error_f(target + ((size_t)b * N + (size_t)order[b * N + i]) * V,
                                         ein_mae_target(mae) + ((size_t)b * (N - K) + (size_t)(i - K)) * V,
                                         V),
                        worst);
            report(worst <= parity_bound, "targets of the masked patches: relative error %.1e <= %.0e", worst,
                   parity_bound);
            parity_compare("grad.", grad, NULL, layout);
        }
        const ein_adamw adamw = {
            .lr = PARITY_LR, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.02};
        ein_adamw_range(param, m, v, grad, layout, 0, layout->arena, &adamw, step + 1);
    }
    parity_compare("adamw5.", param, start, layout);
    float *all[] = {param, grad, start, m, v, x, keep, hidden, loss, prediction, target, loss_steps};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    ein_mae_destroy(mae);
    ein_layout_destroy(layout);
    ein_safetensors_close(parity_fixture);
    return report_end();
}
