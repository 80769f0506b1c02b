/* Kernels by the table of tests/gradient/kernels.h, in odd shapes and in those of the presets: the forward pass is what
 * its definition says, gradients in float are those in double (which test_gradients.c has against differences), and
 * every set of vector instructions gives the bits of plain C. (timeout: 600)
 *
 *     test_kernels speed [PRESET]     prints instead how fast forward and backward pass together are with each set
 */
#define EIN_REAL_DOUBLE
#include <stdio.h>
#include <time.h>

#include "core/base/processor.h"
#include "tests/gradient/kernels.h"

void ein_products_use_f32(bool own); /* core/nn/products.h, of the float build */

#define DOUBLE_UNIT 0x1p-53
enum { REPETITIONS = 15 };
static const char *const preset_name[PRESETS] = {"tiny", "small", "paper"};

static double length_of(const double *x, size_t n) {
    double square = 0;
    for (size_t i = 0; i < n; i++) square += x[i] * x[i];
    return sqrt(square);
}
static double distance(const double *x, const double *y, size_t n) {
    double square = 0;
    for (size_t i = 0; i < n; i++) square += (x[i] - y[i]) * (x[i] - y[i]);
    return sqrt(square);
}

/* A case whose inputs float holds exactly. */
static void open_float(op_case *c, const op *k, const int *shape) {
    case_open(c, k, shape, 40);
    for (int i = 0; i < c->z.n_in; i++)
        for (size_t v = 0; v < c->z.in[i]; v++) c->in[i][v] = (float)c->in[i][v];
    for (size_t v = 0; v < c->z.out; v++) c->weight[v] = (float)c->weight[v];
}

/* How far float may carry the output from its plain definition: eight times what noise does to that definition. */
static double bound_of(const op_case *c, const op *k, const int *shape, const double *plain) {
    const size_t n = c->z.out;
    double *noisy = new_values(NOISE_DRAWS * n);
    for (int d = 0; d < NOISE_DRAWS; d++) {
        double *in[MAX_INPUTS] = {0};
        noise_start(d + 1);
        for (int i = 0; i < c->z.n_in; i++) in[i] = noise_operand(c->in[i], 1, (int)c->z.in[i], 0, 1);
        k->plain(noisy + (size_t)d * n, in, shape);
        for (int i = 0; i < c->z.n_in; i++) free(in[i]);
    }
    noise_start(0);
    const double spread = noise_spread(plain, noisy, n, n, NOISE_DRAWS);
    free(noisy);
    return NOISE_MARGIN * (spread + NOISE_UNIT * length_of(plain, n));
}

static void check_values(const op *k, const int *shape) {
    op_case c;
    open_float(&c, k, shape);
    const size_t n = case_values(&c);
    double *plain = new_values(3 * n), *found = plain + n, *exact = found + n;
    k->plain(plain, c.in, shape);
    const double bound = bound_of(&c, k, shape, plain);
    case_run(&c, k, shape, exact);
    case_run_float(&c, k, shape, found);
    const double in_double = distance(exact, plain, c.z.out), in_float = distance(found, plain, c.z.out);
    report(in_float <= bound && in_double <= bound * DOUBLE_UNIT / NOISE_UNIT,
           "%s: as its definition, in float %.2f, in double %.2f of what rounding may do",
           case_name(k, shape), in_float / bound, in_double / (bound * DOUBLE_UNIT / NOISE_UNIT));
    double worst = 0;
    size_t at = c.z.out;
    for (int i = 0; i < c.z.n_in; at += c.z.in[i], i++) {
        const double room = FLOAT_WIDEST * length_of(exact + at, c.z.in[i]) +
                            NOISE_MARGIN * NOISE_UNIT * length_of(c.weight, c.z.out);
        worst = larger_error(distance(found + at, exact + at, c.z.in[i]) / room, worst);
    }
    report(worst <= 1, "%s: gradients in float are those in double, %.1e of a tenth of a planted error",
           case_name(k, shape), worst);
    free(plain);
    case_close(&c);
}

static void check_sets(const op *k, const int *shape) {
    op_case c;
    open_float(&c, k, shape);
    const size_t n = case_values(&c);
    double *first = new_values(2 * n), *other = first + n;
    int sets = 0, wrong = 0;
    for (int s = 0; s < EIN_SETS; s++) {
        if (!ein_set_use((ein_instruction_set)s)) continue;
        case_run_float(&c, k, shape, s == EIN_SET_PLAIN ? first : other);
        sets++;
        wrong += s != EIN_SET_PLAIN && memcmp(first, other, n * sizeof *first) != 0;
    }
    report(wrong == 0, "%s: the same bits with %d sets of instructions (%d differ)", case_name(k, shape),
           sets, wrong);
    free(first);
    case_close(&c);
}

/* --- speed ---------------------------------------------------------------------------------------------- */

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median processor time in us of forward and backward pass with the set in use. */
static double time_of(op_case *c, const op *k, const int *shape) {
    float *in[MAX_INPUTS] = {0}, *din[MAX_INPUTS] = {0}, *out = calloc(c->z.out, sizeof *out);
    float *weight = as_float(c->weight, c->z.out);
    double us[REPETITIONS];
    for (int i = 0; i < c->z.n_in; i++) {
        in[i] = as_float(c->in[i], c->z.in[i]);
        din[i] = as_float(c->din[i], c->z.in[i]);
    }
    for (int r = 0; r < REPETITIONS; r++) {
        for (int i = 0; i < c->z.n_in; i++)
            memset(din[i], 0, c->z.in[i] * sizeof *din[i]); /* some are added to */
        const double begin = now_us();
        k->both_f32(out, din, weight, in, shape);
        us[r] = now_us() - begin;
    }
    qsort(us, REPETITIONS, sizeof *us, compare);
    for (int i = 0; i < c->z.n_in; i++) {
        free(in[i]);
        free(din[i]);
    }
    free(out);
    free(weight);
    return us[REPETITIONS / 2];
}

static void measure(const op *k, int preset) {
    op_case c;
    open_float(&c, k, k->presets[preset]);
    double plain = 0;
    printf("%-6s %s:", preset_name[preset], case_name(k, k->presets[preset]));
    for (int s = 0; s < EIN_SETS; s++) {
        if (!ein_set_use((ein_instruction_set)s)) continue;
        const double us = time_of(&c, k, k->presets[preset]);
        if (s == EIN_SET_PLAIN)
            printf(" plain C %.0f us", plain = us);
        else
            printf(", %s %.0f us (%.1f times as fast)", ein_set_name((ein_instruction_set)s), us, plain / us);
    }
    putchar('\n');
    fflush(stdout);
    case_close(&c);
}

int main(int argc, char **argv) {
    ein_products_use_f32(true);
    const bool speed = argc > 1 && !strcmp(argv[1], "speed");
    for (int p = 0; speed && p < PRESETS; p++)
        for (int k = 0; k < N_KERNELS; k++)
            if (argc < 3 || !strcmp(argv[2], preset_name[p])) measure(&kernels[k], p);
    if (speed) return 0;
    for (int k = 0; k < N_KERNELS; k++)
        for (int s = 0; s < ODD_SHAPES + PRESETS; s++) {
            const int *shape = s < ODD_SHAPES ? kernels[k].shapes[s] : kernels[k].presets[s - ODD_SHAPES];
            check_values(&kernels[k], shape);
            check_sets(&kernels[k], shape);
        }
    return report_end();
}
