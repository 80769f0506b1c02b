/* From a recording to model input: leads, crop and pad, filters before the crop, quality flags, suspect gains. */
#include <stdlib.h>
#include <string.h>

#include "core/signal/gain.h"
#include "core/signal/prepare.h"
#include "tests/report.h"

/* A crude heart: P, QRS, T as bumps along a fixed direction per lead, in mV; not periodic in samples. */
static double beat(double t_s) {
    static const struct {
        double at, width, mv;
    } wave[] = {{0.16, 0.025, 0.12},
                {0.285, 0.009, -0.1},
                {0.3, 0.011, 1.2},
                {0.318, 0.009, -0.25},
                {0.56, 0.05, 0.3}};
    double t = fmod(t_s, 0.8137), x = 0;
    for (size_t i = 0; i < sizeof wave / sizeof wave[0]; ++i)
        x += wave[i].mv * exp(-0.5 * pow((t - wave[i].at) / wave[i].width, 2));
    return x;
}

/* I = 0.7, II = 1 of the beat, chest leads from mostly negative to upright. */
static double lead_weight(ein_lead lead) {
    static const double w[] = {0.7, 1.0, 0.3, -0.85, 0.2, 0.65, -0.6, -0.3, 0.5, 1.1, 1.3, 1.0};
    return (int)lead < EIN_LEAD_COUNT_12 ? w[lead] : 0.1;
}

static void make(ein_ecg *ecg, const ein_lead *leads, int n_leads, double fs, double seconds) {
    if (ein_ecg_alloc(ecg, n_leads, (int64_t)(fs * seconds)) != EIN_OK) abort();
    ecg->fs_hz = fs;
    for (int i = 0; i < n_leads; ++i) {
        ecg->lead[i] = leads[i];
        snprintf(ecg->lead_name[i], sizeof ecg->lead_name[i], "%s", ein_lead_name(leads[i]));
        for (int64_t t = 0; t < ecg->n_samples; ++t)
            ecg->mv[i * ecg->n_samples + t] = (float)(lead_weight(leads[i]) * beat((double)t / fs));
    }
}

static const ein_lead twelve[] = {EIN_LEAD_I,   EIN_LEAD_II,  EIN_LEAD_III, EIN_LEAD_AVR,
                                  EIN_LEAD_AVL, EIN_LEAD_AVF, EIN_LEAD_V1,  EIN_LEAD_V2,
                                  EIN_LEAD_V3,  EIN_LEAD_V4,  EIN_LEAD_V5,  EIN_LEAD_V6};
/* The order of MIMIC-IV-ECG. */
static const ein_lead mimic[] = {EIN_LEAD_I,   EIN_LEAD_II,  EIN_LEAD_III, EIN_LEAD_AVR,
                                 EIN_LEAD_AVF, EIN_LEAD_AVL, EIN_LEAD_V1,  EIN_LEAD_V2,
                                 EIN_LEAD_V3,  EIN_LEAD_V4,  EIN_LEAD_V5,  EIN_LEAD_V6};

static ein_contract want(const ein_lead *leads, int n, double fs, int64_t samples) {
    ein_contract c;
    memset(&c, 0, sizeof c);
    c.n_leads = n;
    memcpy(c.lead, leads, (size_t)n * sizeof *leads);
    c.fs_hz = fs;
    c.n_samples = samples;
    c.sd_mv = 1;
    return c;
}

enum { MAX_OUT = 12 * 20000 };
static float out[MAX_OUT], out2[MAX_OUT], out3[MAX_OUT];
static uint32_t lead_flags[12], flags;

/* With a fresh plan. */
static ein_status prepare(const ein_contract *c, const ein_ecg *ecg, float *mv) {
    ein_prepare_plan *plan;
    ein_status status = ein_prepare_plan_new(c, NULL, &plan);
    if (status == EIN_OK) status = ein_prepare(plan, ecg, mv, lead_flags, &flags);
    ein_prepare_plan_destroy(plan);
    return status;
}

static bool same(const float *a, const float *b, int64_t n) {
    return memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

static double worst_error(const float *mv, ein_lead lead, double fs, int64_t from, int64_t to) {
    double worst = 0;
    for (int64_t t = from; t < to; ++t)
        worst = larger_error(worst, fabs(mv[t] - lead_weight(lead) * beat((double)t / fs)));
    return worst;
}

static void check_leads(void) {
    ein_ecg a, b;
    ein_contract c = want(twelve, 12, 500, 5000);
    make(&a, twelve, 12, 500, 10);
    make(&b, mimic, 12, 500, 10);
    bool good = prepare(&c, &a, out) == EIN_OK && same(out, a.mv, 12 * 5000) && flags == 0;
    report(good, "the same rate, length and leads give the same samples, without flags");
    report(prepare(&c, &b, out2) == EIN_OK && same(out, out2, 12 * 5000),
           "leads are taken by name: MIMIC's order aVR, aVF, aVL gives the same");
    ein_ecg_free(&b);
    int good_pairs = 0;
    for (int i = 0; i < 6; ++i)
        for (int j = i + 1; j < 6; ++j) {
            const ein_lead two[] = {(ein_lead)j, EIN_LEAD_V2, (ein_lead)i};
            ein_contract limb = want(twelve, 6, 500, 5000);
            make(&b, two, 3, 500, 10);
            bool ok = prepare(&limb, &b, out2) == EIN_OK;
            for (int k = 0; k < 6; ++k) {
                ok = ok && worst_error(out2 + k * 5000, twelve[k], 500, 0, 5000) <= 1e-6;
                ok = ok && (lead_flags[k] == (k == i || k == j ? 0 : EIN_QUALITY_DERIVED));
            }
            good_pairs += ok;
            ein_ecg_free(&b);
        }
    report(good_pairs == 15, "all six limb leads come out of any two of them (%d of 15 pairs)", good_pairs);
    ein_ecg_free(&a);
}

static void check_missing(void) {
    ein_ecg ecg;
    ein_contract c = want(twelve, 12, 500, 5000);
    make(&ecg, twelve, 12, 500, 10);
    for (int64_t t = 0; t < 5000; ++t) ecg.mv[t] = NAN;            /* I */
    for (int64_t t = 0; t < 5000; ++t) ecg.mv[7 * 5000 + t] = NAN; /* V2 */
    ecg.mv[10 * 5000 + 77] = NAN;                                  /* one sample of V5 */
    bool ok = prepare(&c, &ecg, out) == EIN_OK;
    report(ok && lead_flags[0] == EIN_QUALITY_DERIVED && worst_error(out, EIN_LEAD_I, 500, 0, 5000) <= 1e-6,
           "a limb lead of NaN only is derived from two others");
    bool all_nan = true;
    for (int64_t t = 0; t < 5000; ++t) all_nan &= isnan(out[7 * 5000 + t]);
    report(ok && all_nan && lead_flags[7] == EIN_QUALITY_MISSING,
           "a chest lead of NaN only stays NaN and is missing");
    int nans = 0;
    for (int64_t t = 0; t < 5000; ++t) nans += isnan(out[10 * 5000 + t]);
    report(ok && nans == 1 && isnan(out[10 * 5000 + 77]) && lead_flags[10] == EIN_QUALITY_NAN,
           "one missing sample stays one missing sample");
    report((flags & (EIN_QUALITY_MISSING | EIN_QUALITY_NAN | EIN_QUALITY_DERIVED)) ==
               (EIN_QUALITY_MISSING | EIN_QUALITY_NAN | EIN_QUALITY_DERIVED),
           "the record's flags are the union");
    ein_ecg_free(&ecg);
    const ein_lead other[] = {EIN_LEAD_X, EIN_LEAD_V1};
    make(&ecg, other, 2, 500, 10);
    ein_contract limb = want(twelve, 6, 500, 5000);
    report(prepare(&limb, &ecg, out) == EIN_MISMATCH && strstr(ein_error_message(), "X, V1"),
           "a recording without any wanted lead is refused: %s", ein_error_message());
    limb = want(twelve, 12, 500, 5000);
    report(prepare(&limb, &ecg, out) == EIN_OK && lead_flags[0] == EIN_QUALITY_MISSING && lead_flags[6] == 0,
           "one wanted lead is enough");
    ein_ecg_free(&ecg);
}

static void check_length(void) {
    ein_ecg ecg;
    make(&ecg, twelve, 12, 500, 7);
    ein_contract c = want(twelve, 12, 500, 5000);
    bool ok = prepare(&c, &ecg, out) == EIN_OK, padded = true;
    for (int i = 0; i < 12; ++i)
        for (int64_t t = 3500; t < 5000; ++t) padded &= isnan(out[i * 5000 + t]);
    report(ok && padded && (flags & EIN_QUALITY_SHORT) && (lead_flags[3] & EIN_QUALITY_SHORT) &&
               !isnan(out[3499]),
           "7 s are padded with NaN to 10 s and flagged short");
    report(!(flags & EIN_QUALITY_NAN), "padding is not a missing sample of the recording");
    c = want(twelve, 12, 500, 1000);
    ok = prepare(&c, &ecg, out2) == EIN_OK;
    bool first = true;
    for (int i = 0; i < 12; ++i) first &= same(out + i * 5000, out2 + i * 1000, 1000);
    report(ok && first && flags == 0, "longer recordings are cropped to their first samples");
    for (int64_t t = 2000; t < 3500; ++t) ecg.mv[t] = 40;
    report(prepare(&c, &ecg, out) == EIN_OK && flags == 0 && same(out, out2, 12000),
           "what the crop drops raises no flags and changes nothing");
    ein_ecg_free(&ecg);
}

static void check_rates(void) {
    static const double from[] = {100, 128, 250, 257, 360, 400, 500, 1000};
    ein_ecg ecg;
    ein_contract c = want(twelve, 12, 250, 2500);
    for (size_t i = 0; i < sizeof from / sizeof from[0]; ++i) {
        make(&ecg, twelve, 12, from[i], 10);
        bool ok = prepare(&c, &ecg, out) == EIN_OK;
        double worst = 0;
        for (int k = 0; k < 12; ++k)
            worst = larger_error(worst, worst_error(out + k * 2500, twelve[k], 250, 0, 2480));
        /* The beat holds little above 40 Hz: what 100 Hz can carry. */
        report(ok && worst <= (from[i] < 250 ? 0.005 : 0.0005),
               "%g to 250 Hz keeps beats in place and size (%.4f mV)", from[i], worst);
        ein_ecg_free(&ecg);
    }
    make(&ecg, twelve, 12, 500, 10);
    ecg.fs_hz = 0;
    report(prepare(&c, &ecg, out) == EIN_RANGE, "a rate of 0 is refused: %s", ein_error_message());
    ecg.fs_hz = NAN;
    report(prepare(&c, &ecg, out) == EIN_RANGE, "a rate of NaN is refused");
    ein_ecg_free(&ecg);
    /* 60 Hz would alias to 40 Hz at 100 Hz. */
    make(&ecg, twelve, 12, 500, 10);
    for (int64_t t = 0; t < 5000; ++t) ecg.mv[t] = (float)sin(2 * M_PI * 60 * (double)t / 500);
    c = want(twelve, 12, 100, 1000);
    double worst = 0;
    bool ok = prepare(&c, &ecg, out) == EIN_OK;
    for (int t = 200; t < 800; ++t) worst = larger_error(worst, fabs(out[t]));
    report(ok && worst <= 1e-3, "mains at 60 Hz do not alias into 100 Hz (%.1e)", worst);
    ein_ecg_free(&ecg);
}

static ein_contract filtered(double fs, int64_t samples) {
    ein_contract c = want(twelve, 12, fs, samples);
    c.notch_hz = 50;
    c.band_low_hz = 0.01;
    c.band_high_hz = 150;
    return c;
}

static void check_filters(void) {
    ein_ecg ecg;
    ein_contract whole = filtered(500, 5000), part = filtered(500, 1000);
    make(&ecg, twelve, 12, 500, 10);
    for (int64_t t = 0; t < 5000; ++t) ecg.mv[t] += (float)(0.5 * sin(2 * M_PI * 50 * (double)t / 500));
    bool ok = prepare(&whole, &ecg, out) == EIN_OK && prepare(&part, &ecg, out2) == EIN_OK, first = true;
    for (int i = 0; i < 12; ++i) first &= same(out + i * 5000, out2 + i * 1000, 1000);
    report(ok && first,
           "filters run before the crop: a shorter contract gives the same first samples, bit for bit");
    double worst = worst_error(out, EIN_LEAD_I, 500, 500, 4500),
           before = worst_error(ecg.mv, EIN_LEAD_I, 500, 500, 4500);
    report(worst <= 0.05 && before >= 0.4, "the notch takes the mains and leaves the beats (%.3f of %.3f mV)",
           worst, before);
    /* What one lead holds must not reach another. */
    for (int64_t t = 0; t < 5000; ++t) ecg.mv[5000 + t] = 100 * (float)((t / 7) % 2);
    ok = prepare(&whole, &ecg, out2) == EIN_OK;
    report(ok && same(out, out2, 5000) && same(out + 10000, out2 + 10000, 10 * 5000) &&
               !same(out + 5000, out2 + 5000, 5000),
           "a wild lead changes no other lead");
    /* A gap stays where it is, and is not smeared by the filters. */
    for (int64_t t = 1000; t < 1100; ++t) ecg.mv[t] = NAN;
    int nans = 0;
    ok = prepare(&whole, &ecg, out) == EIN_OK;
    for (int t = 0; t < 5000; ++t) nans += isnan(out[t]);
    report(ok && nans == 100 && isnan(out[1000]) && isnan(out[1099]),
           "a gap stays its 100 samples through the filters (%d)", nans);
    ein_ecg_free(&ecg);
    make(&ecg, twelve, 12, 90, 10);
    report(prepare(&whole, &ecg, out) == EIN_OK,
           "filters beyond the Nyquist frequency of a recording are left out");
    ein_ecg_free(&ecg);
}

/* The result may not depend on what the plan did before. */
static void check_history(void) {
    ein_prepare_plan *plan;
    ein_contract c = filtered(250, 2500);
    ein_ecg ecg, other;
    make(&ecg, twelve, 12, 500, 10);
    if (ein_prepare_plan_new(&c, NULL, &plan) != EIN_OK) return;
    bool ok = ein_prepare(plan, &ecg, out, NULL, NULL) == EIN_OK;
    for (int i = 0; i < 20; ++i) { /* more rates than a plan keeps */
        make(&other, mimic, 12, 200 + 13 * i, 3 + i);
        for (int64_t t = 0; t < other.n_samples; t += 3) other.mv[t] = NAN;
        ok = ok && ein_prepare(plan, &other, out2, NULL, NULL) == EIN_OK &&
             prepare(&c, &other, out3) == EIN_OK;
        ok = ok && same(out2, out3, 12 * 2500);
        ein_ecg_free(&other);
    }
    report(ok, "a used plan gives the same bits as a fresh one, at 20 rates");
    ok = ok && ein_prepare(plan, &ecg, out2, NULL, NULL) == EIN_OK;
    report(ok && same(out, out2, 12 * 2500), "the same bits after 20 other recordings of other rates");
    ein_prepare_plan_destroy(plan);
    ein_prepare_plan_destroy(NULL);
    ein_ecg_free(&ecg);
    c.sd_mv = 0;
    report(ein_prepare_plan_new(&c, NULL, &plan) == EIN_USAGE && !plan, "an impossible contract is refused");
}

/* --- quality ------------------------------------------------------------------------------------------- */

static uint32_t quality_of(void (*change)(float *mv, int64_t n)) {
    ein_ecg ecg;
    ein_quality_limits limits;
    const ein_lead one[] = {EIN_LEAD_II};
    ein_quality_defaults(&limits);
    make(&ecg, one, 1, 500, 10);
    change(ecg.mv, ecg.n_samples);
    uint32_t got = ein_quality_lead(ecg.mv, ecg.n_samples, 500, &limits);
    ein_ecg_free(&ecg);
    return got;
}

static void nothing(float *mv, int64_t n) {
    (void)mv, (void)n;
}
static void all_nan(float *mv, int64_t n) {
    for (int64_t t = 0; t < n; ++t) mv[t] = NAN;
}
static void one_infinite(float *mv, int64_t n) {
    mv[n / 2] = INFINITY;
}
static void all_zero(float *mv, int64_t n) {
    for (int64_t t = 0; t < n; ++t) mv[t] = 0;
}
static void flat_end(float *mv, int64_t n) {
    for (int64_t t = n - 501; t < n; ++t) mv[t] = 0.3f;
}
static void nearly_flat_end(float *mv, int64_t n) {
    for (int64_t t = n - 400; t < n; ++t) mv[t] = 0.3f;
}
static void slow_drift(float *mv, int64_t n) {
    for (int64_t t = 0; t < n; ++t) mv[t] = (float)t * 1e-4f;
}
static void clip_high(float *mv, int64_t n) {
    for (int64_t t = 0; t < n; ++t) mv[t] = fminf(4 * mv[t], 2);
}
static void clip_low(float *mv, int64_t n) {
    for (int64_t t = 0; t < n; ++t) mv[t] = fmaxf(-4 * mv[t], -2);
}
static void clip_smoothed(float *mv, int64_t n) {
    float before = 0;
    clip_high(mv, n);
    for (int64_t t = 0; t + 1 < n; ++t) {
        float x = mv[t];
        mv[t] = 0.25f * before + 0.5f * x + 0.25f * mv[t + 1];
        before = x;
    }
}
static void tall(float *mv, int64_t n) {
    for (int64_t t = 0; t < n; ++t) mv[t] *= 5;
}
static void hum(float *mv, int64_t n) {
    for (int64_t t = 0; t < n; ++t) mv[t] += 0.05f * (float)sin(0.12 * 3.14159265358979 * 2 * (double)t);
}
static void faint_hum(float *mv, int64_t n) {
    for (int64_t t = 0; t < n; ++t) mv[t] += 0.02f * (float)sin(0.1 * 3.14159265358979 * 2 * (double)t);
}
static void wander(float *mv, int64_t n) {
    for (int64_t t = 0; t < n; ++t) mv[t] += 0.0008f * (float)t - 2;
}
static void spike(float *mv, int64_t n) {
    mv[n / 3] = -5.01f;
}
static void no_spike(float *mv, int64_t n) {
    mv[n / 3] = 4.99f;
}

static void check_lead_flags(void) {
    static const struct {
        const char *what;
        void (*change)(float *mv, int64_t n);
        uint32_t flags;
    } cases[] = {
        {"a clean lead", nothing, 0},
        {"NaN only", all_nan, EIN_QUALITY_MISSING},
        {"one infinite sample", one_infinite, EIN_QUALITY_NAN},
        {"zeros", all_zero, EIN_QUALITY_FLAT},
        {"one second flat at the end", flat_end, EIN_QUALITY_FLAT},
        {"0.8 s flat at the end", nearly_flat_end, 0},
        {"a slow drift", slow_drift, 0},
        {"clipped at the top", clip_high, EIN_QUALITY_CLIPPED},
        {"clipped at the bottom", clip_low, EIN_QUALITY_CLIPPED},
        {"clipped before a filter", clip_smoothed, EIN_QUALITY_CLIPPED},
        {"a spike of 5.01 mV", spike, EIN_QUALITY_SPIKES},
        {"QRS complexes of 6 mV", tall, 0},
        {"a hum of 60 Hz", hum, EIN_QUALITY_MAINS},
        {"a faint one of 50 Hz", faint_hum, 0},
        {"a wandering baseline", wander, EIN_QUALITY_BASELINE},
        {"a peak of 4.99 mV", no_spike, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        char text[256], expected[256];
        uint32_t got = quality_of(cases[i].change);
        ein_quality_text(got, text, sizeof text);
        ein_quality_text(cases[i].flags, expected, sizeof expected);
        report(got == cases[i].flags, "%s: \"%s\", expected \"%s\"", cases[i].what, text, expected);
    }
}

static void check_names(void) {
    char text[512], tiny[6];
    int named = 0;
    for (int bit = 0; bit < EIN_QUALITY_BITS; ++bit) named += ein_quality_name(bit) != NULL;
    report(named == EIN_QUALITY_BITS && !ein_quality_name(-1) && !ein_quality_name(EIN_QUALITY_BITS),
           "every bit has a name, others have none");
    ein_quality_text(EIN_QUALITY_NAN | EIN_QUALITY_SPIKES, text, sizeof text);
    ein_quality_text(EIN_QUALITY_MISSING, tiny, sizeof tiny);
    report(strcmp(text, "nan,spikes") == 0 && strcmp(tiny, "missi") == 0, "flags as text: %s", text);
    report(ein_quality_from_notes(EIN_NOTE_CHECKSUM | EIN_NOTE_TRUNCATED) ==
                   (EIN_QUALITY_CHECKSUM | EIN_QUALITY_TRUNCATED) &&
               ein_quality_from_notes(EIN_NOTE_GAIN_SUSPECT | EIN_NOTE_GAIN_FIXED | EIN_NOTE_NO_CHECKSUM) ==
                   (EIN_QUALITY_GAIN_SUSPECT | EIN_QUALITY_GAIN_FIXED),
           "a reader's notes become flags");
}

/* --- gains --------------------------------------------------------------------------------------------- */

/* Integers of 1 uV read with the stated gains. */
static void state_gain(ein_ecg *ecg, ein_gain *g, const double *per_mv, double baseline_step) {
    for (int i = 0; i < ecg->n_leads; ++i) {
        g->per_mv[i] = per_mv[i % 3];
        g->baseline[i] = baseline_step * i;
        for (int64_t t = 0; t < ecg->n_samples; ++t) {
            float *x = &ecg->mv[i * ecg->n_samples + t];
            *x = (float)((rint(*x * 1000.0) - g->baseline[i]) / g->per_mv[i]);
        }
    }
}

static void round_to_law(ein_ecg *ecg) {
    for (int64_t t = 0; t < ecg->n_samples; ++t) {
        float *mv = ecg->mv + t;
        double one = rint(mv[0] * 1000.0), two = rint(mv[ecg->n_samples] * 1000.0);
        mv[0] = (float)(one / 1000), mv[ecg->n_samples] = (float)(two / 1000);
        mv[2 * ecg->n_samples] = (float)((two - one) / 1000);
    }
}

static void check_gains(void) {
    static const double equal[] = {1000, 1000, 1000}, unequal[] = {1716, 1206, 1229},
                        wrong[] = {4880, 4880, 4880}, fine[] = {204.8, 204.8, 204.8};
    ein_ecg ecg;
    ein_gain g;
    make(&ecg, twelve, 12, 500, 10);
    round_to_law(&ecg);
    state_gain(&ecg, &g, unequal, 7);
    double before = worst_error(ecg.mv + 5000, EIN_LEAD_II, 500, 0, 5000);
    ein_gain_review(&ecg, &g);
    double after = worst_error(ecg.mv + 5000, EIN_LEAD_II, 500, 0, 5000);
    report(ecg.notes == EIN_NOTE_GAIN_FIXED && ecg.lead_notes[11] == EIN_NOTE_GAIN_FIXED && before > 0.1 &&
               after <= 6e-4,
           "gains that contradict II = I + III on exact integers are replaced (%.3f to %.4f mV)", before,
           after);
    ein_ecg_free(&ecg);

    make(&ecg, twelve, 12, 500, 10);
    round_to_law(&ecg);
    state_gain(&ecg, &g, equal, 0);
    ein_gain_review(&ecg, &g);
    report(ecg.notes == 0, "equal gains are left alone");
    ein_ecg_free(&ecg);

    make(&ecg, twelve, 12, 500, 10);
    round_to_law(&ecg);
    for (int64_t t = 0; t < 5000; t += 10) ecg.mv[5000 + t] += 0.05f; /* the integers do not obey either */
    state_gain(&ecg, &g, unequal, 1);
    float first = ecg.mv[123];
    ein_gain_review(&ecg, &g);
    report(ecg.notes == EIN_NOTE_GAIN_SUSPECT && ecg.mv[123] == first,
           "without proof a contradiction is noted, and nothing is changed");
    ein_ecg_free(&ecg);

    /* Unequal true gains: the mV obey, the integers do not. */
    make(&ecg, twelve, 12, 500, 10);
    for (int i = 0; i < 12; ++i) g.per_mv[i] = unequal[i % 3], g.baseline[i] = i;
    ein_gain_review(&ecg, &g);
    report(ecg.notes == 0, "different but true gains are left alone");
    ein_ecg_free(&ecg);

    make(&ecg, twelve, 12, 500, 10);
    state_gain(&ecg, &g, wrong, 0);
    first = ecg.mv[123];
    ein_gain_review(&ecg, &g);
    report(ecg.notes == EIN_NOTE_GAIN_SUSPECT && ecg.mv[123] == first,
           "4880 per mV is suspect, and not changed");
    ein_ecg_free(&ecg);

    static const struct {
        const char *what;
        float factor;
        uint32_t notes;
    } cases[] = {{"a tenth of the amplitude", 0.1f, EIN_NOTE_GAIN_SUSPECT},
                 {"half the amplitude", 0.5f, 0},
                 {"five times the amplitude", 5, 0},
                 {"uV called mV", 1000, EIN_NOTE_GAIN_SUSPECT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        make(&ecg, twelve, 12, 500, 10);
        for (int64_t t = 0; t < 12 * 5000; ++t) ecg.mv[t] *= cases[i].factor;
        for (int k = 0; k < 12; ++k) g.per_mv[k] = fine[0], g.baseline[k] = 0;
        ein_gain_review(&ecg, &g);
        report(ecg.notes == cases[i].notes, "%s: notes %x", cases[i].what, ecg.notes);
        ein_ecg_free(&ecg);
    }
}

int main(void) {
    check_leads();
    check_missing();
    check_length();
    check_rates();
    check_filters();
    check_history();
    check_lead_flags();
    check_names();
    check_gains();
    return report_end();
}
