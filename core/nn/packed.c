#include "core/nn/packed.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 3 }; /* values of a tensor that tell whether it is the one that was copied */

/* One tensor's copies; columns 0: it has none, being no linear's weight. */
typedef struct {
    int columns, depth;      /* outputs and inputs of the linear */
    int64_t forward, turned; /* offsets into the memory */
    int64_t first_panel;     /* of all panels */
    int n_forward, n_turned; /* panels of each order */
    real sample[SAMPLES];
} tensor_copy;

struct ein_packed {
    const ein_layout *layout;
    int width;
    int64_t values, panels;
    real *memory;
    tensor_copy *tensor; /* (n_tensors) */
};

/* Weights of linears are drawn as such, and as nothing else. */
static bool is_weight(const ein_tensor *t) {
    return t->init == EIN_INIT_LINEAR && t->ndim > 1;
}

static int panels_of(int columns, int width) {
    return (columns + width - 1) / width;
}

/* Offsets of all copies; returns how many values they take. `tensor` may be NULL. */
static int64_t place(const ein_layout *layout, bool training, int width, tensor_copy *tensor,
                     int64_t *panels) {
    int64_t used = 0;
    *panels = 0;
    for (int i = 0; i < layout->n_tensors && width > 0; i++) {
        const ein_tensor *t = &layout->tensors[i];
        if (!is_weight(t)) continue;
        tensor_copy c = {.columns = (int)t->shape[0], .forward = used, .first_panel = *panels};
        c.depth = (int)(t->count / t->shape[0]);
        c.n_forward = panels_of(c.columns, width);
        c.n_turned = training ? panels_of(c.depth, width) : 0;
        used += (int64_t)c.n_forward * width * c.depth;
        c.turned = used;
        used += (int64_t)c.n_turned * width * c.columns;
        *panels += c.n_forward + c.n_turned;
        if (tensor) tensor[i] = c;
    }
    return used;
}

int64_t ein_packed_bytes(const ein_layout *layout, bool training) {
    int64_t panels;
    return place(layout, training, ein_panel_width(), NULL, &panels) * (int64_t)sizeof(real);
}

ein_status ein_packed_new(const ein_layout *layout, bool training, ein_packed **out) {
    ein_packed *p;
    void *memory = NULL;
    *out = NULL;
    EIN_TRY(EIN_NEW(p, 1));
    p->layout = layout;
    p->width = ein_panel_width();
    ein_status status = EIN_NEW(p->tensor, layout->n_tensors);
    if (status != EIN_OK) goto fail;
    p->values = place(layout, training, p->width, p->tensor, &p->panels);
    const size_t bytes = (size_t)p->values * sizeof(real);
    /* Touched by those who fill it, so that its pages lie near them. */
    if (bytes > 0 && posix_memalign(&memory, 64, bytes) != 0) {
        status = ein_error(EIN_NOMEM, "no memory for copies of the weights: %zu bytes", bytes);
        goto fail;
    }
    p->memory = memory;
    *out = p;
    return EIN_OK;
fail:
    ein_packed_destroy(p);
    return status;
}

ein_status ein_packed_make(const ein_layout *layout, bool training, const real *param, int threads,
                           ein_packed **out) {
    EIN_TRY(ein_packed_new(layout, training, out));
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int t = 0; t < threads; t++) ein_packed_fill(*out, param, t, threads);
    return EIN_OK;
}

void ein_packed_destroy(ein_packed *packed) {
    if (!packed) return;
    free(packed->tensor);
    free(packed->memory);
    free(packed);
}

static void take_samples(real sample[SAMPLES], const real *w, int64_t count) {
    for (int s = 0; s < SAMPLES; s++) sample[s] = w[(count - 1) * s / (SAMPLES - 1)];
}

/* Panels from .. to-1 of a tensor. */
static void fill_tensor(ein_packed *p, tensor_copy *c, const real *w, int64_t count, int from, int to) {
    if (from == 0) take_samples(c->sample, w, count);
    const int forward = to < c->n_forward ? to : c->n_forward;
    if (from < forward)
        ein_panels_fill(p->memory + c->forward, w, 1, c->depth, c->depth, c->columns, from, forward);
    const int first = from > c->n_forward ? from - c->n_forward : 0;
    if (to > c->n_forward)
        ein_panels_fill(p->memory + c->turned, w, c->depth, 1, c->columns, c->depth, first,
                        to - c->n_forward);
}

void ein_packed_fill(ein_packed *packed, const real *param, int part, int parts) {
    const int64_t first = packed->panels * part / parts, end = packed->panels * (part + 1) / parts;
    for (int i = 0; i < packed->layout->n_tensors; i++) {
        tensor_copy *c = &packed->tensor[i];
        const ein_tensor *t = &packed->layout->tensors[i];
        const int64_t from = first - c->first_panel, to = end - c->first_panel;
        const int64_t panels = c->n_forward + c->n_turned;
        if (to <= 0 || from >= panels) continue;
        fill_tensor(packed, c, param + t->offset, t->count, from > 0 ? (int)from : 0,
                    (int)(to < panels ? to : panels));
    }
}

ein_weight ein_packed_weight(const ein_packed *packed, const ein_layout *layout, const real *param,
                             int tensor) {
    const ein_tensor *t = &layout->tensors[tensor];
    ein_weight w = {.values = param + t->offset};
    if (!packed || packed->tensor[tensor].columns == 0) return w;
    const tensor_copy *c = &packed->tensor[tensor];
    real sample[SAMPLES];
    take_samples(sample, w.values, t->count);
    EIN_BUG_IF(packed->layout != layout || memcmp(sample, c->sample, sizeof sample) != 0);
    w.width = packed->width;
    w.forward = packed->memory + c->forward;
    w.turned = c->n_turned ? packed->memory + c->turned : NULL;
    return w;
}
