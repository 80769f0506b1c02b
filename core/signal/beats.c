#include "core/signal/beats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/signal/limb.h"

enum {
    LEADS = EIN_LEAD_COUNT_12,
    MAX_POINTS = EIN_BEATS_SECONDS * EIN_BEAT_HZ,
    MIN_POINTS = 2 * EIN_BEAT_HZ,
    SMOOTH = 3,   /* points to each side */
    APART = 24,   /* points to each side that a maximum stands out from */
    STRETCH = 150 /* points that hold a beat of all but very slow hearts */
};
static const float cut = 25, least_share = 0.3f;

struct ein_beats_room {
    float x[LEADS][MAX_POINTS], energy[MAX_POINTS], smooth[MAX_POINTS];
    int at[EIN_BEATS_MAX];
};

ein_status ein_beats_room_new(ein_beats_room **out) {
    return EIN_NEW(*out, 1);
}

void ein_beats_room_destroy(ein_beats_room *room) {
    free(room);
}

/* Means over 10 ms; a stretch without a valid sample keeps the last value. False if the lead never moves. */
static bool thin(const float *mv, int64_t n_samples, double fs_hz, int points, float *out) {
    const double step = fs_hz / EIN_BEAT_HZ;
    int64_t t = 0;
    float last = 0, low = INFINITY, high = -INFINITY;
    for (int p = 0; p < points; p++) {
        int64_t end = (int64_t)((p + 1) * step), n = 0;
        float sum = 0;
        for (; t < end && t < n_samples; t++)
            if (fabsf(mv[t]) <= 1e6f) {
                sum += mv[t];
                n++;
            }
        if (n > 0) {
            last = sum / (float)n;
            low = last < low ? last : low;
            high = last > high ? last : high;
        }
        out[p] = last;
    }
    return high - low > 1e-3f;
}

/* Limb leads that the recording lacks, from two that it has. */
static void derive(ein_beats_room *room, bool *has, int points) {
    const bool own[] = {has[0], has[1], has[2], has[3], has[4], has[5]};
    for (int lead = EIN_LEAD_I; lead <= EIN_LEAD_AVF; lead++) {
        int from[2], n = 0;
        double alpha, beta;
        for (int i = EIN_LEAD_I; i <= EIN_LEAD_AVF && n < 2; i++)
            if (own[i]) from[n++] = i;
        if (own[lead] || n < 2 ||
            !ein_limb_weights((ein_lead)lead, (ein_lead)from[0], (ein_lead)from[1], &alpha, &beta))
            continue;
        ein_limb_combine(alpha, room->x[from[0]], beta, room->x[from[1]], points, room->x[lead]);
        has[lead] = true;
    }
}

/* Add a lead's squared differences to the energy. */
static void add_energy(const float *x, int points, float *energy) {
    float sum = 0;
    for (int p = 1; p < points - 1; p++) sum += (x[p + 1] - x[p - 1]) * (x[p + 1] - x[p - 1]);
    if (!(sum > 0)) return;
    const float scale = (float)points / sum;
    for (int p = 1; p < points - 1; p++) {
        float e = (x[p + 1] - x[p - 1]) * (x[p + 1] - x[p - 1]) * scale;
        energy[p] += e < cut ? e : cut;
    }
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The maximum that a stretch of 1.5 s reaches, of the median stretch. */
static float usual_peak(const float *smooth, int points) {
    float peak[MAX_POINTS / STRETCH + 1] = {0};
    int n = 0;
    for (int p = 0; p < points; p += STRETCH) {
        float high = 0;
        if (points - p < STRETCH && n > 0) break;
        for (int q = p; q < p + STRETCH && q < points; q++) high = smooth[q] > high ? smooth[q] : high;
        peak[n++] = high;
    }
    qsort(peak, (size_t)n, sizeof *peak, ascending);
    return peak[n / 2];
}

static bool stands_out(const float *smooth, int points, int p) {
    for (int d = 1; d <= APART; d++) {
        if (p - d >= 0 && smooth[p - d] > smooth[p]) return false;
        if (p + d < points && smooth[p + d] >= smooth[p]) return false;
    }
    return true;
}

/* Beats into room->at; their number. *rate_bpm from those and the ones at the edges. */
static int find_beats(ein_beats_room *room, int points, double *rate_bpm) {
    float distance[EIN_BEATS_MAX + 2], *smooth = room->smooth, sum = 0;
    int n = 0, n_distances = 0, before = -1;
    for (int p = 0; p < points; p++) {
        sum = 0;
        for (int d = -SMOOTH; d <= SMOOTH; d++)
            if (p + d >= 0 && p + d < points) sum += room->energy[p + d];
        smooth[p] = sum;
    }
    const float least = least_share * usual_peak(smooth, points);
    for (int p = 0; p < points && n < EIN_BEATS_MAX; p++) {
        if (!(smooth[p] > least) || !(smooth[p] > 0) || !stands_out(smooth, points, p)) continue;
        if (before >= 0 && n_distances < EIN_BEATS_MAX) distance[n_distances++] = (float)(p - before);
        before = p;
        if (p >= EIN_BEAT_CENTRE && p + EIN_BEAT_POINTS - EIN_BEAT_CENTRE <= points) room->at[n++] = p;
    }
    if (n_distances > 0) {
        qsort(distance, (size_t)n_distances, sizeof *distance, ascending);
        *rate_bpm = 60.0 * EIN_BEAT_HZ / (double)distance[n_distances / 2];
    }
    return n;
}

/* Sorts in place: few values, and in no order. */
static float median(float *v, int n) {
    for (int i = 1; i < n; i++) {
        float x = v[i];
        int j = i;
        for (; j > 0 && v[j - 1] > x; j--) v[j] = v[j - 1];
        v[j] = x;
    }
    return n % 2 ? v[n / 2] : 0.5f * (v[n / 2 - 1] + v[n / 2]);
}

/* By means, not by the median beat: differences of medians are larger than those of any beat where leads wander. */
static float coherence_of(const ein_beats_room *room, const float *x, int n) {
    double shared = 0, all = 0;
    for (int p = 1; p < EIN_BEAT_POINTS; p++) {
        float sum = 0, squares = 0;
        for (int i = 0; i < n; i++) {
            const float *at = x + room->at[i] - EIN_BEAT_CENTRE + p;
            const float d = at[0] - at[-1];
            sum += d;
            squares += d * d;
        }
        shared += (double)(sum * sum) / n;
        all += (double)squares;
    }
    return all > 0 ? (float)((n * shared / all - 1) / (n - 1)) : 0;
}

static void median_beat(const ein_beats_room *room, const float *x, int n, float *out, float *coherence) {
    float base[EIN_BEATS_MAX], value[EIN_BEATS_MAX];
    for (int i = 0; i < n; i++) {
        const float *at = x + room->at[i];
        base[i] = (at[-10] + at[-9] + at[-8] + at[-7] + at[-6] + at[-5]) / 6;
    }
    for (int p = 0; p < EIN_BEAT_POINTS; p++) {
        for (int i = 0; i < n; i++) value[i] = x[room->at[i] - EIN_BEAT_CENTRE + p] - base[i];
        out[p] = median(value, n);
    }
    *coherence = coherence_of(room, x, n);
}

void ein_beats_find(ein_beats_room *room, const float *const lead[EIN_LEAD_COUNT_12], int64_t n_samples,
                    double fs_hz, ein_beats *out) {
    memset(out, 0, sizeof *out);
    if (!(fs_hz >= EIN_BEAT_HZ)) return;
    const double whole = floor((double)n_samples * EIN_BEAT_HZ / fs_hz);
    const int points = whole < MAX_POINTS ? (int)whole : MAX_POINTS;
    if (points < MIN_POINTS) return;
    for (int l = 0; l < LEADS; l++)
        out->has[l] = lead[l] && thin(lead[l], n_samples, fs_hz, points, room->x[l]);
    derive(room, out->has, points);
    memset(room->energy, 0, sizeof room->energy);
    for (int l = 0; l < LEADS; l++)
        if ((l <= EIN_LEAD_III || l >= EIN_LEAD_V1) && out->has[l])
            add_energy(room->x[l], points, room->energy);
    int n = find_beats(room, points, &out->rate_bpm);
    if (n < 3) return;
    out->n = n;
    for (int l = 0; l < LEADS; l++)
        if (out->has[l]) median_beat(room, room->x[l], n, out->mv[l], &out->coherence[l]);
}
