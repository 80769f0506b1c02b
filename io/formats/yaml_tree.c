#include "io/formats/yaml_tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "io/base/utf8.h"

typedef struct {
    yaml_parser_t parser;
    const char *name;
    bool any_text;
    int depth;
    char path[EIN_YAML_MAX_PATH]; /* of keys, to what is being read: "a.b" */
} reader;

static int line_of(const yaml_event_t *event) {
    return (int)event->start_mark.line + 1;
}

void ein_yaml_free(ein_yaml_node *node) {
    if (!node) return;
    for (int i = 0; i < node->n; i++) {
        ein_yaml_free(node->item[i]);
        if (node->key) ein_yaml_free(node->key[i]);
    }
    free(node->item);
    free(node->key);
    free(node->text);
    free(node);
}

bool ein_yaml_is_clean(const char *text) {
    for (const unsigned char *s = (const unsigned char *)text; *s; s++)
        if (*s < 0x20 || *s == 0x7F || (*s == 0xC2 && s[1] >= 0x80 && s[1] < 0xA0)) return false;
    return ein_utf8_is(text, strlen(text));
}

void ein_yaml_escape(FILE *stream, const char *text) {
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', stream);
        fputc(*text, stream);
    }
}

void ein_yaml_quote(FILE *stream, const char *text) {
    fputc('"', stream);
    ein_yaml_escape(stream, text);
    fputc('"', stream);
}

/* What descriptions have no use for, and what hostile files are made of. */
static ein_status refuse(const reader *r, const yaml_event_t *e) {
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (anchor || e->type == YAML_ALIAS_EVENT)
        return ein_error(EIN_USAGE, "%s:%d: anchors and aliases are not accepted; write the value out",
                         r->name, line_of(e));
    if (tag) return ein_error(EIN_USAGE, "%s:%d: tags (!name) are not accepted", r->name, line_of(e));
    return EIN_OK;
}

static ein_status next(reader *r, yaml_event_t *event) {
    const yaml_parser_t *p = &r->parser;
    if (!yaml_parser_parse(&r->parser, event)) {
        if (p->error == YAML_MEMORY_ERROR)
            return ein_error(EIN_NOMEM, "%s: no memory for the YAML parser", r->name);
        if (p->error == YAML_READER_ERROR)
            return ein_error(EIN_USAGE, "%s: byte %zu: %s (the file must be UTF-8 text)", r->name,
                             p->problem_offset, p->problem ? p->problem : "not text");
        return ein_error(EIN_USAGE, "%s:%zu: not YAML: %s%s%s", r->name, p->problem_mark.line + 1,
                         p->problem ? p->problem : "syntax error", p->context ? " " : "",
                         p->context ? p->context : "");
    }
    const ein_status status = refuse(r, event);
    if (status != EIN_OK) yaml_event_delete(event);
    return status;
}

static ein_status copy_scalar(const reader *r, const yaml_event_t *event, ein_yaml_node *node) {
    const char *text = (const char *)event->data.scalar.value;
    if (strlen(text) != event->data.scalar.length) /* a "\0" escape makes them */
        return ein_error(EIN_USAGE, "%s:%d: a text with a NUL byte", r->name, node->line);
    if (!r->any_text && event->data.scalar.length > EIN_YAML_MAX_TEXT)
        return ein_error(EIN_USAGE, "%s:%d: a text of %zu bytes; at most %d are read", r->name, node->line,
                         event->data.scalar.length, EIN_YAML_MAX_TEXT);
    if (!r->any_text && !ein_yaml_is_clean(text))
        return ein_error(EIN_USAGE, "%s:%d: a text with a line end or control character", r->name,
                         node->line);
    node->kind = EIN_YAML_SCALAR;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = strdup(text);
    return node->text ? EIN_OK : ein_error(EIN_NOMEM, "%s: no memory for a text", r->name);
}

/* Room for one more pair or item. */
static ein_status grow(ein_yaml_node *node) {
    EIN_TRY(EIN_GROW(node->item, node->item_room, node->n + 1));
    return node->kind == EIN_YAML_MAP ? EIN_GROW(node->key, node->key_room, node->n + 1) : EIN_OK;
}

static ein_status read_value(reader *r, const yaml_event_t *event, ein_yaml_node **out);

static ein_status read_list(reader *r, ein_yaml_node *list) {
    list->kind = EIN_YAML_LIST;
    for (;;) {
        yaml_event_t event;
        ein_yaml_node *item = NULL;
        EIN_TRY(next(r, &event));
        const bool end = event.type == YAML_SEQUENCE_END_EVENT;
        ein_status status = EIN_OK;
        if (!end && list->n == EIN_YAML_MAX_ITEMS)
            status = ein_error(EIN_USAGE, "%s:%d: a list of more than %d items", r->name, line_of(&event),
                               EIN_YAML_MAX_ITEMS);
        if (!end && status == EIN_OK) status = grow(list);
        if (!end && status == EIN_OK) status = read_value(r, &event, &item);
        yaml_event_delete(&event);
        if (item) list->item[list->n++] = item;
        if (status == EIN_OK && item && ein_yaml_is_null(item))
            status =
                ein_error(EIN_USAGE, "%s:%d: item %d of the list is empty", r->name, item->line, list->n);
        if (status != EIN_OK || end) return status;
    }
}

/* Go down to `key` of the map that is being read; the path ends before it again by a NUL at what is returned. A path
 * that is too long is cut: it is for messages. */
static size_t push_key(reader *r, const char *key) {
    const size_t at = strlen(r->path);
    snprintf(r->path + at, sizeof r->path - at, "%s%s", at ? "." : "", key);
    return at;
}

static ein_status given_twice(reader *r, const ein_yaml_node *key) {
    char shown[EIN_YAML_MAX_PATH];
    push_key(r, key->text);
    return ein_error(EIN_USAGE, "%s:%d: %s: given twice", r->name, key->line,
                     ein_utf8_show(r->path, shown, sizeof shown));
}

/* The key of the next pair, checked; its value follows. */
static ein_status check_key(reader *r, const ein_yaml_node *map, const ein_yaml_node *key) {
    if (key->kind != EIN_YAML_SCALAR || ein_yaml_is_null(key))
        return ein_error(EIN_USAGE, "%s:%d: a key is a single word", r->name, key->line);
    for (int i = 0; i < map->n; i++)
        if (strcmp(map->key[i]->text, key->text) == 0) return given_twice(r, key);
    if (map->n == EIN_YAML_MAX_KEYS)
        return ein_error(EIN_USAGE, "%s:%d: a map of more than %d keys", r->name, key->line,
                         EIN_YAML_MAX_KEYS);
    return EIN_OK;
}

static ein_status read_pair(reader *r, ein_yaml_node *map, const yaml_event_t *first) {
    ein_yaml_node *key = NULL, *value = NULL;
    yaml_event_t event;
    ein_status status = grow(map);
    if (status == EIN_OK) status = read_value(r, first, &key);
    if (status == EIN_OK) status = check_key(r, map, key);
    if (status == EIN_OK) status = next(r, &event);
    if (status == EIN_OK) {
        const size_t at = push_key(r, key->text);
        status = read_value(r, &event, &value);
        r->path[at] = '\0';
        yaml_event_delete(&event);
    }
    if (status != EIN_OK) {
        ein_yaml_free(key);
        ein_yaml_free(value);
        return status;
    }
    map->key[map->n] = key;
    map->item[map->n++] = value;
    return EIN_OK;
}

static ein_status read_map(reader *r, ein_yaml_node *map) {
    map->kind = EIN_YAML_MAP;
    for (;;) {
        yaml_event_t event;
        EIN_TRY(next(r, &event));
        const bool end = event.type == YAML_MAPPING_END_EVENT;
        const ein_status status = end ? EIN_OK : read_pair(r, map, &event);
        yaml_event_delete(&event);
        if (status != EIN_OK || end) return status;
    }
}

/* The value that begins with `event`. On error *out is NULL or what was read so far, which the caller frees. */
static ein_status read_value(reader *r, const yaml_event_t *event, ein_yaml_node **out) {
    EIN_TRY(EIN_NEW(*out, 1));
    ein_yaml_node *node = *out;
    node->line = line_of(event);
    if (event->type == YAML_SCALAR_EVENT) return copy_scalar(r, event, node);
    if (r->depth == EIN_YAML_MAX_DEPTH)
        return ein_error(EIN_USAGE, "%s:%d: nested deeper than %d levels", r->name, node->line,
                         EIN_YAML_MAX_DEPTH);
    r->depth++;
    const ein_status status =
        event->type == YAML_SEQUENCE_START_EVENT ? read_list(r, node) : read_map(r, node);
    r->depth--;
    return status;
}

static ein_status read_document(reader *r, ein_yaml_node **out) {
    for (;;) {
        yaml_event_t event;
        EIN_TRY(next(r, &event));
        const yaml_event_type_t type = event.type;
        const int line = line_of(&event);
        ein_status status = EIN_OK;
        const bool value = type == YAML_SCALAR_EVENT || type == YAML_SEQUENCE_START_EVENT ||
                           type == YAML_MAPPING_START_EVENT;
        if (value && *out)
            status = ein_error(EIN_USAGE, "%s:%d: a second document; one is read", r->name, line);
        else if (value)
            status = read_value(r, &event, out);
        yaml_event_delete(&event);
        if (status != EIN_OK || type == YAML_STREAM_END_EVENT) return status;
    }
}

/* Whether a line begins at byte `at`, by YAML's line breaks: LF, CR, NEL, LS, PS. */
static bool line_begins(const char *text, size_t at) {
    if (at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r') return true;
    if (at >= 2 && memcmp(text + at - 2, "\xC2\x85", 2) == 0) return true;
    return at >= 3 &&
           (memcmp(text + at - 3, "\xE2\x80\xA8", 3) == 0 || memcmp(text + at - 3, "\xE2\x80\xA9", 3) == 0);
}

/* EIN_USAGE with the line if a line begins with '%' and is not "%YAML ...": nobody needs directives, and libyaml
 * compares each %TAG with all before it. */
static ein_status check_directives(const char *name, const char *text, size_t bytes) {
    int line = 1;
    for (size_t i = 0; i < bytes; i++) {
        line += text[i] == '\n';
        if (text[i] == '%' && line_begins(text, i) && (bytes - i < 6 || memcmp(text + i, "%YAML ", 6) != 0))
            return ein_error(EIN_USAGE,
                             "%s:%d: a directive (%%TAG or the like) is not accepted; leave the line out",
                             name, line);
    }
    return EIN_OK;
}

static ein_status parse(const char *name, const char *text, size_t bytes, size_t max_bytes, bool any_text,
                        ein_yaml_node **out) {
    *out = NULL;
    reader r = {.name = name, .any_text = any_text};
    if (bytes > max_bytes)
        return ein_error(EIN_USAGE, "%s: %zu bytes; at most %zu are read", name, bytes, max_bytes);
    if (bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        bytes -= 3;
    }
    EIN_TRY(check_directives(name, text, bytes));
    if (!yaml_parser_initialize(&r.parser))
        return ein_error(EIN_NOMEM, "%s: no memory for the YAML parser", name);
    /* libyaml would accept UTF-16 as well. */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, bytes);
    const ein_status status = read_document(&r, out);
    yaml_parser_delete(&r.parser);
    if (status != EIN_OK) {
        ein_yaml_free(*out);
        *out = NULL;
    }
    return status;
}

ein_status ein_yaml_parse(const char *name, const char *text, size_t bytes, size_t max_bytes,
                          ein_yaml_node **out) {
    return parse(name, text, bytes, max_bytes, false, out);
}

ein_status ein_yaml_parse_any_text(const char *name, const char *text, size_t bytes, size_t max_bytes,
                                   ein_yaml_node **out) {
    return parse(name, text, bytes, max_bytes, true, out);
}

const ein_yaml_node *ein_yaml_get(const ein_yaml_node *map, const char *key) {
    for (int i = 0; map->kind == EIN_YAML_MAP && i < map->n; i++)
        if (strcmp(map->key[i]->text, key) == 0) return map->item[i];
    return NULL;
}

bool ein_yaml_is_null(const ein_yaml_node *node) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (node->kind != EIN_YAML_SCALAR || node->quoted) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(node->text, words[i]) == 0) return true;
    return false;
}
