#include "core/nn/lora.h"

#include <stdio.h>
#include <string.h>

#include "core/nn/products.h"
#include "core/nn/terms.h"

void lora_forward(real *out, real *hidden, const real *in, const real *a, const real *b, int M, int K, int N,
                  int R) {
    const size_t n = (size_t)M * (size_t)R;
    memset(hidden, 0, n * sizeof *hidden);
    product_nt_add(hidden, in, a, M, R, K);
    for (size_t i = 0; i < n; i++) hidden[i] *= (real)EIN_LORA_FACTOR;
    product_nt_add(out, hidden, b, M, N, R);
}

void lora_backward(real *din, real *da, real *db, real *scratch, const real *dout, const real *in,
                   const real *hidden, const real *a, const real *b, int M, int K, int N, int R) {
    /* out += hidden b^T, hidden = 2 in a^T; scratch is the gradient of in a^T. */
    if (db) product_tn(db, dout, hidden, N, R, M, EIN_TERM(LORA_DB));
    product_nn(scratch, dout, b, M, R, N, EIN_TERM(LORA_DHIDDEN) * (real)EIN_LORA_FACTOR);
    if (da) product_tn(da, scratch, in, R, K, M, EIN_TERM(LORA_DA));
    product_nn_add(din, scratch, a, M, K, R, EIN_TERM(LORA_DIN));
}

#ifndef EIN_REAL_DOUBLE

/* w (N,K) += 2 b (N,R) a (R,K) */
static void fold(float *w, const float *a, const float *b, int64_t N, int64_t K, int64_t R) {
    for (int64_t n = 0; n < N; n++)
        for (int64_t k = 0; k < K; k++) {
            double sum = 0;
            for (int64_t r = 0; r < R; r++) sum += (double)b[n * R + r] * a[r * K + k];
            w[n * K + k] = (float)(w[n * K + k] + EIN_LORA_FACTOR * sum);
        }
}

/* The tensor called `name` with its ending ".weight" made ".lora_a.weight" or ".lora_b.weight"; NULL if there is
 * none. */
static const ein_tensor *adapter_of(const ein_layout *layout, const char *name, const char *which) {
    char full[96];
    const size_t length = strlen(name), ending = strlen(".weight");
    if (length < ending || strcmp(name + length - ending, ".weight")) return NULL;
    snprintf(full, sizeof full, "%.*s.%s.weight", (int)(length - ending), name, which);
    const int index = ein_layout_find(layout, full);
    return index < 0 ? NULL : &layout->tensors[index];
}

static ein_status check_pair(const ein_layout *plain, const ein_layout *adapted) {
    ein_vit_shape shape = adapted->shape;
    if (shape.lora < 1 || adapted->parts != EIN_PART_CLASSIFY)
        return ein_error(EIN_USAGE, "merging adapters: the model has none");
    shape.lora = 0;
    if (plain->parts == adapted->parts && !memcmp(&shape, &plain->shape, sizeof shape)) return EIN_OK;
    return ein_error(EIN_USAGE, "merging adapters: the plain model is not the adapted one with lora 0");
}

ein_status ein_lora_merge(float *out, const ein_layout *plain, const float *param,
                          const ein_layout *adapted) {
    EIN_TRY(check_pair(plain, adapted));
    memset(out, 0, (size_t)plain->arena * sizeof *out);
    ein_layout_copy(out, plain, param, adapted);
    for (int i = 0; i < plain->n_tensors; i++) {
        const ein_tensor *w = &plain->tensors[i];
        const ein_tensor *a = adapter_of(adapted, w->name, "lora_a");
        const ein_tensor *b = adapter_of(adapted, w->name, "lora_b");
        if (a && b)
            fold(out + w->offset, param + a->offset, param + b->offset, w->shape[0], w->shape[1],
                 a->shape[0]);
    }
    return EIN_OK;
}
#endif
