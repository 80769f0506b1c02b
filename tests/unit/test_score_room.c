/* Records through the models of `score`: the bits of a record's values are the same in a batch of any size, at any
 * place in it, after any others; they are those of the record through the model alone; two models that share an
 * encoder, a domain and an embedding among them. A value that is not finite is told; its neighbours do not feel it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/nn/init.h"
#include "io/corpus/store.h"
#include "jobs/options/scoring.h"
#include "jobs/score/models.h"
#include "tests/seed.h"
#include "tests/tap.h"

#define check_ok(call) ck_assert_msg((call) == EIN_OK, "%s", ein_error_message())

enum { LEADS = 3, SAMPLES = 100, SIGNAL = LEADS * SAMPLES, WIDTH = 24, RECORDS = 150, OUTPUTS = 2 };
enum { VALUES = 2 * OUTPUTS + 1 + WIDTH };

static int16_t counts[RECORDS * SIGNAL];
static float scale[RECORDS];
static float alone[RECORDS * VALUES], together[RECORDS * VALUES];

static void draw_records(void) {
    for (int i = 0; i < RECORDS; i++) {
        scale[i] = 0.001F * (float)(1 + i % 3);
        for (int j = 0; j < SIGNAL; j++)
            counts[i * SIGNAL + j] =
                (int16_t)(ein_philox(test_seed(1), EIN_DRAW_TEST, (uint64_t)i, (uint32_t)j).v[0] % 3000 -
                          1500);
    }
}

/* The domain's whitener is the identity about 0. */
static void make_domain(ein_domain *d) {
    d->width = WIDTH;
    d->mean = calloc(WIDTH, sizeof *d->mean);
    d->whitener = calloc(WIDTH * (WIDTH + 1) / 2, sizeof *d->whitener);
    ck_assert(d->mean && d->whitener);
    for (int i = 0; i < WIDTH; i++) d->whitener[i * (i + 1) / 2 + i] = 1;
}

/* fc_norm and head of model m, drawn; the rest is the encoder's. */
static void make_top(ein_score_model *m, const float *param, float factor) {
    bool *chosen = calloc((size_t)m->layout->n_tensors, sizeof *chosen);
    for (int i = 0; i < m->layout->n_tensors; i++)
        chosen[i] = strncmp(m->layout->tensors[i].name, "fc_norm.", 8) == 0 ||
                    strncmp(m->layout->tensors[i].name, "head.", 5) == 0;
    check_ok(ein_layout_select(m->layout, chosen, &m->top));
    free(chosen);
    m->top_param = calloc((size_t)m->top->arena, sizeof *m->top_param);
    ein_layout_copy(m->top_param, m->top, param, m->layout);
    for (int64_t i = 0; i < m->top->arena; i++)
        m->top_param[i] +=
            factor *
            (float)((double)ein_philox(test_seed(2), EIN_DRAW_TEST, (uint64_t)i, 7).v[0] / 4294967296.0);
}

static ein_score_models *make_models(void) {
    const ein_vit_shape shape = {.leads = LEADS,
                                 .samples = SAMPLES,
                                 .patch = 20,
                                 .width = WIDTH,
                                 .depth = 2,
                                 .heads = 3,
                                 .mlp = 40,
                                 .classes = OUTPUTS};
    ein_score_models *all = calloc(1, sizeof *all);
    ck_assert(all &&
              ein_calloc((void **)&all->encoder, 1, (int64_t)sizeof *all->encoder, "encoder") == EIN_OK);
    all->model = calloc(2, sizeof *all->model);
    all->n = 2;
    all->n_encoders = 1;
    all->values = VALUES;
    all->contract.n_leads = LEADS;
    all->contract.n_samples = SAMPLES;
    all->encoder[0].mean_mv = 0.1;
    all->encoder[0].sd_mv = 0.5;
    for (int i = 0; i < 2; i++) {
        ein_score_model *m = &all->model[i];
        check_ok(ein_layout_new(&shape, EIN_PART_CLASSIFY, &m->layout));
        if (i == 0) {
            all->encoder[0].param = calloc((size_t)m->layout->arena, sizeof(float));
            ein_vit_init(all->encoder[0].param, m->layout, EIN_SCHEME_PRETRAIN, 6);
        }
        make_top(m, all->encoder[0].param, (float)(1 + i));
        m->meaning = calloc(1, sizeof *m->meaning);
        m->first_value = i * OUTPUTS;
    }
    all->model[1].distance_value = 2 * OUTPUTS;
    make_domain(&all->model[1].domain);
    all->embedding = EIN_EMBED_CLS;
    all->embedding_width = WIDTH;
    all->embedding_value = 2 * OUTPUTS + 1;
    check_ok(ein_packed_make(all->model[0].layout, false, all->encoder[0].param, 1, &all->encoder[0].packed));
    return all;
}

static void destroy_models(ein_score_models *all) {
    for (int i = 0; i < all->n; i++) {
        free(all->model[i].meaning); /* empty: nothing below it */
        all->model[i].meaning = NULL;
    }
    ein_score_models_destroy(all);
}

/* Values of records from, from + step, ... (mod RECORDS), `batch` of them a call, into their places of `out`. */
static void run(ein_score_models *all, float *out, int batch, int from, int step) {
    ein_score_room *room;
    ein_score_item item[RECORDS];
    check_ok(ein_score_room_new(all, &room));
    memset(out, 0xff, RECORDS * VALUES * sizeof *out);
    for (int i = 0; i < RECORDS; i++) {
        const int r = (from + i * step) % RECORDS;
        item[i] =
            (ein_score_item){.counts = counts + r * SIGNAL, .scale = scale[r], .value = out + r * VALUES};
    }
    for (int i = 0; i < RECORDS; i += batch)
        ein_score_room_run(room, item + i, RECORDS - i < batch ? RECORDS - i : batch);
    for (int i = 0; i < RECORDS; i++) ck_assert(item[i].finite);
    ein_score_room_destroy(room);
}

/* One record through the prefix and the head, without any room, copies or neighbours. */
static void score_plainly(const ein_score_models *all, int r, float *out) {
    float x[SIGNAL], pooled[WIDTH];
    ein_classify *encoder, *top;
    check_ok(ein_classify_new(all->model[0].layout, NULL, 1, false, &encoder));
    ein_counts_input(x, counts + r * SIGNAL, scale[r], 0.1F, (float)(1.0 / 0.5), SIGNAL);
    ein_classify_prefix(encoder, pooled, all->encoder[0].param, x);
    for (int i = 0; i < 2; i++) {
        const ein_score_model *m = &all->model[i];
        check_ok(ein_classify_new(m->layout, m->top, 1, false, &top));
        ein_classify_forward(top, out + i * OUTPUTS, all->encoder[0].param, m->top_param, pooled);
        ein_classify_destroy(top);
    }
    out[2 * OUTPUTS] = (float)ein_domain_distance(&all->model[1].domain, pooled);
    memcpy(out + 2 * OUTPUTS + 1, ein_classify_tokens(encoder), WIDTH * sizeof *out);
    ein_classify_destroy(encoder);
}

START_TEST(bits_do_not_depend_on_the_batch) {
    ein_score_models *all = make_models();
    draw_records();
    ck_assert_int_gt(ein_scoring_batch(all->model[0].layout), 7);
    run(all, alone, 1, 0, 1);
    static const int how[][3] = {{7, 0, 1}, {64, 0, 1}, {64, 31, 1}, {150, 149, 149}, {13, 5, 77}, {2, 1, 1}};
    for (size_t h = 0; h < sizeof how / sizeof how[0]; h++) {
        run(all, together, how[h][0], how[h][1], how[h][2]);
        for (int r = 0; r < RECORDS; r++)
            ck_assert_msg(memcmp(alone + r * VALUES, together + r * VALUES, VALUES * sizeof *alone) == 0,
                          "record %d in batches of %d", r, how[h][0]);
    }
    destroy_models(all);
}
END_TEST

START_TEST(bits_are_those_of_the_record_alone) {
    ein_score_models *all = make_models();
    draw_records();
    run(all, together, 64, 3, 7);
    for (int r = 0; r < RECORDS; r += 10) {
        float plain[VALUES];
        score_plainly(all, r, plain);
        ck_assert_msg(memcmp(plain, together + r * VALUES, sizeof plain) == 0, "record %d", r);
    }
    /* Two heads, and other records, are told apart. */
    ck_assert(memcmp(together, together + OUTPUTS, OUTPUTS * sizeof *together) != 0);
    ck_assert(memcmp(together, together + VALUES, VALUES * sizeof *together) != 0);
    destroy_models(all);
}
END_TEST

START_TEST(what_is_not_finite_is_told_alone) {
    ein_score_models *all = make_models();
    ein_score_room *room;
    ein_score_item item[9];
    draw_records();
    run(all, alone, 1, 0, 1);
    check_ok(ein_score_room_new(all, &room));
    for (int i = 0; i < 9; i++)
        item[i] = (ein_score_item){.counts = counts + i * SIGNAL,
                                   .scale = i == 4 ? INFINITY : scale[i],
                                   .value = together + i * VALUES};
    ein_score_room_run(room, item, 9);
    for (int i = 0; i < 9; i++) {
        ck_assert_int_eq(item[i].finite, i != 4);
        if (i != 4) ck_assert(memcmp(alone + i * VALUES, together + i * VALUES, VALUES * sizeof *alone) == 0);
    }
    ein_score_room_destroy(room);
    destroy_models(all);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("score room");
    ein_tap_add(suite, "bits do not depend on the batch", bits_do_not_depend_on_the_batch);
    ein_tap_add(suite, "bits are those of the record alone", bits_are_those_of_the_record_alone);
    ein_tap_add(suite, "what is not finite is told alone", what_is_not_finite_is_told_alone);
    return ein_tap_main(suite);
}
