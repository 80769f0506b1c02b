/* YAML in and out for the configuration: in from the tree of io/formats, out by libyaml. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "io/base/utf8.h"
#include "io/config/config.h"
#include "io/config/table.h"
#include "io/formats/yaml_tree.h"

typedef struct {
    ein_config *config;
    ein_config_layer layer;
    bool skip_unknown;
    const char *name; /* of the text, for messages */
} reader;

/* The texts of a scalar or a list, which stay the node's (free() the array). */
static ein_status texts_of(const reader *r, const ein_yaml_node *value, const char ***out) {
    const bool list = value->kind == EIN_YAML_LIST;
    const int n = list ? value->n : 1;
    EIN_TRY(EIN_NEW(*out, n + 1));
    for (int i = 0; i < n; i++) {
        const ein_yaml_node *item = list ? value->item[i] : value;
        if (item->kind != EIN_YAML_SCALAR)
            return ein_error(EIN_USAGE, "%s:%d: a list holds single values only", r->name, item->line);
        (*out)[i] = item->text;
    }
    return EIN_OK;
}

/* The value of a known key, which stands in `line`. */
static ein_status read_option(const reader *r, ein_config_entry *entry, int line,
                              const ein_yaml_node *value) {
    const char *key = entry->option->key;
    /* The tree has every key once, but "a.b: 1" and "a: {b: 1}" are one. */
    if (entry->loaded) return ein_error(EIN_USAGE, "%s:%d: %s: given twice", r->name, line, key);
    entry->loaded = true;
    if (value->kind == EIN_YAML_MAP)
        return ein_error(EIN_USAGE, "%s:%d: %s: is a single key, not a section with keys below it", r->name,
                         line, key);
    const char **texts = NULL;
    ein_status status = texts_of(r, value, &texts);
    const bool list = value->kind == EIN_YAML_LIST;
    const ein_config_input input = {.is_list = list,
                                    .quoted = value->quoted,
                                    .is_null = ein_yaml_is_null(value),
                                    .items = texts,
                                    .n_items = list ? value->n : 1};
    if (status == EIN_OK)
        status =
            ein_error_context(ein_config_assign(entry, r->layer, &input), "%s:%d: %s", r->name, line, key);
    free(texts);
    return status;
}

/* Whether some key lies below `path`. */
static bool is_section(const ein_config *config, const char *path) {
    size_t n = strlen(path);
    for (int i = 0; i < config->n_entries; i++) {
        const char *key = config->entries[i].option->key;
        if (strncmp(key, path, n) == 0 && key[n] == '.') return true;
    }
    return false;
}

static ein_status read_keys(const reader *r, const char *prefix, const ein_yaml_node *map);

static ein_status read_key(const reader *r, const char *prefix, const ein_yaml_node *key,
                           const ein_yaml_node *value) {
    char path[EIN_CONFIG_KEY_BYTES], shown[EIN_CONFIG_SHOWN_BYTES];
    int n = snprintf(path, sizeof path, "%s%s%s", prefix, prefix[0] ? "." : "", key->text);
    bool fits = n >= 0 && (size_t)n < sizeof path;
    int index = fits ? ein_config_find(r->config, path) : -1;
    const char *without = r->skip_unknown ? r->config->preset_without : NULL;
    if (index >= 0 && without && strncmp(path, without, strlen(without)) == 0) return EIN_OK;
    if (index >= 0) return read_option(r, &r->config->entries[index], key->line, value);
    const bool section = fits && is_section(r->config, path);
    if (section && value->kind == EIN_YAML_MAP) return read_keys(r, path, value);
    if (section && ein_yaml_is_null(value)) return EIN_OK; /* "model:" with every line commented out */
    if (section)
        return ein_error(EIN_USAGE, "%s:%d: %s: is a section with keys below it, not a single value", r->name,
                         key->line, path);
    if (r->skip_unknown) return EIN_OK;
    return ein_error_context(ein_config_unknown(r->config, path), "%s:%d: %s", r->name, key->line,
                             ein_utf8_show(path, shown, sizeof shown));
}

static ein_status read_keys(const reader *r, const char *prefix, const ein_yaml_node *map) {
    for (int i = 0; i < map->n; i++) EIN_TRY(read_key(r, prefix, map->key[i], map->item[i]));
    return EIN_OK;
}

ein_status ein_config_read_yaml(ein_config *config, ein_config_layer layer, bool skip_unknown,
                                const char *name, const char *text, size_t bytes) {
    const reader r = {.config = config, .layer = layer, .skip_unknown = skip_unknown, .name = name};
    ein_yaml_node *root = NULL;
    EIN_TRY(ein_yaml_parse_any_text(name, text, bytes, EIN_CONFIG_MAX_BYTES, &root));
    for (int i = 0; i < config->n_entries; i++) config->entries[i].loaded = false;
    ein_status status = EIN_OK;
    if (root && root->kind == EIN_YAML_MAP)
        status = read_keys(&r, "", root);
    else if (root && !ein_yaml_is_null(root))
        status = ein_error(EIN_USAGE, "%s:%d: expected lines of the form \"key: value\"", name, root->line);
    ein_yaml_free(root);
    return status;
}

ein_status ein_config_assign_list(ein_config_entry *entry, ein_config_layer layer, const char *text) {
    const reader r = {.name = "list"};
    ein_yaml_node *root = NULL;
    EIN_TRY(ein_yaml_parse_any_text(r.name, text, strlen(text), EIN_CONFIG_MAX_BYTES, &root));
    const char **texts = NULL;
    ein_status status = root && root->kind == EIN_YAML_LIST ? texts_of(&r, root, &texts)
                                                            : ein_error(EIN_USAGE, "expected [a, b]");
    if (status == EIN_OK) {
        const ein_config_input input = {.is_list = true, .items = texts, .n_items = root->n};
        status = ein_config_assign(entry, layer, &input);
    }
    free(texts);
    ein_yaml_free(root);
    return status;
}

/* --- out ------------------------------------------------------------------------------------------ */

typedef struct {
    char *data;
    size_t bytes;
    int64_t room;
} buffer;

static int append(void *data, unsigned char *text, size_t bytes) {
    buffer *out = data;
    if (EIN_GROW(out->data, out->room, out->bytes + bytes + 1) != EIN_OK) return 0;
    memcpy(out->data + out->bytes, text, bytes);
    out->bytes += bytes;
    out->data[out->bytes] = '\0';
    return 1;
}

/* Text that no YAML reader takes for anything else than text. */
static bool is_plain_word(const char *text) {
    static const char *const taken[] = {"null", "true", "false", "yes", "no", "on",
                                        "off",  "y",    "n",     "nan", "inf"};
    if (!((text[0] >= 'A' && text[0] <= 'Z') || (text[0] >= 'a' && text[0] <= 'z') || text[0] == '/'))
        return false;
    for (const char *s = text; *s; s++)
        if (!((*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') ||
              strchr("_./-", *s)))
            return false;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcasecmp(text, taken[i]) == 0) return false;
    return true;
}

static int emit_scalar(yaml_emitter_t *emitter, const char *text, bool is_text) {
    yaml_scalar_style_t style =
        is_text && !is_plain_word(text) ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE;
    yaml_event_t event;
    return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1,
                                        1, style) &&
           yaml_emitter_emit(emitter, &event);
}

/* The shortest of the usual forms that reads back to the same double. */
static void print_real(char *out, size_t room, double value) {
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, room, "%.*g", digits, value);
        if (strtod(out, NULL) == value) return;
    }
}

static int emit_value(yaml_emitter_t *emitter, const ein_config_entry *entry) {
    const ein_config_value *value = &entry->value;
    char text[64];
    if (!value->has) return emit_scalar(emitter, "null", false);
    switch (entry->option->type) {
    case EIN_OPT_BOOL:
        return emit_scalar(emitter, value->boolean ? "true" : "false", false);
    case EIN_OPT_INT:
        snprintf(text, sizeof text, "%lld", (long long)value->integer);
        break;
    case EIN_OPT_REAL:
        print_real(text, sizeof text, value->real);
        break;
    case EIN_OPT_STRING:
    case EIN_OPT_CHOICE:
        return emit_scalar(emitter, value->text, true);
    case EIN_OPT_LIST: {
        yaml_event_t event;
        if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_FLOW_SEQUENCE_STYLE) ||
            !yaml_emitter_emit(emitter, &event))
            return 0;
        for (int i = 0; i < value->n_items; i++)
            if (!emit_scalar(emitter, value->items[i], true)) return 0;
        return yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
    }
    }
    return emit_scalar(emitter, text, false);
}

/* Whether an entry before `index` lies in the section of the first `n` bytes of `key`. */
static bool section_written(const ein_config *config, int index, const char *key, size_t n) {
    for (int i = 0; i < index; i++)
        if (strncmp(config->entries[i].option->key, key, n) == 0) return true;
    return false;
}

/* Write the keys below the first `n` bytes of entry `from`'s key, sections where their first key stands.
 * A section's keys are gathered even if the tables scatter them, because YAML allows it only once. */
static int emit_section(yaml_emitter_t *emitter, const ein_config *config, int from, size_t n) {
    const char *prefix = config->entries[from].option->key;
    yaml_event_t event;
    if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) ||
        !yaml_emitter_emit(emitter, &event))
        return 0;
    for (int i = from; i < config->n_entries; i++) {
        const char *key = config->entries[i].option->key;
        if (strncmp(key, prefix, n) != 0) continue;
        size_t part = strcspn(key + n, ".");
        char name[EIN_CONFIG_KEY_BYTES];
        snprintf(name, sizeof name, "%.*s", (int)part, key + n);
        if (key[n + part] == '.') {
            if (section_written(config, i, key, n + part + 1)) continue;
            if (!emit_scalar(emitter, name, true) || !emit_section(emitter, config, i, n + part + 1))
                return 0;
        } else if (!emit_scalar(emitter, name, true) || !emit_value(emitter, &config->entries[i])) {
            return 0;
        }
    }
    return yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static int emit_all(yaml_emitter_t *emitter, const ein_config *config) {
    yaml_event_t event;
    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
           yaml_emitter_emit(emitter, &event) &&
           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
           yaml_emitter_emit(emitter, &event) && emit_section(emitter, config, 0, 0) &&
           yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(emitter, &event) &&
           yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

ein_status ein_config_to_yaml(const ein_config *config, char **out) {
    *out = NULL;
    buffer text = {0};
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter)) return ein_error(EIN_NOMEM, "no memory for the YAML writer");
    yaml_emitter_set_output(&emitter, append, &text);
    yaml_emitter_set_encoding(&emitter, YAML_UTF8_ENCODING);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    int done = config->n_entries == 0 ? append(&text, (unsigned char *)"{}\n", 3)
                                      : emit_all(&emitter, config) && yaml_emitter_flush(&emitter);
    ein_status status = EIN_OK;
    if (!done)
        status = ein_error(EIN_NOMEM, "writing the configuration as YAML: %s",
                           emitter.problem ? emitter.problem : "no memory");
    yaml_emitter_delete(&emitter);
    if (status != EIN_OK)
        free(text.data);
    else
        *out = text.data;
    return status;
}
