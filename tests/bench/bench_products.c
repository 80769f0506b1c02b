/* Speed of matrix products in the shapes of training: rows of one slot of each preset.
 *
 *     bench_products [REPETITIONS [PRESET]]
 *
 * For every shape and each of its three products (forward, gradient of inputs, gradient of weights) a line
 *
 *     PRESET LAYER FORM rows x depth x columns: own S1, BLAS S2 of the peak, own / BLAS R
 *
 * where the peak is that of a loop of fused multiply-adds, 14 independent sums of the widest vectors. Peak, own and
 * BLAS are measured in turn, many times, in processor time of the thread: other programs on the machine change the
 * numbers less than they would elapsed time, but they do; medians are printed, and at the end for each preset the share
 * of all its lines together, by arithmetic. Weights are laid out beforehand, as in training.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/processor.h"
#include "core/nn/blas.h"
#include "core/nn/products.h"
#include "tests/bench/peak.h"

enum { MAX_REPETITIONS = 101 };

typedef struct {
    const char *preset, *layer;
    int M, K, N;
} shape;

/* Rows: records of a slot times tokens, in the encoder and in the decoder. */
static const shape shapes[] = {{"tiny", "embed", 256, 200, 128},      {"tiny", "qkv", 272, 128, 384},
                               {"tiny", "proj", 272, 128, 128},       {"tiny", "fc1", 272, 128, 512},
                               {"tiny", "fc2", 272, 512, 128},        {"tiny", "dec qkv", 656, 64, 192},
                               {"tiny", "dec proj", 656, 64, 64},     {"tiny", "dec fc1", 656, 64, 256},
                               {"tiny", "dec fc2", 656, 256, 64},     {"tiny", "pred", 640, 64, 200},
                               {"small", "qkv", 656, 256, 768},       {"small", "proj", 656, 256, 256},
                               {"small", "fc1", 656, 256, 1024},      {"small", "fc2", 656, 1024, 256},
                               {"small", "dec qkv", 1616, 128, 384},  {"small", "dec fc1", 1616, 128, 512},
                               {"small", "dec fc2", 1616, 512, 128},  {"paper", "qkv", 984, 800, 2400},
                               {"paper", "proj", 984, 800, 800},      {"paper", "fc1", 984, 800, 3200},
                               {"paper", "fc2", 984, 3200, 800},      {"paper", "dec qkv", 2424, 256, 768},
                               {"paper", "dec fc1", 2424, 256, 1024}, {"paper", "dec fc2", 2424, 1024, 256}};

typedef enum { FORWARD, INPUTS, WEIGHTS, FORMS } form;
static const char *const form_name[FORMS] = {"forward", "d inputs", "d weights"};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *draw(size_t n) {
    float *x = aligned_alloc(64, (n * sizeof *x + 63) / 64 * 64);
    if (!x) exit(1);
    for (size_t i = 0; i < n; i++) x[i] = (float)rand() / (float)RAND_MAX - 0.5f;
    return x;
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, compare);
    return x[n / 2];
}

typedef struct {
    float *in, *out, *w, *bias;
    ein_weight weight; /* w, laid out beforehand as in training */
} operands;

static void multiply(form f, const operands *o, const shape *s) {
    if (f == FORWARD) product_linear(o->out, NULL, o->in, o->weight, o->bias, s->M, s->K, s->N);
    if (f == INPUTS) product_inputs(o->in, o->out, o->weight, s->M, s->K, s->N, 1);
    if (f == WEIGHTS) product_tn(o->w, o->out, o->in, s->N, s->K, s->M, 1);
}

/* GFLOP/s of `times` products in a row. */
static double rate(bool own, form f, const operands *o, const shape *s, int times) {
    ein_products_use(own);
    const double start = now();
    for (int i = 0; i < times; i++) multiply(f, o, s);
    return 2e-9 * s->M * s->K * s->N * times / (now() - start);
}

/* Arithmetic of the lines so far, and the time at the peak that it took, own and BLAS's. */
typedef struct {
    double done, own, blas;
} total;

static void measure(const shape *s, int repetitions, total *sum) {
    operands o = {.in = draw((size_t)s->M * (size_t)s->K),
                  .out = draw((size_t)s->M * (size_t)s->N),
                  .w = draw((size_t)s->N * (size_t)s->K),
                  .bias = draw((size_t)s->N)};
    const int width = ein_panel_width();
    float *forward = draw((size_t)s->K * (size_t)(s->N + width)),
          *turned = draw((size_t)s->N * (size_t)(s->K + width));
    if (width) {
        ein_panels_fill(forward, o.w, 1, s->K, s->K, s->N, 0, (s->N + width - 1) / width);
        ein_panels_fill(turned, o.w, s->K, 1, s->N, s->K, 0, (s->K + width - 1) / width);
    }
    o.weight = (ein_weight){o.w, forward, turned, width};
    const int times = 1 + (int)(0.2e9 / (2.0 * s->M * s->K * s->N));
    for (int f = 0; f < FORMS; f++) {
        double own[MAX_REPETITIONS], blas[MAX_REPETITIONS], against[MAX_REPETITIONS];
        for (int i = 0; i < repetitions; i++) {
            memset(o.in, 0, (size_t)s->M * (size_t)s->K * sizeof *o.in); /* no growth over repetitions */
            const double peak = bench_peak_gflops(now);
            const double a = rate(true, (form)f, &o, s, times), b = rate(false, (form)f, &o, s, times);
            own[i] = a / peak;
            blas[i] = b / peak;
            against[i] = a / b;
        }
        printf("%-6s %-8s %-9s %4d x %4d x %4d: own %.2f, BLAS %.2f of the peak, own / BLAS %.2f\n",
               s->preset, s->layer, form_name[f], s->M, s->K, s->N, median(own, repetitions),
               median(blas, repetitions), median(against, repetitions));
        fflush(stdout);
        const double work = 2.0 * s->M * s->K * s->N;
        sum->done += work;
        sum->own += work / median(own, repetitions);
        sum->blas += work / median(blas, repetitions);
    }
    free(o.in);
    free(o.out);
    free(o.w);
    free(o.bias);
    free(forward);
    free(turned);
}

int main(int argc, char **argv) {
    int repetitions = argc > 1 ? atoi(argv[1]) : 11;
    if (repetitions < 1 || repetitions > MAX_REPETITIONS) repetitions = MAX_REPETITIONS;
    printf("# instructions %s, peak %.0f GFLOP/s, BLAS %s\n", ein_set_name(ein_set_in_use()),
           bench_peak_gflops(now), ein_blas_start());
    total sum = {0};
    const size_t n = sizeof shapes / sizeof *shapes;
    for (size_t i = 0; i < n; i++) {
        if (argc > 2 && strcmp(shapes[i].preset, argv[2])) continue;
        measure(&shapes[i], repetitions, &sum);
        if (i + 1 < n && !strcmp(shapes[i].preset, shapes[i + 1].preset)) continue;
        printf("%-6s all of them: own %.2f, BLAS %.2f of the peak\n", shapes[i].preset, sum.done / sum.own,
               sum.done / sum.blas);
        sum = (total){0};
    }
    return 0;
}
