/* The classifier against PyTorch: logits, losses, scores, every gradient, five steps of AdamW, for each kind of task
 * and way to train. tests/data/classify_small.safetensors was made by tests/data/make_classify_fixture.py, which says
 * what the cases are. */
#include "core/nn/adamw.h"
#include "core/nn/classify.h"
#include "core/nn/head.h"
#include "core/nn/lora.h"
#include "tests/unit/parity.h"

#define FIXTURE "tests/data/classify_small.safetensors"
enum { B = 4, MOST_OUTPUTS = 8, TOP = 2, MOST_TRACE = 20000 };

static const double value_mean[2] = {60, 27}, value_sd[2] = {15, 4};
static const double label_positive[4] = {1.5, 0.25, 3, 1}, binary_positive[1] = {2.5};

#define BINARY(target, output, w, positive)                                                      \
    {                                                                                            \
        .kind = EIN_HEAD_BINARY, .first_target = target, .n_targets = 1, .first_output = output, \
        .n_outputs = 2, .smoothing = 0.001, .weight = w, .positive_weight = positive             \
    }
#define LABELS(target, output, w, positive)                                                          \
    {                                                                                                \
        .kind = EIN_HEAD_MULTILABEL, .first_target = target, .n_targets = 4, .first_output = output, \
        .n_outputs = 4, .weight = w, .positive_weight = positive                                     \
    }
#define VALUES(target, output, w)                                                                    \
    {                                                                                                \
        .kind = EIN_HEAD_REGRESSION, .first_target = target, .n_targets = 2, .first_output = output, \
        .n_outputs = 2, .weight = w, .mean = value_mean, .sd = value_sd                              \
    }

typedef struct {
    const char *name;
    int n_tasks, n_targets, outputs;
    ein_head_task tasks[3];
    bool adapted;
} kind;

static const kind kinds[] = {
    {"binary", 1, 1, 2, {BINARY(0, 0, 1, NULL)}, false},
    {"multilabel", 1, 4, 4, {LABELS(0, 0, 1, NULL)}, false},
    {"regression", 1, 2, 2, {VALUES(0, 0, 1)}, false},
    {"several",
     3,
     7,
     8,
     {VALUES(5, 0, 1.25), BINARY(4, 2, 0.75, binary_positive), LABELS(0, 4, 2, label_positive)},
     false},
    {"adapted", 1, 4, 4, {LABELS(0, 0, 1, NULL)}, true},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static const ein_vit_shape base_shape = {
    .leads = 3, .samples = 40, .patch = 5, .width = 12, .depth = 3, .heads = 3, .mlp = 20};

static bool own_tensor(const char *name) {
    return !strncmp(name, "head.", 5) || !strncmp(name, "attn_pool.", 10) || strstr(name, ".lora_");
}

static float *new_floats(int64_t n) {
    float *p = calloc((size_t)n, sizeof *p);
    if (!p) exit(1);
    return p;
}

static ein_layout *open_model(const kind *k, float **values) {
    ein_vit_shape shape = base_shape;
    ein_layout *full;
    shape.classes = k->outputs;
    shape.pool = k->adapted ? EIN_POOL_ATTENTIVE : EIN_POOL_MEAN;
    shape.lora = k->adapted ? 2 : 0;
    if (ein_layout_new(&shape, EIN_PART_CLASSIFY, &full) != EIN_OK) exit(1);
    *values = new_floats(full->arena);
    for (int i = 0; i < full->n_tensors; i++) {
        const ein_tensor *t = &full->tensors[i];
        char prefix[32] = "";
        int64_t count;
        if (own_tensor(t->name)) snprintf(prefix, sizeof prefix, "%s.", k->name);
        float *v = parity_values(prefix, t->name, &count);
        if (!report(count == t->count, "%s%s has %lld values", prefix, t->name, (long long)count)) exit(1);
        memcpy(*values + t->offset, v, (size_t)count * sizeof *v);
        free(v);
    }
    return full;
}

static void expect(parity_trace *t, const kind *k, const char *name, size_t n) {
    char prefix[32];
    snprintf(prefix, sizeof prefix, "%s.", k->name);
    parity_expect_tensor(t, prefix, name, n);
}

/* One way to train one kind of head. */
typedef struct {
    const kind *k;
    const ein_layout *full;
    ein_layout *trained;
    const float *frozen, *x;
    float *targets, *start;
} run;

static const ein_adamw parity_adamw = {
    .lr = PARITY_LR, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.02};

#define NAME(x) x##_f32
#define REAL    float
#include "tests/unit/classify_trace.h"
#undef NAME
#undef REAL
#define NAME(x) x##_f64
#define REAL    double
#include "tests/unit/classify_trace.h"

static void run_open(run *r, ein_adapt_mode mode) {
    bool chosen[128];
    char prefix[32];
    int64_t count;
    if (ein_classify_choose(r->full, mode, TOP, chosen) != EIN_OK ||
        ein_layout_select(r->full, chosen, &r->trained) != EIN_OK)
        exit(1);
    r->start = new_floats(r->trained->arena);
    ein_layout_copy(r->start, r->trained, r->frozen, r->full);
    snprintf(prefix, sizeof prefix, "%s.", r->k->name);
    r->targets = parity_values(prefix, "target", &count);
}

static void run_close(run *r) {
    ein_layout_destroy(r->trained);
    free(r->start);
    free(r->targets);
}

/* `stored`: whether the fixture has weights after steps in this mode; gradients it has for all. */
static void check_run(const run *r, const char *mode, bool stored) {
    static parity_trace trace;
    const kind *k = r->k;
    char prefix[64];
    expect(&trace, k, "logits", (size_t)(B * k->outputs));
    expect(&trace, k, "record_loss", B);
    expect(&trace, k, "score", (size_t)(B * k->n_targets));
    snprintf(prefix, sizeof prefix, "%s.grad.", k->name);
    parity_expect_layout(&trace, prefix, r->trained, NULL);
    if (stored) {
        snprintf(prefix, sizeof prefix, "%s.%s.", k->name, mode);
        parity_expect_tensor(&trace, prefix, "loss_steps", PARITY_STEPS + 1);
        parity_expect_layout(&trace, prefix, r->trained, r->start);
    }
    parity_check(&trace, stored ? classify_steps_f64 : classify_trace_f64,
                 stored ? classify_steps_f32 : classify_trace_f32, r);
    parity_forget(&trace);
}

/* Merging rounds each weight once, which is what noise does to it anyway: the bound is that of the adapted model. */
static void check_merged_logits(const kind *k, const float *logits, const ein_layout *adapted,
                                const float *values, const float *x) {
    static double exact[MOST_TRACE], noisy[NOISE_DRAWS][MOST_TRACE];
    double found[B * MOST_OUTPUTS];
    const size_t n = (size_t)(B * k->outputs);
    run r = {.k = k, .full = adapted, .frozen = values, .x = x};
    run_open(&r, EIN_ADAPT_FULL);
    if ((size_t)r.trained->parameters + 3 * B * MOST_OUTPUTS > MOST_TRACE) exit(1);
    classify_trace_f64(&r, exact);
    for (int d = 0; d < NOISE_DRAWS; d++) {
        noise_start(d + 1);
        classify_trace_f64(&r, noisy[d]);
    }
    noise_start(0);
    run_close(&r);
    for (size_t i = 0; i < n; i++) found[i] = logits[i];
    const double spread = noise_spread(exact, noisy[0], n, MOST_TRACE, NOISE_DRAWS);
    const double bound = NOISE_MARGIN * spread + NOISE_UNIT * parity_norm(exact, NULL, n);
    const double error = parity_norm(exact, found, n);
    report(error <= bound, "%s.logits of merged weights: error %.1e <= %.1e", k->name, error, bound);
}

/* Adapters folded into the weights: the plain model gives the logits of the adapted one. */
static void check_merged(const kind *k, const ein_layout *adapted, const float *values, const float *x) {
    ein_vit_shape shape = adapted->shape;
    ein_layout *plain;
    ein_classify *cl;
    float logits[B * MOST_OUTPUTS];
    shape.lora = 0;
    if (ein_layout_new(&shape, EIN_PART_CLASSIFY, &plain) != EIN_OK) exit(1);
    float *merged = new_floats(plain->arena), *pooled = new_floats(shape.width);
    report(ein_lora_merge(merged, plain, values, adapted) == EIN_OK, "adapters are merged");
    report(ein_lora_merge(merged, adapted, values, adapted) == EIN_USAGE &&
               ein_lora_merge(merged, plain, merged, plain) == EIN_USAGE,
           "merging into, or from, a model that is no such pair is refused");
    if (ein_classify_new(plain, NULL, 1, false, &cl) != EIN_OK) exit(1);
    for (int b = 0; b < B; b++) {
        ein_classify_prefix(cl, pooled, merged, x + (size_t)b * shape.leads * shape.samples);
        ein_classify_forward(cl, logits + b * k->outputs, merged, NULL, pooled);
    }
    check_merged_logits(k, logits, adapted, values, x);
    ein_classify_destroy(cl);
    ein_layout_destroy(plain);
    free(merged);
    free(pooled);
}

static void check_kind(const kind *k, const float *x) {
    static const struct {
        ein_adapt_mode mode;
        const char *name;
        bool plain, adapted; /* whether the fixture has weights for it */
    } modes[] = {{EIN_ADAPT_FULL, "full", true, false},
                 {EIN_ADAPT_TOP, "top", true, false},
                 {EIN_ADAPT_LINEAR, "linear", false, false},
                 {EIN_ADAPT_LORA, "lora", false, true}};
    float *values;
    ein_layout *full = open_model(k, &values);
    for (int i = 0; i < 4; i++) {
        const bool lora = modes[i].mode == EIN_ADAPT_LORA;
        if (k->adapted ? !lora && modes[i].mode != EIN_ADAPT_FULL : lora) continue;
        run r = {.k = k, .full = full, .frozen = values, .x = x};
        run_open(&r, modes[i].mode);
        check_run(&r, modes[i].name, k->adapted ? modes[i].adapted : modes[i].plain);
        run_close(&r);
    }
    if (k->adapted) check_merged(k, full, values, x);
    free(values);
    ein_layout_destroy(full);
}

int main(void) {
    int64_t count;
    if (!parity_open(FIXTURE)) return report_end();
    float *x = parity_values("", "x", &count);
    for (int i = 0; i < N_KINDS; i++) check_kind(&kinds[i], x);
    free(x);
    ein_safetensors_close(parity_fixture);
    return report_end();
}
