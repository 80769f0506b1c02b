/* Training and scoring give the same bytes with every set of vector instructions that this processor has: masked
 * autoencoder, classifiers with both poolings and adapters, AdamW; and a record's logits are the same in any batch.
 * Sizes are no multiples of anything, so that every loop has a tail. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/base/processor.h"
#include "core/nn/adamw.h"
#include "core/nn/classify.h"
#include "core/nn/init.h"
#include "core/nn/mae.h"
#include "core/nn/packed.h"
#include "core/nn/products.h"
#include "tests/report.h"
#include "tests/seed.h"

static const ein_adamw adamw = {1e-2, 0.9, 0.999, 1e-8, 2e-5};
enum { UPDATES = 6, RECORDS = 3 };

static void *room(size_t bytes) {
    void *memory = calloc(bytes + 1, 1);
    if (!memory) exit(1);
    return memory;
}

static float *draw(size_t n, uint64_t stream) {
    float *x = room(n * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        const ein_philox_block block = ein_philox(test_seed(13), EIN_DRAW_TEST, stream, (uint32_t)i);
        x[i] = (float)(4 * ein_uniform(block.v[0]) - 2);
    }
    return x;
}

static void open_layout(ein_layout **layout, ein_vit_parts parts, int pool, int lora) {
    const ein_vit_shape shape = {.leads = 3,
                                 .samples = 7 * 23,
                                 .patch = 7,
                                 .width = 42,
                                 .depth = 2,
                                 .heads = 3,
                                 .mlp = 83,
                                 .dec_width = parts == EIN_PART_PRETRAIN ? 22 : 0,
                                 .dec_depth = parts == EIN_PART_PRETRAIN ? 1 : 0,
                                 .dec_heads = parts == EIN_PART_PRETRAIN ? 2 : 0,
                                 .dec_mlp = parts == EIN_PART_PRETRAIN ? 37 : 0,
                                 .classes = parts == EIN_PART_CLASSIFY ? 5 : 0,
                                 .pool = pool,
                                 .lora = lora};
    if (ein_layout_new(&shape, parts, layout) != EIN_OK) exit(1);
}

/* What a training leaves behind: its parameters and what they were made with. */
typedef struct {
    ein_layout *layout;
    float *param, *m, *v, *grad, *x, *out; /* out: RECORDS x 5 logits, or RECORDS losses */
} trained;

static trained start(ein_vit_parts parts, int pool, int lora) {
    trained t = {0};
    open_layout(&t.layout, parts, pool, lora);
    const size_t bytes = (size_t)t.layout->arena * sizeof(float);
    t.param = room(bytes);
    t.m = room(bytes);
    t.v = room(bytes);
    t.grad = room(bytes);
    t.x = draw((size_t)RECORDS * 3 * 7 * 23, 1);
    t.out = room((size_t)RECORDS * 5 * sizeof(float));
    ein_vit_init(t.param, t.layout, EIN_SCHEME_PRETRAIN, 3);
    for (int64_t i = 0; i < t.layout->arena; i += 7) t.param[i] += 0.01f; /* adapters start as nothing */
    return t;
}

static void end(trained *t) {
    ein_layout_destroy(t->layout);
    float *all[] = {t->param, t->m, t->v, t->grad, t->x, t->out};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static bool whole;  /* every patch is predicted, not the masked ones alone */
static bool copies; /* weights are read from copies that are made before each update, in three parts */

static ein_packed *copy_weights(const trained *t, ein_packed *packed) {
    if (copies && !packed && ein_packed_new(t->layout, true, &packed) != EIN_OK) exit(1);
    for (int part = 2; copies && part >= 0; part--) ein_packed_fill(packed, t->param, part, 3);
    return packed;
}

static trained pretrain(int pool, int lora) {
    trained t = start(EIN_PART_PRETRAIN, pool, lora);
    ein_packed *packed = copy_weights(&t, NULL);
    ein_mae *mae;
    int32_t order[RECORDS * 23];
    double loss[RECORDS];
    if (ein_mae_new(t.layout, RECORDS, 9, &mae) != EIN_OK) exit(1);
    ein_mae_weights(mae, packed);
    ein_mae_whole(mae, whole);
    for (int u = 1; u <= UPDATES; u++) {
        copy_weights(&t, packed);
        for (int b = 0; b < RECORDS; b++) ein_mask_draw(order + b * 23, 23, 5, u, b);
        ein_mae_forward(mae, loss, t.param, t.x, order);
        ein_mae_backward(mae, t.grad, t.param, 1.0 / RECORDS, NULL, NULL);
        ein_adamw_range(t.param, t.m, t.v, t.grad, t.layout, 0, t.layout->arena, &adamw, u);
    }
    for (int b = 0; b < RECORDS; b++) t.out[b] = (float)loss[b];
    ein_mae_destroy(mae);
    ein_packed_destroy(packed);
    return t;
}

static trained finetune(int pool, int lora) {
    trained t = start(EIN_PART_CLASSIFY, pool, lora);
    ein_classify *cl;
    if (ein_classify_new(t.layout, t.layout, RECORDS, true, &cl) != EIN_OK) exit(1);
    ein_packed *packed = copy_weights(&t, NULL);
    ein_classify_weights(cl, NULL, packed);
    float *d_logits = draw((size_t)RECORDS * 5, 2);
    for (int u = 1; u <= UPDATES; u++) {
        copy_weights(&t, packed);
        ein_classify_forward(cl, t.out, NULL, t.param, t.x);
        ein_classify_backward(cl, t.grad, d_logits, NULL, t.param, NULL, NULL);
        ein_adamw_range(t.param, t.m, t.v, t.grad, t.layout, 0, t.layout->arena, &adamw, u);
    }
    free(d_logits);
    ein_packed_destroy(packed);
    ein_classify_destroy(cl);
    return t;
}

static bool same(const trained *a, const trained *b) {
    const size_t bytes = (size_t)a->layout->arena * sizeof(float);
    return !memcmp(a->param, b->param, bytes) && !memcmp(a->m, b->m, bytes) && !memcmp(a->v, b->v, bytes) &&
           !memcmp(a->out, b->out, (size_t)RECORDS * 5 * sizeof(float));
}

static void compare_sets(const char *what, trained (*train)(int, int), int pool, int lora) {
    ein_set_use(EIN_SET_PLAIN);
    trained plain = train(pool, lora), fresh = start(plain.layout->parts, pool, lora);
    report(memcmp(plain.param, fresh.param, (size_t)plain.layout->arena * sizeof(float)) != 0 &&
               plain.out[0] == plain.out[0],
           "%s: %d updates change the weights, and nothing is NaN", what, UPDATES);
    end(&fresh);
    for (int s = EIN_SET_PLAIN + 1; s < EIN_SETS; s++) {
        if (!ein_set_use((ein_instruction_set)s)) {
            printf("# %s: this processor has it not\n", ein_set_name((ein_instruction_set)s));
            continue;
        }
        for (int c = 0; c < 2; c++) {
            copies = c == 1;
            trained other = train(pool, lora);
            report(same(&plain, &other), "%s: the same bytes as plain C with %s%s", what,
                   ein_set_name((ein_instruction_set)s), copies ? " and copies of weights" : "");
            end(&other);
        }
        copies = false;
    }
    end(&plain);
}

/* Logits of records, `batch` at once, the rest in a smaller batch; 0: one by one, as the prefix of a frozen model. */
static void score(float *logits, const ein_layout *layout, const float *param, const float *x, int records,
                  int batch, const ein_packed *packed) {
    const size_t values = (size_t)(layout->shape.leads * layout->shape.samples);
    const int at_once = batch ? batch : 1, classes = layout->shape.classes;
    float *prefix = room(values * sizeof *prefix);
    ein_classify *cl;
    if (ein_classify_new(layout, batch ? layout : NULL, at_once, false, &cl) != EIN_OK) exit(1);
    ein_classify_weights(cl, packed, packed);
    for (int i = 0; i < records; i += at_once) {
        const float *in = x + (size_t)i * values;
        if (batch && records - i < batch) ein_classify_records(cl, records - i);
        if (!batch) ein_classify_prefix(cl, prefix, param, in);
        ein_classify_forward(cl, logits + i * classes, param, param, batch ? in : prefix);
    }
    free(prefix);
    ein_classify_destroy(cl);
}

static void check_batches(int pool) {
    enum { ALL = 64, VALUES = 3 * 7 * 23 };
    ein_layout *layout;
    open_layout(&layout, EIN_PART_CLASSIFY, pool, 0);
    float *param = room((size_t)layout->arena * sizeof *param), *x = draw((size_t)ALL * VALUES, 4);
    float *alone = room((size_t)ALL * 5 * sizeof *alone), *batch = room((size_t)ALL * 5 * sizeof *batch);
    ein_vit_init(param, layout, EIN_SCHEME_PRETRAIN, 3);
    ein_packed *packed;
    if (ein_packed_new(layout, false, &packed) != EIN_OK) exit(1);
    ein_packed_fill(packed, param, 0, 1);
    score(alone, layout, param, x, ALL, 0, NULL);
    static const int sizes[] = {1, 7, 64, 0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        score(batch, layout, param, x, ALL, sizes[i], packed);
        report(!memcmp(alone, batch, (size_t)ALL * 5 * sizeof *alone),
               "%s pooling: logits in batches of %d (0: as a frozen model's), with copies of weights, are "
               "those of records alone",
               pool ? "attentive" : "mean", sizes[i]);
    }
    ein_packed_destroy(packed);
    ein_layout_destroy(layout);
    free(param);
    free(x);
    free(alone);
    free(batch);
}

/* Predictions of patches that were not masked have no loss, so leaving them out changes no bit. */
static void check_whole(void) {
    trained masked = pretrain(0, 0);
    whole = true;
    trained all = pretrain(0, 0);
    whole = false;
    report(same(&masked, &all), "the last block for masked patches alone: the same bytes as for all of them");
    end(&masked);
    end(&all);
}

int main(void) {
    ein_products_use(true);
    compare_sets("pretraining", pretrain, 0, 0);
    check_whole();
    compare_sets("fine-tuning", finetune, EIN_POOL_MEAN, 0);
    compare_sets("fine-tuning, attentive pooling and adapters", finetune, EIN_POOL_ATTENTIVE, 3);
    check_batches(EIN_POOL_MEAN);
    check_batches(EIN_POOL_ATTENTIVE);
    return report_end();
}
