/* How far records are from those of training. Percentiles of new records of the same law are even, where those of the
 * records that the distance was fitted on are not; synthetic ECGs with noise, swapped leads, another gain or of another
 * cohort are farther, with an encoder that was only drawn; the way through JSON; what must be refused. */
#include "jobs/options/domain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/nn/classify.h"
#include "core/nn/init.h"
#include "core/synth/synth.h"
#include "jobs/options/embedding.h"
#include "tests/seed.h"
#include "tests/tap.h"

#define check_ok(call) ck_assert_msg((call) == EIN_OK, "%s", ein_error_message())

/* --- numbers --------------------------------------------------------------------------------------------- */

enum { D = 40, TRAIN = 150, HELD = 200, NEW = 400 };
static float train[TRAIN * D], held[HELD * D], fresh[NEW * D];

/* Features that hang together, moved by `shift`. */
static void make(float *out, int n, uint64_t seed, double shift) {
    for (int i = 0; i < n; i++) {
        double shared = 0;
        for (int j = 0; j < D; j++) {
            double pair[2];
            const ein_philox_block draw =
                ein_philox(test_seed(seed), EIN_DRAW_TEST, (uint64_t)i, (uint32_t)j);
            ein_normal_pair(draw.v[0], draw.v[1], pair);
            if (j % 5 == 0) shared = pair[1];
            out[i * D + j] = (float)(3 + (1 + j % 4) * (pair[0] + shared + shift));
        }
    }
}

static double mean_percentile(const ein_domain *d, const float *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += ein_domain_percentile(d, ein_domain_distance(d, x + i * d->width));
    return sum / n;
}

static ein_domain fit(void) {
    ein_domain d;
    make(train, TRAIN, 1, 0);
    make(held, HELD, 2, 0);
    make(fresh, NEW, 3, 0);
    check_ok(ein_domain_fit(&d, train, TRAIN, held, HELD, D, 2));
    return d;
}

START_TEST(percentiles_of_new_records_are_even) {
    ein_domain d = fit();
    int below[4] = {0};
    for (int i = 0; i < NEW; i++) {
        const double p = ein_domain_percentile(&d, ein_domain_distance(&d, fresh + i * D));
        ck_assert(p >= 0 && p <= 100);
        below[p < 100 ? (int)(p / 25) : 3]++;
    }
    for (int q = 0; q < 4; q++)
        ck_assert_msg(abs(below[q] - NEW / 4) < 60, "%d of %d in quarter %d", below[q], NEW, q);
    /* Why they are taken from records that the distance was not fitted on. */
    ck_assert_msg(mean_percentile(&d, train, TRAIN) < 40, "%g", mean_percentile(&d, train, TRAIN));
    double before = mean_percentile(&d, fresh, NEW);
    for (int k = 1; k <= 4; k++) {
        make(fresh, NEW, 3, 0.25 * k);
        const double now = mean_percentile(&d, fresh, NEW);
        ck_assert_msg(now > before, "%g, then %g", before, now);
        before = now;
    }
    ein_domain_free(&d);
}
END_TEST

START_TEST(percentiles_between_quantiles) {
    ein_domain d = {.width = 1};
    for (int q = 0; q < EIN_DOMAIN_QUANTILES; q++) d.quantile[q] = 2 + q / 10 * 10; /* with ties */
    ck_assert(ein_domain_percentile(&d, 1) == 0 && ein_domain_percentile(&d, 2) == 0);
    ck_assert(ein_domain_percentile(&d, 102) == 100 && ein_domain_percentile(&d, INFINITY) == 100);
    ck_assert(isnan(ein_domain_percentile(&d, NAN)));
    double before = 0;
    for (double x = 0; x < 110; x += 0.125) {
        const double p = ein_domain_percentile(&d, x);
        ck_assert(p >= before && p <= 100);
        before = p;
    }
    ck_assert(fabs(ein_domain_percentile(&d, 7) - 9.5) < 1e-12);
}
END_TEST

START_TEST(text_reads_back) {
    ein_domain d = fit(), back;
    char *text, *again;
    check_ok(ein_domain_to_json(&d, &text));
    check_ok(ein_domain_parse("file", text, &back));
    ck_assert(back.width == D && back.records == TRAIN && back.held_out == HELD &&
              back.shrinkage == d.shrinkage);
    for (int i = 0; i < NEW; i++)
        ck_assert(ein_domain_distance(&d, fresh + i * D) == ein_domain_distance(&back, fresh + i * D));
    check_ok(ein_domain_to_json(&back, &again));
    ck_assert_str_eq(text, again);
    ein_domain_free(&back);
    /* Any cut, and any one byte changed, is read or refused, never more. */
    const size_t n = strlen(text);
    for (size_t at = 0; at < n; at += at < 2500 ? 7 : 101) {
        memcpy(again, text, n + 1);
        again[at] = at % 2 ? '\0' : '"';
        const ein_status status = ein_domain_parse("some.file", again, &back);
        ck_assert(status == EIN_OK || status == EIN_FORMAT || status == EIN_MISMATCH);
        if (status != EIN_OK)
            ck_assert(strstr(ein_error_message(), "some.file: einthoven.domain") && !back.mean);
        ein_domain_free(&back);
    }
    free(text);
    free(again);
    ein_domain_free(&d);
}
END_TEST

START_TEST(few_records_give_none) {
    ein_domain d;
    make(train, TRAIN, 1, 0);
    make(held, HELD, 2, 0);
    ck_assert_int_eq(ein_domain_fit(&d, train, EIN_DOMAIN_LEAST - 1, held, HELD, D, 1), EIN_RANGE);
    ck_assert(strstr(ein_error_message(), "29 training and 200 validation records"));
    ck_assert_int_eq(ein_domain_fit(&d, train, TRAIN, held, EIN_DOMAIN_LEAST - 1, D, 1), EIN_RANGE);
    check_ok(ein_domain_fit(&d, train, EIN_DOMAIN_LEAST, held, EIN_DOMAIN_LEAST, D, 1));
    ein_domain_free(&d);
    held[3] = NAN;
    ck_assert_int_eq(ein_domain_fit(&d, train, TRAIN, held, HELD, D, 1), EIN_NUMERIC);
    ck_assert(!d.mean);
}
END_TEST

/* --- synthetic ECGs ---------------------------------------------------------------------------------------- */

enum { LEADS = 8, SAMPLES = 500, WIDTH = 24, ECGS = 420, FIT = 200, OUT = 120 };
static const ein_lead lead[LEADS] = {EIN_LEAD_I,  EIN_LEAD_II, EIN_LEAD_V1, EIN_LEAD_V2,
                                     EIN_LEAD_V3, EIN_LEAD_V4, EIN_LEAD_V5, EIN_LEAD_V6};
static float signal_mv[ECGS * LEADS * SAMPLES], features[ECGS * WIDTH];

static void draw(float *out, const ein_synth_config *config, uint64_t seed, int n) {
    ein_ecg ecg = {0};
    ein_synth_person person;
    for (int i = 0; i < n; i++) {
        check_ok(ein_synth_draw_person(config, test_seed(seed), i, &person));
        check_ok(ein_synth_render(config, &person, test_seed(seed), i, &ecg));
        ck_assert(ecg.n_samples == SAMPLES);
        for (int l = 0; l < LEADS; l++)
            for (int k = 0; k < ecg.n_leads; k++) {
                if (ecg.lead[k] != lead[l]) continue;
                for (int t = 0; t < SAMPLES; t++) {
                    const float mv = ecg.mv[k * SAMPLES + t];
                    out[(i * LEADS + l) * SAMPLES + t] = isnan(mv) ? 0 : mv * 4; /* about an SD of 1 */
                }
            }
    }
    ein_ecg_free(&ecg);
}

typedef struct {
    ein_layout *layout;
    float *param;
    ein_classify *one;
} encoder;

static encoder encoder_new(void) {
    const ein_vit_shape shape = {.leads = LEADS,
                                 .samples = SAMPLES,
                                 .patch = 25,
                                 .width = WIDTH,
                                 .depth = 2,
                                 .heads = 3,
                                 .mlp = 40,
                                 .classes = 1};
    encoder e;
    check_ok(ein_layout_new(&shape, EIN_PART_CLASSIFY, &e.layout));
    e.param = calloc((size_t)e.layout->arena, sizeof *e.param);
    ein_vit_init(e.param, e.layout, EIN_SCHEME_PRETRAIN, 5);
    check_ok(ein_classify_new(e.layout, NULL, 1, false, &e.one));
    return e;
}

static void encode(const encoder *e, float *out, const float *x, int n) {
    float prefix[WIDTH];
    for (int i = 0; i < n; i++) {
        ein_classify_prefix(e->one, prefix, e->param, x + i * LEADS * SAMPLES);
        ein_embedding_take(out + i * WIDTH, EIN_EMBED_MEAN, e->layout, ein_classify_tokens(e->one), prefix);
    }
}

static double changed_percentile(const encoder *e, const ein_domain *d, const float *x) {
    encode(e, features, x, OUT);
    return mean_percentile(d, features, OUT);
}

START_TEST(strange_records_are_farther) {
    ein_synth_config config;
    ein_domain d;
    encoder e = encoder_new();
    static float x[OUT * LEADS * SAMPLES];
    const size_t bytes = sizeof x;
    ein_synth_config_default(&config);
    config.p[EIN_SP_FS_HZ] = 100;
    config.p[EIN_SP_DURATION_S] = 5;
    check_ok(ein_synth_config_ready(&config));
    draw(signal_mv, &config, 7, ECGS);
    encode(&e, features, signal_mv, ECGS);
    check_ok(ein_domain_fit(&d, features, FIT, features + FIT * WIDTH, ECGS - FIT - OUT, WIDTH, 1));
    const float *own = signal_mv + (ECGS - OUT) * LEADS * SAMPLES;
    const double same = changed_percentile(&e, &d, own);
    ck_assert_msg(same > 35 && same < 65, "%g", same);

    memcpy(x, own, bytes);
    for (int i = 0; i < OUT * LEADS * SAMPLES; i += 2) {
        double pair[2];
        const ein_philox_block word = ein_philox(test_seed(3), EIN_DRAW_TEST, (uint64_t)i, 9);
        ein_normal_pair(word.v[0], word.v[1], pair);
        for (int k = 0; k < 2; k++) x[i + k] += (float)pair[k];
    }
    const double noisy = changed_percentile(&e, &d, x);
    for (int i = 0; i < OUT; i++) /* arms exchanged: I upside down, II is III; and V1 with V6 */
        for (int t = 0; t < SAMPLES; t++) {
            const float *from = own + i * LEADS * SAMPLES + t;
            float *to = x + i * LEADS * SAMPLES + t;
            for (int l = 0; l < LEADS; l++) to[l * SAMPLES] = from[l * SAMPLES];
            to[0] = -from[0];
            to[SAMPLES] = from[SAMPLES] - from[0];
            to[2 * SAMPLES] = from[7 * SAMPLES];
            to[7 * SAMPLES] = from[2 * SAMPLES];
        }
    const double swapped = changed_percentile(&e, &d, x);
    for (int i = 0; i < OUT * LEADS * SAMPLES; i++) x[i] = 3 * own[i];
    const double loud = changed_percentile(&e, &d, x);
    for (int i = 0; i < OUT * LEADS * SAMPLES; i++) x[i] = 0.1f * own[i];
    const double faint = changed_percentile(&e, &d, x);
    config.p[EIN_SP_PREVALENCE + EIN_SC_PACE] = 0.45;
    config.p[EIN_SP_PREVALENCE + EIN_SC_LBBB] = 0.45;
    config.p[EIN_SP_PREVALENCE + EIN_SC_ST] = 0.45;
    check_ok(ein_synth_config_ready(&config));
    draw(x, &config, 8, OUT);
    const double cohort = changed_percentile(&e, &d, x);
    printf(
        "# mean percentiles: same %.1f, noise %.1f, swapped %.1f, loud %.1f, faint %.1f, other cohort %.1f\n",
        same, noisy, swapped, loud, faint, cohort);
    ck_assert_msg(noisy > 75 && swapped > 58 && loud > 80 && faint > 70 && cohort > same + 8,
                  "same %g, noise %g, swapped %g, loud %g, faint %g, other cohort %g", same, noisy, swapped,
                  loud, faint, cohort);
    ein_domain_free(&d);
    ein_classify_destroy(e.one);
    ein_layout_destroy(e.layout);
    free(e.param);
}
END_TEST

/* --- embeddings ------------------------------------------------------------------------------------------ */

/* Mean and CLS are those of the tokens; what the head's pooling makes is the prefix itself. */
START_TEST(embeddings_are_those_of_tokens) {
    static float x[LEADS * SAMPLES];
    for (int i = 0; i < LEADS * SAMPLES; i++) x[i] = (float)sin(i * 0.37) + (float)(i % 13) * 0.1f;
    ein_vit_shape shape = {.leads = LEADS,
                           .samples = SAMPLES,
                           .patch = 25,
                           .width = WIDTH,
                           .depth = 2,
                           .heads = 3,
                           .mlp = 40,
                           .classes = 2};
    for (int pool = EIN_POOL_MEAN; pool <= EIN_POOL_ATTENTIVE; pool++) {
        ein_layout *layout;
        ein_classify *one;
        float prefix[WIDTH], mean[WIDTH], cls[WIDTH], attentive[WIDTH];
        shape.pool = pool;
        check_ok(ein_layout_new(&shape, EIN_PART_CLASSIFY, &layout));
        float *param = calloc((size_t)layout->arena, sizeof *param);
        ein_vit_init(param, layout, EIN_SCHEME_PRETRAIN, 6);
        check_ok(ein_classify_new(layout, NULL, 1, false, &one));
        ein_classify_prefix(one, prefix, param, x);
        const float *tokens = ein_classify_tokens(one);
        ein_embedding_take(mean, EIN_EMBED_MEAN, layout, tokens, prefix);
        ein_embedding_take(cls, EIN_EMBED_CLS, layout, tokens, prefix);
        ck_assert(memcmp(cls, tokens, sizeof cls) == 0);
        for (int c = 0; c < WIDTH; c++) {
            double sum = 0;
            for (int t = 1; t <= SAMPLES / 25; t++) sum += tokens[t * WIDTH + c];
            ck_assert(fabs(sum / (SAMPLES / 25) - mean[c]) < 1e-5);
        }
        ck_assert_int_eq(ein_embedding_check(EIN_EMBED_ATTENTIVE, "some.model", layout),
                         pool == EIN_POOL_MEAN ? EIN_USAGE : EIN_OK);
        if (pool == EIN_POOL_ATTENTIVE) {
            ein_embedding_take(attentive, EIN_EMBED_ATTENTIVE, layout, tokens, prefix);
            ck_assert(memcmp(attentive, prefix, sizeof prefix) == 0 &&
                      memcmp(mean, prefix, sizeof prefix) != 0);
        } else {
            ck_assert(memcmp(mean, prefix, sizeof prefix) == 0);
        }
        free(param);
        ein_classify_destroy(one);
        ein_layout_destroy(layout);
    }
    ein_embedding kind;
    for (int k = 0; k < EIN_EMBED_KINDS; k++) {
        check_ok(ein_embedding_parse(ein_embedding_name((ein_embedding)k), &kind));
        ck_assert_int_eq(kind, k);
    }
    ck_assert_int_eq(ein_embedding_parse("max", &kind), EIN_USAGE);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("domain");
    ein_tap_add(suite, "percentiles of new records are even", percentiles_of_new_records_are_even);
    ein_tap_add(suite, "percentiles between quantiles", percentiles_between_quantiles);
    ein_tap_add(suite, "text reads back", text_reads_back);
    ein_tap_add(suite, "few records give none", few_records_give_none);
    ein_tap_add(suite, "strange ECGs are farther", strange_records_are_farther);
    ein_tap_add(suite, "embeddings are those of tokens", embeddings_are_those_of_tokens);
    return ein_tap_main(suite);
}
