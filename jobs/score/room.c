/* One thread's working memory: records through the encoders and what stands on them, in batches. */
#include <math.h>
#include <stdlib.h>

#include "io/corpus/store.h"
#include "jobs/options/scoring.h"
#include "jobs/score/models.h"

struct ein_score_room {
    const ein_score_models *models;
    int batch;
    ein_classify **
        encoder; /* (encoders) their prefix is the record, so that a batch runs through all of them at once */
    ein_classify **top; /* (models) NULL: no head */
    float *x;           /* (batch, L, S) */
    float *logits;      /* (batch, outputs of one model) */
    float *feature;     /* (C) */
};

static int larger(int a, int b) {
    return a > b ? a : b;
}

static ein_status fill_room(ein_score_room *r) {
    const ein_score_models *all = r->models;
    int width = 1, classes = 1;
    for (int i = 0; i < all->n; i++) {
        const int batch = ein_scoring_batch(all->model[i].layout);
        if (i == 0 || batch < r->batch) r->batch = batch;
        width = larger(width, all->model[i].layout->shape.width);
        classes = larger(classes, all->model[i].layout->shape.classes);
    }
    EIN_TRY(EIN_NEW(r->encoder, all->n_encoders));
    EIN_TRY(EIN_NEW(r->top, all->n));
    for (int e = 0; e < all->n_encoders; e++) {
        const ein_layout *layout = all->model[all->encoder[e].model].layout;
        EIN_TRY(ein_classify_new(layout, layout, r->batch, false, &r->encoder[e]));
        ein_classify_weights(r->encoder[e], NULL, all->encoder[e].packed);
    }
    for (int i = 0; i < all->n; i++)
        if (all->model[i].meaning)
            EIN_TRY(ein_classify_new(all->model[i].layout, all->model[i].top, r->batch, false, &r->top[i]));
    EIN_TRY(EIN_NEW(r->feature, width));
    EIN_TRY(EIN_NEW(r->logits, r->batch * classes));
    return EIN_NEW(r->x, r->batch * all->contract.n_leads * all->contract.n_samples);
}

ein_status ein_score_room_new(const ein_score_models *all, ein_score_room **out) {
    ein_score_room *r = NULL;
    *out = NULL;
    EIN_TRY(EIN_NEW(r, 1));
    r->models = all;
    const ein_status status = fill_room(r);
    if (status == EIN_OK)
        *out = r;
    else
        ein_score_room_destroy(r);
    return status;
}

void ein_score_room_destroy(ein_score_room *r) {
    if (!r) return;
    for (int e = 0; r->encoder && e < r->models->n_encoders; e++) ein_classify_destroy(r->encoder[e]);
    for (int i = 0; r->top && i < r->models->n; i++) ein_classify_destroy(r->top[i]);
    free(r->encoder);
    free(r->top);
    free(r->x);
    free(r->logits);
    free(r->feature);
    free(r);
}

int ein_score_room_batch(const ein_score_room *r) {
    return r->batch;
}

/* What the head of model i makes of the tokens that its encoder has pooled. */
static void run_head(ein_score_room *r, int i, const float *pooled, const ein_score_item *item, int n) {
    const ein_score_model *m = &r->models->model[i];
    const int outputs = m->layout->shape.classes;
    ein_classify_records(r->top[i], n);
    ein_classify_forward(r->top[i], r->logits, r->models->encoder[m->encoder].param, m->top_param, pooled);
    for (int b = 0; b < n; b++)
        for (int o = 0; o < outputs; o++) item[b].value[m->first_value + o] = r->logits[b * outputs + o];
}

/* How far each record is from what the models of an encoder were trained on, and its embedding. */
static void take_vectors(ein_score_room *r, int e, const ein_score_item *item, int n) {
    const ein_score_models *all = r->models;
    const ein_layout *layout = all->model[all->encoder[e].model].layout;
    const size_t C = (size_t)layout->shape.width, T = (size_t)ein_vit_tokens(&layout->shape);
    for (size_t b = 0; b < (size_t)n; b++) {
        const float *tokens = ein_classify_tokens(r->encoder[e]) + b * T * C;
        const float *pooled = ein_classify_pooled(r->encoder[e]) + b * C;
        bool has_feature = false;
        for (int i = 0; i < all->n; i++) {
            const ein_score_model *m = &all->model[i];
            if (m->encoder != e || m->domain.width == 0) continue;
            if (!has_feature) ein_embedding_take(r->feature, EIN_EMBED_MEAN, layout, tokens, pooled);
            has_feature = true;
            item[b].value[m->distance_value] = (float)ein_domain_distance(&m->domain, r->feature);
        }
        if (e == 0 && all->embedding_width > 0)
            ein_embedding_take(item[b].value + all->embedding_value, all->embedding, layout, tokens, pooled);
    }
}

static void run_encoder(ein_score_room *r, int e, const ein_score_item *item, int n) {
    const ein_score_models *all = r->models;
    const int64_t values = all->contract.n_leads * all->contract.n_samples;
    for (int b = 0; b < n; b++)
        ein_counts_input(r->x + b * values, item[b].counts, item[b].scale, (float)all->encoder[e].mean_mv,
                         (float)(1.0 / all->encoder[e].sd_mv), values);
    ein_classify_records(r->encoder[e], n);
    ein_classify_forward(r->encoder[e], r->logits, all->encoder[e].param, all->encoder[e].param, r->x);
    for (int i = 0; i < all->n; i++)
        if (all->model[i].encoder == e && all->model[i].meaning)
            run_head(r, i, ein_classify_pooled(r->encoder[e]), item, n);
    take_vectors(r, e, item, n);
}

void ein_score_room_run(ein_score_room *r, ein_score_item *item, int n) {
    for (; n > 0; item += r->batch, n -= r->batch) {
        const int now = n < r->batch ? n : r->batch;
        for (int e = 0; e < r->models->n_encoders; e++) run_encoder(r, e, item, now);
        for (int b = 0; b < now; b++) {
            item[b].finite = true;
            for (int64_t v = 0; v < r->models->values; v++)
                item[b].finite = item[b].finite && isfinite(item[b].value[v]);
        }
    }
}
