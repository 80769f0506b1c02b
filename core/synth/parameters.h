/* Conditions and parameters of the synthetic ECGs, as two tables from which everything else is made:
 * the enumerations, the defaults, the range checks, the keys of the YAML configuration and its help.
 *
 * A new finding is one row of EIN_SYNTH_CONDITIONS and one apply function in core/synth/condition.c; a
 * new effect size is one row of EIN_SYNTH_PARAMETERS.  The row order is the order in which conditions
 * are drawn, and a row's position is its bit among a person's labels.
 */
#ifndef EIN_CORE_SYNTH_PARAMETERS_H
#define EIN_CORE_SYNTH_PARAMETERS_H

/* clang-format off */

/* X(ID, key, label column, SNOMED CT code, prevalence, odds ratio per decade of age, of men against women, text)
 *
 * Default prevalences are of the order of PTB-XL, a clinical archive (Wagner et al. 2020, Sci Data 7:154).
 * Age and sex: atrial fibrillation, Go et al. 2001 (JAMA 285:2370); conduction and ectopy, Hiss and Lamb
 * 1962 (Circulation 25:947) and Mason et al. 2007 (J Electrocardiol 40:228), rounded.  SNOMED codes as in
 * the PhysioNet/CinC Challenge 2020 and 2021. */
#define EIN_SYNTH_CONDITIONS(X) \
    X(AF, "af", "AF", "164889003", 0.06, 2.0, 1.4, "atrial fibrillation") \
    X(AFL, "afl", "AFL", "164890007", 0.008, 1.8, 2.0, "atrial flutter") \
    X(PACE, "pace", "PACE", "10370003", 0.013, 2.0, 1.3, "ventricular pacing") \
    X(AVB3, "avb3", "IIIAVB", "27885002", 0.003, 1.7, 1.3, "third-degree AV block") \
    X(MOBITZ1, "mobitz1", "MOBITZ1", "54016002", 0.003, 1.4, 1.5, "second-degree AV block, Mobitz I") \
    X(AVB2, "avb2", "AVB2TO1", "195042002", 0.003, 1.7, 1.3, "second-degree AV block, 2:1") \
    X(IAVB, "iavb", "IAVB", "270492004", 0.04, 1.6, 1.5, "first-degree AV block, PR above 200 ms") \
    X(SVT, "svt", "SVT", "426761007", 0.004, 1.1, 0.7, "supraventricular tachycardia") \
    X(SB, "sb", "SB", "426177001", 0.12, 1.0, 1.4, "sinus bradycardia, rate below 60/min") \
    X(ST, "st", "ST", "427084000", 0.04, 0.9, 0.9, "sinus tachycardia, rate above 100/min") \
    X(MI_INFERIOR, "mi_inferior", "IMI", "54329005", 0.07, 1.5, 1.9, "inferior myocardial infarction") \
    X(MI_ANTERIOR, "mi_anterior", "AMI", "54329005", 0.06, 1.5, 1.9, "anteroseptal myocardial infarction") \
    X(MI_LATERAL, "mi_lateral", "LMI", "54329005", 0.02, 1.5, 1.9, "lateral myocardial infarction") \
    X(MI_POSTERIOR, "mi_posterior", "PMI", "54329005", 0.005, 1.5, 1.9, "posterior myocardial infarction") \
    X(LVH, "lvh", "LVH", "164873001", 0.09, 1.2, 1.2, "left ventricular hypertrophy") \
    X(RVH, "rvh", "RVH", "89792004", 0.008, 1.1, 1.0, "right ventricular hypertrophy") \
    X(LBBB, "lbbb", "LBBB", "164909002", 0.025, 1.8, 1.0, "complete left bundle branch block") \
    X(RBBB, "rbbb", "RBBB", "59118001", 0.03, 1.7, 1.9, "complete right bundle branch block") \
    X(IRBBB, "irbbb", "IRBBB", "713426002", 0.04, 1.0, 1.5, "incomplete right bundle branch block") \
    X(LAFB, "lafb", "LAFB", "445118002", 0.05, 1.5, 1.6, "left anterior fascicular block") \
    X(LPFB, "lpfb", "LPFB", "445211001", 0.008, 1.4, 1.5, "left posterior fascicular block") \
    X(ISC_ANTERIOR, "isc_anterior", "ISCAL", "426434006", 0.03, 1.4, 1.2, "anterolateral ischaemia") \
    X(ISC_INFERIOR, "isc_inferior", "ISCIN", "425419005", 0.012, 1.4, 1.2, "inferior ischaemia") \
    X(ISC_LATERAL, "isc_lateral", "ISCLA", "425623009", 0.008, 1.4, 1.2, "lateral ischaemia") \
    X(LONG_QT, "long_qt", "LQT", "111975006", 0.01, 1.1, 0.7, "long QT interval") \
    X(LOW_VOLTAGE, "low_voltage", "LVOLT", "251146004", 0.01, 1.3, 1.0, "low QRS voltages") \
    X(NDT, "ndt", "NDT", "164934002", 0.06, 1.2, 0.8, "non-diagnostic T wave abnormality") \
    X(NST, "nst", "NST", "428750005", 0.03, 1.2, 0.8, "non-specific ST changes") \
    X(INJURY, "injury", "INJ", "164931005", 0.01, 1.2, 1.8, "acute anteroseptal injury, ST elevation") \
    X(BIGEMINY, "bigeminy", "BIGU", "11157007", 0.004, 1.4, 1.2, "ventricular bigeminy") \
    X(PVC, "pvc", "PVC", "427172004", 0.05, 1.4, 1.2, "ventricular premature beats") \
    X(PAC, "pac", "PAC", "284470004", 0.04, 1.5, 1.0, "atrial premature beats")

/* X(ID, key, default, least, greatest, unit, help)
 *
 * Amplitudes without another source are calibrated on the median beats of PTB-XL records labelled normal,
 * seen through the Dower matrix (core/synth/heart.c). */
#define EIN_SYNTH_PARAMETERS(X) \
    X(FS_HZ, "signal.fs_hz", 500, 50, 4000, "Hz", "sampling rate") \
    X(DURATION_S, "signal.duration_s", 10, 5, 3600, "s", "length of a recording") \
    /* Kligfield et al. 2007 (Circulation 115:1306): low-frequency cutoff of 0.05 Hz. */                         \
    X(HIGH_PASS_HZ, "signal.high_pass_hz", 0.05, 0, 5, "Hz", "AC coupling of the recorder, first order; 0: none") \
    X(LOW_PASS_HZ, "signal.low_pass_hz", 0, 0, 2000, "Hz", "analogue bandwidth, second order; 0: none") \
    X(FILTER_SHARE, "signal.filter_share", 0, 0, 1, "", "share of recordings through a narrower filter") \
    X(FILTER_HZ, "signal.filter_hz", 40, 1, 2000, "Hz", "its bandwidth") \
    /* --- who ------------------------------------------------------------------------------------ */ \
    X(AGE_MEAN, "cohort.age_mean", 60, 0, 120, "years", "mean age at the first ECG, before the limits cut") \
    X(AGE_SD, "cohort.age_sd", 17, 0, 60, "years", "its standard deviation") \
    X(AGE_MIN, "cohort.age_min", 18, 0, 120, "years", "youngest") \
    X(AGE_MAX, "cohort.age_max", 95, 0, 120, "years", "oldest") \
    X(MALE, "cohort.male", 0.52, 0, 1, "", "share of men") \
    X(BMI_MEAN, "cohort.bmi_median", 26.5, 15, 60, "kg/m2", "median body mass index") \
    X(BMI_LOG_SD, "cohort.bmi_log_sd", 0.17, 0, 1, "", "its logarithm's standard deviation") \
    X(ECGS, "cohort.ecgs_per_patient", 1.3, 1, 20, "", "mean number of recordings per patient") \
    X(VISIT_YEARS, "cohort.years_between", 1.5, 0, 20, "years", "mean time between a patient's recordings") \
    /* --- rhythm: Mason et al. 2007 for rates; Umetani et al. 1998 (JACC 31:593) for HRV and age --- */ \
    X(RATE_MEAN, "heart.rate_bpm", 69, 30, 200, "/min", "mean sinus rate, kept within 60 to 100") \
    X(RATE_SD, "heart.rate_sd", 11, 0, 60, "/min", "its standard deviation over recordings") \
    X(HRV_RSA_MS, "heart.rsa_ms", 30, 0, 300, "ms", "median amplitude of respiratory sinus arrhythmia at 50") \
    X(HRV_LF_MS, "heart.lf_ms", 22, 0, 300, "ms", "median amplitude of the 0.1 Hz oscillation of RR at 50") \
    X(HRV_JITTER_MS, "heart.rr_jitter_ms", 5, 0, 100, "ms", "standard deviation of the rest of RR variability") \
    X(HRV_PER_DECADE, "heart.hrv_per_decade", 0.82, 0.1, 2, "", "factor on RR variability per decade of age") \
    X(RESP_HZ, "heart.resp_hz", 0.26, 0.1, 0.6, "Hz", "median respiratory rate") \
    X(SB_RATE, "effect.sb.rate_bpm", 55, 30, 59, "/min", "mean rate in sinus bradycardia, below 60") \
    X(SB_SD, "effect.sb.rate_sd", 4, 0, 20, "/min", "its standard deviation") \
    X(ST_RATE, "effect.st.rate_bpm", 113, 101, 200, "/min", "mean rate in sinus tachycardia, above 100") \
    X(ST_SD, "effect.st.rate_sd", 10, 0, 40, "/min", "its standard deviation") \
    /* Tateno and Glass 2001 (Med Biol Eng Comput 39:664): RR of AF has SD / mean of about 0.24. */ \
    X(AF_RATE, "effect.af.rate_bpm", 92, 30, 200, "/min", "mean ventricular rate in atrial fibrillation") \
    X(AF_RATE_SD, "effect.af.rate_sd", 26, 0, 60, "/min", "its standard deviation over recordings") \
    X(AF_RR_CV, "effect.af.rr_cv", 0.22, 0, 0.6, "", "coefficient of variation of RR within a recording") \
    /* Stridh and Sornmo 2001 (IEEE TBME 48:105): f waves as modulated sawtooth of 4 to 9 Hz. */ \
    X(AF_F_MV, "effect.af.f_wave_mv", 0.045, 0, 1, "mV", "median dipole amplitude of f waves") \
    X(AF_F_HZ, "effect.af.f_wave_hz", 6.3, 3, 12, "Hz", "mean rate of f waves") \
    X(AFL_F_MV, "effect.afl.f_wave_mv", 0.13, 0, 1, "mV", "median dipole amplitude of flutter waves") \
    X(AFL_F_HZ, "effect.afl.f_wave_hz", 4.9, 3, 7, "Hz", "mean rate of flutter waves") \
    X(PVC_MV, "effect.pvc.qrs_mv", 1.6, 0, 6, "mV", "median dipole amplitude of a ventricular premature QRS") \
    X(PVC_QRS_MS, "effect.pvc.qrs_ms", 150, 120, 240, "ms", "mean QRS duration of a ventricular premature beat") \
    X(PVC_COUPLING, "effect.pvc.coupling", 0.62, 0.4, 0.9, "", "mean coupling interval, as a share of RR") \
    X(PAC_COUPLING, "effect.pac.coupling", 0.70, 0.4, 0.9, "", "the same of an atrial premature beat") \
    X(ECTOPIC_RATE, "effect.ectopic_extra", 0.8, 0, 20, "", "mean number of premature beats beyond the first") \
    /* --- intervals: Mason et al. 2007; Rijnbeek et al. 2014 (J Electrocardiol 47:914) ---------------- */ \
    X(PR_MS, "heart.pr_ms", 155, 80, 200, "ms", "mean PR interval at 50 years and 70/min, kept below 200") \
    X(PR_SD, "heart.pr_sd", 20, 0, 60, "ms", "its standard deviation") \
    X(PR_PER_DECADE, "heart.pr_per_decade_ms", 3, -20, 20, "ms", "its change per decade of age") \
    X(IAVB_PR, "effect.iavb.pr_ms", 232, 202, 400, "ms", "mean PR interval in first-degree AV block, above 200") \
    X(IAVB_SD, "effect.iavb.pr_sd", 25, 0, 80, "ms", "its standard deviation") \
    X(QRS_MS, "heart.qrs_ms", 89, 60, 115, "ms", "mean QRS duration of women with normal conduction") \
    X(QRS_LOG_SD, "heart.qrs_log_sd", 0.07, 0, 0.3, "", "its logarithm's standard deviation") \
    X(QRS_MALE, "heart.qrs_male", 1.07, 0.8, 1.4, "", "factor on it in men") \
    X(LBBB_QRS, "effect.lbbb.qrs_ms", 144, 122, 220, "ms", "mean QRS duration in LBBB, above 120") \
    X(RBBB_QRS, "effect.rbbb.qrs_ms", 140, 122, 220, "ms", "mean QRS duration in RBBB, above 120") \
    X(IRBBB_QRS, "effect.irbbb.qrs_ms", 111, 100, 119, "ms", "mean QRS duration in incomplete RBBB") \
    X(BBB_SD, "effect.bbb.qrs_sd", 9, 0, 40, "ms", "standard deviation of the three") \
    /* QT = QTc (RR / 1 s)^b; b: 1/2 Bazett 1920, 1/3 Fridericia 1920; Rautaharju et al. 2009 (JACC 53:982). */ \
    X(QTC_MS, "heart.qtc_ms", 382, 300, 550, "ms", "mean QT of men at 60/min") \
    X(QTC_SD, "heart.qtc_sd", 17, 0, 60, "ms", "its standard deviation") \
    X(QTC_FEMALE, "heart.qtc_female_ms", 11, -50, 50, "ms", "what women have more") \
    X(QTC_PER_DECADE, "heart.qtc_per_decade_ms", 3, -20, 20, "ms", "its change per decade of age") \
    X(QT_EXPONENT, "heart.qt_exponent", 0.38, 0, 1, "", "power of RR; 0.5 is Bazett's, 0.333 Fridericia's") \
    X(QT_MEMORY, "heart.qt_memory", 0.7, 0, 1, "", "weight of the mean RR, against the last one, in QT") \
    /* --- amplitudes ------------------------------------------------------------------------------ */ \
    X(AMPLITUDE_LOG_SD, "heart.amplitude_log_sd", 0.2, 0, 1, "", "log SD over persons of all QRS amplitudes") \
    X(QRS_VECTOR_SD, "heart.qrs_vector_sd_mv", 0.15, 0, 1, "mV", "SD over persons of each QRS vector, per axis") \
    X(QRS_DETAIL_MV, "heart.qrs_detail_mv", 0.115, 0, 0.5, "mV", "SD per axis of each small notch in the QRS") \
    X(P_LOG_SD, "heart.p_log_sd", 0.28, 0, 1, "", "log SD over persons of P amplitude") \
    X(T_LOG_SD, "heart.t_log_sd", 0.24, 0, 1, "", "log SD over persons of T amplitude") \
    X(T_VECTOR_SD, "heart.t_vector_sd_mv", 0.032, 0, 1, "mV", "SD over persons of the T vector, per axis") \
    X(ST_VECTOR_SD, "heart.st_vector_sd_mv", 0.016, 0, 1, "mV", "SD over persons of the ST vector, per axis") \
    X(BEAT_SD, "heart.beat_sd", 0.026, 0, 0.5, "", "SD over beats of the amplitude, relative") \
    X(RESP_ROTATION, "heart.resp_rotation_deg", 4, 0, 30, "deg", "median turn of the axis with respiration") \
    X(RESP_AMPLITUDE, "heart.resp_amplitude", 0.03, 0, 0.5, "", "median change of amplitude with respiration") \
    /* Age, sex and build: Rijnbeek et al. 2014; Fraley et al. 2005 (Obes Rev 6:275). */ \
    X(VOLTAGE_FEMALE, "heart.voltage_female", 0.90, 0.3, 2, "", "factor on QRS amplitude in women") \
    X(VOLTAGE_PER_DECADE, "heart.voltage_per_decade", 0.98, 0.5, 2, "", "factor on it per decade of age") \
    X(VOLTAGE_PER_BMI, "heart.voltage_per_bmi", 0.98, 0.8, 1.2, "", "factor on it per kg/m2") \
    X(T_FEMALE, "heart.t_female", 0.78, 0.3, 2, "", "factor on T amplitude in women") \
    X(T_PER_DECADE, "heart.t_per_decade", 0.89, 0.5, 2, "", "factor on it per decade of age") \
    X(T_PER_BMI, "heart.t_per_bmi", 0.972, 0.8, 1.2, "", "factor on it per kg/m2") \
    /* Men have more ST and a steeper T in V1 to V4: Surawicz and Parikh 2002 (JACC 40:1870). */ \
    X(ST_MALE, "heart.st_male_mv", 0.055, -0.5, 0.5, "mV", "what men have more of ST, to the front") \
    X(P_MS_PER_DECADE, "heart.p_length_per_decade", 1.035, 0.5, 2, "", "factor on the length of P per decade of age") \
    X(AXIS_PER_DECADE, "torso.axis_per_decade_deg", -6.5, -30, 30, "deg", "turn of the frontal axis, per decade") \
    X(AXIS_PER_BMI, "torso.axis_per_bmi_deg", -2, -10, 10, "deg", "the same per kg/m2") \
    X(CHEST_PER_BMI, "torso.chest_per_bmi", 0.990, 0.8, 1.2, "", "factor on the chest leads' strength per kg/m2") \
    /* --- torso: Dower et al. 1980 (Clin Cardiol 3:87); spread calibrated ---------------------------- */ \
    X(ROLL_SD, "torso.frontal_sd_deg", 17, 0, 90, "deg", "SD over persons of the turn in the frontal plane") \
    X(YAW_SD, "torso.horizontal_sd_deg", 19, 0, 90, "deg", "SD of the turn in the horizontal plane") \
    X(PITCH_SD, "torso.sagittal_sd_deg", 12, 0, 90, "deg", "SD of the turn in the sagittal plane") \
    X(FIELD_LOG_SD, "torso.lead_log_sd", 0.13, 0, 1, "", "log SD over persons of each chest lead's strength") \
    X(FIELD_SD, "torso.lead_field_sd", 0.08, 0, 1, "", "SD over persons of each element of the lead field") \
    X(NONDIPOLE, "torso.nondipole", 0.12, 0, 1, "", "share of a wave that is not a dipole's, per chest lead") \
    X(PLACEMENT, "torso.placement", 0.05, 0, 1, "", "log SD over a person's recordings of each chest lead") \
    /* --- effects of conditions (sources stand at each apply function) ------------------------------ */ \
    X(EFFECT_LOG_SD, "effect.log_sd", 0.30, 0, 2, "", "log SD over persons of every strength below") \
    X(LVH_STRENGTH, "effect.lvh.strength", 1, 0, 4, "", "strength of LVH voltage") \
    X(LVH_STRAIN, "effect.lvh.strain", 0.5, 0, 1, "", "share of LVH with strain") \
    X(RBBB_STRENGTH, "effect.rbbb.strength", 1.6, 0, 4, "", "strength of the late forces of RBBB") \
    X(LBBB_STRENGTH, "effect.lbbb.strength", 1, 0, 4, "", "strength of LBBB") \
    X(LAFB_STRENGTH, "effect.lafb.strength", 1.1, 0, 4, "", "strength of the axis change of LAFB") \
    X(MI_STRENGTH, "effect.mi.strength", 1.2, 0, 4, "", "strength of Q and T changes of infarction") \
    X(MI_ACUTE, "effect.mi.acute", 0.15, 0, 1, "", "share of infarctions with acute ST elevation") \
    X(MI_ST_MV, "effect.mi.st_mv", 0.18, 0, 2, "mV", "median dipole of acute ST elevation") \
    X(PMI_STRENGTH, "effect.pmi.strength", 1, 0, 4, "", "strength of posterior infarction") \
    X(RVH_STRENGTH, "effect.rvh.strength", 1, 0, 4, "", "strength of RVH voltage") \
    X(RVH_STRAIN, "effect.rvh.strain", 0.6, 0, 1, "", "share of RVH with strain") \
    X(LPFB_STRENGTH, "effect.lpfb.strength", 1, 0, 4, "", "strength of the axis change of LPFB") \
    X(INJURY_MV, "effect.injury.st_mv", 0.24, 0, 2, "mV", "median dipole of ST elevation in acute injury") \
    X(ISC_ST_MV, "effect.isc.st_mv", 0.10, 0, 1, "mV", "median dipole of ST depression in ischaemia") \
    X(ISC_T, "effect.isc.t_inversion", 1, 0, 4, "", "strength of T inversion in ischaemia; 1: as deep as T was high") \
    X(LONG_QT_MS, "effect.long_qt.qtc_ms", 505, 470, 620, "ms", "mean QTc in long QT, above 470") \
    X(LONG_QT_SD, "effect.long_qt.qtc_sd", 20, 0, 80, "ms", "its standard deviation") \
    X(LOW_VOLTAGE_FACTOR, "effect.low_voltage.factor", 0.42, 0.05, 1, "", "median factor on the QRS in low voltage") \
    X(NDT_STRENGTH, "effect.ndt.strength", 0.8, 0, 1.3, "", "share of T lost in T abnormality; above 1: inverted") \
    X(NST_MV, "effect.nst.st_mv", 0.055, 0, 1, "mV", "median dipole of ST depression in non-specific ST changes") \
    X(PACE_RATE, "effect.pace.rate_bpm", 66, 40, 120, "/min", "mean rate of pacing without sensed P waves") \
    X(PACE_DUAL, "effect.pace.dual", 0.5, 0, 1, "", "share of pacing that follows P waves") \
    X(PACE_QRS, "effect.pace.qrs_ms", 160, 122, 220, "ms", "mean duration of a paced QRS") \
    X(PACE_SPIKE_MV, "effect.pace.spike_mv", 0.7, 0, 10, "mV", "median dipole of the pacing spike") \
    X(SVT_RATE, "effect.svt.rate_bpm", 172, 130, 230, "/min", "mean rate in supraventricular tachycardia") \
    X(AVB3_RATE, "effect.avb3.rate_bpm", 40, 20, 58, "/min", "mean rate of the escape rhythm in third-degree block") \
    X(EFFECT_ALL, "effect.all", 1, 0, 1, "", "factor on what labels, age, sex and build do to the signal; 0: nothing") \
    /* --- latent state of the heart: function and flow as PET and echocardiography measure them ------------ \
     *                                                                                                        \
     * Levels: LVEF of populations, Lang et al. 2015 (JASE 28:1); flow, Chareonthaitawee et al. 2001          \
     * (Cardiovasc Res 50:151), higher at rest in women.  How strongly the state depends on who the person is and  \
     * how strongly it acts on the ECG is calibrated: so that an ideal reader of the generating features reaches \
     * the bands of tests/unit/test_synth_latent.c. */ \
    X(LVEF_SHARE, "latent.lvef_below_35", 0.12, 0, 1, "", "share of recordings with LVEF below 35 %") \
    X(MFR_SHARE, "latent.mfr_below_2", 0.45, 0, 1, "", "share of recordings with MFR below 2") \
    X(LVEF_SLOPE, "latent.lvef_slope", 1.5, 0.1, 10, "", "how fast LVEF falls with its liability, logits per SD") \
    X(MFR_LOG_SD, "latent.mfr_log_sd", 0.32, 0, 2, "", "log SD of MFR") \
    X(REST_MBF, "latent.rest_mbf", 0.95, 0.1, 5, "ml/min/g", "median resting flow of men of 60 at 70/min") \
    X(REST_LOG_SD, "latent.rest_log_sd", 0.2, 0, 2, "", "log SD of the part of it that nothing explains") \
    X(REST_FEMALE, "latent.rest_female", 1.13, 0.2, 5, "", "factor on it in women") \
    X(REST_PER_DECADE, "latent.rest_per_decade", 1.03, 0.5, 2, "", "factor on it per decade of age") \
    X(REST_PER_10BPM, "latent.rest_per_10_bpm", 1.09, 0.5, 2, "", "factor on it per 10/min of heart rate") \
    X(TPD_MEDIAN, "latent.tpd", 6, 0, 60, "%", "median total perfusion deficit") \
    X(TPD_SLOPE, "latent.tpd_slope", 1.1, 0, 5, "", "how fast it grows with its liability, logits per SD") \
    X(LATENT_YEARS, "latent.drift_years", 12, 0.1, 1000, "years", \
      "time in which a person's free part loses two thirds") \
    X(LATENT_FREE, "latent.free", 1, 0, 10, "", "weight of the free part in every liability") \
    X(LATENT_COVARIATES, "latent.covariates", 1, 0, 10, "", \
      "weight of age, sex, build and findings in every liability") \
    X(PUMP_QRS, "latent.pump.qrs_amplitude", 0.38, 0, 0.9, "", "share of QRS amplitude lost when LVEF is very low") \
    X(PUMP_QRS_MS, "latent.pump.qrs_ms", 14, 0, 80, "ms", "what QRS is longer then") \
    X(PUMP_T, "latent.pump.t_amplitude", 0.6, 0, 1, "", "share of T lost then") \
    X(PUMP_P, "latent.pump.p_left", 0.2, 0, 4, "", "how much larger the left atrial P is then") \
    X(PUMP_RATE, "latent.pump.rate_bpm", 8, 0, 60, "/min", "how much faster sinus rhythm is then") \
    X(PUMP_HRV, "latent.pump.hrv", 0.5, 0.05, 1, "", "factor on RR variability then") \
    X(PUMP_PVC_ODDS, "latent.pump.pvc_odds", 4, 0.1, 50, "", "odds ratio of premature ventricular beats then") \
    X(FLOW_ST_MV, "latent.flow.st_mv", 0.014, 0, 0.5, "mV", "ST depression per SD of low MFR") \
    X(FLOW_T, "latent.flow.t_amplitude", 0.13, 0, 0.4, "", "share of T lost per SD") \
    X(FLOW_QTC, "latent.flow.qtc_ms", 5, 0, 50, "ms", "what QTc is longer per SD") \
    X(FLOW_HRV, "latent.flow.hrv", 0.8, 0.2, 1, "", "factor on RR variability per SD") \
    X(DEFECT_ST_MV, "latent.defect.st_mv", 0.008, 0, 0.5, "mV", "ST depression per SD of TPD") \
    X(DEFECT_T, "latent.defect.t_amplitude", 0.10, 0, 0.4, "", "share of T lost per SD") \
    X(DEFECT_R, "latent.defect.r_amplitude", 0.07, 0, 0.4, "", "share of the free walls' QRS lost per SD") \
    X(DEFECT_QRS_MS, "latent.defect.qrs_ms", 1.5, 0, 20, "ms", "what QRS is longer per SD") \
    /* --- acquisition: kinds of noise after Moody, Muldrow and Mark 1984 (Comput Cardiol 11:381) ------ */ \
    X(WANDER_UV, "noise.wander_uv", 36, 0, 10000, "uV", "median SD of baseline wander, per electrode") \
    X(WANDER_LOG_SD, "noise.wander_log_sd", 0.95, 0, 3, "", "its log SD over recordings") \
    X(EMG_UV, "noise.emg_uv", 0.8, 0, 1000, "uV", "median SD of muscle noise (20 to 120 Hz), per electrode") \
    X(EMG_LOG_SD, "noise.emg_log_sd", 0.4, 0, 3, "", "its log SD over recordings") \
    X(AMPLIFIER_UV, "noise.amplifier_uv", 0.7, 0, 1000, "uV", "SD of white amplifier noise") \
    X(MAINS_HZ, "noise.mains_hz", 50, 40, 70, "Hz", "mains frequency") \
    X(MAINS_SHARE, "noise.mains_share", 0.04, 0, 1, "", "share of recordings with mains hum") \
    X(MAINS_UV, "noise.mains_uv", 6, 0, 10000, "uV", "its median amplitude there, per electrode") \
    X(MOTION_PER_MIN, "noise.motion_per_min", 0.4, 0, 600, "/min", "mean rate of electrode motion artefacts") \
    X(MOTION_UV, "noise.motion_uv", 250, 0, 20000, "uV", "median size of one") \
    X(MISSING_SHARE, "noise.missing_share", 0, 0, 1, "", "share of recordings with a lead that is missing") \
    X(REVERSAL_SHARE, "noise.reversal_share", 0, 0, 1, "", "share of recordings with the arm electrodes interchanged") \
    X(FLAT_SHARE, "noise.flat_share", 0, 0, 1, "", "share of recordings with a flat lead") \
    X(GAP_SHARE, "noise.gap_share", 0, 0, 1, "", "share of recordings with a gap without samples") \
    X(CLIP_MV, "noise.clip_mv", 10, 0.1, 30, "mV", "largest value that the recorder takes")

/* clang-format on */

#endif
