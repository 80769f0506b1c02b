/* Quality flags on real recordings: false alarms, and what is found of faults planted by this program.
 *
 *     bench_quality DATA            a table in Markdown: recordings as they are, and a fault planted in each
 *     bench_quality --beats DATA    median beats, binary, for tests/data/arrangement_train.py
 *
 * DATA has labels.csv. Judged are recordings of patients whose CRC-32 modulo 100 is 70 or more, which trained nothing,
 * of PTB-XL and of the other sources, and all of LUDB. A fault counts as found if its flag is set on the lead that has
 * it (exchanges: on the recording), or if the review of units refuses the recording or notes that lead, as in ingest.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "core/base/philox.h"
#include "core/signal/gain.h"
#include "core/signal/prepare.h"
#include "io/ecg/reader.h"

enum { LEADS = EIN_LEAD_COUNT_12, SOURCES = 3, MAX_FAULTS = 64 };
static const char *const sources[SOURCES] = {"PTB-XL", "LUDB", "other sources"};

typedef struct {
    float *mv[LEADS]; /* of a copy of the recording */
    int64_t n;
    double fs_hz;
    uint64_t seed;
} target;

static double uniform(const target *t, uint32_t purpose) {
    return ein_uniform(ein_philox(t->seed, purpose, 0, 0).v[0]);
}

static void noise(const target *t, uint32_t purpose, double *out) {
    for (int64_t i = 0; i < t->n; i += 2) {
        ein_philox_block b = ein_philox(t->seed, purpose, (uint64_t)i, 0);
        double pair[2];
        ein_normal_pair(b.v[0], b.v[1], pair);
        out[i] = pair[0];
        if (i + 1 < t->n) out[i + 1] = pair[1];
    }
}

static double rms(const target *t, int lead) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < t->n; i++) sum += isfinite(t->mv[lead][i]) ? t->mv[lead][i] : 0;
    for (int64_t i = 0; i < t->n; i++) {
        double d = isfinite(t->mv[lead][i]) ? t->mv[lead][i] - sum / (double)t->n : 0;
        squares += d * d;
    }
    return sqrt(squares / (double)t->n);
}

/* Limb leads from new I and II, as sums of the old. */
static void limb(const target *t, double i_i, double i_ii, double ii_i, double ii_ii) {
    for (int64_t s = 0; s < t->n; s++) {
        double a = t->mv[0][s], b = t->mv[1][s], i = i_i * a + i_ii * b, ii = ii_i * a + ii_ii * b;
        t->mv[0][s] = (float)i;
        t->mv[1][s] = (float)ii;
        t->mv[2][s] = (float)(ii - i);
        t->mv[3][s] = (float)(-(i + ii) / 2);
        t->mv[4][s] = (float)(i - ii / 2);
        t->mv[5][s] = (float)(ii - i / 2);
    }
}

static void exchange(const target *t, int a, int b) {
    for (int64_t s = 0; s < t->n; s++) {
        float x = t->mv[a][s];
        t->mv[a][s] = t->mv[b][s];
        t->mv[b][s] = x;
    }
}

static int times(const target *t, int lead, double factor) {
    for (int64_t s = 0; s < t->n; s++) t->mv[lead][s] = (float)(factor * (double)t->mv[lead][s]);
    return lead;
}

/* --- faults: the lead that has it, or -1 for the recording ------------------------------------------------- */

static int la_ra(const target *t) {
    return limb(t, -1, 0, -1, 1), -1;
}
static int ra_ll(const target *t) {
    return limb(t, 1, -1, 0, -1), -1;
}
static int la_ll(const target *t) {
    return limb(t, 0, 1, 1, 0), -1;
}
static int rotated(const target *t) {
    return limb(t, -1, 1, -1, 0), -1;
}
static int v1_v2(const target *t) {
    return exchange(t, 6, 7), -1;
}
static int v1_v3(const target *t) {
    return exchange(t, 6, 8), -1;
}
static int v1_v6(const target *t) {
    return exchange(t, 6, 11), -1;
}
static int v2_v3(const target *t) {
    return exchange(t, 7, 8), -1;
}
static int v5_v6(const target *t) {
    return exchange(t, 10, 11), -1;
}
static int reverse(const target *t) {
    return exchange(t, 6, 11), exchange(t, 7, 10), exchange(t, 8, 9), -1;
}
static int any(const target *t, int from, int n) {
    return from + (int)(uniform(t, 1) * n);
}
static int limb_sign(const target *t) {
    return times(t, any(t, 0, 6), -1);
}
static int avr_sign(const target *t) {
    return times(t, 3, -1);
}
static int chest_sign(const target *t) {
    return times(t, any(t, 6, 6), -1);
}
static int limb_ten(const target *t) {
    return times(t, any(t, 0, 6), 10);
}
static int limb_tenth(const target *t) {
    return times(t, any(t, 0, 6), 0.1);
}
static int chest_ten(const target *t) {
    return times(t, any(t, 6, 6), 10);
}
static int chest_tenth(const target *t) {
    return times(t, any(t, 6, 6), 0.1);
}

/* A lead of noise of the lead's own size (at least 0.1 mV); `keep`: how much of a value passes on to the next. */
static int noise_of(const target *t, double keep) {
    int lead = any(t, 0, LEADS);
    double *x = malloc((size_t)t->n * sizeof *x), size = fmax(rms(t, lead), 0.1), y = 0;
    if (!x) abort();
    noise(t, 2, x);
    for (int64_t s = 0; s < t->n; s++) {
        y = keep * y + sqrt(1 - keep * keep) * x[s];
        t->mv[lead][s] = (float)(size * y);
    }
    free(x);
    return lead;
}
static int white(const target *t) {
    return noise_of(t, 0);
}
static int muscle(const target *t) {
    return noise_of(t, 0.8);
}
static int brown(const target *t) {
    return noise_of(t, 0.98);
}
static int mains_alone(const target *t) {
    int lead = any(t, 0, LEADS);
    for (int64_t s = 0; s < t->n; s++)
        t->mv[lead][s] = (float)(0.3 * sin(6.283185307 * 50 * (double)s / t->fs_hz));
    return lead;
}

/* Cut at `share` of what the largest deflection from the median of 99 % of the samples is. */
static void clip(const target *t, int lead, double share, bool smooth) {
    double mean = 0, high = 0;
    float before;
    for (int64_t s = 0; s < t->n; s++) mean += isfinite(t->mv[lead][s]) ? t->mv[lead][s] / (double)t->n : 0;
    for (int64_t s = 0; s < t->n; s++) high = fmax(high, fabs((double)t->mv[lead][s] - mean));
    for (int64_t s = 0; s < t->n; s++)
        t->mv[lead][s] = (float)fmin(fmax(t->mv[lead][s], mean - share * high), mean + share * high);
    before = t->mv[lead][0];
    for (int64_t s = 1; s + 1 < t->n && smooth; s++) {
        float x = t->mv[lead][s];
        t->mv[lead][s] = 0.25f * before + 0.5f * x + 0.25f * t->mv[lead][s + 1];
        before = x;
    }
}
static int clip_half(const target *t) {
    int lead = any(t, 0, LEADS);
    return clip(t, lead, 0.5, false), lead;
}
static int clip_70(const target *t) {
    int lead = any(t, 0, LEADS);
    return clip(t, lead, 0.7, false), lead;
}
static int clip_smooth(const target *t) {
    int lead = any(t, 0, LEADS);
    return clip(t, lead, 0.5, true), lead;
}
static int flat(const target *t) {
    return times(t, any(t, 0, LEADS), 0);
}

static const struct {
    const char *what;
    int (*plant)(const target *t);
    uint32_t flags;
} faults[] = {
    {"LA and RA exchanged", la_ra, EIN_QUALITY_REVERSAL},
    {"RA and LL exchanged", ra_ll, EIN_QUALITY_RA_LL},
    {"LA and LL exchanged", la_ll, EIN_QUALITY_LA_LL},
    {"limb electrodes rotated", rotated, EIN_QUALITY_LIMB_ROTATED},
    {"V1 and V2 exchanged", v1_v2, EIN_QUALITY_CHEST_ORDER},
    {"V1 and V3 exchanged", v1_v3, EIN_QUALITY_CHEST_ORDER},
    {"V1 and V6 exchanged", v1_v6, EIN_QUALITY_CHEST_ORDER},
    {"V2 and V3 exchanged", v2_v3, EIN_QUALITY_CHEST_ORDER},
    {"V5 and V6 exchanged", v5_v6, EIN_QUALITY_CHEST_ORDER},
    {"V1 to V6 in reverse", reverse, EIN_QUALITY_CHEST_ORDER},
    {"a chest lead upside down", chest_sign, EIN_QUALITY_LEAD_SIGN},
    {"a limb lead upside down", limb_sign, EIN_QUALITY_LEAD_SIGN | EIN_QUALITY_LEAD_SCALE},
    {"aVR upside down", avr_sign, EIN_QUALITY_LEAD_SIGN | EIN_QUALITY_LEAD_SCALE},
    {"a chest lead times 10", chest_ten, EIN_QUALITY_LEAD_SCALE},
    {"a chest lead times 0.1", chest_tenth, EIN_QUALITY_LEAD_SCALE},
    {"a limb lead times 10", limb_ten, EIN_QUALITY_LEAD_SCALE},
    {"a limb lead times 0.1", limb_tenth, EIN_QUALITY_LEAD_SCALE},
    {"a lead of white noise", white, EIN_QUALITY_NOISE},
    {"a lead of noise like muscles'", muscle, EIN_QUALITY_NOISE},
    {"a lead of slow noise", brown, EIN_QUALITY_NOISE},
    {"a lead of 50 Hz", mains_alone, EIN_QUALITY_NOISE},
    {"a lead cut at 0.5 of its largest", clip_half, EIN_QUALITY_CLIPPED},
    {"a lead cut at 0.7 of its largest", clip_70, EIN_QUALITY_CLIPPED},
    {"a lead cut at 0.5 and smoothed", clip_smooth, EIN_QUALITY_CLIPPED},
    {"a flat lead", flat, EIN_QUALITY_FLAT},
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

static ein_prepare_plan *plan;
static float *out;
static double spent_s;
static int64_t prepared;

static uint32_t flags_of(ein_ecg *ecg, int lead) {
    uint32_t all, leads[LEADS];
    const clock_t begin = clock();
    if (ein_units_review(ecg, EIN_UNITS_REJECT) != EIN_OK)
        return EIN_QUALITY_LEAD_SCALE | EIN_QUALITY_GAIN_SUSPECT;
    if (ein_prepare(plan, ecg, out, leads, &all) != EIN_OK) return 0;
    spent_s += (double)(clock() - begin) / CLOCKS_PER_SEC;
    prepared++;
    return lead < 0 ? all : leads[lead];
}

static ein_ecg copy_of(const ein_ecg *ecg) {
    ein_ecg copy = {0};
    if (ein_ecg_alloc(&copy, ecg->n_leads, ecg->n_samples) != EIN_OK) abort();
    float *mv = copy.mv;
    copy = *ecg;
    copy.mv = mv;
    memcpy(mv, ecg->mv, (size_t)(ecg->n_leads * ecg->n_samples) * sizeof *mv);
    return copy;
}

static int64_t records[SOURCES], alarms[SOURCES][EIN_QUALITY_BITS], found[SOURCES][FAULTS],
    any_alarm[SOURCES];

static void judge(const ein_ecg *ecg, int source, uint64_t seed) {
    ein_ecg copy = copy_of(ecg);
    const uint32_t as_is = flags_of(&copy, -1);
    free(copy.mv);
    records[source]++;
    any_alarm[source] += as_is != 0;
    for (int bit = 0; bit < EIN_QUALITY_BITS; bit++) alarms[source][bit] += as_is >> bit & 1;
    for (int f = 0; f < (int)FAULTS; f++) {
        target t = {.n = ecg->n_samples, .fs_hz = ecg->fs_hz, .seed = seed * MAX_FAULTS + (uint64_t)f};
        copy = copy_of(ecg);
        for (int l = 0; l < LEADS; l++)
            t.mv[l] = copy.mv + ein_ecg_find_lead(&copy, (ein_lead)l) * copy.n_samples;
        const int lead = faults[f].plant(&t);
        found[source][f] += (flags_of(&copy, lead) & faults[f].flags) != 0;
        free(copy.mv);
    }
}

static void dump_beats(const ein_ecg *ecg, ein_beats_room *room) {
    const float *lead[LEADS];
    static ein_beats b;
    for (int l = 0; l < LEADS; l++) {
        int i = ecg->mv ? ein_ecg_find_lead(ecg, (ein_lead)l) : -1;
        lead[l] = i < 0 ? NULL : ecg->mv + i * ecg->n_samples;
    }
    ein_beats_find(room, lead, ecg->n_samples, ecg->fs_hz, &b);
    const float head[2] = {(float)b.n, (float)b.rate_bpm};
    fwrite(head, sizeof head, 1, stdout);
    fwrite(b.coherence, sizeof b.coherence, 1, stdout);
    fwrite(b.mv, sizeof b.mv, 1, stdout);
}

static void print_tables(void) {
    printf("| | %s | %s | %s |\n|---|---|---|---|\n| recordings |", sources[0], sources[1], sources[2]);
    for (int s = 0; s < SOURCES; s++) printf(" %lld |", (long long)records[s]);
    for (int f = 0; f < (int)FAULTS; f++) {
        printf("\n| %s |", faults[f].what);
        for (int s = 0; s < SOURCES; s++) printf(" %.1f |", 100.0 * (double)found[s][f] / (double)records[s]);
    }
    printf("\n\n| as they are: flagged, %% | %s | %s | %s |\n|---|---|---|---|\n", sources[0], sources[1],
           sources[2]);
    for (int bit = 0; bit <= EIN_QUALITY_BITS; bit++) {
        const bool last = bit == EIN_QUALITY_BITS;
        if (!last && alarms[0][bit] + alarms[1][bit] + alarms[2][bit] == 0) continue;
        printf("| %s |", last ? "any flag" : ein_quality_name(bit));
        for (int s = 0; s < SOURCES; s++)
            printf(" %.2f |", 100.0 * (double)(last ? any_alarm[s] : alarms[s][bit]) / (double)records[s]);
        puts("");
    }
    printf("\n%.3f ms of processor time a recording for the review of units and preparing without filters\n",
           1e3 * spent_s / (double)prepared);
}

static bool make_plan(void) {
    ein_contract c;
    memset(&c, 0, sizeof c);
    c.n_leads = LEADS;
    for (int l = 0; l < LEADS; l++) c.lead[l] = (ein_lead)l;
    c.fs_hz = 500;
    c.n_samples = 5000;
    c.sd_mv = 1;
    out = malloc(sizeof *out * LEADS * 5000);
    return out && ein_prepare_plan_new(&c, NULL, &plan) == EIN_OK;
}

int main(int argc, char **argv) {
    const bool beats = argc > 2 && strcmp(argv[1], "--beats") == 0;
    const char *data = argc > 1 ? argv[argc - 1] : ".";
    char path[4096], line[8192], cohort[32], name[256], subject[128];
    ein_beats_room *room = NULL;
    snprintf(path, sizeof path, "%s/labels.csv", data);
    FILE *f = fopen(path, "r");
    if (!f || !fgets(line, sizeof line, f) || !make_plan() || ein_beats_room_new(&room) != EIN_OK) {
        fprintf(stderr, "%s: cannot be read; usage: bench_quality [--beats] DATA\n", path);
        return 2;
    }
    for (uint64_t seed = 0; fgets(line, sizeof line, f); seed++) {
        if (sscanf(line, "%31[^,],%*[^,],%255[^,],%*[^,],%*[^,],%*[^,],%127[^,]", cohort, name, subject) != 3)
            continue;
        ein_ecg ecg = {0};
        const int source = strcmp(cohort, "ptbxl") == 0 ? 0 : strcmp(cohort, "ludb") == 0 ? 1 : 2;
        const bool held = crc32(0, (const unsigned char *)subject, (unsigned)strlen(subject)) % 100 >= 70;
        if (!beats && source != 1 && !held) continue;
        snprintf(path, sizeof path, "%s/%s", data, name);
        if (ein_reader_read(path, &ecg) != EIN_OK) fprintf(stderr, "%s\n", ein_error_message());
        if (beats)
            dump_beats(&ecg, room);
        else if (ecg.mv)
            judge(&ecg, source, seed);
        ein_ecg_free(&ecg);
    }
    fclose(f);
    if (!beats) print_tables();
    ein_beats_room_destroy(room);
    ein_prepare_plan_destroy(plan);
    free(out);
    return 0;
}
