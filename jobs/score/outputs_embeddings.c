/* embeddings.h5, or embeddings.npy. */
#include <stdlib.h>
#include <string.h>

#include "io/base/map.h"
#include "io/base/texts.h"
#include "io/model/embeddings.h"
#include "jobs/cli/command.h"
#include "jobs/score/outputs.h"

struct ein_score_vectors {
    const ein_score_models *models;
    ein_texts id, source;
    ein_map *uses; /* how many records have an id */
    ein_embeddings about;
    ein_embeddings_writer *writer;
};

static void forget_names(ein_score_vectors *v) {
    ein_texts_free(&v->id);
    ein_texts_free(&v->source);
    ein_map_destroy(v->uses);
    v->uses = NULL;
}

static void destroy(ein_score_vectors *v) {
    forget_names(v);
    free(v->about.record_id);
    free(v);
}

ein_status ein_score_vectors_new(const ein_score_models *models, ein_score_vectors **out) {
    EIN_TRY(EIN_NEW(*out, 1));
    (*out)->models = models;
    const ein_status status = ein_map_new(&(*out)->uses);
    if (status == EIN_OK) return EIN_OK;
    destroy(*out);
    *out = NULL;
    return status;
}

ein_status ein_score_vectors_name(ein_score_vectors *v, const ein_score_line *line) {
    EIN_TRY(ein_texts_add(&v->id, line->text[0]));
    EIN_TRY(ein_texts_add(&v->source, line->text[1]));
    return ein_map_put(v->uses, line->text[0], ein_map_get(v->uses, line->text[0], 0) + 1);
}

static const char *name_of(const ein_score_vectors *v, int64_t i) {
    const char *id = ein_texts_get(&v->id, i);
    return id[0] && ein_map_get(v->uses, id, 0) == 1 ? id : ein_texts_get(&v->source, i);
}

static ein_status describe(ein_score_vectors *v) {
    const ein_score_model *m = &v->models->model[v->models->encoder[0].model];
    ein_embeddings *e = &v->about;
    *e = (ein_embeddings){.n = v->id.n, .width = v->models->embedding_width};
    snprintf(e->embedding, sizeof e->embedding, "%s", ein_embedding_name(v->models->embedding));
    memcpy(e->model_hash, m->hash, sizeof e->model_hash);
    EIN_TRY(ein_contract_text(&m->contract, e->contract_text));
    e->training_records = m->info.training_records;
    for (int64_t i = 0; i < e->n; i++) {
        const int64_t bytes = (int64_t)strlen(name_of(v, i)) + 1;
        e->id_stride = bytes > e->id_stride ? bytes : e->id_stride;
    }
    EIN_TRY(EIN_NEW(e->record_id, e->n * e->id_stride));
    for (int64_t i = 0; i < e->n; i++)
        memcpy(e->record_id + i * e->id_stride, name_of(v, i), strlen(name_of(v, i)) + 1);
    return EIN_OK;
}

ein_status ein_score_vectors_begin(ein_score_vectors *v, const char *path) {
    char program[64];
    if (v->id.n == 0)
        return ein_error(EIN_NOTFOUND, "%s: no input was scored, so there are no embeddings", path);
    EIN_TRY(describe(v));
    forget_names(v);
    snprintf(program, sizeof program, "einthoven %s", ein_version());
    return ein_embeddings_begin(path, &v->about, program, &v->writer);
}

ein_status ein_score_vectors_put(ein_score_vectors *v, const float *value) {
    return ein_embeddings_put(v->writer, value, 1);
}

ein_status ein_score_vectors_finish(ein_score_vectors *v, ein_status mine) {
    const ein_status status = v->writer ? ein_embeddings_finish(v->writer, mine) : mine;
    destroy(v);
    return status;
}
