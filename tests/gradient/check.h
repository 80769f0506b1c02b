/* Gradient checks shared by the programs of this folder: kernels as a table, each backward function against central
 * differences in double, and its float build against the double one. Include it after EIN_REAL_DOUBLE is defined. */
#ifndef EIN_TESTS_GRADIENT_CHECK_H
#define EIN_TESTS_GRADIENT_CHECK_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "tests/noise.h"
#include "tests/report.h"
#include "tests/seed.h"

enum { MAX_INPUTS = 4, MAX_SIZES = 5, ODD_SHAPES = 4, PRESETS = 3 };
/* A central difference is off by STEP^2/6 of the third derivative, about 2e-11 of values of order 1, and by rounding:
 * the loss times 2^-53 and the root of its terms (300 at most, so about 2e-15), divided by STEP: 2e-10. A kernel's
 * gradient may be smaller than its loss by two orders, a model's by three. Products are those of tests/noise.h, so no
 * BLAS matters. */
#define STEP           1e-5
#define KERNEL_BOUND   1e-7
#define MODEL_BOUND    1e-6
#define PLANTED_FACTOR 1.01
/* The widest bound of float against double: a tenth of the planted error. */
#define FLOAT_WIDEST   1e-3

static inline double *new_values(size_t n) {
    double *p = calloc(n ? n : 1, sizeof *p);
    if (!p) exit(1);
    return p;
}

static inline void fill(double *x, size_t n, uint64_t stream, double centre, double spread) {
    for (size_t i = 0; i < n; i++) {
        double pair[2];
        const ein_philox_block draw = ein_philox(test_seed(7), EIN_DRAW_TEST, stream, (uint32_t)i);
        ein_normal_pair(draw.v[0], draw.v[1], pair);
        x[i] = centre + spread * pair[0];
    }
}

/* --- kernels as a table --------------------------------------------------------------------------------- */

typedef struct {
    size_t in[MAX_INPUTS], out;
    int n_in;
} layout_of_op;

typedef struct {
    const char *name;
    layout_of_op (*sizes)(const int s[MAX_SIZES]);
    void (*forward)(double *out, double *const in[], const int s[]);
    void (*backward)(double *const din[], const double *dout, double *const in[], const int s[]);
    void (*both_f32)(float *out, float *const din[], const float *dout, float *const in[], const int s[]);
    int shapes[ODD_SHAPES][MAX_SIZES]; /* small, and no multiples of anything */
    /* Of kernels (tests/gradient/kernels.h): the definition in plain C, rounded by noise.h, and the sizes of a record
     * of the presets tiny, small and paper. */
    void (*plain)(double *out, double *const in[], const int s[]);
    int presets[PRESETS][MAX_SIZES];
} op;

/* "linear (M,K,N) 5 7 3", until the next call. */
static inline const char *case_name(const op *o, const int *shape) {
    static char text[160];
    int length = snprintf(text, sizeof text, "%s", o->name);
    for (int i = 0; i < MAX_SIZES && shape[i]; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, " %d", shape[i]);
    return text;
}

/* Arrays of one case; `value` and `gradient` per input, `weight` is the gradient that reaches the output. */
typedef struct {
    layout_of_op z;
    double *in[MAX_INPUTS], *din[MAX_INPUTS], *numeric[MAX_INPUTS], *out, *weight;
} op_case;

static inline void case_open(op_case *c, const op *o, const int *shape, uint64_t stream) {
    c->z = o->sizes(shape);
    for (int i = 0; i < c->z.n_in; i++) {
        c->in[i] = new_values(c->z.in[i]);
        c->din[i] = new_values(c->z.in[i]);
        c->numeric[i] = new_values(c->z.in[i]);
        fill(c->in[i], c->z.in[i], stream * 16 + (uint64_t)i, 0.1, 1.0);
    }
    c->out = new_values(c->z.out);
    c->weight = new_values(c->z.out);
    fill(c->weight, c->z.out, stream * 16 + 15, 0.3, 1.0);
}

static inline void case_close(op_case *c) {
    for (int i = 0; i < c->z.n_in; i++) {
        free(c->in[i]);
        free(c->din[i]);
        free(c->numeric[i]);
    }
    free(c->out);
    free(c->weight);
}

static inline double case_loss(op_case *c, const op *o, const int *shape) {
    o->forward(c->out, c->in, shape);
    double loss = 0;
    for (size_t i = 0; i < c->z.out; i++) loss += c->weight[i] * c->out[i];
    return loss;
}

static inline bool check_gradients(const op *o, const int *shape, uint64_t stream) {
    op_case c;
    case_open(&c, o, shape, stream);
    o->backward(c.din, c.weight, c.in, shape);
    double worst = 0;
    for (int i = 0; i < c.z.n_in; i++) {
        for (size_t k = 0; k < c.z.in[i]; k++) {
            const double kept = c.in[i][k];
            c.in[i][k] = kept + STEP;
            const double up = case_loss(&c, o, shape);
            c.in[i][k] = kept - STEP;
            const double down = case_loss(&c, o, shape);
            c.in[i][k] = kept;
            c.numeric[i][k] = (up - down) / (2 * STEP);
        }
        const double error = relative_error(c.numeric[i], c.din[i], c.z.in[i]);
        worst = larger_error(worst, error);
    }
    case_close(&c);
    return report(worst <= KERNEL_BOUND, "%s: gradient against differences, relative error %.1e <= %.0e",
                  case_name(o, shape), worst, KERNEL_BOUND);
}

static inline float *as_float(const double *x, size_t n) {
    float *y = calloc(n ? n : 1, sizeof *y);
    if (!y) exit(1);
    for (size_t i = 0; i < n; i++) y[i] = (float)x[i];
    return y;
}

/* All results of a case in one array: output, then gradients of the inputs. */
static inline size_t case_values(const op_case *c) {
    size_t n = c->z.out;
    for (int i = 0; i < c->z.n_in; i++) n += c->z.in[i];
    return n;
}

/* Forward and backward in double, the inputs rounded as noise has it. */
static inline void case_run(op_case *c, const op *o, const int *shape, double *results) {
    double *in[MAX_INPUTS] = {0}, *din[MAX_INPUTS] = {0}, *at = results + c->z.out;
    double *weight = noise_operand(c->weight, 1, (int)c->z.out, 0, 1);
    for (int i = 0; i < c->z.n_in; i++) {
        in[i] = noise_operand(c->in[i], 1, (int)c->z.in[i], 0, 1);
        din[i] = at;
        at += c->z.in[i];
    }
    o->forward(results, in, shape);
    o->backward(din, weight, in, shape);
    for (int i = 0; i < c->z.n_in; i++) free(in[i]);
    free(weight);
}

static inline void case_run_float(op_case *c, const op *o, const int *shape, double *results) {
    float *in[MAX_INPUTS] = {0}, *din[MAX_INPUTS] = {0};
    float *all = calloc(case_values(c), sizeof *all), *at = all + c->z.out;
    float *weight = as_float(c->weight, c->z.out);
    if (!all) exit(1);
    for (int i = 0; i < c->z.n_in; i++) {
        in[i] = as_float(c->in[i], c->z.in[i]);
        din[i] = at;
        at += c->z.in[i];
    }
    o->both_f32(all, din, weight, in, shape);
    for (size_t k = 0; k < case_values(c); k++) results[k] = all[k];
    for (int i = 0; i < c->z.n_in; i++) free(in[i]);
    free(weight);
    free(all);
}

/* The largest error of a result (output or a gradient) as a share of its bound: eight times what noise does to it, and
 * its storage in float. Bounds wider than FLOAT_WIDEST of the result are counted; one that is 0 but for rounding
 * (softmax over one token, a norm over nothing but noise) is smaller than the rounding of its operands. */
static inline double case_float_error(const op_case *c, const double *exact, const double *found,
                                      const double *noisy, int *too_wide) {
    double worst = 0;
    size_t at = 0;
    for (int i = -1; i < c->z.n_in; i++) {
        const size_t n = i < 0 ? c->z.out : c->z.in[i];
        const double spread = noise_spread(exact + at, noisy + at, n, case_values(c), NOISE_DRAWS);
        double square = 0, error = 0, operands = 0;
        for (size_t k = 0; k < n; k++) square += exact[at + k] * exact[at + k];
        for (size_t k = 0; k < n; k++)
            error += (found[at + k] - exact[at + k]) * (found[at + k] - exact[at + k]);
        for (size_t k = 0; k < c->z.out; k++) operands += c->weight[k] * c->weight[k];
        const bool zero = square < 1e-18 * operands;
        const double bound = NOISE_MARGIN * (spread + NOISE_UNIT * sqrt(zero ? operands : square));
        if (!zero && !(bound <= FLOAT_WIDEST * sqrt(square))) ++*too_wide;
        worst = larger_error(sqrt(error) / bound, worst);
        at += n;
    }
    return worst;
}

/* EIN_FLOAT_ONLY=1: no differences. What is computed in double has its products from tests/noise.h, so it comes out
 * the same under every set of BLAS kernels; only the float build has others. */
static inline bool asked_for_float_only(void) {
    const char *asked = getenv("EIN_FLOAT_ONLY");
    return asked && strcmp(asked, "1") == 0;
}

static inline void check_float(const op *o, const int *shape, uint64_t stream) {
    op_case c;
    case_open(&c, o, shape, stream);
    /* Inputs that float holds exactly. */
    for (int i = 0; i < c.z.n_in; i++)
        for (size_t k = 0; k < c.z.in[i]; k++) c.in[i][k] = (float)c.in[i][k];
    for (size_t k = 0; k < c.z.out; k++) c.weight[k] = (float)c.weight[k];
    const size_t n = case_values(&c);
    double *exact = new_values((NOISE_DRAWS + 2) * n), *found = exact + n, *noisy = found + n;
    case_run(&c, o, shape, exact);
    for (int d = 0; d < NOISE_DRAWS; d++) {
        noise_start(d + 1);
        case_run(&c, o, shape, noisy + (size_t)d * n);
    }
    noise_start(0);
    case_run_float(&c, o, shape, found);
    int too_wide = 0;
    const double worst = case_float_error(&c, exact, found, noisy, &too_wide);
    report(worst <= 1 && too_wide == 0,
           "%s: float against double, %.2f of what rounding may do, %d bounds too wide", case_name(o, shape),
           worst, too_wide);
    free(exact);
    case_close(&c);
}

#endif
