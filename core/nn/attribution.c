#include "core/nn/attribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/classify.h"
#include "core/nn/kernels.h"

struct ein_attribution {
    const ein_layout *layout;
    int L, S, P, N, T, H, O, batch;
    ein_classify *model;
    const real *param;
    double *direction;      /* (O) */
    real *x, *d_x;          /* (batch,L,S) */
    real *logits, *d_logit; /* (batch,O) */
    double *mean;           /* (L,S): sums of gradients */
    double *token;          /* (2,T) */
};

ein_status ein_attribution_new(const ein_layout *layout, int batch, ein_attribution **out) {
    const ein_vit_shape *s = &layout->shape;
    const int64_t values = (int64_t)s->leads * s->samples;
    ein_attribution *a;
    *out = NULL;
    EIN_TRY(EIN_NEW(a, 1));
    *a = (ein_attribution){.layout = layout,
                           .L = s->leads,
                           .S = s->samples,
                           .P = s->patch,
                           .N = ein_vit_patches(s),
                           .T = ein_vit_tokens(s),
                           .H = s->heads,
                           .O = s->classes,
                           .batch = batch};
    /* All tensors count as trained: so passes begin at the record, and keep what a backward pass needs. */
    ein_status status = ein_classify_new(layout, layout, batch, true, &a->model);
    if (status == EIN_OK) status = EIN_NEW(a->direction, a->O);
    if (status == EIN_OK) status = EIN_NEW(a->x, batch * values);
    if (status == EIN_OK) status = EIN_NEW(a->d_x, batch * values);
    if (status == EIN_OK) status = EIN_NEW(a->logits, (int64_t)batch * a->O);
    if (status == EIN_OK) status = EIN_NEW(a->d_logit, (int64_t)batch * a->O);
    if (status == EIN_OK) status = EIN_NEW(a->mean, values);
    if (status == EIN_OK) status = EIN_NEW(a->token, 2 * (int64_t)a->T);
    if (status == EIN_OK)
        *out = a;
    else
        ein_attribution_destroy(a);
    return status;
}

void ein_attribution_destroy(ein_attribution *a) {
    if (!a) return;
    ein_classify_destroy(a->model);
    free(a->direction);
    free(a->x);
    free(a->d_x);
    free(a->logits);
    free(a->d_logit);
    free(a->mean);
    free(a->token);
    free(a);
}

void ein_attribution_weights(ein_attribution *a, const real *param, const ein_packed *packed) {
    a->param = param;
    ein_classify_weights(a->model, NULL, packed);
}

void ein_attribution_explain(ein_attribution *a, const double *direction) {
    memcpy(a->direction, direction, (size_t)a->O * sizeof *direction);
}

static size_t values_of(const ein_attribution *a) {
    return (size_t)a->L * (size_t)a->S;
}

/* f of the first n records of a->x. */
static void run(ein_attribution *a, double *f, int n) {
    ein_classify_records(a->model, n);
    ein_classify_forward(a->model, a->logits, NULL, a->param, a->x);
    for (int b = 0; b < n; b++) {
        f[b] = 0;
        for (int o = 0; o < a->O; o++) f[b] += a->direction[o] * (double)a->logits[b * a->O + o];
    }
}

/* a->d_x of all records of a->x. */
static void differentiate(ein_attribution *a) {
    ein_classify_records(a->model, a->batch);
    ein_classify_forward(a->model, a->logits, NULL, a->param, a->x);
    for (int b = 0; b < a->batch; b++)
        for (int o = 0; o < a->O; o++) a->d_logit[b * a->O + o] = (real)a->direction[o];
    ein_classify_input(a->model, a->d_x, a->d_logit, NULL, a->param);
}

double ein_attribution_value(ein_attribution *a, const real *x) {
    double f;
    memcpy(a->x, x, values_of(a) * sizeof *x);
    run(a, &f, 1);
    return f;
}

/* --- occlusion ----------------------------------------------------------------------------------------- */

static void clear_cell(const ein_attribution *a, real *x, int lead, int patch) {
    memset(x + (size_t)lead * (size_t)a->S + (size_t)patch * (size_t)a->P, 0, (size_t)a->P * sizeof *x);
}

/* What is taken away: cell k < L*N, then leads, then times. */
static void occlude(const ein_attribution *a, real *x, int k) {
    const int cells = a->L * a->N;
    if (k < cells)
        clear_cell(a, x, k / a->N, k % a->N);
    else if (k < cells + a->L)
        memset(x + (size_t)(k - cells) * (size_t)a->S, 0, (size_t)a->S * sizeof *x);
    else
        for (int lead = 0; lead < a->L; lead++) clear_cell(a, x, lead, k - cells - a->L);
}

static void occlude_all(ein_attribution *a, double *out, const real *x, double whole, int first, int n) {
    if (!out) return;
    for (int k = 0; k < n; k += a->batch) {
        const int count = n - k < a->batch ? n - k : a->batch;
        for (int b = 0; b < count; b++) {
            real *record = a->x + (size_t)b * values_of(a);
            memcpy(record, x, values_of(a) * sizeof *x);
            occlude(a, record, first + k + b);
        }
        run(a, out + k, count);
        for (int b = 0; b < count; b++) out[k + b] = whole - out[k + b];
    }
}

void attribution_occlusion(ein_attribution *a, double *cell, double *lead, double *time, const real *x) {
    const double whole = ein_attribution_value(a, x);
    const int cells = a->L * a->N;
    occlude_all(a, cell, x, whole, 0, cells);
    occlude_all(a, lead, x, whole, cells, a->L);
    occlude_all(a, time, x, whole, cells + a->L, a->N);
}

/* --- gradients ----------------------------------------------------------------------------------------- */

/* cell = sum over its samples of x times a->mean / n. */
static void cells_of_gradients(const ein_attribution *a, double *cell, const real *x, int n) {
    for (int c = 0; c < a->L * a->N; c++) {
        const size_t first = (size_t)(c / a->N) * (size_t)a->S + (size_t)(c % a->N) * (size_t)a->P;
        cell[c] = 0;
        for (size_t i = first; i < first + (size_t)a->P; i++) cell[c] += (double)x[i] * a->mean[i] / n;
    }
}

/* a->mean = sum over k of the gradient at ((k + 1/2) / n) x, or for n = 1 with `whole` at x. */
static void sum_gradients(ein_attribution *a, const real *x, int n, bool whole) {
    const size_t values = values_of(a);
    memset(a->mean, 0, values * sizeof *a->mean);
    for (int k = 0; k < n; k += a->batch) {
        const int count = n - k < a->batch ? n - k : a->batch;
        for (int b = 0; b < a->batch; b++) {
            const real at = whole ? 1 : (real)((k + b + 0.5) / n);
            for (size_t i = 0; i < values; i++) a->x[(size_t)b * values + i] = at * x[i];
        }
        differentiate(a);
        for (int b = 0; b < count; b++)
            for (size_t i = 0; i < values; i++) a->mean[i] += (double)a->d_x[(size_t)b * values + i];
    }
}

void attribution_gradient(ein_attribution *a, double *cell, const real *x) {
    sum_gradients(a, x, 1, true);
    cells_of_gradients(a, cell, x, 1);
}

void attribution_integrated(ein_attribution *a, double *cell, double *gap, const real *x, int steps) {
    double sum = 0, empty;
    sum_gradients(a, x, steps, false);
    cells_of_gradients(a, cell, x, steps);
    if (!gap) return;
    for (int c = 0; c < a->L * a->N; c++) sum += cell[c];
    const double whole = ein_attribution_value(a, x);
    memset(a->x, 0, values_of(a) * sizeof *a->x);
    run(a, &empty, 1);
    *gap = sum - (whole - empty);
}

/* --- attention ----------------------------------------------------------------------------------------- */

/* What pooling takes of the tokens that leave the last block. */
static void pooled_share(const ein_attribution *a, double *share) {
    const real *chosen = ein_classify_chooses(a->model); /* (H,T) of the first record */
    for (int t = 0; t < a->T; t++) {
        share[t] = t > 0 ? 1.0 / a->N : 0;
        if (!chosen) continue;
        share[t] = 0;
        for (int h = 0; h < a->H; h++) share[t] += (double)chosen[h * a->T + t] / a->H;
    }
}

/* into = share times (attention + 1) / 2 of one block. */
static void through_block(const ein_attribution *a, double *into, const double *share, int block) {
    const int stride = attention_stride(a->T);
    const real *prob = ein_classify_attends(a->model, block);
    for (int t = 0; t < a->T; t++) into[t] = share[t] / 2;
    for (int h = 0; h < a->H; h++)
        for (int t = 0; t < a->T; t++) {
            const real *row = prob + ((size_t)h * (size_t)a->T + (size_t)t) * (size_t)stride;
            const double factor = share[t] / (2 * a->H);
            for (int u = 0; u < a->T; u++) into[u] += factor * (double)row[u];
        }
}

void attribution_rollout(ein_attribution *a, double *time, const real *x) {
    double *share = a->token, *next = a->token + a->T;
    ein_attribution_value(a, x);
    pooled_share(a, share);
    for (int block = a->layout->shape.depth - 1; block >= 0; block--) {
        through_block(a, next, share, block);
        double *swap = share;
        share = next;
        next = swap;
    }
    memcpy(time, share + 1, (size_t)a->N * sizeof *time);
}

/* --- curves -------------------------------------------------------------------------------------------- */

/* Record `out` is x without the first `taken` cells, or with `insert` nothing but them. */
static void take_cells(const ein_attribution *a, real *out, const real *x, const int32_t *order, int taken,
                       bool insert) {
    memcpy(out, x, values_of(a) * sizeof *x);
    const int first = insert ? taken : 0, end = insert ? a->L * a->N : taken;
    for (int k = first; k < end; k++) clear_cell(a, out, order[k] / a->N, order[k] % a->N);
}

void attribution_curves(ein_attribution *a, double *deletion, double *insertion, int points,
                        const int32_t *order, const real *x) {
    for (int insert = 0; insert < 2; insert++)
        for (int k = 0; k < points; k += a->batch) {
            const int count = points - k < a->batch ? points - k : a->batch;
            for (int b = 0; b < count; b++)
                take_cells(a, a->x + (size_t)b * values_of(a), x, order,
                           (int)lround((double)(k + b) / (points - 1) * a->L * a->N), insert);
            run(a, (insert ? insertion : deletion) + k, count);
        }
}
