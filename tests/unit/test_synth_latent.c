/* What synthetic ECGs tell of their labels: as much as intended, and nothing when effects are off.
 *
 * The ideal reader is a linear model of everything that the signal is generated from: waves as the leads see them,
 * intervals, rhythm. What it reaches bounds what a model can learn. The bands are this table; README.md repeats it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/penalised.h"
#include "core/stats_roc.h"
#include "core/synth.h"
#include "tests/tap.h"

enum { LEADS = 8, WAVES = 12, SCALARS = 22, FEATURES = LEADS * WAVES + SCALARS, TRAIN = 5000, TEST = 4000 };
enum { PEOPLE = TRAIN + TEST };

typedef struct {
    const char *name;
    bool binary;
    double low, high; /* AUROC of a binary task, R2 of the others */
} task;

static const task tasks[] = {
    {"MFR < 2", true, 0.74, 0.81},     {"LVEF < 35 %", true, 0.94, 0.975}, {"female sex", true, 0.90, 0.95},
    {"age", false, 0.50, 0.70},        {"BMI", false, 0.30, 0.50},         {"rest MBF", false, 0.20, 0.40},
    {"stress MBF", false, 0.20, 0.40}, {"TPD", false, 0.18, 0.35},
};
enum { TASKS = sizeof tasks / sizeof *tasks };

static double answer(int which, const ein_synth_person *person) {
    switch (which) {
    case 0:
        return person->state.mfr < 2;
    case 1:
        return person->state.lvef < 35;
    case 2:
        return person->sex == EIN_SEX_FEMALE;
    case 3:
        return person->age_years;
    case 4:
        return person->bmi;
    case 5:
        return person->state.rest_mbf;
    case 6:
        return person->state.stress_mbf;
    default:
        return person->state.tpd;
    }
}

/* --- what the signal is generated from ----------------------------------------------------------------- */

/* A wave's vector in leads I, II, V1 to V6. */
static void seen(const ein_synth_person *person, const double v[3], float *out) {
    double e[EIN_SYNTH_ELECTRODES];
    for (int i = 0; i < EIN_SYNTH_ELECTRODES; i++) {
        const double *f = person->torso.field[i];
        e[i] = f[0] * v[0] + f[1] * v[1] + f[2] * v[2];
    }
    out[0] = (float)(e[EIN_ELECTRODE_LA] - e[EIN_ELECTRODE_RA]);
    out[1] = (float)(e[EIN_ELECTRODE_LL] - e[EIN_ELECTRODE_RA]);
    for (int c = 0; c < 6; c++) out[2 + c] = (float)e[EIN_ELECTRODE_C1 + c];
}

static double log_size(const ein_synth_heart *heart, int first, int last) {
    double squares = 1e-6;
    for (int w = first; w <= last; w++)
        for (int i = 0; i < 3; i++) squares += heart->wave[w].v[i] * heart->wave[w].v[i];
    return log(squares);
}

static void features_of(const ein_synth_person *person, float *x) {
    static const int waves[WAVES] = {EIN_SW_P_RIGHT, EIN_SW_P_LEFT, EIN_SW_Q2,      EIN_SW_Q3,
                                     EIN_SW_Q4,      EIN_SW_Q5,     EIN_SW_Q6,      EIN_SW_LATE1,
                                     EIN_SW_LATE2,   EIN_SW_ST,     EIN_SW_T_EARLY, EIN_SW_T};
    const ein_synth_heart *h = &person->heart;
    for (int w = 0; w < WAVES; w++) seen(person, h->wave[waves[w]].v, x + w * LEADS);
    const double scalars[SCALARS] = {
        isnan(person->pr_ms) ? 160 : person->pr_ms,
        person->qrs_ms,
        h->qtc_ms + h->late_ms,
        person->rate_bpm,
        log(h->rsa_ms + 1),
        log(h->lf_ms + 1),
        log(h->jitter_ms + 0.1),
        h->p_gain,
        h->rr_cv,
        person->n_pvc > 0,
        person->n_pac > 0,
        h->f_mv,
        h->av == EIN_AV_ONE_TO_ONE,
        h->fixed_rate,
        h->wave[EIN_SW_P_LEFT].at_ms,
        h->wave[EIN_SW_T].rise_ms,
        h->wave[EIN_SW_T].fall_ms,
        log_size(h, EIN_SW_P_RIGHT, EIN_SW_P_LEFT),
        log_size(h, EIN_SW_Q1, EIN_SW_Q6),
        log_size(h, EIN_SW_T_EARLY, EIN_SW_T),
        log_size(h, EIN_SW_SPIKE, EIN_SW_SPIKE),
        person->qrs_ms > 120,
    };
    for (int i = 0; i < SCALARS; i++) x[LEADS * WAVES + i] = (float)scalars[i];
}

typedef struct {
    float *x; /* (PEOPLE, FEATURES) */
    double y[TASKS][PEOPLE];
    int8_t label[EIN_SC_COUNT][PEOPLE];
} cohort;

static cohort *cohort_new(const ein_synth_config *config, uint64_t seed) {
    cohort *c = calloc(1, sizeof *c);
    ck_assert_ptr_nonnull(c);
    c->x = calloc((size_t)PEOPLE * FEATURES, sizeof *c->x);
    ck_assert_ptr_nonnull(c->x);
    int64_t row[TRAIN];
    for (int i = 0; i < PEOPLE; i++) {
        ein_synth_person person;
        ck_assert_int_eq(ein_synth_draw_person(config, seed, i, &person), EIN_OK);
        features_of(&person, c->x + (size_t)i * FEATURES);
        for (int t = 0; t < TASKS; t++) c->y[t][i] = answer(t, &person);
        for (int l = 0; l < EIN_SC_COUNT; l++) c->label[l][i] = (person.labels & EIN_SC_BIT(l)) != 0;
        if (i < TRAIN) row[i] = i;
    }
    ein_standardise(c->x, PEOPLE, FEATURES, row, TRAIN);
    return c;
}

static void cohort_free(cohort *c) {
    free(c->x);
    free(c);
}

/* --- readers ------------------------------------------------------------------------------------------- */

static void fit(const cohort *c, const double *y, ein_penalised_loss loss, double *score) {
    static int64_t row[TRAIN];
    static double centred[PEOPLE];
    double weight[FEATURES + 1], mean = 0, squares = 0;
    for (int i = 0; i < TRAIN; i++) {
        row[i] = i;
        mean += y[i] / TRAIN;
    }
    for (int i = 0; i < TRAIN; i++) squares += (y[i] - mean) * (y[i] - mean) / TRAIN;
    const double sd = loss == EIN_PENALISED_LOGISTIC ? 1 : sqrt(squares) + 1e-9;
    for (int i = 0; i < PEOPLE; i++) centred[i] = loss == EIN_PENALISED_LOGISTIC ? y[i] : (y[i] - mean) / sd;
    ck_assert_int_eq(ein_penalised_fit_rows(weight, NULL, c->x, row, centred, TRAIN, FEATURES, loss, 1e-3),
                     EIN_OK);
    for (int i = 0; i < TEST; i++)
        score[i] = mean * (loss != EIN_PENALISED_LOGISTIC) +
                   sd * ein_penalised_score(weight, c->x + (size_t)(TRAIN + i) * FEATURES, FEATURES);
}

static ein_roc_result auroc_of(const cohort *c, const double *y) {
    static double score[TEST];
    int8_t label[TEST];
    ein_roc_result roc;
    fit(c, y, EIN_PENALISED_LOGISTIC, score);
    for (int i = 0; i < TEST; i++) label[i] = y[TRAIN + i] > 0.5;
    ck_assert_int_eq(ein_roc_auc(&roc, score, label, NULL, TEST, EIN_ROC_DEFAULTS), EIN_OK);
    return roc;
}

static double r2_of(const cohort *c, const double *y) {
    static double score[TEST];
    double mean = 0, total = 0, rest = 0;
    fit(c, y, EIN_PENALISED_SQUARED, score);
    for (int i = 0; i < TEST; i++) mean += y[TRAIN + i] / TEST;
    for (int i = 0; i < TEST; i++) {
        total += (y[TRAIN + i] - mean) * (y[TRAIN + i] - mean);
        rest += (y[TRAIN + i] - score[i]) * (y[TRAIN + i] - score[i]);
    }
    return 1 - rest / total;
}
