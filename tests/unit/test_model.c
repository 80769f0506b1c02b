/* The tensor table against published counts, and model files: ours, others', changed and broken ones.
 *
 *     test_model              the tests, in TAP
 *     test_model write FILE   writes a small model, for scripts and as a seed for the fuzzer
 */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/nn/layout.h"
#include "io/model/model.h"
#include "io/model/safetensors.h"
#include "tests/report.h"

static char folder[] = "/tmp/ein-model-XXXXXX";
static const ein_vit_shape paper = {8, 5000, 50, 800, 12, 8, 3200, 256, 8, 16, 1024, 44, 0, 0, 0};
static const ein_vit_shape adapted = {2, 12, 4, 6, 2, 3, 10, 4, 1, 2, 6, 3, EIN_POOL_ATTENTIVE, 2, 0};
static const ein_vit_shape little = {2, 12, 4, 6, 2, 3, 10, 4, 1, 2, 6, 3, 0, 0, 0};

static const char *file_in(const char *name) {
    static char path[4][128];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

static ein_layout *layout_of(const ein_vit_shape *shape, ein_vit_parts parts) {
    ein_layout *layout;
    if (ein_layout_new(shape, parts, &layout) == EIN_OK) return layout;
    printf("# %s\n", ein_error_message());
    exit(1);
}

/* --- the tensor table --------------------------------------------------------------------------------- */

static void counts(void) {
    static const int64_t expected[] = {99341360, 92688800, 92724044};
    for (int p = 0; p < 3; p++) {
        ein_layout *layout = layout_of(&paper, (ein_vit_parts)p);
        report(layout->parameters == expected[p], "%s: %lld parameters, %lld published",
               ein_vit_parts_name((ein_vit_parts)p), (long long)layout->parameters, (long long)expected[p]);
        ein_layout_destroy(layout);
    }
}

/* Aligned, in order, without overlap; stages count up with the offset and leave none out. */
static void check_table(const ein_layout *layout, const char *what) {
    int64_t at = 0, sum = 0;
    int stage = 0, wrong = 0;
    for (int k = 0; k < layout->n_tensors; k++) {
        const ein_tensor *t = &layout->tensors[k];
        int64_t count = 1;
        for (int d = 0; d < t->ndim; d++) count *= t->shape[d];
        wrong += t->offset % EIN_ARENA_ALIGN != 0 || t->offset < at || t->offset - at >= EIN_ARENA_ALIGN;
        wrong += count != t->count || t->decay != (t->ndim > 1) || t->stage < stage || t->stage > stage + 1;
        wrong += ein_layout_find(layout, t->name) != k;
        stage = t->stage;
        at = t->offset + t->count;
        sum += t->count;
    }
    wrong +=
        layout->arena % EIN_ARENA_ALIGN != 0 || layout->arena < at || layout->arena - at >= EIN_ARENA_ALIGN;
    wrong += sum != layout->parameters || layout->stages != stage + 1 || layout->tensors[0].stage != 0;
    report(wrong == 0, "%s: offsets, counts, decay and stages agree", what);
}

static void tables(void) {
    const ein_vit_shape *shapes[] = {&paper, &little, &adapted};
    for (int i = 0; i < 9; i++) {
        char what[32];
        ein_layout *layout = layout_of(shapes[i % 3], (ein_vit_parts)(i / 3));
        snprintf(what, sizeof what, "table %d", i);
        check_table(layout, what);
        report(layout->whole == layout->n_tensors, "%s is whole", what);
        ein_layout_destroy(layout);
    }
}

/* Pooling and adapters belong to classifiers, and cost what they should. */
static void additions(void) {
    static const struct {
        const char *name;
        int64_t shape[3];
        int ndim, stage;
        ein_init_kind init;
    } expected[] = {
        {"blocks.0.attn.qkv.lora_a.weight", {4, 800}, 2, 1, EIN_INIT_LORA},
        {"blocks.11.attn.qkv.lora_b.weight", {2400, 4}, 2, 12, EIN_INIT_ZERO},
        {"blocks.3.attn.proj.lora_a.weight", {4, 800}, 2, 4, EIN_INIT_LORA},
        {"blocks.3.attn.proj.lora_b.weight", {800, 4}, 2, 4, EIN_INIT_ZERO},
        {"attn_pool.query", {1, 1, 800}, 3, 13, EIN_INIT_QUERY},
        {"attn_pool.kv.weight", {1600, 800}, 2, 13, EIN_INIT_LINEAR},
        {"attn_pool.kv.bias", {1600}, 1, 13, EIN_INIT_ZERO},
        {"attn_pool.proj.weight", {800, 800}, 2, 13, EIN_INIT_LINEAR},
    };
    ein_vit_shape shape = paper;
    shape.pool = EIN_POOL_ATTENTIVE;
    shape.lora = 4;
    ein_layout *layout = layout_of(&shape, EIN_PART_CLASSIFY), *encoder = layout_of(&shape, EIN_PART_ENCODER);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const int k = ein_layout_find(layout, expected[i].name);
        const ein_tensor *t = &layout->tensors[k < 0 ? 0 : k];
        report(k >= 0 && t->ndim == expected[i].ndim &&
                   !memcmp(t->shape, expected[i].shape, (size_t)t->ndim * sizeof *t->shape) &&
                   t->stage == expected[i].stage && t->init == expected[i].init,
               "%s has its shape, stage and start", expected[i].name);
    }
    /* pooling: 800 + 1600 x 801 + 800 x 801; adapters: 12 x 4 x (800 + 2400 + 800 + 800) */
    report(layout->parameters == 92724044 + 1923200 + 230400, "pooling has 1,923,200, adapters 230,400: %lld",
           (long long)layout->parameters);
    report(encoder->parameters == 92688800, "an encoder alone has neither");
    ein_layout_destroy(encoder);
    ein_layout_destroy(layout);
}

static void selections(void) {
    ein_layout *full = layout_of(&adapted, EIN_PART_CLASSIFY), *part = NULL;
    bool chosen[64] = {false};
    int map[64], wrong = 0, stage = -1;
    report(ein_layout_select(full, chosen, &part) == EIN_USAGE && !part &&
               strstr(ein_error_message(), "none of the model's"),
           "a selection of nothing is refused");
    for (int i = 0; i < full->n_tensors; i++) chosen[i] = full->tensors[i].stage != 1 && i % 2 == 1;
    if (ein_layout_select(full, chosen, &part) != EIN_OK) exit(1);
    check_table(part, "a selection");
    ein_layout_map(map, full, part);
    for (int i = 0, k = 0; i < full->n_tensors; i++) {
        const ein_tensor *f = &full->tensors[i], *p = &part->tensors[map[i] < 0 ? 0 : map[i]];
        wrong += map[i] != (chosen[i] ? k++ : -1);
        if (!chosen[i]) continue;
        wrong += strcmp(f->name, p->name) || f->count != p->count || f->decay != p->decay ||
                 f->init != p->init || f->ndim != p->ndim || memcmp(f->shape, p->shape, sizeof f->shape);
        if (stage != f->stage) wrong += p->stage > 0 && p->stage != part->tensors[map[i] - 1].stage + 1;
        stage = f->stage;
    }
    report(wrong == 0 && part->stages == full->stages - 1 && part->whole == full->n_tensors,
           "it holds the chosen tensors as they are, without the stage of which none is");
    float *whole = calloc((size_t)full->arena, sizeof *whole),
          *some = calloc((size_t)part->arena, sizeof *some);
    float *back = calloc((size_t)full->arena, sizeof *back);
    for (int64_t i = 0; i < full->arena; i++) whole[i] = (float)i + 1;
    ein_layout_copy(some, part, whole, full);
    ein_layout_copy(back, full, some, part);
    for (int i = wrong = 0; i < full->n_tensors; i++)
        for (int64_t at = full->tensors[i].offset, k = 0; k < full->tensors[i].count; k++, at++)
            wrong += back[at] != (chosen[i] ? whole[at] : 0);
    report(wrong == 0, "values go from a model to a selection and back, and no others");
    free(whole);
    free(some);
    free(back);
    ein_layout_destroy(part);
    ein_layout_destroy(full);
}

static void names_and_stages(void) {
    static const struct {
        const char *name;
        int ndim;
        int64_t shape[3];
        int stage;
        ein_init_kind init;
    } expected[] = {
        {"cls_token", 3, {1, 1, 800}, 0, EIN_INIT_CLS},
        {"pos_embed", 3, {1, 101, 800}, 0, EIN_INIT_POSITION},
        {"patch_embed.proj.weight", 3, {800, 8, 50}, 0, EIN_INIT_LINEAR},
        {"patch_embed.proj.bias", 1, {800}, 0, EIN_INIT_ZERO},
        {"blocks.0.norm1.weight", 1, {800}, 1, EIN_INIT_ONE},
        {"blocks.3.attn.qkv.weight", 2, {2400, 800}, 4, EIN_INIT_LINEAR},
        {"blocks.11.attn.proj.bias", 1, {800}, 12, EIN_INIT_ZERO},
        {"blocks.11.mlp.fc1.weight", 2, {3200, 800}, 12, EIN_INIT_LINEAR},
        {"norm.weight", 1, {800}, 13, EIN_INIT_ONE},
        {"mask_token", 3, {1, 1, 256}, 14, EIN_INIT_MASK},
        {"decoder_embed.weight", 2, {256, 800}, 14, EIN_INIT_LINEAR},
        {"decoder_pos_embed", 3, {1, 101, 256}, 14, EIN_INIT_POSITION},
        {"decoder_blocks.7.mlp.fc2.weight", 2, {256, 1024}, 22, EIN_INIT_LINEAR},
        {"decoder_norm.bias", 1, {256}, 23, EIN_INIT_ZERO},
        {"decoder_pred.weight", 2, {400, 256}, 23, EIN_INIT_LINEAR},
    };
    ein_layout *layout = layout_of(&paper, EIN_PART_PRETRAIN);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        int k = ein_layout_find(layout, expected[i].name);
        const ein_tensor *t = &layout->tensors[k < 0 ? 0 : k];
        report(k >= 0 && t->ndim == expected[i].ndim &&
                   !memcmp(t->shape, expected[i].shape, (size_t)t->ndim * sizeof *t->shape) &&
                   t->stage == expected[i].stage && t->init == expected[i].init,
               "%s has its shape, stage and start", expected[i].name);
    }
    report(ein_layout_find(layout, "head.weight") < 0 && ein_layout_find(layout, "fc_norm.weight") < 0,
           "pretraining has no head");
    ein_layout_destroy(layout);
    layout = layout_of(&paper, EIN_PART_CLASSIFY);
    report(ein_layout_find(layout, "norm.weight") < 0 && ein_layout_find(layout, "fc_norm.weight") >= 0 &&
               ein_layout_find(layout, "head.bias") == layout->n_tensors - 1 &&
               ein_layout_find(layout, "mask_token") < 0,
           "a classifier has fc_norm in place of norm, a head, and no decoder");
    ein_layout_destroy(layout);
}

static void impossible_shapes(void) {
    static const struct {
        const char *part;
        ein_vit_shape shape;
    } cases[] = {
        {"samples 5000 is not a multiple of patch 48: 5000 = 104 x 48 + 8",
         {8, 5000, 48, 800, 12, 8, 3200, 0, 0, 0, 0, 0, 0, 0, 0}},
        {"width 800 is not a multiple of heads 7: 800 = 114 x 7 + 2",
         {8, 5000, 50, 800, 12, 7, 3200, 0, 0, 0, 0, 0, 0, 0, 0}},
        {"decoder_width 256 is not a multiple of decoder_heads 3",
         {8, 5000, 50, 800, 12, 8, 3200, 256, 8, 3, 1024, 0, 0, 0, 0}},
        {"decoder_depth is 0", {8, 5000, 50, 800, 12, 8, 3200, 256, 0, 16, 1024, 0, 0, 0, 0}},
        {"leads is 0", {0, 5000, 50, 800, 12, 8, 3200, 0, 0, 0, 0, 0, 0, 0, 0}},
        {"leads is -8", {-8, 5000, 50, 800, 12, 8, 3200, 0, 0, 0, 0, 0, 0, 0, 0}},
        {"patch is 0", {8, 5000, 0, 800, 12, 8, 3200, 0, 0, 0, 0, 0, 0, 0, 0}},
        {"samples is -5000", {8, -5000, 50, 800, 12, 8, 3200, 0, 0, 0, 0, 0, 0, 0, 0}},
        {"samples is 2147483647", {8, INT32_MAX, 50, 800, 12, 8, 3200, 0, 0, 0, 0, 0, 0, 0, 0}},
        {"heads is 0", {8, 5000, 50, 800, 12, 0, 3200, 0, 0, 0, 0, 0, 0, 0, 0}},
        {"depth is 2147483647", {8, 5000, 50, 800, INT32_MAX, 8, 3200, 0, 0, 0, 0, 0, 0, 0, 0}},
        {"classes is -1", {8, 5000, 50, 800, 12, 8, 3200, 0, 0, 0, 0, -1, 0, 0, 0}},
        {"pool is 2", {8, 5000, 50, 800, 12, 8, 3200, 0, 0, 0, 0, 0, 2, 0, 0}},
        {"lora rank is -1", {8, 5000, 50, 800, 12, 8, 3200, 0, 0, 0, 0, 0, 0, -1, 0}},
        {"lora rank is 801", {8, 5000, 50, 800, 12, 8, 3200, 0, 0, 0, 0, 0, 0, 801, 0}},
        {"positions is 2", {8, 5000, 50, 800, 12, 8, 3200, 0, 0, 0, 0, 0, 0, 0, 2}},
        {"the blocks alone have", {8, 5000, 50, 65536, 1024, 8, 262144, 0, 0, 0, 0, 0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        report(ein_vit_shape_check(&cases[i].shape) == EIN_USAGE &&
                   strstr(ein_error_message(), cases[i].part),
               "refused: %s", cases[i].part);
    ein_layout *layout = NULL;
    ein_vit_shape bare = {8, 5000, 50, 800, 12, 8, 3200, 0, 0, 0, 0, 0, 0, 0, 0};
    report(ein_vit_shape_check(&bare) == EIN_OK && ein_layout_new(&bare, EIN_PART_ENCODER, &layout) == EIN_OK,
           "an encoder needs no decoder");
    ein_layout_destroy(layout);
    report(ein_layout_new(&bare, EIN_PART_PRETRAIN, &layout) == EIN_USAGE && !layout,
           "pretraining needs one");
    report(ein_layout_new(&bare, EIN_PART_CLASSIFY, &layout) == EIN_USAGE && !layout,
           "a classifier needs classes");
}

/* --- files of ours --------------------------------------------------------------------------------------- */

static float *values_of(const ein_layout *layout) {
    float *param = calloc((size_t)layout->arena, sizeof *param);
    for (int i = 0; i < layout->n_tensors && param; i++)
        for (int64_t k = 0; k < layout->tensors[i].count; k++)
            param[layout->tensors[i].offset + k] = (float)(layout->tensors[i].offset + k + 1) / 64;
    return param;
}

static ein_status write_shape(const char *path, const ein_vit_shape *shape, ein_vit_parts parts) {
    ein_layout *layout = layout_of(shape, parts);
    float *param = values_of(layout);
    static char config[] = "model:\n  width: 6\n", training[] = "{\"updates\":5}", licence[] = "Apache-2.0",
                program[] = "einthoven 0.1.0";
    ein_model_info info = {.config_yaml = config,
                           .training = training,
                           .licence = licence,
                           .program = program,
                           .contract_text = "fs_hz = 100\n"};
    ein_status status = ein_model_write(path, layout, param, &info);
    free(param);
    ein_layout_destroy(layout);
    return status;
}

static ein_status write_little(const char *path, ein_vit_parts parts) {
    return write_shape(path, &little, parts);
}

static bool same_shape(const ein_vit_shape *a, const ein_vit_shape *b) {
    return !memcmp(a, b, sizeof *a);
}

static void round_trip(void) {
    const char *path = file_in("a.safetensors");
    char hash[EIN_HASH_TEXT_BYTES], missing[64];
    ein_model_info info;
    for (int p = 0; p < 3; p++) {
        ein_layout *layout = layout_of(&little, (ein_vit_parts)p);
        float *expected = values_of(layout), *param = calloc((size_t)layout->arena, sizeof *param);
        report(write_little(path, (ein_vit_parts)p) == EIN_OK, "a model is written: %s",
               ein_vit_parts_name((ein_vit_parts)p));
        report(ein_model_load(path, layout, param, 1, missing, sizeof missing) == EIN_OK && !missing[0] &&
                   !memcmp(param, expected, (size_t)layout->arena * sizeof *param),
               "and loads, every bit");
        bool described = ein_model_describe(path, NULL, &info) == EIN_OK;
        report(described && info.ours && !info.heads_assumed && info.parts == (ein_vit_parts)p &&
                   same_shape(&info.shape, &little) && !strcmp(info.contract_text, "fs_hz = 100\n") &&
                   !strcmp(info.config_yaml, "model:\n  width: 6\n") &&
                   !strcmp(info.training, "{\"updates\":5}") && !strcmp(info.licence, "Apache-2.0") &&
                   !strcmp(info.program, "einthoven 0.1.0"),
               "and says what it is");
        report(described && ein_model_hash(path, hash) == EIN_OK && !strcmp(hash, info.hash) &&
                   ein_model_verify(path) == EIN_OK,
               "its content hash holds");
        ein_model_info_free(&info);
        free(param);
        free(expected);
        ein_layout_destroy(layout);
    }
}

/* Pooling, adapters and the start of positions are in the metadata where there are any, and in no other file. */
static void adapted_files(void) {
    const char *path = file_in("a.safetensors");
    ein_model_info info;
    ein_safetensors *file;
    ein_vit_shape pooled = adapted, plain = little;
    pooled.lora = 0;
    ein_vit_shape placed = plain;
    placed.positions = EIN_POSITIONS_SINCOS;
    const ein_vit_shape *shapes[] = {&adapted, &pooled, &plain, &placed};
    for (int i = 0; i < 4; i++) {
        ein_layout *layout = layout_of(shapes[i], EIN_PART_CLASSIFY);
        float *expected = values_of(layout), *param = calloc((size_t)layout->arena, sizeof *param);
        report(write_shape(path, shapes[i], EIN_PART_CLASSIFY) == EIN_OK &&
                   ein_model_load(path, layout, param, 1, NULL, 0) == EIN_OK &&
                   !memcmp(param, expected, (size_t)layout->arena * sizeof *param),
               "pool %d, lora %d, positions %d: written and loaded, every bit", shapes[i]->pool,
               shapes[i]->lora, shapes[i]->positions);
        const bool described = ein_model_describe(path, NULL, &info) == EIN_OK;
        report(described && same_shape(&info.shape, shapes[i]), "and described");
        if (described) ein_model_info_free(&info);
        if (ein_safetensors_open(path, &file) != EIN_OK) exit(1);
        const char *text = ein_safetensors_metadata(file, "einthoven.architecture");
        report(!strstr(text, "pool") == !shapes[i]->pool && !strstr(text, "lora") == !shapes[i]->lora &&
                   !strstr(text, "\"positions\":\"sincos\"") == !shapes[i]->positions,
               "its architecture: %s", text);
        ein_safetensors_close(file);
        free(param);
        free(expected);
        ein_layout_destroy(layout);
    }
    ein_layout *layout = layout_of(&pooled, EIN_PART_CLASSIFY);
    float *param = calloc((size_t)layout->arena, sizeof *param);
    write_shape(path, &adapted, EIN_PART_CLASSIFY);
    report(ein_model_load(path, layout, param, 0, NULL, 0) == EIN_MISMATCH &&
               strstr(ein_error_message(), "merge them"),
           "adapters are not left out silently");
    free(param);
    ein_layout_destroy(layout);
    layout = layout_of(&adapted, EIN_PART_CLASSIFY);
    param = calloc((size_t)layout->arena, sizeof *param);
    char missing[512];
    write_little(path, EIN_PART_ENCODER);
    report(ein_model_load(path, layout, param, 0, missing, sizeof missing) == EIN_OK &&
               strstr(missing, "attn_pool.query") && strstr(missing, "lora_a"),
           "an encoder loads into a model with both, which are named as missing");
    free(param);
    ein_layout_destroy(layout);
}

/* What stands in einthoven.architecture is checked. */
static void bad_architectures(void) {
    static const char *const bad[] = {"\"pool\":\"max\"",      "\"pool\":1",           "\"lora\":-1",
                                      "\"lora\":\"2\"",        "\"lora\":99999999999", "\"lora\":7",
                                      "\"pool\":\"attentive\""};
    const char *path = file_in("a.safetensors"), *changed = file_in("b.safetensors");
    ein_safetensors *file;
    write_little(path, EIN_PART_CLASSIFY);
    if (ein_safetensors_open(path, &file) != EIN_OK) exit(1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *pairs[64], *old = ein_safetensors_metadata(file, "einthoven.architecture");
        char text[512];
        float values[128] = {0};
        ein_st_source sources[64];
        ein_model_info info;
        snprintf(text, sizeof text, "%.*s,%s}", (int)strlen(old) - 1, old, bad[i]);
        const int n = ein_safetensors_count(file), m = ein_safetensors_metadata_count(file);
        for (int k = 0; k < n; k++) {
            const ein_st_tensor *t = ein_safetensors_tensor(file, k);
            if (t->count > 128) exit(1);
            sources[k] = (ein_st_source){t->name, t->ndim, t->shape, values};
        }
        for (int k = 0; k < m; k++) {
            pairs[2 * k] = ein_safetensors_metadata_key(file, k);
            pairs[2 * k + 1] = ein_safetensors_metadata(file, pairs[2 * k]);
            if (!strcmp(pairs[2 * k], "einthoven.architecture")) pairs[2 * k + 1] = text;
        }
        if (ein_safetensors_write(changed, sources, n, pairs, m) != EIN_OK) exit(1);
        const ein_status status = ein_model_describe(changed, NULL, &info);
        report(status != EIN_OK, "refused: %s: %s", bad[i], ein_error_message());
        if (status == EIN_OK) ein_model_info_free(&info);
    }
    ein_safetensors_close(file);
    unlink(changed);
}

/* Any single bit of a small model: it is refused, or nothing was changed that anybody reads. */
static void flips(void) {
    static char bytes[32768];
    const char *path = file_in("a.safetensors");
    ein_layout *layout = layout_of(&little, EIN_PART_CLASSIFY);
    float *param = malloc((size_t)layout->arena * sizeof *param);
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0, header;
    if (f) fclose(f);
    header = 8 + ((unsigned char)bytes[0] | (size_t)(unsigned char)bytes[1] << 8);
    int fd = open(path, O_RDWR);
    size_t loaded = 0;
    for (size_t at = 0; at < n; at++) {
        if (at < header && bytes[at] == ' ' && at > header - 8)
            continue; /* padding that a tab could replace */
        char other = (char)(bytes[at] ^ (1 << at % 8));
        if (pwrite(fd, &other, 1, (off_t)at) != 1) exit(1);
        loaded += ein_model_load(path, layout, param, 1, NULL, 0) == EIN_OK;
        if (pwrite(fd, bytes + at, 1, (off_t)at) != 1) exit(1);
    }
    close(fd);
    report(n > 4000 && n < sizeof bytes && loaded == 0,
           "a bit flipped in each of its %zu bytes: never loaded", n);
    report(ein_model_load(path, layout, param, 1, NULL, 0) == EIN_OK, "put back, it loads");
    loaded = 0;
    for (size_t keep = 0; keep < n; keep += keep < header ? 97 : 13) {
        if (truncate(path, (off_t)(n - 1 - keep)) != 0) exit(1);
        loaded += ein_model_load(path, layout, param, 1, NULL, 0) == EIN_OK;
    }
    report(loaded == 0, "cut at many lengths: never loaded");
    free(param);
    ein_layout_destroy(layout);
}

static void mismatches(void) {
    const char *path = file_in("a.safetensors");
    char missing[40];
    ein_vit_shape other = little;
    write_little(path, EIN_PART_PRETRAIN);
    other.mlp = 11;
    ein_layout *layout = layout_of(&other, EIN_PART_PRETRAIN);
    float *param = calloc((size_t)layout->arena, sizeof *param);
    report(
        ein_model_load(path, layout, param, 0, NULL, 0) == EIN_MISMATCH &&
            strstr(ein_error_message(),
                   "tensor blocks.0.mlp.fc1.weight has shape (10, 6) in the file and (11, 6) in the model"),
        "another shape is refused by name and shapes");
    report(param[0] == 0, "before anything is loaded");
    ein_layout_destroy(layout);
    other = little;
    other.heads = 2;
    layout = layout_of(&other, EIN_PART_PRETRAIN);
    report(ein_model_load(path, layout, param, 0, NULL, 0) == EIN_MISMATCH &&
               strstr(ein_error_message(), "heads: 3 in the file, 2 in the model"),
           "another number of heads is refused");
    ein_layout_destroy(layout);
    layout = layout_of(&little, EIN_PART_CLASSIFY);
    report(ein_model_load(path, layout, param, 1, NULL, 0) == EIN_MISMATCH &&
               strstr(ein_error_message(), "fc_norm.weight"),
           "strictly, a pretrained model is no classifier");
    int head = ein_layout_find(layout, "head.weight");
    param[layout->tensors[head].offset] = 7;
    report(ein_model_load(path, layout, param, 0, missing, sizeof missing) == EIN_OK &&
               !strcmp(missing, "fc_norm.weight, fc_norm.bias, ..."),
           "otherwise it loads into one, and says what is missing");
    report(param[layout->tensors[head].offset] == 7 && param[0] == 1.0f / 64,
           "what is missing is left alone");
    write_little(path, EIN_PART_ENCODER);
    report(ein_model_load(path, layout, param, 1, NULL, 0) == EIN_MISMATCH,
           "strictly, unknown names are refused too");
    ein_layout_destroy(layout);
    free(param);
}

static void bad_values(void) {
    const char *path = file_in("nan.safetensors");
    ein_layout *layout = layout_of(&little, EIN_PART_ENCODER);
    float *param = values_of(layout);
    ein_model_info info = {.parts = EIN_PART_ENCODER};
    param[layout->tensors[5].offset + 1] = NAN;
    report(ein_model_write(path, layout, param, &info) == EIN_NUMERIC &&
               strstr(ein_error_message(), layout->tensors[5].name) && access(path, F_OK) != 0,
           "a model with NaN is not written");
    ein_st_source source = {layout->tensors[5].name, layout->tensors[5].ndim, layout->tensors[5].shape,
                            param + layout->tensors[5].offset};
    ein_safetensors_write(path, &source, 1, NULL, 0);
    report(ein_model_load(path, layout, param, 0, NULL, 0) == EIN_NUMERIC &&
               strstr(ein_error_message(), "value 1 is not a number"),
           "and one of others with NaN is not loaded");
    unlink(path);
    free(param);
    ein_layout_destroy(layout);
}

/* --- files of others --------------------------------------------------------------------------------------- */

/* The little model without metadata, its names after `prefix`, without tensor `without`. */
static void write_foreign(const char *path, const ein_vit_shape *shape, ein_vit_parts parts,
                          const char *prefix, const char *without) {
    static char names[64][96];
    ein_layout *layout = layout_of(shape, parts);
    float *param = values_of(layout);
    ein_st_source sources[64];
    int n = 0;
    for (int i = layout->n_tensors - 1; i >= 0; i--) {
        const ein_tensor *t = &layout->tensors[i];
        if (without && !strcmp(t->name, without)) continue;
        snprintf(names[n], sizeof names[n], "%s%s", prefix, t->name);
        sources[n] = (ein_st_source){names[n], t->ndim, t->shape, param + t->offset};
        n++;
    }
    if (ein_safetensors_write(path, sources, n, NULL, 0) != EIN_OK) exit(1);
    free(param);
    ein_layout_destroy(layout);
}

static void foreign(void) {
    static const char *const prefixes[] = {"", "module.", "model.", "encoder."};
    const char *path = file_in("foreign.safetensors");
    const ein_vit_shape heads = {.heads = 3, .dec_heads = 2},
                        other_width = {.width = 7, .heads = 3, .dec_heads = 2};
    ein_model_info info;
    for (int i = 0; i < 12; i++) {
        ein_vit_parts parts = (ein_vit_parts)(i % 3);
        ein_layout *layout = layout_of(&little, parts);
        float *expected = values_of(layout), *param = calloc((size_t)layout->arena, sizeof *param);
        write_foreign(path, &little, parts, prefixes[i / 3], NULL);
        ein_vit_shape shape = little;
        if (parts != EIN_PART_CLASSIFY) shape.classes = 0;
        if (parts != EIN_PART_PRETRAIN)
            shape.dec_width = shape.dec_depth = shape.dec_heads = shape.dec_mlp = 0;
        bool described = ein_model_describe(path, &heads, &info) == EIN_OK;
        report(described && same_shape(&info.shape, &shape) && info.parts == parts && !info.ours &&
                   !info.heads_assumed && !info.hash[0] && !strcmp(info.prefix, prefixes[i / 3]),
               "a file of others is understood: %s, names after \"%s\"", ein_vit_parts_name(parts),
               prefixes[i / 3]);
        report(ein_model_load(path, layout, param, 1, NULL, 0) == EIN_OK &&
                   !memcmp(param, expected, (size_t)layout->arena * sizeof *param),
               "and loads, every bit");
        ein_model_info_free(&info);
        free(param);
        free(expected);
        ein_layout_destroy(layout);
    }
    write_foreign(path, &little, EIN_PART_ENCODER, "", NULL);
    report(ein_model_describe(path, &other_width, &info) == EIN_USAGE && strstr(ein_error_message(), "heads"),
           "heads told for another width are not used, and the published 8 do not divide 6: refused");
    report(ein_model_verify(path) == EIN_NOTFOUND, "it states no content hash");
    write_foreign(path, &little, EIN_PART_ENCODER, "net.", NULL);
    report(ein_model_describe(path, &heads, &info) == EIN_FORMAT &&
               strstr(ein_error_message(), "patch_embed.proj.weight"),
           "another prefix is not guessed at");
    write_foreign(path, &little, EIN_PART_ENCODER, "", "blocks.1.attn.qkv.bias");
    report(ein_model_describe(path, &heads, &info) == EIN_FORMAT &&
               strstr(ein_error_message(), "blocks.1.attn.qkv.bias is missing"),
           "a model with a hole is refused by the name");
    write_foreign(path, &adapted, EIN_PART_CLASSIFY, "module.", NULL);
    const bool described = ein_model_describe(path, &heads, &info) == EIN_OK;
    report(described && info.shape.pool == EIN_POOL_ATTENTIVE && info.shape.lora == 2 &&
               info.shape.classes == 3 && !info.ours,
           "pooling and adapters of others are seen by their names");
    if (described) ein_model_info_free(&info);
    write_foreign(path, &adapted, EIN_PART_CLASSIFY, "", "attn_pool.kv.bias");
    report(ein_model_describe(path, &heads, &info) == EIN_FORMAT &&
               strstr(ein_error_message(), "attn_pool.kv.bias is missing"),
           "half a pooling is refused by the name");
    unlink(path);
}

/* A file of ours that another program wrote back: with the same content it holds, with other weights it does not. */
static void written_back(void) {
    const char *path = file_in("a.safetensors"), *back = file_in("back.safetensors");
    const char *pairs[64];
    ein_st_source sources[64];
    ein_safetensors *file;
    write_little(path, EIN_PART_CLASSIFY);
    if (ein_safetensors_open(path, &file) != EIN_OK) exit(1);
    int n = ein_safetensors_count(file), m = ein_safetensors_metadata_count(file);
    for (int i = 0; i < n; i++) { /* in reverse order */
        const ein_st_tensor *t = ein_safetensors_tensor(file, n - 1 - i);
        float *values = malloc((size_t)t->count * sizeof *values);
        if (ein_safetensors_read(file, n - 1 - i, values) != EIN_OK) exit(1);
        sources[i] = (ein_st_source){t->name, t->ndim, t->shape, values};
    }
    for (int i = 0; i < m; i++) {
        pairs[2 * i] = ein_safetensors_metadata_key(file, m - 1 - i);
        pairs[2 * i + 1] = ein_safetensors_metadata(file, pairs[2 * i]);
    }
    ein_safetensors_write(back, sources, n, pairs, m);
    report(ein_model_verify(back) == EIN_OK, "written back in another order, its content hash still holds");
    float old = *sources[3].data;
    memcpy((void *)(uintptr_t)sources[3].data, &(float){old + 1}, sizeof old);
    ein_safetensors_write(back, sources, n, pairs, m);
    report(ein_model_verify(back) == EIN_CORRUPT,
           "with one weight changed and the metadata kept, it does not");
    ein_layout *layout = layout_of(&little, EIN_PART_CLASSIFY);
    float *param = calloc((size_t)layout->arena, sizeof *param);
    report(ein_model_load(back, layout, param, 1, NULL, 0) == EIN_CORRUPT &&
               strstr(ein_error_message(), "drop all metadata keys that begin with einthoven."),
           "what to do is said: %s", ein_error_message());
    int kept = 0;
    for (int i = 0; i < m; i++) { /* half of the advice is not enough, and it is said again */
        if (!strcmp(pairs[2 * i], "einthoven.blake2b")) continue;
        pairs[2 * kept] = pairs[2 * i];
        pairs[2 * kept++ + 1] = pairs[2 * i + 1];
    }
    ein_safetensors_write(back, sources, n, pairs, kept);
    report(kept == m - 1 && ein_model_load(back, layout, param, 1, NULL, 0) == EIN_NOTFOUND &&
               strstr(ein_error_message(), "drop all metadata keys that begin with einthoven."),
           "without the hash alone it is refused: %s", ein_error_message());
    kept = 0;
    for (int i = 0; i < m - 1; i++) {
        if (!strncmp(pairs[2 * i], "einthoven.", 10)) continue;
        pairs[2 * kept] = pairs[2 * i];
        pairs[2 * kept++ + 1] = pairs[2 * i + 1];
    }
    ein_safetensors_write(back, sources, n, pairs, kept);
    report(ein_model_load(back, layout, param, 1, NULL, 0) == EIN_OK, "whoever does as advised can load it");
    free(param);
    ein_layout_destroy(layout);
    for (int i = 0; i < n; i++) free((void *)(uintptr_t)sources[i].data);
    ein_safetensors_close(file);
    unlink(back);
}

int main(int argc, char **argv) {
    if (argc == 3) return write_little(argv[2], EIN_PART_CLASSIFY) == EIN_OK ? 0 : 1;
    if (!mkdtemp(folder)) return 1;
    counts();
    tables();
    names_and_stages();
    impossible_shapes();
    additions();
    selections();
    round_trip();
    adapted_files();
    bad_architectures();
    flips();
    mismatches();
    bad_values();
    foreign();
    written_back();
    unlink(file_in("a.safetensors"));
    report(rmdir(folder) == 0, "no other file was left in the folder");
    return report_end();
}
