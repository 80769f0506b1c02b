#include "core/synth/synth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/synth/beats.h"
#include "core/synth/draw.h"
#include "core/synth/heart.h"

/* --- configuration ------------------------------------------------------------------------------------- */

static double log_odds_of(const double *p, int condition, double intercept, double age_years, bool male) {
    return intercept + ein_log(p[EIN_SP_AGE_ODDS + condition]) * (age_years - 60) / 10 +
           (male ? ein_log(p[EIN_SP_MALE_ODDS + condition]) : 0);
}

/* Mean probability of a condition over the cohort's ages (a cut normal, by midpoints) and sexes. */
static double expected(const double *p, int condition, double intercept) {
    enum { STEPS = 64 };
    double sum = 0, weights = 0;
    for (int i = 0; i < STEPS; i++) {
        const double age = p[EIN_SP_AGE_MIN] + (i + 0.5) / STEPS * (p[EIN_SP_AGE_MAX] - p[EIN_SP_AGE_MIN]);
        const double z = p[EIN_SP_AGE_SD] > 0 ? (age - p[EIN_SP_AGE_MEAN]) / p[EIN_SP_AGE_SD] : 0;
        const double weight = ein_exp(-0.5 * z * z) + 1e-300;
        const double man = ein_logistic(log_odds_of(p, condition, intercept, age, true));
        const double woman = ein_logistic(log_odds_of(p, condition, intercept, age, false));
        sum += weight * (p[EIN_SP_MALE] * man + (1 - p[EIN_SP_MALE]) * woman);
        weights += weight;
    }
    return sum / weights;
}

/* The intercept for which `condition` has its prevalence, by bisection. Conditions that forbid it take some
 * of the people away, so that it must be more frequent among the rest. */
static double intercept_of(const double *p, int condition) {
    double free_share = 1;
    const uint64_t excluded_by = ein_synth_condition_excluded_by((ein_synth_condition)condition);
    for (int c = 0; c < condition; c++)
        if (excluded_by & EIN_SC_BIT(c)) free_share *= 1 - p[EIN_SP_PREVALENCE + c];
    const double wanted = p[EIN_SP_PREVALENCE + condition] / fmax(free_share, 1e-9);
    if (!(wanted > 0)) return -INFINITY;
    if (wanted >= 1) return INFINITY;
    double low = -60, high = 60;
    for (int i = 0; i < 80; i++) {
        const double middle = 0.5 * (low + high);
        if (expected(p, condition, middle) < wanted)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

/* --- people -------------------------------------------------------------------------------------------- */

static ein_stream person_stream(uint64_t seed, int sub, int64_t item) {
    return ein_stream_open(seed, EIN_SYNTH_PURPOSE(EIN_DRAW_SYNTH_PERSON, sub), (uint64_t)item);
}

/* Records come in blocks of 128; a block's patients follow each other in it, each with a geometric number
 * of recordings, the last one's cut at the end. So a record finds its patient without knowing other blocks. */
static void find_patient(const double *p, uint64_t seed, ein_synth_person *person) {
    enum { RECORDS = 128 };
    const int64_t block = person->record / RECORDS;
    const int wanted = (int)(person->record % RECORDS);
    const double stop = 1 / p[EIN_SP_ECGS];
    ein_stream s = person_stream(seed, EIN_SYNTH_DRAW_PATIENTS, block);
    int first = 0;
    for (int i = 0; i < wanted; i++)
        if (ein_stream_uniform(&s) < stop) first = i + 1;
    person->patient = block * RECORDS + first;
    person->visit = wanted - first;
}

static bool leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static void format_date(int year, double day_of_year, ein_stream *s, char *out, size_t bytes) {
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int day = (int)day_of_year, month = 0;
    while (month < 11 && day >= days[month] + (month == 1 && leap(year))) {
        day -= days[month] + (month == 1 && leap(year));
        month++;
    }
    /* From seven in the morning to seven at night. The remainders tell the compiler how wide the fields are. */
    const unsigned second = 25200 + (unsigned)(43200 * ein_stream_uniform(s));
    snprintf(out, bytes, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)year % 10000, (unsigned)(month + 1) % 100,
             (unsigned)(day + 1) % 100, second / 3600 % 24, second / 60 % 60, second % 60);
}

static void draw_demography(const double *p, uint64_t seed, ein_synth_person *person) {
    ein_stream s = person_stream(seed, EIN_SYNTH_DRAW_DEMOGRAPHY, person->patient);
    person->sex = ein_stream_uniform(&s) < p[EIN_SP_MALE] ? EIN_SEX_MALE : EIN_SEX_FEMALE;
    person->fold = 1 + (int)(10 * ein_stream_uniform(&s));
    person->bmi = fmin(fmax(ein_stream_lognormal(&s, p[EIN_SP_BMI_MEAN], p[EIN_SP_BMI_LOG_SD]), 14), 65);
    double years = ein_stream_between(&s, 2110, 2140);
    person->age_years =
        ein_stream_normal_in(&s, p[EIN_SP_AGE_MEAN], p[EIN_SP_AGE_SD], p[EIN_SP_AGE_MIN], p[EIN_SP_AGE_MAX]);
    for (int visit = 1; visit <= person->visit; visit++) {
        const double gap = fmin(ein_stream_exponential(&s, p[EIN_SP_VISIT_YEARS]), 5);
        person->years += gap;
        years = fmin(years + gap, 2199);
        person->age_years = fmin(person->age_years + gap, p[EIN_SP_AGE_MAX]);
    }
    ein_stream day = person_stream(seed, EIN_SYNTH_DRAW_VISIT, person->record);
    const int year = (int)years;
    format_date(year, (years - year) * 365, &day, person->acquired, sizeof person->acquired);
}

/* Log odds that a failing pump adds. */
static double pump_log_odds(const double *p, int condition, double pump) {
    return condition == EIN_SC_PVC ? pump * ein_log(p[EIN_SP_PUMP_PVC_ODDS]) : 0;
}

/* Each condition has one uniform of its own, of the person or of the day, so that changing the prevalence of
 * one leaves the others' draws alone. The pump's state is known when premature beats are drawn, which come last. */
static void draw_conditions(const ein_synth_config *config, uint64_t seed, ein_synth_person *person) {
    ein_stream own = person_stream(seed, EIN_SYNTH_DRAW_CONDITIONS, person->patient);
    ein_stream day = person_stream(seed, EIN_SYNTH_DRAW_DAY, person->record);
    person->labels = 0;
    for (int c = 0; c < EIN_SC_COUNT; c++) {
        const double of_person = ein_stream_uniform(&own), of_day = ein_stream_uniform(&day);
        const double u = ein_synth_condition_of_day((ein_synth_condition)c) ? of_day : of_person;
        if (c == EIN_SC_PVC) ein_synth_latent_draw(config, seed, person);
        const double log_odds =
            log_odds_of(config->p, c, config->intercept[c], person->age_years, person->sex == EIN_SEX_MALE) +
            pump_log_odds(config->p, c, person->state.pump);
        if (person->labels & ein_synth_condition_excluded_by((ein_synth_condition)c)) continue;
        if (u < ein_logistic(log_odds)) person->labels |= EIN_SC_BIT(c);
    }
}

/* The premature beats' intercept where the pump adds to the odds: a share of those who can have the label. */
static double intercept_with_pump(const double *p, int condition, const ein_synth_person *people, int n) {
    const uint64_t excluded_by = ein_synth_condition_excluded_by((ein_synth_condition)condition);
    double low = -60, high = 60;
    if (!(p[EIN_SP_PREVALENCE + condition] > 0)) return -INFINITY;
    if (p[EIN_SP_PREVALENCE + condition] >= 1) return INFINITY;
    for (int step = 0; step < 60; step++) {
        const double middle = 0.5 * (low + high);
        double sum = 0;
        for (int i = 0; i < n; i++)
            if (!(people[i].labels & excluded_by))
                sum += ein_logistic(
                    log_odds_of(p, condition, middle, people[i].age_years, people[i].sex == EIN_SEX_MALE) +
                    pump_log_odds(p, condition, people[i].state.pump));
        if (sum / n < p[EIN_SP_PREVALENCE + condition])
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

/* The levels of the latent state, from people of a seed of its own: nobody of any cohort. */
enum { PEOPLE = 512 };
static const uint64_t people_seed = UINT64_C(0x65696e74686f7665);

static ein_status ready_latent(ein_synth_config *config) {
    ein_synth_person *people;
    double given[PEOPLE][EIN_SYNTH_LIABILITIES], z[EIN_SYNTH_LIABILITIES];
    EIN_TRY(EIN_NEW(people, PEOPLE));
    for (int i = 0; i < EIN_SYNTH_LIABILITIES; i++) config->sd[i] = 1;
    for (int i = 0; i < PEOPLE; i++) {
        people[i].record = people[i].patient = i;
        draw_demography(config->p, people_seed, &people[i]);
        draw_conditions(config, people_seed, &people[i]);
        ein_synth_liabilities(config->p, people_seed, &people[i], given[i], z);
    }
    ein_synth_latent_ready(config, (const double(*)[EIN_SYNTH_LIABILITIES])given, PEOPLE);
    for (int i = 0; i < PEOPLE; i++) ein_synth_latent_draw(config, people_seed, &people[i]);
    config->intercept[EIN_SC_PVC] = intercept_with_pump(config->p, EIN_SC_PVC, people, PEOPLE);
    free(people);
    return EIN_OK;
}

ein_status ein_synth_config_ready(ein_synth_config *config) {
    const double *p = config->p;
    for (int i = 0; i < EIN_SP_COUNT; i++) {
        const ein_synth_parameter_info *info = &ein_synth_parameters[i];
        if (!(p[i] >= info->min && p[i] <= info->max))
            return ein_error(EIN_USAGE, "%s: %g is outside %g to %g", info->key, p[i], info->min, info->max);
    }
    if (!(p[EIN_SP_AGE_MIN] <= p[EIN_SP_AGE_MAX]))
        return ein_error(EIN_USAGE, "cohort.age_min %g is above cohort.age_max %g", p[EIN_SP_AGE_MIN],
                         p[EIN_SP_AGE_MAX]);
    for (int c = 0; c < EIN_SC_COUNT; c++) config->intercept[c] = intercept_of(p, c);
    return ready_latent(config);
}

/* Rate of a sinus rhythm that nothing is wrong with. */
static double usual_rate(const double *p, ein_stream *s) {
    return ein_stream_normal_in(s, p[EIN_SP_RATE_MEAN], p[EIN_SP_RATE_SD], 62, 97);
}

static double rate_of_the_day(const double *p, uint64_t labels, const ein_synth_heart *heart, double pump,
                              double usual_bpm, ein_stream *s) {
    if (labels & EIN_SC_BIT(EIN_SC_AF))
        return ein_stream_normal_in(s, p[EIN_SP_AF_RATE], p[EIN_SP_AF_RATE_SD], 42, 165);
    if (labels & EIN_SC_BIT(EIN_SC_AFL)) return 75; /* the flutter's own ratio decides */
    if (labels & EIN_SC_BIT(EIN_SC_SVT)) return ein_stream_normal_in(s, p[EIN_SP_SVT_RATE], 15, 130, 230);
    if (labels & EIN_SC_BIT(EIN_SC_SB))
        return ein_stream_normal_in(s, p[EIN_SP_SB_RATE], p[EIN_SP_SB_SD], 30, 58);
    if (labels & EIN_SC_BIT(EIN_SC_ST))
        return ein_stream_normal_in(s, p[EIN_SP_ST_RATE], p[EIN_SP_ST_SD], 102, 190);
    if (heart->fixed_rate) return ein_stream_normal_in(s, p[EIN_SP_PACE_RATE], 5, 40, 120);
    if (heart->av == EIN_AV_COMPLETE) return ein_stream_normal_in(s, p[EIN_SP_AVB3_RATE], 5, 20, 58);
    if (heart->av == EIN_AV_TWO_TO_ONE) return 0.5 * usual_bpm;
    if (heart->av == EIN_AV_WENCKEBACH) return 0.75 * usual_bpm;
    return fmin(usual_bpm + p[EIN_SP_PUMP_RATE] * pump, 98);
}

/* What labels, age, sex and build do to the heart, by `effect.all`: at 0 the signal knows nothing of them. */
static ein_synth_build effective_build(const double *p, const ein_synth_person *person) {
    const double share = p[EIN_SP_EFFECT_ALL], female = person->sex == EIN_SEX_FEMALE;
    const ein_synth_build build = {.age_years = 55 + share * (person->age_years - 55),
                                   .female = 0.5 + share * (female - 0.5),
                                   .bmi = 26.5 + share * (person->bmi - 26.5)};
    return build;
}

static void apply_findings(const ein_synth_config *config, uint64_t seed, const ein_synth_person *person,
                           ein_synth_heart *heart) {
    enum { CONDITIONS_MOST = 64 };
    for (int c = 0; c < EIN_SC_COUNT; c++) {
        if (!(person->labels & EIN_SC_BIT(c))) continue;
        ein_stream effect =
            person_stream(seed, EIN_SYNTH_DRAW_EFFECTS, person->patient * CONDITIONS_MOST + c);
        ein_synth_condition_apply((ein_synth_condition)c, heart, config->p, &effect);
    }
    ein_synth_latent_apply(config->p, &person->state, heart);
}

static void draw_heart(const ein_synth_config *config, uint64_t seed, ein_synth_person *person) {
    const double *p = config->p, share = p[EIN_SP_EFFECT_ALL];
    const ein_synth_build build = effective_build(p, person);
    ein_synth_heart *heart = &person->heart, ill;
    ein_stream own = person_stream(seed, EIN_SYNTH_DRAW_HEART, person->patient);
    ein_synth_heart_average(p, heart);
    ein_synth_heart_intervals(p, &build, &own, heart);
    ill = *heart;
    apply_findings(config, seed, person, &ill);

    ein_stream day = person_stream(seed, EIN_SYNTH_DRAW_VISIT, person->record);
    day.next = 64; /* the date took the first words */
    heart->rate_bpm = heart->atrial_bpm = ill.atrial_bpm = usual_rate(p, &day);
    ein_stream torso = person_stream(seed, EIN_SYNTH_DRAW_TORSO, person->patient);
    ein_synth_torso_draw(p, &build, &torso, &day, &person->torso);
    ill.rate_bpm = rate_of_the_day(p, person->labels, &ill, person->state.pump, heart->rate_bpm, &day);
    ein_synth_latent_flow(config, seed, ill.rate_bpm, person);
    if (share >= 1)
        *heart = ill;
    else if (share > 0)
        ein_synth_heart_mix(heart, &ill, share);
    else
        heart->signs = ill.signs;
    ein_synth_heart_personal(p, &build, &own, heart);
}

static void draw_acquisition(const double *p, uint64_t seed, ein_synth_person *person) {
    ein_synth_acquisition *a = &person->acquisition;
    ein_stream s = ein_stream_open(seed, EIN_SYNTH_PURPOSE(EIN_DRAW_SYNTH_NOISE, EIN_SYNTH_DRAW_ACQUISITION),
                                   (uint64_t)person->record);
    a->wander_mv = 1e-3 * ein_stream_lognormal(&s, p[EIN_SP_WANDER_UV], p[EIN_SP_WANDER_LOG_SD]);
    a->emg_mv = 1e-3 * ein_stream_lognormal(&s, p[EIN_SP_EMG_UV], p[EIN_SP_EMG_LOG_SD]);
    const bool hum = ein_stream_uniform(&s) < p[EIN_SP_MAINS_SHARE];
    a->mains_mv = hum ? 1e-3 * ein_stream_lognormal(&s, p[EIN_SP_MAINS_UV], 0.7) : 0;
    a->missing_lead = ein_stream_uniform(&s) < p[EIN_SP_MISSING_SHARE]
                          ? EIN_LEAD_V1 + (int)(6 * ein_stream_uniform(&s))
                          : -1;
    a->reversed = ein_stream_uniform(&s) < p[EIN_SP_REVERSAL_SHARE];
    a->low_pass_hz =
        ein_stream_uniform(&s) < p[EIN_SP_FILTER_SHARE] ? p[EIN_SP_FILTER_HZ] : p[EIN_SP_LOW_PASS_HZ];
    a->flat_lead =
        ein_stream_uniform(&s) < p[EIN_SP_FLAT_SHARE] ? EIN_LEAD_V1 + (int)(6 * ein_stream_uniform(&s)) : -1;
    const bool gap = ein_stream_uniform(&s) < p[EIN_SP_GAP_SHARE];
    a->gap_length_s = gap ? ein_stream_between(&s, 0.1, 2) : 0;
    a->gap_s = ein_stream_between(&s, 0, p[EIN_SP_DURATION_S] - 2);
    /* Arrivals of a Poisson process within the recording. */
    const double mean_s = p[EIN_SP_MOTION_PER_MIN] > 0 ? 60 / p[EIN_SP_MOTION_PER_MIN] : INFINITY;
    a->n_motion = 0;
    for (double t = 0; a->n_motion < 100000;) {
        t += ein_stream_exponential(&s, mean_s);
        if (!(t < p[EIN_SP_DURATION_S])) break;
        a->n_motion++;
    }
}

/* Count what the recording shows; labels of premature beats follow the beats that are really there. */
static ein_status measure(const double *p, uint64_t seed, ein_synth_person *person) {
    const double duration_s = p[EIN_SP_DURATION_S];
    ein_synth_beat *beats;
    EIN_TRY(EIN_NEW(beats, ein_synth_beats_bound(duration_s)));
    const int64_t n = ein_synth_beats(&person->heart, duration_s, seed, person->record, beats);
    double first_s = 0, last_s = 0;
    person->n_beats = person->n_pvc = person->n_pac = 0;
    for (int64_t i = 0; i < n; i++) {
        /* The whole QRS lies inside. */
        if (!ein_synth_beat_has_qrs(&beats[i])) continue;
        if (!(beats[i].onset_s >= 0 && beats[i].onset_s + 0.2 <= duration_s)) continue;
        if (person->n_beats++ == 0) first_s = beats[i].onset_s;
        last_s = beats[i].onset_s;
        person->n_pvc += beats[i].kind == EIN_BEAT_PVC;
        person->n_pac += beats[i].kind == EIN_BEAT_PAC;
    }
    free(beats);
    person->rate_bpm =
        person->n_beats > 1 ? 60 * (person->n_beats - 1) / (last_s - first_s) : person->heart.rate_bpm;
    if (p[EIN_SP_EFFECT_ALL] > 0) {
        if (!person->n_pvc) person->labels &= ~EIN_SC_BIT(EIN_SC_PVC);
        if (!person->n_pac) person->labels &= ~EIN_SC_BIT(EIN_SC_PAC);
    }
    if (person->labels & EIN_SC_BIT(EIN_SC_BIGEMINY)) person->labels |= EIN_SC_BIT(EIN_SC_PVC);
    const bool constant_pr = person->heart.p_gain > 0 && person->heart.av != EIN_AV_WENCKEBACH &&
                             person->heart.av != EIN_AV_COMPLETE;
    person->pr_ms = constant_pr ? person->heart.pr_ms : NAN;
    person->qrs_ms = person->heart.qrs_ms;
    person->qt_ms =
        person->heart.qtc_ms * ein_pow(60 / person->rate_bpm, p[EIN_SP_QT_EXPONENT]) + person->heart.late_ms;
    return EIN_OK;
}

ein_status ein_synth_draw_person(const ein_synth_config *config, uint64_t seed, int64_t record,
                                 ein_synth_person *out) {
    memset(out, 0, sizeof *out);
    if (record < 0) return ein_error(EIN_RANGE, "record %lld: records count from 0", (long long)record);
    out->record = record;
    find_patient(config->p, seed, out);
    draw_demography(config->p, seed, out);
    draw_conditions(config, seed, out);
    draw_heart(config, seed, out);
    draw_acquisition(config->p, seed, out);
    return measure(config->p, seed, out);
}
