/* What names of leads mean: a site's own, three numbered leads, the same lead twice, names that mean nothing. */
#include <math.h>
#include <string.h>

#include "core/signal/lead_names.h"
#include "core/signal/prepare.h"
#include "tests/report.h"

enum { FS = 250, SAMPLES = 1250 };

/* I and III are two waves, II their sum, whatever the names say; leads from the fourth on are waves of their own. */
static ein_ecg made(int n, const char *const *names) {
    ein_ecg ecg;
    if (ein_ecg_alloc(&ecg, n, SAMPLES) != EIN_OK) return ecg;
    ecg.fs_hz = FS;
    for (int l = 0; l < n; l++) {
        snprintf(ecg.lead_name[l], sizeof ecg.lead_name[l], "%s", names[l]);
        ecg.lead[l] = ein_lead_parse(names[l]);
        for (int t = 0; t < SAMPLES; t++) {
            double one = sin(t * 0.07), three = 0.5 * sin(t * 0.031 + 1), other = sin(t * 0.11 + l);
            ecg.mv[l * SAMPLES + t] = (float)(l == 0 ? one : l == 1 ? one + three : l == 2 ? three : other);
        }
    }
    return ecg;
}

static bool leads_are(const ein_ecg *ecg, const ein_lead *wanted) {
    for (int l = 0; l < ecg->n_leads; l++)
        if (ecg->lead[l] != wanted[l]) return false;
    return true;
}

static void check_own(void) {
    ein_lead_names names = {0};
    report(ein_lead_names_add(&names, "ECG 1=II") == EIN_OK && ein_lead_names_add(&names, "v=V5") == EIN_OK &&
               ein_lead_names_add(&names, "DI=none") == EIN_OK &&
               ein_lead_names_add(&names, "a=b=aVF") == EIN_OK,
           "names of a site are taken");
    ein_ecg ecg = made(5, (const char *const[]){"ecg_1", "V", "DI", "V2", "A=B"});
    ein_ecg_name_leads(&ecg, &names);
    report(
        leads_are(&ecg, (ein_lead[]){EIN_LEAD_II, EIN_LEAD_V5, EIN_LEAD_UNKNOWN, EIN_LEAD_V2, EIN_LEAD_AVF}),
        "over the table, without case and blanks");
    report(ecg.notes == 0, "and nothing is noted");
    ein_ecg_free(&ecg);
    static const char *const bad[] = {"DI",
                                      "=I",
                                      "DI=",
                                      "DI=VI",
                                      "  =I",
                                      "ECG 1=V3",
                                      "a name that is longer than the longest name of a lead=I"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        report(ein_lead_names_add(&names, bad[i]) == EIN_USAGE, "\"%s\" is refused", bad[i]);
    report(ein_lead_names_add(&names, "ecg1=II") == EIN_OK && names.n == 4, "the same twice is once");
    ein_status status = EIN_OK;
    for (int i = 0; i < EIN_LEAD_NAMES_MAX && status == EIN_OK; i++) {
        char item[16];
        snprintf(item, sizeof item, "n%d=I", i);
        status = ein_lead_names_add(&names, item);
    }
    report(status == EIN_USAGE && names.n == EIN_LEAD_NAMES_MAX, "too many are refused");
}

static void check_numbers(void) {
    static const ein_lead limbs[] = {EIN_LEAD_I, EIN_LEAD_II, EIN_LEAD_III, EIN_LEAD_V1};
    static const ein_lead none[] = {EIN_LEAD_UNKNOWN, EIN_LEAD_UNKNOWN, EIN_LEAD_UNKNOWN, EIN_LEAD_V1};
    ein_ecg ecg = made(4, (const char *const[]){"I", "2", "3", "V1"});
    ein_ecg_name_leads(&ecg, NULL);
    report(leads_are(&ecg, limbs), "I, 2, 3 that obey Einthoven's law are limb leads");
    ein_ecg_free(&ecg);
    ecg = made(4, (const char *const[]){"1", "2", "3", "V1"});
    ein_ecg_name_leads(&ecg, NULL);
    report(leads_are(&ecg, limbs), "and so are 1, 2, 3");
    ein_ecg_free(&ecg);
    ecg = made(4, (const char *const[]){"1", "2", "3", "V1"});
    for (int t = 0; t < SAMPLES; t++) ecg.mv[SAMPLES + t] = (float)sin(t * 0.2);
    ein_ecg_name_leads(&ecg, NULL);
    report(leads_are(&ecg, none), "three channels that do not are no limb leads");
    memset(ecg.mv, 0, sizeof *ecg.mv * 3 * SAMPLES);
    ein_ecg_name_leads(&ecg, NULL);
    report(leads_are(&ecg, none), "nor are three without a signal, which obey it as well");
    ein_ecg_free(&ecg);
    ein_lead_names names = {0};
    ecg = made(3, (const char *const[]){"I", "2", "3"});
    ein_ecg_name_leads(&ecg, ein_lead_names_add(&names, "2=none") == EIN_OK ? &names : NULL);
    report(leads_are(&ecg, (ein_lead[]){EIN_LEAD_I, EIN_LEAD_UNKNOWN, EIN_LEAD_UNKNOWN}),
           "a site's word goes before");
    ein_ecg_free(&ecg);
}

static void check_twice(void) {
    ein_contract c = {
        .n_leads = 1, .lead = {EIN_LEAD_II}, .fs_hz = FS, .n_samples = SAMPLES, .mean_mv = 0, .sd_mv = 1};
    ein_prepare_plan *plan = NULL;
    static float mv[SAMPLES];
    uint32_t lead_quality = 0, quality = 0;
    ein_ecg ecg = made(3, (const char *const[]){"II", "MLII", "V1"});
    ein_ecg_name_leads(&ecg, NULL);
    report(ecg.notes == EIN_NOTE_LEAD_TWICE && ecg.lead_notes[0] == EIN_NOTE_LEAD_TWICE &&
               ecg.lead_notes[1] == EIN_NOTE_LEAD_TWICE && ecg.lead_notes[2] == 0,
           "II and MLII are one lead twice, and noted");
    for (int t = 0; t < SAMPLES; t++) ecg.mv[t] = NAN;
    ein_status status = ein_prepare_plan_new(&c, NULL, &plan);
    if (status == EIN_OK) status = ein_prepare(plan, &ecg, mv, &lead_quality, &quality);
    report(status == EIN_OK && (quality & lead_quality & EIN_QUALITY_LEAD_TWICE) &&
               mv[7] == ecg.mv[SAMPLES + 7],
           "flagged, and the one that has samples is taken");
    ein_lead_names names = {0};
    ein_ecg_name_leads(&ecg, ein_lead_names_add(&names, "MLII=none") == EIN_OK ? &names : NULL);
    report(ecg.notes == 0 && ecg.lead_notes[0] == 0, "until one of them is said to be none");
    ein_prepare_plan_destroy(plan);
    ein_ecg_free(&ecg);
}

static void check_unknown(void) {
    char text[64];
    ein_ecg ecg = made(6, (const char *const[]){"ECG 1", "I", "odd, name", "ECG 1", "", "pulse"});
    ein_ecg_unknown_leads(&ecg, text, sizeof text);
    report(strcmp(text, "ECG 1, odd; name, pulse") == 0, "unknown names, each once: %s", text);
    ein_ecg_unknown_leads(&ecg, text, 10);
    report(strcmp(text, "ECG 1") == 0, "as many as there is room for: %s", text);
    ein_ecg_free(&ecg);
}

int main(void) {
    check_own();
    check_numbers();
    check_twice();
    check_unknown();
    return report_end();
}
