#include "io/model/describe.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/model/hash.h"
#include "io/model/shape.h"

enum { PUBLISHED_HEADS = 8, PUBLISHED_DEC_HEADS = 16, MAX_DEPTH = 1024 };

const char *ein_model_prefix(const ein_safetensors *file) {
    static const char *const prefixes[] = {"module.", "model.", "encoder."};
    int n = ein_safetensors_count(file);
    for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
        size_t length = strlen(prefixes[p]);
        int with = 0;
        while (with < n && !strncmp(ein_safetensors_tensor(file, with)->name, prefixes[p], length)) with++;
        if (n > 0 && with == n) return prefixes[p];
    }
    return "";
}

bool ein_model_is_ours(const ein_safetensors *file) {
    for (int i = 0; i < ein_safetensors_metadata_count(file); i++)
        if (!strncmp(ein_safetensors_metadata_key(file, i), "einthoven.", 10)) return true;
    return false;
}

int ein_model_find(const ein_safetensors *file, const char *prefix, const char *name) {
    char full[EIN_ST_NAME_BYTES];
    if (snprintf(full, sizeof full, "%s%s", prefix, name) >= (int)sizeof full) return -1;
    return ein_safetensors_find(file, full);
}

/* --- files of others ----------------------------------------------------------------------------------- */

/* One dimension of a tensor that must have `ndim` dimensions. */
static ein_status dimension(const char *path, const ein_safetensors *file, const char *prefix,
                            const char *name, int ndim, int d, int *out) {
    int index = ein_model_find(file, prefix, name);
    if (index < 0)
        return ein_error(EIN_FORMAT, "%s: not a model of this kind: it has no tensor %s%s", path, prefix,
                         name);
    const ein_st_tensor *t = ein_safetensors_tensor(file, index);
    if (t->ndim != ndim || t->shape[d] < 1 || t->shape[d] > INT32_MAX)
        return ein_error(EIN_FORMAT, "%s: tensor %s%s has %d dimensions; %d, all from 1 on, were expected",
                         path, prefix, name, t->ndim, ndim);
    *out = (int)t->shape[d];
    return EIN_OK;
}

/* Blocks from 0 on without a gap. */
static int count_blocks(const ein_safetensors *file, const char *prefix, const char *family) {
    int n = 0;
    for (; n < MAX_DEPTH; n++) {
        char name[64];
        snprintf(name, sizeof name, "%s.%d.norm1.weight", family, n);
        if (ein_model_find(file, prefix, name) < 0) break;
    }
    return n;
}

static ein_status infer_encoder(const char *path, const ein_safetensors *file, const char *prefix,
                                ein_vit_shape *s) {
    int tokens = 0;
    EIN_TRY(dimension(path, file, prefix, "patch_embed.proj.weight", 3, 0, &s->width));
    EIN_TRY(dimension(path, file, prefix, "patch_embed.proj.weight", 3, 1, &s->leads));
    EIN_TRY(dimension(path, file, prefix, "patch_embed.proj.weight", 3, 2, &s->patch));
    EIN_TRY(dimension(path, file, prefix, "pos_embed", 3, 1, &tokens));
    EIN_TRY(dimension(path, file, prefix, "blocks.0.mlp.fc1.weight", 2, 0, &s->mlp));
    s->depth = count_blocks(file, prefix, "blocks");
    if (tokens < 2 || tokens - 1 > INT32_MAX / s->patch)
        return ein_error(EIN_FORMAT, "%s: %d positions of %d samples each make no signal", path, tokens,
                         s->patch);
    s->samples = (tokens - 1) * s->patch;
    return EIN_OK;
}

static ein_status infer_decoder(const char *path, const ein_safetensors *file, const char *prefix,
                                ein_vit_shape *s) {
    EIN_TRY(dimension(path, file, prefix, "decoder_embed.weight", 2, 0, &s->dec_width));
    EIN_TRY(dimension(path, file, prefix, "decoder_blocks.0.mlp.fc1.weight", 2, 0, &s->dec_mlp));
    s->dec_depth = count_blocks(file, prefix, "decoder_blocks");
    return EIN_OK;
}

static ein_status infer_head(const char *path, const ein_safetensors *file, const char *prefix,
                             ein_vit_shape *s) {
    if (ein_model_find(file, prefix, "attn_pool.query") >= 0) s->pool = EIN_POOL_ATTENTIVE;
    if (ein_model_find(file, prefix, "blocks.0.attn.qkv.lora_a.weight") >= 0)
        EIN_TRY(dimension(path, file, prefix, "blocks.0.attn.qkv.lora_a.weight", 2, 0, &s->lora));
    return dimension(path, file, prefix, "head.weight", 2, 0, &s->classes);
}

static ein_status infer(const char *path, const ein_safetensors *file, const ein_vit_shape *fallback,
                        ein_model_info *info) {
    ein_vit_shape *s = &info->shape;
    const char *prefix = info->prefix;
    EIN_TRY(infer_encoder(path, file, prefix, s));
    bool told = fallback && (fallback->width == 0 || fallback->width == s->width);
    s->heads = told && fallback->heads > 0 ? fallback->heads : PUBLISHED_HEADS;
    info->heads_assumed = !(told && fallback->heads > 0);
    info->parts = EIN_PART_ENCODER;
    if (ein_model_find(file, prefix, "head.weight") >= 0) {
        info->parts = EIN_PART_CLASSIFY;
        return infer_head(path, file, prefix, s);
    }
    if (ein_model_find(file, prefix, "decoder_embed.weight") < 0) return EIN_OK;
    info->parts = EIN_PART_PRETRAIN;
    s->dec_heads = told && fallback->dec_heads > 0 ? fallback->dec_heads : PUBLISHED_DEC_HEADS;
    info->heads_assumed = info->heads_assumed || !(told && fallback->dec_heads > 0);
    return infer_decoder(path, file, prefix, s);
}

/* --- files of ours --------------------------------------------------------------------------------------- */

/* pool, lora and positions, which stand in files of models that have them. */
static bool parse_additions(const json_t *object, ein_vit_shape *shape) {
    const json_t *pool = json_object_get(object, "pool"), *lora = json_object_get(object, "lora");
    const json_t *place = json_object_get(object, "positions");
    ein_vit_pool parsed = EIN_POOL_MEAN;
    ein_vit_positions positions = EIN_POSITIONS_LEARNED;
    if (pool && (!json_is_string(pool) || ein_vit_pool_parse(json_string_value(pool), &parsed) != EIN_OK))
        return false;
    if (place &&
        (!json_is_string(place) || ein_vit_positions_parse(json_string_value(place), &positions) != EIN_OK))
        return false;
    const json_int_t rank = json_integer_value(lora);
    if (lora && (!json_is_integer(lora) || rank < 0 || rank > INT32_MAX)) return false;
    shape->pool = parsed;
    shape->positions = positions;
    shape->lora = (int)rank;
    return true;
}

static ein_status parse_architecture(const char *path, const char *text, ein_vit_shape *shape) {
    json_error_t error;
    json_t *object = text ? json_loads(text, JSON_REJECT_DUPLICATES, &error) : NULL;
    int *field[EIN_SHAPE_ALL_FIELDS];
    bool good = json_is_object(object);
    ein_shape_fields(shape, field);
    for (int i = 0; i < EIN_SHAPE_FIELDS && good; i++) {
        const json_t *item = json_object_get(object, ein_shape_field_names[i]);
        json_int_t value = json_integer_value(item);
        good = json_is_integer(item) && value >= 0 && value <= INT32_MAX;
        if (good) *field[i] = (int)value;
    }
    good = good && parse_additions(object, shape);
    json_decref(object);
    if (good) return EIN_OK;
    return ein_error(EIN_FORMAT,
                     "%s: metadata einthoven.architecture is missing or not an object of the model's shape",
                     path);
}

/* A copy of a metadata text, NULL if there is none. */
static ein_status copy_metadata(const ein_safetensors *file, const char *key, char **out) {
    const char *text = ein_safetensors_metadata(file, key);
    *out = NULL;
    if (!text) return EIN_OK;
    int64_t bytes = (int64_t)strlen(text) + 1;
    EIN_TRY(ein_calloc((void **)out, bytes, 1, key));
    memcpy(*out, text, (size_t)bytes);
    return EIN_OK;
}

static ein_status copy_contract(const char *path, const ein_safetensors *file, ein_model_info *info) {
    const char *text = ein_safetensors_metadata(file, "einthoven.contract");
    const char *stated = ein_safetensors_metadata(file, "einthoven.contract_blake2b");
    char found[EIN_HASH_TEXT_BYTES];
    if (!text) return EIN_OK;
    if (strlen(text) >= sizeof info->contract_text)
        return ein_error(EIN_FORMAT, "%s: metadata einthoven.contract has %zu bytes; at most %zu are read",
                         path, strlen(text), sizeof info->contract_text - 1);
    memcpy(info->contract_text, text, strlen(text) + 1);
    ein_hash_string(text, found);
    if (!stated || !strcmp(found, stated)) return EIN_OK;
    return ein_error(EIN_CORRUPT, "%s: the contract does not match its hash", path);
}

static ein_status check_version(const char *path, const ein_safetensors *file) {
    const char *format = ein_safetensors_metadata(file, "einthoven.format");
    const char *version = ein_safetensors_metadata(file, "einthoven.version");
    if (!format || strcmp(format, EIN_MODEL_FORMAT))
        return ein_error(EIN_FORMAT, "%s: metadata einthoven.format is not \"" EIN_MODEL_FORMAT "\"", path);
    if (!version || strcmp(version, "1"))
        return ein_error(EIN_MISMATCH, "%s: a model of version %.16s; this program reads version %d", path,
                         version ? version : "(none)", EIN_MODEL_VERSION);
    return EIN_OK;
}

static ein_status read_ours(const char *path, const ein_safetensors *file, ein_model_info *info) {
    const char *parts = ein_safetensors_metadata(file, "einthoven.parts");
    const char *hash = ein_safetensors_metadata(file, EIN_MODEL_KEY_HASH);
    EIN_TRY(check_version(path, file));
    EIN_TRY(parse_architecture(path, ein_safetensors_metadata(file, "einthoven.architecture"), &info->shape));
    EIN_TRY(ein_error_context(ein_vit_parts_parse(parts ? parts : "", &info->parts), "%s", path));
    EIN_TRY(copy_contract(path, file, info));
    EIN_TRY(copy_metadata(file, "einthoven.config", &info->config_yaml));
    EIN_TRY(copy_metadata(file, "einthoven.training", &info->training));
    EIN_TRY(copy_metadata(file, "einthoven.training_records", &info->training_records));
    EIN_TRY(copy_metadata(file, "einthoven.tasks", &info->tasks));
    EIN_TRY(copy_metadata(file, "einthoven.domain", &info->domain));
    EIN_TRY(copy_metadata(file, "einthoven.licence", &info->licence));
    EIN_TRY(copy_metadata(file, "einthoven.program", &info->program));
    if (hash) snprintf(info->hash, sizeof info->hash, "%s", hash);
    info->ours = true;
    return EIN_OK;
}

/* --- both -------------------------------------------------------------------------------------------------- */

/* Every tensor that the shape makes must be there with its shape; a file of others may hold more. */
static ein_status check_tensors(const char *path, const ein_safetensors *file, const ein_model_info *info) {
    ein_layout *layout;
    EIN_TRY(ein_error_context(ein_layout_new(&info->shape, info->parts, &layout), "%s", path));
    ein_status status = EIN_OK;
    for (int i = 0; i < layout->n_tensors && status == EIN_OK; i++) {
        const ein_tensor *t = &layout->tensors[i];
        char there[160], here[160];
        int index = ein_model_find(file, info->prefix, t->name);
        const ein_st_tensor *f = index < 0 ? NULL : ein_safetensors_tensor(file, index);
        if (!f)
            status = ein_error(EIN_FORMAT, "%s: not a whole model: tensor %s is missing", path, t->name);
        else if (f->ndim != t->ndim || memcmp(f->shape, t->shape, (size_t)t->ndim * sizeof *t->shape))
            status = ein_error(EIN_FORMAT, "%s: tensor %s has shape %s; the other tensors ask for %s", path,
                               t->name, ein_shape_text(f->ndim, f->shape, there, sizeof there),
                               ein_shape_text(t->ndim, t->shape, here, sizeof here));
    }
    ein_layout_destroy(layout);
    return status;
}

ein_status ein_model_describe_file(const char *path, const ein_safetensors *file,
                                   const ein_vit_shape *fallback, ein_model_info *info) {
    memset(info, 0, sizeof *info);
    ein_status status;
    if (ein_model_is_ours(file)) {
        status = read_ours(path, file, info);
    } else {
        snprintf(info->prefix, sizeof info->prefix, "%s", ein_model_prefix(file));
        status = infer(path, file, fallback, info);
    }
    if (status == EIN_OK) status = check_tensors(path, file, info);
    if (status != EIN_OK) ein_model_info_free(info);
    return status;
}
