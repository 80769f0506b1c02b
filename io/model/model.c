#include "io/model/model.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/model/describe.h"
#include "io/model/hash.h"
#include "io/model/shape.h"

enum { MAX_PAIRS = 16 };

/* --- writing ----------------------------------------------------------------------------------------- */

/* Index of the first value that is not finite, or -1. */
static int64_t first_non_finite(const float *values, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i])) return i;
    return -1;
}

static ein_status check_finite(const char *path, const char *name, const float *values, int64_t count) {
    int64_t at = first_non_finite(values, count);
    if (at < 0) return EIN_OK;
    return ein_error(EIN_NUMERIC, "%s: tensor %s: value %lld is %s", path, name, (long long)at,
                     isnan(values[at]) ? "not a number" : "infinite");
}

static ein_status make_architecture(const ein_vit_shape *shape, char **out) {
    ein_vit_shape copy = *shape;
    int *field[EIN_SHAPE_ALL_FIELDS];
    ein_shape_fields(&copy, field);
    json_t *object = json_object();
    int failed = object ? 0 : -1;
    for (int i = 0; i < EIN_SHAPE_FIELDS && !failed; i++)
        failed = json_object_set_new(object, ein_shape_field_names[i], json_integer(*field[i]));
    if (!failed && shape->pool != EIN_POOL_MEAN)
        failed =
            json_object_set_new(object, "pool", json_string(ein_vit_pool_name((ein_vit_pool)shape->pool)));
    if (!failed && shape->lora != 0) failed = json_object_set_new(object, "lora", json_integer(shape->lora));
    if (!failed && shape->positions != EIN_POSITIONS_LEARNED)
        failed = json_object_set_new(
            object, "positions", json_string(ein_vit_positions_name((ein_vit_positions)shape->positions)));
    *out = failed ? NULL : json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "model metadata: no memory");
}

typedef struct {
    const char *text[2 * MAX_PAIRS];
    int n;
} pairs;

static void add_pair(pairs *p, const char *key, const char *value) {
    if (!value || !value[0]) return;
    EIN_BUG_IF(p->n == MAX_PAIRS);
    p->text[2 * p->n] = key;
    p->text[2 * p->n + 1] = value;
    p->n++;
}

static ein_status make_sources(const char *path, const ein_layout *layout, const float *param,
                               ein_st_source *sources) {
    for (int i = 0; i < layout->n_tensors; i++) {
        const ein_tensor *t = &layout->tensors[i];
        EIN_TRY(check_finite(path, t->name, param + t->offset, t->count));
        sources[i] = (ein_st_source){t->name, t->ndim, t->shape, param + t->offset};
    }
    return EIN_OK;
}

static ein_status write_sources(const char *path, const ein_layout *layout, const ein_st_source *sources,
                                const char *architecture, const ein_model_info *info) {
    char contract_hash[EIN_HASH_TEXT_BYTES] = "", hash[EIN_HASH_TEXT_BYTES];
    pairs p = {.n = 0};
    if (info->contract_text[0]) ein_hash_string(info->contract_text, contract_hash);
    add_pair(&p, "format", "pt");
    add_pair(&p, "einthoven.format", EIN_MODEL_FORMAT);
    add_pair(&p, "einthoven.version", "1");
    add_pair(&p, "einthoven.parts", ein_vit_parts_name(layout->parts));
    add_pair(&p, "einthoven.architecture", architecture);
    add_pair(&p, "einthoven.program", info->program);
    add_pair(&p, "einthoven.contract", info->contract_text);
    add_pair(&p, "einthoven.contract_blake2b", contract_hash);
    add_pair(&p, "einthoven.config", info->config_yaml);
    add_pair(&p, "einthoven.training", info->training);
    add_pair(&p, "einthoven.training_records", info->training_records);
    add_pair(&p, "einthoven.tasks", info->tasks);
    add_pair(&p, "einthoven.domain", info->domain);
    add_pair(&p, "einthoven.licence", info->licence);
    EIN_TRY(ein_model_hash_sources(sources, layout->n_tensors, p.text, p.n, hash));
    add_pair(&p, EIN_MODEL_KEY_HASH, hash);
    return ein_safetensors_write(path, sources, layout->n_tensors, p.text, p.n);
}

ein_status ein_model_write(const char *path, const ein_layout *layout, const float *param,
                           const ein_model_info *info) {
    ein_st_source *sources = NULL;
    char *architecture = NULL;
    ein_status status = make_architecture(&layout->shape, &architecture);
    if (status == EIN_OK) status = EIN_NEW(sources, layout->n_tensors);
    if (status == EIN_OK) status = make_sources(path, layout, param, sources);
    if (status == EIN_OK) status = write_sources(path, layout, sources, architecture, info);
    free(architecture);
    free(sources);
    return ein_error_context(status, "model");
}

/* --- loading ----------------------------------------------------------------------------------------- */

typedef struct {
    const char *path;
    const ein_safetensors *file;
    const char *prefix;
    const ein_layout *layout;
} source;

static ein_status check_shape(const source *s, const ein_tensor *t, const ein_st_tensor *f) {
    char there[160], here[160];
    if (f->ndim == t->ndim && !memcmp(f->shape, t->shape, (size_t)t->ndim * sizeof *t->shape)) return EIN_OK;
    return ein_error(EIN_MISMATCH, "%s: tensor %s has shape %s in the file and %s in the model", s->path,
                     t->name, ein_shape_text(f->ndim, f->shape, there, sizeof there),
                     ein_shape_text(t->ndim, t->shape, here, sizeof here));
}

/* Append to a comma-separated list; a list that does not fit ends in "...". */
static void list_name(char *list, int bytes, const char *name) {
    if (!list || bytes < 8) return;
    size_t used = strlen(list), room = (size_t)bytes - used;
    if (used >= 3 && !strcmp(list + used - 3, "...")) return;
    if (strlen(name) + 2 + 5 < room)
        snprintf(list + used, room, "%s%s", used ? ", " : "", name);
    else
        snprintf(list + used, room, "%s", used ? ", ..." : "...");
}

/* Shapes of what is there; names of what is not. */
static ein_status check_present(const source *s, int *present, char *missing, int missing_bytes) {
    *present = 0;
    for (int i = 0; i < s->layout->n_tensors; i++) {
        const ein_tensor *t = &s->layout->tensors[i];
        int index = ein_model_find(s->file, s->prefix, t->name);
        if (index < 0) {
            list_name(missing, missing_bytes, t->name);
            continue;
        }
        EIN_TRY(check_shape(s, t, ein_safetensors_tensor(s->file, index)));
        ++*present;
    }
    return EIN_OK;
}

static ein_status check_strict(const source *s, int present) {
    for (int i = 0; i < s->layout->n_tensors && present < s->layout->n_tensors; i++)
        if (ein_model_find(s->file, s->prefix, s->layout->tensors[i].name) < 0)
            return ein_error(EIN_MISMATCH, "%s: tensor %s of the model is not in the file (%d of %d are)",
                             s->path, s->layout->tensors[i].name, present, s->layout->n_tensors);
    size_t skip = strlen(s->prefix);
    for (int i = 0; i < ein_safetensors_count(s->file); i++) {
        const char *name = ein_safetensors_tensor(s->file, i)->name + skip;
        if (ein_layout_find(s->layout, name) < 0)
            return ein_error(EIN_MISMATCH, "%s: tensor %s of the file is not in the model", s->path, name);
    }
    return EIN_OK;
}

/* Adapters that nobody reads would be left out silently. */
static ein_status check_adapters(const source *s) {
    if (s->layout->shape.lora > 0) return EIN_OK;
    for (int i = 0; i < ein_safetensors_count(s->file); i++) {
        const char *name = ein_safetensors_tensor(s->file, i)->name;
        if (strstr(name, ".lora_a."))
            return ein_error(
                EIN_MISMATCH,
                "%s: has adapters (%s) and the model has none; merge them into the weights first", s->path,
                name);
    }
    return EIN_OK;
}

/* What tensors' shapes do not show but metadata of ours do. */
static ein_status check_ours(const source *s) {
    if (!ein_model_is_ours(s->file)) return EIN_OK;
    ein_model_info info;
    EIN_TRY(ein_model_describe_file(s->path, s->file, NULL, &info));
    ein_vit_shape f = info.shape;
    bool decoders = info.parts == EIN_PART_PRETRAIN && s->layout->parts == EIN_PART_PRETRAIN;
    ein_model_info_free(&info);
    if (f.heads != s->layout->shape.heads)
        return ein_error(EIN_MISMATCH, "%s: heads: %d in the file, %d in the model", s->path, f.heads,
                         s->layout->shape.heads);
    if (decoders && f.dec_heads != s->layout->shape.dec_heads)
        return ein_error(EIN_MISMATCH, "%s: decoder_heads: %d in the file, %d in the model", s->path,
                         f.dec_heads, s->layout->shape.dec_heads);
    return ein_model_verify_file(s->path, s->file);
}

static ein_status read_values(const source *s, float *param) {
    for (int i = 0; i < s->layout->n_tensors; i++) {
        const ein_tensor *t = &s->layout->tensors[i];
        int index = ein_model_find(s->file, s->prefix, t->name);
        if (index < 0) continue;
        EIN_TRY(ein_safetensors_read(s->file, index, param + t->offset));
        EIN_TRY(check_finite(s->path, t->name, param + t->offset, t->count));
    }
    return EIN_OK;
}

static ein_status load(const source *s, float *param, int strict, char *missing, int missing_bytes) {
    int present;
    EIN_TRY(check_present(s, &present, missing, missing_bytes));
    if (present == 0)
        return ein_error(EIN_FORMAT, "%s: holds no tensor of this model; is it a model of another kind?",
                         s->path);
    EIN_TRY(check_adapters(s));
    if (strict) EIN_TRY(check_strict(s, present));
    EIN_TRY(check_ours(s));
    return read_values(s, param);
}

ein_status ein_model_load(const char *path, const ein_layout *layout, float *param, int strict, char *missing,
                          int missing_bytes) {
    ein_safetensors *file;
    if (missing && missing_bytes > 0) missing[0] = '\0';
    EIN_TRY(ein_safetensors_open(path, &file));
    source s = {path, file, ein_model_prefix(file), layout};
    ein_status status = load(&s, param, strict, missing, missing_bytes);
    ein_safetensors_close(file);
    return status;
}

/* --- what a file says of itself ------------------------------------------------------------------------ */

ein_status ein_model_describe(const char *path, const ein_vit_shape *fallback, ein_model_info *info) {
    ein_safetensors *file;
    memset(info, 0, sizeof *info);
    EIN_TRY(ein_safetensors_open(path, &file));
    ein_status status = ein_model_describe_file(path, file, fallback, info);
    ein_safetensors_close(file);
    return status;
}

ein_status ein_model_hash(const char *path, char out[EIN_HASH_TEXT_BYTES]) {
    ein_safetensors *file;
    EIN_TRY(ein_safetensors_open(path, &file));
    ein_status status = ein_model_hash_file(file, out);
    ein_safetensors_close(file);
    return status;
}

ein_status ein_model_verify(const char *path) {
    ein_safetensors *file;
    EIN_TRY(ein_safetensors_open(path, &file));
    ein_status status = ein_model_verify_file(path, file);
    ein_safetensors_close(file);
    return status;
}
