/* Gradients of losses, pooling, adapters and the classifier in every way it is trained, against central differences in
 * double; float against double; and a mutation test as in test_gradients.c. */
#define EIN_REAL_DOUBLE
#include "core/nn/classify.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/head.h"
#include "core/nn/lora.h"
#include "core/nn/pooling.h"
#include "core/nn/terms.h"
#include "tests/gradient/check.h"
#include "tests/seed.h"

/* The float build of the same kernels. */
void pool_mean_forward_f32(float *, const float *, int, int, int);
void pool_mean_backward_f32(float *, const float *, int, int, int);
void pool_attention_forward_f32(float *, float *, const float *, const float *, int, int, int, int);
void pool_attention_backward_f32(float *, float *, float *, const float *, const float *, const float *,
                                 const float *, int, int, int, int);
void lora_forward_f32(float *, float *, const float *, const float *, const float *, int, int, int, int);
void lora_backward_f32(float *, float *, float *, float *, const float *, const float *, const float *,
                       const float *, const float *, int, int, int, int);
void head_loss_f32(double *, float *, const float *, const float *, const ein_head_task *, int, int, int, int,
                   double);

/* --- pooling -------------------------------------------------------------------------------------------- */

static layout_of_op mean_sizes(const int s[]) {
    const size_t B = (size_t)s[0], T = (size_t)s[1], C = (size_t)s[2];
    return (layout_of_op){{B * T * C}, B * C, 1};
}
static void mean_f(double *out, double *const in[], const int s[]) {
    pool_mean_forward(out, in[0], s[0], s[1], s[2]);
}
static void mean_b(double *const din[], const double *dout, double *const in[], const int s[]) {
    (void)in;
    pool_mean_backward(din[0], dout, s[0], s[1], s[2]);
}
static void mean_f32(float *out, float *const din[], const float *dout, float *const in[], const int s[]) {
    pool_mean_forward_f32(out, in[0], s[0], s[1], s[2]);
    pool_mean_backward_f32(din[0], dout, s[0], s[1], s[2]);
}

static layout_of_op attentive_sizes(const int s[]) {
    const size_t B = (size_t)s[0], T = (size_t)s[1], C = (size_t)s[2];
    return (layout_of_op){{B * T * 2 * C, C}, B * C, 2};
}
static size_t attentive_prob(const int s[]) {
    return (size_t)s[0] * (size_t)s[1] * (size_t)s[3];
}
static void attentive_f(double *out, double *const in[], const int s[]) {
    double *prob = new_values(attentive_prob(s));
    pool_attention_forward(out, prob, in[0], in[1], s[0], s[1], s[2], s[3]);
    free(prob);
}
static void attentive_b(double *const din[], const double *dout, double *const in[], const int s[]) {
    double *prob = new_values(attentive_prob(s)), *row = new_values((size_t)s[1]);
    double *out = new_values((size_t)s[0] * (size_t)s[2]);
    pool_attention_forward(out, prob, in[0], in[1], s[0], s[1], s[2], s[3]);
    pool_attention_backward(din[0], din[1], row, dout, in[0], in[1], prob, s[0], s[1], s[2], s[3]);
    free(prob);
    free(row);
    free(out);
}
static void attentive_f32(float *out, float *const din[], const float *dout, float *const in[],
                          const int s[]) {
    float *prob = calloc(attentive_prob(s), sizeof *prob), *row = calloc((size_t)s[1], sizeof *row);
    pool_attention_forward_f32(out, prob, in[0], in[1], s[0], s[1], s[2], s[3]);
    pool_attention_backward_f32(din[0], din[1], row, dout, in[0], in[1], prob, s[0], s[1], s[2], s[3]);
    free(prob);
    free(row);
}

/* --- adapters: sizes M, K, N, R; the fourth input is what the adapter is added to --------------------------- */

static layout_of_op lora_sizes(const int s[]) {
    const size_t M = (size_t)s[0], K = (size_t)s[1], N = (size_t)s[2], R = (size_t)s[3];
    return (layout_of_op){{M * K, R * K, N * R, M * N}, M * N, 4};
}
static void lora_f(double *out, double *const in[], const int s[]) {
    double *hidden = new_values((size_t)s[0] * (size_t)s[3]);
    memcpy(out, in[3], (size_t)s[0] * (size_t)s[2] * sizeof *out);
    lora_forward(out, hidden, in[0], in[1], in[2], s[0], s[1], s[2], s[3]);
    free(hidden);
}
static void lora_b(double *const din[], const double *dout, double *const in[], const int s[]) {
    const size_t hidden_values = (size_t)s[0] * (size_t)s[3], out_values = (size_t)s[0] * (size_t)s[2];
    double *hidden = new_values(hidden_values), *scratch = new_values(hidden_values);
    double *out = new_values(out_values);
    lora_forward(out, hidden, in[0], in[1], in[2], s[0], s[1], s[2], s[3]);
    memset(din[0], 0, (size_t)s[0] * (size_t)s[1] * sizeof *din[0]);
    lora_backward(din[0], din[1], din[2], scratch, dout, in[0], hidden, in[1], in[2], s[0], s[1], s[2], s[3]);
    memcpy(din[3], dout, out_values * sizeof *dout);
    free(hidden);
    free(scratch);
    free(out);
}
static void lora_f32(float *out, float *const din[], const float *dout, float *const in[], const int s[]) {
    const size_t hidden_values = (size_t)s[0] * (size_t)s[3], out_values = (size_t)s[0] * (size_t)s[2];
    float *hidden = calloc(hidden_values, sizeof *hidden), *scratch = calloc(hidden_values, sizeof *scratch);
    memcpy(out, in[3], out_values * sizeof *out);
    lora_forward_f32(out, hidden, in[0], in[1], in[2], s[0], s[1], s[2], s[3]);
    lora_backward_f32(din[0], din[1], din[2], scratch, dout, in[0], hidden, in[1], in[2], s[0], s[1], s[2],
                      s[3]);
    memcpy(din[3], dout, out_values * sizeof *dout);
    free(hidden);
    free(scratch);
}

/* --- losses: sizes B, kinds of tasks as bits ----------------------------------------------------------------- */

enum {
    HAS_BINARY = 1,
    HAS_MULTILABEL = 2,
    HAS_REGRESSION = 4,
    ALL_KINDS = 7,
    MOST_TARGETS = 6,
    N_LABELS = 3
};

typedef struct {
    ein_head_task tasks[3];
    int n_tasks, n_targets, outputs;
} head;

/* Columns in another order than the tasks, so that a mix-up shows: regression's outputs come first. */
static head head_of(int kinds) {
    static const double positive[N_LABELS] = {1.5, 0.25, 3}, one_positive[1] = {2.5};
    static const double mean[2] = {3, -50}, sd[2] = {0.7, 20};
    head h = {.n_tasks = 0};
    const int regression = kinds & HAS_REGRESSION ? 2 : 0, labels = kinds & HAS_MULTILABEL ? N_LABELS : 0;
    if (kinds & HAS_BINARY)
        h.tasks[h.n_tasks++] = (ein_head_task){.kind = EIN_HEAD_BINARY,
                                               .first_target = labels + regression,
                                               .n_targets = 1,
                                               .first_output = regression,
                                               .n_outputs = 2,
                                               .smoothing = 0.1,
                                               .weight = 0.75,
                                               .positive_weight = one_positive};
    if (labels)
        h.tasks[h.n_tasks++] = (ein_head_task){.kind = EIN_HEAD_MULTILABEL,
                                               .first_target = 0,
                                               .n_targets = N_LABELS,
                                               .first_output = regression + (kinds & HAS_BINARY ? 2 : 0),
                                               .n_outputs = N_LABELS,
                                               .weight = 2,
                                               .positive_weight = positive};
    if (regression)
        h.tasks[h.n_tasks++] = (ein_head_task){.kind = EIN_HEAD_REGRESSION,
                                               .first_target = labels,
                                               .n_targets = 2,
                                               .first_output = 0,
                                               .n_outputs = 2,
                                               .weight = 1.25,
                                               .mean = mean,
                                               .sd = sd};
    h.n_targets = labels + regression + (kinds & HAS_BINARY ? 1 : 0);
    h.outputs = labels + regression + (kinds & HAS_BINARY ? 2 : 0);
    if (ein_head_check(h.tasks, h.n_tasks, h.n_targets, h.outputs) != EIN_OK) exit(1);
    return h;
}

/* Labels and values, about one in five unknown; of record 1 nothing is known. */
static void draw_targets(float *targets, const head *h, int B) {
    for (int b = 0; b < B; b++)
        for (int k = 0; k < h->n_targets; k++) {
            const ein_philox_block draw =
                ein_philox(test_seed(11), EIN_DRAW_TEST, 500, (uint32_t)(b * MOST_TARGETS + k));
            float *t = &targets[b * h->n_targets + k];
            *t = (float)(draw.v[0] % 2);
            for (int i = 0; i < h->n_tasks; i++) {
                const ein_head_task *task = &h->tasks[i];
                const int column = k - task->first_target;
                if (task->kind == EIN_HEAD_REGRESSION && column >= 0 && column < task->n_targets)
                    *t = (float)(task->mean[column] + task->sd[column] * (2 * ein_uniform(draw.v[1]) - 1));
            }
            if (draw.v[2] % 5 == 0 || b == 1) *t = NAN;
        }
}

static layout_of_op loss_sizes(const int s[]) {
    return (layout_of_op){{(size_t)s[0] * (size_t)head_of(s[1]).outputs}, (size_t)s[0], 1};
}
static void loss_f(double *out, double *const in[], const int s[]) {
    const head h = head_of(s[1]);
    float targets[8 * MOST_TARGETS];
    draw_targets(targets, &h, s[0]);
    head_loss(out, NULL, in[0], targets, h.tasks, h.n_tasks, s[0], h.n_targets, h.outputs, 1);
}
static void loss_b(double *const din[], const double *dout, double *const in[], const int s[]) {
    const head h = head_of(s[1]);
    float targets[8 * MOST_TARGETS];
    double loss;
    draw_targets(targets, &h, s[0]);
    for (int b = 0; b < s[0]; b++)
        head_loss(&loss, din[0] + b * h.outputs, in[0] + b * h.outputs, targets + b * h.n_targets, h.tasks,
                  h.n_tasks, 1, h.n_targets, h.outputs, dout[b]);
}
static void loss_f32(float *out, float *const din[], const float *dout, float *const in[], const int s[]) {
    const head h = head_of(s[1]);
    float targets[8 * MOST_TARGETS];
    draw_targets(targets, &h, s[0]);
    for (int b = 0; b < s[0]; b++) {
        double loss;
        head_loss_f32(&loss, din[0] + b * h.outputs, in[0] + b * h.outputs, targets + b * h.n_targets,
                      h.tasks, h.n_tasks, 1, h.n_targets, h.outputs, dout[b]);
        out[b] = (float)loss;
    }
}

static const op ops[] = {
    {.name = "mean pooling (B,T,C)",
     .sizes = mean_sizes,
     .forward = mean_f,
     .backward = mean_b,
     .both_f32 = mean_f32,
     .shapes = {{1, 2, 1}, {2, 5, 3}, {3, 17, 9}, {5, 4, 33}}},
    {.name = "attentive pooling (B,T,C,H)",
     .sizes = attentive_sizes,
     .forward = attentive_f,
     .backward = attentive_b,
     .both_f32 = attentive_f32,
     .shapes = {{1, 3, 1, 1}, {2, 5, 9, 3}, {1, 17, 15, 5}, {3, 9, 22, 2}}},
    {.name = "adapter (M,K,N,R)",
     .sizes = lora_sizes,
     .forward = lora_f,
     .backward = lora_b,
     .both_f32 = lora_f32,
     .shapes = {{1, 1, 1, 1}, {5, 7, 3, 2}, {3, 9, 11, 4}, {17, 5, 13, 3}}},
    {.name = "loss, two logits (B)",
     .sizes = loss_sizes,
     .forward = loss_f,
     .backward = loss_b,
     .both_f32 = loss_f32,
     .shapes = {{1, HAS_BINARY}, {3, HAS_BINARY}, {5, HAS_BINARY}, {7, HAS_BINARY}}},
    {.name = "loss, labels (B)",
     .sizes = loss_sizes,
     .forward = loss_f,
     .backward = loss_b,
     .both_f32 = loss_f32,
     .shapes = {{1, HAS_MULTILABEL}, {3, HAS_MULTILABEL}, {5, HAS_MULTILABEL}, {7, HAS_MULTILABEL}}},
    {.name = "loss, regression (B)",
     .sizes = loss_sizes,
     .forward = loss_f,
     .backward = loss_b,
     .both_f32 = loss_f32,
     .shapes = {{1, HAS_REGRESSION}, {3, HAS_REGRESSION}, {5, HAS_REGRESSION}, {7, HAS_REGRESSION}}},
    {.name = "loss, several tasks (B)",
     .sizes = loss_sizes,
     .forward = loss_f,
     .backward = loss_b,
     .both_f32 = loss_f32,
     .shapes = {{1, ALL_KINDS}, {3, ALL_KINDS}, {5, ALL_KINDS}, {7, HAS_BINARY | HAS_REGRESSION}}},
};
enum { N_OPS = sizeof ops / sizeof *ops };

/* --- the whole model -------------------------------------------------------------------------------------- */

static const ein_vit_shape model_shapes[] = {
    {.leads = 3, .samples = 35, .patch = 5, .width = 9, .depth = 2, .heads = 3, .mlp = 13},
    {.leads = 1, .samples = 15, .patch = 3, .width = 7, .depth = 1, .heads = 1, .mlp = 5},
    {.leads = 2, .samples = 77, .patch = 7, .width = 15, .depth = 3, .heads = 5, .mlp = 11},
};
enum { N_MODELS = sizeof model_shapes / sizeof *model_shapes };

/* Ways to train it. EVERY_THIRD stands for whatever else a caller may choose: weights without their biases and the
 * other way round, frozen blocks above trained ones. */
enum { EVERY_THIRD = -1 };
typedef struct {
    const char *name;
    int mode, top_k, pool, lora;
} way;
static const way ways[] = {
    {"everything, attentive, adapters", EIN_ADAPT_FULL, 0, EIN_POOL_ATTENTIVE, 2},
    {"everything", EIN_ADAPT_FULL, 0, EIN_POOL_MEAN, 0},
    {"top block", EIN_ADAPT_TOP, 1, EIN_POOL_MEAN, 0},
    {"top block, attentive", EIN_ADAPT_TOP, 1, EIN_POOL_ATTENTIVE, 0},
    {"top 0 blocks", EIN_ADAPT_TOP, 0, EIN_POOL_MEAN, 0},
    {"linear probe", EIN_ADAPT_LINEAR, 0, EIN_POOL_MEAN, 0},
    {"attentive probe", EIN_ADAPT_ATTENTIVE, 0, EIN_POOL_ATTENTIVE, 0},
    {"adapters", EIN_ADAPT_LORA, 0, EIN_POOL_MEAN, 3},
    {"adapters, attentive", EIN_ADAPT_LORA, 0, EIN_POOL_ATTENTIVE, 1},
    {"every third tensor", EVERY_THIRD, 1, EIN_POOL_ATTENTIVE, 2},
    {"every third tensor from the second on", EVERY_THIRD, 2, EIN_POOL_MEAN, 0},
};
enum { N_WAYS = sizeof ways / sizeof *ways, RECORDS = 3 };

typedef struct {
    ein_layout *full, *trained;
    ein_classify *cl;
    head h;
    double *frozen, *param, *grad, *prefix;
    float targets[RECORDS * MOST_TARGETS];
    int expected_stage;
    bool stages_in_order;
} model_case;

static void choose(const ein_layout *full, const way *w, bool *chosen) {
    if (w->mode == EVERY_THIRD) {
        for (int i = 0; i < full->n_tensors; i++) chosen[i] = i % 3 == w->top_k % 3;
        return;
    }
    if (ein_classify_choose(full, (ein_adapt_mode)w->mode, w->top_k, chosen) != EIN_OK) exit(1);
}

static void fill_tensors(double *arena, const ein_layout *l, uint64_t stream) {
    for (int i = 0; i < l->n_tensors; i++) {
        const ein_tensor *t = &l->tensors[i];
        fill(arena + t->offset, (size_t)t->count, stream + (uint64_t)i, t->init == EIN_INIT_ONE ? 1.0 : 0.0,
             0.3);
    }
}

static void model_open(model_case *c, int which, const way *w) {
    bool chosen[256];
    c->h = head_of(ALL_KINDS);
    ein_vit_shape shape = model_shapes[which];
    shape.classes = c->h.outputs;
    shape.pool = w->pool;
    shape.lora = w->lora;
    if (ein_layout_new(&shape, EIN_PART_CLASSIFY, &c->full) != EIN_OK) exit(1);
    choose(c->full, w, chosen);
    if (ein_layout_select(c->full, chosen, &c->trained) != EIN_OK) exit(1);
    if (ein_classify_new(c->full, c->trained, RECORDS, true, &c->cl) != EIN_OK) exit(1);
    c->frozen = new_values((size_t)c->full->arena);
    c->param = new_values((size_t)c->trained->arena);
    c->grad = new_values((size_t)c->trained->arena);
    /* Weights, norms and biases all away from their special starting values, so that every term matters; and other
     * values where the trained tensors lie in the frozen arena, so that reading the wrong one shows. */
    fill_tensors(c->frozen, c->full, 1000);
    fill_tensors(c->param, c->trained, 2000);
    const size_t values = (size_t)(shape.leads * shape.samples);
    const size_t prefix_values = (size_t)ein_classify_prefix_values(c->full, c->trained);
    double *x = new_values(values);
    c->prefix = new_values(RECORDS * prefix_values);
    for (int b = 0; b < RECORDS; b++) {
        fill(x, values, 900 + (uint64_t)b, 0.2, 1.0);
        ein_classify_prefix(c->cl, c->prefix + (size_t)b * prefix_values, c->frozen, x);
    }
    free(x);
    draw_targets(c->targets, &c->h, RECORDS);
}

static void model_close(model_case *c) {
    ein_classify_destroy(c->cl);
    ein_layout_destroy(c->full);
    ein_layout_destroy(c->trained);
    free(c->frozen);
    free(c->param);
    free(c->grad);
    free(c->prefix);
}

/* The mean loss; d_logits (RECORDS,outputs) may be NULL. */
static double model_loss(model_case *c, double *d_logits) {
    double loss[RECORDS], logits[RECORDS * 8], total = 0;
    ein_classify_forward(c->cl, logits, c->frozen, c->param, c->prefix);
    head_loss(loss, d_logits, logits, c->targets, c->h.tasks, c->h.n_tasks, RECORDS, c->h.n_targets,
              c->h.outputs, 1.0 / RECORDS);
    for (int b = 0; b < RECORDS; b++) total += loss[b];
    return total / RECORDS;
}

static void stage_done(void *context, int stage) {
    model_case *c = context;
    if (stage != c->expected_stage--) c->stages_in_order = false;
}

/* Every value of every tensor is written, and nothing between tensors. */
static bool only_tensors_written(const model_case *c) {
    int64_t at = 0;
    for (int i = 0; i <= c->trained->n_tensors; i++) {
        const ein_tensor *t = i < c->trained->n_tensors ? &c->trained->tensors[i] : NULL;
        const int64_t next = t ? t->offset : c->trained->arena;
        for (; at < next; at++)
            if (!isnan(c->grad[at])) return false;
        for (; t && at < next + t->count; at++)
            if (!isfinite(c->grad[at])) return false;
    }
    return true;
}

/* The gradient of one tensor against differences. */
static double tensor_error(model_case *c, const ein_tensor *t, double *numeric) {
    for (int64_t k = t->offset; k < t->offset + t->count; k++) {
        const double kept = c->param[k];
        c->param[k] = kept + STEP;
        const double up = model_loss(c, NULL);
        c->param[k] = kept - STEP;
        const double down = model_loss(c, NULL);
        c->param[k] = kept;
        numeric[k] = (up - down) / (2 * STEP);
    }
    return relative_error(numeric + t->offset, c->grad + t->offset, (size_t)t->count);
}

static bool check_model(int which, const way *w) {
    model_case c;
    double d_logits[RECORDS * 8], worst = 0;
    const char *where = "";
    model_open(&c, which, w);
    c.expected_stage = c.trained->stages - 1;
    c.stages_in_order = true;
    for (int64_t k = 0; k < c.trained->arena; k++) c.grad[k] = NAN;
    model_loss(&c, d_logits);
    ein_classify_backward(c.cl, c.grad, d_logits, c.frozen, c.param, stage_done, &c);
    bool good = report(c.stages_in_order && c.expected_stage == -1 && only_tensors_written(&c),
                       "model %d, %s: the %d trained stages finish once each, from the highest to 0; tensors "
                       "are written and nothing else",
                       which, w->name, c.trained->stages);
    double *numeric = new_values((size_t)c.trained->arena);
    for (int i = 0; i < c.trained->n_tensors; i++) {
        const double error = tensor_error(&c, &c.trained->tensors[i], numeric);
        if (!(error <= worst)) where = c.trained->tensors[i].name;
        worst = larger_error(worst, error);
        if (report_quiet && !(worst <= MODEL_BOUND)) break;
    }
    good = report(worst <= MODEL_BOUND,
                  "model %d, %s: all %lld gradients against differences, worst %.1e (%s) <= %.0e", which,
                  w->name, (long long)c.trained->parameters, worst, where, MODEL_BOUND) &&
           good;
    free(numeric);
    model_close(&c);
    return good;
}

/* --- mutations -------------------------------------------------------------------------------------------- */

static bool everything_passes(void) {
    bool good = true;
    for (int o = 0; o < N_OPS && good; o++)
        for (int s = 1; s < ODD_SHAPES && good; s++)
            good = check_gradients(&ops[o], ops[o].shapes[s], 100 + (uint64_t)(o * 8 + s));
    return good && check_model(1, &ways[0]) && check_model(1, &ways[1]);
}

static void check_mutations(void) {
#define TERM_NAME(name) #name,
    static const char *const names[] = {EIN_TERMS_CLASSIFY(TERM_NAME)};
    for (int t = TERM_FIRST_CLASSIFY; t < TERM_COUNT; t++) {
        ein_term_factor[t] = PLANTED_FACTOR;
        report_quiet = true;
        const bool passes = everything_passes();
        report_quiet = false;
        ein_term_factor[t] = 1;
        report(!passes, "a 1 %% error planted in %s is noticed", names[t - TERM_FIRST_CLASSIFY]);
    }
    report_quiet = true;
    const bool passes = everything_passes();
    report_quiet = false;
    report(passes, "without one, the same checks pass");
}

int main(void) {
    const bool float_only = asked_for_float_only();
    for (int o = 0; o < N_OPS; o++)
        for (int s = 0; s < ODD_SHAPES; s++) {
            if (!float_only) check_gradients(&ops[o], ops[o].shapes[s], 100 + (uint64_t)(o * 8 + s));
            check_float(&ops[o], ops[o].shapes[s], 100 + (uint64_t)(o * 8 + s));
        }
    if (float_only) return report_end();
    for (int m = 0; m < N_MODELS; m++)
        for (int w = 0; w < N_WAYS; w++) check_model(m, &ways[w]);
    check_mutations();
    return report_end();
}
