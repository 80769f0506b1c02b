#include "core/ecg.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const lead_names[EIN_LEAD_COUNT] = {
    [EIN_LEAD_I] = "I",     [EIN_LEAD_II] = "II",   [EIN_LEAD_III] = "III", [EIN_LEAD_AVR] = "aVR",
    [EIN_LEAD_AVL] = "aVL", [EIN_LEAD_AVF] = "aVF", [EIN_LEAD_V1] = "V1",   [EIN_LEAD_V2] = "V2",
    [EIN_LEAD_V3] = "V3",   [EIN_LEAD_V4] = "V4",   [EIN_LEAD_V5] = "V5",   [EIN_LEAD_V6] = "V6",
    [EIN_LEAD_V3R] = "V3R", [EIN_LEAD_V4R] = "V4R", [EIN_LEAD_V7] = "V7",   [EIN_LEAD_V8] = "V8",
    [EIN_LEAD_V9] = "V9",   [EIN_LEAD_X] = "X",     [EIN_LEAD_Y] = "Y",     [EIN_LEAD_Z] = "Z",
};

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

/* Lower case, without blanks, underscores and hyphens inside words ("Lead_II", "MDC_ECG_LEAD_aVF",
 * "ECG lead V1" all become one word); false if it cannot be a lead name. A leading minus stays, because
 * -aVR is another lead than aVR. */
static bool squeeze(const char *name, char *out, size_t bytes) {
    size_t n = 0;
    for (const char *p = name; *p; ++p) {
        unsigned char c = (unsigned char)*p;
        if (isspace(c) || c == '_' || (c == '-' && n > 0)) continue;
        if (n + 1 >= bytes) return false;
        out[n++] = (char)tolower(c);
    }
    out[n] = '\0';
    return n > 0;
}

static const char *skip_prefix(const char *text, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(text, prefix, n) == 0 && text[n] ? text + n : text;
}

ein_lead ein_lead_parse(const char *name) {
    char word[32];
    if (!name || !squeeze(name, word, sizeof word)) return EIN_LEAD_UNKNOWN;
    const char *p = skip_prefix(word, "mdc");
    p = skip_prefix(p, "ecg");
    p = skip_prefix(p, "lead");
    for (int i = 0; i < EIN_LEAD_COUNT; ++i) {
        char known[8];
        squeeze(lead_names[i], known, sizeof known);
        if (strcmp(p, known) == 0) return (ein_lead)i;
    }
    /* The Frank leads are vx, vy, vz in the PTB database. */
    if (p[0] == 'v' && p[1] >= 'x' && p[1] <= 'z' && !p[2]) return (ein_lead)(EIN_LEAD_X + (p[1] - 'x'));
    return EIN_LEAD_UNKNOWN;
}

const char *ein_lead_name(ein_lead lead) {
    if ((int)lead < 0 || lead >= EIN_LEAD_COUNT) return "unknown";
    return lead_names[lead];
}

int ein_ecg_find_lead(const ein_ecg *ecg, ein_lead lead) {
    if (lead == EIN_LEAD_UNKNOWN) return -1;
    for (int i = 0; i < ecg->n_leads; ++i)
        if (ecg->lead[i] == lead) return i;
    return -1;
}
