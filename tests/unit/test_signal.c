/* Resampling, filters, gaps, limb leads: what must survive, what must go, and where things stay in time. */
#include <stdlib.h>
#include <string.h>

#include "core/signal/filter.h"
#include "core/signal/gaps.h"
#include "core/signal/limb.h"
#include "core/signal/resample.h"
#include "tests/report.h"

static void *must(void *p) {
    if (!p) abort();
    return p;
}

static double *doubles(int64_t n) {
    return must(calloc((size_t)(n > 0 ? n : 1), sizeof(double)));
}
static float *floats(int64_t n) {
    return must(calloc((size_t)(n > 0 ? n : 1), sizeof(float)));
}

/* Resample x (n) completely; *n_out samples in fresh memory, NULL on failure. */
static float *resample(double fs_in, double fs_out, const double *x, int64_t n, int64_t *n_out) {
    ein_resampler *r;
    if (ein_resampler_new(fs_in, fs_out, &r) != EIN_OK) return NULL;
    *n_out = ein_resampler_length(r, n);
    double *work = doubles(ein_resampler_work(r, n));
    float *out = floats(*n_out);
    ein_resampler_run(r, x, n, out, *n_out, work);
    free(work);
    ein_resampler_destroy(r);
    return out;
}

static const double rates[][2] = {{500, 100},  {100, 500},     {400, 500}, {1000, 500},
                                  {257, 500},  {360, 250},     {128, 100}, {500, 250},
                                  {250, 99.9}, {359.971, 500}, {500, 128}, {1000, 100}};
enum { RATES = sizeof rates / sizeof rates[0] };

static double lower_nyquist(int i) {
    return 0.5 * fmin(rates[i][0], rates[i][1]);
}

/* Largest error against the exact sine, 2 s away from both ends: gain, phase, images and aliases together. */
static double sine_error(int i, double f_hz, bool should_pass) {
    int64_t n = (int64_t)(12 * rates[i][0]), n_out;
    double *x = doubles(n), worst = 0;
    for (int64_t t = 0; t < n; ++t) x[t] = sin(2 * M_PI * f_hz * (double)t / rates[i][0] + 0.4);
    float *y = resample(rates[i][0], rates[i][1], x, n, &n_out);
    if (!y) return NAN;
    for (int64_t k = (int64_t)(2 * rates[i][1]); k < (int64_t)(10 * rates[i][1]); ++k) {
        double exact = should_pass ? sin(2 * M_PI * f_hz * (double)k / rates[i][1] + 0.4) : 0;
        worst = larger_error(worst, fabs(y[k] - exact));
    }
    free(x);
    free(y);
    return worst;
}

static void check_frequencies(void) {
    static const double pass[] = {0.01, 0.1, 0.3, 0.5, 0.7, 0.85, 0.9}, stop[] = {1.0, 1.05, 1.3, 1.7};
    for (int i = 0; i < RATES; ++i) {
        double worst_pass = 0, worst_stop = 0;
        bool has_stop = false;
        for (size_t j = 0; j < sizeof pass / sizeof pass[0]; ++j)
            worst_pass = larger_error(worst_pass, sine_error(i, pass[j] * lower_nyquist(i), true));
        /* Only what lies below the input's own Nyquist frequency can be put in. */
        for (size_t j = 0; j < sizeof stop / sizeof stop[0]; ++j)
            if (stop[j] * lower_nyquist(i) < 0.499 * rates[i][0]) {
                worst_stop = larger_error(worst_stop, sine_error(i, stop[j] * lower_nyquist(i), false));
                has_stop = true;
            }
        report(worst_pass <= 1e-3, "%g to %g Hz: pass band within 0.1 %% in gain and phase (%.1e)",
               rates[i][0], rates[i][1], worst_pass);
        if (has_stop)
            report(worst_stop <= 1e-3, "%g to %g Hz: 60 dB in the stop band (%.1e)", rates[i][0], rates[i][1],
                   worst_stop);
    }
}

static void check_constant(void) {
    for (int i = 0; i < RATES; ++i) {
        int64_t n = 1237, n_out, wrong = 0;
        double *x = doubles(n);
        for (int64_t t = 0; t < n; ++t) x[t] = (double)0.7f;
        float *y = resample(rates[i][0], rates[i][1], x, n, &n_out);
        for (int64_t k = 0; k < n_out; ++k) wrong += y[k] != 0.7f;
        report(wrong == 0 && n_out == (int64_t)ceil((double)n * rates[i][1] / rates[i][0] - 1e-6),
               "%g to %g Hz: a constant stays exactly itself to both ends, %lld samples", rates[i][0],
               rates[i][1], (long long)n_out);
        free(x);
        free(y);
    }
}

static void check_identity(void) {
    int64_t n = 999, n_out;
    double *x = doubles(n);
    for (int64_t t = 0; t < n; ++t) x[t] = (float)sin((double)t * t);
    float *y = resample(500, 500, x, n, &n_out);
    bool same = n_out == n;
    for (int64_t t = 0; t < n && same; ++t) same = y[t] == (float)x[t];
    report(same, "equal rates copy exactly");
    free(x);
    free(y);
}

static void check_impulse(void) {
    for (int i = 0; i < RATES; ++i) {
        ein_resampler *r;
        int64_t up, down, n_out;
        if (ein_resampler_new(rates[i][0], rates[i][1], &r) != EIN_OK) {
            report(false, "%g to %g Hz can be designed", rates[i][0], rates[i][1]);
            continue;
        }
        ein_resampler_ratio(r, &up, &down);
        ein_resampler_destroy(r);
        /* At a multiple of M input samples an output sample lies exactly on the impulse. */
        int64_t at = (3000 / down + 1) * down, n = 2 * at + 1, centre = at / down * up;
        double *x = doubles(n), worst = 0;
        x[at] = 1;
        float *y = resample(rates[i][0], rates[i][1], x, n, &n_out);
        bool peak = true;
        for (int64_t k = 1; k < centre && centre + k < n_out; ++k) {
            worst = larger_error(worst, fabs((double)y[centre + k] - y[centre - k]));
            peak &= fabsf(y[centre + k]) < y[centre];
        }
        report(peak && worst <= 1e-7, "%g to %g Hz: the response is symmetric about its time (%.1e)",
               rates[i][0], rates[i][1], worst);
        free(x);
        free(y);
    }
}

/* Time of the largest value, by a parabola through its three points. */
static double peak_s(const float *y, int64_t n, double fs) {
    int64_t k = 1;
    for (int64_t t = 1; t + 1 < n; ++t)
        if (y[t] > y[k]) k = t;
    double a = y[k - 1], b = y[k], c = y[k + 1];
    return ((double)k + 0.5 * (a - c) / (a - 2 * b + c)) / fs;
}

static void check_alignment(void) {
    for (int i = 0; i < RATES; ++i) {
        int64_t n = (int64_t)(10 * rates[i][0]), n_out;
        double *x = doubles(n), at = 4.321;
        for (int64_t t = 0; t < n; ++t) {
            double d = ((double)t / rates[i][0] - at) / 0.03;
            x[t] = exp(-d * d / 2);
        }
        float *y = resample(rates[i][0], rates[i][1], x, n, &n_out);
        double off = peak_s(y, n_out, rates[i][1]) - at;
        report(fabs(off) <= 2e-4, "%g to %g Hz: a peak at %g s stays there (off by %.3f ms)", rates[i][0],
               rates[i][1], at, off * 1e3);
        free(x);
        free(y);
    }
}

/* A recording that begins and ends far from zero, and on a slope, must not ring there. */
static void check_edges(void) {
    for (int i = 0; i < RATES; ++i) {
        int64_t n = (int64_t)(5 * rates[i][0]), n_out;
        double *x = doubles(n), worst = 0;
        for (int64_t t = 0; t < n; ++t) x[t] = 3 + sin(2 * M_PI * 0.23 * (double)t / rates[i][0]);
        float *y = resample(rates[i][0], rates[i][1], x, n, &n_out);
        for (int64_t k = 0; k < n_out; ++k)
            worst = larger_error(worst, fabs(y[k] - 3 - sin(2 * M_PI * 0.23 * (double)k / rates[i][1])));
        /* What an output behind the last input has to guess grows with the slope and the input's step. */
        report(worst <= 0.005 + 2 * 1.45 / rates[i][0], "%g to %g Hz: no transient at the ends (%.4f)",
               rates[i][0], rates[i][1], worst);
        free(x);
        free(y);
    }
    bool finite = true;
    for (int64_t n = 1; n <= 9; ++n) {
        double x[9];
        int64_t n_out;
        for (int64_t t = 0; t < n; ++t) x[t] = 1 + (double)(t % 2);
        float *y = resample(500, 100, x, n, &n_out);
        for (int64_t k = 0; k < n_out; ++k) finite &= y[k] >= 0.9f && y[k] <= 2.1f;
        free(y);
    }
    report(finite, "recordings of 1 to 9 samples resample within their range");
}

static void check_ratio_errors(void) {
    static const double bad[][2] = {{0, 100}, {100, 0},      {-1, 5},     {NAN, 5},
                                    {5, NAN}, {INFINITY, 5}, {1e6, 1e-3}, {1e5, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        ein_resampler *r = NULL;
        ein_status status = ein_resampler_new(bad[i][0], bad[i][1], &r);
        report(status == EIN_RANGE && !r, "%g to %g Hz is refused", bad[i][0], bad[i][1]);
        ein_resampler_destroy(r);
    }
    ein_resampler *r;
    int64_t up = 0, down = 0;
    if (ein_resampler_new(400, 500, &r) == EIN_OK) ein_resampler_ratio(r, &up, &down);
    report(up == 5 && down == 4, "400 to 500 Hz is 5/4 (%lld/%lld)", (long long)up, (long long)down);
    ein_resampler_destroy(r);
}

/* Only what the first outputs depend on may matter to them. */
static void check_needs(void) {
    ein_resampler *r;
    int64_t n = 20000, n_out = 1000;
    if (ein_resampler_new(500, 100, &r) != EIN_OK) return;
    int64_t need = ein_resampler_needs(r, n_out, n);
    double *x = doubles(n), *work = doubles(ein_resampler_work(r, n));
    float *whole = floats(n_out), *part = floats(n_out);
    for (int64_t t = 0; t < n; ++t) x[t] = sin((double)t) + (double)t * 1e-3;
    ein_resampler_run(r, x, n, whole, n_out, work);
    ein_resampler_run(r, x, need, part, n_out, work);
    report(need < n && memcmp(whole, part, (size_t)n_out * sizeof *part) == 0,
           "the first %lld outputs follow from %lld of %lld inputs", (long long)n_out, (long long)need,
           (long long)n);
    free(x), free(work), free(whole), free(part);
    ein_resampler_destroy(r);
}

static void check_gaps(void) {
    const float in[] = {NAN, NAN, 1, 2, NAN, NAN, 5, NAN};
    const double want[] = {1, 1, 1, 2, 3, 4, 5, 5};
    double out[8];
    bool good = ein_gaps_fill(in, 8, out) == 3;
    for (int t = 0; t < 8; ++t) good &= out[t] == want[t];
    report(good, "gaps are bridged by straight lines and held at the ends");
    const float none[] = {NAN, INFINITY, -INFINITY};
    report(ein_gaps_fill(none, 3, out) == 0 && out[0] == 0 && out[1] == 0 && out[2] == 0,
           "without a valid sample there is nothing, and infinity is not valid");
    ein_resampler *r;
    float long_in[100], y[200];
    for (int t = 0; t < 100; ++t) long_in[t] = t >= 40 && t < 43 ? NAN : 1;
    for (int t = 0; t < 200; ++t) y[t] = 1;
    if (ein_resampler_new(100, 200, &r) != EIN_OK) return;
    ein_resampler_restore(r, long_in, 100, y, 200);
    int first = -1, last = -1, n = 0;
    for (int k = 0; k < 200; ++k)
        if (isnan(y[k])) {
            first = first < 0 ? k : first;
            last = k;
            n++;
        }
    report(first == 79 && last == 85 && n == 7, "a gap is a gap again at the other rate: outputs %d to %d",
           first, last);
    ein_resampler_destroy(r);
}

/* --- filters ------------------------------------------------------------------------------------------- */

enum { N = 2000 };

static void reference_input(double *x) {
    for (int t = 0; t < N; ++t)
        x[t] = sin(0.7 * t) + 0.5 * cos(0.013 * t) + 0.001 * t + (t >= 100 && t <= 104 ? 3 : 0);
}

static bool run_filter(const char *name, double fs, double *x, int64_t n) {
    ein_notch notch;
    ein_fir fir;
    if (strncmp(name, "notch", 5) == 0) {
        if (ein_notch_design(fs, atof(name + 5), &notch) != EIN_OK) return false;
        double *work = doubles(ein_notch_work(&notch, n));
        ein_notch_run(&notch, x, n, work);
        free(work);
        return true;
    }
    if (ein_fir_band(fs, 0.01, 150, &fir) != EIN_OK) return false;
    double *work = doubles(ein_fir_work(&fir, n));
    ein_fir_run(&fir, x, n, work);
    free(work);
    ein_fir_free(&fir);
    return true;
}

static void check_against_scipy(void) {
    FILE *f = fopen("tests/data/filter_expected.csv", "r");
    char line[256], name[16], done[48] = "";
    double fs, value, x[N], worst = 0;
    int t, rows = 0;
    if (!report(f && fgets(line, sizeof line, f), "reference values can be read")) return;
    while (fgets(line, sizeof line, f) && sscanf(line, "%15[^,],%lf,%d,%lf", name, &fs, &t, &value) == 4) {
        char key[48];
        snprintf(key, sizeof key, "%s@%.10g", name, fs);
        if (strcmp(key, done) != 0) {
            strcpy(done, key);
            reference_input(x);
            if (!run_filter(name, fs, x, N)) worst = NAN;
        }
        worst = larger_error(worst, fabs(x[t] - value));
        rows++;
    }
    fclose(f);
    report(rows == 120 && worst <= 1e-9, "notch and band-pass equal SciPy's, ends included (%.1e, %d values)",
           worst, rows);
}

/* Amplitude of a sine after the filter, from its middle. */
static double gain_of(const char *name, double fs, double f_hz) {
    double x[N], in = 0, out = 0;
    for (int t = 0; t < N; ++t) x[t] = sin(2 * M_PI * f_hz * t / fs);
    for (int t = N / 4; t < 3 * N / 4; ++t) in += x[t] * x[t];
    if (!run_filter(name, fs, x, N)) return NAN;
    for (int t = N / 4; t < 3 * N / 4; ++t) out += x[t] * x[t];
    return sqrt(out / in);
}

static void check_filters(void) {
    report(gain_of("notch50", 500, 50) <= 1e-3, "notch removes 50 Hz (%.1e)", gain_of("notch50", 500, 50));
    report(fabs(gain_of("notch50", 500, 40) - 1) <= 0.02 && fabs(gain_of("notch50", 500, 60) - 1) <= 0.02,
           "and leaves 40 and 60 Hz (%.4f)", gain_of("notch50", 500, 40));
    report(fabs(gain_of("band", 500, 20) - 1) <= 0.01 && gain_of("band", 500, 200) <= 1e-3,
           "band-pass keeps 20 Hz (%.4f) and removes 200 Hz (%.1e)", gain_of("band", 500, 20),
           gain_of("band", 500, 200));
    static const char *const names[] = {"notch50", "band"};
    for (int i = 0; i < 2; ++i) {
        double x[N];
        float y[N];
        for (int t = 0; t < N; ++t) x[t] = exp(-0.5 * pow((t / 500.0 - 2.1234) / 0.02, 2));
        run_filter(names[i], 500, x, N);
        for (int t = 0; t < N; ++t) y[t] = (float)x[t];
        double off = peak_s(y, N, 500) - 2.1234;
        report(fabs(off) <= 2e-4, "%s: a peak stays at its time (off by %.3f ms)", names[i], off * 1e3);
    }
    double x[N], worst = 0;
    for (int t = 0; t < N; ++t) x[t] = 5 + 0.002 * t;
    run_filter("notch50", 500, x, N);
    for (int t = 0; t < N; ++t) worst = larger_error(worst, fabs(x[t] - 5 - 0.002 * t));
    report(worst <= 1e-6, "an offset and a slope pass the notch without a transient (%.1e)", worst);
    double one[] = {2.5}, two[] = {1, 2};
    bool finite = run_filter("notch50", 500, one, 1) && run_filter("band", 500, one, 1) &&
                  run_filter("notch50", 500, two, 2) && run_filter("band", 500, two, 2) && isfinite(one[0]) &&
                  isfinite(two[0]) && isfinite(two[1]);
    report(finite, "recordings of one and two samples survive the filters");
}

static void check_filter_errors(void) {
    ein_notch notch;
    ein_fir fir;
    report(ein_notch_design(100, 50, &notch) == EIN_RANGE && ein_notch_design(500, 0, &notch) == EIN_RANGE &&
               ein_notch_design(NAN, 50, &notch) == EIN_RANGE &&
               ein_notch_design(500, NAN, &notch) == EIN_RANGE,
           "a notch at or beyond the Nyquist frequency is refused");
    report(ein_fir_band(500, 0, 100, &fir) == EIN_RANGE && ein_fir_band(500, 40, 40, &fir) == EIN_RANGE &&
               ein_fir_band(500, 250, 300, &fir) == EIN_RANGE &&
               ein_fir_band(500, NAN, 100, &fir) == EIN_RANGE &&
               ein_fir_band(INFINITY, 1, 100, &fir) == EIN_RANGE,
           "an impossible band is refused");
}

/* --- limb leads ---------------------------------------------------------------------------------------- */

static void check_limb(void) {
    /* One moment of a heart: I = 0.3, II = 1.1, the rest by definition. */
    const double truth[] = {0.3, 1.1, 0.8, -0.7, -0.25, 0.95};
    double worst = 0;
    int pairs = 0;
    for (int target = EIN_LEAD_I; target <= EIN_LEAD_AVF; ++target)
        for (int a = EIN_LEAD_I; a <= EIN_LEAD_AVF; ++a)
            for (int b = EIN_LEAD_I; b <= EIN_LEAD_AVF; ++b) {
                double alpha, beta;
                if (!ein_limb_weights((ein_lead)target, (ein_lead)a, (ein_lead)b, &alpha, &beta)) continue;
                worst = larger_error(worst, fabs(alpha * truth[a] + beta * truth[b] - truth[target]));
                pairs++;
            }
    report(pairs == 180 && worst <= 1e-12, "every limb lead follows from any two (%d ways, %.1e)", pairs,
           worst);
    double alpha, beta;
    report(!ein_limb_weights(EIN_LEAD_V1, EIN_LEAD_I, EIN_LEAD_II, &alpha, &beta) &&
               !ein_limb_weights(EIN_LEAD_I, EIN_LEAD_V1, EIN_LEAD_II, &alpha, &beta) &&
               !ein_limb_weights(EIN_LEAD_III, EIN_LEAD_I, EIN_LEAD_UNKNOWN, &alpha, &beta) &&
               !ein_limb_weights(EIN_LEAD_III, EIN_LEAD_I, EIN_LEAD_I, &alpha, &beta),
           "chest leads, unknown leads and one lead twice give none");
}

int main(void) {
    check_frequencies();
    check_constant();
    check_identity();
    check_impulse();
    check_alignment();
    check_edges();
    check_ratio_errors();
    check_needs();
    check_gaps();
    check_against_scipy();
    check_filters();
    check_filter_errors();
    check_limb();
    return report_end();
}
