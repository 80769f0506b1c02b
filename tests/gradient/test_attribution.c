/* Explanations in double: the gradient of the input against differences, sums of integrated gradients against what they
 * must add up to, the other methods against what they are defined by. */
#define EIN_REAL_DOUBLE
#include "core/nn/attribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/classify.h"
#include "core/nn/head.h"
#include "core/nn/kernels.h"
#include "core/nn/terms.h"
#include "tests/gradient/check.h"

enum { BATCH = 3, OUTPUTS = 5, POINTS = 5, MOST = 256 };

static const ein_vit_shape shapes[] = {
    {.leads = 3, .samples = 35, .patch = 5, .width = 9, .depth = 2, .heads = 3, .mlp = 13},
    {.leads = 1, .samples = 15, .patch = 3, .width = 7, .depth = 1, .heads = 1, .mlp = 5},
    {.leads = 2, .samples = 77, .patch = 7, .width = 15, .depth = 3, .heads = 5, .mlp = 11},
};
enum { N_SHAPES_HERE = sizeof shapes / sizeof *shapes, N_KINDS = 3 };
static const struct {
    const char *name;
    int pool, lora;
} kinds[N_KINDS] = {{"mean", EIN_POOL_MEAN, 0},
                    {"attentive", EIN_POOL_ATTENTIVE, 0},
                    {"attentive, adapters", EIN_POOL_ATTENTIVE, 2}};

typedef struct {
    char name[64];
    ein_layout *layout;
    ein_attribution *a;
    double *param, *x;
    int L, S, P, N;
} subject;

static const double direction[OUTPUTS] = {0, -1, 1, 0, 0.5};

static void open_subject(subject *s, int shape, int kind) {
    ein_vit_shape v = shapes[shape];
    v.classes = OUTPUTS;
    v.pool = kinds[kind].pool;
    v.lora = kinds[kind].lora;
    snprintf(s->name, sizeof s->name, "model %d, %s", shape, kinds[kind].name);
    if (ein_layout_new(&v, EIN_PART_CLASSIFY, &s->layout) != EIN_OK) exit(1);
    if (ein_attribution_new(s->layout, BATCH, &s->a) != EIN_OK) exit(1);
    s->param = new_values((size_t)s->layout->arena);
    for (int i = 0; i < s->layout->n_tensors; i++) {
        const ein_tensor *t = &s->layout->tensors[i];
        fill(s->param + t->offset, (size_t)t->count, 3000 + (uint64_t)i, t->init == EIN_INIT_ONE ? 1.0 : 0.0,
             0.3);
    }
    s->L = v.leads, s->S = v.samples, s->P = v.patch, s->N = ein_vit_patches(&v);
    s->x = new_values((size_t)(s->L * s->S));
    fill(s->x, (size_t)(s->L * s->S), 77, 0.2, 1.0);
    ein_attribution_weights(s->a, s->param, NULL);
    ein_attribution_explain(s->a, direction);
}

static void close_subject(subject *s) {
    ein_attribution_destroy(s->a);
    ein_layout_destroy(s->layout);
    free(s->param);
    free(s->x);
}

/* Gradient times input of cells, by differences of f along each sample. */
static bool check_gradient(subject *s) {
    double cell[MOST], numeric[MOST] = {0};
    attribution_gradient(s->a, cell, s->x);
    for (int i = 0; i < s->L * s->S; i++) {
        const double kept = s->x[i];
        s->x[i] = kept + STEP;
        const double up = ein_attribution_value(s->a, s->x);
        s->x[i] = kept - STEP;
        const double down = ein_attribution_value(s->a, s->x);
        s->x[i] = kept;
        numeric[i / s->S * s->N + i % s->S / s->P] += kept * (up - down) / (2 * STEP);
    }
    const double error = relative_error(numeric, cell, (size_t)(s->L * s->N));
    return report(error <= MODEL_BOUND, "%s: gradient times input against differences, %.1e", s->name, error);
}

static void check_integrated(subject *s) {
    double cell[MOST], rough, gap, sum = 0;
    double *empty = new_values((size_t)(s->L * s->S));
    attribution_integrated(s->a, cell, &rough, s->x, 32);
    attribution_integrated(s->a, cell, &gap, s->x, 512);
    for (int c = 0; c < s->L * s->N; c++) sum += cell[c];
    const double whole = ein_attribution_value(s->a, s->x) - ein_attribution_value(s->a, empty);
    report(fabs(sum - whole - gap) <= 1e-9, "%s: the gap is what is missing of f(x) - f(0)", s->name);
    /* The midpoint rule's error falls with the square of the steps. */
    report(fabs(gap) <= 1e-3 && fabs(gap) <= fabs(rough) / 64 + 1e-9,
           "%s: integrated gradients are complete, gap %.1e of %.2f at 512 steps, %.1e at 32", s->name, gap,
           whole, rough);
    free(empty);
}

static double without(subject *s, int lead, int time) {
    double *y = new_values((size_t)(s->L * s->S));
    memcpy(y, s->x, (size_t)(s->L * s->S) * sizeof *y);
    for (int l = 0; l < s->L; l++)
        for (int i = 0; i < s->S; i++)
            if ((lead < 0 || l == lead) && (time < 0 || i / s->P == time)) y[l * s->S + i] = 0;
    const double f = ein_attribution_value(s->a, y);
    free(y);
    return f;
}

static void check_occlusion(subject *s) {
    double cell[MOST], lead[MOST], time[MOST], worst = 0;
    const double whole = ein_attribution_value(s->a, s->x);
    attribution_occlusion(s->a, cell, lead, time, s->x);
    for (int l = 0; l < s->L; l++) {
        worst = fmax(worst, fabs(lead[l] - (whole - without(s, l, -1))));
        for (int n = 0; n < s->N; n++)
            worst = fmax(worst, fabs(cell[l * s->N + n] - (whole - without(s, l, n))));
    }
    for (int n = 0; n < s->N; n++) worst = fmax(worst, fabs(time[n] - (whole - without(s, -1, n))));
    report(worst <= 1e-12, "%s: occlusion is f less f without the part, %.1e", s->name, worst);
}

/* The product of whole matrices, from the first block to the last. */
static void check_rollout(subject *s) {
    const int T = s->N + 1, H = s->layout->shape.heads, stride = attention_stride(T);
    double R[32][32], next[32][32], time[MOST], worst = 0;
    double *logits = new_values(OUTPUTS);
    ein_classify *model;
    if (ein_classify_new(s->layout, s->layout, 1, true, &model) != EIN_OK) exit(1);
    ein_classify_forward(model, logits, NULL, s->param, s->x);
    for (int i = 0; i < T; i++)
        for (int j = 0; j < T; j++) R[i][j] = i == j;
    for (int b = 0; b < s->layout->shape.depth; b++) {
        const double *prob = ein_classify_attends(model, b);
        for (int i = 0; i < T; i++)
            for (int j = 0; j < T; j++) {
                next[i][j] = R[i][j] / 2;
                for (int h = 0; h < H; h++)
                    for (int k = 0; k < T; k++)
                        next[i][j] += prob[(h * T + i) * stride + k] / (2 * H) * R[k][j];
            }
        memcpy(R, next, sizeof R);
    }
    attribution_rollout(s->a, time, s->x);
    const double *chosen = ein_classify_chooses(model);
    for (int n = 0; n < s->N; n++) {
        double expected = 0;
        for (int i = 1; i < T; i++)
            for (int h = 0; h < H; h++)
                expected += (chosen ? chosen[h * T + i] : 1.0 / s->N) / H * R[i][n + 1];
        worst = fmax(worst, fabs(expected - time[n]));
    }
    report(worst <= 1e-12, "%s: rollout against the product of whole matrices, %.1e", s->name, worst);
    ein_classify_destroy(model);
    free(logits);
}

static void check_curves(subject *s) {
    double deletion[POINTS], insertion[POINTS];
    int32_t order[MOST];
    const double whole = ein_attribution_value(s->a, s->x), empty = without(s, -1, -1);
    for (int c = 0; c < s->L * s->N; c++) order[c] = c;
    attribution_curves(s->a, deletion, insertion, POINTS, order, s->x);
    bool good = deletion[0] == whole && insertion[POINTS - 1] == whole;
    good = good && deletion[POINTS - 1] == empty && insertion[0] == empty;
    report(good && isfinite(deletion[2]) && deletion[2] != whole, "%s: curves run between f(x) and f(0)",
           s->name);
}

static void check_directions(void) {
    static const double mean[] = {3}, sd[] = {2};
    const ein_head_task tasks[] = {
        {.kind = EIN_HEAD_BINARY, .first_target = 3, .n_targets = 1, .first_output = 3, .n_outputs = 2},
        {.kind = EIN_HEAD_MULTILABEL, .first_target = 0, .n_targets = 2, .first_output = 1, .n_outputs = 2},
        {.kind = EIN_HEAD_REGRESSION,
         .first_target = 2,
         .n_targets = 1,
         .first_output = 0,
         .n_outputs = 1,
         .mean = mean,
         .sd = sd}};
    const double logits[OUTPUTS] = {0.5, -1, 2, 0.25, 7};
    double expected[4], along[OUTPUTS], offset;
    head_logit(expected, logits, tasks, 3, 1, 4, OUTPUTS);
    for (int j = 0; j < 4; j++) {
        ein_head_direction(along, &offset, tasks, 3, j, OUTPUTS);
        for (int o = 0; o < OUTPUTS; o++) offset += along[o] * logits[o];
        report(offset == expected[j], "target %d's logit is linear in the outputs: %g", j, offset);
    }
}

int main(void) {
    for (int shape = 0; shape < N_SHAPES_HERE; shape++)
        for (int kind = 0; kind < N_KINDS; kind++) {
            subject s;
            open_subject(&s, shape, kind);
            check_gradient(&s);
            check_integrated(&s);
            check_occlusion(&s);
            check_rollout(&s);
            check_curves(&s);
            if (shape == 0) {
                ein_term_factor[TERM_CLASSIFY_EMBED] = PLANTED_FACTOR;
                report_quiet = true;
                const bool passes = check_gradient(&s);
                report_quiet = false;
                ein_term_factor[TERM_CLASSIFY_EMBED] = 1;
                report(!passes, "%s: a 1 %% error in the gradient of patches is noticed", s.name);
            }
            close_subject(&s);
        }
    check_directions();
    return report_end();
}
