/* YAML in and out for the configuration, by libyaml's events; the text is untrusted. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "io/base/utf8.h"
#include "io/config/config.h"
#include "io/config/table.h"
#include "io/formats/yaml_tree.h"

typedef struct {
    yaml_parser_t parser;
    ein_config *config;
    ein_config_layer layer;
    bool skip_unknown;
    const char *name; /* of the text, for messages */
    int depth;
    char **sections; /* maps opened so far: a second one of the same path is a duplicate */
    int n_sections;
    int64_t section_room;
} reader;

static int line_of(const yaml_event_t *event) {
    return (int)event->start_mark.line + 1;
}

/* What the configuration has no use for, and what hostile files are made of. */
static ein_status refuse(const reader *r, const yaml_event_t *event) {
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return ein_error(EIN_USAGE, "%s:%d: aliases (*name) are not accepted; write the value out", r->name,
                         line_of(event));
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor)
        return ein_error(EIN_USAGE, "%s:%d: anchors (&name) are not accepted; write the value out", r->name,
                         line_of(event));
    if (tag) return ein_error(EIN_USAGE, "%s:%d: tags (!name) are not accepted", r->name, line_of(event));
    if (r->depth > EIN_CONFIG_MAX_DEPTH)
        return ein_error(EIN_USAGE, "%s:%d: nested deeper than %d levels", r->name, line_of(event),
                         EIN_CONFIG_MAX_DEPTH);
    return EIN_OK;
}

static ein_status syntax_error(const reader *r) {
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return ein_error(EIN_NOMEM, "%s: no memory for the YAML parser", r->name);
    const char *problem = p->problem ? p->problem : "syntax error";
    if (p->error == YAML_READER_ERROR)
        return ein_error(EIN_USAGE, "%s: byte %zu: %s (configuration files are UTF-8 text)", r->name,
                         p->problem_offset, problem);
    return ein_error(EIN_USAGE, "%s:%zu: not YAML: %s%s%s", r->name, p->problem_mark.line + 1, problem,
                     p->context ? " " : "", p->context ? p->context : "");
}

/* The next event; the caller deletes it after EIN_OK. */
static ein_status next(reader *r, yaml_event_t *event) {
    if (!yaml_parser_parse(&r->parser, event)) return syntax_error(r);
    if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT) r->depth++;
    if (event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT) r->depth--;
    ein_status status = refuse(r, event);
    if (status != EIN_OK) yaml_event_delete(event);
    return status;
}

/* The text of a scalar event, which must not hold NUL bytes (a "\0" escape makes them). */
static ein_status scalar_text(const reader *r, const yaml_event_t *event, const char **out) {
    *out = (const char *)event->data.scalar.value;
    if (strlen(*out) != event->data.scalar.length)
        return ein_error(EIN_USAGE, "%s:%d: a text with a NUL byte", r->name, line_of(event));
    return EIN_OK;
}

static bool is_null(const yaml_event_t *event) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return false;
    for (int i = 0; i < 5; i++)
        if (strcmp((const char *)event->data.scalar.value, words[i]) == 0) return true;
    return false;
}

/* Collect the scalars of a sequence whose start was consumed. */
static ein_status read_items(reader *r, char ***items, int *n_items) {
    int64_t room = 0;
    for (;;) {
        yaml_event_t event;
        EIN_TRY(next(r, &event));
        ein_status status = EIN_OK;
        const char *text = NULL;
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end && event.type != YAML_SCALAR_EVENT)
            status = ein_error(EIN_USAGE, "%s:%d: a list holds single values only", r->name, line_of(&event));
        else if (!end && is_null(&event))
            status = ein_error(EIN_USAGE, "%s:%d: item %d of the list is empty", r->name, line_of(&event),
                               *n_items + 1);
        else if (!end)
            status = scalar_text(r, &event, &text);
        if (status == EIN_OK && !end && *n_items == EIN_CONFIG_MAX_ITEMS)
            status = ein_error(EIN_USAGE, "%s:%d: a list of more than %d items", r->name, line_of(&event),
                               EIN_CONFIG_MAX_ITEMS);
        if (status == EIN_OK && !end) status = EIN_GROW(*items, room, *n_items + 1);
        if (status == EIN_OK && !end) {
            (*items)[*n_items] = strdup(text);
            if ((*items)[*n_items])
                ++*n_items;
            else
                status = ein_error(EIN_NOMEM, "%s: no memory for a list", r->name);
        }
        yaml_event_delete(&event);
        if (status != EIN_OK || end) return status;
    }
}

/* The value of a known key. */
static ein_status read_option(reader *r, ein_config_entry *entry, int line) {
    const char *key = entry->option->key;
    if (entry->loaded) return ein_error(EIN_USAGE, "%s:%d: %s: given twice", r->name, line, key);
    entry->loaded = true;
    yaml_event_t event;
    EIN_TRY(next(r, &event));
    char **items = NULL;
    int n_items = 0;
    const char *text = NULL;
    ein_config_input input = {0};
    ein_status status = EIN_OK;
    if (event.type == YAML_SCALAR_EVENT) {
        status = scalar_text(r, &event, &text);
        input = (ein_config_input){.quoted = event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE,
                                   .is_null = is_null(&event),
                                   .items = &text,
                                   .n_items = 1};
    } else if (event.type == YAML_SEQUENCE_START_EVENT) {
        status = read_items(r, &items, &n_items);
        input = (ein_config_input){.is_list = true, .items = (const char *const *)items, .n_items = n_items};
    } else {
        status = ein_error(EIN_USAGE, "%s:%d: %s: is a single key, not a section with keys below it", r->name,
                           line, key);
    }
    if (status == EIN_OK)
        status =
            ein_error_context(ein_config_assign(entry, r->layer, &input), "%s:%d: %s", r->name, line, key);
    ein_config_free_items(items, n_items);
    yaml_event_delete(&event);
    return status;
}

/* Pass over one value of any kind. */
static ein_status skip_value(reader *r) {
    int depth = r->depth;
    do {
        yaml_event_t event;
        EIN_TRY(next(r, &event));
        yaml_event_delete(&event);
    } while (r->depth > depth);
    return EIN_OK;
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

static ein_status open_section(reader *r, const char *path, int line) {
    for (int i = 0; i < r->n_sections; i++)
        if (strcmp(r->sections[i], path) == 0)
            return ein_error(EIN_USAGE, "%s:%d: %s: section given twice; put its keys together", r->name,
                             line, path);
    EIN_TRY(EIN_GROW(r->sections, r->section_room, r->n_sections + 1));
    char *copy = strdup(path);
    if (!copy) return ein_error(EIN_NOMEM, "%s: no memory for a section", r->name);
    r->sections[r->n_sections++] = copy;
    return EIN_OK;
}

static ein_status read_keys(reader *r, const char *prefix);

/* What stands under `path`, which is a section of the tables. */
static ein_status read_section(reader *r, const char *path, int line) {
    yaml_event_t event;
    EIN_TRY(next(r, &event));
    ein_status status = EIN_OK;
    if (event.type == YAML_MAPPING_START_EVENT) {
        status = open_section(r, path, line);
        if (status == EIN_OK) status = read_keys(r, path);
    } else if (event.type != YAML_SCALAR_EVENT ||
               !is_null(&event)) { /* "model:" with every line commented out */
        status = ein_error(EIN_USAGE, "%s:%d: %s: is a section with keys below it, not a single value",
                           r->name, line, path);
    }
    yaml_event_delete(&event);
    return status;
}

static ein_status read_key(reader *r, const char *prefix, const char *key, int line) {
    char path[EIN_CONFIG_KEY_BYTES], shown[EIN_CONFIG_SHOWN_BYTES];
    int n = snprintf(path, sizeof path, "%s%s%s", prefix, prefix[0] ? "." : "", key);
    bool fits = n >= 0 && (size_t)n < sizeof path;
    int index = fits ? ein_config_find(r->config, path) : -1;
    const char *without = r->skip_unknown ? r->config->preset_without : NULL;
    if (index >= 0 && without && strncmp(path, without, strlen(without)) == 0) return skip_value(r);
    if (index >= 0) return read_option(r, &r->config->entries[index], line);
    if (fits && is_section(r->config, path)) return read_section(r, path, line);
    if (r->skip_unknown) return skip_value(r);
    return ein_error_context(ein_config_unknown(r->config, path), "%s:%d: %s", r->name, line,
                             ein_utf8_show(path, shown, sizeof shown));
}

/* The keys of a mapping whose start was consumed. */
static ein_status read_keys(reader *r, const char *prefix) {
    for (;;) {
        yaml_event_t event;
        EIN_TRY(next(r, &event));
        bool end = event.type == YAML_MAPPING_END_EVENT;
        ein_status status = EIN_OK;
        const char *key = NULL;
        if (!end && event.type != YAML_SCALAR_EVENT)
            status = ein_error(EIN_USAGE, "%s:%d: a key is a single word", r->name, line_of(&event));
        else if (!end)
            status = scalar_text(r, &event, &key);
        if (status == EIN_OK && !end) status = read_key(r, prefix, key, line_of(&event));
        yaml_event_delete(&event);
        if (status != EIN_OK || end) return status;
    }
}

/* The value at the top of the text. */
static ein_status read_root(reader *r) {
    yaml_event_t event;
    EIN_TRY(next(r, &event));
    ein_status status = EIN_OK;
    if (event.type == YAML_MAPPING_START_EVENT)
        status = read_keys(r, "");
    else if (event.type != YAML_SCALAR_EVENT || !is_null(&event))
        status = ein_error(EIN_USAGE, "%s:%d: expected lines of the form \"key: value\"", r->name,
                           line_of(&event));
    yaml_event_delete(&event);
    return status;
}

/* Consume events up to one that opens a document or ends the stream. */
static ein_status seek_document(reader *r, bool *found, int *line) {
    for (;;) {
        yaml_event_t event;
        EIN_TRY(next(r, &event));
        yaml_event_type_t type = event.type;
        *line = line_of(&event);
        yaml_event_delete(&event);
        *found = type == YAML_DOCUMENT_START_EVENT;
        if (*found || type == YAML_STREAM_END_EVENT) return EIN_OK;
    }
}

static ein_status read_stream(reader *r) {
    bool found = false;
    int line = 0;
    EIN_TRY(seek_document(r, &found, &line));
    if (!found) return EIN_OK;
    EIN_TRY(read_root(r));
    EIN_TRY(seek_document(r, &found, &line));
    if (found) return ein_error(EIN_USAGE, "%s:%d: a second document; a configuration is one", r->name, line);
    return EIN_OK;
}

/* Point libyaml at the text. The encoding is fixed, because libyaml would accept UTF-16 as well. */
static ein_status start_parser(yaml_parser_t *parser, const char *name, const char *text, size_t bytes) {
    if (bytes > EIN_CONFIG_MAX_BYTES)
        return ein_error(EIN_USAGE, "%s: %zu bytes; a configuration has at most %d", name, bytes,
                         EIN_CONFIG_MAX_BYTES);
    if (bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        bytes -= 3;
    }
    EIN_TRY(ein_yaml_check_directives(name, text, bytes));
    if (!yaml_parser_initialize(parser))
        return ein_error(EIN_NOMEM, "%s: no memory for the YAML parser", name);
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, (const unsigned char *)text, bytes);
    return EIN_OK;
}

ein_status ein_config_read_yaml(ein_config *config, ein_config_layer layer, bool skip_unknown,
                                const char *name, const char *text, size_t bytes) {
    reader r = {.config = config, .layer = layer, .skip_unknown = skip_unknown, .name = name};
    EIN_TRY(start_parser(&r.parser, name, text, bytes));
    for (int i = 0; i < config->n_entries; i++) config->entries[i].loaded = false;
    ein_status status = read_stream(&r);
    ein_config_free_items(r.sections, r.n_sections);
    yaml_parser_delete(&r.parser);
    return status;
}

ein_status ein_config_read_list(const char *text, char ***items, int *n_items) {
    reader r = {.name = "list"};
    EIN_TRY(start_parser(&r.parser, r.name, text, strlen(text)));
    bool found = false;
    int line = 0;
    yaml_event_t event;
    ein_status status = seek_document(&r, &found, &line);
    if (status == EIN_OK) status = found ? next(&r, &event) : ein_error(EIN_USAGE, "expected [a, b]");
    if (status == EIN_OK) {
        bool list = event.type == YAML_SEQUENCE_START_EVENT;
        yaml_event_delete(&event);
        status = list ? read_items(&r, items, n_items) : ein_error(EIN_USAGE, "expected [a, b]");
    }
    if (status == EIN_OK) status = seek_document(&r, &found, &line); /* nothing may follow the bracket */
    if (status == EIN_OK && found) status = ein_error(EIN_USAGE, "expected [a, b]");
    yaml_parser_delete(&r.parser);
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
