#include "core/synth/beats.h"

#include "core/base/elementary.h"
#include "core/synth/draw.h"

static const double two_pi = 6.283185307179586;
enum { MAX_ECTOPICS = 8 };
static const double least_rr_s = 0.25;

int64_t ein_synth_beats_bound(double duration_s) {
    return 48 + 2 * (int64_t)((duration_s + 6) / least_rr_s);
}

/* Normal RR intervals, whatever the rhythm. */
typedef struct {
    const ein_synth_heart *heart;
    ein_stream *stream;
    double mean_s;
    double rsa_s, lf_s, jitter_s, rsa_phase, lf_phase;
    int flutter_ratio; /* 0: changes from beat to beat */
} pacemaker;

static pacemaker pacemaker_open(const ein_synth_heart *heart, double rate_bpm, ein_stream *s) {
    pacemaker pace = {.heart = heart, .stream = s, .mean_s = 60 / rate_bpm};
    /* Variability shrinks faster than RR itself when the heart is fast. */
    const double shrink = ein_pow(pace.mean_s / 0.857, 1.5);
    pace.rsa_s = 1e-3 * heart->rsa_ms * shrink;
    pace.lf_s = 1e-3 * heart->lf_ms * shrink;
    pace.jitter_s = 1e-3 * heart->jitter_ms * shrink;
    pace.rsa_phase = ein_stream_between(s, 0, two_pi);
    pace.lf_phase = ein_stream_between(s, 0, two_pi);
    const double u = ein_stream_uniform(s);
    pace.flutter_ratio = u < 0.40 ? 2 : u < 0.65 ? 4 : u < 0.75 ? 3 : 0;
    return pace;
}

static double next_rr(pacemaker *pace, double now_s) {
    const ein_synth_heart *heart = pace->heart;
    double rr = pace->mean_s;
    if (heart->rhythm == EIN_RHYTHM_AF) {
        /* Skewed to the right, bounded below by the refractory period of the AV node. */
        const double z = ein_stream_normal_in(pace->stream, 0, 1, -2.6, 2.6);
        rr *= ein_exp(heart->rr_cv * z - 0.5 * heart->rr_cv * heart->rr_cv);
        if (rr < 0.32) rr = 0.32 + 0.04 * ein_stream_uniform(pace->stream);
    } else if (heart->rhythm == EIN_RHYTHM_FLUTTER) {
        const int ratio =
            pace->flutter_ratio ? pace->flutter_ratio : 2 + (int)(3 * ein_stream_uniform(pace->stream));
        rr = ratio / heart->f_hz;
    } else {
        rr += pace->rsa_s * ein_sin(two_pi * heart->resp_hz * now_s + pace->rsa_phase) +
              pace->lf_s * ein_sin(two_pi * 0.1 * now_s + pace->lf_phase) +
              pace->jitter_s * ein_stream_normal_in(pace->stream, 0, 1, -2.5, 2.5);
        if (rr < 0.6 * pace->mean_s) rr = 0.6 * pace->mean_s;
    }
    return rr < least_rr_s ? least_rr_s : rr;
}

/* Premature beats to come: the first normal beat at or after `at_s` is followed by one. */
typedef struct {
    int count, next;
    double at_s[MAX_ECTOPICS];
    ein_beat_kind kind[MAX_ECTOPICS];
} ectopic_plan;

static ectopic_plan plan_ectopics(const ein_synth_heart *heart, double mean_rr_s, double duration_s,
                                  double extra, ein_stream *s) {
    ectopic_plan plan = {0};
    const int kinds = (heart->pvc && !heart->bigeminy) + heart->pac;
    const double last_s = duration_s - 0.3 - (kinds > 1 ? 4.5 : 2.3) * mean_rr_s;
    int wanted = kinds;
    double left = extra > 0 ? ein_stream_exponential(s, extra) : 0;
    while (kinds && left >= 0.5 && wanted < MAX_ECTOPICS) {
        wanted++;
        left -= 1;
    }
    for (int i = 0; i < wanted; i++) {
        const double at = ein_stream_between(s, 0.3, last_s > 0.4 ? last_s : 0.4);
        int j = plan.count++;
        for (; j > 0 && plan.at_s[j - 1] > at; j--) plan.at_s[j] = plan.at_s[j - 1];
        plan.at_s[j] = at;
    }
    const int first_is_pac = ein_stream_uniform(s) < 0.5;
    for (int i = 0; i < plan.count; i++)
        plan.kind[i] = kinds == 2 ? ((i + first_is_pac) % 2 ? EIN_BEAT_PAC : EIN_BEAT_PVC)
                                  : (heart->pac ? EIN_BEAT_PAC : EIN_BEAT_PVC);
    return plan;
}

/* Coupling interval and pause of a premature beat after a normal one. A ventricular beat leaves the sinus
 * node's clock alone: the next beat is the one after next (full compensatory pause). An atrial one resets it. */
static void ectopic_intervals(ein_beat_kind kind, double rr_s, const double coupling[2], ein_stream *s,
                              double *before_s, double *after_s) {
    const double share = ein_stream_normal_in(s, coupling[kind == EIN_BEAT_PVC], 0.06, 0.42, 0.88);
    *before_s = fmax(share * rr_s, least_rr_s + 0.05);
    *after_s =
        kind == EIN_BEAT_PVC ? fmax(2 * rr_s - *before_s, rr_s) : rr_s * ein_stream_between(s, 1.0, 1.15);
}

/* --- one QRS for each P wave ---------------------------------------------------------------------------- */

static double own_gain(const ein_synth_heart *heart, ein_stream *s) {
    return 1 + heart->beat_sd * ein_stream_normal_in(s, 0, 1, -2.5, 2.5);
}

static int64_t conducted_beats(const ein_synth_heart *heart, double duration_s, ein_stream *s,
                               ein_synth_beat *beats) {
    pacemaker pace = pacemaker_open(heart, heart->rate_bpm, s);
    ectopic_plan plan = plan_ectopics(heart, pace.mean_s, duration_s, heart->ectopic_extra, s);
    const double coupling[2] = {heart->pac_coupling, heart->pvc_coupling};
    const int64_t bound = ein_synth_beats_bound(duration_s);
    double now_s = -1.0 - pace.mean_s * ein_stream_uniform(s), rr_s = pace.mean_s;
    int64_t n = 0;
    while (n + 1 < bound) {
        const double gain = own_gain(heart, s);
        const ein_synth_beat beat = {now_s, rr_s, heart->pr_ms, gain, EIN_BEAT_NORMAL};
        beats[n++] = beat;
        if (now_s > duration_s + 0.5) break;
        const double normal_rr_s = next_rr(&pace, now_s);
        const bool planned = plan.next < plan.count && now_s >= plan.at_s[plan.next];
        if (planned || heart->bigeminy) {
            double pause_s;
            const ein_beat_kind kind = heart->bigeminy ? EIN_BEAT_PVC : plan.kind[plan.next++];
            ectopic_intervals(kind, normal_rr_s, coupling, s, &rr_s, &pause_s);
            now_s += rr_s;
            const ein_synth_beat premature = {now_s, rr_s, heart->pr_ms, gain, kind};
            beats[n++] = premature;
            rr_s = pause_s;
        } else {
            rr_s = normal_rr_s;
        }
        now_s += rr_s;
    }
    return n;
}

/* --- blocks between atria and ventricles ---------------------------------------------------------------- */

/* PR of the k-th P wave of a Wenckebach period: it grows by less and less. */
static double wenckebach_pr_ms(double first_ms, int k) {
    return first_ms + 130 * (1 - ldexp(1, -k));
}

static int64_t blocked_beats(const ein_synth_heart *heart, double duration_s, ein_stream *s,
                             ein_synth_beat *beats) {
    pacemaker pace = pacemaker_open(heart, heart->atrial_bpm, s);
    const int64_t bound = ein_synth_beats_bound(duration_s);
    const int period = heart->av == EIN_AV_TWO_TO_ONE ? 2 : 3 + (int)(3 * ein_stream_uniform(s));
    double p_s = -2.5 - pace.mean_s * ein_stream_uniform(s), last_s = p_s - pace.mean_s;
    int64_t n = 0;
    for (int k = (int)(period * ein_stream_uniform(s)); n < bound; k = (k + 1) % period) {
        const double pr_ms =
            heart->av == EIN_AV_WENCKEBACH ? wenckebach_pr_ms(heart->pr_ms, k) : heart->pr_ms;
        const double at_s = p_s + 1e-3 * pr_ms;
        const bool blocked = k == period - 1;
        const ein_synth_beat beat = {at_s, at_s - last_s, pr_ms, own_gain(heart, s),
                                     blocked ? EIN_BEAT_BLOCKED : EIN_BEAT_NORMAL};
        beats[n++] = beat;
        if (!blocked) last_s = at_s;
        if (at_s > duration_s + 0.5) break;
        p_s += next_rr(&pace, p_s);
    }
    return n;
}

static int64_t dissociated_beats(const ein_synth_heart *heart, double duration_s, ein_stream *s,
                                 ein_synth_beat *beats) {
    pacemaker pace = pacemaker_open(heart, heart->atrial_bpm, s);
    const int64_t bound = ein_synth_beats_bound(duration_s);
    const double mean_s = 60 / heart->rate_bpm;
    double p_s = -1 - pace.mean_s * ein_stream_uniform(s), qrs_s = -2.5 - mean_s * ein_stream_uniform(s);
    double rr_s = mean_s;
    int64_t n = 0;
    while (n < bound && fmin(p_s, qrs_s) <= duration_s + 0.5) {
        const bool atrial = p_s < qrs_s;
        const ein_synth_beat beat = {atrial ? p_s : qrs_s, rr_s, 0, own_gain(heart, s),
                                     atrial ? EIN_BEAT_BLOCKED : EIN_BEAT_ESCAPE};
        beats[n++] = beat;
        if (atrial) {
            p_s += next_rr(&pace, p_s);
        } else {
            rr_s = mean_s * (1 + 0.008 * ein_stream_normal_in(s, 0, 1, -2.5, 2.5));
            qrs_s += rr_s;
        }
    }
    return n;
}

int64_t ein_synth_beats(const ein_synth_heart *heart, double duration_s, uint64_t seed, int64_t record,
                        ein_synth_beat *beats) {
    ein_stream s = ein_stream_open(seed, EIN_SYNTH_PURPOSE(EIN_DRAW_SYNTH_SIGNAL, EIN_SYNTH_DRAW_BEATS),
                                   (uint64_t)record);
    if (heart->av == EIN_AV_ONE_TO_ONE) return conducted_beats(heart, duration_s, &s, beats);
    if (heart->av == EIN_AV_COMPLETE) return dissociated_beats(heart, duration_s, &s, beats);
    return blocked_beats(heart, duration_s, &s, beats);
}
