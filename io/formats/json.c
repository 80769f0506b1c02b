#include "io/formats/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"

/* jansson takes UTF-8 only, and names come from tables of any origin: other bytes become '?'. */
static char *ascii_of(const char *text) {
    char *copy = strdup(text);
    for (char *c = copy; c && *c; c++)
        if (*c & 0x80) *c = '?';
    return copy;
}

json_t *ein_json_text(const char *text) {
    json_t *value = json_string(text);
    if (value) return value;
    char *ascii = ascii_of(text);
    if (ascii) value = json_string(ascii);
    free(ascii);
    return value;
}

json_t *ein_json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

void ein_json_put(ein_json_builder *b, json_t *into, const char *key, json_t *value) {
    int bad;
    if (key) {
        bad = json_object_set_new(into, key, json_incref(value));
        if (bad && value && into) { /* a key that is not UTF-8, or no memory */
            char *ascii = ascii_of(key);
            bad = ascii ? json_object_set_new(into, ascii, json_incref(value)) : -1;
            free(ascii);
        }
    } else {
        bad = json_array_append_new(into, json_incref(value));
    }
    json_decref(value);
    if (bad) b->failed = true;
}

void ein_json_put_text(ein_json_builder *b, json_t *into, const char *key, const char *text) {
    ein_json_put(b, into, key, text ? ein_json_text(text) : json_null());
}

void ein_json_put_int(ein_json_builder *b, json_t *into, const char *key, int64_t value) {
    ein_json_put(b, into, key, json_integer(value));
}

void ein_json_put_real(ein_json_builder *b, json_t *into, const char *key, double value) {
    ein_json_put(b, into, key, ein_json_number(value));
}

void ein_json_put_bool(ein_json_builder *b, json_t *into, const char *key, bool value) {
    ein_json_put(b, into, key, json_boolean(value));
}

static json_t *put_container(ein_json_builder *b, json_t *into, const char *key, json_t *made) {
    ein_json_builder here = {false};
    ein_json_put(&here, into, key, made);
    if (here.failed) b->failed = true;
    return here.failed ? NULL : made;
}

json_t *ein_json_put_object(ein_json_builder *b, json_t *into, const char *key) {
    return put_container(b, into, key, json_object());
}

json_t *ein_json_put_array(ein_json_builder *b, json_t *into, const char *key) {
    return put_container(b, into, key, json_array());
}

ein_status ein_json_done(const ein_json_builder *b, const char *what) {
    return b->failed ? ein_error(EIN_NOMEM, "no memory for %s", what) : EIN_OK;
}

ein_status ein_json_write(const char *path, const json_t *object) {
    char *text = json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    if (!text) return ein_error(EIN_NOMEM, "%s: no memory for its text", path);
    const size_t bytes = strlen(text);
    text[bytes] = '\n'; /* in place of the end: the file has none */
    const ein_status status = ein_durable_write(path, text, bytes + 1);
    free(text);
    return status;
}
