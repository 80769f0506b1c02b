#include "core/signal/arrangement.h"

#include <math.h>
#include <string.h>

#include "core/signal/arrangement_weights.h"

enum {
    BINS = EIN_ARRANGEMENT_BINS,
    HIDDEN = EIN_ARRANGEMENT_HIDDEN,
    CHEST = 6,
    QRS_FROM = EIN_BEAT_CENTRE - 6,
    QRS_TO = EIN_BEAT_CENTRE + 9
};

/* Stretches of a beat in points from its centre: [from, to). */
static const struct {
    int from, to;
} bins[BINS] = {{-24, -20}, {-20, -16}, {-16, -12}, {-12, -8}, {-5, -3}, {-3, -1},
                {-1, 1},    {1, 3},     {3, 5},     {5, 7},    {7, 9},   {9, 11},
                {11, 15},   {15, 19},   {19, 23},   {23, 28},  {28, 34}, {34, 42}};

static const float least_mv = 0.01f, least_coherence = 0.2f, most = 4;

static void stretches(const float *beat, float *out) {
    for (int b = 0; b < BINS; b++) {
        float sum = 0;
        for (int p = bins[b].from; p < bins[b].to; p++) sum += beat[EIN_BEAT_CENTRE + p];
        out[b] = sum / (float)(bins[b].to - bins[b].from);
    }
}

/* --- the network ------------------------------------------------------------------------------------------- */

/* sum[h] += what `n` inputs from number `first` on add. Every sum has one order, whatever the vector width. */
static void add_inputs(const int8_t *weights, int first, const float *x, int n, float *sum) {
    for (int i = 0; i < n; i++) {
        const int8_t *w = weights + (first + i) * HIDDEN;
        for (int h = 0; h < HIDDEN; h++) sum[h] += (float)w[h] * x[i];
    }
}

static float last_layer(const float *sum, const float *last) {
    float score = 0;
    for (int h = 0; h < HIDDEN; h++) score += sum[h] > 0 ? sum[h] * last[h] : 0;
    return score;
}

/* --- limb leads -------------------------------------------------------------------------------------------- */

typedef struct {
    float limb[2][BINS]; /* of the size of the QRS complex in I, II and III, in usual sizes */
    float chest[CHEST][BINS], height[CHEST]; /* mV */
} shapes;

static float middle_height(const float *height) {
    float v[CHEST];
    memcpy(v, height, sizeof v);
    for (int i = 1; i < CHEST; i++)
        for (int j = i; j > 0 && v[j - 1] > v[j]; j--) {
            float x = v[j];
            v[j] = v[j - 1];
            v[j - 1] = x;
        }
    return v[2] + 1e-3f;
}

static bool shapes_of(const ein_beats *beats, shapes *out) {
    if (beats->n < 3 || !beats->has[EIN_LEAD_I] || !beats->has[EIN_LEAD_II]) return false;
    const float *first = beats->mv[EIN_LEAD_I], *second = beats->mv[EIN_LEAD_II];
    float power = 0;
    for (int p = QRS_FROM; p < QRS_TO; p++) {
        float third = second[p] - first[p];
        power += first[p] * first[p] + second[p] * second[p] + third * third;
    }
    const float size = sqrtf(power / (3 * (QRS_TO - QRS_FROM))) + 1e-3f;
    if (!(size > least_mv)) return false;
    for (int l = 0; l < 2; l++) {
        stretches(beats->mv[l], out->limb[l]);
        for (int b = 0; b < BINS; b++) out->limb[l][b] *= ein_arrangement_limb_unit[b] / size;
    }
    for (int v = 0; v < CHEST; v++) {
        const float *beat = beats->mv[EIN_LEAD_V1 + v];
        float low = beat[QRS_FROM], high = low;
        if (!beats->has[EIN_LEAD_V1 + v] || !(beats->coherence[EIN_LEAD_V1 + v] >= least_coherence))
            return false;
        for (int p = QRS_FROM; p < QRS_TO; p++) {
            low = beat[p] < low ? beat[p] : low;
            high = beat[p] > high ? beat[p] : high;
        }
        out->height[v] = high - low;
        if (!(out->height[v] > least_mv)) return false;
        stretches(beat, out->chest[v]);
    }
    return true;
}

/* What two of the limb leads would be, as sums of what I and II are. */
static const float limb_changes[6][2][2] = {
    {{1, 0}, {0, 1}},   /* as named */
    {{-1, 0}, {-1, 1}}, /* LA and RA: -I, III */
    {{1, -1}, {0, -1}}, /* RA and LL: -III, -II */
    {{0, 1}, {1, 0}},   /* LA and LL: II, I */
    {{-1, 1}, {-1, 0}}, /* III, -I */
    {{0, -1}, {1, -1}}, /* -II, -III */
};

static ein_limb_order judge_limb(const shapes *s) {
    const float least[6] = {0,
                            ein_arrangement_least_la_ra,
                            ein_arrangement_least_ra_ll,
                            ein_arrangement_least_la_ll,
                            ein_arrangement_least_rotated,
                            ein_arrangement_least_rotated};
    float around[HIDDEN], score[6];
    const float middle = middle_height(s->height);
    memcpy(around, ein_arrangement_limb_bias, sizeof around);
    for (int v = 0; v < CHEST; v++) {
        float x[BINS];
        for (int b = 0; b < BINS; b++) {
            x[b] = s->chest[v][b] / middle;
            x[b] = x[b] > most ? most : x[b] < -most ? -most : x[b];
            x[b] *= ein_arrangement_chest_unit[b];
        }
        add_inputs(ein_arrangement_limb_first, (2 + v) * BINS, x, BINS, around);
    }
    int best = 1;
    for (int k = 0; k < 6; k++) {
        float sum[HIDDEN], x[2 * BINS];
        memcpy(sum, around, sizeof sum);
        for (int l = 0; l < 2; l++)
            for (int b = 0; b < BINS; b++)
                x[l * BINS + b] =
                    limb_changes[k][l][0] * s->limb[0][b] + limb_changes[k][l][1] * s->limb[1][b];
        add_inputs(ein_arrangement_limb_first, 0, x, 2 * BINS, sum);
        score[k] = last_layer(sum, ein_arrangement_limb_last);
        if (k > 0 && score[k] > score[best]) best = k;
    }
    return score[best] - score[0] > least[best] ? (ein_limb_order)best : EIN_LIMB_AS_NAMED;
}

/* --- chest leads ------------------------------------------------------------------------------------------- */

/* What lead `v` adds at place `at`, multiplied by `times`, where the median height is `middle`. */
static void add_chest(const shapes *s, int v, int at, float times, float middle, float *sum) {
    float x[BINS];
    for (int b = 0; b < BINS; b++) {
        float y = s->chest[v][b] * times / middle * ein_arrangement_chest_unit[b];
        x[b] = 2 * y / (1 + fabsf(y));
    }
    add_inputs(ein_arrangement_chest_first, at * BINS, x, BINS, sum);
    float h = s->height[v] * fabsf(times) / middle;
    h = 4 * (h / (1 + h)) - 2;
    add_inputs(ein_arrangement_chest_first, CHEST * BINS + at, &h, 1, sum);
}

typedef struct {
    float score;
    float least;
    int a, b;    /* leads from V1 on; b < 0: one lead alone */
    float times; /* of that lead */
} candidate;

static void offer(candidate *best, float score, float least, int a, int b, float times) {
    if (score > best->score) *best = (candidate){score, least, a, b, times};
}

static void add(const float *x, float *sum) {
    for (int h = 0; h < HIDDEN; h++) sum[h] += x[h];
}

/* Exchanges: the part of each lead at each place is the same in all of them. */
static void offer_exchanges(float part[CHEST][CHEST][HIDDEN], const float *rest, candidate *best) {
    for (int a = 0; a < CHEST; a++)
        for (int b = a + 1; b <= CHEST; b++) { /* b of 6, once: in reverse */
            float sum[HIDDEN];
            if (b == CHEST && a > 0) continue;
            memcpy(sum, rest, sizeof sum);
            for (int at = 0; at < CHEST; at++) {
                int v = b == CHEST ? CHEST - 1 - at : at == a ? b : at == b ? a : at;
                add(part[v][at], sum);
            }
            offer(best, last_layer(sum, ein_arrangement_chest_last), ein_arrangement_least_order, a, b, 1);
        }
}

static void offer_single(const shapes *s, float part[CHEST][CHEST][HIDDEN], const float *rest,
                         candidate *best) {
    static const float factor[] = {-1, 10, 0.1f};
    const float plain = middle_height(s->height);
    for (int f = 0; f < 3; f++)
        for (int v = 0; v < CHEST; v++) {
            float sum[HIDDEN], height[CHEST];
            memcpy(height, s->height, sizeof height);
            height[v] *= fabsf(factor[f]);
            const float middle = middle_height(height);
            memcpy(sum, rest, sizeof sum);
            for (int at = 0; at < CHEST; at++)
                if (at == v)
                    add_chest(s, v, v, factor[f], middle, sum);
                else if (middle == plain)
                    add(part[at][at], sum);
                else
                    add_chest(s, at, at, 1, middle, sum);
            offer(best, last_layer(sum, ein_arrangement_chest_last),
                  f == 0 ? ein_arrangement_least_sign : ein_arrangement_least_scale, v, -1, factor[f]);
        }
}

static void judge_chest(const shapes *s, ein_arrangement *out) {
    float part[CHEST][CHEST][HIDDEN], rest[HIDDEN], sum[HIDDEN];
    const float middle = middle_height(s->height);
    memset(part, 0, sizeof part);
    memcpy(rest, ein_arrangement_chest_bias, sizeof rest);
    add_inputs(ein_arrangement_chest_first, CHEST * (BINS + 1), s->limb[0], 2 * BINS, rest);
    for (int v = 0; v < CHEST; v++)
        for (int at = 0; at < CHEST; at++) add_chest(s, v, at, 1, middle, part[v][at]);
    memcpy(sum, rest, sizeof sum);
    for (int at = 0; at < CHEST; at++) add(part[at][at], sum);
    const float as_named = last_layer(sum, ein_arrangement_chest_last);
    candidate best = {-INFINITY, 0, 0, 0, 1};
    offer_exchanges(part, rest, &best);
    offer_single(s, part, rest, &best);
    if (!(best.score - as_named > best.least)) return;
    if (best.b >= 0) {
        out->reversed = best.b == CHEST;
        out->exchanged[0] = (ein_lead)(EIN_LEAD_V1 + best.a);
        out->exchanged[1] = (ein_lead)(out->reversed ? EIN_LEAD_V6 : EIN_LEAD_V1 + best.b);
    } else if (best.times < 0) {
        out->inverted = (ein_lead)(EIN_LEAD_V1 + best.a);
    } else {
        out->scaled = (ein_lead)(EIN_LEAD_V1 + best.a);
        out->times = best.times > 1 ? 10 : 0.1;
    }
}

void ein_arrangement_judge(const ein_beats *beats, ein_arrangement *out) {
    shapes s;
    *out = (ein_arrangement){EIN_LIMB_AS_NAMED,
                             {EIN_LEAD_UNKNOWN, EIN_LEAD_UNKNOWN},
                             false,
                             EIN_LEAD_UNKNOWN,
                             EIN_LEAD_UNKNOWN,
                             1};
    if (!shapes_of(beats, &s)) return;
    out->limb = judge_limb(&s);
    judge_chest(&s, out);
}
