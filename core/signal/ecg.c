#include "core/signal/ecg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ein_status ein_ecg_alloc(ein_ecg *ecg, int n_leads, int64_t n_samples) {
    memset(ecg, 0, sizeof *ecg);
    ecg->person.age_years = NAN;
    ecg->person.sex = EIN_SEX_UNKNOWN;
    if (n_leads < 1 || n_leads > EIN_MAX_LEADS)
        return ein_error(EIN_RANGE, "%d leads; a recording has 1 to %d", n_leads, EIN_MAX_LEADS);
    if (n_samples < 1 || n_samples > EIN_ECG_MAX_SAMPLES)
        return ein_error(EIN_RANGE, "%lld samples per lead; a recording has 1 to %lld", (long long)n_samples,
                         (long long)EIN_ECG_MAX_SAMPLES);
    EIN_TRY(ein_calloc((void **)&ecg->mv, n_leads * n_samples, sizeof *ecg->mv, "samples of a recording"));
    ecg->n_leads = n_leads;
    ecg->n_samples = n_samples;
    for (int i = 0; i < EIN_MAX_LEADS; ++i) ecg->lead[i] = EIN_LEAD_UNKNOWN;
    return EIN_OK;
}

void ein_ecg_free(ein_ecg *ecg) {
    if (!ecg) return;
    free(ecg->mv);
    memset(ecg, 0, sizeof *ecg);
}

int ein_ecg_find_lead(const ein_ecg *ecg, ein_lead lead) {
    if (lead == EIN_LEAD_UNKNOWN) return -1;
    for (int i = 0; i < ecg->n_leads; ++i)
        if (ecg->lead[i] == lead) return i;
    return -1;
}
