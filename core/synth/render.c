#include "core/synth/render.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/real.h"
#include "core/synth/beats.h"
#include "core/synth/draw.h"
#include "core/synth/synth.h"

static const double two_pi = 6.283185307179586;
enum { BLOCK = 256, LANES = 8 };
static const double reach = 4.2; /* SDs at which a Gaussian is cut: 1.5e-4 of its peak */

/* n <= BLOCK samples of a Gaussian from x, in SDs, in steps of h, by the recursion g(x + 8h) = g(x) r(x),
 * r(x + 8h) = r(x) q on eight lanes: two products a sample instead of an exponential. */
EIN_CLONES
static void gaussian(float *restrict shape, int n, double x, double h) {
    double g[LANES], r[LANES];
    const double step = ein_exp(-h * (x + 0.5 * h)), fall = ein_exp(-h * h);
    const double fall8 = ein_exp(-LANES * h * h), q = ein_exp(-LANES * LANES * h * h);
    double gain = step;
    g[0] = ein_exp(-0.5 * x * x);
    r[0] = ein_exp(-LANES * h * (x + 0.5 * LANES * h));
    for (int i = 1; i < LANES; i++) {
        g[i] = g[i - 1] * gain;
        gain *= fall;
        r[i] = r[i - 1] * fall8;
    }
    for (int i = 0; i < n; i += LANES) {
#pragma omp simd
        for (int j = 0; j < LANES; j++) {
            shape[i + j] = (float)g[j];
            g[j] *= r[j];
            r[j] *= q;
        }
    }
}

EIN_CLONES
static void add_shape(float *restrict mv, int64_t stride, const float *restrict shape, int n,
                      const float amplitude[EIN_SYNTH_ELECTRODES]) {
    for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++) {
        const float a = amplitude[e];
        float *row = mv + e * stride;
#pragma omp simd
        for (int i = 0; i < n; i++) row[i] += a * shape[i];
    }
}

/* Samples [begin, end) of a wave's rise or fall. */
static void add_half(const ein_synth_canvas *canvas, double peak_s, double sd_s, int64_t begin, int64_t end,
                     const float amplitude[EIN_SYNTH_ELECTRODES]) {
    float shape[BLOCK];
    if (begin < 0) begin = 0;
    if (end > canvas->n_samples) end = canvas->n_samples;
    for (; begin < end; begin += BLOCK) {
        const int n = (int)(end - begin < BLOCK ? end - begin : BLOCK);
        gaussian(shape, n, ((double)begin / canvas->fs_hz - peak_s) / sd_s, 1 / (canvas->fs_hz * sd_s));
        add_shape(canvas->mv + begin, canvas->n_samples, shape, n, amplitude);
    }
}

void ein_synth_add_wave(const ein_synth_canvas *canvas, double peak_s, double rise_s, double fall_s,
                        const float amplitude[EIN_SYNTH_ELECTRODES]) {
    const double fs = canvas->fs_hz;
    const double first = ceil((peak_s - reach * rise_s) * fs), last = floor((peak_s + reach * fall_s) * fs);
    if (!(last >= 0) || !(first < (double)canvas->n_samples)) return;
    const int64_t middle = (int64_t)ceil(peak_s * fs);
    if (rise_s > 0) add_half(canvas, peak_s, rise_s, (int64_t)first, middle, amplitude);
    if (fall_s > 0) add_half(canvas, peak_s, fall_s, middle, (int64_t)last + 1, amplitude);
}

/* Electrode potentials of a wave, and their change with a small turn in the frontal plane. */
typedef struct {
    double still[EIN_SYNTH_ELECTRODES], turn[EIN_SYNTH_ELECTRODES];
} projection;

static projection project(const ein_synth_torso *torso, const double v[3], const double *nondipole) {
    projection out;
    const double size = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++) {
        const double *f = torso->field[e];
        out.still[e] = f[0] * v[0] + f[1] * v[1] + f[2] * v[2] + (nondipole ? nondipole[e] * size : 0);
        out.turn[e] = -f[0] * v[1] + f[1] * v[0];
    }
    return out;
}

/* When, within a beat, the waves of its T group peak: QT after its own and the mean RR. */
static double t_peak_s(const ein_synth_heart *heart, double mean_rr_s, double rr_s, double exponent,
                       double memory) {
    const double rr = memory * mean_rr_s + (1 - memory) * rr_s;
    return 1e-3 *
           (heart->qtc_ms * ein_pow(rr, exponent) + heart->late_ms - 2 * heart->wave[EIN_SW_T].fall_ms);
}

/* The atria lie farther from the left chest electrodes than the ventricles do; calibrated with the P waves. Waves of
 * fibrillation come from the right atrium too, beneath V1. */
static const double atrial_chest[6] = {0.5, 0.6, 0.5, 0.5, 0.5, 0.55};
static const double fibrillating_chest[6] = {1, 0.8, 0.6, 0.5, 0.45, 0.45};

static projection project_atrial(const ein_synth_torso *torso, const double v[3], const double *nondipole,
                                 const double chest[6]) {
    projection out = project(torso, v, nondipole);
    for (int c = 0; c < 6; c++) {
        out.still[EIN_ELECTRODE_C1 + c] *= chest[c];
        out.turn[EIN_ELECTRODE_C1 + c] *= chest[c];
    }
    return out;
}

typedef struct {
    const ein_synth_canvas *canvas;
    const ein_synth_person *person;
    const double *p;
    double mean_rr_s;
    projection wave[EIN_SW_COUNT], pvc[EIN_SYNTH_PVC_WAVES];
} beat_painter;

static void paint(const beat_painter *painter, const projection *projected, double gain, double angle,
                  double peak_s, double rise_ms, double fall_ms) {
    float amplitude[EIN_SYNTH_ELECTRODES];
    bool any = false;
    for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++) {
        amplitude[e] = (float)(gain * (projected->still[e] + angle * projected->turn[e]));
        any = any || amplitude[e] != 0;
    }
    if (any) ein_synth_add_wave(painter->canvas, peak_s, 1e-3 * rise_ms, 1e-3 * fall_ms, amplitude);
}

static bool is_p(int w) {
    return w >= EIN_SW_P_RIGHT && w <= EIN_SW_P_REPOLARISATION;
}
static bool is_t(int w) {
    return w >= EIN_SW_T_EARLY && w <= EIN_SW_U;
}

static void paint_conducted(const beat_painter *painter, const ein_synth_beat *beat, double gain,
                            double angle) {
    const ein_synth_heart *heart = &painter->person->heart;
    /* The T wave is wide where RR is long; an atrial premature P starts elsewhere in the atria and is smaller. */
    const double t_peak =
        beat->onset_s + t_peak_s(heart, painter->mean_rr_s, beat->rr_s, painter->p[EIN_SP_QT_EXPONENT],
                                 painter->p[EIN_SP_QT_MEMORY]);
    const double t_stretch = ein_pow(painter->mean_rr_s, 0.3);
    for (int w = 0; w < EIN_SW_COUNT; w++) {
        const ein_synth_wave *wave = &heart->wave[w];
        double start_s = beat->onset_s, stretch = 1, g = gain;
        if (is_p(w)) {
            if (beat->kind == EIN_BEAT_ESCAPE) continue;
            g *= heart->p_gain;
            start_s -= 1e-3 * beat->pr_ms;
            if (beat->kind == EIN_BEAT_PAC) g *= w == EIN_SW_P_RIGHT ? 0.4 : 1.1;
        } else if (beat->kind == EIN_BEAT_BLOCKED) {
            break; /* P waves are the first */
        } else if (is_t(w)) {
            start_s = t_peak;
            stretch = t_stretch;
        }
        const double fall_stretch = w == EIN_SW_T ? 1 : stretch;
        paint(painter, &painter->wave[w], g, angle, start_s + 1e-3 * stretch * wave->at_ms,
              stretch * wave->rise_ms, fall_stretch * wave->fall_ms);
    }
}

static void paint_pvc(const beat_painter *painter, const ein_synth_beat *beat, double gain, double angle) {
    const ein_synth_heart *heart = &painter->person->heart;
    for (int w = 0; w < EIN_SYNTH_PVC_WAVES; w++) {
        const ein_synth_wave *wave = &heart->pvc_wave[w];
        if (!(wave->rise_ms > 0)) continue;
        paint(painter, &painter->pvc[w], gain, angle, beat->onset_s + 1e-3 * wave->at_ms, wave->rise_ms,
              wave->fall_ms);
    }
}

static void paint_beats(const beat_painter *painter, const ein_synth_beat *beats, int64_t n_beats) {
    const ein_synth_torso *torso = &painter->person->torso;
    for (int64_t b = 0; b < n_beats; b++) {
        /* Breathing turns the heart and changes what lies between it and the electrodes (Moody et al. 1985,
         * Comput Cardiol 12:113). */
        const double breath =
            ein_sin(two_pi * painter->person->heart.resp_hz * beats[b].onset_s + torso->resp_phase);
        const double gain = beats[b].gain * (1 + torso->resp_amplitude * breath);
        const double angle = torso->resp_rotation_rad * breath;
        if (beats[b].kind == EIN_BEAT_PVC)
            paint_pvc(painter, &beats[b], gain, angle);
        else
            paint_conducted(painter, &beats[b], gain, angle);
    }
}

/* --- fibrillation and flutter waves --------------------------------------------------------------------- */

/* Modulated sawtooth after Stridh and Sornmo 2001: the m-th harmonic has 1/m of the amplitude; harmonics point
 * in different directions, so that the wave differs between leads. */
static void paint_atria(const beat_painter *painter, double start_s, uint64_t seed, int64_t record) {
    static const double fibrillation[3][3] = {{-0.25, 0.45, -0.85}, {0.15, 0.30, -0.20}, {0.10, -0.05, 0.12}};
    static const double flutter[3][3] = {{0.10, -0.85, -0.45}, {0.05, -0.30, 0.05}, {0.02, 0.10, -0.06}};
    const ein_synth_heart *heart = &painter->person->heart;
    const ein_synth_canvas *canvas = painter->canvas;
    const bool regular = heart->rhythm == EIN_RHYTHM_FLUTTER;
    ein_stream s = ein_stream_open(seed, EIN_SYNTH_PURPOSE(EIN_DRAW_SYNTH_SIGNAL, EIN_SYNTH_DRAW_FLUTTER),
                                   (uint64_t)record);
    float gain[3][EIN_SYNTH_ELECTRODES];
    for (int m = 0; m < 3; m++) {
        double v[3];
        for (int i = 0; i < 3; i++)
            v[i] = heart->f_mv * ((regular ? flutter : fibrillation)[m][i] +
                                  (regular ? 0.05 : 0.15) * ein_stream_normal_in(&s, 0, 1, -2, 2));
        const projection projected = project_atrial(&painter->person->torso, v, NULL, fibrillating_chest);
        for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++) gain[m][e] = (float)projected.still[e];
    }
    const double slow_hz = ein_stream_between(&s, 0.1, 0.3), fast_hz = ein_stream_between(&s, 0.5, 1.1);
    const double slow_phase = ein_stream_between(&s, 0, two_pi),
                 fast_phase = ein_stream_between(&s, 0, two_pi);
    /* Phase modulation in radians, amplitude modulation as a share. */
    const double slow = regular ? 0 : 2.2, fast = regular ? 0 : 0.55, depth = regular ? 0 : 0.35;
    for (int64_t begin = 0; begin < canvas->n_samples; begin += BLOCK) {
        float harmonic[3][BLOCK];
        const int n = (int)(canvas->n_samples - begin < BLOCK ? canvas->n_samples - begin : BLOCK);
        for (int i = 0; i < n; i++) {
            const double t = (double)(begin + i) / canvas->fs_hz;
            const double a = two_pi * slow_hz * t + slow_phase, b = two_pi * fast_hz * t + fast_phase;
            const double phase = two_pi * heart->f_hz * (t - start_s) + slow * ein_sin(a) + fast * ein_sin(b);
            const double c = ein_cos(phase), d = ein_sin(phase), size = 1 + depth * ein_sin(a + b);
            harmonic[0][i] = (float)(size * d);
            harmonic[1][i] = (float)(size * d * c); /* sin(2 phase) / 2 */
            harmonic[2][i] = (float)(size * d * (3 - 4 * d * d) / 3);
        }
        for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++) {
            float *mv = canvas->mv + e * canvas->n_samples + begin;
#pragma omp simd
            for (int i = 0; i < n; i++)
                mv[i] +=
                    gain[0][e] * harmonic[0][i] + gain[1][e] * harmonic[1][i] + gain[2][e] * harmonic[2][i];
        }
    }
}

/* --- the recording ----------------------------------------------------------------------------------------- */

static void lose_samples(const ein_synth_acquisition *acquisition, double fs_hz, ein_ecg *ecg) {
    const int64_t n = ecg->n_samples;
    if (acquisition->flat_lead >= 0)
        memset(ecg->mv + acquisition->flat_lead * n, 0, (size_t)n * sizeof *ecg->mv);
    if (acquisition->missing_lead >= 0)
        for (int64_t t = 0; t < n; t++) ecg->mv[acquisition->missing_lead * n + t] = NAN;
    if (!(acquisition->gap_length_s > 0)) return;
    const int64_t first = (int64_t)(acquisition->gap_s * fs_hz);
    const int64_t last = first + (int64_t)(acquisition->gap_length_s * fs_hz);
    for (int l = 0; l < ecg->n_leads; l++)
        for (int64_t t = first; t < last && t < n; t++) ecg->mv[l * n + t] = NAN;
}

static void describe(const ein_synth_person *person, ein_ecg *ecg) {
    ein_ecg_person *who = &ecg->person;
    snprintf(who->record_id, sizeof who->record_id, "syn%07lld", (long long)person->record);
    snprintf(who->patient_id, sizeof who->patient_id, "synp%07lld", (long long)person->patient);
    snprintf(who->device, sizeof who->device, "synthetic");
    snprintf(who->acquired, sizeof who->acquired, "%s", person->acquired);
    who->age_years = person->age_years;
    who->sex = person->sex;
    size_t used = 0;
    who->dx[0] = '\0';
    const uint64_t not_sinus = EIN_SC_BIT(EIN_SC_AF) | EIN_SC_BIT(EIN_SC_AFL) | EIN_SC_BIT(EIN_SC_SVT) |
                               EIN_SC_BIT(EIN_SC_PACE) | EIN_SC_BIT(EIN_SC_SB) | EIN_SC_BIT(EIN_SC_ST);
    if (!(person->labels & not_sinus)) used = (size_t)snprintf(who->dx, sizeof who->dx, "426783006");
    for (int c = 0; c < EIN_SC_COUNT; c++) {
        const char *code = ein_synth_conditions[c].snomed;
        /* Infarctions of several walls share a code. */
        if (!(person->labels & EIN_SC_BIT(c)) || strstr(who->dx, code)) continue;
        used += (size_t)snprintf(who->dx + used, sizeof who->dx - used, "%s%s", used ? "," : "", code);
    }
}

static ein_status shape_ecg(const double *p, int64_t n_samples, ein_ecg *ecg) {
    if (!ecg->mv || ecg->n_leads != EIN_SYNTH_LEADS || ecg->n_samples != n_samples) {
        ein_ecg_free(ecg);
        EIN_TRY(ein_ecg_alloc(ecg, EIN_SYNTH_LEADS, n_samples));
    } else {
        memset(ecg->mv, 0, (size_t)(EIN_SYNTH_LEADS * n_samples) * sizeof *ecg->mv);
    }
    ecg->fs_hz = p[EIN_SP_FS_HZ];
    for (int l = 0; l < EIN_SYNTH_LEADS; l++) {
        ecg->lead[l] = (ein_lead)l;
        snprintf(ecg->lead_name[l], sizeof ecg->lead_name[l], "%s", ein_lead_name((ein_lead)l));
    }
    return EIN_OK;
}

ein_status ein_synth_render(const ein_synth_config *config, const ein_synth_person *person, uint64_t seed,
                            int64_t record, ein_ecg *ecg) {
    const double *p = config->p;
    EIN_TRY(shape_ecg(p, ein_synth_samples(config), ecg));
    const ein_synth_canvas canvas = {ecg->mv, ecg->n_samples, ecg->fs_hz};
    beat_painter painter = {.canvas = &canvas, .person = person, .p = p};
    for (int w = 0; w < EIN_SW_COUNT; w++) {
        const double *v = person->heart.wave[w].v, *nondipole = person->torso.nondipole[w];
        painter.wave[w] = is_p(w) ? project_atrial(&person->torso, v, nondipole, atrial_chest)
                                  : project(&person->torso, v, nondipole);
    }
    for (int w = 0; w < EIN_SYNTH_PVC_WAVES; w++)
        painter.pvc[w] = project(&person->torso, person->heart.pvc_wave[w].v, NULL);

    ein_synth_beat *beats;
    EIN_TRY(EIN_NEW(beats, ein_synth_beats_bound(p[EIN_SP_DURATION_S])));
    const int64_t n_beats = ein_synth_beats(&person->heart, p[EIN_SP_DURATION_S], seed, record, beats);
    painter.mean_rr_s = 60 / person->rate_bpm;
    paint_beats(&painter, beats, n_beats);
    if (person->heart.rhythm != EIN_RHYTHM_SINUS) paint_atria(&painter, beats[0].onset_s, seed, record);
    free(beats);

    ein_synth_add_noise(&canvas, p, person, seed, record);
    ein_synth_record_leads(&canvas, p, person, seed, record);
    lose_samples(&person->acquisition, ecg->fs_hz, ecg);
    describe(person, ecg);
    return EIN_OK;
}
