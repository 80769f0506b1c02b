/* The products of core/nn/blas.h in float, whatever kernels the BLAS runs: each value within the bound that holds for
 * any order of summation, with fused multiply-adds and without (Higham 2002, section 3.5),
 *     |found - exact| <= (k + 3) u / (1 - (k + 3) u) (|alpha| sum |a| |b| + |c|),   u = 2^-24,
 * and the same bits for the same shapes. `test_blas kernels` prints the name of the kernels in use and a hash of their
 * results instead: two names with one hash are the same kernels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/nn/blas.h"
#include "tests/report.h"
#include "tests/seed.h"

typedef enum { NN, NN_ADD, NT_ADD, TN, FORMS } form;
static const char *const form_name[FORMS] = {"a b", "c + a b", "c + a b^T", "a^T b"};

static float *draw(size_t n, uint64_t stream) {
    float *x = malloc((n + 1) * sizeof *x);
    if (!x) exit(1);
    for (size_t i = 0; i < n; i++) {
        const ein_philox_block block = ein_philox(test_seed(3), EIN_DRAW_TEST, stream, (uint32_t)i);
        x[i] = (float)(ein_uniform(block.v[0]) - 0.4);
    }
    return x;
}

static void multiply(form f, float *c, const float *a, const float *b, int m, int n, int k, float alpha) {
    switch (f) {
    case NN:
        gemm_nn(c, a, b, m, n, k, alpha);
        break;
    case NN_ADD:
        gemm_nn_add(c, a, b, m, n, k, alpha);
        break;
    case NT_ADD:
        gemm_nt_add(c, a, b, m, n, k);
        break;
    default:
        gemm_tn(c, a, b, m, n, k, alpha);
    }
}

/* The largest error as a share of its bound. Double is exact enough: its rounding is 2^29 times finer. */
static double worst_error(form f, const float *found, const float *start, const float *a, const float *b,
                          int m, int n, int k, double alpha) {
    const double u = 0x1p-24, gamma = (k + 3) * u / (1 - (k + 3) * u);
    double worst = 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            const double c = f == NN || f == TN ? 0 : start[i * n + j];
            double sum = 0, size = 0;
            for (int p = 0; p < k; p++) {
                const double x = f == TN ? a[p * m + i] : a[i * k + p];
                const double y = f == NT_ADD ? b[j * k + p] : b[p * n + j];
                sum += x * y;
                size += fabs(x * y);
            }
            const double bound = gamma * (fabs(alpha) * size + fabs(c));
            worst = larger_error(fabs(found[i * n + j] - (c + alpha * sum)) / bound, worst);
        }
    return worst;
}

static uint64_t hash = 0xcbf29ce484222325u;

static void check(form f, int m, int n, int k) {
    const float alpha = f == NT_ADD ? 1 : 0.375f;
    const size_t values = (size_t)m * (size_t)n, bytes = values * sizeof(float);
    float *a = draw((size_t)m * (size_t)k, 1), *b = draw((size_t)k * (size_t)n, 2), *start = draw(values, 4);
    float *c = draw(values, 4), *again = draw(values, 4);
    multiply(f, c, a, b, m, n, k, alpha);
    multiply(f, again, a, b, m, n, k, alpha);
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ ((const unsigned char *)c)[i]) * 0x100000001b3u;
    const double worst = worst_error(f, c, start, a, b, m, n, k, alpha);
    report(worst <= 1, "%s, %d x %d x %d: error %.3f of its bound", form_name[f], m, n, k, worst);
    report(!memcmp(c, again, bytes), "%s, %d x %d x %d: the same bits again", form_name[f], m, n, k);
    float *all[] = {a, b, c, start, again};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

int main(int argc, char **argv) {
    /* Odd ones, and those of a record and of a slot of the presets. */
    static const int shapes[][3] = {{1, 1, 1},      {1, 5, 3},      {2, 33, 17},    {7, 3, 129},
                                    {41, 128, 200}, {41, 384, 128}, {101, 96, 192}, {250, 65, 31}};
    ein_blas_start();
    report_quiet = argc > 1 && !strcmp(argv[1], "kernels");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int f = 0; f < FORMS; f++) check((form)f, shapes[i][0], shapes[i][1], shapes[i][2]);
    if (!report_quiet) return report_end();
    printf("%s %016llx\n", ein_blas_start(), (unsigned long long)hash);
    return 0;
}
