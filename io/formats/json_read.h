/* JSON of strangers: bounded before it is parsed, and judged by a schema before anything in it is used.
 *
 * Taken: UTF-8 text of at most `max_bytes`, at most EIN_JSON_MAX_DEPTH levels deep, of at most EIN_JSON_MAX_VALUES
 * values. Refused: a key given twice, texts with control characters, NUL, numbers beyond a double.
 * Errors: EIN_FORMAT with name, place and value; EIN_NOMEM. Nothing here is collective.
 */
#ifndef EIN_IO_FORMATS_JSON_READ_H
#define EIN_IO_FORMATS_JSON_READ_H

#include <jansson.h>
#include <stddef.h>

#include "core/base/status.h"

enum { EIN_JSON_MAX_DEPTH = 16, EIN_JSON_MAX_VALUES = 1000000 };

/* Parse a whole text, which is an object; `name` stands in messages. The caller's reference. */
ein_status ein_json_parse(const char *name, const char *text, size_t bytes, size_t max_bytes, json_t **out);

/* EIN_FORMAT, naming the place ("tasks/0/edges") and the rule, unless `value` is what `schema` says. Of JSON Schema
 * these words are known: type, const, enum, properties, required, additionalProperties (false), items, minItems,
 * maxItems, minimum, maximum, exclusiveMinimum, minLength, maxLength, pattern (POSIX extended), $ref to #/$defs/NAME;
 * title, description and other words say nothing. The schema is ours: a broken one is a bug. */
ein_status ein_json_check_schema(const char *name, const json_t *value, const json_t *schema);

#endif
