#include <string.h>

#include "core/synth_heart.h"

/* Add s (x, y, z) to a wave's vector. */
static void add(ein_synth_heart *heart, ein_synth_wave_name w, double s, double x, double y, double z) {
    heart->wave[w].v[0] += s * x;
    heart->wave[w].v[1] += s * y;
    heart->wave[w].v[2] += s * z;
}

static void set(ein_synth_heart *heart, ein_synth_wave_name w, double x, double y, double z) {
    memset(heart->wave[w].v, 0, sizeof heart->wave[w].v);
    add(heart, w, 1, x, y, z);
}

static void scale(ein_synth_heart *heart, ein_synth_wave_name w, double x, double y, double z) {
    heart->wave[w].v[0] *= x;
    heart->wave[w].v[1] *= y;
    heart->wave[w].v[2] *= z;
}

/* A person's own strength of an effect. */
static double strength(const double *p, ein_synth_parameter which, ein_stream *s) {
    return ein_stream_lognormal(s, p[which], p[EIN_SP_EFFECT_LOG_SD]);
}

/* No P waves, irregular RR, f waves. Stridh and Sornmo 2001; Tateno and Glass 2001. */
static void apply_af(ein_synth_heart *heart, const double *p, ein_stream *s) {
    heart->rhythm = EIN_RHYTHM_AF;
    heart->rr_cv = p[EIN_SP_AF_RR_CV] * ein_stream_between(s, 0.8, 1.25);
    heart->f_mv = ein_stream_lognormal(s, p[EIN_SP_AF_F_MV], 0.5);
    heart->f_hz = ein_stream_normal_in(s, p[EIN_SP_AF_F_HZ], 0.8, 4, 9);
}

static void apply_afl(ein_synth_heart *heart, const double *p, ein_stream *s) {
    heart->rhythm = EIN_RHYTHM_FLUTTER;
    heart->f_mv = ein_stream_lognormal(s, p[EIN_SP_AFL_F_MV], 0.3);
    heart->f_hz = ein_stream_normal_in(s, p[EIN_SP_AFL_F_HZ], 0.4, 3.6, 6);
}

/* Rates below 60 and above 100 are drawn with the rate of the day. */
static void apply_rate(ein_synth_heart *heart, const double *p, ein_stream *s) {
    (void)heart, (void)p, (void)s;
}

static void apply_iavb(ein_synth_heart *heart, const double *p, ein_stream *s) {
    heart->pr_ms = ein_stream_normal_in(s, p[EIN_SP_IAVB_PR], p[EIN_SP_IAVB_SD], 204, 380);
}

/* Infarction: the wall's share of the early QRS is lost, so that the vector turns away from it (Q waves of
 * >= 30 ms, Thygesen et al. 2018, Circulation 138:e618), and T turns away too; when acute, ST points to it
 * and T is still upright. Directions and sizes: differences of the mean loops of PTB-XL records with each
 * infarction and of normal ones. `wall` points to the wall. */
static void apply_mi_st_t(ein_synth_heart *heart, const double *p, double k, const double wall[3],
                          double t_mv, ein_stream *s) {
    const bool acute = ein_stream_uniform(s) < p[EIN_SP_MI_ACUTE];
    const double st = acute ? ein_stream_lognormal(s, p[EIN_SP_MI_ST_MV], 0.5) : 0.015 * k;
    const double t = acute ? 0.5 * st : -t_mv * k;
    add(heart, EIN_SW_ST, st, wall[0], wall[1], wall[2]);
    add(heart, EIN_SW_T_EARLY, acute ? st : 0, wall[0], wall[1], wall[2]);
    add(heart, EIN_SW_T, t, wall[0], wall[1], wall[2]);
}

static void apply_mi_inferior(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double wall[3] = {-0.1, 0.97, 0.2};
    const double k = strength(p, EIN_SP_MI_STRENGTH, s);
    add(heart, EIN_SW_Q1, k, 0, -0.03, 0);
    add(heart, EIN_SW_Q2, k, 0.04, -0.16, 0);
    add(heart, EIN_SW_Q3, k, -0.10, -0.32, 0);
    add(heart, EIN_SW_Q4, k, -0.08, -0.10, 0.04);
    apply_mi_st_t(heart, p, k, wall, 0.12, s);
}

static void apply_mi_anterior(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double wall[3] = {0.45, 0, -0.9};
    const double k = strength(p, EIN_SP_MI_STRENGTH, s);
    add(heart, EIN_SW_Q2, k, 0.08, 0.03, 0.22);
    add(heart, EIN_SW_Q3, k, -0.14, -0.04, 0.52);
    add(heart, EIN_SW_Q4, k, -0.28, -0.05, 0.20);
    add(heart, EIN_SW_Q5, k, 0.05, 0, -0.05);
    apply_mi_st_t(heart, p, k, wall, 0.20, s);
}

static void apply_mi_lateral(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double wall[3] = {0.95, -0.2, 0.2};
    const double k = strength(p, EIN_SP_MI_STRENGTH, s);
    add(heart, EIN_SW_Q2, k, -0.16, 0.02, 0);
    add(heart, EIN_SW_Q3, k, -0.42, 0.04, -0.10);
    add(heart, EIN_SW_Q4, k, -0.18, 0, -0.10);
    apply_mi_st_t(heart, p, k, wall, 0.22, s);
}

/* More voltage to the left and back; with strain, ST and T opposite to the QRS; often a broad left P.
 * Hancock et al. 2009 (JACC 53:992). */
static void apply_lvh(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double k = strength(p, EIN_SP_LVH_STRENGTH, s);
    add(heart, EIN_SW_Q3, k, 0.48, 0.09, 0.26);
    add(heart, EIN_SW_Q4, k, 0.48, 0.08, 0.38);
    add(heart, EIN_SW_Q5, k, 0.04, 0.01, 0.20);
    if (ein_stream_uniform(s) < p[EIN_SP_LVH_STRAIN]) {
        const double strain = ein_stream_lognormal(s, k, 0.3);
        add(heart, EIN_SW_ST, strain, -0.09, -0.04, -0.06);
        add(heart, EIN_SW_T, strain, -0.36, -0.14, -0.06);
    } else {
        add(heart, EIN_SW_T, k, -0.07, -0.02, -0.02);
    }
    if (ein_stream_uniform(s) < 0.35) scale(heart, EIN_SW_P_LEFT, 1.4, 1.1, 1.9);
}

/* Secondary lengthening: repolarisation follows the longer QRS. */
static void delay_repolarisation(ein_synth_heart *heart, double qrs_ms) {
    heart->late_ms = qrs_ms - heart->qrs_ms;
    heart->wave[EIN_SW_ST].at_ms += heart->late_ms;
    heart->qrs_ms = qrs_ms;
}

/* The left ventricle is activated from the right: no septal vector to the right, one broad, slurred, left and
 * posterior force, ST and T opposite. Surawicz et al. 2009 (JACC 53:976); vectors from the mean loop of
 * PTB-XL records labelled CLBBB. */
static void apply_lbbb(ein_synth_heart *heart, const double *p, ein_stream *s) {
    static const double qrs[6][3] = {{0.09, 0.02, 0.03}, {0.22, 0.16, 0.76},  {0.31, 0.24, 1.48},
                                     {0.29, 0.14, 1.38}, {0.22, -0.03, 0.76}, {0.06, -0.03, 0.16}};
    const double k = strength(p, EIN_SP_LBBB_STRENGTH, s);
    const double left = ein_stream_between(s, 0.8, 2.8); /* leftward forces differ most */
    const double qrs_ms = ein_stream_normal_in(s, p[EIN_SP_LBBB_QRS], p[EIN_SP_BBB_SD], 122, 220);
    const double stretch = qrs_ms / heart->qrs_ms;
    for (int w = EIN_SW_Q1; w <= EIN_SW_Q6; w++) {
        const double *v = qrs[w - EIN_SW_Q1];
        set(heart, (ein_synth_wave_name)w, k * left * v[0], k * v[1], k * v[2]);
        heart->wave[w].at_ms *= stretch;
        heart->wave[w].rise_ms *= stretch;
        heart->wave[w].fall_ms *= stretch;
    }
    set(heart, EIN_SW_ST, -0.05 * k * left, -0.02 * k, -0.16 * k);
    set(heart, EIN_SW_T_EARLY, -0.04 * k * left, -0.02 * k, -0.20 * k);
    set(heart, EIN_SW_T, -0.13 * k * left, -0.02 * k, -0.75 * k);
    heart->wave[EIN_SW_T].fall_ms *= 1.35;
    delay_repolarisation(heart, qrs_ms);
}

/* The right ventricle is activated late: after a normal start a slow vector to the right and front; T turns
 * away from it. Surawicz et al. 2009; sizes from PTB-XL records labelled CRBBB. `k` 0.3 makes the incomplete
 * block. */
static void late_right_forces(ein_synth_heart *heart, double k, double qrs_ms) {
    add(heart, EIN_SW_Q3, k, -0.14, 0, -0.06);
    add(heart, EIN_SW_Q4, k, -0.22, 0, -0.42);
    add(heart, EIN_SW_Q5, k, -0.02, 0, -0.40);
    add(heart, EIN_SW_Q6, k, -0.20, -0.02, -0.26);
    add(heart, EIN_SW_LATE1, k, -0.24, -0.03, -0.27);
    add(heart, EIN_SW_LATE2, k, -0.18, -0.02, -0.23);
    heart->wave[EIN_SW_LATE1].at_ms = qrs_ms - 46;
    heart->wave[EIN_SW_LATE2].at_ms = qrs_ms - 25;
    add(heart, EIN_SW_T_EARLY, k, 0.02, 0.02, 0.12);
    add(heart, EIN_SW_T, k, -0.02, 0, 0.27);
    delay_repolarisation(heart, qrs_ms);
}

static void apply_rbbb(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double k = strength(p, EIN_SP_RBBB_STRENGTH, s);
    late_right_forces(heart, k, ein_stream_normal_in(s, p[EIN_SP_RBBB_QRS], p[EIN_SP_BBB_SD], 122, 220));
}

static void apply_irbbb(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double k = 0.26 * strength(p, EIN_SP_RBBB_STRENGTH, s);
    late_right_forces(heart, k,
                      ein_stream_normal_in(s, p[EIN_SP_IRBBB_QRS], 0.4 * p[EIN_SP_BBB_SD], 110, 119.5));
}

/* Activation starts downwards and ends upwards and left: axis -45 to -90 degrees, qR in aVL, rS in the
 * inferior leads. Surawicz et al. 2009; sizes from PTB-XL records labelled LAFB. */
static void apply_lafb(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double k = strength(p, EIN_SP_LAFB_STRENGTH, s);
    add(heart, EIN_SW_Q2, k, -0.05, 0.12, 0.06);
    add(heart, EIN_SW_Q3, k, -0.14, -0.36, 0.02);
    add(heart, EIN_SW_Q4, k, -0.20, -0.78, 0);
    add(heart, EIN_SW_Q5, k, -0.08, -0.48, 0.02);
    add(heart, EIN_SW_Q6, k, -0.04, -0.22, 0);
}

/* A premature ventricular beat spreads through muscle from its origin: one broad vector that turns a little,
 * with ST and T opposite. The first origin is the right outflow tract, seen most in healthy hearts. */
static void apply_pvc(ein_synth_heart *heart, const double *p, ein_stream *s) {
    static const double origin[5][3] = {
        {0.35, 0.85, 0.40}, {0.75, -0.45, 0.55}, {-0.75, -0.2, -0.65}, {-0.4, 0.8, -0.45}, {0.55, 0.1, 0.85}};
    static const double at[5] = {0.13, 0.32, 0.52, 0.71, 0.88}, size[5] = {0.32, 0.90, 0.98, 0.52, 0.14};
    heart->pvc = true;
    heart->pvc_qrs_ms = ein_stream_normal_in(s, p[EIN_SP_PVC_QRS_MS], 14, 122, 240);
    const double mv = ein_stream_lognormal(s, p[EIN_SP_PVC_MV], 0.3);
    const int which = (int)(5 * ein_stream_uniform(s));
    double from[3], turn[3];
    for (int i = 0; i < 3; i++) {
        from[i] = origin[which][i] + 0.15 * ein_stream_normal_in(s, 0, 1, -2, 2);
        turn[i] = 0.4 * ein_stream_normal_in(s, 0, 1, -2, 2);
    }
    for (int w = 0; w < 5; w++) {
        ein_synth_wave *wave = &heart->pvc_wave[w];
        wave->at_ms = at[w] * heart->pvc_qrs_ms;
        wave->rise_ms = wave->fall_ms = 0.085 * heart->pvc_qrs_ms;
        for (int i = 0; i < 3; i++) wave->v[i] = mv * size[w] * (from[i] + (at[w] - 0.5) * turn[i]);
    }
    const ein_synth_wave st = {heart->pvc_qrs_ms + 45, 30, 70, {0, 0, 0}};
    const ein_synth_wave t = {heart->pvc_qrs_ms + 175, 65, 45, {0, 0, 0}};
    heart->pvc_wave[5] = st;
    heart->pvc_wave[6] = t;
    /* A notch. */
    const ein_synth_wave notch = {heart->pvc_qrs_ms * ein_stream_between(s, 0.25, 0.7), 6, 7, {0, 0, 0}};
    heart->pvc_wave[7] = notch;
    for (int i = 0; i < 3; i++) {
        heart->pvc_wave[5].v[i] = -0.12 * mv * from[i];
        heart->pvc_wave[6].v[i] = -0.33 * mv * from[i];
        heart->pvc_wave[7].v[i] = 0.12 * mv * ein_stream_normal_in(s, 0, 1, -2, 2);
    }
}

static void apply_pac(ein_synth_heart *heart, const double *p, ein_stream *s) {
    (void)p, (void)s;
    heart->pac = true;
}

#define BIT(c) EIN_SC_BIT(EIN_SC_##c)

static const struct {
    void (*apply)(ein_synth_heart *heart, const double *p, ein_stream *stream);
    uint32_t excluded_by;
    bool of_day;
} rows[EIN_SC_COUNT] = {
    [EIN_SC_AF] = {apply_af, 0, false},
    [EIN_SC_AFL] = {apply_afl, BIT(AF), false},
    [EIN_SC_SB] = {apply_rate, BIT(AF) | BIT(AFL), true},
    [EIN_SC_ST] = {apply_rate, BIT(AF) | BIT(AFL) | BIT(SB), true},
    [EIN_SC_IAVB] = {apply_iavb, BIT(AF) | BIT(AFL), false},
    [EIN_SC_MI_INFERIOR] = {apply_mi_inferior, 0, false},
    [EIN_SC_MI_ANTERIOR] = {apply_mi_anterior, 0, false},
    [EIN_SC_MI_LATERAL] = {apply_mi_lateral, 0, false},
    [EIN_SC_LVH] = {apply_lvh, 0, false},
    /* LBBB hides infarction and hypertrophy: labels that nobody could read are not given. */
    [EIN_SC_LBBB] = {apply_lbbb, EIN_SC_ANY_MI | BIT(LVH), false},
    [EIN_SC_RBBB] = {apply_rbbb, BIT(LBBB), false},
    [EIN_SC_IRBBB] = {apply_irbbb, BIT(LBBB) | BIT(RBBB), false},
    [EIN_SC_LAFB] = {apply_lafb, BIT(LBBB) | BIT(MI_INFERIOR), false},
    [EIN_SC_PVC] = {apply_pvc, 0, true},
    [EIN_SC_PAC] = {apply_pac, BIT(AF) | BIT(AFL), true},
};

void ein_synth_condition_apply(ein_synth_condition condition, ein_synth_heart *heart, const double *p,
                               ein_stream *stream) {
    rows[condition].apply(heart, p, stream);
}

uint32_t ein_synth_condition_excluded_by(ein_synth_condition condition) {
    return rows[condition].excluded_by;
}

bool ein_synth_condition_of_day(ein_synth_condition condition) {
    return rows[condition].of_day;
}
