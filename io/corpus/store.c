#include "io/corpus/store.h"

#include <stdlib.h>

struct ein_store {
    int64_t values; /* per record */
    int16_t *counts;
    float *scale;
    float mean, inverse_sd;
};

int64_t ein_store_bytes(int64_t count, int64_t leads, int64_t samples) {
    return count * (leads * samples * (int64_t)sizeof(int16_t) + (int64_t)sizeof(float));
}

/* Length of the run of neighbouring records that starts at `first` in the list. */
static int64_t run_length(const int64_t *index, int64_t first, int64_t count) {
    int64_t n = 1;
    while (first + n < count && index[first + n] == index[first] + n) n++;
    return n;
}

ein_status ein_store_new(ein_corpus *corpus, const int64_t *index, int64_t count, ein_store **out) {
    const ein_contract *contract = ein_corpus_contract(corpus);
    ein_store *s;
    *out = NULL;
    EIN_TRY(EIN_NEW(s, 1));
    s->values = contract->n_leads * contract->n_samples;
    ein_store_normalise(s, contract->mean_mv, contract->sd_mv);
    ein_status status = EIN_NEW(s->counts, count * s->values);
    if (status == EIN_OK) status = EIN_NEW(s->scale, count);
    for (int64_t i = 0, n; status == EIN_OK && i < count; i += n) {
        n = run_length(index, i, count);
        status = ein_corpus_read(corpus, index[i], n, s->counts + i * s->values, s->scale + i);
    }
    if (status != EIN_OK) {
        ein_store_destroy(s);
        return status;
    }
    *out = s;
    return EIN_OK;
}

void ein_store_destroy(ein_store *s) {
    if (!s) return;
    free(s->counts);
    free(s->scale);
    free(s);
}

void ein_store_normalise(ein_store *s, double mean_mv, double sd_mv) {
    s->mean = (float)mean_mv;
    s->inverse_sd = (float)(1.0 / sd_mv);
}

void ein_counts_input(float *x, const int16_t *counts, float scale, float mean, float inverse_sd, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        const float value = ((float)counts[i] * scale - mean) * inverse_sd;
        x[i] = counts[i] == EIN_CORPUS_MISSING ? 0.0f : value;
    }
}

void ein_store_input(const ein_store *s, int64_t place, float *x) {
    ein_counts_input(x, s->counts + place * s->values, s->scale[place], s->mean, s->inverse_sd, s->values);
}
