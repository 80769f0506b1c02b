/* Quality flags that beats give: faults planted in synthetic recordings are found, and the recordings as they are pass.
 * How well on real ones: results/quality.md. */
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/signal/prepare.h"
#include "core/synth/synth.h"
#include "tests/report.h"
#include "tests/seed.h"

enum { LEADS = EIN_LEAD_COUNT_12, RECORDS = 40, SAMPLES = 5000 };

static ein_ecg original[RECORDS];
static ein_prepare_plan *plan;
static float out[LEADS * SAMPLES];

static ein_prepare_plan *plan_for(uint32_t repair, uint32_t mask) {
    ein_contract c;
    ein_prepare_plan *made;
    memset(&c, 0, sizeof c);
    c.n_leads = LEADS;
    for (int l = 0; l < LEADS; l++) c.lead[l] = (ein_lead)l;
    c.fs_hz = original[0].fs_hz;
    c.n_samples = SAMPLES;
    c.sd_mv = 1;
    c.repair_flags = repair;
    c.mask_flags = mask;
    if (ein_prepare_plan_new(&c, NULL, &made) != EIN_OK) abort();
    return made;
}

static void make(void) {
    ein_synth_config config;
    ein_synth_config_default(&config);
    for (int i = 0; i < EIN_SC_COUNT; i++) config.p[EIN_SP_PREVALENCE + i] = 0;
    if (ein_synth_config_ready(&config) != EIN_OK) abort();
    for (int i = 0; i < RECORDS; i++) {
        ein_synth_person person;
        if (ein_synth_draw_person(&config, 1, i, &person) != EIN_OK ||
            ein_synth_render(&config, &person, 1, i, &original[i]) != EIN_OK)
            abort();
    }
    plan = plan_for(0, 0);
}

/* One sample of all leads, as they are and as a fault makes them. */
typedef void change(const float *from, float *to, int64_t t);

static void set_limb(float *to, float i, float ii) {
    to[0] = i;
    to[1] = ii;
    to[2] = ii - i;
    to[3] = -(i + ii) / 2;
    to[4] = i - ii / 2;
    to[5] = ii - i / 2;
}
static void nothing(const float *from, float *to, int64_t t) {
    (void)from, (void)to, (void)t;
}
static void la_ra(const float *from, float *to, int64_t t) {
    (void)t;
    set_limb(to, -from[0], from[1] - from[0]);
}
static void ra_ll(const float *from, float *to, int64_t t) {
    (void)t;
    set_limb(to, from[0] - from[1], -from[1]);
}
static void la_ll(const float *from, float *to, int64_t t) {
    (void)t;
    set_limb(to, from[1], from[0]);
}
static void rotate(const float *from, float *to, int64_t t) {
    (void)t;
    set_limb(to, from[1] - from[0], -from[0]);
}
static void rotate_back(const float *from, float *to, int64_t t) {
    (void)t;
    set_limb(to, -from[1], from[0] - from[1]);
}
static void v1_v6(const float *from, float *to, int64_t t) {
    (void)t;
    to[6] = from[11];
    to[11] = from[6];
}
static void v1_v3(const float *from, float *to, int64_t t) {
    (void)t;
    to[6] = from[8];
    to[8] = from[6];
}
static void reverse(const float *from, float *to, int64_t t) {
    (void)t;
    for (int v = 0; v < 6; v++) to[6 + v] = from[11 - v];
}
static void v5_sign(const float *from, float *to, int64_t t) {
    (void)t;
    to[10] = -from[10];
}
static void v2_ten(const float *from, float *to, int64_t t) {
    (void)t;
    to[7] = 10 * from[7];
}
static void v5_tenth(const float *from, float *to, int64_t t) {
    (void)t;
    to[10] = 0.1f * from[10];
}
static void v3_noise(const float *from, float *to, int64_t t) {
    static float before;
    const ein_philox_block b = ein_philox(test_seed(1), EIN_DRAW_TEST, (uint64_t)t, 0);
    (void)from;
    before = 0.8f * before + (float)ein_uniform(b.v[0]) - 0.5f;
    to[8] = before;
}

/* Prepare record `i` with a fault; the flags of the recording. */
static uint32_t prepare_with(ein_prepare_plan *with, int i, change *fault, float *mv, uint32_t *of_lead) {
    ein_ecg ecg = original[i];
    uint32_t all = 0;
    ecg.mv = malloc(sizeof *ecg.mv * (size_t)(LEADS * ecg.n_samples));
    if (!ecg.mv) abort();
    for (int64_t t = 0; t < ecg.n_samples; t++) {
        float from[LEADS], to[LEADS];
        for (int l = 0; l < LEADS; l++) from[l] = to[l] = original[i].mv[l * ecg.n_samples + t];
        fault(from, to, t);
        for (int l = 0; l < LEADS; l++) ecg.mv[l * ecg.n_samples + t] = to[l];
    }
    if (ein_prepare(with, &ecg, mv, of_lead, &all) != EIN_OK) abort();
    free(ecg.mv);
    return all;
}

static int64_t count(change *fault, int lead, uint32_t flag) {
    int64_t found = 0;
    for (int i = 0; i < RECORDS; i++) {
        uint32_t of_lead[LEADS], all = prepare_with(plan, i, fault, out, of_lead);
        found += ((lead < 0 ? all : of_lead[lead]) & flag) != 0;
    }
    return found;
}

/* --- policies ------------------------------------------------------------------------------------------------ */

static float whole[LEADS * SAMPLES];

/* What is found is undone: the samples are those of the recording without the fault. */
static void check_repair(const char *what, change *fault, uint32_t flag, double tolerance_mv) {
    ein_prepare_plan *repairing = plan_for(flag, 0);
    int found = 0, same = 0;
    for (int i = 0; i < RECORDS; i++) {
        uint32_t of_lead[LEADS], all = prepare_with(repairing, i, fault, out, of_lead), leads = 0;
        double worst = 0;
        if (!(all & flag)) continue;
        found++;
        (void)prepare_with(plan, i, nothing, whole, of_lead);
        for (int k = 0; k < LEADS * SAMPLES; k++)
            if (!(isnan(out[k]) && isnan(whole[k])))
                worst = larger_error(worst, fabs((double)out[k] - (double)whole[k]));
        (void)prepare_with(repairing, i, fault, out, of_lead);
        for (int l = 0; l < LEADS; l++) leads |= of_lead[l];
        same += worst <= tolerance_mv && all & EIN_QUALITY_REPAIRED && leads & EIN_QUALITY_REPAIRED;
    }
    report(found >= RECORDS / 4 && same >= found - 1, "%s, repaired: %d of %d found are as they were", what,
           same, found);
    ein_prepare_plan_destroy(repairing);
}

static void check_mask(void) {
    ein_prepare_plan *masking = plan_for(0, EIN_QUALITY_NOISE | EIN_QUALITY_REVERSAL);
    uint32_t of_lead[LEADS], all = prepare_with(masking, 0, v3_noise, out, of_lead);
    int missing = 0;
    for (int k = 0; k < SAMPLES; k++) missing += isnan(out[8 * SAMPLES + k]);
    report(missing == SAMPLES && of_lead[8] & EIN_QUALITY_MASKED && of_lead[8] & EIN_QUALITY_MISSING &&
               !(of_lead[7] & EIN_QUALITY_MISSING) && all & EIN_QUALITY_MASKED,
           "a lead of noise is masked, and no other");
    (void)prepare_with(masking, 1, la_ra, out, of_lead);
    report(of_lead[0] & EIN_QUALITY_MASKED && of_lead[5] & EIN_QUALITY_MASKED &&
               !(of_lead[6] & EIN_QUALITY_MASKED),
           "for exchanged limb electrodes all limb leads are, and no chest lead");
    ein_prepare_plan_destroy(masking);
}

int main(void) {
    static const struct {
        const char *what;
        change *fault;
        int lead;
        uint32_t flag;
        int least;
    } cases[] = {
        {"LA and RA exchanged", la_ra, -1, EIN_QUALITY_REVERSAL, 30},
        {"RA and LL exchanged", ra_ll, -1, EIN_QUALITY_RA_LL, 30},
        {"LA and LL exchanged", la_ll, -1, EIN_QUALITY_LA_LL, 12},
        {"all limb electrodes in another order", rotate, -1, EIN_QUALITY_LIMB_ROTATED, 30},
        {"V1 and V6 exchanged", v1_v6, 11, EIN_QUALITY_CHEST_ORDER, 34},
        {"V1 and V3 exchanged", v1_v3, 6, EIN_QUALITY_CHEST_ORDER, 32},
        {"V1 to V6 in reverse", reverse, 9, EIN_QUALITY_CHEST_ORDER, 36},
        {"V5 upside down", v5_sign, 10, EIN_QUALITY_LEAD_SIGN, 32},
        {"V2 times 10", v2_ten, 7, EIN_QUALITY_LEAD_SCALE, 30},
        {"V5 times 0.1", v5_tenth, 10, EIN_QUALITY_LEAD_SCALE, 28},
        {"V3 noise like muscles'", v3_noise, 8, EIN_QUALITY_NOISE, 38},
    };
    make();
    const uint32_t of_beats = EIN_QUALITY_REVERSAL | EIN_QUALITY_RA_LL | EIN_QUALITY_LA_LL |
                              EIN_QUALITY_LIMB_ROTATED | EIN_QUALITY_CHEST_ORDER | EIN_QUALITY_LEAD_SIGN |
                              EIN_QUALITY_LEAD_SCALE | EIN_QUALITY_NOISE | EIN_QUALITY_HEART_RATE;
    const int64_t alarms = count(nothing, -1, of_beats);
    report(alarms <= 2, "of %d SYNTHETIC recordings as they are, %lld have a flag of beats", RECORDS,
           (long long)alarms);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t found = count(cases[i].fault, cases[i].lead, cases[i].flag);
        report(found >= cases[i].least, "%s: found in %lld of %d, at least %d wanted", cases[i].what,
               (long long)found, RECORDS, cases[i].least);
    }
    check_repair("LA and RA exchanged", la_ra, EIN_QUALITY_REVERSAL, 1e-6);
    check_repair("RA and LL exchanged", ra_ll, EIN_QUALITY_RA_LL, 1e-6);
    check_repair("LA and LL exchanged", la_ll, EIN_QUALITY_LA_LL, 1e-6);
    check_repair("limb electrodes in another order", rotate, EIN_QUALITY_LIMB_ROTATED, 1e-6);
    check_repair("the other order", rotate_back, EIN_QUALITY_LIMB_ROTATED, 1e-6);
    check_repair("V1 and V6 exchanged", v1_v6, EIN_QUALITY_CHEST_ORDER, 0);
    check_repair("V1 to V6 in reverse", reverse, EIN_QUALITY_CHEST_ORDER, 0);
    check_repair("V5 upside down", v5_sign, EIN_QUALITY_LEAD_SIGN, 0);
    check_mask();
    ein_prepare_plan_destroy(plan);
    for (int i = 0; i < RECORDS; i++) ein_ecg_free(&original[i]);
    return report_end();
}
