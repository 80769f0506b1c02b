/* JSON as we write it: whole files, numbers that read back as the same double, texts of any bytes.
 *
 * A builder keeps the first failure (memory), so that an object is built without a check per line and asked once at
 * the end.  Nothing here is collective.
 */
#ifndef EIN_IO_FORMATS_JSON_H
#define EIN_IO_FORMATS_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

typedef struct {
    bool failed;
} ein_json_builder;

/* A text of any bytes as JSON: where it is not UTF-8, what is not ASCII becomes '?'. NULL without memory. */
json_t *ein_json_text(const char *text);

/* A number, or null if it is not finite. NULL without memory. */
json_t *ein_json_number(double value);

/* Put a value into an object under a key (of any bytes), or at the end of an array with key NULL. */
void ein_json_put(ein_json_builder *b, json_t *into, const char *key,
                  json_t *value); /* takes the reference */
void ein_json_put_text(ein_json_builder *b, json_t *into, const char *key, const char *text); /* NULL: null */
void ein_json_put_int(ein_json_builder *b, json_t *into, const char *key, int64_t value);
void ein_json_put_real(ein_json_builder *b, json_t *into, const char *key,
                       double value); /* not finite: null */
void ein_json_put_bool(ein_json_builder *b, json_t *into, const char *key, bool value);

/* A new object or array inside another; belongs to that. NULL (and failed) without memory, which the functions above
 * accept. */
json_t *ein_json_put_object(ein_json_builder *b, json_t *into, const char *key);
json_t *ein_json_put_array(ein_json_builder *b, json_t *into, const char *key);

/* EIN_NOMEM, naming `what`, if something failed. */
ein_status ein_json_done(const ein_json_builder *b, const char *what);

/* Write `object`, indented, reals with 17 significant digits, to a file that is whole or absent (io/base/durable.h). */
ein_status ein_json_write(const char *path, const json_t *object);

#endif
