/* Comparing a model in float with a fixture that PyTorch made in double: every gradient, and weights after AdamW. */
#ifndef EIN_TESTS_PARITY_H
#define EIN_TESTS_PARITY_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/vit.h"
#include "io/safetensors.h"
#include "tests/report.h"

/* The fixtures' steps of AdamW. */
#define PARITY_LR    1e-3
#define PARITY_STEPS 5

static ein_safetensors *parity_fixture;
static double parity_bound = 1e-5;

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

/* One run of values: relative error of the values, and with `base` of the change since then, so that an
 * update is compared and not the weight that hides it. */
static inline void parity_run(const char *what, const float *expected, const float *found, const float *base,
                              size_t n) {
    const double error = relative_error_f(expected, found, n);
    report(error <= parity_bound, "%s: relative error %.1e <= %.0e", what, error, parity_bound);
    if (!base) return;
    float *change = malloc(2 * n * sizeof *change);
    if (!change) exit(1);
    for (size_t k = 0; k < n; k++) {
        change[k] = expected[k] - base[k];
        change[n + k] = found[k] - base[k];
    }
    /* The fixture's weights are rounded to float: about 1e-7 of a weight against updates of 5e-3. */
    const double of_change = relative_error_f(change, change + n, n);
    report(of_change <= 1e-3, "%s: the change itself, relative error %.1e <= 1e-3", what, of_change);
    free(change);
}

/* The run of a tensor that holds a bias of keys: it shifts all logits of a row alike, so its gradient is zero but for
 * rounding of the size of its neighbours', which AdamW then scales up to its learning rate. n 0: there is none. */
static inline void parity_keys(const ein_tensor *t, size_t *first, size_t *n) {
    const size_t count = (size_t)t->count;
    *first = *n = 0;
    if (strstr(t->name, "attn.qkv.bias")) *first = *n = count / 3; /* queries, keys, values */
    if (strstr(t->name, "attn_pool.kv.bias")) *n = count / 2;      /* keys, values */
}

/* Compare every tensor of an arena with the fixture's PREFIX NAME; biases of keys are only bounded. */
static inline void parity_compare(const char *prefix, const float *arena, const float *base,
                                  const ein_layout *layout) {
    for (int i = 0; i < layout->n_tensors; i++) {
        const ein_tensor *t = &layout->tensors[i];
        int64_t count;
        size_t first, n;
        char what[128];
        float *expected = parity_values(prefix, t->name, &count);
        if (!report(count == t->count, "%s%s has %lld values", prefix, t->name, (long long)count)) exit(1);
        const float *found = arena + t->offset, *before = base ? base + t->offset : NULL;
        parity_keys(t, &first, &n);
        double worst = 0, square = 0;
        for (size_t k = first; k < first + n; k++) worst = larger_error(fabs(found[k] - expected[k]), worst);
        for (int64_t k = 0; k < count; k++) square += (double)expected[k] * expected[k];
        const double bound = base ? PARITY_STEPS * PARITY_LR : 10 * parity_bound * sqrt(square);
        if (n)
            report(worst <= bound, "%s%s, keys: absolute error %.1e <= %.0e", prefix, t->name, worst, bound);
        snprintf(what, sizeof what, "%s%s%s", prefix, t->name, n ? ", before keys" : "");
        if (first) parity_run(what, expected, found, before, first);
        snprintf(what, sizeof what, "%s%s%s", prefix, t->name, n ? ", behind keys" : "");
        const size_t rest = first + n;
        parity_run(what, expected + rest, found + rest, before ? before + rest : NULL, (size_t)count - rest);
        free(expected);
    }
}

#endif
