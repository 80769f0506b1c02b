/* Untrusted YAML as a tree, each node with its line.
 *
 * Taken: one document of UTF-8 text with maps, lists and scalars, at most EIN_YAML_MAX_DEPTH levels deep. Refused with
 * name:line: anchors, aliases, tags, directives but %YAML, a key given twice, keys that are not scalars, empty items of
 * lists, texts with control characters (so every text may be shown on a terminal) or longer than EIN_YAML_MAX_TEXT
 * bytes, maps of more than EIN_YAML_MAX_KEYS keys. Errors: EIN_USAGE, EIN_NOMEM. Nothing here is collective.
 */
#ifndef EIN_IO_FORMATS_YAML_TREE_H
#define EIN_IO_FORMATS_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/base/status.h"

enum { EIN_YAML_MAX_DEPTH = 8, EIN_YAML_MAX_TEXT = 4096, EIN_YAML_MAX_KEYS = 4096 };

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
void ein_yaml_free(ein_yaml_node *node); /* NULL is fine */

/* EIN_USAGE with the line if a line begins with '%' and is not "%YAML ...": nobody needs directives, and libyaml
 * compares each %TAG with all before it. For texts that are read by other means than ein_yaml_parse, which does it
 * itself. */
ein_status ein_yaml_check_directives(const char *name, const char *text, size_t bytes);

/* The value of a key, or NULL. */
const ein_yaml_node *ein_yaml_get(const ein_yaml_node *map, const char *key);

/* Whether a scalar is null: nothing, ~, or null, without quotes. */
bool ein_yaml_is_null(const ein_yaml_node *node);

/* Whole UTF-8 without control characters. */
bool ein_yaml_is_clean(const char *text);

/* Write `text`, which is clean, in double quotes as YAML (and JSON) read it; and what stands between them. */
void ein_yaml_quote(FILE *stream, const char *text);
void ein_yaml_escape(FILE *stream, const char *text);

#endif
