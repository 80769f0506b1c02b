#include "io/corpus/recording.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/signal/quantise.h"

ein_status ein_corpus_recording(ein_corpus *corpus, int64_t record, ein_ecg *ecg) {
    const ein_contract *contract = ein_corpus_contract(corpus);
    const int64_t values = contract->n_leads * contract->n_samples;
    int16_t *counts;
    float scale;
    EIN_TRY(ein_ecg_alloc(ecg, contract->n_leads, contract->n_samples));
    ecg->fs_hz = contract->fs_hz;
    memcpy(ecg->lead, contract->lead, sizeof ecg->lead);
    EIN_TRY(EIN_NEW(counts, values));
    const ein_status status = ein_corpus_read(corpus, record, 1, counts, &scale);
    for (int64_t i = 0; i < values && status == EIN_OK; i++)
        ecg->mv[i] = counts[i] == EIN_COUNT_MISSING ? NAN : (float)counts[i] * scale;
    free(counts);
    return status;
}
