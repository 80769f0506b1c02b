/* Whether millivolts can be an ECG's: recordings and single leads whose units are wrong, leads of noise. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/signal/gain.h"
#include "core/signal/quality.h"
#include "tests/report.h"
#include "tests/seed.h"

enum { FS = 500, SECONDS = 10, SAMPLES = FS * SECONDS, LEADS = 12 };

/* A beat a second: P, QRS, T, in shares of the R wave. */
static double beat(double s) {
    double at[] = {0.15, 0.33, 0.35, 0.37, 0.6}, height[] = {0.1, -0.1, 1, -0.25, 0.25},
           width[] = {40, 4000, 4000, 4000, 60};
    double sum = 0;
    for (int i = 0; i < 5; i++) sum += height[i] * exp(-width[i] * 4 * (s - at[i]) * (s - at[i]));
    return sum;
}

/* Twelve leads with R waves of 0.5 to 2 mV; the limb leads obey Einthoven. */
static ein_ecg made(int leads) {
    static const double r_mv[LEADS] = {0.8, 1.1, 0.3, -0.95, 0.25, 0.7, -0.9, -1.6, 1.2, 2, 1.8, 1.2};
    ein_ecg ecg;
    if (ein_ecg_alloc(&ecg, leads, SAMPLES) != EIN_OK) abort();
    ecg.fs_hz = FS;
    ecg.gain_per_mv = 1000;
    for (int l = 0; l < leads; l++) {
        ecg.lead[l] = (ein_lead)l;
        for (int t = 0; t < SAMPLES; t++)
            ecg.mv[l * SAMPLES + t] = (float)(r_mv[l] * beat(fmod((double)t / FS, 1)));
    }
    return ecg;
}

static void scale(ein_ecg *ecg, int lead, double times) {
    for (int l = 0; l < ecg->n_leads; l++)
        for (int t = 0; t < SAMPLES && (lead < 0 || l == lead); t++)
            ecg->mv[l * SAMPLES + t] = (float)(ecg->mv[l * SAMPLES + t] * times);
}

static bool all_missing(const ein_ecg *ecg, int lead) {
    for (int t = 0; t < SAMPLES; t++)
        if (!isnan(ecg->mv[lead * SAMPLES + t])) return false;
    return true;
}

/* Peak of V4, the largest. */
static double peak(const ein_ecg *ecg, int lead) {
    double high = 0;
    for (int t = 0; t < SAMPLES; t++) high = fmax(high, fabs((double)ecg->mv[lead * SAMPLES + t]));
    return high;
}

static void check_whole(void) {
    static const struct {
        double times;
        int leads;
        bool possible, repairable;
    } cases[] = {
        {1, 12, true, false},   {0.3, 12, true, false},   {3, 12, true, false},    {1e-3, 12, false, true},
        {1e3, 12, false, true}, {1e-2, 12, false, false}, {1e2, 12, false, false}, {1e-6, 12, false, false},
        {1e-3, 1, false, true}, {1e3, 2, false, true},    {1, 1, true, false},     {1e-3, 8, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ein_ecg ecg = made(cases[i].leads);
        scale(&ecg, -1, cases[i].times);
        double before = peak(&ecg, 0);
        ein_status status = ein_units_review(&ecg, EIN_UNITS_REJECT);
        report(status == (cases[i].possible ? EIN_OK : EIN_RANGE) && ecg.notes == 0 &&
                   peak(&ecg, 0) == before,
               "%d leads times %g: %s", ecg.n_leads, cases[i].times,
               cases[i].possible ? "possible" : ein_error_message());
        status = ein_units_review(&ecg, EIN_UNITS_KEEP);
        report(status == EIN_OK && ecg.notes == (cases[i].possible ? 0 : EIN_NOTE_GAIN_SUSPECT),
               "keep: noted at most");
        status = ein_units_review(&ecg, EIN_UNITS_REPAIR);
        bool good = status == (cases[i].possible || cases[i].repairable ? EIN_OK : EIN_RANGE);
        if (cases[i].repairable)
            good = good && ecg.notes == EIN_NOTE_GAIN_FIXED && fabs(peak(&ecg, 0) - 0.8) < 0.01 &&
                   fabs(ecg.gain_per_mv * cases[i].times - 1000 * cases[i].times * cases[i].times) <
                       1e-3 * cases[i].times;
        report(good, "repair: %s",
               cases[i].repairable ? "by 1,000"
               : status == EIN_OK  ? "nothing to do"
                                   : "refused");
        ein_ecg_free(&ecg);
    }
}

static void check_lead(void) {
    static const struct {
        const char *what;
        int lead;
        double times;
        bool fits, repairable;
    } cases[] = {
        {"V2 times 10", EIN_LEAD_V2, 10, false, false}, {"V2 in uV", EIN_LEAD_V2, 1e3, false, true},
        {"V1 in V", EIN_LEAD_V1, 1e-3, false, true},    {"V6 by 100", EIN_LEAD_V6, 1e-2, false, false},
        {"lead I in V", EIN_LEAD_I, 1e-3, false, true}, {"aVL times 100", EIN_LEAD_AVL, 100, false, false},
        {"V4 times 2", EIN_LEAD_V4, 2, true, false},    {"V1 by 5", EIN_LEAD_V1, 0.2, true, false},
        {"a flat lead", EIN_LEAD_V3, 0, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int l = cases[i].lead;
        ein_ecg ecg = made(LEADS);
        double before = peak(&ecg, l);
        scale(&ecg, l, cases[i].times);
        ein_status status = ein_units_review(&ecg, EIN_UNITS_KEEP);
        uint32_t wanted = cases[i].fits ? 0 : EIN_NOTE_LEAD_SCALE;
        report(status == EIN_OK && ecg.notes == wanted && ecg.lead_notes[l] == wanted &&
                   !all_missing(&ecg, l),
               "%s: %s", cases[i].what, cases[i].fits ? "possible" : "noted");
        status = ein_units_review(&ecg, EIN_UNITS_REPAIR);
        if (cases[i].repairable)
            report(fabs(peak(&ecg, l) - before) < 0.01 && (ecg.lead_notes[l] & EIN_NOTE_GAIN_FIXED),
                   "and repaired");
        else
            report(status == EIN_OK && all_missing(&ecg, l) == !cases[i].fits, "or taken as missing");
        ein_ecg_free(&ecg);
    }
    ein_ecg ecg = made(LEADS);
    scale(&ecg, EIN_LEAD_I, 1e-3);
    report(ein_units_review(&ecg, EIN_UNITS_REJECT) == EIN_OK && all_missing(&ecg, EIN_LEAD_I) &&
               !all_missing(&ecg, EIN_LEAD_II),
           "rejecting takes the one lead away");
    ein_ecg_free(&ecg);
}

/* A limb lead off by a factor that amplitudes alone do not show. */
static void check_law(void) {
    static const double factors[] = {10, 0.1, 2, 0.5, -1};
    static const ein_lead leads[] = {EIN_LEAD_I, EIN_LEAD_III, EIN_LEAD_AVL};
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++)
        for (size_t k = 0; k < sizeof leads / sizeof leads[0]; k++) {
            ein_ecg ecg = made(LEADS);
            scale(&ecg, (int)leads[k], factors[i]);
            ein_status status = ein_units_review(&ecg, EIN_UNITS_REPAIR);
            int missing = 0;
            for (int l = 0; l < LEADS; l++) missing += all_missing(&ecg, l);
            report(status == EIN_OK && missing == 1 && all_missing(&ecg, (int)leads[k]) &&
                       ecg.notes == EIN_NOTE_LEAD_SCALE,
                   "%s times %g, and no other, is taken from the others", ein_lead_name(leads[k]),
                   factors[i]);
            ein_ecg_free(&ecg);
        }
    ein_ecg ecg = made(3);
    scale(&ecg, EIN_LEAD_I, 2);
    report(ein_units_review(&ecg, EIN_UNITS_REJECT) == EIN_OK && ecg.notes == 0,
           "of three leads nobody can tell which is wrong");
    ein_ecg_free(&ecg);
}

/* White noise; `smooth` averages so many neighbours. */
static void make_noise(float *mv, int n, int smooth) {
    for (int t = 0; t < n; t++) {
        double sum = 0;
        for (int k = 0; k < smooth; k++) {
            const ein_philox_block block = ein_philox(test_seed(7), 1, (uint64_t)(t + k), 0);
            for (int i = 0; i < 4; i++) sum += block.v[i] / 4294967296.0 - 0.5;
        }
        mv[t] = (float)(0.3 * sum / sqrt(smooth));
    }
}

static void check_noise(void) {
    static float mv[SAMPLES];
    static const int rates[] = {500, 250, 100};
    ein_quality_limits limits;
    ein_quality_defaults(&limits);
    for (int i = 0; i < 3; i++) {
        make_noise(mv, SAMPLES, 1);
        report(ein_quality_lead(mv, SAMPLES, rates[i], &limits) == EIN_QUALITY_NOISE, "white noise at %d Hz",
               rates[i]);
        for (int t = 0; t < SAMPLES; t++) mv[t] = (float)beat(fmod((double)t / rates[i], 1));
        report(ein_quality_lead(mv, SAMPLES, rates[i], &limits) == 0, "an ECG at %d Hz is none", rates[i]);
    }
    make_noise(mv, SAMPLES, 2);
    report(ein_quality_lead(mv, SAMPLES, FS, &limits) == EIN_QUALITY_NOISE, "noise behind a low pass");
    for (int t = 0; t < SAMPLES; t++) mv[t] = (float)(0.2 * sin(2 * M_PI * 50 * t / FS + 0.3));
    report((ein_quality_lead(mv, SAMPLES, FS, &limits) & EIN_QUALITY_NOISE) != 0, "mains alone");
    for (int t = 0; t < SAMPLES; t++) mv[t] += (float)beat(fmod((double)t / FS, 1));
    report(!(ein_quality_lead(mv, SAMPLES, FS, &limits) & EIN_QUALITY_NOISE), "an ECG with mains is none");
    memset(mv, 0, sizeof mv);
    report(ein_quality_lead(mv, SAMPLES, FS, &limits) == EIN_QUALITY_FLAT, "nor is a flat line");
}

int main(void) {
    check_whole();
    check_lead();
    check_law();
    check_noise();
    return report_end();
}
