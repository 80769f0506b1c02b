#include "core/signal/prepare.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/signal/beats.h"
#include "core/signal/filter.h"
#include "core/signal/gaps.h"
#include "core/signal/limb.h"
#include "core/signal/repair.h"
#include "core/signal/resample.h"

enum { MAX_RATES = 8 };

/* Everything designed for one rate of recordings. */
typedef struct {
    double fs_hz;
    ein_resampler *resampler;
    ein_notch notch;
    ein_fir band;
    bool has_notch, has_band;
} rate;

/* Working memory that only grows. */
typedef struct {
    void *data;
    int64_t bytes;
} buffer;

struct ein_prepare_plan {
    ein_contract contract;
    ein_quality_limits limits;
    rate rates[MAX_RATES];
    int n_rates, next_rate; /* the oldest design gives way when all places are taken */
    buffer derived, filled, work, samples;
    ein_beats_room *beats;
    ein_ecg repaired; /* its samples are `samples` */
};

static ein_status reserve(buffer *b, int64_t count, int64_t size, const char *what) {
    if (count <= b->bytes / size) return EIN_OK;
    free(b->data);
    *b = (buffer){NULL, 0};
    EIN_TRY(ein_calloc(&b->data, count, size, what));
    b->bytes = count * size;
    return EIN_OK;
}

ein_status ein_prepare_plan_new(const ein_contract *contract, const ein_quality_limits *limits,
                                ein_prepare_plan **out) {
    *out = NULL;
    EIN_TRY(ein_contract_check(contract));
    ein_prepare_plan *plan;
    EIN_TRY(EIN_NEW(plan, 1));
    plan->contract = *contract;
    if (limits)
        plan->limits = *limits;
    else
        ein_quality_defaults(&plan->limits);
    ein_status status = ein_beats_room_new(&plan->beats);
    if (status != EIN_OK) {
        free(plan);
        return status;
    }
    *out = plan;
    return EIN_OK;
}

static void rate_free(rate *r) {
    ein_resampler_destroy(r->resampler);
    ein_fir_free(&r->band);
    memset(r, 0, sizeof *r);
}

void ein_prepare_plan_destroy(ein_prepare_plan *plan) {
    if (!plan) return;
    for (int i = 0; i < plan->n_rates; ++i) rate_free(&plan->rates[i]);
    free(plan->derived.data);
    free(plan->filled.data);
    free(plan->work.data);
    free(plan->samples.data);
    ein_beats_room_destroy(plan->beats);
    free(plan);
}

static ein_status rate_design(const ein_contract *c, double fs_hz, rate *out) {
    memset(out, 0, sizeof *out);
    out->fs_hz = fs_hz;
    EIN_TRY(ein_resampler_new(fs_hz, c->fs_hz, &out->resampler));
    out->has_notch = c->notch_hz > 0 && c->notch_hz < fs_hz / 2;
    out->has_band = c->band_low_hz > 0 && c->band_low_hz < fs_hz / 2;
    if (out->has_notch) EIN_TRY(ein_notch_design(fs_hz, c->notch_hz, &out->notch));
    if (out->has_band) EIN_TRY(ein_fir_band(fs_hz, c->band_low_hz, c->band_high_hz, &out->band));
    return EIN_OK;
}

static ein_status rate_get(ein_prepare_plan *plan, double fs_hz, const rate **out) {
    for (int i = 0; i < plan->n_rates; ++i)
        if (plan->rates[i].fs_hz == fs_hz) {
            *out = &plan->rates[i];
            return EIN_OK;
        }
    rate made;
    ein_status status = rate_design(&plan->contract, fs_hz, &made);
    if (status != EIN_OK) {
        rate_free(&made);
        return status;
    }
    int place = plan->n_rates < MAX_RATES ? plan->n_rates++ : plan->next_rate++ % MAX_RATES;
    rate_free(&plan->rates[place]);
    plan->rates[place] = made;
    *out = &plan->rates[place];
    return EIN_OK;
}

/* --- leads --------------------------------------------------------------------------------------------- */

/* One call's view of a recording. */
typedef struct {
    const ein_ecg *ecg;
    const rate *rate;
    bool usable[EIN_MAX_LEADS]; /* has a valid sample among the first n_kept */
    int64_t n_kept;             /* input samples within the contract's length */
    int64_t n_out;              /* output samples that the recording gives, at most the contract's */
} view;

/* The first lead of that name that has a sample, or -1. */
static int find_own(const view *v, ein_lead lead) {
    for (int i = 0; i < v->ecg->n_leads; ++i)
        if (v->ecg->lead[i] == lead && v->usable[i]) return i;
    return -1;
}

/* What the reader, or the review of units, noted of a lead by that name, also of one that is not usable. */
static uint32_t notes_of(const view *v, ein_lead lead) {
    uint32_t notes = 0;
    for (int i = 0; i < v->ecg->n_leads; ++i)
        if (v->ecg->lead[i] == lead) notes |= v->ecg->lead_notes[i];
    return ein_quality_from_notes(notes);
}

/* The signal of a lead: of the recording, or derived into `store` (n_samples). NULL if it cannot be had. */
static const float *find_signal(const view *v, ein_lead lead, float *store, uint32_t *flags) {
    const ein_ecg *ecg = v->ecg;
    int own = find_own(v, lead), a, b;
    *flags = 0;
    if (own >= 0) {
        *flags = ein_quality_from_notes(ecg->lead_notes[own]);
        return ecg->mv + own * ecg->n_samples;
    }
    if (!ein_limb_sources(ecg, v->usable, lead, &a, &b)) return NULL;
    double alpha, beta;
    if (!ein_limb_weights(lead, ecg->lead[a], ecg->lead[b], &alpha, &beta)) return NULL;
    const float *x = ecg->mv + a * ecg->n_samples, *y = ecg->mv + b * ecg->n_samples;
    ein_limb_combine(alpha, x, beta, y, ecg->n_samples, store);
    *flags = EIN_QUALITY_DERIVED | ein_quality_from_notes(ecg->lead_notes[a] | ecg->lead_notes[b]);
    return store;
}

static bool any_valid(const float *mv, int64_t n) {
    for (int64_t t = 0; t < n; ++t)
        if (isfinite(mv[t])) return true;
    return false;
}

static void look_at(const ein_prepare_plan *plan, const ein_ecg *ecg, const rate *r, view *v) {
    const ein_contract *c = &plan->contract;
    int64_t up, down;
    ein_resampler_ratio(r->resampler, &up, &down);
    *v = (view){.ecg = ecg, .rate = r};
    v->n_out = ein_resampler_length(r->resampler, ecg->n_samples);
    if (v->n_out > c->n_samples) v->n_out = c->n_samples;
    double kept = ceil((double)c->n_samples * (double)down / (double)up);
    v->n_kept = kept < (double)ecg->n_samples ? (int64_t)kept : ecg->n_samples;
    for (int i = 0; i < ecg->n_leads; ++i) v->usable[i] = any_valid(ecg->mv + i * ecg->n_samples, v->n_kept);
}

/* The recording's standard leads, and what their beats say, whatever the contract wants. */
static uint32_t look_at_beats(const ein_prepare_plan *plan, const view *v, ein_arrangement *arrangement,
                              uint32_t *lead_flags) {
    const float *lead[EIN_LEAD_COUNT_12];
    ein_beats beats;
    for (int l = 0; l < EIN_LEAD_COUNT_12; ++l) {
        int own = find_own(v, (ein_lead)l);
        lead[l] = own < 0 ? NULL : v->ecg->mv + own * v->ecg->n_samples;
    }
    ein_beats_find(plan->beats, lead, v->ecg->n_samples, v->ecg->fs_hz, &beats);
    ein_arrangement_judge(&beats, arrangement);
    return ein_quality_beats(&beats, arrangement, &plan->limits, lead_flags);
}

/* The recording as if what the contract has undone was not there; v then looks at plan->repaired. */
static ein_status undo(ein_prepare_plan *plan, view *v, const ein_arrangement *arrangement,
                       uint32_t *lead_flags) {
    const int64_t values = v->ecg->n_leads * v->ecg->n_samples;
    ein_arrangement ignored;
    uint32_t again[EIN_LEAD_COUNT_12] = {0};
    EIN_TRY(reserve(&plan->samples, values, sizeof(float), "a repaired recording"));
    plan->repaired = *v->ecg;
    plan->repaired.mv = plan->samples.data;
    memcpy(plan->repaired.mv, v->ecg->mv, (size_t)values * sizeof(float));
    if (!ein_repair(&plan->repaired, arrangement, plan->contract.repair_flags, lead_flags)) return EIN_OK;
    look_at(plan, &plan->repaired, v->rate, v);
    /* What goes by another name now takes along what is wrong with itself. */
    (void)look_at_beats(plan, v, &ignored, again);
    for (int l = 0; l < EIN_LEAD_COUNT_12; ++l)
        lead_flags[l] = (lead_flags[l] & ~(uint32_t)EIN_QUALITY_NOISE) | (again[l] & EIN_QUALITY_NOISE);
    return EIN_OK;
}

static ein_status judge_beats(ein_prepare_plan *plan, view *v, uint32_t *lead_flags, uint32_t *all) {
    ein_arrangement arrangement;
    *all |= look_at_beats(plan, v, &arrangement, lead_flags);
    if (*all & plan->contract.repair_flags) EIN_TRY(undo(plan, v, &arrangement, lead_flags));
    for (int l = 0; l < EIN_LEAD_COUNT_12; ++l) *all |= lead_flags[l];
    return EIN_OK;
}

/* Whether the contract has a lead of these flags, in a recording of these, taken as missing. */
static bool is_masked(const ein_contract *c, ein_lead lead, uint32_t lead_flags, uint32_t all) {
    const bool limb = lead <= EIN_LEAD_AVF;
    return (lead_flags & c->mask_flags) || (limb && all & c->mask_flags & EIN_QUALITY_LIMB);
}

/* --- signal -------------------------------------------------------------------------------------------- */

static ein_status reserve_for(ein_prepare_plan *plan, const view *v) {
    const rate *r = v->rate;
    int64_t n = v->ecg->n_samples, work = ein_resampler_work(r->resampler, n), other;
    if (r->has_notch && (other = ein_notch_work(&r->notch, n)) > work) work = other;
    if (r->has_band && (other = ein_fir_work(&r->band, n)) > work) work = other;
    EIN_TRY(reserve(&plan->derived, n, sizeof(float), "a derived lead"));
    EIN_TRY(reserve(&plan->filled, n, sizeof(double), "a lead in double"));
    return reserve(&plan->work, work, sizeof(double), "filter memory");
}

/* Filter the whole lead, resample what is kept, restore what was missing, pad. */
static void run_lead(ein_prepare_plan *plan, const view *v, const float *in, float *out) {
    const rate *r = v->rate;
    double *x = plan->filled.data, *work = plan->work.data;
    bool filters = r->has_notch || r->has_band;
    /* Without filters nothing beyond the resampler's reach can matter: long recordings stay cheap. */
    int64_t n = filters ? v->ecg->n_samples : ein_resampler_needs(r->resampler, v->n_out, v->ecg->n_samples);
    int64_t valid = ein_gaps_fill(in, n, x);
    if (r->has_notch) ein_notch_run(&r->notch, x, n, work);
    if (r->has_band) ein_fir_run(&r->band, x, n, work);
    ein_resampler_run(r->resampler, x, n, out, v->n_out, work);
    if (valid < n) ein_resampler_restore(r->resampler, in, n, out, v->n_out);
    for (int64_t t = v->n_out; t < plan->contract.n_samples; ++t) out[t] = NAN;
}

static ein_status none_found(const ein_prepare_plan *plan, const ein_ecg *ecg, uint32_t all) {
    char has[256] = "";
    if (all & EIN_QUALITY_MASKED) {
        ein_quality_text(all & plan->contract.mask_flags, has, sizeof has);
        return ein_error(EIN_MISMATCH, "all wanted leads are missing or masked: flagged %s (contract.mask)",
                         has);
    }
    for (int i = 0; i < ecg->n_leads; ++i) {
        size_t used = strlen(has);
        snprintf(has + used, sizeof has - used, "%s%s", i ? ", " : "", ecg->lead_name[i]);
    }
    return ein_error(EIN_MISMATCH,
                     "none of the %d wanted leads (%s, ...) has a sample; the recording has: %s",
                     plan->contract.n_leads, ein_lead_name(plan->contract.lead[0]), has);
}

ein_status ein_prepare(ein_prepare_plan *plan, const ein_ecg *ecg, float *mv, uint32_t *lead_quality,
                       uint32_t *record_quality) {
    const ein_contract *c = &plan->contract;
    const rate *r;
    view v;
    int found = 0;
    EIN_TRY(rate_get(plan, ecg->fs_hz, &r));
    look_at(plan, ecg, r, &v);
    EIN_TRY(reserve_for(plan, &v));
    float *store = plan->derived.data;
    uint32_t of_beats[EIN_LEAD_COUNT_12] = {0};
    uint32_t all = ein_quality_from_notes(ecg->notes);
    EIN_TRY(judge_beats(plan, &v, of_beats, &all));
    uint32_t length = v.n_out < c->n_samples ? EIN_QUALITY_SHORT : 0;
    for (int i = 0; i < c->n_leads; ++i) {
        float *out = mv + i * c->n_samples;
        uint32_t flags;
        const float *in = find_signal(&v, c->lead[i], store, &flags);
        if (in)
            flags |= ein_quality_lead(in, v.n_kept, ecg->fs_hz, &plan->limits);
        else
            flags = EIN_QUALITY_MISSING;
        if (!in || flags & EIN_QUALITY_DERIVED) flags |= notes_of(&v, c->lead[i]);
        if (c->lead[i] < EIN_LEAD_COUNT_12) flags |= of_beats[c->lead[i]];
        if (!(flags & EIN_QUALITY_MISSING) && is_masked(c, c->lead[i], flags, all))
            flags |= EIN_QUALITY_MISSING | EIN_QUALITY_MASKED;
        if (flags & EIN_QUALITY_MISSING)
            for (int64_t t = 0; t < c->n_samples; ++t) out[t] = NAN;
        else
            run_lead(plan, &v, in, out);
        found += !(flags & EIN_QUALITY_MISSING);
        flags |= length;
        if (lead_quality) lead_quality[i] = flags;
        all |= flags;
    }
    if (record_quality) *record_quality = all;
    return found ? EIN_OK : none_found(plan, ecg, all);
}
