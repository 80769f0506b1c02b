#include "jobs/options/encoder.h"

#include <stdlib.h>
#include <string.h>

#include "io/model/model.h"

void ein_encoder_free(ein_encoder *e) {
    if (!e) return;
    ein_model_info_free(&e->info);
    ein_layout_destroy(e->layout);
    free(e->param);
    memset(e, 0, sizeof *e);
}

bool ein_encoder_lacks(const char *missing) {
    for (const char *name = missing; *name;) {
        if (strncmp(name, "norm.", 5) != 0) return true;
        name += strcspn(name, ",");
        name += strspn(name, ", ");
    }
    return false;
}

/* The tensors of an encoder into the layout of a classifier whose head stays zero. */
static ein_status load_headless(const char *path, ein_encoder *e) {
    ein_vit_shape shape = e->info.shape;
    ein_layout *bare = NULL;
    float *arena = NULL;
    char missing[256] = "";
    shape.dec_width = shape.dec_depth = shape.dec_heads = shape.dec_mlp = 0;
    shape.pool = shape.lora = shape.classes = 0;
    ein_status status = ein_layout_new(&shape, EIN_PART_ENCODER, &bare);
    if (status == EIN_OK) status = EIN_NEW(arena, bare->arena);
    if (status == EIN_OK) status = ein_model_load(path, bare, arena, 0, missing, sizeof missing);
    if (status == EIN_OK && ein_encoder_lacks(missing))
        status = ein_error(EIN_MISMATCH, "%s lacks tensors of the encoder: %s", path, missing);
    shape.classes = 1;
    if (status == EIN_OK) status = ein_layout_new(&shape, EIN_PART_CLASSIFY, &e->layout);
    if (status == EIN_OK) status = EIN_NEW(e->param, e->layout->arena);
    if (status == EIN_OK) ein_layout_copy(e->param, e->layout, arena, bare);
    ein_layout_destroy(bare);
    free(arena);
    return status;
}

static ein_status open_encoder(const char *path, int heads, ein_encoder *e) {
    const ein_vit_shape told = {.heads = heads, .dec_heads = 1}; /* a decoder is not used */
    EIN_TRY(ein_model_describe(path, &told, &e->info));
    if (e->info.parts == EIN_PART_CLASSIFY) {
        EIN_TRY(ein_layout_new(&e->info.shape, EIN_PART_CLASSIFY, &e->layout));
        EIN_TRY(EIN_NEW(e->param, e->layout->arena));
        EIN_TRY(ein_model_load(path, e->layout, e->param, 1, NULL, 0));
    } else {
        EIN_TRY(load_headless(path, e));
    }
    e->has_contract = e->info.contract_text[0] != '\0';
    if (e->has_contract) EIN_TRY(ein_contract_parse(e->info.contract_text, &e->contract));
    return ein_model_hash(path, e->hash);
}

ein_status ein_encoder_open(const char *path, int heads, ein_encoder *e) {
    memset(e, 0, sizeof *e);
    const ein_status status = open_encoder(path, heads, e);
    if (status != EIN_OK) ein_encoder_free(e);
    return status;
}
