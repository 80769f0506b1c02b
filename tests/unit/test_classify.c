/* The classifier apart from its gradients: what is trained, prefixes, bits of a record, losses and scores at the ends
 * of their range, refusals. tests/gradient and test_classify_parity.c have the rest. */
#include "core/nn/classify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/nn/head.h"
#include "core/nn/init.h"
#include "core/nn/lora.h"
#include "tests/report.h"
#include "tests/seed.h"

enum { L = 3, S = 60, D = 3, C = 20, B = 5, O = 4, X = L * S };

static const ein_vit_shape plain = {
    .leads = L, .samples = S, .patch = 5, .width = C, .depth = D, .heads = 4, .mlp = 44, .classes = O};

static ein_vit_shape shape_of(int pool, int lora) {
    ein_vit_shape shape = plain;
    shape.pool = pool;
    shape.lora = lora;
    return shape;
}

static ein_layout *layout_of(const ein_vit_shape *shape, ein_vit_parts parts) {
    ein_layout *layout;
    if (ein_layout_new(shape, parts, &layout) == EIN_OK) return layout;
    printf("# %s\n", ein_error_message());
    exit(1);
}

static float *new_floats(int64_t n) {
    float *p = calloc((size_t)n, sizeof *p);
    if (!p) exit(1);
    return p;
}

static void draw(float *x, int64_t n, uint64_t stream, double spread) {
    for (int64_t i = 0; i < n; i++) {
        double pair[2];
        const ein_philox_block words = ein_philox(test_seed(3), EIN_DRAW_TEST, stream, (uint32_t)i);
        ein_normal_pair(words.v[0], words.v[1], pair);
        x[i] = (float)(spread * pair[0]);
    }
}

/* Every tensor away from its start. */
static float *values_of(const ein_layout *layout) {
    float *param = new_floats(layout->arena);
    for (int i = 0; i < layout->n_tensors; i++) {
        const ein_tensor *t = &layout->tensors[i];
        draw(param + t->offset, t->count, 100 + (uint64_t)i, 0.3);
        for (int64_t k = 0; t->init == EIN_INIT_ONE && k < t->count; k++) param[t->offset + k] += 1;
    }
    return param;
}

/* --- ways to train ----------------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    ein_adapt_mode mode;
    int top_k, pool, lora;
    int n_trained, stages, prefix; /* expected */
} way;

enum { TOKENS = (S / 5 + 1) * C, BLOCK = 12, HEAD = 4, POOL = 5 };
static const way ways[] = {
    {"full", EIN_ADAPT_FULL, 0, EIN_POOL_MEAN, 0, 4 + D *BLOCK + HEAD, D + 2, X},
    {"full with everything", EIN_ADAPT_FULL, 0, EIN_POOL_ATTENTIVE, 2, 4 + D *(BLOCK + 4) + POOL + HEAD,
     D + 2, X},
    {"top 3", EIN_ADAPT_TOP, 3, EIN_POOL_MEAN, 0, 3 * BLOCK + HEAD, 4, TOKENS},
    {"top 1", EIN_ADAPT_TOP, 1, EIN_POOL_MEAN, 0, BLOCK + HEAD, 2, TOKENS},
    {"top 2, attentive", EIN_ADAPT_TOP, 2, EIN_POOL_ATTENTIVE, 0, 2 * BLOCK + POOL + HEAD, 3, TOKENS},
    {"top 0", EIN_ADAPT_TOP, 0, EIN_POOL_MEAN, 0, HEAD, 1, C},
    {"linear", EIN_ADAPT_LINEAR, 0, EIN_POOL_MEAN, 0, HEAD, 1, C},
    {"attentive", EIN_ADAPT_ATTENTIVE, 0, EIN_POOL_ATTENTIVE, 0, POOL + HEAD, 1, TOKENS},
    {"lora", EIN_ADAPT_LORA, 0, EIN_POOL_MEAN, 3, 4 * D + HEAD, D + 1, TOKENS},
    {"lora, attentive", EIN_ADAPT_LORA, 0, EIN_POOL_ATTENTIVE, 1, 4 * D + POOL + HEAD, D + 1, TOKENS},
};
enum { N_WAYS = sizeof ways / sizeof *ways };

static ein_layout *select_way(const ein_layout *full, const way *w) {
    bool chosen[128];
    ein_layout *trained;
    if (ein_classify_choose(full, w->mode, w->top_k, chosen) != EIN_OK ||
        ein_layout_select(full, chosen, &trained) != EIN_OK) {
        printf("# %s: %s\n", w->name, ein_error_message());
        exit(1);
    }
    return trained;
}

static void choices(void) {
    for (int i = 0; i < N_WAYS; i++) {
        const way *w = &ways[i];
        const ein_vit_shape shape = shape_of(w->pool, w->lora);
        ein_layout *full = layout_of(&shape, EIN_PART_CLASSIFY), *trained = select_way(full, w);
        const int64_t prefix = ein_classify_prefix_values(full, trained);
        report(trained->n_tensors == w->n_trained && trained->stages == w->stages,
               "%s trains %d tensors in %d stages", w->name, trained->n_tensors, trained->stages);
        report(prefix == w->prefix, "%s: %lld values come before", w->name, (long long)prefix);
        ein_layout_destroy(trained);
        ein_layout_destroy(full);
    }
    ein_layout *full = layout_of(&plain, EIN_PART_CLASSIFY);
    report(ein_classify_prefix_values(full, NULL) == C, "for a score nothing is left but the head");
    ein_layout_destroy(full);
}

static void refused_choices(void) {
    static const struct {
        ein_adapt_mode mode;
        int top_k, pool, lora;
        const char *part;
    } cases[] = {
        {EIN_ADAPT_TOP, 4, EIN_POOL_MEAN, 0, "top 4 blocks: the model has 3"},
        {EIN_ADAPT_TOP, -1, EIN_POOL_MEAN, 0, "top -1 blocks"},
        {EIN_ADAPT_ATTENTIVE, 0, EIN_POOL_MEAN, 0, "needs attentive pooling; the model's is mean"},
        {EIN_ADAPT_LINEAR, 0, EIN_POOL_ATTENTIVE, 0, "make the pooling mean"},
        {EIN_ADAPT_LORA, 0, EIN_POOL_MEAN, 0, "rank of 1 or more"},
        {EIN_ADAPT_TOP, 1, EIN_POOL_MEAN, 2, "rank 2 would stay untrained"},
        {EIN_ADAPT_LINEAR, 0, EIN_POOL_MEAN, 2, "rank 2 would stay untrained"},
    };
    bool chosen[128];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ein_vit_shape shape = shape_of(cases[i].pool, cases[i].lora);
        ein_layout *full = layout_of(&shape, EIN_PART_CLASSIFY);
        report(ein_classify_choose(full, cases[i].mode, cases[i].top_k, chosen) == EIN_USAGE &&
                   strstr(ein_error_message(), cases[i].part),
               "refused: %s", cases[i].part);
        ein_layout_destroy(full);
    }
    ein_layout *encoder = layout_of(&plain, EIN_PART_ENCODER), *full = layout_of(&plain, EIN_PART_CLASSIFY);
    ein_classify *cl;
    report(ein_classify_choose(encoder, EIN_ADAPT_FULL, 0, chosen) == EIN_USAGE &&
               strstr(ein_error_message(), "no head"),
           "an encoder alone cannot be fine-tuned");
    report(ein_classify_new(encoder, NULL, 1, false, &cl) == EIN_USAGE && !cl, "nor run as a classifier");
    report(ein_classify_new(full, encoder, 1, true, &cl) == EIN_USAGE && !cl &&
               strstr(ein_error_message(), "norm.weight"),
           "trained tensors must be the model's");
    report(ein_classify_new(full, NULL, 0, false, &cl) == EIN_USAGE && !cl, "a slot has records");
    ein_layout_destroy(encoder);
    ein_layout_destroy(full);
}

/* --- prefix, batch and single record ------------------------------------------------------------------------ */

/* Logits of record x, one record per call, with `trained` (NULL: none) read from an arena of its own. */
static void logits_of(float *logits, const ein_layout *full, const ein_layout *trained, const float *values,
                      const float *x, bool training) {
    ein_classify *cl;
    float *prefix = new_floats(ein_classify_prefix_values(full, trained));
    float *param = trained ? new_floats(trained->arena) : NULL;
    float *frozen = new_floats(full->arena);
    memcpy(frozen, values, (size_t)full->arena * sizeof *frozen);
    if (trained) {
        /* What is trained is read from `param` alone: it is NaN in `frozen`. */
        ein_layout_copy(param, trained, values, full);
        for (int i = 0; i < trained->n_tensors; i++) {
            const ein_tensor *t = &full->tensors[ein_layout_find(full, trained->tensors[i].name)];
            memset(frozen + t->offset, 0xff, (size_t)t->count * sizeof *frozen);
        }
    }
    if (ein_classify_new(full, trained, 1, training, &cl) != EIN_OK) exit(1);
    ein_classify_prefix(cl, prefix, frozen, x);
    ein_classify_forward(cl, logits, frozen, param, prefix);
    ein_classify_destroy(cl);
    free(prefix);
    free(param);
    free(frozen);
}

/* One record at a time, the way it is cut into prefix and rest makes no difference to any bit, nor does whether
 * activations are kept. */
static void same_bits_however_cut(const float *x) {
    for (int i = 0; i < N_WAYS; i++) {
        const ein_vit_shape shape = shape_of(ways[i].pool, ways[i].lora);
        ein_layout *full = layout_of(&shape, EIN_PART_CLASSIFY), *trained = select_way(full, &ways[i]);
        float *values = values_of(full), whole[O], cut[O], scored[O];
        logits_of(whole, full, full, values, x, true);
        logits_of(cut, full, trained, values, x, true);
        logits_of(scored, full, trained, values, x, false);
        report(isfinite(whole[0]) && !memcmp(whole, cut, sizeof whole) &&
                   !memcmp(whole, scored, sizeof whole),
               "%s: prefix and rest give the logits of the whole, bit for bit", ways[i].name);
        logits_of(scored, full, NULL, values, x, false);
        report(!memcmp(whole, scored, sizeof whole), "%s: and so does scoring", ways[i].name);
        free(values);
        ein_layout_destroy(trained);
        ein_layout_destroy(full);
    }
}

/* A model of B records: logits and gradients; the gradient is that of the sum of logits weighted by d. */
typedef struct {
    ein_layout *full, *trained;
    ein_classify *cl;
    float *values, *param, *prefix, *grad;
    int64_t prefix_values;
} batch;

static void batch_open(batch *b, const way *w, const float *x, int records) {
    const ein_vit_shape shape = shape_of(w->pool, w->lora);
    b->full = layout_of(&shape, EIN_PART_CLASSIFY);
    b->trained = select_way(b->full, w);
    b->values = values_of(b->full);
    b->param = new_floats(b->trained->arena);
    b->grad = new_floats(b->trained->arena);
    ein_layout_copy(b->param, b->trained, b->values, b->full);
    b->prefix_values = ein_classify_prefix_values(b->full, b->trained);
    b->prefix = new_floats(records * b->prefix_values);
    if (ein_classify_new(b->full, b->trained, records, true, &b->cl) != EIN_OK) exit(1);
    for (int r = 0; r < records; r++)
        ein_classify_prefix(b->cl, b->prefix + r * b->prefix_values, b->values, x + r * X);
}

static void batch_close(batch *b) {
    ein_classify_destroy(b->cl);
    ein_layout_destroy(b->full);
    ein_layout_destroy(b->trained);
    free(b->values);
    free(b->param);
    free(b->prefix);
    free(b->grad);
}

static void batch_run(batch *b, float *logits, const float *d) {
    ein_classify_forward(b->cl, logits, b->values, b->param, b->prefix);
    ein_classify_backward(b->cl, b->grad, d, b->values, b->param, NULL, NULL);
}

/* Rounding grows along the chain of products, forward and back: each adds 2^-24 times the root of its longest sum, so
 * all of them the root of their number more. Eight times that for conditions above 1 and for comparing two results. */
static double chain_bound(void) {
    const int embed = plain.patch * plain.leads, wide = plain.mlp > plain.width ? plain.mlp : plain.width;
    const int longest = embed > wide ? embed : wide;
    const int products =
        2 * (2 + 6 * plain.depth); /* embedding, head; qkv, scores, values, projection, two of the MLP */
    return 8 * 0x1p-24 * sqrt((double)longest * products);
}

/* A slot of B records gives the logits of its records alone, and the sum of their gradients. */
static void batches_add_up(const float *x) {
    float d[B * O];
    draw(d, B * O, 77, 1);
    for (int i = 0; i < N_WAYS; i++) {
        batch all, one;
        float logits[B * O], single[B * O];
        batch_open(&all, &ways[i], x, B);
        batch_run(&all, logits, d);
        double *sum = calloc((size_t)all.trained->arena, sizeof *sum);
        for (int r = 0; r < B; r++) {
            batch_open(&one, &ways[i], x + r * X, 1);
            batch_run(&one, single + r * O, d + r * O);
            for (int64_t k = 0; k < all.trained->arena; k++) sum[k] += one.grad[k];
            batch_close(&one);
        }
        const double of_logits = relative_error_f(single, logits, B * O);
        double *wide = calloc((size_t)all.trained->arena, sizeof *wide);
        for (int64_t k = 0; k < all.trained->arena; k++) wide[k] = all.grad[k];
        const double of_grad = relative_error(sum, wide, (size_t)all.trained->arena);
        report(of_logits <= chain_bound() && of_grad <= chain_bound(),
               "%s: %d records at once are as %d alone: logits %.1e, gradients %.1e <= %.1e", ways[i].name, B,
               B, of_logits, of_grad, chain_bound());
        free(sum);
        free(wide);
        batch_close(&all);
    }
}

/* Fresh memory is NaN, later it holds what ran before: neither shows. */
static void nothing_is_left_over(const float *x) {
    float d[B * O];
    draw(d, B * O, 78, 1);
    for (int i = 0; i < N_WAYS; i++) {
        batch b;
        float first[B * O], again[B * O], other[B * O];
        batch_open(&b, &ways[i], x, B);
        const size_t bytes = (size_t)b.trained->arena * sizeof(float);
        const size_t prefix_bytes = (size_t)(B * b.prefix_values) * sizeof(float);
        float *grad = new_floats(b.trained->arena), *prefix = new_floats(B * b.prefix_values);
        float *scratch = new_floats(b.prefix_values);
        memcpy(prefix, b.prefix, prefix_bytes);
        batch_run(&b, first, d);
        memcpy(grad, b.grad, bytes);
        /* Other records, and prefixes between the passes. */
        for (int64_t k = 0; k < B * b.prefix_values; k++) b.prefix[k] = 1e4f * prefix[k] + 3;
        ein_classify_forward(b.cl, other, b.values, b.param, b.prefix);
        memcpy(b.prefix, prefix, prefix_bytes);
        ein_classify_forward(b.cl, again, b.values, b.param, b.prefix);
        ein_classify_prefix(b.cl, scratch, b.values, x + 3 * X);
        ein_classify_backward(b.cl, b.grad, d, b.values, b.param, NULL, NULL);
        report(!memcmp(first, again, sizeof first) && !memcmp(grad, b.grad, bytes) && isfinite(first[0]) &&
                   memcmp(first, other, sizeof first),
               "%s: logits and gradients keep their bits whatever ran before", ways[i].name);
        report(!memcmp(scratch, prefix + 3 * b.prefix_values, (size_t)b.prefix_values * sizeof(float)),
               "%s: a prefix too", ways[i].name);
        free(grad);
        free(prefix);
        free(scratch);
        batch_close(&b);
    }
}

/* --- adapters at the start --------------------------------------------------------------------------------------- */

static bool starts_right(const ein_layout *l, const float *param) {
    for (int i = 0; i < l->n_tensors; i++) {
        const ein_tensor *t = &l->tensors[i];
        double largest = 0, square = 0;
        for (int64_t k = 0; k < t->count; k++) {
            largest = fmax(largest, fabs(param[t->offset + k]));
            square += (double)param[t->offset + k] * param[t->offset + k];
        }
        const double sd = sqrt(square / (double)t->count), bound = 1 / sqrt((double)t->shape[1]);
        if (t->init == EIN_INIT_LORA && !(largest <= bound && largest > 0.8 * bound)) return false;
        if (strstr(t->name, ".lora_b.") && largest != 0) return false;
        if (t->init == EIN_INIT_QUERY && !(sd > 0.01 && sd < 0.03)) return false;
    }
    return true;
}

static void adapters_start_silent(const float *x) {
    const ein_vit_shape with = shape_of(EIN_POOL_ATTENTIVE, 3), without = shape_of(EIN_POOL_ATTENTIVE, 0);
    ein_layout *adapted = layout_of(&with, EIN_PART_CLASSIFY), *bare = layout_of(&without, EIN_PART_CLASSIFY);
    float *values = new_floats(adapted->arena), *merged = new_floats(bare->arena), a[O], b[O];
    ein_vit_init(values, adapted, EIN_SCHEME_SCRATCH, 5);
    report(starts_right(adapted, values), "adapters and query start as documented");
    if (ein_lora_merge(merged, bare, values, adapted) != EIN_OK) exit(1);
    logits_of(a, adapted, NULL, values, x, false);
    logits_of(b, bare, NULL, merged, x, false);
    report(!memcmp(a, b, sizeof a) && a[0] != 0, "at first an adapted model is the model, bit for bit");
    free(values);
    free(merged);
    ein_layout_destroy(adapted);
    ein_layout_destroy(bare);
}

/* --- plans
 * ----------------------------------------------------------------------------------------------------------- */

static bool near(double a, double b) {
    return fabs(a / b - 1) <= 1e-12;
}

static void costs(void) {
    ein_layout *full = layout_of(&plain, EIN_PART_CLASSIFY);
    ein_layout *linear = select_way(full, &ways[6]), *top = select_way(full, &ways[3]);
    const double T = S / 5 + 1, N = S / 5, F = plain.mlp;
    const double embed = 2.0 * N * L * 5 * C, head = 2.0 * C * O;
    const double block = 2 * T * (4.0 * C * C + 2.0 * C * F) + 4 * T * T * C;
    const double score = (embed + D * block + head) * 1e-9;
    report(near(ein_classify_gflop(full, NULL, false), score), "a score costs the forward pass: %.3g GFLOP",
           score);
    report(near(ein_classify_gflop(full, full, false), 3 * score - embed * 1e-9),
           "training everything costs three, but for the gradient of the record");
    report(near(ein_classify_gflop(full, full, true), ein_classify_gflop(full, full, false)),
           "and has nothing to keep");
    report(near(ein_classify_gflop(full, linear, true), 3 * head * 1e-9),
           "a linear probe on kept prefixes costs three times its head");
    report(near(ein_classify_gflop(full, linear, false), score + 2 * head * 1e-9), "otherwise also a score");
    report(near(ein_classify_gflop(full, top, true), 3 * (block + head) * 1e-9),
           "training one block on kept prefixes costs three times that block and the head");
    ein_layout_destroy(linear);
    ein_layout_destroy(top);
    ein_layout_destroy(full);
}

static void memory(void) {
    ein_vit_shape deep = plain;
    deep.depth = 9;
    ein_layout *shallow = layout_of(&plain, EIN_PART_CLASSIFY), *full = layout_of(&deep, EIN_PART_CLASSIFY);
    ein_layout *linear = select_way(full, &ways[6]);
    report(ein_classify_values(full, NULL, 1, false) == ein_classify_values(shallow, NULL, 1, false),
           "scoring needs no more memory for a deeper model");
    report(ein_classify_values(full, full, B, false) < ein_classify_values(full, full, B, true) / 3,
           "training does");
    report(ein_classify_values(full, linear, 64, true) - ein_classify_values(full, linear, 1, true) <
               64 * 8 * C,
           "a linear probe holds a few vectors for each record");
    ein_layout_destroy(linear);
    ein_layout_destroy(shallow);
    ein_layout_destroy(full);
}

/* --- losses and scores
 * ------------------------------------------------------------------------------------------------ */

static const double means[1] = {10}, sds[1] = {4};
static const ein_head_task three[] = {
    {.kind = EIN_HEAD_BINARY, .n_targets = 1, .n_outputs = 2, .smoothing = 0.5, .weight = 1},
    {.kind = EIN_HEAD_MULTILABEL,
     .first_target = 1,
     .n_targets = 2,
     .first_output = 2,
     .n_outputs = 2,
     .weight = 1},
    {.kind = EIN_HEAD_REGRESSION,
     .first_target = 4,
     .n_targets = 1,
     .first_output = 5,
     .n_outputs = 1,
     .weight = 1,
     .mean = means,
     .sd = sds},
};
enum { TARGETS = 5, OUTPUTS = 6 }; /* column 3 and output 4 belong to no task */

static void extreme_logits(void) {
    /* binary: smoothed targets (0.25, 0.75): (softplus(1000) - 0.25 x 1000 + softplus(-1000) + 0.25 x 1000) / 2 = 500;
     * labels: a positive at -1000 and a negative at 90: (1000 + 90) / 2; regression: ((4 + 2.5) - 2.5)^2 */
    const float logits[OUTPUTS] = {1000, 1000, -1000, 90, 123, 4}, targets[TARGETS] = {1, 1, 0, 7, 10};
    const double binary = (1000 * 0.75 + 1000 * 0.25) / 2, labels = (1000 + 90) / 2.0, value = 16;
    float d[OUTPUTS];
    double loss, score[TARGETS];
    head_loss(&loss, d, logits, targets, three, 3, 1, TARGETS, OUTPUTS, 2);
    report(fabs(loss - binary - labels - value) <= 1e-9, "the loss of extreme logits: %.9g", loss);
    report(fabs(d[0] - 0.75) <= 1e-7 && fabs(d[1] - 0.25) <= 1e-7 && fabs(d[2] + 1) <= 1e-7 &&
               fabs(d[3] - 1) <= 1e-7 && d[4] == 0 && fabs(d[5] - 16) <= 1e-6,
           "and its gradients");
    head_score(score, logits, three, 3, 1, TARGETS, OUTPUTS);
    report(score[0] == 0.5 && score[1] == 0 && score[2] == 1 && isnan(score[3]) && score[4] == 26,
           "and its scores; a column of no task has none");
    const float huge[OUTPUTS] = {-3e38f, 3e38f, 3e38f, -3e38f, 0, 0};
    head_loss(&loss, d, huge, targets, three, 3, 1, TARGETS, OUTPUTS, 1);
    head_score(score, huge, three, 3, 1, TARGETS, OUTPUTS);
    bool finite = isfinite(loss);
    for (int i = 0; i < OUTPUTS; i++) finite = finite && isfinite(d[i]);
    report(finite && score[0] == 1 && score[1] == 1 && score[2] == 0, "the largest floats are no trouble");
    const float small[OUTPUTS] = {0, 0, 20, -20, 0, 0};
    float one_label[TARGETS] = {NAN, 1, 0, NAN, NAN};
    head_loss(&loss, d, small, one_label, three, 3, 1, TARGETS, OUTPUTS, 1);
    report(fabs(loss / log1p(exp(-20)) - 1) <= 1e-12 &&
               fabs(d[2] / -(exp(-20) / (1 + exp(-20)) / 2) - 1) <= 1e-6,
           "a loss near zero keeps its digits: %.6e", loss);
}

static void missing_targets(void) {
    const float logits[2 * OUTPUTS] = {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6};
    const float targets[2 * TARGETS] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, 1, NAN, NAN};
    float d[2 * OUTPUTS];
    double loss[2];
    bool zero = true;
    head_loss(loss, d, logits, targets, three, 3, 2, TARGETS, OUTPUTS, 1);
    for (int i = 0; i < OUTPUTS; i++) zero = zero && d[i] == 0 && (i == 3 || d[OUTPUTS + i] == 0);
    report(loss[0] == 0 && zero, "a record of which nothing is known has no loss and no gradient");
    report(fabs(loss[1] - log1p(exp(-4)) / 2) <= 1e-15 && d[OUTPUTS + 3] < 0,
           "one known label of two counts half, as ever");
}

static ein_status check_changed(int task, ein_head_task changed) {
    ein_head_task tasks[3];
    memcpy(tasks, three, sizeof tasks);
    tasks[task] = changed;
    return ein_head_check(tasks, 3, TARGETS, OUTPUTS);
}

static void refused_heads(void) {
    static const double bad_sd[1] = {0}, bad_positive[2] = {1, NAN};
    const ein_head_task b = three[0], m = three[1], r = three[2];
    struct {
        const char *part;
        int task;
        ein_head_task changed;
    } cases[] = {{"task 0 has 1 targets and 1 outputs", 0, b},
                 {"task 0 has 2 targets from column 4", 0, b},
                 {"smoothing 1", 0, b},
                 {"weight 0", 1, m},
                 {"2 targets and 1 outputs", 1, m},
                 {"tasks 0 and 1 share", 1, m},
                 {"target 1 has positive weight", 1, m},
                 {"standard deviation 0", 2, r},
                 {"standard deviation nan", 2, r},
                 {"2 outputs from column -1", 1, m},
                 {"weight inf", 2, r}};
    cases[0].changed.n_outputs = 1;
    cases[1].changed.n_targets = 2, cases[1].changed.first_target = 4;
    cases[2].changed.smoothing = 1;
    cases[3].changed.weight = 0;
    cases[4].changed.n_outputs = 1;
    cases[5].changed.first_output = 1;
    cases[6].changed.positive_weight = bad_positive;
    cases[7].changed.sd = bad_sd;
    cases[8].changed.sd = NULL;
    cases[9].changed.first_output = -1;
    cases[10].changed.weight = INFINITY;
    report(ein_head_check(three, 3, TARGETS, OUTPUTS) == EIN_OK, "a head of three tasks is in order");
    report(ein_head_check(three, 0, TARGETS, OUTPUTS) == EIN_USAGE, "one of none is not");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        report(check_changed(cases[i].task, cases[i].changed) == EIN_USAGE &&
                   strstr(ein_error_message(), cases[i].part),
               "refused: %s", cases[i].part);
}

int main(void) {
    float *x = new_floats(B * X);
    draw(x, B * X, 1, 1);
    choices();
    refused_choices();
    same_bits_however_cut(x);
    batches_add_up(x);
    nothing_is_left_over(x);
    adapters_start_silent(x);
    costs();
    memory();
    extreme_logits();
    missing_targets();
    refused_heads();
    free(x);
    return report_end();
}
