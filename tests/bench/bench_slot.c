/* One slot of pretraining, forward and backward, as a share of the arithmetic peak: with weights that each product
 * copies for itself, with weights laid out once (their laying out not counted), and with a BLAS's products.
 *
 *     bench_slot PRESET [REPETITIONS]
 *
 * Peak and the three are measured in turn in processor time of one thread, so that other programs on the machine change
 * the numbers little; medians are printed. What an update adds to this (laying out, AdamW, exchange) bench_mae tells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/nn/blas.h"
#include "core/nn/init.h"
#include "core/nn/mae.h"
#include "core/nn/packed.h"
#include "core/nn/products.h"
#include "tests/bench/peak.h"
#include "tests/bench/preset.h"

enum { MAX_REPETITIONS = 101, WAYS = 3 };
static const char *const way_name[WAYS] = {"own, copied by each product", "own, laid out once", "BLAS"};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Records of a slot in the presets' recipes. */
static int records_of(const char *preset) {
    return strcmp(preset, "small") ? strcmp(preset, "paper") ? 16 : 6 : 8;
}

int main(int argc, char **argv) {
    const char *preset = argc > 1 ? argv[1] : "tiny";
    int repetitions = argc > 2 ? atoi(argv[2]) : 15;
    if (repetitions < 1 || repetitions > MAX_REPETITIONS) repetitions = MAX_REPETITIONS;
    ein_blas_start();
    ein_layout *layout = bench_preset(preset, 0);
    const ein_vit_shape *s = &layout->shape;
    const int B = records_of(preset), N = ein_vit_patches(s), K = ein_mask_visible(N, 0.6);
    const size_t values = (size_t)B * (size_t)s->leads * (size_t)s->samples;
    float *param = calloc((size_t)layout->arena, sizeof *param),
          *grad = calloc((size_t)layout->arena, sizeof *grad);
    float *x = calloc(values, sizeof *x);
    int32_t *order = calloc((size_t)B * (size_t)N, sizeof *order);
    double *loss = calloc((size_t)B, sizeof *loss), share[WAYS][MAX_REPETITIONS];
    ein_packed *packed;
    ein_mae *mae;
    if (!param || !grad || !x || !order || !loss) bench_check(ein_error(EIN_NOMEM, "no memory"));
    for (size_t i = 0; i < values; i++) x[i] = (float)(i % 101) * 0.02f - 1.0f;
    for (int b = 0; b < B; b++) ein_mask_draw(order + (size_t)b * (size_t)N, N, 1, 0, b);
    ein_vit_init(param, layout, EIN_SCHEME_PRETRAIN, 1);
    bench_check(ein_mae_new(layout, B, K, &mae));
    bench_check(ein_packed_make(layout, true, param, 1, &packed));
    for (int i = -1; i < repetitions; i++) /* the first touches memory */
        for (int way = 0; way < WAYS; way++) {
            const double peak = bench_peak_gflops(now), start = now();
            ein_products_use(way < 2);
            ein_mae_weights(mae, way == 1 ? packed : NULL);
            ein_mae_forward(mae, loss, param, x, order);
            ein_mae_backward(mae, grad, param, 1.0, NULL, NULL);
            if (i >= 0) share[way][i] = ein_mae_gflop(s, K) * B / (now() - start) / (peak > 0 ? peak : 1);
        }
    for (int way = 0; way < WAYS; way++) {
        qsort(share[way], (size_t)repetitions, sizeof(double), ascending);
        printf("%-6s a slot of %2d records, %-28s %.3f of the peak\n", preset, B, way_name[way],
               share[way][repetitions / 2]);
    }
    ein_packed_destroy(packed);
    ein_mae_destroy(mae);
    ein_layout_destroy(layout);
    free(param);
    free(grad);
    free(x);
    free(order);
    free(loss);
    return 0;
}
