#include <string.h>

#include "core/synth/heart.h"

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
    heart->p_gain = 0;
    heart->rr_cv = p[EIN_SP_AF_RR_CV] * ein_stream_between(s, 0.8, 1.25);
    heart->f_mv = ein_stream_lognormal(s, p[EIN_SP_AF_F_MV], 0.5);
    heart->f_hz = ein_stream_normal_in(s, p[EIN_SP_AF_F_HZ], 0.8, 4, 9);
}

static void apply_afl(ein_synth_heart *heart, const double *p, ein_stream *s) {
    heart->rhythm = EIN_RHYTHM_FLUTTER;
    heart->p_gain = 0;
    heart->f_mv = ein_stream_lognormal(s, p[EIN_SP_AFL_F_MV], 0.3);
    heart->f_hz = ein_stream_normal_in(s, p[EIN_SP_AFL_F_HZ], 0.4, 3.6, 6);
}

/* A regular, fast rhythm; P waves lie in the QRS and T waves. Page et al. 2016 (Circulation 133:e506). */
static void apply_svt(ein_synth_heart *heart, const double *p, ein_stream *s) {
    heart->p_gain = 0;
    heart->rsa_ms *= 0.05;
    heart->lf_ms *= 0.05;
    heart->wave[EIN_SW_ST].v[1] -= 0.03 * ein_stream_between(s, 0.5, 1.5);
    (void)p;
}

/* Rates below 60 and above 100 are drawn with the rate of the day. */
static void apply_rate(ein_synth_heart *heart, const double *p, ein_stream *s) {
    (void)heart, (void)p, (void)s;
}

static void apply_iavb(ein_synth_heart *heart, const double *p, ein_stream *s) {
    heart->pr_ms = ein_stream_normal_in(s, p[EIN_SP_IAVB_PR], p[EIN_SP_IAVB_SD], 204, 380);
}

/* Blocks between atria and ventricles: Kusumoto et al. 2019 (JACC 74:e51). */
static void apply_mobitz1(ein_synth_heart *heart, const double *p, ein_stream *s) {
    heart->av = EIN_AV_WENCKEBACH;
    heart->pr_ms = ein_stream_normal_in(s, 190, 15, 160, 230);
    (void)p;
}

static void apply_avb2(ein_synth_heart *heart, const double *p, ein_stream *s) {
    heart->av = EIN_AV_TWO_TO_ONE;
    (void)p, (void)s;
}

/* The wall that lies where T would point to. */
static void flip_t(ein_synth_heart *heart, const double wall[3], double k) {
    const double *t = heart->wave[EIN_SW_T].v;
    const double along = t[0] * wall[0] + t[1] * wall[1] + t[2] * wall[2];
    const double change = -k * fmax(2 * along, 0.25);
    add(heart, EIN_SW_T, change, wall[0], wall[1], wall[2]);
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
    if (acute) heart->signs |= EIN_SIGN_ST_ELEVATION;
    if (!acute && t_mv * k > 0.1) heart->signs |= EIN_SIGN_T_INVERSION;
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

/* The mirror image of Q waves and inverted T: tall R and upright T in V1 and V2. Thygesen et al. 2018. */
static void apply_mi_posterior(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double k = strength(p, EIN_SP_PMI_STRENGTH, s);
    add(heart, EIN_SW_Q2, k, 0, 0, -0.12);
    add(heart, EIN_SW_Q3, k, -0.05, 0, -0.58);
    add(heart, EIN_SW_Q4, k, -0.08, 0, -0.80);
    add(heart, EIN_SW_Q5, k, 0, 0, -0.34);
    add(heart, EIN_SW_T, k, -0.02, 0, -0.14);
}

/* More voltage to the left and back; with strain, ST and T opposite to the QRS; often a broad left P.
 * Hancock et al. 2009 (JACC 53:992). */
static void apply_lvh(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double k = strength(p, EIN_SP_LVH_STRENGTH, s);
    add(heart, EIN_SW_Q3, k, 0.48, 0.09, 0.26);
    add(heart, EIN_SW_Q4, k, 0.48, 0.08, 0.38);
    add(heart, EIN_SW_Q5, k, 0.04, 0.01, 0.20);
    if (ein_stream_uniform(s) < p[EIN_SP_LVH_STRAIN]) {
        heart->signs |= EIN_SIGN_ST_DEPRESSION | EIN_SIGN_T_INVERSION;
        const double strain = ein_stream_lognormal(s, k, 0.3);
        add(heart, EIN_SW_ST, strain, -0.09, -0.04, -0.06);
        add(heart, EIN_SW_T, strain, -0.36, -0.14, -0.06);
    } else {
        add(heart, EIN_SW_T, k, -0.07, -0.02, -0.02);
    }
    if (ein_stream_uniform(s) < 0.35) scale(heart, EIN_SW_P_LEFT, 1.4, 1.1, 1.9);
}

/* More voltage to the right and front, late; with strain T turns away from it in V1 to V3. Hancock et al. 2009. */
static void apply_rvh(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double k = strength(p, EIN_SP_RVH_STRENGTH, s);
    add(heart, EIN_SW_Q2, k, -0.05, 0.04, -0.14);
    add(heart, EIN_SW_Q3, k, -0.62, 0.12, -0.58);
    add(heart, EIN_SW_Q4, k, -0.82, 0.15, -0.80);
    add(heart, EIN_SW_Q5, k, -0.34, 0.10, -0.44);
    scale(heart, EIN_SW_P_RIGHT, 1.1, 1 + 0.5 * fmin(k, 2), 1.2);
    if (!(ein_stream_uniform(s) < p[EIN_SP_RVH_STRAIN])) return;
    heart->signs |= EIN_SIGN_T_INVERSION;
    add(heart, EIN_SW_ST, k, 0.02, -0.01, 0.04);
    add(heart, EIN_SW_T, k, 0.05, -0.06, 0.42);
}

/* Secondary lengthening: repolarisation follows the longer QRS. */
static void delay_repolarisation(ein_synth_heart *heart, double qrs_ms) {
    heart->late_ms += qrs_ms - heart->qrs_ms;
    heart->wave[EIN_SW_ST].at_ms += qrs_ms - heart->qrs_ms;
    heart->qrs_ms = qrs_ms;
}

/* Activation through muscle: six vectors in the place of the normal ones, spread over `qrs_ms`. */
static void replace_qrs(ein_synth_heart *heart, const double qrs[6][3], double left, double k,
                        double qrs_ms) {
    const double stretch = qrs_ms / heart->qrs_ms;
    for (int w = EIN_SW_Q1; w <= EIN_SW_Q6; w++) {
        const double *v = qrs[w - EIN_SW_Q1];
        set(heart, (ein_synth_wave_name)w, k * left * v[0], k * v[1], k * v[2]);
        heart->wave[w].at_ms *= stretch;
        heart->wave[w].rise_ms *= stretch;
        heart->wave[w].fall_ms *= stretch;
    }
    delay_repolarisation(heart, qrs_ms);
}

/* The left ventricle is activated from the right: no septal vector to the right, one broad, slurred, left and
 * posterior force, ST and T opposite. Surawicz et al. 2009 (JACC 53:976); vectors from the mean loop of
 * PTB-XL records labelled CLBBB. */
static void apply_lbbb(ein_synth_heart *heart, const double *p, ein_stream *s) {
    static const double qrs[6][3] = {{0.09, 0.02, 0.03}, {0.22, 0.28, 0.76},  {0.31, 0.46, 1.48},
                                     {0.29, 0.34, 1.38}, {0.22, -0.03, 0.76}, {0.06, -0.03, 0.16}};
    const double k = strength(p, EIN_SP_LBBB_STRENGTH, s);
    const double left = ein_stream_between(s, 0.8, 2.8); /* leftward forces differ most */
    const double qrs_ms = ein_stream_normal_in(s, p[EIN_SP_LBBB_QRS], p[EIN_SP_BBB_SD], 122, 220);
    replace_qrs(heart, qrs, left, k, qrs_ms);
    set(heart, EIN_SW_ST, -0.05 * k * left, -0.02 * k, -0.16 * k);
    set(heart, EIN_SW_T_EARLY, -0.04 * k * left, -0.02 * k, -0.20 * k);
    set(heart, EIN_SW_T, -0.08 * k * left, 0.05 * k, -0.95 * k);
    heart->wave[EIN_SW_T].fall_ms *= 1.35;
}

/* Pacing in the apex of the right ventricle: spike, then a broad force to the left, back and upwards, ST and T
 * opposite. The pacemaker follows P waves or has a fixed rate. Kligfield et al. 2007; vectors: those of LBBB, turned
 * upwards. */
static void apply_pace(ein_synth_heart *heart, const double *p, ein_stream *s) {
    static const double qrs[6][3] = {{0.10, -0.10, 0.02}, {0.35, -0.45, 0.45}, {0.50, -0.85, 1.10},
                                     {0.45, -0.90, 1.15}, {0.30, -0.60, 0.70}, {0.08, -0.20, 0.16}};
    const double k = ein_stream_lognormal(s, 1, 0.2), left = ein_stream_between(s, 0.7, 1.6);
    const double spike = ein_stream_lognormal(s, p[EIN_SP_PACE_SPIKE_MV], 0.5);
    replace_qrs(heart, qrs, left, k, ein_stream_normal_in(s, p[EIN_SP_PACE_QRS], 12, 124, 220));
    set(heart, EIN_SW_SPIKE, 0.55 * spike, -0.75 * spike, -0.35 * spike);
    set(heart, EIN_SW_ST, -0.06 * k * left, 0.09 * k, -0.13 * k);
    set(heart, EIN_SW_T_EARLY, -0.05 * k * left, 0.10 * k, -0.16 * k);
    set(heart, EIN_SW_T, -0.20 * k * left, 0.48 * k, -0.60 * k);
    heart->wave[EIN_SW_T].fall_ms *= 1.3;
    heart->pr_ms = ein_stream_normal_in(s, 165, 12, 130, 198);
    if (ein_stream_uniform(s) < p[EIN_SP_PACE_DUAL]) return;
    heart->fixed_rate = true;
    heart->p_gain = 0;
    heart->rsa_ms = heart->lf_ms = 0;
    heart->jitter_ms = 0.5;
}

/* P waves and an escape rhythm that knows nothing of them; half of the escapes are ventricular and broad. */
static void apply_avb3(ein_synth_heart *heart, const double *p, ein_stream *s) {
    static const double qrs[6][3] = {{0.05, 0.05, -0.05}, {0.15, 0.20, 0.30}, {0.45, 0.30, 0.95},
                                     {0.50, 0.20, 1.05},  {0.30, 0.02, 0.60}, {0.08, -0.02, 0.14}};
    (void)p;
    heart->av = EIN_AV_COMPLETE;
    if (ein_stream_uniform(s) < 0.5) return;
    const double left = ein_stream_between(s, 0.6, 1.6);
    replace_qrs(heart, qrs, left, 1, ein_stream_normal_in(s, 140, 10, 122, 180));
    set(heart, EIN_SW_ST, -0.06, -0.02, -0.12);
    set(heart, EIN_SW_T, -0.25, -0.05, -0.50);
}

/* The right ventricle is activated late: after a normal start a slow vector to the right and front; T turns
 * away from it. Surawicz et al. 2009; sizes from PTB-XL records labelled CRBBB. `k` 0.3 makes the incomplete
 * block. */
static void late_right_forces(ein_synth_heart *heart, double k, double qrs_ms) {
    add(heart, EIN_SW_Q3, k, -0.14, 0, -0.06);
    add(heart, EIN_SW_Q4, k, -0.22, 0, -0.42);
    add(heart, EIN_SW_Q5, k, -0.02, 0, -0.40);
    add(heart, EIN_SW_Q6, k, -0.20, -0.02, -0.26);
    add(heart, EIN_SW_LATE1, k, -0.29, -0.03, -0.46);
    add(heart, EIN_SW_LATE2, k, -0.22, -0.02, -0.36);
    heart->wave[EIN_SW_LATE1].at_ms = qrs_ms - 46;
    heart->wave[EIN_SW_LATE2].at_ms = qrs_ms - 25;
    add(heart, EIN_SW_T_EARLY, k, 0.02, 0.02, 0.12);
    add(heart, EIN_SW_T, k, -0.02, 0, 0.27);
    delay_repolarisation(heart, qrs_ms);
}

static void apply_rbbb(ein_synth_heart *heart, const double *p, ein_stream *s) {
    /* R' in V1 differs less between people than other effects do. */
    const double k = ein_stream_lognormal(s, p[EIN_SP_RBBB_STRENGTH], 0.5 * p[EIN_SP_EFFECT_LOG_SD]);
    late_right_forces(heart, k, ein_stream_normal_in(s, p[EIN_SP_RBBB_QRS], p[EIN_SP_BBB_SD], 122, 220));
}

static void apply_irbbb(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double k = 0.30 * strength(p, EIN_SP_RBBB_STRENGTH, s);
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

/* The other fascicle: activation starts upwards and left and ends downwards and right, axis 90 to 180 degrees.
 * Surawicz et al. 2009; sizes: such that the axis turns there. */
static void apply_lpfb(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double k = strength(p, EIN_SP_LPFB_STRENGTH, s);
    add(heart, EIN_SW_Q2, k, 0.08, -0.10, 0);
    add(heart, EIN_SW_Q3, k, -0.72, 0.28, 0);
    add(heart, EIN_SW_Q4, k, -0.85, 0.42, 0);
    add(heart, EIN_SW_Q5, k, -0.20, 0.30, 0);
}

/* Acute injury of the anteroseptal wall before Q waves: ST and T point to it. Thygesen et al. 2018. */
static void apply_injury(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double st = ein_stream_lognormal(s, p[EIN_SP_INJURY_MV], 0.35);
    heart->signs |= EIN_SIGN_ST_ELEVATION;
    add(heart, EIN_SW_ST, st, 0.35, 0.05, -0.93);
    add(heart, EIN_SW_T_EARLY, 0.8 * st, 0.35, 0.05, -0.93);
    add(heart, EIN_SW_T, 0.5 * st, 0.35, 0.05, -0.93);
}

/* Ischaemia: ST turns away from the wall, T too, or both. Which leads lie over a wall: Wagner et al. 2009 (JACC
 * 53:1003). */
static void ischaemia(ein_synth_heart *heart, const double *p, const double wall[3], ein_stream *s) {
    const double u = ein_stream_uniform(s), k = ein_stream_lognormal(s, 1, p[EIN_SP_EFFECT_LOG_SD]);
    const double st = u < 0.75 ? k * p[EIN_SP_ISC_ST_MV] : 0,
                 t = u > 0.25 ? k * p[EIN_SP_ISC_T] : 0.4 * p[EIN_SP_ISC_T];
    if (st > 0) heart->signs |= EIN_SIGN_ST_DEPRESSION;
    if (u > 0.25 && t > 0) heart->signs |= EIN_SIGN_T_INVERSION;
    add(heart, EIN_SW_ST, -st, wall[0], wall[1], wall[2]);
    flip_t(heart, wall, t);
}

static void apply_isc_anterior(ein_synth_heart *heart, const double *p, ein_stream *s) {
    static const double wall[3] = {0.72, 0.05, -0.69};
    ischaemia(heart, p, wall, s);
}
static void apply_isc_inferior(ein_synth_heart *heart, const double *p, ein_stream *s) {
    static const double wall[3] = {0.10, 0.99, 0.10};
    ischaemia(heart, p, wall, s);
}
static void apply_isc_lateral(ein_synth_heart *heart, const double *p, ein_stream *s) {
    static const double wall[3] = {0.96, -0.15, 0.22};
    ischaemia(heart, p, wall, s);
}

/* Rautaharju et al. 2009 (JACC 53:982): long from 450 ms in men, 460 ms in women. */
static void apply_long_qt(ein_synth_heart *heart, const double *p, ein_stream *s) {
    heart->qtc_ms = ein_stream_normal_in(s, p[EIN_SP_LONG_QT_MS], p[EIN_SP_LONG_QT_SD], 475, 640);
}

/* Every limb lead below 0.5 mV: Kligfield et al. 2007. */
static void apply_low_voltage(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double factor = fmin(ein_stream_lognormal(s, p[EIN_SP_LOW_VOLTAGE_FACTOR], 0.15), 1);
    ein_synth_heart_scale(heart, EIN_SW_Q1, EIN_SW_LATE2, factor);
    ein_synth_heart_scale(heart, EIN_SW_T_EARLY, EIN_SW_T, 0.5 + 0.5 * factor);
}

static void apply_ndt(ein_synth_heart *heart, const double *p, ein_stream *s) {
    ein_synth_heart_scale(heart, EIN_SW_T_EARLY, EIN_SW_T,
                          1 - fmin(p[EIN_SP_NDT_STRENGTH] * ein_stream_between(s, 0.7, 1.3), 1.3));
}

static void apply_nst(ein_synth_heart *heart, const double *p, ein_stream *s) {
    const double st = ein_stream_lognormal(s, p[EIN_SP_NST_MV], 0.3);
    add(heart, EIN_SW_ST, -st, 0.8, 0.5, -0.3);
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

static void apply_bigeminy(ein_synth_heart *heart, const double *p, ein_stream *s) {
    apply_pvc(heart, p, s);
    heart->bigeminy = true;
}

static void apply_pac(ein_synth_heart *heart, const double *p, ein_stream *s) {
    (void)p, (void)s;
    heart->pac = true;
}

#define BIT(c)    EIN_SC_BIT(EIN_SC_##c)
#define NOT_SINUS (BIT(AF) | BIT(AFL) | BIT(PACE))
#define AV_BLOCKS (BIT(AVB3) | BIT(MOBITZ1) | BIT(AVB2))
#define ISCHAEMIA (BIT(ISC_ANTERIOR) | BIT(ISC_INFERIOR) | BIT(ISC_LATERAL))
#define BROAD     (BIT(PACE) | BIT(LBBB))

/* Labels that nobody could read are not given: pacing and LBBB hide infarction, hypertrophy and ischaemia. What is of
 * the day hides nothing of the person. */
static const struct {
    void (*apply)(ein_synth_heart *heart, const double *p, ein_stream *stream);
    uint64_t excluded_by;
    bool of_day;
} rows[EIN_SC_COUNT] = {
    [EIN_SC_AF] = {apply_af, 0, false},
    [EIN_SC_AFL] = {apply_afl, BIT(AF), false},
    [EIN_SC_PACE] = {apply_pace, BIT(AF) | BIT(AFL), false},
    [EIN_SC_AVB3] = {apply_avb3, NOT_SINUS, false},
    [EIN_SC_MOBITZ1] = {apply_mobitz1, NOT_SINUS | BIT(AVB3), false},
    [EIN_SC_AVB2] = {apply_avb2, NOT_SINUS | BIT(AVB3) | BIT(MOBITZ1), false},
    [EIN_SC_IAVB] = {apply_iavb, NOT_SINUS | AV_BLOCKS, false},
    [EIN_SC_SVT] = {apply_svt, NOT_SINUS | AV_BLOCKS | BIT(IAVB), true},
    [EIN_SC_SB] = {apply_rate, NOT_SINUS | AV_BLOCKS | BIT(SVT), true},
    [EIN_SC_ST] = {apply_rate, NOT_SINUS | AV_BLOCKS | BIT(SVT) | BIT(SB), true},
    [EIN_SC_MI_INFERIOR] = {apply_mi_inferior, BIT(PACE), false},
    [EIN_SC_MI_ANTERIOR] = {apply_mi_anterior, BIT(PACE), false},
    [EIN_SC_MI_LATERAL] = {apply_mi_lateral, BIT(PACE), false},
    [EIN_SC_MI_POSTERIOR] = {apply_mi_posterior, BIT(PACE) | BIT(MI_ANTERIOR), false},
    [EIN_SC_LVH] = {apply_lvh, BIT(PACE), false},
    [EIN_SC_RVH] = {apply_rvh, BIT(PACE) | BIT(LVH) | BIT(MI_LATERAL) | BIT(MI_POSTERIOR), false},
    [EIN_SC_LBBB] = {apply_lbbb, BIT(PACE) | EIN_SC_ANY_MI | BIT(LVH) | BIT(RVH), false},
    [EIN_SC_RBBB] = {apply_rbbb, BROAD | BIT(RVH), false},
    [EIN_SC_IRBBB] = {apply_irbbb, BROAD | BIT(RVH) | BIT(RBBB), false},
    [EIN_SC_LAFB] = {apply_lafb, BROAD | BIT(RVH) | BIT(MI_INFERIOR), false},
    [EIN_SC_LPFB] = {apply_lpfb, BROAD | BIT(RVH) | BIT(MI_LATERAL) | BIT(LAFB), false},
    [EIN_SC_ISC_ANTERIOR] = {apply_isc_anterior, BROAD, false},
    [EIN_SC_ISC_INFERIOR] = {apply_isc_inferior, BROAD | BIT(ISC_ANTERIOR), false},
    [EIN_SC_ISC_LATERAL] = {apply_isc_lateral, BROAD | BIT(ISC_ANTERIOR) | BIT(ISC_INFERIOR), false},
    [EIN_SC_LONG_QT] = {apply_long_qt, BROAD | BIT(AF) | BIT(AFL), false},
    [EIN_SC_LOW_VOLTAGE] = {apply_low_voltage, BROAD | BIT(LVH) | BIT(RVH), false},
    [EIN_SC_NDT] = {apply_ndt, BROAD | ISCHAEMIA, false},
    [EIN_SC_NST] = {apply_nst, BROAD | ISCHAEMIA | BIT(NDT), false},
    [EIN_SC_INJURY] = {apply_injury, BROAD | EIN_SC_ANY_MI | ISCHAEMIA | BIT(NDT) | BIT(NST), true},
    [EIN_SC_BIGEMINY] = {apply_bigeminy, NOT_SINUS | AV_BLOCKS | BIT(SVT), true},
    [EIN_SC_PVC] = {apply_pvc, AV_BLOCKS | BIT(SVT) | BIT(BIGEMINY), true},
    [EIN_SC_PAC] = {apply_pac, NOT_SINUS | AV_BLOCKS | BIT(SVT) | BIT(BIGEMINY), true},
};

void ein_synth_condition_apply(ein_synth_condition condition, ein_synth_heart *heart, const double *p,
                               ein_stream *stream) {
    rows[condition].apply(heart, p, stream);
}

uint64_t ein_synth_condition_excluded_by(ein_synth_condition condition) {
    return rows[condition].excluded_by;
}

bool ein_synth_condition_of_day(ein_synth_condition condition) {
    return rows[condition].of_day;
}
