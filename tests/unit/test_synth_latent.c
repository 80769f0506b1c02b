/* What synthetic ECGs tell of their labels: as much as intended, and nothing when effects are off.
 *
 * The ideal reader is a linear model of everything that the signal is generated from: waves as the leads see them,
 * intervals, rhythm. What it reaches bounds what a model can learn. The bands are this table; README.md repeats it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/penalised.h"
#include "core/stats/roc.h"
#include "core/synth/synth.h"
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

/* --- tests --------------------------------------------------------------------------------------------- */

static ein_synth_config singles(void) {
    ein_synth_config config;
    ein_synth_config_default(&config);
    config.p[EIN_SP_ECGS] = 1; /* records are independent: DeLong's interval holds */
    return config;
}

START_TEST(ideal_reader_reaches_its_bands) {
    ein_synth_config config = singles();
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    cohort *c = cohort_new(&config, 77);
    double reached[TASKS];
    for (int t = 0; t < TASKS; t++) {
        reached[t] = tasks[t].binary ? auroc_of(c, c->y[t]).auc.value : r2_of(c, c->y[t]);
        printf("# %-12s %s %.3f (%.2f to %.2f)\n", tasks[t].name, tasks[t].binary ? "AUROC" : "R2",
               reached[t], tasks[t].low, tasks[t].high);
    }
    cohort_free(c);
    for (int t = 0; t < TASKS; t++)
        ck_assert_msg(reached[t] >= tasks[t].low && reached[t] <= tasks[t].high,
                      "%s: %.3f instead of %g to %g", tasks[t].name, reached[t], tasks[t].low, tasks[t].high);
}
END_TEST

/* Findings that are frequent enough to be judged, by least AUROC. */
START_TEST(ideal_reader_finds_findings) {
    static const struct {
        ein_synth_condition condition;
        double least;
    } wanted[] = {{EIN_SC_AF, 0.98},         {EIN_SC_SB, 0.98},          {EIN_SC_ST, 0.98},
                  {EIN_SC_IAVB, 0.98},       {EIN_SC_MI_INFERIOR, 0.92}, {EIN_SC_MI_ANTERIOR, 0.90},
                  {EIN_SC_MI_LATERAL, 0.90}, {EIN_SC_LVH, 0.88},         {EIN_SC_LBBB, 0.98},
                  {EIN_SC_RBBB, 0.98},       {EIN_SC_IRBBB, 0.80},       {EIN_SC_LAFB, 0.95},
                  {EIN_SC_NDT, 0.88},        {EIN_SC_NST, 0.75},         {EIN_SC_ISC_ANTERIOR, 0.90},
                  {EIN_SC_PVC, 0.95},        {EIN_SC_PAC, 0.95}};
    ein_synth_config config = singles();
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    cohort *c = cohort_new(&config, 78);
    static double y[PEOPLE];
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        for (int j = 0; j < PEOPLE; j++) y[j] = c->label[wanted[i].condition][j];
        const double auroc = auroc_of(c, y).auc.value;
        printf("# %-12s AUROC %.3f\n", ein_synth_conditions[wanted[i].condition].key, auroc);
        ck_assert_msg(auroc >= wanted[i].least, "%s: AUROC %.3f",
                      ein_synth_conditions[wanted[i].condition].key, auroc);
    }
    cohort_free(c);
}
END_TEST

/* With effect.all 0 nothing of a label is in the signal. Of 99 % intervals at most one in the table misses 0.5. */
START_TEST(without_effects_nothing_is_to_be_read) {
    ein_synth_config config = singles();
    config.p[EIN_SP_EFFECT_ALL] = 0;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    cohort *c = cohort_new(&config, 79);
    static double y[PEOPLE];
    int judged = 0, missed = 0;
    for (int i = 0; i < TASKS + EIN_SC_COUNT; i++) {
        double positive = 0;
        if (i < TASKS && !tasks[i].binary) {
            const double r2 = r2_of(c, c->y[i]);
            ck_assert_msg(r2 < 0.01, "%s: R2 %.3f", tasks[i].name, r2);
            continue;
        }
        for (int j = 0; j < PEOPLE; j++) {
            y[j] = i < TASKS ? c->y[i][j] : c->label[i - TASKS][j];
            positive += y[j];
        }
        if (positive < 250) continue; /* too rare for an interval that means something */
        const ein_roc_result roc = auroc_of(c, y);
        const double half = 2.576 * sqrt(roc.auc.variance);
        judged++;
        missed += fabs(roc.auc.value - 0.5) > half;
        ck_assert_msg(fabs(roc.auc.value - 0.5) < 1.5 * half, "%s: AUROC %.3f +- %.3f",
                      i < TASKS ? tasks[i].name : ein_synth_conditions[i - TASKS].key, roc.auc.value, half);
    }
    printf("# %d AUROCs, %d away from 0.5\n", judged, missed);
    ck_assert_int_ge(judged, 12);
    ck_assert_int_le(missed, 1);
    cohort_free(c);
}
END_TEST

START_TEST(states_are_as_frequent_as_asked) {
    enum { MANY = 8000 };
    ein_synth_config config = singles();
    for (int other = 0; other < 2; other++) {
        if (other) {
            config.p[EIN_SP_LVEF_SHARE] = 0.3;
            config.p[EIN_SP_MFR_SHARE] = 0.2;
        }
        ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
        int low_lvef = 0, low_mfr = 0, high_tpd = 0;
        for (int i = 0; i < MANY; i++) {
            ein_synth_person person;
            ck_assert_int_eq(ein_synth_draw_person(&config, 5, i, &person), EIN_OK);
            const ein_synth_state *state = &person.state;
            low_lvef += state->lvef < 35;
            low_mfr += state->mfr < 2;
            high_tpd += state->tpd > config.p[EIN_SP_TPD_MEDIAN];
            ck_assert(state->lvef > 7 && state->lvef < 73);
            ck_assert(state->tpd >= 0 && state->tpd <= 60);
            ck_assert(state->rest_mbf > 0.2 && state->rest_mbf < 4);
            ck_assert(fabs(state->stress_mbf - state->rest_mbf * state->mfr) < 1e-9);
        }
        ck_assert_msg(fabs((double)low_lvef / MANY - config.p[EIN_SP_LVEF_SHARE]) < 0.02, "LVEF: %g",
                      (double)low_lvef / MANY);
        ck_assert_msg(fabs((double)low_mfr / MANY - config.p[EIN_SP_MFR_SHARE]) < 0.025, "MFR: %g",
                      (double)low_mfr / MANY);
        ck_assert_msg(fabs((double)high_tpd / MANY - 0.5) < 0.025, "TPD: %g", (double)high_tpd / MANY);
    }
}
END_TEST

/* A patient's state stays his: the longer the time between visits, the less alike. */
START_TEST(states_drift_slowly) {
    ein_synth_config config;
    ein_synth_config_default(&config);
    config.p[EIN_SP_ECGS] = 3;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    double soon = 0, late = 0, strangers = 0;
    int n_soon = 0, n_late = 0, n_strangers = 0;
    ein_synth_person first, now;
    ck_assert_int_eq(ein_synth_draw_person(&config, 6, 0, &first), EIN_OK);
    for (int i = 1; i < 6000; i++) {
        ck_assert_int_eq(ein_synth_draw_person(&config, 6, i, &now), EIN_OK);
        const double d = now.state.flow - first.state.flow;
        if (now.patient != first.patient) {
            strangers += d * d;
            n_strangers++;
            first = now;
        } else if (now.years < 1) {
            soon += d * d;
            n_soon++;
        } else if (now.years > 4) {
            late += d * d;
            n_late++;
        }
    }
    soon /= n_soon;
    late /= n_late;
    strangers /= n_strangers;
    ck_assert_msg(soon < 0.15 * strangers, "within a year: %g, strangers %g", soon, strangers);
    ck_assert_msg(late > 2 * soon && late < 0.8 * strangers, "after 4 years: %g, %g within one", late, soon);
}
END_TEST

/* --- a reader of the rendered signal ------------------------------------------------------------------- */

enum { SEEN = 4 * LEADS + 5, SIGNALS = 2000, LEARN = 1300 };

/* Amplitudes and ST around the steepest moments of a recording at 100 Hz in I, II, V1 to V6: knows nothing of the
 * generator. */
static void measure(const ein_ecg *ecg, float *x) {
    static const ein_lead leads[LEADS] = {EIN_LEAD_I,  EIN_LEAD_II, EIN_LEAD_V1, EIN_LEAD_V2,
                                          EIN_LEAD_V3, EIN_LEAD_V4, EIN_LEAD_V5, EIN_LEAD_V6};
    const int n = (int)ecg->n_samples;
    double steep[1000] = {0}, top = 0, sum[LEADS][80] = {{0}}, rr = 0, rr2 = 0;
    int beats = 0, last = -1, intervals = 0;
    for (int t = 1; t + 1 < n; t++) {
        for (int l = 0; l < LEADS; l++) {
            const double d = (double)ecg->mv[leads[l] * n + t + 1] - (double)ecg->mv[leads[l] * n + t - 1];
            steep[t] += d * d;
        }
        top = fmax(top, steep[t]);
    }
    for (int t = 25; t + 55 < n; t++) {
        if (!(steep[t] > top / 4)) continue;
        int best = t;
        for (int i = t; i < t + 15; i++)
            if (steep[i] > steep[best]) best = i;
        if (best + 55 >= n) break;
        for (int l = 0; l < LEADS; l++)
            for (int i = 0; i < 80; i++) sum[l][i] += (double)ecg->mv[leads[l] * n + best - 25 + i];
        if (last >= 0) {
            rr += best - last;
            rr2 += (double)(best - last) * (best - last);
            intervals++;
        }
        last = best;
        beats++;
        t = best + 30;
    }
    memset(x, 0, SEEN * sizeof *x);
    if (beats < 2) return;
    double qrs = 0, energy = 0, spread = 0, t_all = 0;
    for (int l = 0; l < LEADS; l++) {
        const double zero = sum[l][17];
        double low = 0, high = 0, t_mv = 0, p_low = INFINITY, p_high = -INFINITY;
        for (int i = 1; i < 17; i++) {
            p_low = fmin(p_low, (sum[l][i] - zero) / beats);
            p_high = fmax(p_high, (sum[l][i] - zero) / beats);
        }
        for (int i = 18; i < 36; i++) {
            const double slope = (sum[l][i] - sum[l][i - 1]) / beats;
            low = fmin(low, (sum[l][i] - zero) / beats);
            high = fmax(high, (sum[l][i] - zero) / beats);
            energy += slope * slope;
            spread += slope * slope * (i - 25) * (i - 25);
        }
        for (int i = 42; i < 70; i++)
            if (fabs(sum[l][i] - zero) / beats > fabs(t_mv)) t_mv = (sum[l][i] - zero) / beats;
        qrs += high - low;
        t_all += fabs(t_mv);
        x[l] = (float)t_mv;
        x[LEADS + l] = (float)((sum[l][36] - zero) / beats);
        x[2 * LEADS + l] = (float)log(high - low + 0.05);
        x[3 * LEADS + l] = (float)(p_high - p_low);
    }
    float *rest = x + 4 * LEADS;
    rest[0] = (float)log(qrs + 1e-3);
    rest[1] = (float)log(t_all + 1e-2);
    rest[2] = (float)(rr / fmax(intervals, 1));
    rest[3] = (float)log(sqrt(fmax(rr2 / fmax(intervals, 1) - (double)(rest[2] * rest[2]), 0)) + 0.5);
    rest[4] = (float)log(spread / (energy + 1e-9) + 1e-3);
}

/* AUROC of that reader for LVEF < 35 % or MFR < 2, in cohorts where either is common. */
static ein_roc_result reader_of_signals(double effect_all, bool lvef) {
    ein_synth_config config = singles();
    config.p[EIN_SP_FS_HZ] = 100;
    config.p[EIN_SP_LVEF_SHARE] = config.p[EIN_SP_MFR_SHARE] = 0.4;
    config.p[EIN_SP_EFFECT_ALL] = effect_all;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    static float x[SIGNALS * SEEN];
    static double y[SIGNALS], score[SIGNALS];
    static int64_t row[LEARN];
    int8_t label[SIGNALS];
    double weight[SEEN + 1];
    ein_ecg ecg = {0};
    for (int i = 0; i < SIGNALS; i++) {
        ein_synth_person person;
        ck_assert_int_eq(ein_synth_draw_person(&config, 80, i, &person), EIN_OK);
        ck_assert_int_eq(ein_synth_render(&config, &person, 80, i, &ecg), EIN_OK);
        measure(&ecg, x + i * SEEN);
        label[i] = lvef ? person.state.lvef < 35 : person.state.mfr < 2;
        y[i] = label[i];
        if (i < LEARN) row[i] = i;
    }
    ein_ecg_free(&ecg);
    ein_standardise(x, SIGNALS, SEEN, row, LEARN);
    ck_assert_int_eq(
        ein_penalised_fit_rows(weight, NULL, x, row, y, LEARN, SEEN, EIN_PENALISED_LOGISTIC, 1e-2), EIN_OK);
    for (int i = 0; i < SIGNALS; i++) score[i] = ein_penalised_score(weight, x + i * SEEN, SEEN);
    ein_roc_result roc;
    ck_assert_int_eq(ein_roc_auc(&roc, score + LEARN, label + LEARN, NULL, SIGNALS - LEARN, EIN_ROC_DEFAULTS),
                     EIN_OK);
    printf("# signal reader, %s, effects %g: AUROC %.3f\n", lvef ? "LVEF" : "MFR", effect_all, roc.auc.value);
    return roc;
}

START_TEST(signals_tell_of_the_state) {
    ck_assert_msg(reader_of_signals(1, true).auc.value > 0.80, "LVEF");
    ck_assert_msg(reader_of_signals(1, false).auc.value > 0.60, "MFR");
}
END_TEST

START_TEST(signals_without_effects_do_not) {
    for (int lvef = 0; lvef < 2; lvef++) {
        const ein_roc_result roc = reader_of_signals(0, lvef);
        ck_assert_msg(fabs(roc.auc.value - 0.5) < 2.576 * sqrt(roc.auc.variance), "AUROC %g", roc.auc.value);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("synth_latent");
#define ADD(name) ein_tap_add(suite, #name, name)
    ADD(ideal_reader_reaches_its_bands);
    ADD(ideal_reader_finds_findings);
    ADD(without_effects_nothing_is_to_be_read);
    ADD(states_are_as_frequent_as_asked);
    ADD(states_drift_slowly);
    ADD(signals_tell_of_the_state);
    ADD(signals_without_effects_do_not);
    return ein_tap_main(suite);
}
