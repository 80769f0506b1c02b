/* Comparing a model with a fixture that PyTorch made in double: losses, every gradient, and weights after AdamW.
 *
 * The same computation runs three times. The double build must give the fixture's values but for their storage in
 * float: there hides no wrong formula. The double build with noise (tests/noise.h) says how far rounding in float may
 * carry each of the results. The float build must lie that near to the double one, and the bound must be so narrow that
 * an error of 1 % would stand out.
 *
 * A *trace* is all that a run computes, in one array; a *part* is a run of it with one name and one bound. */
#ifndef EIN_TESTS_PARITY_H
#define EIN_TESTS_PARITY_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/layout.h"
#include "io/model/safetensors.h"
#include "tests/noise.h"
#include "tests/report.h"

/* The fixtures' steps of AdamW. */
#define PARITY_LR     1e-3
#define PARITY_STEPS  5
/* The widest bound, as a share of what is compared: a tenth of the error of 1 % that must not pass. */
#define PARITY_WIDEST 1e-3

enum { PARITY_MOST_PARTS = 512 };

typedef struct {
    char name[EIN_ST_NAME_BYTES];
    float *expected; /* (n) */
    size_t offset, n;
    const float *before; /* (n) or NULL: the weights before training; what is compared is their change */
    size_t
        neighbours; /* the run is nothing but rounding, zero in exact arithmetic: how many values behind it say
                            how large that may be; else 0 */
} parity_part;

typedef struct {
    parity_part part[PARITY_MOST_PARTS];
    int n_parts;
    size_t values;
} parity_trace;

static ein_safetensors *parity_fixture;

static inline bool parity_open(const char *path) {
    if (ein_safetensors_open(path, &parity_fixture) == EIN_OK) return true;
    return report(false, "%s opens: %s", path, ein_error_message());
}

/* Values of the fixture's tensor PREFIX NAME; the caller frees. Ends the program where there is none. */
static inline float *parity_values(const char *prefix, const char *name, int64_t *count) {
    char full[EIN_ST_NAME_BYTES];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    const int index = ein_safetensors_find(parity_fixture, full);
    const ein_st_tensor *t = index < 0 ? NULL : ein_safetensors_tensor(parity_fixture, index);
    float *values = t ? malloc((size_t)t->count * sizeof *values) : NULL;
    if (!values || ein_safetensors_read(parity_fixture, index, values) != EIN_OK) {
        report(false, "the fixture holds %s", full);
        exit(report_end());
    }
    *count = t->count;
    return values;
}

/* The next n values of a trace are to be `expected`, which is copied. */
static inline parity_part *parity_expect(parity_trace *t, const char *prefix, const char *name,
                                         const char *which, const float *expected, size_t n) {
    if (t->n_parts == PARITY_MOST_PARTS) exit(1);
    parity_part *p = &t->part[t->n_parts++];
    *p = (parity_part){.offset = t->values, .n = n, .expected = malloc((n + 1) * sizeof(float))};
    if (!p->expected) exit(1);
    memcpy(p->expected, expected, n * sizeof(float));
    snprintf(p->name, sizeof p->name, "%s%s%s", prefix, name, which);
    t->values += n;
    return p;
}

/* The same with n values of the fixture. */
static inline void parity_expect_tensor(parity_trace *t, const char *prefix, const char *name, size_t n) {
    int64_t count;
    float *values = parity_values(prefix, name, &count);
    if (!report(count == (int64_t)n, "%s%s has %lld values", prefix, name, (long long)count)) exit(1);
    parity_expect(t, prefix, name, "", values, n);
    free(values);
}

/* The run of a tensor that holds a bias of keys: it shifts all logits of a row alike, so its gradient is zero but for
 * rounding of the size of its neighbours', which AdamW then scales up to its learning rate. n 0: there is none. */
static inline void parity_keys(const ein_tensor *t, size_t *first, size_t *n) {
    const size_t count = (size_t)t->count;
    *first = *n = 0;
    if (strstr(t->name, "attn.qkv.bias")) *first = *n = count / 3; /* queries, keys, values */
    if (strstr(t->name, "attn_pool.kv.bias")) *n = count / 2;      /* keys, values */
}

/* Every tensor of a layout with the fixture's PREFIX NAME; `before` an arena that is kept by reference, or NULL. */
static inline void parity_expect_layout(parity_trace *t, const char *prefix, const ein_layout *layout,
                                        const float *before) {
    for (int i = 0; i < layout->n_tensors; i++) {
        const ein_tensor *tensor = &layout->tensors[i];
        int64_t count;
        size_t cut[2], n;
        float *expected = parity_values(prefix, tensor->name, &count);
        if (!report(count == tensor->count, "%s%s has %lld values", prefix, tensor->name, (long long)count))
            exit(1);
        parity_keys(tensor, &cut[0], &n);
        cut[1] = cut[0] + n;
        const size_t from[] = {0, cut[0], cut[1]}, to[] = {cut[0], cut[1], (size_t)count};
        const char *const which[] = {", before keys", ", keys", n ? ", behind keys" : ""};
        for (int k = 0; k < 3; k++) {
            if (from[k] == to[k]) continue;
            parity_part *p =
                parity_expect(t, prefix, tensor->name, which[k], expected + from[k], to[k] - from[k]);
            if (before) p->before = before + tensor->offset + from[k];
            if (k == 1) p->neighbours = to[2] - from[2];
        }
        free(expected);
    }
}

/* The Euclidean norm of x - y, or of x if y is NULL. */
static inline double parity_norm(const double *x, const double *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double off = x[i] - (y ? y[i] : 0);
        sum += off * off;
    }
    return sqrt(sum);
}

/* Biases of keys after AdamW. By Cauchy and Schwarz |m| <= 1.02 sqrt(v) in each of the first steps, so nothing moves by
 * more than the learning rate in one; two runs differ by at most twice that in each of n values. */
static inline double parity_most_change(size_t n) {
    return 2 * 1.02 * PARITY_STEPS * PARITY_LR * sqrt((double)n);
}

static inline void parity_check_part(const parity_part *p, const double *exact, const double *found,
                                     const double *noisy, size_t stride, const char *products) {
    double *expected = calloc(2 * p->n, sizeof *expected), *before = expected + p->n;
    if (!expected) exit(1);
    for (size_t i = 0; i < p->n; i++) {
        expected[i] = p->expected[i];
        before[i] = p->before ? p->before[i] : 0;
    }
    /* What is nothing but rounding has that of its neighbours, which follow it. */
    const size_t skip = p->neighbours ? p->n : 0, n = p->neighbours ? p->neighbours : p->n;
    const double spread = noise_spread(exact + skip, noisy + skip, n, stride, NOISE_DRAWS);
    const double size = parity_norm(exact + skip, NULL, n);
    const double exact_error = parity_norm(expected, exact, p->n), error = parity_norm(exact, found, p->n);
    /* The fixture is stored in float; rounding in double is 2^29 times finer. */
    const double exact_bound = NOISE_UNIT * parity_norm(expected, NULL, p->n) +
                               0x1p-29 * (NOISE_MARGIN * spread + NOISE_UNIT * size);
    report(exact_error <= exact_bound, "%s in double: error %.1e <= %.1e", p->name, exact_error, exact_bound);
    /* Results are stored in float, weights after each update. */
    double bound = NOISE_MARGIN * spread + (p->before ? PARITY_STEPS : 1) * NOISE_UNIT * size;
    if (p->before && p->neighbours) bound = parity_most_change(p->n);
    report(error <= bound, "%s in float, %s: error %.1e <= %.1e", p->name, products, error, bound);
    const double change = parity_norm(exact, before, p->n);
    if (!p->neighbours)
        report(bound <= PARITY_WIDEST * change, "%s: the bound is %.1e <= %.0e of %.1e", p->name,
               bound / change, PARITY_WIDEST, change);
    free(expected);
}

void ein_products_use_f32(bool own);

/* Run `trace` in double, in double with noise, and in float with both kinds of products, and compare. */
static inline void parity_check(const parity_trace *t, void (*in_double)(const void *, double *),
                                void (*in_float)(const void *, double *), const void *context) {
    double *values = calloc((NOISE_DRAWS + 2) * t->values, sizeof *values);
    if (!values) exit(1);
    double *exact = values, *found = exact + t->values, *noisy = found + t->values;
    noise_products = 0;
    in_double(context, exact);
    for (int d = 0; d < NOISE_DRAWS; d++) {
        noise_start(d + 1);
        in_double(context, noisy + (size_t)d * t->values);
    }
    noise_start(0);
    report(noise_products > 0, "the double build's products have noise");
    for (int own = 0; own < 2; own++) {
        ein_products_use_f32(own);
        in_float(context, found);
        for (int i = 0; i < t->n_parts; i++) {
            const size_t at = t->part[i].offset;
            parity_check_part(&t->part[i], exact + at, found + at, noisy + at, t->values,
                              own ? "own products" : "products of the BLAS");
        }
    }
    free(values);
}

static inline void parity_forget(parity_trace *t) {
    for (int i = 0; i < t->n_parts; i++) free(t->part[i].expected);
    *t = (parity_trace){.n_parts = 0};
}

#endif
