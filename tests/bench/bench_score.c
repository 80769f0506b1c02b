/* Speed of scoring: forward passes of a preset's classifier over records in memory, beside the machine's own limit.
 *
 *     bench_score PRESET [THREADS [BATCH [SECONDS]]]
 *
 * Each thread scores BATCH records at a time (0: as many as `evaluate` and `score` do) with weights laid out once. One
 * line of JSON: records_per_s and share_of_peak are medians of passes; the peak is that of loops of fused multiply-adds
 * on all threads, measured before and after, the larger one.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/blas.h"
#include "core/nn/classify.h"
#include "core/nn/init.h"
#include "core/nn/packed.h"
#include "jobs/options/scoring.h"
#include "tests/bench/peak.h"
#include "tests/bench/preset.h"

enum { OUTPUTS = 44, MAX_PASSES = 4096, TOKENS = 512 };

static double peak(int threads) {
    double best = 0;
    for (int repeat = 0; repeat < 9; repeat++) {
        double sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
        sum += bench_peak_gflops(omp_get_wtime);
        if (sum > best) best = sum;
    }
    return best;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    const char *preset = argc > 1 ? argv[1] : "tiny";
    const int threads = argc > 2 ? atoi(argv[2]) : 1;
    int batch = argc > 3 ? atoi(argv[3]) : 0, passes = 0;
    const double seconds = argc > 4 ? atof(argv[4]) : 3;
    static double took[MAX_PASSES];
    ein_blas_start();
    ein_layout *layout = bench_preset(preset, OUTPUTS);
    if (batch < 1) batch = ein_scoring_batch(layout);
    if (batch > TOKENS) batch = TOKENS; /* what logits have room for */
    const size_t values = (size_t)batch * (size_t)layout->shape.leads * (size_t)layout->shape.samples;
    float *param = calloc((size_t)layout->arena, sizeof *param), *x = calloc(values, sizeof *x);
    ein_classify **model = calloc((size_t)threads, sizeof(ein_classify *));
    ein_packed *packed;
    if (!param || !x || !model) bench_check(ein_error(EIN_NOMEM, "no memory"));
    for (size_t i = 0; i < values; i++) x[i] = (float)(i % 101) * 0.02f - 1.0f;
    ein_vit_init(param, layout, EIN_SCHEME_SCRATCH, 1);
    bench_check(ein_packed_make(layout, false, param, threads, &packed));
    for (int t = 0; t < threads; t++) {
        bench_check(ein_classify_new(layout, layout, batch, false, &model[t]));
        ein_classify_weights(model[t], NULL, packed);
    }
    const double before = peak(threads), start = omp_get_wtime();
    while (passes < MAX_PASSES && (passes < 4 || omp_get_wtime() - start < seconds)) {
        const double begin = omp_get_wtime();
#pragma omp parallel for num_threads(threads) schedule(static, 1)
        for (int t = 0; t < threads; t++) {
            float logits[TOKENS * OUTPUTS];
            ein_classify_forward(model[t], logits, NULL, param, x);
        }
        took[passes++] = omp_get_wtime() - begin;
    }
    const double after = peak(threads), most = before > after ? before : after;
    qsort(took, (size_t)passes, sizeof *took, ascending);
    const double rate = threads * batch / took[passes / 2],
                 gflops = rate * ein_classify_gflop(layout, NULL, false);
    printf(
        "{\"program\": \"einthoven\", \"what\": \"forward\", \"preset\": \"%s\", \"threads\": %d, \"batch\": %d, "
        "\"records_per_s\": %.5g, \"gflops\": %.4g, \"peak_gflops\": %.4g, \"share_of_peak\": %.3f}\n",
        preset, threads, batch, rate, gflops, most, most > 0 ? gflops / most : 0.0);
    for (int t = 0; t < threads; t++) ein_classify_destroy(model[t]);
    ein_packed_destroy(packed);
    ein_layout_destroy(layout);
    free(model);
    free(param);
    free(x);
    return 0;
}
