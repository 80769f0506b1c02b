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
#include "core/nn/layout.h"
#include "core/nn/mae.h"
#include "core/nn/terms.h"
#include "tests/gradient/kernels.h"

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
    for (int o = 0; o < N_KERNELS && good; o++)
        for (int s = 1; s < ODD_SHAPES && good; s++)
            good = check_gradients(&kernels[o], kernels[o].shapes[s], (uint64_t)(o * 8 + s));
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
    for (int o = 0; o < N_KERNELS; o++)
        for (int s = 0; s < ODD_SHAPES; s++) {
            if (!float_only) check_gradients(&kernels[o], kernels[o].shapes[s], (uint64_t)(o * 8 + s));
            check_float(&kernels[o], kernels[o].shapes[s], (uint64_t)(o * 8 + s));
        }
    if (float_only) return report_end();
    for (int m = 0; m < N_MODELS; m++) check_model(m);
    check_mutations();
    return report_end();
}
