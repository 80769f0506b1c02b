/* Methods where the answer is known: a wave planted at one lead and one time of synthetic records. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/philox.h"
#include "core/nn/adamw.h"
#include "core/nn/classify.h"
#include "core/nn/head.h"
#include "core/nn/init.h"
#include "core/synth/synth.h"
#include "jobs/explain/planted.h"

/* A model that learns it within seconds; records of 5 s at 100 Hz from the eight leads that are not computed. */
enum {
    LEADS = 8,
    SAMPLES = 500,
    PATCH = 25,
    TIMES = SAMPLES / PATCH,
    CELLS = LEADS * TIMES,
    VALUES = LEADS * SAMPLES,
    BACKGROUNDS = 96, /* synthetic ECGs that training draws from; as many others for the test */
    BATCH = 32,
    UPDATES = 400
};
#define WAVE_SD 4.0 /* height of the planted wave, in standard deviations of the background */

static const ein_vit_shape shape = {.leads = LEADS,
                                    .samples = SAMPLES,
                                    .patch = PATCH,
                                    .width = 32,
                                    .depth = 2,
                                    .heads = 4,
                                    .mlp = 64,
                                    .classes = 2};
static const ein_head_task task = {
    .kind = EIN_HEAD_BINARY, .n_targets = 1, .n_outputs = 2, .smoothing = 0.001, .weight = 1};

typedef struct {
    uint64_t seed;
    ein_layout *layout;
    float *background; /* (2 * BACKGROUNDS, L, S): of training, of the test */
    float *param;
} bench;

/* --- records ------------------------------------------------------------------------------------------- */

/* I, II, V1 to V6, with mean 0 and spread 1. */
static void take_leads(float *x, const ein_ecg *ecg) {
    double sum = 0, square = 0;
    for (int lead = 0; lead < LEADS; lead++)
        for (int i = 0; i < SAMPLES; i++) {
            const double v = (double)ecg->mv[(int64_t)(lead < 2 ? lead : lead + 4) * ecg->n_samples + i];
            x[lead * SAMPLES + i] = isfinite(v) ? (float)v : 0;
            sum += (double)x[lead * SAMPLES + i];
            square += (double)x[lead * SAMPLES + i] * (double)x[lead * SAMPLES + i];
        }
    const double mean = sum / VALUES, sd = sqrt(square / VALUES - mean * mean + 1e-9);
    for (int i = 0; i < VALUES; i++) x[i] = (float)(((double)x[i] - mean) / sd);
}

static ein_status make_backgrounds(bench *b) {
    ein_synth_config config;
    ein_synth_person person;
    ein_ecg ecg = {0};
    ein_synth_config_default(&config);
    config.p[EIN_SP_FS_HZ] = SAMPLES / 5.0;
    config.p[EIN_SP_DURATION_S] = 5;
    ein_status status = ein_synth_config_ready(&config);
    for (int64_t r = 0; r < 2 * BACKGROUNDS && status == EIN_OK; r++) {
        status = ein_synth_draw_person(&config, b->seed, r, &person);
        if (status == EIN_OK) status = ein_synth_render(&config, &person, b->seed, r, &ecg);
        if (status == EIN_OK) take_leads(b->background + r * VALUES, &ecg);
    }
    ein_ecg_free(&ecg);
    return status;
}

/* Three and a half waves under a bell, within one patch of one lead: no wave of an ECG looks like that. */
static void plant(float *x, int cell) {
    float *at = x + (cell / TIMES) * SAMPLES + (cell % TIMES) * PATCH;
    for (int i = 0; i < PATCH; i++) {
        const double t = (i + 0.5) / PATCH - 0.5;
        at[i] += (float)(WAVE_SD * ein_exp(-20 * t * t) * ein_cos(7 * M_PI * t));
    }
}

/* Record `number` of a series: its label and where it is planted (-1: nowhere). */
static int draw(const bench *b, float *x, uint32_t series, uint64_t number, bool test) {
    const ein_philox_block words = ein_philox(b->seed, EIN_DRAW_SHUFFLE, number, series);
    const int64_t background = (int64_t)(words.v[0] % BACKGROUNDS) + (test ? BACKGROUNDS : 0);
    const int cell = words.v[1] % 2 ? (int)(words.v[2] % CELLS) : -1;
    memcpy(x, b->background + background * VALUES, VALUES * sizeof *x);
    if (cell >= 0) plant(x, cell);
    return cell;
}

/* --- the model ----------------------------------------------------------------------------------------- */

typedef struct {
    ein_classify *model;
    float *x, *grad, *m, *v;
} trainer;

static void trainer_free(trainer *t) {
    ein_classify_destroy(t->model);
    free(t->x);
    free(t->grad);
    free(t->m);
    free(t->v);
}

static ein_status trainer_new(trainer *t, const bench *b) {
    EIN_TRY(ein_classify_new(b->layout, b->layout, BATCH, true, &t->model));
    EIN_TRY(EIN_NEW(t->x, BATCH * VALUES));
    EIN_TRY(EIN_NEW(t->grad, b->layout->arena));
    EIN_TRY(EIN_NEW(t->m, b->layout->arena));
    return EIN_NEW(t->v, b->layout->arena);
}

static void update(const bench *b, trainer *t, int step, bool random_labels) {
    float target[BATCH], logits[2 * BATCH], d_logits[2 * BATCH];
    double loss[BATCH];
    const double warm = fmin(1, (step + 1) / 40.0), left = 1 - (double)step / UPDATES;
    const ein_adamw adamw = {
        .lr = 3e-3 * warm * left, .beta1 = 0.9, .beta2 = 0.98, .eps = 1e-8, .weight_decay = 0.01};
    for (int i = 0; i < BATCH; i++) {
        const uint64_t number = (uint64_t)step * BATCH + (uint64_t)i;
        target[i] = draw(b, t->x + i * VALUES, 0, number, false) >= 0;
        if (random_labels) target[i] = (float)(ein_philox(b->seed, EIN_DRAW_SHUFFLE, number, 2).v[0] % 2);
    }
    ein_classify_forward(t->model, logits, NULL, b->param, t->x);
    head_loss(loss, d_logits, logits, target, &task, 1, BATCH, 1, 2, 1.0 / BATCH);
    ein_classify_backward(t->model, t->grad, d_logits, NULL, b->param, NULL, NULL);
    ein_adamw_range(b->param, t->m, t->v, t->grad, b->layout, 0, b->layout->arena, &adamw, step + 1);
}

static ein_status train(const bench *b, bool random_labels) {
    trainer t = {.model = NULL};
    ein_vit_init(b->param, b->layout, EIN_SCHEME_PRETRAIN, b->seed);
    ein_status status = trainer_new(&t, b);
    for (int step = 0; step < UPDATES && status == EIN_OK; step++) update(b, &t, step, random_labels);
    trainer_free(&t);
    return status;
}

/* --- the test ------------------------------------------------------------------------------------------ */

/* Shares of one model; counts first. */
typedef struct {
    int right, all, planted;
    int cell[EIN_EXPLAIN_METHODS], lead[EIN_EXPLAIN_METHODS], time[EIN_EXPLAIN_METHODS];
} tally;

static void count_hits(tally *t, const ein_explain_row *row, int cell) {
    for (int k = 0; k < EIN_EXPLAIN_METHODS; k++) {
        const double *value = row->cell + k * CELLS;
        int most = 0;
        for (int c = 1; c < CELLS; c++)
            if (value[c] > value[most]) most = c;
        t->cell[k] += most == cell;
        t->lead[k] += most / TIMES == cell / TIMES;
        t->time[k] += most % TIMES == cell % TIMES;
    }
}

static ein_status try_records(tally *t, const bench *b, int records, int steps) {
    ein_explain_model m = {
        .layout = b->layout, .param = b->param, .steps = steps, .wanted = {true, true, true, true}};
    ein_explain_room room = {.work = NULL};
    double *values = NULL;
    float *x = NULL;
    ein_head_direction(m.direction, &m.offset, &task, 1, 0, 2);
    ein_status status = ein_explain_room_new(&room, &m);
    if (status == EIN_OK) status = EIN_NEW(values, ein_explain_row_values(&shape));
    if (status == EIN_OK) status = EIN_NEW(x, VALUES);
    for (uint64_t number = 0; t->planted < records && status == EIN_OK; number++) {
        const int cell = draw(b, x, 1, number, true);
        ein_attribution_weights(room.work, b->param, NULL);
        t->right += (ein_attribution_value(room.work, x) > 0) == (cell >= 0);
        t->all++;
        if (cell < 0) continue;
        t->planted++;
        status = ein_explain_record(values, &room, &m, x, (int64_t)number);
        const ein_explain_row row = ein_explain_row_at(values, &shape);
        if (status == EIN_OK) count_hits(t, &row, cell);
    }
    ein_explain_room_free(&room);
    free(values);
    free(x);
    return status;
}

static void report(ein_explain_planted *out, const tally *found, const tally *random) {
    out->records = found->planted;
    out->cells = CELLS, out->times = TIMES, out->leads = LEADS;
    out->accuracy = (double)found->right / found->all;
    out->random_accuracy = (double)random->right / random->all;
    for (int k = 0; k < EIN_EXPLAIN_METHODS; k++) {
        const bool leads = k != EIN_EXPLAIN_ROLLOUT;
        out->time[k] = (double)found->time[k] / found->planted;
        out->lead[k] = leads ? (double)found->lead[k] / found->planted : NAN;
        out->cell[k] = leads ? (double)found->cell[k] / found->planted : NAN;
        out->random_cell[k] = (double)(leads ? random->cell[k] : random->time[k]) / random->planted;
    }
}

ein_status ein_explain_plant(ein_explain_planted *out, int records, int steps, uint64_t seed) {
    bench b = {.seed = seed};
    tally found = {0}, random = {0};
    ein_status status = ein_layout_new(&shape, EIN_PART_CLASSIFY, &b.layout);
    if (status == EIN_OK) status = EIN_NEW(b.background, 2 * BACKGROUNDS * VALUES);
    if (status == EIN_OK) status = EIN_NEW(b.param, b.layout->arena);
    if (status == EIN_OK) status = make_backgrounds(&b);
    if (status == EIN_OK) status = train(&b, false);
    if (status == EIN_OK) status = try_records(&found, &b, records, steps);
    if (status == EIN_OK) status = train(&b, true);
    if (status == EIN_OK) status = try_records(&random, &b, records, steps);
    if (status == EIN_OK) report(out, &found, &random);
    ein_layout_destroy(b.layout);
    free(b.background);
    free(b.param);
    return status;
}
