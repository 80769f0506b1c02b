#include "jobs/options/reconstruct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/mae.h"
#include "core/nn/patch.h"
#include "io/corpus/store.h"
#include "io/model/model.h"

typedef struct {
    ein_model_info info;
    ein_contract contract;
    ein_layout *layout;
    ein_mae *mae;
    float *param, *x, *hidden;
    int32_t *order;
    int patches, visible;
} model_room;

static void room_free(model_room *m) {
    ein_mae_destroy(m->mae);
    ein_layout_destroy(m->layout);
    free(m->param);
    free(m->x);
    free(m->hidden);
    free(m->order);
    ein_model_info_free(&m->info);
}

static ein_status check_contract(model_room *m, const char *path, const ein_corpus *corpus) {
    char difference[1024];
    if (m->info.parts != EIN_PART_PRETRAIN)
        return ein_error(EIN_MISMATCH,
                         "%s has no decoder, which predicts what is hidden: give a pretrained model", path);
    EIN_TRY(ein_error_context(ein_contract_parse(m->info.contract_text, &m->contract), "%s", path));
    if (ein_contract_compare(&m->contract, ein_corpus_contract(corpus), 1, difference, sizeof difference) ==
        0)
        return EIN_OK;
    return ein_error(EIN_MISMATCH, "%s was made under another contract than %s: %s", path,
                     ein_corpus_path(corpus), difference);
}

static ein_status open_model(model_room *m, const char *path, const ein_corpus *corpus, double mask_ratio) {
    EIN_TRY(ein_model_describe(path, NULL, &m->info));
    EIN_TRY(check_contract(m, path, corpus));
    const ein_vit_shape *s = &m->info.shape;
    EIN_TRY(ein_layout_new(s, EIN_PART_PRETRAIN, &m->layout));
    EIN_TRY(EIN_NEW(m->param, m->layout->arena));
    EIN_TRY(ein_model_load(path, m->layout, m->param, 1, NULL, 0));
    m->patches = s->samples / s->patch;
    m->visible = ein_mask_visible(m->patches, mask_ratio);
    if (m->visible < 1 || m->visible >= m->patches)
        return ein_error(EIN_USAGE, "a share of %g leaves %d of %d patches visible; 1 to %d must be",
                         mask_ratio, m->visible, m->patches, m->patches - 1);
    EIN_TRY(EIN_NEW(m->x, (int64_t)s->leads * s->samples));
    EIN_TRY(EIN_NEW(m->hidden, (int64_t)s->leads * s->patch));
    EIN_TRY(EIN_NEW(m->order, m->patches));
    return ein_mae_new(m->layout, 1, m->visible, &m->mae);
}

/* A predicted patch with mean and spread of the recorded one, in mV. */
static void place(const model_room *m, int32_t patch, const float *predicted, float *mv) {
    const ein_vit_shape *s = &m->info.shape;
    const int V = s->leads * s->patch;
    double sum = 0, square = 0;
    patch_gather(m->hidden, m->x, &patch, 1, s->leads, s->samples, s->patch);
    for (int v = 0; v < V; v++) sum += (double)m->hidden[v];
    const double mean = sum / V;
    for (int v = 0; v < V; v++) square += ((double)m->hidden[v] - mean) * ((double)m->hidden[v] - mean);
    const double spread = sqrt(square / (V - 1));
    for (int lead = 0; lead < s->leads; lead++)
        for (int p = 0; p < s->patch; p++) {
            const double x = (double)predicted[p * s->leads + lead] * spread + mean;
            mv[(int64_t)lead * s->samples + (int64_t)patch * s->patch + p] =
                (float)(x * m->contract.sd_mv + m->contract.mean_mv);
        }
}

static ein_status predict(model_room *m, ein_corpus *corpus, int64_t record, uint64_t seed, float *mv) {
    const ein_vit_shape *s = &m->info.shape;
    const int V = s->leads * s->patch;
    ein_store *store;
    double loss;
    EIN_TRY(ein_store_new(corpus, &record, 1, &store));
    ein_store_normalise(store, m->contract.mean_mv, m->contract.sd_mv);
    ein_store_input(store, 0, m->x);
    ein_store_destroy(store);
    ein_mask_draw(m->order, m->patches, seed, 0, record);
    ein_mae_forward(m->mae, &loss, m->param, m->x, m->order);
    for (int64_t i = 0; i < (int64_t)s->leads * s->samples; i++) mv[i] = NAN;
    for (int i = m->visible; i < m->patches; i++)
        place(m, m->order[i], ein_mae_prediction(m->mae) + (size_t)m->order[i] * (size_t)V, mv);
    return EIN_OK;
}

ein_status ein_reconstruct(const char *path, ein_corpus *corpus, int64_t record, double mask_ratio,
                           uint64_t seed, float *mv) {
    model_room m = {.patches = 0};
    ein_status status = open_model(&m, path, corpus, mask_ratio);
    if (status == EIN_OK) status = predict(&m, corpus, record, seed, mv);
    room_free(&m);
    return status;
}
