/* Untrusted YAML as a tree, each node with its line: the one reader of YAML, of configurations as of descriptions.
 *
 * Taken: one document of UTF-8 text (a byte order mark is passed over) with maps, lists and scalars, at most
 * EIN_YAML_MAX_DEPTH levels deep. Refused with name:line: anchors, aliases, tags, directives but %YAML, a key given
 * twice, keys that are not scalars, empty items of lists, texts with control characters (so every text may be shown on
 * a terminal) or longer than EIN_YAML_MAX_TEXT bytes, maps of more than EIN_YAML_MAX_KEYS keys, lists of more than
 * EIN_YAML_MAX_ITEMS items. Errors: EIN_USAGE, EIN_NOMEM. Nothing here is collective.
 */
#ifndef EIN_IO_FORMATS_YAML_TREE_H
#define EIN_IO_FORMATS_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/base/status.h"

enum {
    EIN_YAML_MAX_DEPTH = 8,
    EIN_YAML_MAX_TEXT = 4096,
    EIN_YAML_MAX_KEYS = 4096,
    EIN_YAML_MAX_ITEMS = 65536,
    EIN_YAML_MAX_PATH = 256 /* of keys, as far as messages show it */
};

typedef enum { EIN_YAML_SCALAR, EIN_YAML_LIST, EIN_YAML_MAP } ein_yaml_kind;

typedef struct ein_yaml_node {
    ein_yaml_kind kind;
    int line;
    char *text;  /* scalar */
    bool quoted; /* scalar in quotes: text and nothing else */
    int n;       /* items or pairs */
    struct ein_yaml_node **item;
    struct ein_yaml_node **key; /* map: scalars */
    int64_t item_room, key_room;
} ein_yaml_node;

/* Parse `bytes` of text; `name` stands in messages. An empty document gives NULL. */
ein_status ein_yaml_parse(const char *name, const char *text, size_t bytes, size_t max_bytes,
                          ein_yaml_node **out);

/* The same for texts of any length and with any characters but NUL: values that a person gave us to keep, such as
 * notes. They are shown by ein_utf8_show. */
ein_status ein_yaml_parse_any_text(const char *name, const char *text, size_t bytes, size_t max_bytes,
                                   ein_yaml_node **out);

void ein_yaml_free(ein_yaml_node *node); /* NULL is fine */

/* The value of a key, or NULL. */
const ein_yaml_node *ein_yaml_get(const ein_yaml_node *map, const char *key);

/* Whether a node is a scalar that means nothing: empty, ~, null, Null or NULL, without quotes. */
bool ein_yaml_is_null(const ein_yaml_node *node);

/* Whole UTF-8 without control characters. */
bool ein_yaml_is_clean(const char *text);

/* Write `text`, which is clean, in double quotes as YAML (and JSON) read it; and what stands between them. */
void ein_yaml_quote(FILE *stream, const char *text);
void ein_yaml_escape(FILE *stream, const char *text);

#endif
