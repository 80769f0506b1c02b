/* A recording is known again in another form, and only then: sketches and keys of synthetic ECGs in many forms. */
#include "core/signal/sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/signal/prepare.h"
#include "core/signal/resample.h"
#include "core/synth/synth.h"
#include "io/corpus/same.h"
#include "io/ecg/cardiosoft_write.h"
#include "io/ecg/muse_write.h"
#include "io/ecg/reader.h"
#include "io/ecg/source_hash.h"
#include "io/ecg/wfdb_write.h"
#include "tests/report.h"

enum { N = 400, FORMS_OF = 40 };

static char folder[64];
static ein_sketch sketch[N];
static uint64_t key[N];
static ein_ecg kept[FORMS_OF];

/* --- forms: false if the recording cannot have it ---------------------------------------------------------- */

static ein_ecg copy(const ein_ecg *ecg) {
    ein_ecg out = {0};
    EIN_BUG_IF(ein_ecg_alloc(&out, ecg->n_leads, ecg->n_samples) != EIN_OK);
    float *mv = out.mv;
    memcpy(mv, ecg->mv, sizeof *mv * (size_t)(ecg->n_leads * ecg->n_samples));
    out = *ecg;
    out.mv = mv;
    return out;
}

static ein_ecg read_file(const char *name) {
    char path[128];
    ein_ecg out = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    EIN_BUG_IF(ein_reader_read(path, &out) != EIN_OK);
    return out;
}

static ein_ecg as_muse(const ein_ecg *ecg) {
    const ein_xml_write_options options = {.uv_per_count = EIN_MUSE_UV_PER_COUNT};
    EIN_BUG_IF(ein_muse_write(folder, "m", ecg, &options) != EIN_OK);
    return read_file("m.xml");
}

static ein_ecg as_cardiosoft(const ein_ecg *ecg) {
    const ein_xml_write_options options = {.uv_per_count = EIN_CARDIOSOFT_UV_PER_COUNT};
    EIN_BUG_IF(ein_cardiosoft_write(folder, "c", ecg, &options) != EIN_OK);
    return read_file("c.xml");
}

static ein_ecg as_wfdb(const ein_ecg *ecg, double counts_per_mv) {
    const ein_wfdb_write_options options = {.counts_per_mv = counts_per_mv};
    EIN_BUG_IF(ein_wfdb_write(folder, "w", ecg, &options) != EIN_OK);
    return read_file("w.hea");
}

static ein_ecg as_fine_wfdb(const ein_ecg *ecg) {
    return as_wfdb(ecg, 2000);
}

static ein_ecg at_rate(const ein_ecg *ecg, double fs_hz) {
    ein_resampler *r;
    ein_ecg out = {0};
    EIN_BUG_IF(ein_resampler_new(ecg->fs_hz, fs_hz, &r) != EIN_OK);
    const int64_t n = ein_resampler_length(r, ecg->n_samples);
    double *in = calloc((size_t)ecg->n_samples, sizeof *in);
    double *work = calloc((size_t)ein_resampler_work(r, ecg->n_samples), sizeof *work);
    EIN_BUG_IF(!in || !work || ein_ecg_alloc(&out, ecg->n_leads, n) != EIN_OK);
    for (int l = 0; l < ecg->n_leads; l++) {
        for (int64_t i = 0; i < ecg->n_samples; i++) in[i] = (double)ecg->mv[l * ecg->n_samples + i];
        ein_resampler_run(r, in, ecg->n_samples, out.mv + l * n, n, work);
        out.lead[l] = ecg->lead[l];
        memcpy(out.lead_name[l], ecg->lead_name[l], sizeof out.lead_name[l]);
    }
    out.fs_hz = fs_hz;
    free(in);
    free(work);
    ein_resampler_destroy(r);
    return out;
}

static ein_ecg at_100_hz(const ein_ecg *ecg) {
    ein_ecg coarse = at_rate(ecg, 100), out = as_wfdb(&coarse, 1000);
    ein_ecg_free(&coarse);
    return out;
}

static ein_ecg at_257_hz(const ein_ecg *ecg) {
    return at_rate(ecg, 257);
}

/* Means of five samples: another way down to 100 Hz. */
static ein_ecg means_of_five(const ein_ecg *ecg) {
    ein_ecg out = {0};
    const int64_t n = ecg->n_samples / 5;
    EIN_BUG_IF(ein_ecg_alloc(&out, ecg->n_leads, n) != EIN_OK);
    for (int l = 0; l < ecg->n_leads; l++) {
        out.lead[l] = ecg->lead[l];
        for (int64_t k = 0; k < n; k++)
            for (int i = 0; i < 5; i++) out.mv[l * n + k] += ecg->mv[l * ecg->n_samples + 5 * k + i] / 5;
    }
    out.fs_hz = ecg->fs_hz / 5;
    return out;
}

static ein_ecg with_gain_and_offset(const ein_ecg *ecg) {
    ein_ecg out = copy(ecg);
    for (int64_t i = 0; i < out.n_leads * out.n_samples; i++) out.mv[i] = 1.1F * out.mv[i] + 0.2F;
    return out;
}

static ein_ecg ten_times_smaller(const ein_ecg *ecg) {
    ein_ecg out = copy(ecg);
    for (int64_t i = 0; i < out.n_leads * out.n_samples; i++) out.mv[i] = 0.1F * out.mv[i];
    return out;
}

static ein_ecg cut(const ein_ecg *ecg, int64_t first, int64_t n) {
    ein_ecg out = {0};
    EIN_BUG_IF(ein_ecg_alloc(&out, ecg->n_leads, n) != EIN_OK);
    for (int l = 0; l < ecg->n_leads; l++) {
        out.lead[l] = ecg->lead[l];
        memcpy(out.mv + l * n, ecg->mv + l * ecg->n_samples + first, sizeof *out.mv * (size_t)n);
    }
    out.fs_hz = ecg->fs_hz;
    return out;
}

static ein_ecg cut_in_front(const ein_ecg *ecg) {
    return cut(ecg, 137, ecg->n_samples - 137);
}

static ein_ecg cut_on_both_sides(const ein_ecg *ecg) {
    return cut(ecg, 251, ecg->n_samples - 600);
}

static ein_ecg in_another_order(const ein_ecg *ecg) {
    ein_ecg out = copy(ecg);
    for (int l = 0; l < ecg->n_leads; l++) {
        const int from = ecg->n_leads - 1 - l;
        out.lead[l] = ecg->lead[from];
        memcpy(out.mv + l * ecg->n_samples, ecg->mv + from * ecg->n_samples,
               sizeof *out.mv * (size_t)ecg->n_samples);
    }
    return out;
}

static ein_ecg of_two_augmented_leads(const ein_ecg *ecg) {
    ein_ecg out = copy(ecg);
    for (int l = 0; l < out.n_leads; l++)
        if (out.lead[l] != EIN_LEAD_AVL && out.lead[l] != EIN_LEAD_AVF) out.lead[l] = EIN_LEAD_UNKNOWN;
    return out;
}

static ein_ecg of_eight_leads(const ein_ecg *ecg) {
    ein_ecg out = {0};
    int n = 0;
    EIN_BUG_IF(ein_ecg_alloc(&out, 8, ecg->n_samples) != EIN_OK);
    for (int l = 0; l < ecg->n_leads; l++) {
        if (ecg->lead[l] >= EIN_LEAD_III && ecg->lead[l] <= EIN_LEAD_AVF) continue;
        memcpy(out.mv + n * ecg->n_samples, ecg->mv + l * ecg->n_samples,
               sizeof *out.mv * (size_t)ecg->n_samples);
        out.lead[n++] = ecg->lead[l];
    }
    out.fs_hz = ecg->fs_hz;
    return out;
}

static ein_ecg filtered(const ein_ecg *ecg) {
    const ein_contract contract = {.n_leads = 2,
                                   .lead = {EIN_LEAD_I, EIN_LEAD_II},
                                   .fs_hz = 250,
                                   .n_samples = 2500,
                                   .notch_hz = 50,
                                   .band_low_hz = 0.5,
                                   .band_high_hz = 40,
                                   .sd_mv = 1};
    ein_prepare_plan *plan;
    ein_ecg out = {0};
    EIN_BUG_IF(ein_ecg_alloc(&out, 2, 2500) != EIN_OK ||
               ein_prepare_plan_new(&contract, NULL, &plan) != EIN_OK ||
               ein_prepare(plan, ecg, out.mv, NULL, NULL) != EIN_OK);
    ein_prepare_plan_destroy(plan);
    out.lead[0] = EIN_LEAD_I;
    out.lead[1] = EIN_LEAD_II;
    out.fs_hz = 250;
    return out;
}

static const struct {
    ein_ecg (*make)(const ein_ecg *ecg);
    const char *name;
    bool same_key; /* samples are the same to a uV */
    int missed;    /* of FORMS_OF at most */
} forms[] = {{copy, "as it is", true, 0},
             {as_fine_wfdb, "as WFDB of another gain", true, 0},
             {as_muse, "as MUSE XML of 4.88 uV", false, 0},
             {as_cardiosoft, "as CardioSoft XML", true, 0},
             {at_100_hz, "at 100 Hz", false, 0},
             {means_of_five, "at 100 Hz, by means", false, 0},
             {at_257_hz, "at 257 Hz", false, 0},
             {with_gain_and_offset, "with another gain and offset", false, 0},
             {ten_times_smaller, "ten times too small", false, 0},
             {cut_in_front, "cut by some samples", false, 0},
             {cut_on_both_sides, "cut by a second", false, 1},
             {in_another_order, "with leads in another order", true, 0},
             {of_eight_leads, "without derived leads", true, 0},
             {of_two_augmented_leads, "of aVL and aVF alone", false, 0},
             {filtered, "filtered from 0.5 to 40 Hz, at 250 Hz", false, 1}};

/* --- tests ------------------------------------------------------------------------------------------------- */

static void make_recordings(void) {
    ein_synth_config config;
    ein_synth_person person;
    ein_synth_config_default(&config);
    EIN_BUG_IF(ein_synth_config_ready(&config) != EIN_OK);
    for (int i = 0; i < N; i++) {
        ein_ecg ecg = {0};
        EIN_BUG_IF(ein_synth_draw_person(&config, 11, i, &person) != EIN_OK ||
                   ein_synth_render(&config, &person, 11, i, &ecg) != EIN_OK);
        for (int64_t k = 0; k < ecg.n_leads * ecg.n_samples; k++) /* the 5 uV steps of many carts */
            ecg.mv[k] = (float)(nearbyint((double)ecg.mv[k] * 200) / 200);
        EIN_BUG_IF(ein_sketch_make(&ecg, &sketch[i]) != EIN_OK);
        key[i] = ein_signal_key(&ecg);
        if (i < FORMS_OF)
            kept[i] = ecg;
        else
            ein_ecg_free(&ecg);
    }
}

static void others_are_others(ein_same *same) {
    int wrong = 0, none = 0;
    for (int i = 0; i < N; i++) {
        none += sketch[i].n < EIN_SKETCH_ENOUGH;
        const int64_t found = ein_same_find(same, key[i], &sketch[i]);
        if (found >= 0) printf("# %d is taken for %d\n", i, (int)found);
        wrong += found >= 0;
        EIN_BUG_IF(ein_same_add(same, key[i], &sketch[i], i) != EIN_OK);
    }
    report(wrong == 0, "%d recordings are all different: %d taken for another", N, wrong);
    report(none == 0, "and each has a sketch");
}

static void known_again(const ein_same *same) {
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        int missed = 0, wrong = 0, keys = 0, n = 0;
        for (int i = 0; i < FORMS_OF; i++) {
            ein_ecg ecg = forms[f].make(&kept[i]);
            ein_sketch s;
            EIN_BUG_IF(ein_sketch_make(&ecg, &s) != EIN_OK);
            const int64_t found = ein_same_find(same, 0, &s);
            missed += found < 0;
            wrong += found >= 0 && found != i;
            keys += ein_signal_key(&ecg) == key[i];
            n++;
            ein_ecg_free(&ecg);
        }
        report(missed <= forms[f].missed && wrong == 0,
               "known again %s: %d of %d missed, %d taken for another", forms[f].name, missed, n, wrong);
        report(keys == (forms[f].same_key ? n : 0), "its key is %s: %d of %d",
               forms[f].same_key ? "the same" : "another", keys, n);
    }
}

/* Cells that are equal by chance are no recording, and hide none. */
static void alike(void) {
    ein_same *same;
    static ein_sketch a, b, c, now;
    a.n = b.n = c.n = EIN_SKETCH_STORED;
    for (int i = 0; i < EIN_SKETCH_STORED; i++)
        for (int f = 0; f < EIN_SKETCH_FEATURES; f++) {
            const int cell = (f * 7 + i * 5) % 16 * EIN_SKETCH_CELL - 128;
            a.feature[i][f] = (int8_t)(cell + 3 + f % 3);
            b.feature[i][f] = (int8_t)(cell + 12 - f % 3);
            c.feature[i][f] = (int8_t)(cell + 7 + f % 2);
        }
    EIN_BUG_IF(ein_same_new(&same) != EIN_OK || ein_same_add(same, 1, &a, 0) != EIN_OK);
    report(ein_same_find(same, 2, &b) < 0, "equal cells of other features are another recording");
    EIN_BUG_IF(ein_same_add(same, 2, &b, 1) != EIN_OK || ein_same_add(same, 3, &c, 2) != EIN_OK);
    now = b;
    for (int f = 0; f < EIN_SKETCH_FEATURES; f++) now.feature[f % 4][f]++;
    report(ein_same_find(same, 4, &now) == 1, "one that is near in all of them is known");
    report(ein_same_find(same, 4, &c) == 2 && ein_same_find(same, 4, &a) == 0,
           "whichever of those alike it is");
    report(ein_same_find(same, 2, &a) == 1, "and its samples decide first");
    ein_same_destroy(same);
}

static void without_signal(void) {
    ein_ecg ecg = {0};
    ein_sketch s;
    EIN_BUG_IF(ein_ecg_alloc(&ecg, 2, 5000) != EIN_OK);
    ecg.fs_hz = 500;
    ecg.lead[0] = EIN_LEAD_I;
    ecg.lead[1] = EIN_LEAD_II;
    report(ein_sketch_make(&ecg, &s) == EIN_OK && s.n == 0,
           "a flat recording has no sketch: it is like all flat ones");
    for (int i = 0; i < 10000; i++) ecg.mv[i] = i % 3 ? 0 : NAN;
    report(ein_sketch_make(&ecg, &s) == EIN_OK && s.n == 0, "nor has one of holes");
    for (int i = 0; i < 10000; i++) ecg.mv[i] = INFINITY;
    report(ein_sketch_make(&ecg, &s) == EIN_OK && s.n == 0, "nor one of infinities");
    ecg.n_samples = 1;
    report(ein_sketch_make(&ecg, &s) == EIN_OK && s.n == 0, "nor one of a sample");
    ecg.n_samples = 5000;
    ecg.fs_hz = 1e-3;
    report(ein_sketch_make(&ecg, &s) == EIN_OK && s.n == 0, "nor one of a rate below an ECG's");
    ein_ecg_free(&ecg);
}

static void probes(void) {
    int8_t feature[EIN_SKETCH_FEATURES], cells[EIN_SKETCH_FEATURES];
    static int8_t probe[EIN_SKETCH_MAX_PROBES][EIN_SKETCH_FEATURES];
    memset(feature, EIN_SKETCH_CELL / 2, sizeof feature);
    ein_sketch_cells(feature, cells);
    report(ein_sketch_probes(feature, probe) == 1 && memcmp(probe[0], cells, sizeof cells) == 0,
           "far from bounds there is one word");
    feature[3] = 0;
    feature[5] = -1;
    report(ein_sketch_probes(feature, probe) == 4 && probe[3][3] == cells[3] - 1 && probe[3][5] == cells[5],
           "each feature at a bound doubles them");
    feature[5] = 0;
    ein_sketch_cells(feature, cells);
    report(memcmp(probe[2], cells, sizeof cells) == 0 || memcmp(probe[3], cells, sizeof cells) == 0 ||
               memcmp(probe[1], cells, sizeof cells) == 0,
           "a feature that crossed its bound is among them");
    memset(feature, 0, sizeof feature);
    report(ein_sketch_probes(feature, probe) == EIN_SKETCH_MAX_PROBES, "but there are never too many");
    memset(feature, -128, sizeof feature);
    ein_sketch_probes(feature, probe);
    memset(feature, 127, sizeof feature);
    report(ein_sketch_probes(feature, probe) == EIN_SKETCH_MAX_PROBES, "the ends of the range are cells too");
}

int main(void) {
    ein_same *same;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.30s/sketch-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder) || ein_same_new(&same) != EIN_OK) return 1;
    make_recordings();
    others_are_others(same);
    known_again(same);
    alike();
    without_signal();
    probes();
    ein_same_destroy(same);
    for (int i = 0; i < FORMS_OF; i++) ein_ecg_free(&kept[i]);
    static const char *const files[] = {"m.xml", "c.xml", "w.hea", "w.dat"};
    for (int i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
    return report_end();
}
