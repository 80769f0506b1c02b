/* Gradient checks shared by the programs of this folder: kernels as a table, each backward function against central
 * differences in double, and its float build against the double one. Include it after EIN_REAL_DOUBLE is defined. */
#ifndef EIN_TESTS_GRADIENT_CHECK_H
#define EIN_TESTS_GRADIENT_CHECK_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/philox.h"
#include "tests/report.h"

enum { MAX_INPUTS = 4, MAX_SIZES = 4 };
#define STEP           1e-5
#define KERNEL_BOUND   1e-7
#define MODEL_BOUND    1e-6
#define FLOAT_BOUND    1e-5
#define PLANTED_FACTOR 1.01

static inline double *new_values(size_t n) {
    double *p = calloc(n ? n : 1, sizeof *p);
    if (!p) exit(1);
    return p;
}

static inline void fill(double *x, size_t n, uint64_t stream, double centre, double spread) {
    for (size_t i = 0; i < n; i++) {
        double pair[2];
        const ein_philox_block draw = ein_philox(7, EIN_DRAW_TEST, stream, (uint32_t)i);
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
    int shapes[4][MAX_SIZES];
} op;

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
    return report(worst <= KERNEL_BOUND,
                  "%s %d %d %d %d: gradient against differences, relative error %.1e <= %.0e", o->name,
                  shape[0], shape[1], shape[2], shape[3], worst, KERNEL_BOUND);
}

static inline float *as_float(const double *x, size_t n) {
    float *y = calloc(n ? n : 1, sizeof *y);
    if (!y) exit(1);
    for (size_t i = 0; i < n; i++) y[i] = (float)x[i];
    return y;
}

static inline double float_error(const double *expected, const float *found, size_t n) {
    double *wide = new_values(n);
    for (size_t i = 0; i < n; i++) wide[i] = found[i];
    const double error = relative_error(expected, wide, n);
    free(wide);
    return error;
}

static inline void check_float(const op *o, const int *shape, uint64_t stream) {
    op_case c;
    case_open(&c, o, shape, stream);
    float *in[MAX_INPUTS] = {0}, *din[MAX_INPUTS] = {0};
    for (int i = 0; i < c.z.n_in; i++) {
        in[i] = as_float(c.in[i], c.z.in[i]);
        din[i] = calloc(c.z.in[i], sizeof **din);
        for (size_t k = 0; k < c.z.in[i]; k++) c.in[i][k] = in[i][k];
    }
    float *weight = as_float(c.weight, c.z.out), *out = calloc(c.z.out, sizeof *out);
    for (size_t k = 0; k < c.z.out; k++) c.weight[k] = weight[k];
    o->forward(c.out, c.in, shape);
    o->backward(c.din, c.weight, c.in, shape);
    o->both_f32(out, din, weight, in, shape);
    double worst = float_error(c.out, out, c.z.out);
    for (int i = 0; i < c.z.n_in; i++) {
        /* Softmax over one token and a norm over nothing but noise have gradient 0: nothing to compare. */
        double size = 0;
        for (size_t k = 0; k < c.z.in[i]; k++) size += fabs(c.din[i][k]);
        const double error = size < 1e-9 ? 0 : float_error(c.din[i], din[i], c.z.in[i]);
        worst = larger_error(worst, error);
        free(in[i]);
        free(din[i]);
    }
    free(weight);
    free(out);
    report(worst <= FLOAT_BOUND, "%s %d %d %d %d: float against double, relative error %.1e <= %.0e", o->name,
           shape[0], shape[1], shape[2], shape[3], worst, FLOAT_BOUND);
    case_close(&c);
}

#endif
