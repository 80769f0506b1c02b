/* Random numbers, fast functions, schedule, initial weights and masks against published or libm values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/nn/erf.h"
#include "core/nn/init.h"
#include "core/nn/layout.h"
#include "core/nn/mae.h"
#include "core/nn/schedule.h"
#include "tests/report.h"

/* Known answers of Philox 4x32-10 from the authors' test vectors (Random123, kat_vectors). */
static void philox_known_answers(void) {
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ein_philox_block counter;
        memcpy(counter.v, known[i].counter, sizeof counter.v);
        const ein_philox_block out = ein_philox_rounds(counter, known[i].key);
        report(memcmp(out.v, known[i].out, sizeof out.v) == 0, "Philox 4x32-10, published vector %zu", i);
    }
}

static void permutations(void) {
    enum { N = 97, DRAWS = 4000 };
    int64_t order[N];
    bool whole = true;
    double mean_first = 0;
    for (int a = 0; a < DRAWS; a++) {
        bool seen[N] = {0};
        ein_permutation(3, EIN_DRAW_TEST, (uint64_t)a, N, order);
        for (int i = 0; i < N; i++) {
            if (order[i] < 0 || order[i] >= N || seen[order[i]])
                whole = false;
            else
                seen[order[i]] = true;
        }
        mean_first += (double)order[0] / DRAWS;
    }
    report(whole, "%d permutations of %d hold every index once", DRAWS, N);
    /* Standard error of the mean of a uniform index: N / sqrt(12 DRAWS) = 0.44. */
    report(fabs(mean_first - (N - 1) / 2.0) < 5 * 0.44, "their first index is uniform: mean %.2f",
           mean_first);
}

static void uniforms(void) {
    report(ein_uniform(0) > 0 && ein_uniform(UINT32_MAX) < 1, "uniforms of 32 bits stay inside (0, 1)");
    report(ein_uniform52(0, 0) > 0 && ein_uniform52(UINT32_MAX, UINT32_MAX) < 1,
           "uniforms of 52 bits stay inside (0, 1)");
}

static void fast_functions(void) {
    double worst_exp = 0, worst_cdf = 0, worst_pdf = 0;
    for (int i = -870000; i <= 100000; i++) {
        const float x = (float)i * 1e-4f;
        worst_exp = larger_error(fabs(ein_exp_fast(x) / exp((double)x) - 1), worst_exp);
    }
    for (int i = -90000; i <= 90000; i++) {
        const float x = (float)i * 1e-4f;
        float cdf, pdf;
        ein_normal_fast(x, &cdf, &pdf);
        const double e = -0.5 * (double)x * x;
        worst_cdf = larger_error(fabs(cdf / (0.5 * erfc(-(double)x * EIN_SQRT1_2)) - 1), worst_cdf);
        worst_pdf = larger_error(fabs(pdf / (EIN_INV_SQRT_2PI * exp(e)) - 1), worst_pdf);
    }
    report(worst_exp <= 3e-7, "fast exp on [-87, 10]: relative error %.1e <= 3e-7", worst_exp);
    /* In the tail exp(-x^2/2) turns the rounding of x^2/2 = 40 into 40 times the float epsilon. */
    report(worst_cdf <= 5e-6, "fast normal distribution on [-9, 9]: relative error %.1e <= 5e-6", worst_cdf);
    report(worst_pdf <= 5e-6, "fast normal density on [-9, 9]: relative error %.1e <= 5e-6", worst_pdf);
    float cdf, pdf;
    ein_normal_fast(NAN, &cdf, &pdf);
    report(isnan(cdf) && isnan(pdf), "NaN stays NaN");
    ein_normal_fast(1e30f, &cdf, &pdf);
    const float high = cdf;
    ein_normal_fast(-1e30f, &cdf, &pdf);
    report(high == 1.0f && cdf >= 0 && cdf < 1e-30f && pdf < 1e-30f, "huge arguments saturate");
}

/* tests/data/schedule_expected.csv was computed independently (tests/data/make_schedule.py). */
static void schedule(void) {
    FILE *file = fopen("tests/data/schedule_expected.csv", "r");
    char line[512];
    int rows = 0;
    double worst = 0;
    if (!file || !fgets(line, sizeof line, file)) {
        report(false, "tests/data/schedule_expected.csv opens");
        if (file) fclose(file);
        return;
    }
    while (fgets(line, sizeof line, file)) {
        ein_schedule s;
        long long warmup, total, update;
        double expected;
        if (sscanf(line, "%*[^,],%lf,%lf,%lld,%lld,%lf,%lld,%lf", &s.lr, &s.warmup_lr, &warmup, &total, &s.k,
                   &update, &expected) != 7) {
            worst = NAN;
            break;
        }
        s.warmup = warmup;
        s.total = total;
        const double found = ein_schedule_lr(&s, update);
        const double error = fabs(found - expected) / (fabs(expected) > 1e-12 ? fabs(expected) : 1e-12);
        worst = larger_error(error, worst);
        rows++;
    }
    fclose(file);
    report(rows >= 10 && worst <= 1e-9, "schedule against %d independent values: relative error %.1e <= 1e-9",
           rows, worst);
}

static void moments(const float *x, int64_t n, double *mean, double *sd) {
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    *mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) square += (x[i] - *mean) * (x[i] - *mean);
    *sd = sqrt(square / (double)n);
}

static void initial_weights(void) {
    const ein_vit_shape shape = {.leads = 8,
                                 .samples = 1000,
                                 .patch = 25,
                                 .width = 128,
                                 .depth = 2,
                                 .heads = 4,
                                 .mlp = 512,
                                 .dec_width = 64,
                                 .dec_depth = 1,
                                 .dec_heads = 4,
                                 .dec_mlp = 256};
    ein_layout *layout;
    if (ein_layout_new(&shape, EIN_PART_PRETRAIN, &layout) != EIN_OK) exit(1);
    float *param = malloc((size_t)layout->arena * sizeof *param),
          *again = malloc((size_t)layout->arena * sizeof *again);
    ein_vit_init(param, layout, EIN_SCHEME_PRETRAIN, 42);
    ein_vit_init(again, layout, EIN_SCHEME_PRETRAIN, 42);
    report(memcmp(param, again, (size_t)layout->arena * sizeof *param) == 0,
           "the same seed gives the same weights");
    ein_vit_init(again, layout, EIN_SCHEME_PRETRAIN, 43);
    report(memcmp(param, again, (size_t)layout->arena * sizeof *param) != 0, "another seed gives others");

    static const struct {
        const char *name;
        double sd; /* Xavier-uniform: sqrt(2 / (in + out)) */
    } expect[] = {{"patch_embed.proj.weight", 0.078087},
                  {"blocks.0.attn.qkv.weight", 0.0625},
                  {"blocks.1.mlp.fc2.weight", 0.0559017},
                  {"decoder_embed.weight", 0.102062},
                  {"pos_embed", 0.02},
                  {"decoder_pos_embed", 0.02}};
    for (size_t i = 0; i < sizeof expect / sizeof *expect; i++) {
        const ein_tensor *t = &layout->tensors[ein_layout_find(layout, expect[i].name)];
        double mean, sd;
        moments(param + t->offset, t->count, &mean, &sd);
        const double error = 5 / sqrt((double)t->count); /* five standard errors, relative to the SD */
        report(fabs(mean) <= error * expect[i].sd && fabs(sd / expect[i].sd - 1) <= error,
               "%s: mean %.4f, SD %.5f ~ %.5f", expect[i].name, mean, sd, expect[i].sd);
    }
    const ein_tensor *w = &layout->tensors[ein_layout_find(layout, "blocks.0.norm1.weight")];
    const ein_tensor *b = &layout->tensors[ein_layout_find(layout, "blocks.0.attn.qkv.bias")];
    report(param[w->offset] == 1 && param[w->offset + 127] == 1 && param[b->offset] == 0 &&
               param[b->offset + 383] == 0,
           "norm weights start at 1, biases at 0");
    free(param);
    free(again);
    ein_layout_destroy(layout);
}

/* Token n + 1 has sines and cosines of n at falling frequencies, CLS and the odd value that is left over have 0. */
static void initial_positions(void) {
    const ein_vit_shape shape = {.leads = 2,
                                 .samples = 300,
                                 .patch = 5,
                                 .width = 32,
                                 .depth = 1,
                                 .heads = 4,
                                 .mlp = 8,
                                 .dec_width = 15,
                                 .dec_depth = 1,
                                 .dec_heads = 3,
                                 .dec_mlp = 8,
                                 .positions = EIN_POSITIONS_SINCOS};
    static const char *const names[] = {"pos_embed", "decoder_pos_embed"};
    ein_layout *layout;
    if (ein_layout_new(&shape, EIN_PART_PRETRAIN, &layout) != EIN_OK) exit(1);
    float *param = malloc((size_t)layout->arena * sizeof *param);
    for (int scheme = EIN_SCHEME_PRETRAIN; scheme <= EIN_SCHEME_SCRATCH; scheme++)
        for (int k = 0; k < 2; k++) {
            ein_vit_init(param, layout, (ein_init_scheme)scheme, 42);
            const ein_tensor *t = &layout->tensors[ein_layout_find(layout, names[k])];
            const int64_t width = t->shape[2], half = width / 2;
            double worst = 0;
            for (int64_t i = 0; i < t->count; i++) {
                const int64_t token = i / width, at = i % width;
                const double angle = (double)(token - 1) / pow(10000, (double)(at % half) / (double)half);
                const double expected = token == 0 || at == 2 * half ? 0
                                        : at < half                  ? sin(angle)
                                                                     : cos(angle);
                worst = fmax(worst, fabs(param[t->offset + i] - expected));
            }
            report(t->shape[1] == 61 && worst <= 0x1p-24, "scheme %d, %s: off by at most %.2g", scheme,
                   names[k], worst);
        }
    const ein_tensor *mask = &layout->tensors[ein_layout_find(layout, "mask_token")];
    report(param[mask->offset] != 0 && fabs(param[mask->offset]) < 0.2, "the mask token stays noise");
    free(param);
    ein_layout_destroy(layout);
}

static void masks(void) {
    report(ein_mask_visible(100, 0.6) == 40 && ein_mask_visible(40, 0.6) == 16 &&
               ein_mask_visible(10, 0.6) == 4,
           "60 %% masked leaves 40 of 100, 16 of 40, 4 of 10");
    enum { N = 100, RECORDS = 2000, K = 40 };
    static int visible[N];
    int32_t order[N], other[N];
    bool whole = true;
    for (int r = 0; r < RECORDS; r++) {
        bool seen[N] = {0};
        ein_mask_draw(order, N, 11, 3, r);
        for (int i = 0; i < N; i++) {
            if (order[i] < 0 || order[i] >= N || seen[order[i]])
                whole = false;
            else
                seen[order[i]] = true;
        }
        for (int i = 0; i < K; i++) visible[order[i]]++;
    }
    report(whole, "a mask order holds every patch once");
    double chi2 = 0;
    const double expected = (double)RECORDS * K / N;
    for (int n = 0; n < N; n++)
        chi2 += (visible[n] - expected) * (visible[n] - expected) / (expected * (1 - (double)K / N));
    /* About chi-squared with 99 degrees of freedom: mean 99, SD 14. */
    report(chi2 < 99 + 6 * 14, "every patch is visible equally often: chi2 %.1f at 99 degrees of freedom",
           chi2);
    ein_mask_draw(order, N, 11, 3, 5);
    ein_mask_draw(other, N, 11, 4, 5);
    report(memcmp(order, other, sizeof order) != 0, "another epoch masks other patches");
    ein_mask_draw(other, N, 11, 3, 5);
    report(memcmp(order, other, sizeof order) == 0, "the same epoch and record mask the same");
}

int main(void) {
    philox_known_answers();
    permutations();
    uniforms();
    fast_functions();
    schedule();
    initial_weights();
    initial_positions();
    masks();
    return report_end();
}
