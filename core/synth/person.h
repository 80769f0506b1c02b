/* What a synthetic recording is made of: the configuration, and a person with heart, geometry and acquisition.
 *
 * The parts of core/synth draw these and act on them; core/synth/synth.h puts them together.
 */
#ifndef EIN_CORE_SYNTH_PERSON_H
#define EIN_CORE_SYNTH_PERSON_H

#include <stdbool.h>
#include <stdint.h>

#include "core/signal/ecg.h"
#include "core/synth/parameters.h"

/* Conditions, EIN_SC_AF ... */
typedef enum {
#define X(id, key, column, snomed, prevalence, age_odds, male_odds, text) EIN_SC_##id,
    EIN_SYNTH_CONDITIONS(X)
#undef X
        EIN_SC_COUNT
} ein_synth_condition;
#define EIN_SC_BIT(condition) (UINT64_C(1) << (condition))
#define EIN_SC_ANY_MI                                                                                  \
    (EIN_SC_BIT(EIN_SC_MI_INFERIOR) | EIN_SC_BIT(EIN_SC_MI_ANTERIOR) | EIN_SC_BIT(EIN_SC_MI_LATERAL) | \
     EIN_SC_BIT(EIN_SC_MI_POSTERIOR))

/* Free parts of the latent state. */
enum { EIN_SYNTH_PUMP, EIN_SYNTH_FLOW, EIN_SYNTH_DEFECT, EIN_SYNTH_LIABILITIES };

/* Parameters: three per condition (EIN_SP_PREVALENCE + c, EIN_SP_AGE_ODDS + c, EIN_SP_MALE_ODDS + c), then
 * EIN_SP_FS_HZ ... */
typedef enum {
    EIN_SP_PREVALENCE = 0,
    EIN_SP_AGE_ODDS = EIN_SC_COUNT,
    EIN_SP_MALE_ODDS = 2 * EIN_SC_COUNT,
    EIN_SP_LAST_OF_CONDITIONS = 3 * EIN_SC_COUNT - 1,
#define X(id, key, initial, min, max, unit, help) EIN_SP_##id,
    EIN_SYNTH_PARAMETERS(X)
#undef X
        EIN_SP_COUNT
} ein_synth_parameter;

/* What is known of a parameter: its key in the configuration, default and range. */
typedef struct {
    const char *key;
    double initial, min, max;
    const char *unit, *help;
} ein_synth_parameter_info;
extern const ein_synth_parameter_info ein_synth_parameters[EIN_SP_COUNT];

typedef struct {
    const char *key;    /* "rbbb" */
    const char *column; /* "RBBB": column of a label table */
    const char *snomed;
    const char *text;
} ein_synth_condition_info;
extern const ein_synth_condition_info ein_synth_conditions[EIN_SC_COUNT];

typedef struct {
    double p[EIN_SP_COUNT];
    /* Set by ein_synth_config_ready: log odds of each condition for a woman of 60 that give its prevalence
     * over the cohort's ages and sexes. */
    double intercept[EIN_SC_COUNT];
    /* The same for the state: mean and SD of each liability over the cohort, and where it is that LVEF is 35 %, MFR 2,
     * TPD its median. */
    double mean[EIN_SYNTH_LIABILITIES], sd[EIN_SYNTH_LIABILITIES], cut[EIN_SYNTH_LIABILITIES];
} ein_synth_config;

/* Defaults of the table. */
void ein_synth_config_default(ein_synth_config *config);

/* Samples per lead of a configuration. */
int64_t ein_synth_samples(const ein_synth_config *config);

/* Leads and electrodes. */
enum { EIN_SYNTH_LEADS = 12, EIN_SYNTH_ELECTRODES = 9 };
typedef enum {
    EIN_ELECTRODE_RA,
    EIN_ELECTRODE_LA,
    EIN_ELECTRODE_LL,
    EIN_ELECTRODE_C1 /* to C6 */
} ein_synth_electrode;

/* Waves of a normally conducted beat. */
typedef enum {
    EIN_SW_P_RIGHT,
    EIN_SW_P_LEFT,
    EIN_SW_P_REPOLARISATION,
    EIN_SW_SPIKE, /* of a pacemaker */
    EIN_SW_Q1,
    EIN_SW_Q2,
    EIN_SW_Q3,
    EIN_SW_Q4,
    EIN_SW_Q5,
    EIN_SW_Q6,
    EIN_SW_LATE1,
    EIN_SW_LATE2,
    EIN_SW_DETAIL1,
    EIN_SW_DETAIL2,
    EIN_SW_DETAIL3,
    EIN_SW_DETAIL4,
    EIN_SW_DETAIL5,
    EIN_SW_ST,
    EIN_SW_T_EARLY,
    EIN_SW_T,
    EIN_SW_U,
    EIN_SW_COUNT
} ein_synth_wave_name;
enum { EIN_SYNTH_PVC_WAVES = 8 };

/* A wave: v exp(-(t - at)^2 / 2 s^2), s = rise before the peak and fall after it. Axes as Frank's: x to
 * the left, y to the feet, z to the back; mV. Times count from the onset of P for P waves, from the peak
 * of T for T and U, from the onset of QRS for the others. */
typedef struct {
    double at_ms, rise_ms, fall_ms;
    double v[3];
} ein_synth_wave;

typedef enum { EIN_RHYTHM_SINUS, EIN_RHYTHM_AF, EIN_RHYTHM_FLUTTER } ein_synth_rhythm;
typedef enum {
    EIN_AV_ONE_TO_ONE,
    EIN_AV_WENCKEBACH, /* PR grows until a P wave is blocked */
    EIN_AV_TWO_TO_ONE, /* every second P wave is blocked */
    EIN_AV_COMPLETE    /* atria and ventricles each have a rate of their own */
} ein_synth_av;

/* What a reader would write of ST and T, beside the findings' names: bits of ein_synth_heart.signs. */
enum { EIN_SIGN_ST_ELEVATION = 1, EIN_SIGN_ST_DEPRESSION = 2, EIN_SIGN_T_INVERSION = 4 };

/* The heart of one recording, before geometry: what conditions act on. */
typedef struct {
    ein_synth_rhythm rhythm;
    ein_synth_av av;
    double rate_bpm;                        /* of the ventricles */
    double atrial_bpm;                      /* where P waves have a rate of their own */
    double p_gain;                          /* 0: no P waves */
    double rsa_ms, lf_ms, jitter_ms, rr_cv; /* rr_cv: atrial fibrillation */
    double resp_hz;
    bool bigeminy;                     /* every second beat is a premature ventricular one */
    bool fixed_rate;                   /* a pacemaker's */
    int signs;                         /* EIN_SIGN_... */
    bool pvc, pac;                     /* premature beats: at least one within the recording */
    double pvc_coupling, pac_coupling; /* as a share of RR */
    double ectopic_extra;              /* mean number beyond the first */
    double pr_ms, qrs_ms, qtc_ms;
    double beat_sd;
    double f_mv, f_hz; /* f or flutter waves */
    double late_ms;    /* how much later than normal ventricular activation ends */
    ein_synth_wave wave[EIN_SW_COUNT];
    ein_synth_wave pvc_wave[EIN_SYNTH_PVC_WAVES];
    double pvc_qrs_ms;
} ein_synth_heart;

/* Geometry of one recording. */
typedef struct {
    double field[EIN_SYNTH_ELECTRODES][3];                /* electrode potential per dipole, mV per mV */
    double nondipole[EIN_SW_COUNT][EIN_SYNTH_ELECTRODES]; /* added potential per wave, as a share of |v| */
    double resp_rotation_rad, resp_amplitude, resp_phase;
} ein_synth_torso;

/* Acquisition of one recording. Leads are indices 0..11, -1: none. */
typedef struct {
    double wander_mv, emg_mv, mains_mv;
    int n_motion;
    int missing_lead, flat_lead; /* among V1 to V6 */
    bool reversed;               /* the arm electrodes are interchanged */
    double low_pass_hz;          /* 0: none */
    double gap_s, gap_length_s;  /* no samples in any lead; length 0: none */
} ein_synth_acquisition;

/* Function and flow of the heart on the day. */
typedef struct {
    double lvef;                 /* % */
    double rest_mbf, stress_mbf; /* ml/min/g */
    double mfr;                  /* stress / rest */
    double tpd;                  /* % of the left ventricle */
    double pump;                 /* how much of a failing pump the ECG shows, 0 to 1 */
    double flow, defect;         /* SDs by which low MFR, TPD are worse than the cohort's mean, -2.5 to 2.5 */
} ein_synth_state;

/* One recording: who, what is wrong, and everything that rendering needs. */
typedef struct {
    int64_t record, patient; /* patients are numbered with gaps */
    int visit;               /* 0, 1, ... of this patient */
    int fold;                /* 1 to 10, the same for all recordings of a patient */
    double age_years, bmi;
    ein_sex sex;
    char acquired[32]; /* ISO 8601, in years 2100 to 2199 as de-identified archives have */
    uint64_t labels;   /* EIN_SC_BIT(...) */
    double years;      /* since this patient's first recording */
    ein_synth_state state;
    /* What is true of the signal: mean rate of the beats inside the recording, intervals of its normal beats. */
    double rate_bpm, pr_ms /* NaN where no PR interval is constant */, qrs_ms, qt_ms;
    int n_beats, n_pvc, n_pac;
    ein_synth_heart heart;
    ein_synth_torso torso;
    ein_synth_acquisition acquisition;
} ein_synth_person;

#endif
