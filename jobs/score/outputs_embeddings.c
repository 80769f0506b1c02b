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
    float *value;
    int64_t n, room;
};

static void destroy(ein_score_vectors *v) {
    ein_texts_free(&v->id);
    ein_texts_free(&v->source);
    ein_map_destroy(v->uses);
    free(v->value);
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

ein_status ein_score_vectors_put(ein_score_vectors *v, const ein_score_line *line, const float *value) {
    const size_t width = (size_t)v->models->embedding_width;
    EIN_TRY(ein_grow(&v->value, &v->room, v->n + 1, (int64_t)(width * sizeof *value), "embeddings"));
    memcpy(v->value + (size_t)v->n * width, value, width * sizeof *value);
    v->n++;
    EIN_TRY(ein_texts_add(&v->id, line->text[0]));
    EIN_TRY(ein_texts_add(&v->source, line->text[1]));
    return ein_map_put(v->uses, line->text[0], ein_map_get(v->uses, line->text[0], 0) + 1);
}

static const char *name_of(const ein_score_vectors *v, int64_t i) {
    const char *id = ein_texts_get(&v->id, i);
    return id[0] && ein_map_get(v->uses, id, 0) == 1 ? id : ein_texts_get(&v->source, i);
}

static ein_status write(const ein_score_vectors *v, const char *path) {
    const ein_score_model *m = &v->models->model[v->models->encoder[0].model];
    ein_embeddings e = {.n = v->n, .width = v->models->embedding_width, .value = v->value};
    char program[64];
    snprintf(program, sizeof program, "einthoven %s", ein_version());
    snprintf(e.embedding, sizeof e.embedding, "%s", ein_embedding_name(v->models->embedding));
    memcpy(e.model_hash, m->hash, sizeof e.model_hash);
    EIN_TRY(ein_contract_text(&m->contract, e.contract_text));
    e.training_records = m->info.training_records;
    for (int64_t i = 0; i < v->n; i++) {
        const int64_t bytes = (int64_t)strlen(name_of(v, i)) + 1;
        e.id_stride = bytes > e.id_stride ? bytes : e.id_stride;
    }
    EIN_TRY(EIN_NEW(e.record_id, v->n * e.id_stride));
    for (int64_t i = 0; i < v->n; i++)
        memcpy(e.record_id + i * e.id_stride, name_of(v, i), strlen(name_of(v, i)) + 1);
    const ein_status status = ein_embeddings_write(path, &e, program);
    free(e.record_id);
    return status;
}

ein_status ein_score_vectors_finish(ein_score_vectors *v, const char *path, ein_status mine) {
    ein_status status = mine;
    if (status == EIN_OK && v->n == 0)
        status = ein_error(EIN_NOTFOUND, "%s: no input was scored, so there are no embeddings", path);
    if (status == EIN_OK) status = write(v, path);
    destroy(v);
    return status;
}
