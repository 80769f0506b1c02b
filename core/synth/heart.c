#include "core/synth/heart.h"

#include <string.h>

#include "core/base/elementary.h"

static const double degree = 0.017453292519943295;

/* The QRS vectors as six Gaussians 13 ms apart: septal (Q2), the free walls (Q3, Q4), the posterobasal wall
 * (Q5), and the two ends.  Calibrated: medians of least-squares fits of the six to the averaged beats of 560
 * PTB-XL records labelled normal (Wagner et al. 2020), brought to Frank's axes by the pseudoinverse of
 * Dower's matrix; T and P from the same records. */
static const ein_synth_wave average_wave[EIN_SW_COUNT] = {
    [EIN_SW_P_RIGHT] = {38, 18, 18, {0.088, 0.078, -0.046}},
    [EIN_SW_P_LEFT] = {70, 19, 19, {0.115, 0.026, 0.030}},
    [EIN_SW_P_REPOLARISATION] = {150, 45, 60, {-0.018, -0.013, 0.001}},
    [EIN_SW_SPIKE] = {-4, 1.2, 1.2, {0, 0, 0}},
    [EIN_SW_Q1] = {10, 7, 7, {0.012, 0.012, -0.05}},
    [EIN_SW_Q2] = {23, 7, 7, {-0.05, -0.07, -0.30}},
    [EIN_SW_Q3] = {36, 7, 7, {1.19, 0.57, 0.12}},
    [EIN_SW_Q4] = {49, 7, 7, {0.73, 0.43, 0.6}},
    [EIN_SW_Q5] = {62, 7, 7, {-0.22, -0.012, 0.47}},
    [EIN_SW_Q6] = {75, 7, 7, {0.06, 0.024, 0.06}},
    [EIN_SW_LATE1] = {98, 11, 11, {0, 0, 0}},
    [EIN_SW_LATE2] = {118, 11, 11, {0, 0, 0}},
    [EIN_SW_ST] = {135, 22, 70, {0.02, 0.012, -0.035}},
    [EIN_SW_T_EARLY] = {-103, 52, 54, {-0.004, -0.052, -0.11}},
    [EIN_SW_T] = {0, 50, 40, {0.47, 0.17, -0.32}},
    [EIN_SW_U] = {165, 35, 45, {0.014, 0.011, -0.013}},
};
static const double average_qrs_ms = 92;

void ein_synth_heart_average(const double *p, ein_synth_heart *heart) {
    memset(heart, 0, sizeof *heart);
    memcpy(heart->wave, average_wave, sizeof heart->wave);
    heart->rhythm = EIN_RHYTHM_SINUS;
    heart->av = EIN_AV_ONE_TO_ONE;
    heart->p_gain = 1;
    heart->rate_bpm = heart->atrial_bpm = p[EIN_SP_RATE_MEAN];
    heart->rsa_ms = p[EIN_SP_HRV_RSA_MS];
    heart->lf_ms = p[EIN_SP_HRV_LF_MS];
    heart->jitter_ms = p[EIN_SP_HRV_JITTER_MS];
    heart->resp_hz = p[EIN_SP_RESP_HZ];
    heart->pr_ms = p[EIN_SP_PR_MS];
    heart->qrs_ms = average_qrs_ms;
    heart->qtc_ms = p[EIN_SP_QTC_MS];
    heart->beat_sd = p[EIN_SP_BEAT_SD];
    heart->pvc_qrs_ms = p[EIN_SP_PVC_QRS_MS];
    heart->pvc_coupling = p[EIN_SP_PVC_COUPLING];
    heart->pac_coupling = p[EIN_SP_PAC_COUPLING];
    heart->ectopic_extra = p[EIN_SP_ECTOPIC_RATE];
}

void ein_synth_heart_intervals(const double *p, const ein_synth_build *build, ein_stream *s,
                               ein_synth_heart *heart) {
    const double decades = (build->age_years - 50) / 10;
    heart->pr_ms = ein_stream_normal_in(s, p[EIN_SP_PR_MS] + decades * p[EIN_SP_PR_PER_DECADE],
                                        p[EIN_SP_PR_SD], 100, 198);
    const double qrs = p[EIN_SP_QRS_MS] * ein_pow(p[EIN_SP_QRS_MALE], 1 - build->female);
    heart->qrs_ms = ein_stream_normal_in(s, qrs, qrs * p[EIN_SP_QRS_LOG_SD], 70, 109);
    heart->qtc_ms = ein_stream_normal_in(
        s, p[EIN_SP_QTC_MS] + build->female * p[EIN_SP_QTC_FEMALE] + decades * p[EIN_SP_QTC_PER_DECADE],
        p[EIN_SP_QTC_SD], 320, 520);

    const double qrs_ms = heart->qrs_ms;
    heart->qrs_ms = average_qrs_ms;
    ein_synth_heart_stretch_qrs(heart, qrs_ms);
    heart->late_ms = 0; /* QTc knows of it */
}

void ein_synth_heart_stretch_qrs(ein_synth_heart *heart, double qrs_ms) {
    const double stretch = qrs_ms / heart->qrs_ms;
    for (int w = EIN_SW_Q1; w <= EIN_SW_LATE2; w++) {
        heart->wave[w].at_ms *= stretch;
        heart->wave[w].rise_ms *= stretch;
        heart->wave[w].fall_ms *= stretch;
    }
    heart->wave[EIN_SW_ST].at_ms += qrs_ms - heart->qrs_ms;
    heart->late_ms += qrs_ms - heart->qrs_ms;
    heart->qrs_ms = qrs_ms;
}

void ein_synth_heart_scale(ein_synth_heart *heart, int first, int last, double factor) {
    for (int w = first; w <= last; w++)
        for (int i = 0; i < 3; i++) heart->wave[w].v[i] *= factor;
}

static void mix(double *x, double other, double share) {
    *x += share * (other - *x);
}

static void mix_wave(ein_synth_wave *wave, const ein_synth_wave *other, double share) {
    mix(&wave->at_ms, other->at_ms, share);
    mix(&wave->rise_ms, other->rise_ms, share);
    mix(&wave->fall_ms, other->fall_ms, share);
    for (int i = 0; i < 3; i++) mix(&wave->v[i], other->v[i], share);
}

void ein_synth_heart_mix(ein_synth_heart *heart, const ein_synth_heart *other, double share) {
    ein_synth_heart out = *other;
    const ein_synth_heart *h = heart;
    const struct {
        double *x;
        double mine;
    } numbers[] = {
        {&out.rate_bpm, h->rate_bpm},
        {&out.atrial_bpm, h->atrial_bpm},
        {&out.p_gain, h->p_gain},
        {&out.rsa_ms, h->rsa_ms},
        {&out.lf_ms, h->lf_ms},
        {&out.jitter_ms, h->jitter_ms},
        {&out.rr_cv, h->rr_cv},
        {&out.resp_hz, h->resp_hz},
        {&out.pr_ms, h->pr_ms},
        {&out.qrs_ms, h->qrs_ms},
        {&out.qtc_ms, h->qtc_ms},
        {&out.beat_sd, h->beat_sd},
        {&out.f_mv, h->f_mv},
        {&out.late_ms, h->late_ms},
        {&out.ectopic_extra, h->ectopic_extra},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        mix(numbers[i].x, numbers[i].mine, 1 - share);
    for (int w = 0; w < EIN_SW_COUNT; w++) mix_wave(&out.wave[w], &h->wave[w], 1 - share);
    *heart = out;
}

static void disturb(ein_synth_wave *wave, double sd, ein_stream *s) {
    for (int i = 0; i < 3; i++) wave->v[i] += sd * ein_stream_normal_in(s, 0, 1, -2.5, 2.5);
}

/* Small sharp waves inside the QRS: the content above 40 Hz that smooth loops lack. Where muscle conducts
 * instead of Purkinje fibres they are smoother. */
static void add_details(const double *p, ein_stream *s, ein_synth_heart *heart) {
    const double slow = fmax(heart->qrs_ms / average_qrs_ms, 1);
    for (int w = EIN_SW_DETAIL1; w <= EIN_SW_DETAIL5; w++) {
        ein_synth_wave *wave = &heart->wave[w];
        wave->at_ms = ein_stream_between(s, 0.15, 0.85) * heart->qrs_ms;
        wave->rise_ms = wave->fall_ms = slow * slow * 3.3 * ein_exp(0.75 * (2 * ein_stream_uniform(s) - 1));
        memset(wave->v, 0, sizeof wave->v);
        disturb(wave, p[EIN_SP_QRS_DETAIL_MV] / slow, s);
        wave->v[2] *= 1.7; /* V2 to V5 are the steepest */
    }
}

void ein_synth_heart_personal(const double *p, const ein_synth_build *build, ein_stream *s,
                              ein_synth_heart *heart) {
    /* The ends of the QRS are small in everybody. */
    static const double spread[6] = {0.2, 0.5, 1, 1, 0.8, 0.3};
    const double decades = (build->age_years - 50) / 10, female = build->female, bmi = build->bmi - 26.5;
    for (int w = EIN_SW_Q1; w <= EIN_SW_Q6; w++)
        disturb(&heart->wave[w], p[EIN_SP_QRS_VECTOR_SD] * spread[w - EIN_SW_Q1], s);
    add_details(p, s, heart);
    disturb(&heart->wave[EIN_SW_ST], p[EIN_SP_ST_VECTOR_SD], s);
    heart->wave[EIN_SW_ST].v[2] -= (0.5 - female) * p[EIN_SP_ST_MALE];
    disturb(&heart->wave[EIN_SW_P_RIGHT], 0.010, s);
    disturb(&heart->wave[EIN_SW_P_LEFT], 0.010, s);
    disturb(&heart->wave[EIN_SW_T_EARLY], 0.35 * p[EIN_SP_T_VECTOR_SD], s);
    disturb(&heart->wave[EIN_SW_T], p[EIN_SP_T_VECTOR_SD], s);

    const double voltage =
        ein_stream_lognormal(s, 1, p[EIN_SP_AMPLITUDE_LOG_SD]) * ein_pow(p[EIN_SP_VOLTAGE_FEMALE], female) *
        ein_pow(p[EIN_SP_VOLTAGE_PER_DECADE], decades) * ein_pow(p[EIN_SP_VOLTAGE_PER_BMI], bmi);
    ein_synth_heart_scale(heart, EIN_SW_Q1, EIN_SW_ST, voltage);
    ein_synth_heart_scale(heart, EIN_SW_P_RIGHT, EIN_SW_P_REPOLARISATION,
                          ein_stream_lognormal(s, 1, p[EIN_SP_P_LOG_SD]));
    ein_synth_heart_scale(heart, EIN_SW_T_EARLY, EIN_SW_U,
                          ein_stream_lognormal(s, 1, p[EIN_SP_T_LOG_SD]) *
                              ein_pow(p[EIN_SP_T_FEMALE], female) * ein_pow(p[EIN_SP_T_PER_DECADE], decades) *
                              ein_pow(p[EIN_SP_T_PER_BMI], bmi));

    const double t_width = ein_stream_lognormal(s, 1, 0.12);
    heart->wave[EIN_SW_T].rise_ms *= t_width;
    heart->wave[EIN_SW_T].fall_ms *= ein_stream_lognormal(s, 1, 0.1);
    heart->wave[EIN_SW_T_EARLY].at_ms *= t_width;
    const double p_width = ein_stream_lognormal(s, 1, 0.08) * ein_pow(p[EIN_SP_P_MS_PER_DECADE], decades);
    for (int w = EIN_SW_P_RIGHT; w <= EIN_SW_P_LEFT; w++) {
        heart->wave[w].at_ms *= p_width;
        heart->wave[w].rise_ms *= p_width;
        heart->wave[w].fall_ms *= p_width;
    }
    const double hrv = ein_pow(p[EIN_SP_HRV_PER_DECADE], decades) * ein_stream_lognormal(s, 1, 0.65);
    heart->rsa_ms *= hrv * ein_stream_lognormal(s, 1, 0.3);
    heart->lf_ms *= hrv * ein_stream_lognormal(s, 1, 0.3);
    heart->jitter_ms *= hrv;
    heart->resp_hz = ein_stream_lognormal(s, p[EIN_SP_RESP_HZ], 0.15);
}

/* Leads I, II, V1 to V6 from x (left), y (feet), z (back): Dower's matrix (Dower et al. 1980, Clin Cardiol 3:87;
 * coefficients as in Edenbrandt and Pahlm 1988, J Electrocardiol 21:361) after one step of alternating least
 * squares on the averaged beats of PTB-XL records labelled normal. Dower's own explains 77 % of lead I and 85 %
 * of V1 there, this one 92 % or more of every lead. */
static const double lead_matrix[8][3] = {
    {0.81, -0.40, 0.09}, {0.38, 0.85, -0.19}, {-0.54, 0.32, -0.80}, {0.12, 0.01, -1.58},
    {0.83, 0.17, -1.13}, {1.11, 0.26, -0.51}, {1.06, 0.17, -0.10},  {0.83, 0.16, 0.08},
};

/* a = b c */
static void multiply(double a[3][3], const double b[3][3], const double c[3][3]) {
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) a[i][j] = b[i][0] * c[0][j] + b[i][1] * c[1][j] + b[i][2] * c[2][j];
}

/* Turn by `roll` in the frontal plane (x to y: the axis of the limb leads grows), `yaw` in the horizontal
 * (x to z: backwards) and `pitch` in the sagittal plane (y to z). */
static void rotation(double roll, double yaw, double pitch, double out[3][3]) {
    const double frontal[3][3] = {
        {ein_cos(roll), -ein_sin(roll), 0}, {ein_sin(roll), ein_cos(roll), 0}, {0, 0, 1}};
    const double horizontal[3][3] = {
        {ein_cos(yaw), 0, -ein_sin(yaw)}, {0, 1, 0}, {ein_sin(yaw), 0, ein_cos(yaw)}};
    const double sagittal[3][3] = {
        {1, 0, 0}, {0, ein_cos(pitch), -ein_sin(pitch)}, {0, ein_sin(pitch), ein_cos(pitch)}};
    double both[3][3];
    multiply(both, horizontal, sagittal);
    multiply(out, frontal, both);
}

/* Electrode potentials against the mean of RA, LA and LL (Wilson's terminal), from rows of leads. */
static void electrodes_from_leads(const double lead[8], double out[EIN_SYNTH_ELECTRODES]) {
    out[EIN_ELECTRODE_RA] = -(lead[0] + lead[1]) / 3;
    out[EIN_ELECTRODE_LA] = out[EIN_ELECTRODE_RA] + lead[0];
    out[EIN_ELECTRODE_LL] = out[EIN_ELECTRODE_RA] + lead[1];
    for (int c = 0; c < 6; c++) out[EIN_ELECTRODE_C1 + c] = lead[2 + c];
}

static void lead_field(const double *p, const ein_synth_build *build, ein_stream *person, ein_stream *day,
                       double row[8][3]) {
    double turn[3][3];
    const double decades = (build->age_years - 55) / 10;
    /* One draw a statement: C leaves the order of arguments to the compiler. */
    const double roll = ein_stream_normal_in(person, 0, p[EIN_SP_ROLL_SD], -75, 75) +
                        decades * p[EIN_SP_AXIS_PER_DECADE] + (build->bmi - 26.5) * p[EIN_SP_AXIS_PER_BMI];
    const double yaw = ein_stream_normal_in(person, 0, p[EIN_SP_YAW_SD], -60, 60);
    const double pitch = ein_stream_normal_in(person, 0, p[EIN_SP_PITCH_SD], -45, 45);
    const double chest = ein_pow(p[EIN_SP_CHEST_PER_BMI], build->bmi - 26.5);
    rotation(degree * roll, degree * yaw, degree * pitch, turn);
    for (int l = 0; l < 8; l++) {
        double own[3];
        const double limb = l < 2;
        const double strength = (limb ? 1 : chest) *
                                ein_stream_lognormal(person, 1, limb ? 0 : p[EIN_SP_FIELD_LOG_SD]) *
                                ein_stream_lognormal(day, 1, limb ? 0 : p[EIN_SP_PLACEMENT]);
        for (int i = 0; i < 3; i++)
            own[i] = strength * (lead_matrix[l][i] + p[EIN_SP_FIELD_SD] * (limb ? 0.4 : 1) *
                                                         ein_stream_normal_in(person, 0, 1, -2.5, 2.5));
        for (int j = 0; j < 3; j++)
            row[l][j] = own[0] * turn[0][j] + own[1] * turn[1][j] + own[2] * turn[2][j];
    }
}

void ein_synth_torso_draw(const double *p, const ein_synth_build *build, ein_stream *person, ein_stream *day,
                          ein_synth_torso *torso) {
    double row[8][3];
    lead_field(p, build, person, day, row);
    for (int i = 0; i < 3; i++) {
        double lead[8], electrode[EIN_SYNTH_ELECTRODES];
        for (int l = 0; l < 8; l++) lead[l] = row[l][i];
        electrodes_from_leads(lead, electrode);
        for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++) torso->field[e][i] = electrode[e];
    }
    for (int w = 0; w < EIN_SW_COUNT; w++)
        for (int e = 0; e < EIN_SYNTH_ELECTRODES; e++)
            torso->nondipole[w][e] = (e < EIN_ELECTRODE_C1 ? 0.2 : 1) * p[EIN_SP_NONDIPOLE] *
                                     ein_stream_normal_in(person, 0, 1, -2.5, 2.5);
    torso->resp_rotation_rad = degree * ein_stream_lognormal(day, p[EIN_SP_RESP_ROTATION], 0.5);
    torso->resp_amplitude = ein_stream_lognormal(day, p[EIN_SP_RESP_AMPLITUDE], 0.5);
    torso->resp_phase = ein_stream_between(day, 0, 360 * degree);
}
