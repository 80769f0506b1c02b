/* What PET and echocardiography would say of a synthetic heart, and how little of it the ECG shows. */
#include <string.h>

#include "core/base/elementary.h"
#include "core/synth/heart.h"

/* Weights of who the person is in each liability, in units of the free part's SD. Signs and order after: LVEF lower in
 * men, after infarction, with LBBB and in atrial fibrillation (Redfield et al. 2003, JAMA 289:194); MFR lower with age,
 * obesity, infarction and a failing pump (Murthy et al. 2011, Circulation 124:2215); sizes calibrated. */
typedef struct {
    double male, per_decade, per_5_bmi, infarction, lbbb, af, lvh;
} weights;
static const weights weight[EIN_SYNTH_LIABILITIES] = {
    [EIN_SYNTH_PUMP] = {0.25, 0.08, 0.03, 0.80, 0.90, 0.35, 0.10},
    [EIN_SYNTH_FLOW] = {0.10, 0.22, 0.18, 0.35, 0.30, 0.20, 0.20},
    [EIN_SYNTH_DEFECT] = {0.30, 0.10, 0.08, 1.20, 0.30, 0.00, 0.00},
};
/* What the free part of the pump adds to the others: a failing heart is perfused worse. */
static const double pump_share[EIN_SYNTH_LIABILITIES] = {0, 0.30, 0.35};

static double has(const ein_synth_person *person, uint64_t bits) {
    return (person->labels & bits) != 0;
}

static void covariates(const double *p, const ein_synth_person *person, double given[EIN_SYNTH_LIABILITIES]) {
    for (int i = 0; i < EIN_SYNTH_LIABILITIES; i++) {
        const weights *w = &weight[i];
        given[i] =
            p[EIN_SP_LATENT_COVARIATES] *
            (w->male * (person->sex == EIN_SEX_MALE) + w->per_decade * (person->age_years - 60) / 10 +
             w->per_5_bmi * (person->bmi - 26.5) / 5 + w->infarction * has(person, EIN_SC_ANY_MI) +
             w->lbbb * has(person, EIN_SC_BIT(EIN_SC_LBBB)) + w->af * has(person, EIN_SC_BIT(EIN_SC_AF)) +
             w->lvh * has(person, EIN_SC_BIT(EIN_SC_LVH)));
    }
}

/* SD of the free part of liability i, the pump's share in it included. */
static double free_sd(const double *p, int i) {
    return p[EIN_SP_LATENT_FREE] * sqrt(1 + pump_share[i] * pump_share[i]);
}

void ein_synth_liabilities(const double *p, uint64_t seed, const ein_synth_person *person,
                           double given[EIN_SYNTH_LIABILITIES], double out[EIN_SYNTH_LIABILITIES]) {
    ein_stream own = ein_stream_open(seed, EIN_SYNTH_PURPOSE(EIN_DRAW_SYNTH_PERSON, EIN_SYNTH_DRAW_LATENT),
                                     (uint64_t)person->patient);
    ein_stream day = ein_stream_open(seed, EIN_SYNTH_PURPOSE(EIN_DRAW_SYNTH_PERSON, EIN_SYNTH_DRAW_DRIFT),
                                     (uint64_t)person->record);
    const double kept = ein_exp(-person->years / p[EIN_SP_LATENT_YEARS]), fresh = sqrt(1 - kept * kept);
    double z[EIN_SYNTH_LIABILITIES];
    covariates(p, person, given);
    for (int i = 0; i < EIN_SYNTH_LIABILITIES; i++) {
        z[i] = kept * ein_stream_normal(&own);
        z[i] += fresh * ein_stream_normal(&day);
        out[i] = given[i] + p[EIN_SP_LATENT_FREE] * (z[i] + pump_share[i] * z[EIN_SYNTH_PUMP]);
    }
}

/* --- levels --------------------------------------------------------------------------------------------- */

/* Where a share `above` of people lies above: each is normal with SD `sd` around what is given. By bisection. */
static double cut_of(const double (*given)[EIN_SYNTH_LIABILITIES], int n, int which, double sd,
                     double above) {
    double low = -100, high = 100;
    for (int step = 0; step < 60; step++) {
        const double middle = 0.5 * (low + high);
        double sum = 0;
        for (int i = 0; i < n; i++) {
            const double over = given[i][which] - middle;
            sum += sd > 0 ? 0.5 * ein_erfc(-over / (sd * sqrt(2))) : over > 0;
        }
        if (sum / n > above)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

void ein_synth_latent_ready(ein_synth_config *config, const double (*given)[EIN_SYNTH_LIABILITIES], int n) {
    const double *p = config->p;
    const double above[EIN_SYNTH_LIABILITIES] = {p[EIN_SP_LVEF_SHARE], p[EIN_SP_MFR_SHARE], 0.5};
    for (int i = 0; i < EIN_SYNTH_LIABILITIES; i++) {
        double sum = 0, squares = 0;
        for (int j = 0; j < n; j++) {
            sum += given[j][i];
            squares += given[j][i] * given[j][i];
        }
        const double mean = sum / n, variance = fmax(squares / n - mean * mean, 0);
        config->mean[i] = mean;
        config->sd[i] = fmax(sqrt(variance + free_sd(p, i) * free_sd(p, i)), 1e-6);
        config->cut[i] = cut_of(given, n, i, free_sd(p, i), above[i]);
    }
}

/* `low` to `high`, `at` where x is 0, by a logistic with slope 1 in x. */
static double between(double low, double high, double at, double x) {
    const double share = (at - low) / (high - low);
    return low + (high - low) * ein_logistic(x + ein_logit(share));
}

static double within(double x, double limit) {
    return x > limit ? limit : x < -limit ? -limit : x;
}

void ein_synth_latent_draw(const ein_synth_config *config, uint64_t seed, ein_synth_person *person) {
    const double *p = config->p;
    double given[EIN_SYNTH_LIABILITIES], z[EIN_SYNTH_LIABILITIES], over[EIN_SYNTH_LIABILITIES];
    ein_synth_state *state = &person->state;
    ein_synth_liabilities(p, seed, person, given, z);
    for (int i = 0; i < EIN_SYNTH_LIABILITIES; i++) over[i] = (z[i] - config->cut[i]) / config->sd[i];
    state->lvef = between(8, 72, 35, -p[EIN_SP_LVEF_SLOPE] * over[EIN_SYNTH_PUMP]);
    state->mfr = 2 * ein_exp(-p[EIN_SP_MFR_LOG_SD] * within(over[EIN_SYNTH_FLOW], 3.5));
    const double middle = fmin(fmax(p[EIN_SP_TPD_MEDIAN], 0.01), 59.9);
    state->tpd = between(0, 60, middle, p[EIN_SP_TPD_SLOPE] * over[EIN_SYNTH_DEFECT]);
    state->pump = ein_logistic((42 - state->lvef) / 5);
    state->flow =
        within((z[EIN_SYNTH_FLOW] - config->mean[EIN_SYNTH_FLOW]) / config->sd[EIN_SYNTH_FLOW], 2.5);
    state->defect =
        within((z[EIN_SYNTH_DEFECT] - config->mean[EIN_SYNTH_DEFECT]) / config->sd[EIN_SYNTH_DEFECT], 2.5);
}

void ein_synth_latent_flow(const ein_synth_config *config, uint64_t seed, double rate_bpm,
                           ein_synth_person *person) {
    const double *p = config->p;
    ein_stream own = ein_stream_open(seed, EIN_SYNTH_PURPOSE(EIN_DRAW_SYNTH_PERSON, EIN_SYNTH_DRAW_LATENT),
                                     (uint64_t)person->patient);
    own.next = 32; /* the liabilities took the first words */
    /* With effects off, flow must not follow a rate that the signal shows. */
    const double faster = p[EIN_SP_EFFECT_ALL] * within((rate_bpm - 70) / 10, 6);
    const double free = ein_stream_lognormal(&own, 1, p[EIN_SP_REST_LOG_SD]);
    person->state.rest_mbf = p[EIN_SP_REST_MBF] * free *
                             (person->sex == EIN_SEX_FEMALE ? p[EIN_SP_REST_FEMALE] : 1) *
                             ein_pow(p[EIN_SP_REST_PER_DECADE], (person->age_years - 60) / 10) *
                             ein_pow(p[EIN_SP_REST_PER_10BPM], faster);
    person->state.stress_mbf = person->state.rest_mbf * person->state.mfr;
}

/* --- effects -------------------------------------------------------------------------------------------- */

static void scale_hrv(ein_synth_heart *heart, double factor) {
    heart->rsa_ms *= factor;
    heart->lf_ms *= factor;
    heart->jitter_ms *= factor;
}

/* A failing pump: less muscle and slower conduction (Surawicz et al. 2009), flat T, large left atrium, fast rate with
 * little variability. */
static void apply_pump(const double *p, double pump, ein_synth_heart *heart) {
    ein_synth_heart_scale(heart, EIN_SW_Q1, EIN_SW_LATE2, 1 - p[EIN_SP_PUMP_QRS] * pump);
    ein_synth_heart_stretch_qrs(heart, heart->qrs_ms + p[EIN_SP_PUMP_QRS_MS] * pump);
    ein_synth_heart_scale(heart, EIN_SW_T_EARLY, EIN_SW_T, 1 - p[EIN_SP_PUMP_T] * pump);
    heart->wave[EIN_SW_P_LEFT].v[2] *= 1 + p[EIN_SP_PUMP_P] * pump;
    scale_hrv(heart, ein_pow(p[EIN_SP_PUMP_HRV], pump));
}

/* Poor perfusion: subtle subendocardial ST depression away from the left ventricle, flat T, long QT, stiff rhythm. */
static void apply_perfusion(const double *p, const ein_synth_state *state, ein_synth_heart *heart) {
    static const double wall[3] = {0.80, 0.45, -0.40};
    const double st_mv = p[EIN_SP_FLOW_ST_MV] * state->flow + p[EIN_SP_DEFECT_ST_MV] * state->defect;
    for (int i = 0; i < 3; i++) heart->wave[EIN_SW_ST].v[i] -= st_mv * wall[i];
    ein_synth_heart_scale(heart, EIN_SW_T_EARLY, EIN_SW_T,
                          fmax(1 - p[EIN_SP_FLOW_T] * state->flow - p[EIN_SP_DEFECT_T] * state->defect, 0));
    heart->qtc_ms += p[EIN_SP_FLOW_QTC] * state->flow;
    scale_hrv(heart, ein_pow(p[EIN_SP_FLOW_HRV], state->flow));
    ein_synth_heart_scale(heart, EIN_SW_Q3, EIN_SW_Q4, 1 - p[EIN_SP_DEFECT_R] * state->defect);
    ein_synth_heart_stretch_qrs(heart, heart->qrs_ms + p[EIN_SP_DEFECT_QRS_MS] * state->defect);
}

void ein_synth_latent_apply(const double *p, const ein_synth_state *state, ein_synth_heart *heart) {
    apply_pump(p, state->pump, heart);
    apply_perfusion(p, state, heart);
}
