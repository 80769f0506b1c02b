/* Synthetic ECGs: what the labels say is in the signal, seen by measurements that know nothing of the generator. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/synth/render.h"
#include "core/synth/synth.h"
#include "tests/tap.h"

enum { LEADS = EIN_SYNTH_LEADS, MOST_BEATS = 64 };

/* --- configurations ------------------------------------------------------------------------------------ */

static ein_synth_config no_findings(void) {
    ein_synth_config config;
    ein_synth_config_default(&config);
    for (int c = 0; c < EIN_SC_COUNT; c++) config.p[EIN_SP_PREVALENCE + c] = 0;
    return config;
}

static void no_noise(ein_synth_config *config) {
    static const int off[] = {EIN_SP_WANDER_UV, EIN_SP_EMG_UV, EIN_SP_AMPLIFIER_UV, EIN_SP_MAINS_SHARE,
                              EIN_SP_MOTION_PER_MIN};
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) config->p[off[i]] = 0;
}

static ein_synth_config only(ein_synth_condition condition) {
    ein_synth_config config = no_findings();
    config.p[EIN_SP_PREVALENCE + condition] = 1;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    return config;
}

static void make(const ein_synth_config *config, uint64_t seed, int64_t record, ein_synth_person *person,
                 ein_ecg *ecg) {
    ck_assert_int_eq(ein_synth_draw_person(config, seed, record, person), EIN_OK);
    ck_assert_int_eq(ein_synth_render(config, person, seed, record, ecg), EIN_OK);
}

/* --- measurements -------------------------------------------------------------------------------------- */

static const float *row(const ein_ecg *ecg, ein_lead lead) {
    return ecg->mv + lead * ecg->n_samples;
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, int n, double q) {
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    return values[(int)(q * (n - 1) + 0.5)];
}

/* QRS complexes by the slope of all leads (squares, 60 ms mean, a third of the highest, 200 ms refractory);
 * marks the steepest moment of each. 500 Hz. */
static int find_beats(const ein_ecg *ecg, int64_t *at) {
    const int64_t n = ecg->n_samples;
    double *steep = calloc((size_t)n, sizeof *steep), *mean = calloc((size_t)n, sizeof *mean), highest = 0;
    int count = 0;
    for (int64_t t = 2; t + 2 < n; t++)
        for (int l = 0; l < LEADS; l++) {
            const double slope = (double)ecg->mv[l * n + t + 2] - (double)ecg->mv[l * n + t - 2];
            steep[t] += slope * slope;
        }
    for (int64_t t = 15; t + 15 < n; t++) {
        for (int64_t i = t - 15; i <= t + 15; i++) mean[t] += steep[i];
        if (mean[t] > highest) highest = mean[t];
    }
    for (int64_t t = 15; t + 15 < n && count < MOST_BEATS; t++) {
        if (!(mean[t] > highest / 5)) continue;
        int64_t best = t;
        for (int64_t i = t; i < t + 100 && i < n; i++)
            if (mean[i] > mean[best]) best = i;
        if (best >= 25 && best + 75 < n) at[count++] = best;
        t = best + 100;
    }
    free(steep);
    free(mean);
    return count;
}

/* Mean and coefficient of variation of the intervals between beats, in seconds. */
static void intervals(const int64_t *at, int count, double fs_hz, double *mean_s, double *cv) {
    double sum = 0, squares = 0;
    for (int i = 1; i < count; i++) {
        const double rr = (double)(at[i] - at[i - 1]) / fs_hz;
        sum += rr;
        squares += rr * rr;
    }
    *mean_s = sum / (count - 1);
    *cv = sqrt(fmax(squares / (count - 1) - *mean_s * *mean_s, 0)) / *mean_s;
}

enum { BEFORE = 150, AFTER = 150, WINDOW = BEFORE + AFTER };
typedef struct {
    double mv[LEADS][WINDOW]; /* from 300 ms before to 300 ms after the steepest moment */
} mean_beat;

static void average(const ein_ecg *ecg, mean_beat *out) {
    int64_t at[MOST_BEATS];
    int used = 0;
    const int count = find_beats(ecg, at);
    memset(out, 0, sizeof *out);
    for (int b = 0; b < count; b++) {
        if (at[b] < BEFORE || at[b] + AFTER > ecg->n_samples) continue;
        used++;
        for (int l = 0; l < LEADS; l++)
            for (int i = 0; i < WINDOW; i++)
                out->mv[l][i] += (double)ecg->mv[l * ecg->n_samples + at[b] - BEFORE + i];
    }
    ck_assert_int_ge(used, 2);
    for (int l = 0; l < LEADS; l++) {
        /* Against the end of the PR segment. */
        const double zero = out->mv[l][BEFORE - 40] / used;
        for (int i = 0; i < WINDOW; i++) out->mv[l][i] = out->mv[l][i] / used - zero;
    }
}

/* Time in which the middle 96 % of the squared slope of all leads lie, in ms: a measure of QRS duration that T
 * waves do not reach. */
static double qrs_width_ms(const mean_beat *beat) {
    double sum[WINDOW] = {0};
    int first = 0, last = 0;
    for (int i = 1; i + 1 < WINDOW; i++) {
        sum[i] = sum[i - 1];
        for (int l = 0; l < LEADS; l++) {
            const double slope = beat->mv[l][i + 1] - beat->mv[l][i - 1];
            sum[i] += slope * slope;
        }
    }
    for (int i = 1; i + 1 < WINDOW; i++) {
        if (sum[i] < 0.02 * sum[WINDOW - 2]) first = i;
        if (sum[i] < 0.98 * sum[WINDOW - 2]) last = i;
    }
    return 2.0 * (last - first);
}

static double highest(const double *x, int from, int to) {
    double best = x[from];
    for (int i = from; i < to; i++) best = fmax(best, x[i]);
    return best;
}

static double lowest(const double *x, int from, int to) {
    double best = x[from];
    for (int i = from; i < to; i++) best = fmin(best, x[i]);
    return best;
}

enum { RECORDS = 60 };

/* Median over RECORDS recordings of something measured on the mean beat. */
static double median_of(const ein_synth_config *config, double (*measure)(const mean_beat *)) {
    double values[RECORDS];
    ein_ecg ecg = {0};
    ein_synth_person person;
    mean_beat beat;
    for (int i = 0; i < RECORDS; i++) {
        make(config, 5, i, &person, &ecg);
        average(&ecg, &beat);
        values[i] = measure(&beat);
    }
    ein_ecg_free(&ecg);
    return quantile(values, RECORDS, 0.5);
}

static double sokolow_lyon(const mean_beat *beat) {
    return highest(beat->mv[EIN_LEAD_V5], BEFORE - 40, BEFORE + 40) -
           lowest(beat->mv[EIN_LEAD_V1], BEFORE - 40, BEFORE + 40);
}

static double frontal_axis_deg(const mean_beat *beat) {
    double one = 0, avf = 0;
    for (int i = BEFORE - 40; i < BEFORE + 40; i++) {
        one += beat->mv[EIN_LEAD_I][i];
        avf += beat->mv[EIN_LEAD_AVF][i];
    }
    return atan2(avf * 2 / sqrt(3), one) * 180 / M_PI;
}

static double late_v1(const mean_beat *beat) {
    return highest(beat->mv[EIN_LEAD_V1], BEFORE + 10, BEFORE + 60);
}
static double r_of_v2(const mean_beat *beat) {
    return highest(beat->mv[EIN_LEAD_V2], BEFORE - 40, BEFORE + 40);
}
static double s_of_v1(const mean_beat *beat) {
    return lowest(beat->mv[EIN_LEAD_V1], BEFORE - 40, BEFORE + 60);
}
static double early_avf(const mean_beat *beat) {
    return lowest(beat->mv[EIN_LEAD_AVF], BEFORE - 30, BEFORE + 5);
}
static double net_i(const mean_beat *beat) {
    return highest(beat->mv[EIN_LEAD_I], BEFORE - 40, BEFORE + 60) +
           lowest(beat->mv[EIN_LEAD_I], BEFORE - 40, BEFORE + 60);
}
/* Where II is highest between 260 and 70 ms before the QRS: the P wave. */
static double p_to_qrs_ms(const mean_beat *beat) {
    const double *two = beat->mv[EIN_LEAD_II];
    int best = BEFORE - 35;
    for (int i = BEFORE - 130; i < BEFORE - 35; i++)
        if (two[i] > two[best]) best = i;
    return 2.0 * (BEFORE - best);
}
static double p_height(const mean_beat *beat) {
    return highest(beat->mv[EIN_LEAD_II], BEFORE - 110, BEFORE - 45) -
           lowest(beat->mv[EIN_LEAD_II], BEFORE - 110, BEFORE - 45);
}

/* --- leads --------------------------------------------------------------------------------------------- */

START_TEST(limb_leads_hold) {
    ein_synth_config config;
    ein_synth_config_default(&config);
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_ecg ecg = {0};
    ein_synth_person person;
    int unequal = 0, wrong = 0, off = 0;
    for (int i = 0; i < 12; i++) {
        make(&config, 3, i, &person, &ecg);
        const float *one = row(&ecg, EIN_LEAD_I), *two = row(&ecg, EIN_LEAD_II),
                    *three = row(&ecg, EIN_LEAD_III);
        const float *r = row(&ecg, EIN_LEAD_AVR), *l = row(&ecg, EIN_LEAD_AVL), *f = row(&ecg, EIN_LEAD_AVF);
        for (int64_t t = 0; t < ecg.n_samples; t++) {
            wrong += !(three[t] == two[t] - one[t]) + !(r[t] == -0.5f * (one[t] + two[t])) +
                     !(l[t] == one[t] - 0.5f * two[t]) + !(f[t] == two[t] - 0.5f * one[t]);
            const long count =
                lrint(1e3 * (double)two[t]) - lrint(1e3 * (double)one[t]) - lrint(1e3 * (double)three[t]);
            off += labs(count) > 1;
            unequal += one[t] != two[t];
        }
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(off, 0);
    ck_assert_int_gt(unequal, 50000); /* the leads are not copies of each other */
    ein_ecg_free(&ecg);
}
END_TEST

START_TEST(recordings_are_named_and_described) {
    ein_synth_config config = only(EIN_SC_RBBB);
    ein_ecg ecg = {0};
    ein_synth_person person;
    make(&config, 3, 17, &person, &ecg);
    ck_assert_int_eq(ecg.n_leads, 12);
    ck_assert_int_eq((int)ecg.n_samples, 5000);
    for (int l = 0; l < LEADS; l++) ck_assert_str_eq(ecg.lead_name[l], ein_lead_name((ein_lead)l));
    ck_assert_str_eq(ecg.person.record_id, "syn0000017");
    ck_assert_str_eq(ecg.person.dx, "426783006,59118001");
    ck_assert_str_eq(ecg.person.device, "synthetic");
    ck_assert_int_eq((int)strlen(ecg.person.acquired), 19);
    ck_assert(ecg.person.acquired[0] == '2' && ecg.person.acquired[1] == '1');
    ein_ecg_free(&ecg);
}
END_TEST

/* --- rhythm -------------------------------------------------------------------------------------------- */

static void check_rate(ein_synth_condition condition, ein_synth_parameter rate, double bpm) {
    ein_synth_config config = no_findings();
    if (condition != EIN_SC_COUNT) config.p[EIN_SP_PREVALENCE + condition] = 1;
    config.p[rate] = bpm;
    config.p[EIN_SP_RATE_SD] = config.p[EIN_SP_SB_SD] = config.p[EIN_SP_ST_SD] = 0;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_ecg ecg = {0};
    ein_synth_person person;
    for (int i = 0; i < 20; i++) {
        int64_t at[MOST_BEATS];
        double mean_s, cv;
        make(&config, 11, i, &person, &ecg);
        const int count = find_beats(&ecg, at);
        ck_assert_int_ge(count, 4);
        intervals(at, count, ecg.fs_hz, &mean_s, &cv);
        ck_assert_msg(fabs(60 / mean_s - person.rate_bpm) <= 0.03 * person.rate_bpm,
                      "record %d: %g against %g", i, 60 / mean_s, person.rate_bpm);
        ck_assert_msg(fabs(60 / mean_s - bpm) <= 0.12 * bpm, "record %d: %g against %g", i, 60 / mean_s, bpm);
        ck_assert_msg(abs(count - person.n_beats) <= 1, "record %d: %d against %d", i, count, person.n_beats);
        ck_assert_msg(cv < 0.12, "record %d: RR varies by %g", i, cv);
        ck_assert(cv > 0.0005);
    }
    ein_ecg_free(&ecg);
}

START_TEST(sinus_rate_is_as_asked) {
    check_rate(EIN_SC_COUNT, EIN_SP_RATE_MEAN, 75);
}
END_TEST
START_TEST(bradycardia_is_as_asked) {
    check_rate(EIN_SC_SB, EIN_SP_SB_RATE, 48);
}
END_TEST
START_TEST(tachycardia_is_as_asked) {
    check_rate(EIN_SC_ST, EIN_SP_ST_RATE, 125);
}
END_TEST

START_TEST(fibrillation_is_irregular_without_p) {
    ein_synth_config af = only(EIN_SC_AF), sinus = no_findings();
    ck_assert_int_eq(ein_synth_config_ready(&sinus), EIN_OK);
    double cvs[RECORDS];
    ein_ecg ecg = {0};
    ein_synth_person person;
    for (int i = 0; i < RECORDS; i++) {
        int64_t at[MOST_BEATS];
        double mean_s;
        make(&af, 11, i, &person, &ecg);
        ck_assert(isnan(person.pr_ms));
        intervals(at, find_beats(&ecg, at), ecg.fs_hz, &mean_s, &cvs[i]);
    }
    ein_ecg_free(&ecg);
    const double cv = quantile(cvs, RECORDS, 0.5);
    ck_assert_msg(cv > 0.14 && cv < 0.32, "RR varies by %g", cv);
    ck_assert_msg(quantile(cvs, RECORDS, 0.1) > 0.08, "RR varies by %g", quantile(cvs, RECORDS, 0.1));
    no_noise(&af);
    no_noise(&sinus);
    const double with = median_of(&sinus, p_height), without = median_of(&af, p_height);
    ck_assert_msg(without < 0.6 * with, "before the QRS: %g mV against %g in sinus rhythm", without, with);
}
END_TEST

START_TEST(premature_beats_are_there) {
    for (int kind = 0; kind < 2; kind++) {
        ein_synth_config config = only(kind ? EIN_SC_PAC : EIN_SC_PVC);
        ein_ecg ecg = {0};
        ein_synth_person person;
        int early = 0;
        for (int i = 0; i < 40; i++) {
            int64_t at[MOST_BEATS];
            double mean_s, cv, shortest = INFINITY, longest = 0;
            make(&config, 13, i, &person, &ecg);
            ck_assert_int_ge(kind ? person.n_pac : person.n_pvc, 1);
            ck_assert_int_eq(kind ? person.n_pvc : person.n_pac, 0);
            ck_assert_uint_eq(person.labels, EIN_SC_BIT(kind ? EIN_SC_PAC : EIN_SC_PVC));
            const int count = find_beats(&ecg, at);
            intervals(at, count, ecg.fs_hz, &mean_s, &cv);
            for (int b = 1; b < count; b++) {
                const double rr = (double)(at[b] - at[b - 1]) / ecg.fs_hz;
                shortest = fmin(shortest, rr);
                longest = fmax(longest, rr);
            }
            /* A smooth ventricular beat that the detector passes over leaves a gap of two intervals. */
            early += shortest < 0.87 * mean_s || longest > 1.6 * mean_s;
        }
        ck_assert_msg(early >= 36, "%d of 40 recordings show an early beat", early);
        ein_ecg_free(&ecg);
    }
}
END_TEST

/* --- conduction, hypertrophy, infarction --------------------------------------------------------------- */

static double with(ein_synth_condition condition, double (*measure)(const mean_beat *)) {
    ein_synth_config config = only(condition);
    no_noise(&config);
    return median_of(&config, measure);
}

static double without(double (*measure)(const mean_beat *)) {
    ein_synth_config config = no_findings();
    no_noise(&config);
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    return median_of(&config, measure);
}

START_TEST(blocks_widen_the_qrs) {
    const double normal = without(qrs_width_ms), rbbb = with(EIN_SC_RBBB, qrs_width_ms);
    const double lbbb = with(EIN_SC_LBBB, qrs_width_ms), irbbb = with(EIN_SC_IRBBB, qrs_width_ms);
    ck_assert_msg(normal > 45 && normal < 85, "normal %g ms", normal);
    ck_assert_msg(rbbb > normal + 30, "RBBB %g against %g ms", rbbb, normal);
    ck_assert_msg(lbbb > normal + 50, "LBBB %g against %g ms", lbbb, normal);
    ck_assert_msg(irbbb >= normal && irbbb < rbbb, "IRBBB %g between %g and %g ms", irbbb, normal, rbbb);
}
END_TEST

START_TEST(blocks_have_their_shapes) {
    ck_assert_msg(with(EIN_SC_RBBB, late_v1) > without(late_v1) + 0.45, "R' in V1: %g",
                  with(EIN_SC_RBBB, late_v1));
    ck_assert_msg(with(EIN_SC_LBBB, s_of_v1) < without(s_of_v1) - 0.3, "S in V1: %g",
                  with(EIN_SC_LBBB, s_of_v1));
    const double axis = with(EIN_SC_LAFB, frontal_axis_deg), normal = without(frontal_axis_deg);
    ck_assert_msg(axis < -30 && axis > -90, "axis in LAFB: %g", axis);
    ck_assert_msg(normal > 0 && normal < 75, "normal axis: %g", normal);
}
END_TEST

START_TEST(first_degree_block_lengthens_pr) {
    const double normal = without(p_to_qrs_ms), block = with(EIN_SC_IAVB, p_to_qrs_ms);
    ck_assert_msg(block > normal + 45, "P to QRS: %g against %g ms", block, normal);
    ein_synth_config config = only(EIN_SC_IAVB);
    ein_synth_person person;
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(ein_synth_draw_person(&config, 1, i, &person), EIN_OK);
        ck_assert(person.pr_ms > 200);
    }
}
END_TEST

START_TEST(hypertrophy_has_voltage) {
    ck_assert_msg(with(EIN_SC_LVH, sokolow_lyon) > without(sokolow_lyon) + 0.6, "Sokolow-Lyon %g against %g",
                  with(EIN_SC_LVH, sokolow_lyon), without(sokolow_lyon));
}
END_TEST

START_TEST(infarctions_show_in_their_leads) {
    ck_assert_msg(with(EIN_SC_MI_INFERIOR, early_avf) < without(early_avf) - 0.08, "Q in aVF: %g against %g",
                  with(EIN_SC_MI_INFERIOR, early_avf), without(early_avf));
    ck_assert_msg(with(EIN_SC_MI_ANTERIOR, r_of_v2) < 0.6 * without(r_of_v2), "R in V2: %g against %g",
                  with(EIN_SC_MI_ANTERIOR, r_of_v2), without(r_of_v2));
    ck_assert_msg(with(EIN_SC_MI_LATERAL, net_i) < without(net_i) - 0.2, "QRS in I: %g against %g",
                  with(EIN_SC_MI_LATERAL, net_i), without(net_i));
}
END_TEST

/* --- rhythms and blocks, beat by beat ------------------------------------------------------------------- */

/* What a recording without noise shows: medians over RECORDS recordings of one finding. */
typedef struct {
    double rate_bpm, rr_cv, alternation; /* mean difference of successive RR, as a share of RR */
    double pr_ms, pr_sd_ms;              /* highest point of II before a QRS, to it */
    double between;                      /* highest of II between T and the next P, as a share of P */
    double t_peak_ms;                    /* from the QRS to the highest point of II after it */
    double sharpest_mv;                  /* largest second difference of all leads */
} rhythm;

static double highest_at(const float *x, int64_t from, int64_t to, int64_t *at) {
    *at = from;
    for (int64_t t = from; t < to; t++)
        if (x[t] > x[*at]) *at = t;
    return (double)x[*at];
}

static rhythm rhythm_of(const ein_ecg *ecg) {
    int64_t beat[MOST_BEATS], at;
    rhythm r = {0};
    const int count = find_beats(ecg, beat);
    const float *two = row(ecg, EIN_LEAD_II);
    double mean_s, pr = 0, pr2 = 0, between[MOST_BEATS], t_peak[MOST_BEATS];
    int prs = 0, gaps = 0;
    ck_assert_int_ge(count, 4);
    intervals(beat, count, ecg->fs_hz, &mean_s, &r.rr_cv);
    r.rate_bpm = 60 / mean_s;
    for (int b = 2; b < count; b++)
        r.alternation += fabs((double)(beat[b] - 2 * beat[b - 1] + beat[b - 2])) / 500 / mean_s / (count - 2);
    for (int b = 1; b < count; b++) {
        const double zero = (double)two[beat[b] - 35];
        const double p = highest_at(two, beat[b] - 165, beat[b] - 35, &at) - zero;
        const double d = 2.0 * (double)(beat[b] - at);
        pr += d;
        pr2 += d * d;
        prs++;
        const int64_t from = beat[b - 1] + 275, to = beat[b] - 175;
        if (to > from) between[gaps++] = (highest_at(two, from, to, &at) - (double)two[to]) / p;
        highest_at(two, beat[b - 1] + 75,
                   beat[b - 1] + 275 < beat[b] - 120 ? beat[b - 1] + 275 : beat[b] - 120, &at);
        t_peak[b - 1] = 2.0 * (double)(at - beat[b - 1]);
    }
    r.pr_ms = pr / prs;
    r.pr_sd_ms = sqrt(fmax(pr2 / prs - r.pr_ms * r.pr_ms, 0));
    r.between = gaps ? quantile(between, gaps, 0.5) : 0;
    r.t_peak_ms = quantile(t_peak, count - 1, 0.5);
    for (int64_t i = 1; i + 1 < LEADS * ecg->n_samples; i++)
        if (i % ecg->n_samples > 0 && (i + 1) % ecg->n_samples > 0)
            r.sharpest_mv = fmax(r.sharpest_mv, fabs((double)ecg->mv[i - 1] - 2 * (double)ecg->mv[i] +
                                                     (double)ecg->mv[i + 1]));
    return r;
}

/* EIN_SC_COUNT: no finding. */
static rhythm typical_rhythm(ein_synth_condition condition) {
    ein_synth_config config = no_findings();
    double values[8][RECORDS];
    rhythm median;
    double *const out[8] = {&median.rate_bpm, &median.rr_cv,   &median.alternation, &median.pr_ms,
                            &median.pr_sd_ms, &median.between, &median.t_peak_ms,   &median.sharpest_mv};
    no_noise(&config);
    if (condition != EIN_SC_COUNT) config.p[EIN_SP_PREVALENCE + condition] = 1;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_ecg ecg = {0};
    ein_synth_person person;
    for (int i = 0; i < RECORDS; i++) {
        make(&config, 19, i, &person, &ecg);
        const rhythm r = rhythm_of(&ecg);
        const double mine[8] = {r.rate_bpm, r.rr_cv,   r.alternation, r.pr_ms,
                                r.pr_sd_ms, r.between, r.t_peak_ms,   r.sharpest_mv};
        for (int j = 0; j < 8; j++) values[j][i] = mine[j];
    }
    ein_ecg_free(&ecg);
    for (int j = 0; j < 8; j++) *out[j] = quantile(values[j], RECORDS, 0.5);
    return median;
}

START_TEST(tachycardia_of_atria_is_fast_and_regular) {
    const rhythm svt = typical_rhythm(EIN_SC_SVT);
    ck_assert_msg(svt.rate_bpm > 140 && svt.rate_bpm < 210, "%g/min", svt.rate_bpm);
    ck_assert_msg(svt.rr_cv < 0.02, "RR varies by %g", svt.rr_cv);
}
END_TEST

START_TEST(blocked_p_waves_are_there) {
    const rhythm sinus = typical_rhythm(EIN_SC_COUNT), slow = typical_rhythm(EIN_SC_SB);
    const rhythm mobitz = typical_rhythm(EIN_SC_MOBITZ1), half = typical_rhythm(EIN_SC_AVB2);
    const rhythm complete = typical_rhythm(EIN_SC_AVB3);
    /* Mobitz I: PR grows, then a beat is missing. */
    ck_assert_msg(mobitz.pr_sd_ms > 20 && mobitz.pr_sd_ms > 3 * sinus.pr_sd_ms,
                  "PR varies by %g, sinus %g ms", mobitz.pr_sd_ms, sinus.pr_sd_ms);
    ck_assert_msg(mobitz.rr_cv > 0.1, "RR varies by %g", mobitz.rr_cv);
    /* 2:1: slow, regular, PR constant, a P wave between the beats that bradycardia lacks. */
    ck_assert_msg(half.rate_bpm < 48, "2:1 block: %g/min", half.rate_bpm);
    ck_assert_msg(half.rr_cv < 0.08 && half.pr_sd_ms < 15, "2:1: RR varies by %g, PR by %g ms", half.rr_cv,
                  half.pr_sd_ms);
    ck_assert_msg(half.between > 0.6 && slow.between < 0.4, "between beats: %g of P, in bradycardia %g",
                  half.between, slow.between);
    /* Complete: slow, regular, P and QRS know nothing of each other. */
    ck_assert_msg(complete.rate_bpm < 55 && complete.rr_cv < 0.03, "complete: %g/min, RR varies by %g",
                  complete.rate_bpm, complete.rr_cv);
    ck_assert_msg(complete.pr_sd_ms > 40, "complete: PR varies by %g ms", complete.pr_sd_ms);
}
END_TEST

START_TEST(pacing_has_spikes_and_broad_beats) {
    const rhythm paced = typical_rhythm(EIN_SC_PACE), sinus = typical_rhythm(EIN_SC_COUNT);
    ck_assert_msg(paced.sharpest_mv > 3 * sinus.sharpest_mv, "spike %g mV against %g", paced.sharpest_mv,
                  sinus.sharpest_mv);
    ck_assert_msg(with(EIN_SC_PACE, qrs_width_ms) > without(qrs_width_ms) + 30, "QRS %g ms",
                  with(EIN_SC_PACE, qrs_width_ms));
    const double axis = with(EIN_SC_PACE, frontal_axis_deg);
    ck_assert_msg(axis < -20 && axis > -110, "axis %g", axis);
}
END_TEST

/* Every second beat is early; or, where the smooth ventricular beats escape the detector, what it finds is slow and
 * has deflections of a QRS's size in between. */
static bool looks_bigeminal(const ein_ecg *ecg) {
    int64_t beat[MOST_BEATS];
    const rhythm r = rhythm_of(ecg);
    if (r.alternation > 0.3) return true;
    const int count = find_beats(ecg, beat);
    int large = 0;
    for (int b = 1; b < count; b++) {
        const double rr = (double)(beat[b] - beat[b - 1]);
        double most = 0;
        for (int l = 0; l < LEADS; l++)
            for (int64_t t = beat[b - 1] + (int64_t)(0.28 * rr); t < beat[b - 1] + (int64_t)(0.6 * rr); t++)
                most = fmax(most, fabs((double)ecg->mv[l * ecg->n_samples + t] -
                                       (double)ecg->mv[l * ecg->n_samples + beat[b] - 35]));
        large += most > 0.6;
    }
    return r.rate_bpm < 52 && large >= count - 2;
}

START_TEST(bigeminy_alternates) {
    int seen[2] = {0, 0};
    ein_ecg ecg = {0};
    for (int slow = 0; slow < 2; slow++) {
        ein_synth_config config = only(slow ? EIN_SC_SB : EIN_SC_BIGEMINY);
        ein_synth_person who;
        no_noise(&config);
        for (int i = 0; i < 40; i++) {
            make(&config, 19, i, &who, &ecg);
            seen[slow] += looks_bigeminal(&ecg);
        }
    }
    ein_ecg_free(&ecg);
    ck_assert_msg(seen[0] >= 32, "%d of 40 with bigeminy", seen[0]);
    ck_assert_msg(seen[1] <= 4, "%d of 40 with bradycardia alone", seen[1]);
    ein_synth_config config = only(EIN_SC_BIGEMINY);
    ein_synth_person person;
    ck_assert_int_eq(ein_synth_draw_person(&config, 1, 1, &person), EIN_OK);
    ck_assert(abs(2 * person.n_pvc - person.n_beats) <= 1);
    ck_assert_uint_eq(person.labels, EIN_SC_BIT(EIN_SC_BIGEMINY) | EIN_SC_BIT(EIN_SC_PVC));
}
END_TEST

START_TEST(long_qt_is_long) {
    const rhythm longer = typical_rhythm(EIN_SC_LONG_QT), sinus = typical_rhythm(EIN_SC_COUNT);
    ck_assert_msg(longer.t_peak_ms > sinus.t_peak_ms + 60, "T peaks %g ms after the QRS, else %g",
                  longer.t_peak_ms, sinus.t_peak_ms);
}
END_TEST

/* --- hypertrophy on the right, ischaemia, T ------------------------------------------------------------- */

static double r_of_v1(const mean_beat *beat) {
    return highest(beat->mv[EIN_LEAD_V1], BEFORE - 40, BEFORE + 40);
}
static double limb_voltage(const mean_beat *beat) {
    double most = 0;
    for (int l = EIN_LEAD_I; l <= EIN_LEAD_AVF; l++)
        most = fmax(most, highest(beat->mv[l], BEFORE - 40, BEFORE + 40) -
                              lowest(beat->mv[l], BEFORE - 40, BEFORE + 40));
    return most;
}
/* 110 to 130 ms after the steepest moment. */
static double st_of(const mean_beat *beat, ein_lead lead) {
    double sum = 0;
    for (int i = BEFORE + 55; i < BEFORE + 65; i++) sum += beat->mv[lead][i] / 10;
    return sum;
}
static double st_v2(const mean_beat *beat) {
    return st_of(beat, EIN_LEAD_V2);
}
static double st_v5(const mean_beat *beat) {
    return st_of(beat, EIN_LEAD_V5);
}
/* Mean of 200 to 290 ms after it. */
static double t_of(const mean_beat *beat, ein_lead lead) {
    double sum = 0;
    for (int i = BEFORE + 100; i < BEFORE + 145; i++) sum += beat->mv[lead][i] / 45;
    return sum;
}
static double t_v4(const mean_beat *beat) {
    return t_of(beat, EIN_LEAD_V4);
}
static double t_avf(const mean_beat *beat) {
    return t_of(beat, EIN_LEAD_AVF);
}
static double t_i(const mean_beat *beat) {
    return t_of(beat, EIN_LEAD_I);
}

START_TEST(right_forces_turn_the_axis) {
    ck_assert_msg(with(EIN_SC_RVH, r_of_v1) > without(r_of_v1) + 0.4, "RVH: R in V1 %g against %g",
                  with(EIN_SC_RVH, r_of_v1), without(r_of_v1));
    ck_assert_msg(with(EIN_SC_RVH, frontal_axis_deg) > 75, "RVH: axis %g",
                  with(EIN_SC_RVH, frontal_axis_deg));
    const double axis = with(EIN_SC_LPFB, frontal_axis_deg);
    ck_assert_msg(axis > 85 && axis < 180, "LPFB: axis %g", axis);
    ck_assert_msg(with(EIN_SC_MI_POSTERIOR, r_of_v1) > without(r_of_v1) + 0.15, "PMI: R in V1 %g against %g",
                  with(EIN_SC_MI_POSTERIOR, r_of_v1), without(r_of_v1));
}
END_TEST

START_TEST(ischaemia_shows_in_its_leads) {
    const double v4 = without(t_v4), avf = without(t_avf), one = without(t_i), st = without(st_v5);
    ck_assert_msg(with(EIN_SC_ISC_ANTERIOR, t_v4) < 0.2 * v4, "T in V4: %g against %g",
                  with(EIN_SC_ISC_ANTERIOR, t_v4), v4);
    ck_assert_msg(with(EIN_SC_ISC_ANTERIOR, st_v5) < st - 0.04, "ST in V5: %g against %g",
                  with(EIN_SC_ISC_ANTERIOR, st_v5), st);
    ck_assert_msg(with(EIN_SC_ISC_INFERIOR, t_avf) < avf - 0.08, "T in aVF: %g against %g",
                  with(EIN_SC_ISC_INFERIOR, t_avf), avf);
    ck_assert_msg(with(EIN_SC_ISC_LATERAL, t_i) < 0.3 * one, "T in I: %g against %g",
                  with(EIN_SC_ISC_LATERAL, t_i), one);
    ck_assert_msg(with(EIN_SC_INJURY, st_v2) > without(st_v2) + 0.15, "injury: ST in V2 %g against %g",
                  with(EIN_SC_INJURY, st_v2), without(st_v2));
    ck_assert_msg(with(EIN_SC_NST, st_v5) < st - 0.02, "NST: ST in V5 %g against %g", with(EIN_SC_NST, st_v5),
                  st);
    ck_assert_msg(with(EIN_SC_NDT, t_v4) < 0.5 * v4, "NDT: T in V4 %g against %g", with(EIN_SC_NDT, t_v4),
                  v4);
}
END_TEST

START_TEST(low_voltage_is_low) {
    const double low = with(EIN_SC_LOW_VOLTAGE, limb_voltage), normal = without(limb_voltage);
    ck_assert_msg(low < 0.6 * normal && low < 0.7, "limb leads: %g mV against %g", low, normal);
}
END_TEST

/* The strength of every finding goes through effect.all: at 0 a recording is the same with it and without. */
START_TEST(findings_without_strength_leave_no_trace) {
    ein_ecg a = {0}, b = {0};
    ein_synth_person with_it, without_it;
    for (int c = 0; c < EIN_SC_COUNT; c++) {
        ein_synth_config config = only((ein_synth_condition)c), none = no_findings();
        config.p[EIN_SP_EFFECT_ALL] = none.p[EIN_SP_EFFECT_ALL] = 0;
        ck_assert_int_eq(ein_synth_config_ready(&none), EIN_OK);
        for (int i = 0; i < 2; i++) {
            make(&config, 23, i, &with_it, &a);
            make(&none, 23, i, &without_it, &b);
            ck_assert_uint_ne(with_it.labels, without_it.labels);
            ck_assert_msg(memcmp(a.mv, b.mv, sizeof(float) * LEADS * 5000) == 0, "%s",
                          ein_synth_conditions[c].key);
            config.p[EIN_SP_EFFECT_ALL] = 0.5;
            make(&config, 23, i, &with_it, &a);
            ck_assert_msg(memcmp(a.mv, b.mv, sizeof(float) * LEADS * 5000) != 0, "%s at half strength",
                          ein_synth_conditions[c].key);
            config.p[EIN_SP_EFFECT_ALL] = 0;
        }
    }
    ein_ecg_free(&a);
    ein_ecg_free(&b);
}
END_TEST

START_TEST(half_strength_lies_in_the_middle) {
    ein_synth_config config = only(EIN_SC_LBBB);
    ein_synth_person none, half, full;
    for (int i = 0; i < 5; i++) {
        config.p[EIN_SP_QRS_MALE] = 1; /* sex aside */
        config.p[EIN_SP_EFFECT_ALL] = 0;
        ck_assert_int_eq(ein_synth_draw_person(&config, 3, i, &none), EIN_OK);
        config.p[EIN_SP_EFFECT_ALL] = 0.5;
        ck_assert_int_eq(ein_synth_draw_person(&config, 3, i, &half), EIN_OK);
        config.p[EIN_SP_EFFECT_ALL] = 1;
        ck_assert_int_eq(ein_synth_draw_person(&config, 3, i, &full), EIN_OK);
        ck_assert(full.qrs_ms > none.qrs_ms + 20);
        ck_assert_msg(fabs(half.qrs_ms - 0.5 * (none.qrs_ms + full.qrs_ms)) < 1e-6, "%g between %g and %g",
                      half.qrs_ms, none.qrs_ms, full.qrs_ms);
    }
}
END_TEST

static double with_state(ein_synth_parameter which, double value, double (*measure)(const mean_beat *)) {
    ein_synth_config config = no_findings();
    no_noise(&config);
    config.p[which] = value;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    return median_of(&config, measure);
}

/* Median over the worse or better perfused third of 180 people. */
static double of_perfusion(bool poor, double (*measure)(const mean_beat *)) {
    ein_synth_config config = no_findings();
    double values[180];
    int n = 0;
    ein_ecg ecg = {0};
    ein_synth_person person;
    mean_beat beat;
    no_noise(&config);
    config.p[EIN_SP_LVEF_SHARE] = 0;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    for (int i = 0; i < 180; i++) {
        ck_assert_int_eq(ein_synth_draw_person(&config, 6, i, &person), EIN_OK);
        const double worse = person.state.flow + person.state.defect;
        if (poor ? worse < 0.8 : worse > -0.8) continue;
        ck_assert_int_eq(ein_synth_render(&config, &person, 6, i, &ecg), EIN_OK);
        average(&ecg, &beat);
        values[n++] = measure(&beat);
    }
    ein_ecg_free(&ecg);
    ck_assert_int_ge(n, 30);
    return quantile(values, n, 0.5);
}

START_TEST(state_shows_in_the_signal) {
    const ein_synth_parameter lvef = EIN_SP_LVEF_SHARE; /* 0: all have a good one, 1: all a bad one */
    const double volts = with_state(lvef, 1, limb_voltage) / with_state(lvef, 0, limb_voltage);
    const double width = with_state(lvef, 1, qrs_width_ms) - with_state(lvef, 0, qrs_width_ms);
    const double t = with_state(lvef, 1, t_v4) / with_state(lvef, 0, t_v4);
    ck_assert_msg(volts < 0.78, "voltage by %g", volts);
    ck_assert_msg(width > 5, "QRS longer by %g ms", width);
    ck_assert_msg(t < 0.6, "T by %g", t);
    const double st = of_perfusion(true, st_v5) - of_perfusion(false, st_v5);
    const double flat = of_perfusion(true, t_v4) / of_perfusion(false, t_v4);
    ck_assert_msg(st < -0.02, "poor perfusion: ST by %g mV", st);
    ck_assert_msg(flat < 0.8, "poor perfusion: T by %g", flat);
}
END_TEST

/* --- realism ------------------------------------------------------------------------------------------- */

/* Medians of QRS maxima and minima of 759 normal PTB-XL records, mV. */
START_TEST(amplitudes_are_those_of_people) {
    static const struct {
        ein_lead lead;
        double r_mv, s_mv;
    } real[] = {{EIN_LEAD_I, 0.74, -0.09},  {EIN_LEAD_II, 0.90, -0.09}, {EIN_LEAD_V1, 0.17, -0.84},
                {EIN_LEAD_V2, 0.50, -1.17}, {EIN_LEAD_V3, 0.89, -0.80}, {EIN_LEAD_V4, 1.37, -0.43},
                {EIN_LEAD_V5, 1.37, -0.17}, {EIN_LEAD_V6, 1.13, -0.09}};
    enum { MANY = 200 };
    static double r[LEADS][MANY], s[LEADS][MANY];
    ein_synth_config config = no_findings();
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_ecg ecg = {0};
    ein_synth_person person;
    mean_beat beat;
    for (int i = 0; i < MANY; i++) {
        make(&config, 2, i, &person, &ecg);
        average(&ecg, &beat);
        for (int l = 0; l < LEADS; l++) {
            r[l][i] = highest(beat.mv[l], BEFORE - 35, BEFORE + 45);
            s[l][i] = lowest(beat.mv[l], BEFORE - 35, BEFORE + 45);
        }
        /* The least are of failing hearts. */
        ck_assert_msg(r[EIN_LEAD_V5][i] > 0.03 && r[EIN_LEAD_V5][i] < 4.5, "record %d: R in V5 %g mV", i,
                      r[EIN_LEAD_V5][i]);
    }
    ein_ecg_free(&ecg);
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        const double rm = quantile(r[real[i].lead], MANY, 0.5), sm = quantile(s[real[i].lead], MANY, 0.5);
        ck_assert_msg(fabs(rm - real[i].r_mv) <= 0.12 + 0.25 * real[i].r_mv, "R in %s: %g mV against %g",
                      ein_lead_name(real[i].lead), rm, real[i].r_mv);
        ck_assert_msg(fabs(sm - real[i].s_mv) <= 0.12 - 0.25 * real[i].s_mv, "S in %s: %g mV against %g",
                      ein_lead_name(real[i].lead), sm, real[i].s_mv);
    }
}
END_TEST

/* Power of one frequency (Goertzel), mV^2. */
static double power_at(const float *x, int64_t n, double fs_hz, double hz) {
    double re = 0, im = 0;
    for (int64_t t = 0; t < n; t++) {
        re += (double)x[t] * cos(2 * M_PI * hz * (double)t / fs_hz);
        im += (double)x[t] * sin(2 * M_PI * hz * (double)t / fs_hz);
    }
    return (re * re + im * im) / ((double)n * (double)n);
}

static double median_power(const ein_synth_config *config, double low_hz, double high_hz) {
    double values[RECORDS];
    ein_ecg ecg = {0};
    ein_synth_person person;
    for (int i = 0; i < RECORDS; i++) {
        int steps = 0;
        make(config, 5, i, &person, &ecg);
        values[i] = 0;
        for (double hz = low_hz; hz <= high_hz; hz += 0.5, steps++)
            values[i] += power_at(row(&ecg, EIN_LEAD_V5), ecg.n_samples, ecg.fs_hz, hz);
        values[i] /= steps;
    }
    ein_ecg_free(&ecg);
    return 10 * log10(quantile(values, RECORDS, 0.5));
}

START_TEST(spectrum_falls_like_an_ecg) {
    ein_synth_config config = no_findings();
    config.p[EIN_SP_MAINS_SHARE] = 0;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    const double at12 = median_power(&config, 10, 14), at40 = median_power(&config, 38, 42);
    const double at90 = median_power(&config, 88, 92), at200 = median_power(&config, 198, 202);
    /* PTB-XL, V5: 18 dB from 12 to 40 Hz, 35 to 90 Hz. */
    ck_assert_msg(at12 - at40 > 14 && at12 - at40 < 32, "12 to 40 Hz: %g dB", at12 - at40);
    ck_assert_msg(at12 - at90 > 28 && at12 - at90 < 46, "12 to 90 Hz: %g dB", at12 - at90);
    ck_assert_msg(at90 > at200 - 1, "90 Hz %g dB, 200 Hz %g dB", at90, at200);
}
END_TEST

START_TEST(noise_comes_when_asked) {
    ein_synth_config quiet = no_findings(), loud;
    no_noise(&quiet);
    ck_assert_int_eq(ein_synth_config_ready(&quiet), EIN_OK);
    loud = quiet;
    loud.p[EIN_SP_MAINS_SHARE] = 1;
    loud.p[EIN_SP_MAINS_HZ] = 60;
    loud.p[EIN_SP_MAINS_UV] = 40;
    ck_assert(median_power(&loud, 59.5, 60.5) > median_power(&quiet, 59.5, 60.5) + 12);
    ck_assert(fabs(median_power(&loud, 50, 51) - median_power(&quiet, 50, 51)) < 3);
    loud = quiet;
    loud.p[EIN_SP_EMG_UV] = 50;
    ck_assert(median_power(&loud, 60, 90) > median_power(&quiet, 60, 90) + 6);
    loud = quiet;
    loud.p[EIN_SP_WANDER_UV] = 500;
    ck_assert(median_power(&loud, 0.1, 0.4) > median_power(&quiet, 0.1, 0.4) + 12);
}
END_TEST

/* Median SD of lead II over recordings of hearts that are still. */
static double sd_of_two(const ein_synth_config *config) {
    double values[RECORDS];
    ein_ecg ecg = {0};
    ein_synth_person person;
    for (int i = 0; i < RECORDS; i++) {
        double sum = 0, squares = 0;
        ck_assert_int_eq(ein_synth_draw_person(config, 4, i, &person), EIN_OK);
        for (int w = 0; w < EIN_SW_COUNT; w++)
            memset(person.heart.wave[w].v, 0, sizeof person.heart.wave[w].v);
        ck_assert_int_eq(ein_synth_render(config, &person, 4, i, &ecg), EIN_OK);
        const float *two = row(&ecg, EIN_LEAD_II);
        for (int64_t t = 0; t < ecg.n_samples; t++) {
            sum += (double)two[t];
            squares += (double)two[t] * (double)two[t];
        }
        sum /= (double)ecg.n_samples;
        values[i] = sqrt(fmax(squares / (double)ecg.n_samples - sum * sum, 0));
    }
    ein_ecg_free(&ecg);
    return quantile(values, RECORDS, 0.5);
}

/* II is the difference of two electrodes, each with noise of its own: sqrt(2) of one electrode's SD. */
START_TEST(noise_has_its_size) {
    ein_synth_config still = no_findings(), noisy;
    no_noise(&still);
    still.p[EIN_SP_EMG_LOG_SD] = still.p[EIN_SP_WANDER_LOG_SD] = still.p[EIN_SP_HIGH_PASS_HZ] = 0;
    ck_assert_int_eq(ein_synth_config_ready(&still), EIN_OK);
    ck_assert(sd_of_two(&still) < 1e-6);
    noisy = still;
    noisy.p[EIN_SP_EMG_UV] = 100; /* limb electrodes have 1.4 times that */
    ck_assert_msg(fabs(sd_of_two(&noisy) - 0.21) < 0.05, "muscle: %g mV", sd_of_two(&noisy));
    noisy = still;
    noisy.p[EIN_SP_AMPLIFIER_UV] = 100;
    ck_assert_msg(fabs(sd_of_two(&noisy) - 0.1414) < 0.004, "amplifier: %g mV", sd_of_two(&noisy));
    noisy = still;
    noisy.p[EIN_SP_WANDER_UV] = 100;
    ck_assert_msg(fabs(sd_of_two(&noisy) - 0.13) < 0.04, "wander: %g mV", sd_of_two(&noisy));
}
END_TEST

/* f waves alone: their own in each recording, of the asked rate, largest in V1. */
START_TEST(fibrillation_waves_are_those_asked) {
    ein_synth_config config = only(EIN_SC_AF);
    no_noise(&config);
    ein_ecg a = {0}, b = {0};
    ein_synth_person person;
    double hz_error[20], v1_mv[20];
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(ein_synth_draw_person(&config, 4, i, &person), EIN_OK);
        for (int w = 0; w < EIN_SW_COUNT; w++)
            memset(person.heart.wave[w].v, 0, sizeof person.heart.wave[w].v);
        ck_assert_int_eq(ein_synth_render(&config, &person, 4, i, &a), EIN_OK);
        ck_assert_int_eq(ein_synth_render(&config, &person, 4, i + 1, &b), EIN_OK);
        const float *v1 = row(&a, EIN_LEAD_V1), *other = row(&b, EIN_LEAD_V1);
        int crossings = 0, same = 0;
        double top = 0;
        for (int64_t t = 1; t < a.n_samples; t++) {
            crossings += v1[t - 1] < 0 && v1[t] >= 0;
            same += fabsf(v1[t] - other[t]) < 1e-4f;
            top = fmax(top, (double)v1[t]);
        }
        ck_assert_int_lt(same, 800);
        hz_error[i] = fabs(crossings / 10.0 - person.heart.f_hz);
        v1_mv[i] = top;
    }
    ein_ecg_free(&a);
    ein_ecg_free(&b);
    ck_assert_msg(quantile(hz_error, 20, 0.5) < 0.5, "off by %g Hz", quantile(hz_error, 20, 0.5));
    ck_assert_msg(quantile(v1_mv, 20, 0.5) > 0.03 && quantile(v1_mv, 20, 0.5) < 0.2, "%g mV in V1",
                  quantile(v1_mv, 20, 0.5));
}
END_TEST

/* --- acquisition --------------------------------------------------------------------------------------- */

static int count_nan(const float *x, int64_t n) {
    int count = 0;
    for (int64_t t = 0; t < n; t++) count += isnan(x[t]) != 0;
    return count;
}

START_TEST(samples_are_missing_only_when_asked) {
    ein_synth_config config;
    ein_synth_config_default(&config);
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_ecg ecg = {0};
    ein_synth_person person;
    for (int i = 0; i < 40; i++) {
        make(&config, 21, i, &person, &ecg);
        ck_assert_int_eq(count_nan(ecg.mv, LEADS * ecg.n_samples), 0);
    }
    config.p[EIN_SP_MISSING_SHARE] = config.p[EIN_SP_FLAT_SHARE] = 1;
    for (int i = 0; i < 10; i++) {
        make(&config, 21, i, &person, &ecg);
        for (int l = 0; l < LEADS; l++) {
            const float *x = ecg.mv + l * ecg.n_samples;
            const bool missing = l == person.acquisition.missing_lead;
            ck_assert_int_eq(count_nan(x, ecg.n_samples), missing ? 5000 : 0);
            bool flat = true;
            for (int64_t t = 1; t < ecg.n_samples; t++) flat = flat && x[t] == x[0];
            ck_assert(flat == (l == person.acquisition.flat_lead && !missing));
        }
        ck_assert(person.acquisition.missing_lead >= EIN_LEAD_V1 &&
                  person.acquisition.flat_lead >= EIN_LEAD_V1);
    }
    config.p[EIN_SP_MISSING_SHARE] = config.p[EIN_SP_FLAT_SHARE] = 0;
    config.p[EIN_SP_GAP_SHARE] = 1;
    make(&config, 21, 1, &person, &ecg);
    for (int l = 0; l < LEADS; l++)
        ck_assert_int_eq(count_nan(ecg.mv + l * ecg.n_samples, ecg.n_samples),
                         (int)(person.acquisition.gap_length_s * 500));
    ein_ecg_free(&ecg);
}
END_TEST

/* A recorder is AC-coupled: no lead has a level of its own, and slow drift is damped. */
START_TEST(recorder_is_ac_coupled) {
    ein_synth_config config = no_findings();
    no_noise(&config);
    config.p[EIN_SP_HIGH_PASS_HZ] = 0;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_ecg ecg = {0};
    ein_synth_person person;
    double level[2] = {0, 0};
    for (int on = 0; on < 2; on++) {
        if (on) config.p[EIN_SP_HIGH_PASS_HZ] = 0.05;
        make(&config, 1, 3, &person, &ecg);
        for (int64_t t = 0; t < ecg.n_samples; t++) level[on] += (double)row(&ecg, EIN_LEAD_V5)[t] / 5000;
    }
    ck_assert_msg(level[0] > 0.03, "without: %g mV", level[0]);
    ck_assert_msg(fabs(level[1]) < 0.15 * level[0], "with: %g against %g mV", level[1], level[0]);
    ein_ecg_free(&ecg);
}
END_TEST

START_TEST(recorder_has_a_bandwidth) {
    ein_synth_config wide = no_findings(), narrow;
    no_noise(&wide);
    wide.p[EIN_SP_EMG_UV] = 100; /* above what the ends of a recording leak into every frequency */
    ck_assert_int_eq(ein_synth_config_ready(&wide), EIN_OK);
    narrow = wide;
    narrow.p[EIN_SP_LOW_PASS_HZ] = 40;
    const double at10 = median_power(&wide, 8, 12) - median_power(&narrow, 8, 12);
    const double at40 = median_power(&wide, 39, 41) - median_power(&narrow, 39, 41);
    const double at120 = median_power(&wide, 118, 122) - median_power(&narrow, 118, 122);
    ck_assert_msg(fabs(at10) < 0.3, "at 10 Hz: %g dB", at10);
    ck_assert_msg(at40 > 2.5 && at40 < 3.5, "at 40 Hz: %g dB", at40);
    ck_assert_msg(at120 > 17, "at 120 Hz: %g dB", at120);
    wide.p[EIN_SP_FILTER_SHARE] = 0.3;
    int filtered = 0;
    for (int i = 0; i < 1000; i++) {
        ein_synth_person person;
        ck_assert_int_eq(ein_synth_draw_person(&wide, 2, i, &person), EIN_OK);
        filtered += person.acquisition.low_pass_hz > 0;
    }
    ck_assert_msg(abs(filtered - 300) < 60, "%d of 1000 filtered", filtered);
}
END_TEST

START_TEST(interchanged_arms_show) {
    ein_synth_config config = no_findings();
    config.p[EIN_SP_REVERSAL_SHARE] = 1;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_ecg a = {0}, b = {0};
    ein_synth_person person;
    make(&config, 1, 3, &person, &a);
    ck_assert(person.acquisition.reversed);
    person.acquisition.reversed = false;
    ck_assert_int_eq(ein_synth_render(&config, &person, 1, 3, &b), EIN_OK);
    for (int64_t t = 0; t < a.n_samples; t++) {
        ck_assert(row(&a, EIN_LEAD_I)[t] == -row(&b, EIN_LEAD_I)[t]);
        ck_assert(fabsf(row(&a, EIN_LEAD_II)[t] - row(&b, EIN_LEAD_III)[t]) < 2e-6f);
        ck_assert(fabsf(row(&a, EIN_LEAD_AVR)[t] - row(&b, EIN_LEAD_AVL)[t]) < 2e-6f);
        ck_assert(fabsf(row(&a, EIN_LEAD_V4)[t] - row(&b, EIN_LEAD_V4)[t]) < 2e-6f);
    }
    ein_ecg_free(&a);
    ein_ecg_free(&b);
}
END_TEST

START_TEST(recorder_clips) {
    ein_synth_config config = no_findings();
    config.p[EIN_SP_CLIP_MV] = 0.3;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_ecg ecg = {0};
    ein_synth_person person;
    make(&config, 1, 1, &person, &ecg);
    int at_limit = 0, beyond = 0;
    for (int64_t t = 0; t < ecg.n_samples; t++) {
        const double size = fabs((double)row(&ecg, EIN_LEAD_V5)[t]);
        beyond += !(size <= 0.3000001);
        at_limit += size >= 0.2999999;
    }
    ck_assert_int_eq(beyond, 0);
    ck_assert_int_gt(at_limit, 20);
    ein_ecg_free(&ecg);
}
END_TEST

/* The heart does not know the sampling rate: what is sampled twice as fast passes through the same points. */
START_TEST(sampling_rates_agree) {
    ein_synth_config slow = no_findings(), fast;
    no_noise(&slow);
    slow.p[EIN_SP_PREVALENCE + EIN_SC_AF] = slow.p[EIN_SP_PREVALENCE + EIN_SC_PVC] = 0.5;
    ck_assert_int_eq(ein_synth_config_ready(&slow), EIN_OK);
    fast = slow;
    fast.p[EIN_SP_FS_HZ] = 1000;
    ein_ecg a = {0}, b = {0};
    ein_synth_person person;
    for (int i = 0; i < 6; i++) {
        make(&slow, 8, i, &person, &a);
        make(&fast, 8, i, &person, &b);
        ck_assert_int_eq((int)b.n_samples, 10000);
        double worst = 0;
        for (int l = 0; l < LEADS; l++)
            for (int64_t t = 0; t < a.n_samples; t++) {
                const double difference =
                    fabs((double)a.mv[l * a.n_samples + t] - (double)b.mv[l * b.n_samples + 2 * t]);
                if (!(difference <= worst)) worst = difference;
            }
        ck_assert_msg(worst <= 2e-3, "record %d: %g mV", i, worst);
    }
    ein_ecg_free(&a);
    ein_ecg_free(&b);
}
END_TEST

/* --- addressed draws ----------------------------------------------------------------------------------- */

START_TEST(a_record_is_the_same_in_any_company) {
    ein_synth_config config;
    ein_synth_config_default(&config);
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_ecg alone = {0}, used = {0};
    ein_synth_person person, other;
    for (int64_t i = 300; i < 306; i++) {
        make(&config, 77, i, &person, &alone);
        for (int64_t j = 0; j < 3; j++) make(&config, 70 + (uint64_t)j, 5 * i + j, &other, &used);
        make(&config, 77, i, &other, &used);
        ck_assert(memcmp(alone.mv, used.mv, sizeof(float) * LEADS * 5000) == 0);
        ck_assert_str_eq(alone.person.dx, used.person.dx);
        ck_assert_uint_eq(person.labels, other.labels);
        ein_ecg_free(&alone);
    }
    ein_ecg_free(&used);
}
END_TEST

/* The defaults' records are the same with any compiler, on any processor: II and V3 of seed 1 in uV, every 2 s from
 * 1 s. A change of defaults or draws changes them, and with them everybody's cohorts. */
START_TEST(records_are_the_same_everywhere) {
    static const struct {
        int record;
        long two_v3[10];
    } known[] = {{0, {-139, 257, -67, 157, 228, -398, 190, -202, -325, 861}},
                 {37, {-26, 130, 1, 11, 27, -527, -21, 65, 3, 34}},
                 {74, {66, 244, -196, -238, -83, -181, 1094, 585, -203, -168}},
                 {111, {-102, -208, -210, -152, 10, 309, -96, -181, -68, -200}}};
    ein_synth_config config;
    ein_synth_config_default(&config);
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_ecg ecg = {0};
    ein_synth_person person;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        make(&config, 1, known[i].record, &person, &ecg);
        for (int j = 0; j < 5; j++) {
            const long two = lrint(1e3 * (double)row(&ecg, EIN_LEAD_II)[500 + 1000 * j]);
            const long v3 = lrint(1e3 * (double)row(&ecg, EIN_LEAD_V3)[500 + 1000 * j]);
            /* One count: the last bit of another mathematics library. */
            ck_assert_msg(labs(two - known[i].two_v3[2 * j]) <= 1 &&
                              labs(v3 - known[i].two_v3[2 * j + 1]) <= 1,
                          "record %d at %d s: %ld, %ld", known[i].record, 1 + 2 * j, two, v3);
        }
    }
    ein_ecg_free(&ecg);
}
END_TEST

START_TEST(seeds_and_records_differ) {
    ein_synth_config config = no_findings();
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_ecg a = {0}, b = {0}, c = {0};
    ein_synth_person person;
    make(&config, 1, 5, &person, &a);
    make(&config, 2, 5, &person, &b);
    make(&config, 1, 6, &person, &c);
    int same_b = 0, same_c = 0;
    for (int t = 0; t < LEADS * 5000; t++) {
        same_b += fabsf(a.mv[t] - b.mv[t]) < 1e-6f;
        same_c += fabsf(a.mv[t] - c.mv[t]) < 1e-6f;
    }
    ck_assert_int_lt(same_b, 600);
    ck_assert_int_lt(same_c, 600);
    ein_ecg_free(&a);
    ein_ecg_free(&b);
    ein_ecg_free(&c);
}
END_TEST

START_TEST(noise_words_are_philox) {
    enum { BLOCKS = 48 };
    uint32_t words[4 * BLOCKS];
    ein_synth_words(0x123456789abcdefULL, 7, 0xfedcba9876543ULL, 4294967290U, BLOCKS, words);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        const ein_philox_block block =
            ein_philox(0x123456789abcdefULL, 7, 0xfedcba9876543ULL, 4294967290U + i);
        for (uint32_t j = 0; j < 4; j++)
            ck_assert_uint_eq(words[64 * (i / 16) + 16 * j + i % 16], block.v[j]);
    }
}
END_TEST

/* --- people -------------------------------------------------------------------------------------------- */

START_TEST(patients_keep_themselves) {
    ein_synth_config config;
    ein_synth_config_default(&config);
    config.p[EIN_SP_ECGS] = 3;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_synth_person before, now;
    int patients = 1;
    enum { MANY = 6000 };
    ck_assert_int_eq(ein_synth_draw_person(&config, 9, 0, &before), EIN_OK);
    ck_assert_int_eq(before.visit, 0);
    for (int i = 1; i < MANY; i++) {
        ck_assert_int_eq(ein_synth_draw_person(&config, 9, i, &now), EIN_OK);
        if (now.patient == before.patient) {
            const uint64_t of_day = EIN_SC_BIT(EIN_SC_SB) | EIN_SC_BIT(EIN_SC_ST) | EIN_SC_BIT(EIN_SC_SVT) |
                                    EIN_SC_BIT(EIN_SC_INJURY) | EIN_SC_BIT(EIN_SC_BIGEMINY) |
                                    EIN_SC_BIT(EIN_SC_PVC) | EIN_SC_BIT(EIN_SC_PAC);
            ck_assert_int_eq(now.visit, before.visit + 1);
            ck_assert_int_eq(now.sex, before.sex);
            ck_assert_int_eq(now.fold, before.fold);
            ck_assert(now.age_years >= before.age_years && now.age_years < before.age_years + 6);
            ck_assert(strncmp(now.acquired, before.acquired, 4) >= 0);
            /* Findings come with age; none goes, unless a new one hides it. */
            if (!(now.labels & ~before.labels & ~of_day))
                ck_assert_uint_eq(before.labels & ~now.labels & ~of_day, 0);
        } else {
            ck_assert(now.patient > before.patient);
            ck_assert_int_eq(now.visit, 0);
            patients++;
        }
        before = now;
    }
    ck_assert_msg(fabs((double)MANY / patients - 3) < 0.25, "%g recordings per patient",
                  (double)MANY / patients);
}
END_TEST

START_TEST(findings_are_as_frequent_as_asked) {
    enum { MANY = 20000 };
    ein_synth_config config;
    ein_synth_config_default(&config);
    config.p[EIN_SP_ECGS] = 1;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    int count[EIN_SC_COUNT] = {0}, old_af = 0, young_af = 0, old = 0, men = 0;
    for (int i = 0; i < MANY; i++) {
        ein_synth_person person;
        ck_assert_int_eq(ein_synth_draw_person(&config, 31, i, &person), EIN_OK);
        for (int c = 0; c < EIN_SC_COUNT; c++) count[c] += (person.labels & EIN_SC_BIT(c)) != 0;
        const int af = (person.labels & EIN_SC_BIT(EIN_SC_AF)) != 0;
        if (person.age_years > 60) {
            old++;
            old_af += af;
        } else {
            young_af += af;
        }
        men += person.sex == EIN_SEX_MALE;
        ck_assert(person.age_years >= 18 && person.age_years <= 95);
        ck_assert(person.fold >= 1 && person.fold <= 10);
    }
    for (int c = 0; c < EIN_SC_COUNT; c++) {
        const double p = config.p[EIN_SP_PREVALENCE + c], got = (double)count[c] / MANY;
        ck_assert_msg(fabs(got - p) <= 4 * sqrt(p / MANY) + 0.12 * p, "%s: %g instead of %g",
                      ein_synth_conditions[c].key, got, p);
    }
    ck_assert((double)old_af / old > 2.0 * young_af / (MANY - old));
    ck_assert(fabs((double)men / MANY - 0.52) < 0.02);
}
END_TEST

START_TEST(impossible_configurations_are_refused) {
    ein_synth_config config;
    ein_synth_config_default(&config);
    config.p[EIN_SP_FS_HZ] = 5;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_USAGE);
    ck_assert_ptr_nonnull(strstr(ein_error_message(), "signal.fs_hz"));
    ein_synth_config_default(&config);
    config.p[EIN_SP_AF_RR_CV] = NAN;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_USAGE);
    ein_synth_config_default(&config);
    config.p[EIN_SP_AGE_MIN] = 90;
    config.p[EIN_SP_AGE_MAX] = 20;
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_USAGE);
    ein_synth_config_default(&config);
    ck_assert_int_eq(ein_synth_config_ready(&config), EIN_OK);
    ein_synth_person person;
    ck_assert_int_eq(ein_synth_draw_person(&config, 1, -1, &person), EIN_RANGE);
}
END_TEST

/* Every parameter at both ends of its range gives finite samples. */
START_TEST(extremes_stay_finite) {
    ein_ecg ecg = {0};
    ein_synth_person person;
    for (int i = 0; i < EIN_SP_COUNT; i++)
        for (int end = 0; end < 2; end++) {
            ein_synth_config config;
            ein_synth_config_default(&config);
            if (i == EIN_SP_DURATION_S && end == 1) continue; /* an hour, in vain */
            config.p[i] = end ? ein_synth_parameters[i].max : ein_synth_parameters[i].min;
            if (ein_synth_config_ready(&config) != EIN_OK) continue; /* ages in contradiction */
            config.p[EIN_SP_MISSING_SHARE] = config.p[EIN_SP_GAP_SHARE] = 0;
            make(&config, 6, 2, &person, &ecg);
            int bad = 0;
            for (int64_t t = 0; t < LEADS * ecg.n_samples; t++) bad += !isfinite(ecg.mv[t]);
            ck_assert_msg(bad == 0, "%s = %g", ein_synth_parameters[i].key, config.p[i]);
        }
    ein_ecg_free(&ecg);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("synth");
#define ADD(name) ein_tap_add(suite, #name, name)
    ADD(limb_leads_hold);
    ADD(recordings_are_named_and_described);
    ADD(sinus_rate_is_as_asked);
    ADD(bradycardia_is_as_asked);
    ADD(tachycardia_is_as_asked);
    ADD(fibrillation_is_irregular_without_p);
    ADD(premature_beats_are_there);
    ADD(blocks_widen_the_qrs);
    ADD(blocks_have_their_shapes);
    ADD(first_degree_block_lengthens_pr);
    ADD(hypertrophy_has_voltage);
    ADD(infarctions_show_in_their_leads);
    ADD(tachycardia_of_atria_is_fast_and_regular);
    ADD(blocked_p_waves_are_there);
    ADD(pacing_has_spikes_and_broad_beats);
    ADD(bigeminy_alternates);
    ADD(long_qt_is_long);
    ADD(right_forces_turn_the_axis);
    ADD(ischaemia_shows_in_its_leads);
    ADD(low_voltage_is_low);
    ADD(findings_without_strength_leave_no_trace);
    ADD(half_strength_lies_in_the_middle);
    ADD(state_shows_in_the_signal);
    ADD(amplitudes_are_those_of_people);
    ADD(spectrum_falls_like_an_ecg);
    ADD(noise_comes_when_asked);
    ADD(noise_has_its_size);
    ADD(fibrillation_waves_are_those_asked);
    ADD(samples_are_missing_only_when_asked);
    ADD(recorder_is_ac_coupled);
    ADD(recorder_has_a_bandwidth);
    ADD(interchanged_arms_show);
    ADD(recorder_clips);
    ADD(sampling_rates_agree);
    ADD(a_record_is_the_same_in_any_company);
    ADD(records_are_the_same_everywhere);
    ADD(seeds_and_records_differ);
    ADD(noise_words_are_philox);
    ADD(patients_keep_themselves);
    ADD(findings_are_as_frequent_as_asked);
    ADD(impossible_configurations_are_refused);
    ADD(extremes_stay_finite);
    return ein_tap_main(suite);
}
