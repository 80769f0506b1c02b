#include "io/ecg/counts.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/signal/gain.h"

enum { BELIEVED_VALUES = 1 << 20, BELIEVED_FACTOR = 16 };

static ein_status check(const char *path, const ein_counts *c, int64_t *longest) {
    int64_t held = 0;
    *longest = 0;
    if (!(c->fs_hz >= 1 && c->fs_hz <= 1e6))
        return ein_error(EIN_FORMAT, "%s: a rate of %g Hz; 1 to 1000000 Hz are read", path, c->fs_hz);
    for (int i = 0; i < c->n_leads; i++) {
        const ein_counts_lead *l = &c->lead[i];
        if (!(l->mv_per_count >= 1e-12 && l->mv_per_count <= 1e9) || !(fabs(l->zero) <= 1e12))
            return ein_error(EIN_FORMAT, "%s: lead %s: %g mV per count, zero at %g: no scale of an ECG", path,
                             l->name, l->mv_per_count, l->zero);
        held += l->n;
        if (l->n > *longest) *longest = l->n;
    }
    if (*longest == 0) return ein_error(EIN_CORRUPT, "%s: no samples", path);
    const int64_t values = *longest * c->n_leads;
    if (values <= BELIEVED_VALUES || held >= values / BELIEVED_FACTOR) return EIN_OK;
    return ein_error(EIN_CORRUPT, "%s: %lld values in %d leads, the longest of %lld; damaged", path,
                     (long long)held, c->n_leads, (long long)*longest);
}

static void take_lead(const ein_counts_lead *l, int i, ein_ecg *ecg) {
    float *mv = ecg->mv + i * ecg->n_samples;
    ecg->lead[i] = ein_lead_parse(l->name);
    if (l->name[0])
        snprintf(ecg->lead_name[i], sizeof ecg->lead_name[i], "%s", l->name);
    else
        snprintf(ecg->lead_name[i], sizeof ecg->lead_name[i], "channel %d", i + 1);
    ecg->lead_notes[i] = l->notes | (l->n < ecg->n_samples ? EIN_NOTE_TRUNCATED : 0u);
    ecg->notes |= ecg->lead_notes[i];
    for (int64_t t = 0; t < l->n; t++)
        mv[t] = l->count[t] == EIN_COUNT_MISSING ? NAN : (float)((l->count[t] - l->zero) * l->mv_per_count);
    for (int64_t t = l->n; t < ecg->n_samples; t++) mv[t] = NAN;
}

static void review_gain(const ein_counts *c, ein_ecg *ecg) {
    ein_gain gain = {{0}, {0}};
    bool same = true;
    for (int i = 0; i < c->n_leads; i++) {
        gain.per_mv[i] = 1 / c->lead[i].mv_per_count;
        gain.baseline[i] = c->lead[i].zero;
        same = same && gain.per_mv[i] == gain.per_mv[0];
    }
    ein_gain_review(ecg, &gain);
    if (same) ecg->gain_per_mv = gain.per_mv[0];
    if (ecg->notes & EIN_NOTE_GAIN_FIXED) ecg->gain_per_mv = 1000;
}

ein_status ein_counts_to_ecg(const char *path, const ein_counts *counts, ein_ecg *ecg) {
    int64_t longest;
    memset(ecg, 0, sizeof *ecg);
    EIN_TRY(check(path, counts, &longest));
    EIN_TRY(ein_ecg_alloc(ecg, counts->n_leads, longest));
    ecg->fs_hz = counts->fs_hz;
    for (int i = 0; i < counts->n_leads; i++) take_lead(&counts->lead[i], i, ecg);
    review_gain(counts, ecg);
    return EIN_OK;
}

/* Whether all leads hold `value` at sample `t` above zero. */
static bool all_hold(const ein_counts *c, int64_t t, double value) {
    for (int i = 0; i < c->n_leads; i++)
        if (c->lead[i].n <= t || c->lead[i].count[t] - c->lead[i].zero != value) return false;
    return true;
}

bool ein_counts_drop_pulse(ein_counts *counts) {
    if (counts->n_leads < 2) return false;
    const ein_counts_lead *first = &counts->lead[0];
    int64_t t = first->n;
    for (int i = 1; i < counts->n_leads; i++)
        if (counts->lead[i].n != t || counts->lead[i].mv_per_count != first->mv_per_count) return false;
    while (t > 0 && all_hold(counts, t - 1, 0)) t--;
    if (t == 0 || t == first->n) return false;
    const double height = first->count[t - 1] - first->zero, mv = height * first->mv_per_count;
    const int64_t end = t;
    while (t > 0 && all_hold(counts, t - 1, height)) t--;
    if (!(mv >= 0.9 && mv <= 1.1) || (double)(end - t) < 0.1 * counts->fs_hz) return false;
    if (t == 0 || !all_hold(counts, t - 1, 0)) return false;
    while (t > 0 && all_hold(counts, t - 1, 0)) t--;
    if (t == 0) return false; /* nothing but a pulse: a test of the cart, which is kept as it is */
    for (int i = 0; i < counts->n_leads; i++) counts->lead[i].n = t;
    return true;
}

void ein_counts_free(ein_counts *counts) {
    for (int i = 0; i < EIN_MAX_LEADS; i++) free(counts->lead[i].count);
    memset(counts, 0, sizeof *counts);
}
