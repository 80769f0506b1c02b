#include "core/signal/repair.h"

#include <string.h>

#include "core/signal/quality.h"

/* Which lead of the recording is the lead I, II, III, aVR, aVL, aVF, and upside down or not. */
typedef struct {
    ein_lead from[6];
    int sign[6];
} limb_map;

static const limb_map limb_maps[] = {
    [EIN_LIMB_AS_NAMED] = {{EIN_LEAD_I, EIN_LEAD_II, EIN_LEAD_III, EIN_LEAD_AVR, EIN_LEAD_AVL, EIN_LEAD_AVF},
                           {1, 1, 1, 1, 1, 1}},
    [EIN_LIMB_LA_RA] = {{EIN_LEAD_I, EIN_LEAD_III, EIN_LEAD_II, EIN_LEAD_AVL, EIN_LEAD_AVR, EIN_LEAD_AVF},
                        {-1, 1, 1, 1, 1, 1}},
    [EIN_LIMB_RA_LL] = {{EIN_LEAD_III, EIN_LEAD_II, EIN_LEAD_I, EIN_LEAD_AVF, EIN_LEAD_AVL, EIN_LEAD_AVR},
                        {-1, -1, -1, 1, 1, 1}},
    [EIN_LIMB_LA_LL] = {{EIN_LEAD_II, EIN_LEAD_I, EIN_LEAD_III, EIN_LEAD_AVR, EIN_LEAD_AVF, EIN_LEAD_AVL},
                        {1, 1, -1, 1, 1, 1}},
    [EIN_LIMB_ROTATED] = {{EIN_LEAD_III, EIN_LEAD_I, EIN_LEAD_II, EIN_LEAD_AVL, EIN_LEAD_AVF, EIN_LEAD_AVR},
                          {1, -1, -1, 1, 1, 1}},
    [EIN_LIMB_ROTATED_BACK] = {{EIN_LEAD_II, EIN_LEAD_III, EIN_LEAD_I, EIN_LEAD_AVF, EIN_LEAD_AVR,
                                EIN_LEAD_AVL},
                               {-1, -1, 1, 1, 1, 1}},
};

static void turn(ein_ecg *ecg, int i) {
    float *mv = ecg->mv + i * ecg->n_samples;
    for (int64_t t = 0; t < ecg->n_samples; ++t) mv[t] = -mv[t];
}

/* Each lead `from[k]` becomes `to[k]`, multiplied by sign[k]; all at once. */
static void rename_leads(ein_ecg *ecg, const ein_lead *from, const ein_lead *to, const int *sign, int n,
                         uint32_t *lead_flags) {
    ein_lead name[EIN_MAX_LEADS];
    memcpy(name, ecg->lead, sizeof name);
    for (int i = 0; i < ecg->n_leads; ++i)
        for (int k = 0; k < n; ++k) {
            if (ecg->lead[i] != from[k]) continue;
            name[i] = to[k];
            if (sign[k] < 0) turn(ecg, i);
        }
    memcpy(ecg->lead, name, sizeof name);
    for (int k = 0; k < n; ++k)
        if (from[k] != to[k] || sign[k] < 0) lead_flags[to[k]] |= EIN_QUALITY_REPAIRED;
}

static void repair_chest(ein_ecg *ecg, const ein_arrangement *a, uint32_t *lead_flags) {
    static const int upright[6] = {1, 1, 1, 1, 1, 1};
    ein_lead from[6], to[6];
    for (int v = 0; v < 6; ++v) {
        from[v] = to[v] = (ein_lead)(EIN_LEAD_V1 + v);
        if (a->reversed) from[v] = (ein_lead)(EIN_LEAD_V6 - v);
    }
    if (!a->reversed) {
        from[a->exchanged[0] - EIN_LEAD_V1] = a->exchanged[1];
        from[a->exchanged[1] - EIN_LEAD_V1] = a->exchanged[0];
    }
    rename_leads(ecg, from, to, upright, 6, lead_flags);
}

uint32_t ein_repair(ein_ecg *ecg, const ein_arrangement *a, uint32_t flags,
                    uint32_t lead_flags[EIN_LEAD_COUNT_12]) {
    static const ein_lead limb[6] = {EIN_LEAD_I,   EIN_LEAD_II,  EIN_LEAD_III,
                                     EIN_LEAD_AVR, EIN_LEAD_AVL, EIN_LEAD_AVF};
    uint32_t done = ein_quality_limb_flag(a->limb) & flags;
    if (done) {
        const limb_map *m = &limb_maps[a->limb];
        rename_leads(ecg, m->from, limb, m->sign, 6, lead_flags);
    }
    if (a->exchanged[0] != EIN_LEAD_UNKNOWN && flags & EIN_QUALITY_CHEST_ORDER) {
        repair_chest(ecg, a, lead_flags);
        done |= EIN_QUALITY_CHEST_ORDER;
    }
    if (a->inverted != EIN_LEAD_UNKNOWN && flags & EIN_QUALITY_LEAD_SIGN) {
        const int down = -1;
        rename_leads(ecg, &a->inverted, &a->inverted, &down, 1, lead_flags);
        done |= EIN_QUALITY_LEAD_SIGN;
    }
    return done;
}
