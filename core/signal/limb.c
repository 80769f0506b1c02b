#include "core/signal/limb.h"

/* Each limb lead as a combination of I and II. */
static const double limb[EIN_LEAD_AVF + 1][2] = {
    [EIN_LEAD_I] = {1, 0},         [EIN_LEAD_II] = {0, 1},     [EIN_LEAD_III] = {-1, 1},
    [EIN_LEAD_AVR] = {-0.5, -0.5}, [EIN_LEAD_AVL] = {1, -0.5}, [EIN_LEAD_AVF] = {-0.5, 1},
};

static bool is_limb(ein_lead lead) {
    return (int)lead >= EIN_LEAD_I && lead <= EIN_LEAD_AVF;
}

bool ein_limb_weights(ein_lead target, ein_lead a, ein_lead b, double *alpha, double *beta) {
    if (!is_limb(target) || !is_limb(a) || !is_limb(b) || a == b) return false;
    /* Cramer's rule on alpha * limb[a] + beta * limb[b] = limb[target]. */
    double det = limb[a][0] * limb[b][1] - limb[a][1] * limb[b][0];
    *alpha = (limb[target][0] * limb[b][1] - limb[target][1] * limb[b][0]) / det;
    *beta = (limb[a][0] * limb[target][1] - limb[a][1] * limb[target][0]) / det;
    return true;
}

bool ein_limb_sources(const ein_ecg *ecg, const bool *usable, ein_lead target, int *a, int *b) {
    if (!is_limb(target)) return false;
    int found[2], n = 0;
    for (int lead = EIN_LEAD_I; lead <= EIN_LEAD_AVF && n < 2; ++lead) {
        int i = lead == (int)target ? -1 : ein_ecg_find_lead(ecg, (ein_lead)lead);
        if (i >= 0 && usable[i]) found[n++] = i;
    }
    if (n < 2) return false;
    *a = found[0];
    *b = found[1];
    return true;
}

void ein_limb_combine(double alpha, const float *a, double beta, const float *b, int64_t n, float *out) {
    for (int64_t t = 0; t < n; ++t) out[t] = (float)(alpha * a[t] + beta * b[t]);
}
